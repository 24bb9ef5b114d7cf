//! Who is let in at access points, and with what.

use super::nas_sessions::{ask, at, chap, reject, request};
use super::*;
use crate::authn::Proof;
use crate::domain::rule::{Line, Subject};
use crate::hotspot::radius_messages::{Access, AccessRequest};
use crate::policy::{List, dictionary as dict};

fn refusal(bench: &mut Bench, request: AccessRequest) -> String {
    reject(ask(bench, request)).message
}

#[test]
fn a_voucher_lets_in_as_on_the_portal() {
    let mut bench = Bench::new();
    bench.limited("Room 1", 100, 10);
    let accept = at(ask(&mut bench, request("room 1 ", "secret", 1)));
    assert_eq!(accept.left.time, Some(Duration::from_secs(86_400)));
    assert_eq!((accept.left.download, accept.left.upload), (Some(100 << 20), Some(10 << 20)));
    assert_eq!(accept.until, Some(stamp(START + 86_400)));
    assert_eq!(accept.idle_timeout, 900);
    assert!(accept.reply.get(dict::USER_NAME).is_none());
    assert!(matches!(ask(&mut bench, chap("ROOM 1", "secret", 1)), Access::Accept(_)));
    let voucher = bench.vouchers().remove(0).value;
    assert_eq!((voucher.first_login, voucher.mac), (Some(stamp(START)), Some(mac(1))));
    let logins = bench.logins();
    let row = |it: &Entry<LoginRecord>| (it.value.method.word(), it.value.mac, it.value.times);
    assert_eq!(logins.iter().map(row).collect::<Vec<_>>(), [("radius", Some(mac(1)), 2)]);
}

#[test]
fn the_first_login_survives_a_power_cut() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    at(ask(&mut bench, request("a", "secret", 1)));
    let clock = TestClock::at(START + 100_000, true, "boot-2");
    let mut bench = bench.power_cut(clock);
    assert_eq!(bench.vouchers()[0].value.first_login, Some(stamp(START)));
    assert_eq!(
        refusal(&mut bench, request("a", "secret", 1)),
        "The user has expired or not valid."
    );
}

#[test]
fn a_later_login_is_written_down_within_a_minute() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    at(ask(&mut bench, request("a", "secret", 1)));
    bench.minutes(1);
    at(ask(&mut bench, request("a", "secret", 1)));
    bench.minutes(1);
    let mut bench = bench.power_cut(TestClock::at(START + 300, true, "boot-2"));
    assert_eq!(bench.vouchers()[0].value.last_login, Some(stamp(START + 60)));
}

#[test]
fn a_code_that_is_typed_into_one_field_is_understood_and_not_passed_on() {
    let mut bench = Bench::new();
    let voucher = bench.write(|reply| Write::CreateVouchers {
        request: Box::default(),
        count: 1,
        batch: None,
        reply,
    });
    let voucher = voucher.unwrap().unwrap().remove(0).value;
    let (name, passcode) = (voucher.username.as_str(), voucher.passcode.secret().reveal());
    let accept = at(ask(&mut bench, request(&format!("{name}-{passcode}"), "", 1)));
    assert_eq!(accept.reply.text(dict::USER_NAME), Some(name));
}

#[test]
fn who_is_refused_is_told_why() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    let wrong = reject(ask(&mut bench, request("a", "Secret", 1)));
    assert_eq!((wrong.message.as_str(), wrong.wrong_password), ("Wrong password.", true));
    assert_eq!(refusal(&mut bench, request("b", "secret", 1)), "Wrong user name.");
    assert_eq!(refusal(&mut bench, chap("a", "secret ", 1)), "Wrong password.");
    let nothing = AccessRequest { proof: Proof::Nothing, ..request("a", "", 1) };
    assert_eq!(refusal(&mut bench, nothing), "Wrong password.");
    let refused: Vec<_> = bench.logins().into_iter().map(|it| it.value.refusal).collect();
    assert_eq!(refused[0].as_deref(), Some("Wrong password."));
}

#[test]
fn one_device_that_guesses_has_to_wait_and_others_do_not() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.create("b").unwrap();
    for _ in 0..10 {
        refusal(&mut bench, request("a", "wrong", 1));
    }
    let waits = reject(ask(&mut bench, request("b", "secret", 1)));
    assert_eq!((waits.message.as_str(), waits.wrong_password), ("Too many wrong attempts.", false));
    at(ask(&mut bench, request("a", "secret", 2)));
    bench.clock.pass(16);
    at(ask(&mut bench, request("b", "secret", 1)));
}

#[test]
fn an_access_point_that_asks_for_every_device_is_no_guesser() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    for _ in 0..50 {
        let name = mac(1).to_string();
        refusal(&mut bench, request(&name, &name, 1));
    }
    at(ask(&mut bench, request("a", "secret", 1)));
}

#[test]
fn a_search_through_one_access_point_with_ever_new_devices_comes_to_its_end() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    for number in 0..600u16 {
        let mut wrong = request(&format!("code{number}"), "x", 1);
        let [high, low] = number.to_be_bytes();
        wrong.station = Some(Mac::new([2, 0, 0, 0, high, low]));
        refusal(&mut bench, wrong);
    }
    assert_eq!(refusal(&mut bench, request("a", "secret", 9)), "Too many wrong attempts.");
    bench.clock.pass(10);
    at(ask(&mut bench, request("a", "secret", 9)));
}

/// An access point's question, and its further ones until no hash is left to be worked at.
fn worked(bench: &mut Bench, mut request: AccessRequest, typed: &str) -> Access {
    for _ in 0..3 {
        match ask(bench, request.clone()) {
            Access::Slow(hash) => {
                let fits = crate::authn::crypt_fits(&Secret::new(typed), &hash);
                request.hashed.push((hash, fits));
            }
            decided => return decided,
        }
    }
    panic!("it asks for ever");
}

#[test]
fn of_several_slow_hashes_any_may_fit_and_each_is_worked_at_once() {
    let mut bench = Bench::new();
    let subject = Subject::User(Username::parse("jo").unwrap().unwrap());
    let hashes = ["$1$abcdefgh$fOvfIxCwX1O8SZZ9T482C0", "$1$hgfedcba$VrGSghr0i9oTFALAraYXo/"];
    for (operator, hash) in [":=", "+="].into_iter().zip(hashes) {
        let attribute = "Crypt-Password".to_owned();
        let line = Line { attribute, operator: operator.to_owned(), value: hash.to_owned() };
        bench.hotspot.store.insert_rule(&subject, List::Check, &line).unwrap();
    }
    for typed in ["first", "second"] {
        at(worked(&mut bench, request("jo", typed, 1), typed));
    }
    let wrong = reject(worked(&mut bench, request("jo", "third", 1), "third"));
    assert_eq!(wrong.message, "Wrong password.");
}
