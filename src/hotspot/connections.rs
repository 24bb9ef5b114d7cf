//! Connections that the kernel tracks: where a device's access changes, those from before are
//! forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::Hotspot;
use crate::domain::station::Mac;
use crate::firewall::{Access, AccessChange};

/// Devices whose sessions have opened or ended since the kernel was last told.
#[derive(Debug, Default)]
pub(super) struct Touched(BTreeMap<Mac, Before>);

/// What held for a device before.
#[derive(Debug)]
struct Before {
    had_access: bool,
    addresses: BTreeSet<IpAddr>,
}

impl Touched {
    /// Of several changes the first one tells what held before.
    pub(super) fn add(
        &mut self,
        mac: Mac,
        had_access: bool,
        addresses: impl IntoIterator<Item = IpAddr>,
    ) {
        let before = Before { had_access, addresses: BTreeSet::new() };
        self.0.entry(mac).or_insert(before).addresses.extend(addresses);
    }
}

impl Hotspot {
    /// Has the kernel forget the connections of those whose access has changed; to be called once
    /// that is in force. Who has another session than before keeps the connections.
    pub(super) fn delete_connections(&mut self) {
        let touched = std::mem::take(&mut self.enforcer.touched);
        let mut changes = Vec::new();
        for (mac, before) in touched.0 {
            let has_access = self.sessions.get(mac).is_some_and(|it| self.is_enforced(it));
            if has_access != before.had_access {
                let access = if has_access { Access::Granted } else { Access::Ended };
                let addresses = before.addresses.into_iter().collect();
                changes.push(AccessChange { mac, access, addresses });
            }
        }
        if !changes.is_empty() {
            self.enforcer.delete_connections(changes);
        }
    }
}
