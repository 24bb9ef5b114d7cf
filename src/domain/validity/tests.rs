use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::domain::zone::{LocalTime, Zone};

fn at(seconds: i64) -> Now {
    Now { wall: Timestamp::from_unix(seconds), wall_is_set: true, boot: Duration::ZERO }
}

fn stamp(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

const READINGS: [ValidityStarts; 3] =
    [ValidityStarts::Auto, ValidityStarts::FirstLogin, ValidityStarts::ValidFrom];

#[test]
fn the_list_is_the_vendors_and_nothing_else() {
    let listed: Vec<String> = ValidFor::all().map(|value| value.to_string()).collect();
    assert_eq!(listed.len(), 23 + 30 + 11 + 1);
    for text in
        ["always", "1 hour", "2 hours", "23 hours", "1 day", "2 days", "30 days", "365 days"]
    {
        assert!(listed.iter().any(|value| value == text), "{text}");
    }
    for text in &listed {
        assert_eq!(text.parse::<ValidFor>().unwrap().to_string(), *text);
    }
    for text in [
        "",
        "24 hours",
        "0 hours",
        "1 hours",
        "2 hour",
        "1 days",
        "2 day",
        "31 days",
        "34 days",
        "366 days",
        "01 day",
        "1  day",
        "1 day ",
        " 1 day",
        "1 Day",
        "ALWAYS",
        "1",
        "day",
        "-1 day",
        "1.5 days",
        "99999999999999999999 days",
        "１ day",
        "1\u{a0}day",
    ] {
        assert_eq!(text.parse::<ValidFor>(), Err(NotInList), "{text:?}");
    }
}

#[test]
fn a_given_start_anchors_the_window_unless_the_first_login_is_to() {
    let dates = Dates { created_at: stamp(0), valid_from: Some(stamp(1000)), first_login: None };
    let day = ValidFor::ONE_DAY;
    for reading in READINGS {
        assert_eq!(
            standing(day, reading, dates, at(999)),
            Standing::NotYet(stamp(1000)),
            "{reading:?}"
        );
    }
    let end = stamp(1000 + 86_400);
    for reading in [ValidityStarts::Auto, ValidityStarts::ValidFrom] {
        assert_eq!(standing(day, reading, dates, at(1000)), Standing::Running(Some(end)));
        assert_eq!(standing(day, reading, dates, at(87_399)), Standing::Running(Some(end)));
        assert_eq!(standing(day, reading, dates, at(87_400)), Standing::Expired(end));
    }
    let reading = ValidityStarts::FirstLogin;
    assert_eq!(standing(day, reading, dates, at(1_000_000)), Standing::Unused);
    let used = Dates { first_login: Some(stamp(5000)), ..dates };
    assert_eq!(standing(day, reading, used, at(91_399)), Standing::Running(Some(stamp(91_400))));
    assert_eq!(standing(day, reading, used, at(91_400)), Standing::Expired(stamp(91_400)));
}

#[test]
fn without_a_start_printed_stock_keeps_until_its_first_login() {
    let dates = Dates { created_at: stamp(0), valid_from: None, first_login: None };
    let day = ValidFor::ONE_DAY;
    for reading in [ValidityStarts::Auto, ValidityStarts::FirstLogin] {
        assert_eq!(
            standing(day, reading, dates, at(i64::MAX / 2)),
            Standing::Unused,
            "{reading:?}"
        );
    }
    let end = stamp(86_400);
    let reading = ValidityStarts::ValidFrom;
    assert_eq!(standing(day, reading, dates, at(86_399)), Standing::Running(Some(end)));
    assert_eq!(standing(day, reading, dates, at(86_400)), Standing::Expired(end));
}

#[test]
fn always_has_no_end_in_any_reading() {
    for reading in READINGS {
        let dates = Dates {
            created_at: stamp(0),
            valid_from: Some(stamp(10)),
            first_login: Some(stamp(20)),
        };
        let now = at(i64::MAX);
        assert_eq!(standing(ValidFor::ALWAYS, reading, dates, now), Standing::Running(None));
    }
}

#[test]
fn a_clock_that_is_not_set_expires_nothing_and_starts_only_what_has_surely_begun() {
    let unset = |seconds| Now { wall_is_set: false, ..at(seconds) };
    let dates = Dates { created_at: stamp(0), valid_from: Some(stamp(1000)), first_login: None };
    let end = Some(stamp(87_400));
    let auto = ValidityStarts::Auto;
    assert_eq!(standing(ValidFor::ONE_DAY, auto, dates, unset(10_000_000)), Standing::Running(end));
    assert_eq!(standing(ValidFor::ONE_DAY, auto, dates, unset(999)), Standing::NotYet(stamp(1000)));
}

#[test]
fn a_voucher_over_the_change_to_summer_time_lasts_as_long_as_any_other() {
    let zone = Zone::from_posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    for (start, end) in [
        ("2025-03-29 12:00:00", "2025-03-30 13:00:00"),
        ("2025-10-25 12:00:00", "2025-10-26 11:00:00"),
        ("2024-02-28 12:00:00", "2024-02-29 12:00:00"),
    ] {
        let from = zone.instant(start.parse().unwrap());
        let dates = Dates { created_at: from, valid_from: Some(from), first_login: None };
        let now = at(from.unix());
        let Standing::Running(Some(until)) =
            standing(ValidFor::ONE_DAY, ValidityStarts::Auto, dates, now)
        else {
            panic!("{start} does not run");
        };
        assert_eq!(until.unix() - from.unix(), 86_400);
        assert_eq!(zone.show(until), end, "from {start}");
    }
}

fn any_valid_for() -> impl Strategy<Value = ValidFor> {
    prop::sample::select(ValidFor::all().collect::<Vec<_>>())
}

fn any_reading() -> impl Strategy<Value = ValidityStarts> {
    prop::sample::select(READINGS.to_vec())
}

fn any_zone() -> impl Strategy<Value = Zone> {
    let texts = [
        "UTC0",
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "EST5EDT,M3.2.0,M11.1.0",
        "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45",
        "<-03>3",
        "<+0530>-5:30",
    ];
    let zones: Vec<Zone> = texts.iter().map(|text| Zone::from_posix(text).unwrap()).collect();
    prop::sample::select(zones)
}

/// 1970 to 2100.
const STAMPS: std::ops::Range<i64> = 0..4_102_444_800;

proptest! {
    /// Walking through time, a voucher goes NotYet, Unused, Running, Expired and never back.
    #[test]
    fn standing_only_moves_forward(
        valid_for in any_valid_for(),
        reading in any_reading(),
        created in STAMPS,
        from in prop::option::of(STAMPS),
        login in prop::option::of(STAMPS),
        mut times in prop::collection::vec(STAMPS, 2..20),
    ) {
        let rank = |standing| match standing {
            Standing::NotYet(_) => 0,
            Standing::Unused => 1,
            Standing::Running(_) => 2,
            Standing::Expired(_) => 3,
        };
        let dates = Dates {
            created_at: stamp(created),
            valid_from: from.map(stamp),
            first_login: login.map(stamp),
        };
        times.sort_unstable();
        let ranks: Vec<i32> =
            times.iter().map(|time| rank(standing(valid_for, reading, dates, at(*time)))).collect();
        prop_assert!(ranks.is_sorted(), "{ranks:?}");
    }

    /// What was sold is what is given, to the second, whatever the zone and the season.
    #[test]
    fn a_window_is_as_long_as_it_was_sold(
        valid_for in any_valid_for(),
        zone in any_zone(),
        from in STAMPS,
    ) {
        let local: LocalTime = zone.show(stamp(from)).parse().unwrap();
        let from = zone.instant(local);
        let dates = Dates { created_at: from, valid_from: Some(from), first_login: None };
        let reading = ValidityStarts::Auto;
        match (valid_for.seconds(), standing(valid_for, reading, dates, at(from.unix()))) {
            (None, Standing::Running(None)) => {}
            (Some(length), Standing::Running(Some(until))) => {
                prop_assert_eq!(until.unix() - from.unix(), length);
                let last = standing(valid_for, reading, dates, at(until.unix() - 1));
                prop_assert_eq!(last, Standing::Running(Some(until)));
                let over = standing(valid_for, reading, dates, at(until.unix()));
                prop_assert_eq!(over, Standing::Expired(until));
            }
            (length, standing) => prop_assert!(false, "{length:?} {standing:?}"),
        }
    }

    /// A local time read and shown again is the same, but for the hours that do not exist or
    /// happen twice; there it is at most the width of the change away.
    #[test]
    fn local_times_survive_the_round_trip(zone in any_zone(), seconds in STAMPS) {
        let instant = stamp(seconds);
        let again = zone.instant(zone.show(instant).parse().unwrap());
        prop_assert!((again.unix() - seconds).abs() <= 3600);
        prop_assert_eq!(zone.show(again), zone.show(instant));
    }
}
