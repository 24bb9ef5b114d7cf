//! Reports about people who were never let in at the access point that reports them.

use super::nas_sessions::{STOP, ask, at, down, nas, report, request};
use super::*;
use crate::domain::plan::OnDeviceLimit;
use crate::domain::session::TerminateCause;
use crate::hotspot::radius_messages::{Demand, Event, Report};

/// From an access point that never asked us.
fn stranger(event: Event, username: &str, device: u8, seconds: u64, down: u32) -> Report {
    Report { nas: nas("pool"), ..report(event, username, device, seconds, down) }
}

impl Bench {
    /// Which sessions access points were told to end.
    fn ended(&mut self) -> Vec<String> {
        let orders = std::iter::from_fn(|| self.ordered.try_recv().ok());
        let ends = orders.filter(|order| matches!(order.what, Demand::End(_)));
        ends.map(|order| format!("{} at {}", order.session, order.nas.client)).collect()
    }
}

#[test]
fn the_guest_on_the_portal_stays_whatever_an_access_point_reports() {
    for on_device_limit in [OnDeviceLimit::Replace, OnDeviceLimit::Refuse] {
        let mut bench = Bench::plan(Plan { on_device_limit, ..plan() });
        let voucher = bench.limited("room12", 10, 0);
        bench.login_from(1, "room12", "secret").unwrap().unwrap();
        bench.heard(stranger(Event::Start, "room12", 2, 0, 0));
        bench.heard(stranger(Event::Interim, "room12", 3, 60, u32::MAX));
        bench.heard(stranger(STOP, "room12", 4, 60, u32::MAX));
        // Also as the guest's own device, and in the guest's own number of sessions.
        bench.heard(stranger(Event::Start, "ROOM12 ", 1, 60, u32::MAX));
        bench.second_after(1);
        assert!(bench.kernel.pass(1).is_some());
        assert_eq!(bench.kernel.pass(1).unwrap().download.limit, Some(10 << 20));
        assert_eq!(bench.used(voucher), down(0));
        assert_eq!(bench.ended(), ["session-2 at pool", "session-3 at pool", "session-1 at pool"]);
        // Nor is anybody kept out by it.
        assert!(bench.logout(1));
        bench.login_from(5, "room12", "secret").unwrap().unwrap();
        assert_eq!(bench.records().len(), 2);
    }
}

#[test]
fn users_are_not_locked_out_by_what_is_reported_of_them() {
    let mut bench = Bench::new();
    bench.user("u", &["Cleartext-Password := secret", "Simultaneous-Use := 1"]);
    bench.user("v", &["Cleartext-Password := secret", "Max-Daily-Session := 100"]);
    for name in ["u", "v"] {
        bench.heard(stranger(Event::Start, name, 2, 0, 0));
        bench.heard(stranger(STOP, name, 3, 1_000, 0));
        at(ask(&mut bench, request(name, "secret", 1)));
    }
}

#[test]
fn who_is_let_in_afterwards_is_counted_from_then_on() {
    let mut bench = Bench::new();
    let voucher = bench.limited("a", 10, 0);
    bench.heard(report(Event::Start, "a", 1, 0, 0));
    bench.heard(report(Event::Interim, "a", 1, 60, 1_000));
    assert_eq!(bench.used(voucher), down(0));
    at(ask(&mut bench, request("a", "secret", 1)));
    bench.heard(report(Event::Interim, "a", 1, 120, 3_000));
    assert_eq!((bench.used(voucher), bench.sessions().len()), (down(3_000), 1));
    assert_eq!(bench.sessions()[0].trouble, None);
}

#[test]
fn a_session_that_was_let_in_long_ago_is_counted_but_ends_nobody_elses() {
    let mut bench = Bench::new();
    let voucher = bench.limited("a", 10, 0);
    at(ask(&mut bench, request("a", "secret", 1)));
    bench.second_after(300);
    // Its place is another one's by now.
    bench.login_from(2, "a", "secret").unwrap().unwrap();
    bench.heard(report(Event::Interim, "a", 1, 290, 1_000));
    assert_eq!(bench.ended(), ["session-1 at lobby"]);
    assert!(bench.kernel.pass(2).is_some());
    assert_eq!(bench.used(voucher), down(1_000));
}

#[test]
fn a_class_of_ours_shows_that_somebody_was_let_in_before_a_crash() {
    let mut bench = Bench::new();
    let voucher = bench.limited("a", 10, 0);
    let class = Some(at(ask(&mut bench, request("a", "secret", 1))).class);
    let mut bench = bench.crash();
    let with = |class: Option<Vec<u8>>, device| Report {
        class,
        ..report(Event::Interim, "a", device, 60, 1_000)
    };
    bench.heard(with(None, 2));
    bench.heard(with(Some(vec![7; 32]), 3));
    assert_eq!(bench.used(voucher), down(0));
    // At whatever access point: guests walk about.
    bench.heard(Report { nas: nas("pool"), ..with(class.clone(), 1) });
    assert_eq!(bench.used(voucher), down(1_000));
    bench.remove("a");
    bench.limited("a", 10, 0);
    bench.heard(Report { nas: nas("roof"), session: "b".into(), ..with(class, 4) });
    assert_eq!(bench.vouchers()[0].value.used, down(0));
}

#[test]
fn a_session_of_a_guest_who_was_here_before_is_counted_after_a_crash() {
    let mut bench = Bench::new();
    let voucher = bench.limited("a", 10, 0);
    bench.reports(STOP, "a", 1, 60, 1_000);
    let mut bench = bench.crash();
    bench.heard(Report { session: "next".into(), ..report(Event::Interim, "a", 1, 60, 500) });
    assert_eq!(bench.used(voucher), down(1_500));
}

#[test]
fn an_access_point_that_is_silent_about_the_device_when_it_asks_claims_the_place() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.login_from(2, "a", "secret").unwrap().unwrap();
    let mut unknown = request("a", "secret", 1);
    unknown.station = None;
    at(ask(&mut bench, unknown));
    bench.heard(report(Event::Start, "a", 1, 0, 0));
    assert_eq!((bench.online(), bench.ended().len()), (vec![1], 0));
}

#[test]
fn what_was_never_let_in_is_shown_until_it_is_silent_and_costs_no_flash() {
    let settings = Settings { interim_interval: 60, ..Settings::default() };
    let clock = TestClock::at(START, true, "boot-1");
    let mut bench = Bench::with(Scratch::new(), clock, TestKernel::default(), settings);
    bench.minutes(1);
    let before = bench.hotspot.store.changes();
    bench.heard(report(Event::Start, "staff-laptop", 1, 0, 0));
    bench.heard(report(Event::Interim, "staff-laptop", 1, 60, 500));
    bench.heard(report(STOP, "printer", 2, 60, 500));
    let sessions = bench.sessions();
    assert_eq!((sessions.len(), sessions[0].usage), (1, down(500)));
    assert_eq!(sessions[0].trouble.as_deref(), Some("never let in by hotspotd: not counted"));
    bench.second_after(200);
    assert_eq!((bench.sessions().len(), bench.records().len()), (0, 0));
    // Where the clock stands, and that is all.
    assert!(bench.hotspot.store.changes() - before <= 2);
    assert!(bench.ended().is_empty());
}

#[test]
fn of_too_many_who_was_never_let_in_yields_first_whatever_client_has_most() {
    let mut bench = Bench::new();
    for batch in 0..16 {
        let client = format!("rogue{}", batch % 4);
        let fake = |number| Report {
            nas: nas(&client),
            session: format!("{batch}-{number}"),
            station: None,
            ..report(Event::Interim, "nobody", 1, 60, 10)
        };
        bench.at_once((0..128).map(fake));
        bench.at_once((128..250).map(fake));
    }
    let fakes = bench.sessions().len();
    bench.was_let_in(&report(Event::Start, "a", 1, 0, 0));
    for batch in 0..8 {
        let real = |number| Report {
            session: format!("real-{batch}-{number}"),
            station: None,
            ..report(Event::Interim, "a", 1, 60, 10)
        };
        bench.at_once((0..128).map(real));
    }
    let sessions = bench.sessions();
    assert_eq!((fakes, sessions.len()), (4_000, 4_096));
    assert_eq!(sessions.iter().filter(|it| it.login == "a").count(), 1_024);
    assert!(bench.ended().is_empty());
}

#[test]
fn places_cannot_be_taken_from_other_clients() {
    let mut bench = Bench::plan(Plan { on_device_limit: OnDeviceLimit::Refuse, ..plan() });
    bench.create("honest").unwrap();
    bench.user("u", &["Cleartext-Password := secret"]);
    let honest = at(ask(&mut bench, request("honest", "secret", 1)));
    for number in 0..4_200_u32 {
        let [.., a, b, c] = number.to_be_bytes();
        let mut flood = request("u", "secret", 1);
        (flood.nas, flood.station) = (nas("pool"), Some(Mac::new([2, 0, 0, a, b, c])));
        at(ask(&mut bench, flood));
    }
    assert!(bench.login_from(2, "honest", "secret").unwrap().is_err());
    let start = report(Event::Start, "honest", 1, 0, 0);
    bench.heard(Report { class: Some(honest.class), ..start });
    assert_eq!(bench.sessions()[0].left.time, Some(Duration::from_secs(86_400)));
}

#[test]
fn a_device_of_a_stranger_does_not_close_the_session_of_a_guest() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    at(ask(&mut bench, request("a", "secret", 1)));
    bench.heard(report(Event::Start, "a", 1, 0, 0));
    bench.heard(Report { session: "x".into(), ..report(Event::Start, "nobody", 1, 0, 0) });
    let sessions = bench.sessions();
    assert_eq!(sessions.iter().filter(|it| it.login == "a").count(), 1);
    assert_eq!(bench.ends(), ends([(1, "")]));
}

#[test]
fn what_may_have_been_recorded_earlier_is_no_news_of_an_access_point() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    let class = Some(at(ask(&mut bench, request("a", "secret", 1))).class);
    let said = |event, seconds, stamped: bool| Report {
        stamp: stamped.then(|| stamp(START + seconds as i64)),
        class: class.clone(),
        ..report(event, "a", 1, seconds, 0)
    };
    for stamped in [true, false] {
        let mut is_fresh = |event, seconds| bench.heard(said(event, seconds, stamped)).is_fresh;
        if stamped {
            assert!(is_fresh(Event::Start, 0) && !is_fresh(Event::Start, 0));
        }
        let begin = if stamped { 60 } else { 600 };
        assert!(is_fresh(Event::Interim, begin) && is_fresh(Event::Interim, begin + 60));
        assert!(!is_fresh(Event::Interim, begin + 60) && !is_fresh(Event::Interim, begin));
        assert!(!is_fresh(Event::Start, 0));
    }
    bench.clock.pass(700);
    let mut is_fresh = |event, seconds| bench.heard(said(event, seconds, true)).is_fresh;
    assert!(is_fresh(STOP, 700) && !is_fresh(STOP, 700) && !is_fresh(Event::Interim, 660));
    // Of somebody who was never let in: a session that has been forgotten, it may be.
    assert!(!bench.heard(report(Event::Start, "b", 2, 0, 0)).is_fresh);
    assert!(!bench.heard(report(Event::Interim, "b", 2, 60, 0)).is_fresh);
}

#[test]
fn an_access_point_that_starts_anew_is_news_once_and_not_afterwards() {
    let mut bench = Bench::new();
    let mut is_fresh = |seconds: Option<i64>| {
        let (nas, cause) = (nas("lobby"), TerminateCause::NasReboot);
        let stamp = seconds.map(|seconds| stamp(START + seconds));
        bench
            .write(|reply| Write::NasRestarted { nas, cause, stamp, delay: Duration::ZERO, reply })
            .unwrap()
            .is_fresh
    };
    // Its clock is wrong.
    assert!(is_fresh(Some(-40_000)) && !is_fresh(Some(-40_000)));
    assert!(is_fresh(Some(-30_000)) && !is_fresh(Some(-39_000)));
    assert!(is_fresh(None));
}
