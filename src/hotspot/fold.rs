//! Writing down what waits in memory: once a minute, and for whom a session ends, at once.
//!
//! What a voucher has used is written together with all of its sessions, here and elsewhere: after a
//! power cut each goes on from its row, and what it has used since is added to the voucher.

use std::collections::BTreeSet;

use super::Hotspot;

/// Rows of the login log that are kept at most: about 3 MB of flash.
const LOGINS_KEPT: u32 = 20_000;
/// Sessions that have ended and are kept at most, and as many again of users: about 2 MB of flash
/// each.
const SESSIONS_KEPT: u32 = 5_000;
/// Vouchers that are written down in one go. Whoever signs in meanwhile waits for it: 2 ms for each
/// on MIPS. Those who are left wait for the next second.
const TOGETHER: usize = 100;

impl Hotspot {
    /// The vouchers whose usage is not written down, or of whose sessions one has ended since.
    pub(super) fn unwritten(&self) -> BTreeSet<i64> {
        let mut vouchers = self.sessions.unwritten();
        vouchers.extend(self.remotes.unwritten());
        vouchers
    }

    /// Writes everything down, in one transaction.
    pub(super) fn fold(&mut self) {
        self.upkeep.unwritten.clear();
        self.fold_rows_and_usage(&|_| true);
    }

    /// Begins to write down what these have used; [`Hotspot::go_on_folding`] goes on.
    pub(super) fn begin_to_fold(&mut self, unwritten: BTreeSet<i64>) {
        self.upkeep.unwritten = unwritten;
        let first = self.next_to_write();
        self.fold_rows_and_usage(&|voucher| first.contains(&voucher));
    }

    /// Writes some more down, if anything is left.
    pub(super) fn go_on_folding(&mut self) {
        if !self.upkeep.unwritten.is_empty() {
            let next = self.next_to_write();
            self.fold_usage(&next);
        }
    }

    /// Writes down whose sessions have ended, before the kernel forgets what they have used.
    pub(super) fn fold_ended(&mut self) {
        if self.sessions.has_ended() {
            self.fold_usage(&self.sessions.ended_vouchers());
        }
    }

    fn next_to_write(&mut self) -> BTreeSet<i64> {
        let unwritten = &mut self.upkeep.unwritten;
        let left = match unwritten.iter().nth(TOGETHER).copied() {
            Some(voucher) => unwritten.split_off(&voucher),
            None => BTreeSet::new(),
        };
        std::mem::replace(unwritten, left)
    }

    /// The log of logins, what these vouchers have used, and where the clock stands.
    fn fold_rows_and_usage(&mut self, of: &dyn Fn(i64) -> bool) {
        if self.short_of_space() {
            // What is kept back is for guests who have paid, not for those who guess.
            self.journal.drop_refused();
        }
        let rows = !self.journal.is_empty();
        let now = self.clockwork.now;
        let folded = self.in_transaction(|hotspot| {
            hotspot.journal.fold(&hotspot.store)?;
            hotspot.sessions.fold(&hotspot.store, of, now)?;
            hotspot.remotes.fold(&hotspot.store, of)?;
            if hotspot.upkeep.pruned < hotspot.upkeep.minutes {
                hotspot.store.keep_logins(LOGINS_KEPT)?;
                hotspot.store.keep_sessions(SESSIONS_KEPT, now)?;
            }
            hotspot.store.set_mark(&hotspot.mark())
        });
        if folded.is_ok() {
            self.journal.settle();
            self.sessions.settle(of);
            self.remotes.settle(of);
            self.upkeep.pruned = self.upkeep.minutes;
            if rows {
                self.upkeep.snapshot.changed();
            }
        }
        self.note(&folded);
    }

    /// What these vouchers have used, and their sessions.
    fn fold_usage(&mut self, vouchers: &BTreeSet<i64>) {
        let of = |voucher| vouchers.contains(&voucher);
        let now = self.clockwork.now;
        let folded = self.in_transaction(|hotspot| {
            hotspot.sessions.fold(&hotspot.store, &of, now)?;
            hotspot.remotes.fold(&hotspot.store, &of)
        });
        if folded.is_ok() {
            self.sessions.settle(&of);
            self.remotes.settle(&of);
        }
        self.note(&folded);
    }
}
