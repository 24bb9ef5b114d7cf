//! Accounting-On and Accounting-Off: an access point starts anew, or goes off.

use std::time::Duration;

use super::nas_sessions::NasSession;
use super::radius_messages::Nas;
use super::restarts::{RestartStamp, RestartTime};
use super::{AfterCommit, Hotspot, Reply, send};
use crate::domain::session::TerminateCause;
use crate::domain::time::Now;

/// That the sessions of an access point have ended with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restarted {
    /// How many.
    pub ended: usize,
    /// As [`TakenDown::is_fresh`](super::TakenDown::is_fresh).
    pub is_fresh: bool,
}

impl Hotspot {
    /// An access point has started, or goes off: none of its sessions goes on. A replay ends nothing.
    pub(super) fn nas_restarted(
        &mut self,
        nas: Nas,
        cause: TerminateCause,
        restart: RestartTime,
        reply: Reply<Restarted>,
        now: Now,
    ) -> AfterCommit {
        Box::new(move |hotspot, _| {
            let up = Duration::from_secs(60 * hotspot.upkeep.minutes);
            let proof = hotspot.restarts.classify(&nas, restart.stamp, up, now);
            if proof == RestartStamp::Repeated {
                return send(reply, Ok(Restarted::default()));
            }
            let age = hotspot.access_points.age_of_restart(&nas, restart.stamp, now);
            if proof == RestartStamp::ClockUnset && restart.stamp.is_some() {
                hotspot.access_points.forget_clock(&nas);
            }
            let is_fresh = !hotspot.is_old(age);
            if is_fresh {
                hotspot.access_points.heard(&nas, now);
            }
            let points = &hotspot.access_points;
            let is_its = |nas_session: &&NasSession| points.same_wherever(&nas_session.nas, &nas);
            let its = hotspot.nas_sessions.iter().filter(is_its);
            // Sessions that have begun since do not end with it.
            let its = its.filter(|it| {
                !it.is_reported_after(restart, proof) && !it.is_heard_since(restart.delay, now)
            });
            let ended: Vec<i64> = its.map(|nas_session| nas_session.id).collect();
            let client = &nas.client;
            if hotspot.admissions.may_log(client, now.boot) {
                log::info!("radius: {client} says {cause}; {} sessions end with it", ended.len());
            }
            for id in &ended {
                hotspot.close_remote(*id, cause, now);
            }
            let restarted = Restarted { ended: ended.len(), is_fresh };
            hotspot.answer_once_enforced(move |_| send(reply, Ok(restarted)));
        })
    }
}
