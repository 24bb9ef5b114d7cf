//! Whoever guesses waits, and learns nothing meanwhile.

use super::nas_sessions::{ask, at, reject, request};
use super::*;

fn wait(answer: Result<Online, Refusal>) -> Option<u64> {
    match answer {
        Err(Refusal::TooManyTries(wait) | Refusal::TooManyTriesByOthers(wait)) => {
            Some(wait.as_secs())
        }
        _ => None,
    }
}

fn voucher(bench: &mut Bench, username: &str, passcode: &str) {
    bench.issue(VoucherRequest {
        username: Username::parse(username).unwrap(),
        passcode: Passcode::parse(passcode).unwrap(),
        ..VoucherRequest::default()
    });
}

/// A voucher whose passcode is drawn, and that.
fn drawn(bench: &mut Bench, username: &str) -> String {
    voucher(bench, username, "");
    let vouchers = bench.vouchers();
    let entry = vouchers.iter().find(|it| it.value.username.as_str() == username).unwrap();
    entry.value.passcode.secret().reveal().to_owned()
}

/// Wrong guesses, each by another device that has never signed in; how many of them were heard.
fn guess_from_all_over(bench: &mut Bench, devices: std::ops::Range<u8>) -> usize {
    let mut heard = 0;
    for device in devices {
        match bench.enter(device, &format!("guess{device}")) {
            Err(Refusal::UnknownUsername) => heard += 1,
            answer => assert!(wait(answer.clone()).is_some(), "{answer:?}"),
        }
    }
    heard
}

#[test]
fn a_device_that_guesses_waits_and_is_not_told_when_it_was_right() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    for guess in 0..10 {
        let answer = bench.login_from(1, &format!("guess{guess}"), "x").unwrap();
        assert_eq!(answer, Err(Refusal::UnknownUsername));
    }
    assert_eq!(wait(bench.login_from(1, "a", "secret").unwrap()), Some(15));
    assert_eq!(wait(bench.enter(1, "a-secret")), Some(15));
    assert_eq!(bench.kernel.pass(1), None);
    bench.clock.pass(14);
    assert_eq!(wait(bench.login_from(1, "a", "secret").unwrap()), Some(1));
    // Others do not wait.
    assert!(bench.login_from(2, "a", "secret").unwrap().is_ok());
    bench.logout(2);
    bench.clock.pass(1);
    assert!(bench.login_from(1, "a", "secret").unwrap().is_ok());
}

#[test]
fn a_voucher_that_is_guessed_at_waits_whoever_asks() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    for device in 10..40 {
        let answer = bench.login_from(device, "A ", "x").unwrap();
        assert_eq!(answer, Err(Refusal::WrongPasscode), "{device}");
    }
    assert_eq!(wait(bench.login_from(50, "a", "secret").unwrap()), Some(5));
    assert_eq!(wait(bench.enter(50, "a-secret")), Some(5));
    bench.clock.pass(5);
    assert!(bench.login_from(50, "a", "secret").unwrap().is_ok());
}

#[test]
fn a_guess_counts_once_however_many_ways_it_can_be_meant() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    // With a blank behind it, the passcode can be meant with and without.
    for device in 10..39 {
        assert_eq!(bench.login_from(device, "a", "x ").unwrap(), Err(Refusal::WrongPasscode));
    }
    assert!(bench.login_from(50, "a", "secret").unwrap().is_ok());
}

#[test]
fn what_is_right_costs_no_guesses() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    for _ in 0..20 {
        assert!(bench.login_from(1, "a", "secret").unwrap().is_ok());
    }
    // Every one costs flash, so that even these have an end.
    let answer = bench.login_from(1, "a", "secret").unwrap();
    assert_eq!(answer, Err(Refusal::TooManySignIns(Duration::from_secs(10))));
    assert!(bench.login_from(2, "a", "secret").unwrap().is_ok());
    bench.second_after(86_400);
    for _ in 0..100 {
        let answer = bench.login_from(1, "a", "secret").unwrap();
        assert!(matches!(answer, Err(Refusal::Expired(_))), "{answer:?}");
    }
}

#[test]
fn devices_that_never_signed_in_are_held_to_one_limit_together() {
    let mut bench = Bench::new();
    voucher(&mut bench, "2468", "2468");
    assert_eq!(guess_from_all_over(&mut bench, 1..200), 100);
    // The right code is not heard either, or guessing would pay.
    assert_eq!(wait(bench.enter(200, "2468")), Some(10));
    assert_eq!(bench.vouchers()[0].value.first_login, None);
    bench.clock.pass(9);
    assert_eq!(wait(bench.enter(200, "2468")), Some(1));
    bench.clock.pass(1);
    assert!(bench.enter(200, "2468").is_ok());
    // One in ten seconds, whoever asks.
    bench.clock.pass(100);
    assert_eq!(guess_from_all_over(&mut bench, 201..250), 11);
}

#[test]
fn an_exhausted_limit_does_not_tell_what_was_right() {
    let mut bench = Bench::new();
    voucher(&mut bench, "2468", "2468");
    voucher(&mut bench, "room 12", "secret");
    bench.enter(1, "2468").unwrap();
    bench.clock.pass(86_400);
    bench.second_after(1);
    guess_from_all_over(&mut bench, 10..120);
    let answers = [
        bench.enter(201, "2468"),
        bench.enter(202, "1357"),
        bench.login_from(203, "room 12", "secret").unwrap(),
        bench.login_from(204, "room 12", "wrong").unwrap(),
        bench.login_from(205, "room 13", "wrong").unwrap(),
    ];
    let told = Err(Refusal::TooManyTriesByOthers(Duration::from_secs(10)));
    assert!(answers.iter().all(|answer| *answer == told), "{answers:?}");
}

#[test]
fn a_passcode_that_was_drawn_is_heard_whatever_strangers_do() {
    let mut bench = Bench::new();
    let passcode = drawn(&mut bench, "room12");
    voucher(&mut bench, "room13", "summer25");
    voucher(&mut bench, "x2vqt9kc", "x2vqt9kc");
    guess_from_all_over(&mut bench, 10..120);
    assert!(bench.login_from(200, "room12", &passcode).unwrap().is_ok());
    // One code is half as long, and what somebody chose can be guessed.
    assert_eq!(wait(bench.enter(201, "x2vqt9kc")), Some(10));
    assert_eq!(wait(bench.login_from(203, "room13", "summer25").unwrap()), Some(10));
    // Whoever looks for one meanwhile is slowed down as well.
    for _ in 0..10 {
        assert_eq!(wait(bench.login_from(202, "room12", "x2vqt9kd").unwrap()), Some(10));
    }
    assert_eq!(wait(bench.login_from(202, "room12", &passcode).unwrap()), Some(15));
}

#[test]
fn many_devices_are_slowed_down_at_one_username_while_nobody_is_heard() {
    let mut bench = Bench::new();
    let passcode = drawn(&mut bench, "room12");
    guess_from_all_over(&mut bench, 10..120);
    for device in 120..150 {
        let answer = bench.login_from(device, "room12", "x2vqt9kd").unwrap();
        assert_eq!(wait(answer), Some(10), "{device}");
    }
    assert_eq!(wait(bench.login_from(200, "room12", &passcode).unwrap()), Some(5));
    bench.clock.pass(5);
    assert!(bench.login_from(201, "room12", &passcode).unwrap().is_ok());
}

#[test]
fn devices_with_a_shared_login_do_not_lock_each_other_out() {
    let mut bench = Bench::new();
    voucher(&mut bench, "wifi", "wifi2026");
    voucher(&mut bench, "bar", "bar");
    let passcode = drawn(&mut bench, "room12");
    for device in 1..5 {
        bench.login_from(device, "wifi", "wifi2026").unwrap().unwrap();
        bench.logout(device);
    }
    for device in 1..4 {
        for guess in 0..10 {
            bench.enter(device, &format!("guess{guess}")).unwrap_err();
        }
    }
    // What can be guessed is not heard of them.
    assert_eq!(wait(bench.enter(4, "bar")), Some(10));
    assert!(bench.login_from(4, "wifi", "wifi2026").unwrap().is_ok());
    assert!(bench.login_from(4, "room12", &passcode).unwrap().is_ok());
}

#[test]
fn whoever_claims_a_device_at_an_access_point_does_not_lock_it_out_at_the_portal() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    for _ in 0..12 {
        reject(ask(&mut bench, request("a", "wrong", 1)));
    }
    assert!(bench.login_from(1, "a", "secret").unwrap().is_ok());
    bench.logout(1);
    for _ in 0..20 {
        at(ask(&mut bench, request("a", "secret", 2)));
    }
    assert!(bench.login_from(2, "a", "secret").unwrap().is_ok());
}

#[test]
fn a_device_that_was_in_is_not_locked_out_by_strangers() {
    for restarted in [false, true] {
        let mut bench = Bench::new();
        bench.create("a").unwrap();
        bench.create("b").unwrap();
        bench.login_from(1, "a", "secret").unwrap().unwrap();
        bench.login_from(2, "b", "secret").unwrap().unwrap();
        assert!(bench.logout(1) && bench.logout(2));
        if restarted {
            let clock = bench.clock.clone();
            bench = bench.restart(clock);
        }
        for device in 10..40 {
            let answer = bench.login_from(device, "a", "x").unwrap();
            assert_eq!(answer, Err(Refusal::WrongPasscode), "{device}");
        }
        guess_from_all_over(&mut bench, 100..200);
        assert!(bench.login_from(1, "a", "secret").unwrap().is_ok());
        // With another voucher it is a stranger to that one only.
        assert_eq!(wait(bench.login_from(2, "a", "secret").unwrap()), Some(5));
        assert!(bench.login_from(2, "b", "secret").unwrap().is_ok());
        assert_eq!(wait(bench.login_from(200, "b", "secret").unwrap()), Some(10));
    }
}

#[test]
fn one_voucher_does_not_make_many_devices_good_for_guessing() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.create("b").unwrap();
    bench.login_from(250, "b", "secret").unwrap().unwrap();
    for device in 0..60 {
        bench.login_from(device, "a", "secret").unwrap().unwrap();
    }
    // One session after the other costs flash as well.
    let answer = bench.login_from(60, "a", "secret").unwrap();
    assert_eq!(answer, Err(Refusal::TooManySignIns(Duration::from_secs(10))));
    assert_eq!(guess_from_all_over(&mut bench, 0..60), 30);
    // Neither strangers nor devices of other vouchers wait for that.
    assert!(bench.login_from(250, "b", "secret").unwrap().is_ok());
    assert_eq!(guess_from_all_over(&mut bench, 100..110), 10);
}

#[test]
fn an_access_points_strangers_are_held_to_one_limit_together() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    let passcode = drawn(&mut bench, "room12");
    at(ask(&mut bench, request("a", "secret", 1)));
    for round in 0..2 {
        for device in 10..210 {
            let name = format!("{round}-{device}");
            let message = reject(ask(&mut bench, request(&name, "x", device))).message;
            let heard = round == 0 || device < 110;
            let told = if heard { "Wrong user name." } else { "Too many wrong attempts." };
            assert_eq!(message, told, "{round} {device}");
        }
    }
    let refused = reject(ask(&mut bench, request("a", "secret", 220)));
    assert!(!refused.wrong_password && refused.message == "Too many wrong attempts.");
    at(ask(&mut bench, request("a", "secret", 1)));
    at(ask(&mut bench, request("room12", &passcode, 221)));
    // The portal has a limit of its own.
    assert!(bench.login_from(222, "a", "secret").unwrap().is_ok());
}

#[test]
fn what_many_codes_begin_with_has_no_limit_of_its_own() {
    let mut bench = Bench::new();
    voucher(&mut bench, "hotel-1234", "hotel-1234");
    bench.enter(1, "hotel-1234").unwrap();
    bench.logout(1);
    for device in 10..50 {
        assert_eq!(bench.enter(device, "hotel-9999"), Err(Refusal::UnknownUsername));
    }
    assert!(bench.enter(1, "hotel-1234").is_ok());
    assert!(bench.enter(2, "hotel-1234").is_ok());
}

#[test]
fn a_device_that_was_in_with_one_name_is_a_stranger_to_others_that_a_code_may_mean() {
    let mut bench = Bench::new();
    voucher(&mut bench, "bob", "x secret");
    voucher(&mut bench, "bob x", "pear");
    bench.enter(1, "bob x pear").unwrap();
    bench.logout(1);
    bench.user("jo", &["Cleartext-Password := secret"]);
    at(ask(&mut bench, request("jo", "secret", 3)));
    for device in 10..40 {
        bench.login_from(device, "bob", "x").unwrap().unwrap_err();
    }
    assert_eq!(wait(bench.enter(1, "bob x secret")), Some(5));
    assert_eq!(wait(bench.enter(1, "bob x wrong")), Some(5));
    // Its own code is heard, whatever else it may mean.
    assert!(bench.enter(1, "bob x pear").is_ok());
    let refused = reject(ask(&mut bench, request("bob", "x secret", 1)));
    assert_eq!(refused.message, "Too many wrong attempts.");
    at(ask(&mut bench, request("bob x", "pear", 1)));
    // A user is known at an access point in the same way.
    for device in 40..70 {
        reject(ask(&mut bench, request("jo", "wrong", device)));
    }
    at(ask(&mut bench, request("jo", "secret", 3)));
    reject(ask(&mut bench, request("jo", "secret", 4)));
}
