//! Who is on the guest network now.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::session::{Allowance, Usage};
use super::station::Mac;
use super::time::Timestamp;

/// Where a request of a guest came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The guest network: the name of its `config guest` section.
    pub network: Arc<str>,
    /// The address it came from.
    pub address: IpAddr,
    /// The device that opened its connection; `None` where the kernel does not say.
    pub device: Option<Mac>,
}

/// What a guest who is signed in is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Online {
    /// What they signed in with; of a username that is its own passcode no more than the beginning,
    /// since whoever reads the rest can sign in with it.
    pub login: String,
    /// Their device.
    pub mac: Mac,
    /// Since they signed in.
    pub uptime: Duration,
    /// What this session has used.
    pub usage: Usage,
    /// What is left.
    pub left: Allowance,
    /// When the voucher ends; `None` is never, or not known because the clock is not set.
    pub until: Option<Timestamp>,
}

/// A device on a guest network, signed in or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The device.
    pub mac: Mac,
    /// The address it was last seen with.
    pub address: Option<IpAddr>,
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
    /// The address their device was last seen with, where it is known.
    pub address: Option<IpAddr>,
    /// Their device; an access point need not say.
    pub mac: Option<Mac>,
    /// Since they signed in.
    pub uptime: Duration,
    /// Since their last traffic.
    pub idle: Duration,
    /// Octets towards the guest.
    pub download: u64,
    /// Octets from the guest.
    pub upload: u64,
}

/// An open session, for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionView {
    /// Its number, never given twice.
    pub id: i64,
    /// What they signed in with.
    pub login: String,
    /// Their device; an access point need not say.
    pub mac: Option<Mac>,
    /// What an access point says of the device, where that is no MAC.
    pub calling_station: Option<String>,
    /// The name it gave to the DHCP server.
    pub host_name: Option<String>,
    /// The guest network, or the access point's section.
    pub network: String,
    /// The address their device was last seen with, where it is there.
    pub address: Option<IpAddr>,
    /// When they signed in.
    pub started_at: Timestamp,
    /// Since they signed in.
    pub uptime: Duration,
    /// Since their last traffic.
    pub idle: Duration,
    /// What this session has used.
    pub usage: Usage,
    /// What is left.
    pub left: Allowance,
    /// What an access point has to do with it that it does not do; `None` where all is well.
    pub trouble: Option<String>,
}
