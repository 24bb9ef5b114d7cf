//! Answers to access points.

use rand::Rng;

use super::authenticator::sign_reply;
use super::packet::{Code, Draft, Packet};
use crate::config::Vendor;
use crate::domain::secret::Secret;
use crate::hotspot::access::{Accept, Reject};

/// Which of our ports was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Port {
    /// Authentication.
    Auth,
    /// Accounting.
    Acct,
}

/// Access-Accept. `interim` is Acct-Interim-Interval in seconds; `rng` salts what is hidden.
pub fn accept(
    request: &Packet,
    secret: &Secret,
    _accept: &Accept,
    _vendor: Vendor,
    _interim: u32,
    _rng: &mut dyn Rng,
) -> Vec<u8> {
    sign_reply(begun(Code::AccessAccept, request), &request.authenticator, secret)
}

/// Access-Reject. `rng` makes the challenge that MS-CHAP-Error has to name.
pub fn reject(request: &Packet, secret: &Secret, _reject: &Reject, _rng: &mut dyn Rng) -> Vec<u8> {
    sign_reply(begun(Code::AccessReject, request), &request.authenticator, secret)
}

/// Accounting-Response.
pub fn accounting_response(request: &Packet, secret: &Secret) -> Vec<u8> {
    let draft = Draft::new(Code::AccountingResponse, request.identifier);
    sign_reply(draft, &request.authenticator, secret)
}

/// The answer to Status-Server (RFC 5997 section 3).
pub fn status(request: &Packet, secret: &Secret, port: Port) -> Vec<u8> {
    let code = match port {
        Port::Auth => Code::AccessAccept,
        Port::Acct => Code::AccountingResponse,
    };
    sign_reply(begun(code, request), &request.authenticator, secret)
}

fn begun(code: Code, request: &Packet) -> Draft {
    let mut draft = Draft::new(code, request.identifier);
    let _ = draft.add_message_authenticator();
    draft
}
