//! What the kernel's neighbour tables say about the devices on a guest network.

use std::net::IpAddr;
use std::sync::Arc;

use super::station::Mac;

/// How sure the kernel is that a neighbour is there (`NUD_*`, linux/neighbour.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Confirmed a moment ago: `REACHABLE`, `PERMANENT`.
    Present,
    /// Not heard of for a while, which is not gone: `STALE`, `DELAY`, `PROBE`.
    Quiet,
    /// It does not answer: `FAILED`, `INCOMPLETE`.
    Gone,
}

/// One address of one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// The guest network it is on: the name of its `config guest` section.
    pub network: Arc<str>,
    /// The address.
    pub address: IpAddr,
    /// The device; unknown for an address that does not answer.
    pub mac: Option<Mac>,
    /// How sure that is.
    pub reach: Reach,
}

/// What has happened on the guest networks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// An entry is new or has changed.
    Seen(Neighbour),
    /// The kernel has forgotten an entry, perhaps to make room: no proof of absence.
    Forgotten {
        /// The guest network.
        network: Arc<str>,
        /// The address.
        address: IpAddr,
    },
    /// Everything there is: events were lost, or this is the start.
    Everything(Vec<Neighbour>),
    /// A network's device has come (with its index), has been replaced, or has gone (`None`).
    Device {
        /// The guest network.
        network: Arc<str>,
        /// The kernel's number for the device.
        index: Option<u32>,
    },
}
