//! Sessions that access points are told to end.

use super::nas_sessions::{STOP, ask, at, down, reject, request};
use super::*;
use crate::domain::session::TerminateCause;
use crate::hotspot::radius_messages::{Demand, Dispatch, Event, Outcome};

impl Bench {
    fn answered(&mut self, id: i64, outcome: Outcome) {
        self.hotspot.turn(vec![Command::Upkeep(Upkeep::Ordered(id, outcome))]);
    }

    /// What access points were told to end, and why.
    pub(super) fn orders(&mut self) -> Vec<(String, TerminateCause)> {
        std::iter::from_fn(|| self.ordered.try_recv().ok())
            .filter_map(|order| match order.what {
                Demand::End(cause) => Some((order.session, cause)),
                Demand::Change(_) => None,
            })
            .collect()
    }

    fn close(&mut self, whose: Whose) -> Closed {
        self.write(|reply| Write::CloseSessions { whose, reply }).unwrap()
    }
}

#[test]
fn a_voucher_that_is_used_up_is_ended_everywhere() {
    let mut bench = Bench::new();
    let plan = Plan { devices: 3.try_into().unwrap(), ..plan() };
    bench.hotspot.settings.preset.plan = plan;
    bench.limited("a", 1, 0);
    bench.login_from(5, "a", "secret").unwrap().unwrap();
    at(ask(&mut bench, request("a", "secret", 1)));
    bench.reports(Event::Start, "a", 1, 0, 0);
    assert_eq!(bench.orders(), []);
    bench.reports(Event::Interim, "a", 1, 60, 1 << 20);
    assert_eq!(bench.orders(), [("session-1".to_owned(), TerminateCause::DataLimit)]);
    assert_eq!(bench.online(), [1]);
    assert!(bench.sessions()[0].trouble.as_deref().unwrap().starts_with("told to end it"));
    assert_eq!(
        reject(ask(&mut bench, request("a", "secret", 2))).message,
        "The user has used up the data limit."
    );
    let id = bench.sessions()[0].id;
    bench.answered(id, Outcome::Done);
    assert!(bench.online().is_empty());
    bench.reports(STOP, "a", 1, 61, (1 << 20) + 7);
    let records = bench.records();
    assert_eq!((records[1].cause.as_str(), records[1].usage), ("Data-Limit", down((1 << 20) + 7)));
}

#[test]
fn an_end_takes_back_what_was_ordered() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    at(ask(&mut bench, request("a", "secret", 1)));
    bench.reports(Event::Start, "a", 1, 0, 0);
    let id = bench.sessions()[0].id;
    bench.close(Whose::Station(mac(1)));
    bench.reports(STOP, "a", 1, 5, 0);
    let told: Vec<_> = std::iter::from_fn(|| bench.ordered.0.try_recv().ok()).collect();
    assert!(matches!(&told[0], Dispatch::Order(order) if order.id == id), "{told:?}");
    assert_eq!(told[1..], [Dispatch::Closed(id)]);
}

#[test]
fn over_the_device_limit_the_oldest_yields_wherever_it_is() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.login("a", "secret").unwrap();
    at(ask(&mut bench, request("a", "secret", 1)));
    assert_eq!((bench.online(), bench.ends()), (vec![], ends([(0, "Port-Preempted")])));
    bench.reports(Event::Start, "a", 1, 0, 0);
    at(ask(&mut bench, request("a", "secret", 2)));
    assert_eq!(bench.orders(), [("session-1".to_owned(), TerminateCause::PortPreempted)]);
    // The device that is online already is no other one.
    bench.reports(Event::Start, "a", 2, 0, 0);
    at(ask(&mut bench, request("a", "secret", 2)));
    assert_eq!(bench.orders(), []);
}

#[test]
fn what_does_not_end_is_shown_and_asked_again() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.reports(Event::Start, "a", 1, 0, 0);
    let name = Username::parse("A").unwrap().unwrap();
    assert_eq!(bench.close(Whose::Username(name)), Closed { here: 0, asked: 1, freed: 0 });
    assert_eq!(bench.orders().len(), 1);
    let id = bench.sessions()[0].id;
    bench.answered(id, Outcome::Refused(Some(501)));
    assert_eq!(
        bench.sessions()[0].trouble.as_deref(),
        Some("refuses to end it (Admin-Reset): Administratively-Prohibited")
    );
    bench.second_after(200);
    assert_eq!(bench.orders(), []);
    bench.second_after(101);
    assert_eq!(bench.orders().len(), 1);
    bench.answered(id, Outcome::Silent);
    assert!(bench.sessions()[0].trouble.as_deref().unwrap().starts_with("does not answer"));
    assert_eq!(bench.close(Whose::Station(mac(1))).asked, 1);
    bench.answered(id, Outcome::Refused(Some(503)));
    assert_eq!((bench.sessions().len(), bench.ends()), (0, ends([(1, "Admin-Reset")])));
}

#[test]
fn a_voucher_that_is_removed_or_over_is_ended_at_access_points() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.create("b").unwrap();
    at(ask(&mut bench, request("b", "secret", 2)));
    bench.reports(Event::Start, "a", 1, 0, 0);
    bench.reports(Event::Start, "b", 2, 0, 0);
    bench.remove("a");
    assert_eq!(bench.orders(), [("session-1".to_owned(), TerminateCause::AdminReset)]);
    for minute in 1..=1_440 {
        bench.clock.pass(60);
        bench.reports(Event::Interim, "b", 2, minute * 60, 0);
    }
    bench.second_after(20);
    assert_eq!(bench.orders(), []);
    bench.second_after(11);
    assert_eq!(bench.orders(), [("session-2".to_owned(), TerminateCause::SessionTimeout)]);
}

#[test]
fn nobody_takes_the_place_of_who_does_not_leave() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.reports(Event::Start, "a", 1, 0, 0);
    at(ask(&mut bench, request("a", "secret", 2)));
    let id = bench.sessions()[0].id;
    bench.answered(id, Outcome::Silent);
    bench.second_after(61);
    let refused = reject(ask(&mut bench, request("a", "secret", 3)));
    assert_eq!(refused.message, "Too many devices are online with this user.");
    bench.reports(STOP, "a", 1, 60, 0);
    at(ask(&mut bench, request("a", "secret", 3)));
}

#[test]
fn a_place_that_is_kept_can_be_freed() {
    let mut bench = Bench::new();
    let on_device_limit = crate::domain::plan::OnDeviceLimit::Refuse;
    bench.hotspot.settings.preset.plan = Plan { on_device_limit, ..plan() };
    bench.create("a").unwrap();
    at(ask(&mut bench, request("a", "secret", 1)));
    reject(ask(&mut bench, request("a", "secret", 2)));
    let name = Username::parse("A").unwrap().unwrap();
    assert_eq!(bench.close(Whose::Username(name)), Closed { here: 0, asked: 0, freed: 1 });
    at(ask(&mut bench, request("a", "secret", 2)));
}

#[test]
fn an_access_point_that_is_heard_again_is_told_again_at_once() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    at(ask(&mut bench, request("a", "secret", 1)));
    bench.reports(Event::Start, "a", 1, 0, 0);
    let id = bench.sessions()[0].id;
    bench.remove("a");
    let end = [("session-1".to_owned(), TerminateCause::AdminReset)];
    assert_eq!(bench.orders(), end);
    bench.answered(id, Outcome::Silent);
    assert_eq!(bench.orders(), []);
    bench.clock.pass(60);
    bench.reports(Event::Interim, "a", 1, 60, 0);
    assert_eq!(bench.orders(), end);
    // Whoever reports and takes no orders is not asked with every report.
    bench.answered(id, Outcome::Silent);
    bench.clock.pass(60);
    bench.reports(Event::Interim, "a", 1, 120, 0);
    assert_eq!(bench.orders(), []);
    bench.clock.pass(240);
    ask(&mut bench, request("nobody", "", 2));
    assert_eq!(bench.orders(), end);
    bench.answered(id, Outcome::Done);
    bench.reports(STOP, "a", 1, 360, 0);
    assert_eq!((bench.orders(), bench.sessions().len()), (vec![], 0));
}

#[test]
fn an_access_point_that_refuses_is_not_told_again_because_it_is_heard() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    at(ask(&mut bench, request("a", "secret", 1)));
    bench.reports(Event::Start, "a", 1, 0, 0);
    let id = bench.sessions()[0].id;
    bench.remove("a");
    bench.orders();
    bench.answered(id, Outcome::Refused(Some(501)));
    bench.reports(Event::Interim, "a", 1, 60, 0);
    assert_eq!(bench.orders(), []);
}
