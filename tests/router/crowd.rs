//! A thousand guests on the emulated router.
//!
//! The guests live behind one cable, in the first guest's namespace: its kernel gives each address of
//! theirs a MAC of its own. The router knows who has which address, as after ARP.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;

use crate::support::Router;

pub const VOUCHERS: usize = 10_000;
pub const GUESTS: usize = 1000;
pub const PORTAL: &str = "http://192.168.77.1:8880";
const SITE: &str = "http://203.0.113.10/";
/// So many guests are signed in by one command.
const GROUP: usize = 50;

pub fn address(number: usize) -> String {
    format!("10.99.{}.{}", number / 250, number % 250 + 1)
}

fn mac(number: usize) -> String {
    format!("02:00:0a:63:{:02x}:{:02x}", number / 256, number % 256)
}

/// Guests 0 to `GUESTS` are there: one more than will be asked for at first.
pub fn invite_crowd(router: &mut Router) {
    let (mut neighbours, mut ports, mut pairs) = (String::new(), String::new(), Vec::new());
    for (address, mac) in (0..=GUESTS).map(|number| (address(number), mac(number))) {
        let _ = writeln!(
            neighbours,
            "neighbour replace {address} lladdr {mac} nud permanent dev br-guest"
        );
        let _ = writeln!(ports, "fdb replace {mac} dev guest1 master static");
        pairs.push(format!("{address} : {mac}"));
    }
    let disguise = format!(
        "table netdev guests {{\n\
         map macs {{\ntype ipv4_addr : ether_addr\nelements = {{ {} }}\n}}\n\
         chain leave {{\ntype filter hook egress device \"eth0\" priority 0\n\
         ether saddr set ip saddr map @macs\n}}\n\
         chain arrive {{\ntype filter hook ingress device \"eth0\" priority 0\n\
         meta pkttype other meta pkttype set host\n}}\n}}\n",
        pairs.join(", ")
    );
    router.put(neighbours.as_bytes(), "/tmp/neighbours");
    router.put(ports.as_bytes(), "/tmp/ports");
    router.put(disguise.as_bytes(), "/tmp/disguise");
    // By default the kernel knows a thousand neighbours and a thousand connections at most.
    router.ok("sysctl -qw net.ipv4.neigh.default.gc_thresh3=8192 \
               net.netfilter.nf_conntrack_max=8192 && \
               ip route add 10.99.0.0/16 dev br-guest && \
               ip -batch /tmp/neighbours && bridge -batch /tmp/ports");
    router.ok("ip -n guest1 route add local 10.99.0.0/16 dev lo && \
               ip netns exec guest1 nft -f /tmp/disguise && rm /tmp/disguise");
}

/// A router with the package on which nobody is too slow: it ends no session for being idle, however
/// long signing everybody in takes.
pub fn patient_router() -> Router {
    let mut router = Router::installed();
    router.ok("uci set hotspotd.voucher=voucher && uci set hotspotd.voucher.idle_timeout=0 && \
               uci commit hotspotd && service hotspotd restart");
    router.ready();
    router
}

/// Ten thousand vouchers, of which one is for each guest and one more.
pub fn all_vouchers(router: &mut Router) -> Vec<(String, String)> {
    // In pieces: what is printed for ten thousand vouchers would have to fit in memory as well.
    let mut printed = Vec::new();
    while printed.len() < VOUCHERS {
        printed.extend(vouchers(router, 1000));
    }
    printed
}

/// New vouchers: username and passcode.
pub fn vouchers(router: &mut Router, count: usize) -> Vec<(String, String)> {
    let text = router.ok(&format!("hotspotd voucher create --count {count} --format json"));
    let rows: Vec<Value> = serde_json::from_str(&text).unwrap();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    rows.iter().map(|row| (text(row, "username"), text(row, "passcode"))).collect()
}

/// Signs in a guest for each voucher, the first with number `first`, one after the other, and lets
/// each ask for a page at once; how long that took.
pub fn sign_in(router: &mut Router, first: usize, vouchers: &[(String, String)]) -> Vec<Duration> {
    let forms = vouchers.iter().enumerate().map(|(number, (username, passcode))| {
        let fields = [("username", username), ("passcode", passcode)];
        let fields = fields.map(|(name, value)| format!("data-urlencode = \"{name}={value}\"\n"));
        (address(first + number), format!("url = {PORTAL}/login\n{}", fields.concat()))
    });
    ask_and_browse(router, "303", &forms.collect::<Vec<_>>())
}

/// From the first octet of a request to the portal (curl's words for it) to the first packet from the
/// internet: for each guest's address, one after the other, by curl on the router itself.
pub fn ask_and_browse(
    router: &mut Router,
    code: &str,
    asked: &[(String, String)],
) -> Vec<Duration> {
    let mut times = Vec::new();
    for group in asked.chunks(GROUP) {
        let mut requests = String::new();
        for (guest, words) in group {
            let from = format!("next\ninterface = {guest}\noutput = /dev/null\n");
            let _ = write!(
                requests,
                "{from}{words}write-out = \"%{{http_code}} %{{time_connect}} %{{time_total}} \"\n\
                 {from}url = {SITE}\nwrite-out = \"%{{http_code}} %{{time_connect}}\\n\"\n"
            );
        }
        router.put(requests.as_bytes(), "/tmp/requests");
        let text = router.ok("guest1 curl -s -K /tmp/requests");
        assert_eq!(text.lines().count(), group.len(), "{text}");
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            assert_eq!((words[0], words[3]), (code, "200"), "not let in\n{text}");
            let [begun, ended, site] = [1, 2, 4].map(|at| words[at].parse::<f64>().unwrap());
            times.push(Duration::from_secs_f64(ended - begun + site));
        }
    }
    times
}
