//! What the gate costs those who are let through, beside plain routing on the same cables.
//!
//! Plain routing, plain routing with connection tracking, and the gate with so many sessions take
//! turns in one laboratory, to and fro; shares are of what the peer did in the same round. Every
//! OpenWrt router tracks connections, with or without a hotspot, and the gate's way to the portal
//! needs it too; hence two peers.
//!
//! TCP runs in frames of 1,500 octets, as on a wire, and in the pieces of up to 64 KB that
//! namespaces pass on where they may; it takes both processors, and whatever else runs on the machine
//! costs it.
//!
//! Packets without a word in them are written by a packet socket, in turn from (or to) every guest
//! with a session, and counted where they arrive. The kernel carries nearly every frame to its end
//! before the next is written: the time is the sender's and that of the kernel's threads which take
//! over now and then, so what else runs on the machine counts little. Writing the frames is in it, so
//! the shares flatter the gate; the time for a packet does not.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::Effort;
use crate::daemon::Disk;
use crate::lab::{BRIDGE, Lab, Role, address};
use crate::router::processor_time;
use crate::table;

const SESSIONS: [u16; 4] = [1, 100, 1000, 5000];
/// Connections of what loads much at once.
const STREAMS: &str = "8";
/// Length of a run of TCP.
const SECONDS: &str = "2";
/// Microseconds of sending packets: until everything is warm, and for what counts.
const WARM: &str = "20000";
const RUN: &str = "150000";
/// Rounds of packets: short ones and many, as the speed of a processor changes from second to second.
const ROUNDS: usize = 5;

/// What stands between the cables.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Plain,
    Tracked,
    Gate(u16),
}

impl Way {
    fn name(self) -> String {
        match self {
            Self::Plain => "peer: plain routing".to_owned(),
            Self::Tracked => "peer: plain routing, connections tracked".to_owned(),
            Self::Gate(sessions) => format!("the gate, sessions: {sessions}"),
        }
    }
}

/// A drop of nothing: what makes the kernel track connections.
const TRACKING: &str = "table inet tracking {\nchain forward {\n\
    type filter hook forward priority 0\nct state invalid counter\n}\n}\n";
/// Nobody there has to tell the senders that nobody wants their packets.
const DISCARD: [(&str, &str); 2] = [("internet", "wan"), ("guest1", "eth0")];

/// A laboratory with everything that sends.
struct Field {
    lab: Lab,
    gate: Role,
    guest: Role,
    internet: Role,
    /// The router's MAC towards the internet.
    wan: String,
}

pub fn run(_: &Disk, effort: Effort) {
    table::title("forward: the gate beside plain routing");
    let Some(lab) = Lab::up() else { return };
    let mut field = Field::new(lab);
    for (name, large) in [("frames", false), ("pieces of 64 KB", true)] {
        field.pieces(large);
        let what = format!("TCP in {name}, 1 download");
        field.compare_tcp(&what, effort, &["-R"]);
        if !large {
            let what = format!("TCP in {name}, {STREAMS} downloads");
            field.compare_tcp(&what, effort, &["-R", "-P", STREAMS]);
            field.compare_tcp(&format!("TCP in {name}, 1 upload"), effort, &[]);
        }
    }
    for direction in ["up", "down"] {
        field.compare_packets(direction, effort);
    }
}

impl Field {
    fn new(lab: Lab) -> Self {
        lab.invite(*SESSIONS.last().unwrap());
        for (node, device) in DISCARD {
            let rules = format!(
                "table netdev discard {{\nchain arrive {{\n\
                 type filter hook ingress device \"{device}\" priority 0\nudp dport 9 drop\n}}\n}}\n"
            );
            lab.node(node).feed(&["nft", "-f", "-"], &rules);
        }
        let role = |node: &str, words: &str| {
            let mut role = lab.node(node).role(words);
            assert_eq!(role.hear(), "ready");
            role
        };
        let wan = lab.node("router").ok(&["cat", "/sys/class/net/wan/address"]).trim().to_owned();
        let gate = role("router", "counter");
        let (guest, internet) = (role("guest1", "frames eth0"), role("internet", "frames wan"));
        Self { gate, guest, internet, wan, lab }
    }

    fn take(&mut self, way: Way) {
        let router = self.lab.node("router");
        router.ok(&["nft", "flush", "ruleset"]);
        match way {
            Way::Plain => {}
            Way::Tracked => router.feed(&["nft", "-f", "-"], TRACKING),
            Way::Gate(sessions) => {
                assert_eq!(self.gate.ask(&format!("open {sessions}")), "done");
            }
        }
    }

    /// Whether the cables take TCP in larger pieces than frames.
    fn pieces(&self, large: bool) {
        let most = if large { "65535" } else { "1" };
        let ends =
            [("internet", "wan"), ("guest1", "eth0"), ("router", "wan"), ("router", "guest1")];
        for (node, device) in ends {
            self.lab.node(node).ok(&["ip", "link", "set", device, "gso_max_segs", most]);
        }
    }

    fn compare_tcp(&mut self, what: &str, effort: Effort, words: &[&str]) {
        let gates = SESSIONS.map(Way::Gate);
        let ways: Vec<Way> = [Way::Plain, Way::Tracked].into_iter().chain(gates).collect();
        let rates = self.in_turn(&ways, effort.runs(), |field| field.tcp(words));
        println!("  {what}");
        show(&ways, "Gbit/s", &rates);
    }

    /// What is measured for each of these, in several rounds.
    fn in_turn(
        &mut self,
        ways: &[Way],
        rounds: usize,
        measure: impl Fn(&mut Self) -> f64,
    ) -> Vec<Vec<f64>> {
        let mut rates: Vec<Vec<f64>> = vec![Vec::new(); ways.len()];
        for round in 0..rounds {
            let mut order: Vec<usize> = (0..ways.len()).collect();
            if round % 2 == 1 {
                order.reverse();
            }
            for at in order {
                self.take(ways[at]);
                rates[at].push(measure(self));
            }
        }
        rates
    }

    fn tcp(&self, words: &[&str]) -> f64 {
        let (server, own) = (self.lab.fact("wan4"), address(1).to_string());
        let all = ["iperf3", "-J", "-c", server, "-B", &own, "-t", SECONDS];
        let answer = self.lab.node("guest1").ok(&[&all, words].concat());
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        answer["end"]["sum_received"]["bits_per_second"].as_f64().unwrap() / 1e9
    }

    fn compare_packets(&mut self, direction: &str, effort: Effort) {
        for sessions in SESSIONS {
            let ways = [Way::Plain, Way::Tracked, Way::Gate(sessions)];
            let rounds = effort.runs() * ROUNDS;
            let rates = self.in_turn(&ways, rounds, |field| field.packets(direction, sessions));
            println!("  small packets {direction}, guests: {sessions}");
            show(&ways, "k/s", &rates);
            let [_, tracked, gate] = &rates[..] else { unreachable!() };
            let cost = gate.iter().zip(tracked).map(|(gate, peer)| 1e6 / gate - 1e6 / peer);
            let label = "    the gate's time for a packet, tracking apart";
            table::row(label, "ns", cost.collect());
        }
    }

    /// Thousands of packets that arrive in a second of processor time.
    fn packets(&mut self, direction: &str, sessions: u16) -> f64 {
        let (sender, router, receiver) = match direction {
            "up" => (&mut self.guest, BRIDGE.to_string(), ("internet", "wan")),
            _ => (&mut self.internet, self.wan.clone(), ("guest1", "eth0")),
        };
        let server = self.lab.fact("wan4");
        let mut send = |time: &str| {
            let node = self.lab.node(receiver.0);
            let (before, helped) = (node.received(receiver.1), softirq_time());
            let told = sender.ask(&format!("{direction} {sessions} {time} {server} {router}"));
            let arrived = node.received(receiver.1) - before;
            let (sent, taken) = told.split_once(' ').unwrap();
            let (sent, taken): (u64, f64) = (sent.parse().unwrap(), taken.parse().unwrap());
            let taken = taken + (softirq_time() - helped).as_secs_f64() * 1e6;
            // What is lost is no forwarding, and so is what arrives for other reasons.
            assert!(arrived * 100 >= sent * 95 && arrived <= sent + 100, "{arrived} of {sent}");
            arrived as f64 * 1e3 / taken
        };
        send(WARM);
        send(RUN)
    }
}

/// Of the kernel's threads that take over where much is to be done at once.
fn softirq_time() -> Duration {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let helps = |path: &Path| {
        fs::read_to_string(path.join("comm")).is_ok_and(|name| name.starts_with("ksoftirqd"))
    };
    let pids = processes.map(|it| it.path()).filter(|path| helps(path));
    pids.filter_map(|path| path.file_name()?.to_str()?.parse().ok()).map(processor_time).sum()
}

/// Every way, and beside the gate how much that is of what the peers did in the same round.
fn show(ways: &[Way], unit: &str, rates: &[Vec<f64>]) {
    for (way, own) in ways.iter().zip(rates) {
        table::row(&format!("  {}", way.name()), unit, own.clone());
        if !matches!(way, Way::Gate(_)) {
            continue;
        }
        for (name, peer) in
            ["plain routing", "plain routing, connections tracked"].iter().zip(rates)
        {
            let shares = own.iter().zip(peer).map(|(own, peer)| own * 100.0 / peer);
            table::row(&format!("    of {name}"), "%", shares.collect());
        }
    }
}
