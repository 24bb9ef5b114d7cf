//! Attributes on the wire and in the dictionary's terms.
//!
//! Reading is forgiving: an attribute that we do not know, or that has not the length of its type,
//! is left out, and the packet stands. Writing refuses what does not fit.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::encrypt::{Salts, cover_password, cover_salted};
use super::packet::{Attributes, Draft, MAX_VALUE, Packet};
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;
use crate::policy::dictionary::{Attribute, Cover, Kind, Scope};
use crate::policy::{Pair, Pairs, Value, name_of};

/// The type of Vendor-Specific (RFC 2865 section 5.26).
const VENDOR_SPECIFIC: u8 = 26;

/// The attributes of a packet by their numbers, a vendor's taken out of Vendor-Specific.
#[derive(Clone, Debug)]
pub struct AttributeView<'a>(Vec<(Scope, &'a [u8])>);

impl<'a> AttributeView<'a> {
    /// Of a packet. Where one of a vendor's attributes is misshapen, the others in the same
    /// Vendor-Specific are left out with it: what is inside is then anybody's guess.
    pub fn of(packet: &'a Packet) -> Self {
        let mut fields = Vec::new();
        for (kind, value) in packet.attributes() {
            if kind == VENDOR_SPECIFIC {
                fields.extend(vendor_attributes(value).unwrap_or_default());
            } else {
                fields.push((Scope::Rfc(kind), value));
            }
        }
        Self(fields)
    }

    /// The bytes of the first attribute of this kind.
    pub fn octets(&self, attribute: Attribute) -> Option<&'a [u8]> {
        self.all_octets(attribute).next()
    }

    /// The bytes of every attribute of this kind.
    pub fn all_octets(&self, attribute: Attribute) -> impl Iterator<Item = &'a [u8]> + '_ {
        let scope = attribute.definition().scope;
        self.0.iter().filter_map(move |(it, value)| (*it == scope).then_some(*value))
    }

    /// What the first attribute of this kind says, without its tag.
    pub fn value(&self, attribute: Attribute) -> Option<Value> {
        self.octets(attribute).and_then(|bytes| read(attribute, bytes)).map(|(_, value)| value)
    }

    /// A text ([`text`]); `None` where there is none, or it is empty.
    pub fn text(&self, attribute: Attribute) -> Option<String> {
        let text = match self.value(attribute)? {
            Value::Text(text) if !text.contains('\0') => text,
            Value::Text(text) => self::text(text.as_bytes()),
            Value::Octets(octets) if attribute.definition().kind == Kind::Text => {
                self::text(&octets)
            }
            _ => return None,
        };
        Some(text).filter(|text| !text.is_empty())
    }

    /// A number.
    pub fn integer(&self, attribute: Attribute) -> Option<u32> {
        match self.value(attribute)? {
            Value::Integer(number) => Some(number),
            _ => None,
        }
    }

    /// A number by its name, or in digits where it has none.
    pub fn named(&self, attribute: Attribute) -> Option<String> {
        let number = self.integer(attribute)?;
        Some(name_of(attribute, number).map_or_else(|| number.to_string(), str::to_owned))
    }

    /// All that the dictionary knows and that is not hidden, in its order.
    pub fn pairs(&self) -> Pairs {
        let pairs = self.0.iter().filter_map(|(scope, bytes)| {
            let attribute = Attribute::numbered(*scope)?;
            let open = attribute.definition().cover == Cover::None;
            let (tag, value) = read(attribute, bytes).filter(|_| open)?;
            Some(Pair { attribute, tag, value })
        });
        Pairs(pairs.collect())
    }
}

/// A text as devices send it: a NUL ends it, and what is no UTF-8 is Latin-1 (ISO 8859-1).
pub fn text(octets: &[u8]) -> String {
    let octets = octets.split(|octet| *octet == 0).next().unwrap_or_default();
    match str::from_utf8(octets) {
        Ok(text) => text.to_owned(),
        Err(_) => octets.iter().copied().map(char::from).collect(),
    }
}

fn vendor_attributes(value: &[u8]) -> Option<Vec<(Scope, &[u8])>> {
    let (vendor, rest) = value.split_first_chunk::<4>()?;
    let vendor = u32::from_be_bytes(*vendor);
    let inside = |attribute| {
        let (kind, value) = attribute?;
        Ok((Scope::Vendor(vendor, kind), value))
    };
    Attributes { rest }.map(inside).collect::<Result<_, super::packet::Malformed>>().ok()
}

/// Reads a value and its tag; `None` where the length is not that of its type.
pub fn read(attribute: Attribute, bytes: &[u8]) -> Option<(u8, Value)> {
    let definition = attribute.definition();
    let (tag, bytes) = if definition.tagged { untag(definition.kind, bytes)? } else { (0, bytes) };
    let value = match definition.kind {
        Kind::Text => match str::from_utf8(bytes) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Octets(bytes.to_vec()),
        },
        Kind::Octets => Value::Octets(bytes.to_vec()),
        Kind::Integer(_) if definition.tagged => {
            let [high, middle, low] = exact(bytes)?;
            Value::Integer(u32::from_be_bytes([0, high, middle, low]))
        }
        Kind::Integer(_) => Value::Integer(u32::from_be_bytes(exact(bytes)?)),
        Kind::Integer64 => Value::Integer64(u64::from_be_bytes(exact(bytes)?)),
        Kind::Ipv4 => Value::Ipv4(Ipv4Addr::from(exact::<4>(bytes)?)),
        Kind::Ipv6 => Value::Ipv6(Ipv6Addr::from(exact::<16>(bytes)?)),
        Kind::Date => {
            let seconds = u32::from_be_bytes(exact(bytes)?);
            Value::Date(Timestamp::from_unix(i64::from(seconds)))
        }
    };
    Some((tag, value))
}

fn exact<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

/// The highest tag there is (RFC 2868 section 3.1).
const MAX_TAG: u8 = 0x1f;

/// Takes the tag off. A number always has room for one; before a text it is there where the first
/// octet is no character (RFC 2868 section 3.6).
fn untag(kind: Kind, bytes: &[u8]) -> Option<(u8, &[u8])> {
    match (bytes.split_first(), kind) {
        (Some((tag, rest)), _) if *tag <= MAX_TAG => Some((*tag, rest)),
        (Some((_, rest)), Kind::Integer(_)) => Some((0, rest)),
        (Some(_), _) => Some((0, bytes)),
        (None, _) => None,
    }
}

/// Why an attribute was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsent {
    /// It has no number: it is a word to the server.
    Internal,
    /// Its value is longer than the wire has room for, or beyond its range.
    TooLong,
    /// The packet is full.
    NoRoom,
}

/// What values are hidden with in one reply.
pub struct EncryptContext<'a> {
    /// The shared secret.
    pub secret: &'a Secret,
    /// The authenticator of the request.
    pub request_authenticator: &'a [u8; 16],
    /// Salts.
    pub salts: Salts,
}

/// Writes an attribute.
///
/// # Errors
/// Why it cannot be; the packet then stays as it was.
pub fn write(
    draft: &mut Draft,
    pair: &Pair,
    covering: &mut EncryptContext<'_>,
) -> Result<(), Unsent> {
    let definition = pair.attribute.definition();
    let plain = plain(&pair.value).ok_or(Unsent::TooLong)?;
    let EncryptContext { secret, request_authenticator, salts } = covering;
    let covered = match definition.cover {
        Cover::None => Some(plain),
        Cover::Password => cover_password(&plain, request_authenticator, secret),
        Cover::Salted => cover_salted(&plain, salts.draw(), request_authenticator, secret),
    };
    let covered = covered.ok_or(Unsent::TooLong)?;
    let value = if definition.tagged { tagged(pair, covered)? } else { covered };
    let (kind, value) = match definition.scope {
        Scope::Rfc(kind) => (kind, value),
        Scope::Vendor(vendor, kind) => (VENDOR_SPECIFIC, vendor_specific(vendor, kind, value)?),
        Scope::Internal => return Err(Unsent::Internal),
    };
    if value.len() > MAX_VALUE {
        return Err(Unsent::TooLong);
    }
    draft.add(kind, &value).map_err(|_| Unsent::NoRoom)
}

fn plain(value: &Value) -> Option<Vec<u8>> {
    Some(match value {
        Value::Text(text) => text.as_bytes().to_vec(),
        Value::Octets(octets) => octets.clone(),
        Value::Integer(number) => number.to_be_bytes().to_vec(),
        Value::Integer64(number) => number.to_be_bytes().to_vec(),
        Value::Ipv4(address) => address.octets().to_vec(),
        Value::Ipv6(address) => address.octets().to_vec(),
        Value::Date(at) => u32::try_from(at.unix()).ok()?.to_be_bytes().to_vec(),
    })
}

/// Puts the tag on: in a number's highest octet; before a text where there is one, or where the
/// text's first octet would be taken for one; before a hidden value always (RFC 2868 section 3).
fn tagged(pair: &Pair, mut value: Vec<u8>) -> Result<Vec<u8>, Unsent> {
    match (&pair.value, value.first().copied()) {
        (Value::Integer(_), Some(0)) => {
            value.splice(..1, [pair.tag]);
        }
        (Value::Integer(_), _) => return Err(Unsent::TooLong),
        (_, first)
            if pair.tag != 0
                || first.is_none_or(|first| first <= MAX_TAG)
                || pair.attribute.definition().cover == Cover::Salted =>
        {
            value.insert(0, pair.tag);
        }
        _ => {}
    }
    Ok(value)
}

fn vendor_specific(vendor: u32, kind: u8, value: Vec<u8>) -> Result<Vec<u8>, Unsent> {
    let length = u8::try_from(value.len() + 2).map_err(|_| Unsent::TooLong)?;
    Ok([&vendor.to_be_bytes()[..], &[kind, length], &value].concat())
}

#[cfg(test)]
mod tests;
