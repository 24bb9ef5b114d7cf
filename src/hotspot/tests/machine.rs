//! A kernel that keeps its promises, for decisions that need no real one: `tests/lab` has that.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::super::GuestNetwork;
use super::TestClock;
use crate::clock::Clock;
use crate::domain::guest::Caller;
use crate::domain::session::Usage;
use crate::domain::station::Mac;
use crate::firewall::{AccessChange, Change, Count, Gate, GateError, Hook, Network, Pass};
use crate::neighbour::Find;

pub(super) fn networks() -> Vec<GuestNetwork> {
    let network = |name: &str, enforce| GuestNetwork {
        name: name.into(),
        device: format!("br-{name}"),
        enforce,
        portal_port: 8880,
        portal_name: None,
        garden: Vec::new(),
        leases: "/nonexistent/leases".into(),
    };
    vec![network("guest", true), network("open", false)]
}

/// Device `number` on the network "guest".
pub(super) fn caller(number: u8) -> Caller {
    Caller {
        network: "guest".into(),
        address: [192, 168, 0, number].into(),
        device: Some(mac(number)),
    }
}

pub(super) fn mac(number: u8) -> Mac {
    Mac::new([0x98, 0x01, 0xa7, 0xcb, 0xbb, number])
}

/// 192.168.0.N is device N; nobody else is there.
pub(super) struct Station;

impl Find for Station {
    fn find(&mut self, device: &str, address: IpAddr) -> io::Result<Option<Mac>> {
        let IpAddr::V4(address) = address else { return Ok(None) };
        let [192, 168, 0, number] = address.octets() else { return Ok(None) };
        Ok(device.starts_with("br-").then(|| mac(number)))
    }

    fn probe(&mut self, _device: &str, _address: IpAddr, _mac: Mac) -> io::Result<()> {
        Ok(())
    }
}

/// A device that is let through.
pub(super) struct Guest {
    pub(super) pass: Pass,
    pub(super) usage: Usage,
    /// A packet did not fit: download, upload.
    spent: (bool, bool),
    /// When the kernel takes it out, by the boot clock.
    until: Option<Duration>,
}

/// Devices that are let through, and what they have used.
#[derive(Default)]
pub(super) struct Rules {
    pub(super) passes: BTreeMap<Mac, Guest>,
    pub(super) installed: bool,
    pub(super) broken: bool,
    pub(super) transactions: usize,
    /// Whose connections were to be deleted, with the devices that were let through at that moment.
    pub(super) deletions: Vec<(AccessChange, Vec<Mac>)>,
    pub(super) installs: usize,
    /// How often all counters were read.
    pub(super) lists: usize,
    /// What has got through by voucher, whoever was told.
    through: BTreeMap<i64, Usage>,
    /// Its own clock, which never jumps.
    clock: Option<TestClock>,
}

impl Rules {
    fn now(&self) -> Duration {
        self.clock.as_ref().map_or(Duration::ZERO, |clock| clock.read().boot)
    }
}

#[derive(Clone, Default)]
pub(super) struct TestKernel(Arc<Mutex<Rules>>);

impl TestKernel {
    pub(super) fn rules(&self) -> MutexGuard<'_, Rules> {
        let mut rules = self.0.lock().unwrap();
        let now = rules.now();
        rules.passes.retain(|_, guest| guest.until.is_none_or(|until| until > now));
        rules
    }

    pub(super) fn run_by(&self, clock: &TestClock) {
        self.rules().clock = Some(clock.clone());
    }

    pub(super) fn pass(&self, number: u8) -> Option<Pass> {
        self.rules().passes.get(&mac(number)).map(|guest| guest.pass)
    }

    /// Lets a device use data in packets of this size, as far as its limits go.
    pub(super) fn packets(&self, number: u8, count: u64, download: u64, upload: u64) {
        let mut rules = self.rules();
        let Some(guest) = rules.passes.get_mut(&mac(number)) else { return };
        let mut new = Usage::default();
        let send = |octets: u64, used: &mut u64, limit: Option<u64>, spent: &mut bool| {
            for _ in 0..count {
                if limit.is_some_and(|limit| *used + octets > limit) {
                    *spent = true;
                    return;
                }
                *used += octets;
            }
        };
        let (old, Pass { download: down, upload: up, .. }) = (guest.usage, guest.pass);
        send(download, &mut guest.usage.download, down.limit, &mut guest.spent.0);
        send(upload, &mut guest.usage.upload, up.limit, &mut guest.spent.1);
        new = new.plus(guest.usage.since(old));
        let voucher = guest.pass.voucher;
        let through = rules.through.entry(voucher).or_default();
        *through = through.plus(new);
    }

    /// Lets a device use data to the octet, as far as its limits go.
    pub(super) fn traffic(&self, number: u8, download: u64, upload: u64) {
        let room = |lane: crate::firewall::Lane, used| lane.limit.map_or(u64::MAX, |it| it - used);
        let (down, up) = {
            let rules = self.rules();
            let guest = &rules.passes[&mac(number)];
            let down = room(guest.pass.download, guest.usage.download);
            (down, room(guest.pass.upload, guest.usage.upload))
        };
        self.packets(number, 1, download.min(down), upload.min(up));
    }

    /// What has got through with a voucher.
    pub(super) fn through(&self, voucher: i64) -> Usage {
        self.rules().through.get(&voucher).copied().unwrap_or_default()
    }

    /// For a kernel that is booted again, while the test goes on counting.
    pub(super) fn take_through(&self) -> BTreeMap<i64, Usage> {
        self.rules().through.clone()
    }

    pub(super) fn put_through(&self, through: BTreeMap<i64, Usage>) {
        self.rules().through = through;
    }

    /// Somebody else removes the rules.
    pub(super) fn flush(&self) {
        let mut rules = self.rules();
        rules.installed = false;
        rules.passes.clear();
    }

    /// Lets somebody in whom nobody knows.
    pub(super) fn smuggle(&self, pass: Pass) {
        admit(&mut self.rules(), pass);
    }
}

fn admit(rules: &mut Rules, pass: Pass) {
    let usage = Usage { download: pass.download.used, upload: pass.upload.used };
    let until = pass.time.map(|time| rules.now() + time);
    rules.passes.insert(pass.mac, Guest { pass, usage, spent: (false, false), until });
}

impl Gate for TestKernel {
    fn install(&mut self, _: &[Network], passes: &[Pass]) -> Result<Hook, GateError> {
        let mut rules = self.rules();
        if rules.broken {
            return Err(GateError::Nft("broken for the test".to_owned()));
        }
        rules.installed = true;
        rules.installs += 1;
        let rates = |pass: &Pass| (pass.download.rate, pass.upload.rate);
        let stays = |old: &Pass| {
            passes
                .iter()
                .any(|new| (new.mac, new.session, rates(new)) == (old.mac, old.session, rates(old)))
        };
        rules.passes.retain(|_, guest| stays(&guest.pass));
        for pass in passes {
            if !rules.passes.contains_key(&pass.mac) {
                admit(&mut rules, *pass);
            }
        }
        Ok(Hook::Netdev)
    }

    fn change(&mut self, changes: &[Change]) -> Result<(), GateError> {
        let mut rules = self.rules();
        if changes.is_empty() {
            return Ok(());
        }
        if rules.broken || !rules.installed {
            return Err(GateError::Lost);
        }
        rules.transactions += 1;
        for change in changes {
            match change {
                Change::Admit(pass) => admit(&mut rules, *pass),
                Change::Dismiss(mac) => drop(rules.passes.remove(mac)),
            }
        }
        Ok(())
    }

    fn delete_connections(&mut self, changes: Vec<AccessChange>) {
        let mut rules = self.rules();
        let let_through: Vec<Mac> = rules.passes.keys().copied().collect();
        let deletions = changes.into_iter().map(|change| (change, let_through.clone()));
        rules.deletions.extend(deletions);
    }

    fn counts(&mut self) -> Result<Vec<Count>, GateError> {
        let mut rules = self.rules();
        rules.lists += 1;
        self.listed(&rules)
    }

    fn count(&mut self, mac: Mac, session: i64) -> Result<Option<Count>, GateError> {
        let is_meant = |count: &Count| (count.mac, count.session) == (mac, session);
        let rules = self.rules();
        Ok(self.listed(&rules)?.into_iter().find(is_meant))
    }

    fn remove(&mut self) -> Result<(), GateError> {
        *self.rules() = Rules::default();
        Ok(())
    }
}

impl TestKernel {
    fn listed(&self, rules: &Rules) -> Result<Vec<Count>, GateError> {
        if rules.broken || !rules.installed {
            return Err(GateError::Lost);
        }
        let now = rules.now();
        let count = |Guest { pass, usage, spent, until }: &Guest| Count {
            mac: pass.mac,
            session: pass.session,
            voucher: pass.voucher,
            time: until.map(|until| until - now),
            usage: *usage,
            download_is_over: spent.0 || pass.download.limit.is_some_and(|it| usage.download >= it),
            upload_is_over: spent.1 || pass.upload.limit.is_some_and(|it| usage.upload >= it),
        };
        Ok(rules.passes.values().map(count).collect())
    }
}
