//! An access point whose true usage is known, in every shape in which some are known to report.

use proptest::prelude::*;

use super::super::meter::WRAP;
use super::super::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Plain,
    /// The session's number is given again by a Start; it counts on, or anew.
    SecondStart {
        anew: bool,
    },
    /// Its Start is sent again after so many seconds, and after each report.
    StartAgain {
        after: u64,
    },
    /// It counts anew without a word.
    Anew,
    TimeAnew,
    OctetsAnew,
    /// Octets since the last report.
    Increments,
    /// Counters are a little behind now and then.
    Imprecise,
    GigawordsLeftOutInStop,
    GigawordsZero,
    NoGigawords,
    StopOfZeroes,
    StopWithoutCounters,
    /// Once a time or a counter that cannot be.
    AbsurdTime,
    AbsurdOctets,
}

const SHAPES: [Shape; 18] = [
    Shape::Plain,
    Shape::SecondStart { anew: false },
    Shape::SecondStart { anew: true },
    Shape::StartAgain { after: 5 },
    Shape::StartAgain { after: 60 },
    Shape::StartAgain { after: 200 },
    Shape::Anew,
    Shape::TimeAnew,
    Shape::OctetsAnew,
    Shape::Increments,
    Shape::Imprecise,
    Shape::GigawordsLeftOutInStop,
    Shape::GigawordsZero,
    Shape::NoGigawords,
    Shape::StopOfZeroes,
    Shape::StopWithoutCounters,
    Shape::AbsurdTime,
    Shape::AbsurdOctets,
];

const INTERVAL: u64 = 300;

/// What the access point keeps.
#[derive(Default)]
struct Nas {
    now: u64,
    clock_from: u64,
    octets: u64,
    second_start: Option<u64>,
}

/// What is charged for these steps of true usage, with something special at step `at`; reports may
/// come twice, and an older one again after a newer one.
fn run(shape: Shape, steps: &[u64], at: usize, again: &[bool]) -> u64 {
    let (mut nas, mut progress) = (Nas::default(), Progress::default());
    let (mut sent, mut latest) = (Vec::new(), 0);
    let last = steps.len() - 1;
    for (index, step) in steps.iter().enumerate() {
        if index == at {
            match shape {
                Shape::SecondStart { anew } => {
                    nas.second_start = Some(nas.now);
                    if anew {
                        (nas.clock_from, nas.octets) = (nas.now, 0);
                    }
                }
                Shape::Anew => (nas.clock_from, nas.octets) = (nas.now, 0),
                Shape::TimeAnew => nas.clock_from = nas.now,
                Shape::OctetsAnew => nas.octets = 0,
                _ => {}
            }
        }
        if let Shape::StartAgain { after } = shape {
            nas.second_start = Some(nas.now + after);
        }
        // The first report comes early, so that the time alone hardly tells.
        let is_early = index == 0 && matches!(shape, Shape::StartAgain { .. });
        nas.now += if is_early { 20 } else { INTERVAL };
        nas.octets = if shape == Shape::Increments { *step } else { nas.octets + step };
        let is_stop = index == last;
        let time = Some(Duration::from_secs(nas.now - nas.clock_from));
        let reported =
            Reported { time, download: counter(shape, nas.octets, is_stop), upload: None };
        let reported = special(shape, reported, index == at && !is_stop, is_stop);
        let mut deliveries = vec![(nas.now, reported, is_stop)];
        if again[index] {
            deliveries.push((nas.now, reported, is_stop));
            deliveries.extend(sent.last().copied());
        }
        sent.push((nas.now, reported, false));
        for (stamp, reported, is_stop) in deliveries {
            let order = match stamp.cmp(&latest) {
                std::cmp::Ordering::Less => Order::Earlier,
                std::cmp::Ordering::Equal => Order::Unknown,
                std::cmp::Ordering::Greater => Order::Later,
            };
            let second_start =
                nas.second_start.filter(|at| order == Order::Later && *at <= nas.now).map(|at| {
                    let [since, before] = [nas.now - at, at].map(Duration::from_secs);
                    LaterStart { since, stamped: Some(since), before }
                });
            let evidence = Evidence {
                order,
                is_stop,
                second_start,
                elapsed: Duration::from_secs(INTERVAL),
                longest: Duration::from_secs(nas.now),
                own_time: Some(Duration::from_secs(nas.now)),
            };
            progress.count(&reported, &evidence);
            nas.second_start = None;
            latest = latest.max(stamp);
            assert!(progress.time() <= evidence.longest, "{shape:?}");
        }
    }
    progress.usage().download
}

fn counter(shape: Shape, octets: u64, is_stop: bool) -> Option<Octets> {
    let low = octets as u32;
    let gigawords = match shape {
        Shape::NoGigawords => None,
        Shape::GigawordsZero => Some(0),
        Shape::GigawordsLeftOutInStop if is_stop => None,
        _ => Some((octets >> 32) as u32),
    };
    Some(Octets { low, gigawords })
}

fn special(shape: Shape, reported: Reported, now: bool, is_stop: bool) -> Reported {
    let absurd = Some(Octets { low: 7, gigawords: Some(u32::MAX) });
    match shape {
        Shape::StopOfZeroes if is_stop => {
            Reported { download: Some(Octets { low: 0, gigawords: None }), ..reported }
        }
        Shape::StopWithoutCounters if is_stop => Reported { download: None, ..reported },
        Shape::Imprecise if now => Reported {
            download: reported.download.map(|it| Octets { low: it.low - it.low / 50, ..it }),
            ..reported
        },
        Shape::AbsurdTime if now => {
            Reported { time: Some(Duration::from_secs(2_000_000)), ..reported }
        }
        Shape::AbsurdOctets if now => Reported { download: absurd, ..reported },
        _ => reported,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// What is charged is what was used, whatever way of reporting; where that cannot be told from
    /// the reports, within what is stated at each.
    #[test]
    fn what_is_charged_is_what_was_used(
        shape in proptest::sample::select(&SHAPES[..]),
        steps in proptest::collection::vec(1u64..1 << 31, 3..20),
        at in 1usize..18,
        again in proptest::collection::vec(any::<bool>(), 20),
    ) {
        let at = at.min(steps.len() - 2);
        let truth: u64 = steps.iter().sum();
        // A counter that stands at 0 again by chance looks like an end of zeroes.
        prop_assume!(truth as u32 != 0);
        let before: u64 = steps[..at].iter().sum();
        let charged = run(shape, &steps, at, &again);
        match shape {
            // What has passed since the last report but one.
            Shape::StopOfZeroes | Shape::StopWithoutCounters => {
                prop_assert_eq!(charged, truth - steps.last().unwrap());
            }
            // From the upper half of 32 bits, where the upper half was always 0 so far, a counter that
            // begins again looks as if it ran over.
            Shape::OctetsAnew | Shape::Anew if (WRAP / 2..WRAP).contains(&before) => {
                prop_assert!(charged <= truth + WRAP / 2 && charged >= truth - before - steps[at]);
            }
            // Counters that begin again and come higher at once than they were before look as if
            // they went on; so they do where they are less than a quarter below.
            Shape::OctetsAnew | Shape::Anew if steps[at] * 4 > before * 3 => {
                prop_assert!(charged <= truth && charged >= truth - before - steps[at]);
            }
            // Each report that is less than three quarters of the last one is taken for a new
            // beginning, each that is more for one that goes on: never more than was used, and never
            // less than the largest.
            Shape::Increments => {
                prop_assert!(charged <= truth && charged >= *steps.iter().max().unwrap());
            }
            _ => prop_assert_eq!(charged, truth),
        }
    }

    /// Whatever comes, in whatever order: usage only grows, and what is said to be new is what it
    /// has grown by.
    #[test]
    fn usage_never_shrinks(
        reports in proptest::collection::vec(
            (any::<u16>(), any::<u32>(), proptest::option::of(0..4u32), any::<bool>(), 0u8..3), 0..40)
    ) {
        let mut progress = Progress::default();
        for (time, low, gigawords, is_stop, order) in reports {
            let reported = Reported {
                time: Some(Duration::from_secs(time.into())),
                download: Some(Octets { low, gigawords }),
                upload: None,
            };
            let order = [Order::Earlier, Order::Unknown, Order::Later][usize::from(order)];
            let evidence = Evidence { is_stop, ..super::evidence(order) };
            let before = progress;
            let counted = progress.count(&reported, &evidence);
            prop_assert_eq!(before.usage().plus(counted.new), progress.usage());
            prop_assert!(progress.time() >= before.time());
        }
    }
}
