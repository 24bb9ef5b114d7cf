use proptest::prelude::*;

use super::*;

const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

fn at(local: &str, text: &str) -> Stay {
    let zone = Zone::from_posix(BERLIN).unwrap();
    stay(text, zone.instant(local.parse().unwrap()), &zone)
}

#[test]
fn hours_are_what_timestr_match_makes_of_them() {
    // 2026-12-20 is a Sunday, and 24 a Thursday.
    for (text, local, minutes) in [
        ("Wk0855-2305,Sa,Su2305-1655", "2026-12-24 08:54", 0),
        ("Wk0855-2305,Sa,Su2305-1655", "2026-12-24 08:55", 851),
        ("Wk0855-2305,Sa,Su2305-1655", "2026-12-24 23:05", 1),
        ("Wk0855-2305,Sa,Su2305-1655", "2026-12-24 23:06", 0),
        // The whole of Saturday, and Sunday until 16:55.
        ("Wk0855-2305,Sa,Su2305-1655", "2026-12-26 00:00", 1440 + 1016),
        ("Wk0855-2305,Sa,Su2305-1655", "2026-12-27 16:56", 0),
        ("Wk0855-2305,Sa,Su2305-1655", "2026-12-27 23:05", 55),
        ("Wk0855-2305|Sa", "2026-12-26 12:00", 720),
        ("0900-1700", "2026-12-20 09:00", 481),
        ("0900-1700", "2026-12-21 17:01", 0),
        ("Any0900-1700", "2026-12-22 10:00", 421),
        ("Al0900-1700", "2026-12-22 10:00", 421),
        ("aLL0900-1700", "2026-12-22 10:00", 421),
        ("MO-FR0900-1700", "2026-12-25 16:59", 2),
        ("Mo-Fr0900-1700", "2026-12-26 16:59", 0),
        ("Fr-Mo", "2026-12-25 00:00", 4 * 1440),
        ("Fr-Mo", "2026-12-22 00:00", 0),
        ("MoTh1000-1100", "2026-12-24 10:30", 31),
        ("SuTu-Th,Sa", "2026-12-22 00:00", 3 * 1440),
        ("Th1200", "2026-12-24 12:00", 1),
        ("Th1200-2400", "2026-12-24 12:00", 720),
        ("Th1200-2400,Fr0000-0100", "2026-12-24 12:00", 720 + 61),
        ("Sa2200-2359,Su0000-0200", "2026-12-26 23:00", 60 + 121),
        ("2200-0600", "2026-12-24 23:00", 60 + 361),
        // What cannot be read is left out.
        ("Never", "2026-12-24 12:00", 0),
        ("", "2026-12-24 12:00", 0),
        ("Wk0900-17", "2026-12-24 12:00", 0),
        ("Wk900-1700", "2026-12-24 12:00", 0),
        ("Fr, Th", "2026-12-24 12:00", 0),
        ("Fr,Th", "2026-12-24 12:00", 720 + 1440),
    ] {
        let expected = if minutes == 0 { Stay::Closed } else { Stay::Seconds(minutes * 60) };
        assert_eq!(at(local, text), expected, "{text} at {local}");
    }
}

#[test]
fn a_whole_week_has_no_end() {
    for text in ["Any", "Al", "Al0000-2359", "Any0000-2400", "Wk,Sa,Su", "Mo-Su", "1200-1159"] {
        assert_eq!(at("2026-12-24 12:34:56", text), Stay::Always, "{text}");
    }
}

#[test]
fn the_minute_that_runs_counts_as_a_whole_one() {
    assert_eq!(at("2026-12-24 12:00:59", "Th1200-1200"), Stay::Seconds(60));
}

#[test]
fn clocks_that_are_put_forward_or_back_move_the_end() {
    // FreeRADIUS counts 7 hours on both days, and is an hour off.
    assert_eq!(at("2026-03-29 00:00", "Su0000-0659"), Stay::Seconds(6 * 3600));
    assert_eq!(at("2026-10-25 00:00", "Su0000-0659"), Stay::Seconds(8 * 3600));
    // 02:30 for the second time: its end is not the one that has passed.
    let zone = Zone::from_posix(BERLIN).unwrap();
    let again = zone.instant("2026-10-25 02:30".parse().unwrap()).plus(3600);
    assert_eq!(stay("Su0200-0239", again, &zone), Stay::Seconds(600));
}

#[test]
fn what_freeradius_leaves_out_in_silence_is_refused() {
    for text in
        ["Wk0855-2305,Sa,Su2305-1655", "Al", "0900-1700", "Never", "Th1200", "Fr-Mo", "Any|Wk"]
    {
        assert_eq!(fits_login_time(text), Ok(()), "{text}");
    }
    for (text, part) in [
        ("", "''"),
        ("Wk0900-1700,", "''"),
        ("Wk0900-1700, Sa", "' Sa'"),
        ("Wk0900-17", "'Wk0900-17'"),
        ("Wk900-1700", "'Wk900-1700'"),
        ("Wk0900-1760", "'Wk0900-1760'"),
        ("Wk0900-2401", "'Wk0900-2401'"),
        ("Wk09:00-17:00", "'Wk09:00-17:00'"),
        ("Wk0900-1700-1800", "'Wk0900-1700-1800'"),
        ("Wk0900-1700x", "'Wk0900-1700x'"),
        ("Mo-Wk", "'Mo-Wk'"),
        ("Wk-Su", "'Wk-Su'"),
        ("Mo-", "'Mo-'"),
        ("-", "'-'"),
        ("Mon0900-1700", "'Mon0900-1700'"),
        ("Sa,Gr\u{fc}n", "'Gr\u{fc}n'"),
    ] {
        let refusal = fits_login_time(text).unwrap_err();
        assert!(refusal.ends_with(part), "{text}: {refusal}");
    }
}

proptest! {
    /// A second opinion: the week as minutes, filled as `hour_fill` does it.
    #[test]
    fn one_span_is_what_a_bitmap_says(
        days in prop::collection::vec(0..7_usize, 1..4),
        (from, to) in (0..1440_u32, 0..1440_u32),
        now in 0..MINUTES_OF_WEEK,
    ) {
        let mut week = vec![false; MINUTES_OF_WEEK as usize];
        for day in &days {
            let mut minute = from;
            loop {
                week[day * 1440 + minute as usize] = true;
                if minute == to { break; }
                minute = (minute + 1) % 1440;
            }
        }
        let open = (0..MINUTES_OF_WEEK)
            .take_while(|past| week[((now + past) % MINUTES_OF_WEEK) as usize])
            .count() as u32;
        let names: String = days.iter().map(|day| DAYS[*day].0).collect();
        let hours = |minute: u32| format!("{:02}{:02}", minute / 60, minute % 60);
        let text = format!("{names}{}-{}", hours(from), hours(to));
        // 1970-01-04 was a Sunday.
        let at = Timestamp::from_unix(i64::from(3 * MINUTES_OF_DAY + now) * 60);
        let expected = match open {
            0 => Stay::Closed,
            MINUTES_OF_WEEK => Stay::Always,
            minutes => Stay::Seconds(u64::from(minutes) * 60),
        };
        prop_assert_eq!(stay(&text, at, &Zone::utc()), expected, "{}", text);
        prop_assert_eq!(fits_login_time(&text), Ok(()));
    }

    #[test]
    fn nothing_typed_makes_it_fall_over(text in ".{0,40}", now in any::<u32>()) {
        let at = Timestamp::from_unix(i64::from(now));
        if fits_login_time(&text).is_err() && parts(&text).count() == 1 {
            prop_assert_eq!(stay(&text, at, &Zone::utc()), Stay::Closed);
        }
    }
}
