//! Packets by hand, for what no client program sends: an independent reading of RFC 2865.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};

use super::peers::SECRET;

pub const ACCESS_REQUEST: u8 = 1;
pub const ACCESS_ACCEPT: u8 = 2;
pub const ACCESS_REJECT: u8 = 3;
pub const ACCOUNTING_REQUEST: u8 = 4;
pub const ACCOUNTING_RESPONSE: u8 = 5;
pub const STATUS_SERVER: u8 = 12;

pub const USER_NAME: u8 = 1;
pub const USER_PASSWORD: u8 = 2;
pub const PROXY_STATE: u8 = 33;
pub const EAP_MESSAGE: u8 = 79;
pub const MESSAGE_AUTHENTICATOR: u8 = 80;

/// A packet that is being made or was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    pub code: u8,
    pub id: u8,
    pub authenticator: [u8; 16],
    pub attributes: Vec<(u8, Vec<u8>)>,
}

impl Packet {
    /// A request with nothing in it.
    pub fn new(code: u8, id: u8) -> Self {
        let authenticator = if code == ACCOUNTING_REQUEST { [0; 16] } else { rand::random() };
        Self { code, id, authenticator, attributes: Vec::new() }
    }

    /// An Access-Request with a password, not signed.
    pub fn login(id: u8, username: &str, password: &str) -> Self {
        Self::login_with(id, username.as_bytes(), password.as_bytes())
    }

    pub fn login_with(id: u8, username: &[u8], password: &[u8]) -> Self {
        let request = Self::new(ACCESS_REQUEST, id);
        let hidden = hide(password, &request.authenticator);
        request.and(USER_NAME, username).and(USER_PASSWORD, &hidden)
    }

    /// An Accounting-Request: 1 is Start, 2 Stop, 3 Interim-Update.
    pub fn account(id: u8, status: u32, session: &str, username: &str) -> Self {
        Self::new(ACCOUNTING_REQUEST, id)
            .and(40, &status.to_be_bytes())
            .and(44, session.as_bytes())
            .and(USER_NAME, username.as_bytes())
            .and(4, &[127, 0, 0, 1])
    }

    pub fn and(mut self, kind: u8, value: &[u8]) -> Self {
        self.attributes.push((kind, value.to_vec()));
        self
    }

    /// The bytes as they are.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.code, self.id, 0, 0];
        bytes.extend(self.authenticator);
        for (kind, value) in &self.attributes {
            bytes.extend([*kind, value.len() as u8 + 2]);
            bytes.extend(value);
        }
        let length = (bytes.len() as u16).to_be_bytes();
        bytes[2..4].copy_from_slice(&length);
        bytes
    }

    /// The bytes, signed by Message-Authenticator in the first place.
    pub fn signed(mut self) -> Vec<u8> {
        self.attributes.insert(0, (MESSAGE_AUTHENTICATOR, vec![0; 16]));
        self.attributes[0].1 = mac(&self.bytes(), SECRET);
        self.bytes()
    }

    /// The bytes of an Accounting-Request (RFC 2866 section 3).
    pub fn stamped(self, secret: &str) -> Vec<u8> {
        let mut bytes = self.bytes();
        let sum = md5(&[&bytes, secret.as_bytes()]);
        bytes[4..20].copy_from_slice(&sum);
        bytes
    }

    pub fn get(&self, kind: u8) -> Option<&[u8]> {
        self.all(kind).first().copied()
    }

    pub fn all(&self, kind: u8) -> Vec<&[u8]> {
        let those = self.attributes.iter().filter(|(it, _)| *it == kind);
        those.map(|(_, value)| value.as_slice()).collect()
    }

    pub fn parse(bytes: &[u8]) -> Self {
        let length = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
        assert_eq!(length, bytes.len(), "{bytes:?}");
        let mut attributes = Vec::new();
        let mut rest = &bytes[20..];
        while let [kind, length, ..] = *rest {
            let (this, others) = rest.split_at(usize::from(length));
            attributes.push((kind, this[2..].to_vec()));
            rest = others;
        }
        assert!(rest.is_empty(), "{bytes:?}");
        let authenticator = bytes[4..20].try_into().unwrap();
        Self { code: bytes[0], id: bytes[1], authenticator, attributes }
    }
}

/// User-Password (RFC 2865 section 5.2).
pub fn hide(password: &[u8], authenticator: &[u8]) -> Vec<u8> {
    let mut padded = password.to_vec();
    padded.resize(password.len().max(1).next_multiple_of(16), 0);
    let mut before = authenticator.to_vec();
    for block in padded.chunks_mut(16) {
        let pad = md5(&[SECRET.as_bytes(), &before]);
        block.iter_mut().zip(pad).for_each(|(byte, pad)| *byte ^= pad);
        before = block.to_vec();
    }
    padded
}

pub fn md5(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Md5::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

pub fn mac(bytes: &[u8], secret: &str) -> Vec<u8> {
    let mut mac = Hmac::<Md5>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(bytes);
    mac.finalize().into_bytes().to_vec()
}

/// A client's socket that is connected to a server.
pub struct Client(UdpSocket);

impl Client {
    pub fn to(server: SocketAddr) -> Self {
        Self::from("127.0.0.1", server)
    }

    /// From another address of loopback: another access point.
    pub fn from(address: &str, server: SocketAddr) -> Self {
        let socket = UdpSocket::bind((address, 0)).unwrap();
        socket.connect(server).unwrap();
        Self(socket)
    }

    pub fn send(&self, bytes: &[u8]) {
        self.0.send(bytes).unwrap();
    }

    /// The next answer, if one comes within this time.
    pub fn receive_within(&self, time: Duration) -> Option<Vec<u8>> {
        self.0.set_read_timeout(Some(time)).unwrap();
        let mut buffer = [0; 4096];
        let length = self.0.recv(&mut buffer).ok()?;
        Some(buffer[..length].to_vec())
    }

    /// Sends, and takes the answer; sends again as clients do where a datagram is lost. An answer to
    /// an earlier request that was sent twice may still be on its way.
    #[track_caller]
    pub fn exchange(&self, bytes: &[u8]) -> Vec<u8> {
        for _ in 0..10 {
            self.send(bytes);
            while let Some(answer) = self.receive_within(Duration::from_secs(10)) {
                if answer[1] == bytes[1] {
                    return answer;
                }
            }
        }
        panic!("no answer to {bytes:?}");
    }
}

/// Reads an answer; it has to fit the request and the secret, Message-Authenticator included.
#[track_caller]
pub fn checked(answer: &[u8], request: &[u8]) -> Packet {
    let mut zeroed = answer.to_vec();
    zeroed[4..20].copy_from_slice(&request[4..20]);
    let sum = md5(&[&zeroed, SECRET.as_bytes()]);
    assert_eq!(sum, answer[4..20], "Response Authenticator of {answer:?}");
    assert_eq!(answer[1], request[1], "identifier of {answer:?}");
    let packet = Packet::parse(answer);
    if let Some(given) = packet.get(MESSAGE_AUTHENTICATOR) {
        let mut at = 20;
        while zeroed[at] != MESSAGE_AUTHENTICATOR {
            at += usize::from(zeroed[at + 1]);
        }
        zeroed[at + 2..at + 18].fill(0);
        assert_eq!(mac(&zeroed, SECRET), given, "Message-Authenticator of {answer:?}");
    }
    packet
}
