//! Rows of the login log that stand for several sign-ins: probes and programs that ask again and again
//! would push out what an operator looks for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::station::Mac;
use crate::domain::time::Now;

/// How long a row stands for what comes again.
const SPAN: Duration = Duration::from_secs(3600);
/// Rows that may stand for more; beyond them the oldest does no more. Some 200 KB.
const MOST: usize = 1024;

/// What has to be equal for a sign-in to be counted and not written down again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    /// The section of the access point.
    pub(super) client: Arc<str>,
    /// Who, folded; empty where it is not told apart.
    pub(super) login: String,
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
pub(super) struct Repeats(HashMap<Kind, Repeat>);

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
        if self.0.len() >= MOST
            && let Some(oldest) = self.0.iter().min_by_key(|(_, it)| it.since)
        {
            let oldest = oldest.0.clone();
            over.extend(self.0.remove(&oldest).map(|it| it.count));
        }
        self.0.insert(kind, Repeat { count: Count { row, times: 1 }, since: now.boot });
        over
    }

    /// A session of somebody has been reported: their next sign-in has a row of its own.
    pub(super) fn end_accepted(&mut self, client: &str, login: &str) -> Vec<Count> {
        self.end(|kind, _| kind.refusal.is_none() && *kind.client == *client && kind.login == login)
    }

    /// The rows whose time is over.
    pub(super) fn end_old(&mut self, now: Now) -> Vec<Count> {
        self.end(|_, repeat| now.boot.saturating_sub(repeat.since) >= SPAN)
    }

    /// Every row that stands for more.
    pub(super) fn counts(&self) -> impl Iterator<Item = Count> {
        self.0.values().map(|repeat| repeat.count)
    }

    fn end(&mut self, is_over: impl Fn(&Kind, &Repeat) -> bool) -> Vec<Count> {
        self.0.extract_if(|kind, repeat| is_over(kind, repeat)).map(|(_, it)| it.count).collect()
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
        assert_eq!(repeats.counts().count(), MOST);
        over.extend(repeats.end_old(now(10_000)));
        over.sort_by_key(|count| count.row);
        let all: Vec<Count> = (0..3000).map(|row| Count { row, times: 2 }).collect();
        assert_eq!(over, all);
        assert!(!repeats.count(&kind(2999), now(10_000)));
    }
}
