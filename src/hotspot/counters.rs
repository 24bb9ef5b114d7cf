//! What somebody has used and may still use, here and elsewhere.

use std::time::Duration;

use super::Hotspot;
use super::radius_messages::AccessRequest;
use crate::domain::list::Entry;
use crate::domain::session::Usage;
use crate::domain::time::{Now, Timestamp};
use crate::domain::voucher::{Voucher, casefold};
use crate::policy::{Circumstances, Counter, Denial, Limits, Measure, Pairs, counters, limits};
use crate::store::{StoreError, Stretch};

impl Hotspot {
    /// What the operator's check items leave somebody who asks to be let in.
    pub(super) fn limits_of(
        &self,
        request: &AccessRequest,
        login: &str,
        control: &Pairs,
        voucher: Option<&Entry<Voucher>>,
        now: Now,
    ) -> Result<Result<Limits, Denial>, StoreError> {
        let open = self.open_sessions(request, login, voucher, now);
        self.limits_by(login, control, voucher, open, now)
    }

    /// What check items leave somebody who has so many other sessions open.
    pub(super) fn limits_by(
        &self,
        login: &str,
        control: &Pairs,
        voucher: Option<&Entry<Voucher>>,
        open_sessions: usize,
        now: Now,
    ) -> Result<Result<Limits, Denial>, StoreError> {
        let first_login = match voucher {
            Some(entry) => entry.value.first_login,
            None => self.store.first_login_of(&casefold(login))?,
        };
        let circumstances =
            Circumstances { now, zone: &self.settings.zone, first_login, open_sessions };
        let mut measured = Vec::new();
        for counter in counters(control, &circumstances) {
            measured.push((counter, self.measure(login, voucher, &counter, now)?));
        }
        Ok(limits(control, &circumstances, &measured))
    }

    /// Sessions that somebody has open, and places kept for them; but not of the device that asks
    /// at the access point where it is: that one is going to replace its own.
    pub(super) fn open_sessions(
        &self,
        request: &AccessRequest,
        login: &str,
        voucher: Option<&Entry<Voucher>>,
        now: Now,
    ) -> usize {
        if !self.takes_a_place(request) {
            return 0;
        }
        let itself = |station, client: &str| {
            request.station.is_some()
                && station == request.station
                && *client == *request.nas.client
        };
        let here = voucher.map_or(0, |entry| self.sessions.accounts.devices(entry.id).len());
        let elsewhere = self.nas_sessions.of_login(login);
        let elsewhere = elsewhere
            .filter(|it| !itself(it.station, &it.nas.client) && !request.is_of_session(it))
            .count();
        let reserved = self.pending_sessions.of(login, now).filter(|it| it.counts);
        let reserved = reserved
            .filter(|it| !itself(it.station, &it.client) && !request.is_of_place(it))
            .count();
        here + elsewhere + reserved
    }

    /// Adds up what a counter asks for: sessions that have ended, and those that go on.
    fn measure(
        &self,
        login: &str,
        voucher: Option<&Entry<Voucher>>,
        counter: &Counter,
        now: Now,
    ) -> Result<u64, StoreError> {
        let mut stretches = self.store.stretches(&casefold(login), counter.since)?;
        stretches.extend(self.nas_sessions.of_login(login).map(|nas_session| Stretch {
            started_at: nas_session.started_at,
            time: nas_session.uptime(now),
            usage: nas_session.progress.usage(),
        }));
        let devices = voucher.map(|entry| self.sessions.accounts.devices(entry.id));
        let here = devices.unwrap_or_default().into_iter().filter_map(|mac| self.sessions.get(mac));
        stretches.extend(here.map(|session| Stretch {
            started_at: session.started_at,
            time: session.uptime(now),
            usage: session.usage,
        }));
        let (time, usage) = match counter.since {
            None => self.store.forgotten_usage(&casefold(login))?,
            Some(_) => Default::default(),
        };
        let mut sum = amount(counter.measure, time, usage);
        for stretch in &stretches {
            sum = sum.saturating_add(within(stretch, counter.measure, counter.since));
        }
        Ok(sum)
    }
}

fn amount(measure: Measure, time: Duration, usage: Usage) -> u64 {
    match measure {
        Measure::Time => time.as_secs(),
        Measure::Traffic => usage.download.saturating_add(usage.upload),
    }
}

/// The part of a session that lies after a moment. Nobody writes down when its octets came: they
/// are taken to have come evenly, so that whoever stays online over midnight is neither free of
/// the new day's limit nor pays twice.
fn within(stretch: &Stretch, measure: Measure, since: Option<Timestamp>) -> u64 {
    let whole = amount(measure, stretch.time, stretch.usage);
    let before = since.map_or(0, |since| since.unix().saturating_sub(stretch.started_at.unix()));
    let (before, all) = (u64::try_from(before).unwrap_or(0), stretch.time.as_secs());
    if before == 0 {
        return whole;
    }
    if before >= all {
        return 0;
    }
    let part = u128::from(whole) * u128::from(all - before) / u128::from(all);
    u64::try_from(part).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stretch(start: i64, seconds: u64, download: u64) -> Stretch {
        let usage = Usage { download, upload: 0 };
        Stretch {
            started_at: Timestamp::from_unix(start),
            time: Duration::from_secs(seconds),
            usage,
        }
    }

    #[test]
    fn a_session_over_midnight_counts_for_both_days() {
        let session = stretch(1000, 400, 4_000);
        let since = |at| Some(Timestamp::from_unix(at));
        assert_eq!(within(&session, Measure::Time, since(1100)), 300);
        assert_eq!(within(&session, Measure::Traffic, since(1100)), 3_000);
        assert_eq!(within(&session, Measure::Traffic, since(900)), 4_000);
        assert_eq!(within(&session, Measure::Traffic, since(1400)), 0);
        assert_eq!(within(&session, Measure::Traffic, None), 4_000);
        assert_eq!(within(&stretch(1000, 0, 7), Measure::Traffic, since(1000)), 7);
    }

    proptest! {
        #[test]
        fn a_part_is_never_more_than_the_whole(
            start in -1_000_000i64..1_000_000, seconds in 0u64..10_000_000, octets: u64, at in -2_000_000i64..12_000_000
        ) {
            let session = stretch(start, seconds, octets);
            let since = Some(Timestamp::from_unix(at));
            prop_assert!(within(&session, Measure::Traffic, since) <= octets);
            prop_assert!(within(&session, Measure::Time, since) <= seconds);
        }
    }
}
