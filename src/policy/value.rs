//! Values as they are typed and shown: FreeRADIUS's spelling (`fr_pair_value_from_str`,
//! `vp_prints_value`).

use std::fmt::Write as _;

use chrono::{Datelike, Timelike};

use super::date::parse_date;
use super::dictionary::{Attribute, Cover, Definition, Kind, Scope};
use super::pair::Value;
use crate::domain::time::Timestamp;
use crate::domain::zone::Zone;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Value {
    /// Reads what is typed for `attribute`. Numbers may be hexadecimal (`0x1f`), octets are
    /// `0x…` or else text; dates are `Dec 24 2026 18:00:00`, `2026-12-24 18:00:00` or Unix
    /// seconds, in universal time.
    ///
    /// # Errors
    /// What is wrong with it: a sentence for the operator.
    pub fn parse(attribute: Attribute, text: &str) -> Result<Self, String> {
        let definition = attribute.definition();
        let value = match definition.kind {
            Kind::Text => Some(Self::Text(text.to_owned())),
            Kind::Octets => octets(text).map(Self::Octets),
            Kind::Integer(names) => integer(names, text).map(Self::Integer),
            Kind::Integer64 => number(text).map(Self::Integer64),
            Kind::Ipv4 => text.parse().ok().map(Self::Ipv4),
            Kind::Ipv6 => text.parse().ok().map(Self::Ipv6),
            Kind::Date => date(text).map(Self::Date),
        };
        let value = value.ok_or_else(|| misfit(definition, text))?;
        value.fits(definition)?;
        Ok(value)
    }

    /// As FreeRADIUS prints it, text without quotes: what regular expressions are held against.
    pub fn print(&self, attribute: Attribute) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Octets(bytes) => bytes.iter().fold("0x".to_owned(), |mut text, byte| {
                // Writing into a String cannot fail.
                let _ = write!(text, "{byte:02x}");
                text
            }),
            Self::Integer(number) => {
                name_of(attribute, *number).map_or_else(|| number.to_string(), str::to_owned)
            }
            Self::Integer64(number) => number.to_string(),
            Self::Ipv4(address) => address.to_string(),
            Self::Ipv6(address) => address.to_string(),
            Self::Date(at) => print_date(*at),
        }
    }

    /// Whether there is room for it in a packet, and whether it says anything.
    fn fits(&self, definition: &Definition) -> Result<(), String> {
        let (length, name) = (self.length(), definition.name);
        let room = room(definition);
        if length == 0 {
            return Err(format!("{name} needs a value"));
        }
        if length > room {
            return Err(format!("{name} has room for {room} octets, and this is {length}"));
        }
        match self {
            Self::Text(text) if text.contains('\0') => Err(format!("{name} must be text")),
            // The tag takes the place of the highest octet (RFC 2868 section 3.1).
            Self::Integer(number) if definition.tagged && *number > 0x00ff_ffff => {
                Err(format!("{name} is at most 16777215"))
            }
            _ => Ok(()),
        }
    }

    fn length(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Octets(bytes) => bytes.len(),
            Self::Integer(_) | Self::Ipv4(_) | Self::Date(_) => 4,
            Self::Integer64(_) => 8,
            Self::Ipv6(_) => 16,
        }
    }
}

/// The name of one of an attribute's values.
pub fn name_of(attribute: Attribute, number: u32) -> Option<&'static str> {
    let Kind::Integer(names) = attribute.definition().kind else { return None };
    names.iter().find(|(_, known)| *known == number).map(|(name, _)| *name)
}

/// Octets that a value may have on the wire: RFC 2865 section 5 leaves 253, a vendor's header (section
/// 5.26) takes 6 of them, a tag 1, a salt with padding to blocks of 16 what is left of 240.
fn room(definition: &Definition) -> usize {
    match (definition.scope, definition.cover) {
        (_, Cover::Password) => 128,
        (_, Cover::Salted) => 239,
        (Scope::Vendor(..), Cover::None) => 247,
        (Scope::Rfc(_), Cover::None) if definition.tagged => 252,
        (Scope::Rfc(_) | Scope::Internal, Cover::None) => 253,
    }
}

fn misfit(definition: &Definition, text: &str) -> String {
    let name = definition.name;
    let wanted = match definition.kind {
        Kind::Text => "text",
        Kind::Octets => "text or an even number of digits after 0x",
        Kind::Integer(&[]) if number(text).is_some_and(|it| it > u32::MAX.into()) => {
            return too_large(name, text);
        }
        Kind::Integer(&[]) => "a number from 0 to 4294967295",
        Kind::Integer(names) => {
            let names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
            return format!("{name} is a number or one of {}; not '{text}'", names.join(", "));
        }
        Kind::Integer64 => "a number",
        Kind::Ipv4 => "an IPv4 address",
        Kind::Ipv6 => "an IPv6 address",
        Kind::Date => "a date like Dec 24 2026 18:00:00",
    };
    format!("{name} is {wanted}; not '{text}'")
}

/// More than 32 bits can say.
fn too_large(name: &str, text: &str) -> String {
    let upper = format!("{}-Gigawords", name.trim_end_matches("-Octets"));
    let mut what = format!("{name} is a number from 0 to 4294967295; not '{text}'");
    if let (Some(octets), Some(upper)) = (number(text), Attribute::named(&upper)) {
        let (high, low) = (octets >> 32, octets & 0xffff_ffff);
        what.push_str(&format!(": write {name} := {low} and {} := {high}", upper.name()));
        if name.contains("Total") {
            what.push_str(&format!(
                ", or for all vendors and sessions the check row Max-Data := {octets}"
            ));
        }
    }
    what
}

fn octets(text: &str) -> Option<Vec<u8>> {
    let Some(digits) = text.strip_prefix("0x") else { return Some(text.as_bytes().to_vec()) };
    let nibble = |digit: &u8| char::from(*digit).to_digit(16).and_then(|it| u8::try_from(it).ok());
    let nibbles = digits.as_bytes().iter().map(nibble).collect::<Option<Vec<u8>>>()?;
    let pairs = nibbles.chunks(2).map(|pair| match pair {
        [high, low] => Some(high << 4 | low),
        _ => None,
    });
    pairs.collect()
}

fn integer(names: &[(&str, u32)], text: &str) -> Option<u32> {
    let named = names.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    named.map(|(_, number)| *number).or_else(|| number(text).and_then(|it| it.try_into().ok()))
}

fn number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    // from_str_radix also reads a sign.
    let plain = digits.starts_with(|it: char| it.is_ascii_hexdigit());
    plain.then(|| u64::from_str_radix(digits, radix).ok()).flatten()
}

/// 32 bits of Unix seconds, which is what fits on the wire.
fn date(text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix(" UTC").unwrap_or(text);
    let at = parse_date(text, &Zone::utc()).ok()?;
    u32::try_from(at.unix()).ok().map(|_| at)
}

fn print_date(at: Timestamp) -> String {
    let Some(at) = chrono::DateTime::from_timestamp(at.unix(), 0) else {
        return at.unix().to_string();
    };
    let month = usize::try_from(at.month0()).ok().and_then(|month| MONTHS.get(month));
    let (month, day, year) = (month.unwrap_or(&""), at.day(), at.year());
    let (hour, minute, second) = (at.hour(), at.minute(), at.second());
    format!("{month} {day:2} {year} {hour:02}:{minute:02}:{second:02} UTC")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::dictionary::{self, all};
    use super::*;

    fn read(name: &str, text: &str) -> Result<Value, String> {
        Value::parse(Attribute::named(name).unwrap(), text)
    }

    #[test]
    fn values_are_read_by_their_kind() {
        let second_of = Timestamp::from_unix;
        let cases = [
            ("Reply-Message", "Grüezi", Value::Text("Grüezi".into())),
            ("Class", "0x00fF", Value::Octets(vec![0, 255])),
            ("Class", "gold", Value::Octets(b"gold".to_vec())),
            ("Session-Timeout", "4294967295", Value::Integer(u32::MAX)),
            ("Session-Timeout", "0x10", Value::Integer(16)),
            ("Service-Type", "login-user", Value::Integer(1)),
            ("Service-Type", "99", Value::Integer(99)),
            ("Max-Data", "5000000000", Value::Integer64(5_000_000_000)),
            ("Framed-IP-Address", "10.0.0.1", Value::Ipv4([10, 0, 0, 1].into())),
            ("NAS-IPv6-Address", "FE80::1", Value::Ipv6("fe80::1".parse().unwrap())),
            ("Event-Timestamp", "Dec 24 2026 18:00:00", Value::Date(second_of(1_798_135_200))),
            ("Event-Timestamp", "24 dec 2026", Value::Date(second_of(1_798_070_400))),
            ("Event-Timestamp", "2026-12-24 18:00", Value::Date(second_of(1_798_135_200))),
            ("Event-Timestamp", "1798135200", Value::Date(second_of(1_798_135_200))),
        ];
        for (name, text, value) in cases {
            assert_eq!(read(name, text), Ok(value), "{name} {text}");
        }
    }

    #[test]
    fn what_is_no_value_of_the_kind_is_refused() {
        let long = "x".repeat(254);
        let cases = [
            ("Session-Timeout", "an hour"),
            ("Session-Timeout", "-1"),
            ("Session-Timeout", "+1"),
            ("Session-Timeout", "0x-1"),
            ("Session-Timeout", "0x"),
            ("Session-Timeout", "4294967296"),
            ("Service-Type", "Login"),
            ("Class", "0x123"),
            ("Class", "0xgg"),
            ("Class", "0x"),
            ("Reply-Message", ""),
            ("Reply-Message", "a\0b"),
            ("Reply-Message", &long),
            ("WISPr-Redirection-URL", &long[..248]),
            ("Tunnel-Type:1", "16777216"),
            ("Framed-IP-Address", "10.0.0"),
            ("NAS-IPv6-Address", "10.0.0.1"),
            ("Event-Timestamp", "Feb 30 2027"),
            ("Event-Timestamp", "Dec 24 2026 25:00:00"),
            ("Event-Timestamp", "Dec 24 2026 18"),
            ("Event-Timestamp", "Dec 24 2026 18:00:00 CET"),
            ("Event-Timestamp", "soon"),
            ("Event-Timestamp", "Dec 24 2107"),
            ("Max-Data", "5G"),
        ];
        for (name, text) in cases {
            let name = name.trim_end_matches(":1");
            let refused = read(name, text).unwrap_err();
            assert!(refused.starts_with(name), "{refused}");
        }
    }

    #[test]
    fn values_are_shown_as_freeradius_shows_them() {
        let show = |attribute, value: Value| value.print(attribute);
        assert_eq!(show(dictionary::CLASS, Value::Octets(vec![0, 0xAB])), "0x00ab");
        assert_eq!(show(dictionary::SERVICE_TYPE, Value::Integer(1)), "Login-User");
        assert_eq!(show(dictionary::SERVICE_TYPE, Value::Integer(99)), "99");
        let january = Value::Date(Timestamp::from_unix(1_799_125_445));
        assert_eq!(show(dictionary::EVENT_TIMESTAMP, january), "Jan  5 2027 05:04:05 UTC");
    }

    fn value_of(attribute: Attribute) -> BoxedStrategy<Value> {
        let definition = attribute.definition();
        match definition.kind {
            // Of four octets each: as many as the narrowest attribute, a password, has room for.
            Kind::Text => "[^\0]{1,32}".prop_map(Value::Text).boxed(),
            Kind::Octets => {
                prop::collection::vec(any::<u8>(), 1..128).prop_map(Value::Octets).boxed()
            }
            Kind::Integer(_) if definition.tagged => {
                (0..1_u32 << 24).prop_map(Value::Integer).boxed()
            }
            Kind::Integer(names) => {
                let named: Vec<u32> = names.iter().map(|(_, number)| *number).chain([7]).collect();
                prop_oneof![any::<u32>(), prop::sample::select(named)]
                    .prop_map(Value::Integer)
                    .boxed()
            }
            Kind::Integer64 => any::<u64>().prop_map(Value::Integer64).boxed(),
            Kind::Ipv4 => any::<[u8; 4]>().prop_map(|it| Value::Ipv4(it.into())).boxed(),
            Kind::Ipv6 => any::<[u8; 16]>().prop_map(|it| Value::Ipv6(it.into())).boxed(),
            Kind::Date => {
                any::<u32>().prop_map(|it| Value::Date(Timestamp::from_unix(it.into()))).boxed()
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_can_be_typed_again(
            (attribute, value) in prop::sample::select(all().collect::<Vec<_>>())
                .prop_flat_map(|attribute| (Just(attribute), value_of(attribute)))
        ) {
            prop_assert_eq!(Value::parse(attribute, &value.print(attribute)), Ok(value));
        }

        #[test]
        fn reading_never_fails_hard(index in 0..all().count(), text in ".{0,300}") {
            let attribute = all().nth(index).unwrap();
            if let Ok(value) = Value::parse(attribute, &text) {
                prop_assert!(value.length() > 0 && value.length() <= 253);
            }
        }
    }
}
