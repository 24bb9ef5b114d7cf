//! The house rules that a compiler does not check: which way imports point, how long a file is, and
//! that no test is skipped unseen.

#[path = "support/skip.rs"]
mod skip;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What each room may import from, apart from itself. A room that is not here may not exist.
const ROOMS: [(&str, &[&str]); 21] = [
    ("domain", &[]),
    ("atomic_file", &[]),
    ("logging", &["domain"]),
    ("syscalls", &[]),
    ("clock", &["domain", "syscalls"]),
    ("config", &["domain"]),
    ("authn", &["domain"]),
    ("policy", &["domain", "authn"]),
    ("store", &["domain", "atomic_file", "policy"]),
    ("neighbour", &["domain"]),
    ("firewall", &["domain", "neighbour"]),
    ("system_check", &["config", "firewall"]),
    (
        "hotspot",
        &["clock", "domain", "atomic_file", "firewall", "neighbour", "policy", "authn", "store"],
    ),
    ("listing", &["domain", "policy"]),
    ("radius", &["clock", "config", "domain", "hotspot", "policy", "authn"]),
    ("http", &["clock", "config", "domain", "atomic_file", "hotspot", "listing", "syscalls"]),
    (
        "control",
        &["config", "domain", "firewall", "hotspot", "http", "listing", "policy", "radius"],
    ),
    ("cli", &["clock", "config", "control", "atomic_file", "listing", "system_check"]),
    (
        "daemon",
        &[
            "clock",
            "config",
            "control",
            "domain",
            "firewall",
            "hotspot",
            "http",
            "logging",
            "neighbour",
            "radius",
            "store",
            "system_check",
        ],
    ),
    ("main", &["cli", "daemon"]),
    ("temp_dir", &[]),
];

/// Longer files hold two things.
const LINES: usize = 400;

fn source_files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files = Vec::new();
    for path in entries {
        if path.is_dir() {
            files.extend(source_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// `src/store/voucher.rs` belongs to `store`, `src/main.rs` to `main`.
fn room_of(file: &Path) -> String {
    let inside = file.strip_prefix(src()).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// The rooms that a text names after `crate::` or `hotspotd::`, comments left out.
fn imports(text: &str) -> Vec<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = code.collect::<Vec<_>>().join(" ");
    let mut rooms = Vec::new();
    for (at, prefix) in code.match_indices("crate::").chain(code.match_indices("hotspotd::")) {
        let rest = &code[at + prefix.len()..];
        for name in rest.strip_prefix('{').map_or_else(|| vec![rest], members) {
            let end = name.find(|c: char| !c.is_alphanumeric() && c != '_');
            rooms.push((at, name[..end.unwrap_or(name.len())].to_owned()));
        }
    }
    rooms.retain(|(_, room)| room.starts_with(|c: char| c.is_ascii_lowercase()));
    rooms.sort_by_key(|(at, _)| *at);
    rooms.into_iter().map(|(_, room)| room).collect()
}

/// The members of a list up to its closing brace, each with what is nested in it.
fn members(list: &str) -> Vec<&str> {
    let (mut depth, mut begin, mut found) = (0, 0, Vec::new());
    for (at, letter) in list.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                found.push(list[begin..at].trim());
                begin = at + 1;
                if letter == '}' {
                    break;
                }
            }
            _ => (),
        }
    }
    found
}

#[test]
fn imports_point_one_way() {
    let mut seen = 0;
    for file in source_files(&src()) {
        let room = room_of(&file);
        if room == "lib" {
            continue;
        }
        let allowed = ROOMS.iter().find(|(name, _)| *name == room);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("{room} is not in the list of rooms"));
        for import in imports(&fs::read_to_string(&file).unwrap()) {
            let in_test = import == "temp_dir";
            let fine = import == room || in_test || allowed.contains(&import.as_str());
            assert!(fine, "{} must not import {import}", file.display());
            seen += 1;
        }
    }
    assert!(seen > 100, "only {seen} imports were found: has the way they are written changed?");
}

#[test]
fn every_room_is_listed_below_what_it_imports() {
    for (index, (room, allowed)) in ROOMS.iter().enumerate() {
        for import in *allowed {
            let place = ROOMS.iter().position(|(name, _)| name == import);
            assert!(place.is_some_and(|place| place < index), "{room} imports {import} upwards");
        }
    }
}

#[test]
fn imports_are_found_however_they_are_written() {
    let text = "use crate::store::{A, B};\nlet x = crate::clock::now();\n// crate::cli\n\
                use crate::{config, domain::time};\nuse hotspotd::daemon;\ncrate::VERSION\n\
                use crate::{\n    http::{self, api},\n    radius,\n};";
    let found = ["store", "clock", "config", "domain", "daemon", "http", "radius"];
    assert_eq!(imports(text), found);
}

#[test]
fn files_hold_one_thing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in ["src", "tests"].iter().flat_map(|it| source_files(&root.join(it))) {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= LINES, "{} has {lines} lines", file.display());
    }
}

#[test]
fn what_is_skipped_is_told_by_one_function() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = [root.join("tests/support/skip.rs"), root.join("tests/house.rs")];
    for file in ["src", "tests"].iter().flat_map(|it| source_files(&root.join(it))) {
        // Benchmarks give no verdict.
        if own.contains(&file) || file.starts_with(root.join("tests/bench")) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains("\"skipped"), "{} skips by itself", file.display());
    }
}

/// Has the test below be one that skips.
const SKIPS: &str = "HOTSPOTD_SKIPS";

#[test]
fn a_skipped_test_fails_where_every_test_is_demanded() {
    let name = "a_skipped_test_fails_where_every_test_is_demanded";
    if std::env::var_os(SKIPS).is_some() {
        return skip::skipped("nothing is to be had");
    }
    let run = |demand: Option<&str>| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", name]).env(SKIPS, "").env_remove(skip::DEMAND);
        let output = command.envs(demand.map(|tests| (skip::DEMAND, tests))).output().unwrap();
        let told = [output.stdout, output.stderr].map(|it| String::from_utf8(it).unwrap());
        (output.status.success(), told.concat())
    };
    let (passed, told) = run(None);
    assert!(passed && told.contains(&format!("skipped: {name}: nothing is to be had")), "{told}");
    let (passed, told) = run(Some("all"));
    assert!(!passed && told.contains("HOTSPOTD_TESTS=all demands it"), "{told}");
}
