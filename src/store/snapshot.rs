//! Whole copies of the store, and the files around it.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::error::StoreError;
use super::{FILE_NAME, SNAPSHOT_NAME, Store, connection, migration};
use crate::durable::{sync_directory, with_suffix, write_durably};

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

    /// Replaces the store by the database in `bytes` and gives the number of vouchers in it; the
    /// present one is kept as `hotspotd.db.before-restore`.
    ///
    /// # Errors
    /// Where `bytes` are not an undamaged store of this or an earlier version; the present store
    /// then stays as it was.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<i64, StoreError> {
        let candidate = self.directory.join("hotspotd.restore.db");
        let checked = write_durably(&candidate, bytes).map_err(StoreError::from);
        let vouchers = checked.and_then(|()| inspect(&candidate)).inspect_err(|_| {
            for suffix in [""].iter().chain(&COMPANIONS) {
                let _ = fs::remove_file(with_suffix(&candidate, suffix));
            }
        })?;
        let directory = self.directory.clone();
        let live = directory.join(FILE_NAME);
        let before = with_suffix(&live, ".before-restore");
        self.shut()?;
        if let Err(error) = fs::rename(&live, &before) {
            *self = reopened(&directory, Ok(()));
            return Err(error.into());
        }
        let swapped = fs::rename(&candidate, &live)
            .and_then(|()| sync_directory(&live))
            .map_err(StoreError::from)
            .and_then(|()| Self::open_file(&directory));
        match swapped {
            Ok(store) => {
                *self = store;
                Ok(vouchers)
            }
            Err(error) => {
                // Its companions as well: a log of one file must never meet the other.
                let back = discard(&directory).and_then(|()| Ok(fs::rename(&before, &live)?));
                *self = reopened(&directory, back);
                Err(error)
            }
        }
    }

    /// Closes the file and leaves an empty database in memory in its place.
    fn shut(&mut self) -> Result<(), StoreError> {
        let open = std::mem::replace(&mut self.connection, Connection::open_in_memory()?);
        open.close().map_err(|(open, error)| {
            self.connection = open;
            error.into()
        })
    }
}

/// Opens the store that was in place before a restore failed, if that was put `back`.
fn reopened(directory: &Path, back: Result<(), StoreError>) -> Store {
    back.and_then(|()| Store::open_file(directory)).unwrap_or_else(|error| {
        log::error!("store: {error}; stopping, so that a new start can try again");
        std::process::exit(1)
    })
}

/// Refuses what is not an undamaged store that this program can read. The candidate is opened
/// just as it will be in earnest, migrations included; gives the number of vouchers in it.
fn inspect(path: &Path) -> Result<i64, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let candidate = Connection::open_with_flags(path, flags)?;
    let empty = migration::version(&candidate)? == 0;
    drop(candidate);
    if empty {
        return Err(StoreError::Foreign);
    }
    let (candidate, _) = connection::open(path)?;
    let vouchers = candidate.query_row("SELECT count(*) FROM voucher", [], |row| row.get(0))?;
    candidate.close().map_err(|(_, error)| error)?;
    Ok(vouchers)
}

/// Makes the data directory, for the owner only.
pub(super) fn make_directory(directory: &Path) -> Result<(), StoreError> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| {
        StoreError::Unusable(format!("cannot make {}: {error}", directory.display()))
    })
}

/// Moves the damaged database out of the way, for whoever wants to look into it. One is kept.
pub(super) fn set_aside(directory: &Path) -> Result<(), StoreError> {
    let live = directory.join(FILE_NAME);
    fs::rename(&live, with_suffix(&live, ".damaged"))?;
    for companion in COMPANIONS {
        let from = with_suffix(&live, companion);
        let to = with_suffix(&with_suffix(&live, ".damaged"), companion);
        let _ = fs::remove_file(&to);
        absent_is_fine(fs::rename(from, to))?;
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
