//! The local `/api/?action=` of the vendor's API page: one address, ten actions, GET or
//! POST, a secret key.
//!
//! [`gate`] decides whether to listen to a call, [`action`] turns it into commands, [`answer`]
//! words the outcome, [`list`] streams the long ones.

mod action;
mod answer;
mod gate;
mod key_throttle;
mod list;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::any;
use axum::{Extension, http};
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use hyper::{Method, Request, StatusCode};
use tokio::sync::{Semaphore, watch};

use answer::Outcome;
use key_throttle::{Checked, FORGIVEN, KeyThrottle};

use super::body::{self, BodyError};
use super::door::{self, PeerKey, Standing};
use super::params::{self, Params};
use super::server::Limits;
use super::{Door, Peer, Server, multipart};
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

/// The API as a service.
struct Api {
    hotspot: Handle,
    settings: watch::Receiver<Arc<Settings>>,
    key_throttle: Mutex<KeyThrottle>,
    logs: Mutex<Logs>,
    strangers: Mutex<Throttle>,
}

/// The server for every API listener.
pub fn server(hotspot: Handle, settings: watch::Receiver<Arc<Settings>>) -> Server {
    let (known, counted) = (settings.clone(), settings.clone());
    let key_throttle = Mutex::default();
    let strangers = Mutex::new(Throttle::new(STRANGERS, 1, NOTED, Default::default()));
    let api = Api { hotspot, settings, key_throttle, logs: Mutex::default(), strangers };
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
        peer: Arc::new(move |peer, _| counted_as(&counted.borrow().config, peer)),
        limits: Limits { octets: 8 * 1024, headers: 64 },
        fallback: None,
        turned_away: Arc::new(Semaphore::new(0)),
    }
}

/// Whose connections are counted together: one address of a network in `allow_from`, since the
/// hosts of a LAN share one IPv6 /64; the whole /64 of anybody else, which one host can have.
fn counted_as(config: &config::Api, peer: IpAddr) -> PeerKey {
    match config.allows(peer) {
        true => PeerKey::Address(peer.to_canonical()),
        false => PeerKey::Address(door::network(peer)),
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
        let action = params.text("action").unwrap_or_default().unwrap_or_default();
        let outcome = action::perform(&self.hotspot, settings, action, &params).await;
        self.note_outcome(action, peer, &outcome);
        outcome
    }

    fn note_outcome(&self, action: &str, peer: Peer, outcome: &Outcome) {
        let now = clock::boot_time();
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Outcome::Unfit(reason) => {
                if let Some(more) = logs.refused.pass(now) {
                    log::info!("api: call from {} refused: {reason}{more}", peer.0);
                }
            }
            Outcome::Fault(reason) => {
                if let Some(more) = logs.failed.pass(now) {
                    log::error!("api: {action} from {} failed: {reason}{more}", peer.0);
                }
            }
            _ => log::debug!("api: {action} from {}", peer.0),
        }
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
        let (compared, now) = (gate::key(&settings.key, params), clock::boot_time());
        let mut throttle = self.key_throttle.lock().unwrap_or_else(PoisonError::into_inner);
        match throttle.check(peer.0, compared, now) {
            Checked::Right => Ok(()),
            Checked::Refused(outcome) => Err(outcome),
            Checked::Wrong { blocked } => {
                let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(more) = logs.wrong_keys.pass(now) {
                    log::info!("api: wrong key from {}{more}", peer.0);
                }
                if blocked && let Some(more) = logs.exhausted.pass(now) {
                    log::warn!(
                        "api: too many wrong keys from {}; unless it had the right key before, it \
                         is refused whatever key it sends, and forgiven one every {} s{more}",
                        peer.0,
                        FORGIVEN.as_secs()
                    );
                }
                Err(Outcome::KeyWrong)
            }
        }
    }
}

/// The parameters of a call: those of the body, and of the query what is not among them (as PHP's
/// `$_REQUEST` has them). The key that comes with a POST is in its body, so that it is in no history
/// and no log.
async fn read_params(method: &Method, request: Request<Body>) -> Result<Params, Outcome> {
    let query = params::from_query(request.uri().query().unwrap_or_default());
    let sent = Sent::read(request.headers(), &query);
    let params = match method {
        &Method::GET => query,
        _ => match body::read(request.into_body(), body::BYTES).await {
            Ok(body) => from_body(&sent, &body)?.or(query, KEY),
            Err(BodyError::TooLarge) => return Err(Outcome::TooLarge),
            Err(BodyError::Broken) => {
                return Err(Outcome::Malformed("the body broke off or came too slowly"));
            }
        },
    };
    match params.text(KEY) {
        Ok(None | Some("")) => Err(Outcome::KeyNotSet(sent.without_key())),
        _ => Ok(params),
    }
}

/// What there is to know of a call beside its parameters. Not its headers: they would keep all that was
/// read with them while the body comes.
struct Sent {
    /// Of `multipart/form-data`.
    boundary: Option<String>,
    is_compressed: bool,
    /// The key is where it is not looked for.
    has_key_in_query: bool,
    has_key_in_header: bool,
}

impl Sent {
    fn read(headers: &HeaderMap, query: &Params) -> Self {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let encoding = header(CONTENT_ENCODING).unwrap_or("identity");
        Self {
            boundary: header(CONTENT_TYPE).and_then(multipart::boundary).map(str::to_owned),
            is_compressed: !encoding.eq_ignore_ascii_case("identity"),
            has_key_in_query: matches!(query.text(KEY), Ok(Some(_))),
            has_key_in_header: headers.contains_key(AUTHORIZATION)
                || headers.contains_key("x-api-key"),
        }
    }

    /// Where a caller without a parameter `api-key` may have put the key.
    fn without_key(&self) -> &'static str {
        match (self.has_key_in_query, self.has_key_in_header) {
            (true, _) => "no api-key came with the call; that of a POST belongs into its body",
            (_, true) => "no api-key came with the call; it is a parameter, not a header",
            (false, false) => "no api-key came with the call",
        }
    }
}

fn from_body(sent: &Sent, body: &[u8]) -> Result<Params, Outcome> {
    if sent.is_compressed {
        return Err(Outcome::Malformed("the body is compressed; send it as it is"));
    }
    if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'{', 0, ..] | [0, b'{', ..] = body {
        return Err(Outcome::Malformed("the body is UTF-16; send UTF-8"));
    }
    let params = match sent.boundary.as_deref() {
        Some(boundary) => params::from_multipart(body, boundary),
        None => params::from_body(body),
    };
    params.ok_or_else(|| Outcome::Malformed(malformed(body)))
}

/// What was sent in the place of JSON, a form or multipart/form-data.
fn malformed(body: &[u8]) -> &'static str {
    match body.trim_ascii_start() {
        [b'[', ..] => "the body is a JSON array; send one object in each call",
        [b'{', ..] if std::str::from_utf8(body).is_err() => {
            "the body is JSON in another encoding than UTF-8"
        }
        [b'{', ..] => "the body is no JSON: it begins with a brace and cannot be read to its end",
        _ => "the body is no whole multipart/form-data",
    }
}
