//! The rules in the routing path, as on kernels without an egress hook.

use std::time::Duration;

use crate::support::{Flow, Hotspot, Node, until};

/// Both families, and UDP that the guest begins.
fn reaches_the_internet(hotspot: &Hotspot, guest: &Node) -> bool {
    let wan = hotspot.lab.fact("wan4");
    let echoed = || guest.peer(&format!("echo {wan} 4000 3")).trim() == "echoed";
    guest.sees_site("-4") && guest.sees_site("-6") && echoed()
}

#[test]
fn guests_sign_in_and_out_where_there_is_no_egress_hook() {
    let Some(hotspot) = Hotspot::in_routing_path("") else { return };
    let guest = hotspot.lab.node("guest1");
    let voucher = hotspot.voucher(&[]);
    assert!(!reaches_the_internet(&hotspot, &guest));
    assert!(!guest.pings(hotspot.lab.fact("wan4")));
    hotspot.sign_in(&guest, &voucher);
    assert!(until(|| reaches_the_internet(&hotspot, &guest)));
    let usage = hotspot.settled_usage(&guest);
    assert!(usage.download > 0 && usage.upload > 0, "{usage:?}");
    // A download that runs must end with the session, not with the connection.
    let internet = hotspot.lab.node("internet");
    let wan = hotspot.lab.fact("wan4");
    let mut sender = Flow::start(&internet, &format!("send accept {wan} 5002"));
    let mut receiver = Flow::start(&guest, &format!("count connect {wan} 5002"));
    receiver.goes_on(20);
    hotspot.portal().post(&guest, "/logout", &[]);
    assert!(sender.passed().octets > 0);
    // What was on its way drains first.
    let mut passed = receiver.passed();
    let stands_still = until(|| {
        std::thread::sleep(Duration::from_millis(500));
        std::mem::replace(&mut passed, receiver.passed()) == passed
    });
    assert!(stands_still, "it goes on");
    assert!(!reaches_the_internet(&hotspot, &guest));
}

#[test]
fn a_limit_ends_the_session_where_there_is_no_egress_hook() {
    let Some(hotspot) = Hotspot::in_routing_path("") else { return };
    let guest = hotspot.lab.node("guest1");
    let voucher = hotspot.voucher(&["--download-limit", "1"]);
    hotspot.sign_in(&guest, &voucher);
    let wan = hotspot.lab.fact("wan4");
    let internet = hotspot.lab.node("internet");
    let _sender = Flow::start(&internet, &format!("send accept {wan} 5002"));
    let mut receiver = Flow::start(&guest, &format!("count connect {wan} 5002"));
    assert!(until(|| hotspot.active(&guest).is_none()), "the session goes on");
    let passed = receiver.passed().octets;
    assert!((900_000..1 << 20).contains(&passed), "{passed}");
    assert!(!guest.sees_site("-4"));
}

#[test]
fn a_session_goes_on_when_the_rules_change_places() {
    let Some(mut hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest1");
    hotspot.sign_in(&guest, &hotspot.voucher(&[]));
    assert!(guest.sees_site("-4"));
    let before = hotspot.settled_usage(&guest);
    hotspot.stop();
    hotspot.move_to_routing_path();
    hotspot.start();
    assert!(until(|| guest.sees_site("-4")));
    assert!(hotspot.settled_usage(&guest).continues(before));
}
