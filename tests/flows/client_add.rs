//! `client add`: a section more, and nothing else changed.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::Signal;

use crate::support::radius::*;
use crate::support::until;

const ADD: [&str; 7] =
    ["client", "add", "attic", "--address", "127.0.0.3", "--vendor", "coovachilli"];

/// The secret in the lines for the access point.
fn secret(told: &str) -> String {
    let line = told.lines().find_map(|line| line.strip_prefix("HS_RADSECRET="));
    line.unwrap_or_else(|| panic!("no secret in {told}")).to_owned()
}

#[test]
fn a_client_is_added_and_asks_with_what_was_printed() {
    let radius = Radius::start();
    let path = radius.daemon.config();
    // Whatever an operator's editor leaves behind.
    let mut before = fs::read_to_string(&path).unwrap();
    before.push_str("# the end, without a line end");
    fs::write(&path, &before).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let told = radius.daemon.cli_ok(&ADD);
    let after = fs::read_to_string(&path).unwrap();
    assert_eq!(after.strip_prefix(&before).map(|it| it.matches("config ").count()), Some(1));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    for line in ["HS_RADIUS=127.0.0.1", "HS_RADIUS2=127.0.0.1", "HS_COAPORT=3799"] {
        assert!(told.lines().any(|it| it == line), "{line} is not in {told}");
    }
    radius.daemon.signal(Signal::SIGHUP);
    assert!(until(|| radius.daemon.cli_ok(&["client", "list"]).contains("attic")));
    let nas = AccessPoint::at([127, 0, 0, 3]);
    let status = Packet { secret: secret(&told), ..Packet::new(STATUS_SERVER, 1) };
    nas.send(&status.bytes(), radius.auth);
    assert_eq!(nas.receive().0[0], ACCESS_ACCEPT);
}

#[test]
fn what_is_there_already_or_makes_no_sense_changes_nothing() {
    let radius = Radius::start();
    let path = radius.daemon.config();
    let before = fs::read_to_string(&path).unwrap();
    let refused = |arguments: &[&str], status: i32| {
        let output = radius.daemon.cli(arguments);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}");
        assert!(output.stdout.is_empty());
        assert_eq!(fs::read_to_string(&path).unwrap(), before, "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let add = |name, address| ["client", "add", name, "--address", address, "--vendor", "none"];
    assert!(refused(&add("lobby", "127.0.0.3"), 1).contains("has a section of this name"));
    assert!(refused(&add("attic", "127.0.0.1"), 1).contains("has a client section"));
    assert!(refused(&add("attic", "somewhere"), 1).contains("address"));
    assert!(refused(&add("at tic", "127.0.0.3"), 1).contains("name"));
    refused(&["client", "add", "attic", "--address", "127.0.0.3"], 64);
    refused(&["client", "add", "attic", "--vendor", "none"], 64);
}
