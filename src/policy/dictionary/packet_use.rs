//! Which way attributes go when somebody signs in (RFC 2865 section 5.44, RFC 2866 section 5.13,
//! RFC 2868 section 4, RFC 2869 section 5.19, the vendors' documents).

use super::{Attribute, CHILLISPOT, MICROSOFT, MIKROTIK, Scope, WISPR};
use super::{CLIENT_SHORTNAME, PACKET_SRC_IP_ADDRESS};

/// Which way an attribute goes when somebody signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketUse {
    /// In requests and in answers.
    Both,
    /// In requests only. Client-Shortname and Packet-Src-IP-Address are not sent, but are added to
    /// each request on its arrival.
    Request,
    /// In answers only.
    Answer,
    /// With accounting and disconnects, never when somebody signs in.
    Elsewhere,
    /// Passwords, challenges, signatures, keys: made and read by the server itself.
    Protocol,
    /// Never: a word for what the server is to do.
    Inner,
}

/// Which way `attribute` goes when somebody signs in.
pub fn travel(attribute: Attribute) -> PacketUse {
    use PacketUse::{Answer, Both, Elsewhere, Inner, Protocol, Request};
    match attribute.definition().scope {
        Scope::Internal if attribute == CLIENT_SHORTNAME => Request,
        Scope::Internal if attribute == PACKET_SRC_IP_ADDRESS => Request,
        Scope::Internal => Inner,
        Scope::Rfc(2 | 3 | 24 | 33 | 60 | 79 | 80) => Protocol,
        Scope::Rfc(4 | 5 | 30..=32 | 44 | 50 | 61 | 77 | 87 | 95) => Request,
        Scope::Rfc(10 | 11 | 15 | 16 | 18 | 20 | 22 | 25 | 27..=29) => Answer,
        Scope::Rfc(69 | 75 | 76 | 85 | 88 | 92 | 99 | 100 | 174) => Answer,
        Scope::Rfc(40..=43 | 45..=49 | 51..=53 | 68 | 86 | 101) => Elsewhere,
        Scope::Vendor(MICROSOFT, 1 | 2 | 11 | 12 | 16 | 17 | 25 | 26) => Protocol,
        Scope::Vendor(MICROSOFT, _) => Answer,
        Scope::Vendor(CHILLISPOT, 7..=9 | 16..=19 | 25..=27 | 40..=42 | 50..=57)
        | Scope::Vendor(WISPR, 1..=3) => Request,
        Scope::Vendor(CHILLISPOT, 10) => Elsewhere,
        Scope::Vendor(CHILLISPOT, 6 | 24) | Scope::Vendor(MIKROTIK, 9 | 10) => Both,
        Scope::Vendor(CHILLISPOT | WISPR | MIKROTIK, _) => Answer,
        Scope::Rfc(_) | Scope::Vendor(..) => Both,
    }
}
