//! Instants as the hotspot understands them.

use std::time::Duration;

/// Seconds since 1970-01-01 00:00:00 UTC, leap seconds not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Wraps Unix seconds.
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Unix seconds.
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// This instant moved by `seconds`; stops at the ends of the range instead of wrapping.
    #[must_use]
    pub const fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

/// One reading of the clocks, taken once per batch of commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The wall clock, never earlier than any reading before it.
    pub wall: Timestamp,
    /// Whether `wall` can be believed. A router without a clock battery boots in the past;
    /// while this is `false`, nothing expires by date.
    pub wall_is_set: bool,
    /// Time since boot, suspend included; never jumps. Sessions run on this one.
    pub boot: Duration,
}
