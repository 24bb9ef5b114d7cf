//! Slows down guessing, in constant memory.

use std::hash::{BuildHasher, Hash};
use std::time::Duration;

/// Which slot a key falls to: by chance, so that nobody can choose to share one.
#[cfg(not(test))]
pub type Seed = std::hash::RandomState;
/// Always the same one: two keys of a test would share one now and then.
#[cfg(test)]
pub type Seed = std::hash::BuildHasherDefault<std::hash::DefaultHasher>;

/// Slots of a set: those among which a key may be.
const WAYS: usize = 8;

/// A leaky bucket of failures per key, in a table of fixed size.
///
/// A key has a slot of its own, among the `WAYS` of its set. Where these are taken by others whose
/// failures are not all forgiven, it takes over the one with the fewest, failures included: a key is
/// never taken for one that has failed less often than it has (the Space-Saving algorithm of
/// Metwally, Agrawal and El Abbadi, 2005), so nobody is forgiven for filling the table.
pub struct Throttle<S = Seed> {
    slots: Vec<Slot>,
    hasher: S,
    burst: u16,
    leak: Duration,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    /// Tells the keys of a set apart, but for a chance of one in four billion.
    tag: u32,
    failures: u16,
    /// It has blocked since all was forgiven last.
    told: bool,
    since: Duration,
}

/// Where a key may be, and what it is known by there.
struct Place {
    set: usize,
    tag: u32,
}

impl<S: BuildHasher> Throttle<S> {
    /// Blocks a key after `burst` failures; one is forgiven every `leak`.
    /// `slots` bounds the memory (24 bytes each).
    pub fn new(slots: usize, burst: u16, leak: Duration, hasher: S) -> Self {
        Self { slots: vec![Slot::default(); slots.max(1)], hasher, burst, leak }
    }

    /// Whether this key has failed too often by the boot clock's `now`.
    pub fn blocks(&self, key: impl Hash, now: Duration) -> bool {
        self.wait(key, now).is_some()
    }

    /// How long this key has to wait by the boot clock's `now`; `None` where it need not.
    pub fn wait(&self, key: impl Hash, now: Duration) -> Option<Duration> {
        let (_, slot) = self.settled(&self.place(key), now);
        (slot.failures >= self.burst).then(|| (slot.since + self.leak).saturating_sub(now))
    }

    /// Counts a failure. True when this one starts the blocking, so that it is logged once: whoever
    /// goes on at the pace at which failures are forgiven has not stopped.
    pub fn failed(&mut self, key: impl Hash, now: Duration) -> bool {
        let (index, mut slot) = self.settled(&self.place(key), now);
        slot.failures = slot.failures.saturating_add(1).min(self.burst);
        let begins = slot.failures == self.burst && !std::mem::replace(&mut slot.told, true);
        if let Some(place) = self.slots.get_mut(index) {
            *place = slot;
        }
        begins
    }

    /// The slot of a key as it is at `now`, and its index: its own, an unused one, or the one with the
    /// fewest failures, which becomes this key's.
    fn settled(&self, Place { set, tag }: &Place, now: Duration) -> (usize, Slot) {
        let slots = || self.slots.iter().enumerate().skip(*set).take(WAYS);
        let settle = |(index, slot): (usize, &Slot)| (index, slot.settled(self.leak, now));
        let own = slots().find(|(_, slot)| slot.tag == *tag && slot.failures > 0);
        let unused = || slots().find(|(_, slot)| slot.failures == 0);
        let fewest = || slots().map(settle).min_by_key(|(_, slot)| (slot.failures, slot.since));
        let found = own.or_else(unused).map(settle).or_else(fewest);
        let (index, slot) = found.unwrap_or_default();
        (index, Slot { tag: *tag, ..slot })
    }

    fn place(&self, key: impl Hash) -> Place {
        let hash = self.hasher.hash_one(key);
        let sets = self.slots.len().div_ceil(WAYS) as u64;
        // The number of a set is below that of the slots, which is a `usize`.
        Place { set: (hash % sets) as usize * WAYS, tag: (hash >> 32) as u32 }
    }
}

impl Slot {
    /// With the failures forgiven that time has forgiven.
    fn settled(self, leak: Duration, now: Duration) -> Self {
        let elapsed = now.saturating_sub(self.since);
        let forgiven = elapsed.as_millis() / leak.as_millis().max(1);
        match u16::try_from(forgiven) {
            Ok(forgiven) if forgiven < self.failures => Self {
                failures: self.failures - forgiven,
                since: self.since + leak * u32::from(forgiven),
                ..self
            },
            _ => Self { since: now, tag: self.tag, ..Self::default() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle() -> Throttle {
        Throttle::new(1024, 3, Duration::from_secs(10), Seed::default())
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_burst_is_free_and_then_it_blocks_one_key_only() {
        let mut throttle = throttle();
        assert!(!throttle.failed("a", at(0)));
        assert!(!throttle.failed("a", at(0)));
        assert!(!throttle.blocks("a", at(0)));
        assert!(throttle.failed("a", at(0)));
        assert!(throttle.blocks("a", at(0)));
        assert!(!throttle.blocks("b", at(0)));
    }

    #[test]
    fn failures_are_forgiven_one_by_one() {
        let mut throttle = throttle();
        for _ in 0..50 {
            throttle.failed("a", at(0));
        }
        assert!(throttle.blocks("a", at(9)));
        assert!(!throttle.blocks("a", at(10)));
        throttle.failed("a", at(11));
        assert!(throttle.blocks("a", at(19)));
        assert!(!throttle.blocks("a", at(20)));
    }

    #[test]
    fn blocking_is_told_once_until_all_is_forgiven() {
        let mut throttle = throttle();
        let mut told = |seconds| throttle.failed("a", at(seconds));
        assert_eq!([0, 0, 0].map(&mut told), [false, false, true]);
        // One is forgiven every ten seconds, and comes back at once.
        assert_eq!([10, 20, 30, 40].map(&mut told), [false; 4]);
        assert_eq!([100, 100, 100].map(&mut told), [false, false, true]);
    }

    #[test]
    fn a_clock_that_stands_still_or_leaps_does_not_panic() {
        let mut throttle = throttle();
        throttle.failed("a", Duration::MAX);
        throttle.failed("a", Duration::ZERO);
        assert!(!throttle.blocks("a", Duration::MAX));
    }

    #[test]
    fn keys_share_nothing_while_there_is_room() {
        for seed in 0..200_u32 {
            let mut throttle = throttle();
            for _ in 0..3 {
                throttle.failed(("guessed at", seed), at(0));
            }
            let strangers = (0..300_u32).filter(|it| throttle.blocks(("honest", seed, it), at(0)));
            assert_eq!(strangers.count(), 0, "{seed}");
        }
    }

    #[test]
    fn filling_the_table_forgives_nobody() {
        let mut throttle = throttle();
        let keys = 0..5000_u32;
        for key in keys.clone() {
            for _ in 0..3 {
                throttle.failed(key, at(0));
            }
        }
        assert!(keys.clone().all(|key| throttle.blocks(key, at(9))));
        assert!(keys.clone().all(|key| !throttle.blocks(key, at(40))));
    }
}
