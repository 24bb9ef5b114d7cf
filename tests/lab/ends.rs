//! Ways in which a session ends, while its traffic runs.

use crate::support::{Flow, Hotspot, Node, Voucher};

/// What a guest may have going on: both ways, with connections and without.
struct Traffic {
    up: (Flow, Flow),
    down: (Flow, Flow),
    connected: [(Flow, Flow); 2],
}

impl Traffic {
    fn of(hotspot: &Hotspot, guest: &Node) -> Self {
        let internet = hotspot.lab.node("internet");
        let (address, wan) = (guest.ipv4(), hotspot.lab.fact("wan4"));
        let receiver = Flow::start(&internet, &format!("count udp {wan} 5000"));
        let up = (Flow::start(guest, &format!("send udp {wan} 5000 200 0")), receiver);
        let receiver = Flow::start(guest, &format!("count udp {address} 5000"));
        let down = (Flow::start(&internet, &format!("send udp {address} 5000 200 0")), receiver);
        let receiver = Flow::start(&internet, &format!("count accept {wan} 5001"));
        let page = (Flow::start(guest, &format!("send connect {wan} 5001")), receiver);
        let sender = Flow::start(&internet, &format!("send accept {wan} 5002"));
        let file = (sender, Flow::start(guest, &format!("count connect {wan} 5002")));
        let mut traffic = Self { up, down, connected: [page, file] };
        traffic.goes_on();
        traffic
    }

    fn goes_on(&mut self) {
        self.up.1.goes_on(50);
        self.down.1.goes_on(50);
        for (_, receiver) in &mut self.connected {
            receiver.goes_on(20);
        }
    }

    /// Not one datagram passes any more, and connections stand still.
    fn has_ended(&mut self) {
        Flow::is_cut(&mut self.up.0, &mut self.up.1);
        Flow::is_cut(&mut self.down.0, &mut self.down.1);
        for (_, receiver) in &mut self.connected {
            receiver.stalls(&mut self.down.0);
        }
    }
}

/// Signs in, has traffic, and sees it end by what `end` does.
fn traffic_ends(end: impl FnOnce(&Hotspot, &Node, &Voucher)) {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest1");
    let voucher = hotspot.voucher(&[]);
    hotspot.sign_in(&guest, &voucher);
    let mut traffic = Traffic::of(&hotspot, &guest);
    end(&hotspot, &guest, &voucher);
    traffic.has_ended();
    assert!(!guest.sees_site("-4"));
    assert!(!guest.sees_site("-6"));
    assert!(hotspot.active(&guest).is_none());
}

#[test]
fn signing_out_ends_all_traffic() {
    traffic_ends(|hotspot, guest, _| {
        let answer = hotspot.portal().post(guest, "/logout", &[]);
        assert!(answer.status < 400, "{answer:?}");
    });
}

#[test]
fn closing_a_device_s_session_ends_all_traffic() {
    traffic_ends(|hotspot, guest, _| {
        hotspot.cli(&["session", "close", &guest.mac()]);
    });
}

#[test]
fn closing_a_voucher_s_sessions_ends_all_traffic() {
    traffic_ends(|hotspot, _, voucher| {
        hotspot.cli(&["session", "close", &voucher.username]);
    });
}

#[test]
fn removing_the_voucher_ends_all_traffic() {
    traffic_ends(|hotspot, guest, voucher| {
        hotspot.cli(&["voucher", "remove", &voucher.username]);
        let answer = hotspot.portal().sign_in(guest, voucher);
        assert!(answer.body.contains("role=\"alert\""), "{answer:?}");
    });
}

#[test]
fn traffic_goes_on_when_the_guest_comes_back() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest1");
    let voucher = hotspot.voucher(&[]);
    hotspot.sign_in(&guest, &voucher);
    hotspot.portal().post(&guest, "/logout", &[]);
    assert!(!guest.sees_site("-4"));
    hotspot.sign_in(&guest, &voucher);
    let mut traffic = Traffic::of(&hotspot, &guest);
    hotspot.portal().post(&guest, "/logout", &[]);
    traffic.has_ended();
}

#[test]
fn a_browser_s_open_connection_does_not_hang() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest1");
    let wan = hotspot.lab.fact("wan4");
    hotspot.sign_in(&guest, &hotspot.voucher(&[]));
    // As browsers do: the connection is kept for the next page.
    let mut kept = Flow::start(&guest, &format!("keep {wan} 80"));
    assert_eq!(kept.says(), "answered");
    hotspot.portal().post(&guest, "/logout", &[]);
    // It fails at once, so that the page is asked for anew and the guest finds the portal.
    assert_eq!(kept.says(), "Connection reset by peer");
}

/// DHCP servers write to guests past every rule; nobody else may by looking like one.
#[test]
fn a_download_dressed_up_as_dhcp_ends_as_well() {
    let Some(hotspot) = Hotspot::open() else { return };
    let (guest, internet) = (hotspot.lab.node("guest1"), hotspot.lab.node("internet"));
    hotspot.sign_in(&guest, &hotspot.voucher(&[]));
    let (address, wan) = (guest.ipv4(), hotspot.lab.fact("wan4"));
    // The guest has begun it, so that connections are tracked as usual.
    let mut inside = Flow::start(&guest, &format!("count udp {address} 68 {wan} 67"));
    let mut outside = Flow::start(&internet, &format!("send udp {address} 68 500 0 67"));
    inside.goes_on(50);
    hotspot.cli(&["session", "close", &guest.mac()]);
    Flow::is_cut(&mut outside, &mut inside);
}
