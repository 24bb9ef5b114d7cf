//! Sessions at access points; [`NasSessions`] is the table of those that are open.

mod index;
mod table;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::coa::CoaState;
use super::disconnect_state::Standing;
use super::evidence::{SecondStart, since};
use super::radius_messages::Report;
use super::replay::whole_seconds;
use super::subscriber::reported_time;
use crate::domain::accounting::Progress;
use crate::domain::nas::{Details, Nas};
use crate::domain::session::{TerminateCause, Usage};
use crate::domain::station::Mac;
use crate::domain::time::{Now, Timestamp};
use crate::store::{NasRecord, SessionRecord};
pub(super) use table::NasSessions;

/// A session at an access point.
#[derive(Clone, Debug)]
pub(super) struct NasSession {
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
    pub(super) told: CoaState,
    /// What has been written down.
    pub(super) written: Option<(Duration, Usage)>,
}

impl NasSession {
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
            nas_session: Some(Box::new(NasRecord {
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
        let nas_session = *row.nas_session?;
        // Both are as of the same report; what was used since was written down without them.
        let stamp = nas_session.latest.map(|at| at.plus(-whole_seconds(nas_session.reported_time)));
        let latest =
            stamp.map(|at| at.plus(whole_seconds(nas_session.reported_time.max(row.time))));
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
            nas: nas_session.nas,
            unique_id: nas_session.unique_id,
            username: nas_session.username,
            session: nas_session.session,
            details: nas_session.details,
            connect_stop: nas_session.connect_stop,
            class: nas_session.class,
            progress: Progress::at(row.time, reported, row.usage, nas_session.offsets),
            opened: now.boot,
            lasted: since(row.started_at, now).max(row.time),
            second_start: None,
            heard: now.boot,
            heard_at: nas_session.updated_at,
            last_traffic: now.boot,
            deadline,
            total: nas_session.total_limit,
            standing: Standing::Open,
            told: CoaState::default(),
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
