//! Whoever guesses waits, and learns nothing meanwhile.

use super::*;

fn wait(answer: Result<Online, Refusal>) -> Option<u64> {
    match answer {
        Err(Refusal::TooManyTries(wait)) => Some(wait.as_secs()),
        _ => None,
    }
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
    assert!(matches!(answer, Err(Refusal::TooManyTries(_))), "{answer:?}");
    assert!(bench.login_from(2, "a", "secret").unwrap().is_ok());
    bench.second_after(86_400);
    for _ in 0..100 {
        let answer = bench.login_from(1, "a", "secret").unwrap();
        assert!(matches!(answer, Err(Refusal::Expired(_))), "{answer:?}");
    }
}
