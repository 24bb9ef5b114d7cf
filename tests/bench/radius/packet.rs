//! Packets of an access point (RFC 2865, 2866, 3579), written and checked here and not with the
//! daemon's own code: what is wrong there would otherwise be wrong here in the same way.

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};

/// What both servers share with the access point.
pub const SECRET: &str = "a secret for benchmarks only";

pub const ACCESS_REQUEST: u8 = 1;
pub const ACCESS_ACCEPT: u8 = 2;
pub const ACCESS_REJECT: u8 = 3;
pub const ACCOUNTING_REQUEST: u8 = 4;
pub const ACCOUNTING_RESPONSE: u8 = 5;
pub const STATUS_SERVER: u8 = 12;

const CLASS: u8 = 25;
const MESSAGE_AUTHENTICATOR: u8 = 80;

/// Somebody with a device.
#[derive(Clone)]
pub struct User {
    pub name: String,
    pub password: String,
    /// Of their device.
    pub station: String,
    /// Comes with the Access-Accept, and back with accounting.
    pub class: Option<Vec<u8>>,
}

impl User {
    /// With a device of their own: the one of this number.
    pub fn new(name: &str, password: &str, number: usize) -> Self {
        let [.., a, b, c] = number.to_be_bytes();
        let station = format!("02-00-5E-{a:02X}-{b:02X}-{c:02X}");
        Self { name: name.to_owned(), password: password.to_owned(), station, class: None }
    }
}

/// How the password is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Pap,
    Chap,
}

/// What is reported of a session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Start = 1,
    Stop = 2,
    Interim = 3,
}

/// Status-Server (RFC 5997).
pub fn status_server(id: u8) -> Vec<u8> {
    signed(STATUS_SERVER, id, |_, _| ())
}

/// An Access-Request with a fresh authenticator.
pub fn access_request(id: u8, user: &User, method: Method) -> Vec<u8> {
    signed(ACCESS_REQUEST, id, |packet, authenticator| {
        text(packet, 1, &user.name);
        match method {
            Method::Pap => add(packet, 2, &hidden(&user.password, authenticator)),
            Method::Chap => {
                let mut proof = vec![id];
                proof.extend(md5(&[&[id], user.password.as_bytes(), authenticator]));
                add(packet, 3, &proof);
            }
        }
        access_point(packet, user);
    })
}

/// An Accounting-Request. A session that goes on or has ended has moved 5 GB down, so that
/// gigawords are needed.
pub fn accounting_request(id: u8, user: &User, session: &str, event: Event) -> Vec<u8> {
    let mut packet = begun(ACCOUNTING_REQUEST, id, &[0; 16]);
    text(&mut packet, 1, &user.name);
    number(&mut packet, 40, event as u32);
    text(&mut packet, 44, session);
    add(&mut packet, 8, &[10, 1, 0, 1]);
    access_point(&mut packet, user);
    if let Some(class) = &user.class {
        add(&mut packet, CLASS, class);
    }
    if event != Event::Start {
        number(&mut packet, 46, 300);
        number(&mut packet, 42, 20_000_000);
        number(&mut packet, 43, 705_032_704);
        number(&mut packet, 52, 0);
        number(&mut packet, 53, 1);
    }
    if event == Event::Stop {
        number(&mut packet, 49, 1);
    }
    finish(&mut packet);
    let authenticator = md5(&[&packet, SECRET.as_bytes()]);
    packet[4..20].copy_from_slice(&authenticator);
    packet
}

/// Checks that a reply is one to this request and from somebody who knows the secret; whether it
/// has a Message-Authenticator.
pub fn verify(request: &[u8], reply: &[u8]) -> bool {
    assert_eq!(usize::from(u16::from_be_bytes([reply[2], reply[3]])), reply.len(), "length");
    assert_eq!(reply[1], request[1], "identifier");
    let expected = md5(&[&reply[..4], &request[4..20], &reply[20..], SECRET.as_bytes()]);
    assert_eq!(reply[4..20], expected, "Response Authenticator");
    let Some(at) = position(reply, MESSAGE_AUTHENTICATOR) else { return false };
    let mut signed = reply.to_vec();
    signed[4..20].copy_from_slice(&request[4..20]);
    signed[at + 2..at + 18].fill(0);
    assert_eq!(reply[at + 2..at + 18], hmac(&signed), "Message-Authenticator");
    true
}

/// The Class of an Access-Accept.
pub fn class(reply: &[u8]) -> Option<Vec<u8>> {
    let at = position(reply, CLASS)?;
    Some(reply[at + 2..at + usize::from(reply[at + 1])].to_vec())
}

fn position(packet: &[u8], kind: u8) -> Option<usize> {
    let mut at = 20;
    while at < packet.len() {
        if packet[at] == kind {
            return Some(at);
        }
        at += usize::from(packet[at + 1]);
    }
    None
}

/// A request whose first attribute is a Message-Authenticator, and whose own authenticator is
/// random.
fn signed(code: u8, id: u8, fill: impl FnOnce(&mut Vec<u8>, &[u8; 16])) -> Vec<u8> {
    let authenticator: [u8; 16] = rand::random();
    let mut packet = begun(code, id, &authenticator);
    add(&mut packet, MESSAGE_AUTHENTICATOR, &[0; 16]);
    fill(&mut packet, &authenticator);
    finish(&mut packet);
    let signature = hmac(&packet);
    packet[22..38].copy_from_slice(&signature);
    packet
}

fn begun(code: u8, id: u8, authenticator: &[u8; 16]) -> Vec<u8> {
    let mut packet = vec![code, id, 0, 0];
    packet.extend(authenticator);
    packet
}

fn finish(packet: &mut [u8]) {
    let length = u16::try_from(packet.len()).unwrap().to_be_bytes();
    packet[2..4].copy_from_slice(&length);
}

/// What an access point says of itself and of a device.
fn access_point(packet: &mut Vec<u8>, user: &User) {
    add(packet, 4, &[127, 0, 0, 1]);
    text(packet, 32, "bench");
    number(packet, 5, 1);
    number(packet, 61, 19);
    text(packet, 30, "02-00-00-00-00-01:guests");
    text(packet, 31, &user.station);
}

fn add(packet: &mut Vec<u8>, kind: u8, value: &[u8]) {
    packet.extend([kind, u8::try_from(value.len() + 2).unwrap()]);
    packet.extend(value);
}

fn text(packet: &mut Vec<u8>, kind: u8, value: &str) {
    add(packet, kind, value.as_bytes());
}

fn number(packet: &mut Vec<u8>, kind: u8, value: u32) {
    add(packet, kind, &value.to_be_bytes());
}

/// User-Password (RFC 2865 section 5.2).
fn hidden(password: &str, authenticator: &[u8; 16]) -> Vec<u8> {
    let mut plain = password.as_bytes().to_vec();
    plain.resize(password.len().max(1).next_multiple_of(16), 0);
    let mut hidden = Vec::new();
    let mut before = *authenticator;
    for block in plain.chunks(16) {
        let mask = md5(&[SECRET.as_bytes(), &before]);
        for (at, byte) in block.iter().enumerate() {
            before[at] = byte ^ mask[at];
        }
        hidden.extend(before);
    }
    hidden
}

fn md5(parts: &[&[u8]]) -> [u8; 16] {
    let mut digest = Md5::new();
    for part in parts {
        digest.update(part);
    }
    digest.finalize().into()
}

fn hmac(packet: &[u8]) -> [u8; 16] {
    let mut mac = Hmac::<Md5>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(packet);
    mac.finalize().into_bytes().into()
}
