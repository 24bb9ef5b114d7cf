//! From signing in to the first packet that comes back from the internet.
//!
//! A guest whose browser has a connection to the portal posts the form, with a voucher that nobody
//! has used before: that is the login which must be on disk before it is answered. Whoever is alone
//! sends a packet to the internet every 0.2 ms from the request on, and one as soon as there is an
//! answer; 50 who sign in at the same moment do so every 5 ms. Measured is the time from the
//! request to its answer, and to the first packet that the internet has sent back.
//!
//! The same with data in memory, where flushing costs nothing, tells the disk's share. The peer is
//! the usual portal reduced to what it cannot do without: it starts one `nft` for each login, and
//! keeps nothing. How many processes are started is read from the laboratory's own process numbers:
//! whoever starts one there, and however short it lives, is counted.

use std::path::PathBuf;
use std::time::Duration;

use crate::daemon::Disk;
use crate::inside::PEER_RULES;
use crate::lab::Lab;
use crate::router::{self, Logins, Router, sign_in};
use crate::{Effort, create, table};

/// Guests who sign in at once.
const CROWD: usize = 50;
/// Logins one after the other.
const SINGLE: usize = 100;

pub fn run(disk: &Disk, effort: Effort) {
    table::title("login: from the request to the first packet from the internet");
    let rounds = effort.runs();
    let last = (SINGLE + CROWD) * rounds;
    let Some(lab) = Lab::up() else { return };
    let _echo = router::echo(&lab);
    lab.invite(u16::try_from(last).unwrap());
    lab.disguise(u16::try_from(last).unwrap());
    ours(&lab, router::on_disk(disk, "login"), None, rounds, "");
    if let Some(directory) = router::in_memory("login") {
        ours(&lab, directory, None, rounds, ", data in memory");
    }
    let slow = create::slow_flush(disk);
    ours(&lab, router::on_disk(disk, "login-flash"), Some(slow), rounds, ", 1 ms more for a flush");
    lab.node("router").ok(&["nft", "flush", "ruleset"]);
    peer(&lab, rounds);
}

fn ours(lab: &Lab, directory: PathBuf, preload: Option<PathBuf>, rounds: usize, what: &str) {
    lab.node("router").ok(&["nft", "flush", "ruleset"]);
    let router = Router::start(lab, &directory, preload);
    let all = measure(lab, rounds, |count| router.vouchers(count));
    show("", what, all);
}

fn peer(lab: &Lab, rounds: usize) {
    let node = lab.node("router");
    node.feed(&["nft", "-f", "-"], PEER_RULES);
    let mut peer = node.role(&format!("peer {}", router::portal(lab)));
    assert_eq!(peer.hear(), "ready");
    let all = measure(lab, rounds, |count| "anybody anything\n".repeat(count));
    show("peer: one nft for a login: ", "", all);
}

/// One guest after the other, then many at once, in turn.
fn measure(lab: &Lab, rounds: usize, vouchers: impl Fn(usize) -> String) -> [Logins; 2] {
    let mut all = [Logins::default(), Logins::default()];
    let mut first = 1;
    for _ in 0..rounds {
        for (at, (count, together)) in [(SINGLE, 1), (CROWD, CROWD)].into_iter().enumerate() {
            let logins = sign_in(lab, first, together, &vouchers(count));
            first += count;
            all[at].answered.extend(logins.answered);
            all[at].through.extend(logins.through);
            all[at].started += logins.started;
        }
    }
    all
}

fn show(before: &str, after: &str, all: [Logins; 2]) {
    let whos = ["1 guest".to_owned(), format!("{CROWD} guests at once")];
    for (who, logins) in whos.iter().zip(&all) {
        let row = |what: &str, taken: &[Duration]| {
            let label = format!("{before}{who}{after}: {what}");
            table::times(&label, taken);
            let late = table::percentile(taken, 95).as_secs_f64() * 1e3;
            table::single("  95th percentile", "ms", late);
        };
        row("answer", &logins.answered);
        row("first packet", &logins.through);
    }
    let [alone, _] = all;
    let share = alone.started as f64 * 100.0 / alone.answered.len() as f64;
    table::single(&format!("{before}processes in 100 logins{after}"), "", share);
}
