//! Sessions run on the boot clock: what the wall clock does is no business of theirs.

use proptest::prelude::*;

use super::*;

const DAY: u64 = 86_400;

/// Seconds until the guest is out, and why.
fn lasts(bench: &mut Bench, at_most: u64) -> u64 {
    for seconds in 0..=at_most {
        if bench.online().is_empty() {
            return seconds;
        }
        bench.second_after(1);
    }
    panic!("still online after {at_most} s");
}

fn always_on() -> Bench {
    Bench::plan(Plan { idle_timeout: 0, ..plan() })
}

fn hour(bench: &mut Bench) -> i64 {
    bench.issue(VoucherRequest {
        username: Username::parse("a").unwrap(),
        passcode: Passcode::parse("secret").unwrap(),
        valid_for: Some("1 hour".parse().unwrap()),
        ..VoucherRequest::default()
    })
}

#[test]
fn a_session_ends_with_its_voucher_to_the_second() {
    let mut bench = always_on();
    hour(&mut bench);
    bench.login("a", "secret").unwrap();
    bench.second_after(3590);
    assert_eq!(lasts(&mut bench, 20), 10);
    assert_eq!(bench.kernel.pass(0), None);
    let record = bench.records().remove(0);
    assert_eq!((record.cause.as_str(), record.seconds), ("Session-Timeout", 3600));
}

#[test]
fn what_is_used_in_the_last_seconds_is_counted() {
    let mut bench = always_on();
    let voucher = hour(&mut bench);
    bench.login("a", "secret").unwrap();
    bench.second_after(3590);
    bench.seconds(8);
    bench.kernel.traffic(0, 700, 70);
    bench.seconds(1);
    // The kernel ends it by itself and forgets.
    bench.kernel.rules().passes.clear();
    bench.seconds(2);
    assert_eq!(bench.records()[0].usage, Usage { download: 700, upload: 70 });
    assert_eq!(bench.used(voucher), Usage { download: 700, upload: 70 });
    assert_eq!(bench.kernel.pass(0), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// The wall clock jumps by years, to and fro, synchronised or not; a session lasts an hour.
    #[test]
    fn no_jump_of_the_wall_clock_moves_a_session_by_a_second(
        jumps in prop::collection::vec((1..600_u64, -20 * 365..20 * 365_i64, any::<bool>()), 1..8),
        restarts in any::<bool>(),
    ) {
        let mut bench = always_on();
        hour(&mut bench);
        bench.login("a", "secret").unwrap();
        let mut passed = 0;
        for (seconds, days, synchronised) in jumps {
            if passed + seconds >= 3500 {
                break;
            }
            passed += seconds;
            bench.second_after(seconds);
            {
                let mut reading = bench.clock.reading.lock().unwrap();
                reading.wall = reading.wall.plus(days * DAY as i64);
                reading.synchronised = synchronised;
            }
            bench.seconds(1);
            passed += 1;
            bench.minutes(1);
            passed += 60;
            prop_assert_eq!(bench.online(), [0]);
            prop_assert_eq!(bench.sessions()[0].left.time, Some(Duration::from_secs(3600 - passed)));
            if restarts {
                let clock = bench.clock.clone();
                bench = bench.restart(clock);
                bench.kernel.rules().passes.clear();
                bench = bench.crash();
                prop_assert_eq!(bench.online(), [0]);
            }
        }
        bench.second_after(3590 - passed.min(3590));
        let passed = passed.max(3590);
        prop_assert_eq!(lasts(&mut bench, 3600 - passed + 2), 3600 - passed);
    }
}

#[test]
fn a_session_opened_before_the_clock_was_set_lasts_as_long_as_was_sold() {
    for truth in [START + 40, START - 900 * DAY as i64, START + 900 * DAY as i64] {
        let bench = always_on();
        let clock = TestClock::at(40, false, "boot-2");
        let mut bench = bench.restart(clock.clone());
        hour(&mut bench);
        let online = bench.login("a", "secret").unwrap();
        // Nobody knows what time it is.
        assert_eq!((online.until, online.left.time), (None, Some(Duration::from_secs(3600))));
        bench.second_after(1000);
        clock.synchronise(truth);
        bench.second_after(0);
        assert_eq!(bench.visit(0).unwrap().until, Some(stamp(truth + 2600)));
        assert_eq!(bench.sessions()[0].started_at, stamp(truth - 1000));
        bench.second_after(2590);
        assert_eq!(lasts(&mut bench, 20), 10, "with the truth at {truth}");
    }
}

#[test]
fn a_session_that_ended_before_the_clock_was_set_is_put_right_too() {
    for full in [false, true] {
        let bench = always_on();
        let clock = TestClock::at(40, false, "boot-2");
        let mut bench = bench.restart(clock.clone());
        hour(&mut bench);
        bench.login("a", "secret").unwrap();
        bench.second_after(500);
        // Where it could not be written down, it waits in memory.
        bench.hotspot.store.refuse_writes(full);
        assert!(bench.logout(0));
        bench.second_after(500);
        bench.hotspot.store.refuse_writes(false);
        let truth = START + 9 * DAY as i64;
        clock.synchronise(truth);
        let record = bench.records().remove(0);
        assert_eq!(record.started_at, truth - 1000, "{full}");
        assert_eq!(record.ended_at, Some(truth - 500), "{full}");
    }
}

#[test]
fn a_session_taken_up_in_a_wrong_year_ends_with_its_voucher_once_the_clock_is_set() {
    let mut bench = always_on();
    bench.create("a").unwrap();
    bench.login("a", "secret").unwrap();
    bench.second_after(3600);
    // Ten hours without power; nobody tells the router.
    let clock = TestClock::at(40, false, "boot-2");
    let mut bench = bench.restart(clock.clone());
    assert_eq!(bench.online(), [0]);
    bench.second_after(100);
    clock.synchronise(START + 11 * 3600);
    bench.second_after(0);
    assert_eq!(bench.sessions()[0].left.time, Some(Duration::from_secs(13 * 3600)));
    assert_eq!(bench.kernel.pass(0).unwrap().time, Some(Duration::from_secs(13 * 3600)));
    // And where the voucher's day has passed meanwhile, it ends at once.
    let clock = TestClock::at(40, false, "boot-3");
    let mut bench = bench.restart(clock.clone());
    assert_eq!(bench.online(), [0]);
    clock.synchronise(START + 3 * DAY as i64);
    bench.second_after(1);
    assert!(bench.online().is_empty());
    assert_eq!(bench.kernel.pass(0), None);
    assert_eq!(bench.ends(), ends([(0, "Session-Timeout")]));
}

#[test]
fn who_sends_nothing_is_idle_whatever_comes_in() {
    let mut bench = Bench::plan(Plan { idle_timeout: 300, ..plan() });
    bench.create("a").unwrap();
    bench.login("a", "secret").unwrap();
    for _ in 0..100 {
        bench.kernel.packets(0, 1, 1500, 60);
        bench.second_after(10);
    }
    assert_eq!(bench.online(), [0]);
    assert_eq!(bench.sessions()[0].idle, Duration::ZERO);
    for _ in 0..29 {
        bench.kernel.packets(0, 1, 1500, 0);
        bench.second_after(10);
    }
    assert_eq!(bench.online(), [0]);
    assert_eq!(bench.sessions()[0].idle, Duration::from_secs(290));
    bench.kernel.packets(0, 1, 1500, 0);
    bench.second_after(10);
    assert!(bench.online().is_empty());
    assert_eq!(bench.kernel.pass(0), None);
    assert_eq!(bench.ends(), ends([(0, "Idle-Timeout")]));
}

#[test]
fn idle_time_that_is_not_limited_is_not() {
    let mut bench = always_on();
    bench.create("a").unwrap();
    bench.login("a", "secret").unwrap();
    for _ in 0..100 {
        bench.second_after(600);
    }
    assert_eq!(bench.online(), [0]);
}

#[test]
fn who_was_idle_comes_back_by_itself() {
    let mut bench = Bench::plan(Plan { idle_timeout: 60, ..plan() });
    bench.create("a").unwrap();
    bench.see(1);
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.second_after(70);
    assert!(bench.online().is_empty());
    bench.second_after(5);
    bench.see(1);
    assert!(bench.online().is_empty(), "too soon");
    bench.second_after(5);
    bench.see(1);
    assert_eq!(bench.online(), [1]);
    assert!(bench.kernel.pass(1).is_some());
}

#[test]
fn an_end_that_only_seems_to_have_passed_sends_nobody_away() {
    let mut bench = always_on();
    bench.create("a").unwrap();
    bench.login("a", "secret").unwrap();
    let clock = TestClock::at(START + 2 * DAY as i64, false, "boot-2");
    let mut bench = bench.restart(clock);
    assert_eq!(bench.online(), [0], "taken up");
    bench.second_after(100);
    assert_eq!(bench.online(), [0]);
    bench.logout(0);
    let online = bench.login("a", "secret").unwrap();
    assert_eq!((online.left.time, online.until), (None, None));
    bench.second_after(100);
    assert_eq!(bench.online(), [0]);
}
