//! Whom a report is about that is the first one of its session.

use std::time::Duration;

use super::Hotspot;
use super::access_points::Bound;
use super::evidence::since;
use super::matching::is_nameless;
use super::radius_messages::Report;
use crate::domain::list::Entry;
use crate::domain::login::Credential;
use crate::domain::secret::Secret;
use crate::domain::time::Now;
use crate::domain::voucher::Voucher;
use crate::store::{SessionRecord, StoreError};

/// Who a session is charged to.
pub(super) struct Subscriber {
    pub(super) login: String,
    /// Their voucher, if it is one.
    pub(super) voucher: Option<Box<Entry<Voucher>>>,
}

impl Subscriber {
    pub(super) fn voucher_id(&self) -> i64 {
        self.voucher.as_ref().map_or(0, |entry| entry.id)
    }
}

impl Hotspot {
    /// By the Class that was given, else by the name; where a report names nobody, by the device that
    /// was let in there last. Of a voucher that is gone it is nobody's, whatever has its name now.
    pub(super) fn subscriber_of(&self, report: &Report) -> Result<Subscriber, StoreError> {
        let username = report.username.trim();
        let voucher = self.voucher_of(username)?;
        let login = voucher.as_ref().map_or(username, |entry| entry.value.username.as_str());
        if let Some(id) = report.class.as_ref().and_then(|class| self.classes.voucher_of(class)) {
            if voucher.as_ref().is_some_and(|entry| entry.id == id) {
                return Ok(Subscriber { login: login.to_owned(), voucher: voucher.map(Box::new) });
            }
            let entry = self.store.voucher_by_id(id)?.map(|entry| self.up_to_date(entry));
            let login = match &entry {
                Some(entry) => entry.value.username.as_str(),
                None => {
                    let place = self.pending_sessions.account_of(report, false);
                    place.map_or(login, |place| place.login.as_str())
                }
            };
            return Ok(Subscriber { login: login.to_owned(), voucher: entry.map(Box::new) });
        }
        let is_nameless = voucher.is_none() && is_nameless(report);
        let is_usual = match &report.class {
            Some(class) => self.pending_sessions.has_class(login, class),
            None => !is_nameless,
        };
        if !is_usual && let Some(place) = self.pending_sessions.account_of(report, is_nameless) {
            let entry = match place.voucher {
                0 => None,
                id => self.store.voucher_by_id(id)?.map(|entry| self.up_to_date(entry)),
            };
            return Ok(Subscriber { login: place.login.clone(), voucher: entry.map(Box::new) });
        }
        Ok(Subscriber { login: login.to_owned(), voucher: voucher.map(Box::new) })
    }

    /// The voucher behind a reported name: also behind a code that was typed as one.
    fn voucher_of(&self, username: &str) -> Result<Option<Entry<Voucher>>, StoreError> {
        if username.is_empty() {
            return Ok(None);
        }
        if let Some(entry) = self.voucher_named(username)? {
            return Ok(Some(entry));
        }
        for meaning in Credential::Code(Secret::new(username)).meanings() {
            if let Some(entry) = self.voucher_named(&meaning.username)?
                && entry.value.opens_as(&meaning)
            {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// Whether a report has a Class that was given for somebody else: for an earlier voucher of this
    /// name, say.
    pub(super) fn has_a_class_of_others(
        &self,
        report: &Report,
        login: &str,
    ) -> Result<bool, StoreError> {
        let Some(class) = report.class.as_ref().filter(|class| self.classes.is_sealed(class))
        else {
            return Ok(false);
        };
        let number = self.voucher_named(login)?.map_or(0, |entry| entry.id);
        Ok(!self.classes.is_ours(class, login, number))
    }

    /// Whether only the place that was kept with its Class can be a report's.
    pub(super) fn has_a_class(&self, report: &Report, subscriber: &Subscriber) -> bool {
        let is_sealed = report.class.as_ref().is_some_and(|class| self.classes.is_sealed(class));
        is_sealed || self.has_a_class_of_ours(report, subscriber)
    }

    pub(super) fn has_a_class_of_ours(&self, report: &Report, subscriber: &Subscriber) -> bool {
        let Subscriber { login, .. } = subscriber;
        let number = subscriber.voucher_id();
        report.class.as_ref().is_some_and(|class| self.classes.is_ours(class, login, number))
    }

    /// How long ago that was which a session's first report says.
    pub(super) fn age_of_first(
        &mut self,
        report: &Report,
        subscriber: &Subscriber,
        now: Now,
    ) -> Duration {
        let earlier = self.has_a_class(report, subscriber);
        let bound = self.pending_sessions.bound(&subscriber.login, report, earlier, now);
        self.access_points.age(report, bound, now)
    }

    /// How long ago that was which is reported of an open session.
    pub(super) fn age_of_next(&mut self, id: i64, report: &Report, now: Now) -> Duration {
        let bound = self.nas_sessions.get(id).map_or(Bound::None, |nas_session| {
            let lasted = nas_session.lasted + now.boot.saturating_sub(nas_session.opened);
            bound_by(lasted, nas_session.progress.reported_time(), report)
        });
        self.access_points.age(report, bound, now)
    }

    /// How long ago that was which is reported of a session that has ended.
    pub(super) fn age_after_end(
        &mut self,
        row: &SessionRecord,
        report: &Report,
        now: Now,
    ) -> Duration {
        let bound = bound_by(since(row.started_at, now), reported_time(row), report);
        self.access_points.age(report, bound, now)
    }

    /// A report that is older than this says nothing of who is online now.
    pub(super) fn is_old(&self, age: Duration) -> bool {
        age > Duration::from_secs(u64::from(self.settings.interim_interval).max(60))
    }
}

/// A fresh report of a session is not older than what it leaves of the session's time.
fn bound_by(lasted: Duration, known: Duration, report: &Report) -> Bound {
    let news = report.reported.time.filter(|time| *time > known);
    news.and_then(|time| lasted.checked_sub(time)).map_or(Bound::None, Bound::Certain)
}

/// Acct-Session-Time as it was reported last.
pub(super) fn reported_time(row: &SessionRecord) -> Duration {
    row.nas_session.as_ref().map_or(row.time, |nas_session| nas_session.reported_time.max(row.time))
}
