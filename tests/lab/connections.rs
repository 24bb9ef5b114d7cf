//! Connections from before a change of access meet the rules of now: nothing hangs, and nothing is
//! led where it was led before.

use std::time::Duration;

use crate::limits::ending_in;
use crate::support::{Flow, Hotspot, Lab, Node, Voucher, until};

/// The connections that the router tracks of this address.
fn tracked(hotspot: &Hotspot, address: &str) -> Vec<String> {
    let table = hotspot.router.ok(&["cat", "/proc/net/nf_conntrack"]);
    let of_it = table.lines().filter(|line| line.contains(&format!("src={address} ")));
    of_it.map(str::to_owned).collect()
}

/// As `/proc/net/nf_conntrack` writes it.
fn in_full(address: &std::net::Ipv6Addr) -> String {
    address.segments().map(|part| format!("{part:04x}")).join(":")
}

/// What a guest has open when a session ends, over one family.
struct Open {
    /// One that says so when it is reset.
    streams: Vec<Flow>,
    dns: Flow,
    datagrams: Flow,
}

impl Open {
    fn to(guest: &Node, internet: &str) -> Self {
        let start = |words: &str| Flow::start(guest, &format!("talk {words}"));
        let mut open = Self {
            streams: vec![start(&format!("tcp {internet} 4000"))],
            dns: start(&format!("udp {internet} 53")),
            datagrams: start(&format!("udp {internet} 4000")),
        };
        for flow in [&mut open.dns, &mut open.datagrams].into_iter().chain(&mut open.streams) {
            assert_eq!(flow.says(), "echoed");
        }
        assert!(guest.pings(internet));
        open
    }

    fn is_judged_anew(&mut self) {
        for stream in &mut self.streams {
            assert_eq!(stream.says(), "Connection reset by peer");
        }
        // The device asks from the same port, and finds the portal all the same.
        assert!(until(|| self.dns.says() == "answered"), "questions are lost");
        assert_ne!(self.datagrams.says(), "echoed");
    }
}

/// Signs in, has connections, and sees what becomes of them by what `end` does.
fn connections_meet_the_end(hotspot: &Hotspot, voucher: &Voucher, end: impl FnOnce(&Node)) {
    let guest = hotspot.lab.node("guest1");
    let (four, six) = (guest.ipv4().to_string(), guest.ipv6());
    hotspot.sign_in(&guest, voucher);
    let mut open = [hotspot.lab.fact("wan4"), hotspot.lab.fact("wan6")]
        .map(|internet| Open::to(&guest, internet));
    let mut page = Flow::start(&guest, &format!("keep {} 80", hotspot.lab.fact("wan4")));
    assert_eq!(page.says(), "answered");
    end(&guest);
    assert!(until(|| hotspot.active(&guest).is_none()), "the session goes on");
    let left = || {
        let six = six.iter().map(in_full);
        let of_all = six.chain([four.clone()]).flat_map(|address| tracked(hotspot, &address));
        of_all.filter(|line| !line.contains("dport=8880")).collect::<Vec<_>>()
    };
    assert!(until(|| left().is_empty()), "these are left: {:#?}", left());
    for open in &mut open {
        open.is_judged_anew();
    }
    assert_eq!(page.says(), "Connection reset by peer");
}

#[test]
fn nothing_hangs_after_signing_out() {
    let Some(hotspot) = Hotspot::open() else { return };
    connections_meet_the_end(&hotspot, &hotspot.voucher(&[]), |guest| {
        hotspot.portal().post(guest, "/logout", &[]);
    });
}

#[test]
fn nothing_hangs_when_the_operator_ends_the_session() {
    let Some(hotspot) = Hotspot::open() else { return };
    connections_meet_the_end(&hotspot, &hotspot.voucher(&[]), |guest| {
        hotspot.cli(&["session", "close", &guest.mac()]);
    });
}

#[test]
fn nothing_hangs_where_there_is_no_egress_hook() {
    let Some(hotspot) = Hotspot::in_routing_path("") else { return };
    connections_meet_the_end(&hotspot, &hotspot.voucher(&[]), |guest| {
        hotspot.portal().post(guest, "/logout", &[]);
    });
}

#[test]
fn nothing_hangs_when_the_time_is_over() {
    let Some(hotspot) = Hotspot::open() else { return };
    let (voucher, _) = ending_in(&hotspot, Duration::from_secs(20));
    connections_meet_the_end(&hotspot, &voucher, |_| {});
}

#[test]
fn nothing_hangs_when_the_data_is_used_up() {
    let Some(hotspot) = Hotspot::open() else { return };
    let voucher = hotspot.voucher(&["--download-limit", "1"]);
    connections_meet_the_end(&hotspot, &voucher, |guest| {
        let internet = hotspot.lab.node("internet");
        let mut sender =
            Flow::start(&internet, &format!("send udp {} 5000 1000 2000", guest.ipv4()));
        assert!(until(|| sender.passed().pieces == 2000));
    });
}

/// A port first used as a stranger asks the server that it means to ask.
#[test]
fn questions_go_where_they_are_meant_to_after_the_sign_in() {
    for routing_path in [false, true] {
        let opened = if routing_path { Hotspot::in_routing_path("") } else { Hotspot::open() };
        let Some(hotspot) = opened else { return };
        let guest = hotspot.lab.node("guest1");
        guest.ipv6();
        let mut questions = [hotspot.lab.fact("wan4"), hotspot.lab.fact("wan6")]
            .map(|internet| Flow::start(&guest, &format!("talk udp {internet} 53")));
        for question in &mut questions {
            assert_eq!(question.says(), "answered");
        }
        hotspot.sign_in(&guest, &hotspot.voucher(&[]));
        for question in &mut questions {
            assert!(until(|| question.says() == "echoed"), "the router answers");
        }
    }
}

/// A port of this router's that leads to a guest's own server.
#[test]
fn connections_from_outside_end_with_the_session() {
    let Some(lab) = Lab::masquerading() else { return };
    let hotspot = Hotspot::on(lab, "", "");
    let (guest, internet) = (hotspot.lab.node("guest1"), hotspot.lab.node("internet"));
    let address = guest.ipv4();
    let router = hotspot.lab.fact("wan4").replace(".10", ".1");
    let rule = format!("tcp dport 2222 dnat ip to {address}:5001");
    hotspot.router.ok(&[
        "sh",
        "-c",
        &format!(
            "nft 'add chain inet lab forwarded {{ type nat hook prerouting priority dstnat; }}
                  add rule inet lab forwarded iifname wan {rule}'"
        ),
    ]);
    hotspot.sign_in(&guest, &hotspot.voucher(&[]));
    let mut server = Flow::start(&guest, &format!("send accept {address} 5001"));
    let mut visitor = Flow::start(&internet, &format!("count connect {router} 2222"));
    visitor.goes_on(20);
    assert!(!tracked(&hotspot, &address.to_string()).is_empty());
    hotspot.cli(&["session", "close", &guest.mac()]);
    let left = || tracked(&hotspot, &address.to_string());
    assert!(until(|| left().iter().all(|line| line.contains("dport=8880"))), "{:#?}", left());
    // The guest's end is reset as well: its server does not go on sending to nobody.
    let sent = until(|| {
        let before = server.passed();
        std::thread::sleep(Duration::from_millis(500));
        before == server.passed()
    });
    assert!(sent, "the server goes on");
}

/// Rules come to a network, and go again.
#[test]
fn rules_that_come_and_go_meet_connections_that_are_there() {
    let Some(hotspot) = Hotspot::with("", "option enforce '0'") else { return };
    let guest = hotspot.lab.node("guest1");
    guest.ipv6();
    let mut questions = [hotspot.lab.fact("wan4"), hotspot.lab.fact("wan6")]
        .map(|internet| Flow::start(&guest, &format!("talk udp {internet} 53")));
    let mut stream = Flow::start(&guest, &format!("talk tcp {} 4000", hotspot.lab.fact("wan4")));
    // A datagram is lost where an address has just come.
    for question in &mut questions {
        assert!(until(|| question.says() == "echoed"), "the internet does not answer");
    }
    assert_eq!(stream.says(), "echoed");
    hotspot.reconfigure("", "option enforce '1'");
    for question in &mut questions {
        assert!(until(|| question.says() == "answered"), "questions are lost");
    }
    assert_eq!(stream.says(), "Connection reset by peer");
    hotspot.reconfigure("", "option enforce '0'");
    for question in &mut questions {
        assert!(until(|| question.says() == "echoed"), "the router answers");
    }
}

/// Sign-in and sign-out over one connection that is kept, as browsers do.
#[test]
fn the_connection_that_carries_the_answer_goes_on() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest1");
    let Voucher { username, passcode } = hotspot.voucher(&[]);
    let portal = hotspot.portal();
    let typed = format!("username={username}&passcode={passcode}");
    let connections = |path: &str, form: &str| {
        let home = portal.url("/");
        let form = ["-d", form, &portal.url(path), "--next"];
        let each = ["-sS", "-o", "/dev/null", "-w", "%{http_code} %{num_connects}\n"];
        // `--next` forgets what was said of the request before.
        let words: Vec<&str> = [&["curl"], &each[..], &form[..], &each[..], &[&home]].concat();
        guest.ok(&words)
    };
    assert_eq!(connections("/login", &typed), "303 1\n200 0\n");
    assert!(guest.sees_site("-4"));
    assert_eq!(connections("/logout", ""), "303 1\n200 0\n");
    assert!(!guest.sees_site("-4"));
}

/// Other guests, and who takes over an address, keep what they have.
#[test]
fn nobody_else_s_connections_are_touched() {
    let Some(lab) = Lab::masquerading() else { return };
    let hotspot = Hotspot::on(lab, "", "");
    let (guest, other) = (hotspot.lab.node("guest1"), hotspot.lab.node("guest2"));
    hotspot.sign_in(&guest, &hotspot.voucher(&[]));
    hotspot.sign_in(&other, &hotspot.voucher(&[]));
    let wan = hotspot.lab.fact("wan4");
    let mut kept = Flow::start(&other, &format!("talk tcp {wan} 4000"));
    let mut ended = Flow::start(&guest, &format!("talk tcp {wan} 4000"));
    assert_eq!((kept.says(), ended.says()), ("echoed".to_owned(), "echoed".to_owned()));
    hotspot.portal().post(&guest, "/logout", &[]);
    assert_eq!(ended.says(), "Connection reset by peer");
    assert_eq!(kept.says(), "echoed");
}
