//! Rejects wait a second, so that guessing one password after the other is slow and a device that
//! tries again at once does not keep everybody busy.
//!
//! The queue is bounded. Where it is full the oldest goes out early: dropping it would make the
//! access point ask again, which costs us more than the answer, or take us for dead while honest
//! guests wait. Nobody guesses faster for it: who asks in parallel did not wait anyway, and what
//! stops them is the throttle behind us.

use std::collections::VecDeque;
use std::time::Duration;

/// How long a reject waits.
const DELAY: Duration = Duration::from_secs(1);
/// Rejects that wait at most.
const WAITING: usize = 1024;

/// Things that wait their time, all equally long.
pub(super) struct Delay<T> {
    waiting: VecDeque<(Duration, T)>,
}

impl<T> Default for Delay<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new() }
    }
}

impl<T> Delay<T> {
    /// Has something wait; what has to make room for it goes out now.
    pub(super) fn push(&mut self, item: T, now: Duration) -> Option<T> {
        let first = if self.waiting.len() >= WAITING { self.waiting.pop_front() } else { None };
        self.waiting.push_back((now + DELAY, item));
        first.map(|(_, item)| item)
    }

    /// What has waited long enough.
    pub(super) fn due(&mut self, now: Duration) -> Vec<T> {
        let count = self.waiting.iter().take_while(|(at, _)| *at <= now).count();
        self.waiting.drain(..count).map(|(_, item)| item).collect()
    }

    /// How long nothing is due; `None` where nothing waits.
    pub(super) fn pause(&self, now: Duration) -> Option<Duration> {
        self.waiting.front().map(|(at, _)| at.saturating_sub(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_secs(1000);

    #[test]
    fn everything_waits_a_second_of_its_own() {
        let mut delay = Delay::default();
        assert_eq!(delay.pause(START), None);
        let half = DELAY / 2;
        assert_eq!((delay.push('a', START), delay.push('b', START + half)), (None, None));
        assert_eq!(delay.pause(START + half), Some(half));
        assert_eq!(delay.due(START + DELAY - Duration::from_nanos(1)), []);
        assert_eq!(delay.due(START + DELAY), ['a']);
        assert_eq!(delay.pause(START + DELAY), Some(half));
        assert_eq!(delay.pause(START + 2 * DELAY), Some(Duration::ZERO));
        assert_eq!(delay.due(START + 2 * DELAY), ['b']);
        assert_eq!(delay.pause(START), None);
    }

    #[test]
    fn a_full_queue_sends_the_oldest_early_and_loses_none() {
        let mut delay = Delay::default();
        let total = WAITING + 10;
        let mut out: Vec<_> = (0..total).filter_map(|item| delay.push(item, START)).collect();
        assert_eq!(out, (0..10).collect::<Vec<_>>());
        out.extend(delay.due(START + DELAY));
        assert_eq!(out, (0..total).collect::<Vec<_>>());
    }
}
