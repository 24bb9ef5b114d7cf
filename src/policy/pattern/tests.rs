//! What patterns find, and which are refused.

use proptest::prelude::*;

use super::*;

fn finds(pattern: &str, text: &str) -> bool {
    Pattern::parse(pattern).unwrap().finds(text)
}

#[test]
fn patterns_find_what_they_say() {
    let cases = [
        ("", "", true),
        ("", "x", true),
        ("guest", "Lobby:guest", true),
        (":guest$", "AA-BB:guest", true),
        (":guest$", "AA-BB:guests", false),
        ("^guest", "a guest", false),
        ("^(AA|00)-", "00-11-22", true),
        ("^(AA|00)-", "01-11-22", false),
        ("^AA|BB$", "xxBB", true),
        ("a.c", "abc", true),
        ("a.c", "ac", false),
        ("a\\.c", "abc", false),
        ("^a*$", "", true),
        ("^a+$", "", false),
        ("^ab?c$", "ac", true),
        ("^(ab)+$", "ababa", false),
        ("^a{2}$", "aa", true),
        ("^a{2}$", "aaa", false),
        ("^a{2,}$", "aaaa", true),
        ("^a{2,3}$", "aaaa", false),
        ("^a{0,1}b$", "b", true),
        ("^[0-9A-F]{2}(-[0-9A-F]{2}){5}$", "00-11-22-AA-BB-CC", true),
        ("^[0-9A-F]{2}(-[0-9A-F]{2}){5}$", "00-11-22-aa-BB-CC", false),
        ("(?i)^[0-9A-F]{2}$", "aa", true),
        ("(?i)LOBBY", "The lobby", true),
        ("(?i)^[^a]$", "A", false),
        ("[^0-9]", "123", false),
        ("[^0-9]", "12x", true),
        ("[]x]", "]", true),
        ("[a-]", "-", true),
        ("^[[:digit:]]+$", "2026", true),
        ("^[[:alpha:]_]+$", "a_1", false),
        ("^\\d{3}\\s\\w+$", "123 abc_1", true),
        ("^\\D+$", "12", false),
        ("^[\\d.]+$", "10.0.0.1", true),
        ("^(?:a|b)c$", "bc", true),
        ("(a*)*b", "aaac", false),
        ("(|a)+b", "aab", true),
        ("^.$", "ü", true),
        ("a}", "a}", true),
        ("x$y", "x$y", false),
    ];
    for (pattern, text, found) in cases {
        assert_eq!(finds(pattern, text), found, "{pattern} in {text}");
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    let patterns = [
        "(",
        ")",
        "a)",
        "(a",
        "[",
        "[a",
        "[z-a]",
        "*a",
        "+",
        "a|*",
        "a{",
        "a{x}",
        "a{3,2}",
        "a{300}",
        "a\\",
        "(a)\\1",
        "\\b",
        "(?=a)",
        "(?<n>a)",
        "[[:nonsense:]]",
        "[[:alpha]",
        "[\\W]",
        "((a{200}){200}){200}",
        "(a{99}){99}",
    ];
    for pattern in patterns {
        assert!(Pattern::parse(pattern).is_err(), "{pattern}");
    }
}

#[test]
fn no_pattern_runs_away() {
    let pattern = Pattern::parse("^(([a-z])+.)+[A-Z]([a-z])+$").unwrap();
    assert!(!pattern.finds(&"a".repeat(4000)));
}

proptest! {
    #[test]
    fn text_finds_itself(text in "[^\0]{0,60}") {
        let escaped: String = text
            .chars()
            .flat_map(|it| if it.is_alphanumeric() { vec![it] } else { vec!['\\', it] })
            .collect();
        let found = finds(&format!("^{escaped}$"), &text);
        prop_assert!(found);
    }

    #[test]
    fn any_pattern_is_refused_or_runs(pattern in "[-ab()\\[\\]|*+?{}0-9,^$.\\\\:]{0,40}", text in "[ab1]{0,30}") {
        if let Ok(pattern) = Pattern::parse(&pattern) {
            pattern.finds(&text);
        }
    }
}
