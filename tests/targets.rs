//! `cross.toml` and `openwrt/build` speak of the same routers, and tests that are left out by name exist.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The flags of each Rust target.
type Flags = BTreeMap<String, String>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What `openwrt/build` compiles with.
fn shipped() -> Flags {
    let output = Command::new(root().join("openwrt/build")).arg("--flags").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let pairs = text.lines().map(|line| line.split_once(' ').unwrap());
    pairs.map(|(target, flags)| (target.to_owned(), flags.to_owned())).collect()
}

/// What `cross` would compile with.
fn described(text: &str) -> Flags {
    let mut target = None;
    let mut found = Flags::new();
    for line in text.lines() {
        if line.starts_with('[') {
            let name = line.strip_prefix("[target.").and_then(|rest| rest.strip_suffix(".env]"));
            target = name.map(str::to_owned);
        }
        let flags = line.strip_prefix("passthrough = [\"RUSTFLAGS=");
        if let (Some(flags), Some(target)) = (flags, &target) {
            found.insert(target.clone(), flags.trim_end_matches("\"]").replace("\\\"", "\""));
        }
    }
    found
}

#[test]
fn cross_knows_the_same_targets_with_the_same_flags() {
    let shipped = shipped();
    assert_eq!(shipped.len(), 6, "a target more or less? docs/tested-where.md has a table of them");
    assert_eq!(described(&fs::read_to_string(root().join("cross.toml")).unwrap()), shipped);
}

#[test]
fn cross_compiles_c_with_the_same_flags() {
    let script = fs::read_to_string(root().join("openwrt/build")).unwrap();
    let flags = script.lines().find_map(|line| line.strip_prefix("c_flags='")).unwrap();
    let wanted = format!("passthrough = [\"TARGET_CFLAGS={}\"]", flags.trim_end_matches('\''));
    let cross = fs::read_to_string(root().join("cross.toml")).unwrap();
    assert!(cross.lines().any(|line| line == wanted), "{wanted} is not in cross.toml");
}

#[test]
fn a_target_without_flags_is_noticed() {
    let text = "[target.a.env]\npassthrough = [\"RUSTFLAGS=-Ca -Cb\"]\n[target.b.env]\n[build]\n";
    assert_eq!(described(text), Flags::from([("a".to_owned(), "-Ca -Cb".to_owned())]));
}

/// The names of a shell array, without its comments.
fn names(script: &str, array: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(script)).unwrap();
    let (_, rest) = text.split_once(&format!("{array}=(")).unwrap();
    let lines = rest.split(')').next().unwrap().lines().map(str::trim);
    let words = lines.filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace);
    words.map(str::to_owned).collect()
}

/// Paths of Rust files below a folder, with their texts.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

/// Whether a file has the tests that this name leaves out: `module::` or `module::function`, where each
/// may be a part of the path or of the name.
fn is_in((path, text): &(PathBuf, String), name: &str) -> bool {
    let (modules, function) = name.rsplit_once("::").unwrap_or(("", name));
    let path = path.with_extension("");
    let is_part = |word: &str| path.iter().any(|part| part.to_str() == Some(word));
    let modules = modules.split("::").filter(|module| !module.is_empty() && *module != "tests");
    modules.into_iter().all(is_part)
        && (function.is_empty()
            || is_part(function)
            || text.lines().any(|line| {
                line.trim_start().strip_prefix("fn ").is_some_and(|rest| {
                    rest.split('(').next().is_some_and(|it| it.contains(function))
                })
            }))
}

#[test]
fn what_is_left_out_by_name_is_there() {
    for (script, array, folder) in
        [("openwrt/build", "left_out", "src"), ("tests/big_endian", "impossible", "tests/flows")]
    {
        let (names, sources) = (names(script, array), sources(&root().join(folder)));
        assert!(names.len() > 3, "{names:?}");
        for name in names {
            assert!(sources.iter().any(|it| is_in(it, &name)), "{script}: there is no {name}");
        }
    }
}
