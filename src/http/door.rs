//! Connections per peer and in all, and which of them make room when there are too many.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerKey {
    /// A device, whatever addresses it takes.
    Device(Mac),
    /// An address, or the first of a network that counts as one.
    Address(IpAddr),
}

/// Most connections at one time.
const TOTAL: usize = 192;
/// Most connections of one peer.
const PER_PEER: usize = 48;
/// Most connections of all strangers together.
const STRANGERS: usize = 16;
/// With more connections than this, each ends with its answer.
const CROWDED: usize = TOTAL / 2;

/// Counts the connections of one service.
#[derive(Clone, Debug, Default)]
pub struct Door(Arc<Mutex<Inside>>);

#[derive(Debug, Default)]
struct Inside {
    /// Never given twice.
    next: u64,
    /// In the order of arrival.
    places: BTreeMap<u64, Place>,
}

#[derive(Debug)]
struct Place {
    peer: PeerKey,
    standing: Standing,
    /// Since when no whole request is there to be answered; `None` while one is being answered.
    waiting: Option<Instant>,
    yields: Arc<Notify>,
}

/// Whether there is a place for one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Free,
    /// If this connection gives up its place.
    InPlaceOf(u64),
    None,
}

/// One connection's place; given back when dropped.
#[derive(Debug)]
pub struct Pass {
    door: Door,
    number: u64,
    yields: Arc<Notify>,
}

impl Door {
    /// A place for one connection, or `None` where there is none left for this peer. When places
    /// run out, a connection that waits for a request gives up its own.
    pub fn enter(&self, peer: PeerKey, standing: Standing) -> Option<Pass> {
        let mut inside = self.inside();
        match inside.room(peer, standing) {
            Room::None => return None,
            Room::Free => {}
            Room::InPlaceOf(number) => {
                if let Some(place) = inside.places.remove(&number) {
                    place.yields.notify_one();
                }
            }
        }
        let number = inside.next;
        inside.next += 1;
        let yields = Arc::new(Notify::new());
        let waiting = Some(Instant::now());
        inside.places.insert(number, Place { peer, standing, waiting, yields: yields.clone() });
        Some(Pass { door: self.clone(), number, yields })
    }

    /// Whether the next one has no place unless another yields.
    pub(super) fn is_full(&self) -> bool {
        self.inside().places.len() >= TOTAL
    }

    /// Whether connections that do nothing would soon be in the way of others.
    pub(super) fn is_crowded(&self) -> bool {
        self.inside().places.len() > CROWDED
    }

    /// Returns once everybody has left, or when `patience` is over.
    pub async fn emptied(&self, patience: Duration) {
        let empty = async {
            while !self.inside().places.is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let _ = tokio::time::timeout(patience, empty).await;
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    /// One peer gets at most half as many places as are left: a few who take what they can always
    /// leave some to newcomers.
    fn room(&self, peer: PeerKey, standing: Standing) -> Room {
        let held = self.places.values().filter(|place| place.peer == peer).count();
        let stranger = standing == Standing::Stranger;
        let of_strangers = |place: &&Place| place.standing == Standing::Stranger;
        let strangers = self.places.values().filter(of_strangers).count();
        if held >= PER_PEER || (stranger && strangers >= STRANGERS) {
            return Room::None;
        }
        let left = TOTAL.saturating_sub(self.places.len());
        if held < left.div_ceil(2) { Room::Free } else { self.yielding(peer, standing, held) }
    }

    /// The peer that holds most gives up the connection that has waited longest, as long as it still
    /// has as many as the newcomer then. The known do not yield to strangers.
    fn yielding(&self, peer: PeerKey, standing: Standing, held: usize) -> Room {
        let mut holdings = BTreeMap::<PeerKey, usize>::new();
        for place in self.places.values() {
            *holdings.entry(place.peer).or_default() += 1;
        }
        let waiting = self.places.iter().filter_map(|(number, place)| {
            let since = place.waiting?;
            let holds = holdings.get(&place.peer).copied().unwrap_or(0);
            let yields = holds > held || place.peer == peer;
            let fits = standing == Standing::Known || place.standing == standing;
            (yields && fits).then_some((holds, Reverse(since), Reverse(*number)))
        });
        waiting.max().map_or(Room::None, |(_, _, Reverse(number))| Room::InPlaceOf(number))
    }
}

impl Pass {
    /// A whole request has come.
    pub(super) fn answers(&self) {
        self.change(|place| place.waiting = None);
    }

    /// The answer is on its way, and the next request may come.
    pub(super) fn waits(&self) {
        self.change(|place| place.waiting = Some(Instant::now()));
    }

    /// Returns once the place has been given to another.
    pub(super) async fn yields(&self) {
        self.yields.notified().await;
    }

    fn change(&self, change: impl FnOnce(&mut Place)) {
        if let Some(place) = self.door.inside().places.get_mut(&self.number) {
            change(place);
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.door.inside().places.remove(&self.number);
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

    fn device(number: usize) -> PeerKey {
        PeerKey::Device(Mac::new([2, 0, 0, 0, (number >> 8) as u8, number as u8]))
    }

    /// A connection that is being answered.
    fn busy(door: &Door, peer: PeerKey, standing: Standing) -> Option<Pass> {
        let pass = door.enter(peer, standing)?;
        pass.answers();
        Some(pass)
    }

    fn has_yielded(pass: &Pass) -> bool {
        !pass.door.inside().places.contains_key(&pass.number)
    }

    #[test]
    fn one_peer_cannot_take_every_place() {
        let door = Door::default();
        let places: Vec<_> =
            (0..TOTAL).map_while(|_| door.enter(address(1), Standing::Known)).collect();
        assert_eq!(places.len(), PER_PEER);
        assert!(door.enter(address(2), Standing::Known).is_some());
        drop(places);
        assert!(door.enter(address(1), Standing::Known).is_some());
    }

    #[test]
    fn a_few_peers_cannot_take_every_place_together() {
        let door = Door::default();
        let enter = |last| busy(&door, address(last), Standing::Known);
        let places: Vec<_> =
            (0..6 * TOTAL).filter_map(|attempt| enter((attempt / TOTAL) as u8)).collect();
        assert!(places.len() > 2 * PER_PEER);
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
    fn the_known_do_not_yield_to_strangers() {
        let door = Door::default();
        let known = |number| door.enter(device(number), Standing::Known);
        let places: Vec<_> = (0..TOTAL).filter_map(known).collect();
        assert_eq!(places.len(), TOTAL);
        assert!(door.enter(address(1), Standing::Stranger).is_none());
        assert!(!places.iter().any(has_yielded));
    }

    #[test]
    fn whoever_holds_most_of_what_waits_yields_the_oldest_first() {
        let door = Door::default();
        let greedy: Vec<_> =
            (0..3).filter_map(|_| door.enter(device(1000), Standing::Known)).collect();
        greedy[0].answers();
        let others: Vec<_> =
            (3..TOTAL).filter_map(|number| door.enter(device(number), Standing::Known)).collect();
        assert_eq!(others.len(), TOTAL - 3);
        let mut newcomers = Vec::new();
        for gone in 1..3 {
            newcomers.push(door.enter(device(2000 + gone), Standing::Known).unwrap());
            let yielded: Vec<_> = greedy.iter().map(has_yielded).collect();
            assert_eq!(yielded, [false, true, gone == 2]);
        }
        // Of what is left, all hold one.
        assert!(!others.iter().any(has_yielded));
        newcomers.push(door.enter(device(2003), Standing::Known).unwrap());
        assert!(has_yielded(&others[0]) && !others[1..].iter().any(has_yielded));
        // Who has just been answered has waited least.
        others[1].answers();
        others[1].waits();
        newcomers.push(door.enter(device(2004), Standing::Known).unwrap());
        assert!(has_yielded(&others[2]) && !has_yielded(&others[1]));
    }

    #[test]
    fn nobody_takes_from_those_who_have_less() {
        let door = Door::default();
        let single: Vec<_> =
            (1..TOTAL).filter_map(|number| door.enter(device(number), Standing::Known)).collect();
        let own = busy(&door, device(1000), Standing::Known).unwrap();
        assert!(door.enter(device(1000), Standing::Known).is_none());
        assert!(!single.iter().any(has_yielded));
        // Its own connection may make room.
        own.waits();
        assert!(door.enter(device(1000), Standing::Known).is_some());
        assert!(has_yielded(&own));
    }

    #[test]
    fn while_all_are_answered_nobody_yields() {
        let door = Door::default();
        let places: Vec<_> =
            (0..TOTAL).filter_map(|it| busy(&door, device(it), Standing::Known)).collect();
        assert!(door.is_full() && door.enter(device(1000), Standing::Known).is_none());
        drop(places);
        assert!(door.enter(device(1000), Standing::Known).is_some());
    }

    #[test]
    fn nothing_is_counted_once_everybody_has_left() {
        let door = Door::default();
        drop(
            (0..10)
                .filter_map(|last| door.enter(address(last), Standing::Known))
                .collect::<Vec<_>>(),
        );
        assert!(door.inside().places.is_empty());
    }

    #[test]
    fn an_ipv6_host_is_one_peer_whatever_address_it_picks() {
        let pick = |text: &str| network(text.parse().unwrap());
        assert_eq!(pick("2001:db8::1"), pick("2001:db8::ffff:1:2:3"));
        assert_ne!(pick("2001:db8::1"), pick("2001:db8:0:1::1"));
        assert_eq!(pick("::ffff:10.0.0.1"), pick("10.0.0.1"));
    }
}
