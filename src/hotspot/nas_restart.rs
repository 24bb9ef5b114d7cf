//! Accounting-On and Accounting-Off: an access point starts anew, or goes off.

use std::time::Duration;

use super::access::Nas;
use super::remotes::Remote;
use super::restarts::{Meaning, Said};
use super::{Finish, Hotspot, Reply, send};
use crate::domain::session::TerminateCause;
use crate::domain::time::Now;

/// That the sessions of an access point have ended with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restarted {
    /// How many.
    pub ended: usize,
    /// As [`TakenDown::is_news`](super::TakenDown::is_news).
    pub is_news: bool,
}

impl Hotspot {
    /// An access point has started anew, or goes off: none of its sessions goes on. What was said
    /// with the same Event-Timestamp before is said again by somebody else.
    pub(super) fn nas_restarted(
        &mut self,
        nas: Nas,
        cause: TerminateCause,
        said: Said,
        reply: Reply<Restarted>,
        now: Now,
    ) -> Finish {
        Box::new(move |hotspot, _| {
            let up = Duration::from_secs(60 * hotspot.upkeep.minutes);
            let meaning = hotspot.restarts.weigh(&nas, said, up, now);
            if meaning == Meaning::Again {
                return send(reply, Ok(Restarted::default()));
            }
            let age = hotspot.access_points.age_of_restart(&nas, said.stamp, now);
            if meaning == Meaning::Unset && said.stamp.is_some() {
                hotspot.access_points.forget_clock(&nas);
            }
            let is_news = !hotspot.is_old(age);
            if is_news {
                hotspot.access_points.heard(&nas, now);
            }
            let points = &hotspot.access_points;
            let is_its = |remote: &&Remote| points.same_wherever(&remote.nas, &nas);
            let its = hotspot.remotes.iter().filter(is_its);
            // What has begun since does not end with it.
            let its = its.filter(|it| {
                !it.is_reported_after(said, meaning) && !it.is_heard_since(said.delay, now)
            });
            let ended: Vec<i64> = its.map(|remote| remote.id).collect();
            let client = &nas.client;
            if hotspot.admissions.may_log(client, now.boot) {
                log::info!("radius: {client} says {cause}; {} sessions end with it", ended.len());
            }
            for id in &ended {
                hotspot.close_remote(*id, cause, now);
            }
            let restarted = Restarted { ended: ended.len(), is_news };
            hotspot.answer_once_enforced(move |_| send(reply, Ok(restarted)));
        })
    }
}
