//! Accounting-Requests: what access points report of their sessions, taken down once.

use std::time::Duration;

use md5::{Digest, Md5};

use super::access::{Event, Nas, Report};
use super::change::Told;
use super::gate::FRESH;
use super::remotes::Remote;
use super::replay::{SAME_MOMENT, begins_another, ends_an_earlier_one, whole_seconds};
use super::{Fault, Finish, Hotspot, Reply, send};
use crate::domain::accounting::Progress;
use crate::domain::list::Entry;
use crate::domain::login::Credential;
use crate::domain::secret::Secret;
use crate::domain::session::TerminateCause;
use crate::domain::time::{Now, Timestamp};
use crate::domain::voucher::Voucher;
use crate::store::{SessionRecord, StoreError};

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
                    if !hotspot.take_down(&report, unique_id.clone(), found, now) {
                        let _nobody_waits_any_more = reply.send(Err(Fault::TooManySessions));
                        return;
                    }
                    hotspot.heard_from(&report.nas, now);
                }
            }
            let is_end = matches!(report.event, Event::Stop(_));
            hotspot.answer_once_enforced(move |hotspot| {
                let lost = is_end && hotspot.sessions.ended_as(&unique_id).is_some();
                send(reply, if lost { Err(StoreError::DiskFull) } else { Ok(()) });
            });
        })
    }

    /// An access point has started anew, or goes off: none of its sessions goes on. What was said
    /// with the same Event-Timestamp before is said again by somebody else.
    pub(super) fn nas_restarted(
        &mut self,
        nas: Nas,
        cause: TerminateCause,
        stamp: Option<Timestamp>,
        reply: Reply<usize>,
        now: Now,
    ) -> Finish {
        Box::new(move |hotspot, _| {
            if !hotspot.restarts.is_new(&nas, stamp) {
                return send(reply, Ok(0));
            }
            let its = hotspot.remotes.iter().filter(|remote| remote.nas.is(&nas));
            let ended: Vec<i64> = its.map(|remote| remote.id).collect();
            let client = &nas.client;
            if hotspot.admissions.may_log(client, now.boot) {
                log::info!("radius: {client} says {cause}; {} sessions end with it", ended.len());
            }
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
    pub(super) fn voucher_of(&self, username: &str) -> Result<Option<Entry<Voucher>>, StoreError> {
        if let Some(entry) = self.voucher_named(username)? {
            return Ok(Some(entry));
        }
        for meaning in Credential::Code(Secret::new(username)).meanings() {
            if let Some(entry) = self.voucher_named(&meaning.username)?
                && entry.value.opens_as(&meaning)
            {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// False where it shall be reported again later.
    fn take_down(&mut self, report: &Report, unique_id: String, found: Found, now: Now) -> bool {
        match (found, report.event) {
            (Found::Unknown(voucher), _) => {
                return self.open_reported(report, unique_id, voucher, now);
            }
            (Found::Open(id), _) if self.is_admitted_since(id, report, now) => {
                self.close_remote(id, TerminateCause::LostService, now);
                return self.open_again(report, unique_id, now);
            }
            (Found::Open(id), Event::Start) => {
                return self.started_again(id, report, unique_id, now);
            }
            (Found::Open(id), Event::Stop(_)) if self.is_of_an_earlier_one(id, report) => {}
            (Found::Open(id), _) => self.goes_on(id, report, now),
            (Found::Ended(row), Event::Stop(cause)) => self.ended_again(*row, report, cause, now),
            (Found::Ended(row), Event::Interim) => self.goes_on_after_all(*row, report, now),
            (Found::Ended(row), Event::Start) => {
                let latest = row.remote.as_ref().and_then(|remote| remote.latest);
                let is_let_in = self.place_is_kept_since(ended(&row, now), report, now);
                if begins_another(report.stamp, latest, is_let_in) {
                    // The access point gives its numbers anew.
                    return self.open_again(report, unique_id, now);
                }
            }
        }
        true
    }

    fn open_again(&mut self, report: &Report, unique_id: String, now: Now) -> bool {
        let voucher = self.voucher_of(&report.username).ok().flatten().map(Box::new);
        self.open_reported(report, unique_id, voucher, now)
    }

    fn is_of_an_earlier_one(&self, id: i64, report: &Report) -> bool {
        let began = self.remotes.get(id).and_then(|remote| remote.stamp);
        ends_an_earlier_one(report.stamp, began)
    }

    /// A beginning that is reported twice, or another session under the same number: an access
    /// point that has started anew and does not say so.
    fn started_again(&mut self, id: i64, report: &Report, unique_id: String, now: Now) -> bool {
        let Some(remote) = self.remotes.get(id) else { return true };
        let (known, opened) = (remote.stamp, remote.opened);
        let is_let_in = remote.admitted && self.place_is_kept_since(opened, report, now);
        if !begins_another(report.stamp, known, is_let_in) {
            self.goes_on(id, report, now);
            return true;
        }
        self.close_remote(id, TerminateCause::NasReboot, now);
        self.open_again(report, unique_id, now)
    }

    /// Counts, and draws the consequences.
    pub(super) fn goes_on(&mut self, id: i64, report: &Report, now: Now) {
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
                if !remote.admitted {
                    self.admissions.has_ended(&remote.unique_id);
                }
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
        let latest = row.remote.as_ref().and_then(|remote| remote.latest);
        let began = latest.map(|at| at.plus(-whole_seconds(row.time)));
        if ends_an_earlier_one(report.stamp, began) {
            return;
        }
        let mut progress = Progress::at(row.time, row.usage);
        let counted_from = row.remote.as_ref().map(|remote| remote.details.view_point);
        if counted_from.is_some_and(|counted| counted != report.details.view_point) {
            progress.turn_round();
        }
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
        let told = Told::presumably(&self.settings.preset.plan);
        let mut remote = Remote { written: None, told, ..remote };
        remote.presume_end(now);
        if !self.open_remote(remote, now) {
            return;
        }
        let over = match self.store.voucher_by_id(voucher) {
            Ok(Some(entry)) => self.join_voucher(&self.up_to_date(entry), id, now).1,
            Ok(None) if voucher != 0 => Some(TerminateCause::AdminReset),
            _ => None,
        };
        self.goes_on(id, report, now);
        self.share(voucher, None, now);
        match over {
            Some(cause) => self.order_end(id, cause, now),
            None => self.end_the_supernumerary(id, false, now),
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

/// When a session ended at the earliest, by the boot clock: rows have whole seconds.
fn ended(row: &SessionRecord, now: Now) -> Duration {
    let at = row.end.map_or(0, |(at, _)| at.unix());
    let ago = u64::try_from(now.wall.unix().saturating_sub(at)).unwrap_or(0);
    now.boot.saturating_sub(Duration::from_secs(ago.saturating_add(1)))
}
