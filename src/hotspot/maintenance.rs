//! What happens by the clock: when what is folded, forgotten and copied, and what follows when the
//! clock itself changes.

use std::time::Duration;

use tokio::sync::oneshot::Sender;

use super::flush::Dirty;
use super::snapshot::SnapshotSchedule;
use super::space::Space;
use super::{Fault, Hotspot, Reply, Settings, Status, Upkeep, host_names, send};
use crate::domain::plan::Plan;
use crate::domain::time::Now;
use crate::domain::wall::{Mark, Turn};
use crate::store::{BatchId, CheckedBackup, StoreError};

/// Minutes between two writes of the wall clock's mark when nothing else is written.
const MARK_EVERY: u64 = 60;
/// Minutes between two looks at what is old.
const FORGET_EVERY: u64 = 24 * 60;

const DAY: i64 = 24 * 3600;

/// When what was last done or is due, in minutes since the start.
#[derive(Default)]
pub(super) struct Schedule {
    pub(super) minutes: u64,
    marked: u64,
    pub(super) dirty: Dirty,
    forget_due: u64,
    pub(super) snapshot: SnapshotSchedule,
    pub(super) space: Space,
    /// Sessions that have ended since the old ones were forgotten.
    pub(super) ended: usize,
    /// Seconds by which stamps given before the clock was set still have to be moved.
    shift: Option<i64>,
    /// Batches of vouchers that were broken off.
    pub(super) given_up: Vec<BatchId>,
    /// What is wrong with the store.
    trouble: Option<StoreError>,
}

impl Hotspot {
    /// Does what has come up; whoever wants it to stop is told once the rest is written down.
    pub(super) fn handle_events(
        &mut self,
        upkeeps: Vec<Upkeep>,
        mut now: Now,
    ) -> Option<Sender<()>> {
        let mut stop = None;
        for upkeep in upkeeps {
            match upkeep {
                Upkeep::Configure(settings, done) => {
                    self.configure(settings, now);
                    let _ = done.send(());
                }
                Upkeep::Second => {
                    self.every_second(now);
                    self.remove_broken_batches();
                    self.keep_space(now);
                }
                Upkeep::Sightings(sightings) => self.sighted(sightings, now),
                Upkeep::GateLost => self.enforcer.stale = true,
                Upkeep::ClockSynchronised(reply) => now = self.clock_synchronised(reply, now),
                Upkeep::LeasesChanged => self.read_leases(),
                Upkeep::Heard(nas) => self.heard_from(&nas, now),
                Upkeep::ViewPointChanged(nas) => self.view_point_changed(&nas),
                Upkeep::Ordered(id, outcome) => self.ordered(id, outcome, now),
                Upkeep::Changed(id, outcome) => self.changed(id, outcome, now),
                Upkeep::GiveUpBatch(batch) => self.give_up_batch(batch),
                Upkeep::Tick => self.every_minute(now),
                Upkeep::Restore(backup, reply) => self.restore(*backup, reply, now),
                Upkeep::Stop(done) => stop = Some(done),
            }
        }
        // Once for all of them, and not at the end: where nft hangs, each takes seconds.
        if std::mem::take(&mut self.enforcer.stale) && stop.is_none() {
            self.reinstall(now);
        }
        stop
    }

    /// Reads the clocks, and sets right what was stamped before they were.
    pub(super) fn tell_time(&mut self) -> Now {
        let (now, turn) = self.trusted_clock.read();
        self.turn_to(turn);
        now
    }

    /// A hook says that NTP has put the wall clock right. The kernel may not know of it yet:
    /// busybox's ntpd sets the time, which has the kernel take it for not synchronised, runs its
    /// hook, and tells the kernel with its next update only (networking/ntpd.c).
    pub(super) fn clock_synchronised(&mut self, reply: Reply<()>, now: Now) -> Now {
        let Some((now, turn)) = self.trusted_clock.read_as_synchronised() else {
            log::warn!("clock: {}; it is not believed", Fault::ClockTooEarly);
            let _ = reply.send(Err(Fault::ClockTooEarly));
            return now;
        };
        self.turn_to(turn);
        let _ = reply.send(Ok(()));
        now
    }

    fn turn_to(&mut self, turn: Turn) {
        match turn {
            Turn::Steady => {}
            Turn::SteppedBack { by } => {
                log::warn!("clock: synchronised {by} s behind the time so far, which was wrong");
            }
            Turn::BecameSet { shift } => {
                if shift.abs() > 1 {
                    log::info!(
                        "clock: set, {shift} s from the estimate; earlier stamps move along"
                    );
                }
                self.upkeep.shift = Some(shift);
                self.shift_stamps(shift);
            }
        }
    }

    /// Moves the stamps together with the mark that the clock is set: where that fails, both wait
    /// for the next minute, or for the next start.
    fn shift_stamps(&mut self, shift: i64) {
        let moved = self.in_transaction(|hotspot| {
            hotspot.store.shift_unset_stamps(shift)?;
            hotspot.store.set_mark(&hotspot.trusted_clock.mark())
        });
        self.note(&moved);
        if moved.is_ok() {
            self.login_log.shift(shift);
            self.sessions.shift(shift);
            self.nas_sessions.shift(shift);
            let now = self.trusted_clock.now;
            self.correct_deadlines(now);
            self.upkeep.shift = None;
        }
    }

    /// The operator wants it otherwise from now on, for those who are online as well.
    pub(super) fn configure(&mut self, settings: Settings, now: Now) {
        self.host_names = host_names(&settings);
        let before = std::mem::replace(&mut self.settings, settings).preset.plan;
        self.reinstall(now);
        let terms = |plan: &Plan| (plan.download_rate, plan.upload_rate, plan.idle_timeout);
        if terms(&before) != terms(&self.settings.preset.plan) {
            self.send_coa_for_plan();
        }
    }

    /// Where the wall clock stands; not set, as long as the stamps given before still have to be
    /// moved: after a restart they would not be, otherwise.
    pub(super) fn mark(&self) -> Mark {
        let mark = self.trusted_clock.mark();
        Mark { is_set: mark.is_set && self.upkeep.shift.is_none(), ..mark }
    }

    pub(super) fn every_minute(&mut self, now: Now) {
        self.upkeep.minutes += 1;
        let minutes = self.upkeep.minutes;
        if let Some(shift) = self.upkeep.shift {
            self.shift_stamps(shift);
        }
        self.login_log.end_old_repeats(now);
        let dirty = self.dirty();
        if self.login_log.rows() > 0
            || !dirty.is_empty()
            || minutes - self.upkeep.marked >= MARK_EVERY
        {
            self.begin_flush(dirty, now);
            self.upkeep.marked = minutes;
        }
        self.sessions.accounts.forget_the_offline();
        if minutes >= self.upkeep.forget_due {
            // With a clock that is set late, and on a disk that is full for a while, the next
            // minute is another try.
            if self.forget(now) {
                self.upkeep.forget_due = minutes + FORGET_EVERY;
            }
        }
        self.snapshot_when_due(minutes);
    }

    /// Writes everything down before the end.
    pub(super) fn finish(&mut self) {
        let now = self.tell_time();
        self.refresh(Duration::ZERO, now);
        self.login_log.count_all();
        self.flush();
    }

    /// False where it has to be tried again.
    fn forget(&mut self, now: Now) -> bool {
        let days = i64::from(self.settings.login_log_days);
        if days == 0 {
            return true;
        }
        // By a clock that is not set, everything could look old.
        if !now.wall_is_set {
            return false;
        }
        let before = now.wall.plus(-days * DAY);
        let forgotten = self.in_transaction(|hotspot| {
            hotspot.store.forget_sessions(before, now)?;
            hotspot.store.forget_logins(before)
        });
        if let Ok(rows @ 1..) = forgotten {
            log::info!("login log: {rows} rows older than {days} days removed");
        }
        self.note(&forgotten);
        forgotten.is_ok()
    }

    /// What is committed and what waits, as the bytes of a database file.
    pub(super) fn backup(&mut self) -> Result<Vec<u8>, StoreError> {
        self.flush();
        self.store.serialize()
    }

    pub(super) fn restore(&mut self, backup: CheckedBackup, reply: Reply<i64>, now: Now) {
        self.refresh(Duration::ZERO, now);
        self.flush();
        let peers = self.store.nas_peers().unwrap_or_default();
        let restored = self.store.restore(backup, now);
        match &restored {
            Ok(vouchers) => {
                log::info!("store: restored from a backup with {vouchers} vouchers");
                self.upkeep.trouble = None;
                self.upkeep.snapshot.due_at(self.upkeep.minutes);
                self.login_log.restart_after(self.store.last_login_id().unwrap_or(0));
                self.upkeep.snapshot.changed();
                self.find_broken_batches();
                let _the_next_start_makes_another = self.store.set_class_key(self.classes.key());
                // What access points have shown is theirs, and newer than the backup.
                for peer in &peers {
                    let _is_said_again = self.store.put_nas_peer(peer, now.wall);
                }
                let kept = self.keep_to_store(now);
                self.note(&kept);
                self.flush();
            }
            Err(error) => log::error!("store: backup not restored: {error}"),
        }
        send(reply, restored);
    }

    /// How it is doing, also where the store does not answer.
    pub(super) fn status(&mut self, now: Now) -> Status {
        let vouchers = self.store.voucher_count();
        if vouchers.is_err() {
            self.note(&vouchers);
        }
        Status {
            now,
            journal: self.store.journal(),
            vouchers: vouchers.ok(),
            recovery: self.store.recovery().ok().flatten(),
            trouble: self.upkeep.trouble.as_ref().map(ToString::to_string),
            hook: self.enforcer.hook,
            gate_trouble: self.enforcer.trouble.as_ref().map(ToString::to_string),
            sessions: self.sessions.len(),
        }
    }

    pub(super) fn in_transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.store.begin()?;
        match work(self) {
            Ok(value) => self.store.commit().map(|()| value),
            Err(error) => {
                self.store.roll_back();
                Err(error)
            }
        }
    }

    /// Keeps in mind what is wrong with the store, and says it once; and once that it is over.
    /// Damage is not over before the next start, whatever else succeeds.
    pub(super) fn note<T>(&mut self, outcome: &Result<T, StoreError>) {
        let before = self.upkeep.trouble.take();
        self.upkeep.trouble = match (before, outcome.as_ref().err()) {
            (Some(damage @ StoreError::Corrupt(_)), _) => Some(damage),
            (Some(before), Some(trouble)) if before == *trouble => Some(before),
            (_, Some(trouble)) => {
                log::error!("store: {trouble}");
                Some(trouble.clone())
            }
            (Some(StoreError::DiskFull), None) if self.short_of_space() => {
                Some(StoreError::DiskFull)
            }
            (Some(_), None) => {
                log::info!("store: writing works again");
                None
            }
            (None, None) => None,
        };
    }
}
