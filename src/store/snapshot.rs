//! Whole copies of the store, and the files around it.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::error::StoreError;
use super::{FILE_NAME, SNAPSHOT_NAME, Store, connection, migration};
use crate::durable::{with_suffix, write_durably};

/// What stands next to the database while it is open.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

impl Store {
    /// The whole store as the bytes of a database file, consistent as of the last commit.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn serialize(&mut self) -> Result<Vec<u8>, StoreError> {
        Ok(self.connection.serialize("main")?.to_vec())
    }

    /// Replaces the contents by those of the database in `bytes`, in one transaction, and gives
    /// the number of vouchers in it. What was there is kept as `hotspotd.db.before-restore`.
    ///
    /// # Errors
    /// Where `bytes` are not an undamaged store of this or an earlier version, or where there is
    /// no room; nothing is changed then.
    pub fn restore(&mut self, bytes: &mut [u8]) -> Result<i64, StoreError> {
        let copy = open_copy(bytes).map_err(|error| match error {
            StoreError::Corrupt(what) => StoreError::BadBackup(what),
            other => other,
        })?;
        let vouchers = copy.query_row("SELECT count(*) FROM voucher", [], |row| row.get(0))?;
        let before = with_suffix(&self.directory.join(FILE_NAME), ".before-restore");
        write_durably(&before, &self.serialize()?)?;
        self.connection.flush_prepared_statement_cache();
        Backup::new(&copy, &mut self.connection)?.step(-1)?;
        Ok(vouchers)
    }
}

/// Refuses what is not an undamaged store.
///
/// # Errors
/// What is wrong with it.
pub fn verify(bytes: &mut [u8]) -> Result<(), StoreError> {
    open_copy(bytes).map(drop)
}

/// Opens a database file's bytes in memory, checked and migrated as a file would be.
fn open_copy(bytes: &mut [u8]) -> Result<Connection, StoreError> {
    // A database in memory cannot have a write-ahead log, so the mark that it has one must go
    // (file format versions, SQLite file format §1.3.3).
    match bytes.get_mut(18..20) {
        Some(versions) => versions.fill(1),
        None => return Err(StoreError::Foreign),
    }
    let mut copy = Connection::open_in_memory()?;
    copy.deserialize_read_exact("main", &*bytes, bytes.len(), false)?;
    if migration::version(&copy)? == 0 {
        return Err(StoreError::Foreign);
    }
    connection::quick_check(&copy)?;
    migration::migrate(&copy)?;
    migration::complete(&copy)?;
    Ok(copy)
}

/// Makes the data directory, for the owner only.
pub(super) fn make_directory(directory: &Path) -> Result<(), StoreError> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| {
        StoreError::Unusable(format!("cannot make {}: {error}", directory.display()))
    })
}

/// Whether the database has gone while its snapshot is still there: somebody's slip, or a power
/// cut while the one was being replaced by the other.
pub(super) fn lost(directory: &Path) -> bool {
    !directory.join(FILE_NAME).exists() && directory.join(SNAPSHOT_NAME).exists()
}

/// Moves the damaged database out of the way, for whoever wants to look into it. One is kept.
///
/// Its companions go first: the log of one file must never meet another.
pub(super) fn set_aside(directory: &Path) -> Result<(), StoreError> {
    let live = directory.join(FILE_NAME);
    let damaged = with_suffix(&live, ".damaged");
    for suffix in COMPANIONS.iter().chain(&[""]) {
        let to = with_suffix(&damaged, suffix);
        absent_is_fine(fs::remove_file(&to))?;
        absent_is_fine(fs::rename(with_suffix(&live, suffix), to))?;
    }
    Ok(())
}

/// Puts the last snapshot in the database's place. False where there is none.
pub(super) fn reinstate(directory: &Path) -> Result<bool, StoreError> {
    match fs::read(directory.join(SNAPSHOT_NAME)) {
        Ok(bytes) => {
            write_durably(&directory.join(FILE_NAME), &bytes)?;
            Ok(true)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Removes the database and its companions.
pub(super) fn discard(directory: &Path) -> Result<(), StoreError> {
    let live = directory.join(FILE_NAME);
    for suffix in [""].iter().chain(&COMPANIONS) {
        absent_is_fine(fs::remove_file(with_suffix(&live, suffix)))?;
    }
    Ok(())
}

fn absent_is_fine(result: std::io::Result<()>) -> std::io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
