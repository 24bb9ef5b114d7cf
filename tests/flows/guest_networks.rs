//! Guest networks, as far as they can be had without a network: what the command line tells of them.
//! Real guests are in `tests/lab`.

use std::net::{Ipv4Addr, TcpListener, TcpStream};

use nix::sys::signal::Signal;
use serde_json::json;

use crate::support::{Daemon, OPEN_API, free_address, until};

/// A device that no machine has.
const NOWHERE: &str = "config guest 'inn'\noption device 'nowhere0'\n";

/// A network on loopback, where a portal can listen.
fn on_loopback(port: u16) -> String {
    format!(
        "config guest 'inn'\noption device 'lo'\noption enforce '0'\noption portal_port '{port}'\n"
    )
}

fn refused(daemon: &Daemon, arguments: &[&str]) -> (i32, String) {
    let output = daemon.cli(arguments);
    assert!(output.stdout.is_empty(), "{arguments:?}");
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[test]
fn empty_lists_keep_their_formats() {
    let daemon = Daemon::with(OPEN_API, NOWHERE);
    let guests = "mac-address,address,host-name,server,uptime,idle-time,bytes-out,bytes-in,\
                  authorized,bypassed\r\n";
    let sessions = "id,login,MAC,host_name,network,address,started_at,uptime,idle_time,download,\
                    upload,time_left,download_left,upload_left,trouble\r\n";
    for (command, csv) in [("guests", guests), ("sessions", sessions)] {
        assert_eq!(daemon.cli_ok(&[command]), "(none)\n");
        assert_eq!(daemon.cli_ok(&[command, "--format", "table"]), "(none)\n");
        assert_eq!(daemon.cli_ok(&[command, "--format", "csv"]), csv);
        assert_eq!(daemon.cli_ok(&[command, "--format", "json"]), "[]\n");
        let (code, error) = refused(&daemon, &[command, "--format", "xml"]);
        assert_eq!(code, 64);
        assert!(error.contains("--format must be table, csv or json"), "{error}");
    }
    for action in ["get_guest_hosts", "get_active_guests"] {
        assert_eq!(daemon.get(&[("action", action)]).json(), json!({"data": []}));
    }
}

#[test]
fn nobodys_session_cannot_be_closed() {
    let daemon = Daemon::with(OPEN_API, NOWHERE);
    daemon.cli_ok(&["voucher", "create", "--username", "room12"]);
    // A name that reads as a MAC address is one.
    daemon.cli_ok(&["voucher", "create", "--username", "9801a7cbbb00"]);
    let long = "x".repeat(254);
    for (whose, reason) in [
        ("room12", "no session of room12 is open; 'hotspotd sessions' lists them"),
        (" ROOM12 ", "no session of ROOM12 is open"),
        ("nobody", "no session of nobody is open"),
        ("98:01:a7:cb:bb:00", "no session of 98:01:A7:CB:BB:00 is open"),
        ("9801a7cbbb00", "no session of 98:01:A7:CB:BB:00 is open"),
        ("98:01:a7:cb:bb:0g", "no session of 98:01:a7:cb:bb:0g is open"),
        ("", "no MAC address or username was given"),
        ("  ", "no MAC address or username was given"),
        ("a\u{1b}[2J", "username: must have no control characters"),
        (&long, "username: must have"),
    ] {
        let (code, error) = refused(&daemon, &["session", "close", whose]);
        assert_eq!(code, 1, "{whose:?}");
        let told = error.strip_prefix("hotspotd: ").unwrap_or_else(|| panic!("{error}"));
        assert!(told.starts_with(reason), "{whose:?}: {error}");
        assert!(!error.trim_end().contains(char::is_control), "{error:?}");
    }
    assert_eq!(daemon.vouchers().len(), 2);
}

#[test]
fn check_tells_of_networks_whose_device_is_not_there() {
    let mut daemon = Daemon::prepared(OPEN_API, NOWHERE);
    let hint = "note  firewall       not known for nowhere0; have your own firewall";
    let network = "note  network        'inn': there is no device nowhere0; it is waited for";
    let without = daemon.cli_ok(&["check"]);
    assert!(without.contains(network) && !without.contains("  gate  "), "{without}");
    daemon.launch();
    let with = daemon.cli_ok(&["check"]);
    for line in [
        network,
        "note  gate           no guest device is there yet",
        "ok    sessions       0 open",
        "note  portal         'inn': waits for nowhere0",
    ] {
        assert!(with.contains(line), "{line}\n{with}");
    }
    if !std::path::Path::new("/etc/config/firewall").exists() {
        assert!(with.contains(hint) && without.contains(hint), "{with}");
        assert!(with.contains("the mark 0x10000000/0x10000000,"), "{with}");
    }
    let none = Daemon::start();
    let told = none.cli_ok(&["check"]);
    assert!(told.contains("note  network        there is no 'config guest'"), "{told}");
    for word in ["  gate  ", "  portal  ", "  firewall  "] {
        assert!(!told.contains(word), "{told}");
    }
}

#[test]
fn a_portal_listens_on_its_device_and_follows_its_port() {
    let (first, second) = (free_address().port(), free_address().port());
    let daemon = Daemon::with(OPEN_API, &on_loopback(first));
    assert!(until(|| listens(first)), "no portal");
    let told = daemon.cli_ok(&["check"]);
    for line in [
        "note  gate           no network is enforced: everybody gets through",
        &format!("ok    portal         'inn': listening on lo port {first}"),
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    assert!(!told.contains("  firewall  "), "{told}");
    daemon.configure(OPEN_API, &on_loopback(second));
    daemon.signal(Signal::SIGHUP);
    assert!(until(|| listens(second) && !listens(first)), "the portal did not move");
    let told = daemon.cli_ok(&["check"]);
    assert!(told.contains(&format!("'inn': listening on lo port {second}")), "{told}");
    daemon.configure(OPEN_API, "");
    daemon.signal(Signal::SIGHUP);
    assert!(until(|| !listens(second)), "the portal did not go");
    // A network that stands in the file only.
    daemon.configure(OPEN_API, &on_loopback(second));
    let told = daemon.cli_ok(&["check"]);
    assert!(told.contains("'inn': the daemon does not know this network yet"), "{told}");
}

#[test]
fn a_portal_whose_port_is_taken_is_a_failure_until_it_is_free() {
    let port = free_address().port();
    let taken = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap();
    let daemon = Daemon::with(OPEN_API, &on_loopback(port));
    daemon.wait_for_log("portal of 'inn': cannot listen on lo port");
    let output = daemon.cli(&["check"]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(78), "{told}");
    assert!(
        told.contains(&format!("FAIL  portal         'inn': cannot listen on lo port {port} ("))
    );
    drop(taken);
    daemon.wait_for_log(&format!("portal of 'inn': on lo port {port}"));
    assert!(daemon.cli_ok(&["check"]).contains("'inn': listening on lo port"));
}
