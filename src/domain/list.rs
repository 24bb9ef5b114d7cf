//! Lists that are read in slices, so that a long one neither stalls a login nor grows memory.

/// A row with the id the store gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<T> {
    /// Unique in its list, growing, never given twice.
    pub id: i64,
    /// The row.
    pub value: T,
}

/// A slice of a list: up to `limit` rows whose ids come after `after`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The last id already seen; 0 for the first page.
    pub after: i64,
    /// Most rows wanted.
    pub limit: u32,
}
