//! Session times that access points leave out, or claim.

use super::nas_sessions::{STOP, ask, at, down, report, request};
use super::*;
use crate::hotspot::radius_messages::{Event, Report, Reported};

/// Without Acct-Session-Time.
fn timeless(event: Event, device: u8, down: u32) -> Report {
    let reported = |it: Reported| Reported { time: None, ..it };
    let report = report(event, "a", device, 0, down);
    Report { reported: reported(report.reported), ..report }
}

fn user(bench: &mut Bench, limit: &str) {
    bench.user("a", &["Cleartext-Password := secret", limit, "Simultaneous-Use := 1"]);
}

fn time_left(bench: &mut Bench) -> u64 {
    at(ask(bench, request("a", "secret", 1))).left.time.unwrap().as_secs()
}

#[test]
fn who_leaves_out_the_session_time_is_counted_by_our_clock() {
    for limit in ["Max-Daily-Session := 1000", "Max-All-Session := 1000"] {
        let mut bench = Bench::new();
        user(&mut bench, limit);
        for left in [1000, 900, 800] {
            assert_eq!(time_left(&mut bench), left, "{limit}");
            bench.told(timeless(Event::Start, 1, 0));
            bench.clock.pass(60);
            bench.told(timeless(Event::Interim, 1, 100));
            bench.clock.pass(40);
            bench.told(timeless(STOP, 1, 200));
        }
    }
}

#[test]
fn who_leaves_out_the_session_time_is_taken_up_when_it_goes_on() {
    for stamps in [true, false] {
        let mut bench = Bench::new();
        let voucher = bench.limited("a", 100, 0);
        let class = Some(at(ask(&mut bench, request("a", "secret", 1))).class);
        let heard = |bench: &mut Bench, event, down| {
            let stamp = stamps.then(|| bench.clock.read().wall);
            bench.told(Report { class: class.clone(), stamp, ..timeless(event, 1, down) });
        };
        heard(&mut bench, Event::Start, 0);
        bench.clock.pass(60);
        heard(&mut bench, Event::Interim, 1_000);
        bench.second_after(2_000);
        assert!(bench.online().is_empty());
        // Somebody sends it again.
        bench.told(Report { class: class.clone(), ..timeless(Event::Interim, 1, 1_000) });
        assert!(bench.online().is_empty());
        heard(&mut bench, Event::Interim, 5_000);
        assert_eq!((bench.online(), bench.used(voucher)), (vec![1], down(5_000)), "{stamps}");
        // Nobody has used anything, and it is there all the same.
        bench.second_after(2_000);
        heard(&mut bench, Event::Interim, 5_000);
        assert_eq!(bench.online().len(), usize::from(stamps));
    }
}

#[test]
fn a_first_report_does_not_claim_more_than_since_the_sign_in() {
    for event in [Event::Start, Event::Interim, STOP] {
        for stamped in [true, false] {
            let mut bench = Bench::new();
            user(&mut bench, "Max-All-Session := 30000");
            let class = Some(at(ask(&mut bench, request("a", "secret", 1))).class);
            bench.clock.pass(100);
            let stamp = stamped.then(|| bench.clock.read().wall);
            let first = Report { class, stamp, ..report(event, "a", 1, 23_311, 0) };
            assert!(bench.heard(first.clone()).implausible, "{event:?}");
            bench.clock.pass(10);
            let stamp = stamped.then(|| bench.clock.read().wall);
            let end = report(STOP, "a", 1, 110, 0);
            bench.told(Report { stamp, class: first.class, ..end });
            let left = time_left(&mut bench);
            assert!((29_880..=29_900).contains(&left), "{event:?}: {left}");
        }
    }
    // Whole minutes.
    let mut bench = Bench::new();
    user(&mut bench, "Max-All-Session := 30000");
    at(ask(&mut bench, request("a", "secret", 1)));
    bench.clock.pass(61);
    assert!(!bench.heard(report(STOP, "a", 1, 120, 0)).implausible);
    assert_eq!(time_left(&mut bench), 29_880);
}
