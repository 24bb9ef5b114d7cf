//! How a zone is closed to all but those who have signed in, where that can be told.

use super::openings::Openings;
use super::uplinks::uplinks;
use super::{about_the_firewall, added_rule, enabled, leads_out, rules_for_the_mark, zone_of};
use crate::config::Guest;
use crate::config::uci::Section;
use crate::system_check::{Advice, interfaces_on, is_on, mark, text, words};

/// What a zone lacks that forwards everybody, or nobody at all; `name` is that of the zone.
pub(super) fn advice(
    firewall: &[Section],
    networks: &[Section],
    zone: &Section,
    name: &str,
    guest: &Guest,
    guests: &[Guest],
) -> Option<Advice> {
    let openings = Openings::of(firewall, name);
    if openings.is_empty() && rules_for_the_mark(firewall, name).next().is_some() {
        return None;
    }
    let others = others_in(zone, networks, guests);
    let shut_out = match openings.policy {
        true => living_from_the_policy(firewall, networks, guests),
        false => Vec::new(),
    };
    let dests = dests(firewall, name, &openings);
    let finding = if !others.is_empty() {
        shared(name, &others, &guest.device)
    } else if let Some(finding) = from_all(&openings) {
        finding
    } else if !shut_out.is_empty() {
        policy_of_others(&shut_out)
    } else if dests.is_empty() {
        no_uplink(name)
    } else {
        let finding = "these lines have the firewall forward who has signed in, and nobody else";
        let commands = commands(firewall, name, &openings, &dests);
        return Some(about_the_firewall(finding.to_owned(), commands));
    };
    Some(about_the_firewall(finding, Vec::new()))
}

fn shared(name: &str, others: &[&str], device: &str) -> String {
    let others = others.join(", ");
    format!(
        "zone '{name}' is that of {others} as well, which a rule for the mark would shut out; give \
         {device} a zone of its own (docs/install.md)"
    )
}

/// Where guests are let through with all others, the operator says who the others are.
fn from_all(openings: &Openings) -> Option<String> {
    let is_from_all = |section: &Section| text(section, "src") == Some("*");
    let what = if openings.forwardings.iter().any(|it| is_from_all(it.section)) {
        "a 'config forwarding'".to_owned()
    } else {
        let rule = openings.rules.iter().find(|it| is_from_all(it.section))?;
        format!("the rule '{}'", rule.name())
    };
    Some(format!(
        "{what} has src '*', so that guests are let through with all others; put one for each of the \
         other zones in its place"
    ))
}

fn policy_of_others(zones: &[&str]) -> String {
    format!(
        "option forward of 'config defaults' is ACCEPT, so that guests are let through with all \
         others; first give each of these zones a 'config forwarding' of its own, then set it to \
         REJECT: {}",
        zones.join(", ")
    )
}

fn no_uplink(name: &str) -> String {
    format!(
        "it cannot be told which zone leads to the internet (one that the others forward to, with \
         option masq '1'); have a rule accept what bears the mark {} from '{name}' to that zone \
         (docs/firewall.md)",
        mark()
    )
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

/// Zones that forward nothing by themselves, and would be cut off without the default policy. What
/// comes in from an uplink is an answer, or a port forward, which needs no policy.
fn living_from_the_policy<'a>(
    firewall: &'a [Section],
    networks: &[Section],
    guests: &[Guest],
) -> Vec<&'a str> {
    let gated = guests.iter().filter(|guest| guest.enforce);
    let gated = gated.filter_map(|guest| zone_of(firewall, networks, &guest.device));
    let gated = gated.filter(|zone| others_in(zone, networks, guests).is_empty());
    let gated: Vec<_> = gated.filter_map(|zone| text(zone, "name")).collect();
    let needs_none = |name| {
        gated.contains(&name)
            || enabled(firewall, "forwarding").any(|it| leads_out(firewall, it, name))
    };
    enabled(firewall, "zone")
        .filter(|zone| !is_on(zone, "masq"))
        .filter_map(|zone| text(zone, "name"))
        .filter(|name| !needs_none(name))
        .collect()
}

/// Where guests who have signed in are let: to where everybody was, or else to the internet.
fn dests<'a>(firewall: &'a [Section], zone: &str, openings: &Openings<'a>) -> Vec<&'a str> {
    let sections = openings.forwardings.iter().chain(&openings.rules);
    let mut all: Vec<_> = sections.filter_map(|it| text(it.section, "dest")).collect();
    if openings.policy || all.is_empty() {
        all.extend(uplinks(firewall, zone));
    }
    let mut dests = Vec::new();
    for dest in all {
        if !dests.contains(&dest) {
            dests.push(dest);
        }
    }
    dests
}

fn commands(firewall: &[Section], zone: &str, openings: &Openings, dests: &[&str]) -> Vec<String> {
    let mut commands = Vec::new();
    if openings.policy {
        commands.push("uci set firewall.@defaults[0].forward='REJECT'".to_owned());
    }
    // The last one first: those behind it change their numbers.
    let forwardings = openings.forwardings.iter().rev();
    commands
        .extend(forwardings.map(|it| format!("uci delete firewall.@forwarding[{}]", it.number)));
    let rules = openings.rules.iter().rev();
    commands.extend(rules.map(|it| format!("uci set firewall.{}.enabled='0'", it.place())));
    let mark = mark();
    for dest in dests {
        let leads_there =
            |rule: &Section| matches!(text(rule, "dest"), Some(it) if it == *dest || it == "*");
        if !rules_for_the_mark(firewall, zone).any(leads_there) {
            let options = [("src", zone), ("dest", dest), ("proto", "all"), ("mark", &mark)];
            commands.extend(added_rule("Guests who have signed in", &options));
        }
    }
    commands
}
