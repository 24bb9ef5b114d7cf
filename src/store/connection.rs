//! Opening the file in the mode its file system can keep.

use std::fmt;
use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::StoreError;
use super::{integrity, migration};
use crate::atomic_file::with_suffix;

/// How commits are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Journal {
    /// Write-ahead log in exclusive mode: fewest flash bytes for each commit.
    Wal,
    /// Rollback journal, truncated at each commit: works on every file system.
    Truncate,
}

impl fmt::Display for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wal => "WAL",
            Self::Truncate => "TRUNCATE",
        })
    }
}

/// How long another process may hold the file, so that a restart can overlap with the flush of
/// the daemon before it.
const BUSY: Duration = Duration::from_secs(5);

/// Opens, checks, migrates and probes.
pub(super) fn open(path: &Path) -> Result<(Connection, Journal), StoreError> {
    // The passcodes inside are clear text by necessity; SQLite gives its other files this mode too.
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    // Before SQLite opens it: a process that closes a file loses every POSIX lock it has on it.
    drop(file);
    match open_in(path, Journal::Wal) {
        Err(StoreError::Unusable(why)) => {
            log::warn!("store: no write-ahead log here ({why}); using a rollback journal");
            leave_wal(path)?;
            Ok((open_in(path, Journal::Truncate)?, Journal::Truncate))
        }
        opened => Ok((opened?, Journal::Wal)),
    }
}

fn open_in(path: &Path, journal: Journal) -> Result<Connection, StoreError> {
    let is_new = std::fs::metadata(path).is_ok_and(|file| file.len() == 0);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    integrity::restrict(&connection)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(48);
    configure(&connection, journal, is_new)?;
    check_and_migrate(&connection, Check::Quick)?;
    probe(&connection)?;
    Ok(connection)
}

/// Takes the mark "uses a write-ahead log" out of a file whose log cannot be opened, but holds
/// nothing: SQLite itself would have to open the log for that.
fn leave_wal(path: &Path) -> Result<(), StoreError> {
    let log = std::fs::metadata(with_suffix(path, "-wal"));
    if log.is_ok_and(|log| log.len() > 0) {
        return Ok(());
    }
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    // File format versions for writing and reading: 1 rollback journal, 2 WAL (SQLite file
    // format §1.3.3).
    let mut versions = [0; 2];
    // One of them may be left by a power cut in the middle of this.
    if file.read_exact_at(&mut versions, 18).is_ok() && versions.contains(&2) {
        file.write_all_at(&[1, 1], 18)?;
        file.sync_all()?;
    }
    Ok(())
}

fn configure(connection: &Connection, journal: Journal, is_new: bool) -> Result<(), StoreError> {
    // Exclusive first: JFFS2 has no shared memory, which WAL would otherwise ask for.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "page_size", 1024)?;
    if is_new {
        // What is forgotten can be given back to the file system.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    let mode: String =
        connection
            .pragma_update_and_check(None, "journal_mode", journal.to_string(), |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case(&journal.to_string()) {
        return Err(StoreError::Unusable(format!("journal mode {journal} refused, got {mode}")));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    // A plan does not depend on what is bound: where there is an index on an expression, SQLite would
    // otherwise prepare the statement anew for each value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Half a megabyte of page cache is plenty for indexed lookups on a 64 MB router.
    connection.pragma_update(None, "cache_size", -512)?;
    // 512 pages: the log stays below about half a megabyte of a small overlay.
    connection.pragma_update(None, "wal_autocheckpoint", 512)?;
    connection.pragma_update(None, "journal_size_limit", 512 * 1024)?;
    Ok(())
}

/// Refuses a damaged file and one with another schema than ours, and brings the schema to the
/// current version. The schema comes first: looking for damage executes what it says.
///
/// # Errors
/// As for [`migration::migrate`], and [`StoreError::Corrupt`].
pub(super) fn check_and_migrate(connection: &Connection, check: Check) -> Result<(), StoreError> {
    match migration::version(connection)? {
        0 => {}
        version => {
            integrity::schema(connection, version)?;
            pages(connection, check)?;
        }
    }
    migration::migrate(connection)?;
    integrity::row_ids(connection)
}

/// How thoroughly a file is looked through for damage.
#[derive(Clone, Copy, Debug)]
pub(super) enum Check {
    /// Pages and rows, as fast as a start has to be.
    Quick,
    /// Also that each index has the rows of its table and no others: a voucher that is missing in the
    /// index of usernames would be listed and could not be removed.
    Full,
}

/// Looks through the file for damage.
fn pages(connection: &Connection, check: Check) -> Result<(), StoreError> {
    let pragma = match check {
        Check::Quick => "PRAGMA quick_check(1)",
        Check::Full => "PRAGMA integrity_check(1)",
    };
    let verdict: String = connection.query_row(pragma, [], |row| row.get(0))?;
    if verdict == "ok" { Ok(()) } else { Err(StoreError::Corrupt(verdict)) }
}

/// Writes once: on JFFS2 plain WAL reports success and then fails at the first write. A full disk
/// tells nothing about that, and must not keep the daemon from serving.
fn probe(connection: &Connection) -> Result<(), StoreError> {
    let written = connection.execute_batch(
        "INSERT INTO meta (name, value) VALUES ('opened', '1')
         ON CONFLICT (name) DO UPDATE SET value = value + 1",
    );
    match written.map_err(StoreError::from) {
        Err(StoreError::DiskFull) => Ok(()),
        other => other,
    }
}
