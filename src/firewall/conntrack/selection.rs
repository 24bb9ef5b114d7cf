//! Which entries a change of access makes wrong.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::entry::{Direction, Entry, Family};
use crate::domain::station::Mac;
use crate::firewall::{Access, AccessChange};

const DNS: u16 = 53;
const TCP: u8 = libc::IPPROTO_TCP as u8;
const UDP: u8 = libc::IPPROTO_UDP as u8;

/// What this router is, in the eyes of its guests.
pub(super) struct Router {
    /// All of its own addresses.
    pub(super) addresses: HashSet<IpAddr>,
    /// Of the guest devices.
    pub(super) prefixes: Vec<IpNet>,
    /// Where the portals listen.
    pub(super) portal_ports: HashSet<u16>,
}

/// The addresses whose entries are looked at, with the access that they have now.
pub(super) struct Selection {
    addresses: HashMap<IpAddr, Access>,
    router: Router,
}

/// What the kernel is asked for: everything, or one address in one direction.
pub(super) type Filter = Option<(Direction, IpAddr)>;

impl Selection {
    /// The addresses that a device has been seen with, and those that it has by the `neighbours`;
    /// not those that are somebody else's by now. An address outside the guest networks is never
    /// taken: a device may claim any, and the entries of all guests have the addresses of servers.
    pub(super) fn new(
        changes: &[AccessChange],
        neighbours: &[(IpAddr, Mac)],
        router: Router,
    ) -> Self {
        let owners: HashMap<IpAddr, Mac> = neighbours.iter().copied().collect();
        let mut addresses = HashMap::new();
        for change in changes {
            let current = neighbours.iter().filter(|(_, mac)| *mac == change.mac);
            let known = change.addresses.iter().map(IpAddr::to_canonical);
            for address in known.chain(current.map(|(address, _)| *address)) {
                let is_its = owners.get(&address).is_none_or(|owner| *owner == change.mac);
                if is_its && router.is_of_a_guest(&address) {
                    addresses.insert(address, change.access);
                }
            }
        }
        Self { addresses, router }
    }

    /// What has to be asked for to see every entry of these addresses. The kernel's own filter for
    /// IPv6 addresses gives all entries but the wanted ones (`ctnetlink_filter_match_tuple`, seen
    /// in 5.8 to 6.1), so IPv6 is read whole; so is IPv4 beyond `few` addresses.
    pub(super) fn requests(&self, few: usize) -> Vec<(Family, Vec<Filter>)> {
        let of = |family| move |(it, _): &(&IpAddr, &Access)| Family::of(it) == family;
        let mut requests = Vec::new();
        let v4: Vec<_> = self.addresses.iter().filter(of(Family::V4)).collect();
        match v4.len() {
            0 => {}
            count if count > few => requests.push((Family::V4, vec![None])),
            _ => {
                let filters = v4.into_iter().flat_map(|(address, access)| {
                    let reply = (*access == Access::Ended).then_some(Direction::Reply);
                    let directions = [Some(Direction::Original), reply].into_iter().flatten();
                    directions.map(|direction| Some((direction, *address)))
                });
                requests.push((Family::V4, filters.collect()));
            }
        }
        if self.addresses.iter().any(|it| of(Family::V6)(&it)) {
            requests.push((Family::V6, vec![None]));
        }
        requests
    }

    /// Whether an entry was made under the access that a device has no more.
    ///
    /// The portal's connections stay: the answer to the sign-in goes through one of them, and the
    /// portal closes them by itself. With a session, what was led to this router before may go
    /// elsewhere now; the rest was not let through, and has no entry. Without one, everything is
    /// judged anew, in both directions, except DNS that is redirected already.
    pub(super) fn is_wrong(&self, entry: &Entry) -> bool {
        let ends_here = self.router.addresses.contains(&entry.reply_source);
        let is_redirected = ends_here && entry.reply_source != entry.destination;
        let port_is = |is: &dyn Fn(u16) -> bool| entry.reply_port.is_some_and(is);
        let is_portal = |port| self.router.portal_ports.contains(&port);
        if ends_here && entry.protocol == TCP && port_is(&is_portal) {
            return false;
        }
        let is_redirected_dns =
            is_redirected && entry.protocol == UDP && port_is(&|port| port == DNS);
        match self.addresses.get(&entry.source) {
            Some(Access::Granted) => ends_here || entry.reply_source != entry.destination,
            Some(Access::Ended) => !is_redirected_dns,
            None => self.addresses.get(&entry.reply_source) == Some(&Access::Ended),
        }
    }
}

impl Router {
    pub(super) fn is_of_a_guest(&self, address: &IpAddr) -> bool {
        self.prefixes.iter().any(|prefix| prefix.contains(address))
            && !self.addresses.contains(address)
    }
}
