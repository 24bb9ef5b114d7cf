//! What the owner wants an access point to do (RFC 5176).

use std::net::IpAddr;

use super::authenticator::sign_request;
use super::hidden::Salts;
use super::packet::{Code, Draft, Packet};
use super::wire::{Covering, Fields, write};
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;
use crate::hotspot::access::{Order, Outcome};
use crate::policy::dictionary::{self as dict, Attribute};
use crate::policy::{Pair, Value};

/// A Disconnect-Request; sent again with another `now`, it needs another `identifier` (RFC 5176
/// section 3.1).
///
/// It names the access point and the session as they were reported, and nothing else: every
/// attribute that does not fit the session makes an access point refuse (RFC 5176 section 3.5).
/// Message-Authenticator is left out, as radclient does: it MAY be there, and the authenticator
/// proves as much.
pub fn disconnect(order: &Order, identifier: u8, secret: &Secret, now: Timestamp) -> Vec<u8> {
    let mut draft = Draft::new(Code::DisconnectRequest, identifier);
    let salts = Salts::from(0);
    let mut covering = Covering { secret, request_authenticator: &[0; 16], salts };
    for (attribute, value) in named(order, now) {
        let _ = write(&mut draft, &Pair { attribute, tag: 0, value }, &mut covering);
    }
    sign_request(draft, secret)
}

fn named(order: &Order, now: Timestamp) -> impl Iterator<Item = (Attribute, Value)> {
    let text = |attribute, text: &str| Some((attribute, Value::Text(text.to_owned())));
    let nas = &order.nas;
    [
        (!order.username.is_empty()).then(|| text(dict::USER_NAME, &order.username)).flatten(),
        text(dict::ACCT_SESSION_ID, &order.session),
        nas.address.map(|it| address(it, dict::NAS_IP_ADDRESS, dict::NAS_IPV6_ADDRESS)),
        nas.identifier.as_ref().and_then(|it| text(dict::NAS_IDENTIFIER, it)),
        order.port.map(|port| (dict::NAS_PORT, Value::Integer(port))),
        order.calling_station.as_ref().and_then(|it| text(dict::CALLING_STATION_ID, it)),
        order.address.map(|it| address(it, dict::FRAMED_IP_ADDRESS, dict::FRAMED_IPV6_ADDRESS)),
        Some((dict::EVENT_TIMESTAMP, Value::Date(now))),
    ]
    .into_iter()
    .flatten()
}

fn address(address: IpAddr, v4: Attribute, v6: Attribute) -> (Attribute, Value) {
    match address {
        IpAddr::V4(address) => (v4, Value::Ipv4(address)),
        IpAddr::V6(address) => (v6, Value::Ipv6(address)),
    }
}

/// What came of an order; `None` where the packet is no answer to one. Whether it can be believed
/// is for [`is_authentic_response`](super::authenticator::is_authentic_response) to say; a
/// Message-Authenticator need not be there, and CoovaChilli sends none.
pub fn outcome(packet: &Packet) -> Option<Outcome> {
    match packet.code {
        Code::DisconnectAck | Code::CoaAck => Some(Outcome::Done),
        Code::DisconnectNak | Code::CoaNak => {
            Some(Outcome::Refused(Fields::of(packet).integer(dict::ERROR_CAUSE)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
