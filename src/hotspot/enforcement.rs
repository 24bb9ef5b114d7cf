//! Sessions and the kernel: opening, counting, closing, and taking up again what was going on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::connections::Touched;
use super::session::{NewSession, Session};
use super::sessions::Verdict;
use super::{GuestNetwork, Hotspot};
use crate::domain::login::Refusal;
use crate::domain::session::TerminateCause;
use crate::domain::station::Mac;
use crate::domain::time::Now;
use crate::firewall::{AccessChange, Change, Count, Gate, GateError, Hook, Network, Pass};

/// Seconds between two looks at the counters. Time and data end without one; it bounds how late
/// an idle guest is noticed, and what a sudden end of the kernel loses.
const POLL: Duration = Duration::from_secs(10);
/// Before a session's time ends its counters are read a last time: the kernel forgets them then.
const LAST_LOOK: Duration = Duration::from_millis(1500);
/// Guests of whom the kernel is asked one by one; more are found in its list as fast.
const FEW: usize = 16;
/// Counters younger than this are good enough for a list, and where all would have to be read anew
/// with every request.
pub(super) const FRESH: Duration = Duration::from_secs(1);

/// The gate, and what is on its way there.
pub(super) struct Enforcer {
    gate: Box<dyn Gate>,
    /// How it is installed; `None` where that has failed.
    pub(super) hook: Option<Hook>,
    /// Decided, and not yet in force.
    changes: Vec<Change>,
    /// Whose tracked connections may have to be deleted then.
    pub(super) touched: Touched,
    /// When the counters were read, by the boot clock.
    polled: Duration,
    /// Sessions that the kernel did not list then.
    missed: BTreeSet<i64>,
    /// Why it does not work, if it does not.
    pub(super) trouble: Option<GateError>,
    /// What is installed may not be what there should be, since devices or rules have come or gone.
    pub(super) stale: bool,
}

impl Enforcer {
    /// What the kernel has counted for whoever is let through, also by an earlier daemon.
    pub(super) fn counts(&mut self) -> Vec<Count> {
        self.gate.counts().unwrap_or_default()
    }

    pub(super) fn new(gate: Box<dyn Gate>) -> Self {
        let changes = Vec::new();
        let (polled, missed, touched) = (Duration::ZERO, BTreeSet::new(), Touched::default());
        Self { gate, hook: None, changes, touched, polled, missed, trouble: None, stale: false }
    }

    pub(super) fn delete_connections(&mut self, changes: Vec<AccessChange>) {
        self.gate.delete_connections(changes);
    }
}

impl Hotspot {
    /// Brings the kernel to what is wanted, whatever is there.
    pub(super) fn install(&mut self, now: Now) -> Result<(), GateError> {
        self.enforcer.changes.clear();
        let plan = self.settings.preset.plan;
        let has_rates = plan.download_rate > 0 || plan.upload_rate > 0;
        let networks = self.settings.networks.iter().filter(|it| it.enforce);
        let networks: Vec<Network> = networks.map(|network| rules(network, has_rates)).collect();
        let enforced = self.sessions.iter().filter(|session| self.is_enforced(session));
        let passes: Vec<Pass> = enforced.map(|session| session.pass(&plan, now)).collect();
        let installed = self.enforcer.gate.install(&networks, &passes);
        match &installed {
            Ok(Hook::Inet) if self.enforcer.hook != Some(Hook::Inet) => log::warn!(
                "gate: downloads are held in the routing path, since this kernel has no egress hook \
                 or egress_hook is '0'; switch software and hardware flow offload off"
            ),
            Ok(_) => {}
            Err(error) if self.enforcer.trouble.as_ref() != Some(error) => {
                log::error!("gate: {error}; nobody is let through until that is mended");
            }
            Err(_) => {}
        }
        if self.enforcer.trouble.is_some() && installed.is_ok() {
            log::info!("gate: the rules are in force again");
        }
        self.enforcer.hook = installed.as_ref().ok().copied();
        self.enforcer.trouble = installed.as_ref().err().cloned();
        installed.map(|_| self.delete_connections())
    }

    /// Puts what was decided into force, as one transaction with the kernel.
    pub(super) fn enforce(&mut self, now: Now) -> Result<(), GateError> {
        self.flush_ended();
        let changes = std::mem::take(&mut self.enforcer.changes);
        if changes.is_empty() {
            return self.enforcer.trouble.clone().map_or(Ok(()), Err);
        }
        if self.enforcer.trouble.is_none() {
            match self.enforcer.gate.change(&changes) {
                Ok(()) => {
                    self.delete_connections();
                    return Ok(());
                }
                Err(error) => log::debug!("gate: {error}; installing the rules again"),
            }
        }
        self.install(now)
    }

    /// Opens a session and has the kernel let the device through once the batch is enforced.
    pub(super) fn open_session(&mut self, new: NewSession, now: Now) {
        let (mac, voucher) = (new.mac, new.entry.id);
        let addresses = self.hosts.addresses(mac).chain(new.address);
        self.enforcer.touched.add(mac, false, addresses);
        self.sessions.open(new, now);
        self.share(voucher, Some(mac), now);
    }

    /// A guest has gone to another network, where other rules may hold.
    pub(super) fn move_session(&mut self, mac: Mac, network: &Arc<str>, now: Now) {
        self.look_at(self.sessions.voucher_at(mac), Duration::ZERO, now);
        let was_enforced = self.sessions.get(mac).is_some_and(|session| self.is_enforced(session));
        let Some(session) = self.sessions.get_mut(mac) else { return };
        session.network = network.clone();
        let addresses = std::mem::take(&mut session.addresses);
        self.enforcer.touched.add(mac, was_enforced, addresses);
        if self.sessions.get(mac).is_some_and(|session| self.is_enforced(session)) {
            self.admit(mac, now);
        } else {
            self.enforcer.changes.push(Change::Dismiss(mac));
        }
    }

    /// Ends a session; gives what it was.
    pub(super) fn close_session(
        &mut self,
        mac: Mac,
        cause: TerminateCause,
        now: Now,
    ) -> Option<Session> {
        let session = self.sessions.close(mac, cause, now)?;
        self.hosts.hold_back(mac, now);
        if self.is_enforced(&session) {
            self.enforcer.changes.push(Change::Dismiss(mac));
            let addresses = self.hosts.addresses(mac).chain(session.addresses.iter().copied());
            self.enforcer.touched.add(mac, true, addresses);
        }
        log::info!(
            "guest: {mac} is not online any more with {} after {} s, {} octets down, {} up: {cause}",
            self.sessions.accounts.label(session.voucher),
            session.uptime(now).as_secs(),
            session.usage.download,
            session.usage.upload,
        );
        self.share(session.voucher, None, now);
        Some(session)
    }

    /// Gives a voucher's devices their shares of its data, and has the kernel and the access points
    /// told.
    pub(super) fn share(&mut self, voucher: i64, new: Option<Mac>, now: Now) {
        let limited = self
            .sessions
            .accounts
            .get(voucher)
            .is_some_and(|account| !account.voucher.data_left().is_endless());
        let devices = if limited { self.sessions.share(voucher) } else { Vec::new() };
        let concerned: BTreeSet<Mac> = devices.into_iter().chain(new).collect();
        for mac in concerned {
            self.admit(mac, now);
        }
        if limited {
            self.tell_shares(voucher);
        }
    }

    pub(super) fn share_all(&mut self) {
        let vouchers: BTreeSet<i64> = self.sessions.iter().map(|session| session.voucher).collect();
        for voucher in vouchers {
            self.sessions.share(voucher);
        }
    }

    fn admit(&mut self, mac: Mac, now: Now) {
        let Some(session) = self.sessions.get(mac) else { return };
        if self.is_enforced(session) {
            let pass = session.pass(&self.settings.preset.plan, now);
            self.enforcer.changes.push(Change::Admit(pass));
        }
    }

    /// Reads the counters of all who are here with these vouchers, and draws the consequences: one
    /// sees what others have used, and the rest of a thousand need not be asked for that. Where that
    /// does not do, all are read, unless the last look is younger than `age`.
    pub(super) fn look_at(
        &mut self,
        vouchers: impl IntoIterator<Item = i64>,
        age: Duration,
        now: Now,
    ) {
        let vouchers: BTreeSet<i64> = vouchers.into_iter().collect();
        let devices = vouchers.into_iter().flat_map(|it| self.sessions.accounts.devices(it));
        let here = devices.filter_map(|mac| self.sessions.get(mac));
        let enforced = here.filter(|session| self.is_enforced(session));
        let places: BTreeSet<_> = enforced.map(|session| (session.mac, session.id)).collect();
        if places.is_empty() {
            return;
        }
        if !self.enforcer.changes.is_empty() {
            // Whoever was let in a moment ago shall be found.
            let _noted = self.enforce(now);
        }
        match self.counts_of(&places) {
            Some(counts) => {
                self.take_in(&counts, now);
                let _noted = self.enforce(now);
            }
            None => self.refresh(age, now),
        }
    }

    /// What has been counted for these; nothing where one of them has gone, or all rules have.
    fn counts_of(&mut self, places: &BTreeSet<(Mac, i64)>) -> Option<Vec<Count>> {
        if places.len() > FEW {
            return None;
        }
        let gate = &mut self.enforcer.gate;
        places.iter().map(|(mac, session)| gate.count(*mac, *session).ok().flatten()).collect()
    }

    /// Reads the counters where the last look is older than `age`.
    pub(super) fn refresh(&mut self, age: Duration, now: Now) {
        if now.boot.saturating_sub(self.enforcer.polled) >= age {
            self.poll(now);
            let _noted = self.enforce(now);
        }
    }

    /// Reads the counters and draws the consequences.
    fn poll(&mut self, now: Now) {
        self.enforcer.polled = now.boot;
        if self.sessions.len() == 0 {
            return;
        }
        let counts = match self.enforcer.gate.counts() {
            Ok(counts) => counts,
            Err(error) => {
                if self.enforcer.hook != Some(Hook::Nothing) {
                    log::debug!("gate: {error}; installing the rules again");
                }
                let _noted = self.install(now);
                return;
            }
        };
        self.take_in(&counts, now);
        let there = counts.iter().map(|count| (count.mac, count.session)).collect();
        self.admit_the_lost(&there, now);
    }

    fn take_in(&mut self, counts: &[Count], now: Now) {
        let mut depleted: BTreeMap<i64, (bool, bool)> = BTreeMap::new();
        for count in counts {
            self.sessions.count(count, now);
            let (download, upload) = depleted.entry(count.voucher).or_default();
            *download |= count.download_is_over;
            *upload |= count.upload_is_over;
        }
        for (voucher, ends) in depleted {
            self.draw_consequences(voucher, ends, now);
        }
    }

    /// Whoever should be let through and is not listed, twice in a row: the kernel may leave
    /// somebody out of a list while it resizes a set.
    fn admit_the_lost(&mut self, there: &BTreeSet<(Mac, i64)>, now: Now) {
        let is_lost = |session: &&Session| {
            self.is_enforced(session)
                && !there.contains(&(session.mac, session.id))
                && session.time_left(now).is_none_or(|left| left > LAST_LOOK)
        };
        let lost: Vec<(Mac, i64)> =
            self.sessions.iter().filter(is_lost).map(|it| (it.mac, it.id)).collect();
        let missed = std::mem::take(&mut self.enforcer.missed);
        for (mac, session) in lost {
            if missed.contains(&session) {
                self.admit(mac, now);
            } else {
                self.enforcer.missed.insert(session);
            }
        }
    }

    pub(super) fn draw_consequences(&mut self, voucher: i64, depleted: (bool, bool), now: Now) {
        match self.sessions.verdict(voucher, depleted) {
            Verdict::Continue => {}
            Verdict::Share => self.share(voucher, None, now),
            Verdict::Over => {
                self.sessions.accounts.use_up(voucher, depleted);
                for member in self.sessions.accounts.members(voucher) {
                    self.end(member, TerminateCause::DataLimit, now);
                }
            }
        }
    }

    /// Ends what has come to its end.
    pub(super) fn every_second(&mut self, now: Now) {
        let ends_soon = |session: &Session| session.time_left(now).is_some_and(|it| it < LAST_LOOK);
        let soon = self.sessions.iter().any(ends_soon);
        let due = now.boot.saturating_sub(self.enforcer.polled) >= POLL;
        let limit = u64::from(self.settings.preset.plan.idle_timeout);
        let is_idle = |session: &Session| {
            limit > 0 && now.boot.saturating_sub(session.last_traffic).as_secs() >= limit
        };
        // Whoever seems idle may have had traffic since the last look.
        if soon || due || self.sessions.iter().any(is_idle) {
            self.poll(now);
        }
        if due && self.enforcer.trouble.is_some() {
            // Whatever was in the way, nobody tells us when it has gone.
            let _noted = self.install(now);
        }
        self.close_all(TerminateCause::IdleTimeout, now, is_idle);
        self.close_all(TerminateCause::SessionTimeout, now, |session| {
            session.time_left(now) == Some(Duration::ZERO)
        });
        self.watch_remotes(now);
        let _noted = self.enforce(now);
        self.flush_next_batch(now);
    }

    fn close_all(&mut self, cause: TerminateCause, now: Now, is_over: impl Fn(&Session) -> bool) {
        let over = self.sessions.iter().filter(|session| is_over(session));
        for mac in over.map(|session| session.mac).collect::<Vec<_>>() {
            self.close_session(mac, cause, now);
        }
    }

    /// The wall clock is set now: the ends that were estimated before can be told. Only now; a
    /// clock that is set and then jumps moves nobody's end.
    pub(super) fn correct_deadlines(&mut self, now: Now) {
        let here = self.sessions.iter().map(|session| session.voucher);
        let there = self.nas_sessions.iter().map(|nas_session| nas_session.voucher);
        let vouchers: BTreeSet<i64> = here.chain(there).collect();
        for voucher in vouchers {
            let Ok(Some(entry)) = self.store.voucher_by_id(voucher) else { continue };
            let until = match entry.value.admit(&self.settings.preset, now) {
                Ok(grant) => grant.until,
                Err(Refusal::Expired(since)) => Some(since),
                Err(_) => continue,
            };
            for mac in self.sessions.move_end(voucher, until, now) {
                self.admit(mac, now);
            }
            self.move_ends_elsewhere(voucher, until, now);
        }
        let _noted = self.enforce(now);
    }

    /// The configuration, a device or the rules have changed.
    pub(super) fn reinstall(&mut self, now: Now) {
        if !self.gatekeeper_is_idle() {
            self.poll(now);
        }
        let _noted = self.install(now);
    }

    fn gatekeeper_is_idle(&self) -> bool {
        self.sessions.len() == 0 || matches!(self.enforcer.hook, None | Some(Hook::Nothing))
    }

    pub(super) fn is_enforced(&self, session: &Session) -> bool {
        let mut networks = self.settings.networks.iter();
        networks.find(|network| network.name == session.network).is_none_or(|it| it.enforce)
    }
}

fn rules(network: &GuestNetwork, has_rates: bool) -> Network {
    Network {
        device: network.device.clone(),
        portal_port: network.portal_port,
        portal_name: network.portal_name.clone(),
        garden: network.garden.clone(),
        has_rates,
    }
}
