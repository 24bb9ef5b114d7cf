//! A disk that is full when a guest wants to sign in, and one that an access point wants to fill.

use crate::support::{Hotspot, Voucher, here, until};

/// Puts the daemon's data on a file system of so many KB.
fn small_disk(hotspot: &mut Hotspot, size: u32) -> String {
    hotspot.stop();
    let data = format!("{}/data", hotspot.lab.directory().display());
    let moves = format!(
        "cp -a {data} {data}.kept && mount -t tmpfs -o size={size}k none {data} && \
         cp -a {data}.kept/. {data}"
    );
    hotspot.router.ok(&["sh", "-c", &moves]);
    hotspot.start();
    data
}

#[test]
fn nobody_gets_in_whose_login_cannot_be_written_down_and_nobody_gets_out() {
    let Some(mut hotspot) = Hotspot::open() else { return };
    let (early, late) = (hotspot.lab.node("guest1"), hotspot.lab.node("guest2"));
    let (first, second) = (hotspot.voucher(&[]), hotspot.voucher(&[]));
    hotspot.sign_in(&early, &first);
    let data = small_disk(&mut hotspot, 640);
    assert!(until(|| early.sees_site("-4")));
    hotspot.router.output(&["dd", "if=/dev/zero", &format!("of={data}/filler"), "bs=1k"]);
    let answer = hotspot.portal().sign_in(&late, &second);
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(!late.sees_site("-4"));
    assert!(hotspot.active(&late).is_none());
    assert!(early.sees_site("-4"));
    // The first login has not begun: the voucher is as good as new once there is room.
    hotspot.router.ok(&["rm", &format!("{data}/filler")]);
    hotspot.sign_in(&late, &second);
    assert!(late.sees_site("-4"));
}

const RADIUS: &str = "config radius\noption enabled '1'\n\
    config client 'rogue'\noption address '127.0.0.1'\noption secret 'a secret of sixteen'\n";

/// A hostile access point; how many of its reports were answered.
fn attack(hotspot: &Hotspot, words: &[&str]) -> u32 {
    let script = here().join("access_point.py");
    let words = [&["python3", script.to_str().unwrap()], words].concat();
    hotspot.router.ok(&words).trim().parse().unwrap()
}

/// Whether vouchers are made, and whoever has one gets in for the first time.
#[track_caller]
fn sells_and_serves(hotspot: &Hotspot, guest: &'static str) {
    let mut made: Option<Voucher> = None;
    let sells = until(|| {
        made = hotspot.try_voucher();
        made.is_some()
    });
    assert!(
        sells,
        "no voucher can be made: {:?}\n{}",
        hotspot.cli_output(&["voucher", "create"]),
        hotspot.router.ok(&[
            "sh",
            "-c",
            &format!("df -k | tail -1; ls -la {}", hotspot.database().parent().unwrap().display())
        ])
    );
    let guest = hotspot.lab.node(guest);
    hotspot.sign_in(&guest, &made.unwrap());
    assert!(guest.sees_site("-4"));
}

#[test]
fn an_access_point_that_invents_people_fills_no_flash() {
    let Some(mut hotspot) = Hotspot::with("", RADIUS) else { return };
    let data = small_disk(&mut hotspot, 6 * 1024);
    // As many with the shortest attributes would be a fifth of that.
    assert_eq!(attack(&hotspot, &["nobodies", "1800"]), 1800);
    sells_and_serves(&hotspot, "guest1");
    assert!(hotspot.size_of(&data) < 1024, "{} KB", hotspot.size_of(&data));
    let log = hotspot.log();
    let lines = log.lines().filter(|line| !line.contains("debug:")).count();
    assert!(lines < 100, "{lines} lines");
}

#[test]
fn an_access_point_that_knows_a_passcode_fills_no_flash_for_good() {
    let Some(mut hotspot) = Hotspot::with("", RADIUS) else { return };
    let data = small_disk(&mut hotspot, 1280);
    let voucher = hotspot.voucher(&[]);
    attack(&hotspot, &["guest", "1000", &voucher.username, &voucher.passcode]);
    sells_and_serves(&hotspot, "guest1");
    // Nobody does anything for it, and there is no restart.
    // Old sessions are forgotten until 256 KB are free.
    let shrinks = until(|| hotspot.size_of(&data) <= 1280 - 256);
    assert!(shrinks, "{} KB", hotspot.size_of(&data));
    sells_and_serves(&hotspot, "guest2");
}
