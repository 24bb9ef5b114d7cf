//! `cross.toml` and `openwrt/build` speak of the same routers.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
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
