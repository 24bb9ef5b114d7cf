//! The connection limiter: connections per peer and in total, and which idle connection is closed
//! when a newcomer needs its slot.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::domain::station::Mac;

/// Whether a service is meant for a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerClass {
    /// The service is meant for this address.
    Allowed,
    /// Any other address: it gets an error response, but never a slot that an allowed peer needs.
    Other,
}

/// The peer that a connection is counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerKey {
    /// A device, whatever addresses it takes.
    Device(Mac),
    /// An address, or the first of a network that counts as one.
    Address(IpAddr),
}

/// Concurrent connections in total.
const TOTAL: usize = 192;
/// Concurrent connections of one peer.
const PER_PEER: usize = 48;
/// Concurrent connections of all peers of [`PeerClass::Other`] together.
const OTHERS: usize = 16;
/// With more connections than this, each is closed after its response.
const CROWDED: usize = TOTAL / 2;

/// Limits the connections of one service.
#[derive(Clone, Debug, Default)]
pub struct ConnectionLimiter(Arc<Mutex<Connections>>);

#[derive(Debug, Default)]
struct Connections {
    /// Connection numbers are never reused.
    next: u64,
    /// In the order of arrival.
    slots: BTreeMap<u64, Slot>,
}

#[derive(Debug)]
struct Slot {
    peer: PeerKey,
    class: PeerClass,
    /// Since when the peer owes (the rest of) a request; `None` while a response is due.
    idle_since: Option<Instant>,
    evicted: Arc<Notify>,
}

/// The decision on a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Admission {
    Accept,
    /// Accept, and close this connection.
    Evict(u64),
    Refuse,
}

/// A connection's slot; freed when dropped.
#[derive(Debug)]
pub(super) struct Permit {
    limiter: ConnectionLimiter,
    number: u64,
    evicted: Arc<Notify>,
}

impl ConnectionLimiter {
    /// A slot for a new connection; `None` where the peer may have no more. When slots run out, a
    /// connection that waits for a request is evicted.
    pub(super) fn acquire(&self, peer: PeerKey, class: PeerClass) -> Option<Permit> {
        let mut connections = self.connections();
        match connections.admission(peer, class) {
            Admission::Refuse => return None,
            Admission::Accept => {}
            Admission::Evict(number) => {
                if let Some(slot) = connections.slots.remove(&number) {
                    slot.evicted.notify_one();
                }
            }
        }
        let number = connections.next;
        connections.next += 1;
        let evicted = Arc::new(Notify::new());
        let idle_since = Some(Instant::now());
        let slot = Slot { peer, class, idle_since, evicted: Arc::clone(&evicted) };
        connections.slots.insert(number, slot);
        Some(Permit { limiter: self.clone(), number, evicted })
    }

    /// Whether the next connection needs the slot of another.
    pub(super) fn is_full(&self) -> bool {
        self.connections().slots.len() >= TOTAL
    }

    /// Whether idle connections would soon take slots that others need.
    pub(super) fn is_crowded(&self) -> bool {
        self.connections().slots.len() > CROWDED
    }

    /// Returns once every connection has ended, or after `timeout`.
    pub async fn drained(&self, timeout: Duration) {
        let empty = async {
            while !self.connections().slots.is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let _ = tokio::time::timeout(timeout, empty).await;
    }

    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connections {
    /// One peer gets at most half of the free slots: a few greedy peers always leave some to
    /// newcomers.
    fn admission(&self, peer: PeerKey, class: PeerClass) -> Admission {
        let held = self.slots.values().filter(|slot| slot.peer == peer).count();
        let others = self.slots.values().filter(|slot| slot.class == PeerClass::Other).count();
        if held >= PER_PEER || (class == PeerClass::Other && others >= OTHERS) {
            return Admission::Refuse;
        }
        let free = TOTAL.saturating_sub(self.slots.len());
        if held < free.div_ceil(2) { Admission::Accept } else { self.eviction(peer, class, held) }
    }

    /// Evicts the longest idle connection of the peer with the most connections, provided that it
    /// keeps as many as the newcomer then has. Allowed peers are never evicted for others.
    fn eviction(&self, peer: PeerKey, class: PeerClass, held: usize) -> Admission {
        let mut per_peer = BTreeMap::<PeerKey, usize>::new();
        for slot in self.slots.values() {
            *per_peer.entry(slot.peer).or_default() += 1;
        }
        let candidates = self.slots.iter().filter_map(|(number, slot)| {
            let since = slot.idle_since?;
            let holds = per_peer.get(&slot.peer).copied().unwrap_or(0);
            let is_fair = holds > held || slot.peer == peer;
            let may_evict = class == PeerClass::Allowed || slot.class == class;
            (is_fair && may_evict).then_some((holds, Reverse(since), Reverse(*number)))
        });
        candidates
            .max()
            .map_or(Admission::Refuse, |(_, _, Reverse(number))| Admission::Evict(number))
    }
}

impl Permit {
    /// A request is complete, and a response is due.
    pub(super) fn request_complete(&self) {
        self.change(|slot| slot.idle_since = None);
    }

    /// The response is written, and the peer owes the next request.
    pub(super) fn response_complete(&self) {
        self.change(|slot| slot.idle_since = Some(Instant::now()));
    }

    /// Returns once the slot has been given to another connection.
    pub(super) async fn evicted(&self) {
        self.evicted.notified().await;
    }

    fn change(&self, change: impl FnOnce(&mut Slot)) {
        if let Some(slot) = self.limiter.connections().slots.get_mut(&self.number) {
            change(slot);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.limiter.connections().slots.remove(&self.number);
    }
}

/// The network that counts as one peer: an IPv4 address, or the /64 in which an IPv6 host picks its
/// addresses.
pub(super) fn peer_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let prefix = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from_bits(prefix))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> PeerKey {
        PeerKey::Address([192, 168, 1, last].into())
    }

    fn device(number: usize) -> PeerKey {
        PeerKey::Device(Mac::new([2, 0, 0, 0, (number >> 8) as u8, number as u8]))
    }

    /// A connection that waits for its response.
    fn busy(limiter: &ConnectionLimiter, peer: PeerKey, class: PeerClass) -> Option<Permit> {
        let permit = limiter.acquire(peer, class)?;
        permit.request_complete();
        Some(permit)
    }

    fn is_evicted(permit: &Permit) -> bool {
        !permit.limiter.connections().slots.contains_key(&permit.number)
    }

    #[test]
    fn one_peer_cannot_take_every_slot() {
        let limiter = ConnectionLimiter::default();
        let permits: Vec<_> =
            (0..TOTAL).map_while(|_| limiter.acquire(address(1), PeerClass::Allowed)).collect();
        assert_eq!(permits.len(), PER_PEER);
        assert!(limiter.acquire(address(2), PeerClass::Allowed).is_some());
        drop(permits);
        assert!(limiter.acquire(address(1), PeerClass::Allowed).is_some());
    }

    #[test]
    fn a_few_peers_cannot_take_every_slot_together() {
        let limiter = ConnectionLimiter::default();
        let acquire = |last| busy(&limiter, address(last), PeerClass::Allowed);
        let permits: Vec<_> =
            (0..6 * TOTAL).filter_map(|attempt| acquire((attempt / TOTAL) as u8)).collect();
        assert!(permits.len() > 2 * PER_PEER);
        let newcomer: Vec<_> = (0..4).filter_map(|_| acquire(9)).collect();
        assert_eq!(newcomer.len(), 4);
    }

    #[test]
    fn other_peers_together_leave_slots_to_allowed_ones() {
        let limiter = ConnectionLimiter::default();
        let permits: Vec<_> =
            (0..=255).filter_map(|last| limiter.acquire(address(last), PeerClass::Other)).collect();
        assert_eq!(permits.len(), OTHERS);
        assert!(limiter.acquire(address(1), PeerClass::Allowed).is_some());
    }

    #[test]
    fn allowed_peers_are_not_evicted_for_others() {
        let limiter = ConnectionLimiter::default();
        let known = |number| limiter.acquire(device(number), PeerClass::Allowed);
        let permits: Vec<_> = (0..TOTAL).filter_map(known).collect();
        assert_eq!(permits.len(), TOTAL);
        assert!(limiter.acquire(address(1), PeerClass::Other).is_none());
        assert!(!permits.iter().any(is_evicted));
    }

    #[test]
    fn the_peer_with_most_connections_loses_its_longest_idle_one() {
        let limiter = ConnectionLimiter::default();
        let greedy: Vec<_> =
            (0..3).filter_map(|_| limiter.acquire(device(1000), PeerClass::Allowed)).collect();
        greedy[0].request_complete();
        let others: Vec<_> = (3..TOTAL)
            .filter_map(|number| limiter.acquire(device(number), PeerClass::Allowed))
            .collect();
        assert_eq!(others.len(), TOTAL - 3);
        let mut newcomers = Vec::new();
        for gone in 1..3 {
            newcomers.push(limiter.acquire(device(2000 + gone), PeerClass::Allowed).unwrap());
            let evicted: Vec<_> = greedy.iter().map(is_evicted).collect();
            assert_eq!(evicted, [false, true, gone == 2]);
        }
        // All others have one connection each.
        assert!(!others.iter().any(is_evicted));
        newcomers.push(limiter.acquire(device(2003), PeerClass::Allowed).unwrap());
        assert!(is_evicted(&others[0]) && !others[1..].iter().any(is_evicted));
        // A connection that has just had its response is the least idle.
        others[1].request_complete();
        others[1].response_complete();
        newcomers.push(limiter.acquire(device(2004), PeerClass::Allowed).unwrap());
        assert!(is_evicted(&others[2]) && !is_evicted(&others[1]));
    }

    #[test]
    fn peers_with_fewer_connections_are_not_evicted() {
        let limiter = ConnectionLimiter::default();
        let single: Vec<_> = (1..TOTAL)
            .filter_map(|number| limiter.acquire(device(number), PeerClass::Allowed))
            .collect();
        let own = busy(&limiter, device(1000), PeerClass::Allowed).unwrap();
        assert!(limiter.acquire(device(1000), PeerClass::Allowed).is_none());
        assert!(!single.iter().any(is_evicted));
        // An idle connection of its own is evicted.
        own.response_complete();
        assert!(limiter.acquire(device(1000), PeerClass::Allowed).is_some());
        assert!(is_evicted(&own));
    }

    #[test]
    fn connections_that_wait_for_a_response_are_not_evicted() {
        let limiter = ConnectionLimiter::default();
        let permits: Vec<_> =
            (0..TOTAL).filter_map(|it| busy(&limiter, device(it), PeerClass::Allowed)).collect();
        assert!(limiter.is_full() && limiter.acquire(device(1000), PeerClass::Allowed).is_none());
        drop(permits);
        assert!(limiter.acquire(device(1000), PeerClass::Allowed).is_some());
    }

    #[test]
    fn ended_connections_are_not_counted() {
        let limiter = ConnectionLimiter::default();
        drop(
            (0..10)
                .filter_map(|last| limiter.acquire(address(last), PeerClass::Allowed))
                .collect::<Vec<_>>(),
        );
        assert!(limiter.connections().slots.is_empty());
    }

    #[test]
    fn an_ipv6_host_is_one_peer_whatever_address_it_picks() {
        let pick = |text: &str| peer_network(text.parse().unwrap());
        assert_eq!(pick("2001:db8::1"), pick("2001:db8::ffff:1:2:3"));
        assert_ne!(pick("2001:db8::1"), pick("2001:db8:0:1::1"));
        assert_eq!(pick("::ffff:10.0.0.1"), pick("10.0.0.1"));
    }
}
