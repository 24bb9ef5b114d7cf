//! The owner of all state: one command in, one answer out.
//!
//! ```text
//!  api, control ──Command──▶ inbox ──drained──▶ Hotspot (one thread)
//!                                                 │ writes: savepoints in one transaction
//!                                                 │ commit (one flush)
//!      caller ◀──answer────────────────────────── │ answers, then reads, then upkeep
//! ```
//!
//! Whatever has queued up while one commit was flushing shares the next one, so throughput grows
//! with concurrency while every answer still means "durable".

mod clockwork;
mod command;
mod journal;
mod snapshot;
mod upkeep;
mod vouchers;

use rand::Rng;
use tokio::sync::mpsc;

use clockwork::Clockwork;
use journal::LoginJournal;

pub use command::{Command, Fault, Handle, Read, Reply, Upkeep, UsernameTaken, Whose, Write};

use crate::clock::Clock;
use crate::domain::guest::{ActiveGuest, Host};
use crate::domain::login::Refusal;
use crate::domain::plan::Preset;
use crate::domain::time::Now;
use crate::store::{Journal, Recovery, Store, StoreError};

/// Commands waiting beyond this make their callers wait.
const INBOX: usize = 256;
/// Commands that share one commit at most.
const BATCH: usize = 128;

/// The part of the configuration that decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// What vouchers get.
    pub preset: Preset,
    /// Days the login log is kept; 0 keeps rows by their number only.
    pub login_log_days: u16,
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
}

/// All state, and the only one to change it.
struct Hotspot {
    store: Store,
    clockwork: Clockwork,
    rng: Box<dyn Rng + Send>,
    settings: Settings,
    journal: LoginJournal,
    upkeep: upkeep::Schedule,
    hosts: Vec<Host>,
    active: Vec<ActiveGuest>,
}

/// What is left to do for a command once its transaction has been committed or has failed.
type Finish = Box<dyn FnOnce(&mut Hotspot, Result<(), StoreError>)>;

/// Starts the hotspot on a thread of its own.
///
/// # Errors
/// Where the store cannot be read or the thread cannot be started.
pub fn start(
    store: Store,
    clock: Box<dyn Clock>,
    rng: Box<dyn Rng + Send>,
    settings: Settings,
) -> Result<Handle, StoreError> {
    let (sender, inbox) = mpsc::channel(INBOX);
    let hotspot = Hotspot::resume(store, clock, rng, settings)?;
    std::thread::Builder::new().name("hotspot".to_owned()).spawn(move || hotspot.run(inbox))?;
    Ok(Handle { inbox: sender })
}

impl Hotspot {
    fn resume(
        store: Store,
        clock: Box<dyn Clock>,
        rng: Box<dyn Rng + Send>,
        settings: Settings,
    ) -> Result<Self, StoreError> {
        let clockwork = Clockwork::start(clock, store.mark()?.as_ref());
        let journal = LoginJournal::after(store.last_login_id()?);
        let upkeep = upkeep::Schedule::default();
        let (hosts, active) = (Vec::new(), Vec::new());
        let mut hotspot = Self { store, clockwork, rng, settings, journal, upkeep, hosts, active };
        hotspot.tell_time();
        // At once: after a power cut within the first hour, no earlier time shall be believed.
        let marked = hotspot.store.set_mark(&hotspot.mark());
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
        let mut stop = None;
        for upkeep in upkeeps {
            match upkeep {
                Upkeep::Configure(settings) => self.settings = settings,
                Upkeep::Second | Upkeep::Sightings(_) | Upkeep::GateLost => {}
                Upkeep::Tick => self.every_minute(now),
                Upkeep::Restore(bytes, reply) => self.restore(bytes, reply, now),
                Upkeep::Stop(done) => stop = Some(done),
            }
        }
        stop
    }

    fn commit(&mut self, writes: Vec<Write>, now: Now) {
        if writes.is_empty() {
            return;
        }
        let begun = self.store.begin();
        let finishes: Vec<Finish> =
            writes.into_iter().map(|write| self.perform(write, now)).collect();
        let committed = begun.and_then(|()| self.store.commit());
        match committed {
            Ok(()) => self.upkeep.snapshot.changed(),
            Err(_) => self.note(&committed),
        }
        for finish in finishes {
            finish(self, committed.clone());
        }
    }

    fn perform(&mut self, write: Write, now: Now) -> Finish {
        match write {
            Write::CreateVouchers { request, count, reply } => {
                let created = self.create_vouchers(&request, count, now);
                self.answer(reply, created)
            }
            Write::RemoveVoucher { username, reply } => {
                let removed = self.store.attempt(|| self.store.remove_voucher(&username));
                self.answer(reply, removed)
            }
            Write::SignIn { reply, .. } => self.answer(reply, Ok(Err(Refusal::UnknownDevice))),
            Write::Visit { reply, .. } => self.answer(reply, Ok(None)),
            Write::SignOut { reply, .. } => self.answer(reply, Ok(false)),
            Write::CloseSessions { reply, .. } => self.answer(reply, Ok(0)),
        }
    }

    fn read(&mut self, read: Read, now: Now) {
        match read {
            Read::Vouchers(page, reply) => self.tell(reply, |hotspot| hotspot.vouchers(page)),
            Read::Visitors(kind, page, reply) => {
                self.tell(reply, |hotspot| hotspot.store.visitors(kind, page));
            }
            Read::Logins(page, reply) => {
                self.tell(reply, |hotspot| hotspot.journal.page(&hotspot.store, page));
            }
            Read::Hosts(reply) => self.tell(reply, |hotspot| Ok(hotspot.hosts.clone())),
            Read::ActiveGuests(reply) => self.tell(reply, |hotspot| Ok(hotspot.active.clone())),
            Read::Sessions(reply) => self.tell(reply, |_| Ok(Vec::new())),
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
    fn answer<T: 'static>(&self, reply: Reply<T>, result: Result<T, StoreError>) -> Finish {
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
