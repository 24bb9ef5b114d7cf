//! Packets of an access point, written and read here and not with the daemon's own code: what is
//! wrong there would otherwise be wrong here in the same way.

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};

pub const CHILLISPOT: u32 = 14559;
pub const WISPR: u32 = 14122;

const VENDOR_SPECIFIC: u8 = 26;
const MESSAGE_AUTHENTICATOR: u8 = 80;

/// The attributes of a packet, in their order.
#[derive(Clone, Debug, Default)]
pub struct Attributes(pub Vec<(u8, Vec<u8>)>);

impl Attributes {
    pub fn octets(&self, kind: u8) -> Option<&[u8]> {
        self.0.iter().find(|it| it.0 == kind).map(|it| it.1.as_slice())
    }

    pub fn number(&self, kind: u8) -> Option<u32> {
        self.octets(kind).map(integer)
    }

    pub fn text(&self, kind: u8) -> Option<String> {
        self.octets(kind).map(|octets| String::from_utf8(octets.to_vec()).unwrap())
    }

    pub fn vendor(&self, vendor: u32, kind: u8) -> Option<&[u8]> {
        let of_vendor = self.0.iter().filter(|it| it.0 == VENDOR_SPECIFIC);
        let mut values = of_vendor.map(|it| it.1.as_slice());
        let value = values.find(|it| it[..4] == vendor.to_be_bytes() && it[4] == kind)?;
        Some(&value[6..])
    }

    pub fn vendor_number(&self, vendor: u32, kind: u8) -> Option<u32> {
        self.vendor(vendor, kind).map(integer)
    }

    pub fn vendor_text(&self, vendor: u32, kind: u8) -> Option<String> {
        self.vendor(vendor, kind).map(|octets| String::from_utf8(octets.to_vec()).unwrap())
    }
}

fn integer(octets: &[u8]) -> u32 {
    u32::from_be_bytes(octets.try_into().unwrap())
}

/// A request that is being written.
pub struct Draft {
    bytes: Vec<u8>,
}

impl Draft {
    /// With an authenticator that nobody else has, where the code wants one.
    pub fn new(code: u8, id: u8) -> Self {
        let mut bytes = vec![code, id, 0, 0];
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let random = md5(&[&now.as_nanos().to_be_bytes(), &[id]]);
        bytes.extend(if code == super::chilli::ACCESS_REQUEST { random } else { [0; 16] });
        Self { bytes }
    }

    pub fn octets(&mut self, kind: u8, octets: &[u8]) {
        self.bytes.extend([kind, u8::try_from(octets.len() + 2).unwrap()]);
        self.bytes.extend(octets);
    }

    pub fn text(&mut self, kind: u8, text: &str) {
        self.octets(kind, text.as_bytes());
    }

    pub fn number(&mut self, kind: u8, number: u32) {
        self.octets(kind, &number.to_be_bytes());
    }

    pub fn vendor_number(&mut self, vendor: u32, kind: u8, number: u32) {
        let value = [&vendor.to_be_bytes()[..], &[kind, 6], &number.to_be_bytes()].concat();
        self.octets(VENDOR_SPECIFIC, &value);
    }

    /// User-Password (RFC 2865 section 5.2).
    pub fn password(&mut self, password: &str, secret: &str) {
        let mut padded = password.as_bytes().to_vec();
        padded.resize(padded.len().next_multiple_of(16).max(16), 0);
        let mut last = self.bytes[4..20].to_vec();
        for block in padded.chunks_mut(16) {
            let key = md5(&[secret.as_bytes(), &last]);
            block.iter_mut().zip(key).for_each(|(octet, key)| *octet ^= key);
            last = block.to_vec();
        }
        self.octets(2, &padded);
    }

    /// The request as it is sent.
    pub fn request(mut self, secret: &str) -> Vec<u8> {
        let is_access = self.bytes[0] == super::chilli::ACCESS_REQUEST;
        if is_access {
            self.octets(MESSAGE_AUTHENTICATOR, &[0; 16]);
        }
        let length = u16::try_from(self.bytes.len()).unwrap();
        self.bytes[2..4].copy_from_slice(&length.to_be_bytes());
        let end = self.bytes.len();
        if is_access {
            let mut mac = Hmac::<Md5>::new_from_slice(secret.as_bytes()).unwrap();
            mac.update(&self.bytes);
            let signature: [u8; 16] = mac.finalize().into_bytes().into();
            self.bytes[end - 16..].copy_from_slice(&signature);
        } else {
            let authenticator = md5(&[&self.bytes, secret.as_bytes()]);
            self.bytes[4..20].copy_from_slice(&authenticator);
        }
        self.bytes
    }
}

/// A packet that has come, and is genuine.
pub struct Received {
    pub code: u8,
    id: u8,
    authenticator: [u8; 16],
    pub attributes: Attributes,
}

impl Received {
    /// The answer to a request.
    pub fn reply(bytes: &[u8], request: &[u8], secret: &str) -> Self {
        let expected = md5(&[&bytes[..4], &request[4..20], &bytes[20..], secret.as_bytes()]);
        assert_eq!((bytes[1], &bytes[4..20]), (request[1], &expected[..]));
        Self::read(bytes)
    }

    /// A Disconnect-Request or CoA-Request.
    pub fn order(bytes: &[u8], secret: &str) -> Self {
        let expected = md5(&[&bytes[..4], &[0; 16], &bytes[20..], secret.as_bytes()]);
        assert_eq!(bytes[4..20], expected);
        Self::read(bytes)
    }

    fn read(bytes: &[u8]) -> Self {
        let (mut attributes, mut rest) = (Vec::new(), &bytes[20..]);
        while let [kind, length, ..] = *rest {
            attributes.push((kind, rest[2..length.into()].to_vec()));
            rest = &rest[length.into()..];
        }
        Self {
            code: bytes[0],
            id: bytes[1],
            authenticator: bytes[4..20].try_into().unwrap(),
            attributes: Attributes(attributes),
        }
    }

    /// The bytes of an answer without attributes.
    pub fn answer(&self, code: u8, secret: &str) -> Vec<u8> {
        let head = [code, self.id, 0, 20];
        [&head[..], &md5(&[&head, &self.authenticator, secret.as_bytes()])].concat()
    }
}

fn md5(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Md5::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}
