//! Accounting-On and Accounting-Off with Event-Timestamp: which are said again by somebody who has
//! recorded them, and which are said by an access point whose clock begins at the same value whenever
//! it starts.
//!
//! What an access point says with a clock that is right is known by its stamp. A clock that is not
//! set yet (of 1970, of the day the firmware was made, of the last file that was written) says
//! nothing, and may say the same each time.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::access::Nas;
use super::remotes::Remote;
use super::replay::{is_after, whole_seconds};
use crate::domain::time::{Now, Timestamp};

/// Kept in mind of one access point, and of one client.
const OF_ONE: usize = 16;
const OF_CLIENT: usize = 512;
/// A clock that is further from ours is not set; time zones are nearer.
const UNSET: u64 = 24 * 3600;
/// What was said so long ago is not said late.
const LATE: Duration = Duration::from_secs(300);
/// An access point that starts says so again and again for so long until it is acknowledged.
const STARTING: i64 = 30;

/// That an access point has started, or goes off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// Event-Timestamp.
    pub(super) stamp: Option<Timestamp>,
    /// How long ago that was: Acct-Delay-Time.
    pub(super) delay: Duration,
}

/// What a stamp says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// When it was, as far as its clock is right.
    Moment,
    /// Nothing: the clock is not set.
    Unset,
    /// That it was said before.
    Again,
}

#[derive(Clone, Debug)]
struct Restart {
    nas: Nas,
    stamp: Timestamp,
    is_unset: bool,
}

/// Those that were said with Event-Timestamp, by client.
#[derive(Debug, Default)]
pub(super) struct Restarts(HashMap<Arc<str>, VecDeque<Restart>>);

impl Restarts {
    /// What this one says, which is kept in mind; this process has been `up` for so long.
    pub(super) fn weigh(&mut self, nas: &Nas, said: Said, up: Duration, now: Now) -> Meaning {
        let Some(stamp) = said.stamp else { return Meaning::Unset };
        let known = self.0.entry(nas.client.clone()).or_default();
        // Somebody else's source is another one.
        let its = |it: &&Restart| !it.nas.differs_from(nas);
        if let Some(same) = known.iter().filter(its).find(|it| it.stamp == stamp) {
            return if same.is_unset { Meaning::Unset } else { Meaning::Again };
        }
        let oldest = known.iter().filter(its).map(|it| it.stamp).min();
        let is_full = known.iter().filter(its).count() >= OF_ONE;
        // It may have been said before, and been forgotten.
        if is_full && oldest.is_some_and(|oldest| stamp < oldest) {
            return Meaning::Again;
        }
        let ago = now.wall.unix().saturating_sub(stamp.unix());
        let is_far = ago.unsigned_abs() > UNSET;
        // It would have been heard then.
        let is_unheard = ago > whole_seconds(LATE) && ago < whole_seconds(up);
        let is_unset = now.wall_is_set && (is_far || is_unheard);
        let first_of = |known: &VecDeque<Restart>| {
            let its = known.iter().enumerate().filter(|(_, it)| !it.nas.differs_from(nas));
            its.min_by_key(|(_, it)| it.stamp).map(|(index, _)| index)
        };
        if is_full && let Some(index) = first_of(known) {
            known.remove(index);
        } else if known.len() >= OF_CLIENT {
            known.pop_front();
        }
        known.push_back(Restart { nas: nas.clone(), stamp, is_unset });
        if is_unset { Meaning::Unset } else { Meaning::Moment }
    }

    /// A session that was said to have ended goes on: what was taken for a clock that is not set was
    /// recorded, then.
    pub(super) fn was_none(&mut self, nas: &Nas) {
        let its = self.0.get_mut(&nas.client).into_iter().flatten();
        its.filter(|it| !it.nas.differs_from(nas)).for_each(|it| it.is_unset = false);
    }
}

impl Remote {
    /// Whether it was reported after its access point started, or went off.
    pub(super) fn is_reported_after(&self, said: Said, meaning: Meaning) -> bool {
        let stamps = said.stamp.zip(self.latest);
        let is_right =
            self.latest.is_some_and(|latest| latest.unix().abs_diff(self.heard_at.unix()) <= UNSET);
        match meaning {
            Meaning::Again => true,
            // Where it has reported since that it starts is not said late.
            Meaning::Unset => stamps.is_some_and(|(stamp, latest)| {
                is_after(latest, stamp) && !is_after(latest, stamp.plus(STARTING))
            }),
            Meaning::Moment => {
                is_right && stamps.is_some_and(|(stamp, latest)| is_after(latest, stamp))
            }
        }
    }

    /// Whether it was reported since a moment that is so long ago by our clock.
    pub(super) fn is_heard_since(&self, ago: Duration, now: Now) -> bool {
        // Access points whose clock was set meanwhile compute decades.
        !ago.is_zero()
            && ago.as_secs() <= UNSET
            && now.wall_is_set
            && is_after(self.heard_at, now.wall.plus(-whole_seconds(ago)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_800_000_000;

    fn weigh(restarts: &mut Restarts, client: &str, stamp: i64) -> Meaning {
        let source = [10, 0, 0, 1].into();
        let nas = Nas { client: client.into(), source, address: None, identifier: None };
        let stamp = Some(Timestamp::from_unix(stamp));
        let wall = Timestamp::from_unix(START);
        let now = Now { wall, wall_is_set: true, boot: Duration::from_secs(7_200) };
        let said = Said { stamp, delay: Duration::ZERO };
        restarts.weigh(&nas, said, Duration::from_secs(3_600), now)
    }

    #[test]
    fn a_restart_comes_once_whatever_other_access_points_say() {
        let mut restarts = Restarts::default();
        assert_eq!(weigh(&mut restarts, "a", START - 100), Meaning::Moment);
        for second in 0..1000 {
            weigh(&mut restarts, "b", START + second);
        }
        assert_eq!(weigh(&mut restarts, "a", START - 100), Meaning::Again);
        // Nor by its own that have pushed it out.
        for second in 0..100 {
            assert_eq!(weigh(&mut restarts, "a", START + second), Meaning::Moment);
        }
        assert_eq!(weigh(&mut restarts, "a", START - 100), Meaning::Again);
        assert_eq!(restarts.0.values().map(VecDeque::len).sum::<usize>(), 2 * OF_ONE);
    }

    #[test]
    fn a_clock_that_is_not_set_says_nothing() {
        let mut restarts = Restarts::default();
        for stamp in [25, START - 90_000, START + 90_000, START - 3_000] {
            assert_eq!(weigh(&mut restarts, "a", stamp), Meaning::Unset, "{stamp}");
            assert_eq!(weigh(&mut restarts, "a", stamp), Meaning::Unset, "{stamp}");
        }
        // Late, and of before this process.
        for stamp in [START - 30, START - 7_000] {
            assert_eq!(weigh(&mut restarts, "a", stamp), Meaning::Moment, "{stamp}");
        }
        let source = [10, 0, 0, 1].into();
        restarts.was_none(&Nas { client: "a".into(), source, address: None, identifier: None });
        assert_eq!(weigh(&mut restarts, "a", 25), Meaning::Again);
    }
}
