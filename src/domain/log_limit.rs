//! Log lines that guests, strangers and access points can cause, at a bounded rate.

use std::fmt;
use std::time::Duration;

/// Time between two log lines of the same kind.
const INTERVAL: Duration = Duration::from_secs(60);

/// Lets one log line a minute through and counts the others, as the kernel's
/// `printk_ratelimited` does: OpenWrt keeps 64 KB of the log.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogLimit {
    last: Option<Duration>,
    suppressed: u32,
}

impl LogLimit {
    /// One that lets the first line through.
    pub const fn new() -> Self {
        Self { last: None, suppressed: 0 }
    }

    /// Whether to write the line at the boot clock's `now`, and for how many others it stands.
    pub fn pass(&mut self, now: Duration) -> Option<Suppressed> {
        if self.last.is_some_and(|at| now < at.saturating_add(INTERVAL)) {
            self.suppressed = self.suppressed.saturating_add(1);
            return None;
        }
        self.last = Some(now);
        Some(Suppressed(std::mem::take(&mut self.suppressed)))
    }
}

/// Lines that were left out since the last one. Displayed behind the line that stands for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suppressed(pub u32);

impl fmt::Display for Suppressed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            count => write!(f, " ({count} more since this was said last)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_passes_and_then_one_a_minute_with_a_count() {
        let mut limit = LogLimit::default();
        let start = Duration::from_secs(1000);
        assert_eq!(limit.pass(start), Some(Suppressed(0)));
        for second in 1..60 {
            assert_eq!(limit.pass(start + Duration::from_secs(second)), None);
        }
        let next = limit.pass(start + INTERVAL);
        assert_eq!(next, Some(Suppressed(59)));
        assert_eq!(next.unwrap().to_string(), " (59 more since this was said last)");
        assert_eq!(limit.pass(start + 2 * INTERVAL).unwrap().to_string(), "");
        assert_eq!(limit.pass(Duration::ZERO), None);
    }
}
