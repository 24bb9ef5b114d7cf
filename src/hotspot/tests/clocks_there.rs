//! What access points report of an earlier session, of a restart, and with clocks that are wrong.

use super::nas_sessions::{STOP, ask, at, down, nas, report, request};
use super::*;
use crate::domain::session::TerminateCause;
use crate::hotspot::radius_messages::{Event, Nas, Report};

/// Stamped so many seconds after the beginning of the test.
fn of(event: Event, stamp: i64, seconds: u64, down: u32) -> Report {
    Report { stamp: Some(super::stamp(START + stamp)), ..report(event, "a", 1, seconds, down) }
}

impl Bench {
    /// Accounting-On; how many sessions end with it.
    fn starts_anew(&mut self, nas: Nas, stamp: i64, delay: u64) -> usize {
        let cause = TerminateCause::NasReboot;
        let (stamp, delay) = (Some(super::stamp(stamp)), Duration::from_secs(delay));
        self.write(|reply| Write::NasRestarted { nas, cause, stamp, delay, reply }).unwrap().ended
    }

    fn signs_in(&mut self) {
        at(ask(self, request("a", "secret", 1)));
    }
}

#[test]
fn a_recorded_report_of_an_earlier_session_is_not_charged_to_the_next() {
    for restarts in [false, true] {
        let mut bench = Bench::new();
        let voucher = bench.limited("a", 1000, 0);
        bench.signs_in();
        bench.told(of(Event::Start, 0, 0, 0));
        bench.clock.pass(25);
        let recorded = of(Event::Interim, 25, 25, 800);
        bench.told(recorded.clone());
        bench.clock.pass(15);
        bench.told(of(STOP, 40, 40, 810));
        if restarts {
            let clock = bench.clock.clone();
            bench = bench.restart(clock);
        }
        bench.clock.pass(3_000);
        bench.signs_in();
        bench.told(of(Event::Start, 3_040, 0, 0));
        bench.clock.pass(10);
        bench.told(of(Event::Interim, 3_050, 10, 10));
        bench.clock.pass(15);
        bench.told(recorded);
        assert_eq!(bench.used(voucher), down(820), "{restarts}");
        bench.told(of(Event::Interim, 3_110, 70, 20));
        assert_eq!((bench.online(), bench.used(voucher)), (vec![1], down(830)));
    }
}

#[test]
fn a_late_end_is_charged_to_the_session_that_it_ends() {
    let mut bench = Bench::new();
    let voucher = bench.limited("a", 1000, 0);
    bench.signs_in();
    bench.told(of(Event::Start, 0, 0, 0));
    bench.clock.pass(60);
    bench.told(of(Event::Interim, 60, 60, 60));
    bench.clock.pass(40);
    bench.signs_in();
    bench.told(of(Event::Start, 100, 0, 0));
    bench.told(of(STOP, 95, 95, 100));
    bench.clock.pass(60);
    bench.told(of(Event::Interim, 160, 60, 50));
    assert_eq!(bench.online(), [1]);
    bench.clock.pass(30);
    bench.told(of(STOP, 190, 90, 90));
    assert_eq!((bench.online().len(), bench.used(voucher)), (0, down(190)));
    let seconds: Vec<_> = bench.records().iter().map(|row| row.seconds).collect();
    assert_eq!(seconds, [95, 90]);
}

#[test]
fn a_clock_that_is_set_back_behind_the_beginning_loses_nothing() {
    for back in [3_600, 400 * 86_400] {
        let mut bench = Bench::new();
        let voucher = bench.limited("a", 1000, 0);
        bench.signs_in();
        bench.told(of(Event::Start, 0, 0, 0));
        bench.second_after(300);
        bench.told(of(Event::Interim, 300 - back, 300, 100));
        // It is not given up.
        for round in 2..8 {
            bench.second_after(300);
            bench.told(of(
                Event::Interim,
                300 * round - back,
                300 * round as u64,
                100 + round as u32,
            ));
            assert_eq!(bench.online(), [1], "{back}");
        }
        bench.told(of(STOP, 2_110 - back, 2_110, 500));
        assert_eq!((bench.online().len(), bench.used(voucher)), (0, down(500)), "{back}");
    }
}

/// Somebody who is online since ten seconds after the beginning.
fn with_a_session() -> Bench {
    let mut bench = Bench::new();
    bench.limited("a", 1000, 0);
    bench.clock.pass(10);
    bench.signs_in();
    bench.told(of(Event::Start, 10, 0, 0));
    bench
}

#[test]
fn what_has_begun_since_does_not_end_with_a_late_restart() {
    let mut bench = with_a_session();
    assert_eq!(bench.starts_anew(nas("lobby"), START - 20, 0), 0);
    assert_eq!(bench.starts_anew(nas("lobby"), START + 11, 40), 0);
    bench.clock.pass(300);
    assert_eq!(bench.starts_anew(nas("lobby"), START + 310, 0), 1);
}

#[test]
fn a_recorded_restart_ends_nothing_however_many_others_come_between() {
    let mut bench = Bench::new();
    bench.starts_anew(nas("lobby"), START - 100, 0);
    bench.limited("a", 1000, 0);
    bench.signs_in();
    // Without stamps, so that nothing else tells.
    bench.told(report(Event::Start, "a", 1, 0, 0));
    for second in 0..300 {
        bench.starts_anew(nas("pool"), START + second, 0);
        let source = [192, 168, 1, 21].into();
        let other = Nas { source, address: Some(source), ..nas("lobby") };
        bench.starts_anew(other, START + second, 0);
    }
    assert_eq!(bench.starts_anew(nas("lobby"), START - 100, 0), 0);
    assert_eq!(bench.online(), [1]);
}

#[test]
fn a_clock_that_starts_at_the_same_value_ends_sessions_each_time() {
    for boot in [25, 1_700_000_025] {
        let mut bench = Bench::new();
        bench.starts_anew(nas("lobby"), boot, 0);
        bench.limited("a", 1000, 0);
        for _ in 0..2 {
            bench.clock.pass(100);
            bench.signs_in();
            let start = report(Event::Start, "a", 1, 0, 0);
            bench.told(Report { stamp: Some(super::stamp(boot + 5)), ..start });
            // It was not acknowledged, and is said again.
            assert_eq!(bench.starts_anew(nas("lobby"), boot, 0), 0, "{boot}");
            bench.clock.pass(300);
            let interim = report(Event::Interim, "a", 1, 300, 5);
            bench.told(Report { stamp: Some(super::stamp(boot + 305)), ..interim });
            assert_eq!(bench.starts_anew(nas("lobby"), boot, 0), 1, "{boot}");
        }
    }
}

#[test]
fn a_restart_that_was_none_is_not_believed_twice() {
    let mut bench = with_a_session();
    // Recorded two days ago, before this process knew of any.
    assert_eq!(bench.starts_anew(nas("lobby"), START - 200_000, 0), 1);
    bench.clock.pass(290);
    bench.told(of(Event::Interim, 300, 290, 100));
    assert_eq!(bench.online(), [1]);
    assert_eq!(bench.starts_anew(nas("lobby"), START - 200_000, 0), 0);
}
