//! Whether the wall clock can be believed, and what to use when it cannot.
//!
//! Routers have no clock battery. OpenWrt sets the clock at boot to the newest file time under
//! `/etc` (`sysfixtime`), so after a power cut it stands near the moment of the last write until
//! NTP answers, which may take minutes or never happen. [`WallClock`] turns raw readings into a
//! wall time that never runs backwards, and says when it became trustworthy and by how much the
//! guesses before were off.

use std::time::Duration;

use super::time::{Now, Timestamp};

/// What the operating system says at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The raw wall clock.
    pub wall: Timestamp,
    /// Time since boot.
    pub boot: Duration,
    /// Whether the kernel knows the wall clock to be synchronised (`STA_UNSYNC` is clear).
    pub synchronised: bool,
    /// Whether the wall clock may have been put to the newest file time at boot
    /// (OpenWrt's `sysfixtime`). Such a time looks right and is not.
    pub file_time: bool,
    /// The moment of this boot by the battery-backed clock, where the machine has one.
    pub rtc_boot: Option<Timestamp>,
}

/// What is kept across restarts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The latest wall time handed out.
    pub wall: Timestamp,
    /// Whether it was trusted.
    pub is_set: bool,
    /// The boot it was handed out in (`/proc/sys/kernel/random/boot_id`).
    pub boot_id: String,
}

/// What a reading changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The clock went on as before.
    Steady,
    /// The clock is trusted from now on; stamps given since boot must move by `shift` seconds.
    BecameSet {
        /// Seconds to add to stamps given while the clock was not set.
        shift: i64,
    },
    /// A synchronised clock proved the earlier, later time wrong; it runs backwards this once.
    SteppedBack {
        /// Seconds the clock went back.
        by: i64,
    },
}

/// The hotspot's wall clock.
#[derive(Clone, Debug)]
pub struct WallClock {
    /// The latest time handed out; never goes back except by [`Turn::SteppedBack`] and
    /// [`Turn::BecameSet`].
    last: Timestamp,
    /// While not set: the time at the first reading, from which the boot clock counts on.
    anchor: Timestamp,
    first: Reading,
    is_set: bool,
    /// No true time is earlier than this: the last known time, or this release.
    floor: Timestamp,
}

/// How much later than the last known time a battery-backed clock must put this boot to be
/// believed where file times are used: at boot and at shutdown OpenWrt writes the system's time
/// into that clock as well, so that one with a dead battery comes back with a file time. The last
/// known time is written down at least hourly.
const BOOT_MARGIN: i64 = 2 * 3600;
/// A wall clock that moves by more than this against the boot clock was set by somebody: by hand,
/// or by an NTP client that does not tell the kernel.
const JUMP: i64 = 3600;
/// A synchronised clock may take back a wrong time when it is off by more than this. Smaller
/// steps are waited out: they are corrections, not mistakes.
const STEP_BACK: i64 = 3600;

impl WallClock {
    /// Starts from what was kept, this boot's id, a first reading and the time of this release.
    pub fn start(mark: Option<&Mark>, boot_id: &str, first: Reading, release: Timestamp) -> Self {
        let floor = mark.map_or(release, |mark| mark.wall.max(release));
        let anchor = floor.max(first.wall);
        let is_set = mark.is_some_and(|mark| mark.is_set && mark.boot_id == boot_id);
        Self { last: floor, anchor, first, is_set, floor }
    }

    /// What to keep across restarts.
    pub fn mark(&self, boot_id: &str) -> Mark {
        Mark { wall: self.last, is_set: self.is_set, boot_id: boot_id.to_owned() }
    }

    /// Takes a reading.
    pub fn observe(&mut self, reading: Reading) -> (Now, Turn) {
        let turn = self.turn(reading);
        self.last = match turn {
            Turn::SteppedBack { .. } | Turn::BecameSet { .. } => reading.wall,
            Turn::Steady if self.is_set => self.last.max(reading.wall),
            Turn::Steady => self.last.max(self.guess(reading.boot)),
        };
        (Now { wall: self.last, wall_is_set: self.is_set, boot: reading.boot }, turn)
    }

    fn turn(&mut self, reading: Reading) -> Turn {
        if !self.is_set {
            if !self.believes(reading) {
                return Turn::Steady;
            }
            self.is_set = true;
            let guess = self.guess(reading.boot);
            return Turn::BecameSet { shift: difference(reading.wall, guess) };
        }
        let ahead = difference(self.last, reading.wall);
        if reading.synchronised && ahead > STEP_BACK {
            return Turn::SteppedBack { by: ahead };
        }
        Turn::Steady
    }

    fn believes(&self, reading: Reading) -> bool {
        if reading.synchronised {
            return true;
        }
        let runs = reading.rtc_boot.is_some_and(|boot| boot >= self.floor.plus(BOOT_MARGIN));
        let moved = difference(reading.wall, self.first.wall)
            .saturating_sub(seconds(reading.boot.saturating_sub(self.first.boot)));
        reading.wall >= self.floor && (!reading.file_time || runs || moved > JUMP)
    }

    /// The time while the clock is not set: the last known one, plus what the boot clock counted.
    fn guess(&self, boot: Duration) -> Timestamp {
        self.anchor.plus(seconds(boot.saturating_sub(self.first.boot)))
    }
}

/// Seconds from `earlier` to `later`.
fn difference(later: Timestamp, earlier: Timestamp) -> i64 {
    later.unix().saturating_sub(earlier.unix())
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RELEASE: Timestamp = Timestamp::from_unix(1_700_000_000);

    /// A router with OpenWrt's `sysfixtime` and without a battery-backed clock.
    fn reading(wall: i64, boot: u64, synchronised: bool) -> Reading {
        let wall = Timestamp::from_unix(wall);
        let boot = Duration::from_secs(boot);
        Reading { wall, boot, synchronised, file_time: true, rtc_boot: None }
    }

    fn mark(wall: i64) -> Mark {
        Mark { wall: Timestamp::from_unix(wall), is_set: true, boot_id: "before".into() }
    }

    #[test]
    fn a_boot_in_1970_counts_on_from_the_last_known_time_until_ntp_answers() {
        let first = reading(30, 30, false);
        let mut clock = WallClock::start(Some(&mark(1_800_000_000)), "now", first, RELEASE);
        let (now, turn) = clock.observe(reading(40, 40, false));
        assert_eq!((now.wall.unix(), now.wall_is_set), (1_800_000_010, false));
        assert_eq!(turn, Turn::Steady);
        let (now, turn) = clock.observe(reading(1_800_500_000, 50, true));
        assert_eq!((now.wall.unix(), now.wall_is_set), (1_800_500_000, true));
        assert_eq!(turn, Turn::BecameSet { shift: 1_800_500_000 - 1_800_000_020 });
        let (_, turn) = clock.observe(reading(1_800_500_001, 51, true));
        assert_eq!(turn, Turn::Steady);
    }

    #[test]
    fn a_clock_put_back_to_a_file_time_is_not_believed_however_long_it_runs() {
        let first = reading(1_800_000_100, 20, false);
        let mut clock = WallClock::start(Some(&mark(1_800_000_000)), "now", first, RELEASE);
        for hours in 0..48 {
            let later = hours * 3600;
            let (now, _) = clock.observe(reading(1_800_000_100 + later, 20 + later as u64, false));
            assert!(!now.wall_is_set, "believed after {hours} hours");
        }
    }

    #[test]
    fn a_date_set_by_hand_is_believed() {
        let first = reading(30, 30, false);
        let mut clock = WallClock::start(Some(&mark(1_800_000_000)), "now", first, RELEASE);
        let (now, turn) = clock.observe(reading(1_800_900_000, 60, false));
        assert!(now.wall_is_set);
        assert!(matches!(turn, Turn::BecameSet { .. }));
    }

    #[test]
    fn a_battery_backed_clock_is_believed_unless_its_battery_is_dead() {
        // Years off, put to a file time at the last boot or shutdown, and running all along.
        for (boot, believed) in
            [(946_684_800, false), (1_800_001_000, false), (1_800_007_200, true)]
        {
            let rtc_boot = Some(Timestamp::from_unix(boot));
            let first = Reading { rtc_boot, ..reading(1_800_007_210, 10, false) };
            let mut clock = WallClock::start(Some(&mark(1_800_000_000)), "now", first, RELEASE);
            assert_eq!(clock.observe(first).0.wall_is_set, believed, "{boot}");
        }
    }

    #[test]
    fn where_nothing_makes_times_up_any_later_one_is_believed() {
        for (wall, believed) in [(1_800_000_001, true), (30, false)] {
            let first = Reading { file_time: false, ..reading(wall, 10, false) };
            let mut clock = WallClock::start(Some(&mark(1_800_000_000)), "now", first, RELEASE);
            assert_eq!(clock.observe(first).0.wall_is_set, believed, "at {wall}");
        }
    }

    #[test]
    fn a_file_time_is_not_believed_on_the_very_first_start_either() {
        let first = reading(1_750_000_000, 20, false);
        let mut clock = WallClock::start(None, "now", first, RELEASE);
        assert!(!clock.observe(first).0.wall_is_set);
    }

    #[test]
    fn a_restart_within_one_boot_keeps_the_trust() {
        let first = reading(1_800_000_001, 9_000, false);
        let kept = Mark { boot_id: "now".into(), ..mark(1_800_000_000) };
        let mut clock = WallClock::start(Some(&kept), "now", first, RELEASE);
        assert!(clock.observe(first).0.wall_is_set);
    }

    #[test]
    fn small_steps_back_are_waited_out_and_a_wrong_future_is_taken_back() {
        let first = reading(1_800_000_000, 10, true);
        let mut clock = WallClock::start(None, "now", first, RELEASE);
        clock.observe(first);
        let (now, turn) = clock.observe(reading(1_799_999_000, 20, true));
        assert_eq!((now.wall.unix(), turn), (1_800_000_000, Turn::Steady));
        clock.observe(reading(2_200_000_000, 30, false));
        let (now, turn) = clock.observe(reading(1_800_000_050, 40, true));
        assert_eq!(now.wall.unix(), 1_800_000_050);
        assert_eq!(turn, Turn::SteppedBack { by: 2_200_000_000 - 1_800_000_050 });
    }

    #[test]
    fn a_wrong_future_that_was_kept_is_taken_back_with_the_stamps_it_gave() {
        let first = reading(1_800_000_000, 10, false);
        let mut clock = WallClock::start(Some(&mark(2_200_000_000)), "now", first, RELEASE);
        clock.observe(first);
        let (now, turn) = clock.observe(reading(1_800_000_020, 30, true));
        assert_eq!((now.wall.unix(), now.wall_is_set), (1_800_000_020, true));
        assert_eq!(turn, Turn::BecameSet { shift: 1_800_000_020 - 2_200_000_020 });
    }

    proptest! {
        /// However the raw clock leaps: time goes back only where the turn says so, trust once
        /// gained is kept, and a stamp given before, moved by the shift, lies as long ago as the
        /// boot clock says.
        #[test]
        fn clock_steps_neither_turn_time_back_nor_lose_any(
            kept in prop::option::of(0..4_000_000_000_i64),
            steps in prop::collection::vec((0..4_000_000_000_i64, 1..100_000_u64, any::<bool>()), 1..20),
        ) {
            let mut boot = 0;
            let first = reading(steps[0].0, boot, false);
            let kept = kept.map(mark);
            let mut clock = WallClock::start(kept.as_ref(), "now", first, RELEASE);
            let mut stamps: Vec<Now> = Vec::new();
            for (wall, pause, synchronised) in steps {
                boot += pause;
                let (now, turn) = clock.observe(reading(wall, boot, synchronised));
                let before = stamps.last().copied();
                match turn {
                    Turn::Steady => {
                        prop_assert!(before.is_none_or(|before| before.wall <= now.wall));
                    }
                    Turn::SteppedBack { by } => prop_assert!(by > STEP_BACK && synchronised),
                    Turn::BecameSet { shift } => {
                        for stamp in stamps.iter().filter(|stamp| !stamp.wall_is_set) {
                            let ago = seconds(now.boot - stamp.boot);
                            prop_assert_eq!(stamp.wall.plus(shift), now.wall.plus(-ago));
                        }
                    }
                }
                prop_assert!(before.is_none_or(|before| now.wall_is_set || !before.wall_is_set));
                stamps.push(now);
            }
        }
    }
}
