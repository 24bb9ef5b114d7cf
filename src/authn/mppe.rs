//! Keys for MPPE, which EAP takes as keys for Wi-Fi (RFC 2548 section 2.4, RFC 3079).

use md4::{Digest, Md4};
use sha1::Sha1;

/// HashNtPasswordHash (RFC 2759 section 8.4).
pub(super) fn hash_again(password_hash: &[u8; 16]) -> [u8; 16] {
    Md4::digest(password_hash).into()
}

/// MS-CHAP-MPPE-Keys: eight octets for LAN Manager's key, which is not known here, and the NT key.
/// RFC 2548 section 2.4.1 names the NT hash; what works is the hash over it, and `rlm_mschap`
/// sends that for the same reason.
pub(super) fn first_keys(password_hash: &[u8; 16]) -> [u8; 24] {
    let mut keys = [0; 24];
    if let Some(key) = keys.last_chunk_mut() {
        *key = hash_again(password_hash);
    }
    keys
}

/// The keys of 128 bits that follow from MS-CHAPv2, the server's to send with and to receive with
/// (RFC 3079 section 3.4).
pub(super) fn second_keys(hash_hash: &[u8; 16], response: &[u8; 24]) -> ([u8; 16], [u8; 16]) {
    let master = Sha1::new_with_prefix(hash_hash)
        .chain_update(response)
        .chain_update("This is the MPPE Master Key")
        .finalize();
    let master = cut(master.into());
    let send =
        "On the client side, this is the receive key; on the server side, it is the send key.";
    let receive =
        "On the client side, this is the send key; on the server side, it is the receive key.";
    (start_key(&master, send), start_key(&master, receive))
}

/// GetAsymmetricStartKey.
fn start_key(master: &[u8; 16], magic: &str) -> [u8; 16] {
    let digest = Sha1::new_with_prefix(master)
        .chain_update([0; 40])
        .chain_update(magic)
        .chain_update([0xF2; 40])
        .finalize();
    cut(digest.into())
}

fn cut(digest: [u8; 20]) -> [u8; 16] {
    digest.first_chunk().copied().unwrap_or_default()
}
