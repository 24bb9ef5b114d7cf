//! Who is on the guest networks, signed in or not.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::nas_sessions::NasSession;
use super::session::Session;
use super::{Hotspot, Settings};
use crate::domain::guest::{ActiveGuest, Caller, Host, Online, SessionView};
use crate::domain::neighbour::{Neighbour, Reach};
use crate::domain::session::Allowance;
use crate::domain::station::Mac;
use crate::domain::time::Now;
use crate::neighbour::HostNames;

/// Devices told apart; beyond that, those who are not signed in and quiet for longest are dropped.
const MOST: usize = 4096;
/// Addresses of one device; IPv6 privacy addresses come and go.
const ADDRESSES: usize = 16;
/// A device that is remembered is tried again after this time: what kept it out may have changed.
const TRY_AGAIN: Duration = Duration::from_secs(10);

/// A device.
#[derive(Debug)]
struct Device {
    network: Arc<str>,
    addresses: Vec<(IpAddr, Reach)>,
    /// By the boot clock.
    appeared: Duration,
    heard: Duration,
    tried: Option<Duration>,
}

impl Device {
    /// The address to show: IPv4 where there is one.
    fn address(&self) -> Option<IpAddr> {
        let newest = |v4| self.addresses.iter().rev().find(|(it, _)| it.is_ipv4() == v4);
        newest(true).or_else(|| newest(false)).map(|(address, _)| *address)
    }
}

/// An address on a network: it belongs to one device at a time.
pub(super) type Place = (Arc<str>, IpAddr);

/// Every device that the kernel has seen on a guest network.
#[derive(Debug, Default)]
pub(super) struct HostTable {
    devices: BTreeMap<Mac, Device>,
    /// So that nobody who invents devices makes us walk through all of them every time.
    owners: HashMap<Place, Mac>,
}

impl HostTable {
    /// The address a device was last seen with.
    pub(super) fn address(&self, mac: Mac) -> Option<IpAddr> {
        self.devices.get(&mac).and_then(Device::address)
    }

    /// The addresses that a device has now.
    pub(super) fn addresses(&self, mac: Mac) -> impl Iterator<Item = IpAddr> {
        let addresses = self.devices.get(&mac).into_iter().flat_map(|device| &device.addresses);
        addresses.map(|(address, _)| *address)
    }

    /// Every place that a device was last seen at.
    pub(super) fn places(&self, mac: Mac) -> Vec<Place> {
        let device = self.devices.get(&mac).into_iter();
        device
            .flat_map(|it| it.addresses.iter().map(|(address, _)| (it.network.clone(), *address)))
            .collect()
    }

    /// Whether somebody is known to have an address.
    pub(super) fn is_taken(&self, place: &Place) -> bool {
        self.owners.contains_key(place)
    }

    /// Takes an entry of the kernel's table down; gives the device where it is there.
    pub(super) fn see(&mut self, seen: &Neighbour, now: Now) -> Option<Mac> {
        let place = (seen.network.clone(), seen.address);
        let (Some(mac), true) = (seen.mac, seen.reach != Reach::Gone) else {
            self.lose(&place);
            return None;
        };
        if self.devices.get(&mac).is_some_and(|device| device.network != seen.network) {
            if seen.reach == Reach::Quiet {
                // Left over from when it was there.
                return None;
            }
            self.leave(mac);
        }
        if self.owners.get(&place).is_some_and(|owner| *owner != mac) {
            self.lose(&place);
        }
        let device = self.devices.entry(mac).or_insert_with(|| Device {
            network: seen.network.clone(),
            addresses: Vec::new(),
            appeared: now.boot,
            heard: now.boot,
            tried: None,
        });
        device.network = seen.network.clone();
        if seen.reach == Reach::Present {
            device.heard = now.boot;
        }
        device.addresses.retain(|(address, _)| *address != seen.address);
        device.addresses.push((seen.address, seen.reach));
        if device.addresses.len() > ADDRESSES {
            let (oldest, _) = device.addresses.remove(0);
            self.owners.remove(&(seen.network.clone(), oldest));
        }
        self.owners.insert(place, mac);
        Some(mac)
    }

    /// An address is gone, and its device with its last one.
    pub(super) fn lose(&mut self, place: &Place) {
        let Some(mac) = self.owners.remove(place) else { return };
        let Some(device) = self.devices.get_mut(&mac) else { return };
        device.addresses.retain(|(known, _)| *known != place.1);
        if device.addresses.is_empty() {
            self.devices.remove(&mac);
        }
    }

    /// A device has left its network, with all of its addresses.
    fn leave(&mut self, mac: Mac) {
        let Some(device) = self.devices.get_mut(&mac) else { return };
        for (address, _) in device.addresses.drain(..) {
            self.owners.remove(&(device.network.clone(), address));
        }
    }

    /// Drops some more than it has to, so that not every new device makes it look again.
    pub(super) fn keep_bounded(&mut self, online: impl Fn(Mac) -> bool) {
        if self.devices.len() <= MOST {
            return;
        }
        let idle = self.devices.iter().filter(|(mac, _)| !online(**mac));
        let mut idle: Vec<(Duration, Mac)> = idle.map(|(mac, it)| (it.heard, *mac)).collect();
        idle.sort();
        let too_many = self.devices.len() - MOST + MOST / 8;
        for (_, mac) in idle.into_iter().take(too_many) {
            self.leave(mac);
            self.devices.remove(&mac);
        }
    }

    /// Whether a device should be looked up among those remembered.
    pub(super) fn may_try(&mut self, mac: Mac, now: Now) -> bool {
        let Some(device) = self.devices.get_mut(&mac) else { return false };
        let due = device.tried.is_none_or(|tried| now.boot.saturating_sub(tried) >= TRY_AGAIN);
        if due {
            device.tried = Some(now.boot);
        }
        due
    }

    /// A session has ended: whoever is still there may come back by itself, but not at once.
    pub(super) fn hold_back(&mut self, mac: Mac, now: Now) {
        if let Some(device) = self.devices.get_mut(&mac) {
            device.tried = Some(now.boot);
        }
    }
}

impl Hotspot {
    /// Every device on the guest networks.
    pub(super) fn hosts(&mut self, now: Now) -> Vec<Host> {
        self.read_host_names();
        let rows = self.hosts.devices.iter().map(|(mac, device)| {
            let session = self.sessions.get(*mac);
            let idle = session.map_or(device.heard, |session| session.last_traffic);
            let usage = session.map(|session| session.usage).unwrap_or_default();
            Host {
                mac: *mac,
                address: device.address(),
                host_name: self.host_name(*mac),
                server: device.network.to_string(),
                uptime: now.boot.saturating_sub(device.appeared),
                idle: now.boot.saturating_sub(idle.max(device.heard)),
                download: usage.download,
                upload: usage.upload,
                authorized: session.is_some(),
                bypassed: false,
            }
        });
        rows.collect()
    }

    /// What a guest who is signed in is shown.
    pub(super) fn online(&self, session: &Session, now: Now) -> Online {
        let account = self.sessions.accounts.get(session.voucher);
        let until = account.and_then(|account| account.until).filter(|_| now.wall_is_set);
        Online {
            login: account.map(|it| it.voucher.shown_username()).unwrap_or_default(),
            mac: session.mac,
            uptime: session.uptime(now),
            usage: session.usage,
            left: self.left(session, now),
            until,
        }
    }

    /// What a session may still use, shared with the voucher's other devices.
    pub(super) fn left(&self, session: &Session, now: Now) -> Allowance {
        let account = self.sessions.accounts.get(session.voucher);
        let data = account.map(|account| account.voucher.data_left()).unwrap_or_default();
        Allowance { time: session.time_left(now), ..data }
    }

    /// Every guest who is signed in, here or at an access point.
    pub(super) fn active_guests(&self, now: Now) -> Vec<ActiveGuest> {
        let here = |session: &Session| ActiveGuest {
            login: session.login.clone(),
            address: self.address(session),
            mac: Some(session.mac),
            uptime: session.uptime(now),
            idle: now.boot.saturating_sub(session.last_traffic),
            download: session.usage.download,
            upload: session.usage.upload,
        };
        let there = |nas_session: &NasSession| ActiveGuest {
            login: nas_session.login.clone(),
            address: nas_session.address,
            mac: nas_session.station,
            uptime: nas_session.uptime(now),
            idle: now.boot.saturating_sub(nas_session.last_traffic),
            download: nas_session.progress.usage().download,
            upload: nas_session.progress.usage().upload,
        };
        self.sessions.iter().map(here).chain(self.nas_sessions.iter().map(there)).collect()
    }

    /// Every open session, here or at an access point.
    pub(super) fn session_views(&mut self, now: Now) -> Vec<SessionView> {
        self.read_host_names();
        let here = |session: &Session| SessionView {
            id: session.id,
            login: session.login.clone(),
            mac: Some(session.mac),
            calling_station: None,
            host_name: self.host_name(session.mac),
            network: session.network.to_string(),
            address: self.address(session),
            started_at: session.started_at,
            uptime: session.uptime(now),
            idle: now.boot.saturating_sub(session.last_traffic),
            usage: session.usage,
            left: self.left(session, now),
            trouble: None,
        };
        let there = |nas_session: &NasSession| SessionView {
            id: nas_session.id,
            login: nas_session.login.clone(),
            mac: nas_session.station,
            calling_station: nas_session.details.calling_station.clone(),
            host_name: nas_session.station.and_then(|mac| self.host_name(mac)),
            network: nas_session.nas.client.to_string(),
            address: nas_session.address,
            started_at: nas_session.started_at,
            uptime: nas_session.uptime(now),
            idle: now.boot.saturating_sub(nas_session.last_traffic),
            usage: nas_session.progress.usage(),
            left: self.left_there(nas_session, now),
            trouble: nas_session.trouble(),
        };
        self.sessions.iter().map(here).chain(self.nas_sessions.iter().map(there)).collect()
    }

    fn address(&self, session: &Session) -> Option<IpAddr> {
        self.hosts.address(session.mac).or(session.address)
    }

    /// The leases have been written, whatever the file's times say, which may be whole seconds.
    pub(super) fn read_leases(&mut self) {
        self.host_names.iter_mut().for_each(HostNames::forget);
        self.read_host_names();
    }

    fn read_host_names(&mut self) {
        for names in &mut self.host_names {
            if let Err(error) = names.refresh() {
                log::debug!("leases: {error}");
            }
        }
    }

    fn host_name(&self, mac: Mac) -> Option<String> {
        self.host_names.iter().find_map(|names| names.name(mac)).map(str::to_owned)
    }
}

impl HostTable {
    pub(super) fn caller(&self, mac: Mac) -> Option<Caller> {
        let device = self.devices.get(&mac)?;
        let (network, address) = (device.network.clone(), device.address()?);
        Some(Caller { network, address, device: Some(mac) })
    }

    pub(super) fn forget_all_but(&mut self, all: &[Neighbour]) {
        let known: HashSet<(&str, IpAddr)> =
            all.iter().map(|seen| (&*seen.network, seen.address)).collect();
        let places = self.owners.keys();
        let gone = places.filter(|(network, address)| !known.contains(&(&**network, *address)));
        for place in gone.cloned().collect::<Vec<_>>() {
            self.lose(&place);
        }
    }
}

/// The leases files of all guest networks, each once.
pub(super) fn host_names(settings: &Settings) -> Vec<HostNames> {
    let mut files: Vec<&PathBuf> = settings.networks.iter().map(|it| &it.leases).collect();
    files.sort();
    files.dedup();
    files.into_iter().map(HostNames::new).collect()
}
