//! What an access point reports of a session, and what it comes to.
//!
//! Reports come late, twice, out of order or not at all, and counters are of 32 bits, of 64, or
//! begin again in the middle. Usage never shrinks and nothing is counted twice. What no session can
//! have used (more time than has passed, more octets than a line carries) is not counted.

use std::time::Duration;

use self::meter::{Meter, Step, most};
use super::session::Usage;

/// A counter of octets as it is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Octets {
    /// The lower 32 bits.
    pub low: u32,
    /// The upper 32 bits, where the access point sends them (RFC 2869 section 5.1).
    pub gigawords: Option<u32>,
}

/// What a report says has been used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reported {
    /// Acct-Session-Time.
    pub time: Option<Duration>,
    /// Octets towards the guest.
    pub download: Option<Octets>,
    /// Octets from the guest.
    pub upload: Option<Octets>,
}

/// When a report was made, compared by Event-Timestamp with the latest one of its session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Before it.
    Earlier,
    /// At the same moment, or there is no Event-Timestamp to tell.
    #[default]
    Unknown,
    /// After it.
    Later,
}

/// A Start of a session that was open: its counters may begin anew with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaterStart {
    /// Time since it was heard.
    pub since: Duration,
    /// Time since it was sent, by Event-Timestamp.
    pub stamped: Option<Duration>,
    /// How long the session had lasted by then, at least.
    pub before: Duration,
}

impl LaterStart {
    /// Whether a session time can only be counted from it, and not from the first Start.
    fn is_origin_of(&self, time: Duration) -> bool {
        let fits = |since: Duration| {
            time <= since.saturating_add(TOLERANCE) && time.saturating_add(ROUNDED) >= since
        };
        let is_distinct = self.before > TOLERANCE + ROUNDED;
        is_distinct && (fits(self.since) || self.stamped.is_some_and(fits))
    }
}

/// What is known of a report beside its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// When it was made.
    pub order: Order,
    /// Whether it is a Stop, whose numbers are final.
    pub is_stop: bool,
    /// The latest Start that came while the session was open, until a report tells what it meant.
    pub second_start: Option<LaterStart>,
    /// Time in which its octets can have passed, at most.
    pub elapsed: Duration,
    /// Time that the session can have lasted, at most.
    pub longest: Duration,
    /// How long it has lasted by our own clock: for access points that leave out Acct-Session-Time.
    pub own_time: Option<Duration>,
}

/// What has come of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Octets that are new.
    pub new: Usage,
    /// Whether it claims what cannot be, which is not counted.
    pub implausible: bool,
}

/// By how much what was counted in a session is more than the access point's counters: they have begun
/// anew, or were of the other side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offsets {
    /// Octets towards the guest.
    pub download: i64,
    /// Octets from the guest.
    pub upload: i64,
}

/// How far a session has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    time: Duration,
    /// Time used as it was reported, more than has passed included.
    claimed: Duration,
    /// Acct-Session-Time as it was reported last.
    clock: Duration,
    /// Whether that has begun anew: earlier reports may then have a greater one.
    is_anew: bool,
    download: Meter,
    upload: Meter,
}

/// How a report goes on from what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Motion {
    /// It is older.
    Overtaken,
    /// No time has passed: counters may grow.
    Still,
    /// Time has passed.
    Forward,
    /// The access point counts the time anew, and the octets not.
    TimeAnew,
    /// It counts everything anew.
    Anew,
}

/// Clocks of access points and ours may be so far apart, and packets under way so long, before a
/// time is taken for wrong.
const TOLERANCE: Duration = Duration::from_secs(30);
/// So much more than has passed is not worth a word: some access points count in whole minutes.
pub const ROUNDED: Duration = Duration::from_secs(60);

impl Progress {
    /// A session that has come so far already; `reported` is its Acct-Session-Time.
    pub fn at(time: Duration, reported: Duration, usage: Usage, offsets: Offsets) -> Self {
        let download = Meter::at(usage.download, offsets.download);
        let upload = Meter::at(usage.upload, offsets.upload);
        Self { time, claimed: time, clock: reported, is_anew: false, download, upload }
    }

    /// Time used.
    pub fn time(&self) -> Duration {
        self.time
    }

    /// Acct-Session-Time as it was reported last.
    pub fn reported_time(&self) -> Duration {
        self.clock
    }

    /// What [`Progress::at`] needs beside the usage.
    pub fn offsets(&self) -> Offsets {
        Offsets { download: self.download.offset(), upload: self.upload.offset() }
    }

    /// Octets so far.
    pub fn usage(&self) -> Usage {
        Usage { download: self.download.total, upload: self.upload.total }
    }

    /// Whether a report goes beyond the time that was reported last.
    pub fn is_continued_by(&self, reported: &Reported) -> bool {
        reported.time.is_some_and(|time| time > self.clock)
    }

    /// Whether a report goes beyond what was counted: in time, or where its access point leaves that
    /// out, in octets or by Event-Timestamp. No earlier one does.
    pub fn is_exceeded_by(&self, reported: &Reported, order: Order) -> bool {
        let grows =
            self.download.grows_to(reported.download) || self.upload.grows_to(reported.upload);
        match reported.time {
            Some(time) => time > self.clock,
            None => order == Order::Later || order == Order::Unknown && grows,
        }
    }

    /// Takes a report down.
    pub fn count(&mut self, reported: &Reported, evidence: &Evidence) -> Counted {
        let before = self.usage();
        let motion = self.motion(reported, evidence);
        let mut implausible = self.count_time(reported.time, motion, evidence);
        let step = Step { motion, is_stop: evidence.is_stop, most: most(evidence.elapsed) };
        implausible |= !self.download.count(reported.download, step);
        implausible |= !self.upload.count(reported.upload, step);
        Counted { new: self.usage().since(before), implausible }
    }

    /// The access point counts from the other side from now on: what its counters call download is
    /// upload. What was counted so far stays as it is.
    pub fn swap_directions(&mut self) {
        let Self { download, upload, .. } = self;
        std::mem::swap(&mut download.counter, &mut upload.counter);
        std::mem::swap(&mut download.sends_gigawords, &mut upload.sends_gigawords);
        std::mem::swap(&mut download.ahead, &mut upload.ahead);
    }

    fn motion(&self, reported: &Reported, evidence: &Evidence) -> Motion {
        let Evidence { is_stop, second_start, longest, .. } = *evidence;
        // Where the clock was set back meanwhile, the time of the session goes on all the same.
        let is_next = !self.is_anew
            && self.is_continued_by(reported)
            && reported.time.is_some_and(|time| time <= longest.saturating_add(TOLERANCE));
        let order = match evidence.order {
            Order::Earlier if is_next => Order::Unknown,
            Order::Earlier => return Motion::Overtaken,
            order => order,
        };
        let meters = [(self.download, reported.download), (self.upload, reported.upload)];
        let shrinks = meters.iter().any(|(meter, octets)| meter.shrinks_to(*octets));
        let grows = meters.iter().any(|(meter, octets)| meter.grows_to(*octets));
        if let Some(second) = second_start {
            let is_anew = shrinks || reported.time.is_some_and(|it| second.is_origin_of(it));
            return if is_anew { Motion::Anew } else { self.without_restart(reported) };
        }
        match reported.time {
            Some(time) if time < self.clock => {
                // The end of a session cannot be older than a report of it.
                let is_another = is_stop
                    && time <= self.clock / 2
                    && meters.iter().all(|(meter, octets)| meter.halves_to(*octets));
                let is_near = time * 4 > self.clock * 3;
                match order {
                    Order::Later if shrinks => Motion::Anew,
                    _ if shrinks && is_another => Motion::Anew,
                    _ if shrinks => Motion::Overtaken,
                    _ if is_near && grows => Motion::Still,
                    Order::Later => Motion::TimeAnew,
                    _ if grows => Motion::TimeAnew,
                    _ => Motion::Overtaken,
                }
            }
            Some(time) if time == self.clock && shrinks && order == Order::Later => Motion::Anew,
            None if order == Order::Later => Motion::Forward,
            _ => self.without_restart(reported),
        }
    }

    fn without_restart(&self, reported: &Reported) -> Motion {
        if self.is_continued_by(reported) { Motion::Forward } else { Motion::Still }
    }

    /// Whether the time cannot be.
    fn count_time(&mut self, time: Option<Duration>, motion: Motion, evidence: &Evidence) -> bool {
        let Evidence { longest, own_time, .. } = *evidence;
        let Some(time) = time else {
            let own = own_time.filter(|_| motion != Motion::Overtaken).unwrap_or_default();
            self.time = self.time.max(own.min(longest));
            return false;
        };
        let new = match motion {
            Motion::Overtaken | Motion::Still => return false,
            Motion::Forward => time.saturating_sub(self.clock),
            Motion::TimeAnew | Motion::Anew => time,
        };
        self.is_anew |= matches!(motion, Motion::TimeAnew | Motion::Anew);
        self.clock = time;
        self.claimed = self.claimed.saturating_add(new);
        let is_near = self.claimed <= longest.saturating_add(ROUNDED);
        let used = if is_near { self.claimed } else { self.claimed.min(longest) };
        self.time = used.max(self.time);
        time > longest.saturating_add(ROUNDED)
    }
}

impl Octets {
    fn exact(self) -> u64 {
        u64::from(self.gigawords.unwrap_or(0)) << 32 | u64::from(self.low)
    }
}

mod meter;
#[cfg(test)]
mod tests;
