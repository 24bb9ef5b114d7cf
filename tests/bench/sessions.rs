//! What an open session costs the daemon: memory, and the look at all counters every ten seconds.
//!
//! The sessions are real: every guest has signed in at the portal, with a voucher of their own, and
//! sends a packet every second while processor time is measured, so that every look finds news and
//! every minute something has to be written down. The peer is the same daemon with the same vouchers
//! and the same devices on its network, and nobody signed in.

use std::fs;
use std::time::{Duration, Instant};

use crate::Effort;
use crate::daemon::Disk;
use crate::lab::{BRIDGE, Lab};
use crate::router::{self, Router, processor_time, sign_in};
use crate::table;

const SESSIONS: [u16; 2] = [1000, 5000];
const COUNTED: [u16; 4] = [1, 100, 1000, 5000];
/// Logins at once, until everybody is in.
const TOGETHER: usize = 16;
/// Time to come to rest.
const REST: Duration = Duration::from_millis(1500);

pub fn run(disk: &Disk, effort: Effort) {
    table::title("sessions: one look at all counters, without the daemon");
    let Some(lab) = Lab::up() else { return };
    let most = *COUNTED.iter().max().unwrap();
    lab.invite(0);
    lab.disguise(most);
    let mut gate = lab.node("router").role("counter");
    assert_eq!(gate.hear(), "ready");
    for sessions in COUNTED {
        assert_eq!(gate.ask(&format!("open {sessions}")), "done");
        let taken = gate.ask(&format!("count {}", effort.many() * 3));
        let millis = taken.split(' ').map(|micros| micros.parse::<f64>().unwrap() / 1e3);
        table::row(&format!("sessions: {sessions}"), "ms", millis.collect());
    }
    assert_eq!(gate.ask("shut"), "done");
    drop(gate);
    let _echo = router::echo(&lab);
    for sessions in SESSIONS {
        table::title(&format!("sessions: the daemon with {sessions} of them"));
        lab.introduce(sessions);
        daemon(&lab, disk, effort, sessions);
        lab.node("router").ok(&["nft", "flush", "ruleset"]);
    }
}

fn daemon(lab: &Lab, disk: &Disk, effort: Effort, sessions: u16) {
    let directory = router::on_disk(disk, &format!("sessions{sessions}"));
    let mut router = Router::start(lab, &directory, None);
    let vouchers = router.vouchers(usize::from(sessions));
    router.stop();
    router.launch();
    std::thread::sleep(REST);
    let before = Memory::of(router.pid());
    let length = Duration::from_secs(if effort.quick { 20 } else { 60 });
    let idle = busy(&router, length, || {});
    let begun = Instant::now();
    sign_in(lab, 1, TOGETHER, &vouchers);
    let rate = f64::from(sessions) / begun.elapsed().as_secs_f64();
    let signed_in = Memory::of(router.pid());
    let mut frames = lab.node("guest1").role("frames eth0");
    assert_eq!(frames.hear(), "ready");
    let server = lab.fact("wan4");
    let traffic = format!("up {sessions} once {server} {BRIDGE}");
    let used = busy(&router, length, || drop(frames.ask(&traffic)));
    let later = Memory::of(router.pid());
    router.stop();
    router.launch();
    std::thread::sleep(REST);
    let log = router.log();
    assert!(log.contains(&format!("gate: {sessions} sessions go on")), "{log}");
    let resumed = Memory::of(router.pid());
    table::single(&format!("logins, {TOGETHER} at once"), "/s", rate);
    show("peer: nobody signed in", before, None);
    show("everybody has just signed in", signed_in, Some((before, sessions)));
    show("everybody sends, some time later", later, Some((before, sessions)));
    show("restarted, all sessions go on", resumed, Some((before, sessions)));
    for (who, used) in [("peer: nobody signed in", idle), ("everybody sends", used)] {
        let share = used.as_secs_f64() * 1e3 / length.as_secs_f64();
        table::single(&format!("processor time in a second, {who}"), "ms", share);
    }
}

/// Processor time of the daemon while something happens every second.
fn busy(router: &Router, length: Duration, mut every_second: impl FnMut()) -> Duration {
    let (begun, before) = (Instant::now(), processor_time(router.pid()));
    while begun.elapsed() < length {
        every_second();
        std::thread::sleep(Duration::from_secs(1));
    }
    processor_time(router.pid()) - before
}

/// Of a process, in bytes.
#[derive(Clone, Copy)]
struct Memory {
    resident: f64,
    private: f64,
}

impl Memory {
    fn of(pid: u32) -> Self {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
        let field = |name: &str| -> f64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            let kibibytes: f64 = line.unwrap().trim().trim_end_matches(" kB").parse().unwrap();
            kibibytes * 1024.0
        };
        Self { resident: field("Rss"), private: field("Private_Clean") + field("Private_Dirty") }
    }
}

fn show(what: &str, memory: Memory, before: Option<(Memory, u16)>) {
    table::single(&format!("resident, {what}"), "MB", memory.resident / 1e6);
    table::single("  of that its own", "MB", memory.private / 1e6);
    if let Some((before, sessions)) = before {
        let each = (memory.resident - before.resident) / f64::from(sessions);
        table::single("  more than before for each session", "bytes", each);
    }
}
