//! The attribute Class (RFC 2865 section 5.25): what an access point is given when it lets somebody
//! in, and what shows with each of its reports that it was told to.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use rand::Rng;
use subtle::ConstantTimeEq;

use super::voucher::casefold;

/// Octets of a Class: what no other one has, whom it was given for, and what shows that it is ours.
const UNIQUE: usize = 16;
const ACCOUNT: usize = 8;
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
        let account = self.account(login, voucher);
        let seal = self.seal(&unique, account);
        [&unique[..], &account, &seal].concat()
    }

    /// Whether this one was given for this login and voucher, by this start or an earlier one.
    pub fn is_ours(&self, class: &[u8], login: &str, voucher: i64) -> bool {
        if let Some(account) = self.account_of(class) {
            return account == self.account(login, voucher);
        }
        match class.split_at_checked(UNIQUE) {
            Some((unique, seal)) => self.unnamed_seal(unique, login, voucher).ct_eq(seal).into(),
            None => false,
        }
    }

    /// Whether this one was given, for whomever.
    pub fn is_sealed(&self, class: &[u8]) -> bool {
        self.account_of(class).is_some()
    }

    /// Whether this one can be of an earlier version, which named no account.
    pub fn may_be_unnamed(class: &[u8]) -> bool {
        class.len() == UNIQUE + SEAL
    }

    /// The voucher that this one was given for; `None` for a user's, too.
    pub fn voucher_of(&self, class: &[u8]) -> Option<i64> {
        self.account_of(class).map(i64::from_be_bytes).filter(|id| *id > 0)
    }

    /// The account that a Class names, where its seal is right.
    fn account_of(&self, class: &[u8]) -> Option<[u8; ACCOUNT]> {
        let (unique, rest) = class.split_at_checked(UNIQUE)?;
        let (account, seal) = rest.split_first_chunk::<ACCOUNT>()?;
        bool::from(self.seal(unique, *account).ct_eq(seal)).then_some(*account)
    }

    /// A voucher's id, which none that is created later has; of a user, who has only a name, a negative
    /// number that tells it from others.
    fn account(&self, login: &str, voucher: i64) -> [u8; ACCOUNT] {
        if voucher > 0 {
            return voucher.to_be_bytes();
        }
        let digest = self.digest(&[b"user", casefold(login).as_bytes()]);
        let (number, _) = digest.split_first_chunk().unwrap_or((&[0; ACCOUNT], &[]));
        (i64::from_be_bytes(*number) | i64::MIN).to_be_bytes()
    }

    fn seal(&self, unique: &[u8], account: [u8; ACCOUNT]) -> [u8; SEAL] {
        self.digest(&[b"class", unique, &account])
    }

    /// Of the Class of earlier versions: what was sealed with it is not in it.
    fn unnamed_seal(&self, unique: &[u8], login: &str, voucher: i64) -> [u8; SEAL] {
        self.digest(&[unique, &voucher.to_be_bytes(), casefold(login).as_bytes()])
    }

    fn digest(&self, parts: &[&[u8]]) -> [u8; SEAL] {
        // A key of any length fits.
        let Ok(mut mac) = Hmac::<Md5>::new_from_slice(&self.key.0) else { return [0; SEAL] };
        parts.iter().for_each(|part| mac.update(part));
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
        // A voucher is the same one whatever it is called.
        for (login, voucher) in [("room 2", 4), ("room 1", 4), ("room 1", 0)] {
            assert!(!later.is_ours(&class, login, voucher));
        }
        assert_eq!((later.is_sealed(&class), later.voucher_of(&class)), (true, Some(3)));
        let users = classes.next("anna", 0);
        assert!(later.is_ours(&users, "Anna", 0) && !later.is_ours(&users, "bob", 0));
        assert_eq!((later.is_sealed(&users), later.voucher_of(&users)), (true, None));
        assert!(!Classes::new(ClassKey([8; 16]), [1; 8]).is_ours(&class, "room 1", 3));
        for length in 0..class.len() {
            assert!(!later.is_ours(&class[..length], "room 1", 3));
        }
        for index in 0..class.len() {
            let mut bent = class.clone();
            bent[index] ^= 1;
            assert!(!later.is_sealed(&bent));
        }
    }

    #[test]
    fn a_class_of_an_earlier_version_is_understood() {
        let classes = Classes::new(ClassKey([7; 16]), [1; 8]);
        let unique = [5; UNIQUE];
        let class = [unique, classes.unnamed_seal(&unique, "room 1", 3)].concat();
        assert!(classes.is_ours(&class, "Room 1", 3) && !classes.is_ours(&class, "room 1", 4));
        assert!(Classes::may_be_unnamed(&class) && !classes.is_sealed(&class));
    }
}
