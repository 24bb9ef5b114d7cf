//! Guests who have themselves taken for others by what ARP and neighbour discovery say.

use crate::support::{Answer, Flow, Hotspot, Node, until};

const SCRIPT: &str = "impostor.py";

/// A guest who never sends a frame with another source than its own.
struct Impostor<'a> {
    hotspot: &'a Hotspot,
    node: Node,
}

impl<'a> Impostor<'a> {
    fn at(hotspot: &'a Hotspot, name: &'static str) -> Self {
        let node = hotspot.lab.node(name);
        // The gateway has to know it, as whoever it is.
        hotspot.portal().get(&node, "/");
        Self { hotspot, node }
    }

    fn words(&self, words: &str) -> String {
        let bridge = self.hotspot.lab.fact("bridge_guest");
        format!("eth0 {} {words}", bridge.split(' ').nth(1).unwrap())
    }

    fn claim(&self, address: &str, mac: &str) {
        self.node.script(SCRIPT, &self.words(&format!("claim {address} {mac}")));
    }

    /// What the portal answers to it as long as its own address is taken for the victim's.
    fn ask_as(&self, victim: &Node, family: &str, request: &str) -> Answer {
        let (own, router) = match family {
            "-4" => (self.node.ipv4().to_string(), self.hotspot.lab.fact("guest4")),
            _ => (self.node.ipv6()[0].to_string(), self.hotspot.lab.fact("guest6")),
        };
        let words = self.words(&format!("ask {own} {router} {} {request}", victim.mac()));
        Answer::parse(self.node.script(SCRIPT, &words).as_bytes())
    }

    fn starts(&self, role: &str, number: usize) -> Flow {
        let (own, router) = (self.node.ipv4(), self.hotspot.lab.fact("guest4"));
        let words = self.words(&format!("{role} {own} {router} {number}"));
        Flow::script(&self.node, SCRIPT, &words)
    }
}

/// SYN cookies for every connection, or where they are needed.
fn set_cookies(hotspot: &Hotspot, always: bool) {
    let number = 1 + u8::from(always);
    let set = format!("echo {number} >/proc/sys/net/ipv4/tcp_syncookies");
    hotspot.router.ok(&["sh", "-c", &set]);
}

#[test]
fn nobody_sees_or_ends_the_session_of_another_device() {
    let Some(hotspot) = Hotspot::open() else { return };
    nobody_acts_as_another(&hotspot);
}

#[test]
fn nor_where_the_gate_is_in_the_routing_path() {
    let Some(hotspot) = Hotspot::in_routing_path("") else { return };
    nobody_acts_as_another(&hotspot);
}

fn nobody_acts_as_another(hotspot: &Hotspot) {
    let victim = hotspot.lab.node("guest2");
    let impostor = Impostor::at(hotspot, "guest1");
    let voucher = hotspot.voucher(&["--username", "s1x-of-the-victim"]);
    hotspot.sign_in(&victim, &voucher);
    for family in ["-4", "-6"] {
        let page = impostor.ask_as(&victim, family, "GET /");
        assert!(page.body.contains("name=\"passcode\""), "{page:?}");
        assert!(!page.body.contains(&voucher.username), "{page:?}");
        let capport = impostor.ask_as(&victim, family, "GET /captive-portal");
        assert!(capport.body.contains("\"captive\":true"), "{capport:?}");
        let out = impostor.ask_as(&victim, family, "POST /logout");
        assert_eq!(out.status, 403, "{out:?}");
        assert!(out.body.contains("role=\"alert\""), "{out:?}");
        assert!(hotspot.active(&victim).is_some(), "{family}: signed out\n{}", hotspot.log());
    }
    // And the impostor, once it says what is so.
    hotspot.sign_in(&impostor.node, &hotspot.voucher(&[]));
    assert!(hotspot.portal().says_online(&victim));
}

#[test]
fn a_sign_in_is_never_that_of_who_claims_the_address_meanwhile() {
    let Some(hotspot) = Hotspot::open() else { return };
    let victim = hotspot.lab.node("guest2");
    let impostor = Impostor::at(&hotspot, "guest3");
    let voucher = hotspot.voucher(&[]);
    let address = victim.ipv4().to_string();
    let form = format!("{} {} {}", hotspot.lab.fact("guest4"), voucher.username, voucher.passcode);
    // The connection is open, and the form filled in.
    let mut form = Flow::start(&victim, &format!("form {form}"));
    impostor.claim(&address, &impostor.node.mac());
    form.tells();
    let judged = until(|| {
        let log = hotspot.log();
        log.contains("refused: ") || !hotspot.all_active().is_empty()
    });
    assert!(judged, "nothing has come of it:\n{}", hotspot.log());
    assert!(hotspot.all_active().is_empty(), "somebody is in:\n{}", hotspot.log());
    impostor.claim(&address, &victim.mac());
    assert_eq!(form.answer(), "403");
    assert!(!impostor.node.sees_site("-4"));
    hotspot.sign_in(&victim, &voucher);
}

#[test]
fn where_the_kernel_keeps_no_syn_pages_are_shown_and_nothing_is_done() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest1");
    guest.ipv6();
    let voucher = hotspot.voucher(&[]);
    assert!(hotspot.cli(&["check"]).contains("ok    handshakes"));
    set_cookies(&hotspot, true);
    let check = hotspot.cli_output(&["check"]);
    let lines = String::from_utf8_lossy(&check.stdout);
    assert!(lines.contains("FAIL  handshakes     net.ipv4.tcp_syncookies is 2"), "{lines}");
    assert_eq!(check.status.code(), Some(78));
    for portal in [hotspot.portal(), hotspot.portal6()] {
        assert_eq!(portal.get(&guest, "/").status, 200);
        let answer = portal.sign_in(&guest, &voucher);
        assert_eq!(answer.status, 403, "{answer:?}");
        assert!(answer.body.contains("role=\"alert\""), "{answer:?}");
    }
    assert!(hotspot.all_active().is_empty(), "{}", hotspot.log());
    assert_eq!(hotspot.log().matches("the kernel kept no SYN of").count(), 1, "{}", hotspot.log());
    set_cookies(&hotspot, false);
    hotspot.sign_in(&guest, &voucher);
    assert!(hotspot.portal().says_online(&guest));
    set_cookies(&hotspot, true);
    assert!(!hotspot.portal().says_online(&guest));
    assert_eq!(hotspot.portal().post(&guest, "/logout", &[]).status, 403);
    assert!(hotspot.active(&guest).is_some());
    assert!(guest.sees_site("-4"));
}

#[test]
fn invented_devices_get_no_more_places_than_the_one_that_invents_them() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest2");
    let impostor = Impostor::at(&hotspot, "guest3");
    let mut held = impostor.starts("hold", 220);
    for _ in 0..10 {
        assert_eq!(hotspot.portal().get(&guest, "/").status, 200);
    }
    let held: usize = held.says().parse().unwrap();
    assert!(held > 48, "only {held} connections were made");
    hotspot.sign_in(&guest, &hotspot.voucher(&[]));
}

#[test]
fn handshakes_that_are_never_completed_keep_nobody_from_signing_in() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest2");
    let mut flood = Impostor::at(&hotspot, "guest3").starts("flood", 300);
    hotspot.sign_in(&guest, &hotspot.voucher(&[]));
    assert_eq!(flood.says(), "still");
    hotspot.portal().post(&guest, "/logout", &[]);
    assert!(hotspot.active(&guest).is_none());
}
