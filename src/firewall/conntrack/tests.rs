use std::net::IpAddr;

use proptest::prelude::*;

use super::entry::{Direction, Entry, Family, write_filter};
use super::selection::{Router, Selection};
use super::*;
use crate::firewall::message::{Answer, Attributes, answers};

const GUEST: &str = "192.168.77.120";
const GUEST6: &str = "2001:db8:77::20";
const PORTAL: u16 = 8880;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn mac(number: u8) -> Mac {
    Mac::new([2, 0, 0, 0, 0, number])
}

fn router() -> Router {
    let addresses = ["192.168.77.1", "2001:db8:77::1", "fe80::1", "203.0.113.1"];
    let prefixes = ["192.168.77.1/24", "2001:db8:77::1/64", "fe80::1/64"];
    Router {
        addresses: addresses.iter().map(|it| ip(it)).collect(),
        prefixes: prefixes.iter().map(|it| it.parse().unwrap()).collect(),
        portal_ports: HashSet::from([PORTAL]),
    }
}

fn change(number: u8, access: Access, addresses: &[&str]) -> AccessChange {
    AccessChange {
        mac: mac(number),
        access,
        addresses: addresses.iter().map(|it| ip(it)).collect(),
    }
}

fn tuple(
    writer: &mut Writer,
    kind: u16,
    [source, destination]: [&str; 2],
    (protocol, port): (u8, u16),
) {
    writer.nested(kind, |tuple| {
        tuple.nested(1, |addresses| {
            for (number, address) in [source, destination].iter().enumerate() {
                let number = number as u16 + 1;
                match ip(address) {
                    IpAddr::V4(address) => addresses.bytes(number, &address.octets()),
                    IpAddr::V6(address) => addresses.bytes(number + 2, &address.octets()),
                }
            }
        });
        tuple.nested(2, |part| {
            part.bytes(1, &[protocol]);
            part.bytes(2, &port.to_be_bytes());
        });
    });
}

/// As the kernel would tell it: who asks whom, who answers from which port.
fn message(original: [&str; 2], reply: [&str; 2], protocol: i32, port: u16) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.conntrack(0, 2, 0, |message| {
        tuple(message, 1, original, (protocol as u8, 40_000));
        tuple(message, 2, reply, (protocol as u8, port));
        message.u32(3, 0x18e);
        message.u32(12, 0xabcd_1234);
        message.bytes(18, &7_u16.to_be_bytes());
    });
    writer.finish().0
}

fn attributes(message: &[u8]) -> Attributes<'_> {
    match answers(message).next() {
        Some(Answer::Data { attributes, .. }) => attributes,
        other => panic!("{other:?}"),
    }
}

/// From a source to a destination, answered by somebody at a port.
fn entry(source: &str, destination: &str, answers: &str, protocol: i32, port: u16) -> Entry {
    let message = message([source, destination], [answers, source], protocol, port);
    Entry::read(attributes(&message)).unwrap()
}

#[test]
fn an_entry_is_named_to_the_kernel_in_its_own_words() {
    let message = message([GUEST, "203.0.113.10"], ["192.168.77.1", GUEST], libc::IPPROTO_UDP, 53);
    let read = Entry::read(attributes(&message)).unwrap();
    assert_eq!((read.source, read.destination), (ip(GUEST), ip("203.0.113.10")));
    assert_eq!((read.reply_source, read.reply_port), (ip("192.168.77.1"), Some(53)));
    assert_eq!((read.protocol, read.family), (17, Family::V4));
    let mut writer = Writer::default();
    writer.conntrack(DELETE, 2, 0, |message| read.write_key(message));
    let (deletion, _) = writer.finish();
    let (deletion, dumped) = (attributes(&deletion), attributes(&message));
    for kind in [1, 12, 18] {
        assert!(deletion.get(kind).is_some(), "{kind}");
        assert_eq!(deletion.get(kind), dumped.get(kind), "{kind}");
    }
    assert_eq!(deletion.count(), 3);
}

#[test]
fn what_is_cut_short_is_no_entry() {
    let whole = message([GUEST6, "2001:db8::1"], ["2001:db8::1", GUEST6], libc::IPPROTO_TCP, 443);
    assert!(Entry::read(attributes(&whole)).is_some());
    let body = whole.get(20..).unwrap();
    for length in 0..body.len() {
        // Whatever it is taken for, it does not panic.
        let _ = Entry::read(Attributes(body.get(..length).unwrap()));
    }
    assert_eq!(Entry::read(Attributes(&[])), None);
}

proptest! {
    #[test]
    fn whatever_the_kernel_writes_is_read_or_passed_over(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = Entry::read(Attributes(&bytes));
    }
}

#[test]
fn a_filter_names_one_address() {
    for (direction, tuple, flags) in [(Direction::Original, 1, 1), (Direction::Reply, 2, 2)] {
        let mut writer = Writer::default();
        writer.conntrack(GET, 2, DUMP, |message| write_filter(message, direction, ip(GUEST)));
        let (bytes, _) = writer.finish();
        let message = attributes(&bytes);
        assert_eq!(message.inside(tuple).inside(1).get(1), Some(&[192, 168, 77, 120][..]));
        assert_eq!(message.inside(25).get(flags), Some(&1_u32.to_ne_bytes()[..]));
    }
}

#[test]
fn what_led_a_stranger_here_is_wrong_with_a_session() {
    let selection = Selection::new(&[change(1, Access::Granted, &[GUEST])], &[], router());
    let (tcp, udp) = (libc::IPPROTO_TCP, libc::IPPROTO_UDP);
    let (here, there) = ("192.168.77.1", "203.0.113.10");
    for (destination, answers, protocol, port, wrong) in [
        // Redirected DNS; its own DNS; a redirected request and the portal's own page.
        (there, here, udp, 53, true),
        (here, here, udp, 53, true),
        (there, here, tcp, PORTAL, false),
        (here, here, tcp, PORTAL, false),
        // A new connection, which must not be broken; somebody's own redirection to elsewhere.
        (there, there, tcp, 443, false),
        (there, there, tcp, PORTAL, false),
        (there, "203.0.113.99", tcp, 80, true),
        ("255.255.255.255", "255.255.255.255", udp, 67, false),
    ] {
        let entry = entry(GUEST, destination, answers, protocol, port);
        assert_eq!(selection.is_wrong(&entry), wrong, "{entry:?}");
    }
    let inbound = entry(there, GUEST, GUEST, udp, 5000);
    assert!(!selection.is_wrong(&inbound));
}

#[test]
fn all_that_a_session_had_is_wrong_without_it() {
    let addresses = [GUEST, GUEST6, "::ffff:192.168.77.121"];
    let selection = Selection::new(&[change(1, Access::Ended, &addresses)], &[], router());
    let (tcp, udp, icmp) = (libc::IPPROTO_TCP, libc::IPPROTO_UDP, libc::IPPROTO_ICMP);
    let (here, there) = ("192.168.77.1", "203.0.113.10");
    for (source, destination, answers, protocol, port, wrong) in [
        (GUEST, there, there, tcp, 443, true),
        (GUEST, there, there, tcp, PORTAL, true),
        (GUEST, there, there, udp, 53, true),
        (GUEST, there, there, icmp, 0, true),
        (GUEST, here, here, tcp, 22, true),
        (GUEST, here, here, udp, 53, true),
        ("192.168.77.121", there, there, udp, 4000, true),
        (GUEST6, "2001:db8::1", "2001:db8::1", tcp, 443, true),
        // From outside, by a port that is forwarded and without.
        (there, "203.0.113.1", GUEST, tcp, 80, true),
        (there, GUEST, GUEST, udp, 5000, true),
        // The answer to the sign-out; what the rules of now would do as well.
        (GUEST, here, here, tcp, PORTAL, false),
        (GUEST, there, here, tcp, PORTAL, false),
        (GUEST, there, here, udp, 53, false),
        ("192.168.77.122", there, there, tcp, 443, false),
        (here, there, there, udp, 123, false),
    ] {
        let entry = entry(source, destination, answers, protocol, port);
        assert_eq!(selection.is_wrong(&entry), wrong, "{entry:?}");
    }
}

#[test]
fn addresses_of_others_are_left_alone() {
    let neighbours = [
        (ip("192.168.77.9"), mac(1)),
        (ip("192.168.77.10"), mac(2)),
        (ip("8.8.8.8"), mac(1)),
        (ip("2001:db8:77::9"), mac(1)),
    ];
    // Its own former one, one that has gone to another device, the router's, one from elsewhere.
    let known = ["192.168.77.8", "192.168.77.10", "192.168.77.1", "203.0.113.10"];
    let ended = [change(1, Access::Ended, &known)];
    let selection = Selection::new(&ended, &neighbours, router());
    for (address, wrong) in [
        ("192.168.77.8", true),
        ("192.168.77.9", true),
        ("2001:db8:77::9", true),
        ("192.168.77.10", false),
        ("192.168.77.1", false),
        ("203.0.113.10", false),
        ("8.8.8.8", false),
    ] {
        let server = if address.contains(':') { "2001:db8::1" } else { "198.51.100.1" };
        let outgoing = entry(address, server, server, libc::IPPROTO_TCP, 443);
        assert_eq!(selection.is_wrong(&outgoing), wrong, "{address}");
        let incoming = entry(server, address, address, libc::IPPROTO_TCP, 443);
        assert_eq!(selection.is_wrong(&incoming), wrong, "{address}");
    }
}

#[test]
fn few_addresses_are_asked_for_one_by_one() {
    let six = [change(1, Access::Ended, &[GUEST6])];
    let of = |changes: &[AccessChange], few| Selection::new(changes, &[], router()).requests(few);
    assert_eq!(of(&six, 16), [(Family::V6, vec![None])]);
    let ended = [change(1, Access::Ended, &[GUEST])];
    let both = [Direction::Original, Direction::Reply].map(|it| Some((it, ip(GUEST))));
    assert_eq!(of(&ended, 16), [(Family::V4, both.to_vec())]);
    let granted = [change(1, Access::Granted, &[GUEST])];
    let one = vec![Some((Direction::Original, ip(GUEST)))];
    assert_eq!(of(&granted, 16), [(Family::V4, one)]);
    assert_eq!(of(&granted, 0), [(Family::V4, vec![None])]);
    assert_eq!(of(&[], 16), []);
}

#[test]
fn orders_that_wait_become_one() {
    let order = |changes: &[AccessChange]| Order { changes: changes.to_vec(), ..Order::default() };
    let first = order(&[change(1, Access::Granted, &[GUEST]), change(2, Access::Ended, &[])]);
    let merged = first.merged_with(order(&[change(1, Access::Ended, &[GUEST6, GUEST])]));
    let expected = [change(1, Access::Ended, &[GUEST, GUEST6]), change(2, Access::Ended, &[])];
    assert_eq!(merged.changes, expected);
}

#[test]
fn rules_that_come_or_go_concern_all_who_are_there() {
    let network = |device: &str| Network {
        device: device.to_owned(),
        portal_port: PORTAL,
        portal_name: None,
        garden: Vec::new(),
        has_rates: false,
    };
    let [guest, cafe] = [network("br-guest"), network("br-cafe")];
    let both = [guest.clone(), cafe.clone()];
    let only = [guest.clone()];
    let spared = HashSet::from([mac(1)]);
    let changed = |before: &[Network], now: &[Network], had_rules| {
        let changed = WholeNetwork::changed(before, now, had_rules, &spared);
        changed.into_iter().map(|it| (it.device, it.access)).collect::<Vec<_>>()
    };
    let told = |device: &str, access| (device.to_owned(), access);
    let closed = told("br-guest", Access::Ended);
    assert_eq!(changed(&[], &only, false), std::slice::from_ref(&closed));
    // A daemon before this one had them.
    assert_eq!(changed(&[], &only, true), []);
    assert_eq!(changed(&both, &both, true), []);
    assert_eq!(changed(&[cafe], &both, true), [closed]);
    assert_eq!(changed(&both, &only, true), [told("br-cafe", Access::Granted)]);
    let garden = Network { garden: vec!["203.0.113.0/24".parse().unwrap()], ..guest.clone() };
    assert_eq!(changed(&only, &[garden], true).len(), 1);
    let rates = Network { has_rates: true, ..guest.clone() };
    assert_eq!(changed(&only, &[rates], true), []);
    // Somebody has removed all rules.
    assert_eq!(changed(&only, &only, false).len(), 1);

    let whole = WholeNetwork::changed(&[], &[guest], false, &spared).remove(0);
    let neighbours = [(ip(GUEST), mac(1)), (ip("192.168.77.9"), mac(2)), (ip(GUEST6), mac(2))];
    let expected = ["192.168.77.9", GUEST6].map(|it| change(2, Access::Ended, &[it]));
    assert_eq!(whole.changes(&neighbours).collect::<Vec<_>>(), expected);
}

#[test]
fn this_kernel_is_asked_for_its_entries() {
    // Only root may; where it may, it is answered.
    assert_ne!(is_supported(), Some(false));
}
