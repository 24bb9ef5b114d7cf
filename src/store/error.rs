//! What can go wrong with the store, by what the caller can do about it.

use std::fmt;

use rusqlite::ErrorCode;

use crate::domain::voucher::breaks_a_line;

/// Characters of SQLite's own message.
const MESSAGE: usize = 200;

/// A fault of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// No room left on the file system: free some, then try again. Nothing was stored.
    DiskFull,
    /// Another process holds the file.
    InUse,
    /// The file is damaged and must be replaced.
    Corrupt(String),
    /// The backup that was to be restored is damaged.
    BadBackup(String),
    /// The file was written by a newer program.
    NewerSchema {
        /// Version of the file.
        found: i64,
        /// Newest version this program knows.
        known: i64,
    },
    /// The file is empty or a database of another program.
    Foreign,
    /// Anything else: permissions, hardware, file system.
    Unusable(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DiskFull => f.write_str("the disk is full; nothing was stored"),
            Self::InUse => {
                f.write_str("the store is in use by another process; is hotspotd already running?")
            }
            Self::Corrupt(what) => write!(
                f,
                "the store is damaged ({what}); restart to recover from the last snapshot"
            ),
            Self::BadBackup(what) => write!(f, "the backup is damaged ({what})"),
            Self::NewerSchema { found, known } => write!(
                f,
                "the store has schema version {found}, this program knows up to {known}: \
                 install a newer hotspotd, or restore an older backup"
            ),
            Self::Foreign => f.write_str("the file is no database, or not one of hotspotd"),
            Self::Unusable(what) => write!(f, "the store cannot be used: {what}"),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::InUse,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt(message(&error))
            }
            _ => Self::Unusable(message(&error)),
        }
    }
}

/// SQLite's messages name objects of the file, which may have any name.
fn message(error: &rusqlite::Error) -> String {
    let safe = |c| if breaks_a_line(c) { char::REPLACEMENT_CHARACTER } else { c };
    error.to_string().chars().take(MESSAGE).map(safe).collect()
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Unusable(error.to_string()),
        }
    }
}
