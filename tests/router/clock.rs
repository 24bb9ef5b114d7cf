//! A router without a clock's battery: 1970 at boot, until NTP answers.

use std::time::SystemTime;

use crate::support::Router;

/// As the sessions' counters are read and printed in whole seconds, twice.
const ROUNDING: u64 = 3;

/// Seconds since the boot, and seconds left of the only session.
fn clocks(router: &mut Router) -> (u64, u64) {
    let rows = router.rows("sessions");
    assert_eq!(rows.len(), 1, "{rows:?}\n{}", router.log());
    let left = seconds(rows[0]["left"].as_str().unwrap());
    (router.number("cut -d. -f1 /proc/uptime"), left)
}

/// `59m8s` in seconds.
fn seconds(text: &str) -> u64 {
    let (mut sum, mut number) = (0, 0);
    for letter in text.chars() {
        match letter {
            '0'..='9' => number = number * 10 + u64::from(letter as u32 - '0' as u32),
            unit => {
                sum += number
                    * [('d', 86400), ('h', 3600), ('m', 60), ('s', 1)]
                        .iter()
                        .find_map(|&(name, seconds)| (name == unit).then_some(seconds))
                        .unwrap_or_else(|| panic!("{text}"));
                number = 0;
            }
        }
    }
    sum
}

#[test]
fn a_jump_from_1970_neither_ends_nor_prolongs_a_session() {
    let mut router = Router::bare();
    router.ok("date -s '1970-01-01 00:02:00'");
    router.install();
    router.ok("service hotspotd start");
    router.ready();
    let check = router.run("hotspotd check").output;
    assert!(check.lines().any(|line| line.contains("clock") && !line.starts_with("ok")), "{check}");
    router.ok("hotspotd voucher create --username early --passcode bird --valid-for '1 hour'");
    router.sign_in("early", "bird");
    let (boot, left) = clocks(&mut router);

    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    router.ok(&format!("date -s @{now}"));
    router.ok("ACTION=stratum hotplug-call ntp");
    assert!(router.until("hotspotd check | grep -q '^ok  *clock'"), "{}", router.log());

    assert!(router.sees_site(), "{}", router.log());
    let (later, still) = clocks(&mut router);
    let (passed, gone) = (later - boot, left - still);
    assert!(gone.abs_diff(passed) <= ROUNDING, "{passed} s have passed, {gone} s are gone");
    let expires = router.ok("nft list set netdev hotspotd download | grep -o 'expires [^ ]*'");
    let expires = seconds(
        &expires.trim()["expires ".len()..]
            .replace("ms", "")
            .split('s')
            .next()
            .map(|text| format!("{text}s"))
            .unwrap(),
    );
    assert!(
        expires.abs_diff(still) <= ROUNDING,
        "the kernel ends it in {expires} s, not {still} s"
    );
    let year = router.ok("date +%Y");
    let stamps = router.ok("hotspotd voucher list; hotspotd logins");
    assert!(!stamps.contains("1970-"), "{stamps}");
    assert!(stamps.contains(&format!("{}-", year.trim())), "{stamps}");
}
