//! Codes that people read from paper and type on a phone.

use rand::Rng;
use rand::seq::IndexedRandom;

/// Lower-case letters and digits that no font confuses: no `0`, `o`, `1`, `l`, `i`.
const ALPHABET: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";

/// Length of a generated username.
pub const USERNAME_LENGTH: usize = 6;
/// Length of a generated passcode. Username and passcode together carry
/// (6 + 8) × log2 31 = 69 random bits; the design asks for 60.
pub const PASSCODE_LENGTH: usize = 8;

/// Names of months, short and long, of the portal's languages, as far as they can be drawn.
const MONTHS: [&str; 33] = [
    "jan", "january", "januar", "janv", "jun", "june", "feb", "february", "februar", "fev", "mar",
    "mars", "march", "marzec", "mrt", "apr", "avr", "abr", "may", "maj", "mag", "aug", "august",
    "sep", "sept", "set", "gen", "ene", "dec", "decembre", "dez", "cze", "wrz",
];

/// `length` characters drawn evenly from the alphabet; drawn again where a spreadsheet would make
/// something else of them.
pub fn code(rng: &mut dyn Rng, length: usize) -> String {
    loop {
        let drawn = (0..length).filter_map(|_| ALPHABET.choose(rng)).copied().map(char::from);
        let code: String = drawn.collect();
        if !reads_as_number_or_date(&code) || length < SHORTEST {
            return code;
        }
    }
}

/// Length from which there are always codes that are no number.
const SHORTEST: usize = 2;

/// Whether a spreadsheet takes a code for a number (`234567`, `837e68`) or a date (`sept23`, `2mar24`),
/// and shows and saves it as such.
fn reads_as_number_or_date(code: &str) -> bool {
    let letters = code.trim_matches(|c: char| c.is_ascii_digit());
    let begins_with_digit = code.starts_with(|c: char| c.is_ascii_digit());
    letters.is_empty() || letters == "e" && begins_with_digit || MONTHS.contains(&letters)
}

/// Whether a text has the form of a generated code of this length.
pub fn is_generated(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|octet| ALPHABET.contains(&octet))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    #[test]
    fn codes_avoid_look_alikes_and_use_the_whole_alphabet() {
        let text = code(&mut StdRng::seed_from_u64(1), 10_000);
        assert!(!text.contains(['0', 'o', 'O', '1', 'l', 'I', 'i']));
        for symbol in ALPHABET {
            let share = text.bytes().filter(|b| b == symbol).count();
            assert!((200..450).contains(&share), "{} drawn {share} times", char::from(*symbol));
        }
    }

    #[test]
    fn no_code_is_a_number_or_a_date_to_a_spreadsheet() {
        for text in ["234567", "837e68", "2345e678", "sept23", "23mar245", "may", "2dec2"] {
            assert!(reads_as_number_or_date(text), "{text}");
        }
        for text in ["e23456", "2345e6f7", "mary23", "23456a", "2m3a4r", "abcdef"] {
            assert!(!reads_as_number_or_date(text), "{text}");
        }
        let rng = &mut StdRng::seed_from_u64(2);
        for length in [USERNAME_LENGTH, PASSCODE_LENGTH] {
            for _ in 0..500_000 {
                let code = code(rng, length);
                let digits = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit());
                let is_number = digits(&code)
                    || code
                        .split_once('e')
                        .is_some_and(|(a, b)| !a.is_empty() && digits(a) && digits(b));
                assert!(!is_number, "{code}");
                assert_eq!(code.len(), length);
            }
        }
        // The shortest names of vouchers' owners have letters as well.
        assert_eq!(code(rng, 1).len(), 1);
    }

    #[test]
    fn a_generated_pair_carries_at_least_sixty_bits() {
        let bits = (USERNAME_LENGTH + PASSCODE_LENGTH) as f64 * (ALPHABET.len() as f64).log2();
        assert!(bits >= 60.0, "{bits}");
    }
}
