//! Ending sessions, also at access points, which may or may not do as they are told.

use std::time::Duration;

use super::disconnect_state::Standing;
use super::enforcement::FRESH;
use super::nas_sessions::NasSession;
use super::quota::Member;
use super::radius_messages::{Demand, Dispatch, Order, Outcome};
use super::{AfterCommit, Closed, Hotspot, Reply, Whose, send};
use crate::domain::session::TerminateCause;
use crate::domain::station::Mac;
use crate::domain::time::{Now, Timestamp};
use crate::domain::voucher::casefold;

/// An access point that would not end a session is asked again after this time.
pub(super) const ASK_AGAIN: Duration = Duration::from_secs(300);
/// Access points end sessions by themselves when their time is over: so much later they are told.
const GRACE: Duration = Duration::from_secs(30);
/// So much may a report be late, beside the three that may be missing.
const LATE: Duration = Duration::from_secs(15);
/// Session-Context-Not-Found (RFC 5176 section 3.5): what shall end has ended.
const NOT_FOUND: u32 = 503;

impl NasSession {
    /// What its access point has to be told.
    pub(super) fn order(&self, what: Demand) -> Order {
        Order {
            id: self.id,
            nas: self.nas.clone(),
            username: self.username.clone(),
            session: self.session.clone(),
            calling_station: self.details.calling_station.clone(),
            address: self.address,
            port: self.details.port,
            what,
        }
    }
}

impl Hotspot {
    /// The operator ends sessions: here at once, at access points as soon as they do.
    pub(super) fn close_sessions(
        &mut self,
        whose: Whose,
        reply: Reply<Closed>,
        now: Now,
    ) -> AfterCommit {
        let is_meant = |whose: &Whose, mac: Option<Mac>, login: &str| match whose {
            Whose::Station(station) => mac == Some(*station),
            Whose::Username(name) => casefold(login) == name.folded(),
        };
        let here = self.sessions.iter().filter(|it| is_meant(&whose, Some(it.mac), &it.login));
        let macs: Vec<Mac> = here.map(|it| it.mac).collect();
        let forgotten =
            self.store.attempt(|| macs.iter().try_for_each(|mac| self.store.forget_device(*mac)));
        Box::new(move |hotspot, committed| {
            hotspot.note(&forgotten.and(committed));
            let voucher_at = |mac: &Mac| hotspot.sessions.voucher_at(*mac);
            let vouchers: Vec<i64> = macs.iter().filter_map(voucher_at).collect();
            hotspot.look_at(vouchers, Duration::ZERO, now);
            let closed = macs
                .into_iter()
                .filter_map(|mac| hotspot.close_session(mac, TerminateCause::AdminReset, now));
            let here = closed.count();
            let there =
                hotspot.nas_sessions.iter().filter(|it| is_meant(&whose, it.station, &it.login));
            let there: Vec<i64> = there.map(|it| it.id).collect();
            let freed =
                hotspot.pending_sessions.free(|mac, login| is_meant(&whose, mac, login), now);
            let closed = Closed { here, asked: there.len(), freed };
            for id in there {
                hotspot.order_end(id, TerminateCause::AdminReset, now);
            }
            hotspot.answer_once_enforced(move |_| send(reply, Ok(closed)));
        })
    }

    /// Ends a session, wherever it is.
    pub(super) fn end(&mut self, member: Member, cause: TerminateCause, now: Now) {
        match member {
            Member::Here(mac) => drop(self.close_session(mac, cause, now)),
            Member::Elsewhere(id) => self.order_end(id, cause, now),
        }
    }

    /// Has an access point told to end a session. It goes on being counted until the access point
    /// says that it has ended.
    pub(super) fn order_end(&mut self, id: i64, cause: TerminateCause, now: Now) {
        let Some(nas_session) = self.nas_sessions.get_mut(id) else { return };
        let wait = match nas_session.standing {
            Standing::Open => false,
            Standing::Asked(_) => true,
            Standing::Stays(_, _, since) => now.boot.saturating_sub(since) < ASK_AGAIN,
        };
        if wait && cause != TerminateCause::AdminReset
            || matches!(nas_session.standing, Standing::Asked(_))
        {
            return;
        }
        self.send_end(id, cause, now);
    }

    pub(super) fn send_end(&mut self, id: i64, cause: TerminateCause, now: Now) {
        let Some(nas_session) = self.nas_sessions.get_mut(id) else { return };
        let order = nas_session.order(Demand::End(cause));
        nas_session.standing = match self.orders.send(Dispatch::Order(order)) {
            Ok(()) => Standing::Asked(cause),
            Err(_) => Standing::Stays(cause, Outcome::Unknown, now.boot),
        };
    }

    /// An access point has answered, or has not.
    pub(super) fn ordered(&mut self, id: i64, outcome: Outcome, now: Now) {
        let Some(nas_session) = self.nas_sessions.get_mut(id) else { return };
        let Standing::Asked(cause) = nas_session.standing else { return };
        match outcome {
            Outcome::Done | Outcome::Refused(Some(NOT_FOUND)) => {
                self.close_remote(id, cause, now);
                let _noted = self.enforce(now);
            }
            _ => nas_session.standing = Standing::Stays(cause, outcome, now.boot),
        }
        if matches!(outcome, Outcome::Silent | Outcome::Unsent) {
            self.unanswered.end(id, now);
        }
    }

    /// A session at an access point has ended.
    pub(super) fn close_remote(&mut self, id: i64, cause: TerminateCause, now: Now) {
        self.close_remote_at(id, cause, now.wall, now);
    }

    /// A session at an access point ended at this moment.
    pub(super) fn close_remote_at(
        &mut self,
        id: i64,
        cause: TerminateCause,
        at: Timestamp,
        now: Now,
    ) {
        let Some(nas_session) = self.nas_sessions.close(id) else { return };
        self.unanswered.forget(id);
        let _nobody_waits_for_it = self.orders.send(Dispatch::Closed(id));
        if !nas_session.admitted {
            return;
        }
        // What it leaves is for those who are here: their new shares begin with what they have used.
        self.look_at([nas_session.voucher], FRESH, now);
        self.sessions.accounts.leave(nas_session.voucher, id);
        if self.admissions.may_log(&nas_session.nas.client, now.boot) {
            let usage = nas_session.progress.usage();
            log::info!(
                "guest: {} is not online any more at {} after {} s, {} octets down, {} up: {cause}",
                self.label_of_remote(&nas_session),
                nas_session.nas.client,
                nas_session.progress.time().as_secs(),
                usage.download,
                usage.upload,
            );
        }
        self.sessions.write_end(nas_session.record(Some((at, cause))));
        self.share(nas_session.voucher, None, now);
    }

    pub(super) fn label_of_remote(&self, nas_session: &NasSession) -> String {
        match nas_session.voucher {
            0 => super::portal_login::printable(&nas_session.login),
            voucher => self.sessions.accounts.label(voucher),
        }
    }

    /// Ends what has come to its end, and what has not been heard of for too long.
    pub(super) fn watch_remotes(&mut self, now: Now) {
        self.pending_sessions.forget_unclaimed(now);
        let configured = self.settings.interim_interval;
        let silence = |nas_session: &NasSession| {
            Duration::from_secs(nas_session.told.interim(configured).into()) * 3 + LATE
        };
        let is_lost = |nas_session: &&NasSession| {
            now.boot.saturating_sub(nas_session.heard) > silence(nas_session)
        };
        let lost: Vec<i64> = self.nas_sessions.iter().filter(is_lost).map(|it| it.id).collect();
        for id in lost {
            self.close_remote(id, TerminateCause::LostService, now);
        }
        let is_over = |nas_session: &&NasSession| {
            nas_session.deadline.is_some_and(|deadline| now.boot >= deadline + GRACE)
        };
        let over: Vec<i64> = self.nas_sessions.iter().filter(is_over).map(|it| it.id).collect();
        for id in over {
            self.order_end(id, TerminateCause::SessionTimeout, now);
        }
        self.ask_again(now);
    }

    fn ask_again(&mut self, now: Now) {
        let stays = |nas_session: &NasSession| match nas_session.standing {
            Standing::Stays(cause, _, since) if now.boot.saturating_sub(since) >= ASK_AGAIN => {
                Some((nas_session.id, cause))
            }
            _ => None,
        };
        let again: Vec<(i64, TerminateCause)> =
            self.nas_sessions.iter().filter_map(stays).collect();
        for (id, cause) in again {
            self.order_end(id, cause, now);
        }
    }
}
