//! Login-Time: hours in which somebody may sign in, as UUCP wrote them (`timestr.c` of FreeRADIUS).
//!
//! `Wk0855-2305,Sa,Su2305-1655`: days (`Su` to `Sa`, `Wk` for Monday to Friday, `Any` or `Al` for
//! all, `Mo-Fr` for a stretch), then hours and minutes. The last minute is part of it. A stretch
//! that ends before it begins runs over midnight *of the same day*: Sunday until 16:55 and again
//! from 23:05. Hours without days are every day's, days without hours are whole days.

use chrono::{Datelike, TimeDelta, Timelike};

use crate::domain::time::Timestamp;
use crate::domain::zone::Zone;

const MINUTES_OF_DAY: u32 = 24 * 60;
const MINUTES_OF_WEEK: u32 = 7 * MINUTES_OF_DAY;

/// The first that a text begins with counts: `all` stands before `al`.
const DAYS: [(&str, u8); 11] = [
    ("su", 1 << 0),
    ("mo", 1 << 1),
    ("tu", 1 << 2),
    ("we", 1 << 3),
    ("th", 1 << 4),
    ("fr", 1 << 5),
    ("sa", 1 << 6),
    ("wk", 0b011_1110),
    ("any", EVERY_DAY),
    ("all", EVERY_DAY),
    ("al", EVERY_DAY),
];
const EVERY_DAY: u8 = 0b111_1111;

/// How long somebody may stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stay {
    /// It is not their time.
    Closed,
    /// So many seconds. The minute that runs counts as a whole one, as in `timestr_match`.
    Seconds(u64),
    /// Every minute of the week is theirs.
    Always,
}

/// Some hours of some days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    /// Sunday is the lowest bit.
    days: u8,
    /// Minutes of the day, both included.
    from: u32,
    to: u32,
}

impl Span {
    fn contains(self, minute_of_week: u32) -> bool {
        let (day, minute) = (minute_of_week / MINUTES_OF_DAY, minute_of_week % MINUTES_OF_DAY);
        let hours = if self.from <= self.to {
            self.from <= minute && minute <= self.to
        } else {
            self.from <= minute || minute <= self.to
        };
        hours && self.days >> day & 1 == 1
    }
}

/// Whether a Login-Time says what it seems to say. FreeRADIUS leaves out what it cannot read, and
/// nobody learns of it.
///
/// # Errors
/// What is wrong with it: a sentence without its subject.
pub fn fits_login_time(text: &str) -> Result<(), String> {
    if text.eq_ignore_ascii_case("never") {
        return Ok(());
    }
    parts(text).try_for_each(|part| {
        let lower = part.to_ascii_lowercase();
        span(&lower).map(|_| ()).ok_or_else(|| {
            format!("must be hours like 'Wk0855-2305,Sa,Su0900-1655' without blanks, not '{part}'")
        })
    })
}

/// How long somebody may stay who signs in now. What cannot be read allows nothing.
pub(super) fn stay(text: &str, now: Timestamp, zone: &Zone) -> Stay {
    let lower = text.to_ascii_lowercase();
    let spans: Vec<Span> = parts(&lower).filter_map(span).collect();
    let local = zone.local(now).naive();
    let start = local.weekday().num_days_from_sunday() * MINUTES_OF_DAY
        + local.hour() * 60
        + local.minute();
    let open = |minute: &u32| spans.iter().any(|span| span.contains(minute % MINUTES_OF_WEEK));
    let minutes = (start..start + MINUTES_OF_WEEK).take_while(open).count();
    let Some(minutes) = u32::try_from(minutes).ok().filter(|minutes| *minutes < MINUTES_OF_WEEK)
    else {
        return Stay::Always;
    };
    if minutes == 0 { Stay::Closed } else { Stay::Seconds(seconds(minutes, now, zone)) }
}

/// From the beginning of this minute to the moment at which so many more have passed on the wall:
/// clocks that are put forward or back in between are reckoned with.
fn seconds(minutes: u32, now: Timestamp, zone: &Zone) -> u64 {
    let local = zone.local(now).naive();
    let minute = now.plus(-i64::from(local.second()));
    let by_the_minute = i64::from(minutes) * 60;
    let begun = local.with_second(0).unwrap_or(local);
    let end = begun.checked_add_signed(TimeDelta::seconds(by_the_minute)).unwrap_or(begun);
    let seconds = zone.instant(end.into()).unix() - minute.unix();
    // The hour that happens twice: its first end has passed when it happens again.
    let seconds = if seconds > 0 { seconds } else { by_the_minute };
    u64::try_from(seconds).unwrap_or_default()
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', '|'])
}

/// Reads one part, in lower case.
fn span(part: &str) -> Option<Span> {
    let digits = part.find(|sign: char| sign.is_ascii_digit()).unwrap_or(part.len());
    let (names, hours) = part.split_at_checked(digits)?;
    let days = if names.is_empty() && !hours.is_empty() { EVERY_DAY } else { days(names)? };
    let (from, to) = match hours.split_once('-') {
        _ if hours.is_empty() => (0, MINUTES_OF_DAY - 1),
        Some((from, to)) => (minute(from)?, minute(to)?),
        None => (minute(hours)?, minute(hours)?),
    };
    Some(Span { days, from, to })
}

/// Reads days in a row: `mofr`, `mo-fr`, `fr-mo`, `wk`.
fn days(mut names: &str) -> Option<u8> {
    let mut days = 0;
    while days == 0 || !names.is_empty() {
        let (first, rest) = day(names)?;
        names = rest;
        days |= first;
        if let Some(rest) = names.strip_prefix('-') {
            let (last, rest) = day(rest)?;
            names = rest;
            days |= stretch(first, last)?;
        }
    }
    Some(days)
}

/// The days from one to another, over the week's end if need be. From or to several days at once
/// makes no sense; FreeRADIUS does not come back from `Mo-Wk`.
fn stretch(first: u8, last: u8) -> Option<u8> {
    if first.count_ones() != 1 || last.count_ones() != 1 {
        return None;
    }
    let (mut days, mut day) = (first, first);
    while day != last {
        day = if day == 1 << 6 { 1 } else { day << 1 };
        days |= day;
    }
    Some(days)
}

fn day(names: &str) -> Option<(u8, &str)> {
    DAYS.iter().find_map(|&(name, days)| names.strip_prefix(name).map(|rest| (days, rest)))
}

/// Reads `HHMM`; 2400 is the last minute of the day.
fn minute(text: &str) -> Option<u32> {
    let digits = text.len() == 4 && text.bytes().all(|digit| digit.is_ascii_digit());
    let (hours, minutes) = text.split_at_checked(2).filter(|_| digits)?;
    let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let minute = hours * 60 + minutes;
    (minutes < 60 && minute <= MINUTES_OF_DAY).then_some(minute.min(MINUTES_OF_DAY - 1))
}

#[cfg(test)]
mod tests;
