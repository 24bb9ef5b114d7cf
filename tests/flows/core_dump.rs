//! A core file would hold every passcode in clear.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use nix::sys::signal::Signal;

use crate::support::{Daemon, OPEN_API, skipped};

/// Starts a program with nothing that limits core files, in a directory of its own.
fn unlimited(directory: &str) -> Vec<String> {
    let line = format!("ulimit -c unlimited; cd {directory}; exec \"$0\" \"$@\"");
    ["sh", "-c", &line].map(str::to_owned).to_vec()
}

#[test]
fn a_daemon_that_dies_leaves_no_core_file() {
    let mut daemon = Daemon::prepared(OPEN_API, "");
    let start = unlimited(&daemon.scratch.path().display().to_string());
    let mut control = Command::new(&start[0]);
    control.args(&start[1..]).args(["sh", "-c", "kill -QUIT $$"]);
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    // A program that takes core files gets them whatever the limit (core(5)).
    if pattern.starts_with('|') || !control.status().unwrap().core_dumped() {
        return skipped("no program leaves a core file here");
    }
    daemon.within = start;
    daemon.launch();
    daemon.signal(Signal::SIGQUIT);
    let status = daemon.wait();
    assert_eq!(status.signal(), Some(Signal::SIGQUIT as i32));
    assert!(!status.core_dumped());
}
