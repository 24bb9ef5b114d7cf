//! Somebody meddles with rules, bridge and ports; it is mended, and sessions go on.

use crate::support::{Hotspot, Node, Usage, until};

/// A hotspot with one guest who has signed in and one who has not.
fn opened() -> Option<(Hotspot, Node, Node)> {
    let hotspot = Hotspot::open()?;
    let (guest, stranger) = (hotspot.lab.node("guest1"), hotspot.lab.node("guest2"));
    hotspot.sign_in(&guest, &hotspot.voucher(&[]));
    assert!(!stranger.sees_site("-4"));
    Some((hotspot, guest, stranger))
}

/// The session is the same one, the guest is online, and the stranger is not.
pub fn is_mended(hotspot: &Hotspot, guest: &Node, stranger: &Node, session: Usage) {
    let wan = hotspot.lab.fact("wan4");
    let shut = || stranger.peer(&format!("greet {wan} 443")) == "Connection refused";
    assert!(until(shut), "strangers are let through");
    assert!(!stranger.sees_site("-4"));
    assert!(until(|| guest.sees_site("-4")), "{} is shut out", guest.name);
    assert!(guest.sees_site("-6"));
    let now = hotspot.usage(guest);
    assert!(now.continues(session), "{now:?} after {session:?}");
}

fn survives(meddle: &[&[&str]]) {
    let Some((hotspot, guest, stranger)) = opened() else { return };
    let session = hotspot.settled_usage(&guest);
    for words in meddle {
        hotspot.router.ok(words);
        is_mended(&hotspot, &guest, &stranger, session);
    }
    // The kernel enforces what it is told from now on.
    hotspot.portal().post(&guest, "/logout", &[]);
    assert!(!guest.sees_site("-4"));
}

#[test]
fn rules_that_are_flushed_come_back() {
    survives(&[&["nft", "flush", "ruleset"]]);
}

#[test]
fn tables_that_are_deleted_come_back() {
    survives(&[
        &["nft", "delete", "table", "netdev", "hotspotd"],
        &["nft", "delete", "table", "inet", "hotspotd"],
    ]);
}

#[test]
fn a_bridge_that_is_deleted_and_made_anew_is_enforced() {
    let Some((hotspot, guest, stranger)) = opened() else { return };
    let session = hotspot.settled_usage(&guest);
    for _ in 0..2 {
        hotspot.router.ip("link delete br-guest");
        assert!(!guest.sees_site("-4"));
        let make = crate::support::here().join("bridge");
        let mut words = vec![make.to_str().unwrap()];
        words.extend(hotspot.lab.fact("bridge_guest").split(' '));
        hotspot.router.ok(&words);
        is_mended(&hotspot, &guest, &stranger, session);
    }
    assert!(hotspot.portal().says_online(&guest));
}

/// The chains at the device go with it; what is left refuses new connections.
#[test]
fn a_device_without_its_chains_is_closed_while_the_daemon_is_dead() {
    let Some((mut hotspot, _guest, stranger)) = opened() else { return };
    hotspot.kill();
    hotspot.router.ok(&["nft", "delete", "table", "netdev", "hotspotd"]);
    let wan = hotspot.lab.fact("wan4");
    assert_eq!(stranger.peer(&format!("greet {wan} 443")), "Connection refused");
    assert_eq!(stranger.peer(&format!("echo {wan} 4000 5")), "lost");
    assert!(!stranger.pings(wan));
    assert!(!stranger.sees_site("-4"));
    hotspot.start();
    assert!(until(|| stranger.curl(&[crate::support::SITE]).status == 302));
}

#[test]
fn a_port_may_come_and_go() {
    let Some((hotspot, guest, stranger)) = opened() else { return };
    let session = hotspot.settled_usage(&guest);
    hotspot.router.ip("link set guest1 nomaster");
    assert!(!guest.sees_site("-4"));
    hotspot.router.ip("link set guest1 master br-guest");
    is_mended(&hotspot, &guest, &stranger, session);
    guest.ip("link set eth0 down");
    guest.ip("link set eth0 up");
    guest.dhcp();
    guest.ipv6();
    is_mended(&hotspot, &guest, &stranger, session);
}

#[test]
fn a_bridge_that_is_renamed_is_waited_for() {
    let Some(hotspot) = Hotspot::open() else { return };
    // With IPv4 only: a device that goes down for it loses its IPv6 addresses.
    let (guest, stranger) = (hotspot.lab.node("guest2"), hotspot.lab.node("guest3"));
    hotspot.sign_in(&guest, &hotspot.voucher(&[]));
    let check = || hotspot.cli(&["check"]);
    for words in ["link set br-guest down", "link set br-guest name br-other"] {
        hotspot.router.ip(words);
    }
    let waits = || check().contains("portal         'guest': waits for br-guest");
    assert!(until(waits), "{}", check());
    assert!(check().contains("'guest': there is no device br-guest; it is waited for"));
    for words in ["link set br-other name br-guest", "link set br-guest up"] {
        hotspot.router.ip(words);
    }
    assert!(until(|| guest.sees_site("-4")), "{} is shut out", guest.name);
    assert!(until(|| !stranger.sees_site("-4")), "strangers are let through");
    assert!(check().contains("portal         'guest': listening on br-guest"), "{}", check());
}

#[test]
fn check_tells_of_a_bridge_without_an_address() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest4 = hotspot.lab.fact("guest4").to_owned();
    let told =
        "note  network        'guest': br-guest has no IPv4 address, so that guests get none";
    assert!(!hotspot.cli(&["check"]).contains(told));
    hotspot.router.ip(&format!("address delete {guest4}/24 dev br-guest"));
    let check = hotspot.cli(&["check"]);
    assert!(check.contains(told), "{check}");
    hotspot.router.ip(&format!("address add {guest4}/24 dev br-guest"));
    let guest = hotspot.lab.node("guest2");
    hotspot.sign_in(&guest, &hotspot.voucher(&[]));
}

#[test]
fn a_bridge_may_come_after_the_daemon() {
    let Some(lab) = crate::support::Lab::up() else { return };
    let router = lab.node("router");
    router.ip("link delete br-guest");
    let hotspot = Hotspot::on(lab, "", "");
    let make = crate::support::here().join("bridge");
    let mut words = vec![make.to_str().unwrap()];
    words.extend(hotspot.lab.fact("bridge_guest").split(' '));
    router.ok(&words);
    let guest = hotspot.lab.node("guest2");
    assert!(until(|| hotspot.portal().try_get(&guest, "/").is_some()), "there is no portal");
    assert!(until(|| !guest.sees_site("-4")), "strangers are let through");
    hotspot.sign_in(&guest, &hotspot.voucher(&[]));
}
