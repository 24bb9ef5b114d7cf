//! The arithmetic of limits.

use super::super::limits::{
    ADDRESS_KNOWN_FOR, ARP, CONNECTIONS, DEVICES, DHCP, DNS, GUEST_ADDRESSES, GUEST_CONNECTIONS,
    INVALID_ANSWERS, KNOWN_ADDRESSES, KNOWN_FOR, Limit, NEIGHBOUR_DISCOVERY, NEW_DEVICES,
    PROBE_DNS, Rate,
};
use super::super::ruleset::render;
use super::*;

const ALL: [Limit; 6] = [DNS, PROBE_DNS, ARP, NEIGHBOUR_DISCOVERY, DHCP, CONNECTIONS];

/// The kernel removes entries of the neighbour table above `gc_thresh2` that are older than 5 s.
const NEIGHBOURS: u32 = 512;
const OLD: u32 = 5;
/// `nf_conntrack_tcp_timeout_time_wait`, and the entries that a router with 64 MB has room for.
const TIME_WAIT: u32 = 120;
const ENTRIES: u32 = 7000;

fn within(rate: Rate, seconds: u32) -> u32 {
    rate.burst + rate.per_second * seconds
}

/// An element that goes before its bucket is full gives its device a full one.
#[test]
fn an_element_lives_until_its_bucket_is_full() {
    for hook in [Hook::Netdev, Hook::Inet] {
        let text = render(&[network("br-guest")], hook);
        for limit in ALL {
            assert!(limit.of_each().timeout() >= limit.each.refill(), "{limit:?}");
            assert!(limit.of_each().timeout() <= KNOWN_FOR, "{limit:?}");
            let set = text.split(&format!("set {} {{", limit.set)).nth(1).unwrap();
            let set = set.split('}').next().unwrap();
            assert!(set.contains(&format!("timeout {}s", limit.of_each().timeout())), "{set}");
            assert!(text.contains(&format!("update @{} {{", limit.set)));
        }
    }
}

/// The sets have room for as many guests as docs/figures.md measures and for every invented device besides.
#[test]
fn sets_are_never_full() {
    assert!(5000 + within(NEW_DEVICES, KNOWN_FOR) <= DEVICES);
    assert!(ALL.iter().all(|limit| limit.all.per_second > NEW_DEVICES.per_second));
}

#[test]
fn one_device_fills_no_table_of_the_kernel() {
    let resolver = within(DNS.each, OLD) + within(PROBE_DNS.each, OLD);
    let answered = within(CONNECTIONS.each, OLD) + resolver;
    assert!(within(ARP.each, OLD) + answered <= NEIGHBOURS);
    assert!(within(NEIGHBOUR_DISCOVERY.each, OLD) + answered <= NEIGHBOURS);
    assert!(within(CONNECTIONS.each, TIME_WAIT) <= ENTRIES / 5);
}

/// Guests who are signed in, each of their sets and each table.
#[test]
fn one_guest_fills_no_table_of_the_kernel() {
    for limit in [GUEST_CONNECTIONS, GUEST_ADDRESSES] {
        assert!(limit.timeout() >= limit.rate.refill());
    }
    assert!(within(GUEST_CONNECTIONS.rate, TIME_WAIT) <= ENTRIES * 2 / 3);
    let answered = within(GUEST_ADDRESSES.rate, OLD) + within(INVALID_ANSWERS, OLD);
    assert!(within(NEIGHBOUR_DISCOVERY.each, OLD) + answered <= NEIGHBOURS);
    assert!(within(GUEST_ADDRESSES.rate, ADDRESS_KNOWN_FOR) <= KNOWN_ADDRESSES / 40);
}
