//! Days, weeks and months of counters (`find_next_reset` of `rlm_sqlcounter`).

use chrono::{Datelike, Days, Months, NaiveDate, NaiveTime};

use crate::domain::time::{Now, Timestamp};
use crate::domain::zone::Zone;

const DAY: i64 = 24 * 3600;

/// After what a counter begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Period {
    Day,
    /// Begins on Sunday.
    Week,
    Month,
    Ever,
}

impl Period {
    /// When the period began that it is now, and when the next one does.
    ///
    /// A period begins at midnight where the router stands, however many hours the day has. While
    /// the wall clock is not set there is no midnight to go by: the period is then the last day,
    /// week or 31 days, and ends at no known moment, so that a router without the time neither
    /// gives a day's allowance twice nor holds it back for good.
    pub(super) fn around(self, now: Now, zone: &Zone) -> (Option<Timestamp>, Option<Timestamp>) {
        let days = match self {
            Self::Day => 1,
            Self::Week => 7,
            Self::Month => 31,
            Self::Ever => return (None, None),
        };
        if !now.wall_is_set {
            return (Some(now.wall.plus(-days * DAY)), None);
        }
        let today = zone.local(now.wall).naive().date();
        let midnight = |day: NaiveDate| zone.instant(day.and_time(NaiveTime::MIN).into());
        let (first, next) = self.days_around(today);
        (first.map(midnight), next.map(midnight))
    }

    fn days_around(self, today: NaiveDate) -> (Option<NaiveDate>, Option<NaiveDate>) {
        let first = match self {
            Self::Day | Self::Ever => Some(today),
            Self::Week => {
                let past = u64::from(today.weekday().num_days_from_sunday());
                today.checked_sub_days(Days::new(past))
            }
            Self::Month => today.with_day(1),
        };
        let next = first.and_then(|first| match self {
            Self::Day | Self::Ever => first.succ_opt(),
            Self::Week => first.checked_add_days(Days::new(7)),
            Self::Month => first.checked_add_months(Months::new(1)),
        });
        (first, next)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

    fn now(wall: Timestamp, wall_is_set: bool) -> Now {
        Now { wall, wall_is_set, boot: Duration::ZERO }
    }

    fn around(period: Period, text: &str) -> (String, String) {
        let zone = Zone::from_posix(BERLIN).unwrap();
        let (since, until) = period.around(now(zone.instant(text.parse().unwrap()), true), &zone);
        (zone.show(since.unwrap()), zone.show(until.unwrap()))
    }

    #[test]
    fn periods_begin_where_find_next_reset_puts_them() {
        // 2026-12-24 is a Thursday; weeks begin on Sunday (`tm_mday += 7 - tm_wday`).
        for (period, text, since, until) in [
            (Period::Day, "2026-12-24 18:00:00", "2026-12-24", "2026-12-25"),
            (Period::Day, "2026-12-24 00:00:00", "2026-12-24", "2026-12-25"),
            (Period::Day, "2026-12-31 23:59:59", "2026-12-31", "2027-01-01"),
            (Period::Week, "2026-12-24 18:00:00", "2026-12-20", "2026-12-27"),
            (Period::Week, "2026-12-26 23:59:59", "2026-12-20", "2026-12-27"),
            (Period::Week, "2026-12-27 00:00:00", "2026-12-27", "2027-01-03"),
            (Period::Month, "2026-12-24 18:00:00", "2026-12-01", "2027-01-01"),
            (Period::Month, "2027-01-31 18:00:00", "2027-01-01", "2027-02-01"),
        ] {
            let expected = (format!("{since} 00:00:00"), format!("{until} 00:00:00"));
            assert_eq!(around(period, text), expected, "{period:?} {text}");
        }
    }

    #[test]
    fn days_of_23_and_of_25_hours() {
        let zone = Zone::from_posix(BERLIN).unwrap();
        for (text, hours) in
            [("2026-03-29 12:00", 23), ("2026-10-25 12:00", 25), ("2026-10-26 12:00", 24)]
        {
            let at = now(zone.instant(text.parse().unwrap()), true);
            let (since, until) = Period::Day.around(at, &zone);
            assert_eq!(until.unwrap().unix() - since.unwrap().unix(), hours * 3600, "{text}");
        }
    }

    #[test]
    fn where_midnight_is_left_out_the_day_begins_an_hour_later() {
        // Beirut puts its clocks forward at midnight.
        let zone = Zone::from_posix("EET-2EEST,M3.5.0/0,M10.5.0/0").unwrap();
        let at = now(zone.instant("2026-03-29 12:00".parse().unwrap()), true);
        let (since, _) = Period::Day.around(at, &zone);
        assert_eq!(zone.show(since.unwrap()), "2026-03-29 01:00:00");
    }

    #[test]
    fn without_the_time_a_period_is_a_stretch_that_ends_now() {
        let at = now(Timestamp::from_unix(1_800_000_000), false);
        let zone = Zone::utc();
        for (period, days) in [(Period::Day, 1), (Period::Week, 7), (Period::Month, 31)] {
            let since = Timestamp::from_unix(1_800_000_000 - days * 86_400);
            assert_eq!(period.around(at, &zone), (Some(since), None), "{period:?}");
        }
        assert_eq!(Period::Ever.around(at, &zone), (None, None));
    }

    proptest! {
        #[test]
        fn it_is_always_within_its_period(
            wall in 0..4_000_000_000_i64,
            zone in prop::sample::select(vec![
                BERLIN, "UTC0", "EET-2EEST,M3.5.0/0,M10.5.0/0", "<-03>3",
                "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "<+14>-14",
            ]),
        ) {
            let zone = Zone::from_posix(zone).unwrap();
            let at = Timestamp::from_unix(wall);
            for (period, least, most) in
                [(Period::Day, 23, 25), (Period::Week, 167, 169), (Period::Month, 671, 745)]
            {
                let (since, until) = period.around(now(at, true), &zone);
                let (since, until) = (since.unwrap(), until.unwrap());
                prop_assert!(since <= at && at < until, "{period:?} {since:?} {until:?}");
                let hours = (until.unix() - since.unix()) / 3600;
                prop_assert!((least..=most).contains(&hours), "{period:?} {hours} hours");
                let (next, _) = period.around(now(until, true), &zone);
                prop_assert_eq!(next, Some(until));
            }
        }
    }
}
