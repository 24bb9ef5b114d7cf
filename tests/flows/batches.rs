//! A batch of vouchers is whole or not there, whatever breaks it off.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rusqlite::Connection;

use super::support::{Daemon, program, until};

/// A batch that cannot be whole: nobody reads more of it than these lines.
fn begin(daemon: &Daemon, lines: usize) -> Child {
    let mut command = program();
    command.arg("-c").arg(daemon.config());
    command.args(["voucher", "create", "--count", "20000", "--format", "csv"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    for _ in 0..lines {
        assert!(reader.read_line(&mut String::new()).unwrap() > 0);
    }
    child.stdout = Some(reader.into_inner());
    child
}

/// The store as it is now.
fn store(daemon: &Daemon) -> Connection {
    let copy = daemon.scratch.path().join("copy.db");
    daemon.cli_ok(&["backup", copy.to_str().unwrap()]);
    Connection::open(copy).unwrap()
}

/// Rows of vouchers and of batches in it.
fn rows(daemon: &Daemon) -> (u32, u32) {
    let store = store(daemon);
    let count = |table: &str| {
        store.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    (count("voucher"), count("open_batch"))
}

#[track_caller]
fn nothing_is_left_but(daemon: &Daemon, vouchers: u32) {
    assert_eq!(daemon.vouchers().len() as u32, vouchers);
    // A piece goes every second.
    let mut left = rows(daemon);
    until(|| {
        left = rows(daemon);
        left == (vouchers, 0)
    });
    assert_eq!(left, (vouchers, 0));
}

#[test]
fn a_batch_that_is_broken_off_leaves_nothing() {
    let daemon = Daemon::start();
    daemon.cli_ok(&["voucher", "create", "--username", "kept"]);
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGKILL] {
        let mut child = begin(&daemon, 130);
        assert!(rows(&daemon).0 > 129, "{:?}", rows(&daemon));
        assert_eq!(daemon.vouchers().len(), 1, "a batch that is being made is not listed");
        kill(Pid::from_raw(child.id() as i32), signal).unwrap();
        assert!(!child.wait().unwrap().success());
        nothing_is_left_but(&daemon, 1);
    }
}

#[test]
fn a_batch_that_cannot_be_written_leaves_nothing_and_says_so() {
    let daemon = Daemon::start();
    let mut child = begin(&daemon, 3);
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("none of these vouchers is good"), "{error}");
    nothing_is_left_but(&daemon, 0);
    // Not even where the last line is what cannot be written.
    let mut command = program();
    command.arg("-c").arg(daemon.config()).args(["voucher", "create"]);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    assert_eq!(command.stdout(full).output().unwrap().status.code(), Some(1));
    nothing_is_left_but(&daemon, 0);
}

#[test]
fn a_batch_that_the_daemon_does_not_live_to_complete_is_none() {
    let mut daemon = Daemon::start();
    daemon.cli_ok(&["voucher", "create", "--username", "kept"]);
    let child = begin(&daemon, 300);
    daemon.kill();
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("none of these vouchers is good"), "{error}");
    daemon.launch();
    nothing_is_left_but(&daemon, 1);
}

/// What is not whole lets nobody in and cannot be removed; a backup has none of it.
#[test]
fn a_batch_in_the_making_is_no_voucher_to_anybody() {
    let daemon = Daemon::start();
    let mut child = begin(&daemon, 200);
    let sql = "SELECT username FROM voucher LIMIT 1";
    let name: String = store(&daemon).query_row(sql, [], |row| row.get(0)).unwrap();
    let output = daemon.cli(&["voucher", "remove", &name]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no voucher"), "{output:?}");
    let backup = daemon.scratch.path().join("backup.db");
    daemon.cli_ok(&["backup", backup.to_str().unwrap()]);
    let restored = daemon.cli_ok(&["restore", backup.to_str().unwrap()]);
    assert!(restored.contains('0'), "{restored}");
    nothing_is_left_but(&daemon, 0);
    // The store was replaced under it.
    std::io::copy(&mut child.stdout.take().unwrap(), &mut std::io::sink()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    nothing_is_left_but(&daemon, 0);
}
