//! CHAP with MD5 (RFC 1994 section 4.1).

use md5::{Digest, Md5};

/// What somebody answers who knows the secret.
pub(super) fn response(identifier: u8, secret: &[u8], challenge: &[u8]) -> [u8; 16] {
    Md5::new_with_prefix([identifier])
        .chain_update(secret)
        .chain_update(challenge)
        .finalize()
        .into()
}
