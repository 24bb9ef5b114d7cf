//! Rows of `session`.

use std::time::Duration;

use rusqlite::{OptionalExtension, Row, params};

use super::nas_session::NasRecord;
use super::{Store, StoreError};
use crate::domain::session::{TerminateCause, Usage};
use crate::domain::station::Mac;
use crate::domain::time::{Now, Timestamp};
use crate::domain::voucher::casefold;

/// A session as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Its number, never given twice.
    pub id: i64,
    /// The voucher's id; 0 is none.
    pub voucher: i64,
    /// What the guest signed in with.
    pub login: String,
    /// Their device; always known on a guest network.
    pub mac: Option<Mac>,
    /// The guest network, or the access point's section.
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
    /// What an access point says of it; `None` on a guest network.
    pub nas_session: Option<Box<NasRecord>>,
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
            mac: Some(mac),
            network,
            address: None,
            started_at: now.wall,
            clock_is_set: now.wall_is_set,
            time: Duration::ZERO,
            usage: Usage::default(),
            deadline: None,
            end: None,
            nas_session: None,
        }
    }
}

const COLUMNS: &str = "id, voucher, login, mac, network, address, started_at, clock_unset, \
                       seconds, download, upload, deadline, ended_at, cause";

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
            "INSERT INTO session ({COLUMNS}, login_folded)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
             ON CONFLICT (id) DO UPDATE SET voucher = excluded.voucher, login = excluded.login,
                 login_folded = excluded.login_folded, address = excluded.address,
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
            session.mac.map(|mac| mac.to_string()).unwrap_or_default(),
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
            casefold(&session.login),
        ])?;
        match &session.nas_session {
            Some(nas_session) => self.put_nas_session(session.id, nas_session),
            None => Ok(()),
        }
    }

    /// The sessions that were open when they were last written down.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn open_sessions(&self) -> Result<Vec<SessionRecord>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM session WHERE ended_at IS NULL ORDER BY id"
        ))?;
        let rows = statement.query_map([], read)?.collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().map(|row| self.with_remote(row)).collect()
    }

    /// The session with this id.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn session(&self, id: i64) -> Result<Option<SessionRecord>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(&format!("SELECT {COLUMNS} FROM session WHERE id = ?1"))?;
        let row = statement.query_row([id], read).optional()?;
        row.map(|row| self.with_remote(row)).transpose()
    }

    fn with_remote(&self, row: SessionRecord) -> Result<SessionRecord, StoreError> {
        let nas_session = self.nas_session(row.id)?.map(Box::new);
        Ok(SessionRecord { nas_session, ..row })
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<SessionRecord> {
    let mac: String = row.get(3)?;
    let cause: Option<String> = row.get(13)?;
    let cause = cause.as_deref().and_then(TerminateCause::named);
    let ended: Option<i64> = row.get(12)?;
    Ok(SessionRecord {
        id: row.get(0)?,
        voucher: row.get(1)?,
        login: row.get(2)?,
        mac: mac.parse().ok(),
        network: row.get(4)?,
        address: row.get(5)?,
        started_at: Timestamp::from_unix(row.get(6)?),
        clock_is_set: row.get::<_, i64>(7)? == 0,
        time: duration(row.get(8)?),
        usage: Usage { download: unsigned(row.get(9)?), upload: unsigned(row.get(10)?) },
        deadline: row.get::<_, Option<i64>>(11)?.map(duration),
        end: ended
            .map(|at| (Timestamp::from_unix(at), cause.unwrap_or(TerminateCause::NasRequest))),
        nas_session: None,
    })
}

pub(super) fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

pub(super) fn duration(seconds: i64) -> Duration {
    Duration::from_secs(unsigned(seconds))
}

pub(super) fn octets(octets: u64) -> i64 {
    i64::try_from(octets).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
