//! The table of open sessions, and what the vouchers behind them have left.
//!
//! Sessions run on the boot clock: a session's end is a moment of that clock, fixed when it opens,
//! and no jump of the wall clock moves it. What a voucher's devices have used together is kept
//! with the voucher; each session gets a share of what is left, so that the kernel can cut every
//! device off by itself and all of them together never get more than was sold.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

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
const MOST_ENDED: usize = 10_000;

/// A share smaller than this is not worth a transaction with the kernel: no full frame fits.
const SMALLEST_SHARE: u64 = 2048;

/// A voucher with open sessions, or with usage that is not written down yet.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) voucher: Voucher,
    pub(super) until: Option<Timestamp>,
    written: Usage,
    /// Who is online with it, by session: the longest first.
    devices: BTreeMap<i64, Mac>,
}

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

/// Every open session, keyed by device.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    open: BTreeMap<Mac, Session>,
    accounts: HashMap<i64, Account>,
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

    pub(super) fn get_mut(&mut self, mac: Mac) -> Option<&mut Session> {
        self.open.get_mut(&mac)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Session> {
        self.open.values()
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn account(&self, voucher: i64) -> Option<&Account> {
        self.accounts.get(&voucher)
    }

    /// The devices that are online with a voucher, the longest first.
    pub(super) fn devices(&self, voucher: i64) -> Vec<Mac> {
        let account = self.accounts.get(&voucher);
        account.map(|account| account.devices.values().copied().collect()).unwrap_or_default()
    }

    /// Brings what the store says of a voucher up to what has been used since.
    pub(super) fn update(&self, entry: &mut Entry<Voucher>) {
        if let Some(account) = self.accounts.get(&entry.id) {
            entry.value.used = account.voucher.used;
        }
    }

    /// How a log line names a voucher. One that is its own passcode goes by its number: no log
    /// line carries a passcode.
    pub(super) fn label(&self, voucher: i64) -> String {
        match self.accounts.get(&voucher).map(|account| &account.voucher) {
            Some(known) if !known.is_one_code() => known.username.as_str().to_owned(),
            _ => format!("voucher {voucher}"),
        }
    }

    /// Opens a session for a device that has none.
    pub(super) fn open(&mut self, new: NewSession, now: Now) {
        self.last_id += 1;
        let NewSession { entry, grant, mac, network, address } = new;
        self.know(&entry, grant.until);
        let session = Session {
            id: self.last_id,
            voucher: entry.id,
            login: entry.value.username.as_str().to_owned(),
            mac,
            network,
            address,
            started_at: now.wall,
            clock_is_set: now.wall_is_set,
            before: Duration::ZERO,
            since: now.boot,
            usage: Usage::default(),
            written: None,
            limit: Allowance::default(),
            last_traffic: now.boot,
            deadline: deadline(grant.until, now),
        };
        self.insert(session);
    }

    fn insert(&mut self, session: Session) {
        if let Some(account) = self.accounts.get_mut(&session.voucher) {
            account.devices.insert(session.id, session.mac);
        }
        self.open.insert(session.mac, session);
    }

    /// The store has been replaced by one that knows these vouchers of those who are online.
    pub(super) fn keep_to(&mut self, mut vouchers: HashMap<i64, Voucher>, last_id: i64) {
        self.last_id = self.last_id.max(last_id);
        self.accounts.retain(|id, account| {
            let Some(voucher) = vouchers.remove(id) else { return false };
            // What was used since the backup was made stays used.
            let (then, now) = (voucher.used, account.voucher.used);
            account.voucher = Voucher { used: then.plus(now.since(then)), ..voucher };
            account.written = then;
            true
        });
        for session in self.open.values_mut() {
            session.written = None;
        }
    }

    /// Takes a session up again that was open before the daemon was started.
    pub(super) fn reopen(&mut self, session: Session, entry: &Entry<Voucher>, grant: Grant) {
        self.last_id = self.last_id.max(session.id);
        self.know(entry, grant.until);
        self.insert(session);
    }

    fn know(&mut self, entry: &Entry<Voucher>, until: Option<Timestamp>) {
        let account = self.accounts.entry(entry.id).or_insert_with(|| Account {
            voucher: entry.value.clone(),
            until,
            written: entry.value.used,
            devices: BTreeMap::new(),
        });
        account.until = until;
    }

    /// Ends a session.
    pub(super) fn close(&mut self, mac: Mac, cause: TerminateCause, now: Now) -> Option<Session> {
        let session = self.open.remove(&mac)?;
        if let Some(account) = self.accounts.get_mut(&session.voucher) {
            account.devices.remove(&session.id);
        }
        if self.ended.len() >= MOST_ENDED {
            self.ended.remove(0);
        }
        self.ended.push(session.record(now, Some((now.wall, cause))));
        Some(session)
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
        if let Some(account) = self.accounts.get_mut(&voucher) {
            account.until = until;
        }
        let end = deadline(until, now);
        let mut moved = Vec::new();
        for session in self.open.values_mut().filter(|session| session.voucher == voucher) {
            let near = |a: Option<Duration>, b: Option<Duration>| match (a, b) {
                (Some(a), Some(b)) => a.abs_diff(b) < Duration::from_secs(2),
                (a, b) => a == b,
            };
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
        if let Some(account) = self.accounts.get_mut(&session.voucher) {
            account.voucher.used = account.voucher.used.plus(new);
        }
    }

    /// What follows for a voucher once its devices have been counted. `depleted`: some device has
    /// come to its limit in a direction (download, upload).
    pub(super) fn verdict(&self, voucher: i64, depleted: (bool, bool)) -> Verdict {
        let Some(account) = self.accounts.get(&voucher) else { return Verdict::Continue };
        let left = account.voucher.data_left();
        let devices = self.devices(voucher);
        let each = Allowance { time: None, ..left.shared_by(devices.len()) };
        let over = |each: Option<u64>, depleted: bool| {
            each == Some(0) || depleted && each.is_none_or(|each| each < SMALLEST_SHARE)
        };
        let alone = devices.len() <= 1;
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
        let mut sessions = devices.iter().filter_map(|mac| self.open.get(mac));
        if sessions.any(is_tight) { Verdict::Share } else { Verdict::Continue }
    }

    /// Gives every device of a voucher the same share of what is left.
    pub(super) fn share(&mut self, voucher: i64) -> Vec<Mac> {
        let devices = self.devices(voucher);
        let Some(account) = self.accounts.get(&voucher) else { return devices };
        let each = account.voucher.data_left().shared_by(devices.len());
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

    /// Nothing is left in the directions (download, upload) that have come to their end: what is
    /// smaller than a packet is not kept for a next time.
    pub(super) fn use_up(&mut self, voucher: i64, depleted: (bool, bool)) {
        let Some(account) = self.accounts.get_mut(&voucher) else { return };
        let voucher = &mut account.voucher;
        let full = |used: &mut u64, limit: Option<u64>| *used = limit.unwrap_or(*used).max(*used);
        if depleted.0 {
            full(&mut voucher.used.download, voucher.download_limit.bytes());
        }
        if depleted.1 {
            full(&mut voucher.used.upload, voucher.upload_limit.bytes());
        }
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

    /// Whether anything has happened that is not written down.
    pub(super) fn is_written(&self) -> bool {
        self.ended.is_empty()
            && self.open.values().all(|session| session.written == Some(session.usage))
            && self.accounts.values().all(|account| account.written == account.voucher.used)
    }

    /// Writes everything into the open transaction; [`Sessions::settle`] keeps in mind that it is
    /// committed.
    pub(super) fn fold(&self, store: &Store, now: Now) -> Result<(), StoreError> {
        for record in &self.ended {
            store.put_session(record)?;
        }
        for session in self.open.values().filter(|it| it.written != Some(it.usage)) {
            store.put_session(&session.record(now, None))?;
        }
        for (id, account) in &self.accounts {
            if account.written != account.voucher.used {
                store.set_used(*id, account.voucher.used)?;
            }
        }
        Ok(())
    }

    /// Everything has been committed.
    pub(super) fn settle(&mut self) {
        self.ended.clear();
        for session in self.open.values_mut() {
            session.written = Some(session.usage);
        }
        for account in self.accounts.values_mut() {
            account.written = account.voucher.used;
        }
    }

    /// Forgets vouchers with which nobody is online and of which everything is written down. Not in
    /// the middle of a sign-in: it may have read the voucher before that was.
    pub(super) fn forget_the_offline(&mut self) {
        let is_kept = |account: &Account| {
            !account.devices.is_empty() || account.written != account.voucher.used
        };
        self.accounts.retain(|_, account| is_kept(account));
    }
}
