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
    /// Whether both are the same access point. Each may leave out NAS-IP-Address or NAS-Identifier;
    /// neither is enough by itself, since access points as delivered have the same ones. The source
    /// address tells them apart, but not behind a proxy (`is_proxied`), which has many behind one and
    /// may have a second one beside it.
    pub fn is(&self, other: &Self, is_proxied: bool) -> bool {
        let (address, identifier) = (self.compare_address(other), self.compare_identifier(other));
        let differ = address == Some(false) || identifier == Some(false);
        let tells = match is_proxied {
            true => address == Some(true) || identifier == Some(true),
            false => self.source == other.source,
        };
        self.client == other.client && tells && !differ
    }

    /// Whether both say the same; `None` where one says nothing, or each an address of its own family.
    fn compare_address(&self, other: &Self) -> Option<bool> {
        let (ours, theirs) = (self.address?, other.address?);
        (ours.is_ipv4() == theirs.is_ipv4()).then_some(ours == theirs)
    }

    fn compare_identifier(&self, other: &Self) -> Option<bool> {
        Some(self.identifier.as_ref()? == other.identifier.as_ref()?)
    }

    /// Whether they cannot be one access point, whatever their sources.
    pub fn differs_from(&self, other: &Self) -> bool {
        self.compare_address(other) == Some(false) || self.compare_identifier(other) == Some(false)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn nas(source: u8, address: Option<u8>, identifier: Option<&str>) -> Nas {
        let ip = |last| IpAddr::from([10, 0, 0, last]);
        Nas {
            client: "lobby".into(),
            source: ip(source),
            address: address.map(ip),
            identifier: identifier.map(str::to_owned),
        }
    }

    #[test]
    fn an_access_point_may_leave_out_what_it_is_called() {
        let full = nas(1, Some(1), Some("ap1"));
        for other in [nas(1, Some(1), None), nas(1, None, Some("ap1")), nas(1, None, None)] {
            assert!(full.is(&other, false) && other.is(&full, false), "{other:?}");
        }
        let sixth = Nas { address: Some("fd00::1".parse().unwrap()), ..full.clone() };
        assert!(full.is(&sixth, false));
        for other in
            [nas(1, Some(2), None), nas(1, None, Some("ap2")), nas(2, Some(1), Some("ap1"))]
        {
            assert!(!full.is(&other, false), "{other:?}");
        }
        assert!(!full.is(&Nas { client: "pool".into(), ..full.clone() }, false));
    }

    #[test]
    fn behind_a_proxy_only_its_name_tells() {
        let full = nas(1, Some(1), Some("ap1"));
        assert!(full.is(&nas(2, Some(1), None), true) && full.is(&nas(1, None, Some("ap1")), true));
        for other in
            [nas(1, None, None), nas(1, Some(2), Some("ap1")), nas(1, Some(1), Some("ap2"))]
        {
            assert!(!full.is(&other, true), "{other:?}");
        }
    }
}
