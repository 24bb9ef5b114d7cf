//! Who was let in at which access point, for reports that come later than a place is kept, and how
//! much is heard of those who never were.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::domain::oldest::oldest;
use crate::domain::throttle::Throttle;
use crate::domain::voucher::casefold;

/// How long it is known without a Class of ours who was let in: an access point may have been out
/// of reach when the session began.
const KNOWN: Duration = Duration::from_secs(24 * 3600);
/// Logins of one client that are known; the oldest go first. About 100 KB.
const MOST_KNOWN: usize = 1024;

/// Sessions of people who were never let in that one client may begin at once, and the time after
/// which it may begin another: a network whose staff sign in elsewhere and are reported here too.
const SESSIONS: u16 = 1024;
const ANOTHER: Duration = Duration::from_secs(1);
/// Ended sessions of people who were never let in that are known, so that what comes late or again
/// shows none of them anew.
const ENDED: usize = 1024;
/// New sessions of one login at one client, who was let in, and the time after which there may be
/// another one: each costs flash, and a passcode that is known lets in as often as one likes.
const BEGINNINGS: u16 = 1024;
const ANOTHER_BEGINNING: Duration = Duration::from_secs(1);
/// Logins told apart.
const LOGINS: usize = 2048;
/// Log lines about ends of sessions at one client.
const LINES: u16 = 120;
const ANOTHER_LINE: Duration = Duration::from_secs(1);
/// A summary of what was left out comes so often.
const SUMMARY: Duration = Duration::from_secs(60);
/// Clients told apart.
const CLIENTS: usize = 256;

/// Who was let in where lately, and how much each client may report of others.
pub(super) struct Admissions {
    /// When each folded login was let in last at each client, by the boot clock.
    accepted: HashMap<Arc<str>, HashMap<String, Duration>>,
    sessions: Throttle,
    beginnings: Throttle,
    lines: Throttle,
    left_out: HashMap<Arc<str>, LeftOut>,
    ended: VecDeque<String>,
    /// Clients that have reported a session since the start.
    reporting: HashSet<Arc<str>>,
}

#[derive(Clone, Copy, Default)]
struct LeftOut {
    sessions: u32,
    told: Option<Duration>,
}

impl Default for Admissions {
    fn default() -> Self {
        Self {
            accepted: HashMap::new(),
            sessions: Throttle::new(CLIENTS, SESSIONS, ANOTHER, Default::default()),
            beginnings: Throttle::new(LOGINS, BEGINNINGS, ANOTHER_BEGINNING, Default::default()),
            lines: Throttle::new(CLIENTS, LINES, ANOTHER_LINE, Default::default()),
            left_out: HashMap::new(),
            ended: VecDeque::new(),
            reporting: HashSet::new(),
        }
    }
}

impl Admissions {
    /// A client has reported a session.
    pub(super) fn reported(&mut self, client: &Arc<str>) {
        if !self.reporting.contains(client) {
            self.reporting.insert(client.clone());
        }
    }

    /// Whether this client reports sessions.
    pub(super) fn reports(&self, client: &str) -> bool {
        self.reporting.contains(client)
    }

    /// Somebody was let in.
    pub(super) fn accepted(&mut self, client: &Arc<str>, login: &str, now: Duration) {
        let logins = self.accepted.entry(client.clone()).or_default();
        let login = casefold(login);
        if logins.len() >= MOST_KNOWN && !logins.contains_key(&login) {
            for login in oldest(logins.iter().map(|(login, at)| (login, *at))) {
                logins.remove(&login);
            }
        }
        logins.insert(login, now);
    }

    /// Whether somebody was let in at this client lately.
    pub(super) fn knows(&self, client: &str, login: &str, now: Duration) -> bool {
        let at = self.accepted.get(client).and_then(|logins| logins.get(&casefold(login)));
        at.is_some_and(|at| now.saturating_sub(*at) < KNOWN)
    }

    /// Whether one more session of somebody who was never let in is kept in mind; says now and then
    /// that there are such.
    pub(super) fn may_open_unadmitted(&mut self, client: &Arc<str>, now: Duration) -> bool {
        let full = self.sessions.blocks(&**client, now);
        if !full {
            self.sessions.failed(&**client, now);
        }
        let left_out = self.left_out.entry(client.clone()).or_default();
        left_out.sessions = left_out.sessions.saturating_add(1);
        if left_out.told.is_none_or(|at| now.saturating_sub(at) >= SUMMARY) {
            let LeftOut { sessions, .. } = std::mem::take(left_out);
            left_out.told = Some(now);
            log::warn!(
                "radius: client '{client}' reports sessions of people who were never let in here, \
                 {sessions} since this was said last; they are not counted"
            );
        }
        !full
    }

    /// The session of somebody who was never let in has ended.
    pub(super) fn has_ended(&mut self, unique_id: &str) {
        if self.ended.len() >= ENDED {
            self.ended.pop_front();
        }
        self.ended.push_back(unique_id.to_owned());
    }

    /// Whether this one has ended.
    pub(super) fn is_over(&self, unique_id: &str) -> bool {
        self.ended.iter().any(|it| it == unique_id)
    }

    /// Whether somebody who was let in may begin one more session.
    pub(super) fn may_begin(&mut self, client: &Arc<str>, login: &str, now: Duration) -> bool {
        let who = (&**client, casefold(login));
        let full = self.beginnings.blocks(&who, now);
        if !full {
            self.beginnings.failed(&who, now);
        }
        !full
    }

    /// Whether there may be a log line about one more session at this client.
    pub(super) fn may_log(&mut self, client: &Arc<str>, now: Duration) -> bool {
        if self.lines.blocks(&**client, now) {
            return false;
        }
        if self.lines.failed(&**client, now) {
            log::warn!("radius: too much happens at '{client}' to name each session");
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_client_is_known_for_is_bounded_and_is_no_other_ones() {
        let mut admissions = Admissions::default();
        let (a, b) = (Arc::from("a"), Arc::from("b"));
        let at = Duration::from_secs;
        admissions.accepted(&b, "Honest", at(1));
        for number in 0..3 * MOST_KNOWN as u64 {
            admissions.accepted(&a, &number.to_string(), at(number));
        }
        let some = MOST_KNOWN * 15 / 16..=MOST_KNOWN;
        assert!(some.contains(&admissions.accepted[&a].len()));
        // Whoever is known comes again and again: nobody is forgotten for that.
        let mut number = 3 * MOST_KNOWN as u64;
        while admissions.accepted[&a].len() < MOST_KNOWN {
            admissions.accepted(&a, &number.to_string(), at(number));
            number += 1;
        }
        admissions.accepted(&a, &(number - 1).to_string(), at(number));
        assert_eq!(admissions.accepted[&a].len(), MOST_KNOWN);
        let last = 3 * MOST_KNOWN as u64 - 1;
        assert!(admissions.knows("a", &last.to_string(), at(last)));
        assert!(
            admissions.knows("b", "honest", at(10)) && !admissions.knows("a", "honest", at(10))
        );
        assert!(!admissions.knows("b", "honest", at(1) + KNOWN));
        assert!((0..u64::from(SESSIONS)).all(|_| admissions.may_open_unadmitted(&a, at(9))));
        assert!(!admissions.may_open_unadmitted(&a, at(9)));
        assert!(admissions.may_open_unadmitted(&b, at(9)));
        assert!(admissions.may_open_unadmitted(&a, at(10)));
    }
}
