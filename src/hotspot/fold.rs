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
pub(super) const SESSIONS_KEPT: u32 = 5_000;
/// Vouchers that are written down in one go. Whoever signs in meanwhile waits for it: on MIPS, for
/// some milliseconds each. Those who are left wait for the next second.
pub(super) const PIECE: usize = 100;

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
        self.write_down(true, &|_| true);
    }

    /// Begins to write down what these have used; [`Hotspot::go_on_folding`] goes on. Whoever is
    /// left from the last time comes first: nobody waits for ever.
    pub(super) fn begin_to_fold(&mut self, unwritten: BTreeSet<i64>) {
        if self.upkeep.unwritten.is_empty() {
            self.upkeep.unwritten = unwritten;
        }
        let first = self.next_to_write();
        self.write_down(true, &|voucher| first.contains(&voucher));
    }

    /// Writes some more down, if anything is left.
    pub(super) fn go_on_folding(&mut self) {
        if !self.upkeep.unwritten.is_empty() {
            let next = self.next_to_write();
            self.write_down(false, &|voucher| next.contains(&voucher));
        }
    }

    /// Writes down whose sessions have ended, before the kernel forgets what they have used.
    pub(super) fn fold_ended(&mut self) {
        if self.sessions.has_ended() {
            let ended = self.sessions.ended_vouchers();
            self.write_down(false, &|voucher| ended.contains(&voucher));
        }
    }

    fn next_to_write(&mut self) -> BTreeSet<i64> {
        let unwritten = &mut self.upkeep.unwritten;
        let left = match unwritten.iter().nth(PIECE).copied() {
            Some(voucher) => unwritten.split_off(&voucher),
            None => BTreeSet::new(),
        };
        std::mem::replace(unwritten, left)
    }

    /// What these have used, with their sessions; with `rows` also the log of logins, and where the
    /// clock stands.
    fn write_down(&mut self, rows: bool, of: &dyn Fn(i64) -> bool) {
        if rows && self.short_of_space() {
            // What is kept back is for guests who have paid, not for those who guess.
            self.journal.drop_refused();
        }
        let rows_wait = rows && !self.journal.is_empty();
        // Rows of sessions that go on after all may have to be written first.
        let prune = self.upkeep.unwritten.is_empty() && self.upkeep.pruned < self.upkeep.minutes;
        let now = self.clockwork.now;
        let folded = self.in_transaction(|hotspot| {
            if rows {
                hotspot.journal.fold(&hotspot.store)?;
                hotspot.store.set_mark(&hotspot.mark())?;
            }
            hotspot.sessions.fold(&hotspot.store, of, now)?;
            hotspot.remotes.fold(&hotspot.store, of)?;
            if prune {
                hotspot.store.keep_logins(LOGINS_KEPT)?;
                hotspot.store.keep_sessions(SESSIONS_KEPT, now)?;
            }
            Ok(())
        });
        if folded.is_ok() {
            if rows {
                self.journal.settle();
            }
            self.sessions.settle(of);
            self.remotes.settle(of);
            if prune {
                self.upkeep.pruned = self.upkeep.minutes;
            }
            if rows_wait {
                self.upkeep.snapshot.changed();
            }
        }
        self.note(&folded);
    }
}

/// Who is written down together: a voucher with all its sessions. Users have none, and nothing in
/// common: each of their sessions goes by itself.
pub(super) fn together(voucher: i64, session: i64) -> i64 {
    if voucher == 0 { -session } else { voucher }
}
