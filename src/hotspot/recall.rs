//! What holds for a session whose sign-in is not known any more, since the daemon has been restarted:
//! worked out again from the rows that the operator has written down.

use std::time::Duration;

use super::Hotspot;
use super::candidates::what_is_known;
use super::nas_sessions::NasSession;
use super::radius_messages::session_timeout;
use crate::domain::session::TerminateCause;
use crate::domain::time::Now;
use crate::domain::voucher::Username;
use crate::policy::dictionary::{
    ACCT_INTERIM_INTERVAL, CALLED_STATION_ID, CALLING_STATION_ID, NAS_IDENTIFIER, NAS_IP_ADDRESS,
    USER_NAME,
};
use crate::policy::{Authorized, Limits, Pairs, User, Value, authorize};
use crate::store::StoreError;

/// What the rows say of a session that goes on.
struct Recalled {
    /// What it may still use; `None` is nothing.
    left: Option<Limits>,
    /// Acct-Interim-Interval.
    interim: Option<u32>,
}

impl NasSession {
    /// What check items can be held against, of what was sent with the sign-in.
    fn attributes(&self) -> Pairs {
        let mut attributes = Pairs::default();
        let text = |value: Option<&String>| value.cloned().map(Value::Text);
        let address = match self.nas.address {
            Some(std::net::IpAddr::V4(address)) => Some(Value::Ipv4(address)),
            _ => None,
        };
        for (attribute, value) in [
            (USER_NAME, text(Some(&self.username))),
            (CALLING_STATION_ID, text(self.details.calling_station.as_ref())),
            (CALLED_STATION_ID, text(self.details.called_station.as_ref())),
            (NAS_IDENTIFIER, text(self.nas.identifier.as_ref())),
            (NAS_IP_ADDRESS, address),
        ] {
            if let Some(value) = value {
                attributes.push(attribute, value);
            }
        }
        attributes
    }
}

impl Hotspot {
    /// Limits and the time between reports, by the rows. A session that has nothing left by them is
    /// told to end.
    pub(super) fn recall_limits(&mut self, id: i64, now: Now) {
        let recalled = self.limits_by_rows(id, now);
        self.note(&recalled);
        let Ok(Some(Recalled { left, interim })) = recalled else { return };
        let Some(nas_session) = self.nas_sessions.get_mut(id) else { return };
        nas_session.told.recall(interim, None);
        let Some(Limits { time, total }) = left else {
            return self.order_end(id, TerminateCause::SessionTimeout, now);
        };
        let end = time.map(|left| now.boot.saturating_add(left));
        nas_session.told.recall(interim, end);
        nas_session.deadline = nas_session.deadline.into_iter().chain(end).min();
        let usage = nas_session.progress.usage();
        let used = usage.download.saturating_add(usage.upload);
        nas_session.total = nas_session.total.or(total.map(|left| used.saturating_add(left)));
        nas_session.presume_end(now);
        if nas_session.has_used_all() {
            self.order_end(id, TerminateCause::DataLimit, now);
        }
    }

    /// The time between reports only: the limits of the session are known.
    pub(super) fn recall_interim(&mut self, id: i64) {
        let rows = self.nas_sessions.get(id).map(|nas_session| self.rows_of(nas_session));
        let Some(Ok(Some(Authorized { reply, .. }))) = rows else { return };
        if let Some(nas_session) = self.nas_sessions.get_mut(id) {
            nas_session.told.recall(reply.integer(ACCT_INTERIM_INTERVAL), None);
        }
    }

    fn limits_by_rows(&self, id: i64, now: Now) -> Result<Option<Recalled>, StoreError> {
        let Some(nas_session) = self.nas_sessions.get(id) else { return Ok(None) };
        let Some(Authorized { control, reply, .. }) = self.rows_of(nas_session)? else {
            return Ok(None);
        };
        let voucher = match nas_session.voucher {
            0 => None,
            id => self.store.voucher_by_id(id)?,
        };
        let left = self.limits_by(&nas_session.login, &control, voucher.as_ref(), 0, now)?.ok();
        let passed = nas_session.uptime(now);
        let timeout = session_timeout(&reply).map(|whole| whole.saturating_sub(passed));
        let left = left
            .map(|limits| Limits { time: limits.time.into_iter().chain(timeout).min(), ..limits });
        let is_over = left.as_ref().is_some_and(|left| left.time == Some(Duration::ZERO));
        let interim = reply.integer(ACCT_INTERIM_INTERVAL);
        Ok(Some(Recalled { left: left.filter(|_| !is_over), interim }))
    }

    /// What the rows of somebody come to; `None` where there are none.
    fn rows_of(&self, nas_session: &NasSession) -> Result<Option<Authorized>, StoreError> {
        let Ok(Some(name)) = Username::parse(&nas_session.login) else { return Ok(None) };
        let mut user = self.store.policy_of(&name)?;
        if user == User::default() {
            return Ok(None);
        }
        // They held when it was let in.
        user.check.retain(|row| row.operator.assigns());
        // The rows of a voucher count like those of a user.
        let known = match nas_session.voucher {
            0 => Pairs::default(),
            id => {
                self.store.voucher_by_id(id)?.map(|it| what_is_known(&it.value)).unwrap_or_default()
            }
        };
        Ok(Some(authorize(&user, &nas_session.attributes(), known)))
    }
}
