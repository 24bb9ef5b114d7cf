//! Router local time: how it is read from callers and shown to them.

use std::fmt;

use chrono::{NaiveDate, NaiveDateTime};
use tz::datetime::{FoundDateTimeKind, FoundDateTimeList};
use tz::{DateTime, TimeZone};

use super::time::Timestamp;

/// A date and time as the API writes it, `2018-08-24 00:00:00`, in no particular zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalTime(NaiveDateTime);

impl LocalTime {
    /// What calendar and clock on the wall show.
    pub fn naive(self) -> NaiveDateTime {
        self.0
    }
}

impl From<NaiveDateTime> for LocalTime {
    fn from(shown: NaiveDateTime) -> Self {
        Self(shown)
    }
}

/// The text is not a date and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotADate;

impl fmt::Display for NotADate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be a date and time like 2026-12-24 18:00:00")
    }
}

impl std::error::Error for NotADate {}

impl std::str::FromStr for LocalTime {
    type Err = NotADate;

    /// `YYYY-MM-DD HH:MM[:SS]`, or with a `T` between; years 1970 to 9999. Every digit is required:
    /// a date that can be read in two ways would sell the wrong day.
    fn from_str(text: &str) -> Result<Self, NotADate> {
        let bytes = text.as_bytes();
        let shape = b"dddd-dd-ddTdd:dd:dd";
        let complete = bytes.len() == shape.len() || bytes.len() == shape.len() - 3;
        let fits = bytes.iter().zip(shape).all(|(&byte, &expected)| match expected {
            b'd' => byte.is_ascii_digit(),
            b'T' => byte == b'T' || byte == b' ',
            other => byte == other,
        });
        if !complete || !fits {
            return Err(NotADate);
        }
        let number = |at: usize, digits: usize| -> Option<u32> {
            text.get(at..at + digits).and_then(|digits| digits.parse().ok())
        };
        let parse = || {
            let year = i32::try_from(number(0, 4)?).ok().filter(|year| *year >= 1970)?;
            let date = NaiveDate::from_ymd_opt(year, number(5, 2)?, number(8, 2)?)?;
            date.and_hms_opt(number(11, 2)?, number(14, 2)?, number(17, 2).unwrap_or(0))
        };
        parse().map(Self).ok_or(NotADate)
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The router's time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// A zone file that says nothing but this POSIX string (RFC 8536 §3). Only in such a file does
/// the library take hours beyond 24 and below 0, as Jerusalem, Gaza and Nuuk have them.
fn zone_file(posix: &str) -> Vec<u8> {
    let mut header = b"TZif3".to_vec();
    header.extend([0; 15]);
    // No leap seconds or transitions; one kind of local time, its name four bytes long.
    for count in [0_u32, 0, 0, 0, 1, 4] {
        header.extend(count.to_be_bytes());
    }
    let universal = b"\0\0\0\0\0\0UTC\0";
    let part = [header.as_slice(), universal].concat();
    [&part, &part, "\n".as_bytes(), posix.as_bytes(), b"\n"].concat()
}

/// The zone is written in a way this program cannot read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownZone;

impl Default for Zone {
    fn default() -> Self {
        Self::utc()
    }
}

impl Zone {
    /// Universal time.
    pub fn utc() -> Self {
        Self(TimeZone::utc())
    }

    /// From a POSIX `TZ` string such as `CET-1CEST,M3.5.0,M10.5.0/3`, the form OpenWrt keeps in
    /// `/etc/TZ` (POSIX.1 base definitions §8.3).
    ///
    /// # Errors
    /// Not such a string.
    pub fn from_posix(text: &str) -> Result<Self, UnknownZone> {
        // OpenWrt writes a bare "UTC" or "GMT0"; the standard wants an offset behind every name.
        let text = match text.trim() {
            "UTC" | "GMT" => "UTC0",
            text => text,
        };
        if text.contains(['\n', '\0']) || !text.contains(|c: char| c.is_ascii_digit()) {
            return Err(UnknownZone);
        }
        Self::from_tzif(&zone_file(text))
    }

    /// From the bytes of a zone file (RFC 8536), the form of `/etc/localtime`.
    ///
    /// # Errors
    /// Not such a file.
    pub fn from_tzif(bytes: &[u8]) -> Result<Self, UnknownZone> {
        TimeZone::from_tz_data(bytes).map(Self).map_err(|_| UnknownZone)
    }

    /// The instant a local time names. Where clocks are put back it names two: the earlier is
    /// taken. Where they are put forward it names none: the first moment after the gap is taken.
    pub fn instant(&self, local: LocalTime) -> Timestamp {
        use chrono::{Datelike, Timelike};
        let LocalTime(at) = local;
        let found = DateTime::find(
            at.year(),
            at.month() as u8,
            at.day() as u8,
            at.hour() as u8,
            at.minute() as u8,
            at.second() as u8,
            0,
            self.0.as_ref(),
        );
        let found = found.map(FoundDateTimeList::into_inner).unwrap_or_default();
        let real = found.iter().find_map(|found| match found {
            FoundDateTimeKind::Normal(at) => Some(at.unix_time()),
            FoundDateTimeKind::Skipped { .. } => None,
        });
        let skipped = found.iter().find_map(|found| match found {
            FoundDateTimeKind::Normal(_) => None,
            FoundDateTimeKind::Skipped { after_transition, .. } => {
                Some(after_transition.unix_time())
            }
        });
        // Outside the zone's own range (it knows no rule for that year): as in universal time.
        Timestamp::from_unix(real.or(skipped).unwrap_or_else(|| at.and_utc().timestamp()))
    }

    /// The local time of an instant.
    pub fn local(&self, at: Timestamp) -> LocalTime {
        let offset = self.0.find_local_time_type(at.unix()).map_or(0, |kind| kind.ut_offset());
        let shifted = at.plus(i64::from(offset)).unix();
        let local = chrono::DateTime::from_timestamp(shifted, 0).unwrap_or_default();
        LocalTime(local.naive_utc())
    }

    /// The instant as the API writes it: `2018-08-24 00:00:00` in local time.
    pub fn show(&self, at: Timestamp) -> String {
        self.local(at).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin() -> Zone {
        Zone::from_posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    fn round_trip(zone: &Zone, text: &str) -> String {
        zone.show(zone.instant(text.parse().unwrap()))
    }

    #[test]
    fn the_vendors_format_and_its_relatives_are_read() {
        for text in ["2018-08-24 00:00:00", "2018-08-24T00:00:00", "2018-08-24 00:00"] {
            let local: LocalTime = text.parse().unwrap();
            assert_eq!(local.to_string(), "2018-08-24 00:00:00");
        }
    }

    #[test]
    fn dates_that_do_not_exist_or_are_half_written_are_refused() {
        for text in [
            "",
            "2018-08-24",
            "2018-8-24 00:00:00",
            "2018-02-29 00:00:00",
            "2018-08-24 24:00:00",
            "2018-08-24 23:60:00",
            "2018-08-24 23:59:60",
            "0000-00-00 00:00:00",
            "2018-08-24  0:00:00",
            "1969-12-31 23:59:59",
            "2018-08-24 00:00:00Z",
            "２018-08-24 00:00:00",
            "2018-08-24 00:00:0",
        ] {
            assert_eq!(text.parse::<LocalTime>(), Err(NotADate), "{text:?}");
        }
        assert!("2020-02-29 00:00:00".parse::<LocalTime>().is_ok());
    }

    #[test]
    fn local_time_follows_summer_time() {
        let at = |text: &str| berlin().instant(text.parse().unwrap()).unix();
        assert_eq!(at("2025-01-17 10:00:00"), 1_737_104_400);
        assert_eq!(at("2025-07-17 10:00:00"), 1_752_739_200);
    }

    #[test]
    fn the_hour_that_does_not_exist_becomes_the_first_moment_after_it() {
        assert_eq!(round_trip(&berlin(), "2025-03-30 02:30:00"), "2025-03-30 03:00:00");
    }

    #[test]
    fn the_hour_that_happens_twice_is_taken_the_first_time() {
        let first = berlin().instant("2025-10-26 02:30:00".parse().unwrap());
        assert_eq!(first.unix(), 1_761_438_600);
        assert_eq!(berlin().show(first), "2025-10-26 02:30:00");
    }

    #[test]
    fn hours_beyond_a_day_are_understood() {
        let jerusalem = Zone::from_posix("IST-2IDT,M3.4.4/26,M10.5.0").unwrap();
        let summer = jerusalem.instant("2025-07-01 12:00:00".parse().unwrap());
        assert_eq!(summer.unix(), 1_751_360_400);
    }

    #[test]
    fn zones_as_openwrt_writes_them() {
        for text in [
            "IST-2IDT,M3.4.4/26,M10.5.0",
            "EET-2EEST,M3.4.4/50,M10.4.4/50",
            "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
            "UTC",
            "UTC0",
            "GMT0",
            "<+0330>-3:30",
            "EST5EDT,M3.2.0,M11.1.0",
            "<-03>3\n",
        ] {
            assert!(Zone::from_posix(text).is_ok(), "{text:?}");
        }
        for text in ["", "Europe/Berlin", "/etc/passwd", ":UTC", "CET-1CEST,nonsense", "\u{0}"] {
            assert_eq!(Zone::from_posix(text), Err(UnknownZone), "{text:?}");
        }
    }
}
