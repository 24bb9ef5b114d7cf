//! The guest networks: what the daemon does there, and what the router around it does.

use super::offload::in_the_routing_path;
use super::{Report, Verdict};
use crate::config::{Config, Guest};
use crate::control::{GateHealth, Health, PortalHealth};
use crate::system_check::{Admission, Surroundings, first_address, mark};

impl Report {
    /// How the rules are installed, and how many they let through.
    pub(super) fn gate(&mut self, config: &Config, health: &Health) {
        if config.guests.is_empty() {
            return;
        }
        let (verdict, finding) = match &health.gate {
            GateHealth::Device => (Verdict::Ok, "the rules stand at the guest device".to_owned()),
            GateHealth::Routing => {
                let why = match config.main.egress_hook {
                    true => "this kernel has no egress hook",
                    false => "option egress_hook is '0'",
                };
                let offload = in_the_routing_path(Surroundings::here().offload());
                let finding = format!("the rules stand in the routing path: {why}; {offload}");
                (Verdict::Note, finding)
            }
            GateHealth::Nothing if config.guests.iter().any(|guest| guest.enforce) => (
                Verdict::Note,
                "no guest device is there yet, so that there are no rules".to_owned(),
            ),
            GateHealth::Nothing => (
                Verdict::Note,
                "no network is enforced: everybody gets through without signing in".to_owned(),
            ),
            GateHealth::Trouble(why) => (Verdict::Fail, why.clone()),
        };
        self.line(verdict, "gate", finding);
        self.line(Verdict::Ok, "sessions", format!("{} open", health.sessions));
    }

    /// Each network's device and portal.
    pub(super) fn networks(&mut self, config: &Config, health: Option<&Health>) {
        let here = Surroundings::here();
        if config.guests.is_empty() {
            let finding = "there is no 'config guest', and so no portal";
            self.line(Verdict::Note, "network", finding);
        }
        for guest in &config.guests {
            let Guest { name, device, .. } = guest;
            if !here.has(device) {
                let finding = format!("'{name}': there is no device {device}; it is waited for");
                self.line(Verdict::Note, "network", finding);
            } else if first_address(device).is_none() {
                let finding = format!(
                    "'{name}': {device} has no IPv4 address, so that guests get none either; give \
                     its interface one (option ipaddr in /etc/config/network)"
                );
                self.line(Verdict::Note, "network", finding);
            } else if here.forwards(device) == Some(false) {
                let finding = format!(
                    "'{name}': this router passes no IPv4 packets on from {device}; switch it on \
                     with 'sysctl -w net.ipv4.ip_forward=1'"
                );
                self.line(Verdict::Note, "network", finding);
            } else {
                self.line(Verdict::Ok, "network", format!("'{name}': {device} is there"));
            }
            if let Some(health) = health {
                self.portal(guest, health);
            }
        }
    }

    fn portal(&mut self, guest: &Guest, health: &Health) {
        let Guest { name, device, .. } = guest;
        let (verdict, finding) = match health.portals.get(name) {
            Some(PortalHealth::Listening(place)) => (Verdict::Ok, format!("listening on {place}")),
            Some(PortalHealth::Waiting) => (Verdict::Note, format!("waits for {device}")),
            Some(PortalHealth::Trouble(why)) => (Verdict::Fail, format!("cannot listen on {why}")),
            None => (
                Verdict::Note,
                "the daemon does not know this network yet; have it read the configuration again \
                 with 'service hotspotd reload' (elsewhere 'killall -HUP hotspotd')"
                    .to_owned(),
            ),
        };
        self.line(verdict, "portal", format!("'{name}': {finding}"));
    }

    /// What is set elsewhere on this router.
    pub(super) fn surroundings(&mut self, config: &Config) {
        let here = Surroundings::here();
        let devices = || config.guests.iter().filter(|it| it.enforce).map(|it| it.device.as_str());
        if let Some(trouble) = here.bridge_trouble(devices()) {
            self.line(Verdict::Note, "bridge", trouble);
        }
        let mut unknown = Vec::new();
        for guest in &config.guests {
            let device = guest.device.as_str();
            let advice = here.advice(guest, &config.guests);
            if guest.enforce {
                match here.admission(device) {
                    // In no zone yet, which the advice is about.
                    Admission::Unknown if advice.iter().any(|it| it.about == "firewall") => {}
                    Admission::Unknown => unknown.push(device),
                    known => self.admission(device, &known),
                }
            }
            for advice in advice {
                let finding = format!("{device}: {}", advice.finding);
                self.line(Verdict::Note, advice.about, finding);
                self.paste(&advice.commands);
            }
        }
        if !unknown.is_empty() {
            let finding = format!(
                "not known for {}; have your own firewall forward from there only what bears the \
                 mark {}, so that it stays closed without our rules (docs/firewall.md)",
                unknown.join(", "),
                mark(),
            );
            self.line(Verdict::Note, "firewall", finding);
        }
    }

    fn admission(&mut self, device: &str, admission: &Admission) {
        let mark = mark();
        let (verdict, finding) = match admission {
            Admission::Marked(zone) => (
                Verdict::Ok,
                format!("zone '{zone}' has a rule for the mark {mark}, and no forwarding"),
            ),
            Admission::Open(zone, ways) => {
                let ways: Vec<String> = ways.iter().map(ToString::to_string).collect();
                let ways = ways.join(" and ");
                let finding = format!(
                    "zone '{zone}' forwards everything {ways}, so that only our rules keep \
                     strangers in; have it forward what bears the mark {mark} only"
                );
                (Verdict::Note, finding)
            }
            Admission::Shut(zone) => (
                Verdict::Note,
                format!(
                    "zone '{zone}' has no forwarding and no rule for the mark {mark}: guests who \
                     have signed in may get nowhere"
                ),
            ),
            Admission::Unknown => return,
        };
        self.line(verdict, "firewall", format!("{device}: {finding}"));
    }
}
