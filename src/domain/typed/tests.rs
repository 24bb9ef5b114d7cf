use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

use super::*;
use crate::domain::code;

/// Characters that compose with others, or that others compose with.
fn parts() -> Vec<char> {
    let table = TABLE.iter().flatten();
    let table = table.filter_map(|code| char::from_u32(u32::from(*code)));
    let marks = '\u{300}'..='\u{36f}';
    // Singletons, which only come apart.
    let stay = ['\u{340}', '\u{341}', '\u{343}', '\u{344}'];
    let jamo =
        ('\u{1100}'..='\u{1112}').chain('\u{1161}'..='\u{1175}').chain('\u{11a8}'..='\u{11c2}');
    table.chain(marks.filter(|c| !stay.contains(c))).chain(jamo).chain("abc -".chars()).collect()
}

#[test]
fn every_pair_composes_as_the_crate_says() {
    for [composed_code, first, second] in TABLE {
        let char = |code: u16| char::from_u32(u32::from(code)).unwrap();
        let typed: String = [char(first), char(second)].into_iter().collect();
        assert_eq!(normalised(&typed), char(composed_code).to_string());
    }
    for (typed, composed) in [
        ("e\u{308}", "\u{eb}"),
        // Vietnamese, in every order.
        ("e\u{302}\u{323}", "\u{1ec7}"),
        ("e\u{323}\u{302}", "\u{1ec7}"),
        ("\u{ea}\u{323}", "\u{1ec7}"),
        ("\u{304b}\u{3099}", "\u{304c}"),
        ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"),
        // A mark of the same class stands between.
        ("a\u{305}\u{301}", "a\u{305}\u{301}"),
        ("\u{308}e", "\u{308}e"),
        ("\u{1f468}\u{200d}\u{1f469}", "\u{1f468}\u{200d}\u{1f469}"),
    ] {
        assert_eq!(normalised(typed), composed);
    }
}

#[test]
fn invisible_characters_at_the_ends_are_left_out_and_blanks_stay() {
    assert_eq!(normalised("\u{feff}\u{200e} Zimmer \u{200b}12 \u{200b}"), " Zimmer \u{200b}12 ");
    assert_eq!(trimmed(" \u{feff} \u{200e}a b\u{200b} \u{a0}"), "a b");
    assert!(is_blank("\u{200b} \u{3164}\n") && !is_blank("\u{200b}x"));
}

/// What people and programs put between the characters of a code.
const BETWEEN: &str = " \u{a0}\u{3000}\t\n\r-\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}\u{2015}\u{2212}\
    \u{ad}\u{ff0d}\u{fe63}\u{301c}\u{30fc}\u{2e3a}\u{5be}./_\u{ff0e}\u{200b}\u{200c}\u{200d}\u{200e}\
    \u{200f}\u{2060}\u{feff}\u{61c}\u{2028}\u{202a}\u{202c}\u{2066}\u{3164}\u{fe0f}\u{2022}\"\u{ab}";

fn widened(c: char, style: u8) -> char {
    let wide = |c: char| char::from_u32(u32::from(c) + 0xfee0).unwrap();
    match style % 4 {
        0 => c,
        1 => c.to_ascii_uppercase(),
        2 => wide(c),
        _ => wide(c.to_ascii_uppercase()),
    }
}

proptest! {
    #[test]
    fn composition_is_that_of_the_crate(
        text in proptest::collection::vec(proptest::sample::select(parts()), 0..12)
    ) {
        let text: String = text.into_iter().collect();
        prop_assert_eq!(composed(&text), text.nfc().collect::<String>());
    }

    #[test]
    fn all_forms_are_stable(text in any::<String>()) {
        let normal = normalised(&text).into_owned();
        prop_assert_eq!(&normalised(&normal), &normal);
        let plain = unseparated(&text);
        prop_assert_eq!(&unseparated(&plain), &plain);
        prop_assert_eq!(trimmed(trimmed(&text)), trimmed(&text));
    }

    #[test]
    fn a_generated_code_is_the_same_however_it_is_typed(
        seed in any::<u64>(),
        styles in proptest::collection::vec(any::<u8>(), 14),
        between in proptest::collection::vec(
            proptest::sample::subsequence(BETWEEN.chars().collect::<Vec<_>>(), 0..3), 15),
    ) {
        use rand::SeedableRng;
        let code = code::code(&mut rand::rngs::StdRng::seed_from_u64(seed), 14);
        let mut typed: String = between[14].iter().collect();
        for ((c, style), between) in code.chars().zip(styles).zip(&between) {
            typed.push(widened(c, style));
            typed.extend(between);
        }
        prop_assert_eq!(unseparated(&typed), code);
    }
}
