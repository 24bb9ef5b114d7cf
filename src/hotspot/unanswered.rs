//! Orders that an access point has not answered, and that it is given again as soon as it is heard:
//! it was out of reach, or knows us by an address that has only now come to light.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Hotspot;
use super::disconnect::ASK_AGAIN;
use super::disconnect_state::Standing;
use super::radius_messages::{Nas, Outcome};
use crate::domain::time::Now;

/// Sessions whose access points have left an order unanswered.
#[derive(Debug, Default)]
pub(super) struct Unanswered {
    /// That were to end, and from when they may be asked for again, by the boot clock: an access point
    /// that reports and takes no orders is not asked with every report.
    ends: BTreeMap<i64, Duration>,
    /// That were to be changed, and have not been asked for again.
    changes: BTreeSet<i64>,
    /// That were to be changed, and have been.
    changed_again: BTreeSet<i64>,
}

impl Unanswered {
    /// Whether any order waits until its access point is heard.
    pub(super) fn is_any(&self) -> bool {
        !self.ends.is_empty() || !self.changes.is_empty()
    }

    /// A session that was to end goes on, as far as anybody knows.
    pub(super) fn end(&mut self, id: i64, now: Now) {
        self.ends.entry(id).or_insert(now.boot);
    }

    /// Whether a session was to end, and no answer came.
    pub(super) fn was_to_end(&self, id: i64) -> bool {
        self.ends.contains_key(&id)
    }

    /// A session was to be changed; whether another try is to come.
    pub(super) fn change(&mut self, id: i64) -> bool {
        let again = !self.changed_again.contains(&id);
        if again {
            self.changes.insert(id);
        }
        again
    }

    /// A session was to be changed, and its access point was not asked.
    pub(super) fn postpone(&mut self, id: i64) {
        self.changed_again.remove(&id);
        self.changes.insert(id);
    }

    /// The session has ended.
    pub(super) fn forget(&mut self, id: i64) {
        self.ends.remove(&id);
        self.changes.remove(&id);
        self.changed_again.remove(&id);
    }
}

impl Hotspot {
    /// Something has come from an access point.
    pub(super) fn heard_from(&mut self, nas: &Nas, now: Now) {
        let Unanswered { ends, changes, .. } = &self.unanswered;
        let is_its = |id: &i64| {
            let nas_session = self.nas_sessions.get(*id);
            nas_session.is_some_and(|it| it.nas.client == nas.client && it.nas.source == nas.source)
        };
        let due = ends.iter().filter(|(_, from)| now.boot >= **from).map(|(id, _)| *id);
        let ends: Vec<i64> = due.filter(is_its).collect();
        let changes: Vec<i64> = changes.iter().copied().filter(is_its).collect();
        for id in ends {
            let standing = self.nas_sessions.get(id).map(|nas_session| nas_session.standing);
            if let Some(Standing::Stays(cause, Outcome::Silent | Outcome::Unsent, _)) = standing {
                self.unanswered.ends.insert(id, now.boot + ASK_AGAIN);
                self.send_end(id, cause, now);
            }
        }
        for id in changes {
            self.unanswered.changes.remove(&id);
            self.unanswered.changed_again.insert(id);
            self.change_again(id);
        }
    }
}
