//! Rows of `device`: who needs no form any more.

use std::collections::{HashMap, HashSet};

use rusqlite::{OptionalExtension, params};

use super::{Store, StoreError};
use crate::domain::station::Mac;

impl Store {
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

    /// Lets so many devices at most that no session is kept of belong to no voucher any more; gives
    /// how many.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn forget_devices_without_session(&self, most: u32) -> Result<usize, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "DELETE FROM device WHERE mac IN (
                 SELECT mac FROM device WHERE mac NOT IN (SELECT mac FROM session) LIMIT ?1)",
        )?;
        Ok(statement.execute([most])?)
    }

    /// Devices that belong to a voucher, so many at most.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn devices_of_voucher(&self, voucher: i64, most: usize) -> Result<Vec<Mac>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT mac FROM device WHERE voucher = ?1 LIMIT ?2")?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![voucher, most], |row| row.get::<_, String>(0))?;
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        Ok(rows.iter().filter_map(|mac| mac.parse().ok()).collect())
    }

    /// Devices that have signed in, each with the folded login, the latest last: those that belong
    /// to a voucher, and those of the latest sessions. Where these are more than `limit`, a login
    /// with many devices loses its oldest first.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn devices_signed_in(&self, limit: usize) -> Result<Vec<(Mac, String)>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT mac, login_folded, id FROM session WHERE mac <> ''
             UNION ALL
             SELECT device.mac, voucher.username_folded, 0 FROM device
                 JOIN voucher ON voucher.id = device.voucher
             ORDER BY 3 DESC",
        )?;
        let mut rows = statement.query([])?;
        let mut latest_first = Vec::new();
        let mut seen = HashSet::new();
        let mut devices: HashMap<String, usize> = HashMap::new();
        while let Some(row) = rows.next()? {
            let (mac, login) = (row.get::<_, String>(0)?.parse::<Mac>(), row.get::<_, String>(1)?);
            let Ok(mac) = mac else { continue };
            let newer = devices.entry(login.clone()).or_default();
            if *newer < limit && seen.insert((mac, login.clone())) {
                latest_first.push((*newer, (mac, login)));
                *newer += 1;
            }
        }
        Ok(shared_out(latest_first, limit))
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

/// Of devices, the latest first, each with how many newer ones its login has: as many as there is
/// room for, as evenly among logins as that goes, the latest last.
fn shared_out(latest_first: Vec<(usize, (Mac, String))>, limit: usize) -> Vec<(Mac, String)> {
    let mut fairly: Vec<_> = latest_first.into_iter().enumerate().collect();
    fairly.sort_by_key(|(_, (newer, _))| *newer);
    fairly.truncate(limit);
    fairly.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
    fairly.into_iter().map(|(_, (_, device))| device).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::time::{Now, Timestamp};
    use crate::store::SessionRecord;
    use crate::temp_dir::Scratch;

    fn mac(number: u16) -> Mac {
        let [high, low] = number.to_be_bytes();
        Mac::new([2, 0, 0, 0, high, low])
    }

    #[test]
    fn a_login_with_ever_new_devices_crowds_out_no_other() {
        let scratch = Scratch::new();
        let store = Store::open(scratch.path()).unwrap();
        let wall = Timestamp::from_unix(1_800_000_000);
        let now = Now { wall, wall_is_set: true, boot: Duration::ZERO };
        for number in 1..=200 {
            let login = if number < 3 { "honest" } else { "greedy" };
            let id = i64::from(number);
            let (login, network) = (login.to_owned(), "lobby".to_owned());
            let row = SessionRecord::unwritten(id, 1, login, mac(number), network, now);
            store.put_session(&row).unwrap();
        }
        let known = store.devices_signed_in(10).unwrap();
        let devices: Vec<Mac> = known.into_iter().map(|(mac, _)| mac).collect();
        let expected: Vec<Mac> = [1, 2].into_iter().chain(193..=200).map(mac).collect();
        assert_eq!(devices, expected);
    }
}
