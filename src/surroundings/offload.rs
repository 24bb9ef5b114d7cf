//! Flow offload of OpenWrt's firewall, by `/etc/config/firewall`.

use super::is_on;
use crate::config::uci::Section;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::uci;

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
