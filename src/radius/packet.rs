//! Packets as bytes: the header, and attributes one after the other (RFC 2865 section 3).

use std::fmt;

/// The longest packet there is (RFC 2865 section 3).
pub const MAX_PACKET: usize = 4096;
/// The longest value of an attribute.
pub const MAX_VALUE: usize = 253;
/// Attributes beyond this number make a packet malformed: no access point sends as many, and each
/// costs work before anybody is known to be a friend. FreeRADIUS's `max_attributes`.
pub const MAX_ATTRIBUTES: usize = 200;
/// Octets before the first attribute.
pub(super) const HEADER: usize = 20;
/// The type of Message-Authenticator (RFC 3579 section 3.2).
pub const MESSAGE_AUTHENTICATOR: u8 = 80;

/// What a packet is for: its first octet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// Somebody wants to be let in.
    AccessRequest,
    /// They are.
    AccessAccept,
    /// They are not.
    AccessReject,
    /// A session is reported of.
    AccountingRequest,
    /// The report is taken down.
    AccountingResponse,
    /// There is more to ask.
    AccessChallenge,
    /// Is the server there? (RFC 5997)
    StatusServer,
    /// A session is to be ended (RFC 5176).
    DisconnectRequest,
    /// It has been.
    DisconnectAck,
    /// It has not been.
    DisconnectNak,
    /// A session is to be changed (RFC 5176).
    CoaRequest,
    /// It has been.
    CoaAck,
    /// It has not been.
    CoaNak,
    /// Any other number.
    Other(u8),
}

const CODES: [(Code, u8); 13] = [
    (Code::AccessRequest, 1),
    (Code::AccessAccept, 2),
    (Code::AccessReject, 3),
    (Code::AccountingRequest, 4),
    (Code::AccountingResponse, 5),
    (Code::AccessChallenge, 11),
    (Code::StatusServer, 12),
    (Code::DisconnectRequest, 40),
    (Code::DisconnectAck, 41),
    (Code::DisconnectNak, 42),
    (Code::CoaRequest, 43),
    (Code::CoaAck, 44),
    (Code::CoaNak, 45),
];

impl From<u8> for Code {
    fn from(number: u8) -> Self {
        let known = CODES.iter().find(|(_, it)| *it == number);
        known.map_or(Self::Other(number), |(code, _)| *code)
    }
}

impl Code {
    /// Its number on the wire.
    pub fn number(self) -> u8 {
        match self {
            Self::Other(number) => number,
            _ => CODES.iter().find(|(code, _)| *code == self).map_or(0, |(_, number)| *number),
        }
    }
}

/// Why a datagram is no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Fewer than 20 octets.
    TooShort,
    /// The Length field is below 20, above 4096, or more than has come.
    Length(u16),
    /// An attribute is shorter than its own header, or reaches beyond the packet.
    Attribute(u8),
    /// More than [`MAX_ATTRIBUTES`].
    TooMany,
    /// A Message-Authenticator without 16 octets, or a second one (RFC 3579 section 3.2).
    MessageAuthenticator,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort => f.write_str("it is shorter than 20 octets"),
            Self::Length(length) => write!(f, "its length field says {length}"),
            Self::Attribute(kind) => write!(f, "the length of attribute {kind} is wrong"),
            Self::TooMany => write!(f, "it has more than {MAX_ATTRIBUTES} attributes"),
            Self::MessageAuthenticator => f.write_str("its Message-Authenticator is misshapen"),
        }
    }
}

impl std::error::Error for Malformed {}

/// A packet with a sound header and sound attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// What it is for.
    pub code: Code,
    /// Tells requests under way from each other.
    pub identifier: u8,
    /// Random, or a signature, as the code has it.
    pub authenticator: [u8; 16],
    bytes: Vec<u8>,
}

impl Packet {
    /// Reads a datagram; what follows the length it names is padding (RFC 2865 section 3).
    ///
    /// # Errors
    /// Why it is no packet. It is to be dropped in silence.
    pub fn decode(datagram: &[u8]) -> Result<Self, Malformed> {
        let (header, _) = datagram.split_first_chunk::<HEADER>().ok_or(Malformed::TooShort)?;
        let [code, identifier, high, low, authenticator @ ..] = *header;
        let length = u16::from_be_bytes([high, low]);
        let bytes = datagram
            .get(..usize::from(length))
            .filter(|bytes| (HEADER..=MAX_PACKET).contains(&bytes.len()))
            .ok_or(Malformed::Length(length))?;
        check(Attributes { rest: bytes.get(HEADER..).unwrap_or_default() })?;
        Ok(Self { code: code.into(), identifier, authenticator, bytes: bytes.to_vec() })
    }

    /// The whole packet, padding left out.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its attributes in their order: type and value.
    pub fn attributes(&self) -> impl Iterator<Item = (u8, &[u8])> {
        let rest = self.bytes.get(HEADER..).unwrap_or_default();
        Attributes { rest }.filter_map(Result::ok)
    }

    /// The first attribute of this type.
    pub fn attribute(&self, kind: u8) -> Option<&[u8]> {
        self.attributes().find_map(|(it, value)| (it == kind).then_some(value))
    }
}

fn check(attributes: Attributes<'_>) -> Result<(), Malformed> {
    let mut signed = false;
    for (count, attribute) in attributes.enumerate() {
        let (kind, value) = attribute?;
        if count >= MAX_ATTRIBUTES {
            return Err(Malformed::TooMany);
        }
        if kind == MESSAGE_AUTHENTICATOR
            && (value.len() != 16 || std::mem::replace(&mut signed, true))
        {
            return Err(Malformed::MessageAuthenticator);
        }
    }
    Ok(())
}

/// Type, length and value, one after the other; ends after the first that is wrong. A vendor's
/// attributes inside Vendor-Specific have the same form (RFC 2865 section 5.26).
pub(super) struct Attributes<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<(u8, &'a [u8]), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let (kind, after) = self.rest.split_first()?;
        let end = after.first().map_or(0, |length| usize::from(*length));
        let Some((value, rest)) = self.rest.get(2..end).zip(self.rest.get(end..)) else {
            self.rest = &[];
            return Some(Err(Malformed::Attribute(*kind)));
        };
        self.rest = rest;
        Some(Ok((*kind, value)))
    }
}

/// There is no room: the value is longer than 253 octets, or the packet would be longer than 4096.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom;

/// A packet that is being written. It is never longer than 4096 octets.
#[derive(Clone, Debug)]
pub struct Draft {
    bytes: Vec<u8>,
    signed_at: Option<usize>,
}

impl Draft {
    /// A packet without attributes. The authenticator is put in where the packet is
    /// [signed](super::authenticator).
    pub fn new(code: Code, identifier: u8) -> Self {
        let mut bytes = vec![0; HEADER];
        bytes.splice(..2, [code.number(), identifier]);
        Self { bytes, signed_at: None }
    }

    /// Adds an attribute.
    ///
    /// # Errors
    /// Where there is no room; the packet then stays as it was.
    pub fn add(&mut self, kind: u8, value: &[u8]) -> Result<(), NoRoom> {
        if value.len() > MAX_VALUE || self.room() < value.len() + 2 {
            return Err(NoRoom);
        }
        let length = u8::try_from(value.len() + 2).map_err(|_| NoRoom)?;
        self.bytes.extend_from_slice(&[kind, length]);
        self.bytes.extend_from_slice(value);
        Ok(())
    }

    /// Adds a Message-Authenticator, which is filled in where the packet is signed. Best done
    /// first: what stands before it can be chosen by an attacker (CVE-2024-3596).
    ///
    /// # Errors
    /// Where there is no room.
    pub fn add_message_authenticator(&mut self) -> Result<(), NoRoom> {
        let at = self.bytes.len() + 2;
        self.add(MESSAGE_AUTHENTICATOR, &[0; 16])?;
        self.signed_at.get_or_insert(at);
        Ok(())
    }

    /// Octets that are left.
    pub fn room(&self) -> usize {
        MAX_PACKET.saturating_sub(self.bytes.len())
    }

    /// The bytes with their length, and where the value of Message-Authenticator begins.
    pub(super) fn finish(self) -> (Vec<u8>, Option<usize>) {
        let mut bytes = self.bytes;
        let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        bytes.splice(2..4, length.to_be_bytes());
        (bytes, self.signed_at)
    }
}
