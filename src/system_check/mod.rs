//! The router around the daemon: what has to be set elsewhere for a guest network to work.
//!
//! Everything here is read from files that need no root, and only looked at: nothing is changed.
//! What cannot be told is not guessed.

mod dhcp;
mod offload;
mod zones;

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use nix::ifaddrs::getifaddrs;

pub use offload::{Bypass, Offload};
pub use zones::{Admission, Way};

use crate::config::Guest;
use crate::config::uci::{self, Section, Value};
use crate::firewall::ADMITTED;

pub use crate::firewall::{can_delete_connections, flowtables};

/// The switches that have bridged frames pass the rules for routed packets.
const BRIDGE_SWITCHES: [&str; 2] = ["bridge-nf-call-iptables", "bridge-nf-call-ip6tables"];

/// What the gate's mark looks like in a rule of OpenWrt's firewall.
pub fn mark() -> String {
    format!("{ADMITTED:#x}/{ADMITTED:#x}")
}

/// The first IPv4 address of a device of this machine.
pub fn first_address(device: &str) -> Option<Ipv4Addr> {
    let mut addresses = getifaddrs().ok()?.filter(|it| it.interface_name == device);
    addresses.find_map(|it| it.address?.as_sockaddr_in().map(|address| address.ip()))
}

/// What the operator may change elsewhere on the router, and the commands for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// A word: whose configuration it is.
    pub about: &'static str,
    /// What is found.
    pub finding: String,
    /// Lines for a shell on OpenWrt; none where there is a choice to make.
    pub commands: Vec<String>,
}

/// A file system with `/proc`, `/sys` and `/etc/config`.
pub struct Surroundings {
    root: PathBuf,
}

impl Surroundings {
    /// Of this machine.
    pub fn here() -> Self {
        Self { root: PathBuf::from("/") }
    }

    /// Whether there is a network device of this name.
    pub fn has(&self, device: &str) -> bool {
        self.device(device).exists()
    }

    /// Whether IPv4 packets that come in there are passed on; `None` where that cannot be told.
    pub fn forwards(&self, device: &str) -> Option<bool> {
        let switch = self.root.join("proc/sys/net/ipv4/conf").join(device).join("forwarding");
        Some(fs::read_to_string(switch).ok()?.trim() != "0")
    }

    /// A sentence for the operator where bridged frames of one of these devices pass the rules for
    /// routed packets: they do so before the gate has marked them.
    pub fn bridge_trouble<'a>(&self, mut devices: impl Iterator<Item = &'a str>) -> Option<String> {
        let directory = self.root.join("proc/sys/net/bridge");
        let is_on = |switch: &&&str| {
            fs::read_to_string(directory.join(switch)).is_ok_and(|value| value.trim() == "1")
        };
        let on: Vec<&str> = BRIDGE_SWITCHES.iter().filter(is_on).copied().collect();
        if on.is_empty() {
            return None;
        }
        let device = devices.find(|device| self.is_bridged(device))?;
        let off: Vec<String> = on.iter().map(|switch| format!("net.bridge.{switch}=0")).collect();
        Some(format!(
            "{device} is a bridge, and this kernel has bridged frames pass the rules for routed \
             packets ({}): guests who have signed in land at the portal again; switch it off with \
             'sysctl -w {}', and in /etc/sysctl.conf to keep it off",
            on.join(", "),
            off.join(" "),
        ))
    }

    /// Whether the firewall's configuration switches flow offload on; `None` where there is none.
    pub fn offload(&self) -> Option<Offload> {
        self.uci("firewall").as_deref().map(Offload::of)
    }

    /// What the firewall's configuration makes of packets from this device.
    pub fn admission(&self, device: &str) -> Admission {
        match self.uci("firewall") {
            Some(firewall) => zones::admission(&firewall, &self.networks(), device),
            None => Admission::Unknown,
        }
    }

    /// What firewall and DHCP server of OpenWrt lack for this network, which is one of `guests`.
    pub fn advice(&self, guest: &Guest, guests: &[Guest]) -> Vec<Advice> {
        let networks = self.networks();
        let mut advice = Vec::new();
        if let Some(firewall) = self.uci("firewall") {
            advice.extend(zones::advice(&firewall, &networks, guest, guests));
        }
        if let Some(dhcp) = self.uci("dhcp") {
            advice.extend(dhcp::advice(&dhcp, &networks, guest));
        }
        advice
    }

    fn networks(&self) -> Vec<Section> {
        self.uci("network").unwrap_or_default()
    }

    fn uci(&self, name: &str) -> Option<Vec<Section>> {
        let text = fs::read_to_string(self.root.join("etc/config").join(name)).ok()?;
        uci::parse(&text).ok()
    }

    fn device(&self, name: &str) -> PathBuf {
        self.root.join("sys/class/net").join(name)
    }

    /// A bridge, or a VLAN on one.
    fn is_bridged(&self, device: &str) -> bool {
        let is_bridge = |device: &Path| device.join("bridge").is_dir();
        let device = self.device(device);
        let below = fs::read_dir(&device).into_iter().flatten().flatten();
        is_bridge(&device)
            || below
                .filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b"lower_"))
                .any(|entry| is_bridge(&entry.path()))
    }
}

/// The interfaces on a device.
fn interfaces_on<'a>(networks: &'a [Section], device: &str) -> Vec<&'a str> {
    let is_on_it = |section: &&Section| {
        section.kind == "interface"
            && (words(section, "device").contains(&device)
                || words(section, "ifname").contains(&device))
    };
    networks.iter().filter(is_on_it).filter_map(|section| section.name.as_deref()).collect()
}

fn text<'a>(section: &'a Section, name: &str) -> Option<&'a str> {
    match &section.options.iter().find(|option| option.name == name)?.value {
        Value::Text(text) => Some(text).filter(|text| !text.is_empty()).map(String::as_str),
        Value::List(_) => None,
    }
}

/// Whether an option is on, by the words that firewall4 knows for it (`parse_bool`).
fn is_on(section: &Section, name: &str) -> bool {
    matches!(text(section, name), Some("1" | "on" | "true" | "yes"))
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
    use crate::temp_dir::Scratch;

    pub(super) fn machine(files: &[(&str, &str)]) -> (Scratch, Surroundings) {
        let scratch = Scratch::new();
        for (name, text) in files {
            let path = scratch.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let root = scratch.path().to_owned();
        (scratch, Surroundings { root })
    }

    #[test]
    fn bridges_with_the_switch_on_are_told() {
        let (_scratch, here) = machine(&[
            ("proc/sys/net/bridge/bridge-nf-call-iptables", "1\n"),
            ("proc/sys/net/bridge/bridge-nf-call-ip6tables", "0\n"),
            ("proc/sys/net/bridge/bridge-nf-call-arptables", "1\n"),
            ("sys/class/net/br-guest/bridge/stp_state", "0"),
            ("sys/class/net/br-lan.3/lower_br-lan/bridge/stp_state", "0"),
            ("sys/class/net/eth0.3/lower_eth0/mtu", "1500"),
        ]);
        let told = here.bridge_trouble(["eth0.3", "br-guest"].into_iter()).unwrap();
        assert!(told.starts_with("br-guest is a bridge"), "{told}");
        assert!(told.contains("'sysctl -w net.bridge.bridge-nf-call-iptables=0',"), "{told}");
        assert!(here.bridge_trouble(["br-lan.3"].into_iter()).is_some());
        assert_eq!(here.bridge_trouble(["eth0.3", "br-none"].into_iter()), None);
    }

    #[test]
    fn without_the_switch_there_is_nothing_to_tell() {
        let (_scratch, here) = machine(&[("sys/class/net/br-guest/bridge/stp_state", "0")]);
        assert_eq!(here.bridge_trouble(["br-guest"].into_iter()), None);
        assert!(here.has("br-guest") && !here.has("br-cafe"));
        assert_eq!(here.forwards("br-guest"), None);
        assert_eq!(here.admission("br-guest"), Admission::Unknown);
    }

    #[test]
    fn forwarding_is_the_devices_own() {
        let (_scratch, here) = machine(&[
            ("proc/sys/net/ipv4/conf/a/forwarding", "0\n"),
            ("proc/sys/net/ipv4/conf/b/forwarding", "1\n"),
        ]);
        assert_eq!((here.forwards("a"), here.forwards("b")), (Some(false), Some(true)));
    }
}
