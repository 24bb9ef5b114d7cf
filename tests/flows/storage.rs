//! Flash that fills up, wears out or cannot keep a write-ahead log.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;
use rusqlite::Connection;
use serde_json::json;

use crate::support::{Daemon, OPEN_API, until};

fn create(daemon: &Daemon, username: &str) -> String {
    daemon.post(json!({"action": "create_voucher", "username": username})).message()
}

fn usernames(daemon: &Daemon) -> Vec<String> {
    let name = |voucher: &serde_json::Value| voucher["username"].as_str().unwrap().to_owned();
    daemon.vouchers().iter().map(name).collect()
}

/// Overwrites a page in the middle of the file, as a worn-out block would.
fn damage(path: &Path) {
    let length = fs::metadata(path).unwrap().len();
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(length / 1024 / 2 * 1024)).unwrap();
    file.write_all(&[0x5a; 1024]).unwrap();
}

#[test]
fn a_damaged_store_is_replaced_by_the_last_snapshot_and_kept_for_inspection() {
    let mut daemon = Daemon::start();
    daemon.cli_ok(&["voucher", "create", "--count", "200"]);
    daemon
        .cli_ok(&["backup", &format!("{}", daemon.data().join("hotspotd.snapshot.db").display())]);
    create(&daemon, "later");
    daemon.stop();
    damage(&daemon.database());
    daemon.launch();
    assert_eq!(usernames(&daemon).len(), 200);
    assert_eq!(create(&daemon, "after"), "User added successfully");
    assert!(daemon.data().join("hotspotd.db.damaged").exists());
    let log = daemon.log();
    assert!(log.contains("the last snapshot was restored with 200 vouchers"), "{log}");
    let check = daemon.cli_ok(&["check"]);
    assert!(check.contains("the last snapshot was restored with 200 vouchers"), "{check}");
}

#[test]
fn a_damaged_store_without_a_snapshot_starts_empty_and_says_so() {
    let mut daemon = Daemon::start();
    create(&daemon, "lost");
    daemon.stop();
    fs::write(daemon.database(), b"this is not a database, and it never was one").unwrap();
    daemon.launch();
    assert_eq!(usernames(&daemon), [""; 0]);
    assert_eq!(create(&daemon, "new"), "User added successfully");
    assert!(daemon.log().contains("started empty"));
    assert!(daemon.cli_ok(&["check"]).contains("started empty"));
}

#[test]
fn a_damaged_snapshot_does_not_keep_the_daemon_down() {
    let mut daemon = Daemon::start();
    create(&daemon, "lost");
    daemon.stop();
    fs::write(daemon.database(), b"not a database at all, just some text").unwrap();
    fs::write(daemon.data().join("hotspotd.snapshot.db"), b"nor is this a database, of course")
        .unwrap();
    daemon.launch();
    assert_eq!(create(&daemon, "new"), "User added successfully");
}

#[test]
fn a_store_of_a_newer_version_is_refused_and_left_alone() {
    let mut daemon = Daemon::start();
    daemon.stop();
    Connection::open(daemon.database()).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(daemon.database()).unwrap();
    daemon.spawn();
    assert_eq!(daemon.wait().code(), Some(1));
    assert!(daemon.log().contains("schema version 99"), "{}", daemon.log());
    assert_eq!(fs::read(daemon.database()).unwrap(), before);
}

/// A file system that refuses the log of the database, whoever asks.
const NO_LOG: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/types.h>

static int refuse(const char *path) {
    size_t length = strlen(path);
    return length > 4 && strcmp(path + length - 4, "-wal") == 0;
}

#define OPEN(name)                                                   \
    int name(const char *path, int flags, ...) {                     \
        va_list arguments;                                           \
        va_start(arguments, flags);                                  \
        mode_t mode = va_arg(arguments, mode_t);                     \
        va_end(arguments);                                           \
        if (refuse(path)) { errno = EIO; return -1; }                \
        int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, #name); \
        return next(path, flags, mode);                              \
    }
OPEN(open)
OPEN(open64)
"#;

#[test]
fn where_a_write_ahead_log_is_impossible_a_rollback_journal_serves() {
    let mut daemon = Daemon::prepared(OPEN_API, "");
    let (source, library) =
        (daemon.scratch.path().join("no_log.c"), daemon.scratch.path().join("no_log.so"));
    fs::write(&source, NO_LOG).unwrap();
    let cc =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
    assert!(cc.unwrap().success());
    daemon.within = vec!["env".to_owned(), format!("LD_PRELOAD={}", library.display())];
    daemon.launch();
    assert_eq!(create(&daemon, "a"), "User added successfully");
    assert!(daemon.cli_ok(&["check"]).contains("journal TRUNCATE"));
    daemon.kill();
    daemon.launch();
    assert_eq!(usernames(&daemon), ["a"]);
    // Back on a file system that can keep one, the same store uses it.
    daemon.stop();
    daemon.within.clear();
    daemon.launch();
    assert!(daemon.cli_ok(&["check"]).contains("journal WAL"));
    assert_eq!(usernames(&daemon), ["a"]);
}

#[test]
fn the_store_uses_small_pages_and_a_write_ahead_log() {
    let mut daemon = Daemon::start();
    assert!(daemon.cli_ok(&["check"]).contains("journal WAL"));
    daemon.stop();
    let connection = Connection::open(daemon.database()).unwrap();
    let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0)).unwrap();
    assert_eq!(page, 1024);
}

#[test]
fn a_backup_taken_under_load_is_whole() {
    let mut daemon = Daemon::start();
    let (backup, copies) = (daemon.scratch.path().join("backup.db"), 10);
    std::thread::scope(|scope| {
        let load = scope.spawn(|| daemon.cli_ok(&["voucher", "create", "--count", "5000"]));
        for _ in 0..copies {
            daemon.cli_ok(&["backup", backup.to_str().unwrap()]);
            let copy = Connection::open(&backup).unwrap();
            let verdict: String =
                copy.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
            assert_eq!(verdict, "ok");
            // Batches are committed in chunks: a copy never holds a part of one.
            let rows: i64 =
                copy.query_row("SELECT count(*) FROM voucher", [], |row| row.get(0)).unwrap();
            assert!(rows % 128 == 0 || rows == 5000, "{rows} rows");
        }
        load.join().unwrap();
    });
    assert_eq!(usernames(&daemon).len(), 5000);
    assert!(daemon.stop().success());
}

#[test]
fn a_full_disk_refuses_new_vouchers_and_nothing_else() {
    let mut daemon = Daemon::prepared(OPEN_API, "");
    fs::create_dir(daemon.data()).unwrap();
    let Some(_mount) = SmallDisk::mount(&daemon.data()) else {
        eprintln!("skipped: mounting a small tmpfs needs root");
        return;
    };
    daemon.launch();
    assert_eq!(create(&daemon, "first"), "User added successfully");
    let filler = daemon.data().join("filler");
    fill(&filler);
    let mut refused = 0;
    // The log of the database may still have room for a few; then it is full for everybody.
    for number in 0..2000 {
        if create(&daemon, &format!("n{number}")) == "An error occurred" {
            refused += 1;
        }
    }
    assert!(refused > 100, "only {refused} refused");
    assert!(usernames(&daemon).contains(&"first".to_owned()));
    assert_eq!(usernames(&daemon).len(), 2001 - refused);
    let output = daemon.cli(&["voucher", "create"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the disk is full"));
    assert!(daemon.cli(&["check"]).status.code() == Some(78));
    assert!(daemon.log().contains("the disk is full"));
    fs::remove_file(&filler).unwrap();
    assert_eq!(create(&daemon, "again"), "User added successfully");
    let kept = usernames(&daemon);
    daemon.kill();
    daemon.launch();
    assert_eq!(usernames(&daemon), kept);
    daemon.stop();
}

/// A file system of 512 kB.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(path: &Path) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=512k,mode=0700", "tmpfs"])
            .arg(path)
            .output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(path.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn fill(path: &Path) {
    let mut file = fs::File::create(path).unwrap();
    while file.write_all(&[0; 1024]).is_ok() {}
}

#[test]
fn what_waits_in_memory_is_written_at_the_end() {
    let mut daemon = Daemon::start();
    create(&daemon, "a");
    daemon.signal(Signal::SIGTERM);
    assert!(daemon.wait().success());
    assert!(!daemon.data().join("hotspotd.db-wal").exists(), "the log was not folded in");
    let connection = Connection::open(daemon.database()).unwrap();
    let mark = "SELECT value FROM meta WHERE name = 'clock'";
    let mark: String = connection.query_row(mark, [], |row| row.get(0)).unwrap();
    assert!(mark.contains(" set ") || mark.contains(" unset "), "{mark}");
    assert!(until(|| !daemon.scratch.path().join("control.sock").exists()));
}
