//! Backups that were made to do harm: refused before anything in them is executed.

use std::fs;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::json;

use crate::support::{Daemon, OPEN_API};

/// A whole backup with one voucher, changed by these statements.
fn altered(daemon: &Daemon, statements: &str) -> Vec<u8> {
    let path = daemon.scratch.path().join("altered.db");
    fs::write(&path, daemon.cli(&["backup", "-"]).stdout).unwrap();
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA foreign_keys = OFF").unwrap();
    connection.execute_batch(statements).unwrap_or_else(|error| panic!("{statements}: {error}"));
    drop(connection);
    fs::read(path).unwrap()
}

/// What is made of a schema with one object beside ours or in the place of one.
const SCHEMAS: [(&str, &str); 16] = [
    (
        "an unremovable voucher",
        "CREATE TRIGGER keep BEFORE DELETE ON voucher BEGIN SELECT RAISE(IGNORE); END",
    ),
    (
        "an endless recursion",
        "CREATE TRIGGER hang AFTER UPDATE ON session BEGIN
             INSERT INTO meta WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)
             SELECT x, x FROM n; END;
         INSERT INTO session (voucher, login, mac, network, started_at, seconds, download, upload,
             clock_unset) VALUES (1, 'a', '', '', 0, 0, 0, 0, 1)",
    ),
    ("a view", "CREATE VIEW v AS SELECT * FROM voucher"),
    ("a view for a table", "ALTER TABLE device RENAME TO d; CREATE VIEW device AS SELECT * FROM d"),
    ("a table", "CREATE TABLE other (x)"),
    ("a generated column", "ALTER TABLE login ADD COLUMN x TEXT AS (hex(zeroblob(900000000)))"),
    ("a column", "ALTER TABLE voucher ADD COLUMN x INTEGER DEFAULT 7"),
    ("an index", "CREATE UNIQUE INDEX one ON voucher (organisation)"),
    ("an index on an expression", "CREATE INDEX slow ON login (length(printf('%900000000d', id)))"),
    ("a partial index", "CREATE INDEX part ON login (at) WHERE length(login) > 1"),
    ("statistics", "ANALYZE"),
    (
        "a check that takes for ever",
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = replace(sql, 'value TEXT NOT NULL',
             'value TEXT NOT NULL CHECK (printf(''%0200000000d'', 1) NOT GLOB
                 ''*0*0*0*0*0*0*0*0*1*1'')') WHERE name = 'meta'",
    ),
    (
        "a virtual table",
        "PRAGMA writable_schema = ON;
         INSERT INTO sqlite_schema VALUES
             ('table', 'v', 'v', 0, 'CREATE VIRTUAL TABLE v USING fts5(x)')",
    ),
    (
        "nonsense",
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = 'CREATE TABEL x' WHERE name = 'login'",
    ),
    (
        "a name that fills the terminal",
        "PRAGMA writable_schema = ON;
         INSERT INTO sqlite_schema VALUES ('view', char(27) || printf('[2J%01000d', 1), 'v', 0,
             'CREATE VIEW v AS SELECT 1')",
    ),
    ("a table less", "DROP TABLE nas_session"),
];

/// Values that no command of ours stores.
const VALUES: [(&str, &str); 17] = [
    ("the last number", "UPDATE sqlite_sequence SET seq = 9223372036854775807"),
    ("a number below all", "UPDATE sqlite_sequence SET seq = -9223372036854775808"),
    ("a word for a number", "UPDATE sqlite_sequence SET seq = 'many'"),
    ("numbers of no table", "INSERT INTO sqlite_sequence VALUES ('other', 5)"),
    ("numbers twice", "INSERT INTO sqlite_sequence SELECT * FROM sqlite_sequence"),
    ("the last voucher", "UPDATE voucher SET id = 9223372036854775807"),
    ("a voucher that no list shows", "UPDATE voucher SET id = -5"),
    ("a long text", "UPDATE voucher SET fullname = printf('%070000d', 1)"),
    ("a long log", "INSERT INTO login (at, method, login) VALUES (0, '', printf('%070000d', 1))"),
    ("a long name", "UPDATE voucher SET username = printf('%0254d', 1)"),
    ("a long passcode", "UPDATE voucher SET passcode = printf('%0129d', 1)"),
    ("no name", "UPDATE voucher SET username = ' '"),
    ("no passcode", "UPDATE voucher SET passcode = ''"),
    ("a line break", "UPDATE voucher SET fullname = 'a' || char(10) || 'b'"),
    ("a time that never ends", "UPDATE voucher SET valid_seconds = -1"),
    (
        "another organisation's voucher",
        "INSERT INTO organisation VALUES (2, 'x', 'x'); UPDATE voucher SET organisation = 2",
    ),
    ("a device of a voucher to come", "INSERT INTO device VALUES ('02:00:00:00:00:01', 2)"),
];

#[test]
fn a_backup_with_anything_that_is_not_ours_is_refused_and_changes_nothing() {
    let mut daemon = Daemon::start();
    daemon.post(json!({"action": "create_voucher", "username": "a"}));
    let before = daemon.vouchers();
    for (what, statements) in SCHEMAS.iter().chain(&VALUES) {
        let path = daemon.scratch.path().join("hostile.db");
        fs::write(&path, altered(&daemon, statements)).unwrap();
        let began = Instant::now();
        let output = daemon.cli(&["restore", &path.display().to_string()]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{what}: {error}");
        assert!(
            error.contains("damaged (") && error.ends_with("; nothing was changed\n"),
            "{error}"
        );
        assert!(error.len() < 300 && !error.contains('\u{1b}'), "{what}: {error}");
        // A guard against hanging, of which each of these is worth minutes at least.
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        assert_eq!(daemon.vouchers(), before, "{what}");
    }
    assert!(daemon.post(json!({"action": "create_voucher"})).message().contains("success"));
    assert!(daemon.stop().success());
}

#[test]
fn a_store_with_anything_that_is_not_ours_is_set_aside_at_the_start() {
    for (what, statements) in SCHEMAS.iter().chain(&VALUES[..7]) {
        let mut daemon = Daemon::start();
        daemon.post(json!({"action": "create_voucher", "username": "a"}));
        let bytes = altered(&daemon, statements);
        daemon.kill();
        fs::remove_dir_all(daemon.data()).unwrap();
        fs::create_dir(daemon.data()).unwrap();
        fs::write(daemon.database(), bytes).unwrap();
        daemon.launch();
        assert_eq!(daemon.vouchers().len(), 0, "{what}");
        assert!(daemon.data().join("hotspotd.db.damaged").exists(), "{what}");
        assert!(daemon.cli_ok(&["check"]).contains("started empty"), "{what}");
    }
}

#[test]
fn a_schema_of_an_earlier_version_is_compared_with_that_version() {
    let daemon = Daemon::start();
    let path = daemon.scratch.path().join("old.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch("PRAGMA page_size = 1024").unwrap();
    old.execute_batch(include_str!("../../src/store/schema/001_foundation.sql")).unwrap();
    old.execute_batch("PRAGMA application_id = 0x48535044; PRAGMA user_version = 1").unwrap();
    drop(old);
    let name = path.display().to_string();
    assert_eq!(daemon.cli_ok(&["restore", &name]), "restored, 0 vouchers\n");
    let old = Connection::open(&path).unwrap();
    // The migration to version 3 updates this table.
    old.execute_batch(include_str!("../../src/store/schema/002_sessions.sql")).unwrap();
    old.execute_batch(
        "PRAGMA user_version = 2;
         CREATE TRIGGER t AFTER UPDATE ON session BEGIN DELETE FROM voucher; END",
    )
    .unwrap();
    drop(old);
    let output = daemon.cli(&["restore", &name]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("trigger 't' does not belong to it"), "{error}");
}

#[test]
fn a_voucher_that_is_filed_under_another_name_can_be_removed_by_its_own() {
    let daemon = Daemon::start();
    daemon.post(json!({"action": "create_voucher", "username": "Room"}));
    let path = daemon.scratch.path().join("misfiled.db");
    fs::write(&path, altered(&daemon, "UPDATE voucher SET username_folded = 'other'")).unwrap();
    daemon.cli_ok(&["restore", &path.display().to_string()]);
    daemon.cli_ok(&["voucher", "remove", "room"]);
    assert_eq!(daemon.vouchers().len(), 0);
}

#[test]
fn many_logins_of_an_earlier_version_are_brought_to_this_one_in_linear_time() {
    let daemon = Daemon::with(OPEN_API, "");
    let path = daemon.scratch.path().join("many.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch("PRAGMA page_size = 1024").unwrap();
    old.execute_batch(include_str!("../../src/store/schema/001_foundation.sql")).unwrap();
    old.execute_batch(include_str!("../../src/store/schema/002_sessions.sql")).unwrap();
    old.execute_batch(
        "PRAGMA application_id = 0x48535044; PRAGMA user_version = 2;
         INSERT INTO session (voucher, login, mac, network, started_at, seconds, download, upload,
             ended_at)
         WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 100000)
         SELECT x, 'Ö' || x, '', '', 0, 0, 0, 0, 0 FROM n",
    )
    .unwrap();
    drop(old);
    assert_eq!(daemon.cli_ok(&["restore", &path.display().to_string()]), "restored, 0 vouchers\n");
}
