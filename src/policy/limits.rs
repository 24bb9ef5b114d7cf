//! Check items that limit: Expiration, Login-Time, Simultaneous-Use, counters.

use std::fmt;
use std::time::Duration;

use super::pair::Pairs;
use crate::domain::time::{Now, Timestamp};
use crate::domain::zone::Zone;

/// What a counter adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Seconds of sessions.
    Time,
    /// Octets both ways.
    Traffic,
}

/// A counter that has to be measured before it can be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    /// What is added up.
    pub measure: Measure,
    /// Since when; `None` is ever.
    pub since: Option<Timestamp>,
    /// When it begins anew; `None` is never.
    pub resets_at: Option<Timestamp>,
    /// How much there may be.
    pub limit: u64,
    /// The check item it comes from.
    pub name: &'static str,
}

/// What is known of somebody beside the rows.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// The clocks.
    pub now: Now,
    /// Days begin in it.
    pub zone: &'a Zone,
    /// When they signed in for the first time; `None` is now.
    pub first_login: Option<Timestamp>,
    /// Sessions that they have open, this one left out.
    pub open_sessions: usize,
}

/// What is left to somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Time.
    pub time: Option<Duration>,
    /// Octets, both ways together.
    pub total: Option<u64>,
}

/// Why somebody is not let in, in FreeRADIUS's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// A counter has come to its limit: the check item.
    UsedUp(&'static str),
    /// Expiration has passed.
    Expired,
    /// Login-Time does not allow it now.
    OutsideHours,
    /// Simultaneous-Use.
    LoggedInAlready,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UsedUp(_) => f.write_str("Your maximum usage has been reached"),
            Self::Expired => f.write_str("Password Has Expired"),
            Self::OutsideHours => f.write_str("You are calling outside your allowed timespan"),
            Self::LoggedInAlready => f.write_str("You are already logged in - access denied"),
        }
    }
}

/// The counters that the control list asks for.
pub fn counters(_control: &Pairs, _circumstances: &Circumstances<'_>) -> Vec<Counter> {
    Vec::new()
}

/// Judges the control list, the counters measured.
///
/// # Errors
/// Why somebody is not let in, as a value.
pub fn limits(
    _control: &Pairs,
    _circumstances: &Circumstances<'_>,
    _measured: &[(Counter, u64)],
) -> Result<Limits, Denial> {
    Ok(Limits::default())
}
