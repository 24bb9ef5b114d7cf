//! Which session a report is about. Access points leave attributes out, write names otherwise than
//! before, and get other addresses while a session goes on: what tells is the Class that we gave, else
//! Acct-Session-Id with the device or the name, at the same access point.

use std::time::Duration;

use super::Hotspot;
use super::access::{Event, Report};
use super::remotes::Remote;
use super::replay::whole_seconds;
use crate::domain::nas::Nas;
use crate::domain::station::Mac;
use crate::domain::time::Now;
use crate::domain::voucher::fold;
use crate::store::{SessionRecord, StoreError};

/// How far Acct-Session-Time may be from our own clock in a session that goes on.
const TOLERANCE: Duration = Duration::from_secs(30);

/// How sure it is; the surest is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Certainty {
    /// The access point is called otherwise, and the session goes on to the second.
    Continued,
    /// Device or name, and the access point.
    AccessPoint,
    /// The Class that we gave.
    Class,
}

/// What tells a session from others.
#[derive(Clone, Copy)]
pub(super) struct Identity<'a> {
    pub(super) nas: &'a Nas,
    /// Acct-Session-Id.
    pub(super) session: &'a str,
    pub(super) station: Option<Mac>,
    /// User-Name, and whose session we know it to be.
    pub(super) names: [&'a str; 2],
    pub(super) class: Option<&'a [u8]>,
}

impl Remote {
    fn identity(&self) -> Identity<'_> {
        Identity {
            nas: &self.nas,
            session: &self.session,
            station: self.station,
            names: [&self.username, &self.login],
            class: self.class.as_deref(),
        }
    }
}

fn identity_of(row: &SessionRecord) -> Option<Identity<'_>> {
    let remote = row.remote.as_ref()?;
    Some(Identity {
        nas: &remote.nas,
        session: &remote.session,
        station: row.mac,
        names: [&remote.username, &row.login],
        class: remote.class.as_deref(),
    })
}

/// Whether a report is about a session, and how sure that is. `goes_on`: its Acct-Session-Time has
/// grown as our own clock has.
fn is_about(
    report: &Report,
    known: Identity<'_>,
    is_same: impl Fn(&Nas, &Nas) -> bool,
    goes_on: bool,
) -> Option<Certainty> {
    let both = report.station.zip(known.station);
    let is_other_device = both.is_some_and(|(ours, theirs)| ours != theirs);
    if report.nas.client != known.nas.client || report.session != known.session || is_other_device {
        return None;
    }
    let classes = report.class.as_deref().zip(known.class);
    if classes.is_some_and(|(ours, theirs)| ours == theirs) {
        return Some(Certainty::Class);
    }
    if both.is_none() && !has_one_of(report, known) {
        return None;
    }
    if is_same(&report.nas, known.nas) {
        return Some(Certainty::AccessPoint);
    }
    let continues = both.is_some() && classes.is_none() && goes_on && report.event != Event::Start;
    continues.then_some(Certainty::Continued)
}

/// Whether a report has a name of the session, or none.
fn has_one_of(report: &Report, known: Identity<'_>) -> bool {
    let name = fold(&report.username);
    let device = report.username.trim().parse::<Mac>().ok();
    name.is_empty()
        || known.names.iter().any(|known| fold(known) == name)
        || device.is_some() && device == known.station
}

/// Whether a report names nobody: it has no User-Name, or the device's address for one, or the word
/// that pfSense puts there.
pub(super) fn is_nameless(report: &Report) -> bool {
    let name = report.username.trim();
    name.is_empty()
        || name == "unauthenticated"
        || report.station.is_some() && name.parse::<Mac>().ok() == report.station
}

impl Hotspot {
    /// The open session that a report is about.
    pub(super) fn open_session_of(&self, report: &Report, now: Now) -> Option<(i64, Certainty)> {
        let same = |ours: &Nas, theirs: &Nas| self.access_points.same(ours, theirs);
        let about = |remote: &Remote| {
            let goes_on = goes_on(remote, report, now);
            let certainty = is_about(report, remote.identity(), same, goes_on)?;
            Some((certainty, remote.id))
        };
        let best = self.remotes.numbered(report).filter_map(about).max()?;
        Some((best.1, best.0))
    }

    /// A session that has ended, of those that are not written down yet.
    pub(super) fn ended_session_of(&self, report: &Report) -> Option<(SessionRecord, Certainty)> {
        self.surest(report, self.sessions.ended_elsewhere().rev())
            .map(|(row, it)| (row.clone(), it))
    }

    /// The latest session in the store.
    pub(super) fn stored_session_of(
        &self,
        report: &Report,
    ) -> Result<Option<(SessionRecord, Certainty)>, StoreError> {
        let client = &report.nas.client;
        let rows = self.store.sessions_numbered(client, &report.session, report.station)?;
        Ok(self.surest(report, rows.iter()).map(|(row, it)| (row.clone(), it)))
    }

    /// The first of the surest.
    pub(super) fn surest<'a>(
        &self,
        report: &Report,
        rows: impl Iterator<Item = &'a SessionRecord>,
    ) -> Option<(&'a SessionRecord, Certainty)> {
        let same = |ours: &Nas, theirs: &Nas| self.access_points.same(ours, theirs);
        let mut best: Option<(&SessionRecord, Certainty)> = None;
        for row in rows {
            let certainty = identity_of(row).and_then(|it| is_about(report, it, same, false));
            if let Some(certainty) = certainty
                && best.is_none_or(|(_, so_far)| certainty > so_far)
            {
                best = Some((row, certainty));
            }
        }
        best
    }
}

/// Whether Acct-Session-Time has grown as our clock has since the session was heard of.
fn goes_on(remote: &Remote, report: &Report, now: Now) -> bool {
    let passed = now.boot.saturating_sub(remote.heard);
    let grown = remote.progress.growth(&report.reported);
    grown.is_some_and(|grown| whole_seconds(grown.abs_diff(passed)) <= whole_seconds(TOLERANCE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hotspot::tests::remote::report;

    fn certainty(change: impl FnOnce(&mut Report)) -> Option<Certainty> {
        let known = Report { class: Some(vec![1]), ..report(Event::Start, "Room 1", 1, 0, 0) };
        let mut heard = report(Event::Interim, "room 1", 1, 60, 0);
        change(&mut heard);
        let identity = Identity {
            nas: &known.nas,
            session: &known.session,
            station: known.station,
            names: [&known.username, "voucher 7"],
            class: known.class.as_deref(),
        };
        is_about(&heard, identity, |ours, theirs| ours.is(theirs, false), true)
    }

    #[test]
    fn device_or_name_tell_and_the_class_does_before_them() {
        use Certainty::{AccessPoint, Class, Continued};
        let source = |it: &mut Report| it.nas.source = [10, 9, 9, 9].into();
        assert_eq!(certainty(|_| {}), Some(AccessPoint));
        assert_eq!(certainty(|it| it.username = "somebody".into()), Some(AccessPoint));
        assert_eq!(certainty(|it| it.class = Some(vec![1])), Some(Class));
        assert_eq!(certainty(|it| (it.class, it.nas.address) = (Some(vec![1]), None)), Some(Class));
        assert_eq!(certainty(|it| it.station = None), Some(AccessPoint));
        assert_eq!(
            certainty(|it| (it.station, it.username) = (None, "VOUCHER 7".into())),
            Some(AccessPoint)
        );
        assert_eq!(
            certainty(|it| (it.station, it.username) = (None, String::new())),
            Some(AccessPoint)
        );
        assert_eq!(certainty(|it| (it.station, it.username) = (None, "somebody".into())), None);
        assert_eq!(certainty(|it| it.station = "02:00:00:00:00:09".parse().ok()), None);
        assert_eq!(certainty(|it| it.session = "another".into()), None);
        assert_eq!(certainty(|it| it.nas.client = "pool".into()), None);
        assert_eq!(certainty(source), Some(Continued));
        assert_eq!(certainty(|it| (source(it), it.event = Event::Start).1), None);
        assert_eq!(certainty(|it| (source(it), it.class = Some(vec![2])).1), None);
        assert_eq!(certainty(|it| (source(it), it.station = None).1), None);
    }
}
