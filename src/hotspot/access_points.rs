//! What is learned of each access point from its packets: whether a proxy stands before it, and how
//! far its clock is from ours, which tells when something happened that it reports.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::radius_messages::{Nas, Report};
use super::replay::whole_seconds;
use crate::domain::oldest::oldest;
use crate::domain::time::{Now, Timestamp};

/// Access points and source addresses kept in mind at most; the ones that were heard of least lately
/// go first.
const MOST_KNOWN: usize = 1024;
/// How many access points are remembered that came from one source address, or had one name.
const MOST_PAST: usize = 4;
/// How long it counts that several came from one source address, or had one name.
const BY_TURNS: Duration = Duration::from_secs(24 * 3600);
/// A report is not believed to be older: the clock of the access point is wrong, or has been set.
const OLDEST: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long our own clock counts for the clock of an access point that was not heard of before.
const PRESUMED: Duration = Duration::from_secs(300);
/// How long the difference of clocks holds that the freshest report has shown.
const WINDOW: Duration = Duration::from_secs(6 * 3600);
/// Two moments of two clocks may be so far apart.
const TOLERANCE: i64 = 5;

/// Every access point that was heard of lately.
#[derive(Debug, Default)]
pub(super) struct AccessPoints {
    /// What each source address of a client says that it is: where it says one thing and another by
    /// turns, several access points are behind it.
    sources: HashMap<(Arc<str>, IpAddr), Alternation<Nas>>,
    /// Where each NAS-Identifier of a client comes from: by turns where several have the same one, as
    /// delivered.
    identifiers: HashMap<(Arc<str>, String), Alternation<IpAddr>>,
    clocks: HashMap<Nas, ClockOffset>,
}

/// How old a report can be, by what is known beside its stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    /// Its Class was given so long ago, or it leaves so much of its session's time.
    Certain(Duration),
    /// Somebody was let in so long ago for whom it may be the first report: that is believed where
    /// nothing is known of the clock.
    Likely(Duration),
    /// Nothing is known.
    None,
}

impl AccessPoints {
    /// A packet has come.
    pub(super) fn heard(&mut self, nas: &Nas, now: Now) {
        let key = (nas.client.clone(), nas.source);
        if !self.sources.contains_key(&key) {
            make_room(&mut self.sources, |it| it.heard);
        }
        let source = self.sources.entry(key).or_insert_with(|| Alternation::new(nas.clone(), now));
        let current = source.heard(nas, |one, other| !one.differs_from(other), now);
        current.address = current.address.or(nas.address);
        if current.identifier.is_none() {
            current.identifier.clone_from(&nas.identifier);
        }
        let Some(identifier) = &nas.identifier else { return };
        let key = (nas.client.clone(), identifier.clone());
        if !self.identifiers.contains_key(&key) {
            make_room(&mut self.identifiers, |it| it.heard);
        }
        let places =
            self.identifiers.entry(key).or_insert_with(|| Alternation::new(nas.source, now));
        places.heard(&nas.source, |one, other| one == other, now);
    }

    /// Whether several access points came from the source address of this one lately.
    fn is_proxied(&self, nas: &Nas) -> bool {
        let source = self.sources.get(&(nas.client.clone(), nas.source));
        source.is_some_and(Alternation::goes_on)
    }

    /// Whether both are the same access point.
    pub(super) fn same(&self, one: &Nas, other: &Nas) -> bool {
        one.is(other, self.is_proxied(one) || self.is_proxied(other))
    }

    /// Whether both are the same access point, which may have another address now.
    pub(super) fn same_wherever(&self, one: &Nas, other: &Nas) -> bool {
        self.same(one, other) || self.has_moved(one, other)
    }

    /// Whether both are one access point that has another address now: its NAS-Identifier is the same
    /// and nobody else's, and NAS-IP-Address has changed with the address, if it is sent. Several as
    /// delivered often have the same one of both.
    pub(super) fn has_moved(&self, one: &Nas, other: &Nas) -> bool {
        let Some(identifier) = &one.identifier else { return false };
        let places = self.identifiers.get(&(one.client.clone(), identifier.clone()));
        one.client == other.client
            && one.source != other.source
            && one.identifier == other.identifier
            && one.address.zip(other.address).is_none_or(|(one, other)| one != other)
            && !places.is_some_and(Alternation::goes_on)
            && !self.is_proxied(one)
            && !self.is_proxied(other)
    }

    /// How long ago that was which is reported: by Event-Timestamp and the difference of clocks, and
    /// by Acct-Delay-Time. Some access points send the time of the event and count the delay up,
    /// some renew both with each transmission: the greater one is right for either.
    pub(super) fn age(&mut self, report: &Report, bound: Bound, now: Now) -> Duration {
        // Access points whose clock was set meanwhile compute decades.
        let delay = Some(report.delay).filter(|delay| *delay <= OLDEST).unwrap_or_default();
        let age = match report.stamp {
            Some(stamp) => self.age_by_clock(&report.nas, stamp, bound, now).max(delay),
            None => delay,
        };
        match bound {
            Bound::Certain(most) => age.min(most),
            Bound::Likely(_) | Bound::None => age,
        }
    }

    /// How long ago an access point went off or started anew. Where nothing is known of its clock,
    /// that was now.
    pub(super) fn age_of_restart(
        &mut self,
        nas: &Nas,
        stamp: Option<Timestamp>,
        now: Now,
    ) -> Duration {
        let age = |stamp| self.age_by_clock(nas, stamp, Bound::Likely(Duration::ZERO), now);
        stamp.map(age).unwrap_or_default()
    }

    /// The clock of an access point is not what it was.
    pub(super) fn forget_clock(&mut self, nas: &Nas) {
        let is_proxied = self.is_proxied(nas);
        self.clocks.retain(|known, _| !known.is(nas, is_proxied));
    }

    fn age_by_clock(&mut self, nas: &Nas, stamp: Timestamp, bound: Bound, now: Now) -> Duration {
        if !self.clocks.contains_key(nas) {
            make_room(&mut self.clocks, |it| it.heard);
            self.clocks.insert(nas.clone(), ClockOffset::unknown(now));
        }
        let Some(clock) = self.clocks.get_mut(nas) else { return Duration::ZERO };
        clock.age(stamp, bound, now)
    }
}

/// What was heard in one place, one thing after the other. A change is only that: an access point has
/// got another name, or another address. By turns, there are several.
#[derive(Debug)]
struct Alternation<T> {
    current: T,
    /// The first ones before it.
    past: Vec<T>,
    /// When one came again after another, by the boot clock.
    returned: Option<Duration>,
    heard: Duration,
}

impl<T: Clone> Alternation<T> {
    fn new(current: T, now: Now) -> Self {
        Self { current, past: Vec::new(), returned: None, heard: now.boot }
    }

    /// The current one, as it has been known so far.
    fn heard(&mut self, it: &T, is_same: impl Fn(&T, &T) -> bool, now: Now) -> &mut T {
        self.heard = now.boot;
        if !is_same(&self.current, it) {
            let again = self.past.iter().position(|past| is_same(past, it));
            let next = again.map_or_else(|| it.clone(), |index| self.past.swap_remove(index));
            if again.is_some() {
                self.returned = Some(now.boot);
            }
            let before = std::mem::replace(&mut self.current, next);
            if self.past.len() < MOST_PAST {
                self.past.push(before);
            }
        }
        &mut self.current
    }

    /// Whether they came by turns lately.
    fn goes_on(&self) -> bool {
        self.returned.is_some_and(|at| self.heard.saturating_sub(at) < BY_TURNS)
    }
}

fn make_room<K: Clone + std::hash::Hash + Eq, V>(
    map: &mut HashMap<K, V>,
    heard: impl Fn(&V) -> Duration,
) {
    if map.len() >= MOST_KNOWN {
        for key in oldest(map.iter().map(|(key, it)| (key, heard(it)))) {
            map.remove(&key);
        }
    }
}

/// Seconds by which an access point's Event-Timestamp is ahead of our boot clock when a report is
/// fresh: the greatest that were seen, since reports come late and never early.
#[derive(Clone, Copy, Debug)]
struct ClockOffset {
    /// In this window and in the one before.
    greatest: Option<i64>,
    before: Option<i64>,
    since: Duration,
    /// Until when our own clock counts for its clock.
    presumed_until: Option<Duration>,
    heard: Duration,
}

impl ClockOffset {
    fn unknown(now: Now) -> Self {
        let now = now.boot;
        let presumed_until = Some(now + PRESUMED);
        Self { greatest: None, before: None, since: now, presumed_until, heard: now }
    }

    fn age(&mut self, stamp: Timestamp, bound: Bound, now: Now) -> Duration {
        let shown = stamp.unix().saturating_sub(whole_seconds(now.boot));
        self.heard = now.boot;
        let passed = now.boot.saturating_sub(self.since);
        if passed >= WINDOW {
            let before = self.greatest.filter(|_| passed < 2 * WINDOW);
            (self.before, self.greatest, self.since) = (before, None, now.boot);
        }
        let behind = self.offset(now).map_or(0, |offset| offset.saturating_sub(shown));
        let most = match bound {
            Bound::Certain(most) => most,
            Bound::Likely(most) if self.greatest.or(self.before).is_none() => most,
            Bound::Likely(_) | Bound::None => OLDEST,
        };
        let most = whole_seconds(most.min(OLDEST));
        if behind > most.saturating_add(TOLERANCE) {
            // Its clock was set back, or was never what it seemed.
            (self.before, self.greatest) = (None, Some(shown));
            self.presumed_until = None;
            return Duration::ZERO;
        }
        self.greatest = self.greatest.max(Some(shown));
        Duration::from_secs(u64::try_from(behind).unwrap_or(0))
    }

    fn offset(&self, now: Now) -> Option<i64> {
        let is_new = now.wall_is_set && self.presumed_until.is_some_and(|until| now.boot < until);
        let ours = is_new.then(|| now.wall.unix().saturating_sub(whole_seconds(now.boot)));
        self.greatest.max(self.before).max(ours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_800_000_000;

    fn now(seconds: u64) -> Now {
        let wall = Timestamp::from_unix(START + seconds as i64);
        Now { wall, wall_is_set: true, boot: Duration::from_secs(100 + seconds) }
    }

    fn nas(source: u8, address: u8) -> Nas {
        let ip = |last| IpAddr::from([10, 0, 0, last]);
        let address = Some(ip(address));
        Nas { client: "lobby".into(), source: ip(source), address, identifier: None }
    }

    /// How old a report looks, in seconds, that says it is of this moment.
    fn age(clock: &mut ClockOffset, stamp: i64, at_most: Option<u64>, at: u64) -> u64 {
        let stamp = Timestamp::from_unix(START + stamp);
        let bound = at_most.map_or(Bound::None, |it| Bound::Certain(Duration::from_secs(it)));
        clock.age(stamp, bound, now(at)).as_secs()
    }

    #[test]
    fn a_clock_that_is_right_tells_how_old_a_report_is() {
        let mut clock = ClockOffset::unknown(now(0));
        assert_eq!(age(&mut clock, -7200, None, 0), 7200);
        assert_eq!(age(&mut clock, 1, None, 1), 0);
        assert_eq!(age(&mut clock, -40, None, 2), 42);
        assert_eq!(age(&mut clock, 30_000, None, 30_000), 0);
        assert_eq!(age(&mut clock, 25_000, None, 30_001), 5_001);
    }

    #[test]
    fn a_clock_that_is_wrong_is_learned_from_what_is_fresh() {
        for wrong in [-36_000, -3_600, 3_600, 1_000_000] {
            let mut clock = ClockOffset::unknown(now(0));
            // Somebody was let in three seconds ago.
            assert_eq!(age(&mut clock, wrong, Some(3), 0), 0, "{wrong}");
            assert_eq!(age(&mut clock, wrong + 300, None, 300), 0, "{wrong}");
            assert_eq!(age(&mut clock, wrong + 300, None, 400), 100, "{wrong}");
        }
        // Without that, by what comes in the long run; of 1970, at once.
        let mut clock = ClockOffset::unknown(now(0));
        assert_eq!(age(&mut clock, -3_600, None, 0), 3_600);
        assert_eq!(age(&mut clock, -2_600, None, 1_000), 0);
        let mut clock = ClockOffset::unknown(now(0));
        assert_eq!(age(&mut clock, -START, None, 0), 0);
        assert_eq!(age(&mut clock, 100 - START, None, 200), 100);
    }

    #[test]
    fn a_clock_that_is_set_back_is_followed() {
        let mut clock = ClockOffset::unknown(now(0));
        assert_eq!(age(&mut clock, 5_000, None, 0), 0);
        // A session that has been there for a minute says how old its report can be.
        assert_eq!(age(&mut clock, 60, Some(20), 60), 0);
        assert_eq!(age(&mut clock, 100, None, 100), 0);
        assert_eq!(age(&mut clock, 40, None, 41 + 12 * 3600), 0);
    }

    #[test]
    fn a_source_where_two_access_points_take_turns_is_a_proxy() {
        let mut known = AccessPoints::default();
        known.heard(&nas(1, 1), now(0));
        known.heard(&Nas { address: None, ..nas(1, 1) }, now(0));
        known.heard(&nas(2, 1), now(0));
        assert!(!known.same(&nas(1, 1), &nas(2, 1)));
        // It has got another name, once and again.
        known.heard(&nas(1, 2), now(0));
        known.heard(&nas(1, 3), now(0));
        assert!(!known.same(&nas(1, 1), &nas(2, 1)));
        known.heard(&nas(1, 1), now(0));
        assert!(known.same(&nas(1, 1), &nas(2, 1)));
        // Elsewhere there is none.
        assert!(!known.same(&nas(3, 1), &nas(2, 1)));
        // Whoever has not come by turns for a day is one again.
        known.heard(&nas(1, 1), now(24 * 3600));
        assert!(!known.same(&nas(1, 1), &nas(2, 1)));
        for last in 0..3000_u32 {
            let source = IpAddr::from(last.to_be_bytes());
            let identifier = Some(last.to_string());
            known.heard(&Nas { source, identifier, ..nas(1, 1) }, now(u64::from(last)));
        }
        let is_bounded = |count| (MOST_KNOWN * 15 / 16..=MOST_KNOWN).contains(&count);
        assert!(is_bounded(known.sources.len()) && is_bounded(known.identifiers.len()));
    }

    #[test]
    fn a_name_in_another_place_is_the_same_access_point_unless_several_have_it() {
        let named = |source, address: Option<u8>| Nas {
            address: address.map(|last| [10, 0, 0, last].into()),
            identifier: Some("hall".into()),
            ..nas(source, 1)
        };
        let mut known = AccessPoints::default();
        known.heard(&named(1, None), now(0));
        known.heard(&named(2, None), now(0));
        assert!(known.has_moved(&named(1, None), &named(2, None)));
        assert!(known.has_moved(&named(1, Some(1)), &named(2, Some(2))));
        assert!(!known.has_moved(&named(1, Some(1)), &named(2, Some(1))));
        assert!(!known.has_moved(&nas(1, 1), &nas(2, 2)));
        known.heard(&named(1, None), now(0));
        assert!(!known.has_moved(&named(1, None), &named(2, None)));
    }
}
