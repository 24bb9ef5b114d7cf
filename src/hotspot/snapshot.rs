//! The copy of the store that takes its place should it ever be damaged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Hotspot;
use crate::atomic_file::{free_bytes, write_durably};
use crate::store::{SNAPSHOT_NAME, StoreError, verify};

/// Minutes until the first snapshot after a start, between two of them, and after one that failed.
const FIRST: u64 = 10;
const EVERY: u64 = 24 * 60;
const AGAIN: u64 = 60;
/// Bytes that a snapshot must leave free on the file system.
const RESERVE: u64 = 256 * 1024;

/// When the next one is due, and what the thread that writes it has to say.
pub(super) struct SnapshotSchedule {
    due: u64,
    /// Something was stored since the last one.
    changed: Arc<AtomicBool>,
    /// It could not be written.
    failed: Arc<AtomicBool>,
    /// It was damaged, and so is the store.
    damaged: Arc<AtomicBool>,
}

impl Default for SnapshotSchedule {
    fn default() -> Self {
        Self {
            due: FIRST,
            // What was stored since the last one of the last run is not known.
            changed: Arc::new(AtomicBool::new(true)),
            failed: Arc::default(),
            damaged: Arc::default(),
        }
    }
}

impl SnapshotSchedule {
    /// Notes that the snapshot is out of date.
    pub(super) fn changed(&self) {
        self.changed.store(true, Ordering::Relaxed);
    }

    /// Has the next one taken at that minute.
    pub(super) fn due_at(&mut self, minute: u64) {
        self.due = minute;
    }
}

impl Hotspot {
    pub(super) fn snapshot_when_due(&mut self, minute: u64) {
        let schedule = &mut self.upkeep.snapshot;
        if schedule.failed.swap(false, Ordering::Relaxed) {
            schedule.changed();
            schedule.due_at(minute + AGAIN);
        }
        if schedule.damaged.swap(false, Ordering::Relaxed) {
            let damage = StoreError::Corrupt("found while it was copied".to_owned());
            self.note::<()>(&Err(damage));
        }
        let schedule = &self.upkeep.snapshot;
        if minute >= schedule.due && schedule.changed.load(Ordering::Relaxed) {
            let begun = self.snapshot();
            self.upkeep.snapshot.due_at(minute + if begun { EVERY } else { AGAIN });
        }
    }

    /// Copies the store in memory, quickly, and leaves checking and writing to a thread: guests
    /// who sign in meanwhile do not wait for flash.
    fn snapshot(&mut self) -> bool {
        let bytes = match self.store.serialize() {
            Ok(bytes) => bytes,
            Err(error) => {
                self.note::<()>(&Err(error));
                return false;
            }
        };
        // A file system that does not say how much is free is tried.
        let free = free_bytes(self.store.directory()).unwrap_or(u64::MAX);
        if free < bytes.len() as u64 + RESERVE {
            log::warn!(
                "snapshot: skipped, only {} kB free for {} kB; if the store is ever damaged, the \
                 snapshot restored will be an old one",
                free / 1024,
                bytes.len() / 1024
            );
            return false;
        }
        let write = self.snapshot_writer(bytes);
        let begun = std::thread::Builder::new().name("snapshot".to_owned()).spawn(write);
        match &begun {
            Ok(_) => self.upkeep.snapshot.changed.store(false, Ordering::Relaxed),
            Err(error) => log::warn!("snapshot: no thread for it: {error}"),
        }
        begun.is_ok()
    }

    /// A damaged copy never replaces a good one.
    fn snapshot_writer(&self, mut bytes: Vec<u8>) -> impl FnOnce() + Send + 'static {
        let path = self.store.directory().join(SNAPSHOT_NAME);
        let schedule = &self.upkeep.snapshot;
        let (failed, damaged) = (schedule.failed.clone(), schedule.damaged.clone());
        move || {
            let verified = verify(&mut bytes);
            let is_damaged = matches!(verified, Err(StoreError::Corrupt(_)));
            damaged.store(is_damaged, Ordering::Relaxed);
            match verified.and_then(|()| Ok(write_durably(&path, &bytes)?)) {
                Ok(()) => log::debug!("snapshot: {} kB written", bytes.len() / 1024),
                Err(reason) => {
                    failed.store(true, Ordering::Relaxed);
                    log::error!("snapshot: not written, the last one stays: {reason}");
                }
            }
        }
    }
}
