//! Whether somebody knows a password: PAP, CHAP, MS-CHAP, and the keys that follow from it.
//!
//! Nothing but arithmetic: what was sent and what is known go in, a verdict comes out.

mod chap;
mod crypt;
mod mppe;
mod mschap;
mod pap;

use std::fmt;

use subtle::ConstantTimeEq;

use crate::domain::secret::Secret;

pub use crypt::{crypt_fits, crypt_readable};

/// What was sent to show that a password is known.
#[derive(Clone, Debug)]
pub enum Proof {
    /// The password itself, taken out of User-Password (RFC 2865 section 5.2).
    Pap(Secret),
    /// A hash over it (RFC 2865 sections 5.3 and 5.40, RFC 1994).
    Chap {
        /// CHAP identifier: the first octet of CHAP-Password.
        identifier: u8,
        /// CHAP-Challenge, or the Request Authenticator where there is none.
        challenge: Vec<u8>,
        /// The other 16 octets of CHAP-Password.
        response: [u8; 16],
    },
    /// MS-CHAP (RFC 2433), by the NT response; LAN Manager's is not taken.
    MsChap {
        /// The first octet of MS-CHAP-Response.
        identifier: u8,
        /// MS-CHAP-Challenge.
        challenge: [u8; 8],
        /// NT-Response.
        response: [u8; 24],
    },
    /// MS-CHAPv2 (RFC 2759).
    MsChap2 {
        /// The first octet of MS-CHAP2-Response.
        identifier: u8,
        /// User-Name as it was sent; what stands before a backslash is left out of the hash.
        username: String,
        /// MS-CHAP-Challenge.
        authenticator_challenge: [u8; 16],
        /// Peer-Challenge.
        peer_challenge: [u8; 16],
        /// NT-Response.
        response: [u8; 24],
    },
    /// Nothing: there was no password attribute. Only `Auth-Type := Accept` lets this in.
    Nothing,
}

/// What is known of a password. `Debug` names the kind and nothing else.
#[derive(Clone, PartialEq, Eq)]
pub enum Known {
    /// The password itself.
    Cleartext(Secret),
    /// MD4 over its UTF-16LE form (RFC 2759 section 8.3).
    Nt([u8; 16]),
    /// MD5 over password and salt; without salt it is empty.
    Md5 {
        /// The hash.
        hash: [u8; 16],
        /// What follows it.
        salt: Vec<u8>,
    },
    /// SHA-1 over password and salt.
    Sha1 {
        /// The hash.
        hash: [u8; 20],
        /// What follows it.
        salt: Vec<u8>,
    },
    /// crypt(3): `$1$`, `$5$` or `$6$`. Slow on purpose.
    Crypt(String),
}

/// What comes of a proof. `Debug` prints neither keys nor hashes.
#[derive(Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The password is known; with what an Access-Accept needs for it.
    Proven(Keys),
    /// It is not.
    Wrong,
    /// This method cannot be checked against what is known: CHAP against a hash, say.
    Impossible,
    /// Only a slow hash can tell; see [`crypt_fits`]. Not on a thread that others wait for.
    Slow(String),
}

/// What an Access-Accept carries for a method. `Debug` names the method and nothing else.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Keys {
    /// Nothing: PAP and CHAP.
    #[default]
    None,
    /// MS-CHAP: the 24 octets of MS-CHAP-MPPE-Keys before the padding (RFC 2548 section 2.4.1).
    /// The second key in it is what access points expect, not what that section says.
    MsChap([u8; 24]),
    /// MS-CHAPv2.
    MsChap2 {
        /// MS-CHAP2-Success: identifier and `S=` with 40 hexadecimal digits (RFC 2548 2.3.3).
        success: [u8; 43],
        /// MS-MPPE-Send-Key: the authenticator's (RFC 3079 section 3.4).
        send: [u8; 16],
        /// MS-MPPE-Recv-Key.
        receive: [u8; 16],
    },
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cleartext(_) => "Cleartext",
            Self::Nt(_) => "Nt",
            Self::Md5 { .. } => "Md5",
            Self::Sha1 { .. } => "Sha1",
            Self::Crypt(_) => "Crypt",
        })
    }
}

impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Proven(_) => "Proven",
            Self::Wrong => "Wrong",
            Self::Impossible => "Impossible",
            Self::Slow(_) => "Slow",
        })
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::MsChap(_) => "MsChap",
            Self::MsChap2 { .. } => "MsChap2",
        })
    }
}

/// Holds what was sent against what is known.
pub fn prove(proof: &Proof, known: &Known) -> Verdict {
    match proof {
        Proof::Pap(password) => pap::prove(password, known),
        Proof::Chap { identifier, challenge, response } => match known {
            Known::Cleartext(secret) => {
                let holds = |secret: &[u8]| {
                    let expected = chap::response(*identifier, secret, challenge);
                    verdict(&expected, response, || Keys::None)
                };
                match (holds(secret.reveal().as_bytes()), latin1(secret.reveal())) {
                    (Verdict::Wrong, Some(other)) => holds(&other),
                    (verdict, _) => verdict,
                }
            }
            _ => Verdict::Impossible,
        },
        Proof::MsChap { challenge, response, .. } => {
            let Some(hash) = nt_hash(known) else { return Verdict::Impossible };
            let expected = mschap::response(challenge, &hash);
            verdict(&expected, response, || Keys::MsChap(mppe::first_keys(&hash)))
        }
        Proof::MsChap2 { .. } => mschap::prove(proof, nt_hash(known).as_ref()),
        Proof::Nothing => Verdict::Impossible,
    }
}

/// A text that is not ASCII, as devices that know no UTF-8 hash it.
fn latin1(text: &str) -> Option<Vec<u8>> {
    let octets = || text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    (!text.is_ascii()).then(octets).flatten()
}

/// The NT hash, where what is known leads to it.
fn nt_hash(known: &Known) -> Option<[u8; 16]> {
    match known {
        Known::Cleartext(password) => Some(mschap::password_hash(password.reveal())),
        Known::Nt(hash) => Some(*hash),
        _ => None,
    }
}

/// Compares in constant time.
fn verdict(expected: &[u8], sent: &[u8], keys: impl FnOnce() -> Keys) -> Verdict {
    if bool::from(expected.ct_eq(sent)) { Verdict::Proven(keys()) } else { Verdict::Wrong }
}

#[cfg(test)]
mod tests;
