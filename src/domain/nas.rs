//! Access points, as they present themselves over RADIUS.

use std::net::IpAddr;
use std::sync::Arc;

/// An access point.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Nas {
    /// The name of its `config client` section.
    pub client: Arc<str>,
    /// The address its packet came from.
    pub source: IpAddr,
    /// NAS-IP-Address or NAS-IPv6-Address.
    pub address: Option<IpAddr>,
    /// NAS-Identifier.
    pub identifier: Option<String>,
}

impl Nas {
    /// Whether both are the same box: behind a proxy several come from one address.
    pub fn is(&self, other: &Self) -> bool {
        self.client == other.client
            && self.address == other.address
            && self.identifier == other.identifier
    }
}

/// From whose side an access point counts octets: what it calls input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ViewPoint {
    /// Its own: input is what it receives from the guest (RFC 2866 section 5.3).
    #[default]
    Nas,
    /// The guest's: input is what the guest receives.
    Client,
}

impl ViewPoint {
    /// By its number in CoovaChilli-Acct-View-Point.
    pub fn numbered(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Nas),
            2 => Some(Self::Client),
            _ => None,
        }
    }

    /// Its number in CoovaChilli-Acct-View-Point.
    pub fn number(self) -> u32 {
        match self {
            Self::Nas => 1,
            Self::Client => 2,
        }
    }
}

/// What an access point has shown of itself, which is needed before it shows it again: after a
/// restart of the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NasPeer {
    /// The name of its `config client` section.
    pub client: Arc<str>,
    /// The address its packets come from.
    pub source: IpAddr,
    /// The address of ours that it asks.
    pub local: IpAddr,
    /// Whether it has ever sent an Accounting-Request.
    pub reports: bool,
    /// How it counts, where it has ever said so.
    pub view_point: Option<ViewPoint>,
}

/// What an access point says of a session beside what counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// Called-Station-Id.
    pub called_station: Option<String>,
    /// Calling-Station-Id, as it was sent.
    pub calling_station: Option<String>,
    /// NAS-Port.
    pub port: Option<u32>,
    /// NAS-Port-Id.
    pub port_id: Option<String>,
    /// NAS-Port-Type, by its name.
    pub port_type: Option<String>,
    /// Service-Type, by its name.
    pub service_type: Option<String>,
    /// Framed-Protocol, by its name.
    pub framed_protocol: Option<String>,
    /// Acct-Authentic, by its name.
    pub authentic: Option<String>,
    /// Connect-Info.
    pub connect_info: Option<String>,
    /// From whose side its octets were counted last.
    pub view_point: ViewPoint,
}
