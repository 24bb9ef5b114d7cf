//! What an access point reports of a session, and what it comes to.
//!
//! Reports come late, twice, out of order or not at all, and counters are of 32 bits, of 64, or
//! begin again in the middle. Whatever comes, usage never shrinks and nothing is counted twice.

use std::time::Duration;

use super::session::Usage;

/// A counter of octets as it is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Octets {
    /// The lower 32 bits.
    pub low: u32,
    /// The upper 32 bits, where the access point sends them (RFC 2869 section 5.1).
    pub gigawords: Option<u32>,
}

/// What a report says has been used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reported {
    /// Acct-Session-Time.
    pub time: Option<Duration>,
    /// Octets towards the guest.
    pub download: Option<Octets>,
    /// Octets from the guest.
    pub upload: Option<Octets>,
}

/// One direction of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Meter {
    /// Octets so far.
    total: u64,
    /// The access point's counter, carried on beyond 32 bits.
    counter: u64,
}

/// How far a session has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    time: Duration,
    download: Meter,
    upload: Meter,
}

/// Counters of 32 bits run over at this number.
const WRAP: u64 = 1 << 32;

impl Progress {
    /// A session that has come so far already.
    pub fn at(time: Duration, usage: Usage) -> Self {
        let meter = |total| Meter { total, counter: total };
        Self { time, download: meter(usage.download), upload: meter(usage.upload) }
    }

    /// Time used, as reported last.
    pub fn time(&self) -> Duration {
        self.time
    }

    /// Octets so far.
    pub fn usage(&self) -> Usage {
        Usage { download: self.download.total, upload: self.upload.total }
    }

    /// Whether a report is older than what is known already: overtaken on its way.
    pub fn is_ahead_of(&self, reported: &Reported) -> bool {
        reported.time.is_some_and(|time| time < self.time)
    }

    /// Takes a report down; gives what is new. One that was overtaken changes nothing.
    pub fn advance(&mut self, reported: &Reported) -> Usage {
        if self.is_ahead_of(reported) {
            return Usage::default();
        }
        let before = self.usage();
        self.time = reported.time.unwrap_or(self.time);
        self.download.advance(reported.download);
        self.upload.advance(reported.upload);
        self.usage().since(before)
    }

    /// The access point counts from the other side from now on: what its counters call download is
    /// upload. What was counted so far stays as it is.
    pub fn turn_round(&mut self) {
        let (download, upload) = (self.download.counter, self.upload.counter);
        self.download.counter = upload;
        self.upload.counter = download;
    }

    /// Takes the last report of a session down, whose counters are final: also one that claims to
    /// be older than what is known only adds to it.
    pub fn finish(&mut self, reported: &Reported) -> Usage {
        let time = reported.time.map(|time| time.max(self.time));
        let mut last = Reported { time, ..*reported };
        if self.is_ahead_of(reported) {
            let known = self.usage();
            let grows = |octets: &Octets, known| octets.exact() > known;
            last.download = reported.download.filter(|octets| grows(octets, known.download));
            last.upload = reported.upload.filter(|octets| grows(octets, known.upload));
        }
        self.advance(&last)
    }
}

impl Octets {
    fn exact(self) -> u64 {
        u64::from(self.gigawords.unwrap_or(0)) << 32 | u64::from(self.low)
    }
}

impl Meter {
    fn advance(&mut self, octets: Option<Octets>) {
        let Some(octets) = octets else { return };
        let counter = match octets.gigawords {
            Some(_) => octets.exact(),
            None => self.carried_on(octets.low),
        };
        let (new, counter) = match counter.checked_sub(self.counter) {
            Some(new) => (new, counter),
            // The access point has begun to count again.
            None => (octets.exact(), octets.exact()),
        };
        self.total = self.total.saturating_add(new);
        self.counter = counter;
    }

    /// A counter without its upper half. From the upper half of 32 bits to the lower it has run
    /// over; from anywhere else it has begun again.
    fn carried_on(self, low: u32) -> u64 {
        let (upper, known) = (self.counter & !(WRAP - 1), self.counter & (WRAP - 1));
        let here = upper | u64::from(low);
        let ran_over = known >= WRAP / 2 && u64::from(low) < WRAP / 2;
        if here < self.counter && ran_over { here.saturating_add(WRAP) } else { here }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(time: u64, down: u64, up: u64) -> Reported {
        let octets = |octets: u64| {
            Some(Octets { low: octets as u32, gigawords: Some((octets >> 32) as u32) })
        };
        Reported {
            time: Some(Duration::from_secs(time)),
            download: octets(down),
            upload: octets(up),
        }
    }

    fn low(time: u64, down: u32) -> Reported {
        let download = Some(Octets { low: down, gigawords: None });
        Reported { time: Some(Duration::from_secs(time)), download, upload: None }
    }

    #[test]
    fn a_report_adds_what_is_new() {
        let mut progress = Progress::default();
        assert_eq!(progress.advance(&seconds(60, 100, 10)), Usage { download: 100, upload: 10 });
        assert_eq!(progress.advance(&seconds(60, 100, 10)), Usage::default());
        assert_eq!(progress.advance(&seconds(120, 5 << 32, 30)).download, (5 << 32) - 100);
        assert_eq!(progress.time(), Duration::from_secs(120));
    }

    #[test]
    fn an_overtaken_report_changes_nothing() {
        let mut progress = Progress::default();
        progress.advance(&seconds(120, 500, 0));
        assert_eq!(progress.advance(&seconds(60, 100, 0)), Usage::default());
        assert_eq!(progress.usage().download, 500);
    }

    #[test]
    fn a_counter_of_32_bits_runs_over() {
        let mut progress = Progress::default();
        progress.advance(&low(60, u32::MAX - 9));
        assert_eq!(progress.advance(&low(120, 90)).download, 100);
        assert_eq!(progress.usage().download, (1 << 32) + 90);
        progress.advance(&low(180, u32::MAX));
        progress.advance(&low(240, 0));
        assert_eq!(progress.usage().download, 2 << 32);
    }

    #[test]
    fn a_counter_that_begins_again_is_added() {
        let mut progress = Progress::default();
        progress.advance(&low(60, 1_000));
        assert_eq!(progress.advance(&low(120, 400)).download, 400);
        assert_eq!(progress.advance(&low(180, 600)).download, 200);
        progress.advance(&seconds(240, 7 << 32, 0));
        assert_eq!(progress.advance(&seconds(300, 5, 0)).download, 5);
    }

    #[test]
    fn who_counts_from_the_other_side_is_not_counted_again() {
        let mut progress = Progress::default();
        // The guest has downloaded 900 and uploaded 100, and was understood the wrong way round.
        progress.advance(&seconds(60, 100, 900));
        progress.turn_round();
        assert_eq!(progress.usage(), Usage { download: 100, upload: 900 });
        let new = progress.advance(&seconds(120, 1000, 130));
        assert_eq!(new, Usage { download: 100, upload: 30 });
        assert_eq!(progress.usage(), Usage { download: 200, upload: 930 });
    }

    #[test]
    fn a_last_report_out_of_order_only_adds() {
        let mut progress = Progress::default();
        progress.advance(&seconds(120, 500, 50));
        assert_eq!(progress.finish(&seconds(100, 400, 60)), Usage { download: 0, upload: 10 });
        assert_eq!(progress.time(), Duration::from_secs(120));
    }

    proptest! {
        /// Whatever comes, in whatever order: usage only grows, and what is said to be new is what
        /// it has grown by.
        #[test]
        fn usage_never_shrinks(
            reports in proptest::collection::vec((any::<u16>(), any::<u32>(), proptest::option::of(0..4u32), any::<bool>()), 0..40)
        ) {
            let mut progress = Progress::default();
            for (time, low, gigawords, last) in reports {
                let reported = Reported {
                    time: Some(Duration::from_secs(time.into())),
                    download: Some(Octets { low, gigawords }),
                    upload: None,
                };
                let before = progress;
                let new = match last {
                    true => progress.finish(&reported),
                    false => progress.advance(&reported),
                };
                prop_assert_eq!(before.usage().plus(new), progress.usage());
                prop_assert!(progress.time() >= before.time());
            }
        }

        /// A true counter of 64 bits, sent with its lower half only and often enough, comes out
        /// exact.
        #[test]
        fn steps_below_half_the_range_are_exact(
            steps in proptest::collection::vec(0u64..1 << 31, 1..40)
        ) {
            let (mut progress, mut truth) = (Progress::default(), 0u64);
            for (index, step) in steps.into_iter().enumerate() {
                truth += step;
                progress.advance(&low(index as u64, truth as u32));
                prop_assert_eq!(progress.usage().download, truth);
            }
        }
    }
}
