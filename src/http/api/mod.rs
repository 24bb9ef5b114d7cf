//! The local `/api/?action=` of the vendor's API page: one address, ten actions, GET or
//! POST, a secret key.
//!
//! [`Api::call`] is the API: a call in, a response out, no socket. [`routes`] makes calls of HTTP
//! requests, [`auth`] checks address, method and key, [`key_throttle`] counts wrong keys, [`action`]
//! turns a call into commands, [`result`] words the result, [`list`] streams long lists.

mod action;
mod auth;
mod key_throttle;
mod list;
mod result;
mod routes;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::response::Response;
use hyper::Method;

use auth::SentKey;
use key_throttle::{FORGIVEN, KeyCheck, KeyThrottle};
use result::ApiResult;
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
/// Minimum time between two log lines about one refused address, and how many are told apart.
const NOTED: Duration = Duration::from_secs(300);
const REFUSED_ADDRESSES: usize = 64;

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

/// Rate limits for log lines that peers cause: anybody on the LAN, or a script that calls in a loop.
#[derive(Default)]
struct Logs {
    refused: LogLimit,
    failed: LogLimit,
    wrong_keys: LogLimit,
    exhausted: LogLimit,
    refused_addresses: LogLimit,
}

/// A call of the API, however it came.
#[derive(Debug)]
pub(crate) struct ApiRequest {
    /// GET and POST are calls, each where the configuration allows it.
    pub(crate) method: Method,
    /// The caller's address: compared with `allow_from`, counted for wrong keys, named in the log.
    pub(crate) peer: IpAddr,
    /// What was sent, the key among it.
    pub(crate) params: Params,
    /// Where a key was sent that does not count; said to a caller without one.
    pub(crate) misplaced_key: Option<MisplacedKey>,
}

/// Where callers put a key by mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MisplacedKey {
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
pub(crate) struct Api {
    hotspot: Handle,
    key_throttle: Mutex<KeyThrottle>,
    logs: Mutex<Logs>,
    refused_addresses: Mutex<Throttle>,
}

impl Api {
    /// An API in front of this hotspot.
    pub(crate) fn new(hotspot: Handle) -> Self {
        let refused_addresses =
            Mutex::new(Throttle::new(REFUSED_ADDRESSES, 1, NOTED, Default::default()));
        Self { hotspot, key_throttle: Mutex::default(), logs: Mutex::default(), refused_addresses }
    }

    /// Answers a call. Lists are read page by page as the response's body is taken.
    pub(crate) async fn call(&self, settings: &Settings, request: ApiRequest) -> Response {
        self.result(settings, &request).await.into_response(&settings.config)
    }

    async fn result(&self, settings: &Settings, request: &ApiRequest) -> ApiResult {
        let allowed = self
            .authorize(settings, request.peer, &request.method)
            .and_then(|()| self.authenticate(settings, request));
        if let Err(refused) = allowed {
            return refused;
        }
        let action = request.params.text("action").unwrap_or_default().unwrap_or_default();
        let result = action::perform(&self.hotspot, settings, action, &request.params).await;
        self.log_result(action, request.peer, &result);
        result
    }

    /// Checks address and method, which need no parameters.
    fn authorize(
        &self,
        settings: &Settings,
        peer: IpAddr,
        method: &Method,
    ) -> Result<(), ApiResult> {
        let allowed = auth::authorize(&settings.config, peer, method);
        allowed.inspect_err(|_refused| self.log_refused_address(settings, peer))
    }

    fn log_result(&self, action: &str, peer: IpAddr, result: &ApiResult) {
        let now = clock::boot_time();
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            ApiResult::InvalidParameter(reason) => {
                if let Some(more) = logs.refused.pass(now) {
                    log::info!("api: call from {peer} refused: {reason}{more}");
                }
            }
            ApiResult::Failed(reason) => {
                if let Some(more) = logs.failed.pass(now) {
                    log::error!("api: {action} from {peer} failed: {reason}{more}");
                }
            }
            _ => log::debug!("api: {action} from {peer}"),
        }
    }

    /// Logs an address that is not in `allow_from`, at a limited rate.
    fn log_refused_address(&self, settings: &Settings, peer: IpAddr) {
        if !settings.config.enabled || settings.config.allows(peer) {
            return;
        }
        let mut noted = self.refused_addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::boot_time();
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.failed(conn_limit::peer_network(peer), now)
            && let Some(more) = logs.refused_addresses.pass(now)
        {
            log::warn!("api: {peer} is refused, its address is not in allow_from{more}");
        }
    }

    fn authenticate(&self, settings: &Settings, request: &ApiRequest) -> Result<(), ApiResult> {
        let is_right = match auth::compare_key(&settings.key, &request.params) {
            SentKey::Absent => {
                return Err(ApiResult::KeyNotSet(MisplacedKey::hint(request.misplaced_key)));
            }
            SentKey::Wrong => false,
            SentKey::Right => true,
        };
        let now = clock::boot_time();
        let mut throttle = self.key_throttle.lock().unwrap_or_else(PoisonError::into_inner);
        match throttle.check(request.peer, is_right, now) {
            KeyCheck::Accepted => return Ok(()),
            KeyCheck::Blocked => {}
            KeyCheck::Wrong { blocked } => self.log_wrong_key(request.peer, blocked, now),
        }
        Err(ApiResult::KeyWrong)
    }

    fn log_wrong_key(&self, peer: IpAddr, blocked: bool, now: Duration) {
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
