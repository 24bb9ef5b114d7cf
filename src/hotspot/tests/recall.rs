//! What holds for sessions whose sign-in a restart of the daemon has forgotten.

use super::nas_sessions::{ask, at, report, request};
use super::*;
use crate::domain::rule::Subject;
use crate::domain::session::TerminateCause;
use crate::hotspot::policies::{Change, Draft};
use crate::hotspot::radius_messages::{Demand, Event, Report};
use crate::policy::List;

const LIMITS: [&str; 3] =
    ["Cleartext-Password := secret", "Max-Data := 1000", "Max-All-Session := 3600"];

fn ends(bench: &mut Bench) -> Vec<TerminateCause> {
    let orders = std::iter::from_fn(|| bench.ordered.try_recv().ok());
    let cause = orders.filter_map(|order| match order.what {
        Demand::End(cause) => Some(cause),
        Demand::Change(_) => None,
    });
    cause.collect()
}

fn restarted(bench: Bench) -> Bench {
    let clock = bench.clock.clone();
    bench.restart(clock)
}

#[test]
fn limits_hold_where_the_sign_in_is_forgotten_before_the_first_report() {
    let mut bench = Bench::new();
    bench.user("u", &LIMITS);
    let class = Some(at(ask(&mut bench, request("u", "secret", 1))).class);
    let mut bench = restarted(bench);
    let of = |event, seconds, down| Report {
        class: class.clone(),
        ..report(event, "u", 1, seconds, down)
    };
    bench.heard(of(Event::Start, 0, 0));
    assert_eq!(bench.sessions()[0].left.time, Some(Duration::from_secs(3_600)));
    bench.clock.pass(300);
    bench.heard(of(Event::Interim, 300, 900));
    assert_eq!(ends(&mut bench), []);
    bench.heard(of(Event::Interim, 301, 1_000));
    assert_eq!(ends(&mut bench), [TerminateCause::DataLimit]);
}

#[test]
fn who_is_beyond_a_limit_with_the_first_report_after_a_restart_is_ended() {
    for (seconds, down) in [(10, 2_000), (4_000, 10)] {
        let mut bench = Bench::new();
        bench.user("u", &LIMITS);
        let class = Some(at(ask(&mut bench, request("u", "secret", 1))).class);
        let mut bench = restarted(bench);
        bench.clock.pass(4_000);
        bench.heard(Report { class, ..report(Event::Interim, "u", 1, seconds, down) });
        assert_eq!(ends(&mut bench).len(), 1, "{seconds} {down}");
    }
}

#[test]
fn limits_of_a_user_hold_after_a_reboot() {
    let mut bench = Bench::new();
    bench.user("u", &LIMITS);
    at(ask(&mut bench, request("u", "secret", 1)));
    bench.reports(Event::Start, "u", 1, 0, 0);
    bench.clock.pass(600);
    bench.reports(Event::Interim, "u", 1, 600, 500);
    let mut bench = bench.restart(TestClock::at(START + 600, true, "boot-2"));
    assert_eq!(bench.sessions()[0].left.time, Some(Duration::from_secs(3_000)));
    bench.reports(Event::Interim, "u", 1, 610, 1_000);
    assert_eq!(ends(&mut bench), [TerminateCause::DataLimit]);
}

#[test]
fn a_row_for_fewer_reports_holds_after_a_restart() {
    let mut bench = Bench::new();
    bench.create("v").unwrap();
    bench.user("u", &["Cleartext-Password := secret", "Simultaneous-Use := 1"]);
    for name in ["u", "v"] {
        let subject = Subject::User(Username::parse(name).unwrap().unwrap());
        let drafts = vec![Draft::parse(List::Reply, "Acct-Interim-Interval := 6000").unwrap()];
        let add = |reply| Change::Add { subject, list: List::Reply, drafts, reply };
        bench.write(|reply| Write::Policy(add(reply))).unwrap().unwrap();
    }
    at(ask(&mut bench, request("u", "secret", 1)));
    at(ask(&mut bench, request("v", "secret", 2)));
    bench.reports(Event::Start, "u", 1, 0, 0);
    bench.reports(Event::Start, "v", 2, 0, 0);
    let mut bench = restarted(bench);
    bench.second_after(10_000);
    assert_eq!(bench.online().len(), 2);
    bench.second_after(10_000);
    assert_eq!(bench.online().len(), 0);
    // Given up, and there after all.
    bench.reports(Event::Interim, "u", 1, 20_000, 0);
    bench.second_after(10_000);
    assert_eq!(bench.online(), [1]);
}
