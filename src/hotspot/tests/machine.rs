//! A kernel that keeps its promises, for decisions that need no real one: `tests/lab` has that.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use super::super::GuestNetwork;
use crate::domain::guest::Caller;
use crate::domain::session::Usage;
use crate::domain::station::Mac;
use crate::firewall::{Change, Count, Gate, GateError, Hook, Network, Pass};
use crate::neighbour::Find;

pub(super) fn networks() -> Vec<GuestNetwork> {
    let network = |name: &str, enforce| GuestNetwork {
        name: name.into(),
        device: format!("br-{name}"),
        enforce,
        portal_port: 8880,
        garden: Vec::new(),
        leases: "/nonexistent/leases".into(),
    };
    vec![network("guest", true), network("open", false)]
}

/// Device `number` on the network "guest".
pub(super) fn caller(number: u8) -> Caller {
    Caller { network: "guest".into(), address: [192, 168, 0, number].into() }
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
}

/// Devices that are let through, and what they have used.
#[derive(Default)]
pub(super) struct Rules {
    pub(super) passes: BTreeMap<Mac, (Pass, Usage)>,
    pub(super) installed: bool,
    pub(super) broken: bool,
    pub(super) transactions: usize,
}

#[derive(Clone, Default)]
pub(super) struct TestKernel(Arc<Mutex<Rules>>);

impl TestKernel {
    pub(super) fn rules(&self) -> MutexGuard<'_, Rules> {
        self.0.lock().unwrap()
    }

    pub(super) fn pass(&self, number: u8) -> Option<Pass> {
        self.rules().passes.get(&mac(number)).map(|(pass, _)| *pass)
    }

    /// Lets a device use data, as far as its limits go.
    pub(super) fn traffic(&self, number: u8, download: u64, upload: u64) {
        let mut rules = self.rules();
        let (pass, usage) = rules.passes.get_mut(&mac(number)).unwrap();
        let room = |limit: Option<u64>, used: u64| limit.map_or(u64::MAX, |it| it - used);
        usage.download += download.min(room(pass.download.limit, usage.download));
        usage.upload += upload.min(room(pass.upload.limit, usage.upload));
    }
}

fn admit(rules: &mut Rules, pass: Pass) {
    let usage = Usage { download: pass.download.used, upload: pass.upload.used };
    rules.passes.insert(pass.mac, (pass, usage));
}

impl Gate for TestKernel {
    fn install(&mut self, _: &[Network], passes: &[Pass]) -> Result<Hook, GateError> {
        let mut rules = self.rules();
        if rules.broken {
            return Err(GateError::Nft("broken for the test".to_owned()));
        }
        rules.installed = true;
        let stays = |mac: &Mac, session| {
            passes.iter().any(|pass| pass.mac == *mac && pass.session == session)
        };
        rules.passes.retain(|mac, (pass, _)| stays(mac, pass.session));
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

    fn counts(&mut self) -> Result<Vec<Count>, GateError> {
        let rules = self.rules();
        if rules.broken || !rules.installed {
            return Err(GateError::Lost);
        }
        let count = |(pass, usage): &(Pass, Usage)| Count {
            mac: pass.mac,
            session: pass.session,
            voucher: pass.voucher,
            time: pass.time,
            usage: *usage,
            download_is_over: pass.download.limit.is_some_and(|limit| usage.download >= limit),
            upload_is_over: pass.upload.limit.is_some_and(|limit| usage.upload >= limit),
        };
        Ok(rules.passes.values().map(count).collect())
    }

    fn remove(&mut self) -> Result<(), GateError> {
        *self.rules() = Rules::default();
        Ok(())
    }
}
