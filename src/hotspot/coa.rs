//! What changes while a session runs at an access point: its rates, its share of the data, its end.
//!
//! An access point that cannot be told (many cannot) is not asked again for that session. It goes
//! on as it began, and is ended by us once its reports say that it is over.

use std::time::Duration;

use super::Hotspot;
use super::disconnect_state::{Standing, error_cause};
use super::nas_sessions::NasSession;
use super::quota::Member;
use super::radius_messages::{Accept, AttributeChange, Demand, Dispatch, Nas, Outcome, Terms};
use super::session::deadline;
use super::sessions::near;
use crate::domain::plan::Plan;
use crate::domain::session::{Allowance, Usage};
use crate::domain::time::{Now, Timestamp};
use crate::domain::voucher::Username;
use crate::policy::dictionary::ACCT_INTERIM_INTERVAL;
use crate::policy::{Pairs, User};

/// What an access point has been told of a session, and what it is to be told.
#[derive(Clone, Debug, Default)]
pub(super) struct CoaState {
    /// What the operator gave with the Access-Accept; `None` where that is not known any more.
    reply: Option<Pairs>,
    /// What the access point was given as Class; empty where that is not known any more.
    class: Vec<u8>,
    /// Seconds between its reports, as it was asked for; 0 where that is not known any more.
    interim: u32,
    /// When it ends whatever the voucher says, by the boot clock.
    rules_end: Option<Duration>,
    /// What holds there.
    known: Terms,
    /// What it is being told.
    asked: Option<Terms>,
    /// What shall hold.
    newest: Terms,
    /// How many devices the data was shared by then; 0 is not known.
    shared_by: usize,
    /// It would not be told.
    coa_unsupported: bool,
}

impl CoaState {
    /// With an Access-Accept, while so many devices share the data. `rules_end` is by the boot
    /// clock.
    pub(super) fn with(
        accept: &Accept,
        interim: u32,
        rules_end: Option<Duration>,
        shared_by: usize,
    ) -> Self {
        let terms = Terms {
            rates: accept.rates,
            idle_timeout: accept.idle_timeout,
            limit: accept.left,
            total: accept.total,
            until: accept.until,
        };
        let (reply, class) = (Some(accept.reply.clone()), accept.class.clone());
        let interim = accept.reply.integer(ACCT_INTERIM_INTERVAL).unwrap_or(interim);
        Self {
            reply,
            class,
            interim,
            rules_end,
            known: terms,
            newest: terms,
            shared_by,
            ..Self::default()
        }
    }

    /// Seconds between its reports where `configured` is what is asked for now: it may have been
    /// asked for fewer reports when it began, and by a row of the operator's.
    pub(super) fn interim(&self, configured: u32) -> u32 {
        self.interim.max(configured)
    }

    /// What it was told is lost: presumably what the plan says.
    pub(super) fn presumably(plan: &Plan) -> Self {
        let rates = (plan.download_rate, plan.upload_rate);
        let terms = Terms { rates, idle_timeout: plan.idle_timeout, ..Terms::default() };
        Self { known: terms, newest: terms, ..Self::default() }
    }

    /// What it was told of reports, and of an end by rows, as these are now.
    pub(super) fn recall(&mut self, interim: Option<u32>, rules_end: Option<Duration>) {
        self.interim = self.interim.max(interim.unwrap_or_default());
        self.rules_end = self.rules_end.or(rules_end);
    }

    /// What it was told of time is lost: presumably what holds.
    fn presume_end(&mut self, time: Option<Duration>, until: Option<Timestamp>) {
        for terms in [&mut self.known, &mut self.newest] {
            (terms.limit.time, terms.until) = (time, until);
        }
    }

    /// What it was told of data is lost. Where nothing new is to be told, presumably what each
    /// device may use by now.
    fn presume_share(&mut self, each: Allowance, used: Usage) {
        if (self.newest.limit.download, self.newest.limit.upload) == (None, None) {
            for terms in [&mut self.known, &mut self.newest] {
                terms.limit = Allowance { time: terms.limit.time, ..in_all(each, used) };
            }
        }
    }

    /// What was used without its knowledge is not to be used here as well, and what others leave is
    /// to be had; what merely grows a little with every report is not worth a packet.
    fn share(&mut self, each: Allowance, used: Usage, members: usize) {
        let limit = Allowance { time: self.newest.limit.time, ..in_all(each, used) };
        let shrinks = |new: Option<u64>, old: Option<u64>| {
            new.is_some_and(|new| old.is_none_or(|old| new < old))
        };
        let old = self.newest.limit;
        if members != self.shared_by
            || shrinks(limit.download, old.download)
            || shrinks(limit.upload, old.upload)
        {
            self.newest.limit = limit;
            self.shared_by = members;
        }
    }

    /// Its access point counts from the other side than it was told for: there, each limit of data
    /// holds for the other direction.
    pub(super) fn swap_directions(&mut self) {
        for terms in self.asked.iter_mut().chain([&mut self.known]) {
            let limit = &mut terms.limit;
            std::mem::swap(&mut limit.download, &mut limit.upload);
        }
    }

    fn has_news(&self) -> bool {
        !self.coa_unsupported && self.asked.is_none() && self.newest != self.known
    }

    /// One change at a time: what comes meanwhile goes into the next one.
    fn next(&mut self) -> Option<AttributeChange> {
        let reply = self.reply.as_ref().filter(|_| self.has_news())?;
        self.asked = Some(self.newest);
        let (reply, class) = (reply.clone(), self.class.clone());
        Some(AttributeChange { reply, class, before: self.known, after: self.newest })
    }
}

/// What a device may use in all that has used some and may use so much more.
fn in_all(each: Allowance, used: Usage) -> Allowance {
    let total = |each: Option<u64>, used: u64| each.map(|each| used.saturating_add(each));
    Allowance {
        time: None,
        download: total(each.download, used.download),
        upload: total(each.upload, used.upload),
    }
}

impl NasSession {
    /// Time since its beginning. The access point counts on while nobody hears its reports.
    fn since_start(&self, now: Now) -> Duration {
        let by_wall = (self.clock_is_set && now.wall_is_set)
            .then(|| now.wall.unix().saturating_sub(self.started_at.unix()))
            .and_then(|seconds| u64::try_from(seconds).ok());
        self.uptime(now).max(by_wall.map_or(Duration::ZERO, Duration::from_secs))
    }

    /// When its end is, as limits that count from its beginning and as a date.
    fn end(&self, now: Now) -> (Option<Duration>, Option<Timestamp>) {
        let left = self.time_left(now);
        let whole = |left: Duration| i64::try_from(left.as_secs()).unwrap_or(i64::MAX);
        let until = left.filter(|_| now.wall_is_set).map(|left| now.wall.plus(whole(left)));
        (left.map(|left| self.since_start(now) + left), until)
    }

    /// Its access point was presumably told of the end that holds.
    pub(super) fn presume_end(&mut self, now: Now) {
        if self.told.reply.is_none() {
            let (time, until) = self.end(now);
            self.told.presume_end(time, until);
        }
    }
}

impl Hotspot {
    /// The plan has changed.
    pub(super) fn send_coa_for_plan(&mut self) {
        let plan = self.settings.preset.plan;
        let of_vouchers = self.nas_sessions.iter().filter(|nas_session| nas_session.voucher != 0);
        for id in of_vouchers.map(|nas_session| nas_session.id).collect::<Vec<_>>() {
            if let Some(nas_session) = self.nas_sessions.get_mut(id) {
                let newest = &mut nas_session.told.newest;
                newest.rates = (plan.download_rate, plan.upload_rate);
                newest.idle_timeout = plan.idle_timeout;
            }
            self.order_change(id);
        }
    }

    /// An access point has shown that it counts from the other side than was assumed: what it was
    /// told of those who are in, or on their way, is put right.
    pub(super) fn view_point_changed(&mut self, nas: &Nas) {
        self.pending_sessions.swap_directions(&nas.client);
        let is_there = |nas_session: &&NasSession| {
            let its = &nas_session.nas;
            its.client == nas.client && its.source == nas.source && nas_session.told.reply.is_some()
        };
        let ids: Vec<i64> = self.nas_sessions.iter().filter(is_there).map(|it| it.id).collect();
        for id in ids {
            if let Some(nas_session) = self.nas_sessions.get_mut(id) {
                nas_session.told.swap_directions();
            }
            self.order_change(id);
        }
    }

    /// A voucher's data is shared anew.
    pub(super) fn tell_shares(&mut self, voucher: i64) {
        let Some(each) = self.sessions.accounts.share(voucher) else { return };
        let members = self.sessions.accounts.members(voucher);
        for member in &members {
            if let Member::Elsewhere(id) = member
                && let Some(nas_session) = self.nas_sessions.get_mut(*id)
            {
                nas_session.told.share(each, nas_session.progress.usage(), members.len());
                self.order_change(*id);
            }
        }
    }

    /// What a session there may still use.
    pub(super) fn left_there(&self, nas_session: &NasSession, now: Now) -> Allowance {
        let account = self.sessions.accounts.get(nas_session.voucher);
        let data = account.map(|account| account.voucher.data_left()).unwrap_or_default();
        Allowance { time: nas_session.time_left(now), ..data }
    }

    /// A voucher's end has moved.
    pub(super) fn move_ends_elsewhere(&mut self, voucher: i64, until: Option<Timestamp>, now: Now) {
        for member in self.sessions.accounts.members(voucher) {
            let Member::Elsewhere(id) = member else { continue };
            let Some(nas_session) = self.nas_sessions.get_mut(id) else { continue };
            let ends = [deadline(until, now), nas_session.told.rules_end];
            let end = ends.into_iter().flatten().min();
            if near(nas_session.deadline, end) {
                continue;
            }
            nas_session.deadline = end;
            let (time, until) = nas_session.end(now);
            nas_session.told.newest.limit.time = time;
            nas_session.told.newest.until = until;
            self.order_change(id);
        }
    }

    /// An access point has answered, or has not.
    pub(super) fn changed(&mut self, id: i64, outcome: Outcome, now: Now) {
        let Some(nas_session) = self.nas_sessions.get_mut(id) else { return };
        let Some(asked) = nas_session.told.asked.take() else { return };
        let why = match outcome {
            Outcome::Done => {
                nas_session.told.known = asked;
                return self.order_change(id);
            }
            Outcome::Refused(Some(why)) => error_cause(why),
            Outcome::Refused(None) => "it refuses".to_owned(),
            Outcome::Unsent => {
                nas_session.told.coa_unsupported = true;
                return self.unanswered.postpone(id);
            }
            Outcome::Silent => "it does not answer".to_owned(),
            Outcome::Unknown => "it has no client section".to_owned(),
        };
        nas_session.told.coa_unsupported = true;
        if outcome == Outcome::Silent && self.unanswered.change(id) {
            return;
        }
        if let Some(nas_session) = self.nas_sessions.get(id)
            && self.admissions.may_log(&nas_session.nas.client, now.boot)
        {
            log::info!(
                "guest: the session of {} at {} cannot be changed while it runs: {why}; it goes on \
                 as it began, and is ended when it has used what it may",
                self.label_of_remote(nas_session),
                nas_session.nas.client,
            );
        }
    }

    /// An access point that did not answer has been heard.
    pub(super) fn change_again(&mut self, id: i64) {
        if let Some(nas_session) = self.nas_sessions.get_mut(id) {
            nas_session.told.coa_unsupported = false;
        }
        self.order_change(id);
    }

    /// Has an access point told what is new. Whoever is to be ended is told nothing else.
    fn order_change(&mut self, id: i64) {
        self.recall_reply(id);
        let Some(nas_session) = self.nas_sessions.get_mut(id) else { return };
        if nas_session.standing != Standing::Open {
            return;
        }
        if let Some(change) = nas_session.told.next() {
            let order = nas_session.order(Demand::Change(Box::new(change)));
            nas_session.told.coa_unsupported = self.orders.send(Dispatch::Order(order)).is_err();
        }
    }

    /// What the operator gave with an Access-Accept wins over the plan, and is forgotten with a
    /// restart. Where nothing is written down of a user, it was nothing; else we had better be
    /// silent.
    fn recall_reply(&mut self, id: i64) {
        let Some(nas_session) = self.nas_sessions.get_mut(id) else { return };
        if nas_session.told.reply.is_some() || !nas_session.told.has_news() {
            return;
        }
        let policy = match Username::parse(&nas_session.login) {
            Ok(Some(name)) => self.store.policy_of(&name).ok(),
            _ => None,
        };
        if policy == Some(User::default()) {
            nas_session.told.reply = Some(Pairs::default());
            let used = nas_session.progress.usage();
            if let Some(each) = self.sessions.accounts.share(nas_session.voucher) {
                nas_session.told.presume_share(each, used);
            }
        } else {
            nas_session.told.coa_unsupported = true;
        }
    }
}
