//! What happens by the clock, and to a store that fails.

use std::os::unix::fs::FileExt;
use std::path::Path;

use super::*;
use crate::domain::nas::{NasPeer, ViewPoint};
use crate::store::{FILE_NAME, SNAPSHOT_NAME};

#[test]
fn the_login_log_forgets_by_age() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.login("a", "secret").unwrap();
    bench.clock.pass(60 * 86_400);
    bench.login("b", "x").unwrap_err();
    bench.minutes(1);
    assert_eq!(bench.logins().len(), 2);
    bench.clock.pass(31 * 86_400);
    bench.minutes(24 * 60);
    let left: Vec<_> = bench.logins().into_iter().map(|row| row.value.login).collect();
    assert_eq!(left, ["b"]);
    bench.clock.pass(90 * 86_400);
    bench.minutes(24 * 60);
    assert_eq!(bench.logins(), []);
}

#[test]
fn an_idle_hotspot_writes_once_an_hour_and_a_busy_one_once_a_minute() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.minutes(2);
    let mark = |bench: &Bench| bench.hotspot.store.mark().unwrap().map(|mark| mark.wall);
    bench.minutes(58);
    let before = mark(&bench);
    bench.minutes(59);
    assert_eq!(mark(&bench), before);
    bench.minutes(1);
    let after = mark(&bench);
    assert_ne!(after, before);
    for _ in 0..20 {
        bench.login("a", "secret").unwrap();
    }
    assert_eq!(mark(&bench), after);
    bench.minutes(1);
    assert_ne!(mark(&bench), after);
}

#[test]
fn a_backup_holds_what_was_still_in_memory_and_comes_back_whole() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.login("a", "secret").unwrap();
    let backup = bench.read(Read::Backup);
    let later = bench.create("later").unwrap().id;
    bench.login("later", "secret").unwrap();
    assert_eq!(bench.restore(backup), Ok(1));
    assert_eq!(bench.vouchers().len(), 1);
    assert_eq!(bench.logins().len(), 1);
    assert_eq!(bench.create("later").unwrap().id, later + 1, "an id was given twice");
    assert_eq!(bench.read(Read::Status).trouble, None);
}

#[test]
fn a_bad_backup_changes_nothing() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    let mut torn = bench.read(Read::Backup);
    torn.truncate(torn.len() / 2);
    for bytes in [b"".to_vec(), b"nonsense".to_vec(), vec![0; 4096], torn] {
        assert!(bench.restore(bytes).is_err());
        assert_eq!(bench.vouchers().len(), 1);
    }
    bench.create("b").unwrap();
    let names: Vec<_> = std::fs::read_dir(bench.scratch.path()).unwrap().flatten().collect();
    assert!(names.iter().all(|file| !file.file_name().to_string_lossy().contains("restore")));
}

#[test]
fn a_snapshot_is_written_after_ten_minutes_and_then_daily_if_anything_changed() {
    let mut bench = Bench::new();
    let path = bench.scratch.path().join(SNAPSHOT_NAME);
    bench.create("a").unwrap();
    bench.minutes(9);
    assert!(!path.exists());
    bench.minutes(1);
    assert!(written(&path), "no snapshot came");
    std::fs::write(&path, "untouched").unwrap();
    bench.minutes(2 * 24 * 60);
    assert_eq!(std::fs::read(&path).unwrap(), b"untouched");
    bench.create("b").unwrap();
    std::fs::remove_file(&path).unwrap();
    bench.minutes(1);
    assert!(written(&path), "no snapshot came after the change");
    let snapshot = rusqlite::Connection::open(&path).unwrap();
    let rows: i64 =
        snapshot.query_row("SELECT count(*) FROM voucher", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 2);
}

/// Waits for the thread that writes it.
fn written(path: &Path) -> bool {
    (0..1000).any(|_| {
        std::thread::sleep(Duration::from_millis(5));
        path.exists()
    })
}

#[test]
fn a_row_from_the_future_does_not_keep_the_old_ones() {
    let mut bench = Bench::new();
    bench.login("early", "x").unwrap_err();
    bench.clock.pass(4000 * 86_400);
    bench.login("future", "x").unwrap_err();
    bench.minutes(1);
    bench.clock.synchronise(START + 100);
    bench.login("later", "x").unwrap_err();
    bench.minutes(1);
    bench.clock.pass(100 * 86_400);
    bench.minutes(24 * 60);
    let left: Vec<_> = bench.logins().into_iter().map(|row| row.value.login).collect();
    assert_eq!(left, ["future"]);
}

#[test]
fn whoever_guesses_codes_cannot_write_the_log_full() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    for _ in 0..2000 {
        bench.login("nobody", "x").unwrap_err();
    }
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.minutes(1);
    let rows = bench.logins();
    assert_eq!(rows.len(), 501);
    assert_eq!(rows[500].value.login, "a");
    bench.seconds(10);
    for _ in 0..400 {
        bench.login("nobody", "x").unwrap_err();
    }
    assert_eq!(bench.logins().len(), 501 + 400);
}

#[test]
fn where_there_is_no_room_to_spare_guesses_are_left_out_and_later_ones_logged_again() {
    let mut bench = Bench::new();
    for _ in 0..600 {
        bench.login("nobody", "x").unwrap_err();
    }
    bench.hotspot.login_log.drop_refused();
    bench.login("somebody", "x").unwrap_err();
    assert_eq!(bench.logins().len(), 1);
}

#[test]
fn damage_while_running_is_told_and_never_reaches_the_good_snapshot() {
    let mut bench = Bench::new();
    let request = Box::<VoucherRequest>::default();
    bench
        .write(|reply| Write::CreateVouchers { request, count: 12_000, batch: None, reply })
        .unwrap()
        .unwrap();
    bench.minutes(10);
    let snapshot = bench.scratch.path().join(SNAPSHOT_NAME);
    assert!(written(&snapshot));
    let good = std::fs::read(&snapshot).unwrap();
    // Into the file, and out of SQLite's cache.
    bench.hotspot.finish();
    let mut bench = bench.restart(TestClock::at(START + 700, true, "boot-1"));
    damage_table(&bench.scratch.path().join(FILE_NAME));
    let (reply, mut answer) = oneshot::channel();
    bench.hotspot.turn(vec![Command::Read(Read::Vouchers(Page { limit: 20_000, ..ALL }, reply))]);
    assert!(matches!(answer.try_recv().unwrap(), Err(Fault::Store(StoreError::Corrupt(_)))));
    assert!(bench.read(Read::Status).trouble.unwrap().contains("restart"));
    bench.minutes(15);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(std::fs::read(&snapshot).unwrap(), good);
}

/// Overwrites every tenth page of a file that is too large for SQLite's cache.
fn damage_table(path: &Path) {
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    let pages = file.metadata().unwrap().len() / 1024;
    for page in (20..pages).step_by(10) {
        file.write_all_at(&[0x5a; 1024], page * 1024).unwrap();
    }
}

#[test]
fn old_rows_go_as_soon_as_the_clock_is_set() {
    let mut bench = Bench::new();
    bench.login("early", "x").unwrap_err();
    let clock = TestClock::at(40, false, "boot-2");
    let mut bench = bench.restart(clock.clone());
    bench.minutes(30);
    assert_eq!(bench.logins().len(), 1);
    clock.synchronise(START + 200 * 86_400);
    bench.minutes(2);
    assert_eq!(bench.logins().len(), 0);
}

#[test]
fn a_restored_log_keeps_its_rows() {
    let mut bench = Bench::new();
    for _ in 0..100 {
        bench.login("guest", "x").unwrap_err();
    }
    let backup = bench.read(Read::Backup);
    for _ in 0..60 {
        for _ in 0..400 {
            bench.login("nobody", "x").unwrap_err();
        }
        bench.minutes(1);
        bench.seconds(8);
    }
    bench.restore(backup).unwrap();
    bench.login("after", "x").unwrap_err();
    bench.minutes(1);
    assert_eq!(bench.logins().len(), 101);
}

#[test]
fn a_restore_keeps_what_access_points_have_shown() {
    let mut bench = Bench::new();
    let backup = bench.read(Read::Backup);
    let (source, local) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
    let view_point = Some(ViewPoint::Client);
    let peer = NasPeer { client: "lobby".into(), source, local, reports: true, view_point };
    bench.write(|reply| Write::KeepPeer { peer: peer.clone(), reply }).unwrap();
    bench.restore(backup).unwrap();
    assert_eq!(bench.hotspot.store.nas_peers().unwrap(), [peer]);
}

#[test]
fn a_session_that_has_ended_is_written_down_once_and_at_once() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.login("a", "secret").unwrap();
    bench.minutes(1);
    let before = bench.hotspot.store.changes();
    bench.clock.pass(5);
    bench.logout(0);
    let after = bench.hotspot.store.changes();
    assert_ne!(after, before);
    bench.minutes(10);
    bench.seconds(20);
    assert_eq!(bench.hotspot.store.changes(), after);
}
