//! Rules in the routing path: what the gate is on OpenWrt 23.05, whose kernel has no egress hook.

use crate::support::Router;

fn film(router: &mut Router) -> u64 {
    router.run("guest1 curl -s --speed-time 20 --speed-limit 1000 -o /tmp/film http://www.example.com/film");
    router.number("wc -c </tmp/film; rm /tmp/film")
}

#[test]
fn without_an_egress_hook_the_gate_holds_as_well() {
    let mut router = Router::bare();
    router.install();
    router
        .ok("uci set hotspotd.main.egress_hook=0 && uci commit hotspotd && service hotspotd start");
    router.ready();
    router.ok("hotspotd voucher create --username day --passcode long");
    router.ok("hotspotd voucher create --username small --passcode one --download-limit 1");
    let portal = "http://192.168.77.1:8880/?next=http%3A%2F%2Fwww.example.com%2F";
    let goes_to = "guest1 curl -s -o /dev/null -m 60 -w '%{redirect_url}' http://www.example.com/";
    assert_eq!(router.ok(goes_to), portal, "{}", router.log());

    router.sign_in("day", "long");
    let check = router.run("hotspotd check").output;
    assert!(check.contains("the rules stand in the routing path"), "{check}");
    router.ok("nft list ruleset | grep -q 'hook ingress'");
    assert_eq!(router.run("nft list ruleset | grep 'hook egress'").output, "");
    router.ok("guest1 ping -c 1 -W 5 203.0.113.10");

    router.ok("hotspotd voucher remove day");
    assert_eq!(router.ok(goes_to), portal, "{}", router.log());
    assert_ne!(router.run("guest1 ping -c 1 -W 2 203.0.113.10").status, 0);

    router.sign_in("small", "one");
    let octets = film(&mut router);
    assert!((900_000..=1_048_576).contains(&octets), "{octets}\n{}", router.log());
    assert!(router.until("hotspotd sessions | grep -q none"), "{}", router.log());
    assert_eq!(router.ok(goes_to), portal, "{}", router.log());
}
