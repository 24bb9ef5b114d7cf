//! What can be asked of the hotspot, and how to ask.

use std::fmt;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::accounting::TakenDown;
use super::nas_restart::Restarted;
use super::policies::{Change, Question};
use super::radius_messages::{Access, AccessRequest, Demand, Nas, NasPeer, Order, Outcome, Report};
use super::{Settings, Status};
use crate::domain::guest::{ActiveGuest, Caller, Host, Online, SessionView};
use crate::domain::list::{Entry, Page};
use crate::domain::login::{Credential, LoginRecord, Refusal};
use crate::domain::neighbour::Sighting;
use crate::domain::session::{TerminateCause, Usage};
use crate::domain::station::Mac;
use crate::domain::time::Timestamp;
use crate::domain::visitor::{Visitor, VisitorKind};
use crate::domain::voucher::{Username, Voucher, VoucherRequest};
use crate::firewall::GateError;
use crate::store::{BatchId, CheckedBackup, StoreError};

/// Where the answer goes.
pub type Reply<T> = oneshot::Sender<Result<T, Fault>>;

/// One command to the owner of all state.
pub enum Command {
    /// Changes the store; answered once durable.
    Write(Write),
    /// Reads what is committed.
    Read(Read),
    /// Concerns the hotspot as a whole.
    Upkeep(Upkeep),
}

/// Commands that share a transaction.
pub enum Write {
    /// Issues `count` vouchers after one request, all or none.
    CreateVouchers {
        /// What they have in common; a username only where `count` is 1.
        request: Box<VoucherRequest>,
        /// How many.
        count: u16,
        /// The batch they belong to; without one they are good at once.
        batch: Option<BatchId>,
        /// The vouchers, or that the username is taken.
        reply: Reply<Result<Vec<Entry<Voucher>>, UsernameTaken>>,
    },
    /// Begins a batch of vouchers that becomes good as a whole.
    BeginBatch(Reply<BatchId>),
    /// Makes the vouchers of a batch good; false where it was given up meanwhile.
    CompleteBatch(BatchId, Reply<bool>),
    /// Sets what a voucher has used.
    CorrectVoucher {
        /// Compared without case.
        username: Username,
        /// Octets; `None` is what is counted.
        download: Option<u64>,
        /// Octets; `None` is what is counted.
        upload: Option<u64>,
        /// What it has used now; `None` where there is no such voucher.
        reply: Reply<Option<Usage>>,
    },
    /// Removes a voucher.
    RemoveVoucher {
        /// Compared without case.
        username: Username,
        /// Whether there was one.
        reply: Reply<bool>,
    },
    /// Lets a guest in or refuses, and writes it down.
    SignIn {
        /// Where the request came from.
        caller: Caller,
        /// What was typed.
        credential: Credential,
        /// What they get.
        reply: Reply<Result<Online, Refusal>>,
    },
    /// A guest has come to the portal: signed in already, let in as a device that was here before,
    /// or a stranger (`None`).
    Visit {
        /// Where the request came from.
        caller: Caller,
        /// What they get.
        reply: Reply<Option<Online>>,
    },
    /// A guest signs out.
    SignOut {
        /// Where the request came from.
        caller: Caller,
        /// Whether there was a session, or why nothing was done.
        reply: Reply<Result<bool, Refusal>>,
    },
    /// A device has turned up that may have signed in before.
    Arrive {
        /// The device.
        mac: Mac,
        /// Where it was seen.
        caller: Caller,
    },
    /// An access point asks whether to let somebody in.
    Authenticate {
        /// What it asks.
        request: Box<AccessRequest>,
        /// What it is told.
        reply: Reply<Access>,
    },
    /// An access point reports of a session.
    Account {
        /// What it says.
        report: Box<Report>,
        /// That it is taken down: a session's end then survives a power cut.
        reply: Reply<TakenDown>,
    },
    /// An access point begins or ceases to work: none of its sessions goes on (RFC 2866 section
    /// 5.1, Accounting-On and Accounting-Off).
    NasRestarted {
        /// Which.
        nas: Nas,
        /// Why its sessions have ended.
        cause: TerminateCause,
        /// When the access point says this was: Event-Timestamp.
        stamp: Option<Timestamp>,
        /// How long ago that was: Acct-Delay-Time.
        delay: Duration,
        /// How many there were.
        reply: Reply<Restarted>,
    },
    /// An access point has shown something of itself that is to be known after a restart.
    KeepPeer {
        /// What.
        peer: NasPeer,
        /// That it is written down.
        reply: Reply<()>,
    },
    /// The operator changes what is written down of users and groups.
    Policy(Change),
    /// The operator ends sessions.
    CloseSessions {
        /// Whose.
        whose: Whose,
        /// How many there were.
        reply: Reply<Closed>,
    },
}

/// Commands that change nothing.
pub enum Read {
    /// A page of vouchers.
    Vouchers(Page, Reply<Vec<Entry<Voucher>>>),
    /// A sentence for the operator where a new voucher's passcode can be guessed.
    Advice(Box<Voucher>, Reply<Option<String>>),
    /// A page of one kind of visitors.
    Visitors(VisitorKind, Page, Reply<Vec<Entry<Visitor>>>),
    /// A page of the login log.
    Logins(Page, Reply<Vec<Entry<LoginRecord>>>),
    /// Every device on the guest networks.
    Hosts(Reply<Vec<Host>>),
    /// Every guest who is signed in.
    ActiveGuests(Reply<Vec<ActiveGuest>>),
    /// Every session that is open.
    Sessions(Reply<Vec<SessionView>>),
    /// What is written down of users and groups.
    Policy(Question),
    /// What access points have shown of themselves.
    NasPeers(Reply<Vec<NasPeer>>),
    /// How the hotspot is doing.
    Status(Reply<Status>),
    /// The whole store as the bytes of a database file.
    Backup(Reply<Vec<u8>>),
}

/// Commands that are run on their own.
pub enum Upkeep {
    /// New settings; told once they are in force.
    Configure(Settings, oneshot::Sender<()>),
    /// A second has passed.
    Second,
    /// A minute has passed.
    Tick,
    /// Something has happened on the guest networks.
    Sightings(Vec<Sighting>),
    /// The kernel's rules have been removed by somebody else.
    GateLost,
    /// A hook says that the wall clock has been put right.
    ClockSynchronised(Reply<()>),
    /// A hook says that the DHCP server has written its leases.
    LeasesChanged,
    /// An access point is within reach, at the address of ours that it asks: orders that it has left
    /// unanswered are sent again.
    Heard(Nas),
    /// An access point counts from the other side than it was told for.
    ViewPointChanged(Nas),
    /// What an access point answered when told to end a session: its number.
    Ordered(i64, Outcome),
    /// What it answered when told of a change.
    Changed(i64, Outcome),
    /// Nobody waits for a batch of vouchers any more: they go, piece by piece.
    GiveUpBatch(BatchId),
    /// Replaces the store by a backup; answers with the number of vouchers in it.
    Restore(Box<CheckedBackup>, Reply<i64>),
    /// Writes everything down and ends.
    Stop(oneshot::Sender<()>),
}

/// What became of sessions that somebody wanted closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    /// Closed at once: on guest networks.
    pub here: usize,
    /// Access points were told to end them, which takes a moment or fails.
    pub asked: usize,
    /// Let in at access points and not reported yet: their places are free again.
    pub freed: usize,
}

/// Whose sessions are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// One device's.
    Station(Mac),
    /// Everybody's with this voucher.
    Username(Username),
}

/// The username belongs to another voucher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsernameTaken;

/// The hotspot could not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The store failed; nothing was changed.
    Store(StoreError),
    /// The kernel does not let anybody through.
    Gate(GateError),
    /// Another device has taken the place at the same moment.
    Preempted,
    /// An access point reports more new sessions of one login than anybody has: once more, later.
    TooManySessions,
    /// Whoever says that the wall clock is right is wrong.
    ClockTooEarly,
    /// The daemon is stopping.
    Stopping,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Gate(error) => error.fmt(f),
            Self::Preempted => f.write_str("another device took the place at the same moment"),
            Self::TooManySessions => f.write_str("too many new sessions of one login"),
            Self::ClockTooEarly => f.write_str(
                "the clock stands before this version was made, so that it cannot be synchronised",
            ),
            Self::Stopping => f.write_str("the daemon is stopping"),
        }
    }
}

impl std::error::Error for Fault {}

/// Sends commands to the hotspot; cheap to clone.
#[derive(Clone)]
pub struct Handle {
    pub(super) inbox: mpsc::Sender<Command>,
}

impl Handle {
    /// A handle on an inbox that a test answers.
    #[cfg(test)]
    pub(crate) fn to(inbox: mpsc::Sender<Command>) -> Self {
        Self { inbox }
    }

    /// Asks for a change; when this returns, the change survives a power cut.
    ///
    /// # Errors
    /// The store's, or that the daemon is stopping.
    pub async fn write<T>(&self, command: impl FnOnce(Reply<T>) -> Write) -> Result<T, Fault> {
        self.ask(|reply| Command::Write(command(reply))).await
    }

    /// Asks for something to read.
    ///
    /// # Errors
    /// The store's, or that the daemon is stopping.
    pub async fn read<T>(&self, command: impl FnOnce(Reply<T>) -> Read) -> Result<T, Fault> {
        self.ask(|reply| Command::Read(command(reply))).await
    }

    /// Replaces the store by a backup. A thread of its own checks the file, so that nobody waits for
    /// what a large or hostile one costs.
    ///
    /// # Errors
    /// Where the bytes are no undamaged store; the present one then stays.
    pub async fn restore(&self, bytes: Vec<u8>) -> Result<i64, Fault> {
        let (checked, outcome) = oneshot::channel();
        let check = move || {
            let backup = CheckedBackup::new(bytes);
            if let Err(error) = &backup {
                log::error!("store: backup not restored: {error}");
            }
            drop(checked.send(backup));
        };
        let thread = std::thread::Builder::new().name("restore".to_owned());
        thread.spawn(check).map_err(|error| Fault::Store(error.into()))?;
        let backup = outcome.await.map_err(|_| Fault::Stopping)?.map_err(Fault::Store)?;
        let backup = Box::new(backup);
        self.ask(|reply| Command::Upkeep(Upkeep::Restore(backup, reply))).await
    }

    /// Puts new settings into force; when this returns, they are.
    pub async fn configure(&self, settings: Settings) {
        let (done, in_force) = oneshot::channel();
        if self.inbox.send(Command::Upkeep(Upkeep::Configure(settings, done))).await.is_ok() {
            let _ = in_force.await;
        }
    }

    /// Says that something has happened; waits for a place in the queue.
    pub async fn sightings(&self, sightings: Vec<Sighting>) {
        let _ = self.inbox.send(Command::Upkeep(Upkeep::Sightings(sightings))).await;
    }

    /// Says that the kernel's rules are gone; waits for a place in the queue.
    pub async fn gate_lost(&self) {
        let _ = self.inbox.send(Command::Upkeep(Upkeep::GateLost)).await;
    }

    /// Says that the wall clock has been put right; when this returns, it is trusted.
    ///
    /// # Errors
    /// The clock cannot be right, or the daemon is stopping.
    pub async fn clock_synchronised(&self) -> Result<(), Fault> {
        self.ask(|reply| Command::Upkeep(Upkeep::ClockSynchronised(reply))).await
    }

    /// Says that the DHCP server has written its leases; waits for a place in the queue.
    pub async fn leases_changed(&self) {
        let _ = self.inbox.send(Command::Upkeep(Upkeep::LeasesChanged)).await;
    }

    /// Says that an access point was heard; waits for a place in the queue.
    pub async fn heard(&self, nas: Nas) {
        let _ = self.inbox.send(Command::Upkeep(Upkeep::Heard(nas))).await;
    }

    /// Says that an access point counts from the other side than it was told for; waits for a place in
    /// the queue.
    pub async fn view_point_changed(&self, nas: Nas) {
        let _ = self.inbox.send(Command::Upkeep(Upkeep::ViewPointChanged(nas))).await;
    }

    /// Says what came of an order; waits for a place in the queue.
    pub async fn ordered(&self, order: &Order, outcome: Outcome) {
        let answer = match order.what {
            Demand::End(_) => Upkeep::Ordered(order.id, outcome),
            Demand::Change(_) => Upkeep::Changed(order.id, outcome),
        };
        let _ = self.inbox.send(Command::Upkeep(answer)).await;
    }

    /// Says that nobody waits for a batch of vouchers any more; waits for a place in the queue.
    pub async fn give_up_batch(&self, batch: BatchId) {
        let _ = self.inbox.send(Command::Upkeep(Upkeep::GiveUpBatch(batch))).await;
    }

    /// Says that a second has passed. Dropped where the hotspot is busy: the next one will do.
    pub fn second(&self) {
        let _ = self.inbox.try_send(Command::Upkeep(Upkeep::Second));
    }

    /// Says that a minute has passed. Dropped where the hotspot is busy: the next one will do.
    pub fn tick(&self) {
        let _ = self.inbox.try_send(Command::Upkeep(Upkeep::Tick));
    }

    /// Has everything written down and the hotspot ended.
    pub async fn stop(&self) {
        let (done, ended) = oneshot::channel();
        if self.inbox.send(Command::Upkeep(Upkeep::Stop(done))).await.is_ok() {
            let _ = ended.await;
        }
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, Fault> {
        let (reply, answer) = oneshot::channel();
        self.inbox.send(command(reply)).await.map_err(|_| Fault::Stopping)?;
        answer.await.unwrap_or(Err(Fault::Stopping))
    }
}
