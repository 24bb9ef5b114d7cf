//! The only place that asks the operating system for the time, the boot and the zone.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use crate::domain::time::Timestamp;
use crate::domain::wall::Reading;
use crate::domain::zone::Zone;
use crate::syscalls;

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
            synchronised: syscalls::clock_is_synchronised(),
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

/// Of a longer zone the beginning is read: the longest in use has 50 characters.
const ZONE: u64 = 256;
/// Characters of it that are repeated.
const QUOTED: usize = 40;

/// The router's zone and where it was found; as an error, why times are in UTC instead.
///
/// The first of `TZ`, `/etc/TZ` (OpenWrt, where it leads to a file in memory that is there once
/// the system is set up) and `/etc/localtime` (other systems) that says anything decides.
pub fn zone() -> (Zone, Result<String, String>) {
    match find_zone() {
        Ok((zone, source)) => (zone, Ok(source)),
        Err(why) => (Zone::utc(), Err(format!("UTC, because {why}"))),
    }
}

fn find_zone() -> Result<(Zone, String), String> {
    // A name such as Europe/Berlin needs the zone files, which /etc/localtime points into.
    if let Ok(text) = std::env::var("TZ")
        && let Ok(zone) = Zone::from_posix(&text)
    {
        return Ok((zone, format!("{} from TZ", text.trim())));
    }
    let text = beginning(Path::new("/etc/TZ"));
    let text = text.map_err(|error| format!("/etc/TZ cannot be read: {error}"))?;
    let text = text.trim();
    if !text.is_empty() {
        let zone = Zone::from_posix(text).map_err(|_| {
            let shown: String = text.chars().take(QUOTED).collect();
            format!(
                "/etc/TZ has {shown:?} in the place of a POSIX TZ string such as \
                 CET-1CEST,M3.5.0,M10.5.0/3; on OpenWrt, option timezone in /etc/config/system is \
                 to be one, and the name of a zone goes into option zonename"
            )
        })?;
        return Ok((zone, format!("{text} from /etc/TZ")));
    }
    match std::fs::read("/etc/localtime").map(|bytes| Zone::from_tzif(&bytes)) {
        Ok(Ok(zone)) => Ok((zone, "from /etc/localtime".to_owned())),
        Ok(Err(_)) => Err("/etc/localtime is not a zone file".to_owned()),
        Err(_) => Err("/etc/TZ is missing or empty, and so is /etc/localtime".to_owned()),
    }
}

/// The beginning of a text; nothing where there is no file.
fn beginning(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(ZONE).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
