//! Whole copies of the store, and the files around it.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, params};

use super::error::StoreError;
use super::{
    FILE_NAME, Journal, SNAPSHOT_NAME, Store, connection, integrity, meta, migration, voucher,
};
use crate::atomic_file::{free_bytes, with_suffix, write_durably};
use crate::domain::list::{Entry, Page};
use crate::domain::time::Now;
use crate::domain::visitor::VisitorKind;

/// Rows of a backup read at once.
const ROWS: u32 = 256;

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

    /// Replaces the contents by those of a backup, in one transaction, and gives the number of
    /// vouchers in it. What was there is kept as `hotspotd.db.before-restore`.
    ///
    /// # Errors
    /// Where the backup does not fit or there is no room; nothing is changed then.
    pub fn restore(&mut self, backup: CheckedBackup, now: Now) -> Result<i64, StoreError> {
        let CheckedBackup { copy, octets } = backup;
        self.prepare(&copy, now)?;
        let vouchers = voucher::count(&copy)?;
        let present = self.serialize()?;
        let room = free_bytes(&self.directory).unwrap_or(u64::MAX);
        if room < (present.len() + octets) as u64 {
            return Err(StoreError::DiskFull);
        }
        let before = with_suffix(&self.directory.join(FILE_NAME), ".before-restore");
        write_durably(&before, &present)?;
        self.connection.flush_prepared_statement_cache();
        let step = Backup::new(&copy, &mut self.connection)?.step(-1)?;
        if step == StepResult::Done { Ok(vouchers) } else { Err(StoreError::InUse) }
    }

    /// Makes a copy fit to follow the present contents.
    fn prepare(&self, copy: &Connection, now: Now) -> Result<(), StoreError> {
        let page_size = |connection: &Connection| -> rusqlite::Result<i64> {
            connection.pragma_query_value(None, "page_size", |row| row.get(0))
        };
        let (ours, theirs) = (page_size(&self.connection)?, page_size(copy)?);
        if ours != theirs {
            return Err(StoreError::BadBackup(format!(
                "its pages have {theirs} bytes instead of {ours}; sqlite3 can change that: \
                 PRAGMA journal_mode=DELETE; PRAGMA page_size={ours}; VACUUM"
            )));
        }
        // An id given since the backup must not come again for something else.
        let mut given = self.connection.prepare("SELECT name, seq FROM sqlite_sequence")?;
        let mut rows = given.query([])?;
        while let Some(row) = rows.next()? {
            let (table, last): (String, i64) = (row.get(0)?, row.get(1)?);
            copy.execute(
                "INSERT INTO sqlite_sequence (name, seq)
                 SELECT ?1, 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)",
                [&table],
            )?;
            copy.execute(
                "UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1",
                params![table, last],
            )?;
        }
        let boot = |connection| -> Result<_, StoreError> {
            Ok(meta::mark(connection)?.map(|mark| mark.boot_id))
        };
        if boot(copy)? != boot(&self.connection)? {
            copy.execute("UPDATE session SET deadline = NULL WHERE deadline IS NOT NULL", [])?;
        }
        // How far its unset stamps are off is not known any more: they stay as they are.
        if now.wall_is_set {
            copy.execute_batch(
                "UPDATE voucher SET clock_unset = 0 WHERE clock_unset <> 0;
                 UPDATE session SET clock_unset = 0 WHERE clock_unset <> 0;
                 UPDATE account SET clock_unset = 0 WHERE clock_unset <> 0;
                 UPDATE login SET clock_unset = 0 WHERE clock_unset <> 0;",
            )?;
        }
        Ok(())
    }
}

/// A backup in memory whose pages, schema and rows were checked.
#[derive(Debug)]
pub struct CheckedBackup {
    copy: Connection,
    /// The file's length.
    octets: usize,
}

impl CheckedBackup {
    /// Checks a database file's bytes. How long that takes depends on the file, so it belongs on a
    /// thread that nobody waits for.
    ///
    /// # Errors
    /// Where the bytes are not an undamaged store of this or an earlier version, or hold what no
    /// store of ours does.
    pub fn new(mut bytes: Vec<u8>) -> Result<Self, StoreError> {
        let checked = open_copy(&mut bytes).and_then(|copy| {
            integrity::rows(&copy)?;
            let store = Store::of(copy, Journal::Truncate, Path::new(""));
            read_everything(&store)?;
            store.remove_open_batches()?;
            Ok(store.connection)
        });
        match checked {
            Ok(copy) => Ok(Self { copy, octets: bytes.len() }),
            Err(StoreError::Corrupt(what) | StoreError::Unusable(what)) => {
                Err(StoreError::BadBackup(what))
            }
            Err(other) => Err(other),
        }
    }
}

/// Reads what lists and logins read: a row that cannot be read would keep all from being listed.
fn read_everything(store: &Store) -> Result<(), StoreError> {
    fn all<T>(page: impl Fn(Page) -> Result<Vec<Entry<T>>, StoreError>) -> Result<(), StoreError> {
        let mut after = 0;
        while let Some(last) = page(Page { after, limit: ROWS })?.last() {
            after = last.id;
        }
        Ok(())
    }
    all(|page| store.vouchers(page))?;
    all(|page| store.logins(page))?;
    for kind in VisitorKind::ALL {
        all(|page| store.visitors(kind, page))?;
    }
    store.open_sessions()?;
    store.mark()?;
    store.recovery().map(drop)
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
    // The same §1.3.1.
    if !bytes.starts_with(b"SQLite format 3\0") {
        return Err(StoreError::Foreign);
    }
    if !is_whole(bytes) {
        return Err(StoreError::Corrupt("a part of the file is missing".to_owned()));
    }
    // A database in memory cannot have a write-ahead log, so the mark that it has one must go
    // (file format versions, SQLite file format §1.3.3).
    match bytes.get_mut(18..20) {
        Some(versions) => versions.fill(1),
        None => return Err(StoreError::Foreign),
    }
    let mut copy = Connection::open_in_memory()?;
    integrity::restrict(&copy)?;
    copy.deserialize_read_exact("main", &*bytes, bytes.len(), false)?;
    if migration::version(&copy)? == 0 {
        return Err(StoreError::Foreign);
    }
    connection::check_and_migrate(&copy, connection::Check::Full)?;
    Ok(copy)
}

/// Whether every page is there that the header counts (SQLite file format §1.3.2, §1.3.8). SQLite
/// itself does not miss the end of a last page that is not used to its end.
fn is_whole(bytes: &[u8]) -> bool {
    let number = |at: usize, length: usize| {
        let digits = bytes.get(at..at + length)?;
        Some(digits.iter().fold(0, |number: u64, digit| number << 8 | u64::from(*digit)))
    };
    match (number(16, 2), number(28, 4)) {
        // 65,536 does not fit, and is written as 1.
        (Some(1), Some(pages)) => bytes.len() as u64 == pages << 16,
        (Some(size), Some(pages)) => bytes.len() as u64 == pages * size,
        _ => false,
    }
}

/// Makes the data directory, for the owner only.
pub(super) fn make_directory(directory: &Path) -> Result<(), StoreError> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| {
        StoreError::Unusable(format!("cannot make {}: {error}", directory.display()))
    })
}

/// Whether the database has gone, or is empty, while its snapshot is still there: somebody's slip,
/// what a power cut leaves of a file on some file systems, or one in the middle of a recovery.
pub(super) fn lost(directory: &Path) -> bool {
    let length = fs::metadata(directory.join(FILE_NAME)).map_or(0, |file| file.len());
    length == 0 && directory.join(SNAPSHOT_NAME).exists()
}

/// Moves the damaged database out of the way, for whoever wants to look into it. One is kept, and
/// only what takes its place removes it: a power cut in between must not cost the evidence.
///
/// Its companions go first: the log of one file must never meet another.
pub(super) fn set_aside(directory: &Path) -> Result<(), StoreError> {
    let live = directory.join(FILE_NAME);
    let damaged = with_suffix(&live, ".damaged");
    for suffix in COMPANIONS.iter().chain(&[""]) {
        let from = with_suffix(&live, suffix);
        if fs::metadata(&from).is_ok_and(|file| file.len() > 0) {
            fs::rename(from, with_suffix(&damaged, suffix))?;
        } else {
            absent_is_fine(fs::remove_file(from))?;
        }
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
