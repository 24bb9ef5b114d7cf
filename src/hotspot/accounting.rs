//! Accounting-Requests: what access points report of their sessions, taken down once.

use std::time::Duration;

use md5::{Digest, Md5};

use super::access::{Event, Nas, Report};
use super::accounts::Member;
use super::change::Told;
use super::gate::FRESH;
use super::remotes::Remote;
use super::session::deadline;
use super::standing::Standing;
use super::{Finish, Hotspot, Reply, send};
use crate::domain::accounting::Progress;
use crate::domain::list::Entry;
use crate::domain::login::{Credential, Refusal};
use crate::domain::secret::Secret;
use crate::domain::session::TerminateCause;
use crate::domain::time::{Now, Timestamp};
use crate::domain::voucher::Voucher;
use crate::store::{SessionRecord, StoreError};

/// Two reports of one moment may be this far apart.
const SAME_MOMENT: Duration = Duration::from_secs(2);

/// No session lasts longer. Access points that compute with a clock which is set meanwhile report
/// decades; taken down, everything after that would seem overtaken.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// What is known of a session that is reported.
enum Found {
    Open(i64),
    Ended(Box<SessionRecord>),
    /// Never heard of; whose voucher it is, if it is one.
    Unknown(Option<Box<Entry<Voucher>>>),
}

impl Hotspot {
    /// A session's end is durable before the access point is told that it is taken down; the rest
    /// waits in memory, since the next report says it again.
    pub(super) fn account(&mut self, mut report: Report, reply: Reply<()>, now: Now) -> Finish {
        report.reported.time = report.reported.time.filter(|time| *time <= LONGEST);
        let unique_id = unique_id(&report);
        let found = self.find(&report, &unique_id);
        Box::new(move |hotspot, committed| {
            let found = found.and_then(|found| committed.map(|()| found));
            hotspot.note(&found);
            match found {
                Err(error) => return send(reply, Err(error)),
                Ok(found) => {
                    // An earlier report of the same batch may have changed everything.
                    let found = hotspot.find_in_memory(&unique_id).unwrap_or(found);
                    // What it leaves or takes changes the shares of those who are here.
                    let voucher = hotspot.voucher_found(&found);
                    hotspot.look_at(voucher, FRESH, now);
                    hotspot.take_down(&report, unique_id, found, now);
                }
            }
            let is_end = matches!(report.event, Event::Stop(_));
            hotspot.answer_once_enforced(move |hotspot| {
                let lost = is_end && hotspot.sessions.has_ended();
                send(reply, if lost { Err(StoreError::DiskFull) } else { Ok(()) });
            });
        })
    }

    /// An access point has started anew, or goes off: none of its sessions goes on.
    pub(super) fn nas_restarted(
        &mut self,
        nas: &Nas,
        cause: TerminateCause,
        reply: Reply<usize>,
        now: Now,
    ) -> Finish {
        let nas = nas.clone();
        Box::new(move |hotspot, _| {
            let its = hotspot.remotes.iter().filter(|remote| remote.nas.is(&nas));
            let ended: Vec<i64> = its.map(|remote| remote.id).collect();
            let client = &nas.client;
            log::info!("radius: {client} says {cause}; {} sessions end with it", ended.len());
            for id in &ended {
                hotspot.close_remote(*id, cause, now);
            }
            hotspot.answer_once_enforced(move |_| send(reply, Ok(ended.len())));
        })
    }

    fn find(&self, report: &Report, unique_id: &str) -> Result<Found, StoreError> {
        if let Some(found) = self.find_in_memory(unique_id) {
            return Ok(found);
        }
        match self.store.session_named(unique_id)? {
            Some(row) => Ok(Found::Ended(Box::new(row))),
            None => Ok(Found::Unknown(self.voucher_of(&report.username)?.map(Box::new))),
        }
    }

    fn find_in_memory(&self, unique_id: &str) -> Option<Found> {
        if let Some(remote) = self.remotes.named(unique_id) {
            return Some(Found::Open(remote.id));
        }
        self.sessions.ended_as(unique_id).map(|ended| Found::Ended(Box::new(ended.clone())))
    }

    fn voucher_found(&self, found: &Found) -> Option<i64> {
        match found {
            Found::Open(id) => self.remotes.get(*id).map(|remote| remote.voucher),
            Found::Ended(row) => Some(row.voucher),
            Found::Unknown(entry) => entry.as_ref().map(|entry| entry.id),
        }
    }

    /// The voucher behind a reported name: also behind a code that was typed as one.
    fn voucher_of(&self, username: &str) -> Result<Option<Entry<Voucher>>, StoreError> {
        if let Some(entry) = self.voucher_named(username)? {
            return Ok(Some(entry));
        }
        for (name, passcode) in Credential::Code(Secret::new(username)).meanings() {
            if let Some(entry) = self.voucher_named(&name)?
                && entry.value.passcode.secret().matches(passcode.reveal())
            {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    fn take_down(&mut self, report: &Report, unique_id: String, found: Found, now: Now) {
        match (found, report.event) {
            (Found::Unknown(voucher), _) => self.open_reported(report, unique_id, voucher, now),
            (Found::Open(id), Event::Start) => self.started_again(id, report, unique_id, now),
            (Found::Open(id), _) => self.goes_on(id, report, now),
            (Found::Ended(row), Event::Stop(cause)) => self.ended_again(*row, report, cause, now),
            (Found::Ended(row), Event::Interim) => self.goes_on_after_all(*row, report, now),
            (Found::Ended(row), Event::Start) => {
                let over = row.started_at.plus(whole_seconds(row.time));
                if began(report, now) > over.plus(whole_seconds(SAME_MOMENT)) {
                    // The access point gives its numbers anew.
                    let voucher = self.voucher_of(&report.username).ok().flatten().map(Box::new);
                    self.open_reported(report, unique_id, voucher, now);
                }
            }
        }
    }

    /// A session that is reported for the first time, whatever the report says: its beginning may
    /// have been lost.
    fn open_reported(
        &mut self,
        report: &Report,
        unique_id: String,
        voucher: Option<Box<Entry<Voucher>>>,
        now: Now,
    ) {
        let username = report.username.trim();
        let name = voucher.as_ref().map_or(username, |entry| entry.value.username.as_str());
        let login = name.to_owned();
        let place = self.remotes.claim(&login, report);
        self.close_the_same_device(report, now);
        let id = self.sessions.next_id();
        let mut end = place.as_ref().and_then(|place| place.deadline);
        let revoked = place.as_ref().is_some_and(|place| place.revoked);
        let mut over = revoked.then_some(TerminateCause::AdminReset);
        let plan = self.settings.preset.plan;
        if let Some(entry) = &voucher {
            let (until, refused) = self.join_voucher(entry, id, now);
            end = end.or_else(|| deadline(until, now));
            over = over.or(refused);
        }
        let remote = Remote {
            id,
            voucher: voucher.as_ref().map_or(0, |entry| entry.id),
            login,
            station: report.station,
            address: report.address,
            started_at: began(report, now),
            clock_is_set: now.wall_is_set,
            stamp: report.stamp.filter(|_| report.event == Event::Start),
            nas: report.nas.clone(),
            unique_id,
            username: report.username.clone(),
            session: report.session.clone(),
            details: report.details.clone(),
            connect_stop: None,
            progress: Progress::default(),
            heard: now.boot,
            heard_at: now.wall,
            last_traffic: now.boot,
            deadline: end,
            total: place.as_ref().and_then(|place| place.total),
            standing: Standing::Open,
            told: place.map_or_else(|| Told::presumably(&plan), |place| place.told),
            written: None,
        };
        log::debug!("guest: {} is online at {}", self.label_of_remote(&remote), remote.nas.client);
        self.open_remote(remote, now);
        // First what it has used: its share is of the rest.
        self.goes_on(id, report, now);
        self.share(voucher.map_or(0, |entry| entry.id), None, now);
        match over {
            Some(cause) => self.order_end(id, cause, now),
            None => self.end_the_supernumerary(id, now),
        }
    }

    /// Keeps a session in mind; of too many, the one that was not heard of for the longest is given
    /// up until it is.
    fn open_remote(&mut self, remote: Remote, now: Now) {
        if let Some(id) = self.remotes.one_too_many(&remote.nas.client) {
            self.close_remote(id, TerminateCause::LostService, now);
        }
        self.remotes.open(remote);
    }

    /// A session at an access point uses this voucher: until when it may, or why it may not.
    pub(super) fn join_voucher(
        &mut self,
        entry: &Entry<Voucher>,
        session: i64,
        now: Now,
    ) -> (Option<Timestamp>, Option<TerminateCause>) {
        let admitted = entry.value.admit(&self.settings.preset, now);
        let (until, refused) = match admitted {
            Ok(grant) => (grant.until, None),
            Err(refusal) => (None, Some(cause_of(refusal))),
        };
        self.sessions.accounts.know(entry, until);
        self.sessions.accounts.join(entry.id, session, Member::Elsewhere(session));
        (until, refused)
    }

    /// A device has one session at an access point: the end of an earlier one was lost.
    fn close_the_same_device(&mut self, report: &Report, now: Now) {
        let Some(station) = report.station.filter(|_| report.event == Event::Start) else { return };
        let same = |it: &&Remote| it.station == Some(station) && it.nas.is(&report.nas);
        let earlier: Vec<i64> =
            self.remotes.of_station(station).filter(same).map(|it| it.id).collect();
        for id in earlier {
            self.close_remote(id, TerminateCause::LostService, now);
        }
    }

    /// A beginning that is reported twice, or another session under the same number: an access
    /// point that has started anew and does not say so.
    fn started_again(&mut self, id: i64, report: &Report, unique_id: String, now: Now) {
        let Some(remote) = self.remotes.get(id) else { return };
        let started = now.boot.saturating_sub(report.delay);
        let is_another = match (report.stamp, remote.stamp) {
            // By its own clock, however wrong that is.
            (Some(now), Some(then)) => now.unix().abs_diff(then.unix()) > SAME_MOMENT.as_secs(),
            _ => {
                started > remote.began() + remote.progress.time() + SAME_MOMENT
                    && remote.progress.time() > Duration::ZERO
            }
        };
        if !is_another {
            return self.goes_on(id, report, now);
        }
        self.close_remote(id, TerminateCause::NasReboot, now);
        let voucher = self.voucher_of(&report.username).ok().flatten().map(Box::new);
        self.open_reported(report, unique_id, voucher, now);
    }

    /// Counts, and draws the consequences.
    fn goes_on(&mut self, id: i64, report: &Report, now: Now) {
        let Some(remote) = self.remotes.get_mut(id) else { return };
        remote.follow(report, now);
        let new = match report.event {
            Event::Stop(_) => remote.progress.finish(&report.reported),
            _ => remote.progress.advance(&report.reported),
        };
        if new.upload > 0 {
            remote.last_traffic = now.boot;
        }
        let (voucher, usage) = (remote.voucher, remote.progress.usage());
        let total = usage.download.saturating_add(usage.upload);
        let over = remote.total.is_some_and(|limit| total >= limit);
        self.sessions.accounts.count(voucher, new);
        if let Event::Stop(cause) = report.event {
            if let Some(remote) = self.remotes.get_mut(id) {
                remote.connect_stop.clone_from(&report.details.connect_info);
            }
            self.close_remote(id, cause, now);
        } else if over {
            self.order_end(id, TerminateCause::DataLimit, now);
        }
        self.draw_consequences(voucher, (false, false), now);
    }

    /// The end of a session that has ended already: reported twice, late, or ended by us. Its
    /// counters are the last word.
    fn ended_again(
        &mut self,
        mut row: SessionRecord,
        report: &Report,
        cause: TerminateCause,
        now: Now,
    ) {
        let mut progress = Progress::at(row.time, row.usage);
        let new = progress.finish(&report.reported);
        let ours = row.end.map(|(_, cause)| cause);
        let end =
            (now.wall, ours.filter(|ours| *ours != TerminateCause::LostService).unwrap_or(cause));
        if new == Default::default() && progress.time() == row.time && ours == Some(end.1) {
            return;
        }
        (row.time, row.usage, row.end) = (progress.time(), progress.usage(), Some(end));
        self.add_to_voucher(row.voucher, new);
        self.sessions.write_end(row);
    }

    /// It was given up too early: the access point was out of reach, say.
    fn goes_on_after_all(&mut self, row: SessionRecord, report: &Report, now: Now) {
        let further = report.reported.time.is_some_and(|time| time > row.time + SAME_MOMENT);
        if !further {
            return;
        }
        let (voucher, end) = (row.voucher, row.deadline);
        let Some(remote) = Remote::again(SessionRecord { end: None, ..row }, end, now) else {
            return;
        };
        let id = remote.id;
        self.sessions.forget_end(id);
        let over = match self.store.voucher_by_id(voucher) {
            Ok(Some(entry)) => self.join_voucher(&self.up_to_date(entry), id, now).1,
            Ok(None) if voucher != 0 => Some(TerminateCause::AdminReset),
            _ => None,
        };
        let told = Told::presumably(&self.settings.preset.plan);
        self.open_remote(Remote { written: None, told, ..remote }, now);
        self.goes_on(id, report, now);
        self.share(voucher, None, now);
        match over {
            Some(cause) => self.order_end(id, cause, now),
            None => self.end_the_supernumerary(id, now),
        }
    }

    fn add_to_voucher(&mut self, voucher: i64, new: crate::domain::session::Usage) {
        if let Ok(Some(entry)) = self.store.voucher_by_id(voucher) {
            let entry = self.up_to_date(entry);
            let until = self.sessions.accounts.get(voucher).and_then(|account| account.until);
            self.sessions.accounts.know(&entry, until);
            self.sessions.accounts.count(voucher, new);
        }
    }
}

/// What tells a session from all others: as `acct_unique` of FreeRADIUS 3.2, without the port,
/// which some access points leave out at the end.
fn unique_id(report: &Report) -> String {
    let Nas { client, source, address, identifier } = &report.nas;
    let place = address.unwrap_or(*source);
    let text = format!(
        "{client}\0{place}\0{}\0{}\0{}",
        identifier.as_deref().unwrap_or_default(),
        report.session,
        report.username
    );
    Md5::digest(text).iter().map(|octet| format!("{octet:02x}")).collect()
}

/// When a reported session began.
fn began(report: &Report, now: Now) -> Timestamp {
    let before = report.delay + report.reported.time.unwrap_or_default();
    now.wall.plus(-whole_seconds(before))
}

fn whole_seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

fn cause_of(refusal: Refusal) -> TerminateCause {
    match refusal {
        Refusal::Expired(_) => TerminateCause::SessionTimeout,
        Refusal::UsedUp => TerminateCause::DataLimit,
        _ => TerminateCause::AdminReset,
    }
}
