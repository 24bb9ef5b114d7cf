//! What the API says that a guest has used.

use serde_json::Value;

use crate::support::{Hotspot, Node};

/// In front of a datagram's octets, as far as it is counted.
const UP_HEADERS: u64 = 8 + 20;
const DOWN_HEADERS: u64 = UP_HEADERS + 14;
/// In front of a segment's octets: TCP with time stamps, IPv4.
const UP_SEGMENT: u64 = 32 + 20;
const DOWN_SEGMENT: u64 = UP_SEGMENT + 14;
const SEGMENT: u64 = 1500 - UP_SEGMENT;

/// What iperf3 says it has moved: datagrams and octets.
fn moved(guest: &Node, words: &str) -> (u64, u64) {
    let words: Vec<&str> = ["iperf3", "-J"].into_iter().chain(words.split(' ')).collect();
    let report: Value = serde_json::from_str(&guest.ok(&words)).unwrap();
    let end = &report["end"];
    if words.contains(&"-u") {
        let sum = &end["sum"];
        (sum["packets"].as_u64().unwrap(), sum["bytes"].as_u64().unwrap())
    } else {
        (0, end["sum_received"]["bytes"].as_u64().unwrap())
    }
}

/// How much more than was sent may be counted.
const STRAY: f64 = 0.01;
/// The same where TCP sends again what it takes for lost: the more, the busier this machine.
const RETRANSMITTED: f64 = 0.1;

fn agree(what: &str, counted: u64, sent: u64, more: f64) {
    eprintln!("{what}: counted {counted}, sent {sent}");
    let off = counted as f64 / sent as f64 - 1.0;
    assert!(off > -STRAY && off < more, "{what}: counted {counted}, sent {sent}");
}

#[test]
fn octets_are_counted_as_they_were_sent() {
    let Some(hotspot) = Hotspot::open() else { return };
    let (guest, wan) = (hotspot.lab.node("guest1"), hotspot.lab.fact("wan4"));
    hotspot.sign_in(&guest, &hotspot.voucher(&[]));
    let mut before = hotspot.settled_usage(&guest);
    let mut usage = |words: &str| {
        let sent = moved(&guest, words);
        let after = hotspot.settled_usage(&guest);
        let counted = after.since(before);
        before = after;
        (counted, sent)
    };
    let (counted, (datagrams, octets)) = usage(&format!("-c {wan} -u -b 20M -l 1000 -t 2"));
    agree("UDP upload", counted.upload, octets + datagrams * UP_HEADERS, STRAY);
    let (counted, (datagrams, octets)) = usage(&format!("-c {wan} -u -b 20M -l 1000 -t 2 -R"));
    agree("UDP download", counted.download, octets + datagrams * DOWN_HEADERS, STRAY);
    let (counted, (_, octets)) = usage(&format!("-c {wan} -b 20M -t 2"));
    agree("TCP upload", counted.upload, octets + octets * UP_SEGMENT / SEGMENT, RETRANSMITTED);
    let (counted, (_, octets)) = usage(&format!("-c {wan} -b 20M -t 2 -R"));
    agree(
        "TCP download",
        counted.download,
        octets + octets * DOWN_SEGMENT / SEGMENT,
        RETRANSMITTED,
    );
}

#[test]
fn the_lists_tell_who_is_there() {
    let Some(hotspot) = Hotspot::open() else { return };
    let (guest, other) = (hotspot.lab.node("guest1"), hotspot.lab.node("guest2"));
    assert_eq!(hotspot.api("get_active_guests")["data"], Value::Array(Vec::new()));
    let voucher = hotspot.voucher(&[]);
    hotspot.sign_in(&guest, &voucher);
    assert!(!other.sees_site("-4"));
    let active = hotspot.active(&guest).unwrap();
    assert_eq!(active["logins"], voucher.username.as_str());
    assert_eq!(active["address"], guest.ipv4().to_string());
    assert!(hotspot.active(&other).is_none());
    for (node, authorized) in [(&guest, "true"), (&other, "false")] {
        assert_eq!(hotspot.host(node)["host-name"], node.name);
        assert_eq!(hotspot.host(node)["authorized"], authorized);
    }
    let listed = hotspot.cli(&["sessions", "--format", "json"]);
    let sessions: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(sessions.as_array().map(Vec::len), Some(1), "{listed}");
    for (name, wanted) in [
        ("login", voucher.username.clone()),
        ("MAC", guest.mac()),
        ("host_name", guest.name.to_owned()),
        ("address", guest.ipv4().to_string()),
        ("network", "guest".to_owned()),
    ] {
        assert_eq!(sessions[0][name], wanted, "{name}: {listed}");
    }
    let logins = hotspot.api("get_logins");
    let login = &logins["logins"][0];
    assert_eq!((&login["login"], &login["MAC"]), (&active["logins"], &active["mac-address"]));
    let vouchers = hotspot.api("get_voucher_users");
    assert_eq!(vouchers["users"][0]["MAC"], guest.mac());
}
