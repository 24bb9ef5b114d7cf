//! What OpenWrt's dnsmasq gives guests, by `/etc/config/dhcp`.

use super::{Advice, interfaces_on, text, words};
use crate::config::Guest;
use crate::config::uci::Section;

/// What keeps guests from an address, from the portal, or us from their devices' names.
pub(super) fn advice(dhcp: &[Section], networks: &[Section], guest: &Guest) -> Vec<Advice> {
    let mut advice = Vec::new();
    let mut note = |finding: String, commands: Vec<String>| {
        advice.push(Advice { about: "dhcp", finding, commands });
    };
    let of_kind = |kind: &'static str| dhcp.iter().filter(move |it| it.kind == kind);
    let leases = of_kind("dnsmasq").find_map(|it| text(it, "leasefile"));
    if let Some(leases) = leases.filter(|it| guest.leases.as_os_str() != *it) {
        note(
            format!(
                "dnsmasq keeps its leases in {leases}; let option leases of section '{}' be that, \
                 or devices have no names",
                guest.name
            ),
            Vec::new(),
        );
    }
    for interface in interfaces_on(networks, &guest.device) {
        let is_its = |it: &&Section| text(it, "interface") == Some(interface);
        let is_served = |it: &&Section| {
            text(it, "ignore") != Some("1") && text(it, "dhcpv4") != Some("disabled")
        };
        let Some(served) = of_kind("dhcp").filter(is_its).find(is_served) else {
            let mut commands = match of_kind("dhcp").position(|it| is_its(&it)) {
                // Another section would not undo what this one says, whatever its name.
                Some(number) => [".ignore='0'", ".dhcpv4='server'"]
                    .map(|set| format!("uci set dhcp.@dhcp[{number}]{set}"))
                    .to_vec(),
                None => ["=dhcp", &format!(".interface='{interface}'"), ".leasetime='1h'"]
                    .map(|set| format!("uci set dhcp.{interface}{set}"))
                    .to_vec(),
            };
            commands.push("uci commit dhcp; service dnsmasq reload".to_owned());
            note(format!("nobody gives addresses to guests on '{interface}'"), commands);
            continue;
        };
        for option in words(served, "dhcp_option") {
            if let Some(finding) = misleading(option, interface) {
                note(finding, Vec::new());
            }
        }
    }
    advice
}

/// An option for guests that keeps the portal from them, or is of no use.
fn misleading(option: &str, interface: &str) -> Option<String> {
    match option.split_once(',')?.0 {
        "6" => Some(format!(
            "guests on '{interface}' are given another DNS server (dhcp_option '{option}'), which \
             strangers do not reach, so that no portal opens; leave it out, and have dnsmasq ask \
             that server"
        )),
        "114" => Some(format!(
            "dhcp_option '{option}' (RFC 8910) wants HTTPS with a certificate that phones trust, \
             which this portal has not; leave it out, they find the portal without it"
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, uci};

    const NETWORK: &str = "config interface 'inn'\noption device 'br-guest'\n";
    const SERVED: &str = "config dnsmasq\noption leasefile '/tmp/dhcp.leases'\n\
                          config dhcp 'inn'\noption interface 'inn'\n";

    fn findings(dhcp: &str) -> Vec<String> {
        let config = Config::parse("config guest\noption device br-guest\n").unwrap();
        let (dhcp, network) = (uci::parse(dhcp).unwrap(), uci::parse(NETWORK).unwrap());
        let advice = advice(&dhcp, &network, &config.guests[0]);
        advice.into_iter().map(|it| format!("{} {:?}", it.finding, it.commands)).collect()
    }

    #[test]
    fn a_network_that_is_served_needs_no_advice() {
        assert_eq!(findings(SERVED), [""; 0]);
        assert_eq!(findings(&format!("{SERVED}list dhcp_option '3,192.168.3.1'\n")), [""; 0]);
    }

    #[test]
    fn what_guests_lack_is_told() {
        for (dhcp, told) in [
            (SERVED.replace("'/tmp/dhcp.leases'", "'/srv/leases'"), "leases in /srv/leases;"),
            (SERVED.replace("interface 'inn'", "interface 'lan'"), "\"uci set dhcp.inn=dhcp\""),
            (format!("{SERVED}option ignore '1'\n"), "\"uci set dhcp.@dhcp[0].ignore='0'\""),
            (
                SERVED.replace("dhcp 'inn'", "dhcp 'lan'\nconfig dhcp\noption dhcpv4 disabled"),
                "\"uci set dhcp.@dhcp[1].dhcpv4='server'\"",
            ),
            (format!("{SERVED}list dhcp_option '6,9.9.9.9'\n"), "another DNS server"),
            (format!("{SERVED}list dhcp_option '114,http://x/api'\n"), "wants HTTPS"),
        ] {
            let findings = findings(&dhcp);
            assert_eq!(findings.len(), 1, "{findings:?}");
            assert!(findings[0].contains(told), "{findings:?}");
        }
    }
}
