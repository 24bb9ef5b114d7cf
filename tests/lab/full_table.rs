//! A guest who has a server of his own, and the kernel's table of connections.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use crate::support::{Hotspot, Node, until};

/// As if the kernel had room for so many: the real limit is that of the whole machine.
const ROOM: usize = 800;
/// More than that is nearly full.
const NEARLY_FULL: usize = ROOM / 4 * 3;

/// A guest's connections to the echo of the internet.
struct Held {
    script: Child,
    lines: Box<dyn BufRead>,
}

impl Held {
    fn open(hotspot: &Hotspot, guest: &Node, counts: &str) -> Self {
        let words = format!("{} 4000 {counts}", hotspot.lab.fact("wan4"));
        let mut command = guest.script_command("hold.py", &words);
        let mut script = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = Box::new(BufReader::new(script.stdout.take().unwrap()));
        Self { script, lines }
    }

    /// Waits until they are open; gives the port of the first of them.
    fn first_port(&mut self) -> u16 {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        let port = line.trim().strip_prefix("open ").unwrap_or_else(|| panic!("{line:?}"));
        port.parse().unwrap()
    }

    fn open_more(&mut self) {
        self.script.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.script.kill().unwrap();
        self.script.wait().unwrap();
    }
}

#[test]
fn a_guest_with_a_server_does_not_fill_the_table_of_connections() {
    let Some(hotspot) = Hotspot::open() else { return };
    let (greedy, other) = (hotspot.lab.node("guest3"), hotspot.lab.node("guest2"));
    for guest in [&greedy, &other] {
        hotspot.sign_in(guest, &hotspot.voucher(&[]));
    }
    let mut others = Held::open(&hotspot, &other, "40");
    others.first_port();
    let mut held = Held::open(&hotspot, &greedy, "550 150");
    let in_use = held.first_port();
    let file = hotspot.lab.directory().join("nf_conntrack_max");
    std::fs::write(&file, ROOM.to_string()).unwrap();
    let limit = "/proc/sys/net/netfilter/nf_conntrack_max";
    hotspot.router.ok(&["mount", "--bind", file.to_str().unwrap(), limit]);
    let [its, theirs] = [&greedy, &other].map(|guest| guest.ipv4().to_string());
    let before = hotspot.connections(&theirs);
    // Not full yet, and the first one is idle for a while.
    thread::sleep(Duration::from_secs(3));
    assert!(hotspot.connections(&its) >= 550, "{}", hotspot.connections(&its));
    held.open_more();
    held.first_port();
    assert!(until(|| hotspot.connections(&its) <= NEARLY_FULL), "{}", hotspot.log());
    assert!(hotspot.connections(&its) >= ROOM / 8 * 4, "{}", hotspot.connections(&its));
    // What is in use stays, and what others have open for longer.
    let listed = hotspot.router.ok(&["cat", "/proc/net/nf_conntrack"]);
    assert!(
        listed.contains(&format!("src={its} dst={} sport={in_use} ", hotspot.lab.fact("wan4")))
    );
    assert_eq!(hotspot.connections(&theirs), before);
    let told = format!("{} had ", greedy.mac());
    let log = hotspot.log();
    assert!(
        log.contains("the table of connections is nearly full") && log.contains(&told),
        "{log}"
    );
    assert!(!log.contains("cannot be deleted"), "{log}");
}
