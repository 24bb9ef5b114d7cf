//! `neighbour::message`: an input is a datagram as the kernel sends it.
//!
//! - Nothing panics, and reading ends.
//! - A datagram cut anywhere says the same up to there.
//! - An address is a host's. A device has one MAC, which is nobody else's, unless it is gone.
//! - What was understood, written again, is understood as the same.

use std::net::IpAddr;

use hotspotd::domain::neighbour::Reach;
use hotspotd::neighbour::message::{Entry, Message, Notice, messages};

/// Longer datagrams are cut here and there only.
const SHORT: usize = 512;

pub fn check(data: &[u8]) {
    let all: Vec<Message<'_>> = messages(data).collect();
    assert!(all.len() <= data.len() / 16, "more messages than there is room for");
    let step = if data.len() <= SHORT { 1 } else { data.len() / 61 };
    for cut in (0..data.len()).step_by(step) {
        let part: Vec<Message<'_>> = messages(&data[..cut]).collect();
        assert!(all.starts_with(&part), "cut after {cut} bytes it says something else");
    }
    for message in &all {
        let _ = (message.sequence(), message.interrupted(), message.outcome());
        let Some(notice) = message.notice() else { continue };
        check_notice(&notice);
        let written = write(&notice);
        let again: Vec<_> = messages(&written).map(|message| message.notice()).collect();
        assert_eq!(again, [Some(notice)]);
    }
}

fn check_notice(notice: &Notice<'_>) {
    match notice {
        Notice::Neighbour(Entry { address, mac, reach, .. }) => {
            check_host(*address);
            assert_eq!(mac.is_none(), *reach == Reach::Gone);
            if let Some(mac) = mac {
                assert!(mac.octets()[0] & 1 == 0 && mac.octets() != [0; 6], "{mac}");
            }
        }
        Notice::Forgotten { address, .. } => check_host(*address),
        Notice::Device { name, .. } => assert!(!name.contains(&0)),
        Notice::DeviceGone { .. } => {}
    }
}

fn check_host(address: IpAddr) {
    let octets = match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    assert_ne!(octets, vec![0; octets.len()]);
    assert_ne!(octets, [255; 4]);
    let group = if octets.len() == 4 { 224..=239 } else { 255..=255 };
    assert!(!group.contains(&octets[0]), "{address}");
}

/// As linux/rtnetlink.h and linux/neighbour.h have it.
fn write(notice: &Notice<'_>) -> Vec<u8> {
    match notice {
        Notice::Neighbour(Entry { index, address, mac, reach }) => {
            let state = match reach {
                Reach::Present => 0x02,
                Reach::Quiet => 0x04,
                Reach::Gone => 0x20,
            };
            write_neighbour(28, *index, *address, state, mac.map(|mac| mac.octets().to_vec()))
        }
        Notice::Forgotten { index, address } => write_neighbour(29, *index, *address, 0x04, None),
        Notice::Device { index, name } => write_link(16, *index, name),
        Notice::DeviceGone { index } => write_link(17, *index, b"gone"),
    }
}

fn write_neighbour(
    kind: u16,
    index: u32,
    address: IpAddr,
    state: u16,
    mac: Option<Vec<u8>>,
) -> Vec<u8> {
    let (family, octets) = match address {
        IpAddr::V4(v4) => (2, v4.octets().to_vec()),
        IpAddr::V6(v6) => (10, v6.octets().to_vec()),
    };
    let mut body = vec![family, 0, 0, 0];
    body.extend(index.to_ne_bytes());
    body.extend(state.to_ne_bytes());
    body.extend([0, 1]);
    // The MAC first: the order of attributes means nothing.
    if let Some(mac) = mac {
        attribute(&mut body, 2, &mac);
    }
    attribute(&mut body, 1, &octets);
    framed(kind, &body)
}

fn write_link(kind: u16, index: u32, name: &[u8]) -> Vec<u8> {
    let mut body = vec![0; 16];
    body[4..8].copy_from_slice(&index.to_ne_bytes());
    attribute(&mut body, 3, name);
    framed(kind, &body)
}

fn attribute(body: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let length = u16::try_from(4 + value.len()).expect("it came out of an attribute");
    body.extend(length.to_ne_bytes());
    body.extend(kind.to_ne_bytes());
    body.extend(value);
    body.resize(body.len().next_multiple_of(4), 0);
}

fn framed(kind: u16, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + body.len()).expect("short");
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend([0; 10]);
    bytes.extend(body);
    bytes
}
