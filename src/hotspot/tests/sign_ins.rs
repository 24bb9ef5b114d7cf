//! Sessions are told apart by the Class that was given with each sign-in.

use super::nas_sessions::{STOP, ask, at, down, nas, report, request};
use super::*;
use crate::hotspot::radius_messages::{AccessRequest, Event, Nas, Report};

/// What a report changes of the session that is usual.
type Change = fn(Report) -> Report;

fn sign_in(bench: &mut Bench, username: &str) -> Option<Vec<u8>> {
    Some(at(ask(bench, request(username, "secret", 1))).class)
}

fn restarted(bench: Bench) -> Bench {
    let clock = bench.clock.clone();
    bench.restart(clock)
}

/// A number that was used before is used again with another Class: 1,000 octets and 900 after that,
/// whichever reports of the second arrive.
#[test]
fn a_number_that_is_used_again_with_another_class_is_another_session() {
    let as_it_is: Change = |report| report;
    let unnumbered: Change = |report| Report { session: String::new(), ..report };
    let nameless: Change = |report| Report { username: String::new(), ..report };
    let seconds: [&[(Event, u64, u32)]; 4] = [
        &[(Event::Start, 0, 0), (Event::Interim, 60, 500), (STOP, 90, 900)],
        &[(Event::Interim, 60, 500), (STOP, 90, 900)],
        &[(STOP, 90, 900)],
        &[(Event::Start, 0, 0), (STOP, 600, 900)],
    ];
    for change in [as_it_is, unnumbered, nameless] {
        for (ended, restart, late) in [
            (true, false, 0),
            (true, true, 0),
            (true, false, 70),
            (false, false, 0),
            (false, true, 9),
        ] {
            for (index, second) in seconds.into_iter().enumerate() {
                let mut bench = Bench::new();
                let voucher = bench.limited("a", 10, 0);
                let class = sign_in(&mut bench, "a");
                let of = |class: &Option<Vec<u8>>, (event, time, octets)| {
                    change(Report { class: class.clone(), ..report(event, "a", 1, time, octets) })
                };
                bench.heard(of(&class, (Event::Start, 0, 0)));
                bench.clock.pass(400);
                let last = if ended { STOP } else { Event::Interim };
                bench.heard(of(&class, (last, 400, 1_000)));
                let class = sign_in(&mut bench, "a");
                bench.clock.pass(late);
                if restart {
                    bench = restarted(bench);
                }
                for report in second {
                    bench.clock.pass(30);
                    bench.heard(of(&class, *report));
                    let online = bench.sessions();
                    let stays = !matches!(report.0, Event::Stop(_)) || !ended && second.len() == 1;
                    assert_eq!(online.len(), usize::from(stays), "{index} {ended}: {online:?}");
                }
                assert_eq!(bench.used(voucher), down(1_900), "{index} {ended} {restart} {late}");
                assert_eq!(bench.orders(), [], "{index} {ended} {restart} {late}");
            }
        }
    }
}

#[test]
fn a_guest_who_signs_in_again_while_the_session_goes_on_has_one() {
    // Reports every minute; without a word for so long that it is given up; with a restart.
    for (silent, restart) in [(60, false), (600, false), (60, true), (600, true)] {
        let mut bench = Bench::new();
        let voucher = bench.limited("a", 10, 0);
        let class = sign_in(&mut bench, "a");
        let of = |class: &Option<Vec<u8>>, event, time, octets| Report {
            class: class.clone(),
            ..report(event, "a", 1, time, octets)
        };
        bench.heard(of(&class, Event::Start, 0, 0));
        bench.second_after(60);
        bench.heard(of(&class, Event::Interim, 60, 1_000));
        (0..silent / 60).for_each(|_| bench.second_after(60));
        let class = sign_in(&mut bench, "a");
        if restart {
            bench = restarted(bench);
        }
        bench.second_after(10);
        bench.heard(of(&class, Event::Interim, silent + 70, 1_500));
        bench.second_after(60);
        bench.heard(of(&class, STOP, silent + 130, 1_700));
        assert_eq!(bench.used(voucher), down(1_700), "{silent} {restart}");
        assert_eq!(bench.records().len(), 1, "{silent} {restart}");
    }
}

#[test]
fn a_late_report_of_the_session_before_opens_it_no_more() {
    let mut bench = Bench::new();
    let voucher = bench.limited("a", 10, 0);
    let classes = [(); 2].map(|()| sign_in(&mut bench, "a"));
    let [first, second] = classes.map(|class| {
        move |event, time, octets| Report {
            class: class.clone(),
            ..report(event, "a", 1, time, octets)
        }
    });
    bench.heard(first(Event::Interim, 60, 1_000));
    bench.clock.pass(60);
    bench.heard(second(Event::Start, 0, 0));
    bench.heard(first(Event::Interim, 110, 1_500));
    assert_eq!((bench.online(), bench.orders()), (vec![1], vec![]));
    bench.heard(first(STOP, 115, 1_600));
    bench.clock.pass(60);
    bench.heard(second(Event::Interim, 60, 300));
    assert_eq!((bench.online(), bench.orders()), (vec![1], vec![]));
    assert_eq!(bench.used(voucher), down(1_900));
}

#[test]
fn an_end_comes_twice_though_the_client_section_is_called_otherwise_by_then() {
    let mut bench = Bench::new();
    let voucher = bench.limited("a", 10, 0);
    let class = sign_in(&mut bench, "a");
    let end = |octets| Report { class: class.clone(), ..report(STOP, "a", 1, 60, octets) };
    bench.heard(end(1_000));
    let mut bench = restarted(bench);
    bench.heard(Report { nas: nas("house"), ..end(1_200) });
    assert_eq!(bench.used(voucher), down(1_200));
    assert_eq!(bench.records().len(), 1);
}

#[test]
fn guests_of_one_number_stay_where_no_device_is_known() {
    let mut bench = Bench::new();
    let vouchers = ["a", "b"].map(|name| bench.limited(name, 10, 0));
    let unknown = |name| Report { station: None, ..report(Event::Start, name, 1, 0, 0) };
    let starts = ["a", "b"].map(|name| {
        let asked = request(name, "secret", 1);
        let class = Some(at(ask(&mut bench, AccessRequest { station: None, ..asked })).class);
        Report { class, ..unknown(name) }
    });
    for start in starts.clone() {
        bench.heard(start);
    }
    bench.clock.pass(60);
    for (start, octets) in starts.into_iter().zip([300, 500]) {
        let Report { class, username, .. } = start;
        let interim = report(Event::Interim, &username, 1, 60, octets);
        bench.heard(Report { class, station: None, ..interim });
    }
    assert_eq!(bench.sessions().len(), 2);
    assert_eq!(vouchers.map(|id| bench.used(id)), [down(300), down(500)]);
}

#[test]
fn another_guest_with_the_same_device_and_number_is_charged() {
    let mut bench = Bench::new();
    let [first, second] = ["a", "b"].map(|name| bench.limited(name, 10, 0));
    let class = sign_in(&mut bench, "a");
    bench.heard(Report { class, ..report(STOP, "a", 1, 400, 1_000) });
    let class = sign_in(&mut bench, "b");
    bench.heard(Report { class, ..report(Event::Interim, "b", 1, 500, 1_200) });
    assert_eq!((bench.used(first), bench.used(second)), (down(1_000), down(1_200)));
}

#[test]
fn what_the_former_guest_uses_is_nothing_for_a_voucher_that_is_called_the_same() {
    for (event, restart) in
        [(STOP, false), (STOP, true), (Event::Interim, false), (Event::Interim, true)]
    {
        let mut bench = Bench::new();
        bench.limited("room", 1, 0);
        let former = sign_in(&mut bench, "room");
        bench.remove("room");
        let voucher = bench.limited("room", 1, 0);
        let class = Some(at(ask(&mut bench, request("room", "secret", 2))).class);
        bench.heard(Report { class, ..report(Event::Start, "room", 2, 0, 0) });
        if restart {
            bench = restarted(bench);
        }
        bench.clock.pass(300);
        let of_former = |username: &str| Report {
            class: former.clone(),
            ..report(event, username, 1, 300, 700_000_000)
        };
        bench.heard(of_former("room"));
        assert_eq!(bench.used(voucher), down(0), "{event:?} {restart}");
        assert!(bench.online().contains(&2), "{event:?} {restart}");
        // Only the former one is told to end, which goes by the number.
        let is_other = |(session, _): &(String, _)| session == "session-1";
        assert!(bench.orders().iter().all(is_other), "{event:?} {restart}");
    }
}

#[test]
fn an_access_point_that_has_moved_goes_on_with_its_sessions_after_a_restart() {
    let mut bench = Bench::new();
    let voucher = bench.limited("a", 10, 0);
    at(ask(&mut bench, request("a", "secret", 1)));
    bench.heard(report(Event::Start, "a", 1, 0, 0));
    bench.clock.pass(60);
    bench.heard(report(Event::Interim, "a", 1, 60, 1_000));
    bench.clock.pass(40);
    let mut bench = restarted(bench);
    bench.clock.pass(20);
    let source = [192, 168, 1, 21].into();
    let moved = Nas { source, address: Some(source), ..nas("lobby") };
    bench.heard(Report { nas: moved, ..report(Event::Interim, "a", 1, 120, 1_200) });
    assert_eq!(bench.used(voucher), down(1_200));
    assert_eq!(bench.online(), [1]);
}
