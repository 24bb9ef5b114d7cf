//! One entry of the kernel's connection tracking, as ctnetlink writes it
//! (linux/netfilter/nfnetlink_conntrack.h).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::message::{Attributes, Writer};
use super::eviction::Timeouts;

/// `CTA_TUPLE_ORIG`, `CTA_TUPLE_REPLY`, `CTA_STATUS`, `CTA_PROTOINFO`, `CTA_TIMEOUT`, `CTA_ID`,
/// `CTA_ZONE` and `CTA_FILTER`.
const TUPLE_ORIG: u16 = 1;
const TUPLE_REPLY: u16 = 2;
const STATUS: u16 = 3;
const PROTOINFO: u16 = 4;
const TIMEOUT: u16 = 7;
const ID: u16 = 12;
const ZONE: u16 = 18;
const FILTER: u16 = 25;
/// `CTA_TUPLE_IP` and `CTA_TUPLE_PROTO`.
const TUPLE_IP: u16 = 1;
const TUPLE_PROTO: u16 = 2;
/// `CTA_IP_V4_SRC` and its neighbours.
const V4_SRC: u16 = 1;
const V4_DST: u16 = 2;
const V6_SRC: u16 = 3;
const V6_DST: u16 = 4;
/// `CTA_PROTO_NUM` and `CTA_PROTO_SRC_PORT`.
const PROTO_NUM: u16 = 1;
const PROTO_SRC_PORT: u16 = 2;
/// `CTA_FILTER_ORIG_FLAGS` and `CTA_FILTER_REPLY_FLAGS`, and in both `CTA_FILTER_F_CTA_IP_SRC`
/// (net/netfilter/nf_internals.h), in host byte order.
const FILTER_ORIG_FLAGS: u16 = 1;
const FILTER_REPLY_FLAGS: u16 = 2;
const BY_SOURCE: u32 = 1;
/// `CTA_PROTOINFO_TCP` and in it `CTA_PROTOINFO_TCP_STATE`.
const PROTOINFO_TCP: u16 = 1;
const TCP_STATE: u16 = 1;
/// `TCP_CONNTRACK_ESTABLISHED` (linux/netfilter/nf_conntrack_tcp.h).
const ESTABLISHED: u8 = 3;
/// `IPS_ASSURED` and `IPS_OFFLOAD` (linux/netfilter/nf_conntrack_common.h).
const ASSURED: u32 = 1 << 2;
const OFFLOAD: u32 = 1 << 14;

/// Of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    pub(super) fn of(address: &IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// `NFPROTO_IPV4`, `NFPROTO_IPV6`.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::V4 => 2,
            Self::V6 => 10,
        }
    }
}

/// One of an entry's two directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// Of its first packet.
    Original,
    /// Of the answers, as they arrive here: where the entry translates addresses, its source is
    /// where the first packet really went.
    Reply,
}

/// An entry: what has to be known of it, and the kernel's own words for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) family: Family,
    /// Who has begun it.
    pub(super) source: IpAddr,
    /// Where to.
    pub(super) destination: IpAddr,
    /// Who answers.
    pub(super) reply_source: IpAddr,
    /// From which port; `None` where the protocol has none.
    pub(super) reply_port: Option<u16>,
    /// `IPPROTO_*`.
    pub(super) protocol: u8,
    /// `IPS_*`.
    status: u32,
    /// Seconds until the entry ends by itself; each packet starts them anew.
    remaining: u32,
    is_established_tcp: bool,
    tuple: Vec<u8>,
    zone: Option<Vec<u8>>,
    id: Option<Vec<u8>>,
}

impl Entry {
    /// What a message of a dump tells; `None` where something is missing.
    pub(super) fn read(message: Attributes<'_>) -> Option<Self> {
        let (original, reply) = (message.inside(TUPLE_ORIG), message.inside(TUPLE_REPLY));
        let (source, destination) = addresses(original.inside(TUPLE_IP))?;
        let (reply_source, _) = addresses(reply.inside(TUPLE_IP))?;
        let port = reply.inside(TUPLE_PROTO).get(PROTO_SRC_PORT);
        let own = |kind| message.get(kind).map(<[u8]>::to_vec);
        let tcp_state = message.inside(PROTOINFO).inside(PROTOINFO_TCP).get(TCP_STATE);
        Some(Self {
            family: Family::of(&source),
            source,
            destination,
            reply_source,
            reply_port: port.and_then(|port| port.try_into().ok()).map(u16::from_be_bytes),
            protocol: *original.inside(TUPLE_PROTO).get(PROTO_NUM)?.first()?,
            status: message.u32(STATUS).unwrap_or(0),
            remaining: message.u32(TIMEOUT).unwrap_or(0),
            is_established_tcp: tcp_state.and_then(<[u8]>::first) == Some(&ESTABLISHED),
            tuple: own(TUPLE_ORIG)?,
            zone: own(ZONE),
            id: own(ID),
        })
    }

    /// Seconds since its last packet. Connections that are closing, or were never answered, count as
    /// idle for longer than any other: nobody misses them.
    pub(super) fn idle(&self, timeouts: Timeouts) -> u32 {
        let is_assured = self.status & ASSURED != 0;
        // A flowtable's packets do not start the time-out anew.
        if self.status & OFFLOAD != 0 {
            return 0;
        }
        match i32::from(self.protocol) {
            libc::IPPROTO_TCP if self.is_established_tcp && is_assured => {
                timeouts.tcp_established.saturating_sub(self.remaining)
            }
            libc::IPPROTO_UDP if is_assured => timeouts.udp_stream.saturating_sub(self.remaining),
            _ => u32::MAX,
        }
    }

    /// What tells the kernel which entry is meant; with the number it is not a later one of the
    /// same addresses.
    pub(super) fn write_key(&self, message: &mut Writer) {
        message.nested(TUPLE_ORIG, |tuple| tuple.raw(&self.tuple));
        if let Some(zone) = &self.zone {
            message.bytes(ZONE, zone);
        }
        if let Some(id) = &self.id {
            message.bytes(ID, id);
        }
    }
}

/// Asks for entries with this source address in one direction only.
pub(super) fn write_filter(message: &mut Writer, direction: Direction, address: IpAddr) {
    let (tuple, flags) = match direction {
        Direction::Original => (TUPLE_ORIG, FILTER_ORIG_FLAGS),
        Direction::Reply => (TUPLE_REPLY, FILTER_REPLY_FLAGS),
    };
    message.nested(tuple, |tuple| {
        tuple.nested(TUPLE_IP, |ip| match address {
            IpAddr::V4(address) => ip.bytes(V4_SRC, &address.octets()),
            IpAddr::V6(address) => ip.bytes(V6_SRC, &address.octets()),
        });
    });
    message.nested(FILTER, |filter| filter.bytes(flags, &BY_SOURCE.to_ne_bytes()));
}

/// Source and destination.
fn addresses(ip: Attributes<'_>) -> Option<(IpAddr, IpAddr)> {
    let v4 = |kind| Some(IpAddr::from(Ipv4Addr::from(<[u8; 4]>::try_from(ip.get(kind)?).ok()?)));
    let v6 = |kind| Some(IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(ip.get(kind)?).ok()?)));
    match (v4(V4_SRC), v4(V4_DST)) {
        (Some(source), Some(destination)) => Some((source, destination)),
        _ => Some((v6(V6_SRC)?, v6(V6_DST)?)),
    }
}
