//! What sessions are found by beside their number.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

/// The sessions that have a key in common.
#[derive(Debug)]
pub(super) struct Index<K>(HashMap<K, BTreeSet<i64>>);

impl<K> Default for Index<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq> Index<K> {
    pub(super) fn get(&self, key: &K) -> Option<&BTreeSet<i64>> {
        self.0.get(key)
    }

    pub(super) fn insert(&mut self, key: K, id: i64) {
        self.0.entry(key).or_default().insert(id);
    }

    pub(super) fn remove(&mut self, key: &K, id: i64) {
        if let Some(ids) = self.0.get_mut(key) {
            ids.remove(&id);
            if ids.is_empty() {
                self.0.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_with_its_last_session() {
        let mut index = Index::default();
        index.insert("a", 1);
        index.insert("a", 2);
        index.remove(&"a", 1);
        index.remove(&"b", 2);
        assert_eq!(index.get(&"a"), Some(&BTreeSet::from([2])));
        index.remove(&"a", 2);
        assert_eq!(index.get(&"a"), None);
        assert!(index.0.is_empty());
    }
}
