//! The local `/api/?action=` of the vendor's API page: one address, ten actions, GET or
//! POST, a secret key.
//!
//! [`Api::call`] is the API: a call in, a response out, no socket. [`routes`] makes calls of HTTP
//! requests, [`gate`] decides whether to listen to one, [`action`] turns it into commands,
//! [`answer`] words the outcome, [`list`] streams the long ones.

mod action;
mod answer;
mod gate;
mod key_throttle;
mod list;
mod routes;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::response::Response;
use hyper::Method;

use answer::Outcome;
use gate::SentKey;
use key_throttle::{FORGIVEN, KeyCheck, KeyThrottle};
pub use routes::server;

use super::conn_limit;
use super::params::Params;
use crate::domain::log_limit::LogLimit;
use crate::domain::secret::Secret;
use crate::domain::throttle::Throttle;
use crate::domain::zone::Zone;
use crate::hotspot::Handle;
use crate::{clock, config};

/// The parameter that holds the key.
const KEY: &str = "api-key";
/// Strangers are noted in the log this often at most, each; and as many are told apart.
const NOTED: Duration = Duration::from_secs(300);
const STRANGERS: usize = 64;

/// What the API needs to know; replaced as a whole when the configuration is read again.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The configuration.
    pub config: config::Api,
    /// The key in force.
    pub key: Secret,
    /// Times are read and shown in it.
    pub zone: Zone,
    /// Where the zone was found, for `hotspotd check`; as an error, why it is not the router's.
    pub zone_source: Result<String, String>,
}

/// What anybody on the LAN can have written to the log, and a script that calls in a loop.
#[derive(Default)]
struct Logs {
    refused: LogLimit,
    failed: LogLimit,
    wrong_keys: LogLimit,
    exhausted: LogLimit,
    strangers: LogLimit,
}

/// A call of the API, however it came.
#[derive(Debug)]
pub struct ApiRequest {
    /// GET and POST are calls, each where the configuration allows it.
    pub method: Method,
    /// The caller's address: compared with `allow_from`, counted for wrong keys, named in the log.
    pub peer: IpAddr,
    /// What was sent, the key among it.
    pub params: Params,
    /// Where a key was sent that does not count; said to a caller without one.
    pub misplaced_key: Option<MisplacedKey>,
}

/// Where callers put a key by mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MisplacedKey {
    /// The query of a POST: it ends up in histories and logs.
    Query,
    /// A header, as other APIs have it.
    Header,
}

impl MisplacedKey {
    fn hint(place: Option<Self>) -> &'static str {
        match place {
            Some(Self::Query) => {
                "no api-key came with the call; that of a POST belongs into its body"
            }
            Some(Self::Header) => "no api-key came with the call; it is a parameter, not a header",
            None => "no api-key came with the call",
        }
    }
}

/// The API, with what it remembers of its callers. One value for all ways to call it: wrong keys
/// are counted over all of them.
pub struct Api {
    hotspot: Handle,
    key_throttle: Mutex<KeyThrottle>,
    logs: Mutex<Logs>,
    strangers: Mutex<Throttle>,
}

impl Api {
    /// An API in front of this hotspot.
    pub fn new(hotspot: Handle) -> Self {
        let strangers = Mutex::new(Throttle::new(STRANGERS, 1, NOTED, Default::default()));
        Self { hotspot, key_throttle: Mutex::default(), logs: Mutex::default(), strangers }
    }

    /// Answers a call. Lists are read page by page as the response's body is taken.
    pub async fn call(&self, settings: &Settings, request: ApiRequest) -> Response {
        self.outcome(settings, &request).await.respond(&settings.config)
    }

    async fn outcome(&self, settings: &Settings, request: &ApiRequest) -> Outcome {
        let allowed = self
            .authorize(settings, request.peer, &request.method)
            .and_then(|()| self.authenticate(settings, request));
        if let Err(refused) = allowed {
            return refused;
        }
        let action = request.params.text("action").unwrap_or_default().unwrap_or_default();
        let outcome = action::perform(&self.hotspot, settings, action, &request.params).await;
        self.note_outcome(action, request.peer, &outcome);
        outcome
    }

    /// Whether anybody at this address may call in this way at all, key or not.
    fn authorize(&self, settings: &Settings, peer: IpAddr, method: &Method) -> Result<(), Outcome> {
        let allowed = gate::method(&settings.config, peer, method);
        allowed.inspect_err(|_| self.note_stranger(settings, peer))
    }

    fn note_outcome(&self, action: &str, peer: IpAddr, outcome: &Outcome) {
        let now = clock::boot_time();
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Outcome::Unfit(reason) => {
                if let Some(more) = logs.refused.pass(now) {
                    log::info!("api: call from {} refused: {reason}{more}", peer);
                }
            }
            Outcome::Fault(reason) => {
                if let Some(more) = logs.failed.pass(now) {
                    log::error!("api: {action} from {} failed: {reason}{more}", peer);
                }
            }
            _ => log::debug!("api: {action} from {}", peer),
        }
    }

    /// Says who is turned away, once in a while: a stranger must not fill the log.
    fn note_stranger(&self, settings: &Settings, peer: IpAddr) {
        if !settings.config.enabled || settings.config.allows(peer) {
            return;
        }
        let mut noted = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::boot_time();
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.failed(conn_limit::peer_network(peer), now)
            && let Some(more) = logs.strangers.pass(now)
        {
            log::warn!("api: {} is refused, its address is not in allow_from{more}", peer);
        }
    }

    fn authenticate(&self, settings: &Settings, request: &ApiRequest) -> Result<(), Outcome> {
        let is_right = match gate::key(&settings.key, &request.params) {
            SentKey::Absent => {
                return Err(Outcome::KeyNotSet(MisplacedKey::hint(request.misplaced_key)));
            }
            SentKey::Wrong => false,
            SentKey::Right => true,
        };
        let now = clock::boot_time();
        let mut throttle = self.key_throttle.lock().unwrap_or_else(PoisonError::into_inner);
        match throttle.check(request.peer, is_right, now) {
            KeyCheck::Accepted => return Ok(()),
            KeyCheck::Blocked => {}
            KeyCheck::Wrong { blocked } => self.note_wrong_key(request.peer, blocked, now),
        }
        Err(Outcome::KeyWrong)
    }

    fn note_wrong_key(&self, peer: IpAddr, blocked: bool, now: Duration) {
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(more) = logs.wrong_keys.pass(now) {
            log::info!("api: wrong key from {peer}{more}");
        }
        if blocked && let Some(more) = logs.exhausted.pass(now) {
            log::warn!(
                "api: too many wrong keys from {peer}; unless it had the right key before, it is \
                 refused whatever key it sends, and forgiven one every {} s{more}",
                FORGIVEN.as_secs()
            );
        }
    }
}
