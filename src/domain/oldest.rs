//! What is forgotten where a table of bounded size is full.

/// The sixteenth of these keys that is oldest. So many at once, because all have to be looked at:
/// one at a time, an access point that brings ever new keys would make every request cost that.
pub fn oldest<'a, K: Clone + 'a, T: Ord + Copy>(keys: impl Iterator<Item = (&'a K, T)>) -> Vec<K> {
    let mut keys: Vec<(&K, T)> = keys.collect();
    let count = keys.len().div_ceil(16);
    if count < keys.len() {
        keys.select_nth_unstable_by_key(count, |(_, age)| *age);
    }
    keys.into_iter().take(count).map(|(key, _)| key.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sixteenth_that_is_oldest_and_at_least_one() {
        let ages: Vec<u32> = (0..40).map(|it| it * 7 % 40).collect();
        let keys = |count| oldest(ages.iter().zip(ages.iter().copied()).take(count));
        assert!(keys(0).is_empty());
        assert_eq!(keys(1), [0]);
        let mut found = keys(40);
        found.sort_unstable();
        assert_eq!(found, [0, 1, 2]);
    }
}
