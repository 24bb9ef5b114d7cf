//! Stores of earlier versions, and power cuts while they are brought to this one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rusqlite::Connection;

use crate::support::{Daemon, OPEN_API, Scratch};

/// The steps that lead to each version, the last one to that of this program.
fn steps() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/schema");
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

fn current() -> i64 {
    steps().len() as i64
}

/// The version before this one.
fn last() -> usize {
    steps().len() - 1
}

/// A store as version `version` has left it, with so many vouchers; from the second version on,
/// each has had a session.
fn old_store(path: &Path, version: usize, vouchers: u32) {
    let store = Connection::open(path).unwrap();
    store.execute_batch("PRAGMA page_size = 1024; BEGIN").unwrap();
    for step in &steps()[..version] {
        store.execute_batch(step).unwrap();
    }
    let numbers = format!(
        "WITH RECURSIVE one (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM one WHERE n < {vouchers})"
    );
    let voucher = "INSERT INTO voucher (username, username_folded, passcode, fullname, created_at, \
                   modified_at, valid_seconds, download_limit, upload_limit)";
    let values = "SELECT 'Room ' || n, 'room ' || n, 'secret', 'Guest', 1795000000, 1795000000, \
                  86400, 0, 0 FROM one";
    store.execute_batch(&format!("{numbers} {voucher} {values}")).unwrap();
    if version > 1 {
        let session = "INSERT INTO session (voucher, login, mac, network, started_at, seconds, \
                       download, upload, ended_at, cause)";
        let values = "SELECT n, 'Röom ' || n, '02:00:00:00:00:01', 'guest', 1795000000, 60, 1, 1, \
                      1795000060, 'User-Request' FROM one";
        store.execute_batch(&format!("{numbers} {session} {values}")).unwrap();
    }
    if version > 2 {
        store.execute_batch("UPDATE session SET login_folded = 'röom ' || voucher").unwrap();
    }
    store.execute_batch("COMMIT").unwrap();
    // "HSPD", as `src/store/migration.rs` has it.
    store.pragma_update(None, "application_id", 0x4853_5044).unwrap();
    store.pragma_update(None, "user_version", version as i64).unwrap();
}

/// Version, vouchers and sessions (folded as they are looked for) of a store that nobody has open.
fn contents(database: &Path) -> (i64, i64, i64) {
    let store = Connection::open(database).unwrap();
    let number = |sql: &str| store.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let version = number("PRAGMA user_version");
    let damage: String = store.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(damage, "ok");
    let sessions = match version {
        1 => 0,
        2 => number("SELECT count(*) FROM session"),
        _ => number("SELECT count(*) FROM session WHERE login_folded = 'röom ' || voucher"),
    };
    (version, number("SELECT count(*) FROM voucher"), sessions)
}

/// What a power cut has left is looked at in a copy: looking recovers it.
fn left_behind(daemon: &Daemon) -> (i64, i64, i64) {
    let copy = Scratch::new();
    for file in fs::read_dir(daemon.data()).unwrap() {
        let path = file.unwrap().path();
        fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    contents(&copy.path().join("hotspotd.db"))
}

/// Puts a copy of this store in the place of the daemon's.
fn lay(daemon: &Daemon, old: &Path) {
    let _ = fs::remove_dir_all(daemon.data());
    fs::create_dir(daemon.data()).unwrap();
    fs::copy(old, daemon.database()).unwrap();
}

/// At the old version with everything, or at the new one with everything.
fn is_whole(found: (i64, i64, i64), version: usize, vouchers: u32) {
    let vouchers = i64::from(vouchers);
    let sessions = if version > 1 { vouchers } else { 0 };
    assert_eq!((found.1, found.2), (vouchers, sessions), "version {}", found.0);
    assert!(found.0 == version as i64 || found.0 == current(), "version {}", found.0);
}

#[test]
fn a_power_cut_at_any_moment_of_an_upgrade_loses_no_voucher() {
    const VOUCHERS: u32 = 3000;
    for version in [1, 2, 4, last()] {
        let mut daemon = Daemon::prepared(OPEN_API, "");
        let old = daemon.scratch.path().join("old.db");
        old_store(&old, version, VOUCHERS);
        for round in 0..30 {
            lay(&daemon, &old);
            daemon.spawn();
            // From before the file is opened to after it is all done, two milliseconds at a
            // time.
            std::thread::sleep(Duration::from_micros(round * 2000));
            daemon.kill();
            is_whole(left_behind(&daemon), version, VOUCHERS);
            if round % 10 == 0 {
                daemon.launch();
                assert_eq!(daemon.vouchers().len(), VOUCHERS as usize);
                daemon.stop();
                let (now, ..) = contents(&daemon.database());
                assert_eq!(now, current());
            }
        }
    }
}

/// Ends the program in the middle of its `CUT_AT`th write to the store, half of it done. With
/// `NO_LOG`, the file system refuses a write-ahead log.
const CUT: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int is_store(int file) {
    char link[64], path[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strstr(path, "/hotspotd.db") != NULL;
}

static size_t allowed(int file, size_t length) {
    static long writes;
    const char *at = getenv("CUT_AT");
    if (!at || !is_store(file)) return length;
    return ++writes == atol(at) ? length / 2 : length;
}

static ssize_t ends(ssize_t written, size_t allowed, size_t length) {
    if (allowed != length) _exit(99);
    return written;
}

ssize_t write(int file, const void *bytes, size_t length) {
    ssize_t (*next)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    size_t part = allowed(file, length);
    return ends(next(file, bytes, part), part, length);
}

#define PWRITE(name, type)                                                        \
    ssize_t name(int file, const void *bytes, size_t length, type at) {           \
        ssize_t (*next)(int, const void *, size_t, type) = dlsym(RTLD_NEXT, #name); \
        size_t part = allowed(file, length);                                      \
        return ends(next(file, bytes, part, at), part, length);                   \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define OPEN(name)                                                                \
    int name(const char *path, int flags, ...) {                                  \
        va_list arguments;                                                        \
        va_start(arguments, flags);                                               \
        mode_t mode = va_arg(arguments, mode_t);                                  \
        va_end(arguments);                                                        \
        size_t length = strlen(path);                                             \
        if (getenv("NO_LOG") && length > 4 && strcmp(path + length - 4, "-wal") == 0) { \
            errno = EIO;                                                          \
            return -1;                                                            \
        }                                                                         \
        int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, #name);            \
        return next(path, flags, mode);                                           \
    }
OPEN(open)
OPEN(open64)
"#;

fn cut_library(scratch: &Path) -> PathBuf {
    let (source, library) = (scratch.join("cut.c"), scratch.join("cut.so"));
    fs::write(&source, CUT).unwrap();
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
    assert!(built.unwrap().success());
    library
}

/// Cuts at every write of an upgrade, one after another, and gives their number.
fn cut_at_every_write(version: usize, more: &[&str]) -> u32 {
    const VOUCHERS: u32 = 25;
    let mut daemon = Daemon::prepared(OPEN_API, "");
    let old = daemon.scratch.path().join("old.db");
    old_store(&old, version, VOUCHERS);
    let preload = format!("LD_PRELOAD={}", cut_library(daemon.scratch.path()).display());
    for write in 1.. {
        lay(&daemon, &old);
        let cut = format!("CUT_AT={write}");
        let words = ["env", &preload].into_iter().chain(more.iter().copied());
        daemon.within = words.clone().chain([cut.as_str()]).map(str::to_owned).collect();
        daemon.spawn();
        let ready = daemon.is_ready_or_ends();
        is_whole(left_behind(&daemon), version, VOUCHERS);
        if ready {
            // All writes of the upgrade are done, and some of the first start.
            daemon.kill();
            return write;
        }
        assert_eq!(daemon.wait().code(), Some(99), "{}", daemon.log());
        daemon.within = words.map(str::to_owned).collect();
        daemon.launch();
        assert_eq!(daemon.vouchers().len(), VOUCHERS as usize, "cut at write {write}");
        daemon.stop();
        let found = contents(&daemon.database());
        assert_eq!(found.0, current(), "cut at write {write}");
        is_whole(found, version, VOUCHERS);
        assert!(!daemon.data().join("hotspotd.db.damaged").exists(), "cut at write {write}");
    }
    0
}

#[test]
fn an_upgrade_may_be_cut_at_every_write() {
    for version in [1, 3, last()] {
        let writes = cut_at_every_write(version, &[]);
        assert!(writes > 20, "{writes}");
    }
}

#[test]
fn an_upgrade_may_be_cut_at_every_write_where_there_is_no_write_ahead_log() {
    let writes = cut_at_every_write(2, &["NO_LOG=1"]);
    assert!(writes > 20, "{writes}");
}
