//! Rows of `nas_peer`: what access points have shown of themselves.

use rusqlite::{Row, params};

use super::{Store, StoreError};
use crate::domain::nas::{NasPeer, ViewPoint};
use crate::domain::time::Timestamp;

/// Rows that are kept: those that were written last.
const PEERS_KEPT: u32 = 1024;

impl Store {
    /// Writes down what an access point has shown of itself.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn put_nas_peer(&self, peer: &NasPeer, now: Timestamp) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO nas_peer (client, source, local_address, reports, view_point, written_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (client, source) DO UPDATE SET local_address = excluded.local_address,
                 reports = excluded.reports, view_point = excluded.view_point, written_at = excluded.written_at",
        )?;
        statement.execute(params![
            &*peer.client,
            peer.source.to_string(),
            peer.local.to_string(),
            peer.reports,
            peer.view_point.map(ViewPoint::number),
            now.unix(),
        ])?;
        let mut statement = self.connection.prepare_cached(
            "DELETE FROM nas_peer WHERE (client, source) IN (
                 SELECT client, source FROM nas_peer
                 ORDER BY written_at DESC, client, source LIMIT -1 OFFSET ?1)",
        )?;
        statement.execute([PEERS_KEPT])?;
        Ok(())
    }

    /// What access points have shown of themselves.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn nas_peers(&self) -> Result<Vec<NasPeer>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT client, source, local_address, reports, view_point FROM nas_peer",
        )?;
        let peers = statement.query_map([], read)?;
        Ok(peers.filter_map(Result::transpose).collect::<Result<_, _>>()?)
    }
}

/// `None` where somebody has bent the row by hand.
fn read(row: &Row<'_>) -> rusqlite::Result<Option<NasPeer>> {
    let (client, source, local): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let (Ok(source), Ok(local)) = (source.parse(), local.parse()) else { return Ok(None) };
    let view_point = row.get::<_, Option<u32>>(4)?.and_then(ViewPoint::numbered);
    Ok(Some(NasPeer { client: client.into(), source, local, reports: row.get(3)?, view_point }))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::temp_dir::Scratch;

    #[test]
    fn the_peers_that_were_written_last_are_kept() {
        let scratch = Scratch::new();
        let store = Store::open(scratch.path()).unwrap();
        let peer = |number: u32| NasPeer {
            client: "lobby".into(),
            source: IpAddr::from([10, 0, (number / 256) as u8, number as u8]),
            local: IpAddr::from([10, 1, 0, 1]),
            reports: number.is_multiple_of(2),
            view_point: ViewPoint::numbered(number % 3),
        };
        for number in 0..PEERS_KEPT + 2 {
            store.put_nas_peer(&peer(number), Timestamp::from_unix(number.into())).unwrap();
        }
        let kept = store.nas_peers().unwrap();
        assert_eq!(kept.len(), PEERS_KEPT as usize);
        assert!(!kept.contains(&peer(1)) && kept.contains(&peer(2)), "{:?}", kept.first());
        let moved = NasPeer { view_point: None, local: [10, 1, 0, 2].into(), ..peer(7) };
        store.put_nas_peer(&moved, Timestamp::from_unix(9999)).unwrap();
        let kept = store.nas_peers().unwrap();
        assert!(kept.contains(&moved) && kept.len() == PEERS_KEPT as usize);
    }
}
