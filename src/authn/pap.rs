//! PAP (RFC 1334): the password itself, held against anything it may be kept as.

use md5::{Digest, Md5};
use sha1::Sha1;

use super::{Keys, Known, Verdict, mschap, verdict};
use crate::domain::secret::Secret;

/// An empty password never fits, not even an empty one (`rlm_pap`: "Password must not be empty"):
/// it is what an access point sends of somebody who typed nothing.
pub(super) fn prove(password: &Secret, known: &Known) -> Verdict {
    let typed = password.reveal().as_bytes();
    if typed.is_empty() {
        return Verdict::Wrong;
    }
    match known {
        Known::Cleartext(expected) => verdict(expected.reveal().as_bytes(), typed, || Keys::None),
        Known::Nt(hash) => verdict(hash, &mschap::password_hash(password.reveal()), || Keys::None),
        Known::Md5 { hash, salt } => {
            let sent = Md5::new_with_prefix(typed).chain_update(salt).finalize();
            verdict(hash, &sent, || Keys::None)
        }
        Known::Sha1 { hash, salt } => {
            let sent = Sha1::new_with_prefix(typed).chain_update(salt).finalize();
            verdict(hash, &sent, || Keys::None)
        }
        Known::Crypt(hash) => Verdict::Slow(hash.clone()),
    }
}
