//! Devices that have left without a word: under `on_device_limit 'refuse'` their sessions yield.
//!
//! A phone that comes back with another MAC address is another device, and the session of the one
//! that it was goes on until it is idle for long enough. So the devices in the way are asked whether
//! they are there, by ARP and neighbour discovery, which phones answer in their sleep as well. Whoever
//! answers, or sends anything, stays.

use super::Hotspot;
use super::hosts::Place;
use super::quota::Member;
use super::session::Probed;
use crate::domain::login::Refusal;
use crate::domain::session::TerminateCause;
use crate::domain::station::Mac;
use crate::domain::time::Now;
use crate::neighbour::PROBE_TIME;

impl Hotspot {
    /// Ends sessions of devices that have left, so many of them; or asks the devices, and tells to
    /// come again.
    pub(super) fn make_absent_yield(
        &mut self,
        others: &[Member],
        too_many: usize,
        now: Now,
    ) -> Result<(), Refusal> {
        let here = others.iter().filter_map(|member| match member {
            Member::Here(mac) => Some(*mac),
            // Its access point says when it leaves.
            Member::Elsewhere(_) => None,
        });
        let (absent, others): (Vec<Mac>, Vec<Mac>) = here.partition(|mac| self.has_left(*mac, now));
        if absent.len() >= too_many {
            for mac in absent.into_iter().take(too_many) {
                self.close_session(mac, TerminateCause::PortPreempted, now);
            }
            return Ok(());
        }
        let asked = others.into_iter().filter(|mac| self.is_asked(*mac, now)).count();
        let may_do = absent.len() + asked >= too_many;
        Err(if may_do { Refusal::DevicesAreProbed(PROBE_TIME) } else { Refusal::TooManyDevices })
    }

    /// Whether a device was asked, has not answered, and has sent nothing since.
    fn has_left(&self, mac: Mac, now: Now) -> bool {
        let Some(session) = self.sessions.get(mac) else { return false };
        let silent = session.probed.is_some_and(|probed| {
            now.boot.saturating_sub(probed.at) >= PROBE_TIME
                && session.usage.upload == probed.upload
        });
        silent && self.hosts.places(mac).is_empty()
    }

    /// Asks a device, unless it has been asked and its answer is known; whether that is not known.
    fn is_asked(&mut self, mac: Mac, now: Now) -> bool {
        let Some(session) = self.sessions.get(mac) else { return false };
        let since = session.probed.map(|probed| now.boot.saturating_sub(probed.at));
        if since.is_some_and(|since| since < PROBE_TIME * 2) {
            return since < Some(PROBE_TIME);
        }
        let probed = Some(Probed { at: now.boot, upload: session.usage.upload });
        let mut places = self.hosts.places(mac);
        let last = session.address.map(|address| (session.network.clone(), address));
        // One that the kernel has forgotten, to make room, may be there all the same.
        places.extend(last.filter(|it| places.is_empty() && !self.hosts.is_taken(it)));
        for place in places {
            self.probe(mac, place);
        }
        if let Some(session) = self.sessions.get_mut(mac) {
            session.probed = probed;
        }
        true
    }

    fn probe(&mut self, mac: Mac, (network, address): Place) {
        let Some(network) = self.settings.networks.iter().find(|it| it.name == network) else {
            return;
        };
        if let Err(error) = self.neighbours.probe(&network.device, address, mac) {
            log::debug!("guest: the kernel does not ask whether {mac} is there: {error}");
        }
    }
}
