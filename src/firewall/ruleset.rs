//! The rules as text for `nft`.
//!
//! Two tables. `netdev hotspotd` stands at the guest device, before routing, flow offload and
//! everything else; `inet hotspotd` holds what needs routing or connections: the way to the portal,
//! and what is addressed to this router.
//!
//! A stranger's packet that may only concern this router leaves the first table with a TTL of 1.
//! The router takes it, but can never forward it, whatever other rules and offloaded flows say:
//! a connection that was opened while signed in does not outlive the session.
//!
//! A packet of a guest who is signed in meets one rule on its way in and one on its way out. No chain
//! is hooked where it is forwarded: one with a single rule that does not match costs as much as half
//! of the lookup. So a guest device that is made anew while the daemon is dead has no rules until the
//! daemon is back; then the `nat` chain refuses new connections, but those that were open go on.

use std::fmt::Write;

use ipnet::IpNet;

use super::limits::{
    ARP, CONNECTIONS, DHCP, DNS, KNOWN_DEVICES, KNOWN_FOR, NEIGHBOUR_DISCOVERY, NEW_DEVICES,
    PROBE_DNS, device_set,
};
use super::{ADMITTED, Hook, Network, guest_limits, probe_names};

/// The name of both tables.
pub(super) const TABLE: &str = "hotspotd";

/// The mark on packets that come from this router itself (bit 29); it lives from the output hook
/// to the egress hook.
const LOCAL: u32 = 0x2000_0000;

/// Most guests at one time. The kernel makes room for all of them at once: 128 KB for each set, given
/// back as long as few are there.
const GUESTS: u32 = 8192;

/// The first of the chains that a `netdev` table has with an egress hook only.
pub(super) const EGRESS: &str = "egress_1";

/// Multicast listener query, report, done, and version 2 report (RFC 2710, RFC 3810).
const LISTENERS: &str = "130, 131, 132, 143";
/// What hosts send (RFC 4861), with a hop limit of 255.
const DISCOVERY: &str = "nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert";

/// Rules for these networks, to be loaded into empty tables.
pub(super) fn render(networks: &[Network], hook: Hook) -> String {
    match hook {
        Hook::Netdev | Hook::Inet => netdev(networks, hook) + &inet(networks, hook),
        Hook::Nothing => String::new(),
    }
}

fn netdev(networks: &[Network], hook: Hook) -> String {
    let mut text = format!("table netdev {TABLE} {{\n");
    text += &guest_sets("upload", "ether_addr");
    if hook == Hook::Netdev {
        text += &guest_sets("download", "ether_addr");
    }
    text += &device_set(KNOWN_DEVICES, KNOWN_FOR);
    text += &new_devices();
    text += &arp_requests();
    text += &strangers_dns(networks);
    for (number, network) in networks.iter().enumerate() {
        text += &ingress(number + 1, network);
        if hook == Hook::Netdev {
            text += &egress(number + 1, network);
        }
    }
    text + "}\n"
}

/// What the elements carry is fixed here; netlink fills them. One octet a second is a placeholder:
/// every element brings its own.
fn guest_sets(direction: &str, key: &str) -> String {
    format!(
        "\tset {direction} {{\n\t\ttype {key}\n\t\tsize {GUESTS}\n\t\tflags dynamic,timeout\n\
         \t\tquota 9223372036854775807 bytes counter\n\t}}\n\
         \tset {direction}_rate {{\n\t\ttype {key}\n\t\tsize {GUESTS}\n\
         \t\tflags dynamic,timeout\n\t\tlimit rate over 1 bytes/second\n\t}}\n"
    )
}

/// Where MACs are invented, new ones wait; those that were seen lately and guests who are signed in
/// do not. Such a guest's lookup counts the frame, an ARP request a minute at most.
fn new_devices() -> String {
    let rate = NEW_DEVICES.text();
    format!(
        "\tchain new_devices {{\n\t\tether saddr @upload return\n\
         \t\tlimit rate {rate} return\n\t\tdrop\n\t}}\n"
    )
}

/// Requests make entries in the neighbour table, whoever sends them; answers only fill in what the
/// router has asked for. What the limit for all has no room for is taken of guests who are signed in.
fn arp_requests() -> String {
    ARP.declaration()
        + "\tchain arp_requests {\n\t\tarp operation != request accept\n"
        + &ARP.drop_excess_of_each()
        + &format!(
            "\t\tlimit rate {} accept\n\t\tether saddr @upload accept\n\t}}\n",
            ARP.all.text()
        )
}

/// Names of connectivity checks and of the portal first, with a bucket of their own.
fn strangers_dns(networks: &[Network]) -> String {
    let (each, all) = (PROBE_DNS.each.text(), PROBE_DNS.all.text());
    let names = networks.iter().filter_map(|network| network.portal_name.as_deref());
    let mut text = DNS.declaration() + &PROBE_DNS.declaration();
    text += "\tchain to_resolver {\n\
             \t\tip ttl set 1 accept\n\t\tip6 hoplimit set 1 accept\n\t}\n\
             \tchain strangers_dns {\n";
    for question in std::iter::once(probe_names::probes()).chain(names.map(probe_names::name)) {
        let _ = writeln!(
            text,
            "\t\t{question} update @{} {{ ether saddr limit rate {each} }} limit rate {all} \
             goto to_resolver",
            PROBE_DNS.set
        );
    }
    text += &DNS.drop_excess_of_each();
    text + &format!("\t\tlimit rate {} goto to_resolver\n\t\tdrop\n\t}}\n", DNS.all.text())
}

fn ingress(number: usize, network: &Network) -> String {
    let device = &network.device;
    format!(
        "\tchain ingress_{number} {{\n\
         \t\ttype filter hook ingress device \"{device}\" priority -500; policy drop;\n{}{}\t}}\n",
        uploads(network),
        strangers()
    )
}

/// What comes from guests, and what everybody may send. ARP is not counted, and limited for
/// everybody. The first rule is the second one without the cost of keeping marks of others.
fn uploads(network: &Network) -> String {
    let mut text = String::new();
    if network.has_rates {
        text += "\t\tmeta protocol != arp ether saddr @upload_rate drop\n";
    }
    let _ = write!(
        text,
        "\t\tmeta mark 0 meta protocol != arp ether saddr @upload meta mark set {ADMITTED:#x} accept\n\
         \t\tmeta mark != 0 meta protocol != arp ether saddr @upload \
         meta mark set meta mark | {ADMITTED:#x} accept\n\
         \t\tether saddr != @{KNOWN_DEVICES} jump new_devices\n\
         \t\tupdate @{KNOWN_DEVICES} {{ ether saddr }}\n\
         \t\tmeta protocol arp goto arp_requests\n"
    );
    for (family, list) in garden(&network.garden) {
        let _ = writeln!(
            text,
            "\t\t{family} daddr {{ {list} }} meta mark set meta mark | {ADMITTED:#x} accept"
        );
    }
    text
}

/// What strangers may send to this router. Neighbour discovery is only valid with a hop limit of 255
/// (RFC 4861 section 6.1), which the input chain gives back: no packet that is forwarded comes there.
fn strangers() -> String {
    format!(
        "\t\tudp sport 68 udp dport 67 ip ttl set 1 accept\n\
         \t\tip6 daddr {{ fe80::/10, ff02::/16 }} udp sport 546 udp dport 547 accept\n\
         \t\ticmpv6 type {{ {DISCOVERY} }} ip6 hoplimit 255 ip6 hoplimit set 1 accept\n\
         \t\ticmpv6 type {{ {LISTENERS} }} ip6 hoplimit 1 accept\n\
         \t\tudp dport 53 goto strangers_dns\n\
         \t\tmeta l4proto tcp ip ttl set 1 accept\n\
         \t\tmeta l4proto tcp ip6 hoplimit set 1 accept\n"
    )
}

/// ARP comes behind the lookup, where it costs guests' packets nothing: like neighbour discovery, what
/// is sent to a guest alone counts as a download. The rate must not hold it up.
fn egress(number: usize, network: &Network) -> String {
    let device = &network.device;
    let rate = match network.has_rates {
        true => "\t\tmeta protocol != arp ether daddr @download_rate drop\n",
        false => "",
    };
    let mut text = format!(
        "\tchain egress_{number} {{\n\
         \t\ttype filter hook egress device \"{device}\" priority 0; policy drop;\n{rate}\
         \t\tether daddr @download accept\n\
         \t\tmeta protocol arp accept\n\
         \t\tmeta mark & {LOCAL:#x} != 0 accept\n"
    );
    for (family, list) in garden(&network.garden) {
        let _ = writeln!(text, "\t\t{family} saddr {{ {list} }} accept");
    }
    // DHCP servers write these past the output hook, with packet sockets. What is forwarded has no
    // socket, nor an owner: a download dressed up as DHCP must not outlive the session.
    text += "\t\tmeta skuid != 4294967295 udp sport 67 udp dport 68 accept\n\t}\n";
    text
}

fn inet(networks: &[Network], hook: Hook) -> String {
    let mut text = format!("table inet {TABLE} {{\n");
    text += &to_portal(networks);
    text += &input(networks);
    text += &output(networks, hook);
    if hook == Hook::Inet {
        text += &routing_path(networks);
    }
    text + "}\n"
}

/// The first packet of each connection comes here. Strangers' web requests and DNS come to this router;
/// other connections are refused at once, so that a page fails fast instead of waiting. Resets are
/// held back until the guests are in, by leaving the set `resets` empty: nobody's connection breaks
/// while rules are loaded.
fn to_portal(networks: &[Network]) -> String {
    let mut text = "\tset resets {\n\t\ttype inet_proto\n\t}\n".to_owned();
    text += &CONNECTIONS.declaration();
    text += "\tchain new_connections {\n";
    text += &CONNECTIONS.drop_excess_of_each();
    let _ = writeln!(text, "\t\tlimit rate over {} drop\n\t}}", CONNECTIONS.all.text());
    text += &guest_limits::chain();
    for (number, network) in networks.iter().enumerate() {
        text += &new_of_strangers(number + 1, network.portal_port);
    }
    text += "\tchain to_portal {\n\
             \t\ttype nat hook prerouting priority -105; policy accept;\n";
    for (number, network) in networks.iter().enumerate() {
        let (device, number) = (&network.device, number + 1);
        // Strangers' packets there bear the mark as well, so that the limit is everybody's.
        for (family, list) in garden(&network.garden) {
            let _ = writeln!(
                text,
                "\t\tiifname \"{device}\" {family} daddr {{ {list} }} jump new_connections"
            );
        }
        text += &guest_limits::jump(device);
        let _ = writeln!(text, "\t\t{} jump strangers_{number}", stranger(network));
    }
    text + "\t}\n"
}

/// The answer to an address that is not behind the guest device would leave by another one: this
/// router is no reflector. The last rule is for a device without an ingress chain.
fn new_of_strangers(number: usize, port: u16) -> String {
    let ports = if port == 80 { "80".to_owned() } else { format!("80, {port}") };
    format!(
        "\tchain strangers_{number} {{\n\
         \t\tmeta l4proto tcp fib saddr . iif oif missing drop\n\
         \t\tudp dport 53 fib saddr . iif oif missing drop\n\
         \t\ttcp dport != {{ {ports} }} meta l4proto @resets reject with tcp reset\n\
         \t\ttcp dport != {{ {ports} }} drop\n\
         \t\tmeta l4proto tcp jump new_connections\n\
         \t\ttcp dport 80 redirect to :{port}\n\
         \t\tudp dport 53 redirect to :53\n\
         \t\tfib daddr type != {{ local, broadcast, multicast }} drop\n\t}}\n"
    )
}

/// What is addressed to this router, whoever sends it, and costs nothing that is forwarded.
fn input(networks: &[Network]) -> String {
    let (discovery, dhcp) = (NEIGHBOUR_DISCOVERY, DHCP);
    let excess =
        |rate: String| format!("\t\tmeta mark & {ADMITTED:#x} == 0 limit rate over {rate} drop\n");
    let mut text = discovery.declaration() + "\tchain neighbour_discovery {\n";
    text += &discovery.drop_excess_of_each();
    text += "\t\ticmpv6 type nd-neighbor-advert return\n";
    text += &(excess(discovery.all.text()) + "\t}\n");
    text += &(dhcp.declaration() + "\tchain dhcp {\n" + &dhcp.drop_excess_of_each());
    text += &(excess(dhcp.all.text()) + "\t}\n");
    text += "\tchain input {\n\t\ttype filter hook input priority -10; policy accept;\n";
    for network in networks {
        let device = &network.device;
        let _ = write!(
            text,
            "\t\ticmpv6 type {{ {DISCOVERY}, {LISTENERS} }} iifname \"{device}\" \
             jump neighbour_discovery\n\
             \t\ticmpv6 type {{ {DISCOVERY} }} ip6 hoplimit 1 {} ip6 hoplimit set 255\n\
             \t\tudp dport {{ 67, 547 }} iifname \"{device}\" jump dhcp\n",
            stranger(network)
        );
    }
    text + "\t}\n"
}

/// What comes from this router itself. Only the egress hook asks for the mark.
fn output(networks: &[Network], hook: Hook) -> String {
    let mut text =
        "\tchain output {\n\t\ttype filter hook output priority 0; policy accept;\n".to_owned();
    for network in networks {
        let device = &network.device;
        text += &guest_limits::invalid_answers(device);
        if hook == Hook::Netdev {
            let _ = writeln!(text, "\t\toifname \"{device}\" meta mark set meta mark | {LOCAL:#x}");
        }
    }
    text + "\t}\n"
}

fn stranger(network: &Network) -> String {
    format!("iifname \"{}\" meta mark & {ADMITTED:#x} == 0", network.device)
}

/// Downloads without an egress hook: told apart by the mark that the guest's own packets have put on
/// the connection.
fn routing_path(networks: &[Network]) -> String {
    let mut text = guest_sets("download", "mark");
    text += "\tmap connections {\n\t\ttype ether_addr : mark\n\t\tflags dynamic,timeout\n\t}\n";
    text += "\tchain owners {\n\t\ttype filter hook prerouting priority mangle; policy accept;\n";
    for network in networks {
        let device = &network.device;
        let _ = writeln!(text, "\t\tiifname \"{device}\" ct mark set ether saddr map @connections");
    }
    text += "\t}\n\tchain forward {\n\t\ttype filter hook forward priority -10; policy accept;\n";
    for network in networks {
        let device = &network.device;
        let _ = writeln!(text, "\t\t{} drop", stranger(network));
        if network.has_rates {
            let _ = writeln!(text, "\t\toifname \"{device}\" ct mark @download_rate drop");
        }
        let _ = writeln!(text, "\t\toifname \"{device}\" ct mark @download accept");
        for (family, list) in garden(&network.garden) {
            let _ = writeln!(text, "\t\toifname \"{device}\" {family} saddr {{ {list} }} accept");
        }
        let _ = writeln!(text, "\t\toifname \"{device}\" drop");
    }
    text + "\t}\n"
}

/// The garden's networks by family, without overlaps.
fn garden(networks: &[IpNet]) -> Vec<(&'static str, String)> {
    let merged = IpNet::aggregate(&networks.to_vec());
    let (v4, v6): (Vec<&IpNet>, Vec<&IpNet>) =
        merged.iter().partition(|network| matches!(network, IpNet::V4(_)));
    let list = |networks: Vec<&IpNet>| {
        networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let families = [("ip", list(v4)), ("ip6", list(v6))];
    families.into_iter().filter(|(_, list)| !list.is_empty()).collect()
}
