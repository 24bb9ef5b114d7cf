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

/// `length` characters drawn evenly from the alphabet.
pub fn code(rng: &mut dyn Rng, length: usize) -> String {
    (0..length).filter_map(|_| ALPHABET.choose(rng)).copied().map(char::from).collect()
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
    fn a_generated_pair_carries_at_least_sixty_bits() {
        let bits = (USERNAME_LENGTH + PASSCODE_LENGTH) as f64 * (ALPHABET.len() as f64).log2();
        assert!(bits >= 60.0, "{bits}");
    }
}
