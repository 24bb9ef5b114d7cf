//! Rows of numbers.

use std::time::Duration;

/// A heading for the rows that follow.
pub fn title(text: &str) {
    println!("\n{text:<62} {:>9} {:>9} {:>9}", "min", "median", "max");
}

/// One row; gives the middle value.
pub fn row(label: &str, unit: &str, mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    let (min, median, max) = (at(0.0), at(0.5), at(1.0));
    let label = format!("  {label}");
    println!("{label:<62} {:>9} {:>9} {:>9}  {unit}", short(min), short(median), short(max));
    median
}

/// One row of values that are compared: the middle one, and its standard error, estimated from the
/// quartiles so that a few bursts beside a busy machine do not decide it.
pub fn compared(label: &str, unit: &str, mut values: Vec<f64>) {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    // Of a normal distribution: 1.349 is its interquartile range, 1.253 what a median's error is of
    // a mean's.
    let deviation = (at(0.75) - at(0.25)) / 1.349;
    let error = 1.253 * deviation / (values.len() as f64).sqrt();
    let label = format!("  {label}");
    println!(
        "{label:<62} {:>9} {:>9} {:>9}  {unit}",
        "",
        short(at(0.5)),
        format!("±{}", short(error))
    );
}

/// One row of times, in milliseconds.
pub fn times(label: &str, values: &[Duration]) -> f64 {
    row(label, "ms", values.iter().map(|value| value.as_secs_f64() * 1e3).collect())
}

/// One row with a single value.
pub fn single(label: &str, unit: &str, value: f64) {
    let label = format!("  {label}");
    println!("{label:<62} {:>9} {:>9} {:>9}  {unit}", "", short(value), "");
}

/// The value that so many of 100 do not exceed.
pub fn percentile(values: &[Duration], share: usize) -> Duration {
    let mut values = values.to_vec();
    values.sort();
    values[(values.len() - 1) * share / 100]
}

/// Three or four digits that count.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
