//! Sessions that an access point reports for the first time: of those we let in, and of others.
//!
//! An access point is believed about whom it was told to let in. A report about anybody else is
//! shown and counts for nobody: who has the shared secret, and no passcode, ends no session with it,
//! uses up no voucher, takes no place and fills no flash.

use std::time::Duration;

use super::Hotspot;
use super::access::{Event, Report};
use super::accounts::Member;
use super::change::Told;
use super::remotes::Remote;
use super::replay::whole_seconds;
use super::reservations::Reservation;
use super::session::deadline;
use super::standing::Standing;
use crate::domain::accounting::Progress;
use crate::domain::list::Entry;
use crate::domain::login::Refusal;
use crate::domain::rule::Subject;
use crate::domain::session::TerminateCause;
use crate::domain::time::{Now, Timestamp};
use crate::domain::voucher::{Username, Voucher, fold};

impl Hotspot {
    /// A session that is reported for the first time, whatever the report says: its beginning may
    /// have been lost. False where it shall be reported again later.
    pub(super) fn open_reported(
        &mut self,
        report: &Report,
        unique_id: String,
        voucher: Option<Box<Entry<Voucher>>>,
        now: Now,
    ) -> bool {
        self.admissions.reported(&report.nas.client);
        let login = login_of(report, voucher.as_deref());
        let earlier = self.has_a_class_of_ours(report, &login, voucher.as_deref());
        let place = self.reservations.claim(&login, report, earlier);
        if place.is_none() && !earlier && !self.was_let_in(report, &login, now) {
            self.open_unadmitted(report, unique_id, login, voucher.is_some(), now);
            return true;
        }
        if !self.admissions.may_begin(&report.nas.client, &login, now.boot) {
            return false;
        }
        let claims_place = place.is_some();
        self.journal.session_reported(&report.nas.client, &login);
        self.close_the_same_device(report, true, now);
        let revoked = place.as_ref().is_some_and(|place| place.revoked);
        let mut over = revoked.then_some(TerminateCause::AdminReset);
        let number = voucher.as_ref().map_or(0, |entry| entry.id);
        let remote = self.reported(report, unique_id, login, number, place, now);
        let id = remote.id;
        if !self.open_remote_for(report.event, remote, now) {
            return true;
        }
        if let Some(entry) = &voucher {
            let (until, refused) = self.join_voucher(entry, id, now);
            if let Some(remote) = self.remotes.get_mut(id) {
                remote.deadline = remote.deadline.or_else(|| deadline(until, now));
                remote.presume_end(now);
            }
            over = over.or(refused);
        }
        // First what it has used: its share is of the rest.
        self.goes_on(id, report, now);
        self.share(number, None, now);
        match over {
            Some(cause) => self.order_end(id, cause, now),
            None => self.end_the_supernumerary(id, claims_place, now),
        }
        true
    }

    fn reported(
        &mut self,
        report: &Report,
        unique_id: String,
        login: String,
        voucher: i64,
        place: Option<Reservation>,
        now: Now,
    ) -> Remote {
        let plan = self.settings.preset.plan;
        Remote {
            id: self.sessions.next_id(),
            admitted: true,
            voucher,
            login,
            station: report.station,
            address: report.address,
            started_at: began(report, now),
            clock_is_set: now.wall_is_set,
            stamp: report.stamp.filter(|_| report.event == Event::Start),
            latest: report.stamp,
            nas: report.nas.clone(),
            unique_id,
            username: report.username.clone(),
            session: report.session.clone(),
            details: report.details.clone(),
            connect_stop: None,
            progress: Progress::default(),
            opened: now.boot,
            heard: now.boot,
            heard_at: now.wall,
            last_traffic: now.boot,
            deadline: place.as_ref().and_then(|place| place.deadline),
            total: place.as_ref().and_then(|place| place.total),
            standing: Standing::Open,
            told: place.map_or_else(|| Told::presumably(&plan), |place| place.told),
            written: None,
        }
    }

    /// Shows a session of somebody whom we never let in. With a name of ours it is told to end:
    /// nobody is online uncounted with a voucher for longer than that takes.
    fn open_unadmitted(
        &mut self,
        report: &Report,
        unique_id: String,
        login: String,
        is_voucher: bool,
        now: Now,
    ) {
        if matches!(report.event, Event::Stop(_)) || self.admissions.is_over(&unique_id) {
            return;
        }
        if !self.admissions.may_open_unadmitted(&report.nas.client, now.boot) {
            return;
        }
        self.close_the_same_device(report, false, now);
        let is_ours = is_voucher || self.is_user(&login);
        let remote = self.reported(report, unique_id, login, 0, None, now);
        let id = remote.id;
        if self.open_remote(Remote { admitted: false, ..remote }, now) {
            self.goes_on(id, report, now);
            if is_ours {
                self.order_end(id, TerminateCause::AdminReset, now);
            }
        }
    }

    fn is_user(&self, login: &str) -> bool {
        match Username::parse(login) {
            Ok(Some(name)) => self.store.is_known(&Subject::User(name)).unwrap_or(false),
            _ => false,
        }
    }

    fn has_a_class_of_ours(
        &self,
        report: &Report,
        login: &str,
        voucher: Option<&Entry<Voucher>>,
    ) -> bool {
        let number = voucher.map_or(0, |entry| entry.id);
        report.class.as_ref().is_some_and(|class| self.classes.is_ours(class, login, number))
    }

    /// Whether an access point was told to let this login in before: lately, or so long ago that a
    /// session of theirs is written down.
    fn was_let_in(&self, report: &Report, login: &str, now: Now) -> bool {
        let client = &report.nas.client;
        self.admissions.knows(client, login, now.boot)
            || self.store.has_session(&fold(login), client).unwrap_or(false)
    }

    /// Whether a session that is open without having been let in has been since.
    pub(super) fn is_admitted_since(&self, id: i64, report: &Report, now: Now) -> bool {
        let Some(remote) = self.remotes.get(id).filter(|remote| !remote.admitted) else {
            return false;
        };
        self.was_let_in(report, &remote.login, now)
    }

    /// Whether somebody has been let in after this moment of the boot clock who is reported now.
    pub(super) fn place_is_kept_since(&self, after: Duration, report: &Report, now: Now) -> bool {
        let voucher = self.voucher_of(&report.username).ok().flatten();
        let login = login_of(report, voucher.as_ref());
        let earlier = self.has_a_class_of_ours(report, &login, voucher.as_ref());
        self.reservations.is_kept_since(after, &login, report, earlier, now)
    }

    /// Keeps a session in mind that has not ended yet: an end needs no room.
    fn open_remote_for(&mut self, event: Event, remote: Remote, now: Now) -> bool {
        if matches!(event, Event::Stop(_)) {
            self.remotes.open(remote);
            return true;
        }
        self.open_remote(remote, now)
    }

    /// Keeps a session in mind; of too many, one is given up, which may be this one: false. Whom
    /// nobody counts any more is told to end.
    pub(super) fn open_remote(&mut self, remote: Remote, now: Now) -> bool {
        let Some(yields) = self.remotes.one_too_many(&remote) else {
            log::debug!("guest: session {} at {}", remote.id, remote.nas.client);
            self.remotes.open(remote);
            return true;
        };
        if yields == remote.id {
            self.end_uncounted(&remote);
            return false;
        }
        let other = self.remotes.get(yields).cloned();
        self.close_remote(yields, TerminateCause::LostService, now);
        // Afterwards: what closes takes back the orders before.
        if let Some(other) = other {
            self.end_uncounted(&other);
        }
        self.remotes.open(remote);
        true
    }

    fn end_uncounted(&self, remote: &Remote) {
        if remote.admitted {
            let order = remote.order(super::access::Demand::End(TerminateCause::LostService));
            let _nobody_waits_for_it = self.orders.send(super::access::Dispatch::Order(order));
        }
    }

    /// A session at an access point uses this voucher: until when it may, or why it may not.
    pub(super) fn join_voucher(
        &mut self,
        entry: &Entry<Voucher>,
        session: i64,
        now: Now,
    ) -> (Option<Timestamp>, Option<TerminateCause>) {
        let admitted = entry.value.admit(&self.settings.preset, now);
        let (until, refused) = match admitted {
            Ok(grant) => (grant.until, None),
            Err(refusal) => (None, Some(cause_of(refusal))),
        };
        self.sessions.accounts.know(entry, until);
        self.sessions.accounts.join(entry.id, session, Member::Elsewhere(session));
        (until, refused)
    }

    /// A device has one session at an access point: the end of an earlier one was lost. Whoever was
    /// not let in ends none that was.
    fn close_the_same_device(&mut self, report: &Report, admitted: bool, now: Now) {
        let Some(station) = report.station.filter(|_| report.event == Event::Start) else { return };
        let same = |it: &&Remote| {
            it.station == Some(station) && it.nas.is(&report.nas) && (admitted || !it.admitted)
        };
        let earlier: Vec<i64> =
            self.remotes.of_station(station).filter(same).map(|it| it.id).collect();
        for id in earlier {
            self.close_remote(id, TerminateCause::LostService, now);
        }
    }
}

/// Whom a report is about: a voucher's username, or what the access point says.
fn login_of(report: &Report, voucher: Option<&Entry<Voucher>>) -> String {
    let username = report.username.trim();
    voucher.map_or(username, |entry| entry.value.username.as_str()).to_owned()
}

/// When a reported session began.
fn began(report: &Report, now: Now) -> Timestamp {
    let before = report.delay + report.reported.time.unwrap_or_default();
    now.wall.plus(-whole_seconds(before))
}

fn cause_of(refusal: Refusal) -> TerminateCause {
    match refusal {
        Refusal::Expired(_) => TerminateCause::SessionTimeout,
        Refusal::UsedUp => TerminateCause::DataLimit,
        _ => TerminateCause::AdminReset,
    }
}
