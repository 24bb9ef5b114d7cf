//! Sessions at access points: reports, what they come to, and their end.

use md5::{Digest, Md5};

use super::*;
use crate::authn::Proof;
use crate::domain::session::TerminateCause;
use crate::hotspot::radius_messages::{
    Accept, Access, AccessRequest, Details, Event, Nas, Octets, Purpose, Reject, Report, Reported,
};
use crate::policy::Pairs;

pub(super) fn nas(client: &str) -> Nas {
    let source = [192, 168, 1, 20].into();
    Nas { client: client.into(), source, address: Some(source), identifier: None }
}

pub(super) fn request(username: &str, password: &str, device: u8) -> AccessRequest {
    AccessRequest {
        nas: nas("lobby"),
        username: username.to_owned(),
        proof: Proof::Pap(Secret::new(password)),
        hashed: Vec::new(),
        station: Some(mac(device)),
        purpose: Purpose::Session,
        session: None,
        attributes: Pairs::default(),
    }
}

pub(super) fn chap(username: &str, password: &str, device: u8) -> AccessRequest {
    let challenge = b"sixteen octets!!".to_vec();
    let hashed = [&[7], password.as_bytes(), &challenge].concat();
    let response = Md5::digest(hashed).into();
    let proof = Proof::Chap { identifier: 7, challenge, response };
    AccessRequest { proof, ..request(username, "", device) }
}

pub(super) fn ask(bench: &mut Bench, request: AccessRequest) -> Access {
    let request = Box::new(request);
    bench.write(|reply| Write::Authenticate { request, reply }).unwrap()
}

pub(super) fn at(access: Access) -> Accept {
    match access {
        Access::Accept(accept) => *accept,
        other => panic!("{other:?}"),
    }
}

pub(super) fn reject(access: Access) -> Reject {
    match access {
        Access::Reject(reject) => reject,
        other => panic!("{other:?}"),
    }
}

/// A report of a device's session, so many seconds and octets down in.
pub(in crate::hotspot) fn report(
    event: Event,
    username: &str,
    device: u8,
    seconds: u64,
    down: u32,
) -> Report {
    let octets = |low| Some(Octets { low, gigawords: None });
    Report {
        nas: nas("lobby"),
        event,
        session: format!("session-{device}"),
        username: username.to_owned(),
        station: Some(mac(device)),
        address: Some([10, 0, 0, device].into()),
        class: None,
        more_classes: Vec::new(),
        reported: Reported {
            time: Some(Duration::from_secs(seconds)),
            download: octets(down),
            upload: octets(0),
        },
        delay: Duration::ZERO,
        stamp: None,
        details: Details::default(),
    }
}

pub(super) const STOP: Event = Event::Stop(TerminateCause::UserRequest);

impl Bench {
    pub(super) fn reports(
        &mut self,
        event: Event,
        username: &str,
        device: u8,
        seconds: u64,
        down: u32,
    ) {
        let report = report(event, username, device, seconds, down);
        self.told(report);
    }

    /// A report of somebody who was let in there at some time.
    pub(super) fn told(&mut self, report: Report) {
        self.was_let_in(&report);
        self.heard(report);
    }

    pub(super) fn was_let_in(&mut self, report: &Report) {
        let now = self.clock.read().boot;
        self.hotspot.admissions.accepted(&report.nas.client, &report.username, now);
    }

    /// A report, whoever it is about.
    pub(super) fn heard(&mut self, report: Report) -> TakenDown {
        let (nas, report) = (report.nas.clone(), Box::new(report));
        let taken = self.write(|reply| Write::Account { report, reply }).unwrap();
        self.hotspot.turn(vec![Command::Upkeep(Upkeep::Heard(nas))]);
        taken
    }
}

pub(super) fn down(usage: u64) -> Usage {
    Usage { download: usage, upload: 0 }
}

#[test]
fn a_session_is_counted_into_the_voucher_and_written_down_once() {
    let mut bench = Bench::new();
    let voucher = bench.limited("a", 100, 0);
    at(ask(&mut bench, request("a", "secret", 1)));
    bench.reports(Event::Start, "a", 1, 0, 0);
    bench.reports(Event::Start, "a", 1, 0, 0);
    bench.clock.pass(60);
    bench.reports(Event::Interim, "a", 1, 60, 5_000);
    bench.reports(Event::Interim, "a", 1, 60, 5_000);
    let sessions = bench.sessions();
    assert_eq!(sessions.len(), 1);
    let session = &sessions[0];
    assert_eq!((session.login.as_str(), session.network.as_str()), ("a", "lobby"));
    assert_eq!((session.usage, session.uptime), (down(5_000), Duration::from_secs(60)));
    assert_eq!(session.left.time, Some(Duration::from_secs(86_400 - 60)));
    assert_eq!(session.left.download, Some((100 << 20) - 5_000));
    assert_eq!(session.address, Some([10, 0, 0, 1].into()));
    bench.clock.pass(30);
    bench.reports(STOP, "a", 1, 90, 9_000);
    bench.reports(STOP, "a", 1, 90, 9_000);
    assert_eq!((bench.sessions().len(), bench.used(voucher)), (0, down(9_000)));
    let records = bench.records();
    assert_eq!(records.len(), 1);
    assert_eq!((records[0].seconds, records[0].usage), (90, down(9_000)));
    assert_eq!((records[0].cause.as_str(), records[0].started_at), ("User-Request", START));
}

#[test]
fn an_end_survives_a_power_cut_once_it_is_answered() {
    let mut bench = Bench::new();
    let voucher = bench.limited("a", 100, 0);
    bench.reports(Event::Start, "a", 1, 0, 0);
    bench.reports(STOP, "a", 1, 90, 9_000);
    let clock = TestClock::at(START + 200, true, "boot-2");
    let mut bench = bench.power_cut(clock);
    assert_eq!((bench.used(voucher), bench.ends()), (down(9_000), ends([(1, "User-Request")])));
    bench.reports(STOP, "a", 1, 90, 9_000);
    bench.reports(Event::Interim, "a", 1, 80, 8_000);
    assert_eq!((bench.used(voucher), bench.sessions().len()), (down(9_000), 0));
}

#[test]
fn an_end_that_cannot_be_written_down_is_not_answered() {
    let mut bench = Bench::new();
    bench.reports(Event::Start, "a", 1, 0, 0);
    bench.hotspot.store.refuse_writes(true);
    let stop = Box::new(report(STOP, "a", 1, 90, 9_000));
    assert!(bench.write(|reply| Write::Account { report: stop, reply }).is_err());
    bench.hotspot.store.refuse_writes(false);
    bench.reports(STOP, "a", 1, 90, 9_000);
    assert_eq!(bench.ends(), ends([(1, "User-Request")]));
    assert_eq!(bench.records()[0].usage, down(9_000));
}

#[test]
fn a_session_whose_beginning_was_lost_began_when_it_says() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.clock.pass(1_000);
    bench.told(Report {
        delay: Duration::from_secs(100),
        ..report(Event::Interim, "a", 1, 300, 7_000)
    });
    assert_eq!(bench.sessions()[0].started_at, stamp(START + 600));
    bench.reports(STOP, "b", 2, 50, 10);
    let records = bench.records();
    assert_eq!((records.len(), records[1].started_at), (2, START + 950));
    assert_eq!((records[1].voucher, records[1].usage), (0, down(10)));
}

#[test]
fn what_is_overtaken_changes_nothing() {
    let mut bench = Bench::new();
    bench.reports(Event::Start, "a", 1, 0, 0);
    bench.reports(Event::Interim, "a", 1, 120, 500);
    bench.reports(Event::Interim, "a", 1, 60, 100);
    assert_eq!(bench.sessions()[0].usage, down(500));
    bench.clock.pass(130);
    bench.reports(STOP, "a", 1, 130, 600);
    bench.reports(Event::Interim, "a", 1, 125, 550);
    // The beginning comes last.
    let late = Report { delay: Duration::from_secs(130), ..report(Event::Start, "a", 1, 0, 0) };
    bench.told(late);
    assert_eq!(bench.sessions().len(), 0);
    assert_eq!(bench.records().len(), 1);
    assert_eq!(bench.records()[0].usage, down(600));
}

#[test]
fn a_number_that_is_given_again_is_another_session() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.reports(Event::Start, "a", 1, 0, 0);
    bench.clock.pass(60);
    bench.reports(Event::Interim, "a", 1, 60, 500);
    bench.clock.pass(100);
    // The access point has lost its power and counts its sessions from 1 again.
    at(ask(&mut bench, request("a", "secret", 1)));
    bench.reports(Event::Start, "a", 1, 0, 0);
    bench.reports(Event::Interim, "a", 1, 0, 30);
    assert_eq!(bench.sessions()[0].usage, down(30));
    assert_eq!(bench.ends(), ends([(1, "NAS-Reboot"), (1, "")]));
    bench.clock.pass(10);
    bench.reports(STOP, "a", 1, 10, 40);
    bench.clock.pass(100);
    bench.reports(Event::Start, "a", 1, 0, 0);
    assert_eq!(bench.records().len(), 2, "it may be an old one that somebody sends again");
    at(ask(&mut bench, request("a", "secret", 1)));
    bench.reports(Event::Start, "a", 1, 0, 0);
    assert_eq!(bench.records().len(), 3);
}

#[test]
fn a_device_that_begins_anew_ends_what_was_never_ended() {
    let mut bench = Bench::new();
    bench.reports(Event::Start, "a", 1, 0, 0);
    bench.clock.pass(60);
    bench.told(Report { session: "another".to_owned(), ..report(Event::Start, "a", 1, 0, 0) });
    assert_eq!(bench.ends(), ends([(1, "Lost-Service"), (1, "")]));
    // Its end comes late and is the truth.
    bench.reports(STOP, "a", 1, 55, 800);
    let records = bench.records();
    assert_eq!((records[0].cause.as_str(), records[0].usage), ("User-Request", down(800)));
}

#[test]
fn after_three_missing_reports_a_session_is_given_up_and_taken_up_again_when_it_goes_on() {
    let settings = Settings { interim_interval: 60, ..Settings::default() };
    let clock = TestClock::at(START, true, "boot-1");
    let mut bench = Bench::with(Scratch::new(), clock, TestKernel::default(), settings);
    let voucher = bench.limited("a", 100, 0);
    bench.reports(Event::Start, "a", 1, 0, 0);
    bench.second_after(190);
    assert_eq!(bench.sessions().len(), 1);
    bench.second_after(10);
    assert_eq!(bench.sessions().len(), 0);
    assert_eq!(bench.ends(), ends([(1, "Lost-Service")]));
    bench.clock.pass(100);
    bench.reports(Event::Interim, "a", 1, 300, 4_000);
    assert_eq!((bench.sessions()[0].usage, bench.used(voucher)), (down(4_000), down(4_000)));
    assert_eq!(bench.ends(), ends([(1, "")]));
    bench.reports(STOP, "a", 1, 310, 5_000);
    assert_eq!(bench.ends(), ends([(1, "User-Request")]));
    assert_eq!(bench.used(voucher), down(5_000));
}

#[test]
fn an_access_point_that_starts_anew_ends_its_own_sessions_only() {
    let mut bench = Bench::new();
    bench.reports(Event::Start, "a", 1, 0, 0);
    bench.told(Report { nas: nas("pool"), ..report(Event::Start, "b", 2, 0, 0) });
    let (nas, cause) = (nas("lobby"), TerminateCause::NasReboot);
    let ended = bench
        .write(|reply| Write::NasRestarted {
            nas,
            cause,
            stamp: None,
            delay: Duration::ZERO,
            reply,
        })
        .unwrap();
    assert_eq!((ended.ended, bench.ends()), (1, ends([(1, "NAS-Reboot"), (2, "")])));
}

#[test]
fn what_an_access_point_is_given_is_a_share_of_what_is_left() {
    let mut bench = Bench::new();
    bench.hotspot.settings.preset.plan = Plan { devices: 3.try_into().unwrap(), ..plan() };
    bench.limited("a", 4, 0);
    bench.login_from(5, "a", "secret").unwrap().unwrap();
    let accept = at(ask(&mut bench, request("a", "secret", 1)));
    assert_eq!(accept.left.download, Some(2 << 20));
    bench.reports(Event::Start, "a", 1, 0, 0);
    let pass = bench.kernel.pass(5).unwrap();
    assert_eq!(pass.download.limit, Some(2 << 20));
    bench.reports(STOP, "a", 1, 60, 1 << 20);
    let pass = bench.kernel.pass(5).unwrap();
    assert_eq!(pass.download.limit, Some(3 << 20));
}

#[test]
fn a_place_is_kept_for_who_was_let_in() {
    let mut bench = Bench::new();
    let on_device_limit = crate::domain::plan::OnDeviceLimit::Refuse;
    bench.hotspot.settings.preset.plan = Plan { on_device_limit, ..plan() };
    bench.create("a").unwrap();
    at(ask(&mut bench, request("a", "secret", 1)));
    let refused = "Too many devices are online with this user.";
    assert_eq!(reject(ask(&mut bench, request("a", "secret", 2))).message, refused);
    at(ask(&mut bench, request("a", "secret", 1)));
    bench.second_after(61);
    at(ask(&mut bench, request("a", "secret", 2)));
    bench.reports(Event::Start, "a", 2, 0, 0);
    bench.second_after(61);
    assert_eq!(reject(ask(&mut bench, request("a", "secret", 1))).message, refused);
    assert!(bench.login("a", "secret").is_err());
}

#[test]
fn sessions_go_on_over_a_restart_and_a_reboot() {
    let mut bench = Bench::new();
    let voucher = bench.limited("a", 100, 0);
    at(ask(&mut bench, request("a", "secret", 1)));
    bench.reports(Event::Start, "a", 1, 0, 0);
    bench.clock.pass(60);
    bench.reports(Event::Interim, "a", 1, 60, 5_000);
    let clock = bench.clock.clone();
    let mut bench = bench.restart(clock);
    assert_eq!(bench.sessions()[0].usage, down(5_000));
    assert_eq!(bench.sessions()[0].left.time, Some(Duration::from_secs(86_340)));
    bench.reports(Event::Interim, "a", 1, 120, 7_000);
    assert_eq!(bench.used(voucher), down(7_000));
    let clock = TestClock::at(START + 1_000, true, "boot-2");
    let mut bench = bench.restart(clock);
    bench.reports(STOP, "a", 1, 900, 8_000);
    assert_eq!((bench.used(voucher), bench.ends()), (down(8_000), ends([(1, "User-Request")])));
}

#[test]
fn a_beginning_that_was_lost_in_a_crash_is_made_up_for() {
    let mut bench = Bench::new();
    let voucher = bench.limited("a", 100, 0);
    bench.reports(Event::Start, "a", 1, 0, 0);
    bench.reports(Event::Interim, "a", 1, 30, 300);
    let mut bench = bench.crash();
    assert_eq!(bench.sessions().len(), 0);
    bench.clock.pass(60);
    bench.reports(Event::Interim, "a", 1, 60, 600);
    assert_eq!((bench.sessions()[0].started_at, bench.used(voucher)), (stamp(START), down(600)));
}

#[test]
fn active_guests_are_here_and_there() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.login("a", "secret").unwrap();
    bench.told(Report { station: None, ..report(Event::Start, "b", 2, 0, 0) });
    let guests: Vec<_> =
        bench.read(Read::ActiveGuests).into_iter().map(|it| (it.login, it.mac)).collect();
    assert_eq!(guests, [("a".to_owned(), Some(mac(0))), ("b".to_owned(), None)]);
}
