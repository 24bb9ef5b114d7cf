//! Slows down guessing, in constant memory.

use std::hash::{BuildHasher, Hash};
use std::time::Duration;

/// Which slot a key falls to: by chance, so that nobody can choose to share one.
#[cfg(not(test))]
pub type Seed = std::hash::RandomState;
/// Always the same one: two keys of a test would share one now and then.
#[cfg(test)]
pub type Seed = std::hash::BuildHasherDefault<std::hash::DefaultHasher>;

/// A leaky bucket of failures per key, in a table of fixed size.
///
/// Two keys may share a slot; then they share its failures.
pub struct Throttle<S = Seed> {
    slots: Vec<Slot>,
    hasher: S,
    burst: u16,
    leak: Duration,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    failures: u16,
    /// It has blocked since all was forgiven last.
    told: bool,
    since: Duration,
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
        let slot = self.slots.get(self.index(key))?.settled(self.leak, now);
        (slot.failures >= self.burst).then(|| (slot.since + self.leak).saturating_sub(now))
    }

    /// Counts a failure. True when this one starts the blocking, so that it is logged once: whoever
    /// goes on at the pace at which failures are forgiven has not stopped.
    pub fn failed(&mut self, key: impl Hash, now: Duration) -> bool {
        let (burst, leak, index) = (self.burst, self.leak, self.index(key));
        let Some(slot) = self.slots.get_mut(index) else { return false };
        *slot = slot.settled(leak, now);
        slot.failures = slot.failures.saturating_add(1).min(burst);
        slot.failures == burst && !std::mem::replace(&mut slot.told, true)
    }

    fn index(&self, key: impl Hash) -> usize {
        // Below the number of slots, which is a `usize`.
        (self.hasher.hash_one(key) % self.slots.len() as u64) as usize
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
            _ => Self { since: now, ..Self::default() },
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
}
