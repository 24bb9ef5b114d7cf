//! Answers to access points.
//!
//! What stands first in a packet has room for certain: Message-Authenticator, then the Proxy-States
//! of the request, unchanged and in their order, then what somebody gets, then the operator's
//! extras. What no longer fits is left out.

use std::sync::{Mutex, PoisonError};

use rand::{Rng, RngExt};

use super::attributes::{AttributeView, EncryptContext, Unsent, write};
use super::authenticator::sign_reply;
use super::encrypt::Salts;
use super::packet::{Code, Draft, MAX_VALUE, Packet};
use super::reply_attributes::{self, Profile};
use crate::clock;
use crate::domain::log_limit::LogLimit;
use crate::domain::secret::Secret;
use crate::hotspot::radius_messages::{Accept, Reject};
use crate::policy::dictionary::{self as dict, Attribute, Scope};
use crate::policy::{Pair, Value};

/// Which of our ports was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Port {
    /// Authentication.
    Auth,
    /// Accounting.
    Acct,
}

/// Access-Accept. `rng` salts what is hidden.
pub fn accept(
    request: &Packet,
    secret: &Secret,
    accept: &Accept,
    profile: Profile,
    rng: &mut dyn Rng,
) -> Vec<u8> {
    let pairs = reply_attributes::pairs(accept, profile);
    answer(request, secret, Code::AccessAccept, &pairs, Salts::from(rng.random()))
}

/// Access-Reject. `rng` makes the challenge that MS-CHAP-Error has to name.
pub fn reject(request: &Packet, secret: &Secret, reject: &Reject, rng: &mut dyn Rng) -> Vec<u8> {
    let fields = AttributeView::of(request);
    let mut pairs = Vec::new();
    let eap_failure = eap_failure(&fields);
    // Beside EAP-Message there must be none (RFC 3579 section 2.6.5).
    let message_fits = !reject.message.is_empty() && eap_failure.is_none();
    pairs.extend(eap_failure);
    if reject.wrong_password {
        pairs.extend(ms_chap_error(&fields, &reject.message, rng));
    }
    if message_fits {
        let value = Value::Text(reject.message.clone());
        pairs.push(Pair { attribute: dict::REPLY_MESSAGE, tag: 0, value });
    }
    answer(request, secret, Code::AccessReject, &pairs, Salts::from(0))
}

/// Accounting-Response. It has no Message-Authenticator: RFC 5176 section 3.3 and FreeRADIUS 3
/// (`rad_sign`) would compute it differently, and its Response Authenticator says the same.
pub fn accounting_response(request: &Packet, secret: &Secret) -> Vec<u8> {
    let mut draft = Draft::new(Code::AccountingResponse, request.identifier);
    echo_proxy_states(&mut draft, request);
    sign_reply(draft, &request.authenticator, secret)
}

/// The answer to Status-Server (RFC 5997 section 3).
pub fn status(request: &Packet, secret: &Secret, port: Port) -> Vec<u8> {
    let code = match port {
        Port::Auth => Code::AccessAccept,
        Port::Acct => Code::AccountingResponse,
    };
    answer(request, secret, code, &[], Salts::from(0))
}

fn answer(request: &Packet, secret: &Secret, code: Code, pairs: &[Pair], salts: Salts) -> Vec<u8> {
    let mut draft = Draft::new(code, request.identifier);
    let _ = draft.add_message_authenticator();
    echo_proxy_states(&mut draft, request);
    let request_authenticator = &request.authenticator;
    let mut covering = EncryptContext { secret, request_authenticator, salts };
    for pair in pairs.iter().flat_map(in_pieces) {
        // A second one would make the packet malformed; operators have it in `radreply` to make an
        // older FreeRADIUS send it.
        if pair.attribute == dict::MESSAGE_AUTHENTICATOR {
            continue;
        }
        match write(&mut draft, &pair, &mut covering) {
            Ok(()) | Err(Unsent::Internal) => {}
            Err(unsent) => note_unsent(&unsent, pair.attribute.name()),
        }
    }
    sign_reply(draft, request_authenticator, secret)
}

/// Every sign-in of the same user would say so again.
fn note_unsent(unsent: &Unsent, attribute: &str) {
    static LOG: Mutex<LogLimit> = Mutex::new(LogLimit::new());
    let why = match unsent {
        Unsent::TooLong => "is too long to be sent",
        Unsent::NoRoom => "has no room in the reply",
        Unsent::Internal => return,
    };
    let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(more) = log.pass(clock::boot_time()) {
        log::warn!("radius: {attribute} {why}{more}");
    }
}

fn echo_proxy_states(draft: &mut Draft, request: &Packet) {
    let Scope::Rfc(proxy_state) = dict::PROXY_STATE.definition().scope else { return };
    for (_, value) in request.attributes().filter(|(kind, _)| *kind == proxy_state) {
        let _ = draft.add(proxy_state, value);
    }
}

/// A long Reply-Message is several, shown one after the other (RFC 2865 section 5.18).
fn in_pieces(pair: &Pair) -> Vec<Pair> {
    let Value::Text(text) = &pair.value else { return vec![pair.clone()] };
    if pair.attribute != dict::REPLY_MESSAGE {
        return vec![pair.clone()];
    }
    let mut pieces = Vec::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(MAX_VALUE));
        pieces.push(Pair { value: Value::Text(piece.to_owned()), ..pair.clone() });
        rest = after;
    }
    pieces
}

/// The longest message that MS-CHAP-Error has room for beside the rest.
const MAX_ERROR_MESSAGE: usize = 160;

/// MS-CHAP-Error for a request that was MS-CHAP: the password is wrong, do not try again with this
/// challenge (RFC 2433 section 5, RFC 2759 section 6, RFC 2548 section 2.1.5).
fn ms_chap_error(fields: &AttributeView<'_>, message: &str, rng: &mut dyn Rng) -> Option<Pair> {
    let identifier = |attribute| fields.octets(attribute).and_then(<[u8]>::first).copied();
    let challenge: u128 = rng.random();
    let (identifier, text) = match identifier(dict::MS_CHAP2_RESPONSE) {
        Some(identifier) => {
            let end = message.floor_char_boundary(MAX_ERROR_MESSAGE);
            let message = message.get(..end).unwrap_or_default();
            (identifier, format!("E=691 R=0 C={challenge:032X} V=3 M={message}"))
        }
        None => {
            let challenge = challenge >> 64;
            (identifier(dict::MS_CHAP_RESPONSE)?, format!("E=691 R=0 C={challenge:016X} V=2"))
        }
    };
    Some(octets(dict::MS_CHAP_ERROR, [&[identifier], text.as_bytes()].concat()))
}

/// EAP-Failure for a request that was EAP (RFC 3579 section 2.2): code 4, the identifier that was
/// sent, four octets long.
fn eap_failure(fields: &AttributeView<'_>) -> Option<Pair> {
    let [_, identifier, ..] = *fields.octets(dict::EAP_MESSAGE)? else { return None };
    Some(octets(dict::EAP_MESSAGE, vec![4, identifier, 0, 4]))
}

fn octets(attribute: Attribute, octets: Vec<u8>) -> Pair {
    Pair { attribute, tag: 0, value: Value::Octets(octets) }
}

#[cfg(test)]
mod tests;
