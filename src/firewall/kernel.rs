//! The gate of the running kernel.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use nix::net::if_::if_nametoindex;

use super::conntrack::Conntrack;
use super::element::{self, DELETE_TABLE, Element, GET_CHAIN, INET, NETDEV, NEW_CHAIN, Place, Set};
use super::message::{ACK, CREATE, DUMP, Writer};
use super::ruleset::{self, EGRESS, TABLE};
use super::socket::Socket;
use super::{Access, AccessChange, Change, Count, Gate, GateError, Hook, Network, Pass, nft};
use crate::domain::station::Mac;

const FAMILIES: [(u8, &str); 2] = [(NETDEV, "netdev"), (INET, "inet")];

/// `NFTA_CHAIN_TABLE`, `NFTA_CHAIN_NAME`, `NFTA_TABLE_NAME`.
const CHAIN_TABLE: u16 = 1;
const CHAIN_NAME: u16 = 3;
const TABLE_NAME: u16 = 1;

/// What a stamp begins with.
const STAMP: &str = "rules_";

/// Guests in one transaction: it must fit into the 208 KB that a socket may send at once where a
/// larger buffer is not to be had, as in a container.
const TOGETHER: usize = 250;

/// The time a resize of a set may take, and how often it is waited for.
const RESIZE: Duration = Duration::from_millis(20);
const LOOKS: usize = 50;

/// The nftables rules and sets of this machine.
#[derive(Default)]
pub struct Kernel {
    socket: Option<Socket>,
    /// Where the rules are; `None` before they are loaded.
    hook: Option<Hook>,
    /// Whom we have put where and not seen go, with the session.
    present: HashMap<(Set, Mac), i64>,
    /// Kernels without an egress hook are asked once.
    without_egress: bool,
    conntrack: Conntrack,
}

impl Kernel {
    /// A gate that has done nothing yet. It stands in the routing path where the kernel has no
    /// egress hook, and where `egress` says not to use it.
    pub fn new(egress: bool) -> Self {
        Self { without_egress: !egress, ..Self::default() }
    }

    fn socket(&mut self) -> Result<&mut Socket, GateError> {
        if self.socket.is_none() {
            self.socket = Some(Socket::open()?);
        }
        self.socket.as_mut().ok_or(GateError::Lost)
    }

    /// Our chains in the kernel, whatever version made them.
    fn chains(&mut self) -> Result<Vec<(u8, String)>, GateError> {
        let mut all = Vec::new();
        for (family, _) in FAMILIES {
            let request = |writer: &mut Writer| {
                writer.nftables(GET_CHAIN, family, DUMP, |_| {});
            };
            let chains = self.socket()?.dump(request, |chains, attributes| {
                if attributes.text(CHAIN_TABLE) == Some(TABLE) {
                    chains.extend(attributes.text(CHAIN_NAME).map(str::to_owned));
                }
            })?;
            all.extend(chains.into_iter().map(|chain| (family, chain)));
        }
        Ok(all)
    }

    /// Loads the rules, unless they are there already. Sets and their guests stay where they can.
    fn load(&mut self, networks: &[Network]) -> Result<Hook, GateError> {
        let chains = self.chains()?;
        if !self.without_egress {
            match self.load_for(networks, Hook::Netdev, &chains) {
                Err(GateError::Nft(why)) => {
                    // The same words in the other place will tell whether it was the hook.
                    log::debug!("gate: {why}");
                    self.load_for(networks, Hook::Inet, &chains).map_err(|error| {
                        log::debug!("gate: {error}");
                        GateError::Nft(why)
                    })?;
                    self.without_egress = true;
                }
                loaded => return loaded,
            }
            return Ok(Hook::Inet);
        }
        self.load_for(networks, Hook::Inet, &chains)
    }

    fn load_for(
        &mut self,
        networks: &[Network],
        hook: Hook,
        chains: &[(u8, String)],
    ) -> Result<Hook, GateError> {
        let rules = ruleset::render(networks, hook);
        let stamp = stamp(&rules, networks);
        let is_there = |family| chains.iter().any(|chain| *chain == (family, stamp.clone()));
        if FAMILIES.iter().all(|(family, _)| is_there(*family)) {
            self.hook = Some(hook);
            return Ok(hook);
        }
        let before = match hook_of(chains) {
            Some(before) if before != hook => cleared(),
            _ => in_place_of(chains),
        };
        match nft::load(&(before + &rules)) {
            Err(GateError::Nft(why)) => {
                // Sets of another version cannot be kept; nor can what does not load at all.
                log::debug!("gate: {why}; replacing the tables whole");
                nft::load(&(cleared() + &rules))?;
            }
            loaded => loaded?,
        }
        self.set_stamps(&stamp)?;
        self.hook = Some(hook);
        Ok(hook)
    }

    /// Where the guests' sets are; another daemon may have made them before this one.
    fn hook(&mut self) -> Result<Hook, GateError> {
        if self.hook.is_none() {
            self.hook = hook_of(&self.chains()?);
        }
        self.hook.ok_or(GateError::Lost)
    }

    fn set_stamps(&mut self, stamp: &str) -> Result<(), GateError> {
        Ok(self.socket()?.transact(|writer| {
            for (family, _) in FAMILIES {
                writer.nftables(NEW_CHAIN, family, ACK | CREATE, |chain| {
                    chain.text(CHAIN_TABLE, TABLE);
                    chain.text(CHAIN_NAME, stamp);
                });
            }
        })?)
    }

    fn elements(&mut self, set: Set) -> Result<Vec<Element>, GateError> {
        let hook = self.hook()?;
        let request = |writer: &mut Writer| element::request(writer, hook, set);
        Ok(self.socket()?.dump(request, element::read)?)
    }

    /// The elements of a set, all of them. While the kernel resizes a set, a list that takes several
    /// datagrams can have some twice and others not at all: only what is seen twice is believed.
    fn all_elements(&mut self, set: Set) -> Result<Vec<Element>, GateError> {
        let places = |elements: &[Element]| -> BTreeSet<Place> {
            elements.iter().map(|element| (element.mac, element.session)).collect()
        };
        let mut before = places(&self.elements(set)?);
        for _ in 0..LOOKS {
            let elements = self.elements(set)?;
            let now = places(&elements);
            if now == before && now.len() == elements.len() {
                return Ok(elements);
            }
            before = now;
            std::thread::sleep(RESIZE);
        }
        Err(GateError::Netlink("the list of guests does not come to rest".to_owned()))
    }

    /// Makes the sets hold these guests.
    fn settle(&mut self, passes: &[Pass]) -> Result<(), GateError> {
        let wanted: HashMap<Mac, &Pass> = passes.iter().map(|pass| (pass.mac, pass)).collect();
        let sets = Set::all(self.hook()?);
        let mut places: HashMap<(Set, Mac), Element> = HashMap::new();
        for set in sets {
            let elements = self.all_elements(*set)?;
            places.extend(elements.into_iter().map(|element| ((*set, element.mac), element)));
        }
        // Also where nothing has to be changed now: whoever leaves later must be found.
        self.present = places.iter().map(|(place, it)| (*place, it.session)).collect();
        let fits = |set: Set, pass: &Pass| match places.get(&(set, pass.mac)) {
            Some(element) => element.session == pass.session && element.rate == set.rate(pass),
            None => !set.holds(pass),
        };
        let settled = |element: &Element| {
            let pass = wanted.get(&element.mac);
            pass.is_some_and(|pass| sets.iter().all(|set| fits(*set, pass)))
        };
        let uploads = places.iter().filter(|((set, _), _)| *set == Set::Upload);
        let present: Vec<Element> = uploads.map(|(_, element)| *element).collect();
        let stay: HashSet<Mac> =
            present.iter().filter(|element| settled(element)).map(|element| element.mac).collect();
        let mut changes: Vec<Change> = Vec::new();
        let gone = |element: &&Element| !wanted.contains_key(&element.mac);
        changes.extend(present.iter().filter(gone).map(|element| Change::Dismiss(element.mac)));
        let new = passes.iter().filter(|pass| !stay.contains(&pass.mac));
        changes.extend(new.copied().map(Change::Admit));
        for changes in changes.chunks(TOGETHER) {
            self.change_carefully(changes)?;
        }
        // Let through by a daemon before this one.
        let ended = |element: &Element| AccessChange {
            mac: element.mac,
            access: Access::Ended,
            addresses: Vec::new(),
        };
        let ended = present.iter().filter(gone).map(ended).collect();
        self.conntrack.delete(ended);
        Ok(())
    }

    /// Looks first which of the devices are in which set: the kernel takes one out on time by
    /// itself, and refuses a whole transaction that wants to take out one that is not there.
    fn change_carefully(&mut self, changes: &[Change]) -> Result<(), GateError> {
        let hook = self.hook()?;
        for mac in changes.iter().map(Change::mac) {
            let mut session = self.present.get(&(Set::Upload, mac)).copied().unwrap_or(0);
            for set in Set::all(hook) {
                self.present.remove(&(*set, mac));
                if let Some(element) = self.look_up(hook, *set, (mac, session))? {
                    session = element.session;
                    self.present.insert((*set, mac), session);
                }
            }
        }
        self.transact(changes)
    }

    fn look_up(
        &mut self,
        hook: Hook,
        set: Set,
        place: Place,
    ) -> Result<Option<Element>, GateError> {
        let request = |writer: &mut Writer| element::request_one(writer, hook, set, place);
        Ok(self.socket()?.ask(request, element::read)?.into_iter().next())
    }

    fn transact(&mut self, changes: &[Change]) -> Result<(), GateError> {
        let hook = self.hook()?;
        let last = last_of_each(changes);
        let admitted: Vec<Pass> = last.iter().filter_map(Change::pass).collect();
        let present = std::mem::take(&mut self.present);
        let outcome = self.socket()?.transact(|writer| {
            for set in Set::all(hook) {
                let place = |mac| present.get(&(*set, mac)).map(|session| (mac, *session));
                let old: Vec<Place> = last.iter().map(Change::mac).filter_map(place).collect();
                element::delete(writer, hook, *set, &old);
                let new: Vec<Pass> =
                    admitted.iter().filter(|pass| set.holds(pass)).copied().collect();
                element::insert(writer, hook, *set, &new);
            }
        });
        self.present = present;
        outcome?;
        for set in Set::all(hook) {
            for change in &last {
                self.present.remove(&(*set, change.mac()));
            }
            let new = admitted.iter().filter(|pass| set.holds(pass));
            self.present.extend(new.map(|pass| ((*set, pass.mac), pass.session)));
        }
        Ok(())
    }
}

impl Gate for Kernel {
    fn install(&mut self, networks: &[Network], passes: &[Pass]) -> Result<Hook, GateError> {
        let there: Vec<Network> =
            networks.iter().filter(|network| index(&network.device).is_some()).cloned().collect();
        if there.is_empty() {
            // Where that is not allowed, there is nothing of ours either.
            let _nothing = self.remove();
            self.conntrack.stand_on(Vec::new(), true, passes);
            return Ok(Hook::Nothing);
        }
        let had_rules = !self.chains()?.is_empty();
        let hook = self.load(&there)?;
        self.conntrack.stand_on(there, had_rules, passes);
        self.settle(passes)?;
        self.socket()?.transact(element::allow_resets)?;
        Ok(hook)
    }

    fn change(&mut self, changes: &[Change]) -> Result<(), GateError> {
        if changes.is_empty() {
            return Ok(());
        }
        match self.transact(changes) {
            Err(GateError::Lost) => self.change_carefully(changes),
            done => done,
        }
    }

    fn delete_connections(&mut self, changes: Vec<AccessChange>) {
        self.conntrack.delete(changes);
    }

    fn counts(&mut self) -> Result<Vec<Count>, GateError> {
        let uploads = self.elements(Set::Upload)?;
        let downloads: HashMap<Mac, Element> = self
            .elements(Set::Download)?
            .into_iter()
            .map(|element| (element.mac, element))
            .collect();
        let count = |upload: Element| upload.count(downloads.get(&upload.mac));
        Ok(uploads.into_iter().map(count).collect())
    }

    fn count(&mut self, mac: Mac, session: i64) -> Result<Option<Count>, GateError> {
        let hook = self.hook()?;
        let upload = self.look_up(hook, Set::Upload, (mac, session))?;
        let download = self.look_up(hook, Set::Download, (mac, session))?;
        let is_meant = |upload: &Element| upload.session == session;
        Ok(upload.filter(is_meant).map(|upload| upload.count(download.as_ref())))
    }

    fn remove(&mut self) -> Result<(), GateError> {
        self.hook = None;
        self.present.clear();
        for (family, _) in FAMILIES {
            let removed = self.socket()?.transact(|writer| {
                writer.nftables(DELETE_TABLE, family, ACK, |table| {
                    table.text(TABLE_NAME, TABLE);
                });
            });
            match removed {
                Err(error) if error.raw_os_error() != Some(libc::ENOENT) => {
                    return Err(error.into());
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Where a device is named twice, its last change is the one that counts.
fn last_of_each(changes: &[Change]) -> Vec<Change> {
    let last: HashMap<Mac, usize> =
        changes.iter().enumerate().map(|(at, change)| (change.mac(), at)).collect();
    let is_last = |(at, change): &(usize, &Change)| last.get(&change.mac()) == Some(at);
    changes.iter().enumerate().filter(is_last).map(|(_, change)| *change).collect()
}

fn index(device: &str) -> Option<u32> {
    if_nametoindex(device).ok()
}

/// A name for these rules on these devices, kept as an empty chain beside them: a device that was
/// replaced by another of the same name has lost its rules.
fn stamp(rules: &str, networks: &[Network]) -> String {
    let mut hasher = DefaultHasher::new();
    rules.hash(&mut hasher);
    for network in networks {
        index(&network.device).hash(&mut hasher);
    }
    format!("{STAMP}{:016x}", hasher.finish())
}

/// Where the rules are that these chains belong to; `None` unless they are complete.
fn hook_of(chains: &[(u8, String)]) -> Option<Hook> {
    let stamped = |(family, _): &(u8, &str)| {
        chains.iter().any(|(place, name)| place == family && name.starts_with(STAMP))
    };
    let egress = chains.iter().any(|(place, name)| *place == NETDEV && name == EGRESS);
    let hook = if egress { Hook::Netdev } else { Hook::Inet };
    FAMILIES.iter().all(stamped).then_some(hook)
}

/// Text that takes every chain of ours away and leaves the sets with the guests in place.
fn in_place_of(chains: &[(u8, String)]) -> String {
    let mut text = String::new();
    for (family, name) in FAMILIES {
        text += &format!("add table {name} {TABLE}\nflush table {name} {TABLE}\n");
        for (_, chain) in chains.iter().filter(|(place, _)| *place == family) {
            text += &format!("delete chain {name} {TABLE} {chain}\n");
        }
    }
    text
}

/// Text that takes everything of ours away.
fn cleared() -> String {
    FAMILIES
        .iter()
        .map(|(_, name)| format!("add table {name} {TABLE}\ndelete table {name} {TABLE}\n"))
        .collect()
}
