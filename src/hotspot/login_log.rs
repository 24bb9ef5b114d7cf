//! What may wait before it is written to flash, until the next minute or the seconds after it: the
//! login log, and later logins.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::repeats::{Count, Kind, Repeats};
use crate::domain::list::{Entry, Page};
use crate::domain::log_limit::LogLimit;
use crate::domain::login::LoginRecord;
use crate::domain::station::Mac;
use crate::domain::throttle::Throttle;
use crate::domain::time::{Now, Timestamp};
use crate::domain::voucher::{Voucher, casefold};
use crate::store::{Store, StoreError};

/// Rows kept in memory while the disk is full; the oldest go first. About 2 MB.
const MOST: usize = 10_000;
/// Refused logins that wait at most: whoever guesses codes must not write the log full.
const REFUSED: usize = 500;

/// Refused names of one client that have a row each, and the time after which another one has: who
/// tries ever other names must not push the sign-ins of others out of the log.
const NAMES: u16 = 300;
const ANOTHER_NAME: Duration = Duration::from_secs(60);
/// Clients told apart.
const CLIENTS: usize = 256;

pub(super) struct LoginLog {
    next_id: i64,
    rows: VecDeque<Row>,
    uses: BTreeMap<i64, Use>,
    repeats: Repeats,
    names: Throttle,
    /// Counts that are to be written into rows of the store.
    counted: VecDeque<Count>,
    refused: usize,
    forgotten: u64,
    /// When the last row came, by the boot clock.
    latest: Duration,
    log: LogLimit,
}

struct Row {
    entry: Entry<LoginRecord>,
    clock_is_set: bool,
}

impl Row {
    fn is_refused(&self) -> bool {
        self.entry.value.refusal.is_some()
    }
}

#[derive(Clone, Copy)]
struct Use {
    at: Timestamp,
    station: Option<Mac>,
    clock_is_set: bool,
}

impl LoginLog {
    /// Continues after the highest id of the store.
    pub(super) fn after(last_id: i64) -> Self {
        Self {
            next_id: last_id + 1,
            rows: VecDeque::new(),
            uses: BTreeMap::new(),
            repeats: Repeats::default(),
            names: Throttle::new(CLIENTS, NAMES, ANOTHER_NAME, Default::default()),
            counted: VecDeque::new(),
            refused: 0,
            forgotten: 0,
            latest: Duration::ZERO,
            log: LogLimit::default(),
        }
    }

    /// Forgets what waits, and continues after the highest id of another store: upwards only, so
    /// that no id is given twice.
    pub(super) fn restart_after(&mut self, last_id: i64) {
        *self = Self::after(last_id.max(self.next_id - 1));
    }

    /// How many rows wait, and counts for earlier ones.
    pub(super) fn rows(&self) -> usize {
        self.rows.len() + self.counted.len()
    }

    /// Counts a sign-in whose like was written down lately.
    pub(super) fn count(&mut self, kind: &Kind, now: Now) -> bool {
        self.repeats.count(kind, now)
    }

    /// Whether one more refused name at a client may have a row of its own.
    pub(super) fn may_name(&mut self, client: &Arc<str>, now: Now) -> bool {
        let full = self.names.blocks(&**client, now.boot);
        if !full {
            self.names.failed(&**client, now.boot);
        }
        !full
    }

    /// Writes a row that is to stand for what comes again.
    pub(super) fn write_first(&mut self, kind: Kind, value: LoginRecord, now: Now) {
        if let Some(row) = self.write(value, now) {
            let over = self.repeats.begin(kind, row, now);
            self.counted(over);
        }
    }

    /// A session of somebody who was let in has been reported.
    pub(super) fn session_reported(&mut self, client: &Arc<str>, login: &str) {
        let over = self.repeats.end_accepted(client, &casefold(login));
        self.counted(over);
    }

    /// A minute has passed.
    pub(super) fn end_old_repeats(&mut self, now: Now) {
        let over = self.repeats.end_old(now);
        self.counted(over);
    }

    /// Everything is going to be written down.
    pub(super) fn count_all(&mut self) {
        let all = self.repeats.counts().collect();
        self.counted(all);
    }

    /// Rows that are still here are brought up to date here. At most as many wait as rows do.
    fn counted(&mut self, counts: Vec<Count>) {
        for count in counts.into_iter().filter(|count| count.times > 1) {
            let waiting = self.rows.binary_search_by_key(&count.row, |row| row.entry.id);
            match waiting.ok().and_then(|at| self.rows.get_mut(at)) {
                Some(row) => row.entry.value.times = count.times,
                None if self.counted.len() < MOST => self.counted.push_back(count),
                None => {}
            }
        }
    }

    /// The vouchers of which a later login waits.
    pub(super) fn vouchers(&self) -> impl Iterator<Item = i64> {
        self.uses.keys().copied()
    }

    /// Writes a row; its id, unless there are too many.
    pub(super) fn write(&mut self, value: LoginRecord, now: Now) -> Option<i64> {
        self.latest = now.boot;
        if value.refusal.is_some() {
            if self.refused >= REFUSED {
                self.forgotten += 1;
                return None;
            }
            self.refused += 1;
        }
        if self.rows.len() >= MOST {
            let oldest = self.rows.pop_front();
            self.refused -= oldest.iter().filter(|row| row.is_refused()).count();
            self.forgotten += 1;
        }
        let id = self.next_id;
        self.rows.push_back(Row { entry: Entry { id, value }, clock_is_set: now.wall_is_set });
        self.next_id += 1;
        Some(id)
    }

    pub(super) fn used(&mut self, voucher: i64, station: Option<Mac>, now: Now) {
        let latest = Use { at: now.wall, station, clock_is_set: now.wall_is_set };
        self.uses.insert(voucher, latest);
    }

    /// Brings a row from the store up to what has happened since.
    pub(super) fn update(&self, row: &mut Entry<Voucher>) {
        if let Some(latest) = self.uses.get(&row.id) {
            row.value.last_login = Some(latest.at);
            row.value.mac = latest.station.or(row.value.mac);
        }
    }

    /// A page of the whole log: what the store has, then what waits here.
    pub(super) fn page(
        &self,
        store: &Store,
        page: Page,
    ) -> Result<Vec<Entry<LoginRecord>>, StoreError> {
        let mut rows = store.logins(page)?;
        let room = (page.limit as usize).saturating_sub(rows.len());
        let waiting = self.rows.iter().filter(|row| row.entry.id > page.after);
        rows.extend(waiting.take(room).map(|row| row.entry.clone()));
        let counts = self.counted.iter().copied().chain(self.repeats.counts());
        let counts: HashMap<i64, u32> = counts.map(|count| (count.row, count.times)).collect();
        for row in &mut rows {
            row.value.times = counts.get(&row.id).copied().unwrap_or(row.value.times);
        }
        Ok(rows)
    }

    /// Writes the oldest `rows` and the logins with these vouchers into the open transaction;
    /// [`LoginLog::mark_clean`] forgets them once that is committed.
    pub(super) fn flush(
        &self,
        store: &Store,
        rows: usize,
        of: &dyn Fn(i64) -> bool,
    ) -> Result<(), StoreError> {
        for row in self.rows.iter().take(rows) {
            store.insert_login(&row.entry, row.clock_is_set)?;
        }
        for count in self.counted.iter().take(rows.saturating_sub(self.rows.len())) {
            store.set_login_times(count.row, count.times)?;
        }
        for (voucher, latest) in self.uses.iter().filter(|(voucher, _)| of(**voucher)) {
            store.set_last_login(*voucher, latest.at, latest.station, latest.clock_is_set)?;
        }
        Ok(())
    }

    /// Leaves refused logins out, where there is no room to spare.
    pub(super) fn drop_refused(&mut self) {
        let before = self.rows.len();
        self.rows.retain(|row| !row.is_refused());
        self.forgotten += (before - self.rows.len()) as u64;
        self.refused = 0;
    }

    /// Forgets what has been committed; whether that was anything.
    pub(super) fn mark_clean(&mut self, rows: usize, of: &dyn Fn(i64) -> bool) -> bool {
        let before = self.rows() + self.uses.len();
        let counted = rows.saturating_sub(self.rows.len()).min(self.counted.len());
        self.counted.drain(..counted);
        let written = self.rows.drain(..rows.min(self.rows.len()));
        self.refused -= written.filter(Row::is_refused).count();
        self.uses.retain(|voucher, _| !of(*voucher));
        if rows > 0 && self.forgotten > 0 && self.log.pass(self.latest).is_some() {
            log::warn!("login log: {} rows more than it can take were left out", self.forgotten);
            self.forgotten = 0;
        }
        before != self.rows() + self.uses.len()
    }

    /// Moves the stamps given while the clock was not set.
    pub(super) fn shift(&mut self, seconds: i64) {
        for row in self.rows.iter_mut().filter(|row| !row.clock_is_set) {
            row.entry.value.at = row.entry.value.at.plus(seconds);
            row.clock_is_set = true;
        }
        for latest in self.uses.values_mut().filter(|latest| !latest.clock_is_set) {
            latest.at = latest.at.plus(seconds);
            latest.clock_is_set = true;
        }
    }
}
