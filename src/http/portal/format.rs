//! Formatting of durations, data volumes and times for display.

use std::time::Duration;

use super::i18n::Text;
use crate::domain::time::Timestamp;
use crate::domain::zone::Zone;

/// Seconds of a day, an hour, a minute, a second.
const UNITS: [u64; 4] = [86_400, 3_600, 60, 1];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The largest unit and the next one, rounded down, so that the page never promises too much.
pub(super) fn duration(text: &Text, duration: Duration) -> String {
    let mut rest = duration.as_secs();
    let mut parts = Vec::new();
    for (seconds, unit) in UNITS.into_iter().zip(text.time_units) {
        let count = rest / seconds;
        rest %= seconds;
        let last = seconds == 1;
        if count > 0 || !parts.is_empty() || last {
            parts.push((count, unit));
        }
        // Seconds are shown only below a minute.
        if parts.len() == 2 || (seconds == 60 && !parts.is_empty()) {
            break;
        }
    }
    let multiple = parts.len() > 1;
    let shown = parts.into_iter().filter(|(count, _)| !multiple || *count > 0);
    let shown: Vec<_> = shown.map(|(count, unit)| format!("{count}{unit}")).collect();
    shown.join(" ")
}

/// A time to wait, rounded up, to whole minutes beyond two: a retry after it is accepted.
pub(super) fn wait(text: &Text, wait: Duration) -> String {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let seconds = if seconds > 120 { seconds.div_ceil(60) * 60 } else { seconds.max(1) };
    match seconds {
        61..=120 => duration(text, Duration::from_secs(120)),
        seconds => duration(text, Duration::from_secs(seconds)),
    }
}

/// A data volume in the units of vouchers: a megabyte is 1,048,576 octets. Rounded down.
pub(super) fn amount(text: &Text, octets: u64) -> String {
    let [kilo, mega, giga, tera] = text.data_units;
    let (shift, unit) = match octets {
        0..0x10_0000 => (10, kilo),
        0x10_0000..0x4000_0000 => (20, mega),
        0x4000_0000..0x100_0000_0000 => (30, giga),
        _ => (40, tera),
    };
    let whole = octets >> shift;
    let tenth = ((octets & ((1 << shift) - 1)) * 10) >> shift;
    if whole < 10 && tenth > 0 {
        format!("{whole}{}{tenth}{unit}", text.decimal)
    } else {
        format!("{whole}{unit}")
    }
}

/// A local time, to the minute.
pub(super) fn moment(text: &Text, zone: &Zone, at: Timestamp) -> String {
    let local = zone.show(at);
    let part = |from: usize, to: usize| local.get(from..to).unwrap_or_default();
    let month = part(5, 7);
    let name = month.parse::<usize>().ok().and_then(|month| MONTHS.get(month.checked_sub(1)?));
    text.date
        .replace("{mon}", name.copied().unwrap_or(month))
        .replace("{d}", part(8, 10))
        .replace("{m}", month)
        .replace("{y}", part(0, 4))
        .replace("{t}", part(11, 16))
}

#[cfg(test)]
mod tests {
    use super::super::i18n::ENGLISH;
    use super::super::language::by_tag;
    use super::*;

    fn plain(text: String) -> String {
        text.replace('\u{a0}', " ")
    }

    #[test]
    fn durations_name_two_units_at_most() {
        for (seconds, shown) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (119, "1 min"),
            (3_599, "59 min"),
            (3_600, "1 h"),
            (11_520, "3 h 12 min"),
            (86_399, "23 h 59 min"),
            (86_400, "1 d"),
            (86_460, "1 d"),
            (180_000, "2 d 2 h"),
        ] {
            assert_eq!(plain(duration(ENGLISH, Duration::from_secs(seconds))), shown);
        }
        let chinese = by_tag("zh").unwrap();
        assert_eq!(duration(chinese, Duration::from_secs(11_520)), "3小时 12分钟");
        assert!(!duration(ENGLISH, Duration::MAX).is_empty());
    }

    #[test]
    fn waiting_times_are_rounded_up() {
        for (millis, shown) in
            [(0, "1 s"), (1, "1 s"), (59_001, "1 min"), (60_001, "2 min"), (121_000, "3 min")]
        {
            assert_eq!(plain(wait(ENGLISH, Duration::from_millis(millis))), shown, "{millis}");
        }
        let _ = wait(ENGLISH, Duration::from_secs(u64::MAX / 2));
    }

    #[test]
    fn amounts_are_shown_as_they_were_sold() {
        const MB: u64 = 1 << 20;
        for (octets, shown) in [
            (0, "0 KB"),
            (1_023, "0.9 KB"),
            (1_048_575, "1023 KB"),
            (MB, "1 MB"),
            (MB * 3 / 2, "1.5 MB"),
            (500 * MB, "500 MB"),
            (500 * MB - 1, "499 MB"),
            (1_024 * MB, "1 GB"),
            (9 << 40, "9 TB"),
            (u64::MAX, "16777215 TB"),
        ] {
            assert_eq!(plain(amount(ENGLISH, octets)), shown);
        }
        let french = by_tag("fr").unwrap();
        assert_eq!(plain(amount(french, MB * 3 / 2)), "1,5 Mo");
    }

    #[test]
    fn moments_are_local() {
        let berlin = Zone::from_posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let at = Timestamp::from_unix(1_752_739_200);
        for (tag, shown) in [
            ("en", "17 Jul 2025, 10:00"),
            ("de", "17.07.2025, 10:00"),
            ("zh", "2025年07月17日 10:00"),
            ("fr", "17/07/2025 à 10:00"),
        ] {
            assert_eq!(moment(by_tag(tag).unwrap(), &berlin, at), shown);
        }
        for extreme in [i64::MIN, i64::MAX] {
            let _ = moment(ENGLISH, &Zone::utc(), Timestamp::from_unix(extreme));
        }
    }
}
