//! What the numbers were measured on, and how large the program is: `cargo bench` builds it exactly
//! as `cargo build --release` does.

use std::fs;
use std::process::Command;

use crate::daemon::{Disk, PROGRAM};

pub fn describe(disk: &Disk) {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let rustc = Command::new("rustc").arg("--version").output();
    let rustc = rustc.map_or_else(|_| "no rustc".into(), |output| output.stdout);
    println!(
        "{}; {cores} cores; Linux {}; {} on {}; {}",
        model.trim_start_matches([' ', '\t', ':']),
        kernel.trim(),
        disk.file_system(),
        disk.path().display(),
        String::from_utf8_lossy(&rustc).trim()
    );
    let size = fs::metadata(PROGRAM).map_or(0, |file| file.len());
    println!("release binary: {size} bytes ({:.2} MB)", size as f64 / 1e6);
}
