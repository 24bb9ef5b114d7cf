//! Acct-Session-Id as text: it is `string` (RFC 2866 section 5.5), which access points fill with text,
//! and some with octets of their own.

/// The octets as text. Those that are no text, and a text that reads like them, are written in
/// hexadecimal digits behind `0x`, so that no two numbers have one text.
pub(super) fn to_text(octets: &[u8]) -> String {
    match std::str::from_utf8(octets) {
        Ok(text) if decoded(text).is_none() => text.to_owned(),
        _ => octets.iter().fold("0x".to_owned(), |text, octet| format!("{text}{octet:02x}")),
    }
}

/// What [`to_text`] was made of: an access point knows its number by these octets only.
pub(super) fn to_octets(text: &str) -> Vec<u8> {
    decoded(text).unwrap_or_else(|| text.as_bytes().to_vec())
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x").filter(|digits| !digits.is_empty())?;
    let pairs = digits.as_bytes().chunks_exact(2);
    let is_whole = pairs.remainder().is_empty();
    let octet = |pair: &[u8]| {
        let lower = pair.iter().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
        lower.then(|| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).flatten()
    };
    if is_whole { pairs.map(octet).collect() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_stays_as_it_is_and_octets_become_digits() {
        for (octets, text) in [
            (&b"8a0b-1"[..], "8a0b-1"),
            (b"", ""),
            (b"0x", "0x"),
            (b"0x8F", "0x8F"),
            (b"0x8f0", "0x8f0"),
            (b"0x8f", "0x30783866"),
            (&[0x8f, 0], "0x8f00"),
        ] {
            assert_eq!(to_text(octets), text);
            assert_eq!(to_octets(text), octets);
        }
    }

    proptest! {
        #[test]
        fn every_number_is_known_again(octets in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(to_octets(&to_text(&octets)), octets);
        }

        #[test]
        fn so_is_one_in_digits(text in "0x[0-9a-fA-F]{0,10}") {
            prop_assert_eq!(to_octets(&to_text(text.as_bytes())), text.as_bytes());
        }
    }
}
