//! One open session.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::list::Entry;
use crate::domain::login::Grant;
use crate::domain::plan::Plan;
use crate::domain::session::{Allowance, TerminateCause, Usage};
use crate::domain::station::Mac;
use crate::domain::time::{Now, Timestamp};
use crate::domain::voucher::Voucher;
use crate::firewall::{Lane, Pass};
use crate::store::SessionRecord;

/// Addresses of one session's device that are kept in mind; IPv6 privacy addresses come and go.
const MOST_ADDRESSES: usize = 32;

/// That a device was asked whether it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Probed {
    /// By the boot clock.
    pub(super) at: Duration,
    /// Octets it had sent until then.
    pub(super) upload: u64,
}

/// An open session.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) id: i64,
    pub(super) voucher: i64,
    pub(super) login: String,
    pub(super) mac: Mac,
    pub(super) network: Arc<str>,
    pub(super) address: Option<IpAddr>,
    /// Addresses that the device has had since, the newest last.
    pub(super) addresses: Vec<IpAddr>,
    pub(super) started_at: Timestamp,
    pub(super) clock_is_set: bool,
    /// Time used before `since`: in earlier boots, or under an earlier daemon.
    pub(super) before: Duration,
    /// By the boot clock.
    pub(super) since: Duration,
    pub(super) usage: Usage,
    /// What has been written down of `usage`.
    pub(super) written: Option<Usage>,
    /// The totals at which the kernel was told to cut it off.
    pub(super) limit: Allowance,
    /// By the boot clock.
    pub(super) last_traffic: Duration,
    /// When the device was last asked whether it is there, because another one wants its place.
    pub(super) probed: Option<Probed>,
    /// By the boot clock; `None` is never.
    pub(super) deadline: Option<Duration>,
}

impl Session {
    /// A session that was open before; it goes on from here.
    pub(super) fn again(
        row: &SessionRecord,
        mac: Mac,
        network: Arc<str>,
        deadline: Option<Duration>,
        now: Now,
    ) -> Self {
        let address = row.address.as_deref().and_then(|address| address.parse().ok());
        Self {
            id: row.id,
            voucher: row.voucher,
            login: row.login.clone(),
            mac,
            network,
            address,
            addresses: address.into_iter().collect(),
            started_at: row.started_at,
            clock_is_set: row.clock_is_set,
            before: row.time,
            since: now.boot,
            usage: row.usage,
            written: None,
            limit: Allowance::default(),
            last_traffic: now.boot,
            probed: None,
            deadline,
        }
    }

    /// Keeps in mind which addresses the device has.
    pub(super) fn remember(&mut self, addresses: impl Iterator<Item = IpAddr>) {
        for address in addresses {
            if !self.addresses.contains(&address) {
                self.addresses.push(address);
            }
        }
        let too_many = self.addresses.len().saturating_sub(MOST_ADDRESSES);
        self.addresses.drain(..too_many);
    }

    /// Time used so far.
    pub(super) fn uptime(&self, now: Now) -> Duration {
        self.before + now.boot.saturating_sub(self.since)
    }

    /// Time left.
    pub(super) fn time_left(&self, now: Now) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_sub(now.boot))
    }

    /// For the store.
    pub(super) fn record(
        &self,
        now: Now,
        end: Option<(Timestamp, TerminateCause)>,
    ) -> SessionRecord {
        SessionRecord {
            id: self.id,
            voucher: self.voucher,
            login: self.login.clone(),
            mac: Some(self.mac),
            network: self.network.to_string(),
            address: self.address.map(|address| address.to_string()),
            started_at: self.started_at,
            clock_is_set: self.clock_is_set,
            time: self.uptime(now),
            usage: self.usage,
            deadline: self.deadline,
            end,
            nas_session: None,
        }
    }

    /// What the kernel is to let through.
    pub(super) fn pass(&self, plan: &Plan, now: Now) -> Pass {
        let lane = |rate, used, limit| Lane { rate, used, limit };
        Pass {
            mac: self.mac,
            session: self.id,
            voucher: self.voucher,
            time: self.time_left(now),
            download: lane(plan.download_rate, self.usage.download, self.limit.download),
            upload: lane(plan.upload_rate, self.usage.upload, self.limit.upload),
        }
    }
}

/// The end of a grant on the boot clock. While the wall clock is not set, an end that seems to have
/// passed already is no reason to turn anybody away: the true time is unknown.
pub(super) fn deadline(until: Option<Timestamp>, now: Now) -> Option<Duration> {
    let left = until?.unix().saturating_sub(now.wall.unix());
    match u64::try_from(left) {
        Ok(left @ 1..) => Some(now.boot + Duration::from_secs(left)),
        _ if now.wall_is_set => Some(now.boot),
        _ => None,
    }
}

/// What a session begins with.
pub(super) struct NewSession {
    pub(super) entry: Entry<Voucher>,
    pub(super) grant: Grant,
    pub(super) mac: Mac,
    pub(super) network: Arc<str>,
    pub(super) address: Option<IpAddr>,
}
