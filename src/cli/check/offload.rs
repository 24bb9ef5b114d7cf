//! Flow offload: where it leads guests' packets past the rules, and where it would be a gain.

use super::{Report, Verdict};
use crate::config::Config;
use crate::control::GateHealth;
use crate::system_check::{Bypass, Offload, Surroundings, flowtables};

/// Where the rules stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Device,
    Routing,
    Unknown,
}

impl Report {
    /// Tells of flow offload that takes packets past the rules; `gate` where the daemon runs.
    pub(super) fn offload(&mut self, config: &Config, gate: Option<&GateHealth>) {
        if !config.guests.iter().any(|guest| guest.enforce) {
            return;
        }
        let here = Surroundings::here();
        let (offload, place) = (here.offload(), place(config, gate));
        let guests = || config.guests.iter().filter(|it| it.enforce).map(|it| it.device.as_str());
        // Who is not root is told by the configuration alone.
        let loaded = flowtables().unwrap_or_default();
        let in_routing_path = place == Place::Routing;
        let bypass = guests().find_map(|guest| here.bypass(guest, &loaded, in_routing_path));
        let found = offload.and_then(|offload| finding(offload, place));
        if let Some(bypass) = bypass {
            self.line(Verdict::Fail, "offload", told(&bypass, offload));
            match (found, offload) {
                (Some((_, option)), _) => self.switch_off(option),
                (None, Some(Offload::Software | Offload::Hardware)) => {
                    self.switch_off("flow_offloading");
                }
                (None, Some(Offload::Off) | None) => {}
            }
        } else if let Some((finding, option)) = found {
            self.line(Verdict::Fail, "offload", finding);
            self.switch_off(option);
        } else if offload == Some(Offload::Off)
            && place == Place::Device
            && guests().all(|guest| here.may_offload(guest))
        {
            self.line(Verdict::Ok, "offload", GAIN);
        }
    }

    fn switch_off(&mut self, option: &str) {
        self.paste(&[
            format!("uci set firewall.@defaults[0].{option}='0'"),
            "uci commit firewall; service firewall reload".to_owned(),
        ]);
    }
}

/// What an operator may want to know where everything is in order.
const GAIN: &str = "software flow offload is off; behind the rules, as here, it is safe and makes \
                    packets cheaper than routing without rules: 'uci set \
                    firewall.@defaults[0].flow_offloading=1; uci commit firewall; service firewall \
                    reload'";

/// What is said of a flowtable that comes before the rules.
fn told(bypass: &Bypass, offload: Option<Offload>) -> String {
    let way_out = match offload {
        Some(Offload::Software | Offload::Hardware) => "these lines switch that off".to_owned(),
        Some(Offload::Off) | None => format!("take {} out of it", bypass.device),
    };
    format!("{bypass}; {way_out}")
}

/// What is said of the rules in the routing path.
pub(super) fn in_the_routing_path(offload: Option<Offload>) -> &'static str {
    match offload {
        Some(Offload::Off) => "flow offload is off, as it has to be",
        Some(_) | None => "software and hardware flow offload must be off",
    }
}

/// The option keeps the rules from the devices; without it, it is the kernel that decides, once
/// there is a daemon and a device.
fn place(config: &Config, gate: Option<&GateHealth>) -> Place {
    match gate {
        Some(GateHealth::Device) => Place::Device,
        Some(GateHealth::Routing) => Place::Routing,
        _ if !config.main.egress_hook => Place::Routing,
        _ => Place::Unknown,
    }
}

/// A sentence, and the option to switch off. Hardware offload passes by both places; software
/// offload comes behind the rules at a device, and before those in the routing path.
fn finding(offload: Offload, place: Place) -> Option<(&'static str, &'static str)> {
    match (offload, place) {
        (Offload::Off, _) | (Offload::Software, Place::Device | Place::Unknown) => None,
        (Offload::Software | Offload::Hardware, Place::Routing) => Some((
            "flow offload leads packets past the routing path, where the rules stand: ended \
             sessions go on and data is not counted; these lines switch it off",
            "flow_offloading",
        )),
        (Offload::Hardware, Place::Device) => Some((
            "hardware flow offload leads packets past the guest device, where the rules stand: \
             ended sessions go on and data is not counted; these lines leave software flow offload \
             on, which does no harm there",
            "flow_offloading_hw",
        )),
        (Offload::Hardware, Place::Unknown) => Some((
            "hardware flow offload leads packets past the rules wherever they stand: ended sessions \
             go on and data is not counted; these lines switch it off",
            "flow_offloading_hw",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_past_the_rules_is_told_with_the_option_to_switch_off() {
        let (software, hardware) = (Some("flow_offloading"), Some("flow_offloading_hw"));
        for (place, of_software, of_hardware) in [
            (Place::Routing, software, software),
            (Place::Device, None, hardware),
            (Place::Unknown, None, hardware),
        ] {
            let option = |offload| finding(offload, place).map(|(_, option)| option);
            assert_eq!(option(Offload::Off), None);
            assert_eq!(option(Offload::Software), of_software);
            assert_eq!(option(Offload::Hardware), of_hardware);
            let (finding, _) = finding(Offload::Hardware, place).unwrap();
            assert!(finding.contains("ended sessions go on and data is not counted"), "{finding}");
        }
        assert!(in_the_routing_path(Some(Offload::Off)).contains("is off"));
        for offload in [None, Some(Offload::Software), Some(Offload::Hardware)] {
            assert!(in_the_routing_path(offload).contains("must be off"));
        }
    }

    #[test]
    fn a_flowtable_that_comes_first_is_told_with_the_way_out() {
        let bypass = |device: &str| Bypass {
            guest: "trunk.20".to_owned(),
            flowtable: ("fw4".to_owned(), "ft".to_owned()),
            device: device.to_owned(),
        };
        let text = told(&bypass("trunk"), Some(Offload::Software));
        assert!(
            text.starts_with("flowtable ft of table fw4 takes packets at trunk, below trunk.20,")
        );
        assert!(text.ends_with("these lines switch that off"), "{text}");
        let text = told(&bypass("trunk.20"), None);
        assert!(text.contains("takes packets at trunk.20, before"), "{text}");
        assert!(text.ends_with("take trunk.20 out of it"), "{text}");
    }

    #[test]
    fn a_place_that_is_not_certain_is_not_guessed() {
        let hook = |flag| {
            Config::parse(&format!("config hotspotd main\noption egress_hook {flag}\n")).unwrap()
        };
        let trouble = GateHealth::Trouble("nft".to_owned());
        for (gate, with, without) in [
            (Some(&GateHealth::Device), Place::Device, Place::Device),
            (Some(&GateHealth::Routing), Place::Routing, Place::Routing),
            (Some(&GateHealth::Nothing), Place::Unknown, Place::Routing),
            (Some(&trouble), Place::Unknown, Place::Routing),
            (None, Place::Unknown, Place::Routing),
        ] {
            assert!(place(&hook(1), gate) == with && place(&hook(0), gate) == without, "{gate:?}");
        }
    }
}
