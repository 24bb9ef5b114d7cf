//! Attributes with their values, as they come from a request and go into a reply.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::domain::time::Timestamp;

use super::dictionary::Attribute;

/// What an attribute says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// UTF-8 text.
    Text(String),
    /// Bytes without a meaning of their own.
    Octets(Vec<u8>),
    /// A number, or one of an attribute's named values.
    Integer(u32),
    /// A number of 64 bits.
    Integer64(u64),
    /// An IPv4 address.
    Ipv4(Ipv4Addr),
    /// An IPv6 address.
    Ipv6(Ipv6Addr),
    /// A moment: 32 bits of Unix seconds on the wire.
    Date(Timestamp),
}

/// An attribute and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Which.
    pub attribute: Attribute,
    /// The tag of a tunnel attribute, 1 to 31; 0 is none (RFC 2868 section 3).
    pub tag: u8,
    /// What it says.
    pub value: Value,
}

/// Attributes in their order; one may come more than once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs(pub Vec<Pair>);
