//! The list of 50,000 vouchers over `/api/`, and what it costs everybody else.
//!
//! The daemon streams it page by page: the first byte should come at once, memory should hardly
//! grow, and a voucher made meanwhile should not have to wait for the end. The peer reads the same
//! rows from a backup and makes one text of them in memory, as a plain script would.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hotspotd::domain::time::Timestamp;
use hotspotd::domain::validity::ValidFor;
use hotspotd::domain::zone::Zone;
use hotspotd::listing::VoucherRow;
use rusqlite::{Connection, OpenFlags, Row};

use crate::Effort;
use crate::daemon::{Daemon, Disk};
use crate::http::{self, Arrival, Client};
use crate::memory::{forget_peak, megabytes};
use crate::table;

const VOUCHERS: usize = 50_000;
/// Lists fetched at the same time.
const TOGETHER: usize = 8;

pub fn run(disk: &Disk, effort: Effort) {
    table::title("list: 50,000 vouchers over /api/");
    let mut daemon = Daemon::filled(disk, "list", VOUCHERS);
    let backup = daemon.backup();
    // What filling and the backup left behind in memory is not the list's.
    daemon.stop();
    daemon.launch();
    alone(&daemon, effort);
    together(&daemon);
    peer(&backup, effort);
    table::title("list: a voucher made meanwhile");
    meanwhile(&daemon, effort);
}

fn alone(daemon: &Daemon, effort: Effort) {
    let before = megabytes(daemon.pid(), "VmRSS");
    forget_peak(daemon.pid());
    let arrivals: Vec<Arrival> = (0..effort.many()).map(|_| http::list(daemon.address)).collect();
    let peak = megabytes(daemon.pid(), "VmHWM");
    let of = |part: fn(&Arrival) -> Duration| arrivals.iter().map(part).collect::<Vec<_>>();
    table::times("first byte", &of(|arrival| arrival.first_byte));
    table::times("whole list", &of(|arrival| arrival.whole));
    let size = |arrival: &Arrival| arrival.bytes as f64 / 1e6;
    table::row("size on the wire", "MB", arrivals.iter().map(size).collect());
    table::single("VmRSS before", "MB", before);
    table::single("VmHWM during", "MB", peak);
}

fn together(daemon: &Daemon) {
    forget_peak(daemon.pid());
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..TOGETHER {
            scope.spawn(|| http::list(daemon.address));
        }
    });
    let taken = begun.elapsed();
    table::times(&format!("{TOGETHER} lists at once, all of them"), &[taken]);
    table::single(
        &format!("VmHWM during {TOGETHER} lists"),
        "MB",
        megabytes(daemon.pid(), "VmHWM"),
    );
}

fn meanwhile(daemon: &Daemon, effort: Effort) {
    let idle = creates(daemon, effort);
    let done = AtomicBool::new(false);
    let busy = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                http::list(daemon.address);
            }
        });
        let taken = creates(daemon, effort);
        done.store(true, Ordering::Relaxed);
        taken
    });
    for (when, taken) in [("nobody lists", idle), ("a list is streaming all the time", busy)] {
        table::times(&format!("answer while {when}"), &taken);
        let late = table::percentile(&taken, 99).as_secs_f64() * 1e3;
        table::single("  99th percentile", "ms", late);
    }
}

/// One client that makes a voucher every five milliseconds.
fn creates(daemon: &Daemon, effort: Effort) -> Vec<Duration> {
    let mut client = Client::connect(daemon.address).unwrap();
    let begun = Instant::now();
    let mut taken = Vec::new();
    while begun.elapsed() < effort.length() * 2 {
        taken.push(client.create());
        std::thread::sleep(Duration::from_millis(5));
    }
    taken
}

fn peer(backup: &Path, effort: Effort) {
    let me = std::process::id();
    let (mut taken, mut growth, mut size) = (Vec::new(), Vec::new(), 0);
    for _ in 0..effort.many() {
        let before = megabytes(me, "VmRSS");
        forget_peak(me);
        let begun = Instant::now();
        let text = whole_text(backup);
        taken.push(begun.elapsed());
        growth.push(megabytes(me, "VmHWM") - before);
        size = text.len();
    }
    table::times("peer: rusqlite and serde_json, whole list as one String", &taken);
    table::single("peer: its size", "MB", size as f64 / 1e6);
    // Memory freed by one run is used again by the next: the largest growth is the true one.
    table::row("peer: growth of VmHWM", "MB", growth);
}

fn whole_text(backup: &Path) -> String {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(backup, flags).unwrap();
    let mut statement = database
        .prepare(
            "SELECT id, username, passcode, fullname, created_at, modified_at, first_login,
                 last_login, valid_seconds, valid_from, mac, download_limit, upload_limit
             FROM voucher ORDER BY id",
        )
        .unwrap();
    let zone = Zone::utc();
    let rows = statement.query_map([], |row| read(row, &zone)).unwrap();
    let rows: Vec<VoucherRow> = rows.map(Result::unwrap).collect();
    format!(r#"{{"users":{}}}"#, serde_json::to_string(&rows).unwrap())
}

fn read(row: &Row<'_>, zone: &Zone) -> rusqlite::Result<VoucherRow> {
    let time = |column: usize| -> rusqlite::Result<Option<String>> {
        let seconds: Option<i64> = row.get(column)?;
        Ok(seconds.map(|seconds| zone.show(Timestamp::from_unix(seconds))))
    };
    let valid_for = ValidFor::from_seconds(row.get(8)?);
    let created_at = time(4)?.unwrap_or_default();
    Ok(VoucherRow {
        id: row.get(0)?,
        username: row.get(1)?,
        password: row.get(2)?,
        fullname: row.get(3)?,
        last_modified: time(5)?.unwrap_or_default(),
        first_login: time(6)?,
        last_login: time(7)?,
        valid_for: valid_for.map_or_else(String::new, |valid_for| valid_for.to_string()),
        valid_from: time(9)?.unwrap_or_else(|| created_at.clone()),
        created_at,
        mac: row.get(10)?,
        download_limit: row.get(11)?,
        upload_limit: row.get(12)?,
    })
}
