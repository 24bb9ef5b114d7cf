//! Accounting-On and Accounting-Off with Event-Timestamp: replays told from an access point whose clock
//! begins at the same value at every boot.
//!
//! With a clock that is right, the stamp identifies the restart. A clock that is not set yet (of 1970, of
//! the day the firmware was built, of the last file that was written) proves nothing, and may show the
//! same value each time.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::nas_sessions::NasSession;
use super::radius_messages::Nas;
use super::replay::{is_after, whole_seconds};
use crate::domain::time::{Now, Timestamp};

/// Restarts remembered of one access point, and of one client.
const EACH_NAS: usize = 16;
const EACH_CLIENT: usize = 512;
/// Seconds. A clock that is further from ours is not set; time zones are nearer.
const UNSET: u64 = 24 * 3600;
/// Retransmission ends within this.
const LATE: Duration = Duration::from_secs(300);
/// Seconds for which a starting access point repeats Accounting-On until it is acknowledged.
const STARTING: i64 = 30;

/// When an access point has started, or gone off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RestartTime {
    /// Event-Timestamp.
    pub(super) stamp: Option<Timestamp>,
    /// Acct-Delay-Time.
    pub(super) delay: Duration,
}

/// What an Event-Timestamp proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RestartStamp {
    /// The time of the restart, as far as the clock there is right.
    Valid,
    /// Nothing: the clock there is not set, or there is no stamp.
    ClockUnset,
    /// A replay.
    Repeated,
}

#[derive(Clone, Debug)]
struct Restart {
    nas: Nas,
    stamp: Timestamp,
    clock_is_unset: bool,
}

/// Restarts that were reported with Event-Timestamp, by client.
#[derive(Debug, Default)]
pub(super) struct Restarts(HashMap<Arc<str>, VecDeque<Restart>>);

impl Restarts {
    /// Classifies a restart, and remembers it; `up` is how long this process has run.
    pub(super) fn classify(
        &mut self,
        nas: &Nas,
        stamp: Option<Timestamp>,
        up: Duration,
        now: Now,
    ) -> RestartStamp {
        let Some(stamp) = stamp else { return RestartStamp::ClockUnset };
        let known = self.0.entry(nas.client.clone()).or_default();
        // Sources differ where somebody else sends.
        let its = || known.iter().enumerate().filter(|(_, it)| !it.nas.differs_from(nas));
        if let Some((_, same)) = its().find(|(_, it)| it.stamp == stamp) {
            let is_unset = same.clock_is_unset;
            return if is_unset { RestartStamp::ClockUnset } else { RestartStamp::Repeated };
        }
        let is_full = its().count() >= EACH_NAS;
        let oldest = its().min_by_key(|(_, it)| it.stamp).map(|(index, it)| (index, it.stamp));
        match oldest.filter(|_| is_full) {
            // It may have been remembered once.
            Some((_, oldest)) if stamp < oldest => return RestartStamp::Repeated,
            Some((index, _)) => drop(known.remove(index)),
            None if known.len() >= EACH_CLIENT => drop(known.pop_front()),
            None => {}
        }
        let clock_is_unset = is_of_unset_clock(stamp, up, now);
        known.push_back(Restart { nas: nas.clone(), stamp, clock_is_unset });
        if clock_is_unset { RestartStamp::ClockUnset } else { RestartStamp::Valid }
    }

    /// A session that a restart has ended goes on: that restart was a replay, and not one with a clock
    /// that is not set.
    pub(super) fn session_goes_on(&mut self, nas: &Nas) {
        let its = self.0.get_mut(&nas.client).into_iter().flatten();
        its.filter(|it| !it.nas.differs_from(nas)).for_each(|it| it.clock_is_unset = false);
    }
}

fn is_of_unset_clock(stamp: Timestamp, up: Duration, now: Now) -> bool {
    let ago = now.wall.unix().saturating_sub(stamp.unix());
    let is_far = ago.unsigned_abs() > UNSET;
    // This process would have received it then.
    let is_unheard = ago > whole_seconds(LATE) && ago < whole_seconds(up);
    now.wall_is_set && (is_far || is_unheard)
}

impl NasSession {
    /// Whether it was reported after its access point started, or went off.
    pub(super) fn is_reported_after(&self, restart: RestartTime, proof: RestartStamp) -> bool {
        let stamps = restart.stamp.zip(self.latest);
        let is_right =
            self.latest.is_some_and(|latest| latest.unix().abs_diff(self.heard_at.unix()) <= UNSET);
        match proof {
            RestartStamp::Repeated => true,
            // A report since then shows that Accounting-On is no late one.
            RestartStamp::ClockUnset => stamps.is_some_and(|(stamp, latest)| {
                is_after(latest, stamp) && !is_after(latest, stamp.plus(STARTING))
            }),
            RestartStamp::Valid => {
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

    fn classify(restarts: &mut Restarts, client: &str, stamp: i64) -> RestartStamp {
        let source = [10, 0, 0, 1].into();
        let nas = Nas { client: client.into(), source, address: None, identifier: None };
        let stamp = Some(Timestamp::from_unix(stamp));
        let wall = Timestamp::from_unix(START);
        let now = Now { wall, wall_is_set: true, boot: Duration::from_secs(7_200) };
        restarts.classify(&nas, stamp, Duration::from_secs(3_600), now)
    }

    #[test]
    fn a_restart_comes_once_whatever_other_access_points_say() {
        let mut restarts = Restarts::default();
        assert_eq!(classify(&mut restarts, "a", START - 100), RestartStamp::Valid);
        for second in 0..1000 {
            classify(&mut restarts, "b", START + second);
        }
        assert_eq!(classify(&mut restarts, "a", START - 100), RestartStamp::Repeated);
        // Nor by its own that have pushed it out.
        for second in 0..100 {
            assert_eq!(classify(&mut restarts, "a", START + second), RestartStamp::Valid);
        }
        assert_eq!(classify(&mut restarts, "a", START - 100), RestartStamp::Repeated);
        assert_eq!(restarts.0.values().map(VecDeque::len).sum::<usize>(), 2 * EACH_NAS);
    }

    #[test]
    fn a_clock_that_is_not_set_says_nothing() {
        let mut restarts = Restarts::default();
        for stamp in [25, START - 90_000, START + 90_000, START - 3_000] {
            assert_eq!(classify(&mut restarts, "a", stamp), RestartStamp::ClockUnset, "{stamp}");
            assert_eq!(classify(&mut restarts, "a", stamp), RestartStamp::ClockUnset, "{stamp}");
        }
        // Late, and of before this process.
        for stamp in [START - 30, START - 7_000] {
            assert_eq!(classify(&mut restarts, "a", stamp), RestartStamp::Valid, "{stamp}");
        }
        let source = [10, 0, 0, 1].into();
        restarts.session_goes_on(&Nas {
            client: "a".into(),
            source,
            address: None,
            identifier: None,
        });
        assert_eq!(classify(&mut restarts, "a", 25), RestartStamp::Repeated);
    }
}
