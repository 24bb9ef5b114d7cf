//! `domain::zone`: an input is a POSIX zone, a date and a number of seconds, one to a line.
//!
//! - Nothing panics, whatever the zone; neither does a zone file made of the whole input.
//! - A date that is read is written in the one form of the API, names the same day as a calendar
//!   computed here, and reads as itself again.
//! - Local times and instants agree: a local time that some instant has, names the earliest such
//!   instant; one that no instant has (clocks are put forward) names one that shows a later time.
//!   Zones that change their clocks twice in a week are left out.

use std::collections::BTreeSet;

use hotspotd::domain::time::Timestamp;
use hotspotd::domain::zone::{LocalTime, Zone};

/// Around the year 9999 a zone can reach beyond what `LocalTime` can be asked for.
const LAST: i64 = 253_402_300_799;
/// Local time is never further than this from universal time: POSIX allows 24 hours and 59 minutes
/// either way.
const REACH: i64 = 26 * 3600;

pub fn check(data: &[u8]) {
    if let Ok(zone) = Zone::from_tzif(data) {
        for seconds in [i64::MIN, -1, 0, 1_735_689_600, LAST, i64::MAX] {
            let local = zone.local(Timestamp::from_unix(seconds));
            assert_eq!(zone.show(Timestamp::from_unix(seconds)), local.to_string());
            zone.instant(local);
        }
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.splitn(3, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (zone, date, seconds) = (line(), line(), line());
    let date: Option<LocalTime> = date.parse().inspect(|at| check_date(*at, date)).ok();
    let Ok(zone) = Zone::from_posix(zone) else { return };
    if let Some(date) = date.filter(|date| is_steady(&zone, plain(*date))) {
        check_local(&zone, date);
    }
    if let Ok(seconds) = seconds.trim().parse() {
        check_instant(&zone, seconds);
    }
}

/// Seconds as if the local time were universal.
fn plain(at: LocalTime) -> i64 {
    Zone::utc().instant(at).unix()
}

fn check_date(at: LocalTime, text: &str) {
    let shown = at.to_string();
    let complete = if text.len() == 16 { format!("{text}:00") } else { text.to_owned() };
    assert_eq!(shown, complete.replace('T', " "));
    assert_eq!(shown.parse(), Ok(at));
    let number = |at: usize, digits: usize| shown[at..at + digits].parse::<i64>().unwrap();
    let (year, month, day) = (number(0, 4), number(5, 2), number(8, 2));
    assert!((1970..=9999).contains(&year), "{shown}");
    let clock = number(11, 2) * 3600 + number(14, 2) * 60 + number(17, 2);
    assert_eq!(plain(at), days(year, month, day) * 86_400 + clock, "{shown}");
}

/// Days since 1970-01-01, counted one year and one month at a time.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let years: i64 = (1970..year).map(|year| 365 + i64::from(leap(year))).sum();
    let length = |month: i64| match month {
        2 => 28 + i64::from(leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    assert!((1..=12).contains(&month) && (1..=length(month)).contains(&day));
    years + (1..month).map(length).sum::<i64>() + day - 1
}

fn check_local(zone: &Zone, at: LocalTime) {
    let named = zone.instant(at);
    let shown = zone.local(named);
    let earliest = instants(zone, at).next();
    if shown == at {
        assert!(earliest.is_none_or(|earliest| named <= earliest), "{at} has an earlier instant");
    } else {
        assert_eq!(earliest, None, "{at} became {shown}");
        assert!(shown > at, "{at} became {shown}, and no clock was put forward");
    }
}

/// The instants that have this local time, in order; only an offset that is in force for less
/// than a quarter of an hour is overlooked.
fn instants(zone: &Zone, at: LocalTime) -> impl Iterator<Item = Timestamp> {
    let around = plain(at);
    let offset = |seconds| plain_of(zone, seconds) - seconds;
    let offsets: BTreeSet<i64> =
        (around - REACH..=around + REACH).step_by(900).map(offset).collect();
    let instant = move |offset| Timestamp::from_unix(around - offset);
    offsets.into_iter().rev().map(instant).filter(move |instant| zone.local(*instant) == at)
}

/// Whether clocks, once changed, stay so for more than a week, in this and the neighbouring years.
/// Rules whose two changes fall on one day in some years and not in others are beyond `tz-rs`, and
/// no country has them.
fn is_steady(zone: &Zone, around: i64) -> bool {
    let days = (-800..=800).map(|day| around.saturating_add(day * 86_400));
    let offsets: Vec<i64> = days.map(|seconds| plain_of(zone, seconds) - seconds).collect();
    let periods: Vec<_> = offsets.chunk_by(|a, b| a == b).map(<[i64]>::len).collect();
    let whole = periods.get(1..periods.len() - 1).unwrap_or_default();
    periods.len() == 1 || (periods.len() > 4 && whole.iter().all(|days| *days > 7))
}

/// The local time at an instant, as a number.
fn plain_of(zone: &Zone, seconds: i64) -> i64 {
    plain(zone.local(Timestamp::from_unix(seconds)))
}

fn check_instant(zone: &Zone, seconds: i64) {
    let at = Timestamp::from_unix(seconds);
    let local = zone.local(at);
    assert_eq!(zone.show(at), local.to_string());
    if !(0..LAST - REACH).contains(&seconds) || !is_steady(zone, seconds) {
        return;
    }
    let again = zone.instant(local);
    assert_eq!(zone.local(again), local, "{seconds}: {local} names another time");
    assert!(again <= at, "{seconds}: {local} names a later instant");
}
