//! Octets as people read them.

/// Octets for people, in the units in which limits are given: 1 MB is 1,048,576 of them.
pub fn data(octets: u64) -> String {
    const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    let (mut unit, mut tenths) = (0, u128::from(octets) * 10);
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or_default();
    match (unit, tenths) {
        (1.., ..100) => format!("{}.{} {name}", tenths / 10, tenths % 10),
        _ => format!("{} {name}", tenths / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_short_and_never_rounded_up() {
        for (octets, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1023, "1023 B"),
            (1024, "1.0 kB"),
            (10_239, "9.9 kB"),
            (10_240, "10 kB"),
            (1024 * 1024 - 1, "1023 kB"),
            (500 << 20, "500 MB"),
            (u64::MAX, "16383 PB"),
        ] {
            assert_eq!(data(octets), text, "{octets}");
        }
    }
}
