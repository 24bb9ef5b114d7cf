//! Flash that fills up, wears out or cannot keep a write-ahead log.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;
use rusqlite::Connection;
use serde_json::json;

use crate::support::{Daemon, OPEN_API, skipped, until};

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
fn a_disk_that_others_have_filled_refuses_what_must_be_stored_and_shows_the_rest() {
    let mut daemon = Daemon::prepared(OPEN_API, "");
    let Some(_mount) = SmallDisk::mount(&daemon) else { return };
    daemon.launch();
    assert_eq!(create(&daemon, "first"), "User added successfully");
    let filler = daemon.data().join("filler");
    fill(&filler);
    for number in 0..20 {
        assert_eq!(create(&daemon, &format!("n{number}")), "An error occurred");
    }
    assert_eq!(usernames(&daemon), ["first"]);
    let output = daemon.cli(&["voucher", "create"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the disk is full"));
    assert_eq!(daemon.cli(&["check"]).status.code(), Some(78));
    assert_eq!(daemon.log().matches("store: the disk is full").count(), 1, "{}", daemon.log());
    daemon.stop();
    fill(&filler);
    daemon.launch();
    assert_eq!(usernames(&daemon), ["first"]);
    fs::remove_file(&filler).unwrap();
    assert_eq!(create(&daemon, "again"), "User added successfully");
    assert_eq!(daemon.cli(&["check"]).status.code(), Some(0));
    let kept = usernames(&daemon);
    daemon.kill();
    daemon.launch();
    assert_eq!(usernames(&daemon), kept);
    daemon.stop();
}

#[test]
fn vouchers_alone_cannot_fill_the_disk_so_far_that_one_cannot_be_removed() {
    let mut daemon = Daemon::prepared(OPEN_API, "");
    let Some(_mount) = SmallDisk::mount(&daemon) else { return };
    daemon.launch();
    assert_eq!(create(&daemon, "first"), "User added successfully");
    daemon.cli_ok(&["user", "join", "jo", "staff"]);
    // As many as there is room for.
    while daemon.cli(&["voucher", "create", "--count", "128"]).status.success() {}
    let kept = usernames(&daemon).len();
    let output = daemon.cli(&["voucher", "create", "--count", "10000"]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("the disk is full"), "{error}");
    assert_eq!(usernames(&daemon).len(), kept);
    let made = usernames(&daemon).len();
    assert!(made > 100, "{made}");
    let output = daemon.cli(&["user", "check", "jo", "Simultaneous-Use := 1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the disk is full"));
    assert_eq!(daemon.cli_ok(&["user", "remove", "jo"]), "removed jo (0 rows, 1 group)\n");
    assert_eq!(daemon.cli_ok(&["voucher", "remove", "first"]), "removed first\n");
    assert_eq!(usernames(&daemon).len(), made - 1);
    daemon.stop();
}

#[test]
fn a_backup_that_does_not_fit_changes_nothing() {
    let mut daemon = Daemon::prepared(OPEN_API, "");
    let Some(_mount) = SmallDisk::mount(&daemon) else { return };
    daemon.launch();
    create(&daemon, "old");
    let backup = daemon.scratch.path().join("backup.db");
    daemon.cli_ok(&["backup", backup.to_str().unwrap()]);
    daemon.cli_ok(&["voucher", "create", "--count", "384"]);
    let before = usernames(&daemon);
    fill(&daemon.data().join("filler"));
    let output = daemon.cli(&["restore", backup.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing was changed"));
    assert_eq!(usernames(&daemon), before);
    daemon.kill();
    daemon.launch();
    assert_eq!(usernames(&daemon), before);
    fs::remove_file(daemon.data().join("filler")).unwrap();
    daemon.cli_ok(&["restore", backup.to_str().unwrap()]);
    assert_eq!(usernames(&daemon), ["old"]);
    daemon.kill();
    daemon.launch();
    assert_eq!(usernames(&daemon), ["old"]);
    daemon.stop();
}

#[test]
fn a_store_that_has_gone_comes_back_from_its_snapshot() {
    let mut daemon = Daemon::start();
    create(&daemon, "kept");
    let snapshot = daemon.data().join("hotspotd.snapshot.db");
    daemon.cli_ok(&["backup", snapshot.to_str().unwrap()]);
    let damaged = daemon.data().join("hotspotd.db.damaged");
    fs::write(&damaged, "evidence").unwrap();
    // Removed by somebody, or emptied by a file system after a power cut.
    for emptied in [false, true] {
        daemon.stop();
        fs::remove_file(daemon.database()).unwrap();
        if emptied {
            fs::write(daemon.database(), "").unwrap();
        }
        daemon.launch();
        assert_eq!(usernames(&daemon), ["kept"]);
        assert_eq!(fs::read(&damaged).unwrap(), b"evidence");
    }
    assert_eq!(daemon.log().matches("hotspotd.db is gone").count(), 2);
}

#[test]
fn a_sysupgrade_that_keeps_the_snapshot_keeps_every_voucher() {
    let mut daemon = Daemon::start();
    for name in ["kept", "removed-before"] {
        create(&daemon, name);
    }
    daemon.cli_ok(&["voucher", "remove", "removed-before"]);
    daemon.cli_ok(&["user", "join", "jo", "staff"]);
    // What the hook of sysupgrade does; the file has the name of the daily one.
    let snapshot = daemon.data().join("hotspotd.snapshot.db");
    daemon.cli_ok(&["backup", snapshot.to_str().unwrap()]);
    create(&daemon, "too-late");
    daemon.kill();
    // Nothing else of the data directory is there after it but the key.
    for file in fs::read_dir(daemon.data()).unwrap() {
        let path = file.unwrap().path();
        if path != snapshot {
            fs::remove_file(path).unwrap();
        }
    }
    daemon.launch();
    assert_eq!(usernames(&daemon), ["kept"]);
    assert!(daemon.cli_ok(&["user", "show", "jo"]).contains("staff"));
    let check = daemon.cli_ok(&["check"]);
    assert!(check.contains("the last snapshot was restored with 1 vouchers"), "{check}");
    // The id of the one that was removed is not given again.
    let made = daemon.post(json!({"action": "create_voucher", "username": "new"})).json();
    assert_eq!(made["user"]["id"], 3);
    // Once is enough: the next start goes on with what is there.
    daemon.stop();
    let before = daemon.log().matches("is gone").count();
    daemon.launch();
    assert_eq!(usernames(&daemon), ["kept", "new"]);
    assert_eq!(daemon.log().matches("is gone").count(), before);
}

/// A file system of 512 kB.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    /// Below the data directory; `None`, and a word about it, where that is not allowed.
    fn mount(daemon: &Daemon) -> Option<Self> {
        let path = daemon.data();
        fs::create_dir(&path).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=512k,mode=0700", "tmpfs"])
            .arg(&path)
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(path));
        }
        skipped("mounting a small tmpfs needs root");
        None
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

#[test]
fn a_store_is_opened_by_one_daemon_only_whatever_their_sockets() {
    let first = Daemon::start();
    let mut second = Daemon::prepared(OPEN_API, "");
    let (ours, theirs) = (second.data(), first.data());
    let data_dir = |path: &Path| format!("data_dir '{}'", path.display());
    second.edit_config(&data_dir(&ours), &data_dir(&theirs));
    for _ in 0..2 {
        second.spawn();
        assert_eq!(second.wait().code(), Some(1));
        assert!(second.log().contains("in use by another process"), "{}", second.log());
        assert!(!second.scratch.path().join("control.sock").exists());
        // What reads the whole file must not let go of it.
        let backup = first.scratch.path().join("backup.db").display().to_string();
        first.cli_ok(&["backup", &backup]);
        first.cli_ok(&["restore", &backup]);
    }
    assert_eq!(create(&first, "a"), "User added successfully");
}
