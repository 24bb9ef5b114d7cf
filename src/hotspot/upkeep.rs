//! What happens by the clock: folding into the store, forgetting old rows, snapshots, and what
//! follows when the clock itself changes.

use super::{Hotspot, Reply, Status, send};
use crate::domain::time::Now;
use crate::domain::wall::Turn;
use crate::durable::{free_bytes, write_durably};
use crate::store::{SNAPSHOT_NAME, StoreError};

/// Minutes between two writes of the wall clock's mark when nothing else is written.
const MARK_EVERY: u64 = 60;
/// Minutes between two looks at what is old.
const FORGET_EVERY: u64 = 24 * 60;
/// Minutes until the first snapshot after a start, and between two of them.
const SNAPSHOT_FIRST: u64 = 10;
const SNAPSHOT_EVERY: u64 = 24 * 60;
/// Rows of the login log that are kept at most: about 3 MB of flash.
const LOGINS_KEPT: u32 = 20_000;
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
    /// Something was stored since the last snapshot.
    pub(super) changed: bool,
    /// Why the last write failed.
    pub(super) trouble: Option<String>,
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
                        "clock: set, {shift} s from the estimate; earlier stamps moved along"
                    );
                }
                self.journal.shift(shift);
                let moved = self.in_transaction(|hotspot| hotspot.store.shift_unset_stamps(shift));
                self.note_trouble(&moved);
            }
        }
        now
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
        let due = self.upkeep.snapshot.map_or(SNAPSHOT_FIRST, |last| last + SNAPSHOT_EVERY);
        if minutes >= due && (self.upkeep.changed || self.lacks_snapshot()) {
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
            hotspot.store.set_mark(&hotspot.clockwork.mark())
        });
        if folded.is_ok() {
            self.journal.settle();
            self.upkeep.changed |= rows;
        }
        self.note_trouble(&folded);
    }

    fn forget(&mut self, now: Now) {
        let days = i64::from(self.settings.login_log_days);
        // By a clock that is not set, everything could look old.
        let before = (days > 0 && now.wall_is_set).then(|| now.wall.plus(-days * DAY));
        let forgotten =
            self.in_transaction(|hotspot| hotspot.store.forget_logins(before, LOGINS_KEPT));
        if let Ok(rows @ 1..) = forgotten {
            log::info!("login log: {rows} old rows removed");
        }
        self.note_trouble(&forgotten);
    }

    fn lacks_snapshot(&self) -> bool {
        !self.store.directory().join(SNAPSHOT_NAME).exists()
    }

    /// Copies the store in memory, quickly, and leaves the slow writing to a thread: guests who
    /// sign in meanwhile do not wait for flash.
    fn snapshot(&mut self) {
        let path = self.store.directory().join(SNAPSHOT_NAME);
        let bytes = match self.store.serialize() {
            Ok(bytes) => bytes,
            Err(error) => return log::warn!("snapshot: {error}"),
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
        self.upkeep.changed = false;
        let write = move || match write_durably(&path, &bytes) {
            Ok(()) => log::debug!("snapshot: {} kB written", bytes.len() / 1024),
            Err(error) => log::warn!("snapshot: cannot write {}: {error}", path.display()),
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

    pub(super) fn restore(&mut self, bytes: &[u8], reply: Reply<i64>) {
        self.fold();
        let restored = self.store.restore(bytes);
        match &restored {
            Ok(vouchers) => {
                log::info!("store: restored from a backup with {vouchers} vouchers");
                self.journal.restart_after(self.store.last_login_id().unwrap_or(0));
                self.upkeep.changed = true;
                self.fold();
            }
            Err(error) => log::error!("store: backup not restored: {error}"),
        }
        send(reply, restored);
    }

    pub(super) fn status(&self, now: Now) -> Result<Status, StoreError> {
        Ok(Status {
            now,
            journal: self.store.journal(),
            vouchers: self.store.voucher_count()?,
            recovery: self.store.recovery()?,
            trouble: self.upkeep.trouble.clone(),
        })
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

    /// Says once that writing fails, and once that it works again.
    pub(super) fn note_trouble<T>(&mut self, written: &Result<T, StoreError>) {
        let trouble = written.as_ref().err().map(ToString::to_string);
        match (&self.upkeep.trouble, &trouble) {
            (before, Some(why)) if before.as_ref() != Some(why) => log::error!("store: {why}"),
            (Some(_), None) => log::info!("store: writing works again"),
            _ => {}
        }
        self.upkeep.trouble = trouble;
    }
}
