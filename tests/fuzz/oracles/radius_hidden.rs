//! `radius::hidden`: an input is 16 octets of authenticator, an octet with the length of the
//! secret, the secret, and a value.
//!
//! - Nothing panics, and what comes out is never longer than what went in.
//! - A value is refused where its length cannot be right, and for no other reason.
//! - A password that was taken out, hidden again, is the beginning of the value.
//! - What is hidden comes out again.

use hotspotd::domain::secret::Secret;
use hotspotd::radius::encrypt::{
    MAX_PASSWORD, MAX_SALTED, cover_password, cover_salted, uncover_password, uncover_salted,
};

pub fn check(data: &[u8]) {
    let Some((authenticator, rest)) = data.split_first_chunk::<16>() else { return };
    let Some((length, rest)) = rest.split_first() else { return };
    let Some((secret, value)) = rest.split_at_checked(usize::from(*length)) else { return };
    let secret = Secret::new(String::from_utf8_lossy(secret));
    check_password(value, authenticator, &secret);
    check_salted(value, authenticator, &secret);
}

fn check_password(value: &[u8], authenticator: &[u8; 16], secret: &Secret) {
    let fits = (16..=MAX_PASSWORD).contains(&value.len()) && value.len().is_multiple_of(16);
    let plain = uncover_password(value, authenticator, secret);
    assert_eq!(plain.is_some(), fits);
    if let Some(plain) = plain {
        assert!(plain.len() <= value.len() && plain.last() != Some(&0));
        assert!(value.starts_with(&cover_password(&plain, authenticator, secret).unwrap()));
    }
    let covered = cover_password(value, authenticator, secret);
    assert_eq!(covered.is_some(), value.len() <= MAX_PASSWORD);
    if let Some(covered) = covered {
        let mut plain = uncover_password(&covered, authenticator, secret).unwrap();
        assert!(plain.len() <= value.len());
        plain.resize(value.len(), 0);
        assert_eq!(plain, value);
    }
}

fn check_salted(value: &[u8], authenticator: &[u8; 16], secret: &Secret) {
    let plain = uncover_salted(value, authenticator, secret);
    if let Some(plain) = &plain {
        assert!(value.len() >= 18 && value.len() % 16 == 2);
        assert!(plain.len() < value.len() - 2);
    }
    for plain in [Some(value.to_vec()), plain].into_iter().flatten() {
        let covered = cover_salted(&plain, [0x80, 1], authenticator, secret);
        assert_eq!(covered.is_some(), plain.len() <= MAX_SALTED);
        if let Some(covered) = covered {
            assert_eq!(covered[..2], [0x80, 1]);
            assert_eq!(uncover_salted(&covered, authenticator, secret), Some(plain));
        }
    }
}
