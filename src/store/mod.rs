//! Everything that must survive a power cut, in one SQLite file.
//!
//! The file lives on router flash. JFFS2 refuses the shared memory of plain WAL, and every commit
//! costs erase cycles; so the store is opened by one process only (`locking_mode=EXCLUSIVE`, which
//! needs no shared memory), in WAL mode with 1 KB pages where that works and with a truncated
//! rollback journal where it does not. `synchronous=FULL`: what was committed stays committed.
//!
//! [`Store`] has no opinion on when to commit. Its owner opens a transaction, runs several
//! commands in savepoints, and commits once for all of them.

mod account;
mod batch;
mod connection;
mod device;
mod error;
mod integrity;
mod login;
mod meta;
mod migration;
mod nas_peer;
mod nas_session;
mod policy;
mod session;
mod snapshot;
mod space;
mod visitor;
mod voucher;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

pub use account::Stretch;
pub use batch::{BatchId, Rest};
pub use connection::Journal;
pub use error::StoreError;
pub use meta::Recovery;
pub use nas_session::NasRecord;
pub use session::SessionRecord;
pub use snapshot::{CheckedBackup, verify};

/// The database's name in the data directory.
pub const FILE_NAME: &str = "hotspotd.db";
/// The latest automatic snapshot's name in the data directory.
pub const SNAPSHOT_NAME: &str = "hotspotd.snapshot.db";

/// The open database.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    journal: Journal,
    directory: PathBuf,
    /// Why SQLite gave the open transaction up, if it did.
    lost: RefCell<Option<StoreError>>,
    /// Rows that have been logged as left out: table and id.
    told: RefCell<BTreeSet<(&'static str, i64)>>,
}

impl Store {
    /// Opens the store in `directory`, making both where they do not exist.
    ///
    /// A damaged file is set aside as `hotspotd.db.damaged` and it, or one that has gone while its
    /// snapshot is there, is replaced by the last good snapshot, or by an empty store where there is none: a router must go on serving. The
    /// event is kept in the store ([`Store::recovery`]).
    ///
    /// # Errors
    /// Where nothing could be opened: in use, newer than this program, no permission.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        snapshot::make_directory(directory)?;
        if snapshot::lost(directory) {
            log::error!("{} is gone", directory.join(FILE_NAME).display());
            return Self::replace_damaged(directory);
        }
        match Self::open_file(directory) {
            Err(StoreError::Corrupt(what)) => {
                log::error!("{}: {what}", directory.join(FILE_NAME).display());
                Self::replace_damaged(directory)
            }
            opened => opened,
        }
    }

    fn open_file(directory: &Path) -> Result<Self, StoreError> {
        let (connection, journal) = connection::open(&directory.join(FILE_NAME))?;
        let store = Self::of(connection, journal, directory);
        if let Err(error) = store.make_shrinkable() {
            log::warn!("store: not rewritten, so that its file cannot shrink: {error}");
        }
        Ok(store)
    }

    /// A store on a connection that was checked.
    fn of(connection: Connection, journal: Journal, directory: &Path) -> Self {
        let (lost, told) = (RefCell::default(), RefCell::default());
        Self { connection, journal, directory: directory.to_owned(), lost, told }
    }

    fn replace_damaged(directory: &Path) -> Result<Self, StoreError> {
        snapshot::set_aside(directory)?;
        let mut restored = snapshot::reinstate(directory)?;
        let store = match Self::open_file(directory) {
            Err(StoreError::Corrupt(what)) if restored => {
                log::error!("{}: {what}", directory.join(SNAPSHOT_NAME).display());
                restored = false;
                snapshot::discard(directory)?;
                Self::open_file(directory)?
            }
            opened => opened?,
        };
        let recovery = Recovery::now(restored, store.voucher_count()?);
        store.set_recovery(&recovery)?;
        log::error!("{recovery}");
        Ok(store)
    }

    /// How the store commits on this file system.
    pub fn journal(&self) -> Journal {
        self.journal
    }

    /// Rows changed so far: the same number twice means that nothing was written.
    pub fn changes(&self) -> u64 {
        self.connection.total_changes()
    }

    /// The directory it lives in.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Opens a transaction. It costs nothing until something is written.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn begin(&self) -> Result<(), StoreError> {
        self.lost.take();
        self.run("BEGIN")
    }

    /// Makes everything since [`Store::begin`] durable; when this returns, it survives a power cut.
    ///
    /// # Errors
    /// A full disk above all; then nothing of the transaction is stored.
    pub fn commit(&self) -> Result<(), StoreError> {
        self.still_in_transaction()?;
        self.run("COMMIT").inspect_err(|_| self.roll_back())
    }

    /// Runs one command so that its failure leaves no trace in the transaction.
    ///
    /// # Errors
    /// The command's own; once SQLite has given the transaction up, the reason for that.
    pub fn attempt<T>(
        &self,
        command: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.still_in_transaction()?;
        self.run("SAVEPOINT command")?;
        let result = command();
        if !self.connection.is_autocommit() {
            if result.is_err() {
                self.run("ROLLBACK TO command")?;
            }
            self.run("RELEASE command")?;
        } else if let Err(error) = &result {
            self.lost.replace(Some(error.clone()));
        }
        result
    }

    /// Runs a statement that is run often, so without compiling it again.
    fn run(&self, statement: &str) -> Result<(), StoreError> {
        self.connection.prepare_cached(statement)?.execute([])?;
        Ok(())
    }

    /// SQLite rolls a whole transaction back by itself on a full disk or a failed write. What is
    /// run after that would be committed on its own, behind the back of who is waiting.
    fn still_in_transaction(&self) -> Result<(), StoreError> {
        if !self.connection.is_autocommit() {
            return Ok(());
        }
        let reason = self.lost.borrow().clone();
        Err(reason.unwrap_or_else(|| StoreError::Unusable("no transaction is open".to_owned())))
    }

    /// Drops everything since [`Store::begin`].
    pub fn roll_back(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            log::error!("store: rollback failed: {error}");
        }
    }

    /// From now on nothing can be written, as on a disk that is full or broken.
    #[cfg(test)]
    pub(crate) fn refuse_writes(&self, refuse: bool) {
        self.connection.pragma_update(None, "query_only", refuse).unwrap();
    }

    /// From now on nothing that needs more room can be written, as on a disk that is full.
    #[cfg(test)]
    pub(crate) fn refuse_growth(&self, refuse: bool) {
        let pages: i64 =
            self.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        let most = if refuse { pages } else { i64::from(u32::MAX - 1) };
        self.connection.pragma_update(None, "max_page_count", most).unwrap();
    }

    /// Folds the log into the file and closes it.
    pub fn close(self) {
        if let Err((_, error)) = self.connection.close() {
            log::warn!(
                "store: not closed cleanly ({error}); nothing is lost, the next start recovers"
            );
        }
    }
}
