//! Networks whose rules have come or gone: the access of everybody there has changed.

use std::collections::HashSet;
use std::net::IpAddr;

use super::super::{Access, AccessChange, Network};
use crate::domain::station::Mac;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WholeNetwork {
    pub(super) device: String,
    pub(super) access: Access,
    /// Those who have the same access as before.
    pub(super) spared: HashSet<Mac>,
}

impl WholeNetwork {
    /// Those that are in one list only, or lead strangers elsewhere than before. `had_rules`: there were rules already, perhaps by a daemon
    /// before this one, which has no list. Whoever is let through now was let through without rules
    /// as well.
    pub(super) fn changed(
        before: &[Network],
        now: &[Network],
        had_rules: bool,
        let_through: &HashSet<Mac>,
    ) -> Vec<Self> {
        let has = |networks: &[Network], it: &Network| {
            networks.iter().any(|other| other.device == it.device)
        };
        let whole = |network: &Network, access| Self {
            device: network.device.clone(),
            access,
            spared: let_through.clone(),
        };
        let led_as_now = |it: &Network| {
            before.iter().any(|old| {
                (&old.device, old.portal_port, &old.garden)
                    == (&it.device, it.portal_port, &it.garden)
            })
        };
        let is_new = |it: &&Network| !had_rules || !before.is_empty() && !led_as_now(it);
        let closed = now.iter().filter(is_new).map(|it| whole(it, Access::Ended));
        let opened = before.iter().filter(|it| !has(now, it)).map(|it| whole(it, Access::Granted));
        closed.chain(opened).collect()
    }

    /// What it means for each of these neighbours on its device.
    pub(super) fn changes(
        &self,
        neighbours: &[(IpAddr, Mac)],
    ) -> impl Iterator<Item = AccessChange> {
        let concerned = neighbours.iter().filter(|(_, mac)| !self.spared.contains(mac));
        concerned.map(|(address, mac)| AccessChange {
            mac: *mac,
            access: self.access,
            addresses: vec![*address],
        })
    }
}
