//! The vouchers behind the open sessions: what they have left, and who uses them.

use std::collections::{BTreeMap, HashMap};

use crate::domain::list::Entry;
use crate::domain::session::{Allowance, Usage};
use crate::domain::station::Mac;
use crate::domain::time::Timestamp;
use crate::domain::voucher::Voucher;
use crate::store::{Store, StoreError};

/// Who is online with a voucher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Member {
    /// A device on a guest network.
    Here(Mac),
    /// A session at an access point, by its number.
    Elsewhere(i64),
}

/// A voucher with open sessions, or with usage that is not written down yet.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) voucher: Voucher,
    pub(super) until: Option<Timestamp>,
    written: Usage,
    /// By session: the longest first.
    members: BTreeMap<i64, Member>,
}

/// Every such voucher, by its number.
#[derive(Debug, Default)]
pub(super) struct QuotaAccounts(HashMap<i64, Account>);

impl QuotaAccounts {
    pub(super) fn get(&self, voucher: i64) -> Option<&Account> {
        self.0.get(&voucher)
    }

    /// A session with this voucher is going to be opened.
    pub(super) fn know(&mut self, entry: &Entry<Voucher>, until: Option<Timestamp>) {
        let account = self.0.entry(entry.id).or_insert_with(|| Account {
            voucher: entry.value.clone(),
            until,
            written: entry.value.used,
            members: BTreeMap::new(),
        });
        account.until = until;
    }

    pub(super) fn join(&mut self, voucher: i64, session: i64, member: Member) {
        if let Some(account) = self.0.get_mut(&voucher) {
            account.members.insert(session, member);
        }
    }

    pub(super) fn leave(&mut self, voucher: i64, session: i64) {
        if let Some(account) = self.0.get_mut(&voucher) {
            account.members.remove(&session);
        }
    }

    /// Who is online with a voucher, the longest first.
    pub(super) fn members(&self, voucher: i64) -> Vec<Member> {
        let account = self.0.get(&voucher);
        account.map(|account| account.members.values().copied().collect()).unwrap_or_default()
    }

    /// The devices on guest networks that are online with a voucher, the longest first.
    pub(super) fn devices(&self, voucher: i64) -> Vec<Mac> {
        let here = |member| match member {
            Member::Here(mac) => Some(mac),
            Member::Elsewhere(_) => None,
        };
        self.members(voucher).into_iter().filter_map(here).collect()
    }

    /// Brings what the store says of a voucher up to what has been used since.
    pub(super) fn update(&self, entry: &mut Entry<Voucher>) {
        if let Some(account) = self.0.get(&entry.id) {
            entry.value.used = account.voucher.used;
        }
    }

    /// How a log line names a voucher. One that is its own passcode goes by its number: no log
    /// line carries a passcode.
    pub(super) fn label(&self, voucher: i64) -> String {
        match self.0.get(&voucher).map(|account| &account.voucher) {
            Some(known) if !known.is_one_code() => known.username.as_str().to_owned(),
            _ => format!("voucher {voucher}"),
        }
    }

    pub(super) fn move_end(&mut self, voucher: i64, until: Option<Timestamp>) {
        if let Some(account) = self.0.get_mut(&voucher) {
            account.until = until;
        }
    }

    /// So much more has been used with a voucher.
    pub(super) fn count(&mut self, voucher: i64, new: Usage) {
        if let Some(account) = self.0.get_mut(&voucher) {
            account.voucher.used = account.voucher.used.plus(new);
        }
    }

    /// What has been used, down and up, is set to this; `written` is what the store has.
    pub(super) fn correct(
        &mut self,
        voucher: i64,
        octets: (Option<u64>, Option<u64>),
        written: Usage,
    ) {
        if let Some(account) = self.0.get_mut(&voucher) {
            let used = &mut account.voucher.used;
            used.download = octets.0.unwrap_or(used.download);
            used.upload = octets.1.unwrap_or(used.upload);
            account.written = written;
        }
    }

    /// What each of a voucher's devices may still use.
    pub(super) fn share(&self, voucher: i64) -> Option<Allowance> {
        let account = self.0.get(&voucher)?;
        Some(account.voucher.data_left().shared_by(account.members.len()))
    }

    /// Nothing is left in the directions (download, upload) that have come to their end: what is
    /// smaller than a packet is not kept for a next time.
    pub(super) fn use_up(&mut self, voucher: i64, depleted: (bool, bool)) {
        let Some(account) = self.0.get_mut(&voucher) else { return };
        let voucher = &mut account.voucher;
        let full = |used: &mut u64, limit: Option<u64>| *used = limit.unwrap_or(*used).max(*used);
        if depleted.0 {
            full(&mut voucher.used.download, voucher.download_limit.bytes());
        }
        if depleted.1 {
            full(&mut voucher.used.upload, voucher.upload_limit.bytes());
        }
    }

    /// The store has been replaced by one that knows these vouchers of those who are online.
    pub(super) fn keep_to(&mut self, mut vouchers: HashMap<i64, Voucher>) {
        self.0.retain(|id, account| {
            let Some(voucher) = vouchers.remove(id) else { return false };
            // What was used since the backup was made stays used.
            let (then, now) = (voucher.used, account.voucher.used);
            account.voucher = Voucher { used: then.plus(now.since(then)), ..voucher };
            account.written = then;
            true
        });
    }

    fn changed(&self) -> impl Iterator<Item = (&i64, &Account)> {
        self.0.iter().filter(|(_, account)| account.written != account.voucher.used)
    }

    /// The vouchers whose usage is not written down.
    pub(super) fn dirty(&self) -> impl Iterator<Item = i64> {
        self.changed().map(|(id, _)| *id)
    }

    /// Writes usage of these vouchers into the open transaction; [`QuotaAccounts::mark_clean`] keeps in mind
    /// that it is committed.
    pub(super) fn flush(&self, store: &Store, of: &dyn Fn(i64) -> bool) -> Result<(), StoreError> {
        let mut changed = self.changed().filter(|(id, _)| of(**id));
        changed.try_for_each(|(id, account)| store.set_used(*id, account.voucher.used))
    }

    /// Everything of these vouchers has been committed.
    pub(super) fn mark_clean(&mut self, of: &dyn Fn(i64) -> bool) {
        for (_, account) in self.0.iter_mut().filter(|(id, _)| of(**id)) {
            account.written = account.voucher.used;
        }
    }

    /// Forgets vouchers with which nobody is online and of which everything is written down. Not in
    /// the middle of a sign-in: it may have read the voucher before that was.
    pub(super) fn forget_the_offline(&mut self) {
        let is_kept = |account: &Account| {
            !account.members.is_empty() || account.written != account.voucher.used
        };
        self.0.retain(|_, account| is_kept(account));
    }
}
