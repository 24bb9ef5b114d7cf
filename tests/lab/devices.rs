//! Devices: the same one with another address, another one with the same voucher, and one that
//! comes back.

use crate::support::{Hotspot, Node, until};

/// Another device is plugged in in the guest's place.
fn becomes_another_device(guest: &Node) {
    guest.ip("link set eth0 down");
    guest.ip("link set eth0 address 02:00:00:00:99:99");
    guest.ip("link set eth0 up");
    guest.dhcp();
}

#[test]
fn another_address_makes_no_difference() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest2");
    hotspot.sign_in(&guest, &hotspot.voucher(&[]));
    guest.ip("address flush dev eth0");
    guest.ip("address add 192.168.77.50/24 dev eth0");
    guest.ip(&format!("route replace default via {}", hotspot.lab.fact("guest4")));
    assert!(guest.sees_site("-4"));
    assert!(hotspot.portal().says_online(&guest));
    let moved = || hotspot.active(&guest).unwrap()["address"] == "192.168.77.50";
    assert!(until(moved), "{:?}", hotspot.active(&guest));
    hotspot.portal().post(&guest, "/logout", &[]);
    assert!(!guest.sees_site("-4"));
}

#[test]
fn another_device_has_to_sign_in() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest2");
    let voucher = hotspot.voucher(&[]);
    hotspot.sign_in(&guest, &voucher);
    becomes_another_device(&guest);
    assert!(!guest.sees_site("-4"));
    assert!(!hotspot.portal().says_online(&guest));
    // One device at a time: the earlier one yields.
    hotspot.sign_in(&guest, &voucher);
    assert_eq!(hotspot.all_active().len(), 1);
}

#[test]
fn the_oldest_device_yields() {
    let Some(hotspot) = Hotspot::with("option devices '2'", "") else { return };
    let guests = ["guest1", "guest2", "guest3"].map(|name| hotspot.lab.node(name));
    let voucher = hotspot.voucher(&[]);
    for guest in &guests {
        hotspot.sign_in(guest, &voucher);
    }
    assert!(!guests[0].sees_site("-4"));
    assert!(guests[1].sees_site("-4"));
    assert!(guests[2].sees_site("-4"));
    assert_eq!(hotspot.all_active().len(), 2);
}

#[test]
fn one_device_too_many_is_refused_where_it_is_to_be() {
    let Some(hotspot) = Hotspot::with("option on_device_limit 'refuse'", "") else { return };
    let (guest, other) = (hotspot.lab.node("guest1"), hotspot.lab.node("guest2"));
    let voucher = hotspot.voucher(&[]);
    hotspot.sign_in(&guest, &voucher);
    let answer = hotspot.portal().sign_in(&other, &voucher);
    assert!(answer.body.contains("role=\"alert\""), "{answer:?}");
    assert!(!other.sees_site("-4"));
    assert!(guest.sees_site("-4"));
    // Its own device is never one too many.
    hotspot.sign_in(&guest, &voucher);
    hotspot.portal().post(&guest, "/logout", &[]);
    hotspot.sign_in(&other, &voucher);
}

#[test]
fn a_phone_with_another_mac_address_takes_its_own_place_under_refuse() {
    let Some(hotspot) = Hotspot::with("option on_device_limit 'refuse'", "") else { return };
    let (guest, other) = (hotspot.lab.node("guest2"), hotspot.lab.node("guest3"));
    let voucher = hotspot.voucher(&[]);
    hotspot.sign_in(&guest, &voucher);
    becomes_another_device(&guest);
    hotspot.sign_in(&guest, &voucher);
    assert_eq!(hotspot.all_active().len(), 1);
    // It answers now, though it sends nothing by itself.
    let answer = hotspot.portal().sign_in(&other, &voucher);
    assert_eq!(answer.status, 403, "{answer:?}");
    assert!(guest.sees_site("-4") && !other.sees_site("-4"));
}

#[test]
fn a_device_that_was_idle_is_let_in_without_the_form() {
    let Some(hotspot) = Hotspot::with("option idle_timeout '3'", "") else { return };
    let guest = hotspot.lab.node("guest2");
    hotspot.sign_in(&guest, &hotspot.voucher(&[]));
    assert!(until(|| hotspot.active(&guest).is_none()), "it is not idle");
    // The first visit, to whatever site, is answered by the portal, and lets it in.
    let let_in = || {
        guest.sees_site("-4")
            && hotspot.portal().says_online(&guest)
            && hotspot.active(&guest).is_some()
    };
    assert!(until(let_in), "it is not remembered");
}

#[test]
fn a_device_is_remembered_over_a_restart() {
    let Some(mut hotspot) = Hotspot::with("option idle_timeout '3'", "") else { return };
    let guest = hotspot.lab.node("guest2");
    hotspot.sign_in(&guest, &hotspot.voucher(&[]));
    assert!(until(|| hotspot.active(&guest).is_none()), "it is not idle");
    hotspot.stop();
    hotspot.start();
    guest.ip("link set eth0 down");
    guest.ip("link set eth0 up");
    guest.dhcp();
    assert!(until(|| guest.sees_site("-4")), "it is not remembered");
    // A device that nobody knows is none the wiser.
    becomes_another_device(&guest);
    assert!(!guest.sees_site("-4"));
    assert!(!hotspot.portal().says_online(&guest));
}

#[test]
fn a_device_is_remembered_over_a_sysupgrade_that_keeps_the_snapshot() {
    let Some(mut hotspot) = Hotspot::with("option idle_timeout '3'", "") else { return };
    let guest = hotspot.lab.node("guest2");
    hotspot.sign_in(&guest, &hotspot.voucher(&[]));
    assert!(until(|| hotspot.active(&guest).is_none()), "it is not idle");
    let snapshot = hotspot.database().with_file_name("hotspotd.snapshot.db");
    hotspot.cli(&["backup", snapshot.to_str().unwrap()]);
    hotspot.kill();
    for end in ["", "-wal"] {
        let path = format!("{}{end}", hotspot.database().display());
        std::fs::remove_file(path).unwrap();
    }
    hotspot.router.ok(&["nft", "flush", "ruleset"]);
    hotspot.start();
    assert!(hotspot.log().contains("the last snapshot was restored with 1 vouchers"));
    assert!(until(|| guest.sees_site("-4")), "it is not remembered");
}

#[test]
fn a_device_that_signed_out_is_asked_again() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest2");
    hotspot.sign_in(&guest, &hotspot.voucher(&[]));
    hotspot.portal().post(&guest, "/logout", &[]);
    for _ in 0..3 {
        assert!(!guest.sees_site("-4"));
        assert!(!hotspot.portal().says_online(&guest));
    }
}
