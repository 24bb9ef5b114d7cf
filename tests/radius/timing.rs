//! Reports that come late or again, and counters that begin again, wrap or say what cannot be.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::ours::{DEAF_PORT, Ours};
use super::reports::*;

const TIME: u8 = 46;
const OCTETS: u8 = 43;
const GIGAWORDS: u8 = 53;
const DELAY: u8 = 41;
const STAMP: u8 = 55;
const THERE: Attribute = (NAS_ADDRESS, &[10, 0, 0, 2]);
const OTHER_MAC: Attribute = (CALLING_STATION, b"02-00-00-00-00-02");
const S2: Attribute = (SESSION, b"S2");

fn wall() -> u32 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as u32
}

/// With these numbers.
#[track_caller]
fn tell(ours: &Ours, status: u32, who: &[Attribute], numbers: &[(u8, u32)]) {
    let numbers: Vec<(u8, [u8; 4])> =
        numbers.iter().map(|(kind, number)| (*kind, number.to_be_bytes())).collect();
    let numbers: Vec<Attribute> = numbers.iter().map(|(kind, it)| (*kind, &it[..])).collect();
    report(ours, HERE, status, &[who, &numbers].concat());
}

/// The numbers of the sessions that are open and that nobody was told to end.
fn undisturbed(ours: &Ours) -> Vec<Value> {
    let sessions = ours.sessions().into_iter();
    sessions.filter(|it| it["trouble"].is_null()).map(|it| it["MAC"].clone()).collect()
}

const GUEST: [Attribute; 5] = [S1, ROOM1, MAC, ADDRESS, AP1];

#[test]
fn what_is_old_ends_nobody_and_is_charged() {
    let two_hours = 7200;
    for stamped in [false, true] {
        let when = |ago| [if stamped { (STAMP, wall() - ago) } else { (DELAY, ago) }];
        let ours = lobby();
        sign_in(&ours, HERE, &[OTHER_MAC, THERE]);
        // What the clock there says.
        for (status, seconds) in [(START, 0), (STOP, 1)] {
            let before = [(SESSION, &b"before"[..]), ROOM1, OTHER_MAC, THERE];
            tell(&ours, status, &before, &[(STAMP, wall() + seconds), (TIME, seconds)]);
        }
        sign_in(&ours, HERE, &[MAC, ADDRESS]);
        tell(&ours, START, &GUEST, &[]);
        let old = [S2, ROOM1, OTHER_MAC, THERE];
        tell(&ours, START, &old, &when(two_hours));
        assert_eq!(undisturbed(&ours), ["02:00:00:00:00:01"], "{:?}", ours.sessions());
        let usage = [(TIME, 600), (OCTETS, 7 * MEGABYTE)];
        tell(&ours, INTERIM, &old, &[&usage[..], &when(two_hours - 600)].concat());
        assert_eq!(ours.sessions().len(), 1, "{:?}", ours.sessions());
        let usage = [(TIME, 900), (OCTETS, 9 * MEGABYTE)];
        tell(&ours, STOP, &old, &[&usage[..], &when(two_hours - 900)].concat());
        assert_eq!(undisturbed(&ours), ["02:00:00:00:00:01"], "{:?}", ours.sessions());
        assert_eq!(charged(ours).0, 9);
    }
}

#[test]
fn a_beginning_that_comes_late_or_again_is_the_same_session() {
    let began = wall() - 300;
    let ours = lobby();
    sign_in(&ours, HERE, &[MAC, ADDRESS]);
    tell(&ours, START, &GUEST, &[(STAMP, began)]);
    let first = ours.sessions()[0]["id"].clone();
    // Sent again with both stamps renewed.
    tell(&ours, START, &GUEST, &[(STAMP, began + 7), (DELAY, 7)]);
    assert_eq!(ours.sessions()[0]["id"], first);
    tell(&ours, STOP, &GUEST, &[(STAMP, began + 300), (TIME, 300), (OCTETS, MEGABYTE)]);
    // The first transmission was under way for longer.
    tell(&ours, START, &GUEST, &[(STAMP, began)]);
    assert_eq!(ours.sessions().len(), 0);
    assert_eq!(charged(ours), (1, 1));
    // An update that overtakes the beginning.
    let ours = lobby();
    sign_in(&ours, HERE, &[MAC, ADDRESS]);
    tell(&ours, INTERIM, &GUEST, &[(STAMP, began + 300), (TIME, 300), (OCTETS, 10 * MEGABYTE)]);
    tell(&ours, START, &GUEST, &[(STAMP, began)]);
    tell(&ours, STOP, &GUEST, &[(STAMP, began + 600), (TIME, 600), (OCTETS, 20 * MEGABYTE)]);
    assert_eq!(charged(ours), (20, 1));
}

/// A report of a session after so many seconds: what it is, its time and its megabytes.
type Step = (u32, u32, Option<u32>, Option<u64>);

/// Reports with Event-Timestamp, and what is charged for them in megabytes.
#[track_caller]
fn counted(steps: &[Step], gigawords: Option<u32>) -> i64 {
    let began = wall() - 3_000;
    let ours = Ours::with("", DEAF_PORT);
    ours.voucher("room1", "pear", &[]);
    sign_in(&ours, HERE, &[MAC, ADDRESS]);
    for (status, after, time, megabytes) in steps {
        let octets = megabytes.map(|it| it * u64::from(MEGABYTE));
        let numbers = [
            Some((STAMP, began + after)),
            time.map(|time| (TIME, time)),
            octets.map(|octets| (OCTETS, octets as u32)),
            octets.and(gigawords).map(|it| (GIGAWORDS, it)),
        ];
        tell(&ours, *status, &GUEST, &numbers.into_iter().flatten().collect::<Vec<_>>());
    }
    charged(ours).0
}

fn at(after: u32, time: u32, megabytes: u64) -> Step {
    (INTERIM, after, Some(time), Some(megabytes))
}

fn end(after: u32, time: u32, megabytes: u64) -> Step {
    (STOP, after, Some(time), Some(megabytes))
}

#[test]
fn what_is_charged_is_what_was_used() {
    let start = |after| (START, after, None, None);
    let cases: [(&str, &[Step], i64); 12] = [
        ("plain", &[start(0), at(300, 300, 100), at(600, 600, 200), end(610, 610, 200)], 200),
        (
            "a second Start, counters go on",
            &[start(0), at(300, 300, 100), start(310), end(600, 600, 200)],
            200,
        ),
        (
            "a second Start, counters anew",
            &[start(0), at(300, 300, 100), start(310), end(610, 300, 100)],
            200,
        ),
        ("time and octets anew", &[start(0), at(900, 900, 200), end(1400, 400, 100)], 300),
        ("time anew", &[start(0), at(900, 900, 200), at(1300, 400, 250), end(1310, 410, 250)], 250),
        ("octets anew", &[start(0), at(300, 300, 200), end(600, 600, 100)], 300),
        (
            "imprecise",
            &[start(0), at(300, 300, 1000), at(600, 600, 999), end(900, 900, 1100)],
            1100,
        ),
        ("an end of the same second", &[start(0), at(300, 300, 100), end(300, 300, 99)], 100),
        (
            "without the upper half",
            &[start(0), at(300, 300, 2000), at(600, 600, 4000), end(900, 900, 5000)],
            5000,
        ),
        ("an end of zeroes", &[start(0), at(300, 300, 1000), end(310, 310, 0)], 1000),
        ("an end of nothing", &[start(0), at(300, 300, 100), (STOP, 310, Some(310), None)], 100),
        // Octets since the last report: at least what is more than before, and never more than all.
        ("increments", &[start(0), at(300, 300, 100), at(600, 600, 120), end(900, 900, 80)], 200),
    ];
    for (what, steps, expected) in cases {
        assert_eq!(counted(steps, None), expected, "{what}");
    }
    let zero = [start(0), at(300, 300, 2000), at(600, 600, 4000), end(900, 900, 5000)];
    assert_eq!(counted(&zero, Some(0)), 5000, "an upper half that is always 0");
}

#[test]
fn what_cannot_be_is_not_charged_and_told() {
    let ours = lobby();
    sign_in(&ours, HERE, &[MAC, ADDRESS]);
    tell(&ours, START, &GUEST, &[]);
    let usage = [(TIME, 23_311), (OCTETS, 5), (GIGAWORDS, u32::MAX)];
    tell(&ours, INTERIM, &GUEST, &usage);
    tell(&ours, INTERIM, &GUEST, &[(TIME, 600), (OCTETS, 30 * MEGABYTE)]);
    let sessions = ours.sessions();
    assert_eq!(sessions[0]["download"], 30 * MEGABYTE, "{sessions:?}");
    assert!(sessions[0]["uptime"].as_u64() < Some(300), "{sessions:?}");
    let clients = ours.cli_ok(&["client", "list"]);
    assert!(clients.contains("implausible counters"), "{clients}");
    assert!(ours.cli_ok(&["client", "show", "lobby"]).contains("not counted"));
    tell(&ours, STOP, &GUEST, &[(TIME, 610), (OCTETS, 40 * MEGABYTE)]);
    // What was counted wrong in spite of that, the operator puts right.
    let said = ours.cli_ok(&["voucher", "correct", "ROOM1", "--used-download", "3"]);
    assert!(said.contains("3.0 MB (3145728 octets) down, 0 B (0 octets) up"), "{said}");
    let unknown = ours.cli(&["voucher", "correct", "nobody", "--used-upload", "0"]);
    assert_eq!(unknown.status.code(), Some(1));
    sign_in(&ours, HERE, &[MAC, ADDRESS]);
    tell(&ours, START, &[S2, ROOM1, MAC, ADDRESS], &[]);
    assert_eq!(ours.sessions()[0]["download_left"], 97 * MEGABYTE);
    ours.cli_ok(&["voucher", "correct", "room1", "--used-download", "99"]);
    assert_eq!(ours.sessions()[0]["download_left"], MEGABYTE);
    assert_eq!(charged(ours).0, 99);
}

#[test]
fn what_a_user_may_use_survives_a_lost_start() {
    let ours = Ours::with("", DEAF_PORT);
    ours.enter("check jo Cleartext-Password := pear\ncheck jo Max-Data := 100000000\ncheck jo Max-All-Session := 3600");
    let jo: Attribute = (USER_NAME, b"jo");
    let request = super::wire::Packet::login(1, "jo", "pear").and(MAC.0, MAC.1).signed();
    super::wire::Client::to(ours.ports.auth).exchange(&request);
    // As long as a place is kept, and a little more.
    std::thread::sleep(Duration::from_secs(63));
    tell(&ours, INTERIM, &[S1, jo, MAC, ADDRESS], &[(TIME, 62), (OCTETS, 50_000_000)]);
    let session = &ours.sessions()[0];
    assert!(session["time_left"].as_u64() < Some(3600), "{session}");
    assert!(session["trouble"].is_null(), "{session}");
    tell(&ours, INTERIM, &[S1, jo, MAC, ADDRESS], &[(TIME, 63), (OCTETS, 100_000_001)]);
    let session = &ours.sessions()[0];
    assert!(session["trouble"].as_str().unwrap().contains("Data-Limit"), "{session}");
}
