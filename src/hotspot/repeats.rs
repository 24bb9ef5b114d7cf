//! Rows of the login log that stand for several sign-ins: probes and programs that ask again and again
//! would push out what an operator looks for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::oldest::oldest;
use crate::domain::station::Mac;
use crate::domain::time::Now;

/// How long a row stands for what comes again.
const SPAN: Duration = Duration::from_secs(3600);
/// Rows that may stand for more; beyond them the oldest do no more. Some 200 KB.
const MOST: usize = 1024;

/// What has to be equal for a sign-in to be counted and not written down again. In the order of the
/// fields: the sign-ins of one login at one client are neighbours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind {
    /// Who, folded; empty where it is not told apart.
    pub(super) login: String,
    /// The section of the access point.
    pub(super) client: Arc<str>,
    /// The device, where it is told apart.
    pub(super) station: Option<Mac>,
    /// Why it was refused; `None` where somebody was let in and no session has been reported since.
    pub(super) refusal: Option<String>,
}

/// How often the sign-in of a row has come by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count {
    /// The id of the row.
    pub(super) row: i64,
    pub(super) times: u32,
}

struct Repeat {
    count: Count,
    /// By the boot clock.
    since: Duration,
}

/// Rows that stand for more, in constant memory.
#[derive(Default)]
pub(super) struct Repeats(BTreeMap<Kind, Repeat>);

impl Repeats {
    /// Counts one more, where a row stands for it.
    pub(super) fn count(&mut self, kind: &Kind, now: Now) -> bool {
        let repeat = self.0.get_mut(kind);
        match repeat.filter(|it| now.boot.saturating_sub(it.since) < SPAN) {
            Some(repeat) => {
                repeat.count.times = repeat.count.times.saturating_add(1);
                true
            }
            None => false,
        }
    }

    /// A new row stands for what comes from now on; the counts of those that do no more.
    pub(super) fn begin(&mut self, kind: Kind, row: i64, now: Now) -> Vec<Count> {
        let mut over: Vec<Count> = self.0.remove(&kind).map(|it| it.count).into_iter().collect();
        if self.0.len() >= MOST {
            let oldest = oldest(self.0.iter().map(|(kind, it)| (kind, it.since)));
            over.extend(self.end(oldest));
        }
        self.0.insert(kind, Repeat { count: Count { row, times: 1 }, since: now.boot });
        over
    }

    /// A session of somebody has been reported: their next sign-in has a row of its own.
    pub(super) fn end_accepted(&mut self, client: &Arc<str>, login: &str) -> Vec<Count> {
        let first =
            Kind { client: client.clone(), login: login.to_owned(), station: None, refusal: None };
        let its = self.0.range(&first..).map(|(kind, _)| kind);
        let its = its.take_while(|kind| kind.login == login && kind.client == *client);
        let accepted = its.filter(|kind| kind.refusal.is_none()).cloned().collect();
        self.end(accepted)
    }

    /// The rows whose time is over.
    pub(super) fn end_old(&mut self, now: Now) -> Vec<Count> {
        let is_old = |it: &Repeat| now.boot.saturating_sub(it.since) >= SPAN;
        let old = self.0.iter().filter(|(_, it)| is_old(it)).map(|(kind, _)| kind.clone());
        let old = old.collect();
        self.end(old)
    }

    /// Every row that stands for more.
    pub(super) fn counts(&self) -> impl Iterator<Item = Count> {
        self.0.values().map(|repeat| repeat.count)
    }

    fn end(&mut self, kinds: Vec<Kind>) -> Vec<Count> {
        kinds.iter().filter_map(|kind| self.0.remove(kind)).map(|it| it.count).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;

    #[test]
    fn what_is_counted_is_bounded_and_no_count_is_lost() {
        let mut repeats = Repeats::default();
        let now = |boot| Now {
            wall: Timestamp::from_unix(0),
            wall_is_set: true,
            boot: Duration::from_secs(boot),
        };
        let kind = |row: i64| Kind {
            client: "switch".into(),
            login: row.to_string(),
            station: None,
            refusal: None,
        };
        let mut over = Vec::new();
        for row in 0..3000 {
            over.extend(repeats.begin(kind(row), row, now(row as u64 / 10)));
            assert!(repeats.count(&kind(row), now(300)));
        }
        assert!((MOST * 15 / 16..=MOST).contains(&repeats.counts().count()));
        over.extend(repeats.end_old(now(10_000)));
        over.sort_by_key(|count| count.row);
        let all: Vec<Count> = (0..3000).map(|row| Count { row, times: 2 }).collect();
        assert_eq!(over, all);
        assert!(!repeats.count(&kind(2999), now(10_000)));
    }
}
