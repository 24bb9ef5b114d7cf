//! Sessions at access points: the table of those that are open.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::access::Report;
use super::change::Told;
use super::evidence::{SecondStart, since};
use super::fold::together;
use super::replay::whole_seconds;
use super::standing::Standing;
use super::subscriber::reported_time;
use crate::domain::accounting::Progress;
use crate::domain::nas::{Details, Nas};
use crate::domain::session::{TerminateCause, Usage};
use crate::domain::station::Mac;
use crate::domain::time::{Now, Timestamp};
use crate::domain::voucher::fold;
use crate::store::{NasRecord, SessionRecord, Store, StoreError};

/// Sessions kept in mind at most: 5 MB, and 12 MB where everything has its greatest length.
const MOST_OPEN: usize = 4096;

/// A session at an access point.
#[derive(Clone, Debug)]
pub(super) struct Remote {
    pub(super) id: i64,
    /// Whether we let it in. Whom we never let in is shown, and that is all: nothing is charged,
    /// shared, written down or ended for it.
    pub(super) admitted: bool,
    /// 0 is none.
    pub(super) voucher: i64,
    /// Who it is: a voucher's username, or what the access point reports.
    pub(super) login: String,
    pub(super) station: Option<Mac>,
    pub(super) address: Option<IpAddr>,
    pub(super) started_at: Timestamp,
    /// When they were let in for it, where that is known.
    pub(super) admitted_at: Timestamp,
    pub(super) clock_is_set: bool,
    /// Event-Timestamp of its beginning.
    pub(super) stamp: Option<Timestamp>,
    /// The latest Event-Timestamp of its reports.
    pub(super) latest: Option<Timestamp>,
    pub(super) nas: Nas,
    pub(super) unique_id: String,
    /// As the access point reports them.
    pub(super) username: String,
    pub(super) session: String,
    pub(super) details: Details,
    pub(super) connect_stop: Option<String>,
    /// The Class that we gave with the Access-Accept, where it comes back.
    pub(super) class: Option<Vec<u8>>,
    pub(super) progress: Progress,
    /// When we heard of it first, by the boot clock of this start.
    pub(super) opened: Duration,
    /// How long it had lasted by then.
    pub(super) lasted: Duration,
    /// A Start that came while it was open.
    pub(super) second_start: Option<SecondStart>,
    /// When it was last reported, by the boot clock and by the wall clock.
    pub(super) heard: Duration,
    pub(super) heard_at: Timestamp,
    /// By the boot clock.
    pub(super) last_traffic: Duration,
    /// By the boot clock; `None` is never.
    pub(super) deadline: Option<Duration>,
    /// What a user may use in this session, both ways together; vouchers have their own account.
    pub(super) total: Option<u64>,
    pub(super) standing: Standing,
    pub(super) told: Told,
    /// What has been written down.
    pub(super) written: Option<(Duration, Usage)>,
}

impl Remote {
    /// Time used so far.
    pub(super) fn uptime(&self, now: Now) -> Duration {
        self.progress.time() + now.boot.saturating_sub(self.heard)
    }

    /// Time left.
    pub(super) fn time_left(&self, now: Now) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_sub(now.boot))
    }

    /// For the store.
    pub(super) fn record(&self, end: Option<(Timestamp, TerminateCause)>) -> SessionRecord {
        SessionRecord {
            id: self.id,
            voucher: self.voucher,
            login: self.login.clone(),
            mac: self.station,
            network: self.nas.client.to_string(),
            address: self.address.map(|address| address.to_string()),
            started_at: self.started_at,
            clock_is_set: self.clock_is_set,
            time: self.progress.time(),
            usage: self.progress.usage(),
            deadline: self.deadline,
            end,
            remote: Some(Box::new(NasRecord {
                unique_id: self.unique_id.clone(),
                nas: self.nas.clone(),
                username: self.username.clone(),
                session: self.session.clone(),
                updated_at: self.heard_at,
                latest: self.latest,
                details: self.details.clone(),
                connect_stop: self.connect_stop.clone(),
                class: self.class.clone(),
                total_limit: self.total,
                reported_time: self.progress.reported_time(),
                offsets: self.progress.offsets(),
            })),
        }
    }

    /// A session from the store that goes on.
    pub(super) fn again(row: SessionRecord, deadline: Option<Duration>, now: Now) -> Option<Self> {
        let reported = reported_time(&row);
        let remote = *row.remote?;
        // Both are as of the same report; what was used since was written down without them.
        let stamp = remote.latest.map(|at| at.plus(-whole_seconds(remote.reported_time)));
        let latest = stamp.map(|at| at.plus(whole_seconds(remote.reported_time.max(row.time))));
        Some(Self {
            id: row.id,
            // Others are not written down.
            admitted: true,
            voucher: row.voucher,
            login: row.login,
            station: row.mac,
            address: row.address.and_then(|address| address.parse().ok()),
            started_at: row.started_at,
            admitted_at: row.started_at,
            clock_is_set: row.clock_is_set,
            stamp,
            latest,
            nas: remote.nas,
            unique_id: remote.unique_id,
            username: remote.username,
            session: remote.session,
            details: remote.details,
            connect_stop: remote.connect_stop,
            class: remote.class,
            progress: Progress::at(row.time, reported, row.usage, remote.offsets),
            opened: now.boot,
            lasted: since(row.started_at, now).max(row.time),
            second_start: None,
            heard: now.boot,
            heard_at: remote.updated_at,
            last_traffic: now.boot,
            deadline,
            total: remote.total_limit,
            standing: Standing::Open,
            told: Told::default(),
            written: Some((row.time, row.usage)),
        })
    }

    /// Takes over what a report says of the session itself that is so old.
    pub(super) fn follow(&mut self, report: &Report, age: Duration, now: Now) {
        self.latest = self.latest.max(report.stamp);
        // What others send again must not have our orders go to them.
        if self.progress.is_continued_by(&report.reported) {
            self.follow_nas(&report.nas);
        }
        // Orders have to name it as the access point does now, and its Stop may come twice.
        if self.has_class_of(report) && !report.session.is_empty() && self.session != report.session
        {
            self.session.clone_from(&report.session);
            self.written = None;
        }
        let view_point = report.details.view_point;
        if self.details.view_point != view_point {
            self.details.view_point = view_point;
            self.progress.swap_directions();
            self.written = None;
        }
        self.address = report.address.or(self.address);
        self.heard = self.heard.max(now.boot.saturating_sub(age));
        self.heard_at = self.heard_at.max(now.wall.plus(-whole_seconds(age)));
        if report.details.called_station.is_some() {
            self.details.called_station.clone_from(&report.details.called_station);
        }
    }

    /// Whatever the access point leaves out now, it still answers to.
    fn follow_nas(&mut self, nas: &Nas) {
        let identifier = nas.identifier.as_ref().or(self.nas.identifier.as_ref());
        let next = Nas {
            address: nas.address.or(self.nas.address),
            identifier: identifier.cloned(),
            ..nas.clone()
        };
        if self.nas != next {
            self.nas = next;
            self.written = None;
        }
    }

    /// What an operator has to know of it.
    pub(super) fn trouble(&self) -> Option<String> {
        let trouble = self.standing.trouble();
        match (self.admitted, trouble) {
            (true, trouble) => trouble,
            (false, None) => Some("never let in by hotspotd: not counted".to_owned()),
            (false, Some(trouble)) => Some(format!("never let in by hotspotd; {trouble}")),
        }
    }

    /// Whether what a user may use is used up.
    pub(super) fn has_used_all(&self) -> bool {
        let usage = self.progress.usage();
        self.total.is_some_and(|limit| usage.download.saturating_add(usage.upload) >= limit)
    }

    fn number(&self) -> (Arc<str>, String) {
        (self.nas.client.clone(), self.session.clone())
    }

    fn state(&self) -> (Duration, Usage) {
        (self.progress.time(), self.progress.usage())
    }
}

/// Every open session at an access point.
#[derive(Debug, Default)]
pub(super) struct Remotes {
    open: BTreeMap<i64, Remote>,
    /// By client and Acct-Session-Id.
    by_number: HashMap<(Arc<str>, String), BTreeSet<i64>>,
    by_login: HashMap<String, BTreeSet<i64>>,
    /// By User-Name as it is reported.
    by_username: HashMap<String, BTreeSet<i64>>,
    by_station: HashMap<Mac, BTreeSet<i64>>,
    by_class: HashMap<Vec<u8>, BTreeSet<i64>>,
}

impl Remotes {
    pub(super) fn get(&self, id: i64) -> Option<&Remote> {
        self.open.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: i64) -> Option<&mut Remote> {
        self.open.get_mut(&id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Remote> {
        self.open.values()
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// The open sessions that a report may be about: those of its Class, of its number and of its device;
    /// of an access point that numbers none, also those of its name. Some may come twice.
    pub(super) fn candidates(&self, report: &Report) -> impl Iterator<Item = &Remote> {
        let by_class = report.class.as_ref().and_then(|class| self.by_class.get(class));
        let by_station = report.station.and_then(|station| self.by_station.get(&station));
        let others = match report.session.is_empty() {
            false => {
                let number = (report.nas.client.clone(), report.session.clone());
                [self.by_number.get(&number), None]
            }
            true => {
                let name = fold(&report.username);
                [self.by_login.get(&name), self.by_username.get(&name)]
            }
        };
        let ids = [by_class, by_station].into_iter().chain(others).flatten().flatten();
        ids.filter_map(|id| self.open.get(id))
    }

    /// The open sessions of the same Acct-Session-Id at the same client, this one included.
    pub(super) fn twins(&self, remote: &Remote) -> impl Iterator<Item = &Remote> {
        let ids = self.by_number.get(&remote.number()).into_iter().flatten();
        ids.filter_map(|id| self.open.get(id))
    }

    /// The open sessions of a login that we let in, the longest first.
    pub(super) fn of_login(&self, login: &str) -> impl Iterator<Item = &Remote> {
        let ids = self.by_login.get(&fold(login)).into_iter().flatten();
        ids.filter_map(|id| self.open.get(id)).filter(|it| it.admitted)
    }

    /// The open sessions of a device.
    pub(super) fn of_station(&self, station: Mac) -> impl Iterator<Item = &Remote> {
        let ids = self.by_station.get(&station).into_iter().flatten();
        ids.filter_map(|id| self.open.get(id))
    }

    /// The session that has to go before this one finds room, which may be this one itself. Those
    /// who were never let in yield before those who were, and of either the newest of the client
    /// that has most: whoever floods us floods their own sessions away, and the oldest of those
    /// are the likeliest to be real.
    pub(super) fn one_too_many(&self, newcomer: &Remote) -> Option<i64> {
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

    pub(super) fn open(&mut self, remote: Remote) {
        if let Some(station) = remote.station {
            self.by_station.entry(station).or_default().insert(remote.id);
        }
        self.by_number.entry(remote.number()).or_default().insert(remote.id);
        self.by_login.entry(fold(&remote.login)).or_default().insert(remote.id);
        self.by_username.entry(fold(&remote.username)).or_default().insert(remote.id);
        if let Some(class) = &remote.class {
            self.by_class.entry(class.clone()).or_default().insert(remote.id);
        }
        self.open.insert(remote.id, remote);
    }

    /// Changes what the session is found by.
    pub(super) fn change(&mut self, id: i64, change: impl FnOnce(&mut Remote)) {
        if let Some(mut remote) = self.close(id) {
            change(&mut remote);
            self.open(remote);
        }
    }

    pub(super) fn close(&mut self, id: i64) -> Option<Remote> {
        let remote = self.open.remove(&id)?;
        strike(&mut self.by_number, &remote.number(), id);
        strike(&mut self.by_login, &fold(&remote.login), id);
        strike(&mut self.by_username, &fold(&remote.username), id);
        if let Some(class) = &remote.class {
            strike(&mut self.by_class, class, id);
        }
        if let Some(station) = remote.station {
            strike(&mut self.by_station, &station, id);
        }
        Some(remote)
    }

    /// Moves the stamps that were given while the clock was not set.
    pub(super) fn shift(&mut self, seconds: i64) {
        for remote in self.open.values_mut().filter(|remote| !remote.clock_is_set) {
            remote.started_at = remote.started_at.plus(seconds);
            remote.admitted_at = remote.admitted_at.plus(seconds);
            remote.heard_at = remote.heard_at.plus(seconds);
            remote.clock_is_set = true;
        }
    }

    fn changed(&self) -> impl Iterator<Item = &Remote> {
        self.open.values().filter(|it| it.admitted && it.written != Some(it.state()))
    }

    /// The vouchers of which something is not written down.
    pub(super) fn unwritten(&self) -> impl Iterator<Item = i64> {
        self.changed().map(|it| together(it.voucher, it.id))
    }

    /// Writes everything of these vouchers into the open transaction; [`Remotes::settle`] keeps in
    /// mind that it is committed.
    pub(super) fn fold(&self, store: &Store, of: &dyn Fn(i64) -> bool) -> Result<(), StoreError> {
        let mut changed = self.changed().filter(|it| of(together(it.voucher, it.id)));
        changed.try_for_each(|remote| match remote.written {
            // What else is said of it does not change, and costs twice as much flash.
            Some(_) => store.put_session(&SessionRecord { remote: None, ..remote.record(None) }),
            None => store.put_session(&remote.record(None)),
        })
    }

    /// Everything of these vouchers has been committed.
    pub(super) fn settle(&mut self, of: &dyn Fn(i64) -> bool) {
        for remote in self.open.values_mut().filter(|it| of(together(it.voucher, it.id))) {
            remote.written = Some(remote.state());
        }
    }

    /// The store has been replaced by another one.
    pub(super) fn forget_what_is_written(&mut self) {
        for remote in self.open.values_mut() {
            remote.written = None;
        }
    }
}

fn strike<K: std::hash::Hash + Eq>(index: &mut HashMap<K, BTreeSet<i64>>, key: &K, id: i64) {
    if let Some(ids) = index.get_mut(key) {
        ids.remove(&id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}
