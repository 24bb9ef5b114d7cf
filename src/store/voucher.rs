//! Rows of `voucher`.

use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, params};

use super::batch::IS_WHOLE;
use super::session::{octets, unsigned};
use super::{Store, StoreError};
use crate::domain::list::{Entry, Page};
use crate::domain::session::Usage;
use crate::domain::station::Mac;
use crate::domain::time::{Now, Timestamp};
use crate::domain::validity::ValidFor;
use crate::domain::voucher::{DataLimit, FullName, Passcode, Username, Voucher};

const COLUMNS: &str = "id, username, passcode, fullname, created_at, modified_at, first_login, \
                       last_login, valid_seconds, valid_from, mac, download_limit, upload_limit, \
                       used_download, used_upload, passcode_generated";

impl Store {
    /// Adds a voucher and gives its id; `None` where the username is taken.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn insert_voucher(&self, voucher: &Voucher, now: Now) -> Result<Option<i64>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO voucher (username, username_folded, passcode, fullname, created_at,
                 modified_at, first_login, last_login, valid_seconds, valid_from, mac,
                 download_limit, upload_limit, clock_unset, passcode_generated)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        )?;
        let inserted = statement.insert(params![
            voucher.username.as_str(),
            voucher.username.folded(),
            voucher.passcode.secret().reveal(),
            voucher.fullname.as_str(),
            voucher.created_at.unix(),
            voucher.modified_at.unix(),
            voucher.first_login.map(Timestamp::unix),
            voucher.last_login.map(Timestamp::unix),
            voucher.valid_for.seconds(),
            voucher.valid_from.map(Timestamp::unix),
            voucher.mac.map(|mac| mac.to_string()),
            voucher.download_limit.megabytes(),
            voucher.upload_limit.megabytes(),
            i64::from(!now.wall_is_set),
            voucher.is_passcode_generated,
        ]);
        match inserted {
            Ok(id) => Ok(Some(id)),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a voucher and gives its id; `None` where no voucher has this username.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn remove_voucher(&self, username: &Username) -> Result<Option<i64>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "DELETE FROM voucher
                 WHERE organisation = 1 AND username_folded = ?1 AND {IS_WHOLE} RETURNING id"
        ))?;
        Ok(statement.query_row([username.folded()], |row| row.get(0)).optional()?)
    }

    /// The voucher with this id.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn voucher_by_id(&self, id: i64) -> Result<Option<Entry<Voucher>>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(&format!("SELECT {COLUMNS} FROM voucher WHERE id = ?1"))?;
        Ok(statement.query_row([id], read).optional()?)
    }

    /// Writes down what has been used with a voucher.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn set_used(&self, id: i64, used: Usage) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "UPDATE voucher SET used_download = ?2, used_upload = ?3 WHERE id = ?1",
        )?;
        statement.execute(params![id, octets(used.download), octets(used.upload)])?;
        Ok(())
    }

    /// The voucher with this username.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn voucher(&self, username: &Username) -> Result<Option<Entry<Voucher>>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM voucher
             WHERE organisation = 1 AND username_folded = ?1 AND {IS_WHOLE}"
        ))?;
        Ok(statement.query_row([username.folded()], read).optional()?)
    }

    /// Vouchers in the order of their ids.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn vouchers(&self, page: Page) -> Result<Vec<Entry<Voucher>>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM voucher WHERE id > ?1 AND {IS_WHOLE} ORDER BY id LIMIT ?2"
        ))?;
        let rows = statement.query_map(params![page.after, page.limit], read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many vouchers there are.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn voucher_count(&self) -> Result<i64, StoreError> {
        Ok(count(&self.connection)?)
    }

    /// How many vouchers have time left, as far as their rows tell.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn valid_voucher_count(&self, now: Now) -> Result<u64, StoreError> {
        let sql = format!(
            "SELECT count(*) FROM voucher
             WHERE {IS_WHOLE} AND (
                 valid_seconds IS NULL OR coalesce(first_login, valid_from) IS NULL
                 OR max(coalesce(first_login, 0), coalesce(valid_from, 0)) + valid_seconds > ?1)"
        );
        Ok(self.connection.query_row(&sql, [now.wall.unix()], |row| row.get(0)).map(unsigned)?)
    }

    /// Writes down the login that starts a voucher's time.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn set_first_login(
        &self,
        id: i64,
        station: Option<Mac>,
        now: Now,
    ) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "UPDATE voucher SET first_login = ?2, last_login = ?2, mac = coalesce(?3, mac),
                 clock_unset = (clock_unset & 1) | ?4
             WHERE id = ?1",
        )?;
        let unset = if now.wall_is_set { 0 } else { 2 | 4 };
        statement.execute(params![
            id,
            now.wall.unix(),
            station.map(|mac| mac.to_string()),
            unset
        ])?;
        Ok(())
    }

    /// Writes down a later login.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn set_last_login(
        &self,
        id: i64,
        at: Timestamp,
        station: Option<Mac>,
        clock_is_set: bool,
    ) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "UPDATE voucher SET last_login = ?2, mac = coalesce(?3, mac), clock_unset = (clock_unset & 3) | ?4
             WHERE id = ?1",
        )?;
        let unset = if clock_is_set { 0 } else { 4 };
        statement.execute(params![id, at.unix(), station.map(|mac| mac.to_string()), unset])?;
        Ok(())
    }
}

/// How many vouchers there are in a store.
pub(super) fn count(connection: &Connection) -> rusqlite::Result<i64> {
    let sql = format!("SELECT count(*) FROM voucher WHERE {IS_WHOLE}");
    connection.query_row(&sql, [], |row| row.get(0))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Entry<Voucher>> {
    let time = |column: usize| -> rusqlite::Result<Option<Timestamp>> {
        Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_unix))
    };
    let seconds: Option<i64> = row.get(8)?;
    let valid_for = ValidFor::from_seconds(seconds)
        .ok_or_else(|| rusqlite::Error::IntegralValueOutOfRange(8, seconds.unwrap_or_default()))?;
    let mac: Option<String> = row.get(10)?;
    let value = Voucher {
        username: Username::stored(row.get(1)?),
        passcode: Passcode::stored(row.get(2)?),
        fullname: FullName::stored(row.get(3)?),
        created_at: Timestamp::from_unix(row.get(4)?),
        modified_at: Timestamp::from_unix(row.get(5)?),
        first_login: time(6)?,
        last_login: time(7)?,
        valid_for,
        valid_from: time(9)?,
        mac: mac.and_then(|mac| mac.parse::<Mac>().ok()),
        download_limit: DataLimit::from_megabytes(row.get(11)?),
        upload_limit: DataLimit::from_megabytes(row.get(12)?),
        used: Usage { download: unsigned(row.get(13)?), upload: unsigned(row.get(14)?) },
        is_passcode_generated: row.get(15)?,
    };
    Ok(Entry { id: row.get(0)?, value })
}
