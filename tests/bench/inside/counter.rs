//! The gate itself, as the daemon uses it, without the daemon.

use std::time::{Duration, Instant};

use hotspotd::firewall::{Change, Gate, Kernel, Lane, Network, Pass};

use crate::lab::mac;

/// Guests in one transaction. In a user namespace a socket's buffer cannot be made as large as the
/// gate would like to have it.
const TOGETHER: usize = 400;

/// Knows `open N`, `shut` and `count N`. `count` tells the microseconds of N looks at all counters.
pub(super) fn play() {
    let mut kernel = Kernel::new(true);
    println!("ready");
    for line in super::lines() {
        let (word, number) = line.split_once(' ').unwrap_or((&line, "0"));
        let number: u16 = number.parse().unwrap();
        match word {
            "open" => open(&mut kernel, number),
            "shut" => kernel.remove().unwrap(),
            "count" => {
                let taken: Vec<String> =
                    (0..number).map(|_| count(&mut kernel).as_micros().to_string()).collect();
                println!("{}", taken.join(" "));
                continue;
            }
            _ => panic!("{line}"),
        }
        println!("done");
    }
}

/// Guests 1 to `last` are signed in, each with a day, no data limit and no rate.
fn open(kernel: &mut Kernel, last: u16) {
    let network = Network {
        device: "br-guest".to_owned(),
        portal_port: 8880,
        portal_name: None,
        garden: Vec::new(),
        has_rates: false,
    };
    let pass = |number: u16| Pass {
        mac: mac(number),
        session: i64::from(number),
        voucher: i64::from(number),
        time: Some(Duration::from_secs(86_400)),
        download: Lane::default(),
        upload: Lane::default(),
    };
    let passes: Vec<Pass> = (1..=last).map(pass).collect();
    let networks = [network];
    kernel.install(&networks, &[]).unwrap();
    for done in (0..passes.len()).step_by(TOGETHER) {
        let more = &passes[done..passes.len().min(done + TOGETHER)];
        kernel.change(&more.iter().copied().map(Change::Admit).collect::<Vec<_>>()).unwrap();
    }
}

fn count(kernel: &mut Kernel) -> Duration {
    let begun = Instant::now();
    kernel.counts().unwrap();
    begun.elapsed()
}
