//! The router's time zone, where OpenWrt keeps it and where it is not what it should be.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::support::{Daemon, OPEN_API, skipped, until};

const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

/// A daemon whose `/etc` is a directory of the test's; `None`, and a word about it, where there are
/// no namespaces.
fn with_etc() -> Option<(Daemon, PathBuf)> {
    let mut daemon = Daemon::prepared(OPEN_API, "");
    let etc = daemon.scratch.path().join("etc");
    fs::create_dir(&etc).unwrap();
    let shown = etc.to_str().unwrap();
    let enter = ["unshare", "-rm", "sh", "-c", "mount --bind \"$0\" /etc && exec \"$@\"", shown];
    let tried = Command::new(enter[0]).args(&enter[1..]).arg("true").output();
    if !tried.is_ok_and(|output| output.status.success()) {
        skipped("there are no user namespaces");
        return None;
    }
    let without_tz = ["env", "-u", "TZ"];
    daemon.within = enter.iter().chain(&without_tz).map(|word| (*word).to_owned()).collect();
    Some((daemon, etc))
}

/// By the creation of a voucher, which the API tells as `valid_from` in local time.
fn hours_ahead_of_utc(daemon: &Daemon) -> i64 {
    let made = daemon.post(json!({"action": "create_voucher"})).json();
    let told = made["user"]["valid_from"].as_str().unwrap().to_owned();
    let command = ["-u", "-d", &told, "+%s"];
    let output = Command::new("date").args(command).output().unwrap();
    let local: i64 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    (local - now.as_secs() as i64 + 1800).div_euclid(3600)
}

#[test]
fn a_zone_that_cannot_be_used_is_told_and_times_are_in_utc() {
    let Some((mut daemon, etc)) = with_etc() else { return };
    let file = etc.join("TZ");
    let long = "x".repeat(10_000);
    let no_posix = "in the place of a POSIX TZ string such as CET-1CEST,M3.5.0,M10.5.0/3";
    let missing = "UTC, because /etc/TZ is missing or empty, and so is /etc/localtime";
    let lay = |text: &[u8]| fs::write(&file, text).unwrap();
    let cases: [(&dyn Fn(), &str); 7] = [
        (&|| (), missing),
        // As it is on OpenWrt until the system is set up.
        (&|| symlink(etc.join("nowhere"), &file).unwrap(), missing),
        (&|| lay(b" \n"), missing),
        (&|| lay(b"Europe/Berlin\n"), no_posix),
        (&|| lay(b"\xff\xfe\x00garbage"), no_posix),
        (&|| lay(long.as_bytes()), no_posix),
        (&|| fs::create_dir(&file).unwrap(), "UTC, because /etc/TZ cannot be read: "),
    ];
    for (make, told) in cases {
        let _ = fs::remove_file(&file);
        make();
        let before = daemon.log().len();
        daemon.launch();
        let log = daemon.log().split_off(before);
        assert!(log.contains("warning: clock: times are in UTC, because "), "{log}");
        assert!(log.contains(told) && log.len() < 4000, "{log}");
        let check = daemon.cli_ok(&["check"]);
        let clock = check.lines().find(|line| line.contains("  clock  ")).unwrap();
        assert!(clock.starts_with("note") && clock.contains(told), "{clock}");
        assert!(clock.contains(", zone UTC, because ") && clock.len() < 600, "{clock}");
        assert_eq!(hours_ahead_of_utc(&daemon), 0, "{told}");
        daemon.stop();
        let check = daemon.cli_ok(&["check"]);
        assert!(check.contains("note  zone           UTC, because "), "{check}");
    }
}

#[test]
fn a_zone_of_openwrt_is_taken_up_at_the_start_and_when_it_has_changed() {
    let Some((mut daemon, etc)) = with_etc() else { return };
    let target = daemon.scratch.path().join("TZ-in-memory");
    symlink(&target, etc.join("TZ")).unwrap();
    fs::write(&target, "<+05>-5\n").unwrap();
    daemon.launch();
    assert_eq!(hours_ahead_of_utc(&daemon), 5);
    assert!(!daemon.log().contains("times are in UTC"), "{}", daemon.log());
    let zones = [("UTC\n", 0), ("EST5\n", -5), (BERLIN, 1)];
    for (reloads, (zone, hours)) in zones.into_iter().enumerate() {
        fs::write(&target, zone).unwrap();
        daemon.signal(Signal::SIGHUP);
        assert!(until(|| daemon.log().matches("configuration read again").count() > reloads));
        let ahead = hours_ahead_of_utc(&daemon);
        let summer = i64::from(zone == BERLIN && ahead == 2);
        assert_eq!(ahead, hours + summer, "{zone}");
        let check = daemon.cli_ok(&["check"]);
        assert!(check.contains(&format!("zone {} from /etc/TZ", zone.trim())), "{check}");
    }
}
