//! Texts as people type and copy them: which of them are the same.
//!
//! Two degrees. What an operator chose is compared after Unicode normalisation (NFC) and without
//! invisible characters at its ends ([`normalised`]): keyboards and programs differ in both, and
//! nobody sees it. Generated codes have one case and no character but letters and digits of ASCII, so
//! that folding case and width, and leaving out everything between letters and digits, loses nothing
//! ([`unseparated`]).
//!
//! NFC is done for the pairs of two characters of the Basic Multilingual Plane that have a composed
//! form (Latin, Greek, Cyrillic, Arabic, Indic scripts, kana) and for Hangul: 6 KB, where the crate
//! unicode-normalization adds 120 KB. What NFC only takes apart (singletons such as U+212B,
//! composition exclusions) stays as it is.

use std::borrow::Cow;

/// A composed character, its first and its second part (Unicode 14 `UnicodeData.txt`, canonical
/// decompositions of two characters that are no composition exclusions), sorted; line ends between.
const COMPOSITIONS: &str = include_str!("composition.txt");
const PAIRS: usize = 928;

/// The pairs of [`COMPOSITIONS`]: composed, first, second.
static TABLE: [[u16; 3]; PAIRS] = table();

/// UTF-8 of at most three octets, decoded while compiling.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which refuses overruns")]
const fn table() -> [[u16; 3]; PAIRS] {
    let text = COMPOSITIONS.as_bytes();
    let mut table = [[0; 3]; PAIRS];
    let (mut at, mut count) = (0, 0);
    while at < text.len() {
        let (code, length) = match text[at] {
            first @ 0..0x80 => (first as u16, 1),
            first @ 0x80..0xe0 => ((first as u16 & 0x1f) << 6 | text[at + 1] as u16 & 0x3f, 2),
            first => {
                let rest = (text[at + 1] as u16 & 0x3f) << 6 | text[at + 2] as u16 & 0x3f;
                ((first as u16 & 0x0f) << 12 | rest, 3)
            }
        };
        at += length;
        if code != b'\n' as u16 {
            table[count / 3][count % 3] = code;
            count += 1;
        }
    }
    assert!(count == 3 * PAIRS);
    table
}

/// Whether nothing is seen of a character: format characters (`Cf`) that keyboards, messengers and
/// spreadsheets put around a text, and fillers. Not the tags and selectors that change an emoji.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
    )
}

fn is_blank_or_invisible(c: char) -> bool {
    c.is_whitespace() || is_invisible(c)
}

/// Whether nothing is to be seen of a text.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(is_blank_or_invisible)
}

/// Without blanks and invisible characters at the ends.
pub fn trimmed(text: &str) -> &str {
    text.trim_matches(is_blank_or_invisible)
}

/// The form in which chosen texts are compared: composed (NFC), without invisible characters at the
/// ends. Blanks stay.
pub fn normalised(text: &str) -> Cow<'_, str> {
    composed(text.trim_matches(is_invisible))
}

/// The form in which generated codes are compared: letters and digits only, lower case, narrow, and
/// digits of Arabic keyboards as those of ASCII.
pub fn unseparated(text: &str) -> String {
    if text.is_ascii() {
        let letters = text.chars().filter(char::is_ascii_alphanumeric);
        return letters.map(|c| c.to_ascii_lowercase()).collect();
    }
    let is_letter = |c: &char| c.is_alphanumeric() && !is_invisible(*c) && !is_sound_mark(*c);
    composed(text).chars().map(narrow).flat_map(char::to_lowercase).filter(is_letter).collect()
}

/// Whether a character stands between two parts of a code: a dash of any kind (`Pd`, and what is
/// typed or printed for one).
pub fn is_dash(c: char) -> bool {
    matches!(
        c,
        '-' | '\u{ad}' | '\u{58a}' | '\u{5be}' | '\u{1400}' | '\u{1806}' | '\u{2010}'
            ..='\u{2015}'
                | '\u{2043}'
                | '\u{2212}'
                | '\u{2e17}'
                | '\u{2e1a}'
                | '\u{2e3a}'
                | '\u{2e3b}'
                | '\u{2e40}'
                | '\u{2e5d}'
                | '\u{301c}'
                | '\u{3030}'
                | '\u{30a0}'
                | '\u{fe31}'
                | '\u{fe32}'
                | '\u{fe58}'
                | '\u{fe63}'
                | '\u{ff0d}'
    ) || is_sound_mark(c)
}

/// The long sound mark of kana, a letter to Unicode: what the key of the hyphen gives on Japanese
/// keyboards.
fn is_sound_mark(c: char) -> bool {
    matches!(c, '\u{30fc}' | '\u{ff70}')
}

/// Full-width forms of ASCII (U+FF01 to U+FF5E), and the digits of Arabic and of Persian.
fn narrow(c: char) -> char {
    let (from, to) = match c {
        '\u{ff01}'..='\u{ff5e}' => (0xff01, 0x21),
        '\u{660}'..='\u{669}' => (0x660, 0x30),
        '\u{6f0}'..='\u{6f9}' => (0x6f0, 0x30),
        _ => return c,
    };
    char::from_u32(u32::from(c) - from + to).unwrap_or(c)
}

/// The canonical composition of a text (Unicode Standard Annex 15).
fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut parts = Vec::with_capacity(text.len());
    text.chars().for_each(|c| take_apart(c, &mut parts));
    // Marks in the order of their classes: sorts stably between two characters of class 0.
    for run in parts.split_mut(|c| class(*c) == 0) {
        run.sort_by_key(|c| class(*c));
    }
    let mut result: Vec<char> = Vec::with_capacity(parts.len());
    let mut starter = None;
    for c in parts {
        let adjacent = starter.is_some_and(|at| at + 1 == result.len());
        let blocked = !adjacent && result.last().is_some_and(|last| class(*last) >= class(c));
        let first = starter.filter(|_| !blocked).and_then(|at| result.get_mut(at));
        match first.and_then(|first| Some((compose(*first, c)?, first))) {
            Some((together, first)) => *first = together,
            None => {
                if class(c) == 0 {
                    starter = Some(result.len());
                }
                result.push(c);
            }
        }
    }
    Cow::Owned(result.into_iter().collect())
}

fn take_apart(c: char, parts: &mut Vec<char>) {
    let code = u16::try_from(u32::from(c)).ok();
    let found = code.and_then(|code| TABLE.binary_search_by_key(&code, |pair| pair[0]).ok());
    match found.and_then(|at| TABLE.get(at)) {
        Some([_, first, second]) => {
            // The first part may be composed itself; the second never is.
            char::from_u32(u32::from(*first)).into_iter().for_each(|c| take_apart(c, parts));
            parts.extend(char::from_u32(u32::from(*second)));
        }
        None => parts.push(c),
    }
}

fn compose(first: char, second: char) -> Option<char> {
    // No second part stands before the combining marks; the walk through all pairs costs too much for
    // every two letters of every name of a backup.
    if second < '\u{300}' {
        return None;
    }
    let (first, second) = (u32::from(first), u32::from(second));
    // Hangul (The Unicode Standard, section 3.12): leading consonant and vowel, then a trailing one.
    let hangul = match (first, second) {
        (0x1100..=0x1112, 0x1161..=0x1175) => {
            Some(0xac00 + ((first - 0x1100) * 21 + second - 0x1161) * 28)
        }
        (0xac00..=0xd7a3, 0x11a8..=0x11c2) if (first - 0xac00).is_multiple_of(28) => {
            Some(first + second - 0x11a7)
        }
        _ => None,
    };
    let composed = hangul.or_else(|| {
        let is_pair = |pair: &&[u16; 3]| [pair[1], pair[2]].map(u32::from) == [first, second];
        TABLE.iter().find(is_pair).map(|pair| u32::from(pair[0]))
    });
    composed.and_then(char::from_u32)
}

/// The canonical combining class (`UnicodeData.txt`, field 3) of what stands second in
/// [`COMPOSITIONS`], and of the block U+0300 to U+036F; 0 for everything else.
fn class(c: char) -> u8 {
    match u32::from(c) {
        0x334..=0x338 => 1,
        0x93c => 7,
        0x3099 | 0x309a => 8,
        0xdca => 9,
        0xc56 => 91,
        0x321 | 0x322 | 0x327 | 0x328 => 202,
        0x31b => 216,
        0x316..=0x319
        | 0x31c..=0x320
        | 0x323..=0x326
        | 0x329..=0x333
        | 0x339..=0x33c
        | 0x347..=0x349
        | 0x34d
        | 0x34e
        | 0x353..=0x356
        | 0x359
        | 0x35a
        | 0x655 => 220,
        0x300..=0x314
        | 0x33d..=0x344
        | 0x346
        | 0x34a..=0x34c
        | 0x350..=0x352
        | 0x357
        | 0x35b
        | 0x363..=0x36f
        | 0x653
        | 0x654 => 230,
        0x315 | 0x31a | 0x358 => 232,
        0x35c | 0x35f | 0x362 => 233,
        0x35d | 0x35e | 0x360 | 0x361 => 234,
        0x345 => 240,
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
