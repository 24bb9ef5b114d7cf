//! Rows of `nas_session`: what access points say of their sessions.

use std::net::IpAddr;
use std::time::Duration;

use rusqlite::{OptionalExtension, Row, params};

use super::session::{duration, octets, seconds, unsigned};
use super::{SessionRecord, Store, StoreError};
use crate::domain::accounting::Offsets;
use crate::domain::nas::{Details, Nas, ViewPoint};
use crate::domain::station::Mac;
use crate::domain::time::Timestamp;

/// What is kept of an access point's session beside what every session has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NasRecord {
    /// As rlm_acct_unique has it: for those who read the table.
    pub unique_id: String,
    /// The access point.
    pub nas: Nas,
    /// User-Name, as it is reported.
    pub username: String,
    /// Acct-Session-Id.
    pub session: String,
    /// When it was last heard of.
    pub updated_at: Timestamp,
    /// The latest Event-Timestamp of its reports, by the access point's clock.
    pub latest: Option<Timestamp>,
    /// The rest.
    pub details: Details,
    /// Connect-Info of its end.
    pub connect_stop: Option<String>,
    /// The Class that it was given.
    pub class: Option<Vec<u8>>,
    /// Octets that a user may use in it, both ways together; `None` is without end.
    pub total_limit: Option<u64>,
    /// Acct-Session-Time as it was reported last, which may be more than has passed.
    pub reported_time: Duration,
    /// What was counted beside the access point's counters.
    pub offsets: Offsets,
}

/// Sessions of one Acct-Session-Id at one client that are looked at: access points that were switched
/// off count from the same number again.
const MOST_NUMBERED: u32 = 32;

const COLUMNS: &str = "unique_id, nas_source, nas_address, nas_identifier, username, acct_session, \
                       updated_at, called_station, calling_station, port, port_id, port_type, \
                       service_type, framed_protocol, authentic, connect_start, connect_stop, event_at, \
                       view_point, class, total_limit, reported_seconds, \
                       download_offset, upload_offset";

impl Store {
    /// Writes down what an access point says of a session.
    pub(super) fn put_nas_session(&self, id: i64, record: &NasRecord) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "INSERT INTO nas_session (session, {COLUMNS})
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
                 ?19, ?20, ?21, ?22, ?23, ?24, ?25)
             ON CONFLICT (session) DO UPDATE SET updated_at = excluded.updated_at,
                 acct_session = excluded.acct_session,
                 nas_source = excluded.nas_source, nas_address = excluded.nas_address,
                 nas_identifier = excluded.nas_identifier, class = excluded.class,
                 total_limit = excluded.total_limit,
                 reported_seconds = excluded.reported_seconds,
                 download_offset = excluded.download_offset,
                 upload_offset = excluded.upload_offset,
                 called_station = coalesce(excluded.called_station, called_station),
                 connect_stop = excluded.connect_stop, event_at = excluded.event_at,
                 view_point = excluded.view_point"
        ))?;
        let NasRecord { nas, details, .. } = record;
        statement.execute(params![
            id,
            record.unique_id,
            nas.source.to_string(),
            nas.address.map(|address| address.to_string()),
            nas.identifier,
            record.username,
            record.session,
            record.updated_at.unix(),
            details.called_station,
            details.calling_station,
            details.port,
            details.port_id,
            details.port_type,
            details.service_type,
            details.framed_protocol,
            details.authentic,
            details.connect_info,
            record.connect_stop,
            record.latest.map(Timestamp::unix),
            details.view_point.number(),
            record.class,
            record.total_limit.map(octets),
            seconds(record.reported_time),
            record.offsets.download,
            record.offsets.upload,
        ])?;
        Ok(())
    }

    /// What an access point says of the session with this id.
    pub(super) fn nas_session(&self, id: i64) -> Result<Option<NasRecord>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS}, (SELECT network FROM session WHERE id = ?1)
             FROM nas_session WHERE session = ?1"
        ))?;
        Ok(statement.query_row([id], read).optional()?.flatten())
    }

    /// Whether a session of this login at this client is written down, which none is of whom we
    /// did not let in.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn has_session(&self, login_folded: &str, client: &str) -> Result<bool, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM session JOIN nas_session ON session.id = session
                            WHERE login_folded = ?1 AND network = ?2)",
        )?;
        Ok(statement.query_row([login_folded, client], |row| row.get(0))?)
    }

    /// Sessions of this Acct-Session-Id, open or not, the latest first: at a client, of this device or of
    /// one that is not known, where it is; and those of this Class, wherever.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn sessions_numbered(
        &self,
        client: &str,
        acct_session: &str,
        station: Option<Mac>,
        class: Option<&[u8]>,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT session FROM nas_session JOIN session ON session.id = nas_session.session
             WHERE substr(acct_session, -24) = substr(?1, -24) AND acct_session = ?1
                 AND (network = ?2 AND (?3 = '' OR mac = '' OR mac = ?3) OR class = ?4)
             ORDER BY ?4 IS NOT NULL AND class IS NOT ?4, nas_session.session DESC LIMIT {MOST_NUMBERED}"
        ))?;
        let station = station.map(|mac| mac.to_string()).unwrap_or_default();
        let key = params![acct_session, client, station, class];
        let ids = statement.query_map(key, |row| row.get(0))?;
        let ids = ids.collect::<Result<Vec<i64>, _>>()?;
        let rows = ids.into_iter().map(|id| self.session(id)).collect::<Result<Vec<_>, _>>()?;
        Ok(rows.into_iter().flatten().collect())
    }
}

/// `None` where somebody has bent the row by hand.
fn read(row: &Row<'_>) -> rusqlite::Result<Option<NasRecord>> {
    let source: String = row.get(1)?;
    let Ok(source) = source.parse() else { return Ok(None) };
    let address: Option<String> = row.get(2)?;
    let network: String = row.get(24)?;
    Ok(Some(NasRecord {
        unique_id: row.get(0)?,
        nas: Nas {
            client: network.into(),
            source,
            address: address.and_then(|address| address.parse::<IpAddr>().ok()),
            identifier: row.get(3)?,
        },
        username: row.get(4)?,
        session: row.get(5)?,
        updated_at: Timestamp::from_unix(row.get(6)?),
        details: Details {
            called_station: row.get(7)?,
            calling_station: row.get(8)?,
            port: row.get(9)?,
            port_id: row.get(10)?,
            port_type: row.get(11)?,
            service_type: row.get(12)?,
            framed_protocol: row.get(13)?,
            authentic: row.get(14)?,
            connect_info: row.get(15)?,
            view_point: ViewPoint::numbered(row.get(18)?).unwrap_or_default(),
        },
        connect_stop: row.get(16)?,
        latest: row.get::<_, Option<i64>>(17)?.map(Timestamp::from_unix),
        class: row.get(19)?,
        total_limit: row.get::<_, Option<i64>>(20)?.map(unsigned),
        reported_time: duration(row.get(21)?),
        offsets: Offsets { download: row.get(22)?, upload: row.get(23)? },
    }))
}
