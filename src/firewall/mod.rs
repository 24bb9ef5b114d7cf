//! The gate: what the kernel lets pass between the guest networks and everywhere else.
//!
//! ```text
//!             ┌ netdev hotspotd, ingress ┐                      ┌ egress ┐
//!  guest ────▶│ upload: MAC → time,      │──▶ routing, NAT ────▶│        │──▶ internet
//!             │  quota, counter, rate    │    inet hotspotd:    │        │
//!  guest ◀────│ strangers: DNS, DHCP,    │◀── strangers' web to │download│◀── internet
//!             └ portal, garden           ┘    the portal, drop  └────────┘
//! ```
//!
//! Every guest is an element of kernel sets, keyed by the device's MAC; the element itself carries
//! the time left, the quota and the counter. So the kernel ends a session to the second and to
//! the packet without us, every IPv4 and IPv6 address of a device follows its MAC, and no packet
//! walks a list.
//!
//! [`ruleset`] words the rules, which `nft` loads once; [`element`] and [`message`] speak netlink
//! for everything that happens afterwards, so that no process is started for a guest; [`kernel`]
//! puts both together; [`conntrack`] has the kernel judge a device's connections anew where its
//! access changes; [`watch`] notices when somebody else removes the rules.

mod conntrack;
mod element;
mod flowtable;
mod guest_limits;
mod kernel;
mod limits;
mod message;
mod nft;
mod probe_names;
mod ruleset;
mod socket;
mod watch;

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use crate::domain::session::Usage;
use crate::domain::station::Mac;

pub use conntrack::is_supported as can_delete_connections;
pub use element::{Element, decode as decode_elements};
pub use flowtable::{Flowtable, flowtables};
pub use kernel::Kernel;
pub use watch::{RulesGone, watch};

/// The mark on packets that the gate has admitted (bit 28). An operator's own firewall may keep
/// the guest zone's forwarding closed and accept this mark only: then nothing passes even without
/// our rules. The high bits are free where mwan3 (0x3f00) and pbr (0xff0000) take theirs.
pub const ADMITTED: u32 = 0x1000_0000;

/// A guest network whose traffic is to be enforced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// The network device.
    pub device: String,
    /// Where strangers' web requests go.
    pub portal_port: u16,
    /// The name of the portal, where it has one: strangers look it up.
    pub portal_name: Option<String>,
    /// Networks that everyone may reach.
    pub garden: Vec<IpNet>,
    /// Whether any guest is limited to a rate; where none is, packets are not looked up for it.
    pub has_rates: bool,
}

/// What one direction of a session may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lane {
    /// kbit/s; 0 is unlimited.
    pub rate: u32,
    /// Octets that count as used from the start.
    pub used: u64,
    /// Octets at which it ends, `used` included; `None` is never.
    pub limit: Option<u64>,
}

/// A guest who is let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// The device.
    pub mac: Mac,
    /// The session it belongs to.
    pub session: i64,
    /// The voucher behind it.
    pub voucher: i64,
    /// Time left; `None` is without end.
    pub time: Option<Duration>,
    /// Towards the guest.
    pub download: Lane,
    /// From the guest.
    pub upload: Lane,
}

/// A change at the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Lets a guest through from now on, or changes the terms.
    Admit(Pass),
    /// Lets a device through no more.
    Dismiss(Mac),
}

impl Change {
    /// The device.
    pub fn mac(&self) -> Mac {
        match self {
            Self::Admit(pass) => pass.mac,
            Self::Dismiss(mac) => *mac,
        }
    }

    /// The terms of one who is let through.
    pub fn pass(&self) -> Option<Pass> {
        match self {
            Self::Admit(pass) => Some(*pass),
            Self::Dismiss(_) => None,
        }
    }
}

/// What a device may do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It is let through.
    Granted,
    /// It is not let through any more.
    Ended,
}

/// A device that may do other things than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessChange {
    /// The device.
    pub mac: Mac,
    /// From now on.
    pub access: Access,
    /// Addresses that it has or had; those that the kernel knows of it now need not be among them.
    pub addresses: Vec<IpAddr>,
}

/// What the kernel has counted for one guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The device.
    pub mac: Mac,
    /// The session it was admitted for.
    pub session: i64,
    /// The voucher behind it.
    pub voucher: i64,
    /// Time left, by the kernel's clock; `None` is without end.
    pub time: Option<Duration>,
    /// Octets since the session began, [`Lane::used`] included. Downloads are counted as frames,
    /// the Ethernet header included: that is what the kernel sees there.
    pub usage: Usage,
    /// Whether the download's limit has been reached.
    pub download_is_over: bool,
    /// Whether the upload's limit has been reached.
    pub upload_is_over: bool,
}

/// How the rules hook into the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// At the guest device itself, both directions.
    Netdev,
    /// Downloads in the routing path: for kernels without an egress hook.
    Inet,
    /// No network is enforced, or no device is there.
    Nothing,
}

/// Why the gate does not do what it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GateError {
    /// The rules are not there, or not as they were: install them again.
    Lost,
    /// The `nft` program is missing or fails.
    Nft(String),
    /// The kernel does not answer, or refuses.
    Netlink(String),
}

impl fmt::Display for GateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost => f.write_str("the rules are gone from the kernel"),
            Self::Nft(why) => write!(f, "the rules cannot be loaded: {why}"),
            Self::Netlink(why) => write!(f, "the kernel does not take the change: {why}"),
        }
    }
}

impl std::error::Error for GateError {}

impl From<io::Error> for GateError {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::ENOENT) => Self::Lost,
            _ => Self::Netlink(error.to_string()),
        }
    }
}

/// The gate as its owner sees it; the real one is [`Kernel`].
pub trait Gate: Send {
    /// Brings rules and guests to what is wanted, whatever is there now: at the start, when the
    /// configuration has changed, when rules or devices have come or gone. Guests who are let
    /// through already for the same session at the same rates go on with what the kernel has
    /// counted for them.
    ///
    /// # Errors
    /// Where the rules cannot be loaded; what was there before then stays.
    fn install(&mut self, networks: &[Network], passes: &[Pass]) -> Result<Hook, GateError>;

    /// Makes changes, all or none.
    ///
    /// # Errors
    /// [`GateError::Lost`] where the rules are not there any more.
    fn change(&mut self, changes: &[Change]) -> Result<(), GateError>;

    /// Has the connection tracking entries deleted that were made under the other access of these
    /// devices, so that their connections meet the rules as they are now. To be called once the
    /// change is in force. It is done in the background, and what fails is logged: nobody is let
    /// through or kept out by that.
    fn delete_connections(&mut self, changes: Vec<AccessChange>);

    /// What has been counted for everyone who is let through now.
    ///
    /// # Errors
    /// [`GateError::Lost`] where the rules are not there any more.
    fn counts(&mut self) -> Result<Vec<Count>, GateError>;

    /// What has been counted for one session; `None` where it is not let through.
    ///
    /// # Errors
    /// [`GateError::Lost`] where the rules are not there any more.
    fn count(&mut self, mac: Mac, session: i64) -> Result<Option<Count>, GateError>;

    /// Removes the rules: nothing is enforced any more.
    ///
    /// # Errors
    /// What the kernel reports.
    fn remove(&mut self) -> Result<(), GateError>;
}

#[cfg(test)]
mod tests;
