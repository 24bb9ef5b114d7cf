//! The local `/api/?action=` of the vendor's API page: one address, ten actions, GET or
//! POST, a secret key.
//!
//! [`params`] decodes what was sent, [`gate`] decides whether to listen to it, [`action`] turns
//! it into commands, [`answer`] words the outcome, [`list`] streams the long ones, [`key`] keeps
//! the secret.

mod action;
mod answer;
mod gate;
pub mod key;
mod list;
pub mod params;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::any;
use axum::{Extension, http};
use hyper::{Method, Request, StatusCode};
use tokio::sync::watch;

pub use action::voucher_request;
use answer::Outcome;
use params::Params;

use super::body::{self, BodyError};
use super::door::{self, Standing};
use super::{Door, Peer, Server};
use crate::domain::log_limit::LogLimit;
use crate::domain::secret::Secret;
use crate::domain::throttle::Throttle;
use crate::domain::zone::Zone;
use crate::hotspot::Handle;
use crate::{clock, config};

/// Wrong keys from one address before it is made to wait, and the time until one is forgiven.
const WRONG_KEYS: u16 = 10;
const FORGIVEN: Duration = Duration::from_secs(6);
/// Addresses told apart by the throttle.
const THROTTLED: usize = 1024;

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

/// What anybody on the LAN can have written to the log.
#[derive(Default)]
struct Logs {
    wrong_keys: LogLimit,
    exhausted: LogLimit,
    strangers: LogLimit,
}

/// The API as a service.
struct Api {
    hotspot: Handle,
    settings: watch::Receiver<Arc<Settings>>,
    wrong_keys: Mutex<Throttle>,
    logs: Mutex<Logs>,
    strangers: Mutex<Throttle>,
}

/// The server for every API listener.
pub fn server(hotspot: Handle, settings: watch::Receiver<Arc<Settings>>) -> Server {
    let known = settings.clone();
    let throttle = Throttle::new(THROTTLED, WRONG_KEYS, FORGIVEN, Default::default());
    let wrong_keys = Mutex::new(throttle);
    let strangers = Mutex::new(Throttle::new(STRANGERS, 1, NOTED, Default::default()));
    let api = Api { hotspot, settings, wrong_keys, logs: Mutex::default(), strangers };
    let router = Router::new()
        .route("/api", any(handle))
        .route("/api/", any(handle))
        .fallback(not_found)
        .with_state(Arc::new(api));
    let standing = move |peer| match known.borrow().config.allows(peer) {
        true => Standing::Known,
        false => Standing::Stranger,
    };
    Server {
        router,
        door: Door::default(),
        standing: Arc::new(standing),
        peer: Arc::new(door::network),
    }
}

async fn not_found() -> Response {
    let mut response = Response::new(Body::from("Not found. The API is at /api/\n"));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("text/plain"));
    response
}

async fn handle(
    State(api): State<Arc<Api>>,
    Extension(peer): Extension<Peer>,
    request: Request<Body>,
) -> Response {
    let settings = api.settings.borrow().clone();
    let outcome = api.outcome(&settings, peer, request).await;
    outcome.respond(&settings.config)
}

impl Api {
    async fn outcome(&self, settings: &Settings, peer: Peer, request: Request<Body>) -> Outcome {
        let method = request.method().clone();
        if let Err(refused) = gate::method(&settings.config, peer.0, &method) {
            self.note_stranger(settings, peer);
            return refused;
        }
        let params = match read_params(&method, request).await {
            Ok(params) => params,
            Err(refused) => return refused,
        };
        if let Err(refused) = self.check_key(settings, peer, &params) {
            return refused;
        }
        action::perform(&self.hotspot, settings, peer, &params).await
    }

    /// Says who is turned away, once in a while: a stranger must not fill the log.
    fn note_stranger(&self, settings: &Settings, peer: Peer) {
        if !settings.config.enabled || settings.config.allows(peer.0) {
            return;
        }
        let mut noted = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::boot_time();
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.failed(door::network(peer.0), now)
            && let Some(more) = logs.strangers.pass(now)
        {
            log::warn!("api: {} is refused, its address is not in allow_from{more}", peer.0);
        }
    }

    fn check_key(&self, settings: &Settings, peer: Peer, params: &Params) -> Result<(), Outcome> {
        let now = clock::boot_time();
        let network = door::network(peer.0);
        let mut throttle = self.wrong_keys.lock().unwrap_or_else(PoisonError::into_inner);
        // Before the comparison: whoever has guessed too often must not learn that a guess was right.
        if throttle.blocks(network, now) {
            return Err(Outcome::KeyWrong);
        }
        let verdict = gate::key(&settings.key, params);
        if matches!(verdict, Err(Outcome::KeyWrong)) {
            let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(more) = logs.wrong_keys.pass(now) {
                log::info!("api: wrong key from {}{more}", peer.0);
            }
            if throttle.failed(network, now)
                && let Some(more) = logs.exhausted.pass(now)
            {
                log::warn!(
                    "api: too many wrong keys from {}; it is refused whatever key it sends, and \
                     forgiven one every {} s{more}",
                    peer.0,
                    FORGIVEN.as_secs()
                );
            }
        }
        verdict
    }
}

async fn read_params(method: &Method, request: Request<Body>) -> Result<Params, Outcome> {
    if method == Method::GET {
        return Ok(params::from_query(request.uri().query().unwrap_or_default()));
    }
    match body::read(request.into_body(), body::BYTES).await {
        Ok(body) => params::from_body(&body).ok_or(Outcome::Malformed),
        Err(BodyError::TooLarge) => Err(Outcome::TooLarge),
        Err(BodyError::Broken) => Err(Outcome::Malformed),
    }
}
