//! Whether a session goes on: Acct-Session-Time grows as time passes.

use std::time::Duration;

use super::nas_sessions::NasSession;
use super::radius_messages::Report;
use super::replay::{SAME_MOMENT, whole_seconds};
use super::subscriber::reported_time;
use crate::domain::time::{Now, Timestamp};
use crate::store::SessionRecord;

/// How far Acct-Session-Time may be from the clocks in a session that goes on.
const TOLERANCE: Duration = Duration::from_secs(30);

/// Whether the time of a report goes on from what is known of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Continuity {
    /// It may.
    pub(super) goes_on: bool,
    /// It does, and no session that began after the last report of this one could have it: that is
    /// shorter by all that this one had lasted.
    pub(super) is_no_other: bool,
}

impl Continuity {
    /// `time` is what was reported last, `stamp` its Event-Timestamp, and `passed` how long ago that
    /// was, by as many clocks as there are: one may have been set meanwhile.
    fn of(
        report: &Report,
        time: Duration,
        stamp: Option<Timestamp>,
        passed: impl Iterator<Item = Duration>,
    ) -> Self {
        let Some(grown) = report.reported.time.and_then(|it| it.checked_sub(time)) else {
            return Self::default();
        };
        let by_stamp = report.stamp.zip(stamp).and_then(|(now, then)| {
            u64::try_from(now.unix().saturating_sub(then.unix())).ok().map(Duration::from_secs)
        });
        let drift =
            passed.chain(by_stamp).map(|passed| whole_seconds(grown.abs_diff(passed))).min();
        let within = |most| drift.is_some_and(|drift| drift <= whole_seconds(most));
        Self {
            goes_on: within(TOLERANCE),
            is_no_other: within((time / 2).clamp(SAME_MOMENT, TOLERANCE)),
        }
    }

    /// Of a session that has ended.
    pub(super) fn of_row(row: &SessionRecord, report: &Report, now: Now) -> Self {
        let Some(nas_session) = &row.nas_session else { return Self::default() };
        let passed = wall_clock(nas_session.updated_at, row.clock_is_set, now);
        Self::of(report, reported_time(row), nas_session.latest, passed.into_iter())
    }
}

impl NasSession {
    pub(super) fn continuity(&self, report: &Report, now: Now) -> Continuity {
        // By the boot clock it was heard last when the daemon started, where that was afterwards.
        let by_boot = now.boot.saturating_sub(self.heard);
        let by_wall = wall_clock(self.heard_at, self.clock_is_set, now);
        let passed = std::iter::once(by_boot).chain(by_wall);
        Continuity::of(report, self.progress.reported_time(), self.latest, passed)
    }
}

fn wall_clock(then: Timestamp, is_set: bool, now: Now) -> Option<Duration> {
    let seconds = now.wall.unix().checked_sub(then.unix()).filter(|_| is_set && now.wall_is_set)?;
    u64::try_from(seconds).ok().map(Duration::from_secs)
}
