//! Check items that limit: Expiration, Login-Time, Simultaneous-Use, counters.
//!
//! While the wall clock is not set nothing is over by date: Expiration, Access-Period and
//! Expire-After do not refuse, as with vouchers, and Login-Time is not looked at. The reading is
//! still a lower bound, so what it leaves is not more than there truly is to a day that has not
//! come. Counters go on, see [`Period::around`].

use std::fmt;
use std::time::Duration;

use super::date::parse_date;
use super::dictionary::{self, Attribute};
use super::login_time::{Stay, stay};
use super::pair::{Pairs, Value};
use super::period::Period;
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
            // FreeRADIUS's words would be of time, and "never".
            Self::UsedUp(item) if *item == dictionary::MAX_DATA.name() => {
                f.write_str("Your data limit has been reached")
            }
            // The word is `reset` of the counter's section; phrase books of login pages know it.
            Self::UsedUp(item) => {
                let reset = match item.split('-').nth(1) {
                    Some("Daily") => "daily",
                    Some("Weekly") => "weekly",
                    Some("Monthly") => "monthly",
                    _ => "never",
                };
                write!(f, "Your maximum {reset} usage time has been reached")
            }
            Self::Expired => f.write_str("Password Has Expired"),
            Self::OutsideHours => f.write_str("You are calling outside your allowed timespan"),
            Self::LoggedInAlready => f.write_str("You are already logged in - access denied"),
        }
    }
}

const COUNTERS: [(Attribute, Measure, Period); 7] = [
    (dictionary::MAX_DAILY_SESSION, Measure::Time, Period::Day),
    (dictionary::MAX_WEEKLY_SESSION, Measure::Time, Period::Week),
    (dictionary::MAX_MONTHLY_SESSION, Measure::Time, Period::Month),
    (dictionary::MAX_ALL_SESSION, Measure::Time, Period::Ever),
    (dictionary::MAX_DAILY_SESSION_TRAFFIC, Measure::Traffic, Period::Day),
    (dictionary::MAX_MONTHLY_SESSION_TRAFFIC, Measure::Traffic, Period::Month),
    (dictionary::MAX_DATA, Measure::Traffic, Period::Ever),
];

/// The counters that the control list asks for.
///
/// Octets have no counters in FreeRADIUS's stock configuration; these are its `sqlcounter` with
/// octets for the key, as hotspots have them.
pub fn counters(control: &Pairs, circumstances: &Circumstances<'_>) -> Vec<Counter> {
    let asked = COUNTERS.iter().filter_map(|&(item, measure, period)| {
        let limit = number(control, item)?;
        let (since, resets_at) = period.around(circumstances.now, circumstances.zone);
        Some(Counter { measure, since, resets_at, limit, name: item.name() })
    });
    asked.collect()
}

/// Judges the control list, the counters measured. Of several limits the smallest counts.
///
/// # Errors
/// Why somebody is not let in, as a value: the first reason in the order of FreeRADIUS's
/// `sites-available/default`.
pub fn limits(
    control: &Pairs,
    circumstances: &Circumstances<'_>,
    measured: &[(Counter, u64)],
) -> Result<Limits, Denial> {
    let mut limits = Limits::default();
    for (counter, used) in measured {
        limits.count(counter, *used, circumstances.now)?;
    }
    for item in [dictionary::ACCESS_PERIOD, dictionary::EXPIRE_AFTER] {
        if let Some(limit) = number(control, item) {
            let begun = circumstances.first_login.unwrap_or(circumstances.now.wall);
            let end = begun.plus(i64::try_from(limit).unwrap_or(i64::MAX));
            limits.end_at(end, circumstances.now, Denial::UsedUp(item.name()))?;
        }
    }
    if let Some(end) = expiration(control, circumstances.zone) {
        limits.end_at(end, circumstances.now, Denial::Expired)?;
    }
    if let Some(hours) = text(control, dictionary::LOGIN_TIME)
        && circumstances.now.wall_is_set
    {
        match stay(hours, circumstances.now.wall, circumstances.zone) {
            Stay::Closed => return Err(Denial::OutsideHours),
            Stay::Seconds(seconds) => limits.cap_time(seconds),
            Stay::Always => (),
        }
    }
    match number(control, dictionary::SIMULTANEOUS_USE) {
        Some(most) if circumstances.open_sessions as u64 >= most => Err(Denial::LoggedInAlready),
        _ => Ok(limits),
    }
}

impl Limits {
    /// What a counter leaves (`rlm_sqlcounter`). Who has more time left than the period has gets
    /// the next period's as well, so that nobody is thrown out at midnight to sign in again.
    fn count(&mut self, counter: &Counter, used: u64, now: Now) -> Result<(), Denial> {
        let left = counter.limit.saturating_sub(used);
        if left == 0 {
            return Err(Denial::UsedUp(counter.name));
        }
        match (counter.measure, counter.resets_at) {
            (Measure::Traffic, _) => {
                self.total = Some(self.total.map_or(left, |total| total.min(left)));
            }
            (Measure::Time, Some(reset)) if left >= until(reset, now) => {
                self.cap_time(until(reset, now).saturating_add(counter.limit));
            }
            (Measure::Time, _) => self.cap_time(left),
        }
        Ok(())
    }

    /// What a date leaves; the moment itself is too late (`rlm_expiration`).
    fn end_at(&mut self, end: Timestamp, now: Now, denial: Denial) -> Result<(), Denial> {
        match until(end, now) {
            0 if now.wall_is_set => return Err(denial),
            0 => (),
            seconds => self.cap_time(seconds),
        }
        Ok(())
    }

    fn cap_time(&mut self, seconds: u64) {
        let time = Duration::from_secs(seconds);
        self.time = Some(self.time.map_or(time, |earlier| earlier.min(time)));
    }
}

/// Seconds until then; 0 where it has passed.
fn until(then: Timestamp, now: Now) -> u64 {
    u64::try_from(then.unix().saturating_sub(now.wall.unix())).unwrap_or(0)
}

/// Expiration. One that cannot be read has passed: who wrote it wanted an end.
fn expiration(control: &Pairs, zone: &Zone) -> Option<Timestamp> {
    match value(control, dictionary::EXPIRATION)? {
        Value::Date(at) => Some(*at),
        Value::Text(typed) => Some(parse_date(typed, zone).unwrap_or(Timestamp::from_unix(0))),
        _ => None,
    }
}

fn number(control: &Pairs, item: Attribute) -> Option<u64> {
    match value(control, item)? {
        Value::Integer(number) => Some(u64::from(*number)),
        Value::Integer64(number) => Some(*number),
        _ => None,
    }
}

fn text(control: &Pairs, item: Attribute) -> Option<&str> {
    match value(control, item)? {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// The first of an attribute, as FreeRADIUS looks for it.
fn value(control: &Pairs, item: Attribute) -> Option<&Value> {
    control.0.iter().find(|pair| pair.attribute == item).map(|pair| &pair.value)
}

#[cfg(test)]
mod tests;
