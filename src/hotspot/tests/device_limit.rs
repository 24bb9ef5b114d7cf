//! What comes at the same time shares a transaction, and is judged as if it came one by one.

use super::nas_sessions::{STOP, down, nas, report, request};
use super::*;
use crate::domain::session::TerminateCause;
use crate::hotspot::radius_messages::{Access, AccessRequest, Event, Report};

impl Bench {
    /// Reports that one batch takes down.
    pub(super) fn at_once(&mut self, reports: impl IntoIterator<Item = Report>) {
        let write = |report| {
            let (reply, answer) = oneshot::channel();
            (Command::Write(Write::Account { report: Box::new(report), reply }), answer)
        };
        let (queue, answers): (Vec<_>, Vec<_>) = reports.into_iter().map(write).unzip();
        self.hotspot.turn(queue);
        for mut answer in answers {
            answer.try_recv().unwrap().unwrap();
        }
    }

    /// How many of those who ask in one batch are let in.
    fn let_in_at_once(&mut self, requests: impl IntoIterator<Item = AccessRequest>) -> usize {
        let write = |request| {
            let (reply, answer) = oneshot::channel();
            (Command::Write(Write::Authenticate { request: Box::new(request), reply }), answer)
        };
        let (queue, answers): (Vec<_>, Vec<_>) = requests.into_iter().map(write).unzip();
        self.hotspot.turn(queue);
        let told = answers.into_iter().map(|mut answer| answer.try_recv().unwrap().unwrap());
        told.filter(|access| matches!(access, Access::Accept(_))).count()
    }
}

#[test]
fn a_session_that_is_reported_in_one_go_is_one_session() {
    let mut bench = Bench::new();
    let voucher = bench.limited("a", 100, 0);
    bench.clock.pass(1_000);
    bench.was_let_in(&report(Event::Start, "a", 1, 0, 0));
    // An access point that was out of reach sends what it has kept.
    bench.at_once([
        report(Event::Start, "a", 1, 0, 0),
        report(Event::Interim, "a", 1, 60, 5_000),
        report(STOP, "a", 1, 90, 9_000),
    ]);
    assert_eq!((bench.sessions().len(), bench.used(voucher)), (0, down(9_000)));
    assert_eq!(bench.ends(), ends([(1, "User-Request")]));
}

#[test]
fn an_end_that_comes_twice_at_once_is_counted_once() {
    let mut bench = Bench::new();
    let voucher = bench.limited("a", 100, 0);
    bench.reports(Event::Start, "a", 1, 0, 0);
    bench.reports(STOP, "a", 1, 60, 5_000);
    bench.at_once([report(STOP, "a", 1, 90, 9_000), report(STOP, "a", 1, 90, 9_000)]);
    assert_eq!(bench.used(voucher), down(9_000));
}

#[test]
fn a_session_that_goes_on_after_all_does_so_once() {
    let mut bench = Bench::new();
    let voucher = bench.limited("a", 100, 0);
    bench.reports(Event::Start, "a", 1, 0, 0);
    bench.reports(Event::Interim, "a", 1, 60, 1_000);
    bench.second_after(10_000);
    assert_eq!(bench.sessions().len(), 0);
    bench.at_once([
        report(Event::Interim, "a", 1, 9_000, 5_000),
        report(Event::Interim, "a", 1, 9_300, 6_000),
    ]);
    assert_eq!((bench.sessions().len(), bench.used(voucher)), (1, down(6_000)));
}

#[test]
fn a_session_that_begins_just_before_the_access_point_goes_off_ends_with_it() {
    let mut bench = Bench::new();
    let (reply, _answer) = oneshot::channel();
    let report = Box::new(report(Event::Start, "a", 1, 0, 0));
    bench.was_let_in(&report);
    let start = Command::Write(Write::Account { report, reply });
    let (reply, _answer) = oneshot::channel();
    let (nas, cause) = (nas("lobby"), TerminateCause::AdminReboot);
    let off = Command::Write(Write::NasRestarted {
        nas,
        cause,
        stamp: None,
        delay: Duration::ZERO,
        reply,
    });
    bench.hotspot.turn(vec![start, off]);
    assert_eq!(bench.ends(), ends([(1, "Admin-Reboot")]));
}

#[test]
fn who_may_have_one_session_gets_one_also_with_many_devices_at_once() {
    let mut bench = Bench::new();
    bench.user("u", &["Cleartext-Password := secret", "Simultaneous-Use := 1"]);
    let requests = (1..=5).map(|device| request("u", "secret", device));
    assert_eq!(bench.let_in_at_once(requests), 1);
}

#[test]
fn devices_that_come_at_once_with_one_voucher_do_not_have_everybody_looked_up() {
    let mut bench = Bench::plan(Plan { devices: 3.try_into().unwrap(), ..plan() });
    bench.limited("a", 100, 0);
    let sign_in = |device| {
        let (reply, answer) = oneshot::channel();
        let credential = Credential::Pair { username: "a".into(), passcode: Secret::new("secret") };
        let write = Write::SignIn { caller: caller(device), credential, reply };
        (Command::Write(write), answer)
    };
    let lists = bench.kernel.rules().lists;
    let (queue, answers): (Vec<_>, Vec<_>) = (1..=3).map(sign_in).unzip();
    bench.hotspot.turn(queue);
    answers.into_iter().for_each(|mut answer| drop(answer.try_recv().unwrap().unwrap().unwrap()));
    assert_eq!(bench.kernel.rules().lists, lists);
    assert_eq!(bench.online(), [1, 2, 3]);
}
