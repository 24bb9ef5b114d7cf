//! MS-CHAP (RFC 2433) and MS-CHAPv2 (RFC 2759).

use des::Des;
use des::cipher::{BlockCipherEncrypt, KeyInit};
use md4::Md4;
use sha1::{Digest, Sha1};

use super::{Keys, Proof, Verdict, mppe, verdict};

/// NtPasswordHash: MD4 over the password in UTF-16LE (RFC 2759 section 8.3).
pub(super) fn password_hash(password: &str) -> [u8; 16] {
    let mut hash = Md4::new();
    for unit in password.encode_utf16() {
        hash.update(unit.to_le_bytes());
    }
    hash.finalize().into()
}

/// ChallengeResponse: the challenge encrypted three times, each with a third of the hash (RFC 2759
/// section 8.5).
pub(super) fn response(challenge: &[u8; 8], password_hash: &[u8; 16]) -> [u8; 24] {
    let mut padded = [0; 21];
    if let Some(hash) = padded.first_chunk_mut() {
        *hash = *password_hash;
    }
    let mut response = [0; 24];
    for (key, block) in padded.chunks_exact(7).zip(response.chunks_exact_mut(8)) {
        let mut cipher = (*challenge).into();
        Des::new(&des_key(key).into()).encrypt_block(&mut cipher);
        block.copy_from_slice(&cipher);
    }
    response
}

/// 56 bits of key as DES wants them: seven to an octet, the lowest bit for a parity nobody checks
/// (RFC 2433 appendix B.3).
fn des_key(raw: &[u8]) -> [u8; 8] {
    let bits = raw.iter().fold(0_u64, |bits, &octet| bits << 8 | u64::from(octet));
    let mut key = (bits << 8).to_be_bytes();
    for (at, octet) in (0_u32..).zip(&mut key) {
        *octet = ((bits >> 49_u32.saturating_sub(7 * at)) as u8) << 1;
    }
    key
}

/// Holds an MS-CHAPv2 response against an NT hash. With it goes what shows the other side that we
/// know it too.
pub(super) fn prove(proof: &Proof, password_hash: Option<&[u8; 16]>) -> Verdict {
    let (Proof::MsChap2 { identifier, response: sent, .. }, Some(hash)) = (proof, password_hash)
    else {
        return Verdict::Impossible;
    };
    let challenge = challenge_hash(proof);
    verdict(&response(&challenge, hash), sent, || {
        let hash_hash = mppe::hash_again(hash);
        let (send, receive) = mppe::second_keys(&hash_hash, sent);
        let success = success(*identifier, &hash_hash, sent, &challenge);
        Keys::MsChap2 { success, send, receive }
    })
}

/// ChallengeHash (RFC 2759 section 8.2). The domain that Windows puts before a name is no part of
/// it, though it is of User-Name (section 4).
fn challenge_hash(proof: &Proof) -> [u8; 8] {
    let mut hash = Sha1::new();
    if let Proof::MsChap2 { username, authenticator_challenge, peer_challenge, .. } = proof {
        hash.update(peer_challenge);
        hash.update(authenticator_challenge);
        hash.update(username.split_once('\\').map_or(username.as_str(), |(_, name)| name));
    }
    let hash: [u8; 20] = hash.finalize().into();
    hash.first_chunk().copied().unwrap_or_default()
}

/// GenerateAuthenticatorResponse (RFC 2759 section 8.7), as MS-CHAP2-Success carries it.
fn success(identifier: u8, hash_hash: &[u8; 16], sent: &[u8; 24], challenge: &[u8; 8]) -> [u8; 43] {
    let inner = Sha1::new_with_prefix(hash_hash)
        .chain_update(sent)
        .chain_update("Magic server to client signing constant")
        .finalize();
    let digest = Sha1::new_with_prefix(inner)
        .chain_update(challenge)
        .chain_update("Pad to make it do more than one iteration")
        .finalize();
    let mut success = [0; 43];
    let digits = digest.iter().flat_map(|octet| [octet >> 4, octet & 15]).map(hexadecimal);
    let text = [identifier, b'S', b'='].into_iter().chain(digits);
    success.iter_mut().zip(text).for_each(|(octet, value)| *octet = value);
    success
}

fn hexadecimal(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0' + nibble,
        _ => b'A' + (nibble & 15) - 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_des_key_is_spread_as_in_the_rfc() {
        // RFC 2433 appendix B.3, without the parity it adds.
        let raw = [0xFC, 0x15, 0x6A, 0xF7, 0xED, 0xCD, 0x6C];
        let corrected = [0xFD, 0x0B, 0x5B, 0x5E, 0x7F, 0x6E, 0x34, 0xD9];
        assert_eq!(des_key(&raw), corrected.map(|octet: u8| octet & 0xFE));
        let raw = [0x0E, 0xDD, 0xE3, 0x33, 0x7D, 0x42, 0x7F];
        let corrected = [0x0E, 0x6E, 0x79, 0x67, 0x37, 0xEA, 0x08, 0xFE];
        assert_eq!(des_key(&raw), corrected.map(|octet: u8| octet & 0xFE));
    }

    #[test]
    fn the_challenge_is_hashed_as_in_the_rfc() {
        // RFC 2759 section 9.2.
        let proof = Proof::MsChap2 {
            identifier: 0,
            username: "User".into(),
            authenticator_challenge:
                *b"\x5B\x5D\x7C\x7D\x7B\x3F\x2F\x3E\x3C\x2C\x60\x21\x32\x26\x26\x28",
            peer_challenge: *b"\x21\x40\x23\x24\x25\x5E\x26\x2A\x28\x29\x5F\x2B\x3A\x33\x7C\x7E",
            response: [0; 24],
        };
        assert_eq!(challenge_hash(&proof), [0xD0, 0x2E, 0x43, 0x86, 0xBC, 0xE9, 0x12, 0x26]);
    }

    #[test]
    fn passwords_are_hashed_in_sixteen_bits_a_character() {
        // RFC 2759 section 9.2; `iconv -t UTF-16LE | openssl md4` for the others.
        let cases = [
            ("clientPass", "44ebba8d5312b8d611474411f56989ae"),
            ("MyPw", "fc156af7edcd6c0edde3337d427f4eac"),
            ("", "31d6cfe0d16ae931b73c59d7e0c089c0"),
            ("Gr\u{fc}\u{df}e", "2816114083c3d8e78cfa2bdb9cde7ae6"),
            ("\u{1f511}x", "5958e5348437bf114bb6a7b1b22083ec"),
        ];
        for (password, expected) in cases {
            let hash: String =
                password_hash(password).iter().map(|octet| format!("{octet:02x}")).collect();
            assert_eq!(hash, expected, "{password}");
        }
    }
}
