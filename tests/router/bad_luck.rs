//! What goes wrong on real routers.

use crate::support::Router;

#[test]
fn a_guest_network_that_comes_later_is_taken_up() {
    let mut router = Router::bare();
    router.install();
    router.ok("ip link del br-guest");
    router.ok("service hotspotd start");
    router.ready();
    let check = router.run("hotspotd check").output;
    assert!(check.contains("br-guest"), "{check}");
    router.ok("hotspotd voucher create --username late --passcode comer");
    router.ok("network bridge");
    router.sign_in("late", "comer");
    assert!(router.sees_site());
}

#[test]
fn a_missing_or_odd_time_zone_is_told_and_a_right_one_is_used() {
    let mut router = Router::installed();
    // Later than now: our clock never goes back.
    router.ok("date -s '2027-07-01 12:00:00'");
    router.ok("rm /etc/TZ && service hotspotd restart");
    router.ready();
    let check = router.run("hotspotd check").output;
    assert!(check.contains("2027-07-01 12:0") && check.contains("/etc/TZ is missing"), "{check}");
    router.ok("echo 'Mars/Olympus_Mons' >/etc/TZ && service hotspotd restart");
    router.ready();
    let check = router.run("hotspotd check").output;
    assert!(check.contains("Mars/Olympus_Mons"), "{check}");
    assert!(check.contains("2027-07-01 12:0"), "{check}");
    router.ok("hotspotd voucher create --username odd --passcode zone");
    router.ok("echo 'CET-1CEST,M3.5.0,M10.5.0/3' >/etc/TZ && service hotspotd restart");
    router.ready();
    let check = router.run("hotspotd check").output;
    assert!(check.contains("2027-07-01 14:0"), "{check}");
    router.sign_in("odd", "zone");
}

/// What a full overlay means: vouchers are refused with a reason, guests stay, and all is well once
/// there is room.
#[test]
fn a_full_overlay_refuses_vouchers_and_keeps_guests() {
    let mut router = Router::bare();
    router.install();
    router.ok("mkdir /mnt/data && mount -t tmpfs -o size=1m data /mnt/data && \
               uci set hotspotd.main.data_dir=/mnt/data && uci commit hotspotd && \
               service hotspotd start");
    router.ready();
    router.ok("hotspotd voucher create --username early --passcode bird");
    router.sign_in("early", "bird");
    router.run("dd if=/dev/zero of=/mnt/data/filler bs=1k");
    let refused = router.run("hotspotd voucher create --count 1000");
    assert_eq!(refused.status, 1, "{}", refused.output);
    assert!(
        refused.output.contains("full") || refused.output.contains("space"),
        "{}",
        refused.output
    );
    assert!(router.sees_site(), "{}", router.log());
    assert_eq!(router.rows("voucher list").len(), 1);
    router.ok("rm /mnt/data/filler");
    router.ok("hotspotd voucher create --username later --passcode bird");
    assert!(router.sees_site());
}

#[test]
fn a_taken_port_is_named_with_who_has_it() {
    let mut router = Router::bare();
    router.install();
    router.ok("httpd -p 192.168.77.1:8880 -h /tmp/www");
    router.ok("service hotspotd start");
    let named = router.until("grep '8880' /tmp/log | grep -q httpd");
    assert!(named, "{}", router.log());
    router.ok("kill $(sed -n 's/.*(process \\([0-9]*\\)) has it.*/\\1/p' /tmp/log | head -n 1)");
    router.ready();
    router.ok("hotspotd voucher create --username patient --passcode guest");
    assert!(
        router.until("guest1 curl -s -o /dev/null http://192.168.77.1:8880/"),
        "{}",
        router.log()
    );
    router.sign_in("patient", "guest");
}
