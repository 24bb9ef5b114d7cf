use super::*;

const CHALLENGE: [u8; 16] = *b"\x5B\x5D\x7C\x7D\x7B\x3F\x2F\x3E\x3C\x2C\x60\x21\x32\x26\x26\x28";
const PEER: [u8; 16] = *b"\x21\x40\x23\x24\x25\x5E\x26\x2A\x28\x29\x5F\x2B\x3A\x33\x7C\x7E";

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let octets = digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap());
    octets.collect::<Vec<u8>>().try_into().unwrap()
}

fn cleartext(password: &str) -> Known {
    Known::Cleartext(Secret::new(password))
}

fn nt() -> Known {
    Known::Nt(bytes("44 EB BA 8D 53 12 B8 D6 11 47 44 11 F5 69 89 AE"))
}

fn crypt() -> Known {
    Known::Crypt("$1$salt$qJH7.N4xYta3aEG/dfqo/0".into())
}

/// Everything that can be kept of `clientPass`; the hashes by `openssl dgst`.
fn keepsakes() -> Vec<(&'static str, Known)> {
    let (salt, none) = (b"salt".to_vec(), Vec::new());
    let md5 = |hash, salt| Known::Md5 { hash: bytes(hash), salt };
    let sha1 = |hash, salt| Known::Sha1 { hash: bytes(hash), salt };
    vec![
        ("cleartext", cleartext("clientPass")),
        ("nt", nt()),
        ("md5", md5("be320d479031b89c0732dd009a62f7a8", none.clone())),
        ("smd5", md5("79c92a6c8f50087f5813ca787bdaa34d", salt.clone())),
        ("sha", sha1("dab6fb2ad017a8d02c48d34159166b2cf0d44312", none)),
        ("ssha", sha1("4d4fad42238b543e6a04a41e05540fe7177666ca", salt)),
        ("crypt", crypt()),
    ]
}

/// RFC 2759 section 9.2.
fn mschap2(username: &str, response: [u8; 24]) -> Proof {
    Proof::MsChap2 {
        identifier: 7,
        username: username.into(),
        authenticator_challenge: CHALLENGE,
        peer_challenge: PEER,
        response,
    }
}

const RESPONSE: &str = "82309ECD 8D708B5E A08FAA39 81CD8354 4233114A 3D85D6DF";

fn pap(password: &str) -> Proof {
    Proof::Pap(Secret::new(password))
}

/// `printf '\007clientPasschallenge' | openssl md5`
fn chap(identifier: u8) -> Proof {
    Proof::Chap {
        identifier,
        challenge: b"challenge".to_vec(),
        response: bytes("b464eb4723b4362a5aedc7eff9d710c5"),
    }
}

/// RFC 2759 section 9.2 as well: MS-CHAP is what remains of it once the challenge is hashed.
fn mschap() -> Proof {
    Proof::MsChap {
        identifier: 7,
        challenge: bytes("D0 2E 43 86 BC E9 12 26"),
        response: bytes(RESPONSE),
    }
}

#[test]
fn every_method_against_everything_that_can_be_known() {
    // What `rlm_pap`, `rlm_chap` and `rlm_mschap` can check: P proven, S slow, - impossible.
    for (method, proof, expected) in [
        ("PAP", pap("clientPass"), "PPPPPPS"),
        ("CHAP", chap(7), "P------"),
        ("MS-CHAP", mschap(), "PP-----"),
        ("MS-CHAPv2", mschap2("User", bytes(RESPONSE)), "PP-----"),
        ("nothing", Proof::Nothing, "-------"),
    ] {
        for ((kept, known), expected) in keepsakes().into_iter().zip(expected.chars()) {
            let found = match prove(&proof, &known) {
                Verdict::Proven(_) => 'P',
                Verdict::Wrong => 'W',
                Verdict::Impossible => '-',
                Verdict::Slow(_) => 'S',
            };
            assert_eq!(found, expected, "{method} against {kept}");
        }
    }
}

#[test]
fn another_password_is_wrong_wherever_a_method_can_tell() {
    let proofs = [
        pap("clientpass"),
        pap("clientPass "),
        pap(""),
        chap(8),
        mschap2("User", bytes("83309ECD 8D708B5E A08FAA39 81CD8354 4233114A 3D85D6DF")),
        mschap2("user", bytes(RESPONSE)),
    ];
    for proof in proofs {
        for (kept, known) in keepsakes() {
            let verdict = prove(&proof, &known);
            assert!(!matches!(verdict, Verdict::Proven(_)), "{proof:?} against {kept}");
            if kept == "cleartext" {
                assert_eq!(verdict, Verdict::Wrong, "{proof:?}");
            }
        }
    }
    assert_eq!(prove(&mschap(), &cleartext("clientpass")), Verdict::Wrong);
    assert_eq!(prove(&pap(""), &cleartext("")), Verdict::Wrong);
}

#[test]
fn a_slow_hash_is_handed_out_and_tells_on_its_own() {
    let Verdict::Slow(hash) = prove(&pap("x"), &crypt()) else { panic!("not slow") };
    assert!(crypt_fits(&Secret::new("password"), &hash));
    assert!(!crypt_fits(&Secret::new("x"), &hash));
}

#[test]
fn ms_chap_gives_the_key_that_access_points_expect() {
    // RFC 2433 appendix B.2; the key is MD4 over the hash, as `rlm_mschap` sends it.
    let proof = Proof::MsChap {
        identifier: 0,
        challenge: bytes("10 2D B5 DF 08 5D 30 41"),
        response: bytes("4E9D3C8F9CFD385D5BF4D3246791956CA4C351AB409A3D61"),
    };
    let keys = bytes("0000000000000000 874fb0693e18106a814481bc51cd7d37");
    assert_eq!(prove(&proof, &cleartext("MyPw")), Verdict::Proven(Keys::MsChap(keys)));
}

#[test]
fn ms_chap_2_gives_what_the_rfcs_print() {
    // RFC 2759 section 9.2 for the success, RFC 3079 section 3.5.3 for the key to send with; the
    // key to receive with is from the same steps in Python's hashlib.
    let mut success = [7; 43];
    success[1..].copy_from_slice(b"S=407A5589115FD0D6209F510FE9C04566932CDA56");
    let keys = Keys::MsChap2 {
        success,
        send: bytes("8B 7C DC 14 9B 99 3A 1B A1 18 CB 15 3F 56 DC CB"),
        receive: bytes("d5f0e9521e3ea9589645e86051c82226"),
    };
    for username in ["User", "DOMAIN\\User", "\\User"] {
        for known in [cleartext("clientPass"), nt()] {
            let verdict = prove(&mschap2(username, bytes(RESPONSE)), &known);
            assert_eq!(verdict, Verdict::Proven(keys.clone()), "{username}");
        }
    }
}

#[test]
fn nothing_secret_is_printed() {
    for (kept, known) in keepsakes() {
        let printed = format!("{known:?} {:?}", prove(&pap("clientPass"), &known));
        let kinds = ["Cleartext", "Nt", "Md5", "Sha1", "Crypt", "Proven", "Slow"];
        assert!(printed.split(' ').all(|word| kinds.contains(&word)), "{kept}: {printed}");
    }
    let Verdict::Proven(keys) = prove(&mschap(), &nt()) else { panic!("not proven") };
    assert_eq!(format!("{keys:?}"), "MsChap");
}
