//! Two guest networks at once.

use crate::support::{Hotspot, Portal, until};

const CAFE: &str = "config guest 'cafe'\noption device 'br-cafe'\noption portal_port '8881'";

#[test]
fn two_networks_are_served_side_by_side() {
    let Some(hotspot) = Hotspot::with("", CAFE) else { return };
    let (guest, visitor) = (hotspot.lab.node("guest1"), hotspot.lab.node("guest3"));
    hotspot.router.ip("link set guest3 master br-cafe");
    visitor.dhcp();
    let portal = Portal(format!("{}:8881", hotspot.lab.fact("cafe4")));
    let redirected = visitor.curl(&[crate::support::SITE]);
    assert!(redirected.headers["location"].starts_with(&portal.url("/")), "{redirected:?}");
    assert!(!visitor.sees_site("-4"));
    let voucher = hotspot.voucher(&[]);
    portal.sign_in(&visitor, &voucher);
    assert!(visitor.sees_site("-4"));
    assert!(!guest.sees_site("-4"));
    hotspot.sign_in(&guest, &hotspot.voucher(&[]));
    // It was in the other network before; the kernel takes its time to be sure of a neighbour.
    assert!(until(|| hotspot.host(&visitor)["server"] == "cafe"), "{}", hotspot.host(&visitor));
    assert_eq!(hotspot.host(&guest)["server"], "guest");
    // One of them goes.
    hotspot.reconfigure("", "");
    assert!(guest.sees_site("-4"));
    hotspot.reconfigure("", CAFE);
    portal.post(&visitor, "/logout", &[]);
    assert!(until(|| !visitor.sees_site("-4")));
    assert!(guest.sees_site("-4"));
}
