//! Why a row makes no sense, and what to write instead.

use super::dictionary::{
    AUTH_TYPE, Attribute, FALL_THROUGH, PacketUse, Scope, USER_PASSWORD, all, travel,
};
use super::operator::Operator;
use super::row::List;

/// Checks that a row can match or do something where it stands.
///
/// # Errors
/// Why it cannot: a sentence for the operator.
pub(super) fn purpose(
    list: List,
    attribute: Attribute,
    operator: Operator,
    value: &str,
) -> Result<(), String> {
    // What is refused may be logged.
    let secret = attribute.name().contains("Password");
    let value = if secret { "…" } else { value };
    let problem = match list {
        List::Check => in_check(attribute, operator, value),
        List::Reply => in_reply(attribute, operator, value),
    };
    problem.map_or(Ok(()), Err)
}

fn in_check(attribute: Attribute, operator: Operator, value: &str) -> Option<String> {
    let name = attribute.name();
    let assigns = operator.assigns();
    match travel(attribute) {
        _ if attribute == FALL_THROUGH => {
            Some("Fall-Through belongs among the replies: it says whether groups come next".into())
        }
        _ if attribute == USER_PASSWORD => Some(format!(
            "User-Password is what was typed, and is not compared here: write \
             Cleartext-Password := {value}"
        )),
        PacketUse::Protocol => {
            Some(format!("{name} cannot be compared: it is part of the protocol"))
        }
        PacketUse::Both | PacketUse::Request if operator == Operator::SetIfAbsent => None,
        PacketUse::Both | PacketUse::Request if assigns => Some(format!(
            "{name} is what an access point says, and setting it does nothing: write {name} == \
             {value}"
        )),
        PacketUse::Answer => {
            Some(format!("{name} is what is sent, never what is asked: put it among the replies"))
        }
        PacketUse::Elsewhere => {
            Some(format!("{name} comes with accounting, never when somebody signs in"))
        }
        PacketUse::Inner if attribute == AUTH_TYPE && operator == Operator::SetIfAbsent => None,
        PacketUse::Inner if !assigns || operator == Operator::SetIfAbsent => Some(format!(
            "{name} is never sent, so that {operator} never matches: write {name} := {value}"
        )),
        PacketUse::Both | PacketUse::Request | PacketUse::Inner => None,
    }
}

fn in_reply(attribute: Attribute, operator: Operator, value: &str) -> Option<String> {
    let name = attribute.name();
    match travel(attribute) {
        _ if !operator.assigns() => Some(format!(
            "{operator} compares, and replies are not compared: write {name} := {value}"
        )),
        _ if attribute == FALL_THROUGH => None,
        PacketUse::Both | PacketUse::Answer => None,
        PacketUse::Inner => {
            Some(format!("{name} is never sent: put it among the checks, as {name} := {value}"))
        }
        PacketUse::Request => {
            Some(format!("{name} is what an access point says, and means nothing in a reply"))
        }
        PacketUse::Elsewhere => {
            Some(format!("{name} comes with accounting, and means nothing here"))
        }
        PacketUse::Protocol => Some(format!("{name} is made by the server itself")),
    }
}

/// Attributes that FreeRADIUS knows and we do not, and what to do instead.
const ABSENT: &[(&str, &str)] = &[
    ("Password", "write Cleartext-Password := …"),
    ("LM-Password", "nothing uses it any more: write NT-Password := …"),
    ("Huntgroup-Name", "compare NAS-IP-Address, NAS-Identifier or Client-Shortname"),
    ("Group", "put the user into a group, and the check into the group"),
    ("SQL-Group", "put the user into a group, and the check into the group"),
    ("Group-Name", "put the user into a group, and the check into the group"),
    ("User-Profile", "put the user into a group"),
    ("Current-Time", "write Login-Time := …"),
    ("Time-Of-Day", "write Login-Time := …"),
    ("Realm", "compare User-Name"),
    ("Prefix", "compare User-Name"),
    ("Suffix", "compare User-Name"),
    ("Stripped-User-Name", "compare User-Name"),
    ("Called-Station-SSID", "write Called-Station-Id =~ :name$"),
    ("Client-IP-Address", "compare Packet-Src-IP-Address"),
    ("Proxy-To-Realm", "requests are not passed on"),
    ("Pool-Name", "addresses come from DHCP"),
    ("Autz-Type", "there is one way only"),
    ("Exec-Program", "no programs are run"),
    ("Exec-Program-Wait", "no programs are run"),
];

/// What to say of a name that no attribute has.
pub(super) fn unknown(name: &str) -> String {
    if name.is_empty() {
        return "the attribute is missing".to_owned();
    }
    let listed = ABSENT.iter().find(|(absent, _)| absent.eq_ignore_ascii_case(name));
    if let Some((absent, instead)) = listed {
        return format!("{absent} is not supported: {instead}");
    }
    if let Some(number) = name.get(5..).filter(|_| begins(name, "Attr-")) {
        return numbered(name, number);
    }
    if let Some((vendor, _)) = VENDORS.iter().find(|(vendor, _)| begins(name, vendor)) {
        return of_others(vendor);
    }
    match nearest(name) {
        Some(near) => format!("there is no attribute '{name}': did you mean {near}?"),
        None => format!("there is no attribute '{name}'"),
    }
}

/// Vendors whose attributes we do not know, by the first word of their names.
const VENDORS: &[(&str, u32)] = &[
    ("Airespace", 14179),
    ("Aruba", 14823),
    ("Cambium", 17713),
    ("Cisco", 9),
    ("Extreme", 1916),
    ("Fortinet", 12356),
    ("HP", 11),
    ("Huawei", 2011),
    ("Juniper", 2636),
    ("Meraki", 29671),
    ("Ruckus", 25053),
    ("Ubiquiti", 41112),
    ("Zyxel", 890),
];

fn begins(name: &str, word: &str) -> bool {
    let rest = name.get(word.len()..).unwrap_or_default();
    let start = name.get(..word.len()).unwrap_or_default();
    start.eq_ignore_ascii_case(word) && (word.ends_with('-') || rest.starts_with('-'))
}

fn of_others(vendor: &str) -> String {
    format!(
        "attributes of {vendor} are not supported: its access points also take standard ones, such \
         as Session-Timeout, Idle-Timeout, Filter-Id and, for a VLAN, Tunnel-Private-Group-Id"
    )
}

/// An attribute by its number, as FreeRADIUS shows what its dictionaries lack: `Attr-26.VENDOR.TYPE`.
fn numbered(name: &str, number: &str) -> String {
    let mut numbers = number.split('.').map(|part| part.parse::<u32>().ok());
    let byte = |number: Option<Option<u32>>| number.flatten().and_then(|it| u8::try_from(it).ok());
    let (kind, vendor) = (byte(numbers.next()), numbers.next().flatten());
    let scope = match (kind, vendor) {
        (Some(26), Some(vendor)) => byte(numbers.next()).map(|kind| Scope::Vendor(vendor, kind)),
        (kind, _) => kind.map(Scope::Rfc),
    };
    if let Some(known) = scope.and_then(Attribute::numbered) {
        return format!("'{name}' has a name: write {}", known.name());
    }
    match VENDORS.iter().find(|(_, number)| kind == Some(26) && vendor == Some(*number)) {
        Some((vendor, _)) => of_others(vendor),
        None => format!("attributes without a name, such as '{name}', are not supported"),
    }
}

/// The name that fewest changes lead to, where no more than a quarter of it is wrong.
fn nearest(name: &str) -> Option<&'static str> {
    let typed = name.to_ascii_lowercase();
    let changes = |known: &str| distance(typed.as_bytes(), known.to_ascii_lowercase().as_bytes());
    // Nothing longer than any name need be measured.
    let names = all().map(Attribute::name).filter(|_| name.len() <= 64);
    let (changes, near) = names.map(|known| (changes(known), known)).min()?;
    (changes <= name.len().div_ceil(4)).then_some(near)
}

/// Octets to insert, remove or change to make one text the other (Levenshtein).
fn distance(one: &[u8], other: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, ours) in one.iter().enumerate() {
        let mut diagonal = index;
        let mut left = index + 1;
        for (above, theirs) in row.iter_mut().skip(1).zip(other) {
            let changed = diagonal + usize::from(ours != theirs);
            diagonal = *above;
            *above = changed.min(diagonal + 1).min(left + 1);
            left = *above;
        }
    }
    // The first column is never written: it only matters where there is nothing to compare with.
    if other.is_empty() { one.len() } else { row.last().copied().unwrap_or_default() }
}
