//! RADIUS beside FreeRADIUS 3, both on loopback and both with SQLite on the same disk.
//!
//! An access point sends what it would, with 1, 16 or 64 requests outstanding, and repeats nothing;
//! `radius/load.rs` says how. It needs a processor of its own, so that a server has the others.
//!
//! - *Logins*: of 5,000 users, as many as get their turn in three seconds. Both look up the user,
//!   check their sessions (one at a time is allowed) and note the login. They do not promise the
//!   same: FreeRADIUS has its row of each login on disk when it answers; ours has a voucher's *first*
//!   login there, which is measured on its own, and keeps the others in memory for up to a minute.
//!   `FreeRADIUS, only reading` waits for no disk either: no session check, no row. All users are
//!   valid: whoever is rejected is rejected wrongly.
//! - *Accounting*: up to 1,000 sessions begin, report once, and end, each within three seconds.
//!   FreeRADIUS has each report on disk when it answers; ours has a session's end there, and keeps
//!   the rest in memory for up to a minute: the next report says it again.
//! - *Memory*: resident with all users and nothing done yet, at the end of everything, and the most
//!   that it ever was.
//!
//! The last row of the logins says how often in a second the disk takes a kilobyte: where that swings,
//! so does everything that waits for it.
//!
//! FreeRADIUS runs with what it is shipped with (`radius/freeradius.rs`), and once more tuned: with
//! a write-ahead log, a longer patience with locks, and one thread, so that none waits for another's
//! lock. All servers run all the time, and take turns. `quick` is one round with 500 users.
//!
//! HOTSPOTD_BEFORE is the path of another build of the program, which is measured beside this one.

mod freeradius;
mod load;
mod ours;
mod packet;

use std::fs::File;
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

use freeradius::{FreeRadius, Habit};
use load::{Load, Outcome};
use ours::Ours;
use packet::{Event, Method, User};

use crate::Effort;
use crate::daemon::{Disk, PROGRAM};
use crate::memory::megabytes;
use crate::{create, table};

const OUTSTANDING: [usize; 3] = [1, 16, 64];
const EVENTS: [(Event, &str); 3] =
    [(Event::Start, "start"), (Event::Interim, "interim"), (Event::Stop, "stop")];
/// Time to come to rest.
const REST: Duration = Duration::from_millis(1500);
/// How long the disk alone is measured each time.
const FLUSHING: Duration = Duration::from_millis(300);

/// A server and how it is asked.
struct Contender {
    label: &'static str,
    method: Method,
    auth: SocketAddr,
    acct: SocketAddr,
    users: Vec<User>,
    /// Whether it knows of sessions: whether accounting is measured as well.
    accounts: bool,
}

/// A build of the program.
struct Build {
    /// Below which its data is.
    name: &'static str,
    pap: &'static str,
    chap: &'static str,
    program: PathBuf,
}

/// This one, and the one before it where one is named.
fn builds() -> Vec<Build> {
    let ours =
        Build { name: "radius", pap: "ours, PAP", chap: "ours, CHAP", program: PROGRAM.into() };
    let before = std::env::var_os("HOTSPOTD_BEFORE").map(|program| Build {
        name: "radius-before",
        pap: "before, PAP",
        chap: "before, CHAP",
        program: program.into(),
    });
    [Some(ours), before].into_iter().flatten().collect()
}

pub fn run(disk: &Disk, effort: Effort) {
    let (users, sessions) = if effort.quick { (500, 100) } else { (5000, 1000) };
    println!();
    let peers = peers(disk, users);
    let mut ours: Vec<(Build, Ours)> = builds()
        .into_iter()
        .filter_map(|build| Ours::start(disk, build.name, &build.program).map(|it| (build, it)))
        .collect();
    let mut contenders = Vec::new();
    let mut resident = Vec::new();
    for (build, ours) in &mut ours {
        let users = ours.vouchers(users, 1);
        ours.restart();
        for (label, method) in [(build.pap, Method::Pap), (build.chap, Method::Chap)] {
            let (auth, acct, users) = (ours.auth, ours.acct, users.clone());
            let accounts = method == Method::Pap;
            contenders.push(Contender { label, method, auth, acct, users, accounts });
        }
        resident.push((build.pap, ours.pid()));
    }
    for (label, habit, peer, users) in peers.iter() {
        contenders.push(Contender {
            label,
            method: Method::Pap,
            auth: peer.auth,
            acct: peer.acct,
            users: users.clone(),
            accounts: *habit != Habit::Reading,
        });
        if *habit == Habit::Shipped {
            resident.push((label, peer.pid()));
        }
    }
    std::thread::sleep(REST);
    let idle: Vec<f64> = resident.iter().map(|(_, pid)| megabytes(*pid, "VmRSS")).collect();
    for contender in &mut contenders {
        // Ours: everybody, so that nobody's first login is among those measured.
        let count = if contender.label.starts_with("peer:") { sessions } else { users };
        warm_up(contender, count);
    }
    logins(disk, &contenders, effort);
    first_logins(disk, effort, sessions);
    accounting(&contenders, effort, sessions);
    table::title(&format!("radius: memory with {users} users"));
    for ((label, pid), idle) in resident.into_iter().zip(idle) {
        table::single(&format!("{label}: VmRSS, idle"), "MB", idle);
        table::single(&format!("{label}: VmRSS, after the load"), "MB", megabytes(pid, "VmRSS"));
        table::single(&format!("{label}: VmHWM"), "MB", megabytes(pid, "VmHWM"));
    }
}

type Peer = (&'static str, Habit, FreeRadius, Vec<User>);

fn peers(disk: &Disk, users: usize) -> Vec<Peer> {
    if let Some(why) = freeradius::missing() {
        println!("radius: the peer is skipped, {why}");
        return Vec::new();
    }
    println!("radius: the peer is FreeRADIUS {}", freeradius::version());
    let habits = [
        ("peer: FreeRADIUS, as shipped", "freeradius", Habit::Shipped),
        ("peer: FreeRADIUS, tuned", "freeradius-tuned", Habit::Tuned),
        ("peer: FreeRADIUS, only reading", "freeradius-reading", Habit::Reading),
    ];
    let user = |at: usize| {
        let passcode = format!("{:08x}", rand::random::<u32>());
        User::new(&format!("guest{at:05}"), &passcode, at)
    };
    let start = |(label, name, habit)| {
        let users: Vec<User> = (1..=users).map(user).collect();
        (label, habit, FreeRadius::start(disk, name, habit, &users), users)
    };
    habits.map(start).into()
}

impl Contender {
    /// These users log in.
    fn login(&self, users: &[User], load: Load) -> Answered {
        let encode = |(at, user)| packet::access_request(load::identifier(at), user, self.method);
        let packets: Vec<_> = users.iter().enumerate().map(encode).collect();
        let outcome = load::run(self.auth, &packets, load);
        Answered { packets, outcome }
    }

    /// The sessions of these users begin, go on or end; `name` tells them from others of theirs.
    fn report(&self, users: &[User], name: &str, event: Event, load: Load) -> Answered {
        let encode = |(at, user)| {
            let session = format!("{name}-{at:08}");
            packet::accounting_request(load::identifier(at), user, &session, event)
        };
        let packets: Vec<_> = users.iter().enumerate().map(encode).collect();
        let outcome = load::run(self.acct, &packets, load);
        Answered { packets, outcome }
    }
}

/// What was asked, and what came of it.
struct Answered {
    packets: Vec<Vec<u8>>,
    outcome: Outcome,
}

/// So many log in one after the other, and get what comes back with accounting.
fn warm_up(contender: &mut Contender, count: usize) {
    let Answered { packets, outcome } = contender.login(&contender.users[..count], Load::careful());
    outcome.verify(&packets);
    assert_eq!(outcome.granted, packets.len(), "{}: not everybody gets in", contender.label);
    for (at, reply) in &outcome.kept {
        contender.users[*at].class = packet::class(reply);
    }
    try_strangers(contender);
}

/// That a wrong password does not get in, nor a second device while there is a session: else there
/// would be no check to measure.
fn try_strangers(contender: &Contender) {
    let user = &contender.users[0];
    let wrong = User { password: "wrong".to_owned(), ..user.clone() };
    let second = User { station: "02-00-5E-FF-FF-FF".to_owned(), ..user.clone() };
    let only = std::slice::from_ref;
    let login = |who| contender.login(only(who), Load::careful()).outcome.granted;
    let report = |event| contender.report(only(user), "check", event, Load::careful());
    assert_eq!(login(&wrong), 0, "{}: a wrong password gets in", contender.label);
    if contender.accounts {
        report(Event::Start);
        assert_eq!(login(&second), 0, "{}: a second device gets in", contender.label);
        report(Event::Stop);
        assert_eq!(login(user), 1, "{}: nobody gets in again", contender.label);
    }
}

fn logins(disk: &Disk, contenders: &[Contender], effort: Effort) {
    let mut tallies = contenders.iter().map(|_| <[Tally; 3]>::default()).collect::<Vec<_>>();
    let mut file = File::create(disk.path().join("radius.bytes")).unwrap();
    let mut flushes = Vec::new();
    for round in 0..rounds(effort) {
        for (level, outstanding) in OUTSTANDING.into_iter().enumerate() {
            flushes.push(create::rate(FLUSHING, || create::flush(&mut file)));
            for (contender, tallies) in contenders.iter().zip(&mut tallies) {
                // Where not everybody has their turn in one round, others have it in the next.
                let mut users = contender.users.clone();
                let count = users.len();
                users.rotate_left(count / rounds(effort) * round);
                let load = Load::new(outstanding, effort.length());
                tallies[level].add(&contender.login(&users, load));
            }
        }
    }
    for (level, outstanding) in OUTSTANDING.into_iter().enumerate() {
        table::title(&format!("radius: logins, {outstanding} outstanding"));
        for (contender, tallies) in contenders.iter().zip(&tallies) {
            tallies[level].show(contender.label);
        }
    }
    table::row("peer: 1 KB appended and fdatasync", "/s", flushes);
}

/// Each with a voucher that nobody has used before.
fn first_logins(disk: &Disk, effort: Effort, count: usize) {
    for build in builds() {
        first_logins_of(disk, effort, count, &build);
    }
}

fn first_logins_of(disk: &Disk, effort: Effort, count: usize, build: &Build) {
    let name = format!("{}-first", build.name);
    let Some(ours) = Ours::start(disk, &name, &build.program) else { return };
    let contender = Contender {
        label: build.pap,
        method: Method::Pap,
        auth: ours.auth,
        acct: ours.acct,
        users: Vec::new(),
        accounts: false,
    };
    let mut tallies = <[Tally; 3]>::default();
    let mut number = 1;
    for _ in 0..rounds(effort) {
        for (level, outstanding) in OUTSTANDING.into_iter().enumerate() {
            let users = ours.vouchers(count, number);
            number += count;
            let load = Load::new(outstanding, effort.length());
            tallies[level].add(&contender.login(&users, load));
        }
    }
    table::title("radius: first logins with a voucher, durable");
    for (outstanding, tally) in OUTSTANDING.iter().zip(&tallies) {
        tally.show(&format!("{}, {outstanding} outstanding", build.pap));
    }
}

fn accounting(contenders: &[Contender], effort: Effort, sessions: usize) {
    let accountants: Vec<_> = contenders.iter().filter(|contender| contender.accounts).collect();
    let mut tallies = accountants.iter().map(|_| <[[Tally; 3]; 3]>::default()).collect::<Vec<_>>();
    for round in 0..rounds(effort) {
        for (level, outstanding) in OUTSTANDING.into_iter().enumerate() {
            for (contender, tallies) in accountants.iter().zip(&mut tallies) {
                let mut begun = sessions;
                for (at, (event, _)) in EVENTS.into_iter().enumerate() {
                    let users = &contender.users[..begun];
                    let load = Load::new(outstanding, effort.length());
                    let answered =
                        contender.report(users, &format!("{round}-{level}"), event, load);
                    tallies[level][at].add(&answered);
                    if event == Event::Start {
                        begun = answered.outcome.sent;
                    }
                }
            }
        }
    }
    for (level, outstanding) in OUTSTANDING.into_iter().enumerate() {
        table::title(&format!("radius: accounting, {outstanding} outstanding"));
        for (contender, tallies) in accountants.iter().zip(&tallies) {
            for (tally, (_, event)) in tallies[level].iter().zip(EVENTS) {
                tally.show(&format!("{}: {event}", contender.label));
            }
        }
    }
}

fn rounds(effort: Effort) -> usize {
    if effort.quick { 1 } else { effort.runs() }
}

/// What came of several rounds.
#[derive(Default)]
struct Tally {
    rates: Vec<f64>,
    p50: Vec<Duration>,
    p99: Vec<Duration>,
    asked: usize,
    rejected: usize,
    unanswered: usize,
}

impl Tally {
    fn add(&mut self, Answered { packets, outcome }: &Answered) {
        outcome.verify(packets);
        assert!(!outcome.latencies.is_empty(), "no answer at all");
        self.rates.push(outcome.rate());
        self.p50.push(table::percentile(&outcome.latencies, 50));
        self.p99.push(table::percentile(&outcome.latencies, 99));
        self.asked += outcome.sent;
        self.rejected += outcome.rejected;
        self.unanswered += outcome.unanswered;
    }

    fn show(&self, label: &str) {
        table::row(label, "/s", self.rates.clone());
        table::times("  50th percentile of a round", &self.p50);
        table::times("  99th percentile of a round", &self.p99);
        let Self { asked, rejected, unanswered, .. } = self;
        println!("    of {asked}: {rejected} rejected, {unanswered} unanswered");
    }
}

/// Two ports on loopback that nobody has: one for logins, one for accounting.
fn free_ports() -> (SocketAddr, SocketAddr) {
    let sockets = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
    let [auth, acct] = sockets.each_ref().map(|socket| socket.local_addr().unwrap());
    (auth, acct)
}
