//! The plug is pulled at random moments: what was acknowledged is there afterwards.
//!
//! `POWER_CUTS` is the number of rounds in all; `POWER_CUTS_SEED` begins with the seed that a
//! failing round has printed. The moment of the cut comes from it; how far the router has got by
//! then depends on the machine.
//!
//! The emulator is killed, and with it all that its kernel had not written yet. JFFS2 on NOR writes
//! through: what a missing flush would lose is lost on ext4 only. A write can end in its middle, but
//! nothing that was written is taken back, and no chip has cells that end up half programmed.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rusqlite::Connection;
use serde_json::json;

use crate::book::Book;
use crate::figures::note;
use crate::flash::commits;
use crate::flows::Scratch;
use crate::load;
use crate::machine::Machine;
use crate::storage::{Medium, Storage};
use crate::visitor::Visitor;

/// Rounds in all where nothing else is asked for. `.ci/run` asks for three; a hundred and more are for
/// a night.
const ROUNDS: u64 = 30;

/// No load goes on for longer than this.
const LONGEST: Duration = Duration::from_secs(10);

/// How many rounds are this share of all, in hundredths; at least one.
fn rounds(share: u64) -> u64 {
    let asked = std::env::var("POWER_CUTS").map(|number| number.parse().unwrap());
    ((asked.unwrap_or(ROUNDS) * share + 50) / 100).max(1)
}

/// The first round's seed; each next one's is one more.
fn first_seed() -> u64 {
    let given = std::env::var("POWER_CUTS_SEED").map(|seed| seed.parse().unwrap());
    given.unwrap_or_else(|_| rand::random_range(0..1_000_000_000))
}

/// The storage as a round finds it: kept where the round fails.
struct Found(Storage, u64);

impl Drop for Found {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let name = format!("power-cut-{}-{:?}", self.1, self.0.medium);
            let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
            self.0.keep(&path);
            eprintln!("the round's seed is {}; what it found is in {}", self.1, path.display());
        }
    }
}

/// A chain of rounds: what one leaves is what the next one finds.
struct Chain {
    book: Book,
    /// How long the last start took: the measure of this machine's pace.
    start: Duration,
}

impl Chain {
    /// Starts on what the last cut has left, and looks whether all is there.
    fn start(&mut self, found: &Found) -> Machine {
        let machine = Machine::resume(&found.0);
        machine.mount();
        let begun = Instant::now();
        machine.launch();
        self.start = begun.elapsed();
        self.book.look_through(&machine);
        machine
    }

    /// Cut in the middle of the start, which mends what the last cut has left.
    fn cut_while_starting(&self, found: &Found, at: f64) -> Storage {
        let machine = Machine::resume(&found.0);
        machine.mount();
        machine.spawn();
        std::thread::sleep(self.start.mul_f64(at));
        eprintln!("seed {}: cut while starting", found.1);
        machine.cut()
    }

    /// The first cut waits until a session of each kind was acknowledged, however slow this machine.
    fn cut_under_load(&mut self, found: &Found, at: f64) -> Storage {
        let machine = self.start(found);
        let before = self.book.acknowledged();
        let after = self.start.mul_f64(4.0).min(LONGEST).mul_f64(at);
        let enough = |book: &Book| before > 0 || book.has_everything();
        load::until_cut(&machine, &mut self.book, found.1, after, enough);
        let acknowledged = self.book.acknowledged() - before;
        eprintln!("seed {}: {acknowledged} acknowledged before the cut", found.1);
        machine.cut()
    }
}

fn power_cuts(medium: Medium, rounds: u64) {
    let mut chain = Chain { book: Book::default(), start: Duration::from_secs(1) };
    let (begun, first) = (Instant::now(), first_seed());
    let mut storage = Storage::new(medium, |_| ());
    for seed in first..first + rounds {
        let mut rng = StdRng::seed_from_u64(seed);
        let (starting, at) = (seed > first && rng.random_ratio(1, 5), rng.random::<f64>());
        let found = Found(storage, seed);
        storage = if starting {
            chain.cut_while_starting(&found, at)
        } else {
            chain.cut_under_load(&found, at)
        };
    }
    drop(chain.start(&Found(storage, first + rounds)));
    let book = chain.book;
    let all = format!("{rounds} in {:.0} s; none lost of {book}", begun.elapsed().as_secs_f64());
    note(&format!("power cuts on {medium:?}"), &all);
    assert!(book.created.len() as u64 > rounds, "hardly any load: {book}");
    assert!(book.has_everything(), "somebody did not come: {book}");
}

#[test]
fn nothing_acknowledged_is_lost_on_jffs2() {
    power_cuts(Medium::Jffs2, rounds(55));
}

#[test]
fn nothing_acknowledged_is_lost_on_ext4() {
    power_cuts(Medium::Ext4, rounds(35));
}

/// Vouchers in the store that is migrated, and as many sessions.
const MIGRATED: i64 = 3000;

/// The bytes of a store of the second version of the schema, as a daemon of then has left it.
fn store_of_then() -> Vec<u8> {
    let scratch = Scratch::new();
    let path = scratch.path().join("then.db");
    let store = Connection::open(&path).unwrap();
    let schema = concat!(
        "PRAGMA page_size = 1024; PRAGMA journal_mode = WAL; PRAGMA application_id = 0x48535044;",
        include_str!("../../src/store/schema/001_foundation.sql"),
        include_str!("../../src/store/schema/002_sessions.sql"),
        "PRAGMA user_version = 2;"
    );
    store.execute_batch(schema).unwrap();
    let rows = format!(
        "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number LIMIT {MIGRATED})
         INSERT INTO voucher (username, username_folded, passcode, fullname, created_at,
             modified_at, valid_seconds, download_limit, upload_limit)
         SELECT 'Zimmer-' || n, 'zimmer-' || n, 'secret' || n, 'Guest', 1790000000, 1790000000,
             86400, 0, 0 FROM number;
         INSERT INTO session (voucher, login, mac, network, started_at, seconds, download, upload,
             ended_at, cause)
         SELECT id, username, '', 'guest', 1790000000, 60, id, 1, 1790000060, 'User-Request'
         FROM voucher;"
    );
    store.execute_batch(&rows).unwrap();
    drop(store);
    std::fs::read(path).unwrap()
}

/// Looks whether everything is there, in its new form.
fn look_through_migrated(machine: &Machine) {
    let store = machine.backup();
    let count = |sql: &str| store.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let version: i64 = store.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert!(version > 2, "{version}");
    let vouchers = "SELECT count(*) FROM voucher WHERE username = 'Zimmer-' || id
                    AND passcode = 'secret' || id AND valid_seconds = 86400";
    assert_eq!(count(vouchers), MIGRATED);
    let sessions = "SELECT count(*) FROM session WHERE download = voucher
                    AND login_folded = 'zimmer-' || voucher";
    assert_eq!(count(sessions), MIGRATED);
    let verdict = store.query_row("PRAGMA integrity_check", [], |row| row.get(0));
    assert_eq!(verdict, Ok("ok".to_owned()));
    machine.cli("check");
}

/// Where a cut has left the migration, before anybody has mended anything.
#[derive(Debug, PartialEq, Eq)]
enum Left {
    NotBegun,
    /// It is in the log, and not committed.
    InTheMiddle,
    Done,
}

fn left(machine: &Machine) -> Left {
    let log = machine.bytes("cat /data/hotspotd.db-wal 2>/dev/null || true");
    // The first page has the version (SQLite file format §1.3), once it is out of the log.
    let old = machine.ok("hexdump -s 63 -n 1 -e '1/1 \"%d\"' /data/hotspotd.db") == "2";
    match commits(&log) {
        0 if old && log.is_empty() => Left::NotBegun,
        0 if old => Left::InTheMiddle,
        _ => Left::Done,
    }
}

#[test]
fn a_cut_while_the_schema_is_migrated_loses_nothing() {
    let then = store_of_then();
    let storage = Storage::new(Medium::Jffs2, |machine| machine.put(&then, "/data/hotspotd.db"));
    let whole = Machine::resume(&storage);
    whole.mount();
    let begun = Instant::now();
    whole.launch();
    let takes = begun.elapsed();
    look_through_migrated(&whole);
    drop(whole);
    let (seed, rounds) = (first_seed(), rounds(10).max(5));
    let mut early = 0;
    for round in 0..rounds {
        let found = Found(storage.clone(), seed + round);
        let mut rng = StdRng::seed_from_u64(found.1);
        let machine = Machine::resume(&found.0);
        machine.mount();
        machine.spawn();
        // Spread over the start, and closer together at its begin, where the migration is.
        let share = (round as f64 + rng.random::<f64>()) / rounds as f64;
        let at = takes.mul_f64(share * share);
        std::thread::sleep(at);
        let found = Found(machine.cut(), found.1);
        let machine = Machine::resume(&found.0);
        machine.mount();
        let left = left(&machine);
        early += u64::from(left != Left::Done);
        eprintln!("seed {}: cut {at:?} after the start: {left:?}", found.1);
        machine.launch();
        look_through_migrated(&machine);
    }
    let all = format!("{rounds}, of which {early} came before its end; nothing lost");
    note("power cuts while the schema is migrated on Jffs2", &all);
    assert!(early > 0, "every cut came too late to tell anything");
}

/// How long the one session goes on whose usage is looked at, in seconds: longer than the minute
/// after which usage is written down, by up to another minute.
const USING: std::ops::Range<u64> = 80..130;

#[test]
fn at_most_a_minute_of_usage_is_counted_again() {
    let found = Found(Storage::new(Medium::Jffs2, |_| ()), first_seed());
    let mut rng = StdRng::seed_from_u64(found.1);
    let machine = Machine::resume(&found.0);
    machine.mount();
    machine.launch();
    let created =
        machine.post(json!({"action": "create_voucher", "username": "film", "passcode": "film"}));
    assert_eq!(created.message(), "User added successfully");
    let visitor = Visitor(&machine);
    visitor.pass_for(1);
    assert_eq!(visitor.sign_in("film", "film").unwrap(), "303");
    visitor.inside("ping -s 1000 203.0.113.10 >/dev/null 2>&1 &");
    let usage = |machine: &Machine| {
        let sessions = machine.cli("sessions --format json");
        let uptime = machine.ok("cut -d ' ' -f 1 /proc/uptime");
        let sessions: serde_json::Value = serde_json::from_str(&sessions).unwrap();
        let number = |name: &str| sessions[0][name].as_u64().unwrap();
        (uptime.trim().parse::<f64>().unwrap(), number("download"), number("uptime"))
    };
    let until = rng.random_range(USING);
    let mut seen = vec![usage(&machine)];
    while seen.last().unwrap().0 < seen[0].0 + until as f64 {
        std::thread::sleep(Duration::from_secs(1));
        seen.push(usage(&machine));
    }
    let last = *seen.last().unwrap();
    let storage = machine.cut();
    let machine = Machine::resume(&storage);
    machine.mount();
    machine.launch();
    let after = usage(&machine);
    let (_, download, seconds) = *seen.iter().rev().find(|at| at.0 <= last.0 - 60.0).unwrap();
    eprintln!(
        "cut after {last:?}, {after:?} after the restart; a minute before: {download} in {seconds} s"
    );
    assert!(download > 0 && last.1 > download, "nothing was used all the time: {seen:?}");
    assert!(after.1 >= download, "{} octets instead of {download}", after.1);
    assert!(after.2 >= seconds, "{} seconds instead of {seconds}", after.2);
}
