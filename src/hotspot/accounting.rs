//! Accounting-Requests: what access points report of their sessions, taken down once.

use std::time::Duration;

use super::coa::CoaState;
use super::enforcement::FRESH;
use super::evidence::{has_ended_in_this_boot, order, progress_of, since, stamped};
use super::matching::Certainty;
use super::nas_sessions::NasSession;
use super::radius_messages::{Event, Report};
use super::replay::{
    SAME_MOMENT, begins_another, ends_an_earlier_one, is_overtaken, whole_seconds,
};
use super::session::deadline;
use super::subscriber::{Subscriber, reported_time};
use super::{AfterCommit, Fault, Hotspot, Reply, send};
use crate::domain::accounting::{Counted, Evidence, Order, Progress, Reported};
use crate::domain::session::{TerminateCause, Usage};
use crate::domain::time::Now;
use crate::store::{SessionRecord, StoreError};

/// No session lasts longer. Access points that compute with a clock which is set meanwhile report
/// decades; taken down, everything after that would seem overtaken.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// What is known of a session that is reported.
enum Found {
    Open(i64),
    Ended(Box<SessionRecord>),
    /// Never heard of.
    Unknown(Subscriber),
}

/// That a report is taken down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TakenDown {
    /// Whether it claims more time or octets than can be, which are not counted.
    pub implausible: bool,
    /// Whether it is a fresh report of somebody who was let in. Anything else may be an old report that was
    /// recorded and sent again: nothing is to be learned from it about its access point.
    pub is_fresh: bool,
    /// Whether orders wait until their access point is heard: [`Handle::heard`](super::Handle::heard).
    pub orders_wait: bool,
}

impl Hotspot {
    /// A session's end is durable before the access point is told that it is taken down; the rest
    /// waits in memory, since the next report says it again.
    pub(super) fn account(
        &mut self,
        mut report: Report,
        reply: Reply<TakenDown>,
        now: Now,
    ) -> AfterCommit {
        report.reported.time = report.reported.time.filter(|time| *time <= LONGEST);
        self.choose_class(&mut report);
        let found = self.find(&report, now);
        Box::new(move |hotspot, committed| {
            let found = found.and_then(|found| committed.map(|()| found));
            hotspot.note(&found);
            let found = match found {
                Err(error) => return send(reply, Err(error)),
                // An earlier report of the same batch may have changed everything.
                Ok(found) => match (hotspot.find_in_memory(&report, now), found) {
                    // The end in the store is the one that tells more.
                    (Some((Found::Open(_), false)), Found::Ended(row)) => Found::Ended(row),
                    (in_memory, found) => in_memory.map_or(found, |(in_memory, _)| in_memory),
                },
            };
            // What it leaves or takes changes the shares of those who are here.
            let voucher = hotspot.voucher_found(&found);
            hotspot.look_at(voucher, FRESH, now);
            hotspot.taken = TakenDown::default();
            hotspot.admissions.reported(&report.nas.client);
            if !hotspot.take_down(&report, found, now) {
                let _nobody_waits_any_more = reply.send(Err(Fault::TooManySessions));
                return;
            }
            if hotspot.taken.is_fresh {
                hotspot.access_points.heard(&report.nas, now);
            }
            let orders_wait = hotspot.unanswered.is_any();
            let taken = TakenDown { orders_wait, ..hotspot.taken };
            let is_end = matches!(report.event, Event::Stop(_));
            hotspot.answer_once_enforced(move |hotspot| {
                let lost = is_end && hotspot.ended_session_of(&report, &|_| true, now).is_some();
                send(reply, if lost { Err(StoreError::DiskFull) } else { Ok(taken) });
            });
        })
    }

    fn find(&self, report: &Report, now: Now) -> Result<Found, StoreError> {
        if let Some((found, true)) = self.find_in_memory(report, now) {
            return Ok(found);
        }
        let stored = self.stored_session_of(report, &|_| true, now)?;
        let open = self.open_session_of(report, now);
        Ok(match (open, stored) {
            (Some((_, open)), Some((row, stored))) if stored > open => Found::Ended(Box::new(row)),
            (Some((id, _)), _) => Found::Open(id),
            (None, Some((row, _))) => Found::Ended(Box::new(row)),
            (None, None) => Found::Unknown(self.subscriber_of(report)?),
        })
    }

    /// What is known without the store, and whether the store can know no better.
    fn find_in_memory(&self, report: &Report, now: Now) -> Option<(Found, bool)> {
        let ended = || self.ended_session_of(report, &|_| true, now);
        match self.open_session_of(report, now) {
            Some((id, open)) if self.is_sure(id, open, report) => Some((Found::Open(id), true)),
            Some((id, open)) => match ended() {
                Some((row, certainty)) if certainty > open => {
                    Some((Found::Ended(Box::new(row)), true))
                }
                _ => Some((Found::Open(id), false)),
            },
            None => ended().map(|(row, _)| (Found::Ended(Box::new(row)), true)),
        }
    }

    /// Whether a report cannot be of another session than this one. With another Class it may be of
    /// an earlier one of the same number.
    fn is_sure(&self, id: i64, certainty: Certainty, report: &Report) -> bool {
        let known = self.nas_sessions.get(id).and_then(|nas_session| nas_session.class.as_ref());
        let has_another = known.zip(report.class.as_ref()).is_some_and(|(known, it)| known != it);
        certainty >= Certainty::AccessPoint && !has_another
    }

    fn voucher_found(&self, found: &Found) -> Option<i64> {
        match found {
            Found::Open(id) => self.nas_sessions.get(*id).map(|nas_session| nas_session.voucher),
            Found::Ended(row) => Some(row.voucher),
            Found::Unknown(subscriber) => Some(subscriber.voucher_id()),
        }
    }

    /// False where it shall be reported again later.
    fn take_down(&mut self, report: &Report, found: Found, now: Now) -> bool {
        if let Found::Open(id) = found
            && report.event != Event::Start
            && self.is_of_before(id, report)
        {
            match self.earlier_session_of(id, report, now) {
                Ok(Some(row)) => {
                    let cause = match report.event {
                        Event::Stop(cause) => cause,
                        Event::Start | Event::Interim => TerminateCause::LostService,
                    };
                    self.ended_again(row, report, cause, now);
                    return true;
                }
                // The clock there was set back.
                Ok(None) => {}
                Err(_) => return false,
            }
        }
        match (found, report.event) {
            (Found::Unknown(subscriber), _) => return self.open_reported(report, subscriber, now),
            (Found::Open(id), _) if self.is_admitted_since(id, report, now) => {
                self.close_remote(id, TerminateCause::LostService, now);
                return self.open_again(report, now);
            }
            (Found::Open(id), Event::Start) => return self.started_again(id, report, now),
            (Found::Open(id), _) => {
                self.taken.is_fresh = self.is_fresh_report_of(id, report);
                self.goes_on(id, report, now);
            }
            (Found::Ended(row), Event::Stop(cause)) => self.ended_again(*row, report, cause, now),
            (Found::Ended(row), Event::Interim) => self.goes_on_after_all(*row, report, now),
            (Found::Ended(row), Event::Start) => {
                let latest = row.nas_session.as_ref().and_then(|nas_session| nas_session.latest);
                let is_let_in = self.place_is_kept_since(ended(&row, now), report, now);
                if begins_another(report, latest, is_let_in) {
                    // The access point gives its numbers anew.
                    return self.open_again(report, now);
                }
            }
        }
        true
    }

    fn open_again(&mut self, report: &Report, now: Now) -> bool {
        match self.subscriber_of(report) {
            Ok(subscriber) => self.open_reported(report, subscriber, now),
            Err(_) => false,
        }
    }

    /// A beginning that is reported twice, or another session under the same number: an access
    /// point that has started anew and does not say so. Where nobody has been let in since, its next
    /// report tells whether it counts anew.
    fn started_again(&mut self, id: i64, report: &Report, now: Now) -> bool {
        let Some(nas_session) = self.nas_sessions.get_mut(id) else { return true };
        let (known, latest, opened) = (nas_session.stamp, nas_session.latest, nas_session.opened);
        if is_overtaken(report, known, latest) {
            self.goes_on(id, report, now);
            return true;
        }
        if begins_another(report, latest, false) {
            nas_session.began_again(report, now);
        }
        let admitted = nas_session.admitted;
        let is_let_in = admitted && self.place_is_kept_since(opened, report, now);
        if !is_let_in || !begins_another(report, known, true) {
            self.goes_on(id, report, now);
            return true;
        }
        self.close_remote(id, TerminateCause::NasReboot, now);
        self.open_again(report, now)
    }

    /// Counts, and draws the consequences.
    pub(super) fn goes_on(&mut self, id: i64, report: &Report, now: Now) {
        let Some(voucher) = self.count_report(id, report, now) else { return };
        if let Event::Stop(cause) = report.event {
            if let Some(nas_session) = self.nas_sessions.get_mut(id) {
                nas_session.connect_stop.clone_from(&report.details.connect_info);
                if !nas_session.admitted {
                    self.admissions.has_ended(&nas_session.unique_id);
                }
            }
            self.close_remote_as_heard(id, cause, now);
        } else if self.nas_sessions.get(id).is_some_and(NasSession::has_used_all) {
            self.order_end(id, TerminateCause::DataLimit, now);
        }
        self.draw_consequences(voucher, (false, false), now);
    }

    /// Takes down what a session has used; whose voucher it is.
    pub(super) fn count_report(&mut self, id: i64, report: &Report, now: Now) -> Option<i64> {
        let age = self.age_of_next(id, report, now);
        self.learn_class(id, report);
        let evidence = self.nas_sessions.get(id)?.evidence(report, age, now);
        self.nas_sessions.change(id, |nas_session| nas_session.follow(report, age, now));
        let nas_session = self.nas_sessions.get_mut(id)?;
        let offsets = nas_session.progress.offsets();
        // The numbers of a Start are those of a beginning, whenever it comes.
        let is_counted =
            report.event != Event::Start || nas_session.progress == Progress::default();
        let reported = if is_counted { report.reported } else { Reported::default() };
        let Counted { new, implausible } = nas_session.progress.count(&reported, &evidence);
        if nas_session.progress.offsets() != offsets {
            nas_session.written = None;
        }
        // An older report says nothing of what has begun since.
        if report.event != Event::Start && evidence.order != Order::Earlier {
            nas_session.second_start = None;
        }
        if new.upload > 0 {
            nas_session.last_traffic = now.boot;
        }
        let voucher = nas_session.voucher;
        self.taken.implausible |= implausible;
        self.sessions.accounts.count(voucher, new);
        Some(voucher)
    }

    /// A session ended when it was heard of last.
    pub(super) fn close_remote_as_heard(&mut self, id: i64, cause: TerminateCause, now: Now) {
        let at = self
            .nas_sessions
            .get(id)
            .map_or(now.wall, |nas_session| nas_session.heard_at.min(now.wall));
        self.close_remote_at(id, cause, at, now);
    }

    /// A Class that comes back for the first time, or after another sign-in.
    fn learn_class(&mut self, id: i64, report: &Report) {
        let Some(nas_session) = self.nas_sessions.get(id) else { return };
        let Some(class) =
            report.class.as_ref().filter(|it| nas_session.class.as_ref() != Some(*it))
        else {
            return;
        };
        if nas_session.admitted
            && self.classes.is_ours(class, &nas_session.login, nas_session.voucher)
        {
            self.nas_sessions.change(id, |nas_session| {
                nas_session.class = Some(class.clone());
                nas_session.written = None;
            });
        }
    }

    /// The end of a session that has ended already: reported twice, late, or ended by us. Its
    /// counters are the last word.
    fn ended_again(
        &mut self,
        mut row: SessionRecord,
        report: &Report,
        cause: TerminateCause,
        now: Now,
    ) {
        let latest = row.nas_session.as_ref().and_then(|nas_session| nas_session.latest);
        let reported = reported_time(&row);
        let began = latest.map(|at| at.plus(-whole_seconds(reported)));
        if ends_an_earlier_one(report.stamp, began) {
            return;
        }
        let age = self.age_after_end(&row, report, now);
        let mut progress = progress_of(&row, report);
        let lasted = since(row.started_at, now).max(row.time);
        let evidence = Evidence {
            order: order(report.stamp, latest),
            is_stop: true,
            second_start: None,
            elapsed: lasted,
            longest: lasted,
            own_time: stamped(report, latest).map(|since| row.time.saturating_add(since)),
        };
        let Counted { new, implausible } = progress.count(&report.reported, &evidence);
        self.taken.implausible |= implausible;
        let ours = row.end.map(|(_, cause)| cause);
        let at = now.wall.plus(-whole_seconds(age));
        let end = (at, ours.filter(|ours| *ours != TerminateCause::LostService).unwrap_or(cause));
        if new == Usage::default() && progress.time() == row.time && ours == Some(end.1) {
            return;
        }
        (row.time, row.usage, row.end) = (progress.time(), progress.usage(), Some(end));
        if let Some(nas_session) = &mut row.nas_session {
            nas_session.reported_time = progress.reported_time();
            nas_session.latest = nas_session.latest.max(report.stamp);
            nas_session.details.view_point = report.details.view_point;
            nas_session.offsets = progress.offsets();
        }
        self.add_to_voucher(row.voucher, new);
        self.sessions.write_end(row);
    }

    /// It was given up too early: the access point was out of reach, say.
    fn goes_on_after_all(&mut self, row: SessionRecord, report: &Report, now: Now) {
        let latest = row.nas_session.as_ref().and_then(|nas_session| nas_session.latest);
        let order = order(report.stamp, latest);
        let further = match report.reported.time {
            Some(time) => time > reported_time(&row) + SAME_MOMENT,
            None => progress_of(&row, report).is_exceeded_by(&report.reported, order),
        };
        if !further {
            return;
        }
        let age = self.age_after_end(&row, report, now);
        let is_taken =
            |class: &Vec<u8>| !self.of_the_same_number(report, class, &row.login).is_empty();
        if self.is_old(age) || report.class.as_ref().is_some_and(is_taken) {
            return self.ended_again(row, report, TerminateCause::LostService, now);
        }
        let voucher = row.voucher;
        let cause = row.end.map(|(_, cause)| cause);
        let end = row.deadline.filter(|_| has_ended_in_this_boot(&row, now));
        let Some(nas_session) = NasSession::again(SessionRecord { end: None, ..row }, end, now)
        else {
            return;
        };
        let id = nas_session.id;
        if cause == Some(TerminateCause::NasReboot) {
            self.restarts.session_goes_on(&nas_session.nas);
        }
        self.sessions.forget_end(id);
        let told = CoaState::presumably(&self.settings.preset.plan);
        if !self.open_remote(NasSession { written: None, told, ..nas_session }, now) {
            return;
        }
        self.taken.is_fresh = true;
        let (until, over) = match self.store.voucher_by_id(voucher) {
            Ok(Some(entry)) => self.join_voucher(&self.up_to_date(entry), id, now),
            Ok(None) if voucher != 0 => (None, Some(TerminateCause::AdminReset)),
            _ => (None, None),
        };
        if let Some(nas_session) = self.nas_sessions.get_mut(id) {
            nas_session.deadline = nas_session.deadline.or_else(|| deadline(until, now));
            nas_session.presume_end(now);
        }
        self.recall_interim(id);
        self.goes_on(id, report, now);
        self.share(voucher, None, now);
        match over {
            Some(cause) => self.order_end(id, cause, now),
            None => self.end_excess_sessions(id, false, now),
        }
    }

    fn add_to_voucher(&mut self, voucher: i64, new: Usage) {
        if let Ok(Some(entry)) = self.store.voucher_by_id(voucher) {
            let entry = self.up_to_date(entry);
            let until = self.sessions.accounts.get(voucher).and_then(|account| account.until);
            self.sessions.accounts.know(&entry, until);
            self.sessions.accounts.count(voucher, new);
        }
    }
}

/// When a session ended at the earliest, by the boot clock: rows have whole seconds.
fn ended(row: &SessionRecord, now: Now) -> Duration {
    let at = row.end.map_or(0, |(at, _)| at.unix());
    let ago = u64::try_from(now.wall.unix().saturating_sub(at)).unwrap_or(0);
    now.boot.saturating_sub(Duration::from_secs(ago.saturating_add(1)))
}
