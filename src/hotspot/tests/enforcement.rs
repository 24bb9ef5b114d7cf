//! What the kernel is told, and what happens where it does not listen.

use std::num::NonZeroU16;

use super::*;
use crate::firewall::{Lane, Pass};

fn stranger(number: u8, session: i64, voucher: i64) -> Pass {
    let lane = Lane::default();
    Pass { mac: mac(number), session, voucher, time: None, download: lane, upload: lane }
}

#[test]
fn where_the_kernel_does_not_let_a_guest_through_the_guest_is_told() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.kernel.rules().broken = true;
    let answer = bench.login_from(1, "a", "secret");
    assert!(matches!(answer, Err(Fault::Gate(_))), "{answer:?}");
    assert!(bench.online().is_empty());
    assert!(bench.read(Read::Status).gate_trouble.is_some());
    bench.kernel.rules().broken = false;
    assert!(bench.login_from(1, "a", "secret").unwrap().is_ok());
    assert!(bench.kernel.pass(1).is_some());
    assert_eq!(bench.ends(), ends([(1, "NAS-Error"), (1, "")]));
}

#[test]
fn rules_that_could_not_be_loaded_are_tried_again() {
    let mut bench = Bench::new();
    bench.kernel.rules().broken = true;
    bench.hotspot.turn(vec![Command::Upkeep(Upkeep::GateLost)]);
    assert!(bench.read(Read::Status).gate_trouble.is_some());
    bench.kernel.rules().broken = false;
    // With nobody online, nobody else would ask for it.
    bench.seconds(11);
    let status = bench.read(Read::Status);
    assert_eq!((status.gate_trouble, status.hook), (None, Some(Hook::Netdev)));
}

#[test]
fn sixteen_devices_that_come_at_once_take_one_installation() {
    let mut bench = Bench::new();
    let before = bench.kernel.rules().installs;
    let device = |number| Sighting::Device { network: format!("inn{number}").into(), index: None };
    let sightings = (0..16).map(device).collect();
    let lost = Command::Upkeep(Upkeep::GateLost);
    bench.hotspot.turn(vec![lost, Command::Upkeep(Upkeep::Sightings(sightings))]);
    assert_eq!(bench.kernel.rules().installs, before + 1);
}

#[test]
fn who_leaves_while_the_kernel_does_not_listen_is_put_out_later() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.create("b").unwrap();
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.login_from(2, "b", "secret").unwrap().unwrap();
    bench.kernel.rules().broken = true;
    assert!(bench.logout(1));
    assert!(bench.kernel.pass(1).is_some(), "the test kernel listens");
    bench.kernel.rules().broken = false;
    bench.seconds(11);
    assert_eq!(bench.kernel.pass(1), None);
    assert!(bench.kernel.pass(2).is_some());
    assert_eq!(bench.read(Read::Status).gate_trouble, None);
}

#[test]
fn a_guest_who_is_in_stays_in_when_another_cannot_be_let_in() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.create("b").unwrap();
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.kernel.rules().broken = true;
    let (reply, mut visit) = oneshot::channel();
    let visiting = Command::Write(Write::Visit { caller: caller(1), reply });
    let (reply, mut login) = oneshot::channel();
    let credential = Credential::Code(Secret::new("b-secret"));
    let signing_in = Command::Write(Write::SignIn { caller: caller(2), credential, reply });
    bench.hotspot.turn(vec![visiting, signing_in]);
    assert!(matches!(login.try_recv().unwrap(), Err(Fault::Gate(_))));
    assert!(matches!(visit.try_recv().unwrap(), Err(Fault::Gate(_))));
    bench.kernel.rules().broken = false;
    assert_eq!(bench.online(), [1]);
}

#[test]
fn lost_rules_come_back_with_everybody_and_with_what_they_used() {
    for told in [true, false] {
        let mut bench = Bench::new();
        let voucher = bench.limited("a", 5, 5);
        bench.create("b").unwrap();
        bench.login_from(1, "a", "secret").unwrap().unwrap();
        bench.login_from(2, "b", "secret").unwrap().unwrap();
        bench.kernel.traffic(1, 3000, 300);
        bench.seconds(11);
        bench.kernel.flush();
        if told {
            bench.hotspot.turn(vec![Command::Upkeep(Upkeep::GateLost)]);
        } else {
            bench.seconds(11);
        }
        let pass = bench.kernel.pass(1).unwrap();
        assert_eq!((pass.voucher, pass.download.used, pass.upload.used), (voucher, 3000, 300));
        assert_eq!(pass.download.limit, Some(5 << 20));
        assert!(bench.kernel.pass(2).is_some());
        assert_eq!(bench.online(), [1, 2]);
    }
}

#[test]
fn a_login_finds_lost_rules_and_brings_them_back() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.create("b").unwrap();
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.kernel.flush();
    assert!(bench.login_from(2, "b", "secret").unwrap().is_ok());
    assert!(bench.kernel.pass(1).is_some() && bench.kernel.pass(2).is_some());
}

#[test]
fn a_device_that_fell_out_of_the_kernel_is_put_back() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.kernel.traffic(1, 3000, 300);
    bench.seconds(11);
    bench.kernel.rules().passes.clear();
    // Missing once may be the kernel's list; missing twice is not.
    bench.seconds(11);
    assert_eq!(bench.kernel.pass(1), None);
    bench.seconds(11);
    let pass = bench.kernel.pass(1).unwrap();
    assert_eq!((pass.download.used, pass.upload.used), (3000, 300));
}

#[test]
fn nobody_is_let_through_whom_nobody_knows() {
    let kernel = TestKernel::default();
    kernel.rules().installed = true;
    // Another daemon's guest, and one whose voucher is gone.
    kernel.smuggle(stranger(8, 0, 0));
    kernel.smuggle(stranger(9, 77, 99));
    let clock = TestClock::at(START, true, "boot-1");
    let mut bench = Bench::with(Scratch::new(), clock, kernel, Settings::default());
    assert!(bench.online().is_empty());
    assert!(bench.kernel.rules().passes.is_empty());
}

#[test]
fn what_the_kernel_has_of_another_session_is_not_counted_and_is_replaced() {
    let mut bench = Bench::new();
    let voucher = bench.limited("a", 5, 0);
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    let lane = Lane { used: 5000, ..Lane::default() };
    bench.kernel.smuggle(Pass { download: lane, upload: lane, ..stranger(1, 900, voucher) });
    bench.seconds(11);
    assert_eq!(bench.used(voucher), Usage::default());
    let pass = bench.kernel.pass(1).unwrap();
    assert_ne!(pass.session, 900);
    assert_eq!((pass.download.used, pass.download.limit), (0, Some(5 << 20)));
}

#[test]
fn what_was_decided_before_the_rules_were_installed_is_not_done_twice() {
    let mut bench = Bench::plan(Plan { devices: NonZeroU16::new(2).unwrap(), ..plan() });
    let voucher = bench.limited("a", 4, 0);
    bench.create("b").unwrap();
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.login_from(2, "a", "secret").unwrap().unwrap();
    bench.kernel.traffic(1, (2 << 20) - 10_000, 0);
    // The counters are read, and new shares are decided on.
    bench.hotspot.turn(vec![Command::Upkeep(Upkeep::GateLost)]);
    bench.kernel.packets(1, 5, 1500, 0);
    bench.login_from(3, "b", "secret").unwrap().unwrap();
    bench.seconds(11);
    assert_eq!(bench.used(voucher), bench.kernel.through(voucher));
}

#[test]
fn new_rates_reach_those_who_are_in_with_what_they_used() {
    let mut bench = Bench::new();
    bench.limited("a", 5, 0);
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.kernel.traffic(1, 4000, 40);
    let mut settings = bench.hotspot.settings.clone();
    settings.preset.plan.download_rate = 64;
    bench.hotspot.turn(vec![Command::Upkeep(Upkeep::Configure(settings, oneshot::channel().0))]);
    let pass = bench.kernel.pass(1).unwrap();
    assert_eq!((pass.download.rate, pass.download.used), (64, 4000));
    assert_eq!(pass.download.limit, Some(5 << 20));
}

#[test]
fn a_network_that_is_not_enforced_is_not_in_the_kernel() {
    let mut bench = Bench::plan(Plan { devices: NonZeroU16::new(3).unwrap(), ..plan() });
    bench.limited("a", 5, 0);
    let open = Caller { network: "open".into(), ..caller(4) };
    let credential = Credential::Code(Secret::new("a-secret"));
    let online = bench.write(|reply| Write::SignIn { caller: open, credential, reply });
    assert!(online.unwrap().is_ok());
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    assert_eq!(bench.kernel.pass(4), None);
    assert_eq!(bench.online(), [1, 4]);
    // It becomes enforced, and is not any more.
    let switched = |bench: &Bench, enforce| {
        let mut settings = bench.hotspot.settings.clone();
        settings.networks[1].enforce = enforce;
        vec![Command::Upkeep(Upkeep::Configure(settings, oneshot::channel().0))]
    };
    bench.hotspot.turn(switched(&bench, true));
    assert!(bench.kernel.pass(4).is_some());
    bench.hotspot.turn(switched(&bench, false));
    assert_eq!(bench.kernel.pass(4), None);
    assert_eq!(bench.online(), [1, 4]);
    bench.clock.pass(86_400);
    bench.second_after(1);
    assert!(bench.online().is_empty());
}

#[test]
fn counters_are_read_every_ten_seconds_and_before_lists() {
    let mut bench = Bench::new();
    let voucher = bench.limited("a", 5, 5);
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.kernel.traffic(1, 100, 10);
    assert_eq!(bench.used(voucher), Usage::default());
    bench.seconds(10);
    assert_eq!(bench.used(voucher), Usage { download: 100, upload: 10 });
    bench.kernel.traffic(1, 100, 10);
    bench.clock.pass(1);
    assert_eq!(bench.sessions()[0].usage, Usage { download: 200, upload: 20 });
    bench.kernel.traffic(1, 100, 10);
    bench.clock.pass(1);
    let guests = bench.read(Read::ActiveGuests);
    assert_eq!((guests[0].download, guests[0].upload), (300, 30));
    bench.kernel.traffic(1, 100, 10);
    bench.clock.pass(1);
    assert_eq!(bench.visit(1).unwrap().usage, Usage { download: 400, upload: 40 });
}

#[test]
fn who_looks_at_the_portal_is_looked_up_alone() {
    let mut bench = Bench::new();
    for (device, name) in [(1, "a"), (2, "b")] {
        bench.limited(name, 1, 0);
        bench.login_from(device, name, "secret").unwrap().unwrap();
    }
    bench.kernel.traffic(1, 3000, 0);
    bench.kernel.traffic(2, 3000, 0);
    let lists = bench.kernel.rules().lists;
    bench.visit(1).unwrap();
    assert_eq!(bench.kernel.rules().lists, lists);
    let session = |bench: &Bench, device| bench.hotspot.sessions.get(mac(device)).unwrap().usage;
    assert_eq!((session(&bench, 1).download, session(&bench, 2).download), (3000, 0));
}

#[test]
fn whose_time_has_just_run_out_does_not_have_everybody_looked_up_each_time() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.kernel.rules().passes.clear();
    let lists = bench.kernel.rules().lists;
    bench.clock.pass(2);
    for _ in 0..5 {
        bench.visit(1);
    }
    assert_eq!(bench.kernel.rules().lists, lists + 1);
}
