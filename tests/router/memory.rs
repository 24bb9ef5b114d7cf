//! 64 MB, ten thousand vouchers, a thousand guests: what that takes.
//!
//! The guests live behind one cable, in the first guest's namespace: its kernel gives each address of
//! theirs a MAC of its own. The router knows who has which address, as after ARP.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;

use crate::figures::{note, spread};
use crate::support::Router;

const VOUCHERS: usize = 10_000;
const GUESTS: usize = 1000;
const PORTAL: &str = "http://192.168.77.1:8880";
const SITE: &str = "http://203.0.113.10/";
/// So many guests are signed in by one command.
const GROUP: usize = 50;
/// So often is a start measured.
const STARTS: usize = 5;

fn address(number: usize) -> String {
    format!("10.99.{}.{}", number / 250, number % 250 + 1)
}

fn mac(number: usize) -> String {
    format!("02:00:0a:63:{:02x}:{:02x}", number / 256, number % 256)
}

/// Guests 0 to `GUESTS` are there: one more than will be asked for at first.
fn invite_crowd(router: &mut Router) {
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

/// New vouchers: username and passcode.
fn vouchers(router: &mut Router, count: usize) -> Vec<(String, String)> {
    let text = router.ok(&format!("hotspotd voucher create --count {count} --format json"));
    let rows: Vec<Value> = serde_json::from_str(&text).unwrap();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    rows.iter().map(|row| (text(row, "username"), text(row, "passcode"))).collect()
}

/// Signs in a guest for each voucher, the first with number `first`, one after the other, and lets
/// each ask for a page at once; how long that took.
fn sign_in(router: &mut Router, first: usize, vouchers: &[(String, String)]) -> Vec<Duration> {
    let forms = vouchers.iter().enumerate().map(|(number, (username, passcode))| {
        let fields = [("username", username), ("passcode", passcode)];
        let fields = fields.map(|(name, value)| format!("data-urlencode = \"{name}={value}\"\n"));
        (address(first + number), format!("url = {PORTAL}/login\n{}", fields.concat()))
    });
    ask_and_browse(router, "303", &forms.collect::<Vec<_>>())
}

/// From the first octet of a request to the portal (curl's words for it) to the first packet from the
/// internet: for each guest's address, one after the other, by curl on the router itself.
fn ask_and_browse(router: &mut Router, code: &str, asked: &[(String, String)]) -> Vec<Duration> {
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

fn kilobytes(router: &mut Router, field: &str) -> u64 {
    router.number(&format!(
        "sed -n 's/^{field}:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/$(pidof hotspotd)/status"
    ))
}

fn note_memory(router: &mut Router, when: &str) {
    let (all, own) = (kilobytes(router, "VmRSS"), kilobytes(router, "RssAnon"));
    let available = router.number("sed -n 's/^MemAvailable: *\\([0-9]*\\).*/\\1/p' /proc/meminfo");
    note(
        &format!("memory, {when}"),
        &format!("VmRSS {all} kB, of that its own {own} kB; MemAvailable {available} kB"),
    );
}

/// From the start of the process until the API answers.
fn note_starts(router: &mut Router, when: &str) {
    // /proc/uptime has hundredths of a second; one try takes less.
    let script = "now() { cut -d' ' -f1 /proc/uptime | tr -d .; }
        service hotspotd stop
        while pidof hotspotd >/dev/null; do usleep 100000; done
        begun=$(now)
        hotspotd run 2>>/tmp/log &
        until [ -n \"$ended\" ]; do
            ended=$(printf 'GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n' |
                nc 127.0.0.1 8080 2>/dev/null | { [ \"$(head -c 4)\" != HTTP ] || now; })
        done
        kill $!; wait $!
        echo $((ended - begun))";
    let times = (0..STARTS).map(|_| Duration::from_millis(router.number(script) * 10)).collect();
    note(&format!("start to first answer, {when}"), &spread(times));
    router.ok("service hotspotd start");
    router.ready();
}

#[test]
fn a_thousand_guests_and_ten_thousand_vouchers_fit() {
    let mut router = Router::installed();
    invite_crowd(&mut router);
    note_memory(&mut router, "idle without vouchers");
    note_starts(&mut router, "without vouchers");
    let alone = vouchers(&mut router, 1);
    sign_in(&mut router, 0, &alone);
    // In pieces: what is printed for ten thousand vouchers would have to fit in memory as well.
    let mut printed = Vec::new();
    while printed.len() < VOUCHERS {
        printed.extend(vouchers(&mut router, 1000));
    }
    note_starts(&mut router, "with 10,000 vouchers");
    note_memory(&mut router, "idle with 10,000 vouchers");
    let process = router.ok("pidof hotspotd");
    let times = sign_in(&mut router, 1, &printed[..GUESTS - 1]);
    note("login to first packet", &spread(times));
    let page = format!("url = {PORTAL}/nothing\n");
    let pages: Vec<_> = (0..100).map(|number| (address(number), page.clone())).collect();
    let times = ask_and_browse(&mut router, "404", &pages);
    note("peer: a page that is not there to first packet, signed in", &spread(times));
    note_memory(&mut router, "with 10,000 vouchers and 1,000 sessions");
    assert_eq!(router.rows("sessions").len(), GUESTS);
    let elements = "nft list set netdev hotspotd download | grep -o 'comment \"session' | wc -l";
    assert_eq!(router.number(elements), GUESTS as u64);
    sign_in(&mut router, GUESTS, &printed[GUESTS - 1..GUESTS]);
    assert_eq!(router.rows("sessions").len(), GUESTS + 1);
    assert_eq!(router.ok("pidof hotspotd"), process, "it was started again:\n{}", router.log());
    let killed = router.run("dmesg | grep -i 'out of memory\\|oom-kill'").output;
    assert_eq!(killed, "");
}
