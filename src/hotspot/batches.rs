//! Batches of vouchers, which are whole or not at all.

use super::{AfterCommit, Hotspot, Reply};
use crate::store::{BatchId, Rest};

/// Vouchers of a batch that was broken off which are removed in a second: whoever signs in
/// meanwhile does not notice.
const PIECE: u32 = 128;

impl Hotspot {
    pub(super) fn begin_batch(&self, reply: Reply<BatchId>) -> AfterCommit {
        self.answer(reply, self.store.attempt(|| self.store.begin_batch()))
    }

    pub(super) fn complete_batch(&self, batch: BatchId, reply: Reply<bool>) -> AfterCommit {
        self.answer(reply, self.store.attempt(|| self.store.complete_batch(batch)))
    }

    /// Nobody waits for this batch any more.
    pub(super) fn give_up_batch(&mut self, batch: BatchId) {
        self.upkeep.given_up.push(batch);
    }

    /// Batches that were begun before the start, or before the store was replaced, are nobody's.
    pub(super) fn find_broken_batches(&mut self) {
        let open = self.store.open_batches();
        self.note(&open);
        self.upkeep.given_up = open.unwrap_or_default();
    }

    /// Removes a piece of what is left of batches that were broken off.
    pub(super) fn remove_broken_batches(&mut self) {
        let Some(batch) = self.upkeep.given_up.first().copied() else { return };
        let removed = self.in_transaction(|it| it.store.remove_from_batch(batch, PIECE));
        self.note(&removed);
        if matches!(removed, Ok(Rest::Nothing)) {
            self.upkeep.given_up.remove(0);
        }
    }
}
