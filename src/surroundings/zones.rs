//! What OpenWrt's firewall forwards from a guest network, by `/etc/config/firewall`.
//!
//! A zone's own `option forward` concerns traffic between the networks of that zone only; what
//! leaves it needs a `config forwarding` or a rule, or else meets the default policy (firewall4,
//! `ruleset.uc`).

use crate::config::uci::{self, Section, Value};
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

/// Reads the texts of `/etc/config/firewall` and `/etc/config/network`.
pub(super) fn admission(firewall: &str, network: Option<&str>, device: &str) -> Admission {
    let Ok(sections) = uci::parse(firewall) else { return Admission::Unknown };
    let networks = network.and_then(|text| uci::parse(text).ok()).unwrap_or_default();
    let networks = networks_of(&networks, device);
    let of_kind = |kind: &'static str| {
        sections.iter().filter(move |it| it.kind == kind && text(it, "enabled") != Some("0"))
    };
    let has_device = |zone: &&Section| {
        words(zone, "device").contains(&device)
            || words(zone, "network").iter().any(|name| networks.contains(name))
    };
    let Some(zone) = of_kind("zone").find(has_device).and_then(|zone| text(zone, "name")) else {
        return Admission::Unknown;
    };
    let name = zone.to_owned();
    let from_here =
        |section: &&Section| matches!(text(section, "src"), Some(src) if src == zone || src == "*");
    let policy = of_kind("defaults").find_map(|defaults| text(defaults, "forward"));
    if policy.is_some_and(|policy| policy.eq_ignore_ascii_case("accept")) {
        return Admission::Open(name, None);
    }
    if let Some(forwarding) = of_kind("forwarding").find(from_here) {
        return Admission::Open(name, text(forwarding, "dest").map(str::to_owned));
    }
    if of_kind("rule").filter(from_here).any(accepts_the_mark) {
        return Admission::Marked(name);
    }
    Admission::Shut(name)
}

/// The interfaces on a device.
fn networks_of<'a>(network: &'a [Section], device: &str) -> Vec<&'a str> {
    let is_on_it = |section: &&Section| {
        section.kind == "interface"
            && (words(section, "device").contains(&device)
                || words(section, "ifname").contains(&device))
    };
    network.iter().filter(is_on_it).filter_map(|section| section.name.as_deref()).collect()
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

fn text<'a>(section: &'a Section, name: &str) -> Option<&'a str> {
    match &section.options.iter().find(|option| option.name == name)?.value {
        Value::Text(text) => Some(text).filter(|text| !text.is_empty()).map(String::as_str),
        Value::List(_) => None,
    }
}

fn words<'a>(section: &'a Section, name: &str) -> Vec<&'a str> {
    match section.options.iter().find(|option| option.name == name).map(|option| &option.value) {
        Some(Value::Text(text)) => text.split_whitespace().collect(),
        Some(Value::List(entries)) => {
            entries.iter().flat_map(|entry| entry.text.split_whitespace()).collect()
        }
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETWORK: &str = "config interface 'guests'\n\toption device 'br-guest'\n";
    const ZONE: &str = "config defaults\n\toption forward 'REJECT'\n\
                        config zone\n\toption name 'lan'\n\tlist network 'lan'\n\
                        config zone\n\toption name 'guest'\n\tlist network 'guests'\n\
                        config forwarding\n\toption src 'lan'\n\toption dest 'wan'\n";
    const RULE: &str = "config rule\n\toption src 'guest'\n\toption dest 'wan'\n\toption proto \
                        'all'\n\toption mark '0x10000000/0x10000000'\n\toption target 'ACCEPT'\n";

    fn told(more: &str) -> Admission {
        admission(&format!("{ZONE}{more}"), Some(NETWORK), "br-guest")
    }

    fn guest() -> String {
        "guest".to_owned()
    }

    #[test]
    fn a_zone_that_accepts_the_mark_only_is_closed_otherwise() {
        assert_eq!(told(RULE), Admission::Marked(guest()));
        assert_eq!(told(&RULE.replace("0x10000000/0x10000000", "0x10000000")), told(RULE));
        assert_eq!(told(&RULE.replace("'guest'", "'*'")), told(RULE));
    }

    #[test]
    fn a_forwarding_lets_everything_through() {
        let forwarding = "config forwarding\n\toption src 'guest'\n\toption dest 'wan'\n";
        let open = Admission::Open(guest(), Some("wan".to_owned()));
        assert_eq!(told(forwarding), open);
        assert_eq!(told(&format!("{RULE}{forwarding}")), open);
        assert_eq!(told(&format!("{forwarding}\toption enabled '0'\n")), told(""));
        let accepting = ZONE.replace("REJECT", "ACCEPT");
        assert_eq!(
            admission(&accepting, Some(NETWORK), "br-guest"),
            Admission::Open(guest(), None)
        );
    }

    #[test]
    fn a_zone_that_accepts_nothing_is_shut() {
        for rule in [
            String::new(),
            RULE.replace("ACCEPT", "DROP"),
            RULE.replace("0x1", "0x2"),
            RULE.replace("0x10000000/", "!0x10000000/"),
            RULE.replace("\toption dest 'wan'\n", ""),
            RULE.replace("'guest'", "'lan'"),
            format!("{RULE}\toption enabled '0'\n"),
        ] {
            assert_eq!(told(&rule), Admission::Shut(guest()), "{rule}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_not_guessed() {
        assert_eq!(admission(ZONE, Some(NETWORK), "br-cafe"), Admission::Unknown);
        assert_eq!(admission(ZONE, None, "br-guest"), Admission::Unknown);
        assert_eq!(admission("firewall {", Some(NETWORK), "br-guest"), Admission::Unknown);
        let by_device = ZONE.replace("list network 'guests'", "list device 'br-guest'");
        assert_eq!(admission(&by_device, None, "br-guest"), Admission::Shut(guest()));
    }
}
