//! What the owner wants an access point to do (RFC 5176).

use std::net::IpAddr;

use super::attributes::{AttributeView, EncryptContext, write};
use super::authenticator::sign_request;
use super::encrypt::Salts;
use super::packet::{Code, Draft, Packet};
use super::reply_attributes::{self, Profile};
use super::session_number;
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;
use crate::hotspot::radius_messages::{Demand, Order, Outcome};
use crate::policy::dictionary::{self as dict, Attribute};
use crate::policy::{Pair, Value};

/// A Disconnect-Request or CoA-Request; sent again with another `now`, it needs another
/// `identifier` (RFC 5176 section 2.3). A clock that is not set is no `now`: the access point would
/// take it for a replay. `None` where this vendor has no words for what is to change.
///
/// It names the access point, the session and the device as they were reported, by nothing else:
/// hostapd refuses a request with NAS-Port or Framed-IP-Address (`radius_das_disconnect`, Error-
/// Cause 401). Message-Authenticator is left out, as radclient does: it MAY be there (RFC 5176
/// section 3.3), and the authenticator proves as much.
pub fn request(
    order: &Order,
    profile: Profile,
    identifier: u8,
    secret: &Secret,
    now: Option<Timestamp>,
) -> Option<Vec<u8>> {
    let (code, changes) = match &order.what {
        Demand::End(_) => (Code::DisconnectRequest, Vec::new()),
        Demand::Change(terms) => (Code::CoaRequest, reply_attributes::changes(terms, profile)),
    };
    if code == Code::CoaRequest && changes.is_empty() {
        return None;
    }
    let mut draft = Draft::new(code, identifier);
    let salts = Salts::from(0);
    let mut covering = EncryptContext { secret, request_authenticator: &[0; 16], salts };
    let named = named(order, now).map(|(attribute, value)| Pair { attribute, tag: 0, value });
    for pair in named.chain(changes) {
        let _ = write(&mut draft, &pair, &mut covering);
    }
    Some(sign_request(draft, secret))
}

fn named(order: &Order, now: Option<Timestamp>) -> impl Iterator<Item = (Attribute, Value)> {
    let text = |attribute, text: &String| {
        (!text.is_empty()).then(|| (attribute, Value::Text(text.clone())))
    };
    let address = order.nas.address.map(|address| match address {
        IpAddr::V4(address) => (dict::NAS_IP_ADDRESS, Value::Ipv4(address)),
        IpAddr::V6(address) => (dict::NAS_IPV6_ADDRESS, Value::Ipv6(address)),
    });
    let identifier = order.nas.identifier.as_ref();
    let station = order.calling_station.as_ref();
    [
        text(dict::USER_NAME, &order.username),
        Some((dict::ACCT_SESSION_ID, Value::Octets(session_number::to_octets(&order.session))))
            .filter(|_| !order.session.is_empty()),
        address,
        identifier.and_then(|it| text(dict::NAS_IDENTIFIER, it)),
        station.and_then(|it| text(dict::CALLING_STATION_ID, it)),
        now.map(|now| (dict::EVENT_TIMESTAMP, Value::Date(now))),
    ]
    .into_iter()
    .flatten()
}

/// What came of an order that was given with the code `asked`; `None` where the packet is no answer
/// to that. Whether it can be believed is for
/// [`is_authentic_response`](super::authenticator::is_authentic_response) to say; a
/// Message-Authenticator need not be there, and CoovaChilli sends none.
pub fn outcome(asked: Code, packet: &Packet) -> Option<Outcome> {
    match (asked, packet.code) {
        (Code::DisconnectRequest, Code::DisconnectAck) | (Code::CoaRequest, Code::CoaAck) => {
            Some(Outcome::Done)
        }
        (Code::DisconnectRequest, Code::DisconnectNak) | (Code::CoaRequest, Code::CoaNak) => {
            Some(Outcome::Refused(AttributeView::of(packet).integer(dict::ERROR_CAUSE)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
