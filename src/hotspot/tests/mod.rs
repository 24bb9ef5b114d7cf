mod clock;
mod clocks_there;
mod coa;
mod codes;
mod connections;
mod device_limit;
mod disconnect;
mod enforcement;
mod flush;
mod hostile;
mod hosts;
mod identity;
mod late;
mod login_log;
mod login_throttle;
mod machine;
mod maintenance;
pub(super) mod nas_sessions;
mod password_checks;
mod policies;
mod portal_login;
mod quota;
mod radius_access;
mod recall;
mod resume;
mod sign_ins;
mod starts;
mod time;
mod times;
mod unadmitted;
mod vouchers;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::oneshot;

use super::*;
use crate::domain::guest::{Caller, Online, SessionView};
use crate::domain::list::{Entry, Page};
use crate::domain::login::{Credential, LoginRecord, Refusal};
use crate::domain::neighbour::{Neighbour, Reach, Sighting};
use crate::domain::plan::{Plan, Preset};
use crate::domain::secret::Secret;
use crate::domain::session::Usage;
use crate::domain::station::Mac;
use crate::domain::time::Timestamp;
use crate::domain::voucher::{DataLimit, Passcode, Username, Voucher, VoucherRequest};
use crate::domain::wall::Reading;
use crate::hotspot::radius_messages::{Dispatch, Order};
use crate::store::CheckedBackup;
use crate::temp_dir::Scratch;
use machine::{Station, TestKernel, caller, mac, networks};

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
        let reading =
            Reading { wall, boot: boot_time, synchronised, file_time: true, rtc_boot: None };
        Self { reading: Arc::new(Mutex::new(reading)), boot }
    }

    fn pass(&self, seconds: u64) {
        let mut reading = self.reading.lock().unwrap();
        reading.boot += Duration::from_secs(seconds);
        reading.wall = reading.wall.plus(seconds as i64);
    }

    fn synchronise(&self, wall: i64) {
        self.step(wall);
        self.reading.lock().unwrap().synchronised = true;
    }

    /// Is put right without a word to the kernel.
    fn step(&self, wall: i64) {
        self.reading.lock().unwrap().wall = Timestamp::from_unix(wall);
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
    kernel: TestKernel,
    hotspot: Hotspot,
    ordered: Ordered,
}

/// What access points are to be told.
struct Ordered(mpsc::UnboundedReceiver<Dispatch>);

impl Ordered {
    /// The next order; what is said of sessions that have ended is passed over.
    fn try_recv(&mut self) -> Result<Order, TryRecvError> {
        loop {
            if let Dispatch::Order(order) = self.0.try_recv()? {
                return Ok(order);
            }
        }
    }
}

impl Bench {
    fn new() -> Self {
        Self::on(Scratch::new(), TestClock::at(START, true, "boot-1"))
    }

    fn on(scratch: Scratch, clock: TestClock) -> Self {
        Self::with(scratch, clock, TestKernel::default(), Settings::default())
    }

    fn with(scratch: Scratch, clock: TestClock, kernel: TestKernel, settings: Settings) -> Self {
        let store = Store::open(scratch.path()).unwrap();
        kernel.run_by(&clock);
        let (orders, ordered) = mpsc::unbounded_channel();
        let machine = Machine {
            clock: Box::new(clock.clone()),
            rng: Box::new(StdRng::seed_from_u64(7)),
            gate: Box::new(kernel.clone()),
            neighbours: Box::new(Station),
            orders,
        };
        let settings = Settings { login_log_days: 90, networks: networks(), ..settings };
        let hotspot = Hotspot::resume(store, machine, settings).unwrap();
        Self { scratch, clock, kernel, hotspot, ordered: Ordered(ordered) }
    }

    fn plan(plan: Plan) -> Self {
        let preset = Preset { plan, ..Preset::default() };
        let settings = Settings { preset, ..Settings::default() };
        let clock = TestClock::at(START, true, "boot-1");
        Self::with(Scratch::new(), clock, TestKernel::default(), settings)
    }

    /// Stops in good order and starts again.
    fn restart(mut self, clock: TestClock) -> Self {
        self.hotspot.finish();
        self.hotspot.store.close();
        let settings = self.hotspot.settings;
        let same_boot = clock.boot == self.clock.boot;
        let kernel = if same_boot { self.kernel } else { TestKernel::default() };
        Self::with(self.scratch, clock, kernel, settings)
    }

    /// Is killed, and started again while the kernel goes on.
    fn crash(self) -> Self {
        let settings = self.hotspot.settings.clone();
        drop(self.hotspot);
        Self::with(self.scratch, self.clock, self.kernel, settings)
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

    /// Restores a backup as `Handle::restore` does, without its thread.
    fn restore(&mut self, bytes: Vec<u8>) -> Result<i64, Fault> {
        let backup = Box::new(CheckedBackup::new(bytes).map_err(Fault::Store)?);
        let (reply, mut answer) = oneshot::channel();
        self.hotspot.turn(vec![Command::Upkeep(Upkeep::Restore(backup, reply))]);
        answer.try_recv().unwrap()
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
        let made = self
            .write(|reply| Write::CreateVouchers { request, count: 1, batch: None, reply })
            .unwrap();
        made.map(|mut vouchers| vouchers.remove(0))
    }

    /// Signs in from the device 98:01:A7:CB:BB:00.
    fn login(&mut self, username: &str, passcode: &str) -> Result<Online, Refusal> {
        self.login_from(0, username, passcode).unwrap()
    }

    fn login_from(
        &mut self,
        device: u8,
        username: &str,
        passcode: &str,
    ) -> Result<Result<Online, Refusal>, Fault> {
        let (username, passcode) = (username.to_owned(), Secret::new(passcode));
        let credential = Credential::Pair { username, passcode };
        self.write(|reply| Write::SignIn { caller: caller(device), credential, reply })
    }

    fn enter(&mut self, device: u8, code: &str) -> Result<Online, Refusal> {
        let credential = Credential::Code(Secret::new(code));
        self.write(|reply| Write::SignIn { caller: caller(device), credential, reply }).unwrap()
    }

    fn visit(&mut self, device: u8) -> Option<Online> {
        self.write(|reply| Write::Visit { caller: caller(device), reply }).unwrap()
    }

    fn logout(&mut self, device: u8) -> bool {
        self.write(|reply| Write::SignOut { caller: caller(device), reply }).unwrap().unwrap()
    }

    /// A voucher with so many megabytes in each direction; 0 is unlimited.
    fn limited(&mut self, username: &str, download: i64, upload: i64) -> i64 {
        self.issue(VoucherRequest {
            username: Username::parse(username).unwrap(),
            passcode: Passcode::parse("secret").unwrap(),
            download_limit: DataLimit::from_megabytes(download),
            upload_limit: DataLimit::from_megabytes(upload),
            ..VoucherRequest::default()
        })
    }

    fn issue(&mut self, request: VoucherRequest) -> i64 {
        let request = Box::new(request);
        let made = self
            .write(|reply| Write::CreateVouchers { request, count: 1, batch: None, reply })
            .unwrap();
        made.unwrap().remove(0).id
    }

    fn remove(&mut self, username: &str) -> bool {
        let username = Username::parse(username).unwrap().unwrap();
        self.write(|reply| Write::RemoveVoucher { username, reply }).unwrap()
    }

    /// One tick of the clock after so many seconds.
    fn second_after(&mut self, seconds: u64) {
        self.clock.pass(seconds);
        self.hotspot.turn(vec![Command::Upkeep(Upkeep::Second)]);
    }

    fn seconds(&mut self, count: u64) {
        for _ in 0..count {
            self.second_after(1);
        }
    }

    fn sight(&mut self, sightings: Vec<Sighting>) {
        self.hotspot.turn(vec![Command::Upkeep(Upkeep::Sightings(sightings))]);
    }

    /// The kernel notices the device.
    fn see(&mut self, device: u8) {
        self.sight(vec![Sighting::Seen(neighbour("guest", caller(device).address, mac(device)))]);
    }

    fn sessions(&mut self) -> Vec<SessionView> {
        self.read(Read::Sessions)
    }

    /// The devices that are online, by number.
    fn online(&mut self) -> Vec<u8> {
        self.sessions().iter().map(|session| session.mac.unwrap().octets()[5]).collect()
    }

    fn used(&mut self, voucher: i64) -> Usage {
        let mut vouchers = self.vouchers().into_iter();
        vouchers.find(|row| row.id == voucher).unwrap().value.used
    }

    /// What the store has of all sessions once everything is written down.
    fn records(&mut self) -> Vec<Record> {
        let backup = self.read(Read::Backup);
        let path = self.scratch.path().join("records.db");
        std::fs::write(&path, backup).unwrap();
        let store = rusqlite::Connection::open(&path).unwrap();
        let sql = "SELECT mac, seconds, download, upload, cause, voucher, started_at, ended_at \
                   FROM session ORDER BY id";
        let mut statement = store.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| {
            let mac: String = row.get(0)?;
            Ok(Record {
                device: mac.parse::<Mac>().unwrap().octets()[5],
                seconds: row.get(1)?,
                usage: Usage {
                    download: row.get::<_, i64>(2)? as u64,
                    upload: row.get::<_, i64>(3)? as u64,
                },
                cause: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
                voucher: row.get(5)?,
                started_at: row.get(6)?,
                ended_at: row.get(7)?,
            })
        });
        rows.unwrap().map(Result::unwrap).collect()
    }

    /// Who was online and why it ended; empty where it has not.
    fn ends(&mut self) -> Vec<(u8, String)> {
        self.records().into_iter().map(|record| (record.device, record.cause)).collect()
    }

    fn vouchers(&mut self) -> Vec<Entry<Voucher>> {
        self.read(|reply| Read::Vouchers(ALL, reply))
    }

    fn logins(&mut self) -> Vec<Entry<LoginRecord>> {
        self.read(|reply| Read::Logins(ALL, reply))
    }
}

/// A session as the store has it.
#[derive(Debug)]
struct Record {
    device: u8,
    seconds: i64,
    usage: Usage,
    cause: String,
    voucher: i64,
    started_at: i64,
    ended_at: Option<i64>,
}

fn neighbour(network: &str, address: impl Into<std::net::IpAddr>, mac: Mac) -> Neighbour {
    let address = address.into();
    Neighbour { network: network.into(), address, mac: Some(mac), reach: Reach::Present }
}

fn ends<const N: usize>(ends: [(u8, &str); N]) -> Vec<(u8, String)> {
    ends.map(|(device, cause)| (device, cause.to_owned())).into()
}

fn plan() -> Plan {
    Preset::default().plan
}

fn stamp(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds)
}
