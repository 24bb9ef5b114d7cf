//! What the gate costs guests who are signed in, beside other rulesets on the same kind of cables.
//!
//! Each ruleset has a laboratory of its own, all of them at the same time; shares are of what a peer
//! did in the same round. Every OpenWrt router tracks connections, with or without a hotspot, and has
//! a firewall: plain routing with connection tracking and a ruleset like firewall4's are the peers to
//! compare with. The gate of before is the one whose rules `gate_before.nft` has kept.
//!
//! TCP runs in frames of 1,500 octets, as on a wire, and in the pieces of up to 64 KB that
//! namespaces pass on where they may; it takes both processors, and whatever else runs on the machine
//! costs it.
//!
//! Small packets are written by a packet socket, in turn from (or to) every guest with a session, and
//! counted where they arrive. The kernel carries nearly every frame to its end before the next is
//! written: the time is the sender's, so what else runs on the machine counts little. The speed of a
//! shared processor changes within tenths of a second; so each ruleset has a burst of some
//! milliseconds, in an order that is drawn anew for each of many rounds. Writing the frames is in it,
//! so the shares flatter the gate; the time for a packet does not.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use crate::Effort;
use crate::daemon::Disk;
use crate::lab::{BRIDGE, Lab, Role, address, mac};
use crate::table;

const SESSIONS: [u16; 4] = [1, 100, 1000, 5000];
/// Connections of what loads much at once.
const STREAMS: &str = "8";
/// Length of a run of TCP.
const SECONDS: &str = "2";
/// Microseconds of a burst; it is twice as long with more guests than one burst reaches.
const BURST: std::ops::Range<u64> = 4_000..12_000;
/// Until caches and branches are those of this ruleset.
const WARM: u64 = 2_000;

/// What stands between the cables.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Plain,
    Tracked,
    Firewall,
    Before,
    Gate,
    Both,
}

const WAYS: [Way; 6] = [Way::Plain, Way::Tracked, Way::Firewall, Way::Before, Way::Gate, Way::Both];
/// Ways, and the peers they are compared with.
const SHARES: [(Way, &[Way]); 3] = [
    (Way::Before, &[Way::Plain, Way::Tracked]),
    (Way::Gate, &[Way::Plain, Way::Tracked]),
    (Way::Both, &[Way::Firewall]),
];

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Plain => "peer: plain routing",
            Self::Tracked => "peer: plain routing, connections tracked",
            Self::Firewall => "peer: a firewall like OpenWrt's",
            Self::Before => "the gate of before",
            Self::Gate => "the gate",
            Self::Both => "the gate, and that firewall",
        }
    }
}

/// A drop of nothing: what makes the kernel track connections.
const TRACKING: &str = "table inet tracking {\nchain forward {\n\
    type filter hook forward priority 0\nct state invalid counter\n}\n}\n";
const FIREWALL: &str = include_str!("forward/firewall4.nft");
const BEFORE: &str = include_str!("forward/gate_before.nft");
/// Nobody there has to tell the senders that nobody wants their packets.
const DISCARD: [(&str, &str); 2] = [("internet", "wan"), ("guest1", "eth0")];

/// A laboratory with everything that sends.
struct Field {
    way: Way,
    lab: Lab,
    gate: Role,
    guest: Role,
    internet: Role,
    /// The router's MAC towards the internet.
    wan: String,
}

pub fn packets(_: &Disk, effort: Effort) {
    table::title("forward: small packets through the gate beside plain routing");
    for_each_number(&SESSIONS, |fields, sessions| {
        for direction in ["up", "down"] {
            compare_packets(fields, direction, sessions, effort);
        }
    });
}

pub fn tcp(_: &Disk, effort: Effort) {
    table::title("tcp: the same with TCP");
    for_each_number(&[1, 5000], |fields, sessions| compare_tcp(fields, sessions, effort));
}

/// Compares the ways with so many guests signed in, one number after the other.
fn for_each_number(sessions: &[u16], mut compare: impl FnMut(&mut [Field], u16)) {
    let fields: Option<Vec<Field>> = WAYS.into_iter().map(Field::new).collect();
    let Some(mut fields) = fields else { return };
    for sessions in sessions {
        fields.iter_mut().for_each(|field| field.open(*sessions));
        compare(&mut fields, *sessions);
    }
}

fn compare_tcp(fields: &[Field], sessions: u16, effort: Effort) {
    for (name, large) in [("frames", false), ("pieces of 64 KB", true)] {
        fields.iter().for_each(|field| field.pieces(large));
        let download = format!("TCP in {name}, 1 download, sessions: {sessions}");
        compare_rates(fields, &download, effort, &["-R"]);
        if !large {
            let what = format!("TCP in {name}, {STREAMS} downloads, sessions: {sessions}");
            compare_rates(fields, &what, effort, &["-R", "-P", STREAMS]);
            let what = format!("TCP in {name}, 1 upload, sessions: {sessions}");
            compare_rates(fields, &what, effort, &[]);
        }
    }
}

fn compare_rates(fields: &[Field], what: &str, effort: Effort, words: &[&str]) {
    let mut random = StdRng::seed_from_u64(1);
    let rounds =
        in_random_order(fields.len(), effort.runs(), &mut random, |at, _| fields[at].tcp(words));
    println!("  {what}");
    show("Gbit/s", &rounds);
}

fn compare_packets(fields: &mut [Field], direction: &str, sessions: u16, effort: Effort) {
    let mut random = StdRng::seed_from_u64(2);
    // Both directions first, as a firewall expects of answers.
    for direction in ["up", "down", direction] {
        fields.iter_mut().for_each(|field| {
            field.send(direction, sessions, None);
        });
    }
    let several = if sessions > 1000 { 2 } else { 1 };
    let rounds = in_random_order(fields.len(), effort.rounds(), &mut random, |at, random| {
        let time = random.random_range(BURST) * several;
        fields[at].packets(direction, sessions, time)
    });
    println!("  small packets {direction}, guests: {sessions}");
    show("k/s", &rounds);
    let cost = |way, peer| {
        let (way, peer) = (column(&rounds, way), column(&rounds, peer));
        way.zip(peer).map(|(way, peer)| 1e6 / way - 1e6 / peer).collect()
    };
    table::compared(
        "    the gate's time for a packet, tracking apart",
        "ns",
        cost(Way::Gate, Way::Tracked),
    );
    table::compared("    the same of the gate of before", "ns", cost(Way::Before, Way::Tracked));
}

/// What is measured for each of so many, round by round.
fn in_random_order(
    number: usize,
    rounds: usize,
    random: &mut StdRng,
    mut measure: impl FnMut(usize, &mut StdRng) -> f64,
) -> Vec<Vec<f64>> {
    let mut order: Vec<usize> = (0..number).collect();
    let mut round = |random: &mut StdRng| {
        order.shuffle(random);
        let mut measured = vec![0.0; number];
        for at in &order {
            measured[*at] = measure(*at, random);
        }
        measured
    };
    (0..rounds).map(|_| round(random)).collect()
}

fn column(rounds: &[Vec<f64>], way: Way) -> impl Iterator<Item = f64> {
    let at = WAYS.iter().position(|one| *one == way).unwrap();
    rounds.iter().map(move |round| round[at])
}

/// Every way, and beside the gate how much that is of what the peers did in the same round.
fn show(unit: &str, rounds: &[Vec<f64>]) {
    for way in WAYS {
        table::row(&format!("  {}", way.name()), unit, column(rounds, way).collect());
        let peers = SHARES.iter().find(|(one, _)| *one == way).map_or(&[][..], |(_, peers)| peers);
        for peer in peers {
            let both = column(rounds, way).zip(column(rounds, *peer));
            let name = peer.name().trim_start_matches("peer: ");
            let label = format!("    of {name}");
            table::compared(&label, "%", both.map(|(own, peer)| own * 100.0 / peer).collect());
        }
    }
}

impl Field {
    /// `None`, and says why, where this machine cannot have a laboratory.
    fn new(way: Way) -> Option<Self> {
        let lab = Lab::up()?;
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
        let field = Self { way, gate, guest, internet, wan, lab };
        match way {
            Way::Plain | Way::Gate => {}
            Way::Tracked => field.load(TRACKING),
            Way::Firewall | Way::Both => field.load(FIREWALL),
            Way::Before => field.load(BEFORE),
        }
        Some(field)
    }

    fn load(&self, rules: &str) {
        self.lab.node("router").feed(&["nft", "-f", "-"], rules);
    }

    /// Guests 1 to `last` are signed in.
    fn open(&mut self, last: u16) {
        match self.way {
            Way::Gate | Way::Both => {
                assert_eq!(self.gate.ask(&format!("open {last}")), "done");
            }
            Way::Before => self.fill_sets(last),
            Way::Plain | Way::Tracked | Way::Firewall => {}
        }
    }

    /// Guests in the sets of before, in as many transactions as a socket's buffer asks for.
    fn fill_sets(&self, last: u16) {
        let macs: Vec<String> =
            (1..=last).map(|number| format!("{} timeout 1d", mac(number))).collect();
        for set in ["netdev hotspotd upload", "netdev hotspotd download"] {
            self.load(&format!("flush set {set}\n"));
            for macs in macs.chunks(500) {
                self.load(&format!("add element {set} {{ {} }}\n", macs.join(", ")));
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

    fn tcp(&self, words: &[&str]) -> f64 {
        let (server, own) = (self.lab.fact("wan4"), address(1).to_string());
        let all = ["iperf3", "-J", "-c", server, "-B", &own, "-t", SECONDS];
        let answer = self.lab.node("guest1").ok(&[&all, words].concat());
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        answer["end"]["sum_received"]["bits_per_second"].as_f64().unwrap() / 1e9
    }

    /// Sends for so many microseconds, or once for each guest; tells how many packets, and how many
    /// microseconds of its processor time that took.
    fn send(&mut self, direction: &str, sessions: u16, time: Option<u64>) -> (u64, f64) {
        let (sender, router) = match direction {
            "up" => (&mut self.guest, BRIDGE.to_string()),
            _ => (&mut self.internet, self.wan.clone()),
        };
        let server = self.lab.fact("wan4");
        let time = time.map_or("once".to_owned(), |time| time.to_string());
        let told = sender.ask(&format!("{direction} {sessions} {time} {server} {router}"));
        let (sent, taken) = told.split_once(' ').unwrap();
        (sent.parse().unwrap(), taken.parse().unwrap())
    }

    /// Thousands of packets that arrive in a second of the sender's processor time.
    fn packets(&mut self, direction: &str, sessions: u16, time: u64) -> f64 {
        self.send(direction, sessions, Some(WARM));
        let (node, device) = match direction {
            "up" => (self.lab.node("internet"), "wan"),
            _ => (self.lab.node("guest1"), "eth0"),
        };
        let before = node.received(device);
        let (sent, taken) = self.send(direction, sessions, Some(time));
        // What the kernel's threads have taken over is still on its way.
        let mut arrived = node.received(device) - before;
        for _ in 0..20 {
            if arrived >= sent {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
            arrived = node.received(device) - before;
        }
        // What is lost is no forwarding, and so is what arrives for other reasons.
        assert!(arrived * 100 >= sent * 95 && arrived <= sent + 100, "{arrived} of {sent}");
        arrived as f64 * 1e3 / taken
    }
}
