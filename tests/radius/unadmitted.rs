//! Reports about people whom we never let in, and reports that are sent again by others.

use std::time::Duration;

use serde_json::Value;

use super::ours::{DEAF_PORT, Ours};
use super::peers::SECRET;
use super::wire::{ACCESS_ACCEPT, ACCOUNTING_RESPONSE, Client, Packet, checked};

const START: u32 = 1;
const STOP: u32 = 2;
const INTERIM: u32 = 3;
const ACCOUNTING_ON: u32 = 7;

const EVENT_TIMESTAMP: u8 = 55;
const NOW: u32 = 1_800_000_000;

/// Two access points with sections of their own.
fn two_clients() -> Ours {
    let section = |name: &str, address: &str| {
        format!(
            "config client '{name}'\noption address '{address}'\noption secret '{SECRET}'\n\
             option coa_port '{DEAF_PORT}'\n"
        )
    };
    let ours = Ours::sections(&(section("lobby", "127.0.0.2") + &section("pool", "127.0.0.3")));
    ours.voucher("room12", "pear", &[("download_limit", "10")]);
    ours
}

#[track_caller]
fn let_in(ours: &Ours, address: &str, device: u8) {
    let request = Packet::login(1, "room12", "pear").and(31, mac(device).as_bytes()).signed();
    let answer = Client::from(address, ours.ports.auth).exchange(&request);
    assert_eq!(checked(&answer, &request).code, ACCESS_ACCEPT);
}

fn mac(device: u8) -> String {
    format!("02-00-00-00-00-{device:02X}")
}

/// A report of a session of room12.
fn report(id: u8, status: u32, session: &str, device: u8) -> Packet {
    Packet::account(id, status, session, "room12").and(31, mac(device).as_bytes())
}

fn used(packet: Packet, seconds: u32, octets: u32) -> Packet {
    packet.and(46, &seconds.to_be_bytes()).and(43, &octets.to_be_bytes())
}

fn at(packet: Packet, seconds: u32) -> Packet {
    packet.and(EVENT_TIMESTAMP, &(NOW + seconds).to_be_bytes())
}

#[track_caller]
fn send(ours: &Ours, address: &str, packet: Packet) -> Vec<u8> {
    let bytes = packet.stamped(SECRET);
    replay(ours, address, &bytes);
    bytes
}

/// From another port than before: no duplicate.
#[track_caller]
fn replay(ours: &Ours, address: &str, bytes: &[u8]) {
    let answer = Client::from(address, ours.ports.acct).exchange(bytes);
    assert_eq!(checked(&answer, bytes).code, ACCOUNTING_RESPONSE);
}

/// The sessions at an access point that were let in and that nobody has been told to end.
fn undisturbed(ours: &Ours, client: &str) -> Vec<Value> {
    let sessions = ours.sessions().into_iter();
    sessions.filter(|it| it["network"] == client && it["trouble"].is_null()).collect()
}

#[test]
fn a_report_about_somebody_we_never_let_in_ends_nobodys_session() {
    let ours = two_clients();
    let_in(&ours, "127.0.0.2", 1);
    send(&ours, "127.0.0.2", report(1, START, "a1", 1));
    assert_eq!(undisturbed(&ours, "lobby").len(), 1);
    // A beginning, an update of a session that we never heard of, an end, and all data used up.
    let everything = u32::MAX;
    send(&ours, "127.0.0.3", report(1, START, "x1", 9));
    send(&ours, "127.0.0.3", used(report(2, INTERIM, "x2", 8), 60, everything));
    send(&ours, "127.0.0.3", used(report(3, STOP, "x3", 7), 60, everything));
    // The device of the guest, and the number of the guest's session, as if it were there.
    send(&ours, "127.0.0.3", used(report(4, START, "a1", 1), 0, 0));
    send(&ours, "127.0.0.3", used(report(5, STOP, "a1", 1), 60, everything));
    send(&ours, "127.0.0.3", Packet::account(6, ACCOUNTING_ON, "0", "room12"));
    let sessions = undisturbed(&ours, "lobby");
    assert_eq!(sessions.len(), 1, "{:?}", ours.sessions());
    assert_eq!(sessions[0]["download_left"], 10 * 1024 * 1024, "{sessions:?}");
    // Nor does it take the place of who comes next.
    let_in(&ours, "127.0.0.2", 2);
}

#[test]
fn a_beginning_that_others_send_again_after_the_end_begins_nothing() {
    for stamped in [true, false] {
        let ours = two_clients();
        let with = |packet: Packet, seconds| if stamped { at(packet, seconds) } else { packet };
        let_in(&ours, "127.0.0.2", 1);
        let start = send(&ours, "127.0.0.2", with(report(1, START, "a1", 1), 0));
        let interim = used(report(2, INTERIM, "a1", 1), 1, 1000);
        let interim = send(&ours, "127.0.0.2", with(interim, 1));
        let stop = used(report(3, STOP, "a1", 1), 1, 1000);
        let stop = send(&ours, "127.0.0.2", with(stop, 1));
        // Somewhere else, with the same voucher.
        let_in(&ours, "127.0.0.3", 2);
        send(&ours, "127.0.0.3", report(1, START, "b1", 2));
        std::thread::sleep(Duration::from_secs(5));
        for bytes in [&start, &interim, &stop, &start] {
            replay(&ours, "127.0.0.2", bytes);
        }
        assert_eq!(undisturbed(&ours, "lobby").len(), 0, "{stamped}");
        let sessions = ours.sessions();
        assert_eq!(undisturbed(&ours, "pool").len(), 1, "{stamped}: {sessions:?}");
        assert_eq!(sessions.len(), 1, "{stamped}: {sessions:?}");
    }
}

#[test]
fn a_beginning_that_others_send_again_meanwhile_does_not_begin_anew() {
    for stamped in [true, false] {
        let ours = two_clients();
        let with = |packet: Packet, seconds| if stamped { at(packet, seconds) } else { packet };
        let_in(&ours, "127.0.0.2", 1);
        let start = send(&ours, "127.0.0.2", with(report(1, START, "a1", 1), 0));
        send(&ours, "127.0.0.2", with(used(report(2, INTERIM, "a1", 1), 60, 1000), 60));
        let before = ours.sessions();
        std::thread::sleep(Duration::from_secs(3));
        replay(&ours, "127.0.0.2", &start);
        let after = ours.sessions();
        assert_eq!(after[0]["id"], before[0]["id"], "{stamped}: {after:?}");
        assert_eq!(after[0]["download"], 1000, "{stamped}: {after:?}");
    }
}

#[test]
fn a_number_that_is_given_again_after_a_new_sign_in_is_another_session() {
    for stamped in [true, false] {
        let ours = two_clients();
        let with = |packet: Packet, seconds| if stamped { at(packet, seconds) } else { packet };
        let_in(&ours, "127.0.0.2", 1);
        send(&ours, "127.0.0.2", with(report(1, START, "1", 1), 0));
        let stop = used(report(2, STOP, "1", 1), 60, 1000);
        let stop = send(&ours, "127.0.0.2", with(stop, 60));
        let_in(&ours, "127.0.0.2", 1);
        send(&ours, "127.0.0.2", with(report(3, START, "1", 1), 100));
        assert_eq!(ours.sessions().len(), 1, "{stamped}");
        // The end of the former one belongs to the former one.
        if stamped {
            replay(&ours, "127.0.0.2", &stop);
            assert_eq!(ours.sessions().len(), 1);
        }
    }
}

#[test]
fn a_restart_of_an_access_point_that_others_send_again_ends_nothing() {
    let ours = two_clients();
    let on = send(&ours, "127.0.0.2", at(Packet::account(1, ACCOUNTING_ON, "0", ""), 0));
    let_in(&ours, "127.0.0.2", 1);
    send(&ours, "127.0.0.2", at(report(2, START, "a1", 1), 30));
    replay(&ours, "127.0.0.2", &on);
    assert_eq!(ours.sessions().len(), 1);
    send(&ours, "127.0.0.2", at(Packet::account(3, ACCOUNTING_ON, "0", ""), 90));
    assert_eq!(ours.sessions().len(), 0);
}

#[test]
fn what_was_never_let_in_is_shown_and_not_stored() {
    let ours = two_clients();
    send(&ours, "127.0.0.3", Packet::account(1, START, "x1", "staff-laptop"));
    let sessions = ours.sessions();
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    assert_eq!(sessions[0]["login"], "staff-laptop");
    assert!(sessions[0]["trouble"].as_str().unwrap().contains("never let in"), "{sessions:?}");
    let mut ours = ours;
    ours.daemon.stop();
    ours.daemon.launch();
    assert_eq!(ours.sessions(), Vec::<Value>::new());
}

/// As [`Packet::account`], of somebody new every time.
fn somebody(number: u32, status: u32) -> Packet {
    Packet::account(number as u8, status, &format!("s{number}"), &format!("nobody{number}"))
}

#[test]
fn a_flood_of_beginnings_is_bounded_in_table_and_log() {
    let mut ours = two_clients();
    let_in(&ours, "127.0.0.2", 1);
    send(&ours, "127.0.0.2", report(1, START, "a1", 1));
    let flood = Client::from("127.0.0.3", ours.ports.acct);
    for number in 0..2000 {
        flood.exchange(&somebody(number, START).stamped(SECRET));
    }
    assert_eq!(undisturbed(&ours, "lobby").len(), 1);
    let open = ours.sessions().len();
    assert!(open < 1500, "{open}");
    for number in 0..2000 {
        flood.exchange(&somebody(number, STOP).stamped(SECRET));
    }
    assert_eq!(ours.sessions().len(), 1);
    let log = ours.log();
    let lines = log.lines().filter(|line| !line.contains("debug:")).count();
    assert!(lines < 100, "{lines} lines");
    assert!(
        log.contains("client 'pool' reports sessions of people who were never let in"),
        "{log}"
    );
    ours.daemon.stop();
    let store = rusqlite::Connection::open(ours.database()).unwrap();
    let rows: i64 = store.query_row("SELECT count(*) FROM session", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 1);
}
