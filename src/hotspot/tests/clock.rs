//! Routers that wake up in the wrong year.

use super::*;

#[test]
fn a_voucher_first_used_before_the_clock_was_set_lasts_as_long_as_it_was_sold() {
    let bench = Bench::new();
    let clock = TestClock::at(40, false, "boot-2");
    let mut bench = bench.restart(clock.clone());
    bench.create("a").unwrap();
    clock.pass(50);
    bench.login("a", "secret").unwrap();
    clock.pass(3600);
    // NTP answers an hour after the first login, and it is three weeks later than thought.
    let truth = START + 21 * 86_400;
    clock.synchronise(truth);
    let grant = bench.login("a", "secret").unwrap();
    assert_eq!(grant.until, Some(stamp(truth - 3600 + 86_400)));
    let voucher = bench.vouchers().remove(0).value;
    assert_eq!(voucher.created_at, stamp(truth - 3650));
    assert_eq!(bench.logins()[0].value.at, stamp(truth - 3600));
    let mut bench = bench.power_cut(TestClock::at(truth + 10, true, "boot-3"));
    assert_eq!(bench.vouchers()[0].value.first_login, Some(stamp(truth - 3600)));
}

#[test]
fn nothing_expires_by_date_while_the_clock_is_not_set() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.login("a", "secret").unwrap();
    bench.clock.pass(2 * 86_400);
    assert!(bench.login("a", "secret").is_err());
    let clock = TestClock::at(START + 2 * 86_400 + 60, false, "boot-2");
    let mut bench = bench.restart(clock);
    assert!(bench.login("a", "secret").is_ok());
}

#[test]
fn a_power_cut_in_the_first_minutes_does_not_make_a_file_time_true() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    // Three days later the router wakes up at the newest file time, without NTP.
    let clock = TestClock::at(START + 3, false, "boot-2");
    let mut bench = bench.power_cut(clock.clone());
    assert!(!bench.read(Read::Status).now.wall_is_set);
    bench.login("a", "secret").unwrap();
    clock.pass(60);
    let truth = START + 3 * 86_400;
    clock.synchronise(truth);
    assert_eq!(bench.login("a", "secret").unwrap().until, Some(stamp(truth - 60 + 86_400)));
}

#[test]
fn stamps_given_ahead_of_the_true_time_are_taken_back() {
    let wrong = START + 4000 * 86_400;
    let bench = Bench::on(Scratch::new(), TestClock::at(wrong, true, "boot-1"));
    let clock = TestClock::at(START, false, "boot-2");
    let mut bench = bench.restart(clock.clone());
    bench.create("a").unwrap();
    bench.login("a", "secret").unwrap();
    clock.pass(100);
    clock.synchronise(START + 100);
    assert_eq!(bench.login("a", "secret").unwrap().until, Some(stamp(START + 86_400)));
    clock.pass(86_400);
    assert!(bench.login("a", "secret").is_err());
}

#[test]
fn a_later_login_written_down_before_the_clock_was_set_is_put_right_too() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.login("a", "secret").unwrap();
    let clock = TestClock::at(40, false, "boot-2");
    let mut bench = bench.restart(clock.clone());
    bench.login("a", "secret").unwrap();
    bench.minutes(1);
    let truth = START + 5 * 86_400;
    clock.synchronise(truth);
    let voucher = bench.vouchers().remove(0).value;
    assert_eq!(voucher.last_login, Some(stamp(truth - 60)));
    assert_eq!(voucher.first_login, Some(stamp(START)));
}

/// What a hook of NTP gets, with what comes in the same turn.
fn hook(bench: &mut Bench, more: Vec<Command>) -> Result<(), Fault> {
    let (reply, mut answer) = oneshot::channel();
    let mut turn = vec![Command::Upkeep(Upkeep::ClockSynchronised(reply))];
    turn.extend(more);
    bench.hotspot.turn(turn);
    answer.try_recv().unwrap()
}

#[test]
fn a_hook_tells_of_the_time_before_the_kernel_does() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.login("a", "secret").unwrap();
    bench.second_after(901);
    assert_eq!(bench.ends(), ends([(0, "Idle-Timeout")]));
    let clock = TestClock::at(START + 1000, false, "boot-2");
    let mut bench = bench.restart(clock.clone());
    bench.create("b").unwrap();
    clock.pass(50);
    // Less than what shows by itself that somebody has set the clock.
    let truth = START + 2000;
    clock.step(truth);
    assert!(!bench.read(Read::Status).now.wall_is_set);
    let arrival = Sighting::Seen(neighbour("guest", caller(0).address, mac(0)));
    let arrival = Command::Upkeep(Upkeep::Sightings(vec![arrival]));
    assert_eq!(hook(&mut bench, vec![arrival]), Ok(()));
    let now = bench.read(Read::Status).now;
    assert_eq!((now.wall, now.wall_is_set), (stamp(truth), true));
    assert_eq!(bench.vouchers()[1].value.created_at, stamp(truth - 50));
    assert_eq!(bench.records()[1].started_at, truth);
    // It knows after a restart as well.
    let clock = TestClock::at(truth + 5, false, "boot-2");
    assert!(bench.restart(clock).read(Read::Status).now.wall_is_set);
}

#[test]
fn a_hook_that_comes_with_a_time_long_past_is_not_believed() {
    let bench = Bench::new();
    let mut bench = bench.restart(TestClock::at(40, false, "boot-2"));
    assert_eq!(hook(&mut bench, Vec::new()), Err(Fault::ClockTooEarly));
    let now = bench.read(Read::Status).now;
    assert_eq!((now.wall, now.wall_is_set), (stamp(START), false));
}
