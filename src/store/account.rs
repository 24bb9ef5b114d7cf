//! What counters add up: the sessions of a login that have ended, and what is left of those that
//! are forgotten.

use std::time::Duration;

use rusqlite::{OptionalExtension, params};

use super::session::{duration, unsigned};
use super::{Store, StoreError};
use crate::domain::session::Usage;
use crate::domain::time::{Now, Timestamp};

/// Seconds for which the sessions of a user are kept at least, whatever else is forgotten: a month
/// has to be added up.
const MONTH: i64 = 32 * 24 * 3600;

/// Users whose sessions counters may ask for: a voucher has its own.
const USERS: &str = "(SELECT username_folded FROM radcheck
                      UNION SELECT username_folded FROM radusergroup)";

/// A session that has ended, as far as counters care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub time: Duration,
    /// Octets.
    pub usage: Usage,
}

impl Store {
    /// The sessions of a login that have ended, those that were over before `since` left out.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn stretches(
        &self,
        login_folded: &str,
        since: Option<Timestamp>,
    ) -> Result<Vec<Stretch>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT started_at, seconds, download, upload FROM session
             WHERE login_folded = ?1 AND ended_at IS NOT NULL AND started_at + seconds >= ?2",
        )?;
        let since = since.map_or(i64::MIN, Timestamp::unix);
        let rows = statement.query_map(params![login_folded, since], |row| {
            Ok(Stretch {
                started_at: Timestamp::from_unix(row.get(0)?),
                time: duration(row.get(1)?),
                usage: Usage { download: unsigned(row.get(2)?), upload: unsigned(row.get(3)?) },
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What a login's forgotten sessions came to.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn forgotten_usage(&self, login_folded: &str) -> Result<(Duration, Usage), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT seconds, download, upload FROM account WHERE login_folded = ?1",
        )?;
        let row = statement.query_row([login_folded], |row| {
            let usage = Usage { download: unsigned(row.get(1)?), upload: unsigned(row.get(2)?) };
            Ok((duration(row.get(0)?), usage))
        });
        Ok(row.optional()?.unwrap_or_default())
    }

    /// When a user signed in for the first time, where that was ever of any use.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn first_login_of(&self, login_folded: &str) -> Result<Option<Timestamp>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT first_login FROM account WHERE login_folded = ?1")?;
        let at: Option<Option<i64>> =
            statement.query_row([login_folded], |row| row.get(0)).optional()?;
        Ok(at.flatten().map(Timestamp::from_unix))
    }

    /// Writes down that a user has signed in for the first time.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn set_first_login_of(&self, login_folded: &str, now: Now) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO account (login_folded, first_login, clock_unset) VALUES (?1, ?2, ?3)
             ON CONFLICT (login_folded) DO UPDATE SET first_login = excluded.first_login,
                 clock_unset = excluded.clock_unset
             WHERE first_login IS NULL",
        )?;
        statement.execute(params![login_folded, now.wall.unix(), i64::from(!now.wall_is_set)])?;
        Ok(())
    }

    /// Forgets all sessions that have ended but the newest `keep`, and users' of this month up to
    /// as many again; gives how many went.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn keep_sessions(&self, keep: u32, now: Now) -> Result<usize, StoreError> {
        let Some(oldest) = self.session_before(keep)? else { return Ok(0) };
        // Whoever signs in and out in a loop shall not fill the flash.
        if let Some(oldest) = self.session_before(keep.saturating_mul(2))? {
            self.forget_where("ended_at IS NOT NULL AND id <= ?1 AND ?2", oldest, 1)?;
        }
        let gone = format!(
            "ended_at IS NOT NULL AND id <= ?1
             AND (ended_at < ?2 OR login_folded NOT IN {USERS})"
        );
        self.forget_where(&gone, oldest, now.wall.plus(-MONTH).unix())
    }

    /// Forgets the oldest sessions that have ended, users' too, where all rows together hold more
    /// octets than this: access points choose how long theirs are.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn keep_session_octets(&self, most: u32) -> Result<usize, StoreError> {
        // Numbers, stamps and what indexes repeat come to some 200 octets.
        let sql = "SELECT id FROM (
                SELECT id, sum(200 + 2 * octet_length(login) + octet_length(network)
                    + coalesce(octet_length(nas.username), 0)
                    + coalesce(octet_length(acct_session), 0)
                    + coalesce(octet_length(nas_identifier), 0)
                    + coalesce(octet_length(called_station), 0)
                    + coalesce(octet_length(calling_station), 0)
                    + coalesce(octet_length(port_id), 0)
                    + coalesce(octet_length(connect_start), 0)
                    + coalesce(octet_length(connect_stop), 0)) OVER (ORDER BY id DESC) AS octets
                FROM session LEFT JOIN nas_session AS nas ON nas.session = id)
            WHERE octets > ?1 ORDER BY id DESC LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let oldest: Option<i64> = statement.query_row([most], |row| row.get(0)).optional()?;
        match oldest {
            Some(oldest) => {
                self.forget_where("ended_at IS NOT NULL AND id <= ?1 AND ?2", oldest, 1)
            }
            None => Ok(0),
        }
    }

    /// Forgets the oldest sessions up to this one that have ended, so many at most.
    pub(super) fn forget_some(
        &self,
        newest: i64,
        most: u32,
        now: Now,
    ) -> Result<usize, StoreError> {
        let month = now.wall.plus(-MONTH).unix();
        let gone =
            format!("ended_at IS NOT NULL AND (ended_at < ?2 OR login_folded NOT IN {USERS})");
        let sql = format!(
            "SELECT max(id) FROM (SELECT id FROM session WHERE id <= ?1 AND {gone} LIMIT ?3)"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let last: Option<i64> =
            statement.query_row(params![newest, month, most], |row| row.get(0))?;
        match last {
            Some(last) => self.forget_where(&format!("id <= ?1 AND {gone}"), last, month),
            None => Ok(0),
        }
    }

    /// The session that so many newer ones follow.
    pub(super) fn session_before(&self, newer: u32) -> Result<Option<i64>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT id FROM session ORDER BY id DESC LIMIT 1 OFFSET ?1")?;
        Ok(statement.query_row([newer], |row| row.get(0)).optional()?)
    }

    /// Forgets sessions that ended before this moment, and users' of this month not even then;
    /// gives how many went.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn forget_sessions(&self, before: Timestamp, now: Now) -> Result<usize, StoreError> {
        let gone = format!("ended_at < ?1 AND (ended_at < ?2 OR login_folded NOT IN {USERS})");
        self.forget_where(&gone, before.unix(), now.wall.plus(-MONTH).unix())
    }

    /// What users have used stays known when its sessions go. Sums stop at the end of the range: an
    /// access point that reports nonsense must not keep everything from being written.
    fn forget_where(&self, gone: &str, bound: i64, month: i64) -> Result<usize, StoreError> {
        self.connection
            .prepare_cached(&format!(
                "INSERT INTO account (login_folded, seconds, download, upload)
                 SELECT login_folded, CAST(total(seconds) AS INTEGER),
                     CAST(total(download) AS INTEGER), CAST(total(upload) AS INTEGER)
                 FROM session WHERE {gone} AND login_folded IN {USERS} GROUP BY login_folded
                 ON CONFLICT (login_folded) DO UPDATE SET
                     seconds = CAST(seconds + excluded.seconds AS INTEGER),
                     download = CAST(download + excluded.download AS INTEGER),
                     upload = CAST(upload + excluded.upload AS INTEGER)"
            ))?
            .execute([bound, month])?;
        let mut statement =
            self.connection.prepare_cached(&format!("DELETE FROM session WHERE {gone}"))?;
        Ok(statement.execute([bound, month])?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::session::TerminateCause;
    use crate::store::SessionRecord;
    use crate::temp_dir::Scratch;

    #[test]
    fn the_sessions_of_users_have_their_number_too_and_what_they_came_to_stays_known() {
        let scratch = Scratch::new();
        let store = Store::open(scratch.path()).unwrap();
        let sql = "INSERT INTO radcheck (username, username_folded, attribute, op, value)
                       VALUES ('u', 'u', 'Cleartext-Password', ':=', 'x')";
        store.connection.execute(sql, []).unwrap();
        let wall = Timestamp::from_unix(1_800_000_000);
        let now = Now { wall, wall_is_set: true, boot: Duration::ZERO };
        let mac = "98:01:A7:CB:BB:01".parse().unwrap();
        for id in 1..=50 {
            let row = SessionRecord::unwritten(id, 0, "u".into(), mac, "lobby".into(), now);
            let usage = Usage { download: 10, upload: 0 };
            let end = Some((wall, TerminateCause::UserRequest));
            store.put_session(&SessionRecord { usage, end, ..row }).unwrap();
        }
        store.keep_sessions(10, now).unwrap();
        assert_eq!(store.stretches("u", None).unwrap().len(), 20);
        assert_eq!(store.forgotten_usage("u").unwrap().1.download, 300);
    }
}
