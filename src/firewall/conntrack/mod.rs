//! Connection tracking entries that a change of a device's access has made wrong.
//!
//! The kernel decides on address translation with the first packet of a connection and keeps to it
//! for as long as packets come, whatever the rules say by then: DNS of a device without a session is
//! redirected to this router, and a socket that goes on asking from the same port stays redirected
//! after the sign-in, or unredirected and without an answer after the session's end. Once the entry
//! is deleted, the next packet counts as the first one and meets the rules of now: a TCP connection
//! from the time of the session is reset instead of going silent.
//!
//! The same thread keeps the devices of the guest networks from filling the table ([`eviction`]).
//!
//! Entries are read and deleted by ctnetlink (linux/netfilter/nfnetlink_conntrack.h), on a thread
//! of its own: reading walks through the kernel's whole table, and nobody who signs in waits for
//! that. What is ordered meanwhile is done with the next walk.

mod entry;
mod eviction;
mod selection;
mod table;
mod whole;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::net::IpAddr;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use nix::ifaddrs::getifaddrs;

use super::message::{ACK, DUMP, Writer};
use super::socket::Socket;
use super::{Access, AccessChange, Network, Pass};
use crate::domain::station::Mac;
use crate::neighbour::Lookup;
use entry::{Direction, Entry, Family};
use selection::{Router, Selection};
use whole::WholeNetwork;

/// `IPCTNL_MSG_CT_GET`, `_DELETE` and `_GET_STATS`.
const GET: u16 = 1;
const DELETE: u16 = 2;
const GET_STATS: u16 = 5;

/// Entries that are deleted by one message to the kernel.
const TOGETHER: usize = 250;
/// IPv4 addresses that the kernel is asked for one by one, which walks through its table for each;
/// of more, reading all entries once is cheaper.
const FEW: usize = 16;
/// The thread rests for this many times as long as it has worked, so that a crowd signing in leaves
/// the processor to others: what is ordered meanwhile shares one walk.
const REST: u32 = 3;
const LONGEST_REST: Duration = Duration::from_millis(500);
/// The thread needs little stack; buffers are elsewhere.
const STACK: usize = 128 * 1024;

/// Deletes entries in the background; the thread starts with the first order.
#[derive(Default)]
pub(super) struct Conntrack {
    /// The guest networks that have rules.
    networks: Vec<Network>,
    orders: Option<mpsc::Sender<Order>>,
}

/// What is to be deleted.
#[derive(Default)]
struct Order {
    /// All guest networks that are concerned.
    networks: Vec<Network>,
    changes: Vec<AccessChange>,
    whole: Vec<WholeNetwork>,
    /// The networks that have rules from now on, where that has changed.
    standing: Option<Vec<Network>>,
}

impl Conntrack {
    /// Has the entries deleted that these changes have made wrong. The changes must be in force in
    /// the rules by now: else the next packet brings the same entry back.
    pub(super) fn delete(&mut self, changes: Vec<AccessChange>) {
        if !self.networks.is_empty() && !changes.is_empty() {
            let networks = self.networks.clone();
            self.send(Order { networks, changes, ..Order::default() });
        }
    }

    /// The rules are loaded for these networks and no others. `had_rules`: there were some before,
    /// perhaps by another daemon. Where they have come or gone, the entries of all who are there are
    /// looked at, but for those of guests who are let through either way.
    pub(super) fn stand_on(&mut self, networks: Vec<Network>, had_rules: bool, passes: &[Pass]) {
        let before = std::mem::replace(&mut self.networks, networks);
        let let_through = passes.iter().map(|pass| pass.mac).collect();
        let whole = WholeNetwork::changed(&before, &self.networks, had_rules, &let_through);
        if !whole.is_empty() || before != self.networks {
            let mut networks = self.networks.clone();
            let standing = Some(networks.clone());
            networks.extend(before);
            self.send(Order { networks, changes: Vec::new(), whole, standing });
        }
    }

    fn send(&mut self, mut order: Order) {
        if let Some(orders) = &self.orders {
            match orders.send(order) {
                Ok(()) => return,
                Err(mpsc::SendError(unsent)) => order = unsent,
            }
        }
        let (orders, received) = mpsc::channel();
        let thread = std::thread::Builder::new().name("conntrack".to_owned()).stack_size(STACK);
        match thread.spawn(move || serve(&received)) {
            Ok(_) => {
                // The thread waits for it.
                let _ = orders.send(order);
                self.orders = Some(orders);
            }
            Err(error) => log::warn!("gate: tracked connections cannot be deleted: {error}"),
        }
    }
}

fn serve(orders: &mpsc::Receiver<Order>) {
    let mut standing = Vec::new();
    let mut watch = table::Watch::new();
    let mut trouble = None;
    while let Ok(order) = next(orders, !standing.is_empty()) {
        let begun = Instant::now();
        let mut outcome = Ok(());
        if let Some(mut order) = order {
            if let Some(networks) = order.standing.take() {
                standing = networks;
            }
            outcome = order.carry_out();
        }
        match outcome.and_then(|()| watch.check(&standing)) {
            Ok(()) => trouble = None,
            Err(error) => {
                let why = error.to_string();
                if trouble.as_ref() != Some(&why) {
                    log::warn!("gate: {}", told(&error));
                }
                trouble = Some(why);
            }
        }
        std::thread::sleep((begun.elapsed() * REST).min(LONGEST_REST));
    }
}

/// All that is ordered; `None` where the table is to be looked at meanwhile.
fn next(
    orders: &mpsc::Receiver<Order>,
    is_standing: bool,
) -> Result<Option<Order>, mpsc::RecvError> {
    let first = if is_standing {
        match orders.recv_timeout(table::CHECK_EVERY) {
            Ok(first) => first,
            Err(mpsc::RecvTimeoutError::Timeout) => return Ok(None),
            Err(mpsc::RecvTimeoutError::Disconnected) => return Err(mpsc::RecvError),
        }
    } else {
        orders.recv()?
    };
    Ok(Some(orders.try_iter().fold(first, Order::merged_with)))
}

/// A sentence for the operator.
fn told(error: &io::Error) -> String {
    if is_missing(error) {
        return "this kernel cannot delete tracked connections, since nf_conntrack_netlink is missing \
                (package kmod-nf-conntrack-netlink): what devices have open when a session opens or \
                ends may hang for minutes"
            .to_owned();
    }
    format!("tracked connections cannot be deleted: {error}")
}

/// Whether this kernel lets tracked connections be deleted; `None` where that cannot be told, as by
/// other users than root.
pub fn is_supported() -> Option<bool> {
    let mut socket = Socket::open().ok()?;
    let request = |writer: &mut Writer| writer.conntrack(GET_STATS, 0, 0, |_| {});
    match socket.ask(request, |_: &mut Vec<()>, _| {}) {
        Ok(_) => Some(true),
        Err(error) if is_missing(&error) => Some(false),
        Err(_) => None,
    }
}

/// What the kernel answers without nf_conntrack_netlink (`nfnetlink_rcv_msg`).
fn is_missing(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EINVAL)
}

impl Order {
    /// The later order says what access a device has now.
    fn merged_with(self, later: Self) -> Self {
        let mut devices: BTreeMap<Mac, (Access, BTreeSet<IpAddr>)> = BTreeMap::new();
        for change in self.changes.into_iter().chain(later.changes) {
            let device = devices.entry(change.mac).or_insert((change.access, BTreeSet::new()));
            device.0 = change.access;
            device.1.extend(change.addresses);
        }
        let change = |(mac, (access, addresses)): (Mac, (Access, BTreeSet<IpAddr>))| AccessChange {
            mac,
            access,
            addresses: addresses.into_iter().collect(),
        };
        let mut networks = later.networks;
        networks.extend(self.networks);
        let changes = devices.into_iter().map(change).collect();
        let whole = self.whole.into_iter().chain(later.whole).collect();
        let standing = later.standing.or(self.standing);
        Self { networks, changes, whole, standing }
    }

    fn carry_out(&self) -> io::Result<()> {
        if self.changes.is_empty() && self.whole.is_empty() {
            return Ok(());
        }
        let router = router(&self.networks)?;
        let mut neighbours = Vec::new();
        let mut changes = Vec::new();
        let mut lookup = Lookup::open()?;
        // One that has other rules now is there twice.
        let devices: BTreeSet<&str> = self.networks.iter().map(|it| it.device.as_str()).collect();
        for device in devices {
            let here = lookup.list(device)?;
            let whole = self.whole.iter().filter(|whole| whole.device == device);
            changes.extend(whole.flat_map(|whole| whole.changes(&here)));
            neighbours.extend(here);
        }
        // What is known of a single device is newer.
        changes.extend(self.changes.iter().cloned());
        let selection = Selection::new(&changes, &neighbours, router);
        let mut socket = Socket::open()?;
        let mut wrong = Vec::new();
        for (family, requests) in selection.requests(FEW) {
            for filter in requests {
                wrong.extend(socket.dump(
                    |writer| list(writer, family, filter),
                    |found: &mut Vec<Entry>, attributes| {
                        found.extend(Entry::read(attributes).filter(|it| selection.is_wrong(it)));
                    },
                )?);
            }
        }
        for entries in wrong.chunks(TOGETHER) {
            delete(&mut socket, entries)?;
        }
        log::debug!(
            "gate: {} tracked connections of {} devices deleted",
            wrong.len(),
            self.changes.len()
        );
        Ok(())
    }
}

/// Asks for the entries of a family, or those with one address only. Linux before 5.8 sends all.
fn list(writer: &mut Writer, family: Family, filter: Option<(Direction, IpAddr)>) {
    writer.conntrack(GET, family.number(), DUMP, |message| {
        if let Some((direction, address)) = filter {
            entry::write_filter(message, direction, address);
        }
    });
}

fn delete(socket: &mut Socket, entries: &[Entry]) -> io::Result<()> {
    let last = entries.len().saturating_sub(1);
    let refusals = socket.request_each(|writer| {
        for (number, entry) in entries.iter().enumerate() {
            let flags = if number == last { ACK } else { 0 };
            writer.conntrack(DELETE, entry.family.number(), flags, |it| entry.write_key(it));
        }
    })?;
    // What has gone by itself meanwhile is as well. Before the 5.15 and 6.1 of 2023 the kernel kept
    // entries whose packets a flowtable takes; they end by themselves once the gate lets none through.
    let is_harmless = |errno: &i32| [libc::ENOENT, libc::EBUSY].contains(errno);
    match refusals.into_iter().find(|errno| !is_harmless(errno)) {
        Some(errno) => Err(io::Error::from_raw_os_error(errno)),
        None => Ok(()),
    }
}

/// What this router is, in the eyes of its guests.
fn router(networks: &[Network]) -> io::Result<Router> {
    let mut router = Router {
        addresses: HashSet::new(),
        prefixes: Vec::new(),
        portal_ports: networks.iter().map(|network| network.portal_port).collect(),
    };
    for interface in getifaddrs()? {
        let Some(address) = interface.address.as_ref().and_then(ip) else { continue };
        router.addresses.insert(address);
        if networks.iter().any(|network| network.device == interface.interface_name)
            && let Some(mask) = interface.netmask.as_ref().and_then(ip)
            && let Ok(prefix) = IpNet::with_netmask(address, mask)
        {
            router.prefixes.push(prefix);
        }
    }
    Ok(router)
}

fn ip(address: &nix::sys::socket::SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|it| IpAddr::V4(it.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|it| IpAddr::V6(it.ip())))
}

#[cfg(test)]
mod tests;
