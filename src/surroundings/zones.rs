//! What OpenWrt's firewall forwards from a guest network, by `/etc/config/firewall`.
//!
//! A zone's own `option forward` concerns traffic between the networks of that zone only; what
//! leaves it needs a `config forwarding` or a rule, or else meets the default policy (firewall4,
//! `ruleset.uc`).

use super::{Advice, interfaces_on, text, words};
use crate::config::Guest;
use crate::config::uci::Section;
use crate::firewall::ADMITTED;

/// How packets of a guest network get through the operator's own firewall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// This zone forwards nothing by itself, and a rule accepts the gate's mark.
    Marked(String),
    /// This zone forwards everything, to the zone that is named where it is a certain one.
    Open(String, Option<String>),
    /// This zone forwards nothing by itself, and no rule accepts the mark.
    Shut(String),
    /// There is no such configuration, or no zone that has the device.
    Unknown,
}

/// What these sections of `/etc/config/firewall` and `/etc/config/network` make of a device.
pub(super) fn admission(firewall: &[Section], networks: &[Section], device: &str) -> Admission {
    let zone = zone_of(firewall, networks, device).and_then(|zone| text(zone, "name"));
    let Some(zone) = zone else { return Admission::Unknown };
    let name = zone.to_owned();
    let policy = enabled(firewall, "defaults").find_map(|defaults| text(defaults, "forward"));
    if policy.is_some_and(|policy| policy.eq_ignore_ascii_case("accept")) {
        return Admission::Open(name, None);
    }
    if let Some(forwarding) = enabled(firewall, "forwarding").find(|it| is_from(it, zone)) {
        return Admission::Open(name, text(forwarding, "dest").map(str::to_owned));
    }
    if enabled(firewall, "rule").any(|it| is_from(it, zone) && accepts_the_mark(it)) {
        return Admission::Marked(name);
    }
    Admission::Shut(name)
}

fn zone_of<'a>(firewall: &'a [Section], networks: &[Section], device: &str) -> Option<&'a Section> {
    let interfaces = interfaces_on(networks, device);
    enabled(firewall, "zone").find(|zone| {
        words(zone, "device").contains(&device)
            || words(zone, "network").iter().any(|name| interfaces.contains(name))
    })
}

fn enabled<'a>(firewall: &'a [Section], kind: &str) -> impl Iterator<Item = &'a Section> {
    firewall.iter().filter(move |it| it.kind == kind && is_enabled(it))
}

fn is_enabled(section: &Section) -> bool {
    !matches!(text(section, "enabled"), Some("0" | "off" | "false" | "no"))
}

fn is_from(section: &Section, zone: &str) -> bool {
    matches!(text(section, "src"), Some(src) if src == zone || src == "*")
}

/// Without `dest` a rule is about packets to the router itself.
fn accepts_the_mark(rule: &Section) -> bool {
    let accepts = text(rule, "target").is_some_and(|it| it.eq_ignore_ascii_case("accept"));
    let mark = text(rule, "mark").map(|mark| mark.split('/').next().unwrap_or_default());
    let number = mark.and_then(|mark| match mark.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => mark.parse().ok(),
    });
    accepts && text(rule, "dest").is_some() && number == Some(ADMITTED)
}

/// What the zone of a guest network lacks: the rule for the gate's mark in the place of a
/// forwarding, and the ways to portal, DNS and DHCP. `guests` are all guest networks.
pub(super) fn advice(
    firewall: &[Section],
    networks: &[Section],
    guest: &Guest,
    guests: &[Guest],
) -> Vec<Advice> {
    let Some(zone) = zone_of(firewall, networks, &guest.device) else { return Vec::new() };
    let Some(name) = text(zone, "name") else { return Vec::new() };
    let mut advice = Vec::new();
    let mut note = |finding: String, mut commands: Vec<String>| {
        if !commands.is_empty() {
            commands.push("uci commit firewall; service firewall reload".to_owned());
        }
        advice.push(Advice { about: "firewall", finding, commands });
    };
    let closing = match guest.enforce {
        true => closing(firewall, &admission(firewall, networks, &guest.device)),
        false => Vec::new(),
    };
    let others = others_in(zone, networks, guests);
    if !closing.is_empty() && !others.is_empty() {
        let finding = format!(
            "zone '{name}' is that of {} as well, which a rule for the mark would shut out; give \
             {} a zone of its own (README, \"A guest network\")",
            others.join(", "),
            guest.device
        );
        note(finding, Vec::new());
    } else if !closing.is_empty() && enabled(firewall, "forwarding").any(is_from_all) {
        let finding = "a 'config forwarding' has src '*', so that guests are let through with all \
                       others; put one for each of the other zones in its place";
        note(finding.to_owned(), Vec::new());
    } else if !closing.is_empty() {
        let finding = "these lines have the firewall forward who has signed in, and nobody else";
        note(finding.to_owned(), closing);
    }
    let policy = text(zone, "input")
        .or_else(|| enabled(firewall, "defaults").find_map(|defaults| text(defaults, "input")));
    let all_reach = policy.is_some_and(|policy| policy.eq_ignore_ascii_case("accept"));
    let any_rule = |accepts: &dyn Fn(&Section) -> bool| {
        all_reach || enabled(firewall, "rule").any(|rule| is_from(rule, name) && accepts(rule))
    };
    let reaches = |protocol, port| any_rule(&|rule| accepts_input(rule, protocol, port));
    let mut commands = Vec::new();
    let mut way = |name_of_rule, more: &[(&str, &str)]| {
        commands.extend(added_rule(name_of_rule, &[&[("src", name)], more].concat()));
    };
    if !reaches("tcp", guest.portal_port) {
        let ports = format!("53 {}", guest.portal_port);
        way("Guests: DNS and the portal", &[("proto", "tcp"), ("dest_port", &ports)]);
    }
    if !reaches("udp", 53) || !reaches("udp", 67) {
        way("Guests: DNS and DHCP", &[("proto", "udp"), ("dest_port", "53 67 547")]);
    }
    if !any_rule(&accepts_discovery) {
        way("Guests: neighbour discovery", &[("family", "ipv6"), ("proto", "icmp")]);
    }
    if !commands.is_empty() {
        let finding =
            format!("zone '{name}' keeps guests from the portal, DNS, DHCP or IPv6 of this router");
        note(finding, commands);
    }
    advice
}

/// Networks and devices of a zone that no gate marks.
fn others_in<'a>(zone: &'a Section, networks: &[Section], guests: &[Guest]) -> Vec<&'a str> {
    let gated = || guests.iter().filter(|guest| guest.enforce).map(|guest| guest.device.as_str());
    let is_gated = |interface: &str| {
        gated().any(|device| interfaces_on(networks, device).contains(&interface))
    };
    let interfaces = words(zone, "network").into_iter().filter(|it| !is_gated(it));
    let devices =
        words(zone, "device").into_iter().filter(|it| gated().all(|device| device != *it));
    interfaces.chain(devices).collect()
}

fn is_from_all(section: &Section) -> bool {
    text(section, "src") == Some("*")
}

/// Closes a zone to all but the mark.
fn closing(firewall: &[Section], admission: &Admission) -> Vec<String> {
    let mut commands = Vec::new();
    let (zone, dests) = match admission {
        Admission::Shut(zone) => (zone, vec!["wan"]),
        Admission::Open(zone, None) => {
            commands.push("uci set firewall.@defaults[0].forward='REJECT'".to_owned());
            (zone, vec!["wan"])
        }
        Admission::Open(zone, Some(_)) => {
            let all = firewall.iter().filter(|it| it.kind == "forwarding").enumerate();
            let here: Vec<_> = all.filter(|(_, it)| is_enabled(it) && is_from(it, zone)).collect();
            // The last one first: those behind it change their numbers.
            let delete =
                |(number, _): &(usize, _)| format!("uci delete firewall.@forwarding[{number}]");
            commands.extend(here.iter().rev().map(delete));
            (zone, here.iter().filter_map(|(_, it)| text(it, "dest")).collect())
        }
        Admission::Marked(_) | Admission::Unknown => return Vec::new(),
    };
    let mark = super::mark();
    for dest in dests {
        let leads_there =
            |rule: &Section| matches!(text(rule, "dest"), Some(it) if it == dest || it == "*");
        let mut rules = enabled(firewall, "rule").filter(|it| is_from(it, zone));
        if !rules.any(|rule| accepts_the_mark(rule) && leads_there(rule)) {
            let options =
                [("src", zone.as_str()), ("dest", dest), ("proto", "all"), ("mark", &mark)];
            commands.extend(added_rule("Guests who have signed in", &options));
        }
    }
    commands
}

fn added_rule(name: &str, options: &[(&str, &str)]) -> Vec<String> {
    let set =
        |(option, value): &(&str, &str)| format!("uci set firewall.@rule[-1].{option}='{value}'");
    let rest = [("name", name), ("target", "ACCEPT")];
    let add = "uci add firewall rule".to_owned();
    [add].into_iter().chain(options.iter().chain(&rest).map(set)).collect()
}

/// Whether a rule lets packets to a port of this router in. Without `proto` it is about both, as
/// firewall4 has it.
fn accepts_input(rule: &Section, protocol: &str, port: u16) -> bool {
    let protocols = words(rule, "proto");
    let ports = words(rule, "dest_port");
    let is_in = |range: &str| {
        let (first, last) = range.split_once(['-', ':']).unwrap_or((range, range));
        let within = |first: u16, last: u16| (first..=last).contains(&port);
        matches!((first.parse(), last.parse()), (Ok(first), Ok(last)) if within(first, last))
    };
    text(rule, "target").is_some_and(|it| it.eq_ignore_ascii_case("accept"))
        && text(rule, "dest").is_none()
        && (protocols.is_empty()
            || protocols.iter().any(|it| [protocol, "all", "any", "tcpudp"].contains(it)))
        && (ports.is_empty() || ports.iter().any(|range| is_in(range)))
}

/// Whether a rule lets in what IPv6 does not work without (as firewall4, without `proto` a rule is
/// about TCP and UDP).
fn accepts_discovery(rule: &Section) -> bool {
    text(rule, "target").is_some_and(|it| it.eq_ignore_ascii_case("accept"))
        && text(rule, "dest").is_none()
        && text(rule, "family") != Some("ipv4")
        && words(rule, "proto").iter().any(|it| ["icmp", "icmpv6", "all", "any"].contains(it))
}

#[cfg(test)]
mod tests;
