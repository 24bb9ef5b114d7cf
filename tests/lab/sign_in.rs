//! The way in: what is typed, and what passes then.

use crate::support::{Flow, Hotspot, Lab, Node, SITE, Voucher, until};

/// Everything that `stranger` finds shut.
fn passes(hotspot: &Hotspot, guest: &Node) {
    let internet = hotspot.lab.node("internet");
    for wan in [hotspot.lab.fact("wan4"), hotspot.lab.fact("wan6")] {
        let family = if wan.contains(':') { "-6" } else { "-4" };
        assert!(guest.sees_site(family), "{wan}");
        assert_eq!(guest.peer(&format!("greet {wan} 443")), "reached");
        assert_eq!(guest.peer(&format!("echo {wan} 4000 20")), "echoed");
        assert!(guest.pings(wan), "{wan}");
    }
    for address in [guest.ipv4().to_string(), guest.ipv6()[0].to_string()] {
        let mut inside = Flow::start(guest, &format!("count udp {address} 5000"));
        let _outside = Flow::start(&internet, &format!("send udp {address} 5000 100 0"));
        inside.goes_on(10);
    }
}

#[test]
fn username_and_passcode_let_everything_pass() {
    let Some(hotspot) = Hotspot::open() else { return };
    let (guest, other) = (hotspot.lab.node("guest1"), hotspot.lab.node("guest2"));
    let voucher = hotspot.voucher(&[]);
    let typed = Voucher { username: format!(" {} ", voucher.username.to_uppercase()), ..voucher };
    hotspot.sign_in(&guest, &typed);
    passes(&hotspot, &guest);
    assert!(hotspot.portal().says_online(&guest));
    assert!(!hotspot.portal().says_online(&other));
    assert!(!other.sees_site("-4"));
}

#[test]
fn an_address_that_the_device_takes_later_is_let_through() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest1");
    hotspot.sign_in(&guest, &hotspot.voucher(&[]));
    let later = format!("{}beef", hotspot.lab.fact("prefix6"));
    guest.ip(&format!("address add {later}/64 dev eth0"));
    assert!(until(|| guest.ipv6().iter().any(|address| address.to_string() == later)));
    let page = guest.curl(&["-6", "--interface", &later, SITE]);
    assert_eq!(page.status, 200, "{page:?}");
    assert!(hotspot.lab.read("internet.log").contains(&later), "it came from another address");
}

#[test]
fn one_code_is_enough() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest1");
    let voucher = hotspot.voucher(&[]);
    let code = format!("{}-{}", voucher.username, voucher.passcode);
    hotspot.portal().post(&guest, "/login", &[("code", &code)]);
    assert!(guest.sees_site("-4"));
    // The form has no field of its own for it: it goes where the username goes.
    let other = hotspot.lab.node("guest2");
    let voucher = hotspot.voucher(&[]);
    let code = format!("{}{}", voucher.username, voucher.passcode);
    hotspot.portal().post(&other, "/login", &[("username", &code), ("passcode", "")]);
    assert!(other.sees_site("-4"));
}

#[test]
fn the_portal_does_as_well_over_ipv6() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest1");
    guest.ipv6();
    hotspot.portal6().sign_in(&guest, &hotspot.voucher(&[]));
    passes(&hotspot, &guest);
    assert!(hotspot.portal6().says_online(&guest));
}

#[test]
fn what_is_wrong_lets_nobody_in() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest1");
    let voucher = hotspot.voucher(&["--passcode", "Right"]);
    for passcode in ["right", "Wrong", ""] {
        let wrong = Voucher { passcode: passcode.to_owned(), ..voucher.clone() };
        let answer = hotspot.portal().sign_in(&guest, &wrong);
        assert!(answer.body.contains("role=\"alert\""), "{answer:?}");
        assert!(!guest.sees_site("-4"), "{passcode:?}");
    }
    let expired = hotspot.voucher(&["--valid-for", "1 hour", "--valid-from", "2020-01-01 00:00"]);
    hotspot.portal().sign_in(&guest, &expired);
    assert!(!guest.sees_site("-4"));
    hotspot.sign_in(&guest, &voucher);
}

#[test]
fn devices_that_ask_in_machine_language_are_told() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest1");
    let ask = || hotspot.portal().get(&guest, "/captive-portal");
    let stranger = ask();
    assert_eq!(stranger.headers["content-type"], "application/captive+json");
    assert_eq!(stranger.json()["captive"], true);
    assert_eq!(stranger.json()["user-portal-url"], hotspot.portal().url("/"));
    let voucher = hotspot.voucher(&["--valid-for", "2 hours", "--download-limit", "5"]);
    hotspot.sign_in(&guest, &voucher);
    let guest = ask().json();
    assert_eq!(guest["captive"], false);
    let seconds = guest["seconds-remaining"].as_u64().unwrap();
    assert!((3600..=7200).contains(&seconds), "{guest}");
    let octets = guest["bytes-remaining"].as_u64().unwrap();
    assert!((4 << 20..=5 << 20).contains(&octets), "{guest}");
}

#[test]
fn behind_a_masquerading_router_it_is_the_same() {
    let Some(lab) = Lab::masquerading() else { return };
    let hotspot = Hotspot::on(lab, "", "");
    let (guest, internet) = (hotspot.lab.node("guest1"), hotspot.lab.node("internet"));
    let wan = hotspot.lab.fact("wan4");
    assert!(!guest.sees_site("-4"));
    // A flow that a stranger has begun is let through as it is, and ends with the session.
    let mut outside = Flow::start(&internet, &format!("count udp {wan} 5000"));
    let mut inside = Flow::start(&guest, &format!("send udp {wan} 5000 100 0"));
    inside.goes_on(100);
    assert_eq!(outside.passed().pieces, 0);
    hotspot.sign_in(&guest, &hotspot.voucher(&[]));
    outside.goes_on(10);
    assert!(guest.sees_site("-4"));
    hotspot.portal().post(&guest, "/logout", &[]);
    Flow::is_cut(&mut inside, &mut outside);
    assert!(!guest.sees_site("-4"));
}
