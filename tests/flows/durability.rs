//! Acknowledged means durable: the daemon is killed at random moments under load.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::time::Duration;

use rand::RngExt;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{Daemon, HANG, emulated};

/// Times the plug is pulled.
const ROUNDS: u32 = 100;
/// Clients that create vouchers at the same time.
const CREATORS: u32 = 16;

/// What the API has acknowledged: username to passcode.
type Acknowledged = Mutex<BTreeMap<String, String>>;

#[test]
fn no_acknowledged_voucher_is_lost_when_the_daemon_is_killed() {
    let mut daemon = Daemon::start();
    let acknowledged = Acknowledged::default();
    let mut rng = rand::rng();
    // An emulated daemon has hardly begun after milliseconds.
    let (rounds, slower) = if emulated() { (ROUNDS / 5, 20) } else { (ROUNDS, 1) };
    for round in 0..rounds {
        let before = acknowledged.lock().unwrap().len();
        kill_under_load(
            &mut daemon,
            round,
            Duration::from_millis(slower * rng.random_range(2..80)),
            &acknowledged,
        );
        check_database(&daemon);
        daemon.launch();
        check_vouchers(&daemon, &acknowledged.lock().unwrap());
        let after = acknowledged.lock().unwrap().len();
        eprintln!("round {round}: {} acknowledged before the kill", after - before);
    }
    let total = acknowledged.lock().unwrap().len();
    assert!(total > rounds as usize, "only {total} vouchers in {rounds} rounds: hardly any load");
}

fn kill_under_load(daemon: &mut Daemon, round: u32, after: Duration, acknowledged: &Acknowledged) {
    let (address, key) = (daemon.address, daemon.key.clone());
    std::thread::scope(|scope| {
        for creator in 0..CREATORS {
            let key = &key;
            scope.spawn(move || {
                create_until_killed(address, key, &format!("r{round}c{creator}"), acknowledged)
            });
        }
        std::thread::sleep(after);
        daemon.kill();
    });
}

/// Creates one voucher after the other on one connection until that breaks.
fn create_until_killed(address: SocketAddr, key: &str, name: &str, acknowledged: &Acknowledged) {
    let Ok(mut stream) = TcpStream::connect(address) else { return };
    stream.set_read_timeout(Some(HANG)).unwrap();
    for number in 0.. {
        let username = format!("{name}n{number}");
        let body =
            json!({"api-key": key, "action": "create_voucher", "username": username}).to_string();
        let head =
            format!("POST /api/ HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
        if stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).is_err() {
            return;
        }
        let Some(answer) = read_answer(&mut stream) else { return };
        assert_eq!(answer["message"], "User added successfully", "{answer}");
        let passcode = answer["user"]["passcode"].as_str().unwrap().to_owned();
        acknowledged.lock().unwrap().insert(username, passcode);
    }
}

/// One whole answer, or `None` where the daemon died before it was out.
fn read_answer(stream: &mut TcpStream) -> Option<Value> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() >= length.parse().unwrap() {
                return Some(serde_json::from_str(body).unwrap());
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}

/// Looks at the file as the power cut left it, before the daemon can mend anything. SQLite's own
/// recovery runs on a copy, so that the daemon still has to do it itself.
fn check_database(daemon: &Daemon) {
    let copy = daemon.scratch.path().join("copy.db");
    for suffix in ["", "-wal"] {
        let from = format!("{}{suffix}", daemon.database().display());
        let to = format!("{}{suffix}", copy.display());
        let _ = std::fs::remove_file(&to);
        let _ = std::fs::copy(from, to);
    }
    let connection = Connection::open(&copy).unwrap();
    let check =
        |pragma: &str| -> String { connection.query_row(pragma, [], |row| row.get(0)).unwrap() };
    assert_eq!(check("PRAGMA integrity_check"), "ok");
}

/// Every acknowledged voucher is there with its passcode, and every voucher is whole.
fn check_vouchers(daemon: &Daemon, acknowledged: &BTreeMap<String, String>) {
    let listed: BTreeMap<String, Value> = daemon
        .vouchers()
        .into_iter()
        .map(|voucher| (voucher["username"].as_str().unwrap().to_owned(), voucher))
        .collect();
    for (username, passcode) in acknowledged {
        let voucher = listed.get(username).unwrap_or_else(|| panic!("{username} is lost"));
        assert_eq!(voucher["password"], passcode.as_str());
    }
    for voucher in listed.values() {
        assert_eq!(voucher["password"].as_str().unwrap().len(), 8, "{voucher}");
        assert_eq!(voucher["valid_for"], "1 day", "{voucher}");
    }
}
