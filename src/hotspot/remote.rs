//! Guests of access points: who is let in there, and what becomes of their sessions.

use super::access::{Access, AccessRequest, Nas, Outcome, Reject, Report};
use super::{Finish, Hotspot, Reply, send};
use crate::domain::session::TerminateCause;
use crate::domain::time::Now;

impl Hotspot {
    pub(super) fn authenticate(
        &mut self,
        _request: AccessRequest,
        reply: Reply<Access>,
        _now: Now,
    ) -> Finish {
        let reject = Reject { message: "Wrong user name.".to_owned(), wrong_password: true };
        Box::new(move |_, _| send(reply, Ok(Access::Reject(reject))))
    }

    pub(super) fn account(&mut self, _report: Report, reply: Reply<()>, _now: Now) -> Finish {
        Box::new(move |_, _| send(reply, Ok(())))
    }

    pub(super) fn nas_restarted(
        &mut self,
        _nas: &Nas,
        _cause: TerminateCause,
        reply: Reply<usize>,
        _now: Now,
    ) -> Finish {
        Box::new(move |_, _| send(reply, Ok(0)))
    }

    pub(super) fn ordered(&mut self, _id: i64, _outcome: Outcome, _now: Now) {}
}
