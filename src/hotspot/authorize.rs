//! Access-Requests: who is let in at an access point, with what, and who is not.

use std::fmt;
use std::num::NonZeroU16;

use super::access_log::is_mac_authentication;
use super::candidates::{Meant, apply_rows, prove_any, what_is_known, with_other_forms};
use super::coa::CoaState;
use super::login_throttle::{Exhausted, Place, ThrottleKey, Waits};
use super::pending_sessions::PendingSession;
use super::portal_login::printable;
use super::radius_messages::{Accept, Access, AccessRequest, Purpose, Reject, session_timeout};
use super::session::deadline;
use super::{AfterCommit, Hotspot, Reply, send};
use crate::authn::{Keys, Verdict};
use crate::domain::list::Entry;
use crate::domain::login::{Grant, Refusal};
use crate::domain::time::Now;
use crate::domain::voucher::{Voucher, casefold};
use crate::policy::dictionary::{
    ACCESS_PERIOD, AUTH_TYPE, EXPIRE_AFTER, REPLY_MESSAGE, SIMULTANEOUS_USE, USER_NAME,
};
use crate::policy::{Authorized, Denial, Limits, Pairs, Value, passwords};
use crate::store::StoreError;

/// Values of Auth-Type.
const ACCEPT: u32 = 254;
const REJECT: u32 = 4;

/// What comes of a request as far as store and rules go.
enum AuthzResult {
    Admitted(Box<Admitted>),
    Refused(Why),
    Slow(String),
}

/// Somebody whose password is right and whom no rule keeps out.
struct Admitted {
    login: String,
    voucher: Option<(Entry<Voucher>, Grant)>,
    limits: Limits,
    /// Simultaneous-Use.
    most_sessions: Option<u32>,
    reply: Pairs,
    keys: Keys,
}

/// Why somebody is not let in.
#[derive(Clone, Debug)]
enum Why {
    Refusal(Refusal),
    Denial(Denial),
    /// This check item does not hold.
    Mismatch(&'static str),
    /// The operator says so, perhaps in a sentence.
    Rejected(Option<String>),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refusal(refusal) => refusal.fmt(f),
            Self::Denial(denial) => denial.fmt(f),
            Self::Mismatch(item) => write!(f, "The user may not sign in here: {item}."),
            Self::Rejected(Some(sentence)) => f.write_str(sentence),
            Self::Rejected(None) => f.write_str("The user may not sign in."),
        }
    }
}

impl Why {
    fn is_a_wrong_guess(&self) -> bool {
        matches!(self, Self::Refusal(refusal) if refusal.is_wrong_guess())
    }
}

impl Hotspot {
    /// As on the portal: what money hangs on, the first login with a voucher, is durable before
    /// the access point is told.
    pub(super) fn authenticate(
        &mut self,
        request: AccessRequest,
        reply: Reply<Access>,
        now: Now,
    ) -> AfterCommit {
        self.access_points.heard(&request.nas, now);
        let judged = self.judge_access(&request, now);
        Box::new(move |hotspot, committed| {
            let judged = judged.and_then(|judged| committed.map(|()| judged));
            hotspot.note(&judged);
            hotspot.heard_from(&request.nas, now);
            let let_in = match judged {
                Err(error) => return send(reply, Err(error)),
                Ok(AuthzResult::Slow(hash)) => return send(reply, Ok(Access::Slow(hash))),
                Ok(AuthzResult::Refused(why)) => Err(why),
                Ok(AuthzResult::Admitted(admitted)) => {
                    hotspot.admit_there(&request, *admitted, now)
                }
            };
            let access = match let_in {
                Ok(accept) => Access::Accept(Box::new(accept)),
                Err(why) => Access::Reject(hotspot.reject(&request, &why, now)),
            };
            hotspot.answer_once_enforced(move |_| send(reply, Ok(access)));
        })
    }

    fn judge_access(
        &mut self,
        request: &AccessRequest,
        now: Now,
    ) -> Result<AuthzResult, StoreError> {
        let guesser = ThrottleKey::new(request.station, Place::Client(&request.nas.client));
        let waits = self.login_throttle.waits(&guesser, now.boot);
        // Before the comparison: who has guessed too often must not learn that a guess was right.
        if let Some(refusal) = waits.of_device() {
            return Ok(AuthzResult::Refused(Why::Refusal(refusal)));
        }
        let meant = self.store.attempt(|| self.meant_users(request))?;
        let guesser = guesser.at(meant.iter().map(|it| it.candidate.username.as_str()));
        let waits = self.login_throttle.waits(&guesser, now.boot);
        let judged =
            self.store.attempt(|| self.authorize_candidates(request, meant, waits, now))?;
        let judged = match (judged, waits.by_others(false)) {
            (AuthzResult::Refused(why), Some(wait)) if why.is_a_wrong_guess() => {
                AuthzResult::Refused(Why::Refusal(wait))
            }
            (judged, _) => judged,
        };
        if let AuthzResult::Refused(Why::Refusal(refusal)) = judged
            && !is_mac_authentication(request)
        {
            self.note_guess_there(request, &guesser, refusal, now);
        }
        Ok(judged)
    }

    /// Counts a guess that was in vain.
    fn note_guess_there(
        &mut self,
        request: &AccessRequest,
        guesser: &ThrottleKey<'_>,
        refusal: Refusal,
        now: Now,
    ) {
        let exhausted = match refusal {
            Refusal::TooManyTriesByOthers(_) => {
                let own = self.login_throttle.failed_unheard(guesser, now.boot);
                Exhausted { own, of_strangers: false }
            }
            refusal if refusal.is_wrong_guess() => self.login_throttle.failed(guesser, now.boot),
            _ => return,
        };
        let client = &request.nas.client;
        if exhausted.own
            && let Some(more) = self.login_throttle.device_log.pass(now.boot)
        {
            log::warn!("guest: too many wrong passwords at {client}{}{more}", from(request));
        }
        if exhausted.of_strangers
            && let Some(more) = self.login_throttle.others_log.pass(now.boot)
        {
            log::warn!(
                "guest: too many wrong passwords at {client}, most likely by somebody who \
                 guesses; devices that are new there have to wait unless their passcode was \
                 generated{more}"
            );
        }
    }

    fn authorize_candidates(
        &self,
        request: &AccessRequest,
        meant: Vec<Meant>,
        waits: Waits,
        now: Now,
    ) -> Result<AuthzResult, StoreError> {
        let mut refusal = Refusal::UnknownUsername;
        for meant in meant {
            match self.authorize_candidate(request, meant, waits, now)? {
                AuthzResult::Refused(Why::Refusal(Refusal::WrongPasscode)) => {
                    refusal = Refusal::WrongPasscode;
                }
                judged => return Ok(judged),
            }
        }
        Ok(AuthzResult::Refused(Why::Refusal(refusal)))
    }

    fn authorize_candidate(
        &self,
        request: &AccessRequest,
        meant: Meant,
        waits: Waits,
        now: Now,
    ) -> Result<AuthzResult, StoreError> {
        let Meant { candidate, voucher, user } = meant;
        let login = match &voucher {
            Some(entry) => entry.value.username.as_str().to_owned(),
            None => candidate.username.trim().to_owned(),
        };
        let waits = waits.at_username(self.login_throttle.was_in(request.station, &login));
        let known = voucher.as_ref().map(|entry| what_is_known(&entry.value)).unwrap_or_default();
        let (rows, mismatch) = apply_rows(&user, request, known);
        let Authorized { control, reply, .. } = rows;
        let refused = |why| Ok(AuthzResult::Refused(why));
        let keys = match control.integer(AUTH_TYPE) {
            Some(REJECT) => {
                return refused(Why::Rejected(reply.text(REPLY_MESSAGE).map(printable)));
            }
            Some(ACCEPT) => Keys::None,
            // Whatever the password: a slow hash is not worth the time.
            _ if voucher.is_none() && waits.by_others(false).is_some() => {
                return refused(Why::Refusal(Refusal::WrongPasscode));
            }
            _ => {
                let own = voucher.as_ref().map(|entry| &entry.value);
                let known = with_other_forms(passwords(&control), &candidate.username, own);
                match prove_any(&candidate.proof, &known, &request.hashed) {
                    Verdict::Proven(Keys::None) => candidate.keys,
                    Verdict::Proven(keys) => keys,
                    Verdict::Slow(hash) => return Ok(AuthzResult::Slow(hash)),
                    Verdict::Wrong | Verdict::Impossible => {
                        return refused(Why::Refusal(Refusal::WrongPasscode));
                    }
                }
            }
        };
        if let Some(item) = mismatch {
            return refused(Why::Mismatch(item));
        }
        let is_generated =
            voucher.as_ref().is_some_and(|entry| entry.value.has_generated_passcode());
        if let Some(wait) = waits.by_others(is_generated)
            && control.integer(AUTH_TYPE) != Some(ACCEPT)
        {
            return refused(Why::Refusal(wait));
        }
        let limits = match self.limits_of(request, &login, &control, voucher.as_ref(), now)? {
            Ok(limits) => limits,
            Err(denial) => return refused(Why::Denial(denial)),
        };
        let voucher = match voucher {
            None => None,
            Some(entry) => match entry.value.admit(&self.settings.preset, now) {
                Ok(grant) => Some((entry, grant)),
                Err(refusal) => return refused(Why::Refusal(refusal)),
            },
        };
        self.write_first_login(request, &login, voucher.as_ref(), &control, now)?;
        let most_sessions = control.integer(SIMULTANEOUS_USE);
        let admitted = Admitted { login, voucher, limits, most_sessions, reply, keys };
        Ok(AuthzResult::Admitted(Box::new(admitted)))
    }

    fn write_first_login(
        &self,
        request: &AccessRequest,
        login: &str,
        voucher: Option<&(Entry<Voucher>, Grant)>,
        control: &Pairs,
        now: Now,
    ) -> Result<(), StoreError> {
        match voucher {
            Some((entry, _)) if entry.value.first_login.is_none() => {
                self.store.set_first_login(entry.id, request.station, now)
            }
            None if control.get(ACCESS_PERIOD).or(control.get(EXPIRE_AFTER)).is_some() => {
                self.store.set_first_login_of(&casefold(login), now)
            }
            _ => Ok(()),
        }
    }

    /// Makes room, keeps a place, and writes down what the access point is told.
    fn admit_there(
        &mut self,
        request: &AccessRequest,
        admitted: Admitted,
        now: Now,
    ) -> Result<Accept, Why> {
        let Admitted { login, voucher, mut limits, most_sessions, reply, keys } = admitted;
        limits.time = [limits.time, session_timeout(&reply)].into_iter().flatten().min();
        let entry = voucher.as_ref().map(|(entry, _)| entry);
        let open = self.open_sessions(request, &login, entry, now);
        // Others of the same batch were let in since this was judged.
        if most_sessions.is_some_and(|most| open as u64 >= u64::from(most)) {
            return Err(Why::Denial(Denial::LoggedInAlready));
        }
        let mut accept = Accept { reply, keys, total: limits.total, ..Accept::default() };
        accept.left.time = limits.time;
        let mut id = 0;
        if let Some((entry, grant)) = &voucher {
            id = entry.id;
            self.make_room(request, entry, grant, now).map_err(Why::Refusal)?;
            let end = deadline(grant.until, now).map(|end| end.saturating_sub(now.boot));
            accept.left.time = [end, limits.time].into_iter().flatten().min();
            accept.rates = (grant.plan.download_rate, grant.plan.upload_rate);
            accept.idle_timeout = grant.plan.idle_timeout;
            let data = self.share_with_one_more(request, entry, now);
            (accept.left.download, accept.left.upload) = (data.download, data.upload);
            self.login_log.used(id, request.station, now);
        }
        let whole = |left: std::time::Duration| i64::try_from(left.as_secs()).unwrap_or(i64::MAX);
        accept.until =
            accept.left.time.filter(|_| now.wall_is_set).map(|left| now.wall.plus(whole(left)));
        if casefold(&request.username) != casefold(&login) {
            // A code that was typed holds the passcode: accounting shall not carry it about.
            accept.reply.replace(USER_NAME, Value::Text(login.clone()));
        }
        accept.class = self.classes.next(&login, id);
        self.admissions.accepted(&request.nas.client, &login, now.boot);
        let interim = self.settings.interim_interval;
        let sharers = self.sharers(request, id, &login, now);
        let reservation = PendingSession {
            class: accept.class.clone(),
            client: request.nas.client.clone(),
            station: request.station,
            session: request.session.clone(),
            login: login.clone(),
            counts: self.takes_a_place(request),
            is_replaced: false,
            since: now.boot,
            deadline: accept.left.time.map(|left| now.boot + left),
            total: accept.total,
            voucher: id,
            revoked: false,
            told: CoaState::with(&accept, interim, limits.time.map(|it| now.boot + it), sharers),
        };
        if request.purpose != Purpose::PasswordCheck {
            self.pending_sessions.reserve(reservation);
        }
        let devices = voucher.as_ref().map_or(NonZeroU16::MIN, |(_, grant)| grant.plan.devices);
        let label = if id == 0 { printable(&login) } else { self.label_of(voucher.as_ref()) };
        self.note_admission(request, login, &label, devices, now);
        Ok(accept)
    }

    fn label_of(&self, voucher: Option<&(Entry<Voucher>, Grant)>) -> String {
        match voucher {
            Some((entry, _)) if !entry.value.is_one_code() => {
                printable(entry.value.username.as_str())
            }
            Some((entry, _)) => format!("voucher {}", entry.id),
            None => String::new(),
        }
    }

    fn reject(&mut self, request: &AccessRequest, why: &Why, now: Now) -> Reject {
        let message = why.to_string();
        log::debug!("guest: refused at {}{}: {message}", request.nas.client, from(request));
        let is_unknown = matches!(why, Why::Refusal(Refusal::UnknownUsername));
        self.log_refusal(request, &message, is_unknown, now);
        Reject { message, wrong_password: why.is_a_wrong_guess() }
    }
}

/// Behind a log line: the device, where it is known.
pub(super) fn from(request: &AccessRequest) -> String {
    request.station.map(|mac| format!(", {mac}")).unwrap_or_default()
}
