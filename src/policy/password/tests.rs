use proptest::prelude::*;

use super::*;
use crate::authn::{Proof, Verdict, crypt_fits, prove};
use crate::policy::Pair;
use crate::policy::dictionary::*;

const CRYPT: &str = "$1$salt$7ciXrXqgUOHBR2qDHOdHr0";

fn control(items: &[(Attribute, Value)]) -> Pairs {
    let pair = |(attribute, value): &(Attribute, Value)| Pair {
        attribute: *attribute,
        tag: 0,
        value: value.clone(),
    };
    Pairs(items.iter().map(pair).collect())
}

/// Whether `password` signs in where this is all that is known.
fn opens(attribute: Attribute, value: Value, password: &str) -> bool {
    let known = passwords(&control(&[(attribute, value)]));
    let password = Secret::new(password);
    known.iter().any(|known| match prove(&Proof::Pap(password.clone()), known) {
        Verdict::Proven(_) => true,
        Verdict::Slow(hash) => crypt_fits(&password, &hash),
        Verdict::Wrong | Verdict::Impossible => false,
    })
}

/// The ways in which `clientPass` can be written down; hashes by `openssl dgst`.
const WRITTEN: [(Attribute, &str); 33] = [
    (CLEARTEXT_PASSWORD, "clientPass"),
    (USER_PASSWORD, "clientPass"),
    (NT_PASSWORD, "44ebba8d5312b8d611474411f56989ae"),
    (NT_PASSWORD, "44EBBA8D5312B8D611474411F56989AE"),
    (NT_PASSWORD, "0x44ebba8d5312b8d611474411f56989ae"),
    (NT_PASSWORD, "ROu6jVMSuNYRR0QR9WmJrg=="),
    (MD5_PASSWORD, "be320d479031b89c0732dd009a62f7a8"),
    (MD5_PASSWORD, "vjINR5AxuJwHMt0AmmL3qA=="),
    (MD5_PASSWORD, "vjINR5AxuJwHMt0AmmL3qA"),
    (SMD5_PASSWORD, "79c92a6c8f50087f5813ca787bdaa34d73616c74"),
    (SMD5_PASSWORD, "eckqbI9QCH9YE8p4e9qjTXNhbHQ="),
    (SHA_PASSWORD, "dab6fb2ad017a8d02c48d34159166b2cf0d44312"),
    (SHA_PASSWORD, "2rb7KtAXqNAsSNNBWRZrLPDUQxI="),
    (SSHA_PASSWORD, "4d4fad42238b543e6a04a41e05540fe7177666ca73616c74"),
    (SSHA_PASSWORD, "TU+tQiOLVD5qBKQeBVQP5xd2ZspzYWx0"),
    (CRYPT_PASSWORD, "$1$salt$7ciXrXqgUOHBR2qDHOdHr0"),
    (PASSWORD_WITH_HEADER, "clientPass"),
    (PASSWORD_WITH_HEADER, "{clear}clientPass"),
    (PASSWORD_WITH_HEADER, "{ClearText}clientPass"),
    (PASSWORD_WITH_HEADER, "{nt}44ebba8d5312b8d611474411f56989ae"),
    (PASSWORD_WITH_HEADER, "{NTHASH}44ebba8d5312b8d611474411f56989ae"),
    (PASSWORD_WITH_HEADER, "{x-nthash}44ebba8d5312b8d611474411f56989ae"),
    (PASSWORD_WITH_HEADER, "{MD4}44ebba8d5312b8d611474411f56989ae"),
    (PASSWORD_WITH_HEADER, "{X- ORCLNTV}44ebba8d5312b8d611474411f56989ae"),
    (PASSWORD_WITH_HEADER, "{md5}vjINR5AxuJwHMt0AmmL3qA=="),
    (PASSWORD_WITH_HEADER, "{BASE64_MD5}vjINR5AxuJwHMt0AmmL3qA=="),
    (PASSWORD_WITH_HEADER, "{md5}be320d479031b89c0732dd009a62f7a8"),
    (PASSWORD_WITH_HEADER, "{SMD5}eckqbI9QCH9YE8p4e9qjTXNhbHQ="),
    (PASSWORD_WITH_HEADER, "{SHA}2rb7KtAXqNAsSNNBWRZrLPDUQxI="),
    (PASSWORD_WITH_HEADER, "{SSHA}TU+tQiOLVD5qBKQeBVQP5xd2ZspzYWx0"),
    (PASSWORD_WITH_HEADER, "{crypt}$1$salt$7ciXrXqgUOHBR2qDHOdHr0"),
    (PASSWORD_WITH_HEADER, "e1NTSEF9VFUrdFFpT0xWRDVxQktRZUJWUVA1eGQyWnNwellXeDA="),
    (PASSWORD_WITH_HEADER, "e2NsZWFyfWNsaWVudFBhc3M="),
];

#[test]
fn every_way_of_writing_a_password_down_opens_to_it_and_to_nothing_else() {
    for (attribute, text) in WRITTEN {
        assert_eq!(fits(attribute, text), Ok(()), "{attribute:?} {text}");
        let value = Value::Text(text.into());
        assert!(opens(attribute, value.clone(), "clientPass"), "{attribute:?} {text}");
        for other in ["clientpass", "clientPas", "", text] {
            let same = other == "clientPass";
            assert_eq!(
                opens(attribute, value.clone(), other),
                same,
                "{attribute:?} {text} {other}"
            );
        }
    }
}

#[test]
fn hashes_may_come_as_octets() {
    let nt = hexadecimal("44ebba8d5312b8d611474411f56989ae").unwrap();
    assert!(opens(NT_PASSWORD, Value::Octets(nt.clone()), "clientPass"));
    assert!(!opens(NT_PASSWORD, Value::Octets(nt[..15].to_vec()), "clientPass"));
    assert!(opens(
        SSHA_PASSWORD,
        Value::Octets(hexadecimal("4d4fad42238b543e6a04a41e05540fe7177666ca73616c74").unwrap()),
        "clientPass"
    ));
}

#[test]
fn what_has_no_header_that_is_known_is_the_password() {
    // `normify_with_header`: "re-writing to Cleartext-Password".
    for text in ["{what}ever", "a}b", "{open", "plain", "cGxhaW4=", "{sha1}x", "{}", "{ md5}x"] {
        assert_eq!(fits(PASSWORD_WITH_HEADER, text), Ok(()));
        assert!(opens(PASSWORD_WITH_HEADER, Value::Text(text.into()), text), "{text}");
    }
}

#[test]
fn what_could_never_fit_is_refused_and_left_out() {
    for (attribute, text, reason) in [
        (CLEARTEXT_PASSWORD, "", "empty"),
        (USER_PASSWORD, "", "empty"),
        (NT_PASSWORD, "clientPass", "16 octets"),
        (NT_PASSWORD, "sixteen letters!", "16 octets"),
        (NT_PASSWORD, "44ebba8d5312b8d611474411f56989ae00", "16 octets"),
        (NT_PASSWORD, "be320d479031b89c0732dd009a62f7", "16 octets"),
        (MD5_PASSWORD, "dab6fb2ad017a8d02c48d34159166b2cf0d44312", "16 octets"),
        (SMD5_PASSWORD, "79c92a6c8f50087f5813ca787bdaa34d", "a salt"),
        (SHA_PASSWORD, "be320d479031b89c0732dd009a62f7a8", "20 octets"),
        (SSHA_PASSWORD, "dab6fb2ad017a8d02c48d34159166b2cf0d44312", "a salt"),
        (SSHA_PASSWORD, "TU+tQiOLVD5qBKQeBVQP5xd2ZspzYWx0*", "a salt"),
        (CRYPT_PASSWORD, "rl.3StKT.4T8M", "DES"),
        (CRYPT_PASSWORD, "$2y$10$N9qo8uLOickgx2ZMRZoMye", "bcrypt"),
        (PASSWORD_WITH_HEADER, "", "empty"),
        (PASSWORD_WITH_HEADER, "{clear}", "empty"),
        (PASSWORD_WITH_HEADER, "{nt}clientPass", "16 octets"),
        (PASSWORD_WITH_HEADER, "{crypt}rl.3StKT.4T8M", "DES"),
        (PASSWORD_WITH_HEADER, "{SHA256}abcd", "not supported"),
        (PASSWORD_WITH_HEADER, "{ssha512}abcd", "not supported"),
        (PASSWORD_WITH_HEADER, "{PBKDF2_SHA256}abcd", "not supported"),
        (PASSWORD_WITH_HEADER, "{X- ORCLLMV}abcd", "not supported"),
    ] {
        let refusal = fits(attribute, text).unwrap_err();
        assert!(refusal.starts_with(attribute.name()), "{refusal}");
        assert!(refusal.contains(reason), "{attribute:?} {text}: {refusal}");
        assert!(text.is_empty() || !refusal.contains(text), "{refusal}");
        let control = control(&[(attribute, Value::Text(text.into()))]);
        assert_eq!(passwords(&control), [], "{attribute:?} {text}");
    }
    assert_eq!(fits(SESSION_TIMEOUT, "3600"), Ok(()));
}

#[test]
fn the_likeliest_to_be_of_use_comes_first() {
    let text = |text: &str| Value::Text(text.into());
    let known = passwords(&control(&[
        (CRYPT_PASSWORD, text(CRYPT)),
        (SESSION_TIMEOUT, Value::Integer(60)),
        (MD5_PASSWORD, text("be320d479031b89c0732dd009a62f7a8")),
        (NT_PASSWORD, text("44ebba8d5312b8d611474411f56989ae")),
        (CLEARTEXT_PASSWORD, text("one")),
        (USER_PASSWORD, text("two")),
    ]));
    let [one, two, Known::Nt(_), Known::Md5 { .. }, Known::Crypt(_)] = known.as_slice() else {
        panic!("{known:?}");
    };
    assert_eq!(*one, Known::Cleartext(Secret::new("one")));
    assert_eq!(*two, Known::Cleartext(Secret::new("two")));
}

#[test]
fn base64_as_in_rfc_4648() {
    for (text, octets) in [
        ("", &b""[..]),
        ("Zg==", b"f"),
        ("Zm8=", b"fo"),
        ("Zm9v", b"foo"),
        ("Zm9vYg", b"foob"),
        ("Zm9vYmE=", b"fooba"),
        ("Zm9vYmFy", b"foobar"),
        ("+/+/", b"\xfb\xff\xbf"),
    ] {
        assert_eq!(base64(text.as_bytes()).as_deref(), Some(octets), "{text}");
    }
    for text in ["Z", "Zg===", "Zm9vY", "Zm9-", "Zm 9", "=Zg="] {
        assert_eq!(base64(text.as_bytes()), None, "{text}");
    }
}

proptest! {
    #[test]
    fn nothing_typed_makes_it_fall_over(text in "[{}$=0-9a-f]{0,70}|.{0,40}") {
        for (attribute, _) in ATTRIBUTES {
            let known = passwords(&control(&[(attribute, Value::Text(text.clone()))]));
            prop_assert_eq!(known.len(), usize::from(fits(attribute, &text).is_ok()));
        }
    }
}
