//! Writing down what waits: piece by piece, and what of it survives.

use super::nas_sessions::STOP;
use super::*;
use crate::hotspot::flush::PIECE;
use crate::hotspot::radius_messages::Event;

/// Download of each session, as the store has it.
fn downloads(bench: &Bench) -> Vec<u64> {
    let rows = bench.hotspot.store.open_sessions().unwrap();
    rows.iter().map(|row| row.usage.download).collect()
}

#[test]
fn a_session_that_ends_has_nobody_elses_usage_written_down() {
    let mut bench = Bench::new();
    for (device, name) in [(1, "a"), (2, "b")] {
        bench.create(name).unwrap();
        bench.login_from(device, name, "secret").unwrap().unwrap();
    }
    bench.minutes(1);
    bench.kernel.traffic(1, 3000, 0);
    bench.logout(2);
    assert_eq!(downloads(&bench), [0]);
    bench.seconds(11);
    bench.minutes(1);
    assert_eq!(downloads(&bench), [3000]);
}

#[test]
fn users_of_access_points_are_written_down_one_by_one() {
    let mut bench = Bench::new();
    bench.user("u", &["Cleartext-Password := secret"]);
    bench.reports(Event::Start, "u", 1, 0, 0);
    bench.reports(Event::Start, "u", 2, 0, 0);
    bench.minutes(1);
    bench.reports(Event::Interim, "u", 1, 60, 3000);
    bench.reports(STOP, "u", 2, 60, 10);
    assert_eq!(downloads(&bench), [0]);
    bench.minutes(1);
    assert_eq!(downloads(&bench), [3000]);
}

#[test]
fn what_many_use_is_written_down_piece_by_piece_within_seconds() {
    let mut bench = Bench::new();
    for device in 0..=249 {
        let name = format!("guest{device}");
        bench.create(&name).unwrap();
        bench.login_from(device, &name, "secret").unwrap().unwrap();
    }
    bench.minutes(1);
    bench.seconds(3);
    (0..=249).for_each(|device| bench.kernel.traffic(device, 1000, 0));
    let are_written = |bench: &Bench| downloads(bench).iter().filter(|it| **it == 1000).count();
    bench.seconds(11);
    bench.minutes(1);
    assert_eq!(are_written(&bench), PIECE);
    // Whoever is left comes first where the next minute is there before them.
    bench.kernel.traffic(0, 500, 0);
    bench.clock.pass(10);
    assert_eq!(bench.online().len(), 250);
    bench.minutes(1);
    assert_eq!(are_written(&bench), 2 * PIECE);
    bench.seconds(3);
    assert_eq!(are_written(&bench), 250);
}

#[test]
fn a_session_that_only_the_kernel_knows_goes_on_whatever_later_one_is_written_down() {
    let mut bench = Bench::new();
    for (device, name) in [(1, "a"), (2, "b")] {
        bench.create(name).unwrap();
        bench.login_from(device, name, "secret").unwrap().unwrap();
    }
    bench.kernel.traffic(1, 3000, 0);
    bench.logout(2);
    let mut bench = bench.crash();
    assert_eq!(bench.online(), [1]);
    bench.second_after(10);
    assert_eq!(bench.records()[0].usage.download, 3000);
}

/// Rows of the login log in the store.
fn logged(bench: &Bench) -> usize {
    bench.hotspot.store.logins(Page { limit: 5000, ..ALL }).unwrap().len()
}

#[test]
fn the_login_log_is_written_down_piece_by_piece_in_its_order() {
    let mut bench = Bench::new();
    for guest in 0..120 {
        bench.login(&format!("nobody{guest}"), "x").unwrap_err();
    }
    bench.minutes(1);
    assert_eq!(logged(&bench), PIECE);
    bench.login("later", "x").unwrap_err();
    bench.clock.pass(1);
    let second = || Command::Upkeep(Upkeep::Second);
    bench.hotspot.turn(vec![second(), second()]);
    assert_eq!(logged(&bench), 2 * PIECE, "others get between");
    bench.seconds(1);
    assert_eq!(logged(&bench), 120);
    bench.seconds(5);
    assert_eq!(logged(&bench), 120, "nothing is written before the next minute");
    bench.minutes(1);
    assert_eq!(logged(&bench), 121);
    let names = bench.logins().into_iter().map(|row| row.value.login);
    assert!(names.eq((0..120).map(|guest| format!("nobody{guest}")).chain(["later".into()])));
}

#[test]
fn however_much_waits_it_is_written_down_within_half_a_minute() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    let many = 30 * PIECE + 500;
    for _ in 0..many {
        // Nobody may sign in more often than that for long.
        bench.clock.pass(10);
        bench.login("a", "secret").unwrap();
    }
    bench.minutes(1);
    bench.seconds(29);
    assert_eq!(logged(&bench), many);
}

#[test]
fn where_the_login_log_does_not_fit_what_is_used_still_does() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.minutes(1);
    assert_eq!((downloads(&bench), logged(&bench)), (vec![0], 1));
    bench.hotspot.store.refuse_growth(true);
    for _ in 0..100 {
        bench.login("nobody", "x").unwrap_err();
    }
    bench.kernel.traffic(1, 3000, 0);
    bench.seconds(11);
    bench.minutes(1);
    assert_eq!((downloads(&bench), logged(&bench)), (vec![3000], 1));
    assert_eq!(bench.hotspot.store.mark().unwrap().unwrap().wall, stamp(START + 131));
    assert!(bench.read(Read::Status).trouble.is_some());
    bench.hotspot.store.refuse_growth(false);
    bench.seconds(5);
    assert_eq!(logged(&bench), 1, "it is not tried again before the next minute");
    bench.minutes(1);
    bench.seconds(5);
    assert_eq!(logged(&bench), 101);
    assert_eq!(bench.read(Read::Status).trouble, None);
}

#[test]
fn a_log_that_is_full_makes_room_for_itself_where_the_disk_has_none() {
    let mut bench = Bench::new();
    bench.login("nobody", "x").unwrap_err();
    bench.minutes(1);
    let row = bench.logins().remove(0);
    let store = &bench.hotspot.store;
    store.begin().unwrap();
    for id in 2..=20_500 {
        store.insert_login(&Entry { id, ..row.clone() }, true).unwrap();
    }
    store.commit().unwrap();
    store.refuse_growth(true);
    bench.hotspot.login_log.restart_after(20_500);
    for _ in 0..400 {
        bench.login("nobody", "x").unwrap_err();
    }
    bench.minutes(1);
    bench.minutes(1);
    bench.seconds(10);
    let last = Page { after: 20_500, ..ALL };
    assert_eq!(bench.hotspot.store.logins(last).unwrap().len(), 400);
}
