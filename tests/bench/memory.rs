//! Memory of an idle daemon with 10,000 vouchers, and how memory is read.
//!
//! `VmRSS` is all that is resident; `RssAnon` is the part of it that no other process can share
//! and no file gives back. Measured in a process that has just been started, before and after its
//! first list. The peer is an interpreter that has loaded what the same service would need.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::Effort;
use crate::daemon::{Daemon, Disk};
use crate::{http, table};

const VOUCHERS: usize = 10_000;
/// Time to come to rest after the last call.
const REST: Duration = Duration::from_millis(500);

pub fn run(disk: &Disk, effort: Effort) {
    table::title("memory: idle with 10,000 vouchers");
    let mut daemon = Daemon::filled(disk, "memory", VOUCHERS);
    let (mut fresh, mut private, mut later) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..effort.runs() {
        daemon.stop();
        daemon.launch();
        std::thread::sleep(REST);
        fresh.push(megabytes(daemon.pid(), "VmRSS"));
        private.push(megabytes(daemon.pid(), "RssAnon"));
        http::list(daemon.address);
        std::thread::sleep(REST);
        later.push(megabytes(daemon.pid(), "VmRSS"));
    }
    table::row("VmRSS, fresh", "MB", fresh);
    table::row("RssAnon, fresh", "MB", private);
    table::row("VmRSS, idle again after one list of all vouchers", "MB", later);
    let peaks: Option<Vec<f64>> = (0..effort.runs()).map(|_| python()).collect();
    if let Some(peaks) = peaks {
        table::row("peer: python3 with http.server and sqlite3, peak", "MB", peaks);
    } else {
        println!("  peer: skipped, there is no python3 with sqlite3 here");
    }
}

/// A field of `/proc/PID/status`, in millions of bytes.
pub fn megabytes(pid: u32, field: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let value = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kibibytes: f64 = value.unwrap().trim().trim_end_matches(" kB").parse().unwrap();
    kibibytes * 1024.0 / 1e6
}

/// Makes `VmHWM` count from now.
pub fn forget_peak(pid: u32) {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
}

fn python() -> Option<f64> {
    let program = "import http.server, sqlite3, sys; print(flush=True); sys.stdin.read()";
    let mut command = Command::new("python3");
    command.args(["-c", program]).stderr(Stdio::null());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take()?).read_line(&mut line).ok()?;
    let peak = (!line.is_empty()).then(|| megabytes(child.id(), "VmHWM"));
    drop(child.stdin.take());
    child.wait().ok()?;
    peak
}
