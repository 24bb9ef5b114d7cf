//! Writing down what waits in memory: once a minute, and for whom a session ends, at once.
//!
//! What a voucher has used is written together with all of its sessions, here and elsewhere: after a
//! power cut each goes on from its row, and what it has used since is added to the voucher.

use std::collections::BTreeSet;

use super::Hotspot;
use crate::store::StoreError;

/// Rows of the login log that are kept at most: about 3 MB of flash.
const LOGINS_KEPT: u32 = 20_000;
/// Sessions that have ended and are kept at most, and as many again of users: about 2 MB of flash
/// each.
pub(super) const SESSIONS_KEPT: u32 = 5_000;
/// Vouchers, and rows of the login log, that are written down in one go. Whoever signs in meanwhile
/// waits for it: on MIPS, for about 2 ms each. What is left waits for the next second.
pub(super) const PIECE: usize = 50;
/// In so many goes at most: everything is written down before the next minute begins.
const PIECES: usize = 30;

/// What is to be written down in the next seconds.
#[derive(Default)]
pub(super) struct Unwritten {
    vouchers: BTreeSet<i64>,
    /// Rows of the login log, the oldest.
    rows: usize,
    piece: usize,
}

impl Unwritten {
    /// Whoever is left from the last time comes first: nobody waits for ever.
    fn add(&mut self, vouchers: BTreeSet<i64>, rows: usize) {
        if self.vouchers.is_empty() {
            self.vouchers = vouchers;
        }
        self.rows = rows;
        self.piece = PIECE.max(self.vouchers.len().max(rows).div_ceil(PIECES));
    }

    fn is_empty(&self) -> bool {
        self.vouchers.is_empty() && self.rows == 0
    }

    fn take_piece(&mut self) -> (BTreeSet<i64>, usize) {
        let left = match self.vouchers.iter().nth(self.piece).copied() {
            Some(voucher) => self.vouchers.split_off(&voucher),
            None => BTreeSet::new(),
        };
        let rows = self.rows.min(self.piece);
        self.rows -= rows;
        (std::mem::replace(&mut self.vouchers, left), rows)
    }
}

impl Hotspot {
    /// The vouchers whose usage is not written down, of whose sessions one has ended since, or with
    /// which somebody has signed in.
    pub(super) fn unwritten(&self) -> BTreeSet<i64> {
        let mut vouchers = self.sessions.unwritten();
        vouchers.extend(self.remotes.unwritten());
        vouchers.extend(self.journal.vouchers());
        vouchers
    }

    /// Writes everything down, in one transaction.
    pub(super) fn fold(&mut self) {
        self.upkeep.unwritten = Unwritten::default();
        self.write_down(true, usize::MAX, &|_| true);
    }

    /// Begins to write down what waits now; [`Hotspot::go_on_folding`] goes on.
    pub(super) fn begin_to_fold(&mut self, vouchers: BTreeSet<i64>) {
        self.upkeep.unwritten.add(vouchers, self.journal.rows());
        self.write_piece(true);
    }

    /// Writes some more down, if anything is left.
    pub(super) fn go_on_folding(&mut self) {
        if !self.upkeep.unwritten.is_empty() {
            self.write_piece(false);
        }
    }

    /// Writes down whose sessions have ended, before the kernel forgets what they have used.
    pub(super) fn fold_ended(&mut self) {
        if self.sessions.has_ended() {
            let ended = self.sessions.ended_vouchers();
            self.write_down(false, 0, &|voucher| ended.contains(&voucher));
        }
    }

    fn write_piece(&mut self, with_mark: bool) {
        let (vouchers, rows) = self.upkeep.unwritten.take_piece();
        self.write_down(with_mark, rows, &|voucher| vouchers.contains(&voucher));
    }

    /// What these have used, with their sessions, and so many rows of the login log; with a mark,
    /// also where the clock stands.
    fn write_down(&mut self, with_mark: bool, rows: usize, of: &dyn Fn(i64) -> bool) {
        if rows > 0 && self.short_of_space() {
            // What is kept back is for guests who have paid, not for those who guess.
            self.journal.drop_refused();
        }
        let written = self.try_to_write(with_mark, rows, of);
        if written.is_err() && rows > 0 {
            // On a full disk the log cannot grow, but what is used has its place already.
            let _the_first_error_is_told = self.try_to_write(false, 0, of);
        }
        self.note(&written);
    }

    fn try_to_write(
        &mut self,
        with_mark: bool,
        rows: usize,
        of: &dyn Fn(i64) -> bool,
    ) -> Result<(), StoreError> {
        // Rows of sessions that go on after all may have to be written first.
        let prune = self.upkeep.unwritten.is_empty() && self.upkeep.pruned < self.upkeep.minutes;
        let now = self.clockwork.now;
        self.in_transaction(|hotspot| {
            if with_mark {
                hotspot.store.set_mark(&hotspot.mark())?;
            }
            hotspot.journal.fold(&hotspot.store, rows, of)?;
            hotspot.sessions.fold(&hotspot.store, of, now)?;
            hotspot.remotes.fold(&hotspot.store, of)?;
            if prune {
                hotspot.store.keep_logins(LOGINS_KEPT)?;
                hotspot.store.keep_sessions(SESSIONS_KEPT, now)?;
            }
            Ok(())
        })?;
        if self.journal.settle(rows, of) {
            self.upkeep.snapshot.changed();
        }
        self.sessions.settle(of);
        self.remotes.settle(of);
        if prune {
            self.upkeep.pruned = self.upkeep.minutes;
        }
        Ok(())
    }
}

/// Who is written down together: a voucher with all its sessions. Users have none, and nothing in
/// common: each of their sessions goes by itself.
pub(super) fn together(voucher: i64, session: i64) -> i64 {
    if voucher == 0 { -session } else { voucher }
}
