//! How long it takes to guess a code.

use super::voucher::Voucher;

/// With fewer bits, a guest network's strangers find the code within a year with a chance of one in a
/// hundred or more: 360 guesses an hour are 2²¹·⁶ in a year. An operator is not told of a time that
/// nobody would spend.
const BITS: f64 = 28.3;
/// Guesses an hour of all strangers on one guest network.
const PACE: f64 = 360.0;

/// Whether a character belongs to a class.
type IsIn = fn(char) -> bool;

/// The bits of a text whose characters were drawn evenly from the classes that occur in it; of one of
/// letters alone, as few as of a word that somebody has chosen.
fn bits(text: &str) -> f64 {
    if text.chars().all(char::is_alphabetic) {
        return bits_of_words(text.chars().count());
    }
    let classes: [(IsIn, u32); 5] = [
        (|c| c.is_ascii_digit(), 10),
        (|c| c.is_ascii_lowercase(), 26),
        (|c| c.is_ascii_uppercase(), 26),
        (|c| c.is_ascii() && !c.is_ascii_alphanumeric(), 33),
        (|c| !c.is_ascii(), 100),
    ];
    let alphabet = classes.iter().filter(|(is_in, _)| text.contains(*is_in)).map(|(_, size)| size);
    let alphabet: u32 = alphabet.sum();
    text.chars().count() as f64 * f64::from(alphabet.max(1)).log2()
}

/// The bits of so many letters that people choose: 4 of the first, 2 of each up to the eighth, 1.5 of
/// those behind (NIST SP 800-63 of 2006, appendix A.2.1).
fn bits_of_words(letters: usize) -> f64 {
    let behind = letters.saturating_sub(8) as f64;
    4.0 + 2.0 * letters.min(8).saturating_sub(1) as f64 + 1.5 * behind
}

/// A sentence for an operator whose voucher's passcode can be guessed, where `valid` vouchers are
/// valid; without the passcode. `None` where it cannot within years.
///
/// A guess at a code that is its own username may hit any of the valid vouchers; one at a passcode,
/// only the one that is named, whose username is taken to be known.
pub fn advice(voucher: &Voucher, valid: u64) -> Option<String> {
    if voucher.has_generated_passcode() {
        return None;
    }
    let bits = bits(voucher.passcode.secret().reveal());
    let one_code = voucher.is_one_code();
    let hit = if one_code { (valid.max(1) as f64).log2() } else { 0.0 };
    if bits - hit >= BITS {
        return None;
    }
    let what = if one_code {
        format!(
            "a code this short, with {valid} {} valid,",
            if valid == 1 { "voucher" } else { "vouchers" }
        )
    } else {
        "a passcode this short".to_owned()
    };
    let hours = (bits - hit).exp2() / PACE;
    Some(format!(
        "{what} can be guessed within {} from one guest network; leave it to be generated, or take \
         more characters",
        duration(hours)
    ))
}

fn duration(hours: f64) -> String {
    const UNITS: [(f64, &str); 4] =
        [(24.0 * 365.0, "years"), (24.0 * 30.0, "months"), (24.0, "days"), (1.0, "hours")];
    let unit = UNITS.iter().find(|(unit, _)| hours >= 2.0 * unit);
    unit.map_or("an hour or two".to_owned(), |(unit, name)| {
        format!("some {} {name}", (hours / unit).round() as u64)
    })
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::domain::plan::Preset;
    use crate::domain::time::{Now, Timestamp};
    use crate::domain::voucher::{Passcode, Username, VoucherRequest};

    fn advised(username: &str, passcode: &str, valid: u64) -> String {
        let now = Now {
            wall: Timestamp::from_unix(0),
            wall_is_set: true,
            boot: std::time::Duration::ZERO,
        };
        let request = VoucherRequest {
            username: Username::parse(username).unwrap(),
            passcode: Passcode::parse(passcode).unwrap(),
            ..VoucherRequest::default()
        };
        let mut rng = rand::rngs::StdRng::seed_from_u64(1);
        let voucher = Voucher::issue(request, &Preset::default(), now, &mut rng);
        advice(&voucher, valid).unwrap_or_default()
    }

    #[test]
    fn codes_that_are_too_short_for_how_many_are_valid_are_told() {
        for (username, passcode, valid, told) in [
            ("room12", "", 1000, ""),
            ("room12", "x2vqt9kc", 1000, ""),
            (
                "2468",
                "2468",
                1,
                "this short, with 1 voucher valid, can be guessed within some 28 hours",
            ),
            ("2468", "2468", 100, "an hour or two"),
            ("246810", "246810", 1, "some 4 months"),
            ("246810", "246810", 100, "some 28 hours"),
            ("room12", "246810", 100, "a passcode this short can be guessed within some 4 months"),
            ("0123456789", "0123456789", 1, ""),
            ("0123456789", "0123456789", 100, "some 32 years"),
            ("012345678901", "012345678901", 100, ""),
            // One code of the generated form is half as long as a pair.
            ("x2vqt9kc", "x2vqt9kc", 1000, ""),
            ("room12", "welcome", 1, "a passcode this short can be guessed within some 8 days"),
            ("room12", "correcthorsebatterystaple", 1, ""),
            ("x2vqt9", "x2vqt9", 1000, "guessed within some 8 months"),
        ] {
            let advice = advised(username, passcode, valid);
            assert!(advice.contains(told), "{passcode} {valid}: {advice}");
            assert_eq!(advice.is_empty(), told.is_empty(), "{passcode} {valid}: {advice}");
            assert!(passcode.is_empty() || !advice.contains(passcode));
        }
    }
}
