//! Who is inside: connections per address and in all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::station::Mac;

/// What a peer may expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// An address this service is meant for.
    Known,
    /// Anybody else: told so politely, but never at the cost of the known.
    Stranger,
}

/// Whose places are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeerKey {
    /// A device, whatever addresses it takes.
    Device(Mac),
    /// An address, or the first of a network that counts as one.
    Address(IpAddr),
}

/// Most connections at one time.
const TOTAL: usize = 192;
/// Most connections from one address (IPv6: one /64, the network of one device), and at most half
/// as many as there are places left: a few who take what they can always leave some to newcomers.
const PER_ADDRESS: usize = 48;
/// Most connections of all strangers together.
const STRANGERS: usize = 16;

/// Counts the connections of one service.
#[derive(Clone, Debug, Default)]
pub struct Door(Arc<Mutex<Inside>>);

#[derive(Debug, Default)]
struct Inside {
    total: usize,
    strangers: usize,
    by_peer: HashMap<PeerKey, usize>,
}

/// One connection's place; given back when dropped.
#[derive(Debug)]
pub struct Pass {
    door: Door,
    peer: PeerKey,
    standing: Standing,
}

impl Door {
    /// A place for one connection, or `None` where there is none left for this peer.
    pub fn enter(&self, peer: PeerKey, standing: Standing) -> Option<Pass> {
        let mut inside = self.inside();
        let from_address = inside.by_peer.get(&peer).copied().unwrap_or(0);
        let stranger = standing == Standing::Stranger;
        if inside.total >= TOTAL
            || from_address >= PER_ADDRESS.min((TOTAL - inside.total).div_ceil(2))
            || (stranger && inside.strangers >= STRANGERS)
        {
            return None;
        }
        inside.total += 1;
        inside.strangers += usize::from(stranger);
        inside.by_peer.insert(peer, from_address + 1);
        Some(Pass { door: self.clone(), peer, standing })
    }

    /// Returns once everybody has left, or when `patience` is over.
    pub async fn emptied(&self, patience: Duration) {
        let empty = async {
            while self.inside().total > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let _ = tokio::time::timeout(patience, empty).await;
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut inside = self.door.inside();
        inside.total -= 1;
        inside.strangers -= usize::from(self.standing == Standing::Stranger);
        if let Some(count) = inside.by_peer.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                inside.by_peer.remove(&self.peer);
            }
        }
    }
}

/// What counts as one peer: an IPv4 address, or the /64 that one IPv6 host can roam in.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let prefix = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(std::net::Ipv6Addr::from_bits(prefix))
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

    #[test]
    fn one_address_cannot_take_every_place() {
        let door = Door::default();
        let places: Vec<_> =
            (0..TOTAL).map_while(|_| door.enter(address(1), Standing::Known)).collect();
        assert_eq!(places.len(), PER_ADDRESS);
        assert!(door.enter(address(2), Standing::Known).is_some());
        drop(places);
        assert!(door.enter(address(1), Standing::Known).is_some());
    }

    #[test]
    fn a_few_addresses_cannot_take_every_place_together() {
        let door = Door::default();
        let enter = |last| door.enter(address(last), Standing::Known);
        let places: Vec<_> =
            (0..6 * TOTAL).filter_map(|attempt| enter((attempt / TOTAL) as u8)).collect();
        assert!(places.len() > 2 * PER_ADDRESS);
        let newcomer: Vec<_> = (0..4).filter_map(|_| enter(9)).collect();
        assert_eq!(newcomer.len(), 4);
    }

    #[test]
    fn strangers_together_leave_room_for_the_known() {
        let door = Door::default();
        let places: Vec<_> =
            (0..=255).filter_map(|last| door.enter(address(last), Standing::Stranger)).collect();
        assert_eq!(places.len(), STRANGERS);
        assert!(door.enter(address(1), Standing::Known).is_some());
    }

    #[test]
    fn nothing_is_counted_once_everybody_has_left() {
        let door = Door::default();
        drop(
            (0..10)
                .filter_map(|last| door.enter(address(last), Standing::Known))
                .collect::<Vec<_>>(),
        );
        let inside = door.inside();
        assert_eq!((inside.total, inside.strangers, inside.by_peer.len()), (0, 0, 0));
    }

    #[test]
    fn an_ipv6_host_is_one_peer_whatever_address_it_picks() {
        let pick = |text: &str| network(text.parse().unwrap());
        assert_eq!(pick("2001:db8::1"), pick("2001:db8::ffff:1:2:3"));
        assert_ne!(pick("2001:db8::1"), pick("2001:db8:0:1::1"));
        assert_eq!(pick("::ffff:10.0.0.1"), pick("10.0.0.1"));
    }
}
