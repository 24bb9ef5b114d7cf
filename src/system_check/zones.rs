//! What OpenWrt's firewall forwards from a guest network, by `/etc/config/firewall`.
//!
//! A zone's own `option forward` concerns traffic between the networks of that zone only; what
//! leaves it needs a `config forwarding` or a rule, or else meets the default policy (firewall4,
//! `ruleset.uc`).

mod closing;
mod input;
mod openings;
mod uplinks;

use self::openings::Openings;
pub use self::openings::Way;
use super::{Advice, interfaces_on, is_on, text, words};
use crate::config::Guest;
use crate::config::uci::Section;
use crate::firewall::ADMITTED;

/// How packets of a guest network get through the operator's own firewall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// This zone forwards nothing by itself, and a rule accepts the gate's mark.
    Marked(String),
    /// This zone forwards everything, in these ways.
    Open(String, Vec<Way>),
    /// This zone forwards nothing by itself, and no rule accepts the mark.
    Shut(String),
    /// There is no such configuration, or no zone that has the device.
    Unknown,
}

/// What these sections of `/etc/config/firewall` and `/etc/config/network` make of a device.
pub(super) fn admission(firewall: &[Section], networks: &[Section], device: &str) -> Admission {
    let zone = zone_of(firewall, networks, device).and_then(|zone| text(zone, "name"));
    let Some(zone) = zone else { return Admission::Unknown };
    let ways = Openings::of(firewall, zone).ways();
    if !ways.is_empty() {
        return Admission::Open(zone.to_owned(), ways);
    }
    match rules_for_the_mark(firewall, zone).next() {
        Some(_) => Admission::Marked(zone.to_owned()),
        None => Admission::Shut(zone.to_owned()),
    }
}

/// What the zone of a guest network lacks: the rule for the gate's mark in the place of a
/// forwarding, and the ways to portal, DNS and DHCP. `guests` are all guest networks.
pub(super) fn advice(
    firewall: &[Section],
    networks: &[Section],
    guest: &Guest,
    guests: &[Guest],
) -> Vec<Advice> {
    let Some(zone) = zone_of(firewall, networks, &guest.device) else {
        return new_zone(firewall, networks, &guest.device).into_iter().collect();
    };
    let Some(name) = text(zone, "name") else { return Vec::new() };
    if let Some(finding) = no_place_for_guests(zone, name, guest) {
        return vec![about_the_firewall(finding, Vec::new())];
    }
    let mut advice = Vec::new();
    if guest.enforce {
        advice.extend(closing::advice(firewall, networks, zone, name, guest, guests));
    }
    advice.extend(input::advice(firewall, zone, name, guest.portal_port));
    advice
}

/// Where lines to paste would close the way to the internet, or the operator's own network.
fn no_place_for_guests(zone: &Section, name: &str, guest: &Guest) -> Option<String> {
    let device = &guest.device;
    if is_on(zone, "masq") {
        return Some(format!(
            "zone '{name}' leads to the internet, so that {device} is no network for guests; name the \
             bridge that they are on"
        ));
    }
    (name == "lan" && guest.enforce).then(|| {
        format!(
            "{device} is this router's own LAN: whoever has not signed in reaches nothing of the router \
             but the portal, not even SSH; give guests a bridge of their own \
             (docs/install.md)"
        )
    })
}

/// A zone for a device that is in none: OpenWrt's firewall rejects what comes from there.
fn new_zone(firewall: &[Section], networks: &[Section], device: &str) -> Option<Advice> {
    // Without any zone it is not OpenWrt's firewall that decides.
    enabled(firewall, "zone").next()?;
    let interface = interfaces_on(networks, device).first().copied()?;
    let is_taken = enabled(firewall, "zone").any(|zone| text(zone, "name") == Some(interface));
    let finding = format!(
        "{device} is in no zone, so that guests reach neither the portal nor the internet; these lines \
         make one, and then 'hotspotd check' has the rules for it"
    );
    let set = |option: &str, value: &str| format!("uci set firewall.@zone[-1].{option}='{value}'");
    let commands = vec![
        "uci add firewall zone".to_owned(),
        set("name", interface),
        format!("uci add_list firewall.@zone[-1].network='{interface}'"),
        set("input", "REJECT"),
        set("output", "ACCEPT"),
        set("forward", "REJECT"),
    ];
    (!is_taken).then(|| about_the_firewall(finding, commands))
}

/// Commands change the file only, until the last one has the firewall read it.
fn about_the_firewall(finding: String, mut commands: Vec<String>) -> Advice {
    if !commands.is_empty() {
        commands.push("uci commit firewall; service firewall reload".to_owned());
    }
    Advice { about: "firewall", finding, commands }
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

/// Of several `config defaults` the first one counts (firewall4, `parse_defaults`).
fn default_policy<'a>(firewall: &'a [Section], name: &str) -> Option<&'a str> {
    text(firewall.iter().find(|it| it.kind == "defaults")?, name)
}

fn is_accept(policy: Option<&str>) -> bool {
    policy.is_some_and(|policy| policy.eq_ignore_ascii_case("accept"))
}

fn is_from(section: &Section, zone: &str) -> bool {
    matches!(text(section, "src"), Some(src) if src == zone || src == "*")
}

/// Whether a forwarding or a rule leads from this zone to another one. What names a zone that is
/// not there is overlooked (firewall4, `parse_zone_ref`), and without `dest` a rule is about
/// packets to the router itself.
fn leads_out(firewall: &[Section], section: &Section, zone: &str) -> bool {
    let is_zone = |name| enabled(firewall, "zone").any(|it| text(it, "name") == Some(name));
    is_from(section, zone)
        && text(section, "dest").is_some_and(|to| to == "*" || to != zone && is_zone(to))
}

/// The rules that forward from this zone who has signed in.
fn rules_for_the_mark<'a>(
    firewall: &'a [Section],
    zone: &'a str,
) -> impl Iterator<Item = &'a Section> {
    enabled(firewall, "rule").filter(move |it| {
        is_accept(text(it, "target")) && is_for_the_mark(it) && leads_out(firewall, it, zone)
    })
}

fn is_for_the_mark(rule: &Section) -> bool {
    let mark = text(rule, "mark").map(|mark| mark.split('/').next().unwrap_or_default());
    let number = mark.and_then(|mark| match mark.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => mark.parse().ok(),
    });
    number == Some(ADMITTED)
}

fn added_rule(name: &str, options: &[(&str, &str)]) -> Vec<String> {
    let set =
        |(option, value): &(&str, &str)| format!("uci set firewall.@rule[-1].{option}='{value}'");
    let rest = [("name", name), ("target", "ACCEPT")];
    let add = "uci add firewall rule".to_owned();
    [add].into_iter().chain(options.iter().chain(&rest).map(set)).collect()
}

#[cfg(test)]
mod tests;
