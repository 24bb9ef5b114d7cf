//! Dates as operators of FreeRADIUS type them (`fr_get_time`), and as the rest of us do.

use std::str::FromStr;

use chrono::{NaiveDate, NaiveTime};

use crate::domain::time::Timestamp;
use crate::domain::zone::{LocalTime, Zone};

const WANTED: &str = "must be a date like '24 Dec 2026', 'Dec 24 2026 18:00:00', '2026-12-24', \
                      '2026-12-24 18:00' or Unix seconds";

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

enum Typed {
    Seconds(u32),
    Local(LocalTime),
}

/// Reads a date. Without a time it is the midnight at which that day begins, as in FreeRADIUS; it
/// is local time unless it is Unix seconds.
///
/// # Errors
/// What a date looks like: a sentence without its subject.
pub fn parse_date(text: &str, zone: &Zone) -> Result<Timestamp, String> {
    match read(text.trim()).ok_or(WANTED)? {
        Typed::Seconds(seconds) => Ok(Timestamp::from_unix(i64::from(seconds))),
        Typed::Local(local) => Ok(zone.instant(local)),
    }
}

/// Whether a date can be read, wherever the router stands.
///
/// # Errors
/// What a date looks like: a sentence without its subject.
pub fn fits_date(text: &str) -> Result<(), String> {
    parse_date(text, &Zone::utc()).map(|_| ())
}

fn read(text: &str) -> Option<Typed> {
    if let Some(seconds) = number(text) {
        return Some(Typed::Seconds(seconds));
    }
    if let Ok(local) = LocalTime::from_str(text).or_else(|_| format!("{text} 00:00").parse()) {
        return Some(Typed::Local(local));
    }
    named_month(text).map(Typed::Local)
}

/// Day, month and year in any order that leaves no doubt, the time before, after or among them.
fn named_month(text: &str) -> Option<LocalTime> {
    let (mut clock, mut month, mut numbers) = (None, None, Vec::new());
    for word in text.split_ascii_whitespace() {
        let word = word.trim_end_matches(',');
        if word.contains(':') {
            clock.replace(time_of_day(word)?).is_none().then_some(())?;
        } else if let Some(number) = number(word) {
            numbers.push(number);
        } else {
            month.replace(month_number(word)?).is_none().then_some(())?;
        }
    }
    let (day, year) = match numbers.as_slice() {
        &[day, year] if year >= 1900 => (day, year),
        &[year, day] if year >= 1900 => (day, year),
        _ => return None,
    };
    let year = i32::try_from(year).ok().filter(|year| (1970..=9999).contains(year))?;
    let date = NaiveDate::from_ymd_opt(year, month?, day)?;
    let shown = match clock {
        // The end of the day.
        Some(None) => date.succ_opt()?.and_time(NaiveTime::MIN),
        Some(Some(time)) => date.and_time(time),
        None => date.and_time(NaiveTime::MIN),
    };
    Some(shown.into())
}

/// `H:MM[:SS]`; `Some(None)` is 24:00, which old databases are full of.
fn time_of_day(word: &str) -> Option<Option<NaiveTime>> {
    let mut parts = word.splitn(3, ':').map(number);
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = match parts.next() {
        Some(second) => second?,
        None => 0,
    };
    if (hour, minute, second) == (24, 0, 0) {
        return Some(None);
    }
    NaiveTime::from_hms_opt(hour, minute, second).map(Some)
}

fn month_number(word: &str) -> Option<u32> {
    let letters = word.bytes().all(|letter| letter.is_ascii_alphabetic());
    let short = word.get(..3).filter(|_| letters)?.to_ascii_lowercase();
    (1..).zip(MONTHS).find_map(|(number, name)| (name == short).then_some(number))
}

/// Digits and nothing else.
fn number(word: &str) -> Option<u32> {
    word.bytes().all(|digit| digit.is_ascii_digit()).then(|| word.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin(text: &str) -> Result<String, String> {
        let zone = Zone::from_posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        parse_date(text, &zone).map(|at| zone.show(at))
    }

    #[test]
    fn dates_are_read_as_fr_get_time_reads_them() {
        for (text, expected) in [
            ("24 Dec 2026", "2026-12-24 00:00:00"),
            ("Dec 24 2026", "2026-12-24 00:00:00"),
            ("December 24, 2026", "2026-12-24 00:00:00"),
            ("2026 dec 4", "2026-12-04 00:00:00"),
            ("Dec 24 2026 18:00:00", "2026-12-24 18:00:00"),
            ("24 DEC 2026 18:00", "2026-12-24 18:00:00"),
            ("18:00:30 24 Dec 2026", "2026-12-24 18:00:30"),
            ("Dec 24 6:05 2026", "2026-12-24 06:05:00"),
            ("31 Dec 2026 24:00:00", "2027-01-01 00:00:00"),
            ("1 Jul 2026 12:00", "2026-07-01 12:00:00"),
            (" 24 \t Dec  2026 ", "2026-12-24 00:00:00"),
            ("1782900000", "2026-07-01 12:00:00"),
        ] {
            assert_eq!(berlin(text).as_deref(), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn dates_are_read_as_the_api_writes_them() {
        for text in ["2026-12-24 18:00", "2026-12-24 18:00:00", "2026-12-24T18:00:00"] {
            assert_eq!(berlin(text).as_deref(), Ok("2026-12-24 18:00:00"));
        }
        assert_eq!(berlin("2026-12-24").as_deref(), Ok("2026-12-24 00:00:00"));
    }

    #[test]
    fn what_is_no_date_or_may_be_two_is_refused() {
        for text in [
            "",
            " ",
            "never",
            "24 12 2026",
            "24.12.2026",
            "12/24/2026",
            "Dec 2026",
            "24 Dec 26",
            "24 Dec 1969",
            "2026 Dec 2027",
            "31 Feb 2026",
            "0 Dec 2026",
            "24 Dez 2026",
            "24 Dec Dec 2026",
            "24 Dec 2026 18:00 19:00",
            "24 Dec 2026 24:01",
            "24 Dec 2026 18",
            "24 Dec 2026 18:00:00:00",
            "24 Dec 2026 18:-1",
            "+5 Dec 2026",
            "2026-02-30",
            "-1",
            "4294967296",
        ] {
            assert!(berlin(text).is_err(), "{text:?}: {:?}", berlin(text));
            assert!(fits_date(text).is_err(), "{text:?}");
        }
    }
}
