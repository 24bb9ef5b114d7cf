//! `config::uci::parse` and `config::Config::parse`.
//!
//! - Neither panics, and every line they name is a line of the text.
//! - What is parsed, written out again and parsed is the same.
//! - A configuration written out again is the same configuration, or has as many problems.
//! - No problem repeats a key or shared secret.

use hotspotd::config::uci::{self, Section, Value};
use hotspotd::config::{Config, Problem};

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let last = text.split('\n').count();
    let config = Config::parse(text);
    if let Err(problems) = &config {
        check_problems(problems, last);
    }
    match uci::parse(text) {
        Ok(sections) => {
            check_lines(&sections, last);
            check_secrecy(text, &sections, &config);
            check_round_trip(&sections, &config);
        }
        Err(error) => {
            assert!((1..=last).contains(&error.line), "{error}");
            let problems = config.expect_err("a file that is no UCI became a configuration");
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert_eq!((problems[0].line, &problems[0].message), (error.line, &error.message));
        }
    }
}

fn check_problems(problems: &[Problem], last: usize) {
    assert!(!problems.is_empty(), "refused, and nothing is wrong");
    assert!(problems.is_sorted_by_key(|problem| problem.line), "{problems:?}");
    for problem in problems {
        assert!((1..=last).contains(&problem.line), "{problem}, of {last} lines");
        assert!(!problem.message.contains(char::is_control), "{:?}", problem.message);
    }
}

fn check_lines(sections: &[Section], last: usize) {
    for section in sections {
        assert!((1..=last).contains(&section.line), "{section:?}");
        assert!(!section.kind.is_empty() && section.name.as_deref() != Some(""), "{section:?}");
        for (at, option) in section.options.iter().enumerate() {
            assert!((section.line..=last).contains(&option.line), "{option:?}");
            let earlier = section.options.iter().take(at);
            assert!(earlier.clone().all(|earlier| earlier.name != option.name), "{option:?} twice");
            if let Value::List(entries) = &option.value {
                assert!(!entries.is_empty(), "{option:?}");
                assert!(entries.is_sorted_by_key(|entry| entry.line), "{option:?}");
                assert_eq!(entries[0].line, option.line, "{option:?}");
                assert!(entries.iter().all(|entry| entry.line <= last), "{option:?}");
            }
        }
    }
}

fn check_secrecy(text: &str, sections: &[Section], config: &Result<Config, Vec<Problem>>) {
    let told = match config {
        Ok(config) => config.warnings().join("\n"),
        Err(problems) => {
            problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("\n")
        }
    };
    let printed = format!("{config:?}");
    for section in sections {
        for option in &section.options {
            let secret = matches!(
                (section.kind.as_str(), option.name.as_str()),
                ("api", "key") | ("client", "secret")
            );
            let Value::Text(value) = &option.value else { continue };
            // A text that stands elsewhere in the file too may be shown from there.
            if secret && is_telling(value) && text.matches(value.as_str()).count() == 1 {
                assert!(!told.contains(value.as_str()), "a message shows {value:?}: {told}");
                let shown = config.is_ok() && printed.contains(&format!("{value:?}"));
                assert!(!shown, "Debug shows {value:?}: {printed}");
            }
        }
    }
}

/// Whether a text cannot be part of a message by chance.
fn is_telling(text: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| text.as_bytes().iter().any(kind);
    text.len() >= 8 && has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit)
}

fn check_round_trip(sections: &[Section], config: &Result<Config, Vec<Problem>>) {
    let written = render(sections);
    let again = uci::parse(&written).unwrap_or_else(|error| panic!("{error} in\n{written}"));
    assert_eq!(without_lines(&again), without_lines(sections), "written as\n{written}");
    match (config, Config::parse(&written)) {
        (Ok(before), Ok(after)) => {
            assert_eq!(*before, after);
            assert_eq!(before.warnings(), after.warnings());
        }
        // Their order and the lines they refer to may change with the lines.
        (Err(before), Err(after)) => assert_eq!(before.len(), after.len(), "{before:?}\n{after:?}"),
        (before, after) => panic!("{before:?}\nbecame\n{after:?}"),
    }
}

/// As `uci export` writes it; sections that were begun more than once are again.
fn render(sections: &[Section]) -> String {
    let mut text = String::from("package hotspotd\n");
    for section in sections {
        text.push_str(&format!("\nconfig {}", quoted(&section.kind)));
        if let Some(name) = &section.name {
            text.push_str(&format!(" {}", quoted(name)));
        }
        text.push('\n');
        for option in &section.options {
            let name = &option.name;
            match &option.value {
                Value::Text(value) => {
                    text.push_str(&format!("\toption {name} {}\n", quoted(value)))
                }
                Value::List(entries) => {
                    for entry in entries {
                        text.push_str(&format!("\tlist {name} {}\n", quoted(&entry.text)));
                    }
                }
            }
        }
        for (_, name) in section.again.iter().zip(section.name.iter().cycle()) {
            text.push_str(&format!("config {} {}\n", quoted(&section.kind), quoted(name)));
        }
    }
    text
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn without_lines(sections: &[Section]) -> Vec<Section> {
    let mut sections = sections.to_vec();
    for section in &mut sections {
        section.line = 0;
        section.again.fill(0);
        for option in &mut section.options {
            option.line = 0;
            if let Value::List(entries) = &mut option.value {
                entries.iter_mut().for_each(|entry| entry.line = 0);
            }
        }
    }
    sections
}
