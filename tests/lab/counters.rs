//! What the API says that a guest has used.

use serde_json::Value;

use crate::support::{Hotspot, Node, Usage};

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

/// What has been counted while something was going on.
fn meanwhile(hotspot: &Hotspot, guest: &Node, work: impl FnOnce()) -> Usage {
    let before = hotspot.settled_usage(guest);
    work();
    let after = hotspot.settled_usage(guest);
    Usage { download: after.download - before.download, upload: after.upload - before.upload }
}

fn agree(what: &str, counted: u64, sent: u64) {
    eprintln!("{what}: counted {counted}, sent {sent}");
    let off = (counted as f64 / sent as f64 - 1.0).abs();
    assert!(off < 0.01, "{what}: counted {counted}, sent {sent}");
}

#[test]
fn octets_are_counted_as_they_were_sent() {
    let Some(hotspot) = Hotspot::open() else { return };
    let (guest, wan) = (hotspot.lab.node("guest1"), hotspot.lab.fact("wan4"));
    hotspot.sign_in(&guest, &hotspot.voucher(&[]));
    let usage = |words: &str| {
        let mut sent = (0, 0);
        let counted = meanwhile(&hotspot, &guest, || sent = moved(&guest, words));
        (counted, sent)
    };
    let (counted, (datagrams, octets)) = usage(&format!("-c {wan} -u -b 20M -l 1000 -t 2"));
    agree("UDP upload", counted.upload, octets + datagrams * UP_HEADERS);
    let (counted, (datagrams, octets)) = usage(&format!("-c {wan} -u -b 20M -l 1000 -t 2 -R"));
    agree("UDP download", counted.download, octets + datagrams * DOWN_HEADERS);
    let (counted, (_, octets)) = usage(&format!("-c {wan} -b 20M -t 2"));
    agree("TCP upload", counted.upload, octets + octets * UP_SEGMENT / SEGMENT);
    let (counted, (_, octets)) = usage(&format!("-c {wan} -b 20M -t 2 -R"));
    agree("TCP download", counted.download, octets + octets * DOWN_SEGMENT / SEGMENT);
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
    let hosts = hotspot.api("get_guest_hosts");
    let host = |node: &Node| {
        let mac = node.mac();
        let mut hosts = hosts["data"].as_array().unwrap().iter();
        hosts.find(|host| host["mac-address"] == mac.as_str()).unwrap_or_else(|| panic!("{mac}"))
    };
    for (node, authorized) in [(&guest, "true"), (&other, "false")] {
        assert_eq!(host(node)["host-name"], node.name);
        assert_eq!(host(node)["authorized"], authorized);
    }
    let logins = hotspot.api("get_logins");
    let login = &logins["logins"][0];
    assert_eq!((&login["login"], &login["MAC"]), (&active["logins"], &active["mac-address"]));
    let vouchers = hotspot.api("get_voucher_users");
    assert_eq!(vouchers["users"][0]["MAC"], guest.mac());
}
