//! Places kept for those who have been let in at an access point and are not reported yet.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::access_points::Bound;
use super::coa::CoaState;
use super::radius_messages::Report;
use crate::domain::station::Mac;
use crate::domain::time::Now;
use crate::domain::voucher::casefold;

/// Places kept at most; about 2 MB.
const MOST_RESERVED: usize = 4096;
/// Places that no longer count and are there for their report, for one login at one client at most.
const UNCOUNTED: usize = 8;
/// How long a place is kept for somebody whose session is not reported.
const RESERVED: Duration = Duration::from_secs(60);
/// How long it is known what somebody may use whose session is not reported: its Start may be lost.
const KNOWN: Duration = Duration::from_secs(24 * 3600);
/// So much may a report seem to be of before the sign-in that it followed.
const TOLERANCE: Duration = Duration::from_secs(10);
/// Of how many that is known whose place is not kept any more.
const MOST_KNOWN: usize = 1024;

/// A place kept for somebody who has been let in: until the access point reports the session, it
/// counts as one.
#[derive(Clone, Debug)]
pub(super) struct PendingSession {
    /// What the access point was given as Class.
    pub(super) class: Vec<u8>,
    pub(super) client: Arc<str>,
    pub(super) station: Option<Mac>,
    /// Acct-Session-Id, where the access point sends it with the Access-Request.
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
    pub(super) told: CoaState,
}

/// Every place that is kept, by the folded login.
#[derive(Debug, Default)]
pub(super) struct PendingSessions {
    of: HashMap<String, Vec<PendingSession>>,
    count: usize,
}

impl PendingSessions {
    /// Keeps a place for somebody who has been let in; another one for the same sign-in takes its
    /// stead. Where no device is known, they may be two all the same: the earlier one no longer counts,
    /// and is there for its report.
    pub(super) fn reserve(&mut self, reservation: PendingSession) {
        if self.count >= MOST_RESERVED {
            self.make_room();
        }
        let places = self.of.entry(casefold(&reservation.login)).or_default();
        let before = places.len();
        let mut kept = 0;
        for place in places.iter_mut().rev() {
            let PendingSession { client, station, session, .. } = &reservation;
            if place.is_of(client, *station, session.as_deref()) {
                place.counts = false;
                kept += 1;
                let is_same = station.is_some() || session.is_some() && place.session == *session;
                place.is_replaced = is_same || kept > UNCOUNTED;
            }
        }
        places.retain(|it| !it.is_replaced);
        self.count -= before - places.len();
        // Nearly always the only one: a vector that grows by itself begins with room for four.
        places.reserve_exact(1);
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
    pub(super) fn of(&self, login: &str, now: Now) -> impl Iterator<Item = &PendingSession> {
        let places = self.of.get(&casefold(login)).into_iter().flatten();
        places.filter(move |it| it.is_place(now))
    }

    /// Who was let in with this Class, or on this device where a report names nobody. A walk where the
    /// name that is reported is not the one that was let in.
    pub(super) fn account_of(&self, report: &Report, is_nameless: bool) -> Option<&PendingSession> {
        let client = &report.nas.client;
        let its = || self.of.values().flatten().filter(|it| it.client == *client);
        let has_class = |it: &&PendingSession| report.class.as_ref() == Some(&it.class);
        let by_class = || {
            let named = self.of.get(&casefold(&report.username)).into_iter().flatten();
            named
                .filter(|it| it.client == *client)
                .find(has_class)
                .or_else(|| its().find(has_class))
        };
        let by_device = || {
            let of_device = its().filter(|it| it.station == report.station);
            of_device.max_by_key(|it| it.since)
        };
        let by_class = report.class.as_ref().and_then(|_| by_class());
        by_class.or_else(|| report.station.filter(|_| is_nameless).and_then(|_| by_device()))
    }

    /// Whether a Class was given with a place of this login.
    pub(super) fn has_class(&self, login: &str, class: &[u8]) -> bool {
        let places = self.of.get(&casefold(login)).into_iter().flatten();
        places.into_iter().any(|it| it.class == class)
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

    /// How old a report about this login can be, if it is of a place that is kept.
    pub(super) fn bound(&self, login: &str, report: &Report, earlier: bool, now: Now) -> Bound {
        let ago = |it: &PendingSession| now.boot.saturating_sub(it.since);
        let places = || self.of.get(&casefold(login)).into_iter().flatten();
        if let Some(it) = places().find(|it| report.class.as_ref() == Some(&it.class)) {
            return Bound::Certain(ago(it));
        }
        let its = places().filter(|it| it.is_place(now) && it.is_for(report, earlier));
        its.map(ago).min().map_or(Bound::None, Bound::Likely)
    }

    /// Whether there is a place that [`PendingSessions::claim`] would take.
    pub(super) fn has_place(
        &self,
        login: &str,
        report: &Report,
        earlier: bool,
        happened: Duration,
    ) -> bool {
        let places = self.of.get(&casefold(login));
        places.and_then(|places| place_for(places, report, earlier, happened)).is_some()
    }

    /// The place that was kept for a session that is reported now, as of this moment of the boot
    /// clock: who was let in later is somebody else, unless the Class comes back.
    pub(super) fn claim(
        &mut self,
        login: &str,
        report: &Report,
        earlier: bool,
        happened: Duration,
    ) -> Option<PendingSession> {
        let login = casefold(login);
        let places = self.of.get_mut(&login)?;
        let index = place_for(places, report, earlier, happened)?;
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
        let places = self.of.get_mut(&casefold(login)).into_iter().flatten();
        places.filter(|it| it.voucher == voucher).for_each(|it| it.revoked = true);
    }

    /// An access point of this client counts from the other side than it was told for.
    pub(super) fn swap_directions(&mut self, client: &Arc<str>) {
        let places = self.of.values_mut().flatten();
        places.filter(|it| it.client == *client).for_each(|it| it.told.swap_directions());
    }

    /// Gives up the places kept for a login or a device; how many there were.
    pub(super) fn free(&mut self, whose: impl Fn(Option<Mac>, &str) -> bool, now: Now) -> usize {
        let is_meant = |it: &&PendingSession| it.is_place(now) && whose(it.station, &it.login);
        let freed = self.of.values().flatten().filter(is_meant).count();
        self.forget(|it| whose(it.station, &it.login));
        freed
    }

    /// Forgets what nobody has claimed.
    pub(super) fn forget_unclaimed(&mut self, now: Now) {
        if self.count == 0 {
            return;
        }
        let age = |it: &PendingSession| now.boot.saturating_sub(it.since);
        let mut known: Vec<Duration> = self.of.values().flatten().map(age).collect();
        known.retain(|age| *age >= RESERVED);
        let most = match known.len().checked_sub(MOST_KNOWN) {
            Some(1..) => {
                known.sort_unstable();
                known.get(MOST_KNOWN).copied().unwrap_or(KNOWN).min(KNOWN)
            }
            _ => KNOWN,
        };
        self.forget(|it| age(it) >= most);
    }

    fn forget(&mut self, is_over: impl Fn(&PendingSession) -> bool) {
        let mut left = 0;
        self.of.retain(|_, places| {
            places.retain(|it| !is_over(it));
            left += places.len();
            !places.is_empty()
        });
        self.count = left;
    }
}

impl PendingSession {
    /// Whether it was kept for the same sign-in: the same device at the same client, or the same
    /// Acct-Session-Id. Where no device is known: for a request that does not say that it is about
    /// another session; programs that check passwords ask again and again.
    pub(super) fn is_of(
        &self,
        client: &Arc<str>,
        station: Option<Mac>,
        session: Option<&str>,
    ) -> bool {
        let both = self.session.as_deref().zip(session);
        let may_be_same = self.station.is_none() || station.is_none() || self.station == station;
        let is_same_number = may_be_same && both.is_some_and(|(ours, theirs)| ours == theirs);
        let is_same_device = match self.station == station {
            true => station.is_some() || both.is_none(),
            false => false,
        };
        self.client == *client && (is_same_number || is_same_device)
    }

    /// Whether it still counts as a session.
    pub(super) fn is_place(&self, now: Now) -> bool {
        now.boot.saturating_sub(self.since) < RESERVED
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

/// Which of these places is for a session that is reported now.
fn place_for(
    places: &[PendingSession],
    report: &Report,
    earlier: bool,
    happened: Duration,
) -> Option<usize> {
    let is_for =
        |it: &PendingSession| it.is_for(report, earlier) && it.since <= happened + TOLERANCE;
    let by_class = places.iter().position(|it| report.class.as_ref() == Some(&it.class));
    let by_station = || {
        let of_device = |it: &PendingSession| {
            is_for(it) && it.station.is_some() && it.station == report.station
        };
        places.iter().position(of_device)
    };
    let counted = |it: &PendingSession| it.counts && is_for(it);
    let unknown = || places.iter().position(counted).or_else(|| places.iter().position(is_for));
    let by_number = || {
        let numbered =
            |it: &PendingSession| is_for(it) && it.session.as_ref() == Some(&report.session);
        places.iter().position(numbered)
    };
    by_class.or_else(by_number).or_else(by_station).or_else(unknown)
}
