use proptest::prelude::*;

use super::*;

/// `kind/name: option=value option=[entry|entry]`, one section per line.
fn show(text: &str) -> String {
    let sections = parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    sections.iter().map(show_section).collect::<Vec<_>>().join("\n")
}

fn show_section(section: &Section) -> String {
    let options = section.options.iter().map(|option| match &option.value {
        Value::Text(text) => format!(" {}={text}", option.name),
        Value::List(entries) => {
            let texts: Vec<_> = entries.iter().map(|entry| entry.text.as_str()).collect();
            format!(" {}=[{}]", option.name, texts.join("|"))
        }
    });
    let name = section.name.as_deref().unwrap_or("-");
    format!("{}/{name}:{}", section.kind, options.collect::<String>())
}

fn fails(text: &str) -> (usize, String) {
    let error = parse(text).expect_err(text);
    (error.line, error.message)
}

#[test]
fn commands_have_one_letter_forms() {
    assert_eq!(show("package x-y\nconfig a 'n'\n option b c\n list d e"), "a/n: b=c d=[e]");
    assert_eq!(show("p x-y\nc a 'n'\n o b c\n l d e"), "a/n: b=c d=[e]");
}

#[test]
fn sections_may_be_unnamed_and_then_never_merge() {
    assert_eq!(show("config a\noption x 1\nconfig a ''\noption x 2"), "a/-: x=1\na/-: x=2");
}

#[test]
fn sections_of_one_name_merge() {
    let text = "config a n\noption x 1\noption y 1\nconfig b m\nconfig a n\noption x 2";
    assert_eq!(show(text), "a/n: x=2 y=1\nb/m:");
}

#[test]
fn quotes_and_escapes() {
    for (written, read) in [
        ("plain", "plain"),
        ("'two words'", "two words"),
        (r"'it'\''s'", "it's"),
        (r#""say \"hi\" \\ \n""#, r#"say "hi" \ n"#),
        (r"'back\slash'", r"back\slash"),
        (r"a\ b\#c\;d", "a b#c;d"),
        (r#"one'two'"three""#, "onetwothree"),
        ("'a # b ; c'", "a # b ; c"),
        ("'two\nlines'", "two\nlines"),
        ("\"two\nlines\"", "two\nlines"),
        ("\"joined \\\nlines\"", "joined lines"),
        ("joined\\\r\nlines", "joinedlines"),
        ("word#comment", "word"),
        ("word # comment 'with quote", "word"),
        ("word\\", "word"),
        ("''", ""),
        ("", ""),
        ("#nothing", ""),
    ] {
        assert_eq!(show(&format!("config a\noption x {written}")), format!("a/-: x={read}"));
    }
}

#[test]
fn several_commands_fit_on_a_line() {
    assert_eq!(show("config a 'n'; option x '1' ;option y 2;\noption z 3"), "a/n: x=1 y=2 z=3");
}

#[test]
fn carriage_returns_are_blanks() {
    assert_eq!(show("config a n\r\n\toption x 1\r\n\r\n\toption y '2'\r\n"), "a/n: x=1 y=2");
}

#[test]
fn options_replace_and_lists_append() {
    let a = |lines: &str| show(&format!("config a\n{lines}"));
    assert_eq!(a("option x 1\noption x 2"), "a/-: x=2");
    assert_eq!(a("list x 1\nlist x 2"), "a/-: x=[1|2]");
    assert_eq!(a("option x 1\nlist x 2"), "a/-: x=[1|2]");
    assert_eq!(a("list x 1\noption x 2"), "a/-: x=2");
    assert_eq!(a("option x 1\noption x ''\nlist x 2"), "a/-: x=[2]");
}

#[test]
fn lines_are_those_of_the_file() {
    let sections = parse("\n# c\nconfig a\n\noption x 'a\nb'\nlist y 1\nlist y 2").unwrap();
    let [section] = sections.as_slice() else { panic!("{sections:?}") };
    assert_eq!(section.line, 3);
    assert_eq!(section.options.iter().map(|x| x.line).collect::<Vec<_>>(), [5, 7]);
    let Value::List(entries) = &section.options[1].value else { panic!("no list") };
    assert_eq!(entries.iter().map(|entry| entry.line).collect::<Vec<_>>(), [7, 8]);
}

#[test]
fn errors_name_the_line() {
    for (text, line, part) in [
        ("option a b", 1, "before the first section"),
        ("config", 1, "insufficient arguments"),
        ("config ''", 1, "insufficient arguments"),
        ("config a\noption\noption b c", 2, "insufficient arguments"),
        ("config a;option ;", 1, "insufficient arguments"),
        ("config a n m", 1, "too many arguments"),
        ("config a\n\noption x two words", 3, "too many arguments"),
        ("config a\noption x a \\\n b", 2, "too many arguments"),
        ("package", 1, "insufficient arguments"),
        ("package a.b", 1, "package name"),
        ("config a\noption b-c 1", 2, "invalid character in option name"),
        ("config a b-c", 1, "invalid character in section name"),
        ("config 'a b'", 1, "section type"),
        ("config ä", 1, "section type"),
        ("config a n\nconfig b n", 2, "line 1 has a section of another type"),
        ("config a\noption x 'open\nand\nopen", 2, "quote ' has no closing"),
        ("config a\noption x \"open\nand\\\"", 2, "quote \" has no closing"),
        ("'config' a", 1, "unknown command"),
        ("config a\nset x 1", 2, "unknown command"),
        ("config\ta\n\0", 2, "NUL"),
    ] {
        let (at, message) = fails(text);
        assert_eq!((at, message.contains(part)), (line, true), "{text:?}: {at}: {message}");
    }
}

#[test]
fn errors_never_quote_the_text() {
    for text in ["hunter2", "config a\noption key my hunter2", "config a\no k x;hunter2"] {
        assert!(!fails(text).1.contains("hunter2"), "{text:?}");
    }
}

fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn double_quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

fn render(sections: &[Section], quote: impl Fn(&str) -> String) -> String {
    let mut text = String::new();
    for section in sections {
        let name = section.name.as_deref().map(&quote).unwrap_or_default();
        text += &format!("\nconfig {} {name}\n", quote(&section.kind));
        for Opt { name, value, .. } in &section.options {
            match value {
                Value::Text(value) => text += &format!("\toption {name} {}\n", quote(value)),
                Value::List(entries) => entries.iter().for_each(|entry| {
                    text += &format!("\tlist {name} {}\n", quote(&entry.text));
                }),
            }
        }
    }
    text
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[^\0]{0,20}", "['\"\\\\ #;\n\r\ta]{0,12}"]
}

fn any_value() -> impl Strategy<Value = Value> {
    let entry = any_text().prop_map(|text| Entry { text, line: 0 });
    prop_oneof![
        any_text().prop_map(Value::Text),
        prop::collection::vec(entry, 1..4).prop_map(Value::List),
    ]
}

/// Sections whose names, and whose options' names, are all different.
fn any_sections() -> impl Strategy<Value = Vec<Section>> {
    let options = prop::collection::btree_map("[a-zA-Z0-9_]{1,8}", any_value(), 0..4);
    let section = ("[!-~]{1,8}", any::<bool>(), options);
    prop::collection::vec(section, 0..4).prop_map(|sections| {
        let number = |(index, (kind, named, options)): (usize, (_, bool, _))| Section {
            kind,
            name: named.then(|| format!("n{index}")),
            line: 0,
            options: std::collections::BTreeMap::into_iter(options)
                .map(|(name, value)| Opt { name, value, line: 0 })
                .collect(),
            again: Vec::new(),
        };
        sections.into_iter().enumerate().map(number).collect()
    })
}

fn without_lines(mut sections: Vec<Section>) -> Vec<Section> {
    for section in &mut sections {
        section.line = 0;
        for option in &mut section.options {
            option.line = 0;
            if let Value::List(entries) = &mut option.value {
                entries.iter_mut().for_each(|entry| entry.line = 0);
            }
        }
    }
    sections
}

proptest! {
    #[test]
    fn what_is_rendered_is_read_back(sections in any_sections()) {
        for text in [render(&sections, single_quoted), render(&sections, double_quoted)] {
            prop_assert_eq!(parse(&text).map(without_lines), Ok(sections.clone()), "{}", text);
        }
    }

    #[test]
    fn any_text_is_read_or_refused_with_a_line_of_it(
        text in prop_oneof!["(?s).{0,80}", "([colp] |[abn1]|[ ;#'\"\\\\\r\n]){0,60}"],
    ) {
        let lines = 1..=line_after(&text);
        match parse(&text) {
            Err(error) => prop_assert!(lines.contains(&error.line), "{}", error),
            Ok(sections) => for section in sections {
                prop_assert!(lines.contains(&section.line));
                prop_assert!(section.options.iter().all(|x| lines.contains(&x.line)));
            }
        }
    }
}

#[test]
fn a_guest_section_that_was_copied_is_not_taken_for_more_of_the_first() {
    let text = "config guest g\noption device a\n\nconfig guest g\noption device b";
    let problems = crate::config::Config::parse(text).expect_err(text);
    assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [4]);
    assert!(problems[0].message.contains("was begun in line 1"), "{problems:?}");
}
