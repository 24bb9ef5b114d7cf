//! Places kept for those who have been let in at an access point and are not reported yet.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::access::Report;
use super::change::Told;
use crate::domain::station::Mac;
use crate::domain::time::Now;
use crate::domain::voucher::fold;

/// Places kept at most; about 1 MB.
const MOST_RESERVED: usize = 4096;
/// Places that no longer count and are there for their report, for one login at one client at most.
const UNCOUNTED: usize = 8;
/// How long a place is kept for somebody whose session is not reported.
const RESERVED: Duration = Duration::from_secs(60);

/// A place kept for somebody who has been let in: until the access point reports the session, it
/// counts as one.
#[derive(Clone, Debug)]
pub(super) struct Reservation {
    /// What the access point was given as Class.
    pub(super) class: Vec<u8>,
    pub(super) client: Arc<str>,
    pub(super) station: Option<Mac>,
    /// Acct-Session-Id, where it came with the request.
    pub(super) session: Option<String>,
    pub(super) login: String,
    /// Whether it counts as a device until it is claimed.
    pub(super) counts: bool,
    /// Another one has taken its stead.
    pub(super) is_replaced: bool,
    /// By the boot clock, both.
    pub(super) since: Duration,
    pub(super) deadline: Option<Duration>,
    pub(super) total: Option<u64>,
    /// 0 is none.
    pub(super) voucher: i64,
    /// The voucher or user has been removed since.
    pub(super) revoked: bool,
    pub(super) told: Told,
}

/// Every place that is kept, by the folded login.
#[derive(Debug, Default)]
pub(super) struct Reservations {
    of: HashMap<String, Vec<Reservation>>,
    count: usize,
}

impl Reservations {
    /// Keeps a place for somebody who has been let in; another one for the same sign-in takes its
    /// stead. Where no device is known, they may be two all the same: the earlier one no longer counts,
    /// and is there for its report.
    pub(super) fn reserve(&mut self, reservation: Reservation) {
        if self.count >= MOST_RESERVED {
            self.make_room();
        }
        let places = self.of.entry(fold(&reservation.login)).or_default();
        let before = places.len();
        let mut kept = 0;
        for place in places.iter_mut().rev() {
            let Reservation { client, station, session, .. } = &reservation;
            if place.is_of(client, *station, session.as_deref()) {
                place.counts = false;
                kept += 1;
                place.is_replaced = station.is_some() || kept > UNCOUNTED;
            }
        }
        places.retain(|it| !it.is_replaced);
        self.count -= before - places.len();
        places.push(reservation);
        self.count += 1;
    }

    /// The older half of the client that has most places goes: it cannot take them from others.
    fn make_room(&mut self) {
        let mut clients: HashMap<&Arc<str>, Vec<Duration>> = HashMap::new();
        for place in self.of.values().flatten() {
            clients.entry(&place.client).or_default().push(place.since);
        }
        let Some((client, mut since)) = clients.into_iter().max_by_key(|(_, it)| it.len()) else {
            return;
        };
        since.sort_unstable();
        let Some(median) = since.get(since.len() / 2).copied() else { return };
        let client = client.clone();
        self.forget(|it| it.client == client && it.since <= median);
    }

    /// The places kept for a login, those that do not count among them.
    pub(super) fn of(&self, login: &str, now: Now) -> impl Iterator<Item = &Reservation> {
        let places = self.of.get(&fold(login)).into_iter().flatten();
        places.filter(move |it| now.boot.saturating_sub(it.since) < RESERVED)
    }

    /// Whether a place is kept for a session that is reported now, and has been kept since after
    /// this moment only. `earlier`: its Class is one of ours, so that it can only be the place that
    /// was kept with it.
    pub(super) fn is_kept_since(
        &self,
        after: Duration,
        login: &str,
        report: &Report,
        earlier: bool,
        now: Now,
    ) -> bool {
        self.of(login, now).any(|it| it.since > after && it.is_for(report, earlier))
    }

    /// The place that was kept for a session that is reported now.
    pub(super) fn claim(
        &mut self,
        login: &str,
        report: &Report,
        earlier: bool,
    ) -> Option<Reservation> {
        let login = fold(login);
        let places = self.of.get_mut(&login)?;
        let by_class = places.iter().position(|it| report.class.as_ref() == Some(&it.class));
        let by_station = || {
            let of_device = |it: &Reservation| {
                it.is_for(report, earlier) && it.station.is_some() && it.station == report.station
            };
            places.iter().position(of_device)
        };
        let counted = |it: &Reservation| it.counts && it.is_for(report, earlier);
        let unknown = || places.iter().position(|it| it.is_for(report, earlier));
        let unknown = || places.iter().position(counted).or_else(unknown);
        let index = by_class.or_else(by_station).or_else(unknown)?;
        let place = places.swap_remove(index);
        self.count -= 1;
        if places.is_empty() {
            self.of.remove(&login);
        }
        Some(place)
    }

    /// A voucher, or a user where that is 0, has been removed: whoever is on their way with it
    /// shall not stay.
    pub(super) fn revoke(&mut self, login: &str, voucher: i64) {
        let places = self.of.get_mut(&fold(login)).into_iter().flatten();
        places.filter(|it| it.voucher == voucher).for_each(|it| it.revoked = true);
    }

    /// Gives up the places kept for a login or a device; how many there were.
    pub(super) fn free(&mut self, whose: impl Fn(Option<Mac>, &str) -> bool) -> usize {
        let before = self.count;
        self.forget(|it| whose(it.station, &it.login));
        before - self.count
    }

    /// Gives up places that nobody has claimed.
    pub(super) fn forget_unclaimed(&mut self, now: Now) {
        self.forget(|it| now.boot.saturating_sub(it.since) >= RESERVED);
    }

    fn forget(&mut self, is_over: impl Fn(&Reservation) -> bool) {
        let mut left = 0;
        self.of.retain(|_, places| {
            places.retain(|it| !is_over(it));
            left += places.len();
            !places.is_empty()
        });
        self.count = left;
    }
}

impl Reservation {
    /// Whether it was kept for the same device at the same client. Where no device is known: for a
    /// request that does not say that it is about another session; programs that check passwords
    /// ask again and again.
    pub(super) fn is_of(
        &self,
        client: &Arc<str>,
        station: Option<Mac>,
        session: Option<&str>,
    ) -> bool {
        let both = self.session.as_deref().zip(session);
        let is_same_session = both.is_none_or(|(ours, theirs)| ours == theirs);
        self.client == *client && self.station == station && (station.is_some() || is_same_session)
    }

    /// Whether a report may be of the session that this place was kept for: by its Class, or where
    /// none of ours comes back, by client and device; some access points name the device in one of
    /// both kinds of packets only.
    fn is_for(&self, report: &Report, earlier: bool) -> bool {
        let same_device = match (self.station, report.station) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => true,
        };
        report.class.as_ref() == Some(&self.class)
            || !earlier && self.client == report.nas.client && same_device
    }
}
