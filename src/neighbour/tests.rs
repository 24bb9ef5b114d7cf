//! Messages of a real kernel (Linux 6.18, little-endian), and what must hold for any bytes.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use proptest::prelude::*;

use super::devices::{Devices, Network};
use super::message::{self, Entry, Message, Notice, messages};
use crate::domain::neighbour::{Neighbour, Reach, Sighting};
use crate::domain::station::Mac;

const PHONE: Mac = Mac::new([0x98, 0x01, 0xa7, 0xcb, 0xbb, 0x00]);

macro_rules! captured {
    ($name:literal) => {
        include_bytes!(concat!("../../tests/fuzz/seeds/netlink_neighbour/", $name))
    };
}

fn entry(address: &str, mac: Option<Mac>, reach: Reach) -> Entry {
    Entry { index: 3, address: address.parse().unwrap(), mac, reach }
}

fn notices(datagram: &[u8]) -> Vec<Notice<'_>> {
    messages(datagram).filter_map(|message| message.notice()).collect()
}

#[cfg(target_endian = "little")]
mod of_a_real_kernel {
    use super::super::dump::Dump;
    use super::*;

    const TABLET: Mac = Mac::new([0x98, 0x01, 0xa7, 0xcb, 0xbb, 0x01]);

    #[test]
    fn a_dump_has_hosts_and_no_groups() {
        let mut dump = Dump::default();
        assert!(dump.take(captured!("dump"), 7, 3).unwrap(), "the last message ends it");
        assert!(!dump.interrupted);
        // Besides these it has ff02::16, which is a group.
        let expected = [
            entry("192.0.2.12", None, Reach::Gone),
            entry("192.0.2.10", Some(PHONE), Reach::Present),
            entry("192.0.2.11", Some(TABLET), Reach::Quiet),
            entry("2001:db8::10", Some(PHONE), Reach::Present),
            entry("fe80::10", Some(PHONE), Reach::Quiet),
        ];
        assert_eq!(dump.entries, expected);
    }

    #[test]
    fn a_dump_takes_nothing_of_other_devices_and_other_dumps() {
        let mut dump = Dump::default();
        assert!(dump.take(captured!("dump"), 7, 4).unwrap());
        assert!(!dump.take(captured!("dump"), 8, 3).unwrap(), "the end of another dump");
        assert_eq!(dump.entries, []);
    }

    #[test]
    fn a_question_is_answered_with_one_entry_or_none() {
        let found = |address, reach| vec![Notice::Neighbour(entry(address, Some(PHONE), reach))];
        assert_eq!(notices(captured!("get_v4")), found("192.0.2.10", Reach::Present));
        assert_eq!(notices(captured!("get_v6")), found("2001:db8::10", Reach::Present));
        assert_eq!(notices(captured!("get_link_local")), found("fe80::10", Reach::Quiet));
        let unknown: Vec<_> = messages(captured!("get_unknown")).collect();
        let outcome = unknown[0].outcome().unwrap().unwrap_err();
        assert_eq!((unknown.len(), outcome.kind()), (1, io::ErrorKind::NotFound));
    }

    /// Neighbours come, change and go; a bridge comes, takes the device, gives it back and goes;
    /// the device goes.
    #[test]
    fn events_tell_of_hosts_and_devices_and_nothing_else() {
        let told = notices(captured!("events"));
        let count = |wanted: fn(&Notice<'_>) -> bool| told.iter().filter(|n| wanted(n)).count();
        assert_eq!(count(|n| matches!(n, Notice::Neighbour(_))), 9);
        assert_eq!(count(|n| matches!(n, Notice::Forgotten { .. })), 10);
        let named = |name: &[u8]| {
            let called =
                |n: &&Notice<'_>| matches!(n, Notice::Device { name: n, .. } if *n == name);
            told.iter().filter(called).count()
        };
        // What a bridge says of its port (one change, one "removed") is not among them.
        assert_eq!((named(b"guest0"), named(b"br0"), named(b"peer0")), (1, 1, 1));
        let gone: Vec<_> =
            told.iter().filter(|n| matches!(n, Notice::DeviceGone { .. })).copied().collect();
        assert_eq!(gone, [4, 3, 2].map(|index| Notice::DeviceGone { index }));
    }
}

/// A message from the kernel, put together by hand.
fn neighbour(kind: u16, state: u16, flags: u8, address: &[u8], link: Option<&[u8]>) -> Vec<u8> {
    let family = if address.len() == 4 { 2 } else { 10 };
    let mut body = vec![family, 0, 0, 0];
    body.extend(3u32.to_ne_bytes());
    body.extend(state.to_ne_bytes());
    body.extend([flags, 1]);
    for (kind, value) in [(1u16, Some(address)), (2, link)] {
        let Some(value) = value else { continue };
        body.extend((4 + value.len() as u16).to_ne_bytes());
        body.extend(kind.to_ne_bytes());
        body.extend(value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    framed(kind, &body)
}

fn framed(kind: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = (16 + body.len() as u32).to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend([0; 10]);
    bytes.extend(body);
    bytes
}

const NEW: u16 = 28;

#[test]
fn every_state_says_whether_somebody_is_there() {
    let link = PHONE.octets();
    for (state, mac, reach) in [
        (0x01, None, Reach::Gone),
        (0x02, Some(PHONE), Reach::Present),
        (0x04, Some(PHONE), Reach::Quiet),
        (0x08, Some(PHONE), Reach::Quiet),
        (0x10, Some(PHONE), Reach::Quiet),
        (0x20, None, Reach::Gone),
        (0x80, Some(PHONE), Reach::Present),
        (0x00, None, Reach::Gone),
    ] {
        let bytes = neighbour(NEW, state, 0, &[192, 0, 2, 10], Some(&link));
        let expected = [Notice::Neighbour(entry("192.0.2.10", mac, reach))];
        assert_eq!(notices(&bytes), expected, "{state:#x}");
    }
    let ours = neighbour(NEW, 0x40, 0, &[192, 0, 2, 10], Some(&link));
    assert_eq!(notices(&ours), []);
}

#[test]
fn what_stands_for_no_device_is_left_out() {
    let (host, mac) = ([192, 0, 2, 10], PHONE.octets());
    let multicast: IpAddr = "ff02::1".parse().unwrap();
    let IpAddr::V6(multicast) = multicast else { unreachable!() };
    for (why, bytes) in [
        ("multicast", neighbour(NEW, 2, 0, &[224, 0, 0, 1], Some(&mac))),
        ("multicast", neighbour(NEW, 2, 0, &multicast.octets(), Some(&mac))),
        ("broadcast", neighbour(NEW, 2, 0, &[255; 4], Some(&mac))),
        ("the network's broadcast", neighbour(NEW, 0x40, 0, &[192, 0, 2, 255], Some(&[255; 6]))),
        ("unspecified", neighbour(NEW, 2, 0, &[0; 4], Some(&mac))),
        ("proxy", neighbour(NEW, 2, 0x08, &host, Some(&mac))),
        ("lo", neighbour(NEW, 0x40, 0, &host, Some(&[0; 6]))),
        ("a tunnel", neighbour(NEW, 0x40, 0, &host, Some(&[198, 51, 100, 1]))),
        ("no device", neighbour(NEW, 2, 0, &host, None)),
        ("half an address", neighbour(NEW, 2, 0, &[1; 8], Some(&mac))),
        ("multicast", neighbour(29, 2, 0, &[224, 0, 0, 1], None)),
        ("another kind", neighbour(24, 2, 0, &host, Some(&mac))),
    ] {
        assert_eq!(messages(&bytes).count(), 1);
        assert_eq!(notices(&bytes), [], "{why}");
    }
}

#[test]
fn a_request_asks_for_what_it_should() {
    let bytes = message::get(9, 3, IpAddr::from([192, 0, 2, 10]));
    let ask = messages(&bytes).next().unwrap();
    assert_eq!((ask.sequence(), messages(&bytes).count(), bytes.len()), (9, 1, 36));
    let bytes = message::get(9, 3, "2001:db8::10".parse().unwrap());
    assert_eq!((messages(&bytes).count(), bytes.len()), (1, 48));
    let bytes = message::dump(u32::MAX, 3);
    assert_eq!(messages(&bytes).next().unwrap().sequence(), u32::MAX);
}

#[test]
fn an_outcome_is_read_and_one_cut_short_is_a_fault() {
    let outcome = |kind, body: &[u8]| {
        let bytes = framed(kind, body);
        messages(&bytes).next().unwrap().outcome().map(|o| o.map_err(|e| e.raw_os_error()))
    };
    for kind in [2, 3] {
        assert_eq!(outcome(kind, &0i32.to_ne_bytes()), Some(Ok(())));
        assert_eq!(outcome(kind, &(-2i32).to_ne_bytes()), Some(Err(Some(2))));
        assert_eq!(outcome(kind, &i32::MIN.to_ne_bytes()), Some(Err(Some(i32::MAX))));
        assert_eq!(outcome(kind, &[0; 3]), Some(Err(None)));
    }
    assert_eq!(outcome(NEW, &[0; 4]), None);
}

proptest! {
    #[test]
    fn a_datagram_cut_anywhere_says_the_same_up_to_there(cut in 0usize..=9944) {
        let whole: &[u8] = captured!("events");
        let all: Vec<Message<'_>> = messages(whole).collect();
        let part: Vec<Message<'_>> = messages(&whole[..cut]).collect();
        prop_assert!(all.starts_with(&part));
    }

    #[test]
    fn any_neighbour_is_read_as_it_was_written(
        octets: [u8; 4], mac: [u8; 6], state: u16, flags: u8
    ) {
        let bytes = neighbour(NEW, state, flags, &octets, Some(&mac));
        for notice in notices(&bytes) {
            let Notice::Neighbour(entry) = notice else { panic!("{notice:?}") };
            prop_assert_eq!(entry.address, IpAddr::from(octets));
            prop_assert_eq!(entry.mac.is_none(), entry.reach == Reach::Gone);
            prop_assert!(entry.mac.is_none_or(|read| read == Mac::new(mac)));
        }
    }

    #[test]
    fn a_damaged_byte_panics_nowhere(at in 0usize..9944, value: u8) {
        let mut bytes = captured!("events").to_vec();
        bytes[at] = value;
        notices(&bytes);
    }
}

/// Two networks; `guest` has its device, `staff` waits for one.
fn devices(index: Option<u32>) -> (Devices, Vec<Network>) {
    let network = |name: &str, device: &str| Network { name: name.into(), device: device.into() };
    let networks = vec![network("guest", "br-guest"), network("staff", "br-staff")];
    let mut devices = Devices::default();
    let seen = devices.refresh(&networks, there(index)).unwrap();
    assert_eq!(seen, [device("guest", index), device("staff", None)]);
    (devices, networks)
}

fn there(guest: Option<u32>) -> impl Fn(&str) -> io::Result<Option<u32>> {
    move |device| Ok(guest.filter(|_| device == "br-guest"))
}

fn device(network: &str, index: Option<u32>) -> Sighting {
    Sighting::Device { network: network.into(), index }
}

#[test]
fn neighbours_belong_to_the_network_of_their_device() {
    let (mut devices, _) = devices(Some(3));
    let here = entry("192.0.2.10", Some(PHONE), Reach::Quiet);
    let (address, network): (_, Arc<str>) = (here.address, "guest".into());
    let Entry { mac, reach, .. } = here;
    let seen = Neighbour { network: Arc::clone(&network), address, mac, reach };
    assert_eq!(devices.sighting(Notice::Neighbour(here)), Some(Sighting::Seen(seen)));
    assert_eq!(
        devices.sighting(Notice::Forgotten { index: 3, address }),
        Some(Sighting::Forgotten { network, address })
    );
    let elsewhere = Entry { index: 4, ..here };
    assert_eq!(devices.sighting(Notice::Neighbour(elsewhere)), None);
    assert_eq!(devices.sighting(Notice::Forgotten { index: 4, address }), None);
}

#[test]
fn a_device_that_goes_and_comes_is_told_even_with_the_same_index() {
    let (mut devices, networks) = devices(Some(3));
    let gone = Notice::DeviceGone { index: 3 };
    assert!(devices.outdated_by(&gone));
    assert_eq!(devices.sighting(gone), Some(device("guest", None)));
    assert!(!devices.outdated_by(&gone), "it is gone already");
    let back = Notice::Device { index: 3, name: b"br-guest" };
    assert!(devices.outdated_by(&back));
    assert_eq!(devices.refresh(&networks, there(Some(3))).unwrap(), [device("guest", Some(3))]);
    assert!(!devices.outdated_by(&back));
    assert_eq!(devices.refresh(&networks, there(Some(3))).unwrap(), []);
    assert_eq!(devices.refresh(&networks, there(Some(8))).unwrap(), [device("guest", Some(8))]);
    assert_eq!(devices.refresh(&networks, there(None)).unwrap(), [device("guest", None)]);
}

#[test]
fn renamed_devices_are_noticed_and_others_are_not() {
    let (devices, _) = devices(Some(3));
    for (index, name, outdated) in [
        (3, "br-guest", false),
        (3, "br-other", true),
        (4, "br-guest", true),
        (4, "br-staff", true),
        (4, "br-guest2", false),
    ] {
        let notice = Notice::Device { index, name: name.as_bytes() };
        assert_eq!(devices.outdated_by(&notice), outdated, "{index} {name}");
    }
}

#[test]
fn a_changed_list_tells_of_the_new_and_forgets_the_old() {
    let (mut devices, mut networks) = devices(Some(3));
    networks.remove(0);
    assert_eq!(devices.refresh(&networks, there(Some(3))).unwrap(), []);
    let address = IpAddr::from([192, 0, 2, 10]);
    assert_eq!(devices.sighting(Notice::Forgotten { index: 3, address }), None);
    networks[0].device = "br-guest".to_owned();
    assert_eq!(devices.refresh(&networks, there(Some(3))).unwrap(), [device("staff", Some(3))]);
}
