//! The rules as text for `nft`.
//!
//! Two tables. `netdev hotspotd` stands at the guest device, before routing, flow offload and
//! everything else; `inet hotspotd` holds what needs routing or connections: the way to the portal.
//!
//! A stranger's packet that may only concern this router leaves the first table with a TTL of 1.
//! The router takes it, but can never forward it, whatever other rules and offloaded flows say:
//! a connection that was opened while signed in does not outlive the session.

use std::fmt::Write;

use ipnet::IpNet;

use super::{ADMITTED, Hook, Network};

/// The name of both tables.
pub(super) const TABLE: &str = "hotspotd";

/// The mark on packets that come from this router itself (bit 29); it lives from the output hook
/// to the egress hook.
const LOCAL: u32 = 0x2000_0000;

/// Most guests at one time, and most devices that the DNS limit tells apart. The kernel makes room
/// for all of them at once: 128 KB for each set, given back as long as few are there.
const GUESTS: u32 = 8192;

/// Rules for these networks, to be loaded into empty tables.
pub(super) fn render(networks: &[Network], hook: Hook) -> String {
    match hook {
        Hook::Netdev => netdev(networks) + &inet(networks),
        Hook::Inet => inet_only(networks),
        Hook::Nothing => String::new(),
    }
}

fn netdev(networks: &[Network]) -> String {
    let mut text = format!("table netdev {TABLE} {{\n");
    text += &guest_sets("ether_addr");
    text += &strangers_dns();
    for (number, network) in networks.iter().enumerate() {
        text += &ingress(number + 1, network);
        text += &egress(number + 1, network);
    }
    text + "}\n"
}

/// What the elements carry is fixed here; netlink fills them. One octet a second is a placeholder:
/// every element brings its own.
fn guest_sets(downloads: &str) -> String {
    let mut text = String::new();
    for (direction, key) in [("upload", "ether_addr"), ("download", downloads)] {
        let _ = write!(
            text,
            "\tset {direction} {{\n\t\ttype {key}\n\t\tsize {GUESTS}\n\t\tflags dynamic,timeout\n\
             \t\tquota 9223372036854775807 bytes counter\n\t}}\n\
             \tset {direction}_rate {{\n\t\ttype {key}\n\t\tsize {GUESTS}\n\
             \t\tflags dynamic,timeout\n\t\tlimit rate over 1 bytes/second\n\t}}\n"
        );
    }
    text
}

/// DNS is needed to find the portal, and is all a tunnel needs: 20 questions a second for a
/// device, and an upper end for those who change their MAC with every packet.
fn strangers_dns() -> String {
    format!(
        "\tset dns_rate {{\n\t\ttype ether_addr\n\t\tsize {GUESTS}\n\t\tflags dynamic,timeout\n\
         \t\ttimeout 10s\n\t}}\n\
         \tchain strangers_dns {{\n\
         \t\tupdate @dns_rate {{ ether saddr limit rate over 20/second burst 100 packets }} drop\n\
         \t\tlimit rate over 2000/second burst 2000 packets drop\n\
         \t\tip ttl set 1 accept\n\t\tip6 hoplimit set 1 accept\n\t}}\n"
    )
}

fn ingress(number: usize, network: &Network) -> String {
    let device = &network.device;
    format!(
        "\tchain ingress_{number} {{\n\
         \t\ttype filter hook ingress device \"{device}\" priority -500; policy drop;\n\
         \t\tether type arp accept\n{}\t}}\n",
        uploads(network)
    )
}

/// What may come from guests, and from strangers.
fn uploads(network: &Network) -> String {
    let mut text = format!(
        "\t\tether saddr @upload_rate drop\n\
         \t\tether saddr @upload meta mark set meta mark | {ADMITTED:#x} accept\n"
    );
    for (family, list) in garden(&network.garden) {
        let _ = writeln!(
            text,
            "\t\t{family} daddr {{ {list} }} meta mark set meta mark | {ADMITTED:#x} accept"
        );
    }
    // Neighbour discovery is only valid with a hop limit of 255 (RFC 4861 section 6.1), so it
    // cannot have 1; the forward chain of the other table keeps it here.
    text += "\t\tudp sport 68 udp dport 67 ip ttl set 1 accept\n\
         \t\tip6 daddr { fe80::/10, ff02::/16 } udp sport 546 udp dport 547 accept\n\
         \t\ticmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } \
         ip6 hoplimit 255 accept\n\
         \t\ticmpv6 type { 131, 132, 143 } ip6 hoplimit 1 accept\n\
         \t\tmeta l4proto { tcp, udp } th dport 53 jump strangers_dns\n\
         \t\tmeta l4proto tcp ip ttl set 1 accept\n\
         \t\tmeta l4proto tcp ip6 hoplimit set 1 accept\n";
    text
}

fn egress(number: usize, network: &Network) -> String {
    let device = &network.device;
    let mut text = format!(
        "\tchain egress_{number} {{\n\
         \t\ttype filter hook egress device \"{device}\" priority 0; policy drop;\n\
         \t\tether type arp accept\n\
         \t\tether daddr @download_rate drop\n\
         \t\tether daddr @download accept\n\
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

fn inet(networks: &[Network]) -> String {
    let mut text = format!("table inet {TABLE} {{\n");
    text += &to_portal(networks);
    text += "\tchain forward {\n\t\ttype filter hook forward priority -10; policy accept;\n";
    for network in networks {
        let _ = writeln!(text, "\t\t{} drop", stranger(network));
    }
    text += "\t}\n\tchain output {\n\t\ttype filter hook output priority 0; policy accept;\n";
    for network in networks {
        let device = &network.device;
        let _ = writeln!(text, "\t\toifname \"{device}\" meta mark set meta mark | {LOCAL:#x}");
    }
    text + "\t}\n}\n"
}

/// Strangers' web requests and DNS come to this router; other connections are refused at once, so
/// that a page fails fast instead of waiting. Resets are held back until the guests are in, by
/// leaving the set `resets` empty: nobody's connection breaks while rules are loaded.
fn to_portal(networks: &[Network]) -> String {
    let mut text = "\tset resets {\n\t\ttype inet_proto\n\t}\n\
         \tchain prerouting {\n\t\ttype filter hook prerouting priority raw; policy accept;\n"
        .to_owned();
    for network in networks {
        let (stranger, port) = (stranger(network), network.portal_port);
        let ports = if port == 80 { "53, 80".to_owned() } else { format!("53, 80, {port}") };
        let _ = writeln!(
            text,
            "\t\t{stranger} tcp dport != {{ {ports} }} meta l4proto @resets reject with tcp reset"
        );
    }
    // A web connection from the time before signing out is not the portal's, and cannot go on.
    text += "\t}\n\tchain outlived {\n\
             \t\ttype filter hook prerouting priority mangle; policy accept;\n";
    for network in networks {
        let _ = writeln!(
            text,
            "\t\t{} tcp dport {{ 53, 80 }} ct state established ct status & dnat == 0 \
             fib daddr type != local meta l4proto @resets reject with tcp reset",
            stranger(network)
        );
    }
    text += "\t}\n\tchain to_portal {\n\
             \t\ttype nat hook prerouting priority -105; policy accept;\n";
    for network in networks {
        let (stranger, port) = (stranger(network), network.portal_port);
        let _ = write!(
            text,
            "\t\t{stranger} tcp dport 80 redirect to :{port}\n\
             \t\t{stranger} meta l4proto {{ tcp, udp }} th dport 53 redirect to :53\n"
        );
    }
    text + "\t}\n"
}

fn stranger(network: &Network) -> String {
    format!("iifname \"{}\" meta mark & {ADMITTED:#x} == 0", network.device)
}

/// The same in the routing path. Downloads are told apart by the mark that the guest's own packets
/// have put on the connection; frames that never reach the routing path need no rules.
fn inet_only(networks: &[Network]) -> String {
    let mut text = format!("table inet {TABLE} {{\n");
    text += &guest_sets("mark");
    text += "\tmap connections {\n\t\ttype ether_addr : mark\n\t\tflags dynamic,timeout\n\t}\n";
    text += &strangers_dns();
    text += &to_portal(networks);
    for (number, network) in networks.iter().enumerate() {
        let number = number + 1;
        let _ =
            write!(text, "\tchain from_guests_{number} {{\n{}\t\tdrop\n\t}}\n", uploads(network));
    }
    text += "\tchain guests {\n\t\ttype filter hook prerouting priority -310; policy accept;\n";
    for (number, network) in networks.iter().enumerate() {
        let (device, number) = (&network.device, number + 1);
        let _ = writeln!(text, "\t\tiifname \"{device}\" jump from_guests_{number}");
    }
    text +=
        "\t}\n\tchain owners {\n\t\ttype filter hook prerouting priority mangle; policy accept;\n";
    for network in networks {
        let device = &network.device;
        let _ = writeln!(text, "\t\tiifname \"{device}\" ct mark set ether saddr map @connections");
    }
    text += "\t}\n\tchain forward {\n\t\ttype filter hook forward priority -10; policy accept;\n";
    for network in networks {
        let device = &network.device;
        let _ = writeln!(text, "\t\t{} drop", stranger(network));
        let _ = writeln!(text, "\t\toifname \"{device}\" ct mark @download_rate drop");
        let _ = writeln!(text, "\t\toifname \"{device}\" ct mark @download accept");
        for (family, list) in garden(&network.garden) {
            let _ = writeln!(text, "\t\toifname \"{device}\" {family} saddr {{ {list} }} accept");
        }
        let _ = writeln!(text, "\t\toifname \"{device}\" drop");
    }
    text + "\t}\n}\n"
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
