//! `firewall::decode_elements`: an input is a datagram of a dump as the kernel sends it.
//!
//! - Nothing panics, and there are no more elements than there is room for.
//! - A datagram cut anywhere says the same up to there; two of them say what both say.
//! - What was understood, written as a kernel writes it, is understood as the same.

use hotspotd::firewall::{Element, decode_elements};

/// Longer datagrams are cut here and there only.
const SHORT: usize = 512;
/// Octets of the shortest comment of ours: `session 1 voucher 1 ` and a MAC.
const SHORTEST: usize = 38;

pub fn check(data: &[u8]) {
    let all = decode_elements(data);
    assert!(all.len() <= data.len() / SHORTEST, "more elements than there is room for");
    let step = if data.len() <= SHORT { 1 } else { data.len() / 61 };
    for cut in (0..data.len()).step_by(step) {
        let part = decode_elements(&data[..cut]);
        assert!(all.starts_with(&part), "cut after {cut} bytes it says something else");
    }
    for element in &all {
        assert_eq!(decode_elements(&write(element)), [*element]);
    }
    let written: Vec<u8> = all.iter().flat_map(write).collect();
    assert_eq!(decode_elements(&written), all);
}

/// As linux/netfilter/nf_tables.h has it, with expressions in one list.
fn write(element: &Element) -> Vec<u8> {
    let mut expressions = Vec::new();
    expression(&mut expressions, b"counter\0", &[(1, &element.octets.to_be_bytes())]);
    let (used, flags) = if element.is_over { (1_u64, 2_u32) } else { (0, 0) };
    let quota: [(u16, &[u8]); 3] =
        [(1, &1_u64.to_be_bytes()), (2, &flags.to_be_bytes()), (4, &used.to_be_bytes())];
    expression(&mut expressions, b"quota\0", &quota);
    expression(&mut expressions, b"limit\0", &[(1, &element.rate.to_be_bytes())]);
    let Element { session, voucher, mac, .. } = element;
    let comment = format!("session {session} voucher {voucher} {mac}\0");
    let mut data = vec![0, comment.len() as u8];
    data.extend(comment.bytes());
    let mut item = Vec::new();
    if let Some(time) = element.time {
        let left = u64::try_from(time.as_millis()).expect("it was read from 64 bits");
        attribute(&mut item, 5, &left.to_be_bytes());
    }
    attribute(&mut item, 0x8000 | 11, &expressions);
    attribute(&mut item, 6, &data);
    let (mut list, mut body) = (Vec::new(), vec![5, 0, 0, 0]);
    attribute(&mut list, 0x8000 | 1, &item);
    attribute(&mut body, 0x8000 | 3, &list);
    let mut message = (16 + body.len() as u32).to_ne_bytes().to_vec();
    message.extend([0x0c, 0x0a]);
    message.extend([0; 10]);
    message.extend(body);
    message
}

fn expression(list: &mut Vec<u8>, name: &[u8], values: &[(u16, &[u8])]) {
    let (mut data, mut inside) = (Vec::new(), Vec::new());
    for (kind, value) in values {
        attribute(&mut data, *kind, value);
    }
    attribute(&mut inside, 1, name);
    attribute(&mut inside, 0x8000 | 2, &data);
    attribute(list, 0x8000 | 1, &inside);
}

fn attribute(body: &mut Vec<u8>, kind: u16, value: &[u8]) {
    body.extend((4 + value.len() as u16).to_ne_bytes());
    body.extend(kind.to_ne_bytes());
    body.extend(value);
    body.resize(body.len().next_multiple_of(4), 0);
}
