//! The documentation: what it links to is there, and it names every command and every option.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Pages for readers, but for the texts of this repository's own folders.
fn pages() -> Vec<PathBuf> {
    let of = |folder: PathBuf| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let all = of(root()).chain(of(root().join("docs")));
    let pages: Vec<PathBuf> =
        all.filter(|path| path.extension().is_some_and(|it| it == "md")).collect();
    assert!(pages.len() > 10, "{pages:?}");
    pages
}

/// Targets of a page's links and pictures, outside of code.
fn links(page: &str) -> Vec<&str> {
    let mut prose = Vec::new();
    let mut is_code = false;
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            prose.push(line);
        }
    }
    [("](", ')'), ("src=\"", '"')]
        .into_iter()
        .flat_map(|(before, close)| {
            let after = prose.iter().flat_map(move |line| line.split(before).skip(1));
            after.filter_map(move |rest| rest.split(close).next()).collect::<Vec<_>>()
        })
        .collect()
}

/// The name that a heading is linked to by: GitHub's.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    kept.chars()
        .filter(|it| it.is_alphanumeric() || [' ', '-', '_'].contains(it))
        .map(|it| if it == ' ' { '-' } else { it })
        .collect()
}

fn has_anchor(page: &Path, name: &str) -> bool {
    let text = fs::read_to_string(page).unwrap();
    text.lines().any(|line| line.starts_with('#') && anchor(line) == name)
}

#[test]
fn links_lead_somewhere() {
    let mut count = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for link in links(&text).into_iter().filter(|link| !link.contains("://")) {
            let (file, name) = link.split_once('#').unwrap_or((link, ""));
            let target =
                if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: {link} is not there", page.display());
            assert!(
                name.is_empty() || has_anchor(&target, name),
                "{}: {link} is no heading",
                page.display()
            );
            count += 1;
        }
    }
    assert!(count > 30, "only {count} links were found");
}

/// The commands of `--help`, without what they take.
fn commands() -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_hotspotd")).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let is_word = |word: &&str| word.chars().all(|it| it.is_ascii_lowercase() || it == '-');
    let command = |line: &str| {
        let line = line.strip_prefix("  ").filter(|rest| rest.starts_with(char::is_lowercase))?;
        let words = line.split("  ").next()?.split(' ').take_while(is_word);
        Some(words.collect::<Vec<_>>().join(" "))
    };
    let commands: Vec<String> = help.lines().filter_map(command).collect();
    assert!(
        commands.iter().any(|it| it == "voucher create") && commands.len() > 25,
        "{commands:?}"
    );
    commands
}

#[test]
fn every_command_is_explained() {
    let (page, manual) = (read("docs/command-line.md"), read("docs/man/hotspotd.8"));
    for command in commands() {
        let first = command.split(' ').next().unwrap();
        let is_listed = page.contains(&command)
            || page.contains(&format!("{first} list|")) && command.starts_with("group ");
        assert!(is_listed, "{command} is not in docs/command-line.md");
        let is_in_manual = manual.lines().any(|line| {
            line.strip_prefix(".It Cm ").is_some_and(|it| it.starts_with(&command))
                || line.strip_prefix(".Cm ").is_some_and(|it| it == command)
        });
        assert!(is_in_manual, "{command} is not in hotspotd.8");
    }
}

/// Sections and options of the shipped configuration, those in comments as well.
fn options() -> Vec<(String, String)> {
    let mut section = String::new();
    let mut options = Vec::new();
    for line in read("openwrt/files/hotspotd.config").lines() {
        let line = line.trim_start_matches(['#', '\t']);
        let mut words = line.split(' ');
        match (words.next(), words.next()) {
            (Some("config"), Some(kind)) => section = kind.to_owned(),
            (Some("option" | "list"), Some(name)) => {
                options.push((section.clone(), name.to_owned()));
            }
            _ => {}
        }
    }
    assert!(options.len() > 35, "{options:?}");
    options
}

#[test]
fn every_option_is_explained() {
    let (page, manual) = (read("docs/configuration.md"), read("docs/man/hotspotd.5"));
    for (section, name) in options() {
        let row = [format!("`{name}`"), format!("`list {name}`")];
        assert!(
            row.iter().any(|row| page.contains(row)),
            "{section}: {name} is not in docs/configuration.md"
        );
        let part =
            manual.split(".Ss config ").find(|part| part.starts_with(&format!("{section}\n")));
        let part = part.unwrap_or_else(|| panic!("{section} is not in hotspotd.5"));
        let item = [format!("Cm option {name}"), format!("Cm list {name}")];
        let is_item = |line: &str| {
            line.starts_with(".It ")
                && line[4..].split(" , ").any(|it| item.iter().any(|item| item == it))
        };
        assert!(part.lines().any(is_item), "{section}: {name} is not in hotspotd.5");
    }
}
