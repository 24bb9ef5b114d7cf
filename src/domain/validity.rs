//! How long a voucher lasts and when its time starts.
//!
//! A day is always 24 hours and an hour 3600 seconds: a change to or from summer time neither
//! gives nor takes an hour that was paid for.

use std::fmt;
use std::str::FromStr;

use super::time::{Now, Timestamp};

const HOUR: i64 = 3600;

/// Day counts above 30 that the vendor's closed list names (WAVER OS, API Access, section 1.1).
const LONG_DAYS: [u16; 11] = [35, 40, 45, 50, 55, 60, 90, 120, 150, 180, 365];

/// A voucher's `valid_for`: one of the values the vendor's page lists, nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValidFor(Length);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Always,
    Hours(u16),
    Days(u16),
}

impl ValidFor {
    /// No end.
    pub const ALWAYS: Self = Self(Length::Always);
    /// One day, the shipped preset.
    pub const ONE_DAY: Self = Self(Length::Days(1));

    /// The length in seconds, `None` for `always`.
    pub fn seconds(self) -> Option<i64> {
        match self.0 {
            Length::Always => None,
            Length::Hours(hours) => Some(i64::from(hours) * HOUR),
            Length::Days(days) => Some(i64::from(days) * 24 * HOUR),
        }
    }

    /// The value whose length is `seconds`, if the list has one.
    pub fn from_seconds(seconds: Option<i64>) -> Option<Self> {
        Self::all().find(|value| value.seconds() == seconds)
    }

    /// Every value of the list, shortest first, `always` last.
    pub fn all() -> impl Iterator<Item = Self> {
        let hours = (1..=23).map(Length::Hours);
        let days = (1..=30).chain(LONG_DAYS).map(Length::Days);
        hours.chain(days).chain([Length::Always]).map(Self)
    }
}

impl fmt::Display for ValidFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Length::Always => f.write_str("always"),
            Length::Hours(1) => f.write_str("1 hour"),
            Length::Hours(hours) => write!(f, "{hours} hours"),
            Length::Days(1) => f.write_str("1 day"),
            Length::Days(days) => write!(f, "{days} days"),
        }
    }
}

/// The text is not in the vendor's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotInList;

impl fmt::Display for NotInList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "must be 'always', '1 hour', '2 hours' to '23 hours', '1 day', '2 days' to '30 days', \
             or 35, 40, 45, 50, 55, 60, 90, 120, 150, 180 or 365 days",
        )
    }
}

impl std::error::Error for NotInList {}

impl FromStr for ValidFor {
    type Err = NotInList;

    /// Accepts exactly what `Display` prints: `24 hours`, `31 days` and `1 days` are not in the list.
    fn from_str(text: &str) -> Result<Self, NotInList> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let number = text[..digits].parse().ok();
        let length = match (number, &text[digits..]) {
            (None, "always") => Length::Always,
            (Some(1), " hour") => Length::Hours(1),
            (Some(hours @ 2..=23), " hours") => Length::Hours(hours),
            (Some(1), " day") => Length::Days(1),
            (Some(days), " days") if (2..=30).contains(&days) || LONG_DAYS.contains(&days) => {
                Length::Days(days)
            }
            _ => return Err(NotInList),
        };
        let value = Self(length);
        if text.starts_with('0') { Err(NotInList) } else { Ok(value) }
    }
}

/// Which moment starts a voucher's time (`option validity_starts`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ValidityStarts {
    /// A given `valid_from` starts it; without one, the first login does, so that printed stock
    /// does not run out in the drawer.
    #[default]
    Auto,
    /// The first login starts it; a given `valid_from` is only the earliest moment of that login.
    FirstLogin,
    /// `valid_from` starts it, or the creation where none was given.
    ValidFrom,
}

/// The dates that decide a voucher's validity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dates {
    /// When the voucher was made.
    pub created_at: Timestamp,
    /// The start that was asked for, if any.
    pub valid_from: Option<Timestamp>,
    /// When a guest first signed in with it.
    pub first_login: Option<Timestamp>,
}

/// Where a voucher stands at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not before this moment.
    NotYet(Timestamp),
    /// Waiting for the first login, which starts its time.
    Unused,
    /// Valid until that moment; `None` is for ever.
    Running(Option<Timestamp>),
    /// Over since that moment.
    Expired(Timestamp),
}

/// Decides where a voucher with these dates stands.
///
/// While the wall clock is not set nothing is expired: the true time is unknown, and a guest must
/// not lose a voucher to a router that woke up in the wrong year. The reading is still a lower
/// bound, so a start it has already passed has truly passed.
pub fn standing(valid_for: ValidFor, starts: ValidityStarts, dates: Dates, now: Now) -> Standing {
    let start = match starts {
        ValidityStarts::Auto => dates.valid_from.or(dates.first_login),
        ValidityStarts::FirstLogin => dates.first_login,
        ValidityStarts::ValidFrom => Some(dates.valid_from.unwrap_or(dates.created_at)),
    };
    if let Some(from) = dates.valid_from
        && now.wall < from
        && dates.first_login.is_none()
    {
        return Standing::NotYet(from);
    }
    let Some(start) = start else {
        return Standing::Unused;
    };
    match valid_for.seconds().map(|seconds| start.plus(seconds)) {
        Some(end) if now.wall >= end && now.wall_is_set => Standing::Expired(end),
        end => Standing::Running(end),
    }
}

#[cfg(test)]
mod tests;
