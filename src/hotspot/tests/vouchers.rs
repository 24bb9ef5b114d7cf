//! Issuing and redeeming.

use super::*;

#[test]
fn commands_of_one_turn_share_a_commit_and_fail_alone() {
    let mut bench = Bench::new();
    bench.create("taken").unwrap();
    let mut answers = Vec::new();
    let commands = ["a", "Taken", "b", "A", "c"].map(|name| {
        let (reply, answer) = oneshot::channel();
        answers.push(answer);
        let username = Username::parse(name).unwrap();
        let request = Box::new(VoucherRequest { username, ..VoucherRequest::default() });
        Command::Write(Write::CreateVouchers { request, count: 1, batch: None, reply })
    });
    bench.hotspot.turn(commands.into());
    let made: Vec<bool> =
        answers.iter_mut().map(|answer| answer.try_recv().unwrap().unwrap().is_ok()).collect();
    assert_eq!(made, [true, false, true, false, true]);
    let mut bench = bench.power_cut(TestClock::at(START, true, "boot-2"));
    let names: Vec<_> =
        bench.vouchers().iter().map(|row| row.value.username.as_str().to_owned()).collect();
    assert_eq!(names, ["taken", "a", "b", "c"]);
}

#[test]
fn a_batch_is_made_whole_and_random_names_give_way_to_taken_ones() {
    let mut bench = Bench::new();
    let mut batch = |count, seed| {
        let request = Box::<VoucherRequest>::default();
        bench.hotspot.rng = Box::new(StdRng::seed_from_u64(seed));
        bench
            .write(|reply| Write::CreateVouchers { request, count, batch: None, reply })
            .unwrap()
            .unwrap()
    };
    // The same seed draws the same names again: the first five are taken.
    let first = batch(5, 7);
    let second = batch(95, 7);
    let mut names: Vec<String> =
        first.iter().chain(&second).map(|row| row.value.username.folded()).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 100);
}

#[test]
fn the_first_login_survives_a_power_cut_and_starts_the_time() {
    let mut bench = Bench::new();
    bench.create("Room12").unwrap();
    bench.minutes(10);
    let grant = bench.login("  rOOM12 ", "secret").unwrap();
    assert_eq!(grant.until, Some(stamp(START + 600 + 86_400)));
    let mut bench = bench.power_cut(TestClock::at(START + 700, true, "boot-2"));
    let voucher = bench.vouchers().remove(0).value;
    assert_eq!(voucher.first_login, Some(stamp(START + 600)));
    assert_eq!(voucher.mac.unwrap().to_string(), "98:01:A7:CB:BB:00");
    let again = bench.login("room12", "secret").unwrap();
    assert_eq!(again.until, grant.until);
}

#[test]
fn later_logins_show_at_once_and_reach_the_store_within_a_minute() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.login("a", "secret").unwrap();
    bench.clock.pass(30);
    bench.login("a", "secret").unwrap();
    assert_eq!(bench.vouchers()[0].value.last_login, Some(stamp(START + 30)));
    let before = bench.logins();
    assert_eq!(before.len(), 2);
    bench.minutes(1);
    assert_eq!(bench.logins(), before);
    let mut bench = bench.power_cut(TestClock::at(START + 100, true, "boot-2"));
    assert_eq!(bench.vouchers()[0].value.last_login, Some(stamp(START + 30)));
    assert_eq!(bench.logins(), before);
    bench.login("a", "secret").unwrap();
    assert_eq!(bench.logins().last().unwrap().id, before[1].id + 1);
}

#[test]
fn every_refusal_is_logged_with_its_reason_and_without_the_passcode() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.login("a", "secret").unwrap();
    assert_eq!(bench.login("nobody", "hunter2"), Err(Refusal::UnknownUsername));
    assert_eq!(bench.login("", "hunter2"), Err(Refusal::UnknownUsername));
    assert_eq!(bench.login("a", "hunter2"), Err(Refusal::WrongPasscode));
    assert_eq!(bench.login("a", "Secret"), Err(Refusal::WrongPasscode));
    bench.clock.pass(86_400);
    assert_eq!(bench.login("a", "secret"), Err(Refusal::Expired(stamp(START + 86_400))));
    let rows = bench.logins();
    let reasons: Vec<_> = rows.iter().map(|row| row.value.refusal.as_deref()).collect();
    assert_eq!(
        reasons,
        [
            None,
            Some("Wrong user name."),
            Some("Wrong user name."),
            Some("Wrong password."),
            Some("Wrong password."),
            Some("The user has expired or not valid."),
        ]
    );
    assert!(!format!("{rows:?}").contains("hunter2"));
}

#[test]
fn what_a_guest_types_cannot_forge_rows_or_move_the_cursor() {
    let mut bench = Bench::new();
    bench.login("\u{1b}[2J\nroom12\u{202e}", "x").unwrap_err();
    assert_eq!(bench.logins()[0].value.login, "\u{fffd}[2J\u{fffd}room12\u{fffd}");
}

#[test]
fn a_voucher_with_ever_new_devices_is_remembered_with_the_newest() {
    let mut bench = Bench::new();
    let voucher = bench.create("a").unwrap().id;
    for device in 1..=60 {
        bench.login_from(device, "a", "secret").unwrap().unwrap();
        bench.seconds(20);
    }
    let kept = bench.hotspot.store.devices_of_voucher(voucher, 1000).unwrap();
    let mut kept: Vec<String> = kept.iter().map(ToString::to_string).collect();
    kept.sort();
    let mut newest: Vec<String> = (45..=60).map(|device| mac(device).to_string()).collect();
    newest.sort();
    assert_eq!(kept, newest);
}

#[test]
fn a_batch_that_a_backup_has_half_of_is_nobodys() {
    let mut bench = Bench::new();
    let begin = |bench: &mut Bench| bench.write(Write::BeginBatch).unwrap();
    let add = |bench: &mut Bench, batch| {
        let (request, batch) = (Box::<VoucherRequest>::default(), Some(batch));
        bench.write(|reply| Write::CreateVouchers { request, count: 2, batch, reply }).map(drop)
    };
    bench.create("a").unwrap();
    let half = begin(&mut bench);
    add(&mut bench, half).unwrap();
    let backup = bench.read(Read::Backup);
    add(&mut bench, half).unwrap();
    assert_eq!(bench.restore(backup.clone()), Ok(1));
    // Whoever is at it has printed four, of which there are two.
    assert!(add(&mut bench, half).is_err());
    assert!(!bench.write(|reply| Write::CompleteBatch(half, reply)).unwrap());
    assert_eq!(bench.vouchers().len(), 1);
    // In another store the same number is that of another batch.
    let mut other = Bench::new();
    other.create("theirs").unwrap();
    let theirs = begin(&mut other);
    add(&mut other, theirs).unwrap();
    other.restore(backup).unwrap();
    assert!(!other.write(|reply| Write::CompleteBatch(theirs, reply)).unwrap());
    assert_eq!(other.vouchers().len(), 1);
    let next = begin(&mut other);
    assert!(next != theirs);
    add(&mut other, next).unwrap();
    assert!(other.write(|reply| Write::CompleteBatch(next, reply)).unwrap());
    other.minutes(2);
    assert_eq!(other.vouchers().len(), 3);
}
