//! The zones that lead to the internet, whatever they are called.

use super::enabled;
use crate::config::uci::Section;
use crate::system_check::{is_on, text};

/// Those that guests are let to. Zones with masquerading are, the ones before all that the LAN
/// forwards to, or else any zone; where none has it, the only zone that is forwarded to. Of several
/// without it, one may be the operator's own network: they are not guessed among.
pub(super) fn uplinks<'a>(firewall: &'a [Section], guest_zone: &str) -> Vec<&'a str> {
    let others = enabled(firewall, "zone").filter(|it| text(it, "name") != Some(guest_zone));
    let others: Vec<_> = others.collect();
    let reached = |is_source: &dyn Fn(&str) -> bool| -> Vec<&'a Section> {
        others.iter().copied().filter(|zone| is_reached(firewall, zone, is_source)).collect()
    };
    let masquerading = |zones: &[&'a Section]| -> Vec<&'a Section> {
        zones.iter().copied().filter(|zone| is_on(zone, "masq")).collect()
    };
    let from_lan = reached(&|source| source == "lan");
    let from_any = reached(&|source| source != guest_zone);
    let mut choices = vec![masquerading(&from_lan), masquerading(&from_any), masquerading(&others)];
    choices.extend([from_lan, from_any].into_iter().filter(|zones| zones.len() == 1));
    let choice = choices.into_iter().find(|zones| !zones.is_empty()).unwrap_or_default();
    choice.into_iter().filter_map(|zone| text(zone, "name")).collect()
}

/// Whether one of these zones forwards to this one.
fn is_reached(firewall: &[Section], zone: &Section, is_source: &dyn Fn(&str) -> bool) -> bool {
    let name = text(zone, "name");
    enabled(firewall, "forwarding").any(|it| {
        name.is_some() && text(it, "dest") == name && text(it, "src").is_some_and(is_source)
    })
}
