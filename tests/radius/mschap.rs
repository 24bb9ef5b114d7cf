//! MS-CHAPv2 from the client's side (RFC 2759, RFC 3079), which radclient does not do by itself.

use des::Des;
use des::cipher::{Array, BlockCipherEncrypt, KeyInit};
use md4::{Digest, Md4};
use sha1::Sha1;

/// One exchange: what is sent, and what has to come back.
pub struct Exchange {
    username: String,
    hash: [u8; 16],
    challenge: [u8; 16],
    peer_challenge: [u8; 16],
}

impl Exchange {
    pub fn new(username: &str, password: &str) -> Self {
        let utf16: Vec<u8> = password.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let (challenge, peer_challenge) = (rand::random(), rand::random());
        Self {
            username: username.to_owned(),
            hash: Md4::digest(utf16).into(),
            challenge,
            peer_challenge,
        }
    }

    /// The attributes for radclient. 7 is the identifier, which comes back.
    pub fn attributes(&self) -> String {
        let mut response = vec![7, 0];
        response.extend(self.peer_challenge);
        response.extend([0; 8]);
        response.extend(self.response());
        format!(
            "User-Name = \"{}\"\nMS-CHAP-Challenge = 0x{}\nMS-CHAP2-Response = 0x{}",
            self.username,
            hex(&self.challenge),
            hex(&response)
        )
    }

    /// MS-CHAP2-Success as radclient prints it.
    pub fn success(&self) -> String {
        let inner = sha1(&[
            &Md4::digest(self.hash),
            &self.response(),
            b"Magic server to client signing constant",
        ]);
        let digest = sha1(&[&inner, &self.eight(), b"Pad to make it do more than one iteration"]);
        format!("0x07{}", hex(format!("S={}", hex(&digest).to_uppercase()).as_bytes()))
    }

    /// MS-MPPE-Send-Key and MS-MPPE-Recv-Key, as radclient prints them.
    pub fn keys(&self) -> (String, String) {
        let master =
            sha1(&[&Md4::digest(self.hash), &self.response(), b"This is the MPPE Master Key"]);
        let key = |magic: &[u8]| {
            let digest = sha1(&[&master[..16], &[0; 40], magic, &[0xf2; 40]]);
            format!("0x{}", hex(&digest[..16]))
        };
        (
            key(b"On the client side, this is the receive key; on the server side, it is the send key."),
            key(b"On the client side, this is the send key; on the server side, it is the receive key."),
        )
    }

    fn eight(&self) -> [u8; 8] {
        let parts: [&[u8]; 3] = [&self.peer_challenge, &self.challenge, self.username.as_bytes()];
        sha1(&parts)[..8].try_into().unwrap()
    }

    fn response(&self) -> Vec<u8> {
        let mut key = self.hash.to_vec();
        key.resize(21, 0);
        let block = self.eight();
        key.chunks(7).flat_map(|seven| encrypt(seven, block)).collect()
    }
}

/// DES with a key of 56 bits, spread over eight octets.
fn encrypt(seven: &[u8], block: [u8; 8]) -> [u8; 8] {
    let mut bits = [0; 8];
    bits[1..].copy_from_slice(seven);
    let bits = u64::from_be_bytes(bits);
    let key: [u8; 8] = std::array::from_fn(|i| ((bits >> (49 - 7 * i)) << 1) as u8);
    let mut block = Array::from(block);
    Des::new(&Array::from(key)).encrypt_block(&mut block);
    block.into()
}

fn sha1(parts: &[&[u8]]) -> [u8; 20] {
    let mut hash = Sha1::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
