//! The login log under probes.

use super::nas_sessions::{ask, at, nas, reject, report, request};
use super::*;
use crate::hotspot::radius_messages::{AccessRequest, Event, Report};

/// Login, reason and number of each row.
fn rows(bench: &mut Bench) -> Vec<(String, String, u32)> {
    let row = |row: Entry<LoginRecord>| {
        (row.value.login, row.value.refusal.unwrap_or_default(), row.value.times)
    };
    bench.logins().into_iter().map(row).collect()
}

fn told(rows: &[(String, String, u32)]) -> Vec<(&str, &str, u32)> {
    rows.iter().map(|(login, reason, times)| (login.as_str(), reason.as_str(), *times)).collect()
}

fn probe(client: &str, username: &str, password: &str) -> AccessRequest {
    AccessRequest { nas: nas(client), station: None, ..request(username, password, 1) }
}

#[test]
fn probes_with_one_name_are_one_row_an_hour() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    for _ in 0..61 {
        reject(ask(&mut bench, probe("switch", "Dummy", "x")));
        bench.minutes(1);
    }
    reject(ask(&mut bench, probe("roof", "dummy", "x")));
    reject(ask(&mut bench, probe("switch", "a", "x")));
    let unknown = "Wrong user name.";
    let expected = [
        ("Dummy", unknown, 60),
        ("Dummy", unknown, 1),
        ("dummy", unknown, 1),
        ("a", "Wrong password.", 1),
    ];
    assert_eq!(told(&rows(&mut bench)), expected);
    // As it was written down.
    bench.minutes(2);
    let mut bench = bench.power_cut(TestClock::at(START + 4000, true, "boot-2"));
    assert_eq!(told(&rows(&mut bench)), expected);
}

#[test]
fn a_stop_in_good_order_loses_no_count() {
    let mut bench = Bench::new();
    for _ in 0..5 {
        reject(ask(&mut bench, probe("switch", "dummy", "x")));
        bench.minutes(1);
    }
    bench.hotspot.finish();
    let mut bench = bench.restart(TestClock::at(START + 400, true, "boot-1"));
    assert_eq!(told(&rows(&mut bench)), [("dummy", "Wrong user name.", 5)]);
}

#[test]
fn who_is_let_in_without_a_session_is_one_row_and_each_session_has_its_own() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    for _ in 0..40 {
        at(ask(&mut bench, request("a", "secret", 1)));
        bench.clock.pass(60);
    }
    assert_eq!(told(&rows(&mut bench)), [("a", "", 40)]);
    for number in 0..3 {
        at(ask(&mut bench, request("a", "secret", 1)));
        let session = format!("session-{number}");
        bench.heard(Report { session, ..report(Event::Start, "a", 1, 0, 0) });
        bench.clock.pass(60);
    }
    at(ask(&mut bench, request("a", "secret", 1)));
    assert_eq!(told(&rows(&mut bench)), [("a", "", 41), ("a", "", 1), ("a", "", 1), ("a", "", 1)]);
}

#[test]
fn devices_that_are_refused_by_their_mac_are_told_in_few_rows() {
    let mut bench = Bench::new();
    bench.create("98:01:A7:CB:BB:07").unwrap();
    for device in 1..100 {
        let name = mac(device).to_string().replace(':', "-");
        reject(ask(&mut bench, request(&name, &name, device)));
    }
    let first = mac(1).to_string().replace(':', "-");
    let [unknown, wrong] = ["Wrong user name.", "Wrong password."];
    assert_eq!(told(&rows(&mut bench)), [(first.as_str(), unknown, 98), ("", wrong, 1)]);
    assert_eq!(bench.logins()[1].value.mac, Some(mac(7)));
}

#[test]
fn ever_other_names_at_one_client_do_not_push_out_those_of_others() {
    let mut bench = Bench::new();
    for number in 0..1000 {
        reject(ask(&mut bench, probe("switch", &format!("name{number}"), "x")));
        if number % 100 == 0 {
            bench.minutes(1);
        }
    }
    reject(ask(&mut bench, probe("roof", "jo", "x")));
    let rows = rows(&mut bench);
    assert!((301..330).contains(&rows.len()), "{}", rows.len());
    assert_eq!(rows.iter().map(|(_, _, times)| times).sum::<u32>(), 1001);
    assert_eq!(rows.last().unwrap().0, "jo");
}
