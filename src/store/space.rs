//! What the store takes on flash, and giving it back.

use super::{Store, StoreError};
use crate::atomic_file::{free_bytes, with_suffix};
use crate::domain::time::Now;

/// A store that was made without `auto_vacuum` is rewritten with it where it is not longer.
const REWRITTEN: u64 = 4 << 20;
/// Free bytes that stay beside the log of that.
const SPARE: u64 = 512 * 1024;

impl Store {
    /// Pages in the file that hold nothing, and pages in all (of 1 KB).
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn free_pages(&self) -> Result<(u32, u32), StoreError> {
        let pragma = |name| self.connection.pragma_query_value(None, name, |row| row.get(0));
        Ok((pragma("freelist_count")?, pragma("page_count")?))
    }

    /// Moves what stands at the end of the file into so many pages that hold nothing: the file
    /// shrinks when the log is folded. In a file without `auto_vacuum` nothing happens.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn give_back(&self, pages: u32) -> Result<(), StoreError> {
        // It gives a row for every page, and stops where nobody asks for the next one.
        let mut statement =
            self.connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
        let mut rows = statement.query([])?;
        while rows.next()?.is_some() {}
        Ok(())
    }

    /// Bytes of the write-ahead log's file.
    pub fn log_bytes(&self) -> u64 {
        let log = with_suffix(&self.directory.join(super::FILE_NAME), "-wal");
        std::fs::metadata(log).map_or(0, |file| file.len())
    }

    /// Folds the log into the file, and cuts both to what they need.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn fold_log(&self) -> Result<(), StoreError> {
        Ok(self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
    }

    /// Forgets the oldest sessions that have ended, so many at most, but for the newest `keep` and
    /// for those that limits of users still ask for; gives how many went.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn forget_oldest(&self, most: u32, keep: u32, now: Now) -> Result<usize, StoreError> {
        let Some(newest) = self.session_before(keep)? else { return Ok(0) };
        self.forget_some(newest, most, now)
    }

    /// Rewrites a file of an earlier version so that it can shrink, where there is room for that.
    pub(super) fn make_shrinkable(&self) -> Result<(), StoreError> {
        let mode: i64 =
            self.connection.pragma_query_value(None, "auto_vacuum", |row| row.get(0))?;
        let bytes = u64::from(self.free_pages()?.1) * 1024;
        let free = free_bytes(&self.directory).unwrap_or(0);
        if mode != 0 || bytes > REWRITTEN || free < 2 * bytes + SPARE {
            return Ok(());
        }
        self.connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; VACUUM")?;
        self.fold_log()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::session::TerminateCause;
    use crate::domain::time::Timestamp;
    use crate::store::{FILE_NAME, SessionRecord};
    use crate::temp_dir::Scratch;

    fn with_sessions(scratch: &Scratch, count: i64, login: &str) -> (Store, Now) {
        let store = Store::open(scratch.path()).unwrap();
        let wall = Timestamp::from_unix(1_800_000_000);
        let now = Now { wall, wall_is_set: true, boot: Duration::ZERO };
        let mac = "98:01:A7:CB:BB:01".parse().unwrap();
        store.begin().unwrap();
        for id in 1..=count {
            let row = SessionRecord::unwritten(id, 7, login.into(), mac, "lobby".into(), now);
            let end = Some((wall, TerminateCause::UserRequest));
            store.put_session(&SessionRecord { end, ..row }).unwrap();
        }
        store.commit().unwrap();
        (store, now)
    }

    fn file(scratch: &Scratch) -> u64 {
        std::fs::metadata(scratch.path().join(FILE_NAME)).unwrap().len()
    }

    #[test]
    fn a_store_that_has_forgotten_shrinks() {
        let scratch = Scratch::new();
        let (store, now) = with_sessions(&scratch, 3_000, "somebody");
        store.fold_log().unwrap();
        let before = file(&scratch);
        assert_eq!(store.forget_oldest(2_900, 100, now).unwrap(), 2_900);
        store.give_back(100_000).unwrap();
        store.fold_log().unwrap();
        assert!(file(&scratch) * 3 < before, "{} of {before}", file(&scratch));
        assert_eq!((store.free_pages().unwrap().0, store.log_bytes()), (0, 0));
        assert_eq!(store.forget_oldest(1, 100, now).unwrap(), 0);
    }

    #[test]
    fn sessions_are_kept_by_their_octets_too() {
        let scratch = Scratch::new();
        let (store, now) = with_sessions(&scratch, 100, &"x".repeat(800));
        store.keep_sessions(1_000, now).unwrap();
        assert!(store.session(1).unwrap().is_some());
        store.keep_session_octets(50_000).unwrap();
        assert!(store.session(1).unwrap().is_none());
        assert!(store.session(80).unwrap().is_some());
    }

    #[test]
    fn a_store_of_an_earlier_version_can_shrink_after_a_start() {
        let scratch = Scratch::new();
        let (store, _) = with_sessions(&scratch, 100, "somebody");
        store.connection.execute_batch("PRAGMA auto_vacuum = NONE; VACUUM").unwrap();
        store.close();
        let store = Store::open(scratch.path()).unwrap();
        let mode: i64 =
            store.connection.pragma_query_value(None, "auto_vacuum", |row| row.get(0)).unwrap();
        assert_eq!(mode, 2);
        assert!(store.session(100).unwrap().is_some());
    }
}
