//! Who knows the shared secret: authenticators (RFC 2865 section 3, RFC 2866 section 3) and
//! Message-Authenticator (RFC 3579 section 3.2).

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

use super::packet::{Code, Draft, HEADER, MESSAGE_AUTHENTICATOR, Packet};
use crate::domain::secret::Secret;

/// What a Message-Authenticator says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// There is none.
    Absent,
    /// Whoever wrote the packet knows the secret, and nobody has changed it.
    Good,
    /// It was written with another secret, or changed.
    Bad,
}

const ZEROES: [u8; 16] = [0; 16];

/// Holds a request's Message-Authenticator against the secret.
///
/// Access-Request and Status-Server are signed over their own, random authenticator (RFC 3579
/// section 3.2, RFC 5997 section 4.2); the others over zeroes (RFC 5176 section 3.3), Accounting-
/// Request as FreeRADIUS has it.
pub fn message_authenticator(request: &Packet, secret: &Secret) -> Signature {
    match request.code {
        Code::AccessRequest | Code::StatusServer => {
            held_against(request, &request.authenticator, secret)
        }
        _ => held_against(request, &ZEROES, secret),
    }
}

/// Holds a reply's Message-Authenticator against the secret and the request it answers.
///
/// Answers to Disconnect- and CoA-Requests are signed over the request's authenticator (RFC 5176
/// section 3.3); FreeRADIUS 3 signs them over zeroes, and is believed as well: their Response
/// Authenticator binds them to the request in any case.
pub fn reply_message_authenticator(
    reply: &Packet,
    request_authenticator: &[u8; 16],
    secret: &Secret,
) -> Signature {
    match (held_against(reply, request_authenticator, secret), reply.code) {
        (Signature::Bad, code) if !is_access(code) => held_against(reply, &ZEROES, secret),
        (signature, _) => signature,
    }
}

fn is_access(code: Code) -> bool {
    matches!(code, Code::AccessAccept | Code::AccessReject | Code::AccessChallenge)
}

fn held_against(packet: &Packet, authenticator: &[u8; 16], secret: &Secret) -> Signature {
    let Some(found) = packet.attribute(MESSAGE_AUTHENTICATOR) else { return Signature::Absent };
    let attributes = packet.attributes().flat_map(|(kind, value)| {
        let value = if kind == MESSAGE_AUTHENTICATOR { &ZEROES } else { value };
        [kind, length(value)].into_iter().chain(value.iter().copied())
    });
    let attributes: Vec<u8> = attributes.collect();
    let header = packet.bytes().get(..4).unwrap_or_default();
    let expected = hmac(secret, &[header, authenticator, &attributes]);
    if expected.ct_eq(found).into() { Signature::Good } else { Signature::Bad }
}

/// Whether an Accounting-, Disconnect- or CoA-Request comes from somebody who knows the secret
/// (RFC 2866 section 3, RFC 5176 section 2.3).
pub fn is_authentic_request(request: &Packet, secret: &Secret) -> bool {
    let expected = digest(request.bytes(), &ZEROES, secret);
    expected.ct_eq(&request.authenticator).into()
}

/// Whether a reply comes from somebody who knows the secret, and answers this request (RFC 2865
/// section 3).
pub fn is_authentic_response(
    reply: &Packet,
    request_authenticator: &[u8; 16],
    secret: &Secret,
) -> bool {
    let expected = digest(reply.bytes(), request_authenticator, secret);
    expected.ct_eq(&reply.authenticator).into()
}

/// Signs a reply; the bytes can be sent.
pub fn sign_reply(draft: Draft, request_authenticator: &[u8; 16], secret: &Secret) -> Vec<u8> {
    sign(draft, request_authenticator, secret)
}

/// Signs an Accounting-, Disconnect- or CoA-Request; the bytes can be sent.
pub fn sign_request(draft: Draft, secret: &Secret) -> Vec<u8> {
    sign(draft, &ZEROES, secret)
}

fn sign(draft: Draft, authenticator: &[u8; 16], secret: &Secret) -> Vec<u8> {
    let (mut bytes, signed_at) = draft.finish();
    bytes.splice(4..HEADER, *authenticator);
    if let Some(at) = signed_at {
        let signature = hmac(secret, &[&bytes]);
        bytes.splice(at..at + 16, signature);
    }
    let signature = digest(&bytes, authenticator, secret);
    bytes.splice(4..HEADER, signature);
    bytes
}

/// MD5 over a packet with this authenticator, and the secret after it.
fn digest(bytes: &[u8], authenticator: &[u8; 16], secret: &Secret) -> [u8; 16] {
    Md5::new()
        .chain_update(bytes.get(..4).unwrap_or_default())
        .chain_update(authenticator)
        .chain_update(bytes.get(HEADER..).unwrap_or_default())
        .chain_update(secret.reveal())
        .finalize()
        .into()
}

fn hmac(secret: &Secret, parts: &[&[u8]]) -> [u8; 16] {
    let mut hmac = Hmac::<Md5>::new(&block(secret.reveal().as_bytes()).into());
    for part in parts {
        hmac.update(part);
    }
    hmac.finalize().into_bytes().into()
}

/// A key as HMAC wants it: hashed where it is longer than a block, and padded (RFC 2104). The
/// crate's `new_from_slice` does the same behind an error that never comes, and that could only be
/// answered with a signature that anybody can make.
fn block(key: &[u8]) -> [u8; 64] {
    let hashed: [u8; 16];
    let short = if key.len() > 64 {
        hashed = Md5::digest(key).into();
        &hashed
    } else {
        key
    };
    let mut block = [0; 64];
    for (to, from) in block.iter_mut().zip(short) {
        *to = *from;
    }
    block
}

/// The length octet of an attribute that has been read.
fn length(value: &[u8]) -> u8 {
    u8::try_from(value.len() + 2).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests;
