//! The laboratory without a hotspot: what a test finds blocked must be open here.

use crate::support::{Flow, Lab};

#[test]
fn without_a_hotspot_everything_passes() {
    let Some(lab) = Lab::up() else { return };
    let (wan4, wan6) = (lab.fact("wan4"), lab.fact("wan6"));
    for name in ["guest1", "guest2", "guest3"] {
        let guest = lab.node(name);
        assert!(guest.sees_site("-4"), "{name}");
        assert!(guest.pings(wan4), "{name}");
        assert_eq!(guest.peer(&format!("echo {wan4} 4000 20")), "echoed", "{name}");
        assert_eq!(guest.peer(&format!("greet {wan4} 443")), "reached", "{name}");
    }
    let guest = lab.node("guest1");
    assert_eq!(guest.ipv6().len(), 2, "its own and a temporary address");
    assert!(guest.sees_site("-6"));
    assert!(guest.pings(wan6));
    assert_eq!(guest.peer(&format!("echo {wan6} 4000 20")), "echoed");
    assert_eq!(guest.peer(&format!("greet {wan6} 443")), "reached");
    assert_eq!(guest.peer(&format!("ask {} 500", lab.fact("guest4"))), "500");
    let lease = format!("{} {} guest1", guest.mac().to_lowercase(), guest.ipv4());
    assert!(lab.read("leases").contains(&lease), "{lease}");
}

#[test]
fn flows_are_counted_at_both_ends() {
    let Some(lab) = Lab::up() else { return };
    let (guest, internet) = (lab.node("guest1"), lab.node("internet"));
    let address = guest.ipv4();
    let mut down = Flow::start(&guest, &format!("count udp {address} 5000"));
    let mut source = Flow::start(&internet, &format!("send udp {address} 5000 1000 300"));
    source.goes_on(1);
    assert!(crate::support::until(|| down.passed().pieces == 300), "{:?}", down.passed());
    assert_eq!(down.passed().octets, 300_000);
    assert_eq!(source.passed().pieces, 300);
    let _server = Flow::start(&internet, &format!("send accept {} 5001", lab.fact("wan6")));
    let mut page = Flow::start(&guest, &format!("count connect {} 5001", lab.fact("wan6")));
    page.goes_on(50);
}

#[test]
fn a_router_that_masquerades_hides_its_guests() {
    let Some(lab) = Lab::masquerading() else { return };
    let guest = lab.node("guest2");
    assert!(guest.sees_site("-4"));
    let visits = lab.read("internet.log");
    assert!(!visits.contains(&guest.ipv4().to_string()), "{visits}");
}

#[test]
fn a_laboratory_leaves_nothing_behind() {
    let Some(lab) = Lab::up() else { return };
    let directory = lab.directory().to_owned();
    let pid = lab.read("internet.pid");
    let process = std::path::Path::new("/proc").join(pid.trim());
    assert!(process.exists());
    drop(lab);
    assert!(!process.exists());
    assert!(!directory.exists());
}
