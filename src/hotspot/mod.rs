//! The owner of all state: one command in, one answer out.
//!
//! ```text
//!  api, portal, radius, control ──Command──▶ inbox ──drained──▶ Hotspot (one thread)
//!                                                         │ writes: savepoints in one transaction
//!                                                         │ commit (one flush)
//!                                                         │ enforce (one kernel transaction)
//!              caller ◀──answer────────────────────────── │ answers, then reads, then upkeep
//! ```
//!
//! Whatever has queued up while one commit was flushing shares the next one, so throughput grows
//! with concurrency while every answer still means "durable", and to a guest "let through".

mod absent;
mod access_log;
mod access_points;
mod accounting;
mod admission;
mod authorize;
mod batches;
mod candidates;
mod coa;
mod command;
mod connections;
mod continuity;
mod counters;
mod device_limit;
mod disconnect;
mod disconnect_state;
mod enforcement;
mod evidence;
mod flush;
mod hosts;
mod known_devices;
mod login_log;
mod login_throttle;
mod maintenance;
mod matching;
mod nas_restart;
mod nas_sessions;
mod neighbour_events;
mod opening;
mod pending_sessions;
pub mod policies;
mod portal_authorize;
mod portal_login;
mod quota;
pub mod radius_messages;
mod recall;
mod repeats;
mod replay;
mod restarts;
mod resume;
mod session;
mod sessions;
mod settings;
mod snapshot;
mod space;
mod subscriber;
mod trusted_clock;
mod unanswered;
mod vouchers;

use rand::Rng;
use tokio::sync::mpsc;

use access_points::AccessPoints;
use admission::Admissions;
use enforcement::{Enforcer, FRESH};
use hosts::{HostTable, host_names};
use login_log::LoginLog;
use login_throttle::LoginThrottle;
use nas_sessions::NasSessions;
use pending_sessions::PendingSessions;
use radius_messages::Dispatch;
use restarts::{RestartTime, Restarts};
use sessions::Sessions;
use trusted_clock::TrustedClock;
use unanswered::Unanswered;

pub use accounting::TakenDown;
pub use command::{
    Closed, Command, Fault, Handle, Read, Reply, Upkeep, UsernameTaken, Whose, Write,
};
pub use nas_restart::Restarted;
pub use settings::{GuestNetwork, Settings};

use crate::clock::Clock;
use crate::domain::class::{ClassKey, Classes};
use crate::domain::log_limit::LogLimit;
use crate::domain::time::Now;
use crate::firewall::{Gate, GateError, Hook};
use crate::neighbour::{Find, HostNames};
use crate::store::{Journal, Recovery, Store, StoreError};

pub use crate::store::BatchId;

/// Commands waiting beyond this make their callers wait.
const INBOX: usize = 256;
/// Commands that share one commit at most.
const BATCH: usize = 128;

/// What the hotspot is given of the machine it runs on.
pub struct Machine {
    /// The clocks.
    pub clock: Box<dyn Clock>,
    /// Random numbers.
    pub rng: Box<dyn Rng + Send>,
    /// The kernel's rules.
    pub gate: Box<dyn Gate>,
    /// The kernel's neighbour tables.
    pub neighbours: Box<dyn Find>,
    /// Where access points are told what to do.
    pub orders: mpsc::UnboundedSender<Dispatch>,
}

/// How the hotspot is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The clocks.
    pub now: Now,
    /// How the store commits.
    pub journal: Journal,
    /// Vouchers in the store, where it answers.
    pub vouchers: Option<i64>,
    /// Whether the store was ever replaced because of damage.
    pub recovery: Option<Recovery>,
    /// Why the last attempt to write something down failed, if it did.
    pub trouble: Option<String>,
    /// How the gate is installed; `None` where it could not be.
    pub hook: Option<Hook>,
    /// Why the gate does not work, if it does not.
    pub gate_trouble: Option<String>,
    /// Open sessions.
    pub sessions: usize,
}

/// All state, and the only one to change it.
struct Hotspot {
    store: Store,
    trusted_clock: TrustedClock,
    rng: Box<dyn Rng + Send>,
    settings: Settings,
    login_log: LoginLog,
    upkeep: maintenance::Schedule,
    sessions: Sessions,
    nas_sessions: NasSessions,
    unanswered: Unanswered,
    pending_sessions: PendingSessions,
    admissions: Admissions,
    classes: Classes,
    restarts: Restarts,
    access_points: AccessPoints,
    /// What is found of the report that is being taken down.
    taken: TakenDown,
    enforcer: Enforcer,
    hosts: HostTable,
    neighbours: Box<dyn Find>,
    orders: mpsc::UnboundedSender<Dispatch>,
    host_names: Vec<HostNames>,
    login_throttle: LoginThrottle,
    short_code_log: LogLimit,
    neighbour_log: LogLimit,
    /// What waits for the kernel.
    answers: Vec<Answer>,
}

/// What is left to do for a command once its transaction has been committed or has failed.
type AfterCommit = Box<dyn FnOnce(&mut Hotspot, Result<(), StoreError>)>;

/// What is left to say once the kernel does what was decided, or does not.
type Answer = Box<dyn FnOnce(&mut Hotspot, Result<(), GateError>)>;

/// Starts the hotspot on a thread of its own.
///
/// # Errors
/// Where the store cannot be read or the thread cannot be started.
pub fn start(store: Store, machine: Machine, settings: Settings) -> Result<Handle, StoreError> {
    let (sender, inbox) = mpsc::channel(INBOX);
    let (told, started) = std::sync::mpsc::channel();
    let owner = move || match Hotspot::resume(store, machine, settings) {
        Ok(hotspot) => {
            let _ = told.send(Ok(()));
            hotspot.run(inbox);
        }
        Err(error) => drop(told.send(Err(error))),
    };
    std::thread::Builder::new().name("hotspot".to_owned()).spawn(owner)?;
    started.recv().unwrap_or_else(|_| Err(StoreError::Unusable("the thread ended".to_owned())))?;
    Ok(Handle { inbox: sender })
}

impl Hotspot {
    fn resume(store: Store, machine: Machine, settings: Settings) -> Result<Self, StoreError> {
        let Machine { clock, mut rng, gate, neighbours, orders } = machine;
        let mut nonce = [0; 8];
        rng.fill_bytes(&mut nonce);
        let class_key = store.class_key()?;
        let key = class_key.unwrap_or_else(|| ClassKey::random(rng.as_mut()));
        let mark = store.mark()?;
        let trusted_clock = TrustedClock::start(clock, mark.as_ref());
        let same_boot = mark.is_some_and(|mark| mark.boot_id == trusted_clock.mark().boot_id);
        let mut hotspot = Self {
            login_log: LoginLog::after(store.last_login_id()?),
            store,
            trusted_clock,
            rng,
            upkeep: maintenance::Schedule::default(),
            sessions: Sessions::default(),
            nas_sessions: NasSessions::default(),
            unanswered: Unanswered::default(),
            pending_sessions: PendingSessions::default(),
            admissions: Admissions::default(),
            classes: Classes::new(key, nonce),
            restarts: Restarts::default(),
            access_points: AccessPoints::default(),
            taken: TakenDown::default(),
            enforcer: Enforcer::new(gate),
            hosts: HostTable::default(),
            neighbours,
            orders,
            host_names: host_names(&settings),
            login_throttle: LoginThrottle::default(),
            short_code_log: LogLimit::default(),
            neighbour_log: LogLimit::default(),
            answers: Vec::new(),
            settings,
        };
        let now = hotspot.tell_time();
        hotspot.resume_sessions(same_boot, now)?;
        hotspot.find_broken_batches();
        // At once: after a power cut within the first hour, no earlier time shall be believed.
        let marked = hotspot.in_transaction(|hotspot| {
            if class_key.is_none() {
                hotspot.store.set_class_key(key)?;
            }
            if !same_boot {
                // With the deadlines that are of the boot that the mark names.
                hotspot.write_open_sessions()?;
            }
            hotspot.store.set_mark(&hotspot.mark())
        });
        hotspot.note(&marked);
        Ok(hotspot)
    }

    fn run(mut self, mut inbox: mpsc::Receiver<Command>) {
        while let Some(first) = inbox.blocking_recv() {
            let mut queue = vec![first];
            while queue.len() < BATCH
                && let Ok(next) = inbox.try_recv()
            {
                queue.push(next);
            }
            if let Some(stopped) = self.turn(queue) {
                self.finish();
                self.store.close();
                let _ = stopped.send(());
                return;
            }
        }
    }

    /// Runs what has queued up. Writes come first and share a commit; nobody can tell, since a
    /// caller has at most one command in the queue.
    fn turn(&mut self, queue: Vec<Command>) -> Option<tokio::sync::oneshot::Sender<()>> {
        let now = self.tell_time();
        let (mut writes, mut reads, mut upkeeps) = (Vec::new(), Vec::new(), Vec::new());
        for command in queue {
            match command {
                Command::Write(write) => writes.push(write),
                Command::Read(read) => reads.push(read),
                Command::Upkeep(upkeep) => upkeeps.push(upkeep),
            }
        }
        self.commit(writes, now);
        for read in reads {
            self.read(read, now);
        }
        self.handle_events(upkeeps, now)
    }

    fn commit(&mut self, writes: Vec<Write>, now: Now) {
        if writes.is_empty() {
            return;
        }
        let before = self.store.changes();
        let begun = self.store.begin();
        let finishes: Vec<AfterCommit> =
            writes.into_iter().map(|write| self.perform(write, now)).collect();
        let committed = begun.and_then(|()| self.store.commit());
        match committed {
            Ok(()) if self.store.changes() == before => {}
            Ok(()) => self.upkeep.snapshot.changed(),
            Err(_) => self.note(&committed),
        }
        for finish in finishes {
            finish(self, committed.clone());
        }
        let enforced = self.enforce(now);
        let answers = std::mem::take(&mut self.answers);
        for answer in answers {
            answer(self, enforced.clone());
        }
        if enforced.is_err() {
            // Sessions that could not be opened were closed again.
            let _noted = self.enforce(now);
        }
    }

    fn perform(&mut self, write: Write, now: Now) -> AfterCommit {
        match write {
            Write::CreateVouchers { request, count, batch, reply } => {
                let created = self.create_vouchers(&request, count, batch, now);
                self.answer(reply, created)
            }
            Write::BeginBatch(reply) => self.begin_batch(reply),
            Write::CompleteBatch(batch, reply) => self.complete_batch(batch, reply),
            Write::CorrectVoucher { username, download, upload, reply } => {
                self.correct_voucher(&username, (download, upload), reply, now)
            }
            Write::RemoveVoucher { username, reply } => self.remove_voucher(&username, reply, now),
            Write::SignIn { caller, credential, reply } => {
                self.sign_in(caller, credential, reply, now)
            }
            Write::Visit { caller, reply } => self.visit(caller, reply, now),
            Write::Authenticate { request, reply } => self.authenticate(*request, reply, now),
            Write::Account { report, reply } => self.account(*report, reply, now),
            Write::NasRestarted { nas, cause, stamp, delay, reply } => {
                self.nas_restarted(nas, cause, RestartTime { stamp, delay }, reply, now)
            }
            Write::KeepPeer { peer, reply } => {
                let kept = self.store.attempt(|| self.store.put_nas_peer(&peer, now.wall));
                self.answer(reply, kept)
            }
            Write::Arrive { mac, caller } => self.arrive(mac, caller, now),
            Write::SignOut { caller, reply } => self.sign_out(caller, reply, now),
            Write::Policy(change) => self.change_policy(change, now),
            Write::CloseSessions { whose, reply } => self.close_sessions(whose, reply, now),
        }
    }

    fn read(&mut self, read: Read, now: Now) {
        match read {
            Read::Vouchers(page, reply) => self.tell(reply, |hotspot| hotspot.vouchers(page)),
            Read::Advice(voucher, reply) => {
                self.tell(reply, |hotspot| hotspot.advice(&voucher, now));
            }
            Read::Visitors(kind, page, reply) => {
                self.tell(reply, |hotspot| hotspot.store.visitors(kind, page));
            }
            Read::Logins(page, reply) => {
                self.tell(reply, |hotspot| hotspot.login_log.page(&hotspot.store, page));
            }
            Read::Hosts(reply) => {
                self.refresh(FRESH, now);
                self.tell(reply, |hotspot| Ok(hotspot.hosts(now)));
            }
            Read::ActiveGuests(reply) => {
                self.refresh(FRESH, now);
                self.tell(reply, |hotspot| Ok(hotspot.active_guests(now)));
            }
            Read::Sessions(reply) => {
                self.refresh(FRESH, now);
                self.tell(reply, |hotspot| Ok(hotspot.session_views(now)));
            }
            Read::Policy(question) => self.tell_policy(question),
            Read::NasPeers(reply) => self.tell(reply, |hotspot| hotspot.store.nas_peers()),
            Read::Status(reply) => self.tell(reply, |hotspot| Ok(hotspot.status(now))),
            Read::Backup(reply) => self.tell(reply, Self::backup),
        }
    }

    /// Answers at once.
    fn tell<T>(&mut self, reply: Reply<T>, read: impl FnOnce(&mut Self) -> Result<T, StoreError>) {
        let result = read(self);
        if result.is_err() {
            self.note(&result);
        }
        send(reply, result);
    }

    /// Answers once the transaction is decided: with the result where it was committed, with the
    /// fault where it was not.
    fn answer<T: 'static>(&self, reply: Reply<T>, result: Result<T, StoreError>) -> AfterCommit {
        Box::new(move |hotspot, committed| {
            let settled = result.and_then(|value| committed.map(|()| value));
            hotspot.note(&settled);
            send(reply, settled);
        })
    }
}

fn send<T>(reply: Reply<T>, result: Result<T, StoreError>) {
    // A caller who has gone away does not want the answer any more.
    let _ = reply.send(result.map_err(Fault::Store));
}

#[cfg(test)]
mod tests;
