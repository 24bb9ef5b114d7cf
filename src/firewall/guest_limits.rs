//! Rules for new connections of guests who are signed in, by which one device could fill the kernel's
//! tables of connections and neighbours. They stand in a `nat` chain, which packets of connections
//! that are open do not pass.

use super::ADMITTED;
use super::limits::{
    ADDRESS_KNOWN_FOR, GUEST_ADDRESSES, GUEST_CONNECTIONS, INVALID_ANSWERS, KNOWN_ADDRESSES,
};

/// Families of source addresses: nft's name, and the type of an address.
const FAMILIES: [(&str, &str); 2] = [("ip", "ipv4_addr"), ("ip6", "ipv6_addr")];

/// The sets, and the chain that [`jump`] leads to.
pub(super) fn chain() -> String {
    let mut text = GUEST_CONNECTIONS.declaration() + &GUEST_ADDRESSES.declaration();
    for (family, address) in FAMILIES {
        text += &format!(
            "\tset guest_addresses_{family} {{\n\t\ttype ether_addr . {address}\n\
             \t\tsize {KNOWN_ADDRESSES}\n\t\tflags dynamic,timeout\n\
             \t\ttimeout {ADDRESS_KNOWN_FOR}s\n\t}}\n"
        );
    }
    text += "\tchain guests {\n";
    text += &GUEST_CONNECTIONS.drop_excess();
    for (family, _) in FAMILIES {
        text += &format!("\t\tether saddr . {family} saddr @guest_addresses_{family} return\n");
    }
    text += &GUEST_ADDRESSES.drop_excess();
    for (family, _) in FAMILIES {
        text +=
            &format!("\t\tupdate @guest_addresses_{family} {{ ether saddr . {family} saddr }}\n");
    }
    text + "\t}\n"
}

/// The rule that leads first packets of guests on this device there.
pub(super) fn jump(device: &str) -> String {
    format!("\t\tiifname \"{device}\" meta mark & {ADMITTED:#x} != 0 jump guests\n")
}

/// A rule for the output hook: resets and errors in answer to what connection tracking takes for
/// invalid, since such packets pass no `nat` chain.
pub(super) fn invalid_answers(device: &str) -> String {
    let rate = INVALID_ANSWERS.text();
    format!("\t\toifname \"{device}\" ct state invalid limit rate over {rate} drop\n")
}
