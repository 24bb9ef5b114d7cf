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

    /// A genuine packet has come, which says this; what is to be written down.
    pub(super) fn heard(&mut self, said: NasPeer, now: Duration) -> Option<NasPeer> {
        let key = (said.client.clone(), said.source);
        if self.known.len() >= MOST_PEERS && !self.known.contains_key(&key) {
            self.forget_the_longest_silent();
        }
        let known = self.known.entry(key).or_insert_with(|| Known {
            peer: said.clone(),
            heard: now,
            written: false,
        });
        let peer = NasPeer {
            reports: said.reports || known.peer.reports,
            // Whoever says it says it with every report (CoovaChilli): one that does not is another
            // access point at that address now, or another program.
            view_point: if said.reports { said.view_point } else { known.peer.view_point },
            ..said
        };
        if known.peer != peer {
            known.peer = peer;
            known.written = false;
        }
        known.heard = now;
        let client = &known.peer.client;
        if known.written || !self.writes.entry(client.clone()).or_default().may_write(now) {
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

    /// From whose side an access point counts: as it says, else as its section says, else as those
    /// of its section say of which something has been heard, else as is to be assumed.
    pub(super) fn view_point(&self, section: &Section, source: IpAddr) -> ViewPoint {
        let its_own = self.exactly(&section.name, source).map(|known| &known.peer);
        let reports = its_own.is_some_and(|peer| peer.reports);
        its_own
            .and_then(|peer| peer.view_point)
            .or(section.client.acct_view_point)
            .or_else(|| self.agreed(&section.name).filter(|_| !reports))
            .unwrap_or(section.client.assumed_view_point(reports))
    }

    /// From whose side an access point counts that reports and does not say so now.
    pub(super) fn view_point_of_report(&self, section: &Section, source: IpAddr) -> ViewPoint {
        self.exactly(&section.name, source)
            .and_then(|known| known.peer.view_point)
            .unwrap_or(section.client.assumed_view_point(true))
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
        let is_silent = |known: &&Known| known.peer.reports && known.peer.view_point.is_none();
        ViewPoints {
            nas: said(ViewPoint::Nas),
            client: said(ViewPoint::Client),
            silent: self.of(client).filter(is_silent).count(),
        }
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
    /// They report, and do not say.
    pub silent: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    const START: Duration = Duration::from_secs(1000);
    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

    fn clients() -> Clients {
        let text = "config client lobby\noption address 192.168.0.0/16\noption secret x";
        Clients::new(&Config::parse(text).unwrap().clients)
    }

    fn peer(number: u16, view_point: Option<ViewPoint>) -> NasPeer {
        let source = source(number);
        NasPeer { client: "lobby".into(), source, local: HERE, reports: false, view_point }
    }

    fn source(number: u16) -> IpAddr {
        let [high, low] = number.to_be_bytes();
        [192, 168, high, low].into()
    }

    #[test]
    fn each_access_point_is_known_by_itself_and_others_by_what_all_say() {
        let clients = clients();
        let section = clients.named("lobby").unwrap();
        let mut peers = Peers::default();
        let mut says = |number, reports, view_point| {
            peers.heard(NasPeer { reports, ..peer(number, view_point) }, START);
            [1, 2, 9].map(|number| peers.view_point(section, source(number)))
        };
        use ViewPoint::{Client, Nas};
        // What CoovaChilli does by default.
        assert_eq!(says(1, false, None), [Client; 3]);
        assert_eq!(says(1, true, Some(Nas)), [Nas; 3]);
        assert_eq!(says(2, true, Some(Client)), [Nas, Client, Client]);
        // A sign-in does not say it.
        assert_eq!(says(2, false, None), [Nas, Client, Client]);
        // Another one is at that address now.
        assert_eq!(says(2, true, None), [Nas, Nas, Nas]);
        assert_eq!(says(2, true, Some(Client)), [Nas, Client, Client]);
        // Whoever reports and does not say so is no CoovaChilli.
        assert_eq!(says(9, true, None), [Nas, Client, Nas]);
    }

    #[test]
    fn the_section_speaks_for_those_that_say_nothing() {
        let clients = clients();
        let client = crate::config::Client {
            acct_view_point: Some(ViewPoint::Client),
            vendor: crate::config::Vendor::None,
            ..clients.named("lobby").unwrap().client.clone()
        };
        let section = Section { name: "lobby".into(), client };
        let mut peers = Peers::default();
        assert_eq!(peers.view_point(&section, source(1)), ViewPoint::Client);
        peers.heard(NasPeer { reports: true, ..peer(1, None) }, START);
        assert_eq!(peers.view_point(&section, source(1)), ViewPoint::Client);
        peers.heard(NasPeer { reports: true, ..peer(1, Some(ViewPoint::Nas)) }, START);
        assert_eq!(peers.view_point(&section, source(1)), ViewPoint::Nas);
    }

    #[test]
    fn what_changes_is_written_once_and_not_too_often() {
        let mut peers = Peers::default();
        let one = peers.heard(peer(1, None), START).unwrap();
        assert_eq!((one.local, one.view_point), (HERE, None));
        assert_eq!(peers.heard(peer(1, None), START), None);
        let report = NasPeer { reports: true, ..peer(1, Some(ViewPoint::Nas)) };
        let two = peers.heard(report, START).unwrap();
        assert_eq!(two.view_point, Some(ViewPoint::Nas));
        let flood = |peers: &mut Peers, now| {
            let heard = |number| peers.heard(peer(number, None), now);
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
        let (mut before, mut after) = (Peers::default(), Peers::default());
        let kept = before.heard(peer(1, Some(ViewPoint::Nas)), START);
        after.resume(kept.into_iter().collect());
        after.configured(&clients());
        assert_eq!(after.local(&"lobby".into(), source(1)), Some(HERE));
        assert_eq!(
            after.exactly(&"lobby".into(), source(1)).unwrap().peer,
            peer(1, Some(ViewPoint::Nas))
        );
        assert_eq!(after.heard(peer(1, Some(ViewPoint::Nas)), START), None);
        let there = IpAddr::from([10, 0, 0, 2]);
        assert!(after.heard(NasPeer { local: there, ..peer(1, None) }, START).is_some());
        assert_eq!(after.local(&"lobby".into(), source(1)), Some(there));
        after.configured(&Clients::default());
        assert_eq!(after.local(&"lobby".into(), source(1)), None);
    }
}
