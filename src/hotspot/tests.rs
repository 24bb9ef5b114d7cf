use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::sync::oneshot;

use super::*;
use crate::domain::list::{Entry, Page};
use crate::domain::login::{Grant, Login, LoginRecord, Refusal};
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;
use crate::domain::voucher::{Passcode, Username, Voucher, VoucherRequest};
use crate::domain::wall::Reading;
use crate::scratch::Scratch;

const ALL: Page = Page { after: 0, limit: 1000 };
/// 2027-01-15 08:00:00 UTC, later than any release so far.
const START: i64 = 1_800_000_000;

#[derive(Clone)]
struct TestClock {
    reading: Arc<Mutex<Reading>>,
    boot: &'static str,
}

impl TestClock {
    fn at(wall: i64, synchronised: bool, boot: &'static str) -> Self {
        let wall = Timestamp::from_unix(wall);
        let boot_time = Duration::from_secs(100);
        let reading = Reading { wall, boot: boot_time, synchronised, has_rtc: false };
        Self { reading: Arc::new(Mutex::new(reading)), boot }
    }

    fn pass(&self, seconds: u64) {
        let mut reading = self.reading.lock().unwrap();
        reading.boot += Duration::from_secs(seconds);
        reading.wall = reading.wall.plus(seconds as i64);
    }

    fn synchronise(&self, wall: i64) {
        let mut reading = self.reading.lock().unwrap();
        reading.wall = Timestamp::from_unix(wall);
        reading.synchronised = true;
    }
}

impl Clock for TestClock {
    fn read(&self) -> Reading {
        *self.reading.lock().unwrap()
    }

    fn boot_id(&self) -> String {
        self.boot.to_owned()
    }
}

struct Bench {
    scratch: Scratch,
    clock: TestClock,
    hotspot: Hotspot,
}

impl Bench {
    fn new() -> Self {
        Self::on(Scratch::new(), TestClock::at(START, true, "boot-1"))
    }

    fn on(scratch: Scratch, clock: TestClock) -> Self {
        let store = Store::open(scratch.path()).unwrap();
        let rng = Box::new(StdRng::seed_from_u64(7));
        let settings = Settings { login_log_days: 90, ..Settings::default() };
        let hotspot = Hotspot::resume(store, Box::new(clock.clone()), rng, settings).unwrap();
        Self { scratch, clock, hotspot }
    }

    /// Stops in good order and starts again.
    fn restart(mut self, clock: TestClock) -> Self {
        self.hotspot.finish();
        self.hotspot.store.close();
        Self::on(self.scratch, clock)
    }

    /// Loses power and starts again.
    fn power_cut(self, clock: TestClock) -> Self {
        drop(self.hotspot);
        Self::on(self.scratch, clock)
    }

    fn write<T>(&mut self, command: impl FnOnce(Reply<T>) -> Write) -> Result<T, Fault> {
        let (reply, mut answer) = oneshot::channel();
        self.hotspot.turn(vec![Command::Write(command(reply))]);
        answer.try_recv().unwrap()
    }

    fn read<T>(&mut self, command: impl FnOnce(Reply<T>) -> Read) -> T {
        let (reply, mut answer) = oneshot::channel();
        self.hotspot.turn(vec![Command::Read(command(reply))]);
        answer.try_recv().unwrap().unwrap()
    }

    fn minutes(&mut self, count: u64) {
        for _ in 0..count {
            self.clock.pass(60);
            self.hotspot.turn(vec![Command::Upkeep(Upkeep::Tick)]);
        }
    }

    fn create(&mut self, username: &str) -> Result<Entry<Voucher>, UsernameTaken> {
        let request = Box::new(VoucherRequest {
            username: Username::parse(username).unwrap(),
            passcode: Passcode::parse("secret").unwrap(),
            ..VoucherRequest::default()
        });
        let made = self.write(|reply| Write::CreateVouchers { request, count: 1, reply }).unwrap();
        made.map(|mut vouchers| vouchers.remove(0))
    }

    fn login(&mut self, username: &str, passcode: &str) -> Result<Grant, Refusal> {
        let login = Box::new(Login {
            username: username.to_owned(),
            passcode: Secret::new(passcode),
            station: "98:01:A7:CB:BB:00".parse().unwrap(),
            address: Some([192, 168, 0, 7].into()),
        });
        self.write(|reply| Write::Login { login, reply }).unwrap()
    }

    fn vouchers(&mut self) -> Vec<Entry<Voucher>> {
        self.read(|reply| Read::Vouchers(ALL, reply))
    }

    fn logins(&mut self) -> Vec<Entry<LoginRecord>> {
        self.read(|reply| Read::Logins(ALL, reply))
    }
}

fn stamp(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

#[test]
fn commands_of_one_turn_share_a_commit_and_fail_alone() {
    let mut bench = Bench::new();
    bench.create("taken").unwrap().id;
    let mut answers = Vec::new();
    let commands = ["a", "Taken", "b", "A", "c"].map(|name| {
        let (reply, answer) = oneshot::channel();
        answers.push(answer);
        let username = Username::parse(name).unwrap();
        let request = Box::new(VoucherRequest { username, ..VoucherRequest::default() });
        Command::Write(Write::CreateVouchers { request, count: 1, reply })
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
        bench.write(|reply| Write::CreateVouchers { request, count, reply }).unwrap().unwrap()
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
fn the_login_log_forgets_by_age() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.login("a", "secret").unwrap();
    bench.clock.pass(60 * 86_400);
    bench.login("b", "x").unwrap_err();
    bench.minutes(1);
    assert_eq!(bench.logins().len(), 2);
    bench.clock.pass(31 * 86_400);
    bench.minutes(24 * 60);
    let left: Vec<_> = bench.logins().into_iter().map(|row| row.value.login).collect();
    assert_eq!(left, ["b"]);
    bench.clock.pass(90 * 86_400);
    bench.minutes(24 * 60);
    assert_eq!(bench.logins(), []);
}

#[test]
fn an_idle_hotspot_writes_once_an_hour_and_a_busy_one_once_a_minute() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.minutes(2);
    let mark = |bench: &Bench| bench.hotspot.store.mark().unwrap().map(|mark| mark.wall);
    bench.minutes(58);
    let before = mark(&bench);
    bench.minutes(59);
    assert_eq!(mark(&bench), before);
    bench.minutes(1);
    let after = mark(&bench);
    assert_ne!(after, before);
    for _ in 0..20 {
        bench.login("a", "secret").unwrap();
    }
    assert_eq!(mark(&bench), after);
    bench.minutes(1);
    assert_ne!(mark(&bench), after);
}

#[test]
fn a_backup_holds_what_was_still_in_memory_and_comes_back_whole() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.login("a", "secret").unwrap();
    let backup = bench.read(Read::Backup);
    bench.create("later").unwrap();
    bench.login("later", "secret").unwrap();
    let (reply, mut answer) = oneshot::channel();
    bench.hotspot.turn(vec![Command::Upkeep(Upkeep::Restore(backup, reply))]);
    assert_eq!(answer.try_recv().unwrap(), Ok(1));
    assert_eq!(bench.vouchers().len(), 1);
    assert_eq!(bench.logins().len(), 1);
    assert!(bench.create("later").is_ok());
}

#[test]
fn a_bad_backup_changes_nothing() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    let mut torn = bench.read(Read::Backup);
    torn.truncate(torn.len() / 2);
    for bytes in [b"".to_vec(), b"nonsense".to_vec(), vec![0; 4096], torn] {
        let (reply, mut answer) = oneshot::channel();
        bench.hotspot.turn(vec![Command::Upkeep(Upkeep::Restore(bytes, reply))]);
        assert!(answer.try_recv().unwrap().is_err());
        assert_eq!(bench.vouchers().len(), 1);
    }
    bench.create("b").unwrap();
    let names: Vec<_> = std::fs::read_dir(bench.scratch.path()).unwrap().flatten().collect();
    assert!(names.iter().all(|file| !file.file_name().to_string_lossy().contains("restore")));
}

#[test]
fn a_snapshot_is_written_after_ten_minutes_and_then_daily_if_anything_changed() {
    let mut bench = Bench::new();
    let path = bench.scratch.path().join(crate::store::SNAPSHOT_NAME);
    bench.create("a").unwrap();
    bench.minutes(9);
    assert!(!path.exists());
    bench.minutes(1);
    assert!(written(&path), "no snapshot came");
    std::fs::write(&path, "untouched").unwrap();
    bench.minutes(2 * 24 * 60);
    assert_eq!(std::fs::read(&path).unwrap(), b"untouched");
    bench.create("b").unwrap();
    std::fs::remove_file(&path).unwrap();
    bench.minutes(1);
    assert!(written(&path), "no snapshot came after the change");
    let snapshot = rusqlite::Connection::open(&path).unwrap();
    let rows: i64 =
        snapshot.query_row("SELECT count(*) FROM voucher", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 2);
}

/// Waits for the thread that writes it.
fn written(path: &std::path::Path) -> bool {
    (0..1000).any(|_| {
        std::thread::sleep(Duration::from_millis(5));
        path.exists()
    })
}
