//! The table of open sessions at access points, and what they are found by.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::NasSession;
use super::index::Index;
use crate::domain::station::Mac;
use crate::domain::voucher::casefold;
use crate::hotspot::flush::together;
use crate::hotspot::radius_messages::Report;
use crate::store::{SessionRecord, Store, StoreError};

/// Sessions kept in mind at most.
const MOST_OPEN: usize = 4096;

/// Every open session at an access point.
#[derive(Debug, Default)]
pub(in crate::hotspot) struct NasSessions {
    open: BTreeMap<i64, NasSession>,
    /// By client and Acct-Session-Id.
    by_number: Index<(Arc<str>, String)>,
    by_login: Index<String>,
    /// By User-Name as it is reported.
    by_username: Index<String>,
    by_station: Index<Mac>,
    by_class: Index<Vec<u8>>,
}

impl NasSessions {
    pub(in crate::hotspot) fn get(&self, id: i64) -> Option<&NasSession> {
        self.open.get(&id)
    }

    pub(in crate::hotspot) fn get_mut(&mut self, id: i64) -> Option<&mut NasSession> {
        self.open.get_mut(&id)
    }

    pub(in crate::hotspot) fn iter(&self) -> impl Iterator<Item = &NasSession> {
        self.open.values()
    }

    pub(in crate::hotspot) fn len(&self) -> usize {
        self.open.len()
    }

    /// The open sessions that a report may be about: those of its Class, of its number and of its device;
    /// of an access point that numbers none, also those of its name. Some may come twice.
    pub(in crate::hotspot) fn candidates(
        &self,
        report: &Report,
    ) -> impl Iterator<Item = &NasSession> {
        let by_class = report.class.as_ref().and_then(|class| self.by_class.get(class));
        let by_station = report.station.and_then(|station| self.by_station.get(&station));
        let others = match report.session.is_empty() {
            false => {
                let number = (report.nas.client.clone(), report.session.clone());
                [self.by_number.get(&number), None]
            }
            true => {
                let name = casefold(&report.username);
                [self.by_login.get(&name), self.by_username.get(&name)]
            }
        };
        let ids = [by_class, by_station].into_iter().chain(others).flatten().flatten();
        ids.filter_map(|id| self.open.get(id))
    }

    /// The open sessions of the same Acct-Session-Id at the same client, this one included.
    pub(in crate::hotspot) fn twins(
        &self,
        nas_session: &NasSession,
    ) -> impl Iterator<Item = &NasSession> {
        let ids = self.by_number.get(&nas_session.number()).into_iter().flatten();
        ids.filter_map(|id| self.open.get(id))
    }

    /// The open sessions of a login that we let in, the longest first.
    pub(in crate::hotspot) fn of_login(&self, login: &str) -> impl Iterator<Item = &NasSession> {
        let ids = self.by_login.get(&casefold(login)).into_iter().flatten();
        ids.filter_map(|id| self.open.get(id)).filter(|it| it.admitted)
    }

    /// The open sessions of a device.
    pub(in crate::hotspot) fn of_station(&self, station: Mac) -> impl Iterator<Item = &NasSession> {
        let ids = self.by_station.get(&station).into_iter().flatten();
        ids.filter_map(|id| self.open.get(id))
    }

    /// The session that has to go before this one finds room, which may be this one itself. Those
    /// who were never let in yield before those who were, and of either the newest of the client
    /// that has most: whoever floods us floods their own sessions away, and the oldest of those
    /// are the likeliest to be real.
    pub(in crate::hotspot) fn one_too_many(&self, newcomer: &NasSession) -> Option<i64> {
        if self.open.len() < MOST_OPEN {
            return None;
        }
        let all = || self.open.values().chain([newcomer]);
        let admitted = all().all(|it| it.admitted);
        let yields = || all().filter(|it| it.admitted == admitted);
        let mut clients: HashMap<&str, usize> = HashMap::new();
        yields().for_each(|it| *clients.entry(&*it.nas.client).or_default() += 1);
        let (greediest, _) = clients.into_iter().max_by_key(|(name, count)| (*count, *name))?;
        yields().filter(|it| &*it.nas.client == greediest).map(|it| it.id).max()
    }

    pub(in crate::hotspot) fn open(&mut self, nas_session: NasSession) {
        if let Some(station) = nas_session.station {
            self.by_station.insert(station, nas_session.id);
        }
        self.by_number.insert(nas_session.number(), nas_session.id);
        self.by_login.insert(casefold(&nas_session.login), nas_session.id);
        self.by_username.insert(casefold(&nas_session.username), nas_session.id);
        if let Some(class) = &nas_session.class {
            self.by_class.insert(class.clone(), nas_session.id);
        }
        self.open.insert(nas_session.id, nas_session);
    }

    /// Changes a session; of what it is found by, number and Class only.
    pub(in crate::hotspot) fn change(&mut self, id: i64, change: impl FnOnce(&mut NasSession)) {
        let Some(nas_session) = self.open.get_mut(&id) else { return };
        let (number, class) = (nas_session.number(), nas_session.class.clone());
        change(nas_session);
        let (next_number, next_class) = (nas_session.number(), nas_session.class.clone());
        if next_number != number {
            self.by_number.remove(&number, id);
            self.by_number.insert(next_number, id);
        }
        if next_class != class {
            if let Some(class) = class {
                self.by_class.remove(&class, id);
            }
            if let Some(class) = next_class {
                self.by_class.insert(class, id);
            }
        }
    }

    pub(in crate::hotspot) fn close(&mut self, id: i64) -> Option<NasSession> {
        let nas_session = self.open.remove(&id)?;
        self.by_number.remove(&nas_session.number(), id);
        self.by_login.remove(&casefold(&nas_session.login), id);
        self.by_username.remove(&casefold(&nas_session.username), id);
        if let Some(class) = &nas_session.class {
            self.by_class.remove(class, id);
        }
        if let Some(station) = nas_session.station {
            self.by_station.remove(&station, id);
        }
        Some(nas_session)
    }

    /// Moves the stamps that were given while the clock was not set.
    pub(in crate::hotspot) fn shift(&mut self, seconds: i64) {
        for nas_session in self.open.values_mut().filter(|nas_session| !nas_session.clock_is_set) {
            nas_session.started_at = nas_session.started_at.plus(seconds);
            nas_session.admitted_at = nas_session.admitted_at.plus(seconds);
            nas_session.heard_at = nas_session.heard_at.plus(seconds);
            nas_session.clock_is_set = true;
        }
    }

    fn changed(&self) -> impl Iterator<Item = &NasSession> {
        self.open.values().filter(|it| it.admitted && it.written != Some(it.state()))
    }

    /// The vouchers of which something is not written down.
    pub(in crate::hotspot) fn dirty(&self) -> impl Iterator<Item = i64> {
        self.changed().map(|it| together(it.voucher, it.id))
    }

    /// Writes everything of these vouchers into the open transaction; [`NasSessions::mark_clean`] keeps in
    /// mind that it is committed.
    pub(in crate::hotspot) fn flush(
        &self,
        store: &Store,
        of: &dyn Fn(i64) -> bool,
    ) -> Result<(), StoreError> {
        let mut changed = self.changed().filter(|it| of(together(it.voucher, it.id)));
        changed.try_for_each(|nas_session| match nas_session.written {
            // What else is said of it does not change, and costs twice as much flash.
            Some(_) => {
                store.put_session(&SessionRecord { nas_session: None, ..nas_session.record(None) })
            }
            None => store.put_session(&nas_session.record(None)),
        })
    }

    /// Everything of these vouchers has been committed.
    pub(in crate::hotspot) fn mark_clean(&mut self, of: &dyn Fn(i64) -> bool) {
        for nas_session in self.open.values_mut().filter(|it| of(together(it.voucher, it.id))) {
            nas_session.written = Some(nas_session.state());
        }
    }

    /// The store has been replaced by another one.
    pub(in crate::hotspot) fn forget_what_is_written(&mut self) {
        for nas_session in self.open.values_mut() {
            nas_session.written = None;
        }
    }
}
