//! The guest's device as the network knows it.

use std::fmt;
use std::str::FromStr;

/// A MAC address. Shown as `AA:BB:CC:DD:EE:FF`, whatever way it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac([u8; 6]);

impl Mac {
    /// From its six octets.
    pub const fn new(octets: [u8; 6]) -> Self {
        Self(octets)
    }

    /// One device's address as a frame has it: not nobody's (`lo`), not a group's (IEEE 802: lowest
    /// bit of the first octet), which is what a network's broadcast address has.
    pub fn of_device(octets: &[u8]) -> Option<Self> {
        let octets = <[u8; 6]>::try_from(octets).ok()?;
        let [first, ..] = octets;
        (first & 1 == 0 && octets != [0; 6]).then_some(Self(octets))
    }

    /// Its six octets.
    pub const fn octets(self) -> [u8; 6] {
        self.0
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02X}:{b:02X}:{c:02X}:{d:02X}:{e:02X}:{g:02X}")
    }
}

/// The text is not a MAC address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAMac;

impl fmt::Display for NotAMac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a MAC address (want AA:BB:CC:DD:EE:FF)")
    }
}

impl std::error::Error for NotAMac {}

impl FromStr for Mac {
    type Err = NotAMac;

    /// Accepts colons (Linux), hyphens (RADIUS Calling-Station-Id, RFC 3580 §3.21), dots between
    /// three groups (Cisco), a hyphen between two (HP) or no separator, in either case.
    fn from_str(text: &str) -> Result<Self, NotAMac> {
        let groups = match text.len() {
            12 => 1,
            13 => 2,
            14 => 3,
            17 => 6,
            _ => return Err(NotAMac),
        };
        let mark = text.chars().find(|c| matches!(c, ':' | '-' | '.')).unwrap_or(':');
        let parts: Vec<&str> = text.split(mark).collect();
        if parts.len() != groups || parts.iter().any(|part| part.len() != 12 / groups) {
            return Err(NotAMac);
        }
        let digits = parts.concat();
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(NotAMac);
        }
        let value = u64::from_str_radix(&digits, 16).map_err(|_| NotAMac)?;
        let [_, _, octets @ ..] = value.to_be_bytes();
        Ok(Self(octets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_reads_as_the_same_address() {
        for text in [
            "98:01:a7:CB:bb:00",
            "98-01-A7-CB-BB-00",
            "9801a7cbbb00",
            "9801.a7cb.bb00",
            "9801a7-cbbb00",
        ] {
            assert_eq!(text.parse::<Mac>().unwrap().to_string(), "98:01:A7:CB:BB:00");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "98:01:a7:cb:bb",
            "98:01:a7:cb:bb:0g",
            "98:01-a7:cb:bb:00",
            "+801a7cbbb00",
            "980.1a7.cbb.b00",
            "9801.a7cb-bb00",
            "9801a7cbbb00:lobby",
            "ä8:01:a7:cb:bb:0",
        ] {
            assert!(text.parse::<Mac>().is_err(), "{text:?} was accepted");
        }
    }
}
