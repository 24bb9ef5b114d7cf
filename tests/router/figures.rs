//! What was measured, for `tests/router/run` to print when all is over. Nothing asserts a time.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// Keeps a line for the block of figures.
pub fn note(what: &str, value: &str) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/router/figures");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join(what.replace(['/', ' '], "_")), format!("{what}: {value}\n")).unwrap();
}

/// Median, the 95th in a hundred, and the longest.
pub fn spread(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1e3;
    format!(
        "{:.1} ms, p95 {:.1} ms, longest {:.1} ms (n = {})",
        at(50),
        at(95),
        at(100),
        times.len()
    )
}
