//! Small facts about the store itself.

use std::fmt;

use rusqlite::{Connection, OptionalExtension};

use super::{Store, StoreError};
use crate::domain::class::ClassKey;
use crate::domain::time::Timestamp;
use crate::domain::wall::Mark;

/// A store that was damaged or gone was replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Whether a snapshot took its place; otherwise an empty store did.
    pub from_snapshot: bool,
    /// Vouchers in the store after that.
    pub vouchers: i64,
}

impl Recovery {
    pub(super) fn now(from_snapshot: bool, vouchers: i64) -> Self {
        Self { from_snapshot, vouchers }
    }
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the store was damaged (see hotspotd.db.damaged) or gone, as after a sysupgrade; ",
        )?;
        match self.from_snapshot {
            true => write!(
                f,
                "the last snapshot was restored with {} vouchers, later ones are lost unless you \
                 have a backup (hotspotd restore FILE)",
                self.vouchers
            ),
            false => f.write_str(
                "there was no usable snapshot, so it started empty: restore a backup \
                 (hotspotd restore FILE)",
            ),
        }
    }
}

impl Store {
    fn meta(&self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(meta(&self.connection, name)?)
    }

    fn set_meta(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO meta (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )?;
        statement.execute([name, value])?;
        Ok(())
    }

    /// What seals the values of Class that access points are given; `None` as long as there is none.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn class_key(&self) -> Result<Option<ClassKey>, StoreError> {
        Ok(self.meta("class_key")?.as_deref().and_then(ClassKey::from_text))
    }

    /// Keeps what seals the values of Class.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn set_class_key(&self, key: ClassKey) -> Result<(), StoreError> {
        self.set_meta("class_key", &key.to_text())
    }

    /// The last recovery from damage, if there was one.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn recovery(&self) -> Result<Option<Recovery>, StoreError> {
        let kept = self.meta("recovery")?;
        Ok(kept.as_deref().and_then(|text| {
            let (source, vouchers) = text.split_once(' ')?;
            Some(Recovery { from_snapshot: source == "snapshot", vouchers: vouchers.parse().ok()? })
        }))
    }

    pub(super) fn set_recovery(&self, recovery: &Recovery) -> Result<(), StoreError> {
        let source = if recovery.from_snapshot { "snapshot" } else { "empty" };
        self.set_meta("recovery", &format!("{source} {}", recovery.vouchers))
    }

    /// Where the wall clock stood when it was last written down.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn mark(&self) -> Result<Option<Mark>, StoreError> {
        mark(&self.connection)
    }

    /// Writes down where the wall clock stands.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn set_mark(&self, mark: &Mark) -> Result<(), StoreError> {
        let trust = if mark.is_set { "set" } else { "unset" };
        self.set_meta("clock", &format!("{} {trust} {}", mark.wall.unix(), mark.boot_id))
    }

    /// Moves every stamp that was given while the clock was not set by `shift` seconds. It is
    /// set now, so that a voucher first used in "1970" gets all the time it was sold with.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn shift_unset_stamps(&self, shift: i64) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE voucher SET
                created_at = created_at + (clock_unset & 1) * ?1,
                modified_at = modified_at + (clock_unset & 1) * ?1,
                first_login = first_login + ((clock_unset >> 1) & 1) * ?1,
                last_login = last_login + ((clock_unset >> 2) & 1) * ?1,
                clock_unset = 0
             WHERE clock_unset <> 0",
            [shift],
        )?;
        self.connection.execute(
            "UPDATE session SET started_at = started_at + ?1, ended_at = ended_at + ?1,
                clock_unset = 0
             WHERE clock_unset <> 0",
            [shift],
        )?;
        self.connection.execute(
            "UPDATE account SET first_login = first_login + ?1, clock_unset = 0
             WHERE clock_unset <> 0",
            [shift],
        )?;
        self.connection.execute(
            "UPDATE login SET at = at + ?1, clock_unset = 0 WHERE clock_unset <> 0",
            [shift],
        )?;
        Ok(())
    }
}

/// Where the wall clock stood when a database was last written, and in which boot.
pub(super) fn mark(connection: &Connection) -> Result<Option<Mark>, StoreError> {
    let kept = meta(connection, "clock")?;
    Ok(kept.as_deref().and_then(|text| {
        let mut words = text.split(' ');
        Some(Mark {
            wall: Timestamp::from_unix(words.next()?.parse().ok()?),
            is_set: words.next()? == "set",
            boot_id: words.next().unwrap_or_default().to_owned(),
        })
    }))
}

fn meta(connection: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    let mut statement = connection.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    statement.query_row([name], |row| row.get(0)).optional()
}
