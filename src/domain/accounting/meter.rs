//! A counter of octets of one direction: how it goes on, runs over or begins anew.

use std::time::Duration;

use super::{Motion, Octets, TOLERANCE};

/// Octets that a line of 100 Gbit/s carries in a second.
const FASTEST: u64 = 12_500_000_000;

/// Octets that can pass in this time, one way.
pub(super) fn most(elapsed: Duration) -> u64 {
    FASTEST.saturating_mul(elapsed.saturating_add(TOLERANCE).as_secs())
}

/// Counters of 32 bits run over at this number.
pub(super) const WRAP: u64 = 1 << 32;

/// One direction of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Meter {
    /// Octets so far.
    pub(super) total: u64,
    /// The access point's counter, carried on beyond 32 bits.
    pub(super) counter: u64,
    /// Whether the upper half was ever sent and not 0: some send 0 whatever they have counted.
    pub(super) sends_gigawords: bool,
    /// A counter that was a gigaword ahead of what its lower half explains, until the next report
    /// says so too: some access servers read both halves at two moments.
    pub(super) ahead: Option<u64>,
}

/// A report to one direction of a session.
#[derive(Clone, Copy)]
pub(super) struct Step {
    pub(super) motion: Motion,
    pub(super) is_stop: bool,
    /// Octets that can be new.
    pub(super) most: u64,
}

impl Meter {
    pub(super) fn at(total: u64, offset: i64) -> Self {
        let counter = total.saturating_add_signed(offset.saturating_neg());
        Self { total, counter, ..Self::default() }
    }

    pub(super) fn offset(self) -> i64 {
        let more = i128::from(self.total) - i128::from(self.counter);
        i64::try_from(more).unwrap_or(if more < 0 { i64::MIN } else { i64::MAX })
    }

    /// False where it claims more than can have passed.
    pub(super) fn count(&mut self, octets: Option<Octets>, step: Step) -> bool {
        let Some(octets) = octets else { return true };
        let next = self.after(octets, step);
        if next.total.saturating_sub(self.total) > step.most {
            return false;
        }
        let is_taken_back =
            self.ahead.is_some_and(|ahead| next.ahead.is_none() && next.counter < ahead);
        *self = next;
        !is_taken_back
    }

    fn after(self, octets: Octets, step: Step) -> Self {
        let here = self.carried(octets);
        let known = Self {
            sends_gigawords: self.sends_gigawords || octets.gigawords.is_some_and(|it| it > 0),
            ..self
        };
        let up_to = |counter: u64| {
            let total = self.total.saturating_add(counter.saturating_sub(self.counter));
            Self { total, counter, ahead: None, ..known }
        };
        let begun = octets.exact();
        let total = self.total.saturating_add(begun);
        let anew = Self { total, counter: begun, ahead: None, ..known };
        // What was taken for a counter that ran over had begun again.
        let was_wrong = known.sends_gigawords && !self.sends_gigawords && self.counter >= WRAP;
        match step.motion {
            Motion::Overtaken if step.is_stop && octets.exact() > self.counter => {
                up_to(octets.exact())
            }
            Motion::Overtaken => self,
            Motion::Forward if was_wrong && here < self.counter => Self { counter: here, ..known },
            Motion::Anew => anew,
            _ if self.is_a_gigaword_ahead(here, step) => {
                Self { ahead: Some(here), ..up_to(here.saturating_sub(WRAP)) }
            }
            _ if here >= self.counter => up_to(here),
            Motion::Still | Motion::TimeAnew => self,
            // Some end a session with counters of 0.
            Motion::Forward if step.is_stop && octets.exact() == 0 => self,
            Motion::Forward if self.runs_over_at(octets) => up_to(here.saturating_add(WRAP)),
            Motion::Forward if self.shrinks_to(Some(octets)) => anew,
            Motion::Forward => self,
        }
    }

    /// The counter with the upper half that is known, where none is sent.
    fn carried(self, octets: Octets) -> u64 {
        if self.is_exact(octets) {
            return octets.exact();
        }
        self.ahead.unwrap_or(self.counter) & !(WRAP - 1) | u64::from(octets.low)
    }

    /// Whether the upper half has come up by one more than the lower half explains. The next report
    /// that is as far, and the end of a session, are believed.
    fn is_a_gigaword_ahead(self, here: u64, step: Step) -> bool {
        let more = here.saturating_sub(self.counter);
        let is_next = |ahead: u64| here > ahead || here == ahead && step.motion == Motion::Forward;
        (WRAP..2 * WRAP).contains(&more)
            && self.counter > 0
            && !step.is_stop
            && !self.ahead.is_some_and(is_next)
    }

    fn is_exact(self, octets: Octets) -> bool {
        octets.gigawords.is_some_and(|it| it > 0 || self.sends_gigawords)
    }

    /// From the upper half of 32 bits to the lower, with no upper half or one that is not up to it
    /// yet.
    fn runs_over_at(self, octets: Octets) -> bool {
        let known = self.counter & (WRAP - 1);
        let is_carried = self.carried(octets) & !(WRAP - 1) == self.counter & !(WRAP - 1);
        let low = u64::from(octets.low);
        // Less of a fall is imprecise.
        is_carried && known >= WRAP / 2 && low < WRAP / 2 && low * 4 <= known * 3
    }

    /// Whether the counter has become smaller, and by more than what is imprecise.
    pub(super) fn shrinks_to(self, octets: Option<Octets>) -> bool {
        octets.is_some_and(|octets| {
            let (counter, known) = self.pair(octets);
            u128::from(counter) * 4 <= u128::from(known) * 3 && counter < known
        })
    }

    pub(super) fn halves_to(self, octets: Option<Octets>) -> bool {
        octets.is_none_or(|octets| {
            let (counter, known) = self.pair(octets);
            counter <= known / 2
        })
    }

    pub(super) fn grows_to(self, octets: Option<Octets>) -> bool {
        octets.is_some_and(|octets| self.carried(octets) > self.counter)
    }

    /// What is reported and what is known, as far as both go.
    fn pair(self, octets: Octets) -> (u64, u64) {
        match self.is_exact(octets) {
            true => (octets.exact(), self.counter),
            false => (u64::from(octets.low), self.counter & (WRAP - 1)),
        }
    }
}
