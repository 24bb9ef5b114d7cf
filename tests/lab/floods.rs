//! What one device can make this router remember or answer, and what others notice of it.

use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Flow, Hotspot, Lab, Node, until};

/// The bridge's MAC; see `network`.
const ROUTER: &str = "02:00:00:00:77:01";
/// What is expected of others beside what is counted.
const OTHERS: usize = 20;

/// A token bucket, as docs/guest-networks.md states it.
struct Limit {
    burst: usize,
    per_second: usize,
}

const ARP: Limit = Limit { burst: 100, per_second: 10 };
const DISCOVERY: Limit = Limit { burst: 100, per_second: 10 };
const CONNECTIONS: Limit = Limit { burst: 100, per_second: 10 };
const DNS: Limit = Limit { burst: 100, per_second: 5 };
const DHCP: Limit = Limit { burst: 20, per_second: 1 };
const GUEST_CONNECTIONS: Limit = Limit { burst: 1000, per_second: 30 };
const GUEST_ADDRESSES: Limit = Limit { burst: 100, per_second: 5 };
const INVALID_ANSWERS: Limit = Limit { burst: 100, per_second: 20 };
/// New ARP entries of all devices together.
const ALL_ARP: Limit = Limit { burst: 400, per_second: 100 };

impl Limit {
    fn holds(&self, counted: usize, time: Duration) {
        let most = self.burst + self.per_second * (time.as_secs() as usize + 1) + OTHERS;
        assert!(counted <= most, "{counted} instead of {most}");
        assert!(counted >= self.burst / 2, "only {counted}: the attack itself has failed");
    }
}

/// Sends frames, and says how long that took until now.
fn flood(guest: &Node, words: &str) -> Duration {
    let begun = Instant::now();
    let script = crate::support::here().join("flood.py");
    let mut all = vec!["python3", script.to_str().unwrap()];
    all.extend(words.split(' '));
    guest.ok(&all);
    begun.elapsed()
}

/// Neighbours with MACs that `flood.py` has invented, or addresses.
fn invented(hotspot: &Hotspot, family: &str) -> usize {
    let listed = hotspot.router.ip(&format!("{family} neighbour show dev br-guest"));
    let prefix = hotspot.lab.fact("prefix6").trim_end_matches("::");
    let own = format!("{prefix}:0:900:");
    let is_invented =
        |line: &&str| line.contains("lladdr 02:09:00:") || line.starts_with(own.as_str());
    listed.lines().filter(is_invented).count()
}

fn both_places() -> [fn() -> Option<Hotspot>; 2] {
    [Hotspot::open, || Hotspot::in_routing_path("")]
}

#[test]
fn arp_of_one_device_leaves_room_for_other_neighbours() {
    for open in both_places() {
        let Some(hotspot) = open() else { return };
        let router = hotspot.lab.fact("guest4");
        let (stranger, guest) = (hotspot.lab.node("guest3"), hotspot.lab.node("guest2"));
        let words = format!("arp 700 {ROUTER} {router}");
        let taken = flood(&stranger, &words);
        ARP.holds(invented(&hotspot, "-4"), taken);
        // Whoever has paid is no better.
        hotspot.router.ip("-4 neighbour flush dev br-guest");
        hotspot.sign_in(&guest, &hotspot.voucher(&[]));
        let taken = flood(&guest, &words);
        ARP.holds(invented(&hotspot, "-4"), taken);
        assert!(guest.sees_site("-4"));
    }
}

#[test]
fn neighbour_discovery_of_one_device_leaves_room_for_other_neighbours() {
    for open in both_places() {
        let Some(hotspot) = open() else { return };
        let router = hotspot.lab.fact("guest6");
        let guest = hotspot.lab.node("guest1");
        guest.ipv6();
        let words = format!("solicit 700 {ROUTER} {router}");
        let taken = flood(&guest, &words);
        DISCOVERY.holds(invented(&hotspot, "-6"), taken);
        thread::sleep(Duration::from_secs(3));
        hotspot.sign_in(&guest, &hotspot.voucher(&[]));
        hotspot.router.ip("-6 neighbour flush dev br-guest");
        let taken = flood(&guest, &words);
        // The bucket is not full again yet.
        let entries = invented(&hotspot, "-6");
        assert!(entries > 0);
        DISCOVERY.holds(entries + DISCOVERY.burst / 2, taken);
        assert!(until(|| guest.sees_site("-6")));
    }
}

#[test]
fn connections_from_invented_addresses_make_few_neighbours() {
    for open in both_places() {
        let Some(hotspot) = open() else { return };
        let guest = hotspot.lab.node("guest1");
        guest.ipv6();
        let taken = flood(&guest, &format!("syn 700 {ROUTER} {}", hotspot.lab.fact("guest6")));
        CONNECTIONS.holds(invented(&hotspot, "-6"), taken);
    }
}

#[test]
fn one_device_does_not_fill_the_table_of_connections() {
    for open in both_places() {
        let Some(hotspot) = open() else { return };
        let (stranger, other) = (hotspot.lab.node("guest3"), hotspot.lab.node("guest2"));
        let address = stranger.ipv4().to_string();
        // Somewhere else, as a browser with many pages open; and the portal itself.
        for target in [hotspot.lab.fact("wan4"), hotspot.lab.fact("guest4")] {
            let taken = flood(&stranger, &format!("syn 700 {ROUTER} {target} {address}"));
            let entries = hotspot.connections(&address);
            if target == hotspot.lab.fact("wan4") {
                CONNECTIONS.holds(entries, taken);
            }
            assert!(entries < 2 * CONNECTIONS.burst + 20 * CONNECTIONS.per_second, "{entries}");
        }
        hotspot.sign_in(&other, &hotspot.voucher(&[]));
    }
}

#[test]
fn a_guest_who_is_signed_in_does_not_fill_the_table_of_connections() {
    for open in both_places() {
        let Some(hotspot) = open() else { return };
        let (guest, other) = (hotspot.lab.node("guest3"), hotspot.lab.node("guest2"));
        let address = guest.ipv4().to_string();
        hotspot.sign_in(&guest, &hotspot.voucher(&[]));
        let taken =
            flood(&guest, &format!("udp 6000 {ROUTER} {} {address}", hotspot.lab.fact("wan4")));
        GUEST_CONNECTIONS.holds(hotspot.connections(&address), taken);
        hotspot.sign_in(&other, &hotspot.voucher(&[]));
    }
}

#[test]
fn answers_to_invented_addresses_of_a_guest_make_few_neighbours() {
    for open in both_places() {
        let Some(hotspot) = open() else { return };
        let (guest, other) = (hotspot.lab.node("guest1"), hotspot.lab.node("guest2"));
        guest.ipv6();
        hotspot.sign_in(&guest, &hotspot.voucher(&[]));
        let (wan, own) = (hotspot.lab.fact("wan6"), hotspot.lab.fact("guest6"));
        for (kind, limit) in [("ping", GUEST_ADDRESSES), ("unasked", INVALID_ANSWERS)] {
            hotspot.router.ip("-6 neighbour flush dev br-guest");
            let taken = flood(&guest, &format!("{kind} 1500 {ROUTER} {wan} {own}"));
            let entries = invented(&hotspot, "-6");
            eprintln!("{kind}: {entries} neighbours in {taken:?}");
            limit.holds(entries, taken);
        }
        assert!(until(|| guest.sees_site("-6")));
        hotspot.sign_in(&other, &hotspot.voucher(&[]));
    }
}

/// A page with many parts, or many devices behind one repeater.
#[test]
fn hundreds_of_connections_of_a_guest_are_all_made() {
    let Some(hotspot) = Hotspot::open() else { return };
    let (guest, wan) = (hotspot.lab.node("guest3"), hotspot.lab.fact("wan4"));
    hotspot.sign_in(&guest, &hotspot.voucher(&[]));
    let address = guest.ipv4().to_string();
    flood(&guest, &format!("udp 800 {ROUTER} {wan} {address}"));
    let made = hotspot.connections(&address);
    assert!(made >= 800, "only {made}");
}

#[test]
fn the_garden_does_not_fill_the_table_of_connections_either() {
    let Some(lab) = Lab::up() else { return };
    let garden = lab.fact("garden4").to_owned();
    // From the start: when rules change, connections are deleted.
    let hotspot = Hotspot::on(lab, "", &format!("list garden '{garden}/32'"));
    let stranger = hotspot.lab.node("guest3");
    let address = stranger.ipv4().to_string();
    let home = format!("http://{garden}/");
    assert!(until(|| stranger.curl(&[&home]).status == 200));
    let taken = flood(&stranger, &format!("syn 700 {ROUTER} {garden} {address}"));
    CONNECTIONS.holds(hotspot.connections(&address), taken);
}

#[test]
fn a_browser_that_opens_thirty_connections_has_thirty_answers() {
    for open in both_places() {
        let Some(hotspot) = open() else { return };
        let guest = hotspot.lab.node("guest2");
        let begun = Instant::now();
        let pages: Vec<_> = (0..30)
            .map(|number| {
                let guest = guest.clone();
                thread::spawn(move || guest.curl(&[&format!("http://198.51.100.{number}/")]))
            })
            .collect();
        for page in pages {
            assert_eq!(page.join().unwrap().status, 302);
        }
        eprintln!("thirty connections took {:?}", begun.elapsed());
    }
}

#[test]
fn leases_are_not_asked_for_at_any_rate() {
    for open in both_places() {
        let Some(hotspot) = open() else { return };
        let (stranger, other) = (hotspot.lab.node("guest3"), hotspot.lab.node("guest2"));
        let before = hotspot.lab.read("dnsmasq.log").matches("DHCPDISCOVER").count();
        let taken =
            flood(&stranger, &format!("discover 300 {ROUTER} {}", hotspot.lab.fact("guest4")));
        let asked = || hotspot.lab.read("dnsmasq.log").matches("DHCPDISCOVER").count() - before;
        assert!(until(|| asked() >= DHCP.burst));
        DHCP.holds(asked(), taken);
        other.dhcp();
    }
}

#[test]
fn a_bucket_is_not_full_again_before_its_time() {
    let Some(hotspot) = Hotspot::open() else { return };
    let (guest, router) = (hotspot.lab.node("guest2"), hotspot.lab.fact("guest4"));
    let ask = || guest.peer(&format!("ask {router} 150")).parse::<usize>().unwrap();
    let begun = Instant::now();
    let first = ask();
    // `ask` has waited ten seconds for what did not come.
    let second = ask();
    let most = DNS.burst + DNS.per_second * (begun.elapsed().as_secs() as usize - 9);
    assert!(first >= DNS.burst && first + second <= most, "{first} and {second} of {most}");
}

#[test]
fn names_of_probes_are_found_while_others_are_asked_for() {
    let Some(hotspot) = Hotspot::open() else { return };
    let (guest, router) = (hotspot.lab.node("guest2"), hotspot.lab.fact("guest4"));
    let begun = Instant::now();
    let flood = thread::spawn({
        let (guest, ask) = (guest.clone(), format!("ask {router} 8000"));
        move || guest.peer(&ask)
    });
    thread::sleep(Duration::from_secs(2));
    for host in ["captive.apple.com", "connectivitycheck.gstatic.com", "WWW.MsftConnectTest.com"] {
        let page = guest.curl(&["-4", "--max-time", "20", &format!("http://{host}/")]);
        assert_eq!(page.status, 302, "{host}: {page:?}");
    }
    assert!(!flood.is_finished(), "it was over before");
    let answered: usize = flood.join().unwrap().parse().unwrap();
    DNS.holds(answered, begun.elapsed());
}

/// An answer to an address that is not here would leave by the WAN.
#[test]
fn strangers_cannot_have_answers_sent_elsewhere() {
    for open in both_places() {
        let Some(hotspot) = open() else { return };
        let (guest, internet) = (hotspot.lab.node("guest1"), hotspot.lab.node("internet"));
        guest.ipv6();
        for (router, victim) in [("guest4", "wan4"), ("guest6", "wan6")] {
            let (router, victim) = (hotspot.lab.fact(router), hotspot.lab.fact(victim));
            let mut answers = Flow::start(&internet, &format!("count udp {victim} 5353"));
            flood(&guest, &format!("dns 20 {ROUTER} {router} {victim}"));
            assert_eq!(guest.peer(&format!("ask {router} 1")), "1", "{router}");
            assert_eq!(answers.passed().pieces, 0, "{victim}");
        }
        // From its own addresses, of every kind, it is answered.
        let router = link_local(&hotspot.router, "br-guest");
        assert_eq!(guest.peer(&format!("ask {router}%eth0 1")), "1", "{router}");
    }
}

fn link_local(node: &Node, device: &str) -> String {
    let listed = node.ip(&format!("-6 -oneline address show dev {device} scope link"));
    listed.split_whitespace().nth(3).unwrap().split('/').next().unwrap().to_owned()
}

#[test]
fn invented_devices_do_not_keep_those_who_were_here_from_names_and_neighbours() {
    let Some(hotspot) = Hotspot::open() else { return };
    let router = hotspot.lab.fact("guest4");
    let (guest, stranger) = (hotspot.lab.node("guest1"), hotspot.lab.node("guest2"));
    hotspot.sign_in(&guest, &hotspot.voucher(&[]));
    assert_eq!(stranger.peer(&format!("ask {router} 1")), "1");
    let attacker = hotspot.lab.node("guest3");
    let address = attacker.ipv4();
    let flood_of = |words: String| {
        let attacker = attacker.clone();
        thread::spawn(move || flood(&attacker, &words))
    };
    let dns = flood_of(format!("dns-macs 6000 {ROUTER} {router} {address}"));
    let arp = flood_of(format!("arp-macs 6000 {ROUTER} {router}"));
    for _ in 0..4 {
        assert_eq!(stranger.peer(&format!("ask {router} 3")), "3");
        guest.ip("-4 neighbour flush dev eth0");
        assert!(guest.sees_site("-4"), "a guest is kept waiting");
    }
    let taken = arp.join().unwrap();
    dns.join().unwrap();
    let entries = invented(&hotspot, "-4");
    assert!(entries <= ALL_ARP.burst + ALL_ARP.per_second * (taken.as_secs() as usize + 1));
}

/// Hop limit 255 is what neighbour discovery needs, and what would carry it anywhere.
#[test]
fn neighbour_discovery_is_not_forwarded() {
    for open in both_places() {
        let Some(hotspot) = open() else { return };
        let (guest, internet) = (hotspot.lab.node("guest1"), hotspot.lab.node("internet"));
        let source = guest.ipv6()[0].to_string();
        let rules = "table netdev seen { chain arrive { \
             type filter hook ingress device \"wan\" priority 0; \
             icmpv6 type nd-neighbor-advert ip6 saddr SOURCE counter; \
             icmpv6 type echo-request ip6 saddr SOURCE counter; }; }";
        internet.ok(&["nft", &rules.replace("SOURCE", &source)]);
        let wan = hotspot.lab.fact("wan6");
        flood(&guest, &format!("advertise 100 {ROUTER} {wan} {source}"));
        let seen = internet.ok(&["nft", "list", "table", "netdev", "seen"]);
        assert_eq!(seen.matches("counter packets 0 ").count(), 2, "{seen}");
        // The rule above counts: a guest's pings are seen.
        hotspot.sign_in(&guest, &hotspot.voucher(&[]));
        assert!(guest.output(&["ping", "-6", "-c", "1", "-I", &source, wan]).status.success());
        let seen = internet.ok(&["nft", "list", "table", "netdev", "seen"]);
        assert_eq!(seen.matches("counter packets 0 ").count(), 1, "{seen}");
        // And the router hears of its neighbours all the same.
        hotspot.router.ip("-6 neighbour flush dev br-guest");
        guest.ip("-6 neighbour flush dev eth0");
        assert!(hotspot.portal6().try_get(&guest, "/").is_some());
    }
}
