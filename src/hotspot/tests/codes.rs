//! What guests type, and what was meant.

use super::nas_sessions::{ask, at, chap, reject, request};
use super::*;
use crate::hotspot::radius_messages::Access;

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

fn one_code(bench: &mut Bench, code: &str) {
    bench.issue(VoucherRequest {
        username: Username::parse(code).unwrap(),
        passcode: Passcode::parse(code).unwrap(),
        ..VoucherRequest::default()
    });
}

#[test]
fn a_code_alone_lets_in_over_pap_and_chap_whatever_is_sent_as_password() {
    let mut bench = Bench::new();
    bench.issue(VoucherRequest {
        username: Username::parse("5a3dqr").unwrap(),
        passcode: Passcode::parse("xujx9s84").unwrap(),
        ..VoucherRequest::default()
    });
    bench.create("room 12").unwrap();
    for code in ["4711", "PIN-2026", "x2vqt9kc"] {
        one_code(&mut bench, code);
    }
    for typed in [
        "5a3dqrxujx9s84",
        "5a3dqr-xujx9s84",
        "5A3DQR-XUJX9S84",
        "5a3-dqr xujx\u{2013}9s84",
        "room 12-secret",
        "Room 12 secret",
        "4711",
        "PIN-2026",
        "pin-2026",
        "X2VQ-T9KC",
    ] {
        for password in ["", typed] {
            bench.clock.pass(120);
            for request in [request(typed, password, 1), chap(typed, password, 1)] {
                let proof = request.proof.clone();
                let access = ask(&mut bench, request);
                assert!(matches!(access, Access::Accept(_)), "{typed:?} {proof:?}: {access:?}");
            }
        }
    }
    // With its passcode beside it, by every method.
    for (typed, passcode) in [
        ("5A3DQR-XUJX9S84", "xujx9s84"),
        ("5a3dqrxujx9s84", "xujx9s84"),
        ("room 12-secret", "secret"),
    ] {
        bench.clock.pass(120);
        at(ask(&mut bench, request(typed, passcode, 1)));
        at(ask(&mut bench, chap(typed, passcode, 1)));
    }
    at(ask(&mut bench, request("5a3dqr-xujx9s84", " XUJX-9S84 ", 1)));
    // As a guest does who types it twice in two ways.
    at(ask(&mut bench, request("pin-2026", "PIN-2026", 1)));
    at(ask(&mut bench, request("PIN-2026", "pin-2026", 1)));
    for (username, password) in [
        ("5a3dqr", ""),
        ("5a3dqr", "5a3dqr"),
        ("5a3dqr-xujx9s85", ""),
        ("5a3dqr-xujx9s85", "xujx9s84"),
        ("5a3dqr-xujx9s84", "something else"),
        ("4711", "4712"),
        ("4712", ""),
    ] {
        bench.clock.pass(120);
        reject(ask(&mut bench, chap(username, password, 2)));
    }
}

#[test]
fn a_code_alone_is_one_guess_and_is_not_written_down() {
    let mut bench = Bench::new();
    one_code(&mut bench, "4711");
    bench.create("47").unwrap();
    for guess in 0..10 {
        let code = format!("47-11{guess}");
        let message = reject(ask(&mut bench, chap(&code, &code, 1))).message;
        assert_eq!(message, "Wrong password.", "{code}");
    }
    assert_eq!(reject(ask(&mut bench, chap("4711", "", 1))).message, "Too many wrong attempts.");
    at(ask(&mut bench, chap("4711", "", 2)));
    let names: Vec<String> = bench.logins().into_iter().map(|row| row.value.login).collect();
    assert_eq!(names.join(""), "4711", "{names:?}");
}

#[test]
fn a_code_is_understood_in_both_fields_of_the_portal() {
    let mut bench = Bench::new();
    one_code(&mut bench, "PIN-2026");
    bench.create("room 12").unwrap();
    for (username, passcode) in
        [("pin-2026", ""), ("pin-2026", "pin-2026"), ("room 12-secret", "room 12-secret")]
    {
        let answer = bench.login_from(1, username, passcode).unwrap();
        assert!(answer.is_ok(), "{username:?} {passcode:?}: {answer:?}");
    }
    assert!(bench.enter(1, "Pin-2026").is_ok());
    bench.login_from(2, "room 12-secrex", "room 12-secrex").unwrap().unwrap_err();
    bench.login_from(2, "room 12-secrex", "secrex").unwrap().unwrap_err();
    for request in [request("room 12-secrex", "secrex", 2), chap("room 12-secrex", "secrex", 2)] {
        reject(ask(&mut bench, request));
    }
    assert!(!format!("{:?}", bench.logins()).contains("secrex"));
}

/// 98:01:A7:CB:BB:01 as access points, switches and people write it.
const SPELLINGS: [&str; 10] = [
    "98:01:A7:CB:BB:01",
    "98:01:a7:cb:bb:01",
    "98-01-A7-CB-BB-01",
    "98-01-a7-cb-bb-01",
    "9801a7cbbb01",
    "9801A7CBBB01",
    "9801.a7cb.bb01",
    "9801A7-CBBB01",
    "9801-a7cb-bb01",
    " 9801:A7CB:BB01 ",
];

#[test]
fn a_username_that_is_a_mac_address_compares_as_one() {
    for stored in SPELLINGS {
        let mut bench = Bench::new();
        one_code(&mut bench, stored.trim());
        for typed in SPELLINGS {
            bench.clock.pass(120);
            for request in [
                request(typed, stored.trim(), 1),
                request(typed, typed, 1),
                request(typed, "", 1),
                chap(typed, typed, 1),
                chap(typed, stored.trim(), 1),
            ] {
                let access = ask(&mut bench, request);
                assert!(matches!(access, Access::Accept(_)), "{stored} {typed}: {access:?}");
            }
            assert!(bench.login_from(1, typed, typed).unwrap().is_ok(), "{stored} {typed}");
            bench.logout(1);
        }
        assert_eq!(bench.create(SPELLINGS[4]).err(), Some(UsernameTaken));
        assert!(bench.remove(SPELLINGS[6]), "{stored}");
    }
}
