//! rtnetlink messages: bytes in, what they say out (rtnetlink(7), linux/netlink.h,
//! linux/rtnetlink.h, linux/neighbour.h).
//!
//! Only the few fields in use are read, so a kernel that adds attributes changes nothing. What is
//! cut short or makes no sense is passed over; nothing here can panic. Numbers are in the
//! machine's own byte order, as the kernel writes them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::domain::neighbour::Reach;
use crate::domain::station::Mac;

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_NEWNEIGH: u16 = 28;
const RTM_DELNEIGH: u16 = 29;
const RTM_GETNEIGH: u16 = 30;

const NLM_F_REQUEST: u16 = 0x1;
/// The table changed under the dump: something may be missing from it.
const NLM_F_DUMP_INTR: u16 = 0x10;
/// Of messages that make an entry: only where there is one; only where there is none; make it.
const NLM_F_REPLACE: u16 = 0x100;
const NLM_F_EXCL: u16 = 0x200;
const NLM_F_CREATE: u16 = 0x400;
/// `NLM_F_ROOT | NLM_F_MATCH`.
const NLM_F_DUMP: u16 = 0x300;

const AF_UNSPEC: u8 = 0;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

const NDA_DST: u16 = 1;
const NDA_LLADDR: u16 = 2;
const NDA_IFINDEX: u16 = 8;
const IFLA_IFNAME: u16 = 3;
/// The other two bits of an attribute's type are flags (`NLA_TYPE_MASK`).
const TYPE_MASK: u16 = 0x3fff;

/// An entry that is not a neighbour but an address we answer for.
const NTF_PROXY: u8 = 0x08;
/// `NUD_PROBE`: it is asked whether it is there, and used meanwhile.
const PROBE: u16 = 0x10;
/// `NUD_NOARP`.
const NOARP: u16 = 0x40;
/// `NUD_REACHABLE | NUD_PERMANENT`.
const PRESENT: u16 = 0x02 | 0x80;
/// `NUD_STALE | NUD_DELAY | NUD_PROBE`.
const QUIET: u16 = 0x04 | 0x08 | 0x10;

/// One message of a datagram (`struct nlmsghdr` and what follows it).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    kind: u16,
    flags: u16,
    sequence: u32,
    body: &'a [u8],
}

/// The messages of a datagram; ends where the rest is not a whole message.
pub fn messages(datagram: &[u8]) -> impl Iterator<Item = Message<'_>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let ([l0, l1, l2, l3, k0, k1, f0, f1, s0, s1, s2, s3, ..], _) =
            rest.split_first_chunk::<16>()?;
        let length = usize::try_from(u32::from_ne_bytes([*l0, *l1, *l2, *l3])).ok()?;
        let message = Message {
            kind: u16::from_ne_bytes([*k0, *k1]),
            flags: u16::from_ne_bytes([*f0, *f1]),
            sequence: u32::from_ne_bytes([*s0, *s1, *s2, *s3]),
            body: rest.get(16..length)?,
        };
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(message)
    })
}

/// The attributes after a message's fixed part: type and value (`struct nlattr`).
fn attributes(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let ([l0, l1, t0, t1], _) = rest.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_ne_bytes([*l0, *l1]));
        let value = rest.get(4..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((u16::from_ne_bytes([*t0, *t1]) & TYPE_MASK, value))
    })
}

/// What a message tells about neighbours and devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice<'a> {
    /// An entry is there: the answer to a question, or new, or changed.
    Neighbour(Entry),
    /// An entry has been removed.
    Forgotten {
        /// The device's index.
        index: u32,
        /// The address.
        address: IpAddr,
    },
    /// A device is new or has changed.
    Device {
        /// Its index.
        index: u32,
        /// Its name.
        name: &'a [u8],
    },
    /// A device has been removed.
    DeviceGone {
        /// Its index.
        index: u32,
    },
}

/// An entry of the neighbour tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The device's index.
    pub index: u32,
    /// The address.
    pub address: IpAddr,
    /// Whose it is; known unless it is `Gone`.
    pub mac: Option<Mac>,
    /// How sure that is.
    pub reach: Reach,
}

impl<'a> Message<'a> {
    /// The number of the request that this answers.
    pub fn sequence(&self) -> u32 {
        self.sequence
    }

    /// Whether the table changed while it was dumped.
    pub fn interrupted(&self) -> bool {
        self.flags & NLM_F_DUMP_INTR != 0
    }

    /// How the request ended, where the message says that.
    pub fn outcome(&self) -> Option<io::Result<()>> {
        if !matches!(self.kind, NLMSG_ERROR | NLMSG_DONE) {
            return None;
        }
        // Zero or a negated errno, in both.
        let code = self.body.first_chunk().map(|code| i32::from_ne_bytes(*code));
        Some(match code {
            Some(0) => Ok(()),
            Some(code) => Err(io::Error::from_raw_os_error(code.saturating_neg())),
            None => Err(io::ErrorKind::InvalidData.into()),
        })
    }

    /// What it tells, if that concerns devices or the addresses of hosts.
    pub fn notice(&self) -> Option<Notice<'a>> {
        match self.kind {
            RTM_NEWNEIGH => self.neighbour()?.entry().map(Notice::Neighbour),
            RTM_DELNEIGH => {
                let neighbour = self.neighbour()?;
                Some(Notice::Forgotten { index: neighbour.index, address: neighbour.address })
            }
            RTM_NEWLINK => self.link(),
            RTM_DELLINK => match self.link()? {
                Notice::Device { index, .. } => Some(Notice::DeviceGone { index }),
                other => Some(other),
            },
            _ => None,
        }
    }

    /// `struct ndmsg`, `NDA_DST`, `NDA_LLADDR`; bridge ports' forwarding entries and addresses
    /// that are no host's are left out.
    fn neighbour(&self) -> Option<RawNeighbour<'a>> {
        let ([family, _, _, _, i0, i1, i2, i3, s0, s1, flags, _], rest) =
            self.body.split_first_chunk::<12>()?;
        if flags & NTF_PROXY != 0 {
            return None;
        }
        let (mut address, mut link) = (None, None);
        for (kind, value) in attributes(rest) {
            match kind {
                NDA_DST => address = ip_address(*family, value),
                NDA_LLADDR => link = Some(value),
                _ => {}
            }
        }
        Some(RawNeighbour {
            index: u32::from_ne_bytes([*i0, *i1, *i2, *i3]),
            address: address.filter(is_host)?,
            state: u16::from_ne_bytes([*s0, *s1]),
            link,
        })
    }

    /// `struct ifinfomsg`, `IFLA_IFNAME`. A bridge says under its own family that a port has left
    /// it, which removes no device.
    fn link(&self) -> Option<Notice<'a>> {
        let ([family, _, _, _, i0, i1, i2, i3, ..], rest) = self.body.split_first_chunk::<16>()?;
        if *family != AF_UNSPEC {
            return None;
        }
        let (_, name) = attributes(rest).find(|(kind, _)| *kind == IFLA_IFNAME)?;
        let name = name.split(|byte| *byte == 0).next()?;
        Some(Notice::Device { index: u32::from_ne_bytes([*i0, *i1, *i2, *i3]), name })
    }
}

struct RawNeighbour<'a> {
    index: u32,
    address: IpAddr,
    state: u16,
    link: Option<&'a [u8]>,
}

impl RawNeighbour<'_> {
    fn entry(&self) -> Option<Entry> {
        // Our own addresses, and those that need no neighbour.
        if self.state & NOARP != 0 {
            return None;
        }
        let reach = match self.state {
            state if state & PRESENT != 0 => Reach::Present,
            state if state & QUIET != 0 => Reach::Quiet,
            // NUD_NONE too: nobody has answered there yet.
            _ => Reach::Gone,
        };
        let mac = match reach {
            Reach::Gone => None,
            Reach::Present | Reach::Quiet => Some(Mac::of_device(self.link?)?),
        };
        Some(Entry { index: self.index, address: self.address, mac, reach })
    }
}

fn ip_address(family: u8, bytes: &[u8]) -> Option<IpAddr> {
    match family {
        AF_INET => <[u8; 4]>::try_from(bytes).ok().map(|octets| Ipv4Addr::from(octets).into()),
        AF_INET6 => <[u8; 16]>::try_from(bytes).ok().map(|octets| Ipv6Addr::from(octets).into()),
        _ => None,
    }
}

/// The kernel keeps entries for groups too: they stand for no device.
fn is_host(address: &IpAddr) -> bool {
    let broadcast = *address == IpAddr::V4(Ipv4Addr::BROADCAST);
    !(address.is_multicast() || address.is_unspecified() || broadcast)
}

/// Asks for one address's entry. Linux 5.0 and later answer that.
pub(super) fn get(sequence: u32, index: u32, address: IpAddr) -> Vec<u8> {
    let family = family(address);
    ask(RTM_GETNEIGH, sequence, 0, (family, index, 0), &[(NDA_DST, &octets(address))])
}

/// Puts an entry into the state `NUD_PROBE`: one that does not exist, with its MAC address; one that
/// does, without.
pub(super) fn probe(sequence: u32, index: u32, address: IpAddr, mac: Option<Mac>) -> Vec<u8> {
    let flags = if mac.is_some() { NLM_F_CREATE | NLM_F_EXCL } else { NLM_F_REPLACE };
    let destination = octets(address);
    let mac = mac.map(Mac::octets);
    let mut attributes = vec![(NDA_DST, &*destination)];
    attributes.extend(mac.as_ref().map(|mac| (NDA_LLADDR, &mac[..])));
    ask(RTM_NEWNEIGH, sequence, flags, (family(address), index, PROBE), &attributes)
}

fn family(address: IpAddr) -> u8 {
    if address.is_ipv4() { AF_INET } else { AF_INET6 }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

/// Asks for all entries of a device, IPv4 and IPv6. A kernel older than 4.4 answers with those of
/// every device.
pub(super) fn dump(sequence: u32, index: u32) -> Vec<u8> {
    let attributes = [(NDA_IFINDEX, &index.to_ne_bytes()[..])];
    ask(RTM_GETNEIGH, sequence, NLM_F_DUMP, (AF_UNSPEC, 0, 0), &attributes)
}

/// `struct nlmsghdr`, `struct ndmsg` (family, index, state), attributes.
fn ask(
    kind: u16,
    sequence: u32,
    flags: u16,
    (family, index, state): (u8, u32, u16),
    attributes: &[(u16, &[u8])],
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    bytes.extend([0; 4]);
    bytes.extend(kind.to_ne_bytes());
    bytes.extend((NLM_F_REQUEST | flags).to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend([0; 4]);
    bytes.extend([family, 0, 0, 0]);
    bytes.extend(index.to_ne_bytes());
    bytes.extend(state.to_ne_bytes());
    bytes.extend([0; 2]);
    for (kind, value) in attributes {
        bytes.extend(u16::try_from(4 + value.len()).unwrap_or(u16::MAX).to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(*value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    bytes.splice(..4, length.to_ne_bytes());
    bytes
}
