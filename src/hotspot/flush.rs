//! Writing down what waits in memory: once a minute, piece by piece, and for whom a session ends, at
//! once.
//!
//! What a voucher has used is written together with all of its sessions, here and elsewhere: after a
//! power cut each goes on from its row, and what it has used since is added to the voucher.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Hotspot;
use crate::domain::time::Now;
use crate::store::StoreError;

/// Rows of the login log that are kept at most: about 3 MB of flash.
const LOGINS_KEPT: u32 = 20_000;
/// Sessions that have ended and are kept at most, and as many again of users: about 2 MB of flash
/// each.
pub(super) const SESSIONS_KEPT: u32 = 5_000;
/// Octets of all these together: rows whose texts access points have made long are fewer.
const SESSION_OCTETS: u32 = 3 << 20;
/// Sessions that end before the old ones are forgotten, where that is not a minute.
const FORGET_AFTER: usize = 500;
/// Vouchers that are written down in one go, with as many rows of the login log. Whoever signs in
/// meanwhile waits for it: on MIPS, for some 3 ms each. What is left waits for the next second.
pub(super) const PIECE: usize = 50;
/// In so many goes at most: everything is written down before the next minute begins.
const PIECES: usize = 30;
/// Where seconds wait for their turn, they come at once; others want theirs between two pieces.
const BETWEEN: Duration = Duration::from_millis(500);

/// What is to be written down in the next seconds.
#[derive(Default)]
pub(super) struct Dirty {
    /// As [`together`] has them.
    vouchers: BTreeSet<i64>,
    /// Rows of the login log, the oldest.
    rows: usize,
    /// How much of it at once.
    piece: usize,
    /// When the last piece was written.
    at: Duration,
}

impl Dirty {
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

    fn take_piece(&mut self, now: Now) -> Piece {
        let left = match self.vouchers.iter().nth(self.piece).copied() {
            Some(voucher) => self.vouchers.split_off(&voucher),
            None => BTreeSet::new(),
        };
        let vouchers = std::mem::replace(&mut self.vouchers, left);
        let rows = self.rows.min(self.piece);
        self.rows -= rows;
        self.at = now.boot;
        // Rows of sessions that go on after all may have to be written first.
        Piece { vouchers: Some(vouchers), rows, mark: false, prune: self.is_empty() }
    }
}

/// What is written in one transaction.
struct Piece {
    /// What these have used, with their sessions; without any, what all have used.
    vouchers: Option<BTreeSet<i64>>,
    /// So many rows of the login log.
    rows: usize,
    /// Where the clock stands.
    mark: bool,
    /// That rows beyond what is kept are forgotten.
    prune: bool,
}

impl Hotspot {
    /// The vouchers whose usage is not written down, of whose sessions one has ended since, or with
    /// which somebody has signed in.
    pub(super) fn dirty(&self) -> BTreeSet<i64> {
        let mut vouchers = self.sessions.dirty();
        vouchers.extend(self.nas_sessions.dirty());
        vouchers.extend(self.login_log.vouchers());
        vouchers
    }

    /// Writes everything down, in one transaction.
    pub(super) fn flush(&mut self) {
        self.upkeep.dirty = Dirty::default();
        self.write_down(Piece { vouchers: None, rows: usize::MAX, mark: true, prune: false });
    }

    /// Writes every open session into the open transaction; the next fold writes it again where it
    /// changes.
    pub(super) fn write_open_sessions(&self) -> Result<(), StoreError> {
        let all = |_| true;
        self.sessions.flush(&self.store, &all, self.trusted_clock.now)?;
        self.nas_sessions.flush(&self.store, &all)
    }

    /// Begins to write down what waits now; [`Hotspot::flush_next_batch`] goes on.
    pub(super) fn begin_flush(&mut self, vouchers: BTreeSet<i64>, now: Now) {
        self.upkeep.dirty.add(vouchers, self.login_log.rows());
        let piece = self.upkeep.dirty.take_piece(now);
        self.write_down(Piece { mark: true, ..piece });
    }

    /// Writes some more down, if anything is left.
    pub(super) fn flush_next_batch(&mut self, now: Now) {
        let dirty = &mut self.upkeep.dirty;
        if !dirty.is_empty() && now.boot.saturating_sub(dirty.at) >= BETWEEN {
            let piece = dirty.take_piece(now);
            self.write_down(piece);
        }
    }

    /// Writes down whose sessions have ended, before the kernel forgets what they have used.
    pub(super) fn flush_ended(&mut self) {
        if !self.sessions.has_ended() {
            return;
        }
        let mut vouchers = self.sessions.ended_vouchers();
        if self.short_of_space() {
            let made = self.make_space(self.trusted_clock.now);
            self.note(&made);
            if self.short_of_space() {
                // What is kept back is for guests who have paid: others' wait in memory, and the
                // access point reports them again.
                vouchers.retain(|voucher| *voucher > 0);
            }
        }
        let prune = self.upkeep.ended >= FORGET_AFTER;
        self.write_down(Piece { vouchers: Some(vouchers), rows: 0, mark: false, prune });
    }

    fn write_down(&mut self, mut piece: Piece) {
        if piece.rows > 0 && self.short_of_space() {
            // What is kept back is for guests who have paid, not for those who guess.
            self.login_log.drop_refused();
        }
        let written = self.try_to_write(&piece);
        if written.is_err() && piece.rows > 0 {
            // The log needs room to grow; what is known already, as a rule, does not.
            piece.rows = 0;
            self.upkeep.dirty.rows = 0;
            piece.prune |= self.upkeep.dirty.is_empty();
            let _the_first_error_is_told = self.try_to_write(&piece);
        }
        self.note(&written);
    }

    fn try_to_write(&mut self, piece: &Piece) -> Result<(), StoreError> {
        let vouchers = piece.vouchers.as_ref();
        let of = |voucher: i64| vouchers.is_none_or(|these| these.contains(&voucher));
        let now = self.trusted_clock.now;
        let before = self.sessions.waiting_ends();
        let many = self.upkeep.ended >= FORGET_AFTER;
        self.in_transaction(|hotspot| {
            if piece.mark {
                hotspot.store.set_mark(&hotspot.mark())?;
            }
            hotspot.login_log.flush(&hotspot.store, piece.rows, &of)?;
            hotspot.sessions.flush(&hotspot.store, &of, now)?;
            hotspot.nas_sessions.flush(&hotspot.store, &of)?;
            if piece.prune {
                hotspot.store.keep_logins(LOGINS_KEPT)?;
                hotspot.store.keep_sessions(SESSIONS_KEPT, now)?;
            }
            if piece.prune && many {
                hotspot.store.keep_session_octets(SESSION_OCTETS)?;
            }
            Ok(())
        })?;
        if self.login_log.mark_clean(piece.rows, &of) {
            self.upkeep.snapshot.changed();
        }
        self.sessions.mark_clean(&of);
        self.nas_sessions.mark_clean(&of);
        if piece.prune && many {
            self.upkeep.ended = 0;
        }
        self.upkeep.ended += before - self.sessions.waiting_ends();
        Ok(())
    }
}

/// Who is written down together: a voucher with all its sessions. Users have none, and nothing in
/// common: each of their sessions goes by itself.
pub(super) fn together(voucher: i64, session: i64) -> i64 {
    if voucher == 0 { -session } else { voucher }
}
