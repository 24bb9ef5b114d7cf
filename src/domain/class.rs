//! The attribute Class (RFC 2865 section 5.25): what an access point is given when it lets somebody
//! in, and what shows with each of its reports that it was told to.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use rand::Rng;
use subtle::ConstantTimeEq;

use super::voucher::fold;

/// Octets of a Class: what no other one has, and what shows that it is ours.
const UNIQUE: usize = 16;
const SEAL: usize = 16;

/// What seals a Class, so that it is known again after a restart.
#[derive(Clone, Copy)]
pub struct ClassKey([u8; 16]);

impl fmt::Debug for ClassKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClassKey")
    }
}

impl ClassKey {
    /// One that nobody has.
    pub fn random(rng: &mut dyn Rng) -> Self {
        let mut octets = [0; 16];
        rng.fill_bytes(&mut octets);
        Self(octets)
    }

    /// As [`ClassKey::to_text`] wrote it.
    pub fn from_text(text: &str) -> Option<Self> {
        u128::from_str_radix(text, 16).ok().map(|number| Self(number.to_be_bytes()))
    }

    /// In hexadecimal digits.
    pub fn to_text(self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.0))
    }
}

/// The values of Class that are given (RFC 2865 section 5.25).
#[derive(Debug)]
pub struct Classes {
    key: ClassKey,
    /// Tells this start from others.
    nonce: [u8; 8],
    last: u64,
}

impl Classes {
    /// Those of one start, which `nonce` tells from others.
    pub fn new(key: ClassKey, nonce: [u8; 8]) -> Self {
        Self { key, nonce, last: 0 }
    }

    /// What seals them.
    pub fn key(&self) -> ClassKey {
        self.key
    }

    /// One that was not given before, for a login and its voucher; 0 is none.
    pub fn next(&mut self, login: &str, voucher: i64) -> Vec<u8> {
        self.last += 1;
        let unique = [self.nonce, self.last.to_be_bytes()].concat();
        let seal = self.seal(&unique, login, voucher);
        [unique, seal.to_vec()].concat()
    }

    /// Whether this one was given for this login and voucher, by this start or an earlier one.
    pub fn is_ours(&self, class: &[u8], login: &str, voucher: i64) -> bool {
        match class.split_at_checked(UNIQUE) {
            Some((unique, seal)) => self.seal(unique, login, voucher).ct_eq(seal).into(),
            None => false,
        }
    }

    fn seal(&self, unique: &[u8], login: &str, voucher: i64) -> [u8; SEAL] {
        // A key of any length fits.
        let Ok(mut mac) = Hmac::<Md5>::new_from_slice(&self.key.0) else { return [0; SEAL] };
        mac.update(unique);
        mac.update(&voucher.to_be_bytes());
        mac.update(fold(login).as_bytes());
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_known_again_with_its_login_and_voucher_only() {
        let key = ClassKey([7; 16]);
        let mut classes = Classes::new(key, [1; 8]);
        let class = classes.next("Room 1", 3);
        assert_ne!(classes.next("Room 1", 3), class);
        let key = ClassKey::from_text(&key.to_text()).unwrap();
        let later = Classes::new(key, [2; 8]);
        assert!(later.is_ours(&class, "room 1", 3));
        for (login, voucher) in [("room 2", 3), ("room 1", 4), ("", 3)] {
            assert!(!later.is_ours(&class, login, voucher));
        }
        assert!(!Classes::new(ClassKey([8; 16]), [1; 8]).is_ours(&class, "room 1", 3));
        for length in 0..class.len() {
            assert!(!later.is_ours(&class[..length], "room 1", 3));
        }
    }
}
