//! After a restart, a crash, a reboot, a restored backup.

use std::num::NonZeroU16;

use super::nas_sessions::{ask, at, report, request};
use super::*;
use crate::hotspot::radius_messages::Event;

const HOUR: u64 = 3600;

fn two() -> Bench {
    let devices = NonZeroU16::new(2).unwrap();
    let mut bench = Bench::plan(Plan { devices, idle_timeout: 0, ..plan() });
    bench.limited("a", 50, 0);
    bench.limited("b", 0, 50);
    bench
}

#[test]
fn a_restart_touches_nobody() {
    let mut bench = two();
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.login_from(2, "b", "secret").unwrap().unwrap();
    bench.kernel.traffic(1, 5000, 500);
    bench.second_after(HOUR);
    let before = bench.sessions();
    let clock = bench.clock.clone();
    clock.pass(10);
    bench.kernel.traffic(1, 1000, 100);
    let mut bench = bench.restart(clock);
    bench.kernel.traffic(1, 1000, 100);
    bench.second_after(10);
    let after = bench.sessions();
    assert_eq!(after[0].usage, Usage { download: 7000, upload: 700 });
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((before.id, &before.login, before.mac), (after.id, &after.login, after.mac));
        assert_eq!((before.started_at, &before.network), (after.started_at, &after.network));
        assert_eq!(after.uptime, Duration::from_secs(HOUR + 20));
        assert_eq!(after.left.time, Some(Duration::from_secs(23 * HOUR - 20)));
    }
    assert_eq!(bench.kernel.rules().transactions, 2, "a guest was let in again");
    assert_eq!(bench.used(1), Usage { download: 7000, upload: 700 });
}

#[test]
fn a_reboot_goes_on_with_what_was_used() {
    let mut bench = two();
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.kernel.traffic(1, 5000, 500);
    bench.second_after(HOUR);
    let mut bench = bench.restart(TestClock::at(START + 2 * HOUR as i64, true, "boot-2"));
    assert_eq!(bench.online(), [1]);
    let pass = bench.kernel.pass(1).unwrap();
    assert_eq!((pass.download.used, pass.upload.used), (5000, 500));
    assert_eq!(pass.download.limit, Some(50 << 20));
    // The voucher's day goes on while the power is off.
    assert_eq!(pass.time, Some(Duration::from_secs(22 * HOUR)));
    let session = bench.sessions().remove(0);
    assert_eq!(session.uptime, Duration::from_secs(HOUR));
    assert_eq!(session.usage, Usage { download: 5000, upload: 500 });
    assert_eq!(bench.used(1), Usage { download: 5000, upload: 500 });
    bench.kernel.traffic(1, 1, 1);
    bench.second_after(10);
    assert_eq!(bench.used(1), Usage { download: 5001, upload: 501 });
}

#[test]
fn a_session_that_only_the_kernel_knows_of_is_taken_up() {
    let mut bench = two();
    let first = bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.minutes(1);
    bench.login_from(2, "b", "secret").unwrap().unwrap();
    bench.kernel.traffic(2, 4000, 400);
    bench.clock.pass(30);
    let mut bench = bench.crash();
    assert_eq!(bench.online(), [1, 2]);
    let sessions = bench.sessions();
    assert_eq!((sessions[1].login.as_str(), sessions[1].id), ("b", sessions[0].id + 1));
    assert_eq!(sessions[1].usage, Usage { download: 4000, upload: 400 });
    assert_eq!(sessions[0].login, first.login);
    assert_eq!(bench.used(2), Usage { download: 4000, upload: 400 });
    // Its number is not given to the next.
    bench.login_from(3, "a", "secret").unwrap().unwrap();
    assert_eq!(bench.sessions()[2].id, sessions[1].id + 1);
    assert_eq!(bench.records().len(), 3);
    let mut bench = bench.crash();
    assert_eq!(bench.online(), [1, 2, 3]);
}

#[test]
fn who_has_left_stays_out_whenever_the_daemon_is_killed() {
    let mut bench = two();
    bench.see(1);
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.minutes(1);
    bench.kernel.traffic(1, 900, 90);
    assert!(bench.logout(1));
    let mut bench = bench.crash();
    assert!(bench.online().is_empty());
    assert_eq!(bench.kernel.pass(1), None);
    assert_eq!(bench.used(1), Usage { download: 900, upload: 90 });
    // Also where the kernel did not listen when they left.
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.kernel.traffic(1, 100, 10);
    bench.second_after(10);
    bench.kernel.rules().broken = true;
    assert!(bench.logout(1));
    bench.kernel.rules().broken = false;
    let mut bench = bench.crash();
    assert!(bench.online().is_empty());
    assert_eq!(bench.kernel.pass(1), None);
    assert_eq!(bench.used(1), Usage { download: 1000, upload: 100 });
    assert_eq!(bench.ends(), ends([(1, "User-Request"), (1, "User-Request")]));
}

#[test]
fn a_voucher_that_ran_out_while_nobody_looked_is_over() {
    let mut bench = two();
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.login_from(2, "b", "secret").unwrap().unwrap();
    bench.minutes(1);
    let mut bench = bench.restart(TestClock::at(START + 25 * HOUR as i64, true, "boot-2"));
    assert!(bench.online().is_empty());
    assert!(bench.kernel.rules().passes.is_empty());
    assert_eq!(bench.ends(), ends([(1, "Session-Timeout"), (2, "Session-Timeout")]));
}

#[test]
fn data_that_ran_out_under_a_dead_daemon_is_noticed() {
    let mut bench = two();
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.minutes(1);
    bench.kernel.traffic(1, 60 << 20, 0);
    let mut bench = bench.crash();
    bench.second_after(10);
    assert!(bench.online().is_empty());
    assert_eq!(bench.login_from(1, "a", "secret").unwrap(), Err(Refusal::UsedUp));
    assert_eq!(bench.ends(), ends([(1, "Data-Limit")]));
}

#[test]
fn many_crashes_cost_nobody_anything() {
    let mut bench = two();
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    for _ in 0..20 {
        bench.kernel.traffic(1, 1000, 100);
        bench.second_after(7);
        bench.kernel.traffic(1, 1000, 100);
        bench = bench.crash();
    }
    bench.second_after(10);
    assert_eq!(bench.used(1), Usage { download: 40_000, upload: 4000 });
    assert_eq!(bench.records().len(), 1);
    assert_eq!(bench.sessions()[0].left.time, Some(Duration::from_secs(24 * HOUR - 150)));
}

#[test]
fn whose_voucher_a_restored_backup_does_not_have_is_sent_away() {
    let mut bench = two();
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    let backup = bench.read(Read::Backup);
    bench.create("later").unwrap();
    bench.login_from(2, "later", "secret").unwrap().unwrap();
    bench.kernel.traffic(1, 3000, 30);
    bench.restore(backup).unwrap();
    assert_eq!(bench.online(), [1]);
    assert_eq!(bench.kernel.pass(2), None);
    assert!(bench.kernel.pass(1).is_some());
    // What was used is not given back by a backup.
    bench.second_after(10);
    bench.minutes(1);
    assert_eq!(bench.used(1), Usage { download: 3000, upload: 30 });
    let mut bench = bench.crash();
    assert_eq!(bench.online(), [1]);
}

#[test]
fn a_voucher_of_another_router_does_not_pass_for_ours_by_its_number() {
    let mut other = Bench::new();
    other.create("theirs").unwrap();
    let backup = other.read(Read::Backup);
    let mut bench = two();
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.kernel.traffic(1, 3000, 30);
    bench.restore(backup).unwrap();
    assert!(bench.online().is_empty());
    assert_eq!(bench.kernel.pass(1), None);
    assert_eq!(bench.used(1), Usage::default());
    bench.minutes(1);
    assert_eq!(bench.used(1), Usage::default());
}

#[test]
fn who_was_online_when_the_backup_was_made_is_not_let_in_again_by_it() {
    let mut bench = two();
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    let backup = bench.read(Read::Backup);
    assert!(bench.logout(1));
    bench.restore(backup).unwrap();
    let clock = bench.clock.clone();
    let mut bench = bench.restart(clock);
    assert!(bench.online().is_empty());
    assert_eq!(bench.kernel.pass(1), None);
}

/// A session of a day at an access point, after a reboot of the router; a backup of while it was open.
fn before_a_reboot(is_lost: bool) -> (Bench, Vec<u8>) {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    at(ask(&mut bench, request("a", "secret", 1)));
    bench.reports(Event::Start, "a", 1, 0, 0);
    let backup = bench.read(Read::Backup);
    if is_lost {
        bench.second_after(10_000);
        assert_eq!(bench.ends(), ends([(1, "Lost-Service")]));
    }
    (bench.restart(TestClock::at(START + 20_000, true, "boot-2")), backup)
}

fn left(bench: &mut Bench) -> Option<u64> {
    bench.sessions()[0].left.time.map(|left| left.as_secs())
}

#[test]
fn an_end_by_the_boot_clock_of_another_boot_is_not_believed() {
    // A session that goes on after all.
    let (mut bench, _) = before_a_reboot(true);
    bench.told(report(Event::Interim, "a", 1, 20_000, 0));
    assert_eq!(left(&mut bench), Some(86_400 - 20_000));
    // One that was open, after a crash within the first minute.
    let (mut bench, _) = before_a_reboot(false);
    assert_eq!(left(&mut bench), Some(86_400 - 20_000));
    let mut bench = bench.crash();
    assert_eq!(left(&mut bench), Some(86_400 - 20_000));
    // One that was open when a backup was made.
    let (mut bench, backup) = before_a_reboot(true);
    bench.restore(backup).unwrap();
    bench.told(report(Event::Interim, "a", 1, 20_000, 0));
    assert_eq!(left(&mut bench), Some(86_400 - 20_000));
}

#[test]
fn a_users_end_is_kept_where_the_session_goes_on_after_all_within_one_boot() {
    let mut bench = Bench::new();
    bench.user("u", &["Cleartext-Password := secret", "Max-All-Session := 20000"]);
    at(ask(&mut bench, request("u", "secret", 1)));
    bench.reports(Event::Start, "u", 1, 0, 0);
    bench.second_after(10_000);
    assert_eq!(bench.ends(), ends([(1, "Lost-Service")]));
    let clock = bench.clock.clone();
    let mut bench = bench.restart(clock);
    bench.told(report(Event::Interim, "u", 1, 10_000, 0));
    assert_eq!(left(&mut bench), Some(10_000));
}
