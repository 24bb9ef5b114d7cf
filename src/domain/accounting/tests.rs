mod model;

use super::meter::WRAP;
use super::*;

const MB: u64 = 1_000_000;

fn octets(octets: u64) -> Option<Octets> {
    Some(Octets { low: octets as u32, gigawords: Some((octets >> 32) as u32) })
}

fn low(octets: u64) -> Option<Octets> {
    Some(Octets { low: octets as u32, gigawords: None })
}

fn report(time: u64, download: Option<Octets>) -> Reported {
    Reported { time: Some(Duration::from_secs(time)), download, upload: None }
}

fn evidence(order: Order) -> Evidence {
    Evidence {
        order,
        is_stop: false,
        second_start: None,
        elapsed: Duration::from_secs(300),
        longest: Duration::from_secs(1_000_000),
        own_time: None,
    }
}

fn stop(order: Order) -> Evidence {
    Evidence { is_stop: true, ..evidence(order) }
}

/// What comes of these reports: seconds, octets, and what else is known.
fn charged(reports: &[(u64, u64, Evidence)]) -> u64 {
    let mut progress = Progress::default();
    for (time, down, evidence) in reports {
        progress.count(&report(*time, low(*down)), evidence);
    }
    progress.usage().download
}

#[test]
fn a_report_adds_what_is_new() {
    let mut progress = Progress::default();
    let mut add = |time, down| {
        progress.count(&report(time, octets(down)), &evidence(Order::Unknown)).new.download
    };
    assert_eq!((add(60, 100), add(60, 100), add(120, 5 << 32)), (100, 0, (5 << 32) - 100));
    assert_eq!(progress.time(), Duration::from_secs(120));
}

#[test]
fn an_overtaken_report_changes_nothing() {
    let unknown = evidence(Order::Unknown);
    assert_eq!(charged(&[(120, 500, unknown), (60, 100, unknown)]), 500);
    let late = Evidence { longest: Duration::from_secs(120), ..evidence(Order::Earlier) };
    assert_eq!(charged(&[(120, 500, evidence(Order::Later)), (180, 900, late)]), 500);
    // The clock was set back.
    let set_back = Evidence { longest: Duration::from_secs(180), ..late };
    assert_eq!(charged(&[(120, 500, evidence(Order::Later)), (180, 900, set_back)]), 900);
}

#[test]
fn a_counter_that_falls_a_little_is_imprecise() {
    let unknown = evidence(Order::Unknown);
    assert_eq!(charged(&[(300, 1000, unknown), (600, 999, unknown), (900, 1100, unknown)]), 1100);
    // An end of the same second, of a second before, and one of zeroes.
    for (time, down) in [(300, 99), (299, 98), (310, 0)] {
        assert_eq!(charged(&[(300, 100, unknown), (time, down, stop(Order::Unknown))]), 100);
    }
    let near = [(300, 3_000 * MB, unknown), (310, 0, stop(Order::Unknown))];
    assert_eq!(charged(&near), 3_000 * MB);
}

#[test]
fn what_begins_again_is_added() {
    let (unknown, later) = (evidence(Order::Unknown), evidence(Order::Later));
    assert_eq!(charged(&[(300, 200, unknown), (600, 100, unknown)]), 300);
    assert_eq!(charged(&[(900, 200, later), (400, 100, later)]), 300);
    assert_eq!(charged(&[(900, 200, unknown), (400, 100, stop(Order::Unknown))]), 300);
    // The time only.
    for order in [Order::Unknown, Order::Later] {
        assert_eq!(charged(&[(900, 200, evidence(order)), (400, 250, evidence(order))]), 250);
    }
    assert_eq!(charged(&[(300, 200, unknown), (300, 100, unknown)]), 200);
}

#[test]
fn after_a_second_start_the_first_report_tells_whether_everything_begins_again() {
    let after = |before, since| {
        let [before, since] = [before, since].map(Duration::from_secs);
        let second_start = Some(LaterStart { since, stamped: None, before });
        Evidence { second_start, ..evidence(Order::Later) }
    };
    let second = |since| after(310, since);
    let before = (300, 100, evidence(Order::Later));
    assert_eq!(charged(&[before, (600, 200, second(290))]), 200);
    assert_eq!(charged(&[before, (300, 100, second(300))]), 200);
    assert_eq!(charged(&[before, (290, 250, second(290))]), 350);
    assert_eq!(charged(&[before, (600, 40, second(290))]), 140);
    // Too early a Start for the time to tell, and one of long ago.
    assert_eq!(charged(&[before, (305, 200, after(60, 290))]), 200);
    assert_eq!(charged(&[before, (600, 200, second(100_000))]), 200);
    // By what its access point stamps, which is heard late.
    let mut stamped = second(900);
    stamped.second_start.as_mut().unwrap().stamped = Some(Duration::from_secs(290));
    assert_eq!(charged(&[before, (295, 250, stamped)]), 350);
}

#[test]
fn more_than_can_be_is_not_counted_and_told() {
    let mut progress = Progress::default();
    let nonsense = Some(Octets { low: 5, gigawords: Some(u32::MAX) });
    let counted = progress.count(&report(300, nonsense), &evidence(Order::Later));
    assert_eq!(counted, Counted { new: Usage::default(), implausible: true });
    let counted = progress.count(&report(600, octets(30 * MB)), &evidence(Order::Later));
    assert_eq!((counted.new.download, counted.implausible), (30 * MB, false));
    // Nor is a time.
    let at =
        |longest| Evidence { longest: Duration::from_secs(longest), ..evidence(Order::Unknown) };
    let mut progress = Progress::default();
    assert!(!progress.count(&report(300, low(10)), &at(300)).implausible);
    assert!(progress.count(&report(23_311, low(20)), &at(400)).implausible);
    assert_eq!(progress.time(), Duration::from_secs(400));
    let counted = progress.count(&report(600, low(30)), &at(600));
    assert_eq!((counted.new.download, counted.implausible), (10, false));
    assert_eq!(progress.time(), Duration::from_secs(600));
    assert!(!progress.count(&report(900, low(40)), &at(900)).implausible);
    assert_eq!(progress.time(), Duration::from_secs(900));
}

#[test]
fn a_counter_of_32_bits_runs_over() {
    let unknown = evidence(Order::Unknown);
    let wraps =
        [(60, WRAP - 10, unknown), (120, 90, unknown), (180, WRAP - 1, unknown), (240, 1, unknown)];
    assert_eq!(charged(&wraps), 2 * WRAP + 1);
    // The upper half is always sent, and always 0.
    let mut progress = Progress::default();
    for (time, down) in [(300, 2_000), (600, 4_000), (900, 5_000)] {
        let zero = Some(Octets { low: (down * MB) as u32, gigawords: Some(0) });
        progress.count(&report(time, zero), &unknown);
        assert_eq!(progress.usage().download, down * MB);
    }
    // It is sent, and left out in the end.
    let mut progress = Progress::default();
    progress.count(&report(300, octets(4_900 * MB)), &unknown);
    progress.count(&report(600, low(5_000 * MB)), &stop(Order::Unknown));
    assert_eq!(progress.usage().download, 5_000 * MB);
}

/// Megabytes with gigawords that are read before the lower half, or after it; what is charged after each.
fn charged_of_halves(reports: &[(u64, u64, u32)]) -> Vec<u64> {
    let mut progress = Progress::default();
    let mut time = 0;
    let charged = reports.iter().map(|(seconds, megabytes, gigawords)| {
        time += seconds;
        let halves = Octets { low: (megabytes * MB) as u32, gigawords: Some(*gigawords) };
        progress.count(&report(time, Some(halves)), &evidence(Order::Later));
        progress.usage().download / MB
    });
    charged.collect()
}

#[test]
fn halves_of_a_counter_that_are_read_at_two_moments_are_put_right() {
    let late = [(300, 8_500, 1), (10, 8_600, 1), (20, 8_700, 2)];
    assert_eq!(charged_of_halves(&late), [8_500, 8_600, 8_700]);
    let high = [(300, 46_900, 10), (10, 47_300, 10), (20, 47_400, 11)];
    assert_eq!(charged_of_halves(&high), [46_900, 47_300, 47_400]);
    let early = [(300, 4_200, 0), (10, 4_250, 1), (20, 4_400, 1)];
    assert_eq!(charged_of_halves(&early), [4_200, 4_250, 4_400]);
    // Once more, without a reason; a duplicate confirms nothing.
    let idle =
        [(300, 100, 0), (300, 110, 1), (0, 110, 1), (300, 120, 0), (300, 130, 1), (9, 140, 0)];
    assert_eq!(charged_of_halves(&idle), [100, 110, 110, 120, 130, 140]);
    // So much has passed indeed.
    let fast = [(300, 100, 0), (300, 4_500, 1), (300, 4_500, 1), (300, 30_000, 6)];
    assert_eq!(charged_of_halves(&fast), [100, 205, 4_500, 30_000]);
}

#[test]
fn a_gigaword_that_is_taken_back_is_told_and_one_at_the_end_is_believed() {
    let mut progress = Progress::default();
    let mut add = |time, down, evidence| progress.count(&report(time, octets(down)), &evidence);
    let (later, end) = (evidence(Order::Later), stop(Order::Later));
    assert!(!add(300, 100, later).implausible && !add(600, WRAP + 110, later).implausible);
    assert_eq!(
        add(900, 120, later),
        Counted { new: Usage { download: 10, upload: 0 }, implausible: true }
    );
    assert_eq!(add(990, WRAP + 200, end).new.download, WRAP + 80);
}

#[test]
fn our_own_clock_counts_where_the_time_is_left_out() {
    let mut progress = Progress::default();
    let mut add = |time, own, order| {
        let own_time = Some(Duration::from_secs(own));
        let reported = Reported { time, ..report(0, low(10)) };
        progress.count(&reported, &Evidence { own_time, ..evidence(order) });
        progress.time().as_secs()
    };
    assert_eq!((add(None, 300, Order::Later), add(None, 290, Order::Later)), (300, 300));
    assert_eq!(add(None, 900, Order::Earlier), 300);
    // Said by the next report after all.
    assert_eq!(add(Some(Duration::from_secs(580)), 600, Order::Later), 580);
}

#[test]
fn who_counts_from_the_other_side_is_not_counted_again() {
    let both = |time, download, upload| Reported {
        time: Some(Duration::from_secs(time)),
        download: octets(download),
        upload: octets(upload),
    };
    let unknown = evidence(Order::Unknown);
    let mut progress = Progress::default();
    // The guest has downloaded 900 and uploaded 100, and was understood the wrong way round.
    progress.count(&both(60, 100, 900), &unknown);
    progress.swap_directions();
    assert_eq!(progress.usage(), Usage { download: 100, upload: 900 });
    let Counted { new, .. } = progress.count(&both(120, 1000, 130), &unknown);
    assert_eq!(new, Usage { download: 100, upload: 30 });
    assert_eq!(progress.usage(), Usage { download: 200, upload: 930 });
}

#[test]
fn counters_that_began_anew_or_were_of_the_other_side_go_on_from_the_store() {
    let unknown = evidence(Order::Unknown);
    let stored =
        |it: &Progress| Progress::at(it.time(), it.reported_time(), it.usage(), it.offsets());
    let mut anew = Progress::default();
    anew.count(&report(300, octets(900)), &unknown);
    anew.count(&report(600, octets(100)), &unknown);
    assert_eq!((anew.usage().download, anew.offsets().download), (1000, 900));
    let counted = stored(&anew).count(&report(900, octets(150)), &unknown);
    assert_eq!(counted.new.download, 50);
    let mut turned = Progress::default();
    let both = |time, download, upload| Reported {
        upload: octets(upload),
        ..report(time, octets(download))
    };
    turned.count(&both(60, 100, 900), &unknown);
    turned.swap_directions();
    let counted = stored(&turned).count(&both(120, 1000, 130), &unknown);
    assert_eq!(counted.new, Usage { download: 100, upload: 30 });
}

/// Each report has the octets since the last one: nothing tells that from totals where they grow, and
/// from a counter that begins anew where they fall.
#[test]
fn octets_since_the_last_report_are_charged_in_part() {
    let unknown = evidence(Order::Unknown);
    let charged_of = |octets: &[u64]| {
        let at = |(number, octets): (usize, &u64)| (60 * (number as u64 + 1), *octets, unknown);
        charged(&octets.iter().enumerate().map(at).collect::<Vec<_>>())
    };
    // Falls are charged whole, growth as what is more, and what is a little less as nothing.
    assert_eq!(charged_of(&[40 * MB, 20 * MB, 10 * MB]), 70 * MB);
    assert_eq!(charged_of(&[10 * MB, 20 * MB, 40 * MB]), 40 * MB);
    assert_eq!(charged_of(&[40 * MB, 39 * MB, 38 * MB]), 40 * MB);
    assert_eq!(charged_of(&[40 * MB, 20 * MB, 30 * MB, 5 * MB]), 75 * MB);
}
