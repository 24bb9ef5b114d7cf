//! What guests type, and what was meant.

use super::remote::{ask, at, chap, reject, request};
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
        "abcdefGHJKMNPQ",
        "ABCDEF-GHJKMNPQ",
        "abcdef\u{2013}ghjkmnpq",
        "abcdef\u{2212}ghjk\u{ad}mnpq",
        "\u{feff}abcdef\u{200b}ghjkmnpq\u{200e}",
        "abcdef/ghjk.mnpq_",
        "abcdef\tghjk\r\nmnpq",
        "\u{ff41}\u{ff42}\u{ff43}\u{ff24}\u{ff25}\u{ff26}\u{30fc}ghjkmnpq",
    ] {
        bench.clock.pass(20);
        assert!(bench.enter(1, code).is_ok(), "{code:?}");
        assert!(bench.login_from(1, code, " ").unwrap().is_ok(), "{code:?} in the first field");
        bench.logout(1);
    }
    for code in ["abcdef", "ghjkmnpq", "abcdefghjkmnp", "abcdefghjkmnpqq", ""] {
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

#[test]
fn halves_of_generated_codes_are_understood_however_they_are_typed() {
    let mut bench = Bench::new();
    let voucher = |bench: &mut Bench, username: &str, passcode: &str| {
        bench.issue(VoucherRequest {
            username: Username::parse(username).unwrap(),
            passcode: Passcode::parse(passcode).unwrap(),
            ..VoucherRequest::default()
        });
    };
    voucher(&mut bench, "5a3dqr", "xujx9s84");
    voucher(&mut bench, "room-12", "x2vqt9kc");
    for (username, passcode) in [
        ("5A3DQR", "Xujx9s84"),
        ("5a3-dqr ", " XUJX\u{2011}9S84\u{200b}"),
        ("5a3 dqr", "xujx\n9s84"),
        ("Room-12\u{200e}", "X2VQ T9KC"),
    ] {
        let answer = bench.login_from(1, username, passcode).unwrap();
        assert!(answer.is_ok(), "{username:?} {passcode:?}: {answer:?}");
    }
    for code in ["room-12-X2VQ-T9KC", "room-12x2vqt9kc", "ROOM-12 \u{2013} x2vq.t9kc"] {
        assert!(bench.enter(1, code).is_ok(), "{code:?}");
    }
    assert_eq!(bench.login_from(1, "room12", "x2vqt9kc").unwrap(), Err(Refusal::UnknownUsername));
}

#[test]
fn what_was_chosen_stays_exact_but_for_its_unicode_form() {
    let mut bench = Bench::new();
    for (username, passcode) in [
        ("Zoe\u{308}", "cafe\u{301}"),
        ("upper", "SUMMER26"),
        ("lower", "summer26"),
        ("cased", "Abc-12"),
    ] {
        bench.issue(VoucherRequest {
            username: Username::parse(username).unwrap(),
            passcode: Passcode::parse(passcode).unwrap(),
            ..VoucherRequest::default()
        });
    }
    for (username, passcode) in [
        ("zo\u{eb}", "caf\u{e9}"),
        ("ZOE\u{308}\u{200b}", "\u{feff}cafe\u{301}"),
        ("upper", "SUMMER26"),
        // Of the form of generated ones, which have one case.
        ("lower", "SUMMER-26"),
        ("cased", "Abc-12\u{200e}"),
    ] {
        let answer = bench.login_from(1, username, passcode).unwrap();
        assert!(answer.is_ok(), "{username:?} {passcode:?}: {answer:?}");
    }
    for (username, passcode) in
        [("upper", "summer26"), ("upper", "SUMMER-26"), ("cased", "abc-12"), ("cased", "Abc12")]
    {
        let answer = bench.login_from(2, username, passcode).unwrap();
        assert_eq!(answer, Err(Refusal::WrongPasscode), "{username:?} {passcode:?}");
    }
}

#[test]
fn an_access_point_may_send_codes_as_they_were_typed() {
    let mut bench = Bench::new();
    bench.issue(VoucherRequest {
        username: Username::parse("5a3dqr").unwrap(),
        passcode: Passcode::parse("xujx9s84").unwrap(),
        ..VoucherRequest::default()
    });
    bench.issue(VoucherRequest {
        username: Username::parse("zo\u{eb}").unwrap(),
        passcode: Passcode::parse("caf\u{e9}").unwrap(),
        ..VoucherRequest::default()
    });
    for (username, passcode) in [
        ("5A3-DQR", "XUJX\u{2013}9S84"),
        ("5a3dqr\u{2212}XUJX9S84", ""),
        ("zoe\u{308}", "cafe\u{301}"),
    ] {
        at(ask(&mut bench, request(username, passcode, 1)));
    }
    for typed in ["xujx9s84", "Xujx9s84", "XUJX9S84"] {
        at(ask(&mut bench, chap("5A3 dqr", typed, 1)));
    }
    reject(ask(&mut bench, request("zo\u{eb}", "CAF\u{c9}", 1)));
}
