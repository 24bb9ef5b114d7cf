//! Access-Requests that somebody recorded and sends again, without knowing the secret.

use std::time::Duration;

use serde_json::Value;

use super::ours::{DEAF_PORT, Ours};
use super::wire::{
    ACCESS_ACCEPT, ACCESS_REJECT, ACCOUNTING_RESPONSE, Client, Packet, STATUS_SERVER, checked,
};

/// Answers that are kept at most.
const KEPT: usize = 4096;

fn login(id: u8, password: &str, device: u8) -> Packet {
    Packet::login(id, "room12", password).and(31, mac(device).as_bytes())
}

fn mac(device: u8) -> String {
    format!("02-00-00-00-00-{device:02X}")
}

/// From a port that nobody used before.
#[track_caller]
fn ask(ours: &Ours, request: &[u8]) -> u8 {
    checked(&Client::to(ours.ports.auth).exchange(request), request).code
}

/// Has the answers to everything so far forgotten, without waiting for it.
fn push_out_answers(ours: &Ours) {
    let client = Client::from("127.0.0.9", ours.ports.auth);
    for number in 0..=KEPT {
        client.exchange(&Packet::new(STATUS_SERVER, number as u8).signed());
    }
}

/// Sends a recorded request from a port of its own; it gets no answer.
#[track_caller]
fn replay(ours: &Ours, request: &[u8]) {
    let client = Client::to(ours.ports.auth);
    client.send(request);
    let status = Packet::new(STATUS_SERVER, 255).signed();
    let answer = client.exchange(&status);
    assert_eq!(answer[1], 255, "an answer to a replayed request: {answer:?}");
    // A reject would take a second.
    assert_eq!(client.receive_within(Duration::from_millis(1500)), None);
}

fn dropped_as_replayed(ours: &Ours) -> u64 {
    let text = ours.cli_ok(&["client", "list", "--format", "json"]);
    let clients: Value = serde_json::from_str(&text).unwrap();
    let lobby = clients.as_array().unwrap().iter().find(|it| it["name"] == "lobby").unwrap();
    lobby["dropped"]["replayed Access-Request"].as_u64().unwrap_or(0)
}

#[test]
fn a_recorded_sign_in_takes_nobodys_place() {
    let ours = Ours::start();
    ours.voucher("room12", "pear", &[]);
    let start = |session: &str, device: u8| {
        let report = Packet::account(device, 1, session, "room12");
        let report = report.and(31, mac(device).as_bytes()).stamped(super::peers::SECRET);
        let answer = Client::to(ours.ports.acct).exchange(&report);
        assert_eq!(checked(&answer, &report).code, ACCOUNTING_RESPONSE);
    };
    let recorded = login(1, "pear", 1).signed();
    assert_eq!(ask(&ours, &recorded), ACCESS_ACCEPT);
    start("a1", 1);
    // The other phone of the same guest comes in its place.
    assert_eq!(ask(&ours, &login(2, "pear", 2).signed()), ACCESS_ACCEPT);
    start("b1", 2);
    push_out_answers(&ours);
    replay(&ours, &recorded);
    let sessions = ours.sessions();
    let second = sessions.iter().find(|it| it["MAC"] == "02:00:00:00:00:02");
    assert!(second.is_some_and(|it| it["trouble"].is_null()), "{sessions:?}");
    let logins = ours.get(&[("action", "get_logins")]).json();
    assert_eq!(logins["logins"].as_array().unwrap().len(), 2, "{logins}");
    assert_eq!(dropped_as_replayed(&ours), 1);
    ours.wait_for_log("an Access-Request came again that was answered before");
}

#[test]
fn a_recorded_mistake_is_no_guess() {
    let ours = Ours::start();
    ours.voucher("room12", "pear", &[]);
    let recorded = login(1, "paer", 1).signed();
    assert_eq!(ask(&ours, &recorded), ACCESS_REJECT);
    push_out_answers(&ours);
    let replayer = Client::to(ours.ports.auth);
    for _ in 0..20 {
        replayer.send(&recorded);
    }
    replay(&ours, &recorded);
    assert_eq!(ask(&ours, &login(2, "pear", 1).signed()), ACCESS_ACCEPT);
    assert_eq!(dropped_as_replayed(&ours), 21);
}

#[test]
fn what_may_be_unsigned_may_not_be_changed_and_sent_again() {
    let ours = Ours::with("option require_message_authenticator '0'", DEAF_PORT);
    ours.voucher("room12", "pear", &[]);
    for (id, signed) in [(1, false), (2, true)] {
        let request = login(id, "pear", id);
        let bytes = if signed { request.clone().signed() } else { request.bytes() };
        assert_eq!(ask(&ours, &bytes), ACCESS_ACCEPT);
        push_out_answers(&ours);
        replay(&ours, &bytes);
        // Without the signature, as another request of another device.
        let mut changed = Packet { id: id + 100, ..request }.and(32, b"elsewhere");
        changed.attributes[2].1 = mac(9).into_bytes();
        changed.attributes[0].1 = b"ROOM12".to_vec();
        replay(&ours, &changed.bytes());
    }
    assert_eq!(dropped_as_replayed(&ours), 4);
}

#[test]
fn a_client_that_asks_again_from_another_port_gets_its_answer() {
    let ours = Ours::start();
    ours.voucher("room12", "pear", &[]);
    for (request, code) in [
        (login(1, "pear", 1).signed(), ACCESS_ACCEPT),
        (login(2, "paer", 1).signed(), ACCESS_REJECT),
    ] {
        let first = Client::to(ours.ports.auth).exchange(&request);
        assert_eq!(checked(&first, &request).code, code);
        for _ in 0..15 {
            assert_eq!(Client::to(ours.ports.auth).exchange(&request), first);
        }
    }
    // Decided once each: neither a second sign-in nor a second guess.
    let logins = ours.get(&[("action", "get_logins")]).json();
    assert_eq!(logins["logins"].as_array().unwrap().len(), 2, "{logins}");
    assert_eq!(ask(&ours, &login(3, "pear", 1).signed()), ACCESS_ACCEPT);
    assert_eq!(dropped_as_replayed(&ours), 0);
}

/// Says that its octets were counted from this side (ChilliSpot-Acct-View-Point).
fn counted_from(report: Packet, side: u8) -> Packet {
    let vendor = 14559_u32.to_be_bytes();
    report.and(26, &[&vendor[..], &[10, 6, 0, 0, 0, side]].concat())
}

#[test]
fn a_recorded_report_tells_nothing_of_its_access_point() {
    let ours = Ours::with("option vendor 'coovachilli'", DEAF_PORT);
    ours.voucher("room12", "pear", &[]);
    let mut number = 0;
    let mut report = |status, seconds: u32, side| {
        number += 1;
        let report = Packet::account(number, status, "a1", "room12").and(31, mac(1).as_bytes());
        let report = report.and(46, &seconds.to_be_bytes());
        counted_from(report, side).stamped(super::peers::SECRET)
    };
    let send = |report: &[u8]| {
        let answer = Client::to(ours.ports.acct).exchange(report);
        assert_eq!(checked(&answer, report).code, ACCOUNTING_RESPONSE);
    };
    assert_eq!(ask(&ours, &login(1, "pear", 1).signed()), ACCESS_ACCEPT);
    let recorded = [report(1, 0, 2), report(3, 60, 2)];
    recorded.iter().for_each(|report| send(report));
    let shown = || ours.cli_ok(&["client", "show", "lobby"]);
    assert!(shown().contains("the guest's, as it says"), "{}", shown());
    // It is set up otherwise.
    send(&report(3, 120, 1));
    assert!(shown().contains("the access point's, as it says"), "{}", shown());
    recorded.iter().for_each(|report| send(report));
    assert!(shown().contains("the access point's, as it says"), "{}", shown());
}
