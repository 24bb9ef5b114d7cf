//! Backups: taken from the running daemon, put back into it, and refused where they are none.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rusqlite::Connection;
use serde_json::json;

use crate::support::{Daemon, binary};

/// With three vouchers.
fn daemon() -> Daemon {
    let daemon = Daemon::start();
    for username in ["a", "b", "c"] {
        let call = json!({"action": "create_voucher", "username": username, "valid_for": "5 days"});
        assert_eq!(daemon.post(call).message(), "User added successfully");
    }
    daemon
}

fn file(daemon: &Daemon, name: &str) -> (PathBuf, String) {
    let path = daemon.scratch.path().join(name);
    let shown = path.display().to_string();
    (path, shown)
}

#[test]
fn a_backup_brings_back_what_was_there_when_it_was_taken() {
    let mut daemon = daemon();
    let before = daemon.vouchers();
    let (path, name) = file(&daemon, "copy.db");
    let said = daemon.cli_ok(&["backup", &name]);
    let size = fs::metadata(&path).unwrap().len();
    assert_eq!(said, format!("{size} bytes written to {name}\n"));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    daemon.cli_ok(&["voucher", "remove", "a"]);
    daemon.cli_ok(&["voucher", "create", "--count", "500"]);
    // An existing file is replaced by a newer backup.
    let (_, later) = file(&daemon, "later.db");
    daemon.cli_ok(&["backup", &later]);
    assert!(daemon.cli_ok(&["backup", &later]).ends_with("later.db\n"));
    assert_eq!(daemon.cli_ok(&["restore", &name]), "restored, 3 vouchers\n");
    assert_eq!(daemon.vouchers(), before);
    assert_eq!(daemon.cli_ok(&["restore", &later]), "restored, 502 vouchers\n");
    daemon.cli_ok(&["restore", &name]);
    daemon.kill();
    daemon.launch();
    assert_eq!(daemon.vouchers(), before);
    let created = daemon.post(json!({"action": "create_voucher", "username": "d"}));
    // Ids that vouchers had after the backup do not come again for others.
    assert_eq!(created.json()["user"]["id"], 504);
}

#[test]
fn a_backup_goes_through_pipes_as_well() {
    let daemon = daemon();
    let before = daemon.vouchers();
    let bytes = daemon.cli(&["backup", "-"]).stdout;
    assert!(bytes.starts_with(b"SQLite format 3\0"));
    daemon.cli_ok(&["voucher", "remove", "b"]);
    let (path, name) = file(&daemon, "copy.db");
    fs::write(path, &bytes).unwrap();
    let restore = Command::new(binary())
        .arg("-c")
        .arg(daemon.config())
        .args(["restore", "-"])
        .stdin(Stdio::from(fs::File::open(&name).unwrap()))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&restore.stdout), "restored, 3 vouchers\n");
    assert_eq!(daemon.vouchers(), before);
}

#[test]
fn a_backup_that_cannot_be_written_is_reported() {
    let daemon = daemon();
    let directory = daemon.scratch.path().display().to_string();
    for (file, reason) in [
        ("/nowhere/copy.db", "/nowhere/copy.db: No such file or directory"),
        ("/dev/full", "/dev/full: No space left on device"),
        (&directory, "Is a directory"),
    ] {
        let output = daemon.cli(&["backup", file]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{file}");
        assert!(error.starts_with("hotspotd: ") && error.contains(reason), "{error}");
    }
}

/// What nobody should be able to restore, with the reason that is given.
fn bad_backups(daemon: &Daemon) -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let whole = daemon.cli(&["backup", "-"]).stdout;
    let altered = |name: &str, statements: &str| {
        let (path, _) = file(daemon, name);
        if !statements.starts_with("CREATE") {
            fs::write(&path, &whole).unwrap();
        }
        Connection::open(&path).unwrap().execute_batch(statements).unwrap();
        fs::read(path).unwrap()
    };
    let cut = |length: usize| whole[..length].to_vec();
    let newer = altered("newer", "PRAGMA journal_mode = DELETE; PRAGMA user_version = 99;");
    let foreign = altered("foreign", "CREATE TABLE t (x); INSERT INTO t VALUES (1);");
    let mut torn = whole.clone();
    let middle = torn.len() / 2 / 1024 * 1024;
    torn[middle..].fill(0xa5);
    vec![
        ("nothing", Vec::new(), "not one of hotspotd"),
        ("garbage", b"this is no backup at all. ".repeat(500), "not one of hotspotd"),
        ("a header only", cut(100), "damaged"),
        ("one page", cut(1024), "damaged"),
        ("half of it", cut(whole.len() / 2), "damaged"),
        ("all but a page", cut(whole.len() - 1024), "damaged"),
        ("all but a byte", cut(whole.len() - 1), "damaged"),
        ("half overwritten", torn, "damaged"),
        ("another program's", foreign, "not one of hotspotd"),
        ("a newer version's", newer, "schema version 99"),
    ]
}

#[test]
fn what_is_no_whole_backup_is_refused_and_changes_nothing() {
    let daemon = daemon();
    let before = daemon.vouchers();
    for (what, bytes, reason) in bad_backups(&daemon) {
        let (path, name) = file(&daemon, "bad.db");
        fs::write(path, bytes).unwrap();
        let output = daemon.cli(&["restore", &name]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{what}: {error}");
        assert!(
            error.contains(reason) && error.ends_with("; nothing was changed\n"),
            "{what}: {error}"
        );
        assert_eq!(daemon.vouchers(), before, "{what}");
        let left: Vec<_> =
            fs::read_dir(daemon.data()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(
            !left.iter().any(|name| name.to_string_lossy().contains("restore")),
            "{what}: {left:?}"
        );
    }
    let missing = daemon.cli(&["restore", "/nowhere/copy.db"]);
    assert_eq!(missing.status.code(), Some(1));
    let created = daemon.post(json!({"action": "create_voucher"}));
    assert_eq!(created.message(), "User added successfully");
}

#[test]
fn a_backup_without_its_tables_is_refused_and_changes_nothing() {
    let daemon = daemon();
    let before = daemon.vouchers();
    let (path, name) = file(&daemon, "bare.db");
    for table in ["voucher", "login", "meta", "visitor"] {
        fs::write(&path, daemon.cli(&["backup", "-"]).stdout).unwrap();
        let drop = format!("PRAGMA journal_mode = DELETE; DROP TABLE {table};");
        Connection::open(&path).unwrap().execute_batch(&drop).unwrap();
        let output = daemon.cli(&["restore", &name]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{table}: {error}");
        assert!(error.ends_with("; nothing was changed\n"), "{table}: {error}");
        assert_eq!(daemon.vouchers(), before, "{table}");
    }
}

#[test]
fn a_backup_may_be_named_without_a_directory() {
    let daemon = daemon();
    let here = daemon.scratch.path();
    let output = crate::support::program()
        .current_dir(here)
        .arg("-c")
        .arg(daemon.config())
        .args(["backup", "bare.db"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(here.join("bare.db").exists());
}
