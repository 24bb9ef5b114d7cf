//! Values that are hidden with the shared secret: a stream of MD5 hashes, each over the block
//! before it.

use md5::{Digest, Md5};

use crate::domain::secret::Secret;

/// The longest value that [`cover_password`] takes (RFC 2865 section 5.2).
pub const MAX_PASSWORD: usize = 128;
/// The longest value that [`cover_salted`] takes: with length octet, salt and tag it fills an
/// attribute's 253 octets as far as blocks of 16 can.
pub const MAX_SALTED: usize = 239;

/// Hides a value as User-Password is hidden (RFC 2865 section 5.2), which MS-CHAP-MPPE-Keys is as
/// well (RFC 2548 section 2.4.1). `None` where it is longer than [`MAX_PASSWORD`].
pub fn cover_password(
    plain: &[u8],
    request_authenticator: &[u8; 16],
    secret: &Secret,
) -> Option<Vec<u8>> {
    if plain.len() > MAX_PASSWORD {
        return None;
    }
    let mut padded = plain.to_vec();
    padded.resize(plain.len().max(1).next_multiple_of(16), 0);
    Some(cipher(&padded, request_authenticator, secret, Covers::This))
}

/// Takes a value out of User-Password, the padding of zeroes left out. `None` where it is no
/// multiple of 16 octets, or longer than [`MAX_PASSWORD`]. With another secret it comes out as
/// random octets: nothing shows whether it is right.
pub fn uncover_password(
    value: &[u8],
    request_authenticator: &[u8; 16],
    secret: &Secret,
) -> Option<Vec<u8>> {
    let fits = !value.is_empty() && value.len() <= MAX_PASSWORD && value.len().is_multiple_of(16);
    let mut plain = fits.then(|| cipher(value, request_authenticator, secret, Covers::Other))?;
    while plain.last() == Some(&0) {
        plain.pop();
    }
    Some(plain)
}

/// Hides a value as Tunnel-Password (RFC 2868 section 3.5, without its tag) and MS-MPPE-Send-Key
/// (RFC 2548 section 2.4.2) are hidden: the salt, then the value with its length octet. `None`
/// where it is longer than [`MAX_SALTED`].
pub fn cover_salted(
    plain: &[u8],
    salt: [u8; 2],
    request_authenticator: &[u8; 16],
    secret: &Secret,
) -> Option<Vec<u8>> {
    if plain.len() > MAX_SALTED {
        return None;
    }
    let mut padded = vec![u8::try_from(plain.len()).ok()?];
    padded.extend_from_slice(plain);
    padded.resize(padded.len().next_multiple_of(16), 0);
    let mut value = salt.to_vec();
    let seed = [&request_authenticator[..], &salt].concat();
    value.extend(cipher(&padded, &seed, secret, Covers::This));
    Some(value)
}

/// Takes out what [`cover_salted`] has hidden. `None` where its length cannot be right, which is
/// what another secret mostly leads to.
pub fn uncover_salted(
    value: &[u8],
    request_authenticator: &[u8; 16],
    secret: &Secret,
) -> Option<Vec<u8>> {
    let (salt, covered) = value.split_first_chunk::<2>()?;
    if !covered.len().is_multiple_of(16) {
        return None;
    }
    let seed = [&request_authenticator[..], salt].concat();
    let plain = cipher(covered, &seed, secret, Covers::Other);
    let (length, rest) = plain.split_first()?;
    rest.get(..usize::from(*length)).map(<[u8]>::to_vec)
}

/// Salts for one packet: no two the same, the highest bit set (RFC 2868 section 3.5).
#[derive(Clone, Copy, Debug)]
pub struct Salts(u16);

impl Salts {
    /// Begins anywhere.
    pub fn from(random: u16) -> Self {
        Self(random)
    }

    /// The next one.
    pub fn draw(&mut self) -> [u8; 2] {
        self.0 = self.0.wrapping_add(1);
        (self.0 | 0x8000).to_be_bytes()
    }
}

/// Which side of the cipher the hidden value is on: it is what the next block's key is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Covers {
    /// What comes out.
    This,
    /// What goes in.
    Other,
}

fn cipher(text: &[u8], seed: &[u8], secret: &Secret, covers: Covers) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut before = seed.to_vec();
    for block in text.chunks(16) {
        let key = Md5::new().chain_update(secret.reveal()).chain_update(&before).finalize();
        let turned: Vec<u8> = block.iter().zip(key).map(|(octet, key)| octet ^ key).collect();
        out.extend_from_slice(&turned);
        before = if covers == Covers::This { turned } else { block.to_vec() };
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn secret() -> Secret {
        Secret::new("xyzzy5461")
    }

    /// RFC 2865 section 7.1.
    #[test]
    fn the_password_of_the_rfc_is_hidden_as_there() {
        let authenticator = hex("0f403f9473978057bd83d5cb98f4227a").try_into().unwrap();
        let hidden = hex("0dbe708d93d413ce3196e43f782a0aee");
        assert_eq!(cover_password(b"arctangent", &authenticator, &secret()), Some(hidden.clone()));
        assert_eq!(
            uncover_password(&hidden, &authenticator, &secret()).as_deref(),
            Some(&b"arctangent"[..])
        );
    }

    /// Worked out by hand from RFC 2868 section 3.5: b(1) = MD5(S + R + A), c(1) = p(1) xor b(1),
    /// b(2) = MD5(S + c(1)).
    #[test]
    fn a_salted_value_follows_the_formula_block_by_block() {
        let (authenticator, salt) = ([7; 16], [0x80, 0x01]);
        let plain = b"seventeen octets!";
        let value = cover_salted(plain, salt, &authenticator, &secret()).unwrap();
        let first = Md5::digest([&b"xyzzy5461"[..], &authenticator, &salt].concat());
        let text = [&[17u8][..], plain].concat();
        let c1: Vec<u8> = text[..16].iter().zip(first).map(|(p, b)| p ^ b).collect();
        let second = Md5::digest([&b"xyzzy5461"[..], &c1].concat());
        let c2: Vec<u8> = [text[16], text[17], 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
            .iter()
            .zip(second)
            .map(|(p, b)| p ^ b)
            .collect();
        assert_eq!(value, [&salt[..], &c1, &c2].concat());
    }

    #[test]
    fn what_has_the_wrong_length_is_refused() {
        let authenticator = [1; 16];
        for length in [0, 1, 15, 17, 129, 144] {
            assert_eq!(uncover_password(&vec![0; length], &authenticator, &secret()), None);
        }
        for length in [0, 1, 2, 3, 17, 19] {
            assert_eq!(uncover_salted(&vec![0; length], &authenticator, &secret()), None);
        }
        assert_eq!(cover_password(&[b'x'; 129], &authenticator, &secret()), None);
        assert_eq!(cover_salted(&[b'x'; 240], [0x80, 0], &authenticator, &secret()), None);
    }

    #[test]
    fn the_longest_salted_value_fits_beside_tag() {
        let value = cover_salted(&[b'x'; MAX_SALTED], [0x80, 0], &[1; 16], &secret()).unwrap();
        assert_eq!(value.len() + 1, 243);
    }

    #[test]
    fn salts_differ_and_have_their_highest_bit_set() {
        let mut salts = Salts::from(0xfffe);
        let drawn: Vec<[u8; 2]> = (0..4).map(|_| salts.draw()).collect();
        assert_eq!(drawn, [[0xff, 0xff], [0x80, 0x00], [0x80, 0x01], [0x80, 0x02]]);
    }

    proptest! {
        #[test]
        fn hidden_values_come_out_again(
            plain in vec(any::<u8>(), 0..=MAX_SALTED),
            authenticator: [u8; 16],
            salt: [u8; 2],
            secret in ".{1,80}",
        ) {
            let secret = Secret::new(secret);
            let value = cover_salted(&plain, salt, &authenticator, &secret).unwrap();
            prop_assert_eq!(uncover_salted(&value, &authenticator, &secret), Some(plain.clone()));
            let Some(value) = cover_password(&plain, &authenticator, &secret) else {
                prop_assert!(plain.len() > MAX_PASSWORD);
                return Ok(());
            };
            let end = plain.iter().rposition(|octet| *octet != 0).map_or(0, |at| at + 1);
            let uncovered = uncover_password(&value, &authenticator, &secret);
            prop_assert_eq!(uncovered, Some(plain[..end].to_vec()));
        }
    }

    fn hex(text: &str) -> Vec<u8> {
        crate::radius::tests::hex(text)
    }
}
