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

impl Pairs {
    /// The first value of an attribute, whatever its tag.
    pub fn get(&self, attribute: Attribute) -> Option<&Value> {
        self.all(attribute).next().map(|pair| &pair.value)
    }

    /// The first value of an attribute, as a number.
    pub fn integer(&self, attribute: Attribute) -> Option<u32> {
        match self.get(attribute) {
            Some(Value::Integer(number)) => Some(*number),
            _ => None,
        }
    }

    /// The first value of an attribute, as text.
    pub fn text(&self, attribute: Attribute) -> Option<&str> {
        match self.get(attribute) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Every pair of an attribute.
    pub fn all(&self, attribute: Attribute) -> impl Iterator<Item = &Pair> {
        self.0.iter().filter(move |pair| pair.attribute == attribute)
    }

    /// Every pair, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Pair> {
        self.0.iter()
    }

    /// Whether the attribute is there.
    pub fn contains(&self, attribute: Attribute) -> bool {
        self.get(attribute).is_some()
    }

    /// Adds a value without a tag at the end.
    pub fn push(&mut self, attribute: Attribute, value: Value) {
        self.0.push(Pair { attribute, tag: 0, value });
    }

    /// Removes every pair of an attribute.
    pub fn remove(&mut self, attribute: Attribute) {
        self.0.retain(|pair| pair.attribute != attribute);
    }

    /// Puts one value in the place of whatever the attribute had.
    pub fn replace(&mut self, attribute: Attribute, value: Value) {
        self.remove(attribute);
        self.push(attribute, value);
    }
}

#[cfg(test)]
mod tests {
    use super::super::dictionary::{CLASS, REPLY_MESSAGE, SESSION_TIMEOUT};
    use super::*;

    #[test]
    fn pairs_are_looked_up_changed_and_removed_by_attribute() {
        let mut pairs = Pairs::default();
        pairs.push(REPLY_MESSAGE, Value::Text("one".into()));
        pairs.push(SESSION_TIMEOUT, Value::Integer(60));
        pairs.push(REPLY_MESSAGE, Value::Text("two".into()));
        assert_eq!(pairs.text(REPLY_MESSAGE), Some("one"));
        assert_eq!(pairs.integer(SESSION_TIMEOUT), Some(60));
        assert_eq!((pairs.text(SESSION_TIMEOUT), pairs.integer(CLASS)), (None, None));
        assert_eq!(pairs.all(REPLY_MESSAGE).count(), 2);

        pairs.replace(REPLY_MESSAGE, Value::Text("three".into()));
        assert_eq!(pairs.all(REPLY_MESSAGE).count(), 1);
        assert_eq!(pairs.text(REPLY_MESSAGE), Some("three"));
        pairs.remove(REPLY_MESSAGE);
        assert!(!pairs.contains(REPLY_MESSAGE));
        assert_eq!(pairs.iter().count(), 1);
    }
}
