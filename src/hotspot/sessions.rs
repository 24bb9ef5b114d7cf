//! The table of open sessions, and what the vouchers behind them have left.
//!
//! Sessions run on the boot clock: a session's end is a moment of that clock, fixed when it opens,
//! and no jump of the wall clock moves it. What a voucher's devices have used together is kept
//! with the voucher; each session gets a share of what is left, so that the kernel can cut every
//! device off by itself and all of them together never get more than was sold.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::flush::together;
use super::quota::{Member, QuotaAccounts};
use super::session::{NewSession, Session, deadline};
use crate::domain::list::Entry;
use crate::domain::login::Grant;
use crate::domain::session::{Allowance, TerminateCause, Usage};
use crate::domain::station::Mac;
use crate::domain::time::{Now, Timestamp};
use crate::domain::voucher::Voucher;
use crate::firewall::Count;
use crate::store::{SessionRecord, Store, StoreError};

/// Ended sessions kept in memory while the disk is full; the oldest go first.
const MOST_ENDED: usize = 2_000;

/// A share smaller than this is not worth a transaction with the kernel: no full frame fits.
const SMALLEST_SHARE: u64 = 2048;

/// What follows from the counters of one voucher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Everything is in order.
    Continue,
    /// The devices should get new shares of what is left.
    Share,
    /// Nothing is left.
    Over,
}

/// Whether two ends are the same but for the time that passes while they are computed.
pub(super) fn near(a: Option<Duration>, b: Option<Duration>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.abs_diff(b) < Duration::from_secs(2),
        (a, b) => a == b,
    }
}

/// Every open session, keyed by device.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    open: BTreeMap<Mac, Session>,
    pub(super) accounts: QuotaAccounts,
    ended: Vec<SessionRecord>,
    last_id: i64,
}

impl Sessions {
    /// Continues after the highest id that was ever given.
    pub(super) fn after(last_id: i64) -> Self {
        Self { last_id, ..Self::default() }
    }

    pub(super) fn get(&self, mac: Mac) -> Option<&Session> {
        self.open.get(&mac)
    }

    /// With which voucher this device is online.
    pub(super) fn voucher_at(&self, mac: Mac) -> Option<i64> {
        self.open.get(&mac).map(|session| session.voucher)
    }

    pub(super) fn get_mut(&mut self, mac: Mac) -> Option<&mut Session> {
        self.open.get_mut(&mac)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Session> {
        self.open.values()
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// A number that was never given before.
    pub(super) fn next_id(&mut self) -> i64 {
        self.last_id += 1;
        self.last_id
    }

    /// Opens a session for a device that has none.
    pub(super) fn open(&mut self, new: NewSession, now: Now) {
        let id = self.next_id();
        let NewSession { entry, grant, mac, network, address } = new;
        self.accounts.know(&entry, grant.until);
        let session = Session {
            id,
            voucher: entry.id,
            login: entry.value.username.as_str().to_owned(),
            mac,
            network,
            address,
            addresses: address.into_iter().collect(),
            started_at: now.wall,
            clock_is_set: now.wall_is_set,
            before: Duration::ZERO,
            since: now.boot,
            usage: Usage::default(),
            written: None,
            limit: Allowance::default(),
            last_traffic: now.boot,
            probed: None,
            deadline: deadline(grant.until, now),
        };
        self.insert(session);
    }

    fn insert(&mut self, session: Session) {
        self.accounts.join(session.voucher, session.id, Member::Here(session.mac));
        self.open.insert(session.mac, session);
    }

    /// The store has been replaced by one that knows these vouchers of those who are online.
    pub(super) fn keep_to(&mut self, vouchers: HashMap<i64, Voucher>, last_id: i64) {
        self.last_id = self.last_id.max(last_id);
        self.accounts.keep_to(vouchers);
        for session in self.open.values_mut() {
            session.written = None;
        }
    }

    /// Takes a session up again that was open before the daemon was started.
    pub(super) fn reopen(&mut self, session: Session, entry: &Entry<Voucher>, grant: Grant) {
        self.last_id = self.last_id.max(session.id);
        self.accounts.know(entry, grant.until);
        self.insert(session);
    }

    /// Ends a session.
    pub(super) fn close(&mut self, mac: Mac, cause: TerminateCause, now: Now) -> Option<Session> {
        let session = self.open.remove(&mac)?;
        self.accounts.leave(session.voucher, session.id);
        self.write_end(session.record(now, Some((now.wall, cause))));
        Some(session)
    }

    /// A session has ended, wherever it was.
    pub(super) fn write_end(&mut self, record: SessionRecord) {
        if self.ended.len() >= MOST_ENDED {
            self.ended.remove(0);
        }
        self.ended.push(record);
    }

    /// The sessions at access points that have ended and are not written down yet, the oldest first.
    pub(super) fn ended_elsewhere(&self) -> impl DoubleEndedIterator<Item = &SessionRecord> {
        self.ended.iter().filter(|record| record.nas_session.is_some())
    }

    /// A session has not ended after all.
    pub(super) fn forget_end(&mut self, id: i64) {
        self.ended.retain(|record| record.id != id);
    }

    /// A session from the store has ended while nobody was looking.
    pub(super) fn ended(&mut self, row: SessionRecord, cause: TerminateCause, now: Now) {
        self.ended.push(SessionRecord { end: Some((now.wall, cause)), ..row });
    }

    /// A voucher's end has moved; gives the devices whose end has moved along.
    pub(super) fn move_end(
        &mut self,
        voucher: i64,
        until: Option<Timestamp>,
        now: Now,
    ) -> Vec<Mac> {
        self.accounts.move_end(voucher, until);
        let end = deadline(until, now);
        let mut moved = Vec::new();
        for session in self.open.values_mut().filter(|session| session.voucher == voucher) {
            if !near(session.deadline, end) {
                session.deadline = end;
                moved.push(session.mac);
            }
        }
        moved
    }

    /// Takes down what the kernel has counted for one session.
    pub(super) fn count(&mut self, count: &Count, now: Now) {
        let Some(session) = self.open.get_mut(&count.mac) else { return };
        if session.id != count.session {
            return;
        }
        let new = count.usage.since(session.usage);
        if new.upload > 0 {
            session.last_traffic = now.boot;
        }
        session.usage = session.usage.plus(new);
        self.accounts.count(session.voucher, new);
    }

    /// What follows for a voucher once its devices have been counted. `depleted`: some device has
    /// come to its limit in a direction (download, upload).
    pub(super) fn verdict(&self, voucher: i64, depleted: (bool, bool)) -> Verdict {
        let Some(each) = self.accounts.share(voucher) else { return Verdict::Continue };
        let members = self.accounts.members(voucher).len();
        let over = |each: Option<u64>, depleted: bool| {
            each == Some(0) || depleted && each.is_none_or(|each| each < SMALLEST_SHARE)
        };
        let alone = members <= 1;
        if over(each.download, depleted.0)
            || over(each.upload, depleted.1)
            || alone && (depleted.0 || depleted.1)
        {
            return Verdict::Over;
        }
        if depleted.0 || depleted.1 {
            return Verdict::Share;
        }
        let tight = |limit: Option<u64>, used: u64, each: Option<u64>| match (limit, each) {
            (Some(limit), Some(each)) => limit.saturating_sub(used) < each / 2,
            _ => false,
        };
        let is_tight = |session: &Session| {
            tight(session.limit.download, session.usage.download, each.download)
                || tight(session.limit.upload, session.usage.upload, each.upload)
        };
        let devices = self.accounts.devices(voucher);
        let mut sessions = devices.iter().filter_map(|mac| self.open.get(mac));
        if sessions.any(is_tight) { Verdict::Share } else { Verdict::Continue }
    }

    /// Gives every device of a voucher the same share of what is left.
    pub(super) fn share(&mut self, voucher: i64) -> Vec<Mac> {
        let devices = self.accounts.devices(voucher);
        let Some(each) = self.accounts.share(voucher) else { return devices };
        for mac in &devices {
            if let Some(session) = self.open.get_mut(mac) {
                let limit =
                    |each: Option<u64>, used: u64| each.map(|each| used.saturating_add(each));
                session.limit.download = limit(each.download, session.usage.download);
                session.limit.upload = limit(each.upload, session.usage.upload);
            }
        }
        devices
    }

    /// Moves the stamps that were given while the clock was not set.
    pub(super) fn shift(&mut self, seconds: i64) {
        for session in self.open.values_mut().filter(|session| !session.clock_is_set) {
            session.started_at = session.started_at.plus(seconds);
            session.clock_is_set = true;
        }
        for record in self.ended.iter_mut().filter(|record| !record.clock_is_set) {
            record.started_at = record.started_at.plus(seconds);
            record.end = record.end.map(|(at, cause)| (at.plus(seconds), cause));
            record.clock_is_set = true;
        }
    }

    /// Whether a session has ended that is not written down as such.
    pub(super) fn has_ended(&self) -> bool {
        !self.ended.is_empty()
    }

    /// Sessions that have ended and are not written down as such.
    pub(super) fn waiting_ends(&self) -> usize {
        self.ended.len()
    }

    /// The vouchers with which a session has ended that is not written down as such.
    pub(super) fn ended_vouchers(&self) -> BTreeSet<i64> {
        self.ended.iter().map(|it| together(it.voucher, it.id)).collect()
    }

    /// The vouchers of which something is not written down.
    pub(super) fn dirty(&self) -> BTreeSet<i64> {
        let mut vouchers = self.ended_vouchers();
        let changed = self.open.values().filter(|it| it.written != Some(it.usage));
        vouchers.extend(changed.map(|session| session.voucher));
        vouchers.extend(self.accounts.dirty());
        vouchers
    }

    /// Writes everything of these vouchers into the open transaction; [`Sessions::mark_clean`] keeps in
    /// mind that it is committed.
    pub(super) fn flush(
        &self,
        store: &Store,
        of: &dyn Fn(i64) -> bool,
        now: Now,
    ) -> Result<(), StoreError> {
        for record in self.ended.iter().filter(|it| of(together(it.voucher, it.id))) {
            store.put_session(record)?;
        }
        let open = self.open.values().filter(|it| of(it.voucher));
        for session in open.filter(|it| it.written != Some(it.usage)) {
            store.put_session(&session.record(now, None))?;
        }
        self.accounts.flush(store, of)
    }

    /// Everything of these vouchers has been committed.
    pub(super) fn mark_clean(&mut self, of: &dyn Fn(i64) -> bool) {
        self.ended.retain(|it| !of(together(it.voucher, it.id)));
        for session in self.open.values_mut().filter(|it| of(it.voucher)) {
            session.written = Some(session.usage);
        }
        self.accounts.mark_clean(of);
    }
}
