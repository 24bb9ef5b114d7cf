//! Room in the kernel's table of connections, taken back from the devices that hold the most of it.
//!
//! The kernel makes room by itself for entries whose packets were never answered (`early_drop` in
//! net/netfilter/nf_conntrack_core.c). One that was answered stays until its time-out, hours for an
//! open TCP connection (`nf_conntrack_tcp_timeout_established`), and once all are of that kind every
//! new connection of anybody is refused: a guest with a server of his own needs minutes for that. A
//! limit for each device in the rules (`ct count`) needs a kernel module that OpenWrt does not
//! install, and would be too small for one guest or too large for many.

use std::collections::{BinaryHeap, HashMap};
use std::fmt;
use std::net::IpAddr;

use super::entry::Entry;
use crate::domain::station::Mac;

/// Entries that a device keeps at least, in parts of the table.
const LEAST_SHARE: u32 = 1024;

/// How full the table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fill {
    /// `nf_conntrack_count`.
    pub(super) entries: u32,
    /// `nf_conntrack_max`; 0 is no limit.
    pub(super) limit: u32,
}

impl Fill {
    /// Entries that have to go: above three quarters of the table, down to five eighths of it.
    pub(super) fn excess(self) -> usize {
        let eighth = self.limit / 8;
        let is_nearly_full = self.limit > 0 && self.entries > self.limit - self.limit / 4;
        if is_nearly_full { self.entries.saturating_sub(5 * eighth) as usize } else { 0 }
    }

    /// Entries that every device keeps.
    pub(super) fn least_share(self) -> usize {
        (self.limit / LEAST_SHARE).max(1) as usize
    }
}

/// Time-outs of answered connections, in seconds, by which the age of their last packet is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timeouts {
    /// `nf_conntrack_tcp_timeout_established`.
    pub(super) tcp_established: u32,
    /// `nf_conntrack_udp_timeout_stream`.
    pub(super) udp_stream: u32,
}

/// Who is charged with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Owner {
    Device(Mac),
    /// An IPv4 address that no neighbour has now.
    Address(IpAddr),
    /// All IPv6 addresses that no neighbour has now: a device may invent as many as it likes.
    UnknownIpv6,
}

impl Owner {
    /// Of an entry that this address has begun.
    pub(super) fn of(source: IpAddr, neighbours: &HashMap<IpAddr, Mac>) -> Self {
        match (neighbours.get(&source), source) {
            (Some(mac), _) => Self::Device(*mac),
            (None, IpAddr::V4(_)) => Self::Address(source),
            (None, IpAddr::V6(_)) => Self::UnknownIpv6,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(mac) => mac.fmt(f),
            Self::Address(address) => address.fmt(f),
            Self::UnknownIpv6 => f.write_str("unknown IPv6 addresses"),
        }
    }
}

/// The number of entries that no owner may exceed, so that `excess` go: those with the most give
/// first, until they have as many as the next ones. Not below `least`.
pub(super) fn ceiling(
    counts: impl IntoIterator<Item = usize>,
    excess: usize,
    least: usize,
) -> usize {
    let mut counts: Vec<usize> = counts.into_iter().collect();
    counts.sort_unstable_by(|one, other| other.cmp(one));
    let mut above = 0_usize;
    for (owners, count) in (1..).zip(&counts) {
        above = above.saturating_add(*count);
        let next = counts.get(owners).copied().unwrap_or(0);
        // All of them with as many as the next one are enough.
        if above.saturating_sub(next.saturating_mul(owners)) >= excess {
            return (above.saturating_sub(excess) / owners).max(least);
        }
    }
    least
}

/// The entries of one owner that have to go: as many as it has too many, the longest idle first.
#[derive(Debug)]
pub(super) struct Victims {
    number: usize,
    /// The one that has been idle for the shortest time on top.
    entries: BinaryHeap<std::cmp::Reverse<Idle>>,
}

#[derive(Debug)]
struct Idle {
    seconds: u32,
    entry: Entry,
}

impl Victims {
    pub(super) fn new(number: usize) -> Self {
        Self { number, entries: BinaryHeap::new() }
    }

    pub(super) fn add(&mut self, entry: Entry, timeouts: Timeouts) {
        self.entries.push(std::cmp::Reverse(Idle { seconds: entry.idle(timeouts), entry }));
        if self.entries.len() > self.number {
            self.entries.pop();
        }
    }

    pub(super) fn into_entries(self) -> impl Iterator<Item = Entry> {
        self.entries.into_iter().map(|std::cmp::Reverse(idle)| idle.entry)
    }
}

impl Ord for Idle {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.seconds.cmp(&other.seconds)
    }
}

impl PartialOrd for Idle {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Idle {
    fn eq(&self, other: &Self) -> bool {
        self.seconds == other.seconds
    }
}

impl Eq for Idle {}

/// What was done, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Eviction {
    pub(super) fill: Fill,
    pub(super) deleted: usize,
    pub(super) owners: usize,
    /// Who had the most, and how many.
    pub(super) greediest: (Owner, usize),
}

impl fmt::Display for Eviction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fill, deleted, owners, greediest: (owner, most) } = self;
        write!(
            f,
            "the table of connections is nearly full ({} of {}): {deleted} entries of {owners} \
             devices that hold the most were deleted, longest idle first; {owner} had {most}. If \
             guests are that busy, raise net.netfilter.nf_conntrack_max",
            fill.entries, fill.limit
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn gone(counts: &[usize], ceiling: usize) -> usize {
        counts.iter().map(|count| count.saturating_sub(ceiling)).sum()
    }

    #[test]
    fn those_with_the_most_give_first() {
        for (counts, excess, expected) in [
            (&[6000, 40, 30][..], 2000, 4000),
            (&[6000, 5000, 30], 2000, 4500),
            (&[6000, 5000, 30], 1000, 5000),
            (&[100, 100, 100], 30, 90),
            (&[40, 30], 2000, 16),
            (&[], 2000, 16),
            (&[6000], 0, 6000),
        ] {
            assert_eq!(ceiling(counts.iter().copied(), excess, 16), expected, "{counts:?}");
        }
    }

    #[test]
    fn a_table_is_nearly_full_above_three_quarters() {
        let fill = |entries| Fill { entries, limit: 16_384 };
        assert_eq!(fill(12_288).excess(), 0);
        assert_eq!(fill(12_289).excess(), 12_289 - 10_240);
        assert_eq!(fill(16_384).excess(), 6_144);
        assert_eq!(Fill { entries: 50_000, limit: 0 }.excess(), 0);
        assert_eq!((fill(0).least_share(), Fill { entries: 0, limit: 7 }.least_share()), (16, 1));
    }

    #[test]
    fn addresses_are_charged_to_their_device() {
        let mac = Mac::new([2, 0, 0, 0, 0, 1]);
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let neighbours = HashMap::from([(ip("192.0.2.1"), mac), (ip("2001:db8::1"), mac)]);
        let owner = |text| Owner::of(ip(text), &neighbours);
        assert_eq!([owner("192.0.2.1"), owner("2001:db8::1")], [Owner::Device(mac); 2]);
        assert_eq!(owner("192.0.2.2"), Owner::Address(ip("192.0.2.2")));
        assert_eq!([owner("2001:db8::2"), owner("2001:db8::3")], [Owner::UnknownIpv6; 2]);
    }

    proptest! {
        #[test]
        fn enough_goes_and_nobody_gives_for_one_who_has_more(
            counts in prop::collection::vec(0_usize..10_000, 0..50),
            excess in 0_usize..100_000,
            least in 1_usize..64,
        ) {
            let level = ceiling(counts.iter().copied(), excess, least);
            prop_assert!(level >= least);
            let gone = gone(&counts, level);
            prop_assert!(gone >= excess || level == least, "{gone} with {level}");
            // No more than that, but for what does not divide.
            prop_assert!(gone < excess + counts.len().max(1), "{gone} with {level}");
        }
    }
}
