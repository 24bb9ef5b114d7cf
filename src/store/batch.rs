//! Batches of vouchers: whole or not at all, however many transactions they take.
//!
//! A batch that is being made has a row in `open_batch`, and none of its vouchers counts until that is
//! removed: one small transaction makes all of them good. A batch that was broken off is removed piece by
//! piece.

use std::ops::RangeInclusive;

use rusqlite::params;

use super::{Store, StoreError};

/// Holds for a row of `voucher` that is alone or in a batch that is whole.
pub(super) const IS_WHOLE: &str =
    "(voucher.batch IS NULL OR voucher.batch NOT IN (SELECT id FROM open_batch))";

/// A batch of vouchers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchId(i64);

/// What is left of a batch after a piece of it was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// There may be more of it.
    Some,
    /// Nothing.
    Nothing,
}

impl Store {
    /// Begins a batch.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn begin_batch(&self) -> Result<BatchId, StoreError> {
        let sql = "INSERT INTO open_batch (after) SELECT coalesce(max(id), 0) FROM voucher";
        self.connection.execute(sql, [])?;
        Ok(BatchId(self.connection.last_insert_rowid()))
    }

    /// Puts the vouchers with these ids, all of them new, into a batch.
    ///
    /// # Errors
    /// What SQLite reports; [`StoreError::Unusable`] where the batch is not open (any more).
    pub fn add_to_batch(
        &self,
        batch: BatchId,
        vouchers: RangeInclusive<i64>,
    ) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "UPDATE voucher SET batch = ?1
             WHERE id BETWEEN ?2 AND ?3 AND EXISTS (SELECT 1 FROM open_batch WHERE id = ?1)",
        )?;
        match statement.execute(params![batch.0, vouchers.start(), vouchers.end()])? {
            0 => Err(StoreError::Unusable("the batch of vouchers was given up".to_owned())),
            _ => Ok(()),
        }
    }

    /// Makes the vouchers of a batch good; false where it was given up meanwhile.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn complete_batch(&self, batch: BatchId) -> Result<bool, StoreError> {
        Ok(self.connection.execute("DELETE FROM open_batch WHERE id = ?1", [batch.0])? > 0)
    }

    /// The batches that are not whole.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn open_batches(&self) -> Result<Vec<BatchId>, StoreError> {
        let mut statement = self.connection.prepare("SELECT id FROM open_batch ORDER BY id")?;
        let rows = statement.query_map([], |row| row.get(0).map(BatchId))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Removes all batches that are not whole, with their vouchers: those of a backup. Whoever makes one
    /// of the same number now must neither go on with it nor make it good.
    pub(super) fn remove_open_batches(&self) -> Result<(), StoreError> {
        self.connection.execute_batch(
            "DELETE FROM voucher WHERE id IN (
                 SELECT voucher.id FROM voucher
                     JOIN open_batch ON voucher.id > open_batch.after AND voucher.batch = open_batch.id);
             DELETE FROM open_batch;",
        )?;
        Ok(())
    }

    /// Removes so many vouchers of a batch that was broken off, and the batch with the last of them.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn remove_from_batch(&self, batch: BatchId, most: u32) -> Result<Rest, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "DELETE FROM voucher WHERE id IN (
                 SELECT voucher.id FROM voucher
                     JOIN open_batch ON voucher.id > open_batch.after AND voucher.batch = open_batch.id
                 WHERE open_batch.id = ?1 ORDER BY voucher.id LIMIT ?2)",
        )?;
        if statement.execute(params![batch.0, most])? as u64 >= u64::from(most) {
            return Ok(Rest::Some);
        }
        self.complete_batch(batch).map(|_| Rest::Nothing)
    }
}
