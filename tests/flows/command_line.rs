//! The command line, as a person and as a script use it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::{Daemon, OPEN_API, binary, program};

/// Exit code, standard output and standard error.
fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn run(arguments: &[&str]) -> (i32, String, String) {
    told(&program().args(arguments).output().unwrap())
}

/// Runs a line of shell in which `$hotspotd` is the program with the daemon's configuration.
fn shell(daemon: &Daemon, line: &str) -> (i32, String, String) {
    let config = daemon.config();
    let hotspotd = format!("{} -c {}", binary(), config.display());
    let mut command = Command::new("bash");
    command.args(["-c", &format!("set -o pipefail; {line}")]).env("hotspotd", hotspotd);
    told(&command.output().unwrap())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn help_and_version_are_printed_whatever_else_is_wrong() {
    for arguments in [
        &["--help"][..],
        &["-h"],
        &["help"],
        &["-c", "/nowhere", "--help"],
        &["session", "close", "-h"],
    ] {
        let (code, out, error) = run(arguments);
        assert_eq!((code, error.as_str()), (0, ""), "{arguments:?}");
        for word in [
            "run",
            "try",
            "check",
            "voucher create",
            "voucher list",
            "voucher remove USERNAME",
            "guests",
            "sessions",
            "session close MAC|USERNAME",
            "logins",
            "user password USERNAME",
            "user check USERNAME ROW",
            "group list | show",
            "api-key show | rotate",
            "backup FILE",
            "restore FILE",
            "--format",
            "--download-limit",
            "Exit status",
            "64",
            "69",
            "78",
        ] {
            assert!(out.contains(word), "{word}: {out}");
        }
    }
    for flag in ["--version", "-V"] {
        let version = format!("hotspotd {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!(run(&[flag]), (0, version, String::new()));
    }
}

#[test]
fn misuse_is_told_with_code_64() {
    for (line, reason) in [
        ("", "no command is given"),
        ("frobnicate", "there is no command 'frobnicate'"),
        ("voucher", "'voucher create', 'voucher list', 'voucher correct' or 'voucher remove'?"),
        ("voucher remove", "whose voucher? 'voucher remove USERNAME'"),
        ("voucher list --format xml", "--format must be table, csv or json"),
        ("voucher create --count 0", "--count must be a number from 1 to 1000000"),
        ("voucher create --count 2 --username x", "--username goes with a single voucher"),
        ("voucher create --download-limit 9437185", "--download-limit must be a number of MB"),
        ("voucher list --count 3", "--count does not belong to 'voucher list'"),
        ("run --format csv", "--format does not belong to 'run'"),
        ("voucher create --colour", "there is no option --colour"),
        ("voucher remove a b", "too many words after 'voucher remove'"),
        ("session", "'session close MAC|USERNAME'?"),
        ("session close", "whose session? 'session close MAC|USERNAME'"),
        ("session close a b", "too many words after 'session close'"),
        ("session close a --format csv", "--format does not belong to 'session close a'"),
        ("guests all", "too many words after 'guests'"),
        ("sessions --count 3", "--count does not belong to 'sessions'"),
        ("backup", "which file? 'backup FILE'"),
        ("api-key", "'api-key show' or 'api-key rotate'?"),
        ("try -c /x", "'try' brings its own configuration"),
        ("-x run", "-x"),
        ("voucher create --count", "--count"),
    ] {
        let (code, out, error) = run(&line.split_whitespace().collect::<Vec<_>>());
        assert_eq!((code, out.as_str()), (64, ""), "{line}: {error}");
        assert!(error.starts_with("hotspotd: ") && error.contains(reason), "{line}: {error}");
        assert!(error.ends_with("Try 'hotspotd --help'.\n"), "{line}: {error}");
    }
}

#[test]
fn without_a_daemon_the_code_is_69_and_the_hint_says_what_to_do() {
    let daemon = Daemon::prepared(OPEN_API, "");
    for arguments in [
        &["voucher", "list"][..],
        &["voucher", "create"],
        &["voucher", "remove", "x"],
        &["guests"],
        &["sessions"],
        &["session", "close", "x"],
        &["logins"],
        &["api-key", "show"],
        &["api-key", "rotate"],
        &["backup", "-"],
        &["restore", "/dev/null"],
    ] {
        let (code, out, error) = told(&daemon.cli(arguments));
        assert_eq!((code, out.as_str()), (69, ""), "{arguments:?}");
        assert!(error.starts_with("hotspotd: no daemon is running"), "{error}");
        assert!(error.contains("start it with 'hotspotd run'"), "{error}");
    }
}

#[test]
fn a_wrong_configuration_has_code_78_and_names_file_and_line() {
    let daemon = Daemon::prepared("option allow_gett '1'", "");
    let path = daemon.config().display().to_string();
    for arguments in
        [&["run"][..], &["check"], &["check", "config"], &["voucher", "list"], &["api-key", "show"]]
    {
        let (code, out, error) = told(&daemon.cli(arguments));
        assert_eq!((code, out.as_str()), (78, ""), "{arguments:?}");
        assert!(error.starts_with(&format!("{path}:8: section 'api': ")), "{error}");
        assert!(error.contains("did you mean 'allow_get'?"), "{error}");
    }
    let (code, _, error) = run(&["-c", "/nowhere/hotspotd", "run"]);
    assert_eq!(code, 78);
    assert!(error.contains("/nowhere/hotspotd: No such file or directory"), "{error}");
}

#[test]
fn a_daemon_that_runs_is_reached_whatever_its_file_says_now() {
    let daemon = Daemon::start();
    daemon.configure("option allow_gett '1'", "");
    let (code, out, error) = told(&daemon.cli(&["voucher", "list"]));
    assert_eq!((code, out.as_str()), (0, "(none)\n"), "{error}");
    assert!(error.contains("did you mean 'allow_get'?"), "{error}");
    assert!(error.contains("goes on with the configuration it had"), "{error}");
    assert_eq!(told(&daemon.cli(&["check"])).0, 78);
}

#[test]
fn create_takes_every_option_and_prints_every_format() {
    let daemon = Daemon::start();
    let fixed = [
        "voucher",
        "create",
        "--passcode",
        "p 1",
        "--fullname",
        "Doe, \"Jo\"",
        "--valid-for",
        "5 days",
        "--valid-from",
        "2025-01-17 10:00:00",
        "--download-limit",
        "1024",
        "--upload-limit",
        "512",
        "--username",
    ];
    let create = |rest: &[&str]| daemon.cli_ok(&[&fixed, rest].concat());
    let table = create(&["a"]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("id  username  passcode  fullname"), "{table}");
    assert!(lines[1].starts_with("1   a         p 1       Doe, \"Jo\"  5 days"), "{table}");
    let csv = "id,username,passcode,fullname,valid_for,valid_from,download_limit,upload_limit\r\n\
               2,b,p 1,\"Doe, \"\"Jo\"\"\",5 days,2025-01-17 10:00:00,1024,512\r\n";
    assert_eq!(create(&["b", "--format", "csv"]), csv);
    let row: Value = serde_json::from_str(&create(&["c", "--format", "json"])).unwrap();
    let expected = json!([{
        "id": 3, "username": "c", "passcode": "p 1", "fullname": "Doe, \"Jo\"",
        "valid_for": "5 days", "valid_from": "2025-01-17 10:00:00", "download_limit": "1024",
        "upload_limit": "512",
    }]);
    assert_eq!(row, expected);
    let listed: Value =
        serde_json::from_str(&daemon.cli_ok(&["voucher", "list", "--format", "json"])).unwrap();
    assert_eq!(listed, json!(daemon.vouchers()));
    let csv = daemon.cli_ok(&["voucher", "list", "--format", "csv"]);
    let header = "id,username,passcode,fullname,valid_for,valid_from,first_login,last_login,MAC,";
    assert!(csv.starts_with(header), "{csv}");
    assert_eq!(csv.matches("\r\n").count(), 4);
    assert_eq!(daemon.cli_ok(&["logins"]), "(none)\n");
    assert_eq!(daemon.cli_ok(&["logins", "--format", "json"]), "[]\n");
}

#[test]
fn what_the_daemon_refuses_has_code_1_and_a_reason() {
    let daemon = Daemon::start();
    daemon.cli_ok(&["voucher", "create", "--username", "Jo"]);
    for (arguments, reason) in [
        (&["voucher", "create", "--username", " jO "][..], "the username already exists"),
        (&["voucher", "remove", "nobody"], "there is no voucher with this username"),
        (&["voucher", "remove", " "], "no username was given"),
        (&["voucher", "create", "--valid-for", "24 hours"], "valid_for: must be 'always'"),
        (&["voucher", "create", "--valid-from", "soon"], "valid_from: must be a date and time"),
        (&["voucher", "create", "--passcode", "a\nb"], "passcode: must have no control characters"),
    ] {
        let (code, out, error) = told(&daemon.cli(arguments));
        assert_eq!((code, out.as_str()), (1, ""), "{arguments:?}");
        assert!(error.starts_with("hotspotd: ") && error.contains(reason), "{error}");
    }
    assert_eq!(daemon.cli_ok(&["voucher", "remove", "JO"]), "removed JO\n");
    assert_eq!(daemon.cli_ok(&["voucher", "list"]), "(none)\n");
}

#[test]
fn a_large_batch_is_made_whole_and_without_a_double() {
    let daemon = Daemon::start();
    let batch =
        ["voucher", "create", "--count", "2000", "--valid-for", "2 days", "--format", "json"];
    let rows: Vec<Value> = serde_json::from_str(&daemon.cli_ok(&batch)).unwrap();
    let names = |rows: &[Value]| -> BTreeSet<String> {
        rows.iter().map(|row| row["username"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!((rows.len(), names(&rows).len()), (2000, 2000));
    assert!(rows.iter().all(|row| row["valid_for"] == "2 days"));
    let codes: BTreeSet<&str> = rows.iter().map(|row| row["passcode"].as_str().unwrap()).collect();
    assert_eq!(codes.len(), 2000);
    let listed: Vec<Value> =
        serde_json::from_str(&daemon.cli_ok(&["voucher", "list", "--format", "json"])).unwrap();
    assert_eq!(names(&listed), names(&rows));
    assert_eq!(daemon.vouchers(), listed);
    for format in ["table", "csv"] {
        assert_eq!(daemon.cli_ok(&["voucher", "list", "--format", format]).lines().count(), 2001);
    }
    // Whoever reads no further has seen enough: that is no error and no message.
    let (code, out, error) = shell(&daemon, "$hotspotd voucher list | head -1");
    assert_eq!((code, out.lines().count(), error.as_str()), (0, 1, ""));
    let (code, _, error) = shell(&daemon, "$hotspotd voucher list > /dev/full");
    assert_eq!(code, 1);
    assert!(error.contains("cannot write the output: No space left"), "{error}");
}

#[test]
fn a_second_daemon_is_refused_and_harms_nothing() {
    let daemon = Daemon::start();
    daemon.cli_ok(&["voucher", "create", "--username", "a"]);
    let (code, _, error) = told(&daemon.cli(&["run"]));
    assert_eq!(code, 1);
    assert!(error.contains("another hotspotd is running and answers on"), "{error}");
    assert_eq!(daemon.cli_ok(&["voucher", "list"]).lines().count(), 2);
    assert_eq!(daemon.vouchers().len(), 1);
}

#[test]
fn nobody_else_may_open_what_holds_secrets() {
    let mut daemon = Daemon::prepared(OPEN_API, "");
    daemon.leave_out_key();
    daemon.launch();
    assert_eq!(mode(&daemon.scratch.path().join("control.sock")), 0o600);
    assert_eq!(mode(&daemon.data()), 0o700);
    let files: Vec<_> =
        fs::read_dir(daemon.data()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.contains(&daemon.database()) && files.contains(&daemon.data().join("api.key")));
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn a_key_is_made_shown_and_rotated() {
    let mut daemon = Daemon::prepared(OPEN_API, "");
    daemon.leave_out_key();
    daemon.launch();
    let opens =
        |daemon: &Daemon| daemon.get(&[("action", "get_logins")]).body == r#"{"logins":[]}"#;
    assert!(!opens(&daemon));
    let shown = daemon.cli_ok(&["api-key", "show"]);
    let file = fs::read_to_string(daemon.data().join("api.key")).unwrap();
    assert_eq!(shown, file);
    assert!(shown.trim().len() == 64 && shown.trim().bytes().all(|byte| byte.is_ascii_hexdigit()));
    daemon.key = shown.trim().to_owned();
    assert!(opens(&daemon));
    let rotated = daemon.cli_ok(&["api-key", "rotate"]);
    assert_ne!(rotated, shown);
    assert_eq!(daemon.get(&[("action", "get_logins")]).message(), "API Key is incorrect");
    daemon.key = rotated.trim().to_owned();
    assert!(opens(&daemon));
    assert_eq!(mode(&daemon.data().join("api.key")), 0o600);
    daemon.stop();
    daemon.launch();
    assert!(opens(&daemon));
    assert_eq!(daemon.cli_ok(&["api-key", "show"]), rotated);
}

#[test]
fn a_key_from_the_configuration_is_changed_there_only() {
    let daemon = Daemon::start();
    assert_eq!(daemon.cli_ok(&["api-key", "show"]), format!("{}\n", daemon.key));
    let (code, out, error) = told(&daemon.cli(&["api-key", "rotate"]));
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(error.contains("the key is set in the configuration (option key)"), "{error}");
    assert_eq!(daemon.get(&[("action", "get_logins")]).body, r#"{"logins":[]}"#);
}

#[test]
fn check_has_a_line_for_everything_and_a_code() {
    let mut daemon = Daemon::prepared(OPEN_API, "");
    let before = daemon.cli_ok(&["check"]);
    assert!(before.contains("note  daemon         no daemon is running"), "{before}");
    assert!(before.contains("will be made at the first start"), "{before}");
    daemon.launch();
    daemon.cli_ok(&["voucher", "create"]);
    let running = daemon.cli_ok(&["check"]);
    let (config, address) = (daemon.config(), daemon.address);
    for line in [
        &format!("ok    configuration  {}", config.display()),
        &format!("ok    daemon         running, version {}", env!("CARGO_PKG_VERSION")),
        &format!("ok    api            on, GET and POST; listening on {address}"),
        "ok    store          1 vouchers, journal WAL",
        "ok    kernel         Linux ",
        "  data           ",
    ] {
        assert!(running.contains(line), "{line}\n{running}");
    }
    let clock = running.lines().find(|line| line.contains("  clock  ")).unwrap();
    assert!(clock.ends_with(", zone UTC0 from TZ") || clock.contains("not set yet"), "{clock}");
    assert!(!running.contains(&daemon.key), "{running}");
    daemon.stop();
    let taken = std::net::TcpListener::bind(address).unwrap();
    daemon.spawn();
    daemon.wait_for_log("cannot listen on");
    let (code, out, _) = told(&daemon.cli(&["check"]));
    assert_eq!(code, 78, "{out}");
    assert!(out.contains(&format!("FAIL  api            cannot listen on {address}")), "{out}");
    drop(taken);
}
