//! Flow offload: what OpenWrt's firewall is set to, by `/etc/config/firewall`, and which devices the
//! flowtables that are loaded take packets from.

use std::collections::BTreeSet;
use std::{fmt, fs};

use super::{Surroundings, is_on, words};
use crate::config::uci::Section;
use crate::firewall::Flowtable;

/// Devices below devices are followed this far; real ones are three or four.
const DEPTH: usize = 8;
/// Of the gate's rules at a guest device: a flowtable of that device with a lower one comes first.
const GATE_PRIORITY: i32 = -500;

/// Which packets of a connection that is under way take a short way past the routing path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offload {
    /// None.
    Off,
    /// Those that come in at the devices of the zones: they meet what stands at a device, and
    /// nothing behind it.
    Software,
    /// Those that come in at the ports below these devices, the wires' own or a bridge's: they meet
    /// nothing, whether the hardware carries them or, where it cannot, the kernel.
    Hardware,
}

impl Offload {
    /// What these sections of `/etc/config/firewall` switch on. Hardware offload is an addition to
    /// software offload and nothing without it; a second `config defaults` is overlooked
    /// (firewall4, `resolve_offload_devices` and `parse_defaults`).
    pub(super) fn of(firewall: &[Section]) -> Self {
        let Some(defaults) = firewall.iter().find(|it| it.kind == "defaults") else {
            return Self::Off;
        };
        match (is_on(defaults, "flow_offloading"), is_on(defaults, "flow_offloading_hw")) {
            (false, _) => Self::Off,
            (true, false) => Self::Software,
            (true, true) => Self::Hardware,
        }
    }
}

/// A flowtable that takes guests' packets before they come to the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bypass {
    /// The guest device.
    pub guest: String,
    /// The table of the flowtable, and its own name.
    pub flowtable: (String, String),
    /// Where it takes the packets.
    pub device: String,
}

impl fmt::Display for Bypass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { guest, flowtable: (table, name), device } = self;
        write!(f, "flowtable {name} of table {table} takes packets at {device}")?;
        if device != guest {
            write!(f, ", below {guest}")?;
        }
        f.write_str(
            ", before they come to the rules: uploads are not counted, and go on when the session \
             has ended",
        )
    }
}

impl Surroundings {
    /// The first of these flowtables that takes packets from this guest device past the rules.
    ///
    /// The kernel looks through bridges and VLANs for the device that really receives, and where that
    /// is in the flowtable as well, packets are taken there (`nft_dev_path_info`): before the guest
    /// device, whose rules they never meet. A bridge on the way receives nothing itself. The guest
    /// device itself may be in the flowtable where the rules stand at it, since they come first.
    pub fn bypass(
        &self,
        guest: &str,
        flowtables: &[Flowtable],
        in_routing_path: bool,
    ) -> Option<Bypass> {
        let below = self.below(guest);
        let at = |flowtable: &Flowtable, device: String| Bypass {
            guest: guest.to_owned(),
            flowtable: (flowtable.table.clone(), flowtable.name.clone()),
            device,
        };
        flowtables.iter().find_map(|flowtable| {
            let comes_first = in_routing_path || flowtable.priority <= GATE_PRIORITY;
            if comes_first && flowtable.has(guest) {
                return Some(at(flowtable, guest.to_owned()));
            }
            let receives = |device: &&String| flowtable.has(device) && !self.is_bridge(device);
            below.iter().find(receives).map(|device| at(flowtable, device.clone()))
        })
    }

    /// Whether OpenWrt's firewall, told to offload in software, would leave this guest device's rules
    /// in front: it lists the devices of all interfaces, and none of them may be below.
    pub fn may_offload(&self, guest: &str) -> bool {
        let below = self.below(guest);
        let networks = self.networks();
        let listed = networks.iter().filter(|section| section.kind == "interface");
        let devices = listed.flat_map(|section| {
            words(section, "device").into_iter().chain(words(section, "ifname"))
        });
        let devices: Vec<&str> = devices.collect();
        devices.contains(&guest)
            && !devices.iter().any(|device| below.contains(*device) && !self.is_bridge(device))
    }

    /// The devices below a device: a bridge's ports, what a VLAN is on, and so on.
    fn below(&self, device: &str) -> BTreeSet<String> {
        let mut below = BTreeSet::new();
        let mut layer = vec![device.to_owned()];
        for _ in 0..DEPTH {
            let lower = layer.iter().flat_map(|device| self.directly_below(device));
            layer = lower.filter(|device| below.insert(device.clone())).collect();
        }
        below
    }

    /// The kernel links to them from the device's directory (Documentation/ABI, sysfs-class-net).
    fn directly_below(&self, device: &str) -> Vec<String> {
        let entries = fs::read_dir(self.device(device)).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.filter_map(|name| name.strip_prefix("lower_").map(str::to_owned)).collect()
    }

    fn is_bridge(&self, device: &str) -> bool {
        self.device(device).join("bridge").is_dir()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::machine;
    use super::*;
    use crate::config::uci;

    /// One-armed router, bridge of ports, VLAN-aware bridge.
    const SYS: [(&str, &str); 10] = [
        ("sys/class/net/trunk/mtu", "1500"),
        ("sys/class/net/trunk.20/lower_trunk/mtu", "1500"),
        ("sys/class/net/br-guest/bridge/stp_state", "0"),
        ("sys/class/net/br-guest/lower_lan1.3/mtu", "1500"),
        ("sys/class/net/br-guest/lower_wlan0/mtu", "1500"),
        ("sys/class/net/lan1.3/lower_lan1/mtu", "1500"),
        ("sys/class/net/br-lan.20/lower_br-lan/bridge/stp_state", "0"),
        ("sys/class/net/br-lan/bridge/stp_state", "0"),
        ("sys/class/net/br-lan/lower_lan2/mtu", "1500"),
        ("sys/class/net/wan/mtu", "1500"),
    ];

    fn flowtable(devices: &[&str]) -> Flowtable {
        let devices = devices.iter().map(|device| (*device).to_owned()).collect();
        Flowtable { table: "fw4".to_owned(), name: "ft".to_owned(), priority: 0, devices }
    }

    /// The rows of the trial: what is listed, and where packets were taken.
    #[test]
    fn a_flowtable_below_the_guest_device_comes_before_the_rules() {
        let (_scratch, here) = machine(&SYS);
        for (guest, devices, at) in [
            ("br-guest", &["br-guest", "wan"][..], None),
            ("br-lan.20", &["br-lan", "br-lan.20", "wan"], None),
            ("trunk.20", &["trunk", "trunk.20", "wan"], Some("trunk")),
            ("br-guest", &["wlan0", "wan"], Some("wlan0")),
            ("br-guest", &["lan*", "wan"], Some("lan1")),
            ("br-lan.20", &["lan2"], Some("lan2")),
            ("trunk.20", &["wan"], None),
            ("wan", &["trunk"], None),
        ] {
            let found = here.bypass(guest, &[flowtable(&["wan"]), flowtable(devices)], false);
            assert_eq!(found.map(|it| it.device).as_deref(), at, "{guest} under {devices:?}");
        }
    }

    #[test]
    fn the_guest_device_itself_counts_where_the_rules_come_later() {
        let (_scratch, here) = machine(&SYS);
        let own = flowtable(&["br-guest", "wan"]);
        assert_eq!(here.bypass("br-guest", std::slice::from_ref(&own), false), None);
        let at = |flowtable: Flowtable, in_routing_path| {
            here.bypass("br-guest", &[flowtable], in_routing_path).map(|it| it.device)
        };
        assert_eq!(at(own.clone(), true).as_deref(), Some("br-guest"));
        assert_eq!(at(Flowtable { priority: -500, ..own }, false).as_deref(), Some("br-guest"));
    }

    #[test]
    fn devices_that_are_below_each_other_end() {
        let (_scratch, here) = machine(&[
            ("sys/class/net/a/lower_b/mtu", "1500"),
            ("sys/class/net/b/lower_a/mtu", "1500"),
        ]);
        assert_eq!(here.bypass("a", &[flowtable(&["c"])], false), None);
    }

    #[test]
    fn offload_is_offered_where_no_interface_is_below_the_guest_device() {
        let interface = |device: &str| {
            format!(
                "config interface
	option device '{device}'
config interface
	option device 'wan'
"
            )
        };
        for (guest, network, safe) in [
            ("br-guest", interface("br-guest"), true),
            ("br-lan.20", interface("br-lan") + &interface("br-lan.20"), true),
            ("trunk.20", interface("trunk") + &interface("trunk.20"), false),
            ("trunk.20", interface("trunk.20"), true),
            ("br-guest", interface("br-guest") + &interface("wlan0"), false),
            ("br-guest", interface("br-lan"), false),
        ] {
            let mut files = SYS.to_vec();
            files.push(("etc/config/network", &network));
            let (_scratch, here) = machine(&files);
            assert_eq!(here.may_offload(guest), safe, "{guest}: {network}");
        }
    }

    #[test]
    fn hardware_offload_is_nothing_without_the_other() {
        let software = "\toption flow_offloading '1'\n";
        let hardware = "\toption flow_offloading_hw '1'\n";
        let both = format!("{software}{hardware}");
        for (options, offload) in [
            ("", Offload::Off),
            (hardware, Offload::Off),
            (software, Offload::Software),
            ("\toption flow_offloading 'on'\n", Offload::Software),
            ("\toption flow_offloading '0'\n", Offload::Off),
            (&both, Offload::Hardware),
        ] {
            let text = format!("config defaults\n{options}config defaults\n{both}");
            assert_eq!(Offload::of(&uci::parse(&text).unwrap()), offload, "{options}");
        }
        assert_eq!(Offload::of(&[]), Offload::Off);
    }
}
