//! Guessing codes.

use std::net::IpAddr;

use crate::support::{Answer, Hotspot, Node};

/// Enough to find that it leads nowhere.
const TRIES: usize = 40;

fn guess(hotspot: &Hotspot, guest: &Node, from: Option<IpAddr>, number: usize) -> Answer {
    let code = format!("guess-{number:08}");
    hotspot.portal().post_from(guest, from, "/login", &[("code", &code)])
}

#[test]
fn guessing_is_slowed_down_for_the_device_and_nobody_else() {
    let Some(hotspot) = Hotspot::open() else { return };
    let (guest, other) = (hotspot.lab.node("guest2"), hotspot.lab.node("guest3"));
    let voucher = hotspot.voucher(&[]);
    let blocked = |answer: &Answer| answer.headers.contains_key("retry-after");
    let first = (0..TRIES).find(|number| blocked(&guess(&hotspot, &guest, None, *number)));
    assert!(first.is_some(), "{TRIES} wrong codes were all heard");
    // Even the right one is not heard now, or guessing would pay.
    let answer = hotspot.portal().sign_in(&guest, &voucher);
    assert!(blocked(&answer), "{answer:?}");
    assert!(!guest.sees_site("-4"));
    hotspot.sign_in(&other, &voucher);
}

#[test]
fn other_addresses_of_the_device_do_not_help() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest2");
    let addresses: Vec<IpAddr> =
        (30..40).map(|last| format!("192.168.77.{last}").parse().unwrap()).collect();
    for address in &addresses {
        guest.ip(&format!("address add {address}/24 dev eth0"));
    }
    let mut heard = 0;
    for number in 0..TRIES {
        let from = addresses[number % addresses.len()];
        let answer = guess(&hotspot, &guest, Some(from), number);
        heard += usize::from(!answer.headers.contains_key("retry-after"));
    }
    assert!(heard < TRIES / 2, "{heard} of {TRIES} were heard");
}
