//! Rows of `visitor`.

use rusqlite::{Row, params};

use super::{Store, StoreError};
use crate::domain::list::{Entry, Page};
use crate::domain::time::Timestamp;
use crate::domain::visitor::{Visitor, VisitorKind};

impl Store {
    /// Visitors of one kind in the order of their ids.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn visitors(
        &self,
        kind: VisitorKind,
        page: Page,
    ) -> Result<Vec<Entry<Visitor>>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, identity, name, email, picture, created_at, modified_at, last_login, mac,
                 visits, comments, comments1, comments2, marketing, verified
             FROM visitor WHERE kind = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
        )?;
        let rows = statement.query_map(params![kind.word(), page.after, page.limit], read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Entry<Visitor>> {
    let mac: Option<String> = row.get(8)?;
    let value = Visitor {
        identity: row.get(1)?,
        name: row.get(2)?,
        email: row.get(3)?,
        picture: row.get(4)?,
        created_at: Timestamp::from_unix(row.get(5)?),
        modified_at: Timestamp::from_unix(row.get(6)?),
        last_login: row.get::<_, Option<i64>>(7)?.map(Timestamp::from_unix),
        mac: mac.and_then(|mac| mac.parse().ok()),
        visits: row.get(9)?,
        comments: [row.get(10)?, row.get(11)?, row.get(12)?],
        marketing: row.get(13)?,
        verified: row.get(14)?,
    };
    Ok(Entry { id: row.get(0)?, value })
}
