//! What the kernel says of who comes to the guest networks, and what follows for sessions.

use std::collections::BTreeSet;
use std::time::Duration;

use super::session::Session;
use super::{Hotspot, Write};
use crate::domain::guest::Caller;
use crate::domain::neighbour::{Neighbour, Reach, Sighting};
use crate::domain::station::Mac;
use crate::domain::time::Now;

/// A guest that has sent nothing for so long may have gone to another network: some looks at the
/// counters. One that asks the portal there, as phones do at once, is believed at once.
const SENDS_NO_MORE: Duration = Duration::from_secs(30);

impl Hotspot {
    /// Takes down what has happened on the guest networks, and lets those in who come back.
    pub(super) fn sighted(&mut self, sightings: Vec<Sighting>, now: Now) {
        let mut here = BTreeSet::new();
        for sighting in sightings {
            match sighting {
                Sighting::Seen(seen) if self.sends_elsewhere(&seen, now) => {}
                Sighting::Seen(seen) => here.extend(self.hosts.see(&seen, now)),
                Sighting::Forgotten { network, address } => self.hosts.lose(&(network, address)),
                Sighting::Everything(mut all) => {
                    all.retain(|seen| !self.sends_elsewhere(seen, now));
                    self.hosts.forget_all_but(&all);
                    here.extend(all.iter().filter_map(|seen| self.hosts.see(seen, now)));
                }
                Sighting::Device { network, index } => {
                    self.tell_of_device(&network, index);
                    self.enforcer.stale = true;
                }
            }
        }
        self.hosts.keep_bounded(|mac| self.sessions.get(mac).is_some());
        let mut arrivals = Vec::new();
        for mac in here {
            if self.sessions.get(mac).is_some() {
                self.follow(mac, now);
            } else if self.hosts.may_try(mac, now)
                && let Some(caller) = self.hosts.caller(mac)
            {
                arrivals.push(Write::Arrive { mac, caller });
            }
        }
        self.commit(arrivals, now);
        let _noted = self.enforce(now);
    }

    /// Whether a guest has sent from another network than this entry has it on. ARP and neighbour
    /// discovery say what anybody there wants, and would take the session away from its device.
    fn sends_elsewhere(&self, seen: &Neighbour, now: Now) -> bool {
        let session = seen.mac.and_then(|mac| self.sessions.get(mac));
        session.is_some_and(|session| {
            session.network != seen.network
                && self.is_enforced(session)
                && now.boot.saturating_sub(session.last_traffic) < SENDS_NO_MORE
        })
    }

    fn tell_of_device(&self, network: &str, index: Option<u32>) {
        let mut networks = self.settings.networks.iter();
        let Some(network) = networks.find(|it| *it.name == *network) else { return };
        if index.is_none() {
            log::warn!(
                "guest network '{}': there is no device {}; it is waited for, and nobody is held \
                 back meanwhile",
                network.name,
                network.device
            );
        }
    }

    /// Keeps an open session's address and network up to date.
    pub(super) fn follow(&mut self, mac: Mac, now: Now) {
        let Some(caller) = self.hosts.caller(mac) else { return };
        if self.sessions.get(mac).is_none() {
            return;
        }
        let moves = |session: &Session| session.network != caller.network;
        if self.sessions.get(mac).is_some_and(moves) {
            self.move_session(mac, &caller.network, now);
        }
        let enforced =
            self.settings.networks.iter().any(|it| it.name == caller.network && it.enforce);
        if let Some(session) = self.sessions.get_mut(mac) {
            session.address = Some(caller.address);
            session.remember(self.hosts.addresses(mac));
            if !enforced {
                // Nothing is counted there: being there is all there is to go by.
                session.last_traffic = now.boot;
            }
        }
    }

    /// A device has asked for something.
    pub(super) fn is_here(&mut self, mac: Mac, caller: &Caller, now: Now) {
        let Caller { network, address, .. } = caller.clone();
        let seen = Neighbour { network, address, mac: Some(mac), reach: Reach::Present };
        self.hosts.see(&seen, now);
    }
}
