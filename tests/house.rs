//! The house rules that a compiler does not check: which way imports point, how long a file is.

use std::fs;
use std::path::{Path, PathBuf};

/// What each room may import from, apart from itself. A room that is not here may not exist.
const ROOMS: [(&str, &[&str]); 20] = [
    ("domain", &[]),
    ("durable", &[]),
    ("logging", &[]),
    ("clock", &["domain"]),
    ("config", &["domain"]),
    ("proof", &["domain"]),
    ("policy", &["domain", "proof"]),
    ("store", &["domain", "durable", "policy"]),
    ("neighbour", &["domain"]),
    ("firewall", &["domain", "neighbour"]),
    ("surroundings", &["config", "firewall"]),
    (
        "hotspot",
        &["clock", "domain", "durable", "firewall", "neighbour", "policy", "proof", "store"],
    ),
    ("listing", &["domain", "policy"]),
    ("radius", &["clock", "config", "domain", "hotspot", "policy", "proof"]),
    ("http", &["clock", "config", "domain", "durable", "hotspot", "listing"]),
    (
        "control",
        &["config", "domain", "firewall", "hotspot", "http", "listing", "policy", "radius"],
    ),
    ("cli", &["clock", "config", "control", "durable", "listing", "surroundings"]),
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
            "surroundings",
        ],
    ),
    ("main", &["cli", "daemon"]),
    ("scratch", &[]),
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
    let mut rooms = Vec::new();
    for line in code {
        for prefix in ["crate::", "hotspotd::"] {
            for (at, _) in line.match_indices(prefix) {
                let rest = &line[at + prefix.len()..];
                let names = match rest.strip_prefix('{') {
                    Some(list) => list.split('}').next().unwrap().split(", ").collect(),
                    None => vec![rest],
                };
                for name in names {
                    let end = name.find(|c: char| !c.is_alphanumeric() && c != '_');
                    rooms.push(name[..end.unwrap_or(name.len())].to_owned());
                }
            }
        }
    }
    rooms.retain(|room| room.starts_with(|c: char| c.is_ascii_lowercase()));
    rooms
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
            let in_test = import == "scratch";
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
                use crate::{config, domain::time};\nuse hotspotd::daemon;\ncrate::VERSION";
    assert_eq!(imports(text), ["store", "clock", "config", "domain", "daemon"]);
}

#[test]
fn files_hold_one_thing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in ["src", "tests/flows", "tests/lab", "tests/radius"]
        .iter()
        .flat_map(|it| source_files(&root.join(it)))
    {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= LINES, "{} has {lines} lines", file.display());
    }
}
