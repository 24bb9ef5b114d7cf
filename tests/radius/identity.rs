//! Which session and which access point a report is about, whatever it leaves out or says otherwise.

use super::ours::{DEAF_PORT, Ours};
use super::reports::*;
use super::wire::ACCESS_REJECT;

/// Where a report comes from, and what it has.
pub type From<'a> = (&'a str, &'a [Attribute<'a>]);

/// A session that begins as in the first list, goes on as in the second and ends as in the third,
/// with 90 MB: one session, that nobody is told to end, and 90 MB charged.
#[track_caller]
pub fn one_session(sign: &[Attribute], echo: bool, reports: [From<'_>; 3]) {
    let ours = lobby();
    let class = sign_in(&ours, reports[0].0, sign);
    let usage = [used(0, 0), used(300, 40), used(600, 90)];
    for (index, (source, attributes)) in reports.into_iter().enumerate() {
        let mut attributes = attributes.to_vec();
        attributes.extend(usage[index].iter().map(|(kind, value)| (*kind, &value[..])));
        if echo {
            attributes.push((CLASS, &class));
        }
        report(&ours, source, [START, INTERIM, STOP][index], &attributes);
        let sessions = ours.sessions();
        let expected = usize::from(index < 2);
        assert_eq!(sessions.len(), expected, "report {index}: {sessions:?}");
        assert!(sessions.iter().all(|it| it["trouble"].is_null()), "{index}: {sessions:?}");
    }
    assert_eq!(charged(ours), (90, 1));
}

#[test]
fn a_name_in_other_letters_is_the_same_session() {
    let other: Attribute = (USER_NAME, b"ROOM1");
    let reports = [
        (HERE, &[S1, ROOM1, ADDRESS, AP1][..]),
        (HERE, &[S1, other, ADDRESS, AP1]),
        (HERE, &[S1, other, ADDRESS, AP1]),
    ];
    one_session(&[ADDRESS, AP1], false, reports);
}

#[test]
fn an_access_point_that_leaves_out_a_name_of_its_own_is_the_same() {
    let reports = [
        (HERE, &[S1, ROOM1, ADDRESS, AP1][..]),
        (HERE, &[S1, ROOM1, ADDRESS]),
        (HERE, &[S1, ROOM1, AP1]),
    ];
    one_session(&[ADDRESS, AP1], false, reports);
}

#[test]
fn a_report_without_a_name_is_of_the_session_with_that_number() {
    for (echo, mac) in [(false, &[MAC][..]), (true, &[]), (false, &[])] {
        let start = [&[S1, ROOM1, ADDRESS, AP1], mac].concat();
        let later = [&[S1, ADDRESS, AP1], mac].concat();
        let sign = [&[ADDRESS, AP1], mac].concat();
        one_session(&sign, echo, [(HERE, &start[..]), (HERE, &later), (HERE, &later)]);
    }
}

#[test]
fn a_device_that_is_called_by_its_address_or_not_at_all_is_charged() {
    for name in [&b"unauthenticated"[..], b"02:00:00:00:00:01", b"020000000001", b""] {
        let name: Attribute = (USER_NAME, name);
        let name = if name.1.is_empty() { ADDRESS } else { name };
        let start = [S1, ROOM1, ADDRESS, AP1, MAC];
        let later = [S1, name, ADDRESS, AP1, MAC];
        one_session(&[MAC, ADDRESS], false, [(HERE, &start), (HERE, &later), (HERE, &later)]);
        // From the beginning: the Class tells, or the device that was let in.
        for echo in [true, false] {
            one_session(&[MAC, ADDRESS], echo, [(HERE, &later), (HERE, &later), (HERE, &later)]);
        }
    }
}

#[test]
fn an_access_point_with_another_address_goes_on_with_its_sessions() {
    let other: Attribute = (NAS_ADDRESS, &[10, 0, 0, 99]);
    let sixth: Attribute = (95, &[0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    // Another lease, told by the Class that comes back.
    let start = [S1, ROOM1, ADDRESS, AP1, MAC];
    let later = [S1, ROOM1, other, AP1, MAC];
    one_session(
        &[MAC, ADDRESS],
        true,
        [(HERE, &start), ("127.0.0.5", &later), ("127.0.0.5", &later)],
    );
    // An address of the other family.
    let start = [S1, ROOM1, sixth, AP1, MAC];
    let both = [S1, ROOM1, ADDRESS, sixth, AP1, MAC];
    one_session(&[MAC], false, [(HERE, &start), (HERE, &both), (HERE, &both)]);
}

#[test]
fn accounting_on_ends_the_sessions_of_the_access_point_however_it_names_itself() {
    let changed: Attribute = (NAS_ADDRESS, &[10, 0, 0, 77]);
    for (begun, on) in [
        (&[ADDRESS, AP1][..], &[ADDRESS, AP1][..]),
        (&[ADDRESS, AP1], &[ADDRESS]),
        (&[ADDRESS, AP1], &[AP1]),
        (&[ADDRESS, AP1], &[]),
        (&[AP1], &[ADDRESS, AP1]),
        (&[], &[ADDRESS, AP1]),
    ] {
        let ours = lobby();
        sign_in(&ours, HERE, &[&[MAC], begun].concat());
        report(&ours, HERE, START, &[&[S1, ROOM1, MAC], begun].concat());
        report(&ours, HERE, ACCOUNTING_ON, on);
        assert_eq!(ours.sessions().len(), 0, "{begun:?} {on:?}");
    }
    // Another one.
    let ours = lobby();
    sign_in(&ours, HERE, &[MAC]);
    report(&ours, HERE, START, &[S1, ROOM1, MAC, ADDRESS, AP1]);
    report(&ours, "127.0.0.5", ACCOUNTING_ON, &[changed, (NAS_IDENTIFIER, b"ap2")]);
    assert_eq!(ours.sessions().len(), 1);
}

#[test]
fn access_points_as_delivered_side_by_side_are_told_apart_by_where_they_send_from() {
    let ours = lobby();
    let both = [ADDRESS, AP1];
    sign_in(&ours, HERE, &[&[MAC][..], &both].concat());
    report(&ours, HERE, START, &[&[S1, ROOM1, MAC][..], &both].concat());
    report(&ours, "127.0.0.5", ACCOUNTING_ON, &both);
    assert_eq!(ours.sessions().len(), 1);
    // The guest walks over; the number there is the same.
    let class = sign_in(&ours, "127.0.0.5", &[&[MAC][..], &both].concat());
    let there = [&[S1, ROOM1, MAC][..], &both, &[(CLASS, &class)]].concat();
    report(&ours, "127.0.0.5", START, &there);
    let usage = used(5, 10).map(|(kind, value)| (kind, value.to_vec()));
    let usage: Vec<Attribute> = usage.iter().map(|(kind, value)| (*kind, &value[..])).collect();
    report(&ours, "127.0.0.5", INTERIM, &[&there[..], &usage].concat());
    let sessions = ours.sessions();
    let newest = sessions.iter().max_by_key(|it| it["id"].as_u64()).unwrap();
    assert!(newest["trouble"].is_null(), "{sessions:?}");
    assert_eq!(newest["download"], 10 * MEGABYTE, "{sessions:?}");
    report(&ours, HERE, STOP, &[&[S1, ROOM1, MAC][..], &both].concat());
    let sessions = ours.sessions();
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    assert_eq!(sessions[0]["download"], 10 * MEGABYTE, "{sessions:?}");
}

#[test]
fn access_points_behind_a_proxy_are_told_apart_by_what_they_say() {
    let ours = lobby();
    let other: Attribute = (NAS_ADDRESS, &[10, 0, 0, 2]);
    sign_in(&ours, HERE, &[ADDRESS, AP1, MAC]);
    report(&ours, HERE, START, &[S1, ROOM1, ADDRESS, AP1, MAC]);
    report(&ours, HERE, ACCOUNTING_ON, &[other]);
    assert_eq!(ours.sessions().len(), 1);
    sign_in(&ours, HERE, &[ADDRESS, AP1, MAC]);
    // Through the other half of a pair of proxies.
    report(&ours, "127.0.0.5", ACCOUNTING_ON, &[ADDRESS, AP1]);
    assert_eq!(ours.sessions().len(), 0);
}

#[test]
fn a_report_without_a_number_or_with_one_that_is_no_text_is_acknowledged_and_counts() {
    let latin: Attribute = (SESSION, &[0xe4, 0xff, 0x31]);
    for number in [None, Some(latin)] {
        let start: Vec<Attribute> = [ROOM1, MAC, ADDRESS].into_iter().chain(number).collect();
        one_session(&[MAC, ADDRESS], false, [(HERE, &start), (HERE, &start), (HERE, &start)]);
    }
}

#[test]
fn a_name_in_latin_1_is_shown_and_can_be_closed() {
    let ours = lobby();
    let name: Attribute = (USER_NAME, b"M\xfcller");
    report(&ours, HERE, START, &[S1, name, ADDRESS, MAC]);
    let sessions = ours.sessions();
    assert_eq!(sessions[0]["login"], "Müller", "{sessions:?}");
    let said = ours.cli_ok(&["session", "close", "müller"]);
    assert!(said.contains('1'), "{said}");
}

#[test]
fn the_number_in_an_access_request_tells_the_same_sign_in() {
    let ours = Ours::sections(&format!(
        "config voucher 'voucher'\noption on_device_limit 'refuse'\n{}",
        super::ours::loopback("", DEAF_PORT)
    ));
    ours.voucher("room1", "pear", &[]);
    sign_in(&ours, HERE, &[S1, ADDRESS]);
    sign_in(&ours, HERE, &[S1, ADDRESS]);
    let other: Attribute = (SESSION, b"S2");
    assert_eq!(ask(&ours, HERE, &[other, ADDRESS]).code, ACCESS_REJECT);
    report(&ours, HERE, START, &[S1, ROOM1, ADDRESS]);
    sign_in(&ours, HERE, &[S1, ADDRESS]);
    assert_eq!(ours.sessions().len(), 1);
}
