//! What the owner wants an access point to do (RFC 5176).

use super::authenticator::sign_request;
use super::packet::{Code, Draft, Packet};
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;
use crate::hotspot::access::{Order, Outcome};

/// A Disconnect-Request; sent again with another `now`, it needs another `identifier` (RFC 5176
/// section 6.3).
pub fn disconnect(
    _order: &Order,
    identifier: u8,
    secret: &Secret,
    _now: Option<Timestamp>,
) -> Vec<u8> {
    sign_request(Draft::new(Code::DisconnectRequest, identifier), secret)
}

/// What came of an order; `None` where the packet is no answer to one.
pub fn outcome(packet: &Packet) -> Option<Outcome> {
    match packet.code {
        Code::DisconnectAck | Code::CoaAck => Some(Outcome::Done),
        Code::DisconnectNak | Code::CoaNak => Some(Outcome::Refused(None)),
        _ => None,
    }
}
