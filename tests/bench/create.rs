//! Vouchers made per second over `/api/`, each acknowledged only once it is durable.
//!
//! Clients keep their connection and ask again as soon as they have the answer. What queues up
//! while one commit is flushed shares the next: 16 such clients fall into two halves, one being
//! flushed while the other queues, and reach at most about eight times what one does. That is so
//! where flushing takes its time, as on flash; where it takes a tenth of a millisecond, processors
//! are the limit, and the clients here need one of their own.
//!
//! The peers say what the disk allows: one insert or 16 in a transaction of SQLite with the same
//! settings and no network, and one kilobyte flushed at a time.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use crate::Effort;
use crate::daemon::{Daemon, Disk};
use crate::http::Client;
use crate::table;

/// The columns and the index of the daemon's own table.
const SCHEMA: &str = "
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA page_size = 1024;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -512;
    PRAGMA wal_autocheckpoint = 512;
    PRAGMA journal_size_limit = 524288;
    CREATE TABLE voucher (
        id INTEGER PRIMARY KEY AUTOINCREMENT, organisation INTEGER NOT NULL DEFAULT 1,
        username TEXT NOT NULL, username_folded TEXT NOT NULL, passcode TEXT NOT NULL,
        fullname TEXT NOT NULL, created_at INTEGER NOT NULL, modified_at INTEGER NOT NULL,
        first_login INTEGER, last_login INTEGER, valid_seconds INTEGER, valid_from INTEGER,
        mac TEXT, download_limit INTEGER NOT NULL, upload_limit INTEGER NOT NULL,
        clock_unset INTEGER NOT NULL DEFAULT 0, UNIQUE (organisation, username_folded)
    ) STRICT;";

pub fn run(disk: &Disk, effort: Effort) {
    table::title("create: vouchers over /api/, durable");
    let daemon = Daemon::start(disk, "create");
    let database = sqlite(&disk.path().join("peer.db"));
    let mut file = File::create(disk.path().join("peer.bytes")).unwrap();
    let mut rates: [Vec<f64>; 5] = Default::default();
    let mut latencies: [Vec<Duration>; 2] = Default::default();
    // Taking turns, so that a disk that slows down or speeds up does so for all of them.
    for _ in 0..effort.runs() {
        for (at, clients) in [1, 16].into_iter().enumerate() {
            let taken = creates(&daemon, clients, effort.length());
            rates[at].push(taken.len() as f64 / effort.length().as_secs_f64());
            latencies[at].extend(taken);
        }
        rates[2].push(rate(effort.length(), || insert(&database, 1)));
        rates[3].push(rate(effort.length(), || insert(&database, 16)));
        rates[4].push(rate(effort.length(), || flush(&mut file)));
    }
    let [one, sixteen, single, grouped, flushes] = rates;
    let one = table::row("1 client", "/s", one);
    let sixteen = table::row("16 clients", "/s", sixteen);
    table::single("16 clients / 1 client", "times", sixteen / one);
    for (clients, latencies) in [("1 client", &latencies[0]), ("16 clients", &latencies[1])] {
        table::times(&format!("answer, {clients}"), latencies);
        let late = table::percentile(latencies, 99).as_secs_f64() * 1e3;
        table::single(&format!("answer, {clients}, 99th percentile"), "ms", late);
    }
    let single = table::row("peer: SQLite, 1 insert per transaction", "/s", single);
    table::row("peer: SQLite, 16 inserts per transaction", "/s", grouped);
    table::row("peer: 1 KB appended and fdatasync", "/s", flushes);
    table::single("1 client / SQLite, 1 insert per transaction", "times", one / single);
    drop(daemon);
    on_flash(disk, effort);
}

/// Makes every flush take a millisecond longer.
const SLOW_FLUSH: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
int fsync(int fd) {
    usleep(1000);
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}
int fdatasync(int fd) {
    usleep(1000);
    return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}
"#;

/// The library that does so.
pub fn slow_flush(disk: &Disk) -> PathBuf {
    let (source, library) = (disk.path().join("slow.c"), disk.path().join("slow.so"));
    std::fs::write(&source, SLOW_FLUSH).unwrap();
    let cc =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
    assert!(cc.unwrap().success());
    library
}

/// The same where flushing takes as long as on good flash.
fn on_flash(disk: &Disk, effort: Effort) {
    table::title("create: the same with 1 ms more for each flush");
    let mut daemon = Daemon::prepared(disk, "flash");
    daemon.preload = Some(slow_flush(disk));
    daemon.launch();
    let mut rates: [Vec<f64>; 2] = Default::default();
    for _ in 0..effort.runs() {
        for (at, clients) in [1, 16].into_iter().enumerate() {
            let taken = creates(&daemon, clients, effort.length());
            rates[at].push(taken.len() as f64 / effort.length().as_secs_f64());
        }
    }
    let [one, sixteen] = rates;
    let one = table::row("1 client", "/s", one);
    let sixteen = table::row("16 clients", "/s", sixteen);
    table::single("16 clients / 1 client", "times", sixteen / one);
}

/// Creates vouchers with so many clients at once; the time each answer took.
fn creates(daemon: &Daemon, clients: usize, length: Duration) -> Vec<Duration> {
    let together = Barrier::new(clients);
    let client = || {
        let mut client = Client::connect(daemon.address).unwrap();
        let mut taken = Vec::new();
        together.wait();
        let begun = Instant::now();
        while begun.elapsed() < length {
            taken.push(client.create());
        }
        taken
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// How many per second `work` gets done; it says how many it did.
pub fn rate(length: Duration, mut work: impl FnMut() -> usize) -> f64 {
    let begun = Instant::now();
    let mut done = 0;
    while begun.elapsed() < length {
        done += work();
    }
    done as f64 / begun.elapsed().as_secs_f64()
}

fn sqlite(path: &Path) -> Connection {
    let database = Connection::open(path).unwrap();
    database.execute_batch(SCHEMA).unwrap();
    database
}

fn insert(database: &Connection, rows: usize) -> usize {
    let transaction = database.unchecked_transaction().unwrap();
    let mut statement = database
        .prepare_cached(
            "INSERT INTO voucher (username, username_folded, passcode, fullname, created_at,
                 modified_at, valid_seconds, download_limit, upload_limit)
             VALUES (?1, ?1, ?2, ?3, ?4, ?4, 86400, 0, 0)",
        )
        .unwrap();
    for _ in 0..rows {
        let username = format!("{:08x}", rand::random::<u64>());
        let passcode = format!("{:08x}", rand::random::<u32>());
        statement.execute(params![username, passcode, "Guest abcde", 1_793_491_200]).unwrap();
    }
    transaction.commit().unwrap();
    rows
}

/// One kilobyte more, on disk.
pub fn flush(file: &mut File) -> usize {
    file.write_all(&[0x5a; 1024]).unwrap();
    file.sync_data().unwrap();
    1
}
