//! Benchmarks of the real release binary: plain numbers, never a verdict.
//!
//! ```text
//! cargo bench                    everything, several minutes
//! cargo bench -- quick           the same with shorter and fewer runs
//! cargo bench -- create start    only these of: create, list, memory, start,
//!                                login, forward, tcp, sessions, radius
//! cargo bench -- gate            login, forward, tcp and sessions: the gate in a laboratory
//! ```
//!
//! Every row is the smallest, the middle and the largest of several runs. A row that begins with
//! `peer:` is something well known, measured by the same program in the same minute on the same
//! disk: compare with it, not with a number from another day. The daemon runs as shipped
//! (`log_level info`), and its data is below Cargo's target directory, on a real disk: the first
//! line says which file system that is.

mod create;
mod daemon;
mod forward;
mod http;
mod inside;
mod lab;
mod list;
mod login;
mod machine;
mod memory;
mod radius;
mod router;
mod sessions;
mod start;
mod table;

use std::time::Duration;

use daemon::Disk;

/// How much is measured.
#[derive(Clone, Copy)]
struct Effort {
    quick: bool,
}

impl Effort {
    /// Runs of a measurement that takes seconds.
    fn runs(self) -> usize {
        if self.quick { 3 } else { 5 }
    }

    /// Runs of a measurement that takes a moment.
    fn many(self) -> usize {
        if self.quick { 3 } else { 10 }
    }

    /// Runs of a measurement that takes milliseconds and is compared with others.
    fn rounds(self) -> usize {
        if self.quick { 40 } else { 200 }
    }

    /// Length of one run.
    fn length(self) -> Duration {
        Duration::from_secs(if self.quick { 1 } else { 3 })
    }
}

type Section = fn(&Disk, Effort);

const SECTIONS: [(&str, Section); 9] = [
    ("create", create::run),
    ("list", list::run),
    ("memory", memory::run),
    ("start", start::run),
    ("login", login::run),
    ("forward", forward::packets),
    ("tcp", forward::tcp),
    ("sessions", sessions::run),
    ("radius", radius::run),
];
/// A word for those that need a laboratory.
const GATE: [&str; 4] = ["login", "forward", "tcp", "sessions"];

fn main() {
    // Cargo adds `--bench`.
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    if words.first().is_some_and(|word| word == "inside") {
        return inside::play(&words[1..]);
    }
    let known = |word: &String| {
        ["quick", "gate"].contains(&word.as_str()) || SECTIONS.iter().any(|(name, _)| name == word)
    };
    if let Some(word) = words.iter().find(|word| !known(word)) {
        let names = SECTIONS.map(|(name, _)| name).join(", ");
        eprintln!("'{word}' is none of: quick, gate, {names}");
        std::process::exit(64);
    }
    let has = |name: &str| words.iter().any(|word| word == name);
    let effort = Effort { quick: has("quick") };
    let chosen = |name: &str| has(name) || (has("gate") && GATE.contains(&name));
    let all = !SECTIONS.iter().any(|(name, _)| chosen(name));
    let disk = Disk::new();
    machine::describe(&disk);
    for (name, run) in SECTIONS {
        if all || chosen(name) {
            run(&disk, effort);
        }
    }
}
