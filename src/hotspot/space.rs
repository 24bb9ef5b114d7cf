//! Room on the file system: what is kept back, and what is forgotten where it runs short.

use std::time::Duration;

use super::Hotspot;
use crate::atomic_file::free_bytes;
use crate::domain::time::Now;
use crate::store::StoreError;

/// Bytes of the file system that new vouchers leave alone.
const KEPT_BACK: u64 = 128 * 1024;
/// Below this, old sessions are forgotten: early enough, since forgetting needs room for the log.
const SPARE: u64 = 2 * KEPT_BACK;

/// Time between two looks at how much is free.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Sessions, and devices, that are forgotten in one transaction, which is 100 KB of log at most, and transactions
/// in one go.
const FORGOTTEN: u32 = 25;
const GOES: usize = 8;
/// Sessions that stay, whoever has filled the disk.
const STAY: u32 = 500;
/// Pages that are moved in one go, which others wait for.
const MOVED: u32 = 64;
/// Pages without use that are worth moving others for.
const WORTH_MOVING: u32 = 256;
/// A log of this length is worth folding.
const WORTH_FOLDING: u64 = 64 * 1024;

/// When was looked at what.
#[derive(Default)]
pub(super) struct Space {
    looked: Duration,
    /// There was more to give back.
    goes_on: bool,
}

impl Hotspot {
    /// Whether new vouchers must wait: the last blocks are kept for what must not fail, removals
    /// and guests who have paid.
    pub(super) fn short_of_space(&self) -> bool {
        self.has_less_than(KEPT_BACK)
    }

    fn has_less_than(&self, bytes: u64) -> bool {
        free_bytes(self.store.directory()).is_ok_and(|free| free < bytes)
    }

    /// Looks now and then whether room runs short or a lot of the file is without use.
    pub(super) fn keep_space(&mut self, now: Now) {
        let Space { looked, goes_on } = self.upkeep.space;
        if !goes_on && now.boot.saturating_sub(looked) < LOOK_EVERY {
            return;
        }
        let made = self.make_space(now);
        let goes_on = *made.as_ref().unwrap_or(&false);
        self.upkeep.space = Space { looked: now.boot, goes_on };
        if let Err(error) = made {
            log::debug!("store: no room could be made: {error}");
        }
    }

    /// Forgets the oldest sessions, and devices without one, where room runs short, and gives back what is without use; true
    /// where there is more of that.
    pub(super) fn make_space(&mut self, now: Now) -> Result<bool, StoreError> {
        let short = self.has_less_than(SPARE);
        let mut forgotten = 0;
        for _ in 0..if short { GOES } else { 0 } {
            let rows = self.in_transaction(|hotspot| {
                let sessions = hotspot.store.forget_oldest(FORGOTTEN, STAY, now)?;
                Ok(sessions + hotspot.store.forget_devices_without_session(FORGOTTEN)?)
            })?;
            forgotten += rows;
            if rows == 0 {
                break;
            }
            self.fold_long_log()?;
        }
        if forgotten > 0 {
            log::debug!("store: room runs short, {forgotten} old sessions and devices forgotten");
        }
        let (free, pages) = self.store.free_pages()?;
        let is_worth_it = free > WORTH_MOVING && free > pages / 4 || short && free > MOVED;
        if is_worth_it {
            self.store.give_back(MOVED)?;
        }
        let left = self.store.free_pages()?.0;
        let shrinks = left < free;
        if short || shrinks {
            self.fold_long_log()?;
        }
        Ok(forgotten > 0 || shrinks)
    }

    fn fold_long_log(&self) -> Result<(), StoreError> {
        if self.store.log_bytes() > WORTH_FOLDING { self.store.fold_log() } else { Ok(()) }
    }
}
