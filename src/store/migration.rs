//! The schema's versions and the way from one to the next.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::error::StoreError;
use crate::domain::voucher::fold;

/// Every step ever shipped, in order; step `n` leads to version `n + 1`. Never edit one that has
/// been released: routers in the field have already taken it.
const STEPS: [&str; 4] = [
    include_str!("schema/001_foundation.sql"),
    include_str!("schema/002_sessions.sql"),
    include_str!("schema/003_radius.sql"),
    include_str!("schema/004_replays.sql"),
];

/// The version this program writes.
pub(super) const CURRENT: i64 = STEPS.len() as i64;

/// The first version in which sessions have the folded form of their login.
const FOLDED: i64 = 3;

/// "HSPD": tells our file from anybody else's (SQLite file format §1.3.17).
pub(super) const APPLICATION_ID: i64 = 0x4853_5044;

/// The version of an opened file; 0 is a new one.
///
/// # Errors
/// A newer version than this program knows, or a file of another program.
pub(super) fn version(connection: &Connection) -> Result<i64, StoreError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let version = pragma("user_version")?;
    if version > CURRENT {
        return Err(StoreError::NewerSchema { found: version, known: CURRENT });
    }
    let application = pragma("application_id")?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let ours = application == APPLICATION_ID && version > 0;
    let empty = version == 0 && tables == 0;
    if ours || empty { Ok(version) } else { Err(StoreError::Foreign) }
}

/// Looks for every table and column that a new store has.
///
/// # Errors
/// One is missing: the file was bent by hand or by another program.
pub(super) fn complete(connection: &Connection) -> Result<(), StoreError> {
    let new = Connection::open_in_memory()?;
    migrate(&new)?;
    let has = columns(connection)?;
    match columns(&new)?.into_iter().find(|column| !has.contains(column)) {
        Some(missing) => Err(StoreError::Corrupt(format!("{missing} is missing"))),
        None => Ok(()),
    }
}

/// Every column as `table.column`.
fn columns(connection: &Connection) -> Result<BTreeSet<String>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT tables.name || '.' || columns.name
         FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
         WHERE tables.type = 'table'",
    )?;
    let columns = statement.query_map([], |row| row.get(0))?;
    Ok(columns.collect::<Result<_, _>>()?)
}

/// Brings the file to the current version in one transaction: after a power cut it is either at
/// the old version or at the new one.
///
/// # Errors
/// As for [`version`], and what SQLite reports.
pub(super) fn migrate(connection: &Connection) -> Result<(), StoreError> {
    let from = version(connection)?;
    if from == CURRENT {
        return Ok(());
    }
    let transaction = connection.unchecked_transaction()?;
    for step in STEPS.iter().skip(usize::try_from(from).unwrap_or(0)) {
        transaction.execute_batch(step)?;
    }
    if from < FOLDED {
        fold_logins(&transaction)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", CURRENT)?;
    transaction.commit()?;
    Ok(())
}

/// SQLite's `lower()` knows the letters of ASCII only.
fn fold_logins(connection: &Connection) -> Result<(), StoreError> {
    let mut statement =
        connection.prepare("SELECT DISTINCT login FROM session WHERE login GLOB '*[^ -~]*'")?;
    let logins = statement.query_map([], |row| row.get(0))?;
    let logins: Vec<String> = logins.collect::<Result<_, _>>()?;
    for login in logins {
        let sql = "UPDATE session SET login_folded = ?2 WHERE login = ?1";
        connection.execute(sql, [&login, &fold(&login)])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_of_earlier_versions_are_folded_as_they_are_looked_for() {
        let connection = Connection::open_in_memory().unwrap();
        for step in &STEPS[..2] {
            connection.execute_batch(step).unwrap();
        }
        connection.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        connection.pragma_update(None, "user_version", 2).unwrap();
        let names = ["Zimmer 7", "ÄRZTIN", "Гость"];
        for name in names {
            let sql = "INSERT INTO session (voucher, login, mac, network, started_at, seconds,
                           download, upload) VALUES (1, ?1, '', '', 0, 0, 0, 0)";
            connection.execute(sql, [name]).unwrap();
        }
        migrate(&connection).unwrap();
        let mut statement =
            connection.prepare("SELECT login_folded FROM session ORDER BY id").unwrap();
        let folded = statement.query_map([], |row| row.get(0)).unwrap();
        let folded: Vec<String> = folded.map(Result::unwrap).collect();
        assert_eq!(folded, names.map(fold));
    }
}
