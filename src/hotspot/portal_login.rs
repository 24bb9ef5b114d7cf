//! Guests at the door: signing in, coming back, signing out.

use std::sync::Arc;
use std::time::Duration;

use super::enforcement::FRESH;
use super::portal_authorize::{Attempt, Redeemed};
use super::session::NewSession;
use super::{AfterCommit, Fault, Hotspot, Reply, send};
use crate::domain::guest::{Caller, Online};
use crate::domain::list::Entry;
use crate::domain::login::{Credential, LoginRecord, Method, Refusal};
use crate::domain::plan::OnDeviceLimit;
use crate::domain::session::TerminateCause;
use crate::domain::station::Mac;
use crate::domain::time::Now;
use crate::domain::voucher::{Voucher, breaks_a_line};

/// Longest part of a typed username that is worth writing down.
const LOGGED_CHARACTERS: usize = 64;

/// When somebody who is in has come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entered {
    Before,
    Now,
}

impl Hotspot {
    /// The first login with a voucher starts its time: money hangs on it, so it is durable before
    /// the guest is let in, and so is which device it was. Later ones and the log row stay in
    /// memory for a minute or so.
    pub(super) fn sign_in(
        &mut self,
        caller: Caller,
        credential: Credential,
        reply: Reply<Result<Online, Refusal>>,
        now: Now,
    ) -> AfterCommit {
        let typed = printable(credential.name());
        let attempt = self.judge(&caller, &credential, now);
        Box::new(move |hotspot, committed| {
            let attempt = attempt.and_then(|attempt| committed.map(|()| attempt));
            hotspot.note(&attempt);
            let Attempt { mac, outcome } = match attempt {
                Ok(attempt) => attempt,
                Err(error) => return send(reply, Err(error)),
            };
            if let Some(mac) = mac {
                hotspot.follow(mac, now);
            }
            let let_in = match (mac, outcome) {
                (Some(mac), Ok(redeemed)) => {
                    hotspot.let_in(mac, &caller, redeemed, false, now).map(|entered| (mac, entered))
                }
                (_, Err(refusal)) => Err(refusal),
                (None, Ok(_)) => Err(Refusal::UnknownDevice),
            };
            match let_in {
                Ok((mac, entered)) => hotspot.answer_once_open(mac, entered, now, |online| {
                    let _gone = reply.send(online.map(Ok));
                }),
                Err(refusal) => {
                    // Whoever is told to come again for that has not failed yet.
                    if !matches!(refusal, Refusal::DevicesAreProbed(_)) {
                        hotspot.note_refusal(&caller, mac, typed, refusal, now);
                    }
                    send(reply, Ok(Err(refusal)));
                }
            }
        })
    }

    /// A guest has opened the portal.
    pub(super) fn visit(
        &mut self,
        caller: Caller,
        reply: Reply<Option<Online>>,
        now: Now,
    ) -> AfterCommit {
        let mac = self.station(&caller, now);
        let known = self.remembered_voucher(mac, now);
        Box::new(move |hotspot, committed| {
            let known = known.and_then(|known| committed.map(|()| known));
            hotspot.note(&known);
            if let Some(mac) = mac {
                hotspot.follow(mac, now);
            }
            let let_in = match (mac, known) {
                (_, Err(error)) => return send(reply, Err(error)),
                (Some(mac), _) if hotspot.sessions.get(mac).is_some() => {
                    hotspot.look_at(hotspot.sessions.voucher_at(mac), FRESH, now);
                    // It may have come to its end at this moment.
                    hotspot.sessions.get(mac).map(|_| (mac, Entered::Before))
                }
                (Some(mac), Ok(Some(redeemed))) => {
                    let entered = hotspot.let_in(mac, &caller, redeemed, true, now);
                    entered.ok().map(|entered| (mac, entered))
                }
                _ => None,
            };
            match let_in {
                Some((mac, entered)) => hotspot.answer_once_open(mac, entered, now, |online| {
                    let _gone = reply.send(online.map(Some));
                }),
                None => send(reply, Ok(None)),
            }
        })
    }

    /// A device has turned up: one that has signed in before needs no form, nor even the portal.
    pub(super) fn arrive(&mut self, mac: Mac, caller: Caller, now: Now) -> AfterCommit {
        let known = self.remembered_voucher(Some(mac), now);
        Box::new(move |hotspot, committed| {
            let known = known.and_then(|known| committed.map(|()| known));
            hotspot.note(&known);
            if let Ok(Some(redeemed)) = known
                && let Ok(entered) = hotspot.let_in(mac, &caller, redeemed, true, now)
            {
                hotspot.answer_once_open(mac, entered, now, |_| {});
            }
        })
    }

    pub(super) fn sign_out(
        &mut self,
        caller: Caller,
        reply: Reply<Result<bool, Refusal>>,
        now: Now,
    ) -> AfterCommit {
        let Some(mac) = self.station(&caller, now) else {
            return Box::new(|_, _| send(reply, Ok(Err(Refusal::UnknownDevice))));
        };
        // Who signs out wants to be asked again, also where the session has ended by itself.
        let forgotten = self.store.attempt(|| self.store.forget_device(mac));
        Box::new(move |hotspot, committed| {
            hotspot.note(&forgotten.and(committed));
            // A full disk is no reason to keep somebody online against their will.
            let ended = hotspot.sessions.get(mac).is_some() && {
                hotspot.look_at(hotspot.sessions.voucher_at(mac), Duration::ZERO, now);
                hotspot.close_session(mac, TerminateCause::UserRequest, now).is_some()
            };
            hotspot.answer_once_enforced(move |_| send(reply, Ok(Ok(ended))));
        })
    }

    /// The device that opened the connection, unless the kernel at this moment takes the address
    /// for another's: whoever answers for an address can have it answered for by anybody. That it
    /// asks shows where it is.
    pub(super) fn station(&mut self, caller: &Caller, now: Now) -> Option<Mac> {
        let network = self.settings.networks.iter().find(|it| it.name == caller.network)?;
        let mac = caller.device?;
        match self.neighbours.find(&network.device, caller.address) {
            Ok(Some(other)) if other != mac => {
                log::debug!("guest: {mac} asks from {}, which is {other}'s", caller.address);
                return None;
            }
            // An entry that has just made room for others says nothing against the connection.
            Ok(_) => {}
            Err(error) => {
                if let Some(more) = self.neighbour_log.pass(now.boot) {
                    let address = caller.address;
                    log::warn!("guest: the kernel does not say who has {address}: {error}{more}");
                }
            }
        }
        self.is_here(mac, caller, now);
        Some(mac)
    }

    /// Opens a session, and makes room for it. A device that comes back by itself makes nobody
    /// leave: two phones with one voucher would take it from each other for ever.
    fn let_in(
        &mut self,
        mac: Mac,
        caller: &Caller,
        redeemed: Redeemed,
        by_itself: bool,
        now: Now,
    ) -> Result<Entered, Refusal> {
        let Redeemed { entry, grant } = redeemed;
        let (login, voucher) = (entry.value.username.as_str().to_owned(), entry.id);
        if self.sessions.get(mac).is_some_and(|session| session.voucher == voucher) {
            self.note_login(caller, mac, voucher, login, now);
            return Ok(Entered::Before);
        }
        self.count_up(mac, &entry, now)?;
        let others = self.others(voucher, Some(mac));
        let waiting = self.kept_for_others(&login, None, Some(mac), now);
        let room = usize::from(grant.plan.devices.get());
        let too_many = (others.len() + waiting + 1).saturating_sub(room);
        if too_many > 0 && by_itself {
            return Err(Refusal::TooManyDevices);
        }
        if too_many > 0 && grant.plan.on_device_limit == OnDeviceLimit::Refuse {
            self.make_absent_yield(&others, too_many, now)?;
        } else {
            for oldest in others.into_iter().take(too_many) {
                self.end(oldest, TerminateCause::PortPreempted, now);
            }
        }
        self.close_session(mac, TerminateCause::UserRequest, now);
        let (network, address) = (caller.network.clone(), Some(caller.address));
        self.open_session(NewSession { entry, grant, mac, network, address }, now);
        let label = printable(&self.sessions.accounts.label(voucher));
        log::info!("guest: {mac}, {} signed in with {label}", caller.address);
        self.note_login(caller, mac, voucher, login, now);
        Ok(Entered::Now)
    }

    /// Brings up to date what somebody has used who may have to leave or to share: whoever takes
    /// turns between two looks at the counters would never be counted.
    fn count_up(&mut self, mac: Mac, entry: &Entry<Voucher>, now: Now) -> Result<(), Refusal> {
        let vouchers = self.sessions.voucher_at(mac).into_iter().chain([entry.id]);
        self.look_at(vouchers, Duration::ZERO, now);
        let account = self.sessions.accounts.get(entry.id);
        let used_up = account.is_some_and(|account| account.voucher.data_left().is_over());
        if used_up { Err(Refusal::UsedUp) } else { Ok(()) }
    }

    fn note_login(&mut self, caller: &Caller, mac: Mac, voucher: i64, login: String, now: Now) {
        self.login_log.used(voucher, Some(mac), now);
        self.write_login(caller, Some(mac), login, None, now);
    }

    fn note_refusal(
        &mut self,
        caller: &Caller,
        mac: Option<Mac>,
        typed: String,
        refusal: Refusal,
        now: Now,
    ) {
        log::debug!("guest: {} refused: {refusal}", caller.address);
        self.write_login(caller, mac, typed, Some(refusal), now);
    }

    fn write_login(
        &mut self,
        caller: &Caller,
        mac: Option<Mac>,
        login: String,
        refusal: Option<Refusal>,
        now: Now,
    ) {
        let record = LoginRecord {
            at: now.wall,
            method: Method::Voucher,
            login,
            mac,
            address: Some(caller.address),
            refusal: refusal.map(|refusal| refusal.to_string()),
            times: 1,
        };
        self.login_log.write(record, now);
    }

    /// Answers with the session once the kernel lets its packets through; where it does not, the
    /// session is closed again.
    fn answer_once_open(
        &mut self,
        mac: Mac,
        entered: Entered,
        now: Now,
        answer: impl FnOnce(Result<Online, Fault>) + 'static,
    ) {
        self.answers.push(Box::new(move |hotspot, enforced| {
            if let Err(error) = enforced {
                if entered == Entered::Now {
                    hotspot.close_session(mac, TerminateCause::NasError, now);
                }
                return answer(Err(Fault::Gate(error)));
            }
            let session = hotspot.sessions.get(mac);
            // Another device of the same batch may have taken its place already.
            answer(session.map(|it| hotspot.online(it, now)).ok_or(Fault::Preempted));
        }));
    }

    pub(super) fn answer_once_enforced(&mut self, answer: impl FnOnce(&mut Self) + 'static) {
        self.answers.push(Box::new(move |hotspot, _| answer(hotspot)));
    }

    /// The configured network of this name.
    pub(super) fn network_name(&self, name: &str) -> Arc<str> {
        let mut networks = self.settings.networks.iter();
        networks.find(|it| *it.name == *name).map_or_else(|| name.into(), |it| it.name.clone())
    }
}

/// What a guest typed, fit for a log that is printed on a terminal.
pub(super) fn printable(typed: &str) -> String {
    typed
        .trim()
        .chars()
        .take(LOGGED_CHARACTERS)
        .map(|c| if breaks_a_line(c) { char::REPLACEMENT_CHARACTER } else { c })
        .collect()
}
