//! Who has not signed in: nothing but the way in.

use crate::support::{Flow, Hotspot, Node, SITE, until};

/// Every way out that is open without a hotspot (see `topology`), over one family.
fn is_shut_out(guest: &Node, internet: &str, portal: &str) {
    let family = if internet.contains(':') { "-6" } else { "-4" };
    assert_eq!(guest.peer(&format!("greet {internet} 443")), "Connection refused");
    assert_eq!(guest.peer(&format!("greet {internet} 5201")), "Connection refused");
    assert_eq!(guest.peer(&format!("echo {internet} 4000 5")), "lost");
    assert!(!guest.pings(internet));
    let redirected = guest.curl(&[family, SITE]);
    assert_eq!(redirected.status, 302, "{redirected:?}");
    let location = &redirected.headers["location"];
    assert!(location.starts_with(&format!("http://{portal}/?next=")), "{location}");
    assert_eq!(redirected.headers["cache-control"], "no-store");
    // A connection that outlived the sign-in would keep the guest at the portal.
    assert_eq!(redirected.headers["connection"], "close");
}

#[test]
fn a_stranger_is_shut_out_over_both_families() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest1");
    guest.ipv6();
    is_shut_out(&guest, hotspot.lab.fact("wan4"), &hotspot.portal().0);
    is_shut_out(&guest, hotspot.lab.fact("wan6"), &hotspot.portal6().0);
    // An address that nobody has is redirected as well.
    let redirected = guest.curl(&["http://198.51.100.7/"]);
    assert_eq!(redirected.status, 302, "{redirected:?}");
}

#[test]
fn nothing_comes_in_to_a_stranger() {
    let Some(hotspot) = Hotspot::open() else { return };
    let (guest, internet) = (hotspot.lab.node("guest1"), hotspot.lab.node("internet"));
    for address in [guest.ipv4().to_string(), guest.ipv6()[0].to_string()] {
        let mut inside = Flow::start(&guest, &format!("count udp {address} 5000"));
        let mut outside = Flow::start(&internet, &format!("send udp {address} 5000 100 0"));
        outside.goes_on(300);
        assert_eq!(inside.passed().pieces, 0, "{address}");
    }
}

#[test]
fn addresses_and_names_are_to_be_had() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest1");
    // Everything anew: the lease, the router's advertisement, and the test for duplicates, which
    // guests go without elsewhere.
    guest.ok(&["sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/eth0/dad_transmits"]);
    guest.ip("link set eth0 down");
    guest.ip("link set eth0 up");
    guest.dhcp();
    assert_eq!(guest.ipv6().len(), 2);
    for router in [hotspot.lab.fact("guest4"), hotspot.lab.fact("guest6")] {
        assert_eq!(guest.peer(&format!("ask {router} 5")), "5", "{router}");
    }
    // Whoever has set a resolver of their own has the router's answer all the same.
    assert_eq!(guest.peer(&format!("ask {} 5", hotspot.lab.fact("wan4"))), "5");
    // DNS over TCP ends at the router, too: it is no way around.
    assert_eq!(hotspot.lab.node("internet").peer("greet 127.0.0.1 53"), "reached");
    assert_ne!(guest.peer(&format!("greet {} 53", hotspot.lab.fact("wan4"))), "reached");
}

#[test]
fn the_router_shows_nothing_but_the_portal() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest1");
    guest.ipv6();
    for router in [hotspot.lab.fact("guest4"), hotspot.lab.fact("guest6")] {
        let _shell = Flow::start(&hotspot.router, &format!("send accept {router} 22"));
        let mut snmp = Flow::start(&hotspot.router, &format!("count udp {router} 161"));
        assert_eq!(guest.peer(&format!("greet {router} 22")), "Connection refused");
        let mut asker = Flow::start(&guest, &format!("send udp {router} 161 50 0"));
        asker.goes_on(100);
        assert_eq!(snmp.passed().pieces, 0, "{router}");
        assert!(!guest.pings(router), "{router}");
    }
    // The API is at home on loopback; from here its port is as closed as any other.
    assert_eq!(
        guest.peer(&format!("greet {} 8080", hotspot.lab.fact("guest4"))),
        "Connection refused"
    );
    assert_eq!(hotspot.portal().get(&guest, "/").status, 200);
}

#[test]
fn a_tunnel_through_dns_gets_nowhere_and_harms_nobody() {
    let Some(hotspot) = Hotspot::open() else { return };
    let (guest, other) = (hotspot.lab.node("guest1"), hotspot.lab.node("guest2"));
    let router = hotspot.lab.fact("guest4");
    let flood = std::thread::spawn({
        let ask = format!("ask {router} 3000");
        move || guest.peer(&ask)
    });
    for _ in 0..5 {
        assert_eq!(other.peer(&format!("ask {router} 1")), "1");
        assert_eq!(other.curl(&[SITE]).status, 302);
    }
    let answered: u32 = flood.join().unwrap().parse().unwrap();
    assert!((1..1500).contains(&answered), "{answered} of 3000 were answered");
}

#[test]
fn the_garden_is_open_to_everybody() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest1");
    let garden = hotspot.lab.fact("garden4");
    let home = format!("http://{garden}/");
    assert_eq!(guest.curl(&[&home]).status, 302);
    hotspot.reconfigure("", &format!("list garden '{garden}/32'"));
    let seen = || guest.curl(&[&home]).body.contains(&format!("This is {garden}/"));
    assert!(until(seen), "{:?}", guest.curl(&[&home]));
    assert_eq!(guest.peer(&format!("greet {garden} 443")), "reached");
    is_shut_out(&guest, hotspot.lab.fact("wan4"), &hotspot.portal().0);
    hotspot.reconfigure("", "");
    assert!(until(|| guest.curl(&[&home]).status == 302), "the garden is still open");
}
