//! The ways from a guest network to this router: portal, DNS, DHCP and what IPv6 needs.

use super::{about_the_firewall, added_rule, default_policy, enabled, is_accept, is_from};
use crate::config::uci::Section;
use crate::system_check::{Advice, text, words};

/// What keeps guests from this router; `name` is that of their zone.
pub(super) fn advice(
    firewall: &[Section],
    zone: &Section,
    name: &str,
    portal_port: u16,
) -> Option<Advice> {
    if is_accept(text(zone, "input").or_else(|| default_policy(firewall, "input"))) {
        return None;
    }
    let any_rule = |accepts: &dyn Fn(&Section) -> bool| {
        enabled(firewall, "rule").any(|rule| is_from(rule, name) && accepts(rule))
    };
    let reaches = |protocol, port| any_rule(&|rule| accepts_input(rule, protocol, port));
    let mut commands = Vec::new();
    let mut way = |name_of_rule, more: &[(&str, &str)]| {
        commands.extend(added_rule(name_of_rule, &[&[("src", name)], more].concat()));
    };
    if !reaches("tcp", portal_port) {
        let ports = format!("53 {portal_port}");
        way("Guests: DNS and the portal", &[("proto", "tcp"), ("dest_port", &ports)]);
    }
    if !reaches("udp", 53) || !reaches("udp", 67) {
        way("Guests: DNS and DHCP", &[("proto", "udp"), ("dest_port", "53 67 547")]);
    }
    if !any_rule(&accepts_discovery) {
        way("Guests: neighbour discovery", &[("family", "ipv6"), ("proto", "icmp")]);
    }
    if commands.is_empty() {
        return None;
    }
    let finding =
        format!("zone '{name}' keeps guests from the portal, DNS, DHCP or IPv6 of this router");
    Some(about_the_firewall(finding, commands))
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
    is_accept(text(rule, "target"))
        && text(rule, "dest").is_none()
        && (protocols.is_empty()
            || protocols.iter().any(|it| [protocol, "all", "any", "tcpudp"].contains(it)))
        && (ports.is_empty() || ports.iter().any(|range| is_in(range)))
}

/// Whether a rule lets in what IPv6 does not work without (as firewall4, without `proto` a rule is
/// about TCP and UDP).
fn accepts_discovery(rule: &Section) -> bool {
    is_accept(text(rule, "target"))
        && text(rule, "dest").is_none()
        && text(rule, "family") != Some("ipv4")
        && words(rule, "proto").iter().any(|it| ["icmp", "icmpv6", "all", "any"].contains(it))
}
