//! Starts of sessions that are open: sent again, late, recorded, and of access points that begin anew.

use super::nas_sessions::{STOP, ask, at, down, report, request};
use super::*;
use crate::hotspot::radius_messages::{Event, Report};

const MB: u64 = 1_000_000;

/// A report that its access point stamps so many seconds after the sign-in; of so many megabytes.
fn of(event: Event, stamp: i64, seconds: u64, megabytes: u64) -> Report {
    let report = report(event, "a", 1, seconds, (megabytes * MB) as u32);
    Report { stamp: Some(super::stamp(START + stamp)), ..report }
}

fn start(stamp: i64) -> Report {
    of(Event::Start, stamp, 0, 0)
}

fn interim(stamp: i64, seconds: u64, megabytes: u64) -> Report {
    of(Event::Interim, stamp, seconds, megabytes)
}

/// Megabytes that are charged for these reports, each heard at its time; a restart of the daemon
/// stands where there is `None`.
fn charged(reports: &[Option<Report>], comes_back: bool) -> u64 {
    let mut bench = Bench::new();
    let voucher = bench.limited("a", 1000, 0);
    let class = Some(at(ask(&mut bench, request("a", "secret", 1))).class);
    let mut passed = 0;
    for report in reports {
        let Some(report) = report else {
            let clock = bench.clock.clone();
            bench = bench.restart(clock);
            continue;
        };
        let stamp = report.stamp.unwrap().unix() - START;
        let more = u64::try_from(stamp - passed).unwrap_or(0);
        bench.clock.pass(more);
        passed = passed.max(stamp);
        let class = class.clone().filter(|_| comes_back);
        bench.told(Report { class, ..report.clone() });
    }
    assert_eq!(bench.used(voucher).upload, 0);
    bench.used(voucher).download / MB
}

#[test]
fn a_start_that_is_not_the_first_makes_nothing_count_again() {
    let end = || Some(of(STOP, 700, 700, 250));
    let (first, second) = (|| Some(interim(300, 300, 100)), || Some(interim(600, 600, 200)));
    let ahead = |stamp: i64, megabytes| Some(interim(stamp, stamp as u64 + 5, megabytes));
    let cases: [(&str, Vec<Option<Report>>); 10] = [
        ("late", vec![ahead(300, 100), Some(start(0)), ahead(600, 200), end()]),
        ("minutes", vec![Some(interim(350, 360, 100)), Some(start(0)), second(), end()]),
        ("minutes cut", vec![Some(interim(299, 240, 100)), Some(start(0)), second(), end()]),
        ("stamp renewed", vec![first(), Some(start(304)), second(), end()]),
        (
            "delayed",
            vec![
                ahead(300, 100),
                Some(Report { delay: Duration::from_secs(300), ..start(300) }),
                ahead(600, 200),
                end(),
            ],
        ),
        (
            "its address is known",
            vec![Some(start(0)), Some(interim(20, 20, 60)), Some(start(25)), first(), end()],
        ),
        (
            "overtaken",
            vec![Some(start(0)), Some(interim(10, 10, 50)), Some(start(4)), first(), end()],
        ),
        (
            "recorded",
            vec![
                Some(start(0)),
                Some(start(7)),
                first(),
                Some(start(7)),
                second(),
                Some(start(7)),
                end(),
            ],
        ),
        (
            "recorded, after a restart",
            vec![Some(start(0)), ahead(300, 100), None, Some(start(0)), ahead(600, 200), end()],
        ),
        (
            "recorded, after two",
            vec![Some(start(0)), first(), None, Some(start(0)), None, second(), end()],
        ),
    ];
    for comes_back in [true, false] {
        for (what, reports) in &cases {
            assert_eq!(charged(reports, comes_back), 250, "{what}, {comes_back}");
        }
    }
}

#[test]
fn who_begins_anew_with_a_second_start_is_charged_for_both() {
    let again = |megabytes| {
        vec![
            Some(start(0)),
            Some(interim(300, 300, 100)),
            Some(start(400)),
            // An older report says nothing of it.
            Some(interim(300, 300, 100)),
            Some(interim(690, 290, megabytes)),
        ]
    };
    for megabytes in [50, 250] {
        assert_eq!(charged(&again(megabytes), false), 100 + megabytes);
    }
}

#[test]
fn a_recorded_start_is_no_other_session_after_another_sign_in() {
    let mut bench = Bench::new();
    let voucher = bench.limited("a", 1000, 0);
    at(ask(&mut bench, request("a", "secret", 1)));
    for report in [start(0), start(7), interim(300, 300, 100)] {
        bench.told(report);
    }
    bench.clock.pass(300);
    at(ask(&mut bench, request("a", "secret", 1)));
    bench.told(start(7));
    bench.clock.pass(300);
    bench.told(interim(600, 600, 200));
    assert_eq!((bench.online(), bench.used(voucher)), (vec![1], down(200 * MB)));
}
