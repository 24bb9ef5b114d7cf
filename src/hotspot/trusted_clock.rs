//! The hotspot's sense of time: the machine's clocks, seen through [`WallClock`].

use crate::clock::{Clock, RELEASE};
use crate::domain::time::Now;
use crate::domain::wall::{Mark, Reading, Turn, WallClock};

pub(super) struct TrustedClock {
    clock: Box<dyn Clock>,
    wall: WallClock,
    boot_id: String,
    /// The latest reading.
    pub(super) now: Now,
}

impl TrustedClock {
    pub(super) fn start(clock: Box<dyn Clock>, mark: Option<&Mark>) -> Self {
        let boot_id = clock.boot_id();
        let first = clock.read();
        let wall = WallClock::start(mark, &boot_id, first, RELEASE);
        let (now, _) = wall.clone().observe(first);
        Self { clock, wall, boot_id, now }
    }

    pub(super) fn read(&mut self) -> (Now, Turn) {
        let (now, turn) = self.wall.observe(self.clock.read());
        self.now = now;
        (now, turn)
    }

    /// Reads the clocks knowing that the wall clock has just been put right; `None` where it
    /// stands too early for that.
    pub(super) fn read_as_synchronised(&mut self) -> Option<(Now, Turn)> {
        let reading = Reading { synchronised: true, ..self.clock.read() };
        if reading.wall < RELEASE {
            return None;
        }
        let (now, turn) = self.wall.observe(reading);
        self.now = now;
        Some((now, turn))
    }

    pub(super) fn mark(&self) -> Mark {
        self.wall.mark(&self.boot_id)
    }
}
