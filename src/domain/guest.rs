//! Who is on the guest network now.

use std::net::IpAddr;
use std::time::Duration;

use super::station::Mac;

/// A device on a guest network, signed in or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The device.
    pub mac: Mac,
    /// The address it was last seen with.
    pub address: IpAddr,
    /// The name it gave to the DHCP server.
    pub host_name: Option<String>,
    /// The guest network it is on.
    pub server: String,
    /// Since it appeared.
    pub uptime: Duration,
    /// Since it was last heard of.
    pub idle: Duration,
    /// Octets towards the device.
    pub download: u64,
    /// Octets from the device.
    pub upload: u64,
    /// Whether it is signed in.
    pub authorized: bool,
    /// Whether it may pass without signing in.
    pub bypassed: bool,
}

/// A guest who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveGuest {
    /// What they signed in with: username, e-mail address, number.
    pub login: String,
    /// The address their device was last seen with.
    pub address: IpAddr,
    /// Their device.
    pub mac: Mac,
    /// Since they signed in.
    pub uptime: Duration,
    /// Since their last traffic.
    pub idle: Duration,
    /// Octets towards the guest.
    pub download: u64,
    /// Octets from the guest.
    pub upload: u64,
}
