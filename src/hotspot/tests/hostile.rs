//! Access points that are broken or lie, guests who want more than they have paid for.

use super::nas_sessions::{STOP, ask, at, down, reject, report, request};
use super::*;
use crate::domain::plan::OnDeviceLimit;
use crate::domain::rule::Subject;
use crate::domain::session::TerminateCause;
use crate::hotspot::policies::{Change, Draft};
use crate::hotspot::radius_messages::{Demand, Event, Octets, Order, Outcome, Report, Reported};
use crate::policy::List;

impl Bench {
    /// Writes check rows of a user down.
    pub(super) fn user(&mut self, username: &str, check: &[&str]) {
        let subject = Subject::User(Username::parse(username).unwrap().unwrap());
        let drafts = check.iter().map(|row| Draft::parse(List::Check, row).unwrap()).collect();
        let change = |reply| Change::Add { subject, list: List::Check, drafts, reply };
        self.write(|reply| Write::Policy(change(reply))).unwrap().unwrap();
    }

    fn remove_user(&mut self, username: &str) {
        let subject = Subject::User(Username::parse(username).unwrap().unwrap());
        self.write(|reply| Write::Policy(Change::Remove { subject, reply })).unwrap();
    }

    fn told_to_end(&mut self) -> Vec<TerminateCause> {
        let orders = std::iter::from_fn(|| self.ordered.try_recv().ok());
        let cause = |order: Order| match order.what {
            Demand::End(cause) => Some(cause),
            _ => None,
        };
        orders.filter_map(cause).collect()
    }
}

fn everything() -> Reported {
    let octets = Some(Octets { low: u32::MAX, gigawords: Some(u32::MAX) });
    Reported { time: Some(Duration::from_secs(600)), download: octets, upload: octets }
}

#[test]
fn counters_that_are_absurd_do_not_keep_the_store_from_forgetting() {
    let mut bench = Bench::new();
    bench.user("u", &["Cleartext-Password := secret"]);
    for round in 0..3 {
        for device in [1, 2] {
            let session = format!("{round}-{device}");
            let stop =
                Report { session, reported: everything(), ..report(STOP, "u", device, 0, 0) };
            bench.told(stop);
        }
        bench.clock.pass(100 * 86_400);
        bench.minutes(24 * 60 + 1);
    }
    assert_eq!(bench.read(Read::Status).trouble, None);
    assert_eq!(bench.records().len(), 0);
}

#[test]
fn a_session_whose_voucher_has_gone_or_is_over_is_ended_after_a_restart_too() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.create("b").unwrap();
    at(ask(&mut bench, request("b", "secret", 2)));
    bench.reports(Event::Start, "a", 1, 0, 0);
    bench.reports(Event::Start, "b", 2, 0, 0);
    bench.remove("a");
    let clock = TestClock::at(START + 100_000, true, "boot-2");
    let mut bench = bench.restart(clock);
    bench.second_after(1);
    let mut causes = bench.told_to_end();
    causes.sort_by_key(|cause| cause.word());
    assert_eq!(causes, [TerminateCause::AdminReset, TerminateCause::SessionTimeout]);
}

#[test]
fn a_session_that_goes_on_after_all_is_judged_again() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.reports(Event::Start, "a", 1, 0, 0);
    bench.remove("a");
    let id = bench.sessions()[0].id;
    bench.hotspot.turn(vec![Command::Upkeep(Upkeep::Ordered(id, Outcome::Done))]);
    assert_eq!(bench.told_to_end(), [TerminateCause::AdminReset]);
    bench.clock.pass(600);
    // It said that it had ended it.
    bench.reports(Event::Interim, "a", 1, 600, 5_000);
    assert_eq!(bench.told_to_end(), [TerminateCause::AdminReset]);
}

#[test]
fn who_is_removed_between_being_let_in_and_the_report_is_ended() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.user("u", &["Cleartext-Password := secret"]);
    at(ask(&mut bench, request("a", "secret", 1)));
    at(ask(&mut bench, request("u", "secret", 2)));
    bench.remove("a");
    bench.remove_user("u");
    bench.reports(Event::Start, "a", 1, 0, 0);
    bench.reports(Event::Start, "u", 2, 0, 0);
    assert_eq!(bench.told_to_end(), [TerminateCause::AdminReset; 2]);
}

#[test]
fn sessions_without_number_do_not_fill_the_memory() {
    let mut bench = Bench::new();
    // In many small places, so that none of them has most.
    for number in 1..=3 {
        let client = format!("small{number}");
        let nas = super::nas_sessions::nas(&client);
        bench.told(Report { nas, ..report(Event::Start, "b", number, 0, 0) });
    }
    bench.was_let_in(&report(Event::Start, "a", 1, 0, 0));
    for batch in 0..40 {
        // No login begins more of them at once.
        bench.clock.pass(128);
        let flood = |number| Report {
            session: format!("{batch}-{number}"),
            station: None,
            ..report(Event::Interim, "a", 1, 60, 10)
        };
        bench.at_once((0..128).map(flood));
    }
    let sessions = bench.sessions();
    assert_eq!(sessions.len(), 4_096);
    // Whoever floods pushes out their own, the newest first.
    assert_eq!(sessions.iter().filter(|it| it.login == "b").count(), 3);
    let last = sessions.iter().filter(|it| it.login == "a").map(|it| it.id).max();
    assert_eq!(last, Some(4_096));
    for device in 4..=6 {
        let nas = super::nas_sessions::nas("pool");
        bench.told(Report { nas, ..report(Event::Start, "c", device, 0, 0) });
    }
    let sessions = bench.sessions();
    assert_eq!(sessions.iter().filter(|it| it.login == "c").count(), 3, "nobody's but the flood's");
    assert_eq!(sessions.len(), 4_096);
    // Those of whom nobody keeps count any more are told to end.
    assert_eq!(bench.told_to_end().len(), 40 * 128 + 6 - 4_096);
}

#[test]
fn a_report_of_a_hundred_years_stops_no_counter() {
    let mut bench = Bench::new();
    let voucher = bench.limited("a", 100, 0);
    bench.reports(Event::Start, "a", 1, 0, 0);
    bench.reports(Event::Interim, "a", 1, u64::from(u32::MAX), 1_000);
    bench.clock.pass(120);
    bench.reports(Event::Interim, "a", 1, 120, 5_000);
    assert_eq!(bench.used(voucher), down(5_000));
    assert_eq!(bench.sessions()[0].uptime, Duration::from_secs(120));
}

#[test]
fn two_who_come_at_the_same_time_do_not_both_stay() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    at(ask(&mut bench, request("a", "secret", 1)));
    at(ask(&mut bench, request("a", "secret", 2)));
    bench.reports(Event::Start, "a", 1, 0, 0);
    assert_eq!(bench.told_to_end(), []);
    bench.reports(Event::Start, "a", 2, 0, 0);
    assert_eq!(bench.told_to_end(), [TerminateCause::PortPreempted]);
}

#[test]
fn a_place_that_is_kept_is_kept_from_the_portal_too() {
    let mut bench = Bench::new();
    let on_device_limit = OnDeviceLimit::Refuse;
    bench.hotspot.settings.preset.plan = Plan { on_device_limit, ..plan() };
    bench.create("a").unwrap();
    at(ask(&mut bench, request("a", "secret", 1)));
    assert_eq!(bench.login_from(2, "a", "secret").unwrap(), Err(Refusal::TooManyDevices));
    // The device itself may also sign in on the portal.
    bench.login_from(1, "a", "secret").unwrap().unwrap();
}

#[test]
fn a_share_reckons_with_those_who_are_on_their_way() {
    let mut bench = Bench::new();
    bench.hotspot.settings.preset.plan = Plan { devices: 3.try_into().unwrap(), ..plan() };
    bench.limited("a", 4, 0);
    assert_eq!(at(ask(&mut bench, request("a", "secret", 1))).left.download, Some(4 << 20));
    assert_eq!(at(ask(&mut bench, request("a", "secret", 2))).left.download, Some(2 << 20));
    bench.reports(Event::Start, "a", 1, 0, 0);
    bench.reports(Event::Start, "a", 2, 0, 0);
    // A device that signs in again shares with the other one only.
    assert_eq!(at(ask(&mut bench, request("a", "secret", 1))).left.download, Some(2 << 20));
}

#[test]
fn a_clock_that_is_set_late_shortens_sessions_elsewhere_too() {
    let mut bench = Bench::on(Scratch::new(), TestClock::at(START, true, "boot-1"));
    bench.create("a").unwrap();
    at(ask(&mut bench, request("a", "secret", 1)));
    let clock = TestClock::at(START + 60, false, "boot-2");
    let mut bench = bench.power_cut(clock);
    bench.reports(Event::Start, "a", 1, 0, 0);
    assert!(bench.sessions()[0].left.time > Some(Duration::from_secs(80_000)));
    bench.clock.synchronise(START + 86_000);
    bench.second_after(1);
    assert!(bench.sessions()[0].left.time <= Some(Duration::from_secs(400)));
}

#[test]
fn a_loop_of_sign_ins_does_not_fill_the_login_log() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    for _ in 0..100 {
        at(ask(&mut bench, request("a", "secret", 1)));
    }
    assert_eq!(bench.logins().len(), 1);
    // With a session each, as whoever reports can make it seem.
    for number in 0..100 {
        at(ask(&mut bench, request("a", "secret", 1)));
        let session = number.to_string();
        bench.heard(Report { session, ..report(Event::Start, "a", 1, 0, 0) });
    }
    assert_eq!(bench.logins().len(), 20);
    at(ask(&mut bench, request("a", "secret", 2)));
    bench.clock.pass(11);
    at(ask(&mut bench, request("a", "secret", 1)));
    assert_eq!(bench.logins().len(), 22);
}

#[test]
fn devices_that_merely_appear_do_not_fill_the_login_log() {
    let mut bench = Bench::new();
    for device in 1..200 {
        let name = mac(device).to_string();
        reject(ask(&mut bench, request(&name, &name, device)));
    }
    assert_eq!(bench.logins().len(), 1);
}

#[test]
fn a_user_who_comes_anew_begins_anew() {
    let mut bench = Bench::new();
    let rows = ["Cleartext-Password := secret", "Access-Period := 3600"];
    bench.user("u", &rows);
    at(ask(&mut bench, request("u", "secret", 1)));
    bench.clock.pass(4_000);
    reject(ask(&mut bench, request("u", "secret", 1)));
    bench.remove_user("U");
    bench.user("u", &rows);
    at(ask(&mut bench, request("u", "secret", 1)));
}

#[test]
fn what_a_backup_says_of_an_unset_clock_does_not_meet_the_next_one() {
    let mut bench = Bench::on(Scratch::new(), TestClock::at(START, false, "boot-1"));
    bench.user("u", &["Cleartext-Password := secret", "Access-Period := 3600"]);
    at(ask(&mut bench, request("u", "secret", 1)));
    let bytes = bench.read(Read::Backup);
    bench.clock.synchronise(START + 500_000);
    bench.second_after(1);
    bench.restore(bytes).unwrap();
    let backup = bench.read(Read::Backup);
    let path = bench.scratch.path().join("copy.db");
    std::fs::write(&path, backup).unwrap();
    let store = rusqlite::Connection::open(&path).unwrap();
    let unset: i64 =
        store.query_row("SELECT sum(clock_unset) FROM account", [], |row| row.get(0)).unwrap();
    assert_eq!(unset, 0);
}

#[test]
fn a_report_that_adds_to_counters_writes_one_row() {
    let mut bench = Bench::new();
    bench.reports(Event::Start, "a", 1, 0, 0);
    bench.minutes(1);
    bench.reports(Event::Interim, "a", 1, 60, 500);
    let before = bench.hotspot.store.changes();
    bench.hotspot.flush();
    // The session, and where the clock stands.
    assert_eq!(bench.hotspot.store.changes() - before, 2);
}

#[test]
fn a_beginning_that_is_sent_again_is_the_same_one_whatever_the_access_points_clock_says() {
    for ahead in [-1_000_000, 0, 3_600] {
        let mut bench = Bench::new();
        let voucher = bench.limited("a", 100, 0);
        let stamp = Some(stamp(START + ahead));
        let start = Report { stamp, ..report(Event::Start, "a", 1, 0, 0) };
        bench.told(start.clone());
        bench.told(start.clone());
        bench.clock.pass(60);
        bench.reports(Event::Interim, "a", 1, 60, 5_000);
        bench.clock.pass(30);
        bench.told(start);
        bench.clock.pass(30);
        bench.reports(Event::Interim, "a", 1, 120, 8_000);
        assert_eq!((bench.used(voucher), bench.ends()), (down(8_000), ends([(1, "")])));
    }
}
