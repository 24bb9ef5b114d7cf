//! A running daemon: new settings by SIGHUP, addresses that come and go, and the end.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::support::{Answer, Daemon, HANG, OPEN_API, free_address, until};

const READ_AGAIN: &str = "configuration read again";
const NOT_CHANGED: &str = "the configuration was not changed";

/// Has the configuration read, and waits until the log has said `outcome` once more.
fn reload(daemon: &Daemon, outcome: &str) {
    let before = daemon.log().matches(outcome).count();
    daemon.signal(Signal::SIGHUP);
    let told = until(|| daemon.log().matches(outcome).count() > before);
    assert!(told, "{outcome:?} never came up in the log");
}

fn answers(daemon: &Daemon) -> String {
    daemon.get(&[("action", "get_logins")]).body
}

const EMPTY: &str = r#"{"logins":[]}"#;

#[test]
fn the_api_is_switched_on_and_off() {
    let daemon = Daemon::with("", "");
    let message = || daemon.get(&[("action", "get_logins")]).message();
    assert_eq!(message(), "API is not enabled");
    daemon.configure("option enabled '1'", "");
    reload(&daemon, READ_AGAIN);
    assert_eq!(message(), "API Key not set or method not allowed");
    daemon.configure(OPEN_API, "");
    reload(&daemon, READ_AGAIN);
    assert_eq!(answers(&daemon), EMPTY);
    daemon.configure("option allow_get '1'", "");
    reload(&daemon, READ_AGAIN);
    assert_eq!(message(), "API is not enabled");
}

#[test]
fn another_key_is_the_only_one_at_once() {
    let mut daemon = Daemon::start();
    let old = std::mem::replace(&mut daemon.key, "another-key-of-the-tests".to_owned());
    assert_eq!(daemon.get(&[("action", "get_logins")]).message(), "API Key is incorrect");
    daemon.configure(OPEN_API, "");
    reload(&daemon, READ_AGAIN);
    assert_eq!(answers(&daemon), EMPTY);
    daemon.key = old;
    assert_eq!(daemon.get(&[("action", "get_logins")]).message(), "API Key is incorrect");
    // Without one in the file, the daemon makes one.
    daemon.edit_config("option key 'another-key-of-the-tests'\n", "");
    reload(&daemon, READ_AGAIN);
    daemon.key = daemon.cli_ok(&["api-key", "show"]).trim().to_owned();
    assert_eq!(answers(&daemon), EMPTY);
}

#[test]
fn presets_are_those_of_the_latest_configuration() {
    let daemon = Daemon::start();
    let preset =
        || daemon.post(json!({"action": "create_voucher"})).json()["user"]["valid_for"].clone();
    assert_eq!(preset(), "1 day");
    daemon.configure(OPEN_API, "config voucher 'voucher'\noption valid_for 'always'");
    reload(&daemon, READ_AGAIN);
    assert_eq!(preset(), "always");
    daemon.configure(OPEN_API, "");
    reload(&daemon, READ_AGAIN);
    assert_eq!(preset(), "1 day");
}

/// One request on a connection that stays open.
fn ask(stream: &mut TcpStream, key: &str) -> Answer {
    let request =
        format!("GET /api/?api-key={key}&action=get_active_guests HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"]}") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        bytes.push(byte[0]);
    }
    Answer::parse(&bytes)
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(HANG)).unwrap();
    stream
}

#[test]
fn addresses_come_and_go_and_the_others_stay() {
    let daemon = Daemon::start();
    let second = free_address();
    let mut kept = connect(daemon.address);
    assert_eq!(ask(&mut kept, &daemon.key).status, 200);
    assert!(TcpStream::connect(second).is_err());

    daemon.configure(&format!("{OPEN_API}list listen '{second}'"), "");
    reload(&daemon, READ_AGAIN);
    assert_eq!(ask(&mut kept, &daemon.key).status, 200);
    let mut added = connect(second);
    assert_eq!(ask(&mut added, &daemon.key).status, 200);

    daemon.configure(OPEN_API, "");
    reload(&daemon, READ_AGAIN);
    assert!(until(|| TcpStream::connect(second).is_err()), "the removed address still answers");
    let mut rest = Vec::new();
    added.read_to_end(&mut rest).unwrap();
    assert_eq!(ask(&mut kept, &daemon.key).status, 200);
    assert!(!daemon.cli_ok(&["check"]).contains(&second.to_string()));

    // The same address again: nothing of its former life is in the way.
    daemon.configure(&format!("{OPEN_API}list listen '{second}'"), "");
    reload(&daemon, READ_AGAIN);
    assert!(until(|| TcpStream::connect(second).is_ok()));
}

#[test]
fn a_broken_configuration_changes_nothing_and_is_named_without_its_secrets() {
    let daemon = Daemon::start();
    let good = fs::read_to_string(daemon.config()).unwrap();
    let path = daemon.config().display().to_string();
    let secret = "never-print-this";
    for (broken, line) in [
        (good.replace("enabled '1'", "enabled 'maybe'"), 8),
        (good.replace("log_level 'debug'", "log_level 'loud'"), 4),
        (format!("{good}config nonsense 'x'\n"), good.lines().count() + 1),
        (good.replace("option key", "option kex").replace(&daemon.key, secret), 7),
        (good.replace(&daemon.key, &format!("{secret}\u{7}")), 7),
        (good.replace(&daemon.key, &secret.repeat(20)), 7),
        // A quote that is never closed is noticed where the last one of the file is left over.
        (good.replace(&format!("{}'", daemon.key), secret), 10),
        (good.replace(&format!("'{}'", daemon.key), &format!("'{secret}' '{secret}'")), 7),
        (good.replace("option key", "list key").replace(&daemon.key, secret), 7),
    ] {
        let broken = broken.replace("allow_get '1'", "allow_get '0'");
        fs::write(daemon.config(), &broken).unwrap();
        reload(&daemon, NOT_CHANGED);
        let log = daemon.log();
        let told = log.lines().rev().find(|told| told.contains(&path)).unwrap();
        assert!(told.starts_with(&format!("hotspotd: error: {path}:{line}: ")), "{broken}\n{told}");
        assert!(!log.contains(secret), "{broken}\n{told}");
        assert_eq!(answers(&daemon), EMPTY, "{broken}");
    }
    fs::remove_file(daemon.config()).unwrap();
    reload(&daemon, NOT_CHANGED);
    assert_eq!(answers(&daemon), EMPTY);
    fs::write(daemon.config(), good.replace("allow_get '1'", "allow_get '0'")).unwrap();
    reload(&daemon, READ_AGAIN);
    assert_ne!(answers(&daemon), EMPTY);
}

#[test]
fn an_address_that_is_taken_is_waited_for() {
    let mut daemon = Daemon::prepared(OPEN_API, "");
    let taken = TcpListener::bind(daemon.address).unwrap();
    daemon.spawn();
    daemon.wait_for_log("is ready");
    let trouble = format!("cannot listen on {}", daemon.address);
    assert_eq!(daemon.log().matches(&trouble).count(), 1);
    // Everything else works meanwhile.
    daemon.cli_ok(&["voucher", "create", "--username", "a"]);
    // Long enough for further attempts: they must not fill the log.
    std::thread::sleep(Duration::from_secs(7));
    drop(taken);
    daemon.wait_for_log(&format!("listening on {} now", daemon.address));
    assert_eq!(daemon.log().matches(&trouble).count(), 1);
    assert_eq!(daemon.vouchers().len(), 1);
    // A reload that names a taken address does not take the others away.
    let second = free_address();
    let taken = TcpListener::bind(second).unwrap();
    daemon.configure(&format!("{OPEN_API}list listen '{second}'"), "");
    reload(&daemon, READ_AGAIN);
    assert!(daemon.log().contains(&format!("cannot listen on {second}")));
    assert_eq!(daemon.vouchers().len(), 1);
    drop(taken);
    daemon.wait_for_log(&format!("listening on {second} now"));
}

#[test]
fn both_signals_end_it_with_everything_written() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut daemon = Daemon::start();
        let mut idle = connect(daemon.address);
        assert_eq!(ask(&mut idle, &daemon.key).status, 200);
        let half = b"POST /api/ HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{";
        let mut waiting = connect(daemon.address);
        waiting.write_all(half).unwrap();
        daemon.cli_ok(&["voucher", "create", "--username", "a"]);
        daemon.signal(signal);
        assert_eq!(daemon.wait().code(), Some(0), "{signal}");
        assert!(daemon.log().ends_with("hotspotd: stopped; all state is flushed\n"));
        assert!(!daemon.scratch.path().join("control.sock").exists());
        assert!(!daemon.data().join("hotspotd.db-wal").exists());
        let store = rusqlite::Connection::open(daemon.database()).unwrap();
        let count = store.query_row("SELECT count(*) FROM voucher", [], |row| row.get::<_, i64>(0));
        assert_eq!(count, Ok(1));
        drop(store);
        daemon.launch();
        assert_eq!(daemon.vouchers().len(), 1);
    }
}

#[test]
fn a_change_of_directories_waits_for_the_restart() {
    let mut daemon = Daemon::start();
    daemon.cli_ok(&["voucher", "create"]);
    let data = daemon.data().display().to_string();
    daemon.edit_config(&data, &format!("{data}2"));
    reload(&daemon, READ_AGAIN);
    assert!(daemon.log().contains("data_dir and control_socket change with the next restart only"));
    assert_eq!(daemon.vouchers().len(), 1);
    daemon.stop();
    daemon.launch();
    assert_eq!(daemon.vouchers().len(), 0);
    assert!(fs::exists(format!("{data}2/hotspotd.db")).unwrap());
}

#[test]
fn a_key_that_was_made_stays_in_force_when_the_directory_is_to_change() {
    let mut daemon = Daemon::prepared(OPEN_API, "");
    daemon.leave_out_key();
    daemon.launch();
    let key = daemon.cli_ok(&["api-key", "show"]);
    let data = daemon.data().display().to_string();
    daemon.edit_config(&data, &format!("{data}2"));
    reload(&daemon, READ_AGAIN);
    assert_eq!(daemon.cli_ok(&["api-key", "show"]), key);
    assert!(!fs::exists(format!("{data}2")).unwrap());
}

#[test]
fn a_listener_is_widened_without_a_pause() {
    let daemon = Daemon::start();
    let here = daemon.address.to_string();
    daemon.edit_config(&here, &format!("0.0.0.0:{}", daemon.address.port()));
    reload(&daemon, READ_AGAIN);
    assert_eq!(daemon.get(&[("action", "get_logins")]).status, 200);
    assert!(!daemon.log().contains("cannot listen"), "{}", daemon.log());
}
