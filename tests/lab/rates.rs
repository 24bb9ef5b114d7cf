//! What a plan's rates let through.

use serde_json::Value;

use crate::support::{Hotspot, Node};

/// kbit/s
const DOWNLOAD: u32 = 8000;
const UPLOAD: u32 = 4000;
/// Octets of a datagram.
const SIZE: f64 = 1000.0;
/// UDP and IPv4 in front of it; Ethernet as well on the way down, as the kernel counts.
const UP_HEADERS: f64 = 28.0;
const DOWN_HEADERS: f64 = 42.0;

/// So often is a rate tried.
const TRIES: usize = 4;

/// What iperf3 reports about itself.
fn iperf(guest: &Node, words: &str) -> Value {
    let words: Vec<&str> = ["iperf3", "-J"].into_iter().chain(words.split(' ')).collect();
    serde_json::from_str(&guest.ok(&words)).unwrap()
}

/// kbit/s of what arrived, with headers, while twice the plan was sent.
fn arriving(guest: &Node, wan: &str, plan: u32, headers: f64, reverse: &str) -> f64 {
    let rate = plan * 2;
    let words = format!("-c {wan} -u -b {rate}K -l {SIZE} -O 2 -t 3 {reverse}");
    let report = iperf(guest, words.trim());
    let arrived = &report["end"]["sum_received"];
    let number = |name: &str| arrived[name].as_f64().unwrap_or_else(|| panic!("{arrived}"));
    number("bytes") / SIZE * (SIZE + headers) * 8.0 / number("seconds") / 1000.0
}

#[test]
fn rates_are_as_sold() {
    let plan = format!("option download_rate '{DOWNLOAD}'\noption upload_rate '{UPLOAD}'");
    let Some(hotspot) = Hotspot::with(&plan, "") else { return };
    let (guest, wan) = (hotspot.lab.node("guest1"), hotspot.lab.fact("wan4"));
    hotspot.sign_in(&guest, &hotspot.voucher(&[]));
    for (plan, headers, reverse) in [(UPLOAD, UP_HEADERS, ""), (DOWNLOAD, DOWN_HEADERS, "-R")] {
        // A machine that has other things to do for a moment sends too little, then too much.
        let as_sold = (0..TRIES).any(|_| {
            let arrived = arriving(&guest, wan, plan, headers, reverse);
            eprintln!("UDP {reverse}: {arrived:.0} of {plan} kbit/s");
            (arrived / f64::from(plan) - 1.0).abs() < 0.03
        });
        assert!(as_sold, "it was never {plan} kbit/s {reverse}");
    }
    for (plan, reverse) in [(UPLOAD, ""), (DOWNLOAD, "-R")] {
        let words = format!("-c {wan} -O 1 -t 3 {reverse}");
        let report = iperf(&guest, words.trim());
        let bits = report["end"]["sum_received"]["bits_per_second"].as_f64().unwrap();
        let goodput = bits / 1000.0;
        eprintln!("TCP {reverse}: goodput {goodput:.0} of {plan} kbit/s");
        assert!(goodput > f64::from(plan) / 2.0, "{goodput:.0} of {plan} kbit/s {reverse}");
        assert!(goodput < f64::from(plan) * 1.1, "{goodput:.0} of {plan} kbit/s {reverse}");
    }
}
