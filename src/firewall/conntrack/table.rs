//! The kernel's table of connections as a whole: how full it is, and the eviction from it.

use std::collections::HashMap;
use std::fs;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::entry::{Entry, Family};
use super::eviction::{Eviction, Fill, Owner, Timeouts, Victims, ceiling};
use super::selection::Router;
use super::{Lookup, Mac, Network, Socket, TOGETHER, delete, list, router};
use crate::domain::log_limit::LogLimit;

/// Sixty guests who open 30 connections a second, which is their limit, need two of these to fill the
/// quarter that is left of OpenWrt's 16,384.
pub(super) const CHECK_EVERY: Duration = Duration::from_secs(1);
/// Between two walks through a table that is full of what belongs to no guest.
const FUTILE: Duration = Duration::from_secs(30);

/// Keeps the guests from filling the table.
pub(super) struct Watch {
    log: LogLimit,
    begun: Instant,
    /// Since it was begun.
    not_before: Duration,
}

impl Watch {
    pub(super) fn new() -> Self {
        Self { log: LogLimit::default(), begun: Instant::now(), not_before: Duration::ZERO }
    }

    /// Looks how full the table is, which costs two small reads, and makes room where it has to.
    pub(super) fn check(&mut self, networks: &[Network]) -> std::io::Result<()> {
        let now = self.begun.elapsed();
        let Some(fill) = read_fill().filter(|fill| fill.excess() > 0) else { return Ok(()) };
        if now < self.not_before {
            return Ok(());
        }
        self.not_before = now + FUTILE;
        let Some(eviction) = evict(networks, fill)? else { return Ok(()) };
        self.not_before = now;
        if let Some(suppressed) = self.log.pass(now) {
            log::warn!("gate: {eviction}{suppressed}");
        }
        Ok(())
    }
}

/// `None` where the kernel tracks no connections. The directory is that of the network namespace of
/// the thread that opens it.
fn read_fill() -> Option<Fill> {
    Some(Fill { entries: read("count")?, limit: read("max")? })
}

fn read(name: &str) -> Option<u32> {
    let text = fs::read_to_string(format!("/proc/sys/net/netfilter/nf_conntrack_{name}")).ok()?;
    text.trim().parse().ok()
}

/// Where they cannot be read, the kernel's own ones.
fn read_timeouts() -> Timeouts {
    Timeouts {
        tcp_established: read("tcp_timeout_established").unwrap_or(432_000),
        udp_stream: read("udp_timeout_stream").unwrap_or(120),
    }
}

/// Deletes what the devices of these networks hold too much of; `None` where none of them does.
///
/// Reads the table twice: the first time only counts, since a router has no memory for a copy of it.
pub(super) fn evict(networks: &[Network], fill: Fill) -> std::io::Result<Option<Eviction>> {
    let guests = Guests::read(networks)?;
    let mut socket = Socket::open()?;
    let mut counts: HashMap<Owner, usize> = HashMap::new();
    guests.each(&mut socket, |owner, _| *counts.entry(owner).or_default() += 1)?;
    let level = ceiling(counts.values().copied(), fill.excess(), fill.least_share());
    let Some((owner, most)) = counts.iter().max_by_key(|(_, count)| **count) else {
        return Ok(None);
    };
    let greediest = (*owner, *most);
    let mut victims: HashMap<Owner, Victims> = counts
        .iter()
        .filter(|(_, count)| **count > level)
        .map(|(owner, count)| (*owner, Victims::new(count.saturating_sub(level))))
        .collect();
    if victims.is_empty() {
        return Ok(None);
    }
    let timeouts = read_timeouts();
    guests.each(&mut socket, |owner, entry| {
        if let Some(victims) = victims.get_mut(&owner) {
            victims.add(entry, timeouts);
        }
    })?;
    let owners = victims.len();
    let entries: Vec<Entry> = victims.into_values().flat_map(Victims::into_entries).collect();
    for entries in entries.chunks(TOGETHER) {
        delete(&mut socket, entries)?;
    }
    Ok(Some(Eviction { fill, deleted: entries.len(), owners, greediest }))
}

/// Whose addresses are whose.
struct Guests {
    router: Router,
    neighbours: HashMap<IpAddr, Mac>,
}

impl Guests {
    fn read(networks: &[Network]) -> std::io::Result<Self> {
        let mut lookup = Lookup::open()?;
        let mut neighbours = HashMap::new();
        for network in networks {
            neighbours.extend(lookup.list(&network.device)?);
        }
        Ok(Self { router: router(networks)?, neighbours })
    }

    /// Calls this for every entry that a device of the guest networks has begun.
    fn each(&self, socket: &mut Socket, mut each: impl FnMut(Owner, Entry)) -> std::io::Result<()> {
        for family in [Family::V4, Family::V6] {
            socket.walk(
                |writer| list(writer, family, None),
                |attributes| {
                    let entry = Entry::read(attributes);
                    if let Some(entry) = entry.filter(|it| self.router.is_of_a_guest(&it.source)) {
                        each(Owner::of(entry.source, &self.neighbours), entry);
                    }
                },
            )?;
        }
        Ok(())
    }
}
