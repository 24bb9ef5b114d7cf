//! Connections from before a change of access are deleted, once it is in force.

use std::net::IpAddr;

use super::*;
use crate::firewall::{Access, AccessChange};

/// The device at the door and one more address of it.
const LATER: [u8; 4] = [192, 168, 0, 200];

/// What was to be deleted since the last look: device, its access, its addresses by their last
/// part, and whether the device was let through at that moment.
fn deletions(bench: &Bench) -> Vec<(u8, Access, Vec<u8>, bool)> {
    let deletions = std::mem::take(&mut bench.kernel.rules().deletions);
    let last = |address: &IpAddr| match address {
        IpAddr::V4(address) => address.octets()[3],
        IpAddr::V6(address) => address.octets()[15],
    };
    let told = |(AccessChange { mac, access, addresses }, through): (_, Vec<Mac>)| {
        let addresses = addresses.iter().map(last).collect();
        (mac.octets()[5], access, addresses, through.contains(&mac))
    };
    deletions.into_iter().map(told).collect()
}

fn signed_in() -> Bench {
    let mut bench = Bench::new();
    bench.create("anna").unwrap();
    bench.login("anna", "secret").unwrap();
    bench
}

#[test]
fn the_sign_in_and_the_sign_out_are_in_force_before() {
    let mut bench = signed_in();
    assert_eq!(deletions(&bench), [(0, Access::Granted, vec![0], true)]);
    bench.logout(0);
    assert_eq!(deletions(&bench), [(0, Access::Ended, vec![0], false)]);
    bench.seconds(2);
    assert_eq!(deletions(&bench), []);
}

#[test]
fn addresses_that_a_device_had_during_the_session_count() {
    let mut bench = signed_in();
    deletions(&bench);
    bench.sight(vec![Sighting::Seen(neighbour("guest", LATER, mac(0)))]);
    let (network, address) = ("guest".into(), LATER.into());
    bench.sight(vec![Sighting::Forgotten { network, address }]);
    let six: IpAddr = "2001:db8::6".parse().unwrap();
    bench.sight(vec![Sighting::Seen(neighbour("guest", six, mac(0)))]);
    bench.logout(0);
    assert_eq!(deletions(&bench), [(0, Access::Ended, vec![0, 200, 6], false)]);
}

#[test]
fn a_session_that_ends_by_itself_counts() {
    let mut bench = Bench::new();
    bench.limited("anna", 1, 0);
    bench.login("anna", "secret").unwrap();
    deletions(&bench);
    bench.kernel.traffic(0, u64::MAX, 0);
    bench.seconds(12);
    assert_eq!(deletions(&bench), [(0, Access::Ended, vec![0], false)]);
}

#[test]
fn the_device_that_has_to_make_room_counts() {
    let mut bench = Bench::plan(Plan { devices: 1.try_into().unwrap(), ..plan() });
    bench.create("anna").unwrap();
    bench.login("anna", "secret").unwrap();
    deletions(&bench);
    bench.login_from(1, "anna", "secret").unwrap().unwrap();
    let expected = [(0, Access::Ended, vec![0], false), (1, Access::Granted, vec![1], true)];
    assert_eq!(deletions(&bench), expected);
}

#[test]
fn another_voucher_of_the_same_device_breaks_nothing() {
    let mut bench = signed_in();
    bench.create("berta").unwrap();
    deletions(&bench);
    bench.seconds(15);
    bench.login("berta", "secret").unwrap();
    assert_eq!(deletions(&bench), []);
    assert_eq!(bench.online(), [0]);
}

#[test]
fn a_device_that_nobody_holds_back_keeps_its_connections() {
    let mut bench = signed_in();
    deletions(&bench);
    bench.second_after(30);
    bench.sight(vec![Sighting::Seen(neighbour("open", caller(0).address, mac(0)))]);
    assert_eq!(deletions(&bench), [(0, Access::Ended, vec![0], false)]);
    bench.logout(0);
    assert_eq!(deletions(&bench), []);
}

#[test]
fn rules_that_could_not_be_changed_count_once_they_are() {
    let mut bench = signed_in();
    deletions(&bench);
    bench.kernel.rules().broken = true;
    bench.logout(0);
    assert_eq!(deletions(&bench), []);
    bench.kernel.rules().broken = false;
    bench.seconds(11);
    assert_eq!(deletions(&bench), [(0, Access::Ended, vec![0], false)]);
}

#[test]
fn a_session_that_ended_while_nobody_looked_counts_after_the_start() {
    let mut bench = Bench::new();
    bench.issue(VoucherRequest {
        username: Username::parse("anna").unwrap(),
        passcode: Passcode::parse("secret").unwrap(),
        valid_for: Some("1 hour".parse().unwrap()),
        ..VoucherRequest::default()
    });
    bench.login("anna", "secret").unwrap();
    bench.minutes(2);
    deletions(&bench);
    let clock = bench.clock.clone();
    clock.pass(7200);
    let bench = bench.crash();
    assert_eq!(deletions(&bench), [(0, Access::Ended, vec![0], false)]);
}
