//! The Class that comes back tells which session a report is about, whatever else it says.

use std::net::UdpSocket;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::identity::one_session;
use super::ours::{DEAF_PORT, loopback};
use super::peers::SECRET;
use super::reports::*;
use super::support::{OPEN_API, until};

#[test]
fn another_device_or_the_number_in_other_letters_is_the_same_session_by_its_class() {
    let other: Attribute = (CALLING_STATION, b"02-00-00-00-00-77");
    let number: Attribute = (SESSION, b"s1");
    let usual = [S1, ROOM1, ADDRESS, AP1, MAC];
    for later in [
        [S1, ROOM1, ADDRESS, AP1, other],
        [number, ROOM1, ADDRESS, AP1, MAC],
        // Without a number.
        [ADDRESS, ROOM1, ADDRESS, AP1, MAC],
    ] {
        let sign = [MAC, ADDRESS, AP1];
        one_session(&sign, true, [(HERE, &usual), (HERE, &later), (HERE, &later)]);
        one_session(&sign, true, [(HERE, &usual), (HERE, &later), (HERE, &usual)]);
    }
}

#[test]
fn an_access_point_that_names_neither_number_nor_device_has_one_session() {
    let code: Attribute = (USER_NAME, b"room1-pear");
    for (echo, name) in [(false, ROOM1), (false, code), (true, ROOM1), (true, ADDRESS)] {
        let plain = [name, ADDRESS, AP1];
        one_session(&[ADDRESS, AP1], echo, [(HERE, &plain), (HERE, &plain), (HERE, &plain)]);
    }
    // The device from the second report on.
    let (first, later) = ([ROOM1, ADDRESS, AP1], [ROOM1, ADDRESS, AP1, MAC]);
    one_session(&[ADDRESS, AP1], false, [(HERE, &first), (HERE, &later), (HERE, &later)]);
}

#[test]
fn of_several_classes_ours_counts_wherever_it_stands() {
    let foreign: Attribute = (CLASS, b"of a proxy");
    let usual = [S1, ROOM1, ADDRESS, AP1, MAC, foreign];
    // Nothing else tells whose the end is.
    let nobody: Attribute = (USER_NAME, b"nobody");
    let last = [S1, nobody, ADDRESS, AP1, foreign];
    one_session(&[MAC, ADDRESS], true, [(HERE, &usual), (HERE, &usual), (HERE, &last)]);
}

/// Where the same access points belong to from now on: the section is called otherwise, or there is
/// one for each.
fn other_sections(coa_port: u16) -> [String; 2] {
    let one = |name: &str, address: &str| {
        format!(
            "config client '{name}'\noption address '{address}'\noption secret '{SECRET}'\n\
             option coa_port '{coa_port}'\n"
        )
    };
    [one("house", "127.0.0.0/8"), loopback("", DEAF_PORT) + &one("first", "127.0.0.1")]
}

#[test]
fn a_session_goes_on_in_another_client_section() {
    for index in 0..2 {
        for echo in [true, false] {
            let nas = UdpSocket::bind("127.0.0.1:0").unwrap();
            nas.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let sections = &other_sections(nas.local_addr().unwrap().port())[index];
            goes_on_in(sections, echo, &nas);
        }
    }
}

#[track_caller]
fn goes_on_in(sections: &str, echo: bool, nas: &UdpSocket) {
    let ours = lobby();
    let class = sign_in(&ours, HERE, &[MAC, ADDRESS]);
    let usual = |seconds, megabytes| {
        let usage = used(seconds, megabytes).map(|(kind, value)| (kind, value.to_vec()));
        let mut all: Vec<(u8, Vec<u8>)> = usage.to_vec();
        let class: Option<Attribute> = echo.then_some((CLASS, &class));
        for (kind, value) in [S1, ROOM1, MAC, ADDRESS].into_iter().chain(class) {
            all.push((kind, value.to_vec()));
        }
        all
    };
    let tell = |status, seconds, megabytes| {
        let all = usual(seconds, megabytes);
        let all: Vec<Attribute> = all.iter().map(|(kind, value)| (*kind, &value[..])).collect();
        report(&ours, HERE, status, &all);
    };
    tell(START, 0, 0);
    tell(INTERIM, 10, 40);
    let (auth, acct) = (ours.ports.auth.port(), ours.ports.acct.port());
    let radius = format!(
        "config radius 'radius'\noption enabled '1'\nlist listen '127.0.0.1'\n\
         option auth_port '{auth}'\noption acct_port '{acct}'\n"
    );
    ours.daemon.configure(OPEN_API, &format!("{radius}{sections}"));
    ours.daemon.signal(Signal::SIGHUP);
    // It is there once it has a section of its own for what was not heard before.
    let name = if sections.contains("house") { "house" } else { "first" };
    let is_there = || ours.cli_ok(&["client", "list"]).contains(name);
    assert!(until(is_there), "{name}");
    tell(INTERIM, 20, 60);
    let sessions = ours.sessions();
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    assert_eq!((&sessions[0]["network"], &sessions[0]["trouble"]), (&name.into(), &().into()));
    ours.cli_ok(&["session", "close", "room1"]);
    let mut order = [0; 4096];
    let (length, _) = nas.recv_from(&mut order).unwrap();
    assert!(length > 20 && order[0] == 40, "a Disconnect-Request");
    tell(STOP, 30, 90);
    assert_eq!(charged(ours), (90, 1));
}

#[test]
fn accounting_on_from_another_address_ends_the_sessions_of_who_has_that_name_alone() {
    let (hall, new): (Attribute, Attribute) =
        ((NAS_IDENTIFIER, b"hall"), (NAS_ADDRESS, &[10, 0, 0, 77]));
    for (begun, on) in [(&[hall][..], &[hall][..]), (&[ADDRESS, hall], &[new, hall])] {
        let ours = lobby();
        sign_in(&ours, HERE, &[&[MAC], begun].concat());
        report(&ours, HERE, START, &[&[S1, ROOM1, MAC], begun].concat());
        report(&ours, "127.0.0.5", ACCOUNTING_ON, on);
        assert_eq!(ours.sessions().len(), 0, "{begun:?}");
    }
    // Two as delivered, both of which have been heard.
    let ours = lobby();
    for source in [HERE, "127.0.0.5", HERE] {
        sign_in(&ours, source, &[MAC, hall]);
    }
    report(&ours, HERE, START, &[S1, ROOM1, MAC, hall]);
    report(&ours, "127.0.0.5", ACCOUNTING_ON, &[hall]);
    assert_eq!(ours.sessions().len(), 1);
}

#[test]
fn an_end_without_the_device_that_comes_from_another_address_is_the_sessions_own() {
    let ours = lobby();
    sign_in(&ours, HERE, &[MAC, AP1]);
    report(&ours, HERE, START, &[S1, ROOM1, MAC, AP1]);
    for (source, status, seconds, mac) in
        [(HERE, INTERIM, 5, Some(MAC)), ("127.0.0.5", STOP, 20, None)]
    {
        let usage = used(seconds, seconds);
        let usage = usage.iter().map(|(kind, value)| (*kind, &value[..]));
        let all: Vec<Attribute> = [S1, ROOM1, AP1].into_iter().chain(mac).chain(usage).collect();
        report(&ours, source, status, &all);
    }
    assert_eq!(charged(ours), (20, 1));
}

#[test]
fn an_access_point_that_is_called_otherwise_is_no_proxy() {
    let ours = lobby();
    let names = [b"old".as_slice(), b"new"].map(|name| (NAS_IDENTIFIER, name));
    for name in names {
        sign_in(&ours, "127.0.0.9", &[name]);
    }
    // Another one elsewhere, as delivered.
    sign_in(&ours, HERE, &[MAC, ADDRESS, AP1]);
    report(&ours, HERE, START, &[S1, ROOM1, MAC, ADDRESS, AP1]);
    report(&ours, "127.0.0.5", ACCOUNTING_ON, &[ADDRESS, AP1]);
    assert_eq!(ours.sessions().len(), 1);
    report(&ours, HERE, ACCOUNTING_ON, &[]);
    assert_eq!(ours.sessions().len(), 0);
}
