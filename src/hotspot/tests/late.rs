//! Reports that come late, and what is kept for those that are lost.

use super::nas_sessions::{STOP, ask, at, down, report, request};
use super::*;
use crate::domain::session::TerminateCause;
use crate::hotspot::radius_messages::{Demand, Event, Report};

/// A report that its access point says is of this moment.
fn stamped(seconds: i64, report: Report) -> Report {
    Report { stamp: Some(stamp(seconds)), ..report }
}

/// The devices whose sessions access points were told to end, and why.
fn told_to_end(bench: &mut Bench) -> Vec<(String, TerminateCause)> {
    let orders = std::iter::from_fn(|| bench.ordered.try_recv().ok());
    let ends = orders.filter_map(|order| match order.what {
        Demand::End(cause) => Some((order.session, cause)),
        Demand::Change(_) => None,
    });
    ends.collect()
}

#[test]
fn an_end_of_yesterday_that_comes_after_midnight_is_nothing_of_today() {
    let midnight = START - 8 * 3600;
    let now = midnight + 600;
    let mut bench = Bench::on(Scratch::new(), TestClock::at(now, true, "boot-1"));
    bench.user("u", &["Cleartext-Password := secret", "Max-Daily-Session := 7200"]);
    // What the clock there says.
    bench.told(stamped(now, report(Event::Start, "u", 2, 0, 0)));
    bench.told(stamped(now, report(STOP, "u", 2, 0, 0)));
    bench.told(stamped(midnight - 1, report(STOP, "u", 1, 3_600, 5_000)));
    let left = at(ask(&mut bench, request("u", "secret", 1))).left.time;
    assert_eq!(left, Some(Duration::from_secs(7_200)));
    let row = &bench.records()[1];
    assert_eq!((row.started_at, row.ended_at), (midnight - 3_601, Some(midnight - 1)));
}

#[test]
fn who_was_let_in_first_yields_whichever_is_reported_first() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    at(ask(&mut bench, request("a", "secret", 1)));
    bench.clock.pass(10);
    at(ask(&mut bench, request("a", "secret", 2)));
    bench.reports(Event::Start, "a", 2, 0, 0);
    bench.reports(Event::Start, "a", 1, 0, 0);
    let expected = ("session-1".to_owned(), TerminateCause::PortPreempted);
    assert_eq!(told_to_end(&mut bench), [expected]);
}

#[test]
fn what_is_old_takes_nobodys_place_and_is_taken_up_when_it_goes_on() {
    let mut bench = Bench::new();
    let voucher = bench.limited("a", 100, 0);
    at(ask(&mut bench, request("a", "secret", 1)));
    bench.reports(Event::Start, "a", 1, 0, 0);
    let old = |event, seconds, down| Report {
        delay: Duration::from_secs(7_200),
        ..report(event, "a", 2, seconds, down)
    };
    bench.told(old(Event::Start, 0, 0));
    bench.told(old(Event::Interim, 600, 7_000));
    assert_eq!((bench.online(), bench.used(voucher)), (vec![1], down(7_000)));
    assert_eq!(told_to_end(&mut bench), []);
    bench.told(report(Event::Interim, "a", 2, 7_900, 9_000));
    assert_eq!((bench.online().len(), bench.used(voucher)), (2, down(9_000)));
    let expected = ("session-2".to_owned(), TerminateCause::PortPreempted);
    assert_eq!(told_to_end(&mut bench), [expected]);
}

#[test]
fn what_a_user_may_use_survives_a_lost_start_and_a_restart() {
    let limits = ["Cleartext-Password := secret", "Max-Data := 1000", "Max-All-Session := 3600"];
    for restarts in [false, true] {
        let mut bench = Bench::new();
        bench.user("u", &limits);
        at(ask(&mut bench, request("u", "secret", 1)));
        bench.second_after(70);
        bench.told(report(Event::Interim, "u", 1, 60, 900));
        let left = bench.sessions()[0].left.time;
        assert_eq!((left, told_to_end(&mut bench).len()), (Some(Duration::from_secs(3_530)), 0));
        let clock = bench.clock.clone();
        let mut bench = if restarts { bench.restart(clock) } else { bench };
        bench.told(report(Event::Interim, "u", 1, 61, 1_000));
        let expected = ("session-1".to_owned(), TerminateCause::DataLimit);
        assert_eq!(told_to_end(&mut bench), [expected], "{restarts}");
    }
}

#[test]
fn a_session_is_not_longer_than_since_its_start() {
    let mut bench = Bench::new();
    bench.user("u", &["Cleartext-Password := secret", "Max-All-Session := 3600"]);
    at(ask(&mut bench, request("u", "secret", 1)));
    bench.reports(Event::Start, "u", 1, 0, 0);
    bench.clock.pass(300);
    bench.reports(Event::Interim, "u", 1, 23_311, 500);
    bench.clock.pass(300);
    bench.reports(Event::Interim, "u", 1, 600, 900);
    let session = &bench.sessions()[0];
    assert_eq!((session.uptime, session.usage), (Duration::from_secs(600), down(900)));
    bench.reports(STOP, "u", 1, 23_311, 950);
    assert_eq!((bench.records()[0].seconds, bench.records()[0].usage), (600, down(950)));
    let left = at(ask(&mut bench, request("u", "secret", 1))).left.time;
    assert_eq!(left, Some(Duration::from_secs(3_000)));
}

#[test]
fn a_clock_that_is_wrong_makes_nobody_old() {
    for ahead in [-1_800_000_000, -36_000, -7_200, 3_600] {
        let mut bench = Bench::new();
        let voucher = bench.limited("a", 100, 0);
        let class = Some(at(ask(&mut bench, request("a", "secret", 1))).class);
        let report = |event, seconds, down| Report {
            class: class.clone(),
            ..report(event, "a", 1, seconds, down)
        };
        bench.told(stamped(START + ahead, report(Event::Start, 0, 0)));
        bench.clock.pass(300);
        bench.told(stamped(START + ahead + 300, report(Event::Interim, 300, 5_000)));
        assert_eq!((bench.online(), bench.used(voucher)), (vec![1], down(5_000)), "{ahead}");
        // It is set meanwhile.
        bench.clock.pass(300);
        bench.told(stamped(START + 600, report(Event::Interim, 600, 8_000)));
        bench.clock.pass(10);
        bench.told(stamped(START + 610, report(STOP, 610, 9_000)));
        assert_eq!((bench.online(), bench.used(voucher)), (vec![], down(9_000)), "{ahead}");
        assert_eq!(bench.records().len(), 1, "{ahead}");
    }
}

#[test]
fn who_has_to_be_reported_again_keeps_the_place() {
    let mut bench = Bench::new();
    bench.user("u", &["Cleartext-Password := secret", "Max-All-Session := 3600"]);
    at(ask(&mut bench, request("u", "secret", 1)));
    let start = report(Event::Start, "u", 1, 0, 0);
    let client = start.nas.client.clone();
    let boot = bench.clock.read().boot;
    while bench.hotspot.admissions.may_begin(&client, "u", boot) {}
    let again = Box::new(start.clone());
    let answer = bench.write(|reply| Write::Account { report: again, reply });
    assert_eq!(answer.err(), Some(Fault::TooManySessions));
    bench.clock.pass(5);
    bench.heard(start);
    assert_eq!(bench.sessions()[0].left.time, Some(Duration::from_secs(3_595)));
}
