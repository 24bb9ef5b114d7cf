//! The data directory on flash file systems: what works, what a full one does, what is written.
//!
//! JFFS2 lies on memory behind the module phram, erased in blocks of 64 KB; UBIFS on UBI on nandsim,
//! written in pages of 2 KB. The file systems are the kernel's own. The chips are not: nothing wears,
//! nothing takes time.

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::figures::note;
use crate::machine::Machine;
use crate::storage::Medium;
use crate::visitor::Visitor;

fn create(machine: &Machine, username: &str) -> crate::flows::Answer {
    let order = json!({"action": "create_voucher", "username": username, "passcode": username});
    machine.post(order)
}

fn created(machine: &Machine, username: &str) {
    let answer = create(machine, username);
    assert_eq!(answer.message(), "User added successfully", "{answer:?}\n{}", machine.log());
}

fn vouchers(machine: &Machine) -> Vec<Value> {
    machine.post(json!({"action": "get_voucher_users"})).json()["users"].as_array().unwrap().clone()
}

fn is_whole(store: &Connection) -> bool {
    store.query_row("PRAGMA integrity_check", [], |row| row.get(0)) == Ok("ok".to_owned())
}

/// Vouchers, a thousand at once, then fifty one after the other.
fn sell(machine: &Machine, between: impl FnOnce()) {
    machine.cli("voucher create --count 1000");
    between();
    for number in 0..50 {
        created(machine, &format!("single{number}"));
    }
}

/// How much is written for each voucher.
pub fn note_sales(medium: Medium) {
    let machine = Machine::formatted(medium);
    machine.launch();
    let before = machine.storage();
    let mut batch = before.clone();
    sell(&machine, || batch = machine.storage());
    let (at_once, erased) = batch.written_since(&before);
    let (singly, _) = machine.storage().written_since(&batch);
    note(
        &format!("flash written for each voucher on {medium:?}"),
        &format!(
            "{} octets of a thousand at once ({erased} blocks erased), {} one by one",
            at_once / 1000,
            singly / 50
        ),
    );
}

/// Fills the file system to the last byte; what flash file systems compress would not.
fn fill(machine: &Machine) {
    let output = machine.run("dd if=/dev/urandom of=/data/filler bs=4k");
    assert!(!output.status.success(), "it never became full");
}

fn keeps_house(medium: Medium) {
    let machine = Machine::formatted(medium);
    machine.launch();
    sell(&machine, || ());
    assert!(!machine.log().contains("rollback journal"), "{}", machine.log());
    machine.ok("test -e /data/hotspotd.db-wal");
    let before = vouchers(&machine);
    assert_eq!(before.len(), 1050);
    machine.stop();
    machine.launch();
    assert_eq!(vouchers(&machine), before);
    assert!(is_whole(&machine.backup()));
    is_replaced_by_its_snapshot(&machine, &before);
    gets_full(&machine, &before);
}

fn is_replaced_by_its_snapshot(machine: &Machine, before: &[Value]) {
    machine.cli("backup /data/hotspotd.snapshot.db");
    machine.stop();
    machine.ok("dd if=/dev/urandom of=/data/hotspotd.db bs=1k count=2 conv=notrunc");
    machine.launch();
    assert!(machine.log().contains("the last snapshot was restored"), "{}", machine.log());
    assert_eq!(vouchers(machine), before);
}

/// Nobody gets out, nothing is lost, and it goes on once there is room.
fn gets_full(machine: &Machine, before: &[Value]) {
    let guest = Visitor(machine);
    guest.pass_for(1);
    assert_eq!(guest.sign_in("single0", "single0").unwrap(), "303");
    fill(machine);
    let refused = create(machine, "late");
    assert_eq!(refused.message(), "An error occurred", "{refused:?}");
    let reason = &refused.headers["x-error-reason"];
    assert!(reason.contains("full"), "{reason}");
    let usernames =
        |list: &[Value]| list.iter().map(|voucher| voucher["username"].clone()).collect::<Vec<_>>();
    assert_eq!(usernames(&vouchers(machine)), usernames(before));
    assert!(guest.is_online().unwrap());
    machine.ok("rm /data/filler");
    created(machine, "early");
    assert!(guest.is_online().unwrap());
    machine.stop();
    machine.launch();
    assert_eq!(vouchers(machine).len(), before.len() + 1);
}

#[test]
fn jffs2_on_nor_keeps_house() {
    keeps_house(Medium::Jffs2);
}

#[test]
fn ubifs_on_simulated_nand_keeps_house() {
    keeps_house(Medium::Ubifs);
}

pub const GUESTS: u32 = 50;
/// Seconds for which writing is looked at, and more where this machine is slow.
pub const STEADY: u64 = 125;

/// Commits in SQLite's write-ahead log: the frames that say how large the database is then (SQLite
/// file format §4.1).
pub fn commits(log: &[u8]) -> usize {
    let word = |bytes: &[u8], at: usize| bytes.get(at..at + 4).map(<[u8]>::to_vec);
    let page = 1024 + 24;
    let frames = log.get(32..).unwrap_or_default().chunks(page);
    let salt = word(log, 16);
    frames
        .take_while(|frame| frame.len() == page && word(frame, 8) == salt)
        .filter(|frame| word(frame, 4) != Some(vec![0; 4]))
        .count()
}

/// What was written in steady use.
pub struct Written {
    /// By the router's clock, from before the first look to after the last.
    pub seconds: u64,
    pub octets: usize,
    /// Blocks that were erased.
    pub erased: usize,
    pub transactions: usize,
}

/// Fifty guests who are signed in, one of whom sends and receives all the time.
pub fn written_in_steady_use(medium: Medium) -> Written {
    let machine = Machine::formatted(medium);
    machine.launch();
    let guest = Visitor(&machine);
    for number in 0..GUESTS {
        let username = format!("guest{number}");
        created(&machine, &username);
        guest.pass_for(number);
        assert_eq!(guest.sign_in(&username, &username).unwrap(), "303");
    }
    guest.inside("ping -s 1000 203.0.113.10 >/dev/null 2>&1 &");
    let log = || machine.bytes("cat /data/hotspotd.db-wal");
    let uptime = || machine.ok("cut -d. -f1 /proc/uptime").trim().parse::<u64>().unwrap();
    let begun = uptime();
    let (log_before, before) = (log(), machine.storage());
    machine.ok(&format!("sleep {STEADY}"));
    let (after, log_after) = (machine.storage(), log());
    let seconds = uptime() + 1 - begun;
    assert_eq!(log_before.get(16..24), log_after.get(16..24), "the log was begun anew in between");
    let sessions: Value = serde_json::from_str(&machine.cli("sessions --format json")).unwrap();
    assert_eq!(sessions.as_array().unwrap().len(), GUESTS as usize);
    let transactions = commits(&log_after) - commits(&log_before);
    let (octets, erased) = after.written_since(&before);
    Written { seconds, octets, erased, transactions }
}

fn writes_once_a_minute(medium: Medium) {
    let Written { seconds, transactions, .. } = written_in_steady_use(medium);
    assert!(transactions > 0, "nothing was written down");
    assert!(transactions as u64 <= seconds / 60 + 1, "{transactions} in {seconds} s");
}

#[test]
fn jffs2_is_written_once_a_minute() {
    writes_once_a_minute(Medium::Jffs2);
}

#[test]
fn ubifs_is_written_once_a_minute() {
    writes_once_a_minute(Medium::Ubifs);
}
