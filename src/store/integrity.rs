//! What a database file may hold besides undamaged pages.
//!
//! A backup comes from elsewhere. A trigger, view, index or column that is not ours would be
//! executed with the daemon's rights for as long as the file lives, and rows that no command
//! reaches would sign somebody in for ever. So the schema must be the one that this program makes,
//! text for text, and nothing of the file is executed before that is known
//! (<https://sqlite.org/security.html>, "Untrusted SQLite Database Files").

use rusqlite::config::DbConfig;
use rusqlite::{Connection, params};

use super::error::StoreError;
use super::migration;
use crate::domain::rule::GroupName;
use crate::domain::voucher::{FullName, Passcode, Username, casefold, casefold_text};

/// The highest row id. Higher ones would be inexact in JSON (RFC 8259 section 6), and at 2^63 - 1
/// SQLite has no next one.
const MAX_ID: i64 = 1 << 53;
/// Octets of the longest text: an attribute of RADIUS has 253, and log rows less than a kilobyte.
const TEXT_OCTETS: i64 = 4096;
/// Characters of a foreign name in a message.
const SHOWN: usize = 64;

/// Switches off what our schema does not use and a foreign one could abuse. Comes before the first
/// statement on a connection.
///
/// # Errors
/// What SQLite reports.
pub(super) fn restrict(connection: &Connection) -> Result<(), StoreError> {
    for (config, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
    ] {
        connection.set_db_config(config, on)?;
    }
    Ok(())
}

/// One row of `sqlite_schema` without its page; ordered, so that two schemas can be compared.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct SchemaObject {
    name: String,
    kind: String,
    table: String,
    sql: Option<String>,
}

/// Checks that the schema is the one a new store of this version has, nothing less and nothing
/// beside it.
///
/// # Errors
/// [`StoreError::Corrupt`] with the name of what differs.
pub(super) fn schema(connection: &Connection, version: i64) -> Result<(), StoreError> {
    let expected = schema_objects(&migration::new_store(version)?)?;
    let found = schema_objects(connection)?;
    let foreign = found.iter().find(|object| !expected.contains(object));
    let missing = expected.iter().find(|object| !found.contains(object));
    let what = match (foreign, missing) {
        (Some(foreign), Some(missing)) if foreign.name == missing.name => {
            format!("{} is not as this version makes it", described(foreign))
        }
        (Some(foreign), _) => format!("{} does not belong to it", described(foreign)),
        (None, Some(missing)) => format!("{} is missing", described(missing)),
        (None, None) if found.len() != expected.len() => "its schema has doubles".to_owned(),
        (None, None) => return Ok(()),
    };
    Err(StoreError::Corrupt(what))
}

fn schema_objects(connection: &Connection) -> Result<Vec<SchemaObject>, StoreError> {
    let mut statement =
        connection.prepare("SELECT name, type, tbl_name, sql FROM sqlite_schema")?;
    let objects = statement.query_map([], |row| {
        Ok(SchemaObject {
            name: row.get(0)?,
            kind: row.get(1)?,
            table: row.get(2)?,
            sql: row.get(3)?,
        })
    })?;
    let mut objects = objects.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    objects.sort();
    Ok(objects)
}

fn described(object: &SchemaObject) -> String {
    let shown =
        |text: &str| text.chars().take(SHOWN).collect::<String>().escape_debug().to_string();
    format!("{} '{}'", shown(&object.kind), shown(&object.name))
}

/// A value of another type than its column's is no fault of the file system.
fn unreadable(error: rusqlite::Error) -> StoreError {
    match StoreError::from(error) {
        StoreError::Unusable(what) => StoreError::Corrupt(what),
        other => other,
    }
}

/// Checks that row ids can go on: `AUTOINCREMENT` continues from the higher of a table's last row
/// and its entry in `sqlite_sequence`, which SQLite keeps without type or bounds
/// (<https://sqlite.org/autoinc.html>). Lists are read from id 1 on, so a row below it would be
/// hidden.
///
/// # Errors
/// [`StoreError::Corrupt`] with the name of the table.
pub(super) fn row_ids(connection: &Connection) -> Result<(), StoreError> {
    let numbered = "SELECT name FROM sqlite_schema
                    WHERE type = 'table' AND sql LIKE '%PRIMARY KEY AUTOINCREMENT%'";
    let sequence = format!(
        "SELECT count(*) FROM sqlite_sequence
         WHERE typeof(name) <> 'text' OR typeof(seq) <> 'integer' OR seq NOT BETWEEN 0 AND ?1
            OR name NOT IN ({numbered})"
    );
    let odd: i64 = connection.query_row(&sequence, [MAX_ID], |row| row.get(0))?;
    let doubles = "SELECT count(*) - count(DISTINCT name) FROM sqlite_sequence";
    let doubles: i64 = connection.query_row(doubles, [], |row| row.get(0))?;
    if odd > 0 || doubles > 0 {
        return Err(StoreError::Corrupt("a number in 'sqlite_sequence' is impossible".to_owned()));
    }
    for table in names(connection, numbered)? {
        // Two statements, each of which looks at one end of the table only.
        let id = |which: &str| -> Result<Option<i64>, StoreError> {
            let sql = format!("SELECT {which}(id) FROM \"{table}\"");
            Ok(connection.query_row(&sql, [], |row| row.get(0))?)
        };
        if id("min")?.is_some_and(|id| id < 1) || id("max")?.is_some_and(|id| id > MAX_ID) {
            return Err(StoreError::Corrupt(format!("a row id in '{table}' is impossible")));
        }
    }
    Ok(())
}

fn names(connection: &Connection, sql: &str) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare(sql)?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// Checks the rows of a backup, whose schema is known to be right: texts of bounded length, nothing
/// that points nowhere, and only names that the commands can be given. The form in which names are
/// compared is computed anew: where it differed, a row could be used and not be removed.
///
/// # Errors
/// [`StoreError::Corrupt`] with what is wrong.
pub(super) fn rows(connection: &Connection) -> Result<(), StoreError> {
    text_lengths(connection)?;
    references(connection)?;
    vouchers(connection)?;
    for table in ["voucher", "radcheck", "radreply", "radusergroup"] {
        usernames(connection, table)?;
    }
    for table in ["radgroupcheck", "radgroupreply", "radusergroup"] {
        groups(connection, table)?;
    }
    compared_form(connection, "session", "login", "login_folded", |login| Ok(casefold(login)))
}

fn text_lengths(connection: &Connection) -> Result<(), StoreError> {
    let columns = "SELECT tables.name, columns.name
                   FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
                   WHERE tables.type = 'table' AND columns.type = 'TEXT'";
    let mut statement = connection.prepare(columns)?;
    let columns = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (table, column) in columns.collect::<Result<Vec<(String, String)>, _>>()? {
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM \"{table}\" WHERE octet_length(\"{column}\") > ?1)"
        );
        if connection.query_row(&sql, [TEXT_OCTETS], |row| row.get(0))? {
            return Err(StoreError::Corrupt(format!("a text in '{table}' is too long")));
        }
    }
    Ok(())
}

/// Rows of an organisation that no command knows, and devices of a voucher that is yet to come.
fn references(connection: &Connection) -> Result<(), StoreError> {
    let others = "SELECT EXISTS (SELECT 1 FROM organisation WHERE id <> 1)";
    if connection.query_row(others, [], |row| row.get(0))? {
        return Err(StoreError::Corrupt("it has more than one organisation".to_owned()));
    }
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    let mut dangling = statement.query([])?;
    match dangling.next()? {
        Some(row) => {
            let table: String = row.get(0)?;
            Err(StoreError::Corrupt(format!("a row of '{table}' points to one that is not there")))
        }
        None => Ok(()),
    }
}

fn vouchers(connection: &Connection) -> Result<(), StoreError> {
    let mut statement = connection.prepare("SELECT id, passcode, fullname FROM voucher")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (id, passcode, fullname): (i64, String, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        if !matches!(Passcode::parse(&passcode), Ok(Some(_))) || FullName::parse(&fullname).is_err()
        {
            return Err(impossible_text("voucher", id));
        }
    }
    Ok(())
}

fn usernames(connection: &Connection, table: &str) -> Result<(), StoreError> {
    compared_form(connection, table, "username", "username_folded", |name| {
        match Username::parse(name) {
            Ok(Some(username)) => Ok(username.folded()),
            _ => Err(()),
        }
    })
}

fn groups(connection: &Connection, table: &str) -> Result<(), StoreError> {
    let mut statement = connection.prepare(&format!("SELECT id, groupname FROM {table}"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (id, name): (i64, String) = (row.get(0)?, row.get(1)?);
        if !GroupName::parse(&name).is_ok_and(|group| group.as_str() == name) {
            return Err(impossible_text(table, id));
        }
    }
    Ok(())
}

/// Computes `folded` of each row from `column`.
fn compared_form(
    connection: &Connection,
    table: &str,
    column: &str,
    folded: &str,
    compute: impl Fn(&str) -> Result<String, ()>,
) -> Result<(), StoreError> {
    let mut statement =
        connection.prepare(&format!("SELECT id, {column}, {folded} FROM {table}"))?;
    let mut rows = statement.query([])?;
    let mut differing = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, name, kept): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let right = compute(&name).map_err(|()| impossible_text(table, id))?;
        if right != kept {
            // Earlier versions took two spellings of one MAC address for two names.
            differing.push((id, right, kept == casefold_text(&name)));
        }
    }
    let mut update =
        connection.prepare(&format!("UPDATE {table} SET {folded} = ?2 WHERE id = ?1"))?;
    for (id, right, was_right) in differing {
        let updated = update.execute(params![id, right]);
        updated
            .map(|_| ())
            .or_else(|_| was_right.then_some(()).ok_or(impossible_text(table, id)))?;
    }
    Ok(())
}

fn impossible_text(table: &str, id: i64) -> StoreError {
    StoreError::Corrupt(format!("a text in row {id} of '{table}' is impossible"))
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;
    use std::time::Duration;

    use proptest::prelude::*;

    use crate::domain::list::Page;
    use crate::domain::time::{Now, Timestamp};
    use crate::domain::voucher::Username;
    use crate::store::{CheckedBackup, Store};
    use crate::temp_dir::Scratch;

    const NOW: Now = Now {
        wall: Timestamp::from_unix(1_800_000_000),
        wall_is_set: true,
        boot: Duration::from_secs(100),
    };

    /// A store with rows in every table that anything is written to.
    fn backup() -> Vec<u8> {
        static BACKUP: OnceLock<Vec<u8>> = OnceLock::new();
        BACKUP.get_or_init(written).clone()
    }

    fn written() -> Vec<u8> {
        let scratch = Scratch::new();
        let mut store = Store::open(scratch.path()).unwrap();
        let mut sql = String::new();
        for n in 1..=30 {
            sql.push_str(&format!(
                "INSERT INTO voucher (username, username_folded, passcode, fullname, created_at,
                     modified_at, download_limit, upload_limit)
                     VALUES ('Room{n}', 'room{n}', 'secret', 'Guest', 0, 0, 0, 0);
                 INSERT INTO login (at, method, login) VALUES (0, 'voucher', 'room{n}');
                 INSERT INTO session (voucher, login, login_folded, mac, network, started_at,
                     seconds, download, upload)
                     VALUES ({n}, 'Room{n}', 'room{n}', '', 'guest', 0, 0, 0, 0);
                 INSERT INTO nas_session (session, unique_id, nas_source, username, acct_session,
                     updated_at) VALUES ({n}, 'u{n}', '192.0.2.1', 'Room{n}', 'x', 0);
                 INSERT INTO device VALUES ('m{n}', {n});
                 INSERT INTO account (login_folded) VALUES ('room{n}');
                 INSERT INTO radcheck (username, username_folded, attribute, op, value)
                     VALUES ('Jo{n}', 'jo{n}', 'Max-Daily-Session', ':=', '7200');
                 INSERT INTO radgroupreply (groupname, attribute, op, value)
                     VALUES ('staff', 'Idle-Timeout', ':=', '600');
                 INSERT INTO radusergroup (username, username_folded, groupname)
                     VALUES ('Jo{n}', 'jo{n}', 'staff');"
            ));
        }
        store.connection.execute_batch(&sql).unwrap();
        store.serialize().unwrap()
    }

    /// Restores what was found fit, and uses it.
    fn is_usable(backup: CheckedBackup) {
        let scratch = Scratch::new();
        let mut store = Store::open(scratch.path()).unwrap();
        let count = store.restore(backup, NOW).unwrap();
        let listed = store.vouchers(Page { after: 0, limit: 1000 }).unwrap();
        assert_eq!(listed.len() as i64, count);
        store.begin().unwrap();
        for voucher in listed {
            let username = Username::parse(voucher.value.username.as_str()).unwrap().unwrap();
            assert_eq!(store.remove_voucher(&username).unwrap(), Some(voucher.id));
            assert!(store.insert_voucher(&voucher.value, NOW).unwrap().unwrap() > voucher.id);
        }
        store.commit().unwrap();
    }

    #[test]
    fn what_was_not_changed_is_usable() {
        is_usable(CheckedBackup::new(backup()).unwrap());
    }

    #[test]
    fn an_index_that_hides_a_voucher_is_found() {
        let mut bytes = backup();
        // The index of usernames: length 6, then the text behind the organisation's 1.
        let places = bytes.windows(6).enumerate().filter(|(_, text)| *text == b"room17");
        let places: Vec<usize> = places.map(|(place, _)| place).collect();
        let refused = places.iter().filter(|place| {
            bytes[**place] = b'R';
            let refused = CheckedBackup::new(bytes.clone()).is_err();
            bytes[**place] = b'r';
            refused
        });
        // Rows of voucher, session and account are mended or free; both indexes are not.
        assert!(refused.count() >= 2, "{places:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

        #[test]
        fn a_backup_with_changed_octets_is_refused_or_usable(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
        ) {
            let mut bytes = backup();
            for (place, octet) in changes {
                let place = place.index(bytes.len());
                bytes[place] = octet;
            }
            if let Ok(backup) = CheckedBackup::new(bytes) {
                is_usable(backup);
            }
        }
    }
}
