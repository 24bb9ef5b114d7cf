//! Rows of `login`, the log of who signed in or tried to.

use rusqlite::{Row, params};

use super::{Store, StoreError};
use crate::domain::list::{Entry, Page};
use crate::domain::login::{LoginRecord, Method};
use crate::domain::time::Timestamp;

impl Store {
    /// The highest id the log has ever given; 0 where it is new.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn last_login_id(&self) -> Result<i64, StoreError> {
        let sql = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'login'";
        Ok(self.connection.query_row(sql, [], |row| row.get(0))?)
    }

    /// Adds a row under the id its owner gave it while it was in memory.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn insert_login(
        &self,
        entry: &Entry<LoginRecord>,
        clock_is_set: bool,
    ) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO login (id, at, method, login, mac, address, refusal, clock_unset, times)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?;
        let record = &entry.value;
        statement.execute(params![
            entry.id,
            record.at.unix(),
            record.method.word(),
            record.login,
            record.mac.map(|mac| mac.to_string()),
            record.address.map(|address| address.to_string()),
            record.refusal,
            i64::from(!clock_is_set),
            record.times,
        ])?;
        Ok(())
    }

    /// Writes down for how many sign-ins a row stands.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn set_login_times(&self, id: i64, times: u32) -> Result<(), StoreError> {
        let sql = "UPDATE login SET times = ?2 WHERE id = ?1";
        self.connection.prepare_cached(sql)?.execute(params![id, times])?;
        Ok(())
    }

    /// The log in the order of its ids.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn logins(&self, page: Page) -> Result<Vec<Entry<LoginRecord>>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, at, method, login, mac, address, refusal, times FROM login
             WHERE id > ?1 ORDER BY id LIMIT ?2",
        )?;
        let rows = statement.query_map(params![page.after, page.limit], read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Forgets all rows but the newest `keep`; gives how many went.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn keep_logins(&self, keep: u32) -> Result<usize, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "DELETE FROM login
                 WHERE id <= (SELECT id FROM login ORDER BY id DESC LIMIT 1 OFFSET ?1)",
        )?;
        Ok(statement.execute([keep])?)
    }

    /// Forgets rows older than `before`; gives how many went.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn forget_logins(&self, before: Timestamp) -> Result<usize, StoreError> {
        Ok(self.connection.execute("DELETE FROM login WHERE at < ?1", [before.unix()])?)
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Entry<LoginRecord>> {
    let method: String = row.get(2)?;
    let mac: Option<String> = row.get(4)?;
    let address: Option<String> = row.get(5)?;
    let value = LoginRecord {
        at: Timestamp::from_unix(row.get(1)?),
        method: method.parse().unwrap_or(Method::Voucher),
        login: row.get(3)?,
        mac: mac.and_then(|mac| mac.parse().ok()),
        address: address.and_then(|address| address.parse().ok()),
        refusal: row.get(6)?,
        times: u32::try_from(row.get::<_, i64>(7)?).unwrap_or(1),
    };
    Ok(Entry { id: row.get(0)?, value })
}
