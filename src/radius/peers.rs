//! What access points have shown of themselves: the address of ours that they ask, which is the only
//! one that many take orders from, and from whose side they count octets.
//!
//! Kept by section and source address, since a section may be a network of access points with
//! different settings, and written down where it changes: after a restart an order may be due
//! before anything is heard.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::clients::{Clients, Section};
use crate::domain::nas::{NasPeer, ViewPoint};

/// Peers in memory at most: those that were heard last. 200 KB.
const MOST_PEERS: usize = 1024;
/// One section's peers are written down no more often than this: packets that somebody sends again
/// from ever new addresses cost no flash.
const WRITE_PAUSE: Duration = Duration::from_secs(60);
/// So many writes of a section may come at once: its access points after a power cut.
const WRITE_BURST: u32 = 16;

/// Everything that is known of access points.
#[derive(Default)]
pub(super) struct Peers {
    known: HashMap<(Arc<str>, IpAddr), Known>,
    writes: HashMap<Arc<str>, Writes>,
}

struct Known {
    peer: NasPeer,
    /// When it was heard last, by the boot clock.
    heard: Duration,
    /// Whether it is written down as it is.
    written: bool,
}

/// A section's writes, as a leaky bucket.
#[derive(Clone, Copy, Default)]
struct Writes {
    count: u32,
    since: Duration,
}

impl Writes {
    fn may_write(&mut self, now: Duration) -> bool {
        let passed = now.saturating_sub(self.since).as_secs() / WRITE_PAUSE.as_secs();
        if passed > 0 || self.count == 0 {
            self.count = self.count.saturating_sub(u32::try_from(passed).unwrap_or(u32::MAX));
            self.since = now;
        }
        let may = self.count < WRITE_BURST;
        self.count += u32::from(may);
        may
    }
}

impl Peers {
    /// Takes over what was written down by an earlier start.
    pub(super) fn resume(&mut self, peers: Vec<NasPeer>) {
        for peer in peers {
            let key = (peer.client.clone(), peer.source);
            let known = Known { peer, heard: Duration::ZERO, written: true };
            self.known.entry(key).or_insert(known);
        }
    }

    /// A genuine packet has come from `source` to our address `local`; what is to be written down.
    /// `view_point` is what it says, if it says it.
    pub(super) fn heard(
        &mut self,
        section: &Section,
        source: IpAddr,
        local: IpAddr,
        view_point: Option<ViewPoint>,
        now: Duration,
    ) -> Option<NasPeer> {
        let key = (section.name.clone(), source);
        if self.known.len() >= MOST_PEERS && !self.known.contains_key(&key) {
            self.forget_the_longest_silent();
        }
        let known = self.known.entry(key).or_insert_with(|| Known {
            peer: NasPeer { client: section.name.clone(), source, local, view_point: None },
            heard: now,
            written: false,
        });
        let view_point = view_point.or(known.peer.view_point);
        if (known.peer.local, known.peer.view_point) != (local, view_point) {
            (known.peer.local, known.peer.view_point) = (local, view_point);
            known.written = false;
        }
        known.heard = now;
        if known.written || !self.writes.entry(section.name.clone()).or_default().may_write(now) {
            return None;
        }
        known.written = true;
        Some(known.peer.clone())
    }

    fn forget_the_longest_silent(&mut self) {
        let oldest = self.known.iter().min_by_key(|(_, known)| known.heard);
        if let Some(key) = oldest.map(|(key, _)| key.clone()) {
            self.known.remove(&key);
        }
    }

    /// What is not written down yet: for the end of the daemon.
    pub(super) fn unwritten(&mut self) -> Vec<NasPeer> {
        let unwritten = self.known.values_mut().filter(|known| !known.written);
        unwritten
            .map(|known| {
                known.written = true;
                known.peer.clone()
            })
            .collect()
    }

    /// The address of ours that an access point asks; where this one has never asked, the one that
    /// another of its section asked last.
    pub(super) fn local(&self, client: &Arc<str>, source: IpAddr) -> Option<IpAddr> {
        let last = || self.of(client).max_by_key(|known| known.heard);
        self.exactly(client, source).or_else(last).map(|known| known.peer.local)
    }

    /// From whose side an access point says that it counts; where this one has never said so, what
    /// all others of its section say.
    pub(super) fn view_point(&self, client: &Arc<str>, source: IpAddr) -> Option<ViewPoint> {
        let its_own = self.exactly(client, source);
        its_own.and_then(|known| known.peer.view_point).or_else(|| self.agreed(client))
    }

    fn exactly(&self, client: &Arc<str>, source: IpAddr) -> Option<&Known> {
        self.known.get(&(client.clone(), source))
    }

    fn agreed(&self, client: &str) -> Option<ViewPoint> {
        let mut said = self.of(client).filter_map(|known| known.peer.view_point);
        let first = said.next()?;
        said.all(|other| other == first).then_some(first)
    }

    /// From whose side the access points of a section say that they count: how many of either.
    pub(super) fn view_points(&self, client: &str) -> ViewPoints {
        let said = |view_point| {
            self.of(client).filter(|known| known.peer.view_point == Some(view_point)).count()
        };
        ViewPoints { nas: said(ViewPoint::Nas), client: said(ViewPoint::Client) }
    }

    fn of(&self, client: &str) -> impl Iterator<Item = &Known> {
        self.known.values().filter(move |known| &*known.peer.client == client)
    }

    /// Forgets those whose sections are gone or have other addresses now.
    pub(super) fn configured(&mut self, clients: &Clients) {
        self.known.retain(|(name, source), _| {
            clients.named(name).is_some_and(|section| section.client.address.contains(source))
        });
        self.writes.retain(|name, _| clients.named(name).is_some());
    }
}

/// How many access points of a section say that they count from either side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ViewPoints {
    /// From their own.
    pub nas: usize,
    /// From the guest's.
    pub client: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    const START: Duration = Duration::from_secs(1000);
    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

    fn section() -> (Clients, Arc<Section>) {
        let text = "config client lobby\noption address 192.168.0.0/16\noption secret x";
        let clients = Clients::new(&Config::parse(text).unwrap().clients);
        let section = clients.named("lobby").unwrap().clone();
        (clients, section)
    }

    fn source(number: u16) -> IpAddr {
        let [high, low] = number.to_be_bytes();
        [192, 168, high, low].into()
    }

    #[test]
    fn each_access_point_is_known_by_itself_and_others_by_what_all_say() {
        let (_, section) = section();
        let mut peers = Peers::default();
        let mut says = |number, view_point| {
            peers.heard(&section, source(number), HERE, view_point, START);
            [1, 2, 9].map(|number| peers.view_point(&"lobby".into(), source(number)))
        };
        let (nas, client) = (Some(ViewPoint::Nas), Some(ViewPoint::Client));
        assert_eq!(says(1, None), [None; 3]);
        assert_eq!(says(1, nas), [nas; 3]);
        assert_eq!(says(2, client), [nas, client, None]);
        // What is not said again still holds.
        assert_eq!(says(2, None), [nas, client, None]);
    }

    #[test]
    fn what_changes_is_written_once_and_not_too_often() {
        let (_, section) = section();
        let mut peers = Peers::default();
        let one = peers.heard(&section, source(1), HERE, None, START).unwrap();
        assert_eq!((one.local, one.view_point), (HERE, None));
        assert_eq!(peers.heard(&section, source(1), HERE, None, START), None);
        let two = peers.heard(&section, source(1), HERE, Some(ViewPoint::Nas), START).unwrap();
        assert_eq!(two.view_point, Some(ViewPoint::Nas));
        let flood = |peers: &mut Peers, now| {
            let heard = |number| peers.heard(&section, source(number), HERE, None, now);
            (100..5000).filter_map(heard).count()
        };
        assert_eq!(flood(&mut peers, START), WRITE_BURST as usize - 2);
        assert_eq!(flood(&mut peers, START + WRITE_PAUSE * 2), 2);
        assert_eq!(peers.known.len(), MOST_PEERS);
        assert!(peers.unwritten().len() > MOST_PEERS - 20);
        assert_eq!(peers.unwritten(), []);
    }

    #[test]
    fn what_was_written_down_holds_until_something_else_is_said() {
        let (clients, section) = section();
        let (mut before, mut after) = (Peers::default(), Peers::default());
        let kept = before.heard(&section, source(1), HERE, Some(ViewPoint::Nas), START);
        after.resume(kept.into_iter().collect());
        after.configured(&clients);
        assert_eq!(after.local(&"lobby".into(), source(1)), Some(HERE));
        assert_eq!(after.view_point(&"lobby".into(), source(1)), Some(ViewPoint::Nas));
        assert_eq!(after.heard(&section, source(1), HERE, Some(ViewPoint::Nas), START), None);
        let there = IpAddr::from([10, 0, 0, 2]);
        assert!(after.heard(&section, source(1), there, None, START).is_some());
        assert_eq!(after.local(&"lobby".into(), source(1)), Some(there));
        after.configured(&Clients::default());
        assert_eq!(after.local(&"lobby".into(), source(1)), None);
    }
}
