//! What guests type, and what was meant.

use super::*;

#[test]
fn a_code_is_understood_however_it_is_typed() {
    let mut bench = Bench::new();
    bench.issue(VoucherRequest {
        username: Username::parse("abcdef").unwrap(),
        passcode: Passcode::parse("ghjkmnpq").unwrap(),
        ..VoucherRequest::default()
    });
    for code in [
        "abcdefghjkmnpq",
        "ABCDEFghjkmnpq",
        "abcdef ghjkmnpq",
        "abcdef-ghjkmnpq",
        "abcdef  ghjkmnpq ",
        "  abcdefghjkmnpq",
        "abcd efgh jkmn pq",
        "abcdef-ghjk-mnpq",
    ] {
        assert!(bench.enter(1, code).is_ok(), "{code:?}");
        assert!(bench.login_from(1, code, " ").unwrap().is_ok(), "{code:?} in the first field");
        bench.logout(1);
    }
    for code in ["abcdef", "ghjkmnpq", "abcdefGHJKMNPQ", "abcdefghjkmnp", "abcdefghjkmnpqq", ""] {
        assert_eq!(bench.enter(2, code), Err(Refusal::UnknownUsername), "{code:?}");
    }
}

#[test]
fn chosen_names_and_passcodes_make_codes_as_well() {
    let mut bench = Bench::new();
    bench.create("room 12").unwrap();
    bench.create("bed-and-breakfast").unwrap();
    bench.create("same").unwrap();
    bench.issue(VoucherRequest {
        username: Username::parse("2468").unwrap(),
        passcode: Passcode::parse("2468").unwrap(),
        ..VoucherRequest::default()
    });
    assert!(bench.enter(1, "bed-and-breakfast-secret").is_ok());
    assert!(bench.enter(1, "same secret").is_ok());
    assert!(bench.enter(1, " 2468 ").is_ok());
    assert!(bench.login_from(1, "2468", "").unwrap().is_ok());
    assert_eq!(bench.enter(2, "same"), Err(Refusal::UnknownUsername));
    // Keyboards put a blank behind what they complete.
    assert!(bench.login_from(2, "Room 12 ", "secret ").unwrap().is_ok());
    assert_eq!(bench.login_from(2, "room 12", "sec ret").unwrap(), Err(Refusal::WrongPasscode));
}

#[test]
fn a_passcode_with_blanks_at_its_ends_is_not_lost() {
    let mut bench = Bench::new();
    bench.issue(VoucherRequest {
        username: Username::parse("a").unwrap(),
        passcode: Passcode::parse(" x ").unwrap(),
        ..VoucherRequest::default()
    });
    assert!(bench.login_from(1, "a", " x ").unwrap().is_ok());
    assert_eq!(bench.login_from(1, "a", "x").unwrap(), Err(Refusal::WrongPasscode));
}

#[test]
fn no_code_reaches_the_log() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.enter(1, "a-s3cr3t").unwrap_err();
    bench.login_from(1, "a-s3cr3t", "").unwrap().unwrap_err();
    assert!(!format!("{:?}", bench.logins()).contains("s3cr3t"));
    assert_eq!(bench.logins().len(), 2);
    bench.enter(1, "a-secret").unwrap();
    assert_eq!(bench.logins()[2].value.login, "a");
}
