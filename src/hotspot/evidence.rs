//! What is known of a report beside its numbers: when it was made, and what can have been used by then.

use std::time::Duration;

use super::Hotspot;
use super::nas_sessions::NasSession;
use super::radius_messages::{Event, Report};
use super::replay::{ends_an_earlier_one, is_after, whole_seconds};
use super::subscriber::reported_time;
use crate::domain::accounting::{Evidence, LaterStart, Order, Progress, ROUNDED};
use crate::domain::time::{Now, Timestamp};
use crate::store::{SessionRecord, StoreError};

/// A Start of a session that is open: the next report tells whether its counters begin anew.
#[derive(Clone, Copy, Debug)]
pub(super) struct SecondStart {
    stamp: Option<Timestamp>,
    /// By the boot clock.
    at: Duration,
    /// How long the session had lasted by then, at least.
    before: Duration,
}

impl NasSession {
    /// Whether a report has the Class that was given for this session.
    pub(super) fn has_class_of(&self, report: &Report) -> bool {
        self.class.is_some() && self.class == report.class
    }

    /// It was reported to begin while it was open.
    pub(super) fn began_again(&mut self, report: &Report, now: Now) {
        let by_clock = self.progress.reported_time() + now.boot.saturating_sub(self.heard);
        let before = stamped(report, self.stamp).map_or(by_clock, |it| it.min(by_clock));
        self.second_start = Some(SecondStart { stamp: report.stamp, at: now.boot, before });
    }

    /// What is known of a report that is so old, beside its numbers.
    pub(super) fn evidence(&self, report: &Report, age: Duration, now: Now) -> Evidence {
        let passed = |since: Duration, stamp| {
            now.boot.saturating_sub(since).max(stamped(report, stamp).unwrap_or_default())
        };
        let lasted = self.lasted + now.boot.saturating_sub(self.opened);
        Evidence {
            order: match ends_an_earlier_one(report.stamp, self.stamp) {
                // Its access point's clock was set back: the stamps tell nothing.
                true => Order::Unknown,
                false => order(report.stamp, self.latest),
            },
            is_stop: matches!(report.event, Event::Stop(_)),
            second_start: self.second_start.filter(|_| report.event != Event::Start).map(|it| {
                LaterStart {
                    since: now.boot.saturating_sub(it.at),
                    stamped: stamped(report, it.stamp),
                    before: it.before,
                }
            }),
            elapsed: passed(self.heard, self.latest).max(self.uncounted(lasted)),
            longest: lasted.max(stamped(report, self.stamp).unwrap_or_default()),
            own_time: (report.event != Event::Start).then(|| lasted.saturating_sub(age)),
        }
    }

    /// Before anything is counted, everything can be new.
    fn uncounted(&self, lasted: Duration) -> Duration {
        match self.progress == Progress::default() {
            true => lasted,
            false => Duration::ZERO,
        }
    }
}

impl Hotspot {
    /// Whether a report is stamped before its session began, and has no Class that says that it is its
    /// own all the same.
    pub(super) fn is_of_before(&self, id: i64, report: &Report) -> bool {
        let is_before = |nas_session: &NasSession| {
            !nas_session.has_class_of(report)
                && ends_an_earlier_one(report.stamp, nas_session.stamp)
        };
        self.nas_sessions.get(id).is_some_and(is_before)
    }

    /// The ended session of the same number that a report is of which is stamped before the open one
    /// began.
    pub(super) fn earlier_session_of(
        &self,
        id: i64,
        report: &Report,
        now: Now,
    ) -> Result<Option<SessionRecord>, StoreError> {
        let is_its =
            |row: &SessionRecord| row.id != id && row.end.is_some() && may_be_of(report, row);
        let found = match self.ended_session_of(report, &is_its, now) {
            Some(found) => Some(found),
            None => self.stored_session_of(report, &is_its, now)?,
        };
        Ok(found.map(|(row, _)| row))
    }

    /// Whether a report goes beyond all that is known of an open session of somebody who was let in:
    /// what was recorded earlier does not.
    pub(super) fn is_fresh_report_of(&self, id: i64, report: &Report) -> bool {
        let is_fresh = |nas_session: &NasSession| {
            let order = order(report.stamp, nas_session.latest);
            nas_session.admitted
                && nas_session.progress.is_exceeded_by(&report.reported, order)
                && order != Order::Earlier
        };
        self.nas_sessions.get(id).is_some_and(is_fresh)
    }
}

/// How far a session had come that has ended, for a report of it.
pub(super) fn progress_of(row: &SessionRecord, report: &Report) -> Progress {
    let offsets =
        row.nas_session.as_ref().map(|nas_session| nas_session.offsets).unwrap_or_default();
    let mut progress = Progress::at(row.time, reported_time(row), row.usage, offsets);
    let counted_from = row.nas_session.as_ref().map(|nas_session| nas_session.details.view_point);
    if counted_from.is_some_and(|counted| counted != report.details.view_point) {
        progress.swap_directions();
    }
    progress
}

/// Whether a report can be of a session by its stamps: made while it lasted, or with a session time
/// that began when it did.
fn may_be_of(report: &Report, row: &SessionRecord) -> bool {
    let latest = row.nas_session.as_ref().and_then(|nas_session| nas_session.latest);
    let (Some(stamp), Some(latest)) = (report.stamp, latest) else { return false };
    let began = latest.plus(-whole_seconds(reported_time(row)));
    let began_by_report = report.reported.time.map(|time| stamp.plus(-whole_seconds(time)));
    let is_near = |at: Timestamp| at.unix().abs_diff(began.unix()) <= ROUNDED.as_secs();
    let is_while = |from, to| !is_after(from, stamp) && !is_after(stamp, to);
    is_while(began, latest)
        || row.end.is_some_and(|(end, _)| is_while(row.started_at, end))
        || began_by_report.is_some_and(is_near)
}

/// Time between a moment and a report, as its access point stamps them.
pub(super) fn stamped(report: &Report, earlier: Option<Timestamp>) -> Option<Duration> {
    let seconds = report.stamp?.unix().saturating_sub(earlier?.unix());
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// How a report's Event-Timestamp stands to the latest one.
pub(super) fn order(stamp: Option<Timestamp>, latest: Option<Timestamp>) -> Order {
    match (stamp, latest) {
        (Some(stamp), Some(latest)) if is_after(stamp, latest) => Order::Later,
        (Some(stamp), Some(latest)) if is_after(latest, stamp) => Order::Earlier,
        _ => Order::Unknown,
    }
}

/// How long ago that was; nothing where it is to come.
pub(super) fn since(at: Timestamp, now: Now) -> Duration {
    let seconds = now.wall.unix().saturating_sub(at.unix());
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

/// Whether the deadline of an ended session is by the boot clock of this boot. By a wall clock that
/// is not set, a row that was written just before a power cut looks like one of now.
pub(super) fn has_ended_in_this_boot(row: &SessionRecord, now: Now) -> bool {
    let ended = row.end.map(|(at, _)| since(at, now));
    now.wall_is_set && ended.is_some_and(|ago| ago < now.boot)
}
