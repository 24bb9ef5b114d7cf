//! A router without a clock's battery: 1970 at boot, until NTP answers.

use std::time::SystemTime;

use crate::support::Router;

/// Clocks are read one after the other on a slow machine, and a jump is a matter of years.
const SLACK: u64 = 60;

/// Seconds since the boot, and seconds left of the only session: by the daemon, by the kernel.
struct Clocks {
    boot: u64,
    daemon: u64,
    kernel: u64,
}

impl Clocks {
    fn of(router: &mut Router) -> Self {
        let rows = router.rows("sessions");
        assert_eq!(rows.len(), 1, "{rows:?}\n{}", router.log());
        let daemon = rows[0]["time_left"].as_u64().unwrap();
        let boot = router.number("cut -d. -f1 /proc/uptime");
        let expires = "s/.*expires \\([0-9a-z]*\\).*/\\1/p";
        let kernel =
            router.ok(&format!("nft list set netdev hotspotd download | sed -n '{expires}'"));
        Self { boot, daemon, kernel: seconds(kernel.trim()) }
    }
}

/// `59m8s400ms` in whole seconds.
fn seconds(text: &str) -> u64 {
    let text = text.split_once("ms").map_or(text, |(before, _)| before);
    let mut sum = 0;
    let mut number = 0;
    for letter in text.chars() {
        let unit = match letter {
            'd' => 86400,
            'h' => 3600,
            'm' => 60,
            's' => 1,
            digit => {
                number =
                    number * 10 + u64::from(digit.to_digit(10).unwrap_or_else(|| panic!("{text}")));
                continue;
            }
        };
        sum += number * unit;
        number = 0;
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
    let before = Clocks::of(&mut router);

    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    router.ok(&format!("date -s @{now}"));
    router.ok("ACTION=stratum hotplug-call ntp");
    assert!(router.until("hotspotd check | grep -q '^ok  *clock'"), "{}", router.log());

    assert!(router.sees_site(), "{}", router.log());
    let after = Clocks::of(&mut router);
    let passed = after.boot - before.boot;
    for (who, gone) in
        [("daemon", before.daemon - after.daemon), ("kernel", before.kernel - after.kernel)]
    {
        assert!(gone.abs_diff(passed) <= SLACK, "{who}: {gone} s are gone, {passed} s have passed");
    }
    assert!(after.daemon.abs_diff(after.kernel) <= SLACK);
    let year = router.ok("date +%Y");
    let stamps = router.ok("hotspotd voucher list; hotspotd logins");
    assert!(!stamps.contains("1970-"), "{stamps}");
    assert!(stamps.contains(&format!("{}-", year.trim())), "{stamps}");
}
