//! Which session a report is about. Access points leave attributes out, write names otherwise than
//! before, and get other addresses while a session goes on: what tells is the Class that we gave, else
//! Acct-Session-Id with the device or the name, at the same access point.

use super::Hotspot;
use super::access_points::AccessPoints;
use super::continuity::Continuity;
use super::nas_sessions::NasSession;
use super::radius_messages::{Event, Report};
use crate::domain::class::Classes;
use crate::domain::nas::Nas;
use crate::domain::station::Mac;
use crate::domain::time::Now;
use crate::domain::voucher::casefold;
use crate::store::{SessionRecord, StoreError};

/// How sure it is; the surest is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Certainty {
    /// The access point is called otherwise, or its client section is, and the session goes on to the
    /// second.
    Continued,
    /// The Class that we gave, under another number, and the session goes on to the second.
    Renumbered,
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
    /// 0 is none.
    pub(super) voucher: i64,
    pub(super) class: Option<&'a [u8]>,
}

/// How the Class of a report stands to that of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClassMatch {
    /// It is the same.
    Same,
    /// One of ours, of another sign-in of the same account.
    AnotherSignIn,
    /// One of ours, of another account.
    AnotherAccount,
    /// One of them has none of ours.
    Unknown,
}

impl NasSession {
    fn identity(&self) -> Identity<'_> {
        Identity {
            nas: &self.nas,
            session: &self.session,
            station: self.station,
            names: [&self.username, &self.login],
            voucher: self.voucher,
            class: self.class.as_deref(),
        }
    }
}

fn identity_of(row: &SessionRecord) -> Option<Identity<'_>> {
    let nas_session = row.nas_session.as_ref()?;
    Some(Identity {
        nas: &nas_session.nas,
        session: &nas_session.session,
        station: row.mac,
        names: [&nas_session.username, &row.login],
        voucher: row.voucher,
        class: nas_session.class.as_deref(),
    })
}

/// Whether a report is about a session, and how sure that is. Where it has a Class of ours, that is
/// what tells: the same one is the same session, another one another, though the number has been used
/// before. A guest who signs in again while the session goes on has another Class from then on.
fn is_about(
    report: &Report,
    known: Identity<'_>,
    class: ClassMatch,
    access_points: &AccessPoints,
    continuity: Continuity,
) -> Option<Certainty> {
    let goes_on = continuity.goes_on && report.event != Event::Start;
    let both = report.station.zip(known.station);
    let is_same_device = both.map(|(ours, theirs)| ours == theirs);
    if class == ClassMatch::Same {
        return match has_number_of(report, known) {
            true => Some(Certainty::Class),
            false if goes_on && is_same_device != Some(false) => Some(Certainty::Renumbered),
            false => None,
        };
    }
    let is_identified = !report.session.is_empty() || is_same_device.is_some();
    let signed_in_again = is_identified && continuity.is_no_other && report.event != Event::Start;
    match class {
        ClassMatch::AnotherAccount => return None,
        ClassMatch::AnotherSignIn if !signed_in_again => return None,
        _ => {}
    }
    if report.session != known.session || is_same_device == Some(false) {
        return None;
    }
    if both.is_none() && !has_one_of(report, known) {
        return None;
    }
    if access_points.same(&report.nas, known.nas) {
        return Some(Certainty::AccessPoint);
    }
    let is_there = match report.nas.client == known.nas.client {
        true => both.is_some() || access_points.has_moved(&report.nas, known.nas),
        // The section is called otherwise, or there is a narrower one.
        false => both.is_some() && report.nas.source == known.nas.source,
    };
    (is_there && class == ClassMatch::Unknown && goes_on).then_some(Certainty::Continued)
}

/// Whether the numbers are the same, in whatever letters; where one is left out, nothing contradicts.
fn has_number_of(report: &Report, known: Identity<'_>) -> bool {
    report.session.eq_ignore_ascii_case(known.session)
        || report.event != Event::Start && (report.session.is_empty() || known.session.is_empty())
}

/// Whether a report has a name of the session, or none.
fn has_one_of(report: &Report, known: Identity<'_>) -> bool {
    let name = casefold(&report.username);
    let device = report.username.trim().parse::<Mac>().ok();
    name.is_empty()
        || known.names.iter().any(|known| casefold(known) == name)
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
    /// Of several values of Class the one that is ours stays in a report.
    pub(super) fn choose_class(&self, report: &mut Report) {
        let all = || report.class.iter().chain(&report.more_classes);
        let ours = all().find(|class| self.classes.is_sealed(class));
        let ours = ours.or_else(|| all().find(|class| Classes::may_be_unnamed(class)));
        report.class = ours.cloned();
    }

    fn class_match(&self, report: &Report, known: Identity<'_>) -> ClassMatch {
        let Some(class) = report.class.as_deref() else { return ClassMatch::Unknown };
        let [_, login] = known.names;
        let is_its_account = self.classes.is_ours(class, login, known.voucher);
        match known.class {
            Some(theirs) if theirs == class => ClassMatch::Same,
            Some(_) if is_its_account => ClassMatch::AnotherSignIn,
            None if is_its_account => ClassMatch::Unknown,
            _ if self.classes.is_sealed(class) => ClassMatch::AnotherAccount,
            _ => ClassMatch::Unknown,
        }
    }

    /// The open session that a report is about.
    pub(super) fn open_session_of(&self, report: &Report, now: Now) -> Option<(i64, Certainty)> {
        let about = |nas_session: &NasSession| {
            let identity = nas_session.identity();
            // Of somebody who was not let in, it is not known which account is meant.
            let class = match nas_session.admitted {
                true => self.class_match(report, identity),
                false => ClassMatch::Unknown,
            };
            let continuity = nas_session.continuity(report, now);
            let certainty = is_about(report, identity, class, &self.access_points, continuity)?;
            Some((certainty, nas_session.id))
        };
        let best = self.nas_sessions.candidates(report).filter_map(about).max()?;
        Some((best.1, best.0))
    }

    /// A session that has ended, of those that are not written down yet and are in question.
    pub(super) fn ended_session_of(
        &self,
        report: &Report,
        is_in_question: &dyn Fn(&SessionRecord) -> bool,
        now: Now,
    ) -> Option<(SessionRecord, Certainty)> {
        let rows = self.sessions.ended_elsewhere().rev().filter(|row| is_in_question(row));
        self.surest(report, rows, now).map(|(row, it)| (row.clone(), it))
    }

    /// The latest session in the store, of those in question.
    pub(super) fn stored_session_of(
        &self,
        report: &Report,
        is_in_question: &dyn Fn(&SessionRecord) -> bool,
        now: Now,
    ) -> Result<Option<(SessionRecord, Certainty)>, StoreError> {
        let Report { nas, session, station, class, .. } = report;
        let rows =
            self.store.sessions_numbered(&nas.client, session, *station, class.as_deref())?;
        let rows = rows.iter().filter(|row| is_in_question(row));
        Ok(self.surest(report, rows, now).map(|(row, it)| (row.clone(), it)))
    }

    /// The first of the surest.
    fn surest<'a>(
        &self,
        report: &Report,
        rows: impl Iterator<Item = &'a SessionRecord>,
        now: Now,
    ) -> Option<(&'a SessionRecord, Certainty)> {
        let mut best: Option<(&SessionRecord, Certainty)> = None;
        for row in rows {
            let Some(identity) = identity_of(row) else { continue };
            let class = self.class_match(report, identity);
            let continuity = Continuity { goes_on: false, ..Continuity::of_row(row, report, now) };
            let certainty = is_about(report, identity, class, &self.access_points, continuity);
            if let Some(certainty) = certainty
                && best.is_none_or(|(_, so_far)| certainty > so_far)
            {
                best = Some((row, certainty));
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hotspot::tests::nas_sessions::report;

    fn certainty(change: impl FnOnce(&mut Report)) -> Option<Certainty> {
        certainty_of(ClassMatch::Unknown, true, change)
    }

    fn certainty_of(
        class: ClassMatch,
        goes_on: bool,
        change: impl FnOnce(&mut Report),
    ) -> Option<Certainty> {
        let known = report(Event::Start, "Room 1", 1, 0, 0);
        let mut heard = report(Event::Interim, "room 1", 1, 60, 0);
        change(&mut heard);
        let identity = Identity {
            nas: &known.nas,
            session: &known.session,
            station: known.station,
            names: [&known.username, "voucher 7"],
            voucher: 7,
            class: Some(&[1]),
        };
        let continuity = Continuity { goes_on, is_no_other: goes_on };
        is_about(&heard, identity, class, &AccessPoints::default(), continuity)
    }

    fn moved(it: &mut Report) {
        it.nas.source = [10, 9, 9, 9].into();
    }

    fn other_device(it: &mut Report) {
        it.station = "02:00:00:00:00:09".parse().ok();
    }

    #[test]
    fn device_or_name_tell() {
        use Certainty::{AccessPoint, Continued};
        let other_section = |it: &mut Report| it.nas.client = "pool".into();
        assert_eq!(certainty(|_| {}), Some(AccessPoint));
        assert_eq!(certainty(|it| it.username = "somebody".into()), Some(AccessPoint));
        assert_eq!(certainty(|it| it.station = None), Some(AccessPoint));
        for name in ["VOUCHER 7", ""] {
            let named = |it: &mut Report| (it.station, it.username) = (None, name.into());
            assert_eq!(certainty(named), Some(AccessPoint));
        }
        assert_eq!(certainty(|it| (it.station, it.username) = (None, "somebody".into())), None);
        assert_eq!(certainty(other_device), None);
        assert_eq!(certainty(|it| it.session = "another".into()), None);
        assert_eq!(certainty(moved), Some(Continued));
        assert_eq!(certainty(|it| (moved(it), it.event = Event::Start).1), None);
        assert_eq!(certainty(|it| (moved(it), it.station = None).1), None);
        assert_eq!(certainty(other_section), Some(Continued));
        assert_eq!(certainty(|it| (other_section(it), moved(it)).1), None);
        assert_eq!(certainty_of(ClassMatch::Unknown, false, other_section), None);
        let moves = |it: &mut Report| {
            moved(it);
            it.nas.identifier = Some("ap".into());
        };
        assert_eq!(certainty_of(ClassMatch::AnotherSignIn, true, moves), None);
    }

    #[test]
    fn the_class_tells_whatever_else_is_said() {
        use Certainty::{Class, Renumbered};
        let same =
            |goes_on, change: fn(&mut Report)| certainty_of(ClassMatch::Same, goes_on, change);
        assert_eq!(same(false, |_| {}), Some(Class));
        assert_eq!(same(false, |it| it.nas.address = None), Some(Class));
        assert_eq!(same(false, |it| it.nas.client = "pool".into()), Some(Class));
        assert_eq!(same(false, other_device), Some(Class));
        assert_eq!(same(false, |it| it.session.make_ascii_uppercase()), Some(Class));
        assert_eq!(same(false, |it| it.session.clear()), Some(Class));
        // Some access points have one Class for several sessions.
        let another: fn(&mut Report) = |it| it.session = "another".into();
        assert_eq!(same(false, another), None);
        assert_eq!(same(true, another), Some(Renumbered));
        assert_eq!(same(true, |it| (it.session, it.event) = ("2".into(), Event::Start)), None);
        assert_eq!(same(true, |it| (it.session = "2".into(), other_device(it)).1), None);
    }

    #[test]
    fn another_class_is_another_session_except_where_the_guest_signs_in_again() {
        use ClassMatch::{AnotherAccount, AnotherSignIn};
        assert_eq!(certainty_of(AnotherSignIn, false, |_| {}), None);
        assert_eq!(certainty_of(AnotherSignIn, true, |_| {}), Some(Certainty::AccessPoint));
        assert_eq!(certainty_of(AnotherSignIn, true, |it| it.event = Event::Start), None);
        assert_eq!(certainty_of(AnotherAccount, true, |_| {}), None);
        // Of two guests that nothing else tells apart.
        let nothing = |it: &mut Report| (it.session, it.station) = (String::new(), None);
        assert_eq!(certainty_of(AnotherSignIn, true, nothing), None);
    }
}
