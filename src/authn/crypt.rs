//! crypt(3) with MD5 (`$1$`), SHA-256 (`$5$`) and SHA-512 (`$6$`).
//!
//! MD5 is Poul-Henning Kamp's of 1994 (FreeBSD, `crypt-md5.c`), the others are Ulrich Drepper's
//! ("Unix crypt using SHA-256 and SHA-512").

use md5::{Digest, Md5};
use sha_crypt::{Params, sha256_crypt, sha512_crypt};
use subtle::ConstantTimeEq;

use crate::domain::secret::Secret;

/// More would take a small router minutes, and one hash is computed at a time.
const MOST_ROUNDS: u32 = 1_000_000;
/// As in libxcrypt: the work grows with the square of a password's length.
const LONGEST_PASSWORD: usize = 512;

enum Scheme {
    Md5,
    Sha256(Params),
    Sha512(Params),
}

/// A hash taken to pieces.
struct Parts<'a> {
    scheme: Scheme,
    salt: &'a str,
    digest: &'a str,
}

/// Whether a password fits a crypt(3) hash. Takes milliseconds on a desktop, and up to seconds on
/// a small router. A hash that [`crypt_readable`] refuses fits nothing.
pub fn crypt_fits(password: &Secret, hash: &str) -> bool {
    let Ok(parts) = take_apart(hash) else { return false };
    let password = password.reveal().as_bytes();
    if password.is_empty() || password.len() > LONGEST_PASSWORD {
        return false;
    }
    let salt = parts.salt.as_bytes();
    let digest = match parts.scheme {
        Scheme::Md5 => encode(&md5_crypt(password, salt), &MD5_ORDER),
        Scheme::Sha256(rounds) => encode(&sha256_crypt(password, salt, rounds), &SHA256_ORDER),
        Scheme::Sha512(rounds) => encode(&sha512_crypt(password, salt, rounds), &SHA512_ORDER),
    };
    digest.ct_eq(parts.digest.as_bytes()).into()
}

/// Whether a crypt(3) hash is one that can be checked.
///
/// # Errors
/// Why not: a sentence for the operator.
pub fn crypt_readable(hash: &str) -> Result<(), String> {
    take_apart(hash).map(|_| ())
}

fn take_apart(hash: &str) -> Result<Parts<'_>, String> {
    let (prefix, rest) = hash
        .strip_prefix('$')
        .and_then(|rest| rest.split_once('$'))
        .ok_or("is not a crypt hash that begins with $1$, $5$ or $6$; DES is not supported")?;
    let (params, rest) = match prefix {
        "5" | "6" => rounds(rest)?,
        _ => (Params::RECOMMENDED, rest),
    };
    let (scheme, longest_salt, length) = match prefix {
        "1" => (Scheme::Md5, 8, 22),
        "5" => (Scheme::Sha256(params), 16, 43),
        "6" => (Scheme::Sha512(params), 16, 86),
        _ => {
            return Err(
                "is none of the crypt hashes $1$, $5$ and $6$; bcrypt, yescrypt and others \
                        are not supported"
                    .to_owned(),
            );
        }
    };
    let (salt, digest) = rest.split_once('$').ok_or("is a crypt hash that was cut off")?;
    if salt.len() > longest_salt {
        return Err(format!("is a crypt hash with a salt of more than {longest_salt} characters"));
    }
    if digest.len() != length || !digest.bytes().all(|digit| ALPHABET.contains(&digit)) {
        return Err(format!("is a crypt hash that does not end in {length} of ./0-9A-Za-z"));
    }
    Ok(Parts { scheme, salt, digest })
}

/// Takes `rounds=5000$` off; without it there are 5000.
fn rounds(rest: &str) -> Result<(Params, &str), String> {
    let Some((number, rest)) = rest.strip_prefix("rounds=").and_then(|rest| rest.split_once('$'))
    else {
        return Ok((Params::RECOMMENDED, rest));
    };
    let rounds: Option<u32> = number.parse().ok().filter(|rounds| *rounds <= MOST_ROUNDS);
    let params = rounds.and_then(|rounds| Params::new(rounds).ok()).ok_or_else(|| {
        format!("is a crypt hash with rounds outside {} to {MOST_ROUNDS}", Params::ROUNDS_MIN)
    })?;
    Ok((params, rest))
}

fn md5_crypt(password: &[u8], salt: &[u8]) -> [u8; 16] {
    let mix = Md5::new_with_prefix(password).chain_update(salt).chain_update(password).finalize();
    let mut begin = Md5::new_with_prefix(password).chain_update("$1$").chain_update(salt);
    for chunk in password.chunks(mix.len()) {
        begin.update(mix.get(..chunk.len()).unwrap_or_default());
    }
    let mut length = password.len();
    while length > 0 {
        begin.update(if length & 1 == 1 {
            &[0][..]
        } else {
            password.get(..1).unwrap_or_default()
        });
        length >>= 1;
    }
    let mut digest = begin.finalize();
    for round in 0..1000 {
        let (first, last) =
            if round & 1 == 1 { (password, &digest[..]) } else { (&digest[..], password) };
        let mut next = Md5::new_with_prefix(first);
        if round % 3 != 0 {
            next.update(salt);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        digest = next.chain_update(last).finalize();
    }
    digest.into()
}

const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// In which order the octets of a digest are written, three to four characters.
const MD5_ORDER: [u8; 16] = [0, 6, 12, 1, 7, 13, 2, 8, 14, 3, 9, 15, 4, 10, 5, 11];
const SHA256_ORDER: [u8; 32] = [
    0, 10, 20, 21, 1, 11, 12, 22, 2, 3, 13, 23, 24, 4, 14, 15, 25, 5, 6, 16, 26, 27, 7, 17, 18, 28,
    8, 9, 19, 29, 31, 30,
];
const SHA512_ORDER: [u8; 64] = [
    0, 21, 42, 22, 43, 1, 44, 2, 23, 3, 24, 45, 25, 46, 4, 47, 5, 26, 6, 27, 48, 28, 49, 7, 50, 8,
    29, 9, 30, 51, 31, 52, 10, 53, 11, 32, 12, 33, 54, 34, 55, 13, 56, 14, 35, 15, 36, 57, 37, 58,
    16, 59, 17, 38, 18, 39, 60, 40, 61, 19, 62, 20, 41, 63,
];

fn encode(digest: &[u8], order: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for group in order.chunks(3) {
        let octets = group.iter().filter_map(|&at| digest.get(usize::from(at)));
        let mut bits = octets.fold(0_usize, |bits, &octet| bits << 8 | usize::from(octet));
        for _ in 0..=group.len() {
            text.extend(ALPHABET.get(bits & 63));
            bits >>= 6;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(password: &str, hash: &str) -> bool {
        crypt_fits(&Secret::new(password), hash)
    }

    #[test]
    fn what_libxcrypt_and_openssl_hash_fits() {
        // `crypt(3)` of Debian 12, the same as `openssl passwd`; "Hello world!" is Drepper's.
        for (password, hash) in [
            ("password", "$1$abcdefgh$G//4keteveJp0qb8z2DxG/"),
            ("password", "$5$saltstring$OH4IDuTlsuTYPdED1gsuiRMyTAwNlRWyA6Xr3I4/dQ5"),
            (
                "password",
                "$6$rounds=1400$anotherlongsalts$PAZqpKUKGek9w8oPgIGPxV0Y72OmDpdCthOX9H9O.5R1UbUeZcZS09hlVOfEnTt.66Pdgt7Jvf5Fcex6JIQox/",
            ),
            ("Grüße, 16 Oktette", "$1$abcdefgh$5RS9wwf42gvzJLBhuzsWr."),
            ("Grüße, 16 Oktette", "$5$saltstring$2FjmHVqzfKZiFapUOXgn8afpn.H7E3FESOSObQUMey/"),
            (
                "Grüße, 16 Oktette",
                "$6$rounds=1400$anotherlongsalts$WcePZXHpjYTFLTptbbBmHABKWU7N0e7TXXwmnrzTGnfw/yW9wov.6xS6460ciwP8mCVxzTvZx7at3xhpFGELL1",
            ),
            ("Hello world!", "$1$abcdefgh$fzmjzFdo5nMtBG8gtud5e0"),
            ("Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
            (
                "Hello world!",
                "$6$rounds=1400$anotherlongsalts$5FGyu8c4BZDX4wJgs0Un26YOw2XibT5eTkHF1I1aP3QqStoJI9BHD2YPJYsAjEePVGUyBjdZxcNqMWlrrbIOC.",
            ),
            ("xxxxxxxxxxxxxxxxx", "$1$abcdefgh$.9JMu59E71m0Oy.MJm9H71"),
            ("xxxxxxxxxxxxxxxxx", "$5$saltstring$VLd8DGYHSsDFmm0I514CTrbnh0HyZKShVYoslLNFGe5"),
            (
                "xxxxxxxxxxxxxxxxx",
                "$6$rounds=1400$anotherlongsalts$SMh8WS7s43yvRuyhiYAMFYWbRWzYY/Sh20tY4oICIaaIWAfdfFXwaghLfY3PuyufuHte59RTSnFE3muMDWCKK.",
            ),
            (
                "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy",
                "$1$abcdefgh$3NxPniXj1.P6k1Vr6r/ZM0",
            ),
            (
                "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy",
                "$5$saltstring$ZA1kgfgY2.DFJywWTqyE1QCSgf82H7EQ9oFu41RdrV1",
            ),
            (
                "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy",
                "$6$rounds=1400$anotherlongsalts$AzDU79cd4E2WiktcwHpomBbMoCsbT8G7phH.aMbw9ma.ywSOVJFJWRz797X2Yt9eQNiio8KonUYxf6ZgqtYX81",
            ),
            (
                "Hello world!",
                "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA",
            ),
        ] {
            assert_eq!(crypt_readable(hash), Ok(()), "{hash}");
            assert!(fits(password, hash), "{password:?} {hash}");
            assert!(!fits(&format!("{password}."), hash), "{password:?}. {hash}");
            let other = password.to_uppercase();
            assert!(other == password || !fits(&other, hash), "{other:?} {hash}");
        }
    }

    #[test]
    fn hashes_that_could_never_be_checked_are_told_why() {
        let md5 = "$1$abcdefgh$G//4keteveJp0qb8z2DxG/";
        let sha = "3xv.VbSCBX41eDL9L3voZredKYOtd4YQKhm7wTEOw36";
        assert_eq!(crypt_readable(md5), Ok(()));
        for (hash, reason) in [
            ("", "DES"),
            ("rl.3StKT.4T8M", "DES"),
            ("_J9..rasmBYk8r9AiWNc", "DES"),
            ("$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", "bcrypt"),
            (
                "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$tnSYvahCwPBHKZUspmcxMfb0.WiB9W.zEaKlOBL35rC",
                "yescrypt",
            ),
            ("$1$abcdefgh", "cut off"),
            ("$1$abcdefghi$G//4keteveJp0qb8z2DxG/", "salt"),
            ("$1$abcdefgh$G//4keteveJp0qb8z2DxG", "22"),
            ("$1$abcdefgh$G//4keteveJp0qb8z2DxG=", "22"),
            (&format!("$5$rounds=999$salt${sha}"), "rounds"),
            (&format!("$5$rounds=1000001$salt${sha}"), "rounds"),
            (&format!("$5$rounds=99999999999$salt${sha}"), "rounds"),
            (&format!("$5$rounds=$salt${sha}"), "rounds"),
            (&format!("$6$salt${sha}"), "86"),
        ] {
            let refusal = crypt_readable(hash).unwrap_err();
            assert!(refusal.contains(reason), "{hash:?}: {refusal}");
            assert!(!fits("password", hash), "{hash:?}");
        }
    }

    #[test]
    fn nothing_and_endless_passwords_fit_nothing() {
        let hash = |password: &str| {
            let digest = encode(&md5_crypt(password.as_bytes(), b"salt"), &MD5_ORDER);
            format!("$1$salt${}", String::from_utf8(digest).unwrap())
        };
        for (length, allowed) in [(0, false), (1, true), (512, true), (513, false)] {
            let password = "x".repeat(length);
            assert_eq!(fits(&password, &hash(&password)), allowed, "{length} octets");
        }
    }
}
