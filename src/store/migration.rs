//! The schema's versions and the way from one to the next.

use rusqlite::{Connection, params};

use super::error::StoreError;
use crate::domain::voucher::casefold;

/// Every step ever shipped, in order; step `n` leads to version `n + 1`. Never edit one that has
/// been released, not even a comment: routers in the field have already taken it, and a store whose
/// schema differs from it is refused.
const STEPS: [&str; 9] = [
    include_str!("schema/001_foundation.sql"),
    include_str!("schema/002_sessions.sql"),
    include_str!("schema/003_radius.sql"),
    include_str!("schema/004_replays.sql"),
    include_str!("schema/005_passcode_origin.sql"),
    include_str!("schema/006_view_points.sql"),
    include_str!("schema/007_batches.sql"),
    include_str!("schema/008_session_identity.sql"),
    include_str!("schema/009_counter_offsets.sql"),
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

/// A store of this version as it is new, in memory.
///
/// # Errors
/// What SQLite reports.
pub(super) fn new_store(version: i64) -> Result<Connection, StoreError> {
    let new = Connection::open_in_memory()?;
    for step in STEPS.iter().take(usize::try_from(version).unwrap_or(0)) {
        new.execute_batch(step)?;
    }
    Ok(new)
}

/// Brings the file to the current version in one transaction: after a power cut it is either at
/// the old version or at the new one.
///
/// # Errors
/// As for [`version`], and what SQLite reports.
pub(super) fn migrate(connection: &Connection) -> Result<(), StoreError> {
    let from = version(connection)?;
    if from == CURRENT {
        return fold_again(connection);
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
    fold_again(connection)
}

/// Columns that hold the form in which usernames are compared.
const FOLDED_COLUMNS: [[&str; 2]; 6] = [
    ["voucher", "username_folded"],
    ["session", "login_folded"],
    ["radcheck", "username_folded"],
    ["radreply", "username_folded"],
    ["radusergroup", "username_folded"],
    ["account", "login_folded"],
];

/// What names are compared as by now: in Unicode's composed form, and MAC addresses in one spelling.
const FOLDING: &str = "nfc, mac";

/// That form once was without Unicode normalisation, and MAC addresses were texts. A name that another
/// row has by now keeps what it had. Done once for each file.
fn fold_again(connection: &Connection) -> Result<(), StoreError> {
    let form = "SELECT count(*) FROM meta WHERE name = 'folding' AND value = ?1";
    if connection.query_row(form, [FOLDING], |row| row.get::<_, bool>(0))? {
        return Ok(());
    }
    let transaction = connection.unchecked_transaction()?;
    for [table, column] in FOLDED_COLUMNS {
        // MAC addresses have 12 to 17 characters.
        let sql = format!(
            "SELECT DISTINCT {column} FROM {table}
             WHERE {column} GLOB '*[^ -~]*' OR length({column}) BETWEEN 12 AND 17"
        );
        let mut statement = transaction.prepare(&sql)?;
        let names = statement.query_map([], |row| row.get(0))?;
        let names: Vec<String> = names.collect::<Result<_, _>>()?;
        let update = format!("UPDATE OR IGNORE {table} SET {column} = ?2 WHERE {column} = ?1");
        for name in names.iter().filter(|name| casefold(name) != **name) {
            transaction.execute(&update, [name, &casefold(name)])?;
        }
    }
    let done = "INSERT OR REPLACE INTO meta (name, value) VALUES ('folding', ?1)";
    transaction.execute(done, [FOLDING])?;
    transaction.commit()?;
    Ok(())
}

/// SQLite's `lower()` knows the letters of ASCII only.
fn fold_logins(connection: &Connection) -> Result<(), StoreError> {
    let mut statement =
        connection.prepare("SELECT id, login FROM session WHERE login GLOB '*[^ -~]*'")?;
    let logins = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let logins: Vec<(i64, String)> = logins.collect::<Result<_, _>>()?;
    // By id: without an index on logins, a file with many different ones would take hours.
    let mut update = connection.prepare("UPDATE session SET login_folded = ?2 WHERE id = ?1")?;
    for (id, login) in logins {
        update.execute(params![id, casefold(&login)])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_earlier_versions_are_found_in_their_normal_form() {
        let connection = Connection::open_in_memory().unwrap();
        migrate(&connection).unwrap();
        connection.execute("DELETE FROM meta WHERE name = 'folding'", []).unwrap();
        for (name, folded) in [
            ("Zoe\u{308}", "zoe\u{308}"),
            ("\u{feff}Jo", "\u{feff}jo"),
            ("a", "a"),
            ("02-00-00-00-00-0A", "02-00-00-00-00-0a"),
            ("02000000000a", "02000000000a"),
            ("a dozen letters", "a dozen letters"),
        ] {
            let sql = "INSERT INTO voucher (username, username_folded, passcode, fullname, created_at,
                           modified_at, download_limit, upload_limit) VALUES (?1, ?2, 'x', '', 0, 0, 0, 0)";
            connection.execute(sql, [name, folded]).unwrap();
        }
        migrate(&connection).unwrap();
        let mut statement =
            connection.prepare("SELECT username_folded FROM voucher ORDER BY id").unwrap();
        let folded = statement.query_map([], |row| row.get(0)).unwrap();
        let folded: Vec<String> = folded.map(Result::unwrap).collect();
        // Of two spellings of one MAC address the first counts.
        let [first, second] = ["02:00:00:00:00:0a", "02000000000a"];
        assert_eq!(folded, ["zo\u{eb}", "jo", "a", first, second, "a dozen letters"]);
    }

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
        assert_eq!(folded, names.map(casefold));
    }
}
