use proptest::prelude::*;

use super::*;
use crate::policy::Pair;
use crate::policy::dictionary::*;

/// A Thursday in Berlin.
const NOON: &str = "2026-12-24 12:00:00";
const HOUR: u64 = 3600;

fn berlin() -> Zone {
    Zone::from_posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
}

fn at(zone: &Zone, local: &str) -> Timestamp {
    zone.instant(local.parse().unwrap())
}

fn clocks(wall: Timestamp, wall_is_set: bool) -> Now {
    Now { wall, wall_is_set, boot: Duration::from_secs(600) }
}

fn control(items: &[(Attribute, Value)]) -> Pairs {
    let pair = |(attribute, value): &(Attribute, Value)| Pair {
        attribute: *attribute,
        tag: 0,
        value: value.clone(),
    };
    Pairs(items.iter().map(pair).collect())
}

fn at_noon(zone: &Zone) -> Circumstances<'_> {
    let now = clocks(at(zone, NOON), true);
    Circumstances { now, zone, first_login: None, open_sessions: 0 }
}

/// Judges with every counter at `used`.
fn judge(control: &Pairs, circumstances: &Circumstances<'_>, used: u64) -> Result<Limits, Denial> {
    let measured: Vec<(Counter, u64)> =
        counters(control, circumstances).into_iter().map(|counter| (counter, used)).collect();
    limits(control, circumstances, &measured)
}

fn seconds(seconds: u64) -> Result<Limits, Denial> {
    Ok(Limits { time: Some(Duration::from_secs(seconds)), total: None })
}

fn octets(total: u64) -> Result<Limits, Denial> {
    Ok(Limits { time: None, total: Some(total) })
}

fn integer(number: u64) -> Value {
    Value::Integer(number.try_into().unwrap())
}

#[test]
fn counters_leave_what_rlm_sqlcounter_leaves() {
    // mod_authorize: reject if limit <= counter; else limit - counter, or, for Session-Timeout
    // only, time to reset + limit once that much is left.
    let zone = berlin();
    let used_up = |item: Attribute| Err(Denial::UsedUp(item.name()));
    for (item, limit, used, expected) in [
        (MAX_DAILY_SESSION, HOUR, 0, seconds(HOUR)),
        (MAX_DAILY_SESSION, HOUR, 600, seconds(3000)),
        (MAX_DAILY_SESSION, HOUR, 3599, seconds(1)),
        (MAX_DAILY_SESSION, HOUR, HOUR, used_up(MAX_DAILY_SESSION)),
        (MAX_DAILY_SESSION, HOUR, 4000, used_up(MAX_DAILY_SESSION)),
        (MAX_DAILY_SESSION, 0, 0, used_up(MAX_DAILY_SESSION)),
        (MAX_DAILY_SESSION, 12 * HOUR - 1, 0, seconds(12 * HOUR - 1)),
        (MAX_DAILY_SESSION, 12 * HOUR, 0, seconds(24 * HOUR)),
        (MAX_DAILY_SESSION, 20 * HOUR, 7 * HOUR, seconds(32 * HOUR)),
        (MAX_DAILY_SESSION, 20 * HOUR, 9 * HOUR, seconds(11 * HOUR)),
        // Sunday is 60 hours away, the first of January 180.
        (MAX_WEEKLY_SESSION, 59 * HOUR, 0, seconds(59 * HOUR)),
        (MAX_WEEKLY_SESSION, 61 * HOUR, 0, seconds(121 * HOUR)),
        (MAX_MONTHLY_SESSION, 179 * HOUR, 0, seconds(179 * HOUR)),
        (MAX_MONTHLY_SESSION, 190 * HOUR, 10 * HOUR, seconds(370 * HOUR)),
        (MAX_ALL_SESSION, 9000 * HOUR, HOUR, seconds(8999 * HOUR)),
        (MAX_ALL_SESSION, HOUR, HOUR, used_up(MAX_ALL_SESSION)),
    ] {
        let control = control(&[(item, integer(limit))]);
        assert_eq!(judge(&control, &at_noon(&zone), used), expected, "{item:?} {limit} {used}");
    }
    for item in [MAX_DAILY_SESSION_TRAFFIC, MAX_MONTHLY_SESSION_TRAFFIC, MAX_DATA] {
        let control = control(&[(item, Value::Integer64(5 << 32))]);
        assert_eq!(judge(&control, &at_noon(&zone), 1 << 32), octets(4 << 32), "{item:?}");
        assert_eq!(judge(&control, &at_noon(&zone), 5 << 32), used_up(item));
    }
}

#[test]
fn counters_are_measured_since_their_period_began() {
    let zone = berlin();
    for (item, since, resets_at) in [
        (MAX_DAILY_SESSION, Some("2026-12-24 00:00"), Some("2026-12-25 00:00")),
        (MAX_WEEKLY_SESSION, Some("2026-12-20 00:00"), Some("2026-12-27 00:00")),
        (MAX_MONTHLY_SESSION, Some("2026-12-01 00:00"), Some("2027-01-01 00:00")),
        (MAX_DAILY_SESSION_TRAFFIC, Some("2026-12-24 00:00"), Some("2026-12-25 00:00")),
        (MAX_MONTHLY_SESSION_TRAFFIC, Some("2026-12-01 00:00"), Some("2027-01-01 00:00")),
        (MAX_ALL_SESSION, None, None),
        (MAX_DATA, None, None),
    ] {
        let found = counters(&control(&[(item, integer(7))]), &at_noon(&zone));
        let [counter] = found.as_slice() else { panic!("{item:?}: {found:?}") };
        assert_eq!(counter.since, since.map(|local| at(&zone, local)), "{item:?}");
        assert_eq!(counter.resets_at, resets_at.map(|local| at(&zone, local)), "{item:?}");
        assert_eq!((counter.limit, counter.name), (7, item.name()));
    }
}

#[test]
fn dates_end_things_as_rlm_expiration_does() {
    let zone = berlin();
    let typed = |text: &str| Value::Text(text.into());
    for (value, expected) in [
        (typed("24 Dec 2026 12:00:00"), Err(Denial::Expired)),
        (typed("24 Dec 2026 12:00:01"), seconds(1)),
        (typed("24 Dec 2026"), Err(Denial::Expired)),
        (typed("25 Dec 2026"), seconds(12 * HOUR)),
        (typed("2026-12-24 13:00"), seconds(HOUR)),
        (typed("some day"), Err(Denial::Expired)),
        (Value::Date(at(&zone, NOON).plus(60)), seconds(60)),
        (Value::Date(at(&zone, NOON)), Err(Denial::Expired)),
    ] {
        let control = control(&[(EXPIRATION, value.clone())]);
        assert_eq!(judge(&control, &at_noon(&zone), 0), expected, "{value:?}");
    }
}

#[test]
fn what_is_counted_from_the_first_login_ends_once_it_is_used_up() {
    // expire_on_login of `mods-available/sqlcounter`, which never resets.
    let zone = berlin();
    for item in [ACCESS_PERIOD, EXPIRE_AFTER] {
        let control = control(&[(item, integer(HOUR))]);
        for (ago, expected) in [
            (None, seconds(HOUR)),
            (Some(0), seconds(HOUR)),
            (Some(600), seconds(3000)),
            (Some(3599), seconds(1)),
            (Some(3600), Err(Denial::UsedUp(item.name()))),
            (Some(1 << 40), Err(Denial::UsedUp(item.name()))),
        ] {
            let noon = at_noon(&zone);
            let first_login = ago.map(|ago| noon.now.wall.plus(-ago));
            let circumstances = Circumstances { first_login, ..noon };
            assert_eq!(judge(&control, &circumstances, 0), expected, "{item:?} {ago:?}");
        }
    }
}

#[test]
fn hours_and_sessions() {
    let zone = berlin();
    let open = |open_sessions| Circumstances { open_sessions, ..at_noon(&zone) };
    for (hours, expected) in [
        ("Wk0800-1259", seconds(HOUR)),
        ("Wk1300-1400", Err(Denial::OutsideHours)),
        ("Any", Ok(Limits::default())),
        ("rubbish", Err(Denial::OutsideHours)),
    ] {
        let control = control(&[(LOGIN_TIME, Value::Text(hours.into()))]);
        assert_eq!(judge(&control, &open(0), 0), expected, "{hours}");
    }
    for (most, sessions, expected) in [
        (1, 0, Ok(Limits::default())),
        (1, 1, Err(Denial::LoggedInAlready)),
        (2, 1, Ok(Limits::default())),
        (2, 3, Err(Denial::LoggedInAlready)),
        (0, 0, Err(Denial::LoggedInAlready)),
    ] {
        let control = control(&[(SIMULTANEOUS_USE, integer(most))]);
        assert_eq!(judge(&control, &open(sessions), 0), expected, "{sessions} of {most}");
    }
}

#[test]
fn the_smallest_limit_counts_and_the_first_reason_is_given() {
    let zone = berlin();
    let all = [
        (MAX_ALL_SESSION, integer(5000)),
        (MAX_DATA, Value::Integer64(700)),
        (MAX_DAILY_SESSION_TRAFFIC, Value::Integer64(600)),
        (EXPIRATION, Value::Text("2026-12-24 13:00".into())),
        (LOGIN_TIME, Value::Text("Th1200-1229".into())),
        (SIMULTANEOUS_USE, integer(1)),
    ];
    let smallest = Limits { time: Some(Duration::from_secs(1800)), total: Some(500) };
    assert_eq!(judge(&control(&all), &at_noon(&zone), 100), Ok(smallest));
    let late = Circumstances {
        now: clocks(at(&zone, "2026-12-26 12:00"), true),
        open_sessions: 1,
        ..at_noon(&zone)
    };
    for (left_out, denial) in [
        (0, Denial::UsedUp("Max-All-Session")),
        (3, Denial::Expired),
        (4, Denial::OutsideHours),
        (5, Denial::LoggedInAlready),
    ] {
        assert_eq!(judge(&control(&all[left_out..]), &late, 9000), Err(denial));
    }
}

#[test]
fn the_first_of_an_attribute_counts() {
    let zone = berlin();
    let twice = control(&[(MAX_ALL_SESSION, integer(60)), (MAX_ALL_SESSION, integer(30))]);
    assert_eq!(judge(&twice, &at_noon(&zone), 0), seconds(60));
}

#[test]
fn without_the_time_nothing_is_over_by_date() {
    let zone = berlin();
    let noon = at_noon(&zone);
    let first_login = Some(noon.now.wall.plus(-7200));
    let unset = Circumstances { now: clocks(noon.now.wall, false), first_login, ..noon };
    let over = [
        (EXPIRATION, Value::Text("24 Dec 2020".into())),
        (ACCESS_PERIOD, integer(HOUR)),
        (EXPIRE_AFTER, integer(HOUR)),
        (LOGIN_TIME, Value::Text("Never".into())),
    ];
    assert_eq!(judge(&control(&over), &unset, 0), Ok(Limits::default()));
    // What lies ahead still bounds, for the true time is not earlier.
    let ahead = [(EXPIRATION, Value::Text("25 Dec 2026".into())), (ACCESS_PERIOD, integer(9000))];
    assert_eq!(judge(&control(&ahead), &unset, 0), seconds(1800));
    // What was used stays used, and no midnight gives it back.
    let daily = control(&[(MAX_DAILY_SESSION, integer(20 * HOUR))]);
    assert_eq!(judge(&daily, &unset, HOUR), seconds(19 * HOUR));
    assert_eq!(judge(&daily, &unset, 20 * HOUR), Err(Denial::UsedUp("Max-Daily-Session")));
    assert_eq!(counters(&daily, &unset)[0].since, Some(unset.now.wall.plus(-86_400)));
}

#[test]
fn refusals_are_in_freeradius_words() {
    for (item, words) in [
        (MAX_DAILY_SESSION, "Your maximum daily usage time has been reached"),
        (MAX_WEEKLY_SESSION, "Your maximum weekly usage time has been reached"),
        (MAX_MONTHLY_SESSION_TRAFFIC, "Your maximum monthly usage time has been reached"),
        (MAX_ALL_SESSION, "Your maximum never usage time has been reached"),
        (ACCESS_PERIOD, "Your maximum never usage time has been reached"),
    ] {
        assert_eq!(Denial::UsedUp(item.name()).to_string(), words);
    }
}

proptest! {
    /// Whatever was used and whenever it is: nobody gets more than a limit, and where a period ends
    /// before that, not more than the rest of it and one limit.
    #[test]
    fn nobody_gets_more_than_there_is(
        limit in prop_oneof![any::<u32>(), 0..200_000_u32],
        used in prop_oneof![any::<u64>(), 0..200_000_u64],
        wall in 0..4_000_000_000_i64,
        wall_is_set in any::<bool>(),
        item in prop::sample::select(COUNTERS.map(|(item, ..)| item).to_vec()),
    ) {
        let zone = berlin();
        let now = clocks(Timestamp::from_unix(wall), wall_is_set);
        let circumstances = Circumstances { now, zone: &zone, first_login: None, open_sessions: 0 };
        let control = control(&[(item, Value::Integer(limit))]);
        let counter = counters(&control, &circumstances)[0];
        match judge(&control, &circumstances, used) {
            Err(denial) => {
                prop_assert_eq!(denial, Denial::UsedUp(item.name()));
                prop_assert!(used >= u64::from(limit));
            }
            Ok(left) => {
                prop_assert!(used < u64::from(limit));
                let limit = u64::from(limit);
                let got = left.time.map(|time| time.as_secs()).or(left.total).unwrap();
                prop_assert!(got > 0);
                let to_reset = counter.resets_at.map(|at| u64::try_from(at.unix() - wall).unwrap());
                match to_reset.filter(|rest| left.time.is_some() && limit - used >= *rest) {
                    Some(rest) => prop_assert_eq!(got, rest + limit),
                    None => prop_assert_eq!(got, limit - used),
                }
            }
        }
    }

    #[test]
    fn dates_far_away_do_not_overflow(
        end in any::<i64>(),
        first in any::<i64>(),
        period in any::<u64>(),
        wall in any::<i64>(),
        wall_is_set in any::<bool>(),
    ) {
        let zone = Zone::utc();
        let circumstances = Circumstances {
            now: clocks(Timestamp::from_unix(wall), wall_is_set),
            zone: &zone,
            first_login: Some(Timestamp::from_unix(first)),
            open_sessions: 0,
        };
        let control = control(&[
            (EXPIRATION, Value::Date(Timestamp::from_unix(end))),
            (ACCESS_PERIOD, Value::Integer64(period)),
        ]);
        match judge(&control, &circumstances, 0) {
            Ok(left) if wall_is_set => {
                let to_end = u64::try_from(i128::from(end) - i128::from(wall)).unwrap();
                prop_assert!(left.time.unwrap().as_secs() <= to_end);
            }
            Ok(_) => (),
            Err(denial) => prop_assert!(wall_is_set, "{denial}"),
        }
    }
}
