//! Programs that check passwords and have no devices: squid, Apache, and what says that it is one.

use super::nas_sessions::{ask, at, nas, reject, report, request};
use super::*;
use crate::domain::plan::OnDeviceLimit;
use crate::domain::rule::{Line, Subject};
use crate::domain::session::TerminateCause;
use crate::hotspot::radius_messages::{Access, AccessRequest, Event, Nas, Purpose, Report};
use crate::policy::List;

/// From a program that names no device, at a client of its own.
fn check(client: &str, purpose: Purpose) -> AccessRequest {
    AccessRequest { nas: nas(client), station: None, purpose, ..request("a", "secret", 1) }
}

fn bench(on_device_limit: OnDeviceLimit) -> Bench {
    let mut bench = Bench::plan(Plan { on_device_limit, ..plan() });
    bench.create("a").unwrap();
    bench
}

/// A guest is online at an access point.
fn online(bench: &mut Bench) {
    at(ask(bench, request("a", "secret", 1)));
    bench.reports(Event::Start, "a", 1, 0, 0);
    assert_eq!(bench.sessions().len(), 1);
}

#[test]
fn a_program_that_asks_again_and_again_takes_over_its_own_place() {
    let mut bench = bench(OnDeviceLimit::Refuse);
    for _ in 0..3 {
        at(ask(&mut bench, check("squid", Purpose::Session)));
    }
    let message = reject(ask(&mut bench, request("a", "secret", 1))).message;
    assert_eq!(message, "Too many devices are online with this user.");
    // Two requests that name two sessions are two guests.
    let of_session = |name: &str| AccessRequest {
        session: Some(name.to_owned()),
        ..check("squid", Purpose::Session)
    };
    bench.clock.pass(60);
    at(ask(&mut bench, of_session("1")));
    at(ask(&mut bench, of_session("1")));
    reject(ask(&mut bench, of_session("2")));
}

#[test]
fn whoever_only_checks_passwords_neither_takes_a_place_nor_needs_one() {
    for limit in [OnDeviceLimit::Refuse, OnDeviceLimit::Replace] {
        for purpose in [Purpose::AuthenticateOnly, Purpose::PasswordCheck] {
            let mut bench = bench(limit);
            at(ask(&mut bench, check("web", purpose)));
            online(&mut bench);
            at(ask(&mut bench, check("web", purpose)));
            bench.seconds(1);
            assert_eq!(bench.sessions().len(), 1, "{limit:?} {purpose:?}");
            assert_eq!(bench.orders(), [], "{limit:?} {purpose:?}");
            let wrong = AccessRequest { proof: request("", "x", 1).proof, ..check("web", purpose) };
            reject(ask(&mut bench, wrong));
        }
    }
}

#[test]
fn a_user_with_one_session_may_be_checked_meanwhile() {
    let mut bench = bench(OnDeviceLimit::Replace);
    let subject = Subject::User(Username::parse("a").unwrap().unwrap());
    let one = ["Simultaneous-Use", ":=", "1"].map(str::to_owned);
    let [attribute, operator, value] = one;
    let line = Line { attribute, operator, value };
    bench.hotspot.store.insert_rule(&subject, List::Check, &line).unwrap();
    online(&mut bench);
    at(ask(&mut bench, check("web", Purpose::PasswordCheck)));
    let other = AccessRequest { nas: nas("roof"), ..request("a", "secret", 2) };
    reject(ask(&mut bench, other));
}

/// ocserv says that it authenticates only, and reports.
#[test]
fn who_reports_after_all_takes_its_place_then() {
    let mut bench = bench(OnDeviceLimit::Replace);
    online(&mut bench);
    let accept = at(ask(&mut bench, check("vpn", Purpose::AuthenticateOnly)));
    assert_eq!(bench.orders(), []);
    let started = |class| Report {
        nas: Nas { source: [192, 168, 1, 30].into(), ..nas("vpn") },
        station: None,
        session: "vpn-1".to_owned(),
        class,
        ..report(Event::Start, "a", 2, 0, 0)
    };
    bench.heard(started(Some(accept.class)));
    assert_eq!(bench.orders(), [("session-1".to_owned(), TerminateCause::PortPreempted)]);
    // From now on it is known to report.
    let answer = ask(&mut bench, check("vpn", Purpose::AuthenticateOnly));
    assert!(matches!(answer, Access::Accept(_)));
    bench.seconds(1);
    assert_eq!(bench.orders(), [("vpn-1".to_owned(), TerminateCause::PortPreempted)]);
}

/// Two guests whose access point names no devices.
#[test]
fn a_place_that_was_taken_over_is_still_there_for_its_report() {
    let mut bench = Bench::plan(Plan { devices: std::num::NonZeroU16::new(2).unwrap(), ..plan() });
    bench.create("a").unwrap();
    let classes = [(); 12].map(|()| at(ask(&mut bench, check("roof", Purpose::Session))).class);
    let now = bench.hotspot.tell_time();
    assert_eq!(bench.hotspot.pending_sessions.of("a", now).count(), 9);
    for (number, class) in [(10, &classes[10]), (11, &classes[11])] {
        let started = report(Event::Start, "a", number, 0, 0);
        let nas = nas("roof");
        let class = Some(class.clone());
        bench.heard(Report { nas, station: None, class, ..started });
    }
    assert_eq!(bench.orders(), []);
    assert_eq!(bench.hotspot.pending_sessions.of("a", now).count(), 7);
}
