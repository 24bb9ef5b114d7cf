//! Sessions that an access point reports for the first time: of those we let in, and of others.
//!
//! An access point is believed about whom it was told to let in. A report about anybody else is
//! shown and counts for nobody: who has the shared secret, and no passcode, ends no session with it,
//! uses up no voucher, takes no place and fills no flash.

use std::collections::BTreeSet;
use std::time::Duration;

use md5::{Digest, Md5};

use super::Hotspot;
use super::coa::CoaState;
use super::disconnect_state::Standing;
use super::nas_sessions::NasSession;
use super::pending_sessions::PendingSession;
use super::quota::Member;
use super::radius_messages::{Event, Nas, Report};
use super::replay::{SAME_MOMENT, whole_seconds};
use super::session::deadline;
use super::subscriber::Subscriber;
use crate::domain::accounting::{Progress, ROUNDED};
use crate::domain::list::Entry;
use crate::domain::login::Refusal;
use crate::domain::rule::Subject;
use crate::domain::session::TerminateCause;
use crate::domain::time::{Now, Timestamp};
use crate::domain::voucher::{Username, Voucher, casefold};

/// What is known of a session when it is opened.
struct Opening {
    subscriber: Subscriber,
    place: Option<PendingSession>,
    /// A Class of ours.
    class: Option<Vec<u8>>,
    /// How long ago that was which is reported.
    age: Duration,
}

impl Hotspot {
    /// A session that is reported for the first time, whatever the report says: its beginning may
    /// have been lost. False where it shall be reported again later.
    pub(super) fn open_reported(
        &mut self,
        report: &Report,
        subscriber: Subscriber,
        now: Now,
    ) -> bool {
        let age = self.age_of_first(report, &subscriber, now);
        let earlier = self.has_a_class_of_ours(report, &subscriber);
        let login = &subscriber.login;
        let happened = now.boot.saturating_sub(age);
        let has_class = self.has_a_class(report, &subscriber);
        let has_place = self.pending_sessions.has_place(login, report, has_class, happened);
        if !has_place && !earlier && !self.was_let_in(report, login, now) {
            self.open_unadmitted(report, &subscriber, age, now);
            return true;
        }
        if !self.admissions.may_begin(&report.nas.client, login, now.boot) {
            return false;
        }
        let place = self.pending_sessions.claim(login, report, has_class, happened);
        self.login_log.session_reported(&report.nas.client, login);
        let class = report
            .class
            .clone()
            .filter(|class| earlier || place.as_ref().is_some_and(|place| place.class == *class));
        let is_old = self.is_old(age);
        self.taken.is_fresh = !is_old && (place.is_some() || earlier);
        let opening = Opening { subscriber, place, class, age };
        match is_old {
            true => self.take_down_old(report, opening, now),
            false => self.open_admitted(report, opening, now),
        }
        true
    }

    fn open_admitted(&mut self, report: &Report, opening: Opening, now: Now) {
        self.close_the_same_device(report, true, opening.age, now);
        self.close_the_same_number(report, &opening, now);
        let place = opening.place.as_ref();
        let is_known = place.is_some();
        let claims_place = place.is_some_and(|place| place.is_place(now));
        let revoked = place.is_some_and(|place| place.revoked);
        let mut over = revoked.then_some(TerminateCause::AdminReset);
        let number = opening.subscriber.voucher_id();
        let voucher = opening.subscriber.voucher.clone();
        let nas_session = self.reported(report, opening, now);
        let id = nas_session.id;
        if !self.open_remote_for(report.event, nas_session, now) {
            return;
        }
        if let Some(entry) = &voucher {
            let (until, refused) = self.join_voucher(entry, id, now);
            if let Some(nas_session) = self.nas_sessions.get_mut(id) {
                nas_session.deadline = nas_session.deadline.or_else(|| deadline(until, now));
                nas_session.presume_end(now);
            }
            over = over.or(refused);
        }
        // First what it has used: its share is of the rest.
        self.goes_on(id, report, now);
        if !is_known {
            self.recall_limits(id, now);
        }
        self.share(number, None, now);
        match over {
            Some(cause) => self.order_end(id, cause, now),
            None => self.end_excess_sessions(id, claims_place, now),
        }
    }

    /// A session that is known by an old report only: what it has used counts, and nobody makes room
    /// for it. If it is still there, its next report says so.
    fn take_down_old(&mut self, report: &Report, opening: Opening, now: Now) {
        if let Some(entry) = &opening.subscriber.voucher {
            let until = self.sessions.accounts.get(entry.id).and_then(|account| account.until);
            self.sessions.accounts.know(entry, until);
        }
        let nas_session = self.reported(report, opening, now);
        let id = nas_session.id;
        self.nas_sessions.open(nas_session);
        let cause = match report.event {
            Event::Stop(cause) => cause,
            Event::Start | Event::Interim => TerminateCause::LostService,
        };
        self.count_report(id, report, now);
        self.close_remote_as_heard(id, cause, now);
    }

    fn reported(&mut self, report: &Report, opening: Opening, now: Now) -> NasSession {
        let plan = self.settings.preset.plan;
        let Opening { subscriber, place, class, age } = opening;
        let let_in = place.as_ref().map(|place| now.boot.saturating_sub(place.since));
        let lasted = lasted(age, report.reported.time, let_in);
        let before = whole_seconds(lasted.saturating_sub(age));
        let started_at = now.wall.plus(-whole_seconds(lasted));
        NasSession {
            id: self.sessions.next_id(),
            admitted: true,
            voucher: subscriber.voucher_id(),
            unique_id: unique_id(report, &subscriber.login),
            login: subscriber.login,
            station: report.station,
            address: report.address,
            started_at,
            admitted_at: let_in.map_or(started_at, |ago| now.wall.plus(-whole_seconds(ago))),
            clock_is_set: now.wall_is_set,
            stamp: report.stamp.map(|stamp| stamp.plus(-before)),
            latest: report.stamp,
            nas: report.nas.clone(),
            username: report.username.clone(),
            session: report.session.clone(),
            details: report.details.clone(),
            connect_stop: None,
            class,
            progress: Progress::default(),
            opened: now.boot,
            lasted,
            second_start: None,
            heard: now.boot.saturating_sub(age),
            heard_at: now.wall.plus(-whole_seconds(age)),
            last_traffic: now.boot,
            deadline: place.as_ref().and_then(|place| place.deadline),
            total: place.as_ref().and_then(|place| place.total),
            standing: Standing::Open,
            told: place.map_or_else(|| CoaState::presumably(&plan), |place| place.told),
            written: None,
        }
    }

    /// Shows a session of somebody whom we never let in. With a name of ours it is told to end:
    /// nobody is online uncounted with a voucher for longer than that takes.
    fn open_unadmitted(
        &mut self,
        report: &Report,
        subscriber: &Subscriber,
        age: Duration,
        now: Now,
    ) {
        let login = subscriber.login.clone();
        let is_over = self.admissions.is_over(&unique_id(report, &login));
        if matches!(report.event, Event::Stop(_)) || self.is_old(age) || is_over {
            return;
        }
        if !self.admissions.may_open_unadmitted(&report.nas.client, now.boot) {
            return;
        }
        self.close_the_same_device(report, false, age, now);
        let has_class = self.has_a_class(report, subscriber);
        let is_ours = has_class || subscriber.voucher.is_some() || self.is_user(&login);
        let nobody = Subscriber { login, voucher: None };
        let opening = Opening { subscriber: nobody, place: None, class: None, age };
        let nas_session = self.reported(report, opening, now);
        let id = nas_session.id;
        if self.open_remote(NasSession { admitted: false, ..nas_session }, now) {
            self.goes_on(id, report, now);
            // The order would name the session that is let in.
            if is_ours && !self.has_a_twin(id) {
                self.order_end(id, TerminateCause::AdminReset, now);
            }
        }
    }

    /// Whether another open session has the same Acct-Session-Id at the same client: an order to end
    /// one could end the other.
    pub(super) fn has_a_twin(&self, id: i64) -> bool {
        let Some(nas_session) = self.nas_sessions.get(id) else { return false };
        !nas_session.session.is_empty()
            && self.nas_sessions.twins(nas_session).any(|it| {
                it.id != id
                    && it.admitted
                    && (it.station.is_none() || it.station == nas_session.station)
                    && it.nas.source == nas_session.nas.source
            })
    }

    fn is_user(&self, login: &str) -> bool {
        match Username::parse(login) {
            Ok(Some(name)) => self.store.is_known(&Subject::User(name)).unwrap_or(false),
            _ => false,
        }
    }

    /// Whether an access point was told to let this login in before: lately, or so long ago that a
    /// session of theirs is written down.
    fn was_let_in(&self, report: &Report, login: &str, now: Now) -> bool {
        let client = &report.nas.client;
        let was = || {
            self.admissions.knows(client, login, now.boot)
                || self.store.has_session(&casefold(login), client).unwrap_or(false)
        };
        !self.has_a_class_of_others(report, login).unwrap_or(true) && was()
    }

    /// Whether a session that is open without having been let in has been since.
    pub(super) fn is_admitted_since(&self, id: i64, report: &Report, now: Now) -> bool {
        let Some(nas_session) =
            self.nas_sessions.get(id).filter(|nas_session| !nas_session.admitted)
        else {
            return false;
        };
        self.was_let_in(report, &nas_session.login, now)
    }

    /// Whether somebody has been let in after this moment of the boot clock who is reported now.
    pub(super) fn place_is_kept_since(&self, after: Duration, report: &Report, now: Now) -> bool {
        let Ok(subscriber) = self.subscriber_of(report) else { return false };
        let earlier = self.has_a_class_of_ours(report, &subscriber);
        self.pending_sessions.is_kept_since(after, &subscriber.login, report, earlier, now)
    }

    /// Keeps a session in mind that has not ended yet: an end needs no room.
    fn open_remote_for(&mut self, event: Event, nas_session: NasSession, now: Now) -> bool {
        if matches!(event, Event::Stop(_)) {
            self.nas_sessions.open(nas_session);
            return true;
        }
        self.open_remote(nas_session, now)
    }

    /// Keeps a session in mind; of too many, one is given up, which may be this one: false. Whom
    /// nobody counts any more is told to end.
    pub(super) fn open_remote(&mut self, nas_session: NasSession, now: Now) -> bool {
        let Some(yields) = self.nas_sessions.one_too_many(&nas_session) else {
            log::debug!("guest: session {} at {}", nas_session.id, nas_session.nas.client);
            self.nas_sessions.open(nas_session);
            return true;
        };
        if yields == nas_session.id {
            self.end_uncounted(&nas_session);
            return false;
        }
        let other = self.nas_sessions.get(yields).cloned();
        self.close_remote(yields, TerminateCause::LostService, now);
        // Afterwards: what closes takes back the orders before.
        if let Some(other) = other {
            self.end_uncounted(&other);
        }
        self.nas_sessions.open(nas_session);
        true
    }

    fn end_uncounted(&self, nas_session: &NasSession) {
        if nas_session.admitted {
            let order =
                nas_session.order(super::radius_messages::Demand::End(TerminateCause::LostService));
            let _nobody_waits_for_it =
                self.orders.send(super::radius_messages::Dispatch::Order(order));
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

    /// An access point that gives a number again with another Class has ended the session before. The
    /// end of an earlier one may come late.
    fn close_the_same_number(&mut self, report: &Report, opening: &Opening, now: Now) {
        let Some(class) = &opening.class else { return };
        if matches!(report.event, Event::Stop(_)) {
            return;
        }
        for id in self.of_the_same_number(report, class, &opening.subscriber.login) {
            self.close_remote(id, TerminateCause::LostService, now);
        }
    }

    /// The open sessions of another Class that cannot be open beside the one that is reported: of the
    /// same device, or where that is not known, of the same login.
    pub(super) fn of_the_same_number(
        &self,
        report: &Report,
        class: &[u8],
        login: &str,
    ) -> BTreeSet<i64> {
        let same = |it: &&NasSession| {
            let both = it.station.zip(report.station);
            let is_same_guest = match both {
                Some((ours, theirs)) => ours == theirs,
                None => !report.session.is_empty() && casefold(&it.login) == casefold(login),
            };
            it.admitted
                && it.session == report.session
                && is_same_guest
                && it.class.as_deref().is_some_and(|its| its != class)
                && self.access_points.same(&it.nas, &report.nas)
        };
        self.nas_sessions.candidates(report).filter(same).map(|it| it.id).collect()
    }

    /// A device has one session at an access point: the end of an earlier one was lost. Whoever was
    /// not let in ends none that was, and nothing old ends what has begun since.
    fn close_the_same_device(&mut self, report: &Report, admitted: bool, age: Duration, now: Now) {
        let Some(station) = report.station.filter(|_| report.event == Event::Start) else { return };
        let began = now.wall.plus(-whole_seconds(age));
        let same = |it: &&NasSession| {
            self.access_points.same_wherever(&it.nas, &report.nas)
                && it.started_at <= began.plus(whole_seconds(SAME_MOMENT))
                && (admitted || !it.admitted)
        };
        let earlier: Vec<i64> =
            self.nas_sessions.of_station(station).filter(same).map(|it| it.id).collect();
        for id in earlier {
            self.close_remote(id, TerminateCause::LostService, now);
        }
    }
}

/// How long a session has lasted that is reported first: no longer than since the sign-in. Some
/// access points count in whole minutes.
fn lasted(age: Duration, time: Option<Duration>, let_in: Option<Duration>) -> Duration {
    let said = age.saturating_add(time.unwrap_or_default());
    match let_in {
        Some(ago) if said > ago.saturating_add(ROUNDED) => ago.max(age),
        _ => said,
    }
}

/// What tells a session from all others: as `acct_unique` of FreeRADIUS 3.2, without the port,
/// which some access points leave out at the end, and with the name that we know.
fn unique_id(report: &Report, login: &str) -> String {
    let Nas { client, source, address, identifier } = &report.nas;
    let place = address.unwrap_or(*source);
    let text = format!(
        "{client}\0{place}\0{}\0{}\0{}",
        identifier.as_deref().unwrap_or_default(),
        report.session,
        casefold(login)
    );
    Md5::digest(text).iter().map(|octet| format!("{octet:02x}")).collect()
}

fn cause_of(refusal: Refusal) -> TerminateCause {
    match refusal {
        Refusal::Expired(_) => TerminateCause::SessionTimeout,
        Refusal::UsedUp => TerminateCause::DataLimit,
        _ => TerminateCause::AdminReset,
    }
}
