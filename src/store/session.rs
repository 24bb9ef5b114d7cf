//! Rows of `session`, and of `device`: who needs no form any more.

use std::time::Duration;

use rusqlite::{OptionalExtension, Row, params};

use super::{Store, StoreError};
use crate::domain::session::{TerminateCause, Usage};
use crate::domain::station::Mac;
use crate::domain::time::{Now, Timestamp};

/// A session as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Its number, never given twice.
    pub id: i64,
    /// The voucher's id.
    pub voucher: i64,
    /// What the guest signed in with.
    pub login: String,
    /// Their device.
    pub mac: Mac,
    /// The guest network.
    pub network: String,
    /// The address the device was last seen with, as text.
    pub address: Option<String>,
    /// When they signed in.
    pub started_at: Timestamp,
    /// Whether the clock was set then.
    pub clock_is_set: bool,
    /// Time used so far.
    pub time: Duration,
    /// Octets so far.
    pub usage: Usage,
    /// By the boot clock; only worth something within the same boot.
    pub deadline: Option<Duration>,
    /// When and why it ended; `None` while it is open.
    pub end: Option<(Timestamp, TerminateCause)>,
}

impl SessionRecord {
    /// A session that only the kernel knows of; what it has used counts from 0.
    pub fn unwritten(
        id: i64,
        voucher: i64,
        login: String,
        mac: Mac,
        network: String,
        now: Now,
    ) -> Self {
        Self {
            id,
            voucher,
            login,
            mac,
            network,
            address: None,
            started_at: now.wall,
            clock_is_set: now.wall_is_set,
            time: Duration::ZERO,
            usage: Usage::default(),
            deadline: None,
            end: None,
        }
    }
}

const COLUMNS: &str = "id, voucher, login, mac, network, address, started_at, clock_unset, \
                       seconds, download, upload, deadline";

impl Store {
    /// The highest session id ever given; 0 where there was none.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn last_session_id(&self) -> Result<i64, StoreError> {
        let sql = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'session'";
        Ok(self.connection.query_row(sql, [], |row| row.get(0))?)
    }

    /// Writes a session down, for the first time or again.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn put_session(&self, session: &SessionRecord) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "INSERT INTO session ({COLUMNS}, ended_at, cause)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
             ON CONFLICT (id) DO UPDATE SET address = excluded.address,
                 network = excluded.network, started_at = excluded.started_at,
                 clock_unset = excluded.clock_unset, seconds = excluded.seconds,
                 download = excluded.download, upload = excluded.upload,
                 deadline = excluded.deadline, ended_at = excluded.ended_at,
                 cause = excluded.cause"
        ))?;
        statement.execute(params![
            session.id,
            session.voucher,
            session.login,
            session.mac.to_string(),
            session.network,
            session.address,
            session.started_at.unix(),
            i64::from(!session.clock_is_set),
            seconds(session.time),
            octets(session.usage.download),
            octets(session.usage.upload),
            session.deadline.map(seconds),
            session.end.map(|(at, _)| at.unix()),
            session.end.map(|(_, cause)| cause.word()),
        ])?;
        Ok(())
    }

    /// The sessions that were open when they were last written down.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn open_sessions(&self) -> Result<Vec<SessionRecord>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM session WHERE ended_at IS NULL ORDER BY id"
        ))?;
        let rows = statement.query_map([], read)?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// Forgets all sessions that have ended but the newest `keep`; gives how many went.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn keep_sessions(&self, keep: u32) -> Result<usize, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "DELETE FROM session WHERE ended_at IS NOT NULL
                 AND id <= (SELECT id FROM session ORDER BY id DESC LIMIT 1 OFFSET ?1)",
        )?;
        Ok(statement.execute([keep])?)
    }

    /// Forgets sessions that ended before this moment; gives how many went.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn forget_sessions(&self, before: Timestamp) -> Result<usize, StoreError> {
        Ok(self.connection.execute("DELETE FROM session WHERE ended_at < ?1", [before.unix()])?)
    }

    /// Remembers that a device belongs to a voucher, to this one only.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn remember_device(&self, mac: Mac, voucher: i64) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO device (mac, voucher) VALUES (?1, ?2)
             ON CONFLICT (mac) DO UPDATE SET voucher = excluded.voucher",
        )?;
        statement.execute(params![mac.to_string(), voucher])?;
        Ok(())
    }

    /// Lets a device belong to no voucher any more.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn forget_device(&self, mac: Mac) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached("DELETE FROM device WHERE mac = ?1")?;
        statement.execute([mac.to_string()])?;
        Ok(())
    }

    /// The voucher that a device belongs to.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn voucher_of_device(&self, mac: Mac) -> Result<Option<i64>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT voucher FROM device WHERE mac = ?1")?;
        Ok(statement.query_row([mac.to_string()], |row| row.get(0)).optional()?)
    }
}

/// `None` where somebody has bent the row by hand.
fn read(row: &Row<'_>) -> rusqlite::Result<Option<SessionRecord>> {
    let mac: String = row.get(3)?;
    let Ok(mac) = mac.parse() else { return Ok(None) };
    Ok(Some(SessionRecord {
        id: row.get(0)?,
        voucher: row.get(1)?,
        login: row.get(2)?,
        mac,
        network: row.get(4)?,
        address: row.get(5)?,
        started_at: Timestamp::from_unix(row.get(6)?),
        clock_is_set: row.get::<_, i64>(7)? == 0,
        time: duration(row.get(8)?),
        usage: Usage { download: unsigned(row.get(9)?), upload: unsigned(row.get(10)?) },
        deadline: row.get::<_, Option<i64>>(11)?.map(duration),
        end: None,
    }))
}

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

fn duration(seconds: i64) -> Duration {
    Duration::from_secs(unsigned(seconds))
}

pub(super) fn octets(octets: u64) -> i64 {
    i64::try_from(octets).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
