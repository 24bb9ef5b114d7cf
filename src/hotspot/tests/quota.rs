//! Nobody gets more data than was sold, and nobody less.

use std::num::NonZeroU16;

use proptest::prelude::*;

use super::nas_sessions::{STOP, nas};
use super::*;
use crate::domain::session::TerminateCause;
use crate::hotspot::radius_messages::Event;

const MEGABYTE: u64 = 1 << 20;

fn devices(devices: u16) -> Bench {
    Bench::plan(Plan { devices: NonZeroU16::new(devices).unwrap(), ..plan() })
}

#[test]
fn a_voucher_whose_data_is_used_up_is_so_for_ever() {
    for (download, upload) in [(1, 0), (0, 1), (1, 1)] {
        let mut bench = Bench::new();
        let voucher = bench.limited("a", download, upload);
        bench.see(1);
        bench.login_from(1, "a", "secret").unwrap().unwrap();
        // Packets of 1500 octets do not add up to a megabyte: a rest is left that nothing fits.
        bench.kernel.packets(1, 1000, 1500, 1500);
        bench.seconds(11);
        assert!(bench.online().is_empty());
        assert_eq!(bench.kernel.pass(1), None);
        assert_eq!(bench.ends(), ends([(1, "Data-Limit")]));
        assert_eq!(bench.login_from(1, "a", "secret").unwrap(), Err(Refusal::UsedUp));
        let used = bench.used(voucher);
        assert!(download == 0 || used.download == MEGABYTE, "{used:?}");
        assert!(upload == 0 || used.upload == MEGABYTE, "{used:?}");
        // What passed is what is written down for the session.
        assert_eq!(bench.records()[0].usage, bench.kernel.through(voucher));
        bench.seconds(20);
        bench.see(1);
        assert_eq!(bench.visit(1), None);
        let mut bench = bench.restart(TestClock::at(START + 100, true, "boot-2"));
        assert_eq!(bench.login_from(2, "a", "secret").unwrap(), Err(Refusal::UsedUp));
    }
}

#[test]
fn devices_share_what_is_left_and_the_share_of_an_idle_one_is_not_lost() {
    let mut bench = devices(2);
    let voucher = bench.limited("a", 4, 0);
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.kernel.traffic(1, 2 * MEGABYTE, 0);
    bench.login_from(2, "a", "secret").unwrap().unwrap();
    let limit = |bench: &Bench, device| bench.kernel.pass(device).unwrap().download.limit;
    assert_eq!(limit(&bench, 1), Some(3 * MEGABYTE));
    assert_eq!(limit(&bench, 2), Some(MEGABYTE));
    for _ in 0..40 {
        bench.kernel.packets(2, 100, 1500, 100);
        bench.seconds(11);
    }
    let through = bench.kernel.through(voucher).download;
    assert!(through <= 4 * MEGABYTE && through > 4 * MEGABYTE - 8192, "{through}");
    assert!(bench.online().is_empty());
    assert_eq!(bench.login_from(1, "a", "secret").unwrap(), Err(Refusal::UsedUp));
}

#[test]
fn who_leaves_leaves_the_rest_to_the_others() {
    let mut bench = devices(2);
    bench.limited("a", 4, 0);
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.login_from(2, "a", "secret").unwrap().unwrap();
    bench.kernel.traffic(1, MEGABYTE, 0);
    bench.kernel.traffic(2, MEGABYTE / 2, 0);
    bench.logout(1);
    let pass = bench.kernel.pass(2).unwrap();
    assert_eq!((pass.download.used, pass.download.limit), (MEGABYTE / 2, Some(3 * MEGABYTE)));
}

#[test]
fn taking_turns_does_not_make_data_free() {
    let mut bench = Bench::new();
    let voucher = bench.limited("a", 4, 0);
    let other = bench.limited("b", 4, 0);
    // Two devices take one voucher from each other between two looks at the counters.
    for turn in 0..40 {
        let _refused = bench.login_from(turn % 2, "a", "secret").unwrap();
        bench.kernel.packets(turn % 2, 500, 1500, 0);
        bench.seconds(3);
    }
    let through = bench.kernel.through(voucher).download;
    assert!(through <= 4 * MEGABYTE, "{through} octets got through");
    assert_eq!(bench.login("a", "secret"), Err(Refusal::UsedUp));
    // One device changes between two vouchers.
    let third = bench.limited("c", 4, 0);
    for turn in 0..40 {
        let _refused = bench.login_from(5, ["b", "c"][turn % 2], "secret").unwrap();
        bench.kernel.packets(5, 500, 1500, 0);
        bench.seconds(3);
    }
    for voucher in [other, third] {
        let through = bench.kernel.through(voucher).download;
        assert!(through <= 4 * MEGABYTE, "{through} octets got through");
    }
}

#[test]
fn who_comes_when_everything_has_just_been_used_is_told_so() {
    let mut bench = devices(2);
    bench.limited("a", 1, 0);
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.kernel.packets(1, 1000, 1500, 0);
    assert_eq!(bench.login_from(2, "a", "secret").unwrap(), Err(Refusal::UsedUp));
    assert!(bench.online().is_empty());
    assert_eq!(bench.kernel.pass(2), None);
}

#[test]
fn who_looks_at_the_portal_when_everything_has_just_been_used_is_a_stranger() {
    let mut bench = Bench::new();
    bench.limited("a", 1, 0);
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.kernel.packets(1, 1000, 1500, 0);
    bench.clock.pass(2);
    assert_eq!(bench.visit(1), None);
    assert!(bench.online().is_empty());
}

#[test]
fn shares_are_renewed_before_they_run_out() {
    let mut bench = devices(2);
    bench.limited("a", 4, 4);
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.login_from(2, "a", "secret").unwrap().unwrap();
    // 1.6 of 2 MB: the other's two are not all spoken for.
    bench.kernel.traffic(1, MEGABYTE * 8 / 5, 0);
    bench.kernel.traffic(2, 0, MEGABYTE * 8 / 5);
    bench.seconds(11);
    for device in 1..=2 {
        let pass = bench.kernel.pass(device).unwrap();
        assert!(pass.download.limit.unwrap() != 2 * MEGABYTE, "{pass:?}");
    }
    assert!(bench.kernel.pass(1).unwrap().download.limit.unwrap() > 2 * MEGABYTE);
    assert!(bench.kernel.pass(2).unwrap().upload.limit.unwrap() > 2 * MEGABYTE);
}

#[test]
fn for_a_single_device_the_first_packet_that_does_not_fit_is_the_end() {
    let mut bench = Bench::new();
    bench.limited("a", 1, 0);
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    // 28,576 octets are left over.
    bench.kernel.packets(1, 20, 60_000, 0);
    bench.seconds(11);
    assert_eq!(bench.ends(), ends([(1, "Data-Limit")]));
    assert_eq!(bench.login("a", "secret"), Err(Refusal::UsedUp));
}

#[test]
fn a_share_that_was_used_up_while_the_daemon_was_down_is_renewed() {
    let mut bench = devices(2);
    bench.limited("a", 10, 0);
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.login_from(2, "a", "secret").unwrap().unwrap();
    bench.kernel.traffic(1, 4 * MEGABYTE, 0);
    let mut bench = bench.crash();
    // The kernel still holds the old share of five.
    bench.kernel.packets(1, 1000, 1500, 0);
    bench.seconds(11);
    let pass = bench.kernel.pass(1).unwrap();
    assert!(pass.download.limit.unwrap() > 5 * MEGABYTE, "{pass:?}");
}

#[test]
fn a_rest_that_large_packets_do_not_fit_is_shared_anew() {
    let mut bench = devices(2);
    bench.limited("a", 1, 0);
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.login_from(2, "a", "secret").unwrap().unwrap();
    // Segments of 60 KB: the share of 512 KB ends 32 KB before its end.
    bench.kernel.packets(1, 20, 60_000, 0);
    bench.kernel.packets(2, 8, 60_000, 0);
    bench.seconds(11);
    for device in 1..=2 {
        let pass = bench.kernel.pass(device).unwrap();
        assert!(pass.download.limit.unwrap() - pass.download.used >= 30_000, "{pass:?}");
        bench.kernel.packets(device, 20, 1500, 0);
    }
    bench.seconds(11);
    let usage = bench.sessions().iter().map(|it| it.usage.download).min().unwrap();
    assert!(usage > 8 * 60_000, "a device stands still at {usage}");
}

#[derive(Clone, Debug)]
enum Step {
    Traffic { device: u8, count: u64, size: u64, up: bool },
    Seconds(u64),
    Minute,
    Login { device: u8, voucher: usize },
    Visit(u8),
    Seen(u8),
    Logout(u8),
    Close(usize),
    List,
    Flushed,
    Crash,
    Restart,
    Reboot,
}

fn step() -> impl Strategy<Value = Step> {
    let device = || 1..=4_u8;
    let traffic =
        (device(), 1..40_u64, prop::sample::select(vec![60, 1500, 60_000]), any::<bool>());
    prop_oneof![
        12 => traffic.prop_map(|(device, count, size, up)| Step::Traffic { device, count, size, up }),
        4 => (1..15_u64).prop_map(Step::Seconds),
        1 => Just(Step::Minute),
        5 => (device(), 0..2_usize).prop_map(|(device, voucher)| Step::Login { device, voucher }),
        1 => device().prop_map(Step::Visit),
        2 => device().prop_map(Step::Seen),
        2 => device().prop_map(Step::Logout),
        1 => (0..2_usize).prop_map(Step::Close),
        1 => Just(Step::List),
        1 => Just(Step::Flushed),
        2 => Just(Step::Crash),
        1 => Just(Step::Restart),
        1 => Just(Step::Reboot),
    ]
}

const NAMES: [&str; 2] = ["a", "b"];

fn take(mut bench: Bench, step: Step) -> Bench {
    match step {
        Step::Traffic { device, count, size, up } => {
            let (download, upload) = if up { (60, size) } else { (size, 60) };
            bench.kernel.packets(device, count, download, upload);
        }
        Step::Seconds(seconds) => bench.second_after(seconds),
        Step::Minute => bench.minutes(1),
        Step::Login { device, voucher } => {
            let _refused = bench.login_from(device, NAMES[voucher], "secret").unwrap();
        }
        Step::Visit(device) => drop(bench.visit(device)),
        Step::Seen(device) => bench.see(device),
        Step::Logout(device) => drop(bench.logout(device)),
        Step::Close(voucher) => {
            let whose = Whose::Username(Username::parse(NAMES[voucher]).unwrap().unwrap());
            bench.write(|reply| Write::CloseSessions { whose, reply }).unwrap();
        }
        Step::List => drop(bench.sessions()),
        Step::Flushed => {
            // What was used since the last look would be lost with the rules; that is no error.
            bench.second_after(10);
            bench.kernel.flush();
            bench.hotspot.turn(vec![Command::Upkeep(Upkeep::GateLost)]);
        }
        Step::Crash => return bench.crash(),
        Step::Restart => {
            let clock = bench.clock.clone();
            return bench.restart(clock);
        }
        Step::Reboot => {
            let through = bench.kernel.take_through();
            let boot: &'static str = format!("boot-{}", rand::random::<u64>()).leak();
            let wall = bench.clock.read().wall.unix() + 30;
            let bench = bench.restart(TestClock::at(wall, true, boot));
            bench.kernel.put_through(through);
            return bench;
        }
    }
    bench
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever happens short of a power cut: together the devices of a voucher never get more
    /// through than was sold, and the store knows of every octet that got through.
    #[test]
    fn what_gets_through_is_what_was_sold_and_what_is_written_down(
        steps in prop::collection::vec(step(), 1..60),
        room in 1..=3_u16,
        limits in (0..=2_i64, 0..=1_i64),
    ) {
        let mut bench = devices(room);
        let vouchers = NAMES.map(|name| bench.limited(name, limits.0, limits.1));
        let limits = [limits.0, limits.1].map(|it| DataLimit::from_megabytes(it).bytes());
        for step in steps {
            bench = take(bench, step.clone());
            for voucher in vouchers {
                let through = bench.kernel.through(voucher);
                prop_assert!(limits[0].is_none_or(|it| through.download <= it), "{step:?}: {through:?}");
                prop_assert!(limits[1].is_none_or(|it| through.upload <= it), "{step:?}: {through:?}");
            }
        }
        bench.second_after(10);
        let records = bench.records();
        for voucher in vouchers {
            let through = bench.kernel.through(voucher);
            let of_sessions = records.iter().filter(|record| record.voucher == voucher);
            let written = of_sessions.fold(Usage::default(), |sum, it| sum.plus(it.usage));
            prop_assert_eq!(written, through);
            let used = bench.used(voucher);
            // A rest that nothing fits into counts as used.
            let is = |used: u64, through: u64, limit| used == through || Some(used) == limit;
            prop_assert!(is(used.download, through.download, limits[0]), "{:?} {:?}", used, through);
            prop_assert!(is(used.upload, through.upload, limits[1]), "{:?} {:?}", used, through);
        }
    }

    /// A power cut loses what was used since the last minute, and nothing before.
    #[test]
    fn a_power_cut_loses_a_minute_at_most(
        before in prop::collection::vec(step(), 1..20),
        after in prop::collection::vec(step(), 1..20),
    ) {
        let mut bench = devices(2);
        let voucher = bench.limited("a", 50, 50);
        bench.limited("b", 50, 50);
        for step in before {
            bench = take(bench, step);
        }
        bench.second_after(10);
        bench.minutes(1);
        let written = bench.kernel.through(voucher);
        for step in after {
            bench = take(bench, step);
        }
        let through = bench.kernel.through(voucher);
        let mut bench = bench.power_cut(TestClock::at(START + 90_000, false, "after the cut"));
        let used = bench.used(voucher);
        prop_assert!(used.download >= written.download && used.upload >= written.upload);
        prop_assert!(used.download <= through.download && used.upload <= through.upload);
    }
}

#[test]
fn who_comes_and_goes_elsewhere_costs_those_here_nothing_of_their_count() {
    let mut bench = devices(2);
    let voucher = bench.limited("a", 4, 4);
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    for event in [Event::Start, STOP] {
        bench.clock.pass(3);
        bench.kernel.traffic(1, 100_000, 0);
        bench.reports(event, "a", 2, 0, 0);
    }
    bench.reports(Event::Start, "a", 3, 0, 0);
    bench.clock.pass(3);
    bench.kernel.traffic(1, 100_000, 0);
    let (nas, cause) = (nas("lobby"), TerminateCause::NasReboot);
    assert_eq!(
        bench
            .write(|reply| Write::NasRestarted {
                nas,
                cause,
                stamp: None,
                delay: Duration::ZERO,
                reply
            })
            .unwrap()
            .ended,
        1
    );
    bench.seconds(11);
    assert_eq!(bench.used(voucher).download, 300_000);
}
