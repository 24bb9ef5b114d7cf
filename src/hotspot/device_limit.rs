//! How many devices use one voucher, and what each may have.

use std::time::Duration;

use super::Hotspot;
use super::disconnect_state::Standing;
use super::nas_sessions::NasSession;
use super::pending_sessions::PendingSession;
use super::quota::Member;
use super::radius_messages::{AccessRequest, Purpose};
use crate::domain::list::Entry;
use crate::domain::login::{Grant, Refusal};
use crate::domain::plan::OnDeviceLimit;
use crate::domain::session::{Allowance, TerminateCause};
use crate::domain::station::Mac;
use crate::domain::time::{Now, Timestamp};
use crate::domain::voucher::Voucher;

impl AccessRequest {
    /// Whether an open session is the one that is asked for: it has the same Acct-Session-Id.
    pub(super) fn is_of_session(&self, nas_session: &NasSession) -> bool {
        let is_same_device = self.station.is_none() || nas_session.station.is_none();
        self.session.as_ref() == Some(&nas_session.session)
            && self.nas.client == nas_session.nas.client
            && is_same_device
    }

    /// Whether a place is kept for this sign-in, or for an earlier one that it repeats.
    pub(super) fn is_of_place(&self, place: &PendingSession) -> bool {
        place.is_of(&self.nas.client, self.station, self.session.as_deref())
    }
}

impl Hotspot {
    /// As many devices as the voucher allows, all networks and access points together; the device
    /// that asks is not another one.
    pub(super) fn make_room(
        &mut self,
        request: &AccessRequest,
        entry: &Entry<Voucher>,
        grant: &Grant,
        now: Now,
    ) -> Result<(), Refusal> {
        // Whoever takes turns between two looks at the counters would never be counted.
        self.look_at([entry.id], Duration::ZERO, now);
        let account = self.sessions.accounts.get(entry.id);
        if account.is_some_and(|account| account.voucher.data_left().is_over()) {
            return Err(Refusal::UsedUp);
        }
        if !self.takes_a_place(request) {
            return Ok(());
        }
        let others = self.others_than(request, entry.id);
        let login = entry.value.username.as_str();
        let waiting = self.kept_for_others(login, Some(request), request.station, now);
        let room = usize::from(grant.plan.devices.get());
        let too_many = (others.len() + waiting + 1).saturating_sub(room);
        if too_many > 0 && grant.plan.on_device_limit == OnDeviceLimit::Refuse {
            return self.make_absent_yield(&others, too_many, now);
        }
        let leaving: Vec<Member> = others.into_iter().take(too_many).collect();
        if leaving.iter().any(|member| self.disconnect_failed(*member)) {
            return Err(Refusal::TooManyDevices);
        }
        for oldest in leaving {
            self.end(oldest, TerminateCause::PortPreempted, now);
        }
        Ok(())
    }

    /// Whether an access point was told to end a session and has not: nobody takes its place, or
    /// one voucher would let in one device after the other.
    fn disconnect_failed(&self, member: Member) -> bool {
        let Member::Elsewhere(id) = member else { return false };
        let nas_session = self.nas_sessions.get(id);
        self.unanswered.was_to_end(id)
            || nas_session
                .is_some_and(|nas_session| matches!(nas_session.standing, Standing::Stays(..)))
    }

    /// Who is online with a voucher, the longest first, but not on this device. Of one that is not
    /// known nobody can say that it is the same.
    pub(super) fn others(&self, voucher: i64, station: Option<Mac>) -> Vec<Member> {
        let members = self.sessions.accounts.members(voucher).into_iter();
        let mut others: Vec<Member> =
            members.filter(|it| station.is_none() || self.mac_of(*it) != station).collect();
        // Sessions are numbered as they are heard of, which may be late.
        others.sort_by_key(|it| self.began(*it));
        others
    }

    /// Who else is online with a voucher than who asks to be let in.
    fn others_than(&self, request: &AccessRequest, voucher: i64) -> Vec<Member> {
        let mut others = self.others(voucher, request.station);
        others.retain(|it| match it {
            Member::Here(_) => true,
            Member::Elsewhere(id) => {
                self.nas_sessions.get(*id).is_none_or(|it| !request.is_of_session(it))
            }
        });
        others
    }

    /// Places that are kept for a login's other devices; with a request, for other sign-ins than its
    /// own.
    pub(super) fn kept_for_others(
        &self,
        login: &str,
        request: Option<&AccessRequest>,
        station: Option<Mac>,
        now: Now,
    ) -> usize {
        let places = self.pending_sessions.of(login, now).filter(|it| it.counts);
        let other = |it: &&PendingSession| {
            let is_its = request.is_some_and(|request| request.is_of_place(it));
            !is_its && (it.station.is_none() || it.station != station)
        };
        places.filter(other).count()
    }

    /// Access points' clocks may be wrong; who was let in when is known.
    fn began(&self, member: Member) -> Option<Timestamp> {
        match member {
            Member::Here(mac) => self.sessions.get(mac).map(|session| session.started_at),
            Member::Elsewhere(id) => {
                self.nas_sessions.get(id).map(|nas_session| nas_session.admitted_at)
            }
        }
    }

    /// Whether somebody counts as a device from now on. Who says that nothing but a password is checked
    /// does not, unless sessions are reported from there all the same; then they count from the
    /// first report on where it is the first one.
    pub(super) fn takes_a_place(&self, request: &AccessRequest) -> bool {
        match request.purpose {
            Purpose::Session => true,
            Purpose::AuthenticateOnly => self.admissions.reports(&request.nas.client),
            Purpose::PasswordCheck => false,
        }
    }

    /// A session has been reported. Who was let in while another was on its way there could not
    /// make it leave: it is made up for now, and who has been in for longest yields. One for which no
    /// place was kept ends nobody's.
    pub(super) fn end_excess_sessions(&mut self, id: i64, had_a_place: bool, now: Now) {
        let Some(nas_session) = self.nas_sessions.get(id) else { return };
        let plan = self.settings.preset.plan;
        let newcomer = Member::Elsewhere(id);
        let began = self.began(newcomer);
        let mut others = self.others(nas_session.voucher, nas_session.station);
        others.retain(|it| *it != newcomer);
        let too_many = (others.len() + 1).saturating_sub(usize::from(plan.devices.get()));
        let yields = plan.on_device_limit == OnDeviceLimit::Refuse || !had_a_place;
        if too_many > 0 && yields {
            // The order would name a session that was let in.
            if had_a_place || !self.has_a_twin(id) {
                self.order_end(id, TerminateCause::PortPreempted, now);
            }
            return;
        }
        let after = others.iter().position(|it| self.began(*it) > began).unwrap_or(others.len());
        others.insert(after, newcomer);
        for oldest in others.into_iter().take(too_many) {
            self.end(oldest, TerminateCause::PortPreempted, now);
        }
    }

    /// What a device that asks may use of a voucher's data.
    pub(super) fn share_with_one_more(
        &self,
        request: &AccessRequest,
        entry: &Entry<Voucher>,
        now: Now,
    ) -> Allowance {
        let account = self.sessions.accounts.get(entry.id);
        let voucher = account.map_or(&entry.value, |account| &account.voucher);
        let login = entry.value.username.as_str();
        voucher.data_left().shared_by(self.sharers(request, entry.id, login, now))
    }

    /// How many devices use a voucher with the one that asks.
    pub(super) fn sharers(
        &self,
        request: &AccessRequest,
        voucher: i64,
        login: &str,
        now: Now,
    ) -> usize {
        let others = self.others_than(request, voucher).len();
        others + self.kept_for_others(login, Some(request), request.station, now) + 1
    }

    fn mac_of(&self, member: Member) -> Option<Mac> {
        match member {
            Member::Here(mac) => Some(mac),
            Member::Elsewhere(id) => {
                self.nas_sessions.get(id).and_then(|nas_session| nas_session.station)
            }
        }
    }
}
