//! Skipped tests: what this machine cannot do is told, and is a failure where every test is demanded.
//!
//! Every test that may skip calls [`skipped`]; `tests/house.rs` finds those that print it themselves.

#![allow(dead_code, reason = "shared by test programs, not all of which run scripts that skip")]

use std::io::{Write, stderr};

/// The environment variable that demands every test, by the value `all`: `.ci/run` and `tests/all`
/// set it.
pub(crate) const DEMAND: &str = "HOTSPOTD_TESTS";

/// What the line of a skipped test begins with, also in the output of scripts.
const PREFIX: &str = "skipped: ";

/// Tells why a test does not run, past the capture of output, since it would look passed otherwise.
///
/// # Panics
///
/// Where every test is demanded.
#[track_caller]
pub(crate) fn skipped(why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or_default();
    let demanded = std::env::var(DEMAND).is_ok_and(|tests| tests == "all");
    assert!(!demanded, "{test} was skipped, and {DEMAND}=all demands it: {why}");
    let _ = writeln!(stderr(), "{PREFIX}{test}: {why}");
}

/// Why a script skips, where this line of its output says so.
pub(crate) fn reason(line: &str) -> Option<&str> {
    line.strip_prefix(PREFIX)
}
