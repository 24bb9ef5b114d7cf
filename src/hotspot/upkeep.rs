//! What happens by the clock: folding into the store, forgetting old rows, snapshots, and what
//! follows when the clock itself changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Hotspot, Reply, Status, send};
use crate::domain::time::Now;
use crate::domain::wall::Turn;
use crate::durable::{free_bytes, write_durably};
use crate::store::{SNAPSHOT_NAME, StoreError, verify};

/// Minutes between two writes of the wall clock's mark when nothing else is written.
const MARK_EVERY: u64 = 60;
/// Minutes between two looks at what is old.
const FORGET_EVERY: u64 = 24 * 60;
/// Minutes until the first snapshot after a start, and between two of them.
const SNAPSHOT_FIRST: u64 = 10;
const SNAPSHOT_EVERY: u64 = 24 * 60;
/// Rows of the login log that are kept at most: about 3 MB of flash.
const LOGINS_KEPT: u32 = 20_000;
/// Bytes of the file system that new vouchers leave alone.
const KEPT_BACK: u64 = 128 * 1024;
/// Bytes that a snapshot must leave free on the file system.
const RESERVE: u64 = 256 * 1024;

const DAY: i64 = 24 * 3600;

/// When what was last done, in minutes since the start.
#[derive(Default)]
pub(super) struct Schedule {
    minutes: u64,
    marked: u64,
    forgotten: u64,
    snapshot: Option<u64>,
    /// Something was stored since the last snapshot. Shared with the thread that writes it.
    changed: Arc<AtomicBool>,
    /// That thread found the copy damaged.
    damaged: Arc<AtomicBool>,
    /// Seconds by which stamps given before the clock was set still have to be moved.
    shift: Option<i64>,
    /// What is wrong with the store.
    trouble: Option<StoreError>,
}

impl Schedule {
    /// Notes that the snapshot is out of date.
    pub(super) fn changed(&self) {
        self.changed.store(true, Ordering::Relaxed);
    }
}

impl Hotspot {
    /// Reads the clocks, and sets right what was stamped before they were.
    pub(super) fn tell_time(&mut self) -> Now {
        let (now, turn) = self.clockwork.read();
        match turn {
            Turn::Steady => {}
            Turn::SteppedBack { by } => {
                log::warn!("clock: synchronised {by} s behind the time so far, which was wrong");
            }
            Turn::BecameSet { shift } => {
                if shift.abs() > 1 {
                    log::info!(
                        "clock: set, {shift} s from the estimate; earlier stamps move along"
                    );
                }
                self.upkeep.shift = Some(shift);
            }
        }
        if let Some(shift) = self.upkeep.shift {
            self.shift_stamps(shift);
        }
        now
    }

    /// Moves the stamps together with the mark that the clock is set: where that fails, both wait
    /// for the next turn, or for the next start.
    fn shift_stamps(&mut self, shift: i64) {
        let moved = self.in_transaction(|hotspot| {
            hotspot.store.shift_unset_stamps(shift)?;
            hotspot.store.set_mark(&hotspot.clockwork.mark())
        });
        self.note(&moved);
        if moved.is_ok() {
            self.journal.shift(shift);
            self.upkeep.shift = None;
        }
    }

    pub(super) fn every_minute(&mut self, now: Now) {
        self.upkeep.minutes += 1;
        let minutes = self.upkeep.minutes;
        if !self.journal.is_empty() || minutes - self.upkeep.marked >= MARK_EVERY {
            self.fold();
            self.upkeep.marked = minutes;
        }
        if minutes == 1 || minutes - self.upkeep.forgotten >= FORGET_EVERY {
            self.forget(now);
            self.upkeep.forgotten = minutes;
        }
        if self.upkeep.damaged.swap(false, Ordering::Relaxed) {
            let damage = StoreError::Corrupt("found while it was copied".to_owned());
            self.note::<()>(&Err(damage));
        }
        let due = self.upkeep.snapshot.map_or(SNAPSHOT_FIRST, |last| last + SNAPSHOT_EVERY);
        if minutes >= due && self.upkeep.changed.load(Ordering::Relaxed) {
            self.snapshot();
            self.upkeep.snapshot = Some(minutes);
        }
    }

    /// Writes everything down before the end.
    pub(super) fn finish(&mut self) {
        self.tell_time();
        self.fold();
    }

    /// Puts what waits in memory into the store, in one transaction.
    fn fold(&mut self) {
        let rows = !self.journal.is_empty();
        let folded = self.in_transaction(|hotspot| {
            hotspot.journal.fold(&hotspot.store)?;
            hotspot.store.keep_logins(LOGINS_KEPT)?;
            hotspot.store.set_mark(&hotspot.clockwork.mark())
        });
        if folded.is_ok() {
            self.journal.settle();
            if rows {
                self.upkeep.changed();
            }
        }
        self.note(&folded);
    }

    fn forget(&mut self, now: Now) {
        let days = i64::from(self.settings.login_log_days);
        // By a clock that is not set, everything could look old.
        if days == 0 || !now.wall_is_set {
            return;
        }
        let before = now.wall.plus(-days * DAY);
        let forgotten = self.in_transaction(|hotspot| hotspot.store.forget_logins(before));
        if let Ok(rows @ 1..) = forgotten {
            log::info!("login log: {rows} rows older than {days} days removed");
        }
        self.note(&forgotten);
    }

    /// Copies the store in memory, quickly, and leaves checking and writing to a thread: guests
    /// who sign in meanwhile do not wait for flash. A damaged copy never replaces a good one.
    fn snapshot(&mut self) {
        let path = self.store.directory().join(SNAPSHOT_NAME);
        let mut bytes = match self.store.serialize() {
            Ok(bytes) => bytes,
            Err(error) => return self.note::<()>(&Err(error)),
        };
        // A file system that does not say how much is free is tried.
        let free = free_bytes(self.store.directory()).unwrap_or(u64::MAX);
        if free < bytes.len() as u64 + RESERVE {
            return log::warn!(
                "snapshot: skipped, only {} kB free for {} kB; if the store is ever damaged, the \
                 snapshot restored will be an old one",
                free / 1024,
                bytes.len() / 1024
            );
        }
        self.upkeep.changed.store(false, Ordering::Relaxed);
        let (changed, damaged) = (self.upkeep.changed.clone(), self.upkeep.damaged.clone());
        let write = move || {
            let verified = verify(&mut bytes).map_err(|error| {
                damaged.store(matches!(error, StoreError::Corrupt(_)), Ordering::Relaxed);
                error.to_string()
            });
            let written = verified
                .and_then(|()| write_durably(&path, &bytes).map_err(|error| error.to_string()));
            match written {
                Ok(()) => log::debug!("snapshot: {} kB written", bytes.len() / 1024),
                Err(reason) => {
                    changed.store(true, Ordering::Relaxed);
                    log::error!("snapshot: not written, the last one stays: {reason}");
                }
            }
        };
        if let Err(error) = std::thread::Builder::new().name("snapshot".to_owned()).spawn(write) {
            log::warn!("snapshot: no thread for it: {error}");
        }
    }

    /// What is committed and what waits, as the bytes of a database file.
    pub(super) fn backup(&mut self) -> Result<Vec<u8>, StoreError> {
        self.fold();
        self.store.serialize()
    }

    pub(super) fn restore(&mut self, mut bytes: Vec<u8>, reply: Reply<i64>) {
        self.fold();
        let restored = self.store.restore(&mut bytes);
        match &restored {
            Ok(vouchers) => {
                log::info!("store: restored from a backup with {vouchers} vouchers");
                self.journal.restart_after(self.store.last_login_id().unwrap_or(0));
                self.upkeep.changed();
                self.fold();
            }
            Err(error) => log::error!("store: backup not restored: {error}"),
        }
        send(reply, restored);
    }

    /// How it is doing, also where the store does not answer.
    pub(super) fn status(&mut self, now: Now) -> Status {
        let vouchers = self.store.voucher_count();
        if vouchers.is_err() {
            self.note(&vouchers);
        }
        Status {
            now,
            journal: self.store.journal(),
            vouchers: vouchers.ok(),
            recovery: self.store.recovery().ok().flatten(),
            trouble: self.upkeep.trouble.as_ref().map(ToString::to_string),
        }
    }

    fn in_transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.store.begin()?;
        match work(self) {
            Ok(value) => self.store.commit().map(|()| value),
            Err(error) => {
                self.store.roll_back();
                Err(error)
            }
        }
    }

    /// Whether new vouchers must wait: the last blocks are kept for what must not fail, removals
    /// and guests who have paid.
    pub(super) fn short_of_space(&self) -> bool {
        free_bytes(self.store.directory()).is_ok_and(|free| free < KEPT_BACK)
    }

    /// Keeps in mind what is wrong with the store, and says it once; and once that it is over.
    /// Damage is not over before the next start, whatever else succeeds.
    pub(super) fn note<T>(&mut self, outcome: &Result<T, StoreError>) {
        let before = self.upkeep.trouble.take();
        self.upkeep.trouble = match (before, outcome.as_ref().err()) {
            (Some(damage @ StoreError::Corrupt(_)), _) => Some(damage),
            (Some(before), Some(trouble)) if before == *trouble => Some(before),
            (_, Some(trouble)) => {
                log::error!("store: {trouble}");
                Some(trouble.clone())
            }
            (Some(StoreError::DiskFull), None) if self.short_of_space() => {
                Some(StoreError::DiskFull)
            }
            (Some(_), None) => {
                log::info!("store: writing works again");
                None
            }
            (None, None) => None,
        };
    }
}
