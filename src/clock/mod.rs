//! The only place that asks the operating system for the time, the boot and the zone.

mod adjtimex;

use std::path::Path;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use crate::domain::time::Timestamp;
use crate::domain::wall::Reading;
use crate::domain::zone::Zone;

/// A time that every true time is later than, for routers that never knew another: move it
/// forward with each release. 2026-11-01 00:00:00 UTC.
pub const RELEASE: Timestamp = Timestamp::from_unix(1_793_491_200);

/// Where a clock is put to a file's time at boot when there is no better one: OpenWrt, Debian.
const FILE_TIMES: [&str; 2] = ["/etc/init.d/sysfixtime", "/etc/fake-hwclock.data"];

/// Where readings come from; tests bring their own.
pub trait Clock: Send {
    /// Reads the clocks.
    fn read(&self) -> Reading;
    /// A name for this boot, different after every reboot.
    fn boot_id(&self) -> String;
}

/// The operating system's clocks.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    file_time: bool,
    rtc_boot: Option<Timestamp>,
}

impl SystemClock {
    /// Looks once at what this machine has: the chip of a battery-backed clock may be slow to ask.
    pub fn new() -> Self {
        let text = std::fs::read_to_string("/sys/class/rtc/rtc0/since_epoch");
        let rtc: Option<i64> = text.ok().and_then(|text| text.trim().parse().ok());
        let uptime = i64::try_from(boot_time().as_secs()).unwrap_or(0);
        Self {
            file_time: FILE_TIMES.iter().any(|path| Path::new(path).exists()),
            rtc_boot: rtc.map(|rtc| Timestamp::from_unix(rtc).plus(-uptime)),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn read(&self) -> Reading {
        let wall = clock_gettime(ClockId::CLOCK_REALTIME).map_or(0, |time| time.tv_sec());
        Reading {
            // `time_t` is 32 bits wide on some of the targets.
            #[allow(clippy::useless_conversion)]
            wall: Timestamp::from_unix(i64::from(wall)),
            boot: boot_time(),
            synchronised: adjtimex::synchronised(),
            file_time: self.file_time,
            rtc_boot: self.rtc_boot,
        }
    }

    fn boot_id(&self) -> String {
        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        id.trim().to_owned()
    }
}

/// Time since boot, suspend included.
pub fn boot_time() -> Duration {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Duration::ZERO, Duration::from)
}

/// The router's zone and where it was found, or what is wrong with it.
///
/// The first that exists of `TZ`, `/etc/TZ` (OpenWrt) and `/etc/localtime` (other systems)
/// decides; where it cannot be read, and where there is none, times are in UTC.
pub fn zone() -> (Zone, String) {
    // A name such as Europe/Berlin needs the zone files, which /etc/localtime points into.
    if let Ok(text) = std::env::var("TZ")
        && let Ok(zone) = Zone::from_posix(&text)
    {
        return (zone, format!("{} from TZ", text.trim()));
    }
    if let Ok(text) = std::fs::read_to_string("/etc/TZ")
        && !text.trim().is_empty()
    {
        return match Zone::from_posix(&text) {
            Ok(zone) => (zone, format!("{} from /etc/TZ", text.trim())),
            Err(_) => {
                (Zone::utc(), format!("UTC, because /etc/TZ is no POSIX TZ string: {text:?}"))
            }
        };
    }
    match std::fs::read("/etc/localtime").map(|bytes| Zone::from_tzif(&bytes)) {
        Ok(Ok(zone)) => (zone, "from /etc/localtime".to_owned()),
        Ok(Err(_)) => (Zone::utc(), "UTC, because /etc/localtime is not a zone file".to_owned()),
        Err(_) => {
            (Zone::utc(), "UTC, because neither /etc/TZ nor /etc/localtime exists".to_owned())
        }
    }
}
