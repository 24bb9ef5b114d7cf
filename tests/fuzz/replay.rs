//! Every seed, and every input that ever found something, through the oracles of the fuzz targets.
//!
//! Runs with the stable toolchain and `cargo test`; the fuzzing itself is in `README.md`.

mod oracles;

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

/// Runs `check` on every file, and names those that fail.
fn replay(target: &str, check: fn(&[u8])) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz");
    let seeds = files(&root.join("seeds").join(target));
    assert!(!seeds.is_empty(), "no seeds for {target}");
    let inputs = seeds.into_iter().chain(files(&root.join("regressions").join(target)));
    let failed: Vec<PathBuf> = inputs
        .filter(|path| {
            let data = fs::read(path).unwrap();
            catch_unwind(|| check(&data)).is_err()
        })
        .collect();
    assert!(failed.is_empty(), "an oracle was broken (see above) by {failed:#?}");
}

/// The files of a directory, in order; none where there is no such directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn uci_files_keep_their_rules() {
    replay("uci", oracles::uci::check);
}

#[test]
fn api_parameters_keep_their_rules() {
    replay("params", oracles::params::check);
}

#[test]
fn dates_and_zones_keep_their_rules() {
    replay("date", oracles::date::check);
}

#[test]
fn control_lines_keep_their_rules() {
    replay("control", oracles::control::check);
}

#[test]
fn netlink_messages_about_neighbours_keep_their_rules() {
    replay("netlink_neighbour", oracles::netlink_neighbour::check);
}

#[test]
fn leases_files_keep_their_rules() {
    replay("leases", oracles::leases::check);
}

#[test]
fn netlink_messages_about_guests_keep_their_rules() {
    replay("netlink_gate", oracles::netlink_gate::check);
}

#[test]
fn requests_to_the_portal_keep_their_rules() {
    replay("portal", oracles::portal::check);
}

#[test]
fn radius_packets_keep_their_rules() {
    replay("radius_packet", oracles::radius_packet::check);
}

#[test]
fn hidden_radius_values_keep_their_rules() {
    replay("radius_hidden", oracles::radius_hidden::check);
}
