//! Taking up what was going on: after a restart, a crash, a reboot, another store.

use std::collections::HashMap;

use super::Hotspot;
use super::coa::CoaState;
use super::flush::SESSIONS_KEPT;
use super::known_devices::KNOWN;
use super::nas_sessions::NasSession;
use super::session::{Session, deadline};
use super::sessions::Sessions;
use crate::domain::login::{Grant, Refusal};
use crate::domain::session::TerminateCause;
use crate::domain::time::Now;
use crate::domain::voucher::Voucher;
use crate::firewall::Count;
use crate::store::{SessionRecord, StoreError};

impl Hotspot {
    /// Takes up the sessions that were open before: what the kernel says of them is newer than
    /// what the store says. The same after a restart, a crash and a reboot.
    pub(super) fn resume_sessions(&mut self, same_boot: bool, now: Now) -> Result<(), StoreError> {
        let last_id = self.store.last_session_id()?;
        self.sessions = Sessions::after(last_id);
        let counts = self.enforcer.counts();
        let mut by_session: HashMap<i64, Count> =
            counts.into_iter().map(|count| (count.session, count)).collect();
        for row in self.store.open_sessions()? {
            if row.nas_session.is_some() {
                self.take_up_remote(row, same_boot, now)?;
                continue;
            }
            let is_its = |count: &Count| Some(count.mac) == row.mac && count.voucher == row.voucher;
            let count = by_session.remove(&row.id).filter(is_its);
            match self.take_up(&row, count.as_ref(), same_boot, now)? {
                Ok(()) => {}
                Err(cause) => {
                    if let Some(mac) = row.mac {
                        let address = row.address.as_deref().and_then(|it| it.parse().ok());
                        self.enforcer.touched.add(mac, true, address);
                    }
                    self.sessions.ended(row, cause, now);
                }
            }
        }
        // Opened not long before the daemon was killed: only the kernel knows. Others that were
        // opened later may have been written down. A row says that it has ended, and of those
        // before the last thousands the row may have been forgotten.
        let forgotten = last_id - i64::from(SESSIONS_KEPT);
        for count in by_session.into_values().filter(|count| count.session > forgotten) {
            if self.store.session(count.session)?.is_some() {
                continue;
            }
            let Some(entry) = self.store.voucher_by_id(count.voucher)? else { continue };
            let login = entry.value.username.as_str().to_owned();
            let enforced = self.settings.networks.iter().find(|it| it.enforce);
            let network = enforced.map(|it| it.name.to_string());
            let network = network.unwrap_or_default();
            let row =
                SessionRecord::unwritten(count.session, entry.id, login, count.mac, network, now);
            let _refused = self.take_up(&row, Some(&count), same_boot, now)?;
        }
        self.recall_known_devices()?;
        let open = self.sessions.len() + self.nas_sessions.len();
        if open > 0 {
            log::info!("{open} sessions go on");
        }
        self.share_all();
        let _noted = self.install(now);
        Ok(())
    }

    fn recall_known_devices(&mut self) -> Result<(), StoreError> {
        for (mac, login) in self.store.devices_signed_in(KNOWN as usize)? {
            self.login_throttle.known.add(mac, &login);
        }
        Ok(())
    }

    /// The store has been replaced: whoever is online with a voucher that it does not have is
    /// not any more, and whoever was online when the backup was made is not for that reason.
    pub(super) fn keep_to_store(&mut self, now: Now) -> Result<(), StoreError> {
        let rows = self.store.open_sessions()?;
        let mut vouchers = HashMap::new();
        let online: Vec<Session> = self.sessions.iter().cloned().collect();
        for session in online {
            match self.store.voucher_by_id(session.voucher)? {
                Some(entry) if entry.value.username.as_str() == session.login => {
                    vouchers.insert(entry.id, entry.value);
                }
                _ => drop(self.close_session(session.mac, TerminateCause::AdminReset, now)),
            }
        }
        self.keep_remotes_to_store(&mut vouchers, now)?;
        self.sessions.keep_to(vouchers, self.store.last_session_id()?);
        for row in rows {
            let here = row.mac.and_then(|mac| self.sessions.get(mac));
            let goes_on = here.is_some_and(|session| session.id == row.id);
            if !goes_on && self.nas_sessions.get(row.id).is_none() {
                self.sessions.ended(row, TerminateCause::AdminReset, now);
            }
        }
        let _noted = self.enforce(now);
        Ok(())
    }

    /// Access points go on counting whatever happens here: what they report next is true.
    fn take_up_remote(
        &mut self,
        row: SessionRecord,
        same_boot: bool,
        now: Now,
    ) -> Result<(), StoreError> {
        let (id, voucher) = (row.id, row.voucher);
        let mut end = row.deadline.filter(|_| same_boot);
        let over = match self.store.voucher_by_id(voucher)? {
            Some(mut entry) => {
                self.sessions.accounts.update(&mut entry);
                let (until, refused) = self.join_voucher(&entry, id, now);
                // Within one boot the session's own end counts, whatever the wall clock says now.
                let has_its_own = end.is_some();
                end = end.or_else(|| deadline(until, now));
                refused.filter(|it| !has_its_own || *it != TerminateCause::SessionTimeout)
            }
            None => (voucher != 0).then_some(TerminateCause::AdminReset),
        };
        if let Some(nas_session) = NasSession::again(row, end, now) {
            let told = CoaState::presumably(&self.settings.preset.plan);
            // Its end by the boot clock of another boot is to be replaced in the store as well.
            let written = nas_session.written.filter(|_| same_boot);
            let mut nas_session = NasSession { told, written, ..nas_session };
            nas_session.presume_end(now);
            self.nas_sessions.open(nas_session);
            // By the boot clock of another boot, its end is not known any more.
            match same_boot {
                true => self.recall_interim(id),
                false => self.recall_limits(id, now),
            }
        }
        if let Some(cause) = over {
            self.order_end(id, cause, now);
        }
        Ok(())
    }

    fn keep_remotes_to_store(
        &mut self,
        vouchers: &mut HashMap<i64, Voucher>,
        now: Now,
    ) -> Result<(), StoreError> {
        let of_vouchers = self.nas_sessions.iter().filter(|nas_session| nas_session.voucher != 0);
        let known: Vec<(i64, i64, String)> =
            of_vouchers.map(|it| (it.id, it.voucher, it.login.clone())).collect();
        for (id, voucher, login) in known {
            match self.store.voucher_by_id(voucher)? {
                Some(entry) if entry.value.username.as_str() == login => {
                    vouchers.insert(entry.id, entry.value);
                }
                _ => self.order_end(id, TerminateCause::AdminReset, now),
            }
        }
        self.nas_sessions.forget_what_is_written();
        Ok(())
    }

    fn take_up(
        &mut self,
        row: &SessionRecord,
        count: Option<&Count>,
        same_boot: bool,
        now: Now,
    ) -> Result<Result<(), TerminateCause>, StoreError> {
        let (Some(mut entry), Some(mac)) = (self.store.voucher_by_id(row.voucher)?, row.mac) else {
            return Ok(Err(TerminateCause::AdminReset));
        };
        self.sessions.accounts.update(&mut entry);
        let end = match count {
            Some(count) => count.time.map(|left| now.boot + left),
            None => row.deadline,
        };
        let admitted = entry.value.admit(&self.settings.preset, now);
        let grant = match admitted {
            Ok(grant) => grant,
            Err(Refusal::UsedUp) => return Ok(Err(TerminateCause::DataLimit)),
            // Within one boot the session's own end counts, whatever the wall clock says now.
            Err(_) if same_boot => Grant { until: None, plan: self.settings.preset.plan },
            Err(_) => return Ok(Err(TerminateCause::SessionTimeout)),
        };
        let deadline = if same_boot { end } else { deadline(grant.until, now) };
        if deadline.is_some_and(|deadline| deadline <= now.boot) {
            return Ok(Err(TerminateCause::SessionTimeout));
        }
        let session = Session::again(row, mac, self.network_name(&row.network), deadline, now);
        self.sessions.reopen(session, &entry, grant);
        if let Some(count) = count {
            self.sessions.count(count, now);
        }
        Ok(Ok(()))
    }
}
