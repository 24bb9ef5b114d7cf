//! What access points are told while a session runs.

use super::nas_sessions::{STOP, ask, at, down, request};
use super::*;
use crate::domain::rule::Subject;
use crate::domain::session::TerminateCause;
use crate::hotspot::policies::{Change, Draft};
use crate::hotspot::radius_messages::{AttributeChange, Demand, Event, Order, Outcome};
use crate::policy::List;
use crate::policy::dictionary as dict;

impl Bench {
    fn for_three() -> Self {
        Self::plan(Plan { devices: 3.try_into().unwrap(), ..plan() })
    }

    fn next_order(&mut self) -> Option<Order> {
        self.ordered.try_recv().ok()
    }

    /// The next thing that an access point is told, which must be a change: of which session.
    fn change(&mut self) -> (String, AttributeChange) {
        match self.next_order() {
            Some(Order { session, what: Demand::Change(terms), .. }) => (session, *terms),
            other => panic!("{other:?}"),
        }
    }

    /// Octets down, all in all, that it may use by what it is told next.
    fn limit(&mut self) -> (String, Option<u64>) {
        let (session, terms) = self.change();
        (session, terms.after.limit.download)
    }

    fn changed(&mut self, device: u8, outcome: Outcome) {
        let sessions = self.sessions();
        let id = sessions.iter().find(|it| it.mac == Some(mac(device))).unwrap().id;
        self.hotspot.turn(vec![Command::Upkeep(Upkeep::Changed(id, outcome))]);
    }

    fn let_in(&mut self, username: &str, device: u8) {
        at(ask(self, request(username, "secret", device)));
        self.reports(Event::Start, username, device, 0, 0);
    }

    fn reload(&mut self, plan: Plan) {
        let mut settings = self.hotspot.settings.clone();
        settings.preset.plan = plan;
        let done = oneshot::channel().0;
        self.hotspot.turn(vec![Command::Upkeep(Upkeep::Configure(settings, done))]);
    }
}

fn named(device: u8) -> String {
    format!("session-{device}")
}

#[test]
fn new_rates_are_told_once_and_the_newest_last() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.let_in("a", 1);
    bench.reports(Event::Start, "no voucher", 2, 0, 0);
    bench.reload(plan());
    assert_eq!(bench.next_order(), None);
    bench.reload(Plan { download_rate: 2048, upload_rate: 512, ..plan() });
    let (session, terms) = bench.change();
    assert_eq!((session, terms.before.rates, terms.after.rates), (named(1), (0, 0), (2048, 512)));
    // While it is on its way nothing else is; then only what is newest.
    bench.reload(Plan { download_rate: 1, ..plan() });
    bench.reload(Plan { download_rate: 4096, idle_timeout: 60, ..plan() });
    assert_eq!(bench.next_order(), None);
    bench.changed(1, Outcome::Done);
    let (_, newest) = bench.change();
    assert_eq!((newest.before, newest.after.rates), (terms.after, (4096, 0)));
    assert_eq!(newest.after.idle_timeout, 60);
    // What is taken back in time is not said.
    bench.reload(plan());
    bench.reload(Plan { download_rate: 4096, idle_timeout: 60, ..plan() });
    bench.changed(1, Outcome::Done);
    assert_eq!(bench.next_order(), None);
}

#[test]
fn who_will_not_be_told_is_not_asked_again_and_is_no_trouble() {
    for outcome in [Outcome::Refused(Some(401)), Outcome::Silent, Outcome::Unknown] {
        let mut bench = Bench::new();
        bench.create("a").unwrap();
        bench.let_in("a", 1);
        bench.reload(Plan { download_rate: 1, ..plan() });
        bench.change();
        bench.reload(Plan { download_rate: 2, ..plan() });
        bench.changed(1, outcome);
        bench.reload(Plan { download_rate: 3, ..plan() });
        assert_eq!(bench.next_order(), None);
        assert_eq!(bench.sessions()[0].trouble, None);
        // Another session of the same voucher is another try.
        bench.reports(STOP, "a", 1, 10, 0);
        bench.clock.pass(100);
        bench.let_in("a", 1);
        bench.reload(Plan { download_rate: 4, ..plan() });
        assert_eq!(bench.change().1.after.rates, (4, 0));
    }
}

#[test]
fn whoever_is_to_be_ended_is_told_nothing_else() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.let_in("a", 1);
    bench.reload(Plan { download_rate: 1, ..plan() });
    bench.change();
    bench.reload(Plan { download_rate: 2, ..plan() });
    bench.remove("a");
    let end = bench.next_order().unwrap();
    assert_eq!(end.what, Demand::End(TerminateCause::AdminReset));
    bench.changed(1, Outcome::Done);
    bench.reload(Plan { download_rate: 3, ..plan() });
    assert_eq!(bench.next_order(), None);
    // The answer to the one is not taken for the answer to the other.
    assert_eq!(bench.sessions().len(), 1);
    bench.hotspot.turn(vec![Command::Upkeep(Upkeep::Ordered(end.id, Outcome::Done))]);
    assert_eq!(bench.sessions().len(), 0);
}

#[test]
fn data_is_shared_anew_as_devices_come_and_go() {
    let mut bench = Bench::for_three();
    bench.limited("a", 12, 0);
    bench.let_in("a", 1);
    assert_eq!(bench.next_order(), None);
    bench.reports(Event::Interim, "a", 1, 60, 2 << 20);
    assert_eq!(bench.next_order(), None);
    // Another one here: 10 MB are left for two.
    bench.login_from(5, "a", "secret").unwrap().unwrap();
    assert_eq!(bench.limit(), (named(1), Some(7 << 20)));
    bench.changed(1, Outcome::Done);
    // And one elsewhere, who has been told a third already.
    let accept = at(ask(&mut bench, request("a", "secret", 2)));
    assert_eq!(accept.left.download, Some((10 << 20) / 3));
    bench.reports(Event::Start, "a", 2, 0, 0);
    assert_eq!(bench.limit(), (named(1), Some((2 << 20) + (10 << 20) / 3)));
    assert_eq!(bench.next_order(), None);
    bench.changed(1, Outcome::Done);
    // It leaves 9 MB to two.
    bench.reports(STOP, "a", 2, 10, 1 << 20);
    assert_eq!(bench.limit(), (named(1), Some((2 << 20) + (9 << 19))));
    bench.changed(1, Outcome::Done);
    bench.logout(5);
    assert_eq!(bench.limit(), (named(1), Some(11 << 20)));
}

#[test]
fn what_others_use_of_a_share_is_taken_off_and_growth_is_not_worth_a_packet() {
    let mut bench = Bench::for_three();
    let voucher = bench.limited("a", 12, 0);
    bench.let_in("a", 1);
    bench.login_from(5, "a", "secret").unwrap().unwrap();
    assert_eq!(bench.limit(), (named(1), Some(6 << 20)));
    bench.changed(1, Outcome::Done);
    // The device here comes near to its half, and gets half of what is left.
    bench.kernel.packets(5, 5, 1 << 20, 0);
    bench.second_after(10);
    assert_eq!(bench.used(voucher), down(5 << 20));
    assert_eq!(bench.limit(), (named(1), Some(7 << 19)));
    bench.changed(1, Outcome::Done);
    // What is used within the share moves nothing.
    bench.reports(Event::Interim, "a", 1, 60, 1 << 20);
    bench.second_after(10);
    bench.reports(Event::Interim, "a", 1, 120, 2 << 20);
    assert_eq!(bench.next_order(), None);
}

#[test]
fn a_session_that_is_taken_up_again_gets_its_share_of_what_is_left_after_it() {
    let mut bench = Bench::for_three();
    bench.limited("a", 12, 0);
    bench.login_from(5, "a", "secret").unwrap().unwrap();
    // Its beginning was lost: 8 MB are left for two.
    bench.reports(Event::Interim, "a", 1, 60, 4 << 20);
    assert_eq!(bench.limit(), (named(1), Some(8 << 20)));
    let clock = bench.clock.clone();
    let mut bench = bench.restart(clock);
    assert_eq!(bench.next_order(), None);
    bench.logout(5);
    assert_eq!(bench.limit(), (named(1), Some(12 << 20)));
}

#[test]
fn what_the_operator_gave_is_remembered_or_else_nothing_is_said() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    let subject = Subject::User(Username::parse("a").unwrap().unwrap());
    let list = List::Reply;
    let drafts = vec![Draft::parse(list, "Mikrotik-Rate-Limit := 1M").unwrap()];
    let added =
        bench.write(|reply| Write::Policy(Change::Add { subject, list, drafts, reply })).unwrap();
    added.unwrap();
    bench.let_in("a", 1);
    bench.reload(Plan { download_rate: 1, ..plan() });
    assert_eq!(bench.change().1.reply.text(dict::MIKROTIK_RATE_LIMIT), Some("1M"));
    let clock = bench.clock.clone();
    let mut bench = bench.restart(clock);
    assert_eq!(bench.sessions().len(), 1);
    bench.reload(plan());
    assert_eq!(bench.next_order(), None);
}

#[test]
fn an_end_that_moves_with_the_clock_is_told_from_the_beginning_of_the_session() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.login("a", "secret").unwrap();
    bench.logout(0);
    // Six hours without power, which nobody knows of.
    let clock = TestClock::at(START + 10, false, "boot-2");
    let mut bench = bench.restart(clock.clone());
    bench.let_in("a", 1);
    clock.pass(600);
    bench.reports(Event::Interim, "a", 1, 600, 0);
    clock.synchronise(START + 6 * 3600);
    bench.second_after(0);
    let (session, terms) = bench.change();
    let left = Duration::from_secs(18 * 3600);
    assert_eq!(session, named(1));
    assert_eq!(terms.after.limit.time, Some(Duration::from_secs(600) + left));
    assert_eq!((terms.before.until, terms.after.until), (None, Some(stamp(START + 86_400))));
    assert_eq!(bench.sessions()[0].left.time, Some(left));
}

#[test]
fn a_change_that_was_not_answered_is_told_once_more_when_its_access_point_is_heard() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.let_in("a", 1);
    bench.reload(Plan { download_rate: 1, ..plan() });
    bench.change();
    bench.changed(1, Outcome::Silent);
    assert_eq!(bench.next_order(), None);
    bench.reports(Event::Interim, "a", 1, 60, 0);
    assert_eq!(bench.change().1.after.rates, (1, 0));
    bench.changed(1, Outcome::Silent);
    bench.reports(Event::Interim, "a", 1, 120, 0);
    assert_eq!(bench.next_order(), None);
}

#[test]
fn a_change_that_could_not_be_sent_is_told_as_often_as_it_takes() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.let_in("a", 1);
    bench.reload(Plan { download_rate: 1, ..plan() });
    for time in [60, 120, 180] {
        bench.change();
        bench.changed(1, Outcome::Unsent);
        assert_eq!(bench.next_order(), None);
        bench.reports(Event::Interim, "a", 1, time, 0);
    }
    assert_eq!(bench.change().1.after.rates, (1, 0));
}

#[test]
fn after_a_restart_all_that_presumably_holds_is_known() {
    let mut bench = Bench::for_three();
    bench.limited("a", 10, 4);
    bench.let_in("a", 1);
    bench.reports(Event::Interim, "a", 1, 60, 1 << 20);
    let before = bench.sessions()[0].left.time;
    let clock = bench.clock.clone();
    let mut bench = bench.restart(clock);
    bench.clock.pass(100);
    let rates = Plan { devices: 3.try_into().unwrap(), download_rate: 7, ..plan() };
    bench.reload(rates);
    let (_, AttributeChange { before: known, after, .. }) = bench.change();
    assert_eq!((known.rates, after.rates), ((0, 0), (7, 0)));
    assert_eq!((after.limit.download, after.limit.upload), (Some(10 << 20), Some(4 << 20)));
    assert_eq!(known.limit, after.limit);
    assert_eq!(after.limit.time.is_some(), before.is_some());
}

#[test]
fn who_was_asked_for_fewer_reports_is_not_given_up_for_it() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.hotspot.settings.interim_interval = 300;
    bench.let_in("a", 1);
    // The file asks for more reports since; nobody has told that to the access point.
    bench.hotspot.settings.interim_interval = 60;
    bench.second_after(900);
    assert_eq!(bench.sessions().len(), 1);
    bench.second_after(20);
    assert_eq!(bench.sessions().len(), 0);
}
