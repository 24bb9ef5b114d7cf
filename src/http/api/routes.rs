//! The API over HTTP: which paths there are, and how a request becomes a call.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::response::Response;
use axum::routing::any;
use axum::{Extension, Router};
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use hyper::{Method, Request, StatusCode};
use tokio::sync::{Semaphore, watch};

use super::result::ApiResult;
use super::{Api, ApiRequest, KEY, MisplacedKey, Settings};
use crate::config;
use crate::hotspot::Handle;
use crate::http::body::{self, BodyError};
use crate::http::conn_limit::{self, PeerClass, PeerKey};
use crate::http::params::{self, Params};
use crate::http::server::Limits;
use crate::http::{ConnectionLimiter, Peer, Server, multipart};

/// The API, and the settings in force.
struct Routes {
    api: Api,
    settings: watch::Receiver<Arc<Settings>>,
}

/// The server for every API listener.
pub fn server(hotspot: Handle, settings: watch::Receiver<Arc<Settings>>) -> Server {
    let (known, counted) = (settings.clone(), settings.clone());
    let routes = Routes { api: Api::new(hotspot), settings };
    let router = Router::new()
        .route("/api", any(handle))
        .route("/api/", any(handle))
        .fallback(not_found)
        .with_state(Arc::new(routes));
    let class = move |peer| match known.borrow().config.allows(peer) {
        true => PeerClass::Allowed,
        false => PeerClass::Other,
    };
    Server {
        router,
        limiter: ConnectionLimiter::default(),
        class: Arc::new(class),
        peer: Arc::new(move |peer, _| peer_key(&counted.borrow().config, peer)),
        limits: Limits { octets: 8 * 1024, headers: 64 },
        fallback: None,
        refused: Arc::new(Semaphore::new(0)),
    }
}

/// The peer that a connection is counted for: the address where it is in `allow_from`, since the
/// hosts of a LAN share one IPv6 /64; else the whole /64, which one host can have.
fn peer_key(config: &config::Api, peer: IpAddr) -> PeerKey {
    match config.allows(peer) {
        true => PeerKey::Address(peer.to_canonical()),
        false => PeerKey::Address(conn_limit::peer_network(peer)),
    }
}

async fn not_found() -> Response {
    let mut response = Response::new(Body::from("Not found. The API is at /api/\n"));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

async fn handle(
    State(routes): State<Arc<Routes>>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request<Body>,
) -> Response {
    let settings = routes.settings.borrow().clone();
    match routes.read(&settings, peer, request).await {
        Ok(request) => routes.api.call(&settings, request).await,
        Err(refused) => refused.into_response(&settings.config),
    }
}

impl Routes {
    /// The call that an HTTP request is. A caller who is refused anyway is refused before the body
    /// is read: nothing is kept for them.
    async fn read(
        &self,
        settings: &Settings,
        peer: IpAddr,
        request: Request<Body>,
    ) -> Result<ApiRequest, ApiResult> {
        self.api.authorize(settings, peer, request.method())?;
        read_request(peer, request).await
    }
}

/// The parameters of a call: those of the body, and of the query what is not among them (as PHP's
/// `$_REQUEST` has them). The key that comes with a POST is in its body, so that it is in no history
/// and no log.
async fn read_request(peer: IpAddr, request: Request<Body>) -> Result<ApiRequest, ApiResult> {
    let method = request.method().clone();
    let query = params::from_query(request.uri().query().unwrap_or_default());
    let sent = Sent::read(request.headers(), &query);
    let params = match method {
        Method::GET => query,
        _ => match body::read(request.into_body(), body::BYTES).await {
            Ok(body) => from_body(&sent, &body)?.or(query, KEY),
            Err(BodyError::TooLarge) => return Err(ApiResult::TooLarge),
            Err(BodyError::Broken) => {
                return Err(ApiResult::Malformed("the body broke off or came too slowly"));
            }
        },
    };
    Ok(ApiRequest { method, peer, params, misplaced_key: sent.misplaced_key })
}

/// Facts from the headers. Not the headers themselves: they would keep the whole read buffer alive
/// while the body arrives.
struct Sent {
    /// Of `multipart/form-data`.
    boundary: Option<String>,
    is_compressed: bool,
    /// A key where it is not looked for.
    misplaced_key: Option<MisplacedKey>,
}

impl Sent {
    fn read(headers: &HeaderMap, query: &Params) -> Self {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let encoding = header(CONTENT_ENCODING).unwrap_or("identity");
        Self {
            boundary: header(CONTENT_TYPE).and_then(multipart::boundary).map(str::to_owned),
            is_compressed: !encoding.eq_ignore_ascii_case("identity"),
            misplaced_key: misplaced_key(headers, query),
        }
    }
}

fn misplaced_key(headers: &HeaderMap, query: &Params) -> Option<MisplacedKey> {
    if matches!(query.text(KEY), Ok(Some(_))) {
        return Some(MisplacedKey::Query);
    }
    let in_header = headers.contains_key(AUTHORIZATION) || headers.contains_key("x-api-key");
    in_header.then_some(MisplacedKey::Header)
}

fn from_body(sent: &Sent, body: &[u8]) -> Result<Params, ApiResult> {
    if sent.is_compressed {
        return Err(ApiResult::Malformed("the body is compressed; send it as it is"));
    }
    if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'{', 0, ..] | [0, b'{', ..] = body {
        return Err(ApiResult::Malformed("the body is UTF-16; send UTF-8"));
    }
    let params = match sent.boundary.as_deref() {
        Some(boundary) => params::from_multipart(body, boundary),
        None => params::from_body(body),
    };
    params.ok_or_else(|| ApiResult::Malformed(malformed(body)))
}

/// Why a body is neither JSON nor a form nor multipart/form-data.
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
