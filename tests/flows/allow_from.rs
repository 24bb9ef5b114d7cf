//! Who may use the API. Loopback always may, so callers from elsewhere are tried in a network
//! namespace, where any address can be ours.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use nix::unistd::geteuid;

use crate::support::{Daemon, OPEN_API, skipped, until};

const CALLER: &str = "192.0.2.1";
/// Hosts 1 to 9 of an IPv6 LAN, all in one /64.
const LAN: &str = "fd00:0:0:1::";

/// A network of its own, for as long as this is held.
struct Network(Child);

impl Network {
    /// `None`, and says why, where this machine does not let us have one.
    fn new() -> Option<Self> {
        let root = geteuid().is_root();
        let set_up = format!(
            "ip link set lo up && ip addr add {CALLER}/24 dev lo && for host in $(seq 1 9); do \
             ip addr add {LAN}$host/64 dev lo nodad; done && echo ready && exec cat"
        );
        let started = Command::new("unshare")
            .args([if root { "-n" } else { "-rn" }, "sh", "-c", &set_up])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut network = match started {
            Ok(holder) => Self(holder),
            Err(error) => {
                skipped(&format!("no unshare: {error}"));
                return None;
            }
        };
        let mut line = String::new();
        let told = network.0.stdout.take().unwrap();
        BufReader::new(told).read_line(&mut line).unwrap();
        if line != "ready\n" {
            skipped("no network namespace to be had");
            return None;
        }
        Some(network)
    }

    /// The command that starts a program inside.
    fn entered(&self) -> Vec<String> {
        let mut words = vec!["nsenter".to_owned(), "-n".to_owned(), "-t".to_owned()];
        words.push(self.0.id().to_string());
        if !geteuid().is_root() {
            words.extend(["-U".to_owned(), "--preserve-credentials".to_owned()]);
        }
        words
    }

    /// A daemon inside that listens on every address.
    fn daemon(&self, allow_from: &str) -> Daemon {
        let mut daemon = Daemon::prepared(OPEN_API, "");
        let (here, port) = (daemon.address, daemon.address.port());
        let everywhere =
            format!("list listen '0.0.0.0:{port}'\nlist listen '[::]:{port}'\n{allow_from}");
        daemon.edit_config(&format!("list listen '{here}'"), &everywhere);
        daemon.within = self.entered();
        daemon.spawn();
        daemon.wait_for_log("is ready");
        daemon
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks from and to this address, with the right key; empty where the connection is refused.
fn ask(daemon: &Daemon, address: &str) -> String {
    let (port, key) = (daemon.address.port(), &daemon.key);
    let url = format!("http://{address}:{port}/api/?api-key={key}&action=get_logins");
    let curl = ["curl", "-s", "--noproxy", "*", "--max-time", "30", &url];
    let words: Vec<&str> = daemon.within.iter().map(String::as_str).chain(curl).collect();
    let output = Command::new(words[0]).args(&words[1..]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

const EMPTY: &str = r#"{"logins":[]}"#;
const NOT_ENABLED: &str = r#"{"message":"API is not enabled","error":true}"#;

#[test]
fn only_listed_networks_and_the_router_itself_may_ask() {
    let Some(network) = Network::new() else { return };
    for (allow_from, answer) in [
        ("", NOT_ENABLED),
        ("list allow_from '198.51.100.0/24'", NOT_ENABLED),
        ("list allow_from '192.0.2.0/32'", NOT_ENABLED),
        ("list allow_from '198.51.100.0/24'\nlist allow_from '192.0.2.0/24'", EMPTY),
        ("list allow_from '192.0.2.1'", EMPTY),
    ] {
        let daemon = network.daemon(allow_from);
        assert_eq!(ask(&daemon, CALLER), answer, "{allow_from}");
        assert_eq!(ask(&daemon, "127.0.0.1"), EMPTY, "{allow_from}");
    }
}

#[test]
fn strangers_cannot_take_the_places_of_the_known() {
    let Some(network) = Network::new() else { return };
    let mut daemon = network.daemon("list allow_from '198.51.100.0/24'");
    let port = daemon.address.port();
    // Six strangers with 48 connections each that say nothing, held by one program inside; who
    // connects to an address of this network comes from the same address.
    let flood = format!(
        "for fd in $(seq 10 297); do exec {{fd}}<>/dev/tcp/192.0.2.$((1 + fd % 6))/{port}; done; \
         echo full; cat"
    );
    let mut words = network.entered();
    words.extend(["bash", "-c", &flood].map(str::to_owned));
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut flood = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(flood.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "full\n");
    let turned_away = || daemon.log().contains("connection refused: peer=192.0.2.1 ");
    assert!(until(turned_away));
    assert_eq!(ask(&daemon, "127.0.0.1"), EMPTY);
    drop(flood.stdin.take());
    flood.wait().unwrap();
    assert!(until(|| ask(&daemon, CALLER) == NOT_ENABLED));
    assert!(daemon.stop().success());
}

#[test]
fn a_stranger_who_asks_again_and_again_is_noted_once() {
    let Some(network) = Network::new() else { return };
    let daemon = network.daemon("list allow_from '198.51.100.0/24'");
    for _ in 0..20 {
        assert_eq!(ask(&daemon, CALLER), NOT_ENABLED);
    }
    let log = daemon.log();
    assert_eq!(
        log.matches("192.0.2.1 is refused, its address is not in allow_from").count(),
        1,
        "{log}"
    );
}

/// Asks from one host of the IPv6 LAN, the others of which are the same /64.
fn ask_as(daemon: &Daemon, host: u8, key: &str) -> String {
    let (port, source) = (daemon.address.port(), format!("{LAN}{host}"));
    let url = format!("http://[{LAN}1]:{port}/api/?api-key={key}&action=get_logins");
    let curl =
        ["curl", "-s", "--noproxy", "*", "--max-time", "30", "--interface", &source, "-g", &url];
    let words: Vec<&str> = daemon.within.iter().map(String::as_str).chain(curl).collect();
    let output = Command::new(words[0]).args(&words[1..]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

const KEY_WRONG: &str = r#"{"message":"API Key is incorrect","error":true}"#;

#[test]
fn wrong_keys_of_one_lan_host_do_not_lock_out_the_others_of_its_ipv6_network() {
    let Some(network) = Network::new() else { return };
    let daemon = network.daemon(&format!("list allow_from '{LAN}/64'"));
    let key = daemon.key.clone();
    // A wrong key is forgiven every few seconds, so the right one has to follow at once.
    let blocked = || {
        (0..20).for_each(|_| assert_eq!(ask_as(&daemon, 2, "guess"), KEY_WRONG));
        ask_as(&daemon, 2, &key) == KEY_WRONG
    };
    assert!(until(blocked), "wrong keys are not counted");
    // Two of them: at random, one in a thousand shares its slot with the guesser.
    assert!([3, 4].iter().any(|other| ask_as(&daemon, *other, &key) == EMPTY));
}

#[test]
fn a_caller_that_was_right_before_is_not_locked_out_at_its_own_address() {
    let Some(network) = Network::new() else { return };
    let daemon = network.daemon(&format!("list allow_from '{LAN}/64'"));
    let key = daemon.key.clone();
    assert_eq!(ask_as(&daemon, 2, &key), EMPTY);
    for _ in 0..20 {
        assert_eq!(ask_as(&daemon, 2, "guess"), KEY_WRONG);
    }
    assert_eq!(ask_as(&daemon, 2, &key), EMPTY);
}

#[test]
fn idle_connections_of_one_lan_host_leave_places_to_the_others_of_its_ipv6_network() {
    let Some(network) = Network::new() else { return };
    let daemon = network.daemon(&format!("list allow_from '{LAN}/64'"));
    let port = daemon.address.port();
    let hold = format!(
        "import socket, sys\n\
         held = [socket.create_connection(('{LAN}1', {port}), source_address=('{LAN}2', 0))\n\
                 for _ in range(60)]\n\
         print('held', flush=True)\n\
         sys.stdin.read()"
    );
    let mut words = network.entered();
    words.extend(["python3", "-c", &hold].map(str::to_owned));
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut holder = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "held\n");
    daemon.wait_for_log(&format!("connection refused: peer={LAN}2 "));
    assert_eq!(ask_as(&daemon, 3, &daemon.key), EMPTY);
    drop(holder.stdin.take());
    holder.wait().unwrap();
}
