//! The captive portal: the sign-in page, the redirects to it, and the answers to devices that look
//! for a portal.
//!
//! The kernel redirects port 80 of unauthenticated clients here, whatever host they asked for.
//! [`authority`] tells that host: requests for other hosts are redirected by [`redirect`], those for
//! the portal are answered by [`handlers`]. [`probe`] knows captive portal detection requests,
//! [`return_url`] carries the page first asked for, [`form`] reads the sign-in form, [`page`],
//! [`i18n`], [`language`], [`format`](mod@format) and [`html`] write pages, [`theme`] is the operator's part in
//! them, [`capport`] is the API for devices (RFC 8908), [`response`] sets the headers, [`fallback`]
//! writes responses where a request cannot be read.
//!
//! Every request may be hostile, host and path first of all: nothing of it reaches a page unescaped
//! or a log line as it came, and no path is ever looked up on the disk.

mod authority;
mod capport;
mod fallback;
mod form;
mod format;
mod handlers;
mod html;
mod i18n;
mod language;
mod page;
mod probe;
mod redirect;
mod response;
mod return_url;
#[cfg(test)]
mod tests;
mod theme;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::response::Response;
use axum::{Extension, Router};
use hyper::Request;
use tokio::sync::{Semaphore, watch};

use super::conn_limit::{self, PeerClass, PeerKey};
use super::server::{Limits, MAX_REFUSED};
use super::{ConnectionLimiter, Local, Peer, PeerMac, Server};
use crate::clock;
use crate::domain::guest::{Caller, Online};
use crate::domain::log_limit::LogLimit;
use crate::domain::station::Mac;
use crate::domain::throttle::Throttle;
use crate::domain::zone::Zone;
use crate::hotspot::{Fault, Handle, Write};
use authority::{Authority, Target};

pub use theme::Theme;

/// Redirects to the origin after which a device is taken to be in a redirect loop: its session is
/// not in force in the kernel. One is forgotten every [`REDIRECT_EXPIRY`].
const MAX_REDIRECTS: u16 = 20;
const REDIRECT_EXPIRY: Duration = Duration::from_secs(1);
/// Devices told apart in that.
const DEVICES: usize = 256;
/// Minimum time between two log lines about the same trouble.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// Room for the cookies that other pages at this address have set (RFC 6265 section 8.5: cookies
/// are not isolated by port): a browser whose request is refused cannot sign in.
const LIMITS: Limits = Limits { octets: 16 * 1024, headers: 128 };

/// Settings of a portal; replaced as a whole on a reload of the configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The guest network: the name of its `config guest` section.
    pub network: Arc<str>,
    /// The portal's port.
    pub port: u16,
    /// The name that the guests' DNS knows the portal by.
    pub portal_name: Option<String>,
    /// The guest device's first IPv4 address: it stands in for a link-local IPv6 address, which a URL
    /// cannot hold.
    pub address_v4: Option<Ipv4Addr>,
    /// A page about the venue (`venue-info-url` of RFC 8908).
    pub venue_url: Option<String>,
    /// The time zone of displayed times.
    pub zone: Zone,
    /// The operator's logo, colours and texts.
    pub theme: Theme,
}

/// The portal of one guest network.
struct Portal {
    hotspot: Handle,
    settings: watch::Receiver<Arc<Settings>>,
    redirects: Mutex<Throttle>,
    redirect_loop_log: Mutex<LogLimit>,
    fault_log: Mutex<Throttle>,
    unknown_device_log: Mutex<Throttle>,
}

/// The server for a guest network's portal. It is meant for every address there.
pub fn server(hotspot: Handle, settings: watch::Receiver<Arc<Settings>>) -> Server {
    let redirects =
        Mutex::new(Throttle::new(DEVICES, MAX_REDIRECTS, REDIRECT_EXPIRY, Default::default()));
    let fault_log = Mutex::new(Throttle::new(1, 1, LOG_INTERVAL, Default::default()));
    let unknown_device_log = Mutex::new(Throttle::new(1, 1, LOG_INTERVAL, Default::default()));
    let redirect_loop_log = Mutex::default();
    let fallback = Arc::new(fallback::Fallback::new(settings.clone()));
    let portal =
        Portal { hotspot, settings, redirects, redirect_loop_log, fault_log, unknown_device_log };
    let router = Router::new().fallback(handle).with_state(Arc::new(portal));
    Server {
        router,
        limiter: ConnectionLimiter::default(),
        class: Arc::new(|_| PeerClass::Allowed),
        peer: Arc::new(peer_key),
        limits: LIMITS,
        fallback: Some(fallback),
        refused: Arc::new(Semaphore::new(MAX_REFUSED)),
    }
}

/// Guests are counted by device: they share one IPv6 network, and each has many addresses in it.
fn peer_key(address: IpAddr, mac: Option<Mac>) -> PeerKey {
    mac.map_or_else(|| PeerKey::Address(conn_limit::peer_network(address)), PeerKey::Device)
}

async fn handle(
    State(portal): State<Arc<Portal>>,
    Extension(Peer(peer)): Extension<Peer>,
    Extension(PeerMac(mac)): Extension<PeerMac>,
    Extension(Local(local)): Extension<Local>,
    request: Request<Body>,
) -> Response {
    let settings = portal.settings.borrow().clone();
    let (parts, body) = request.into_parts();
    let target = authority::target(&parts, &settings, local);
    let guest =
        GuestRequest { portal: &portal, settings: &settings, peer, mac, local, request: parts };
    let answer = match target {
        Target::Portal(authority) => guest.handle(authority, body).await,
        Target::Elsewhere(authority) => guest.handle_intercepted(authority).await,
    };
    answer.build()
}

/// A request on a guest network, and the connection it came over.
struct GuestRequest<'a> {
    portal: &'a Portal,
    settings: &'a Settings,
    peer: IpAddr,
    /// The device that opened the connection.
    mac: Option<Mac>,
    local: SocketAddr,
    request: Parts,
}

impl GuestRequest<'_> {
    fn caller(&self) -> Caller {
        let network = self.settings.network.clone();
        Caller { network, address: self.peer, device: self.mac }
    }

    /// The guest's session; starts one for a remembered device (MAC auto-login).
    async fn portal_status(&self) -> Result<Option<Online>, Fault> {
        let caller = self.caller();
        let visited = self.portal.hotspot.write(|reply| Write::Visit { caller, reply }).await;
        visited.inspect_err(|fault| self.portal.log_fault(fault))
    }

    /// The portal's URL in redirects.
    fn portal_url(&self) -> String {
        format!("http://{}/", Authority::of_portal(self.settings, self.local))
    }
}

impl Portal {
    /// Logs that guests get an error page, at a limited rate: every guest will retry.
    fn log_fault(&self, fault: &Fault) {
        let mut limit = self.fault_log.lock().unwrap_or_else(PoisonError::into_inner);
        if limit.failed((), clock::boot_time()) {
            log::warn!("portal: guests are told to try again in a moment: {fault}");
        }
    }

    /// Logs why a client on the guest network cannot sign in or out, at a limited rate.
    fn log_unknown_device(&self, peer: IpAddr, mac: Option<Mac>) {
        let mut limit = self.unknown_device_log.lock().unwrap_or_else(PoisonError::into_inner);
        if !limit.failed((), clock::boot_time()) {
            return;
        }
        match mac {
            Some(mac) => log::warn!(
                "portal: {mac} asks from {peer}, which ARP or neighbour discovery say is another \
                 device's: it can neither sign in nor out"
            ),
            None => log::warn!(
                "portal: the kernel kept no SYN of {peer} (a flood of them, or \
                 net.ipv4.tcp_syncookies is 2): which device it is is not known, and it can neither \
                 sign in nor out"
            ),
        }
    }

    /// Whether a device with a session is redirected here over and over.
    fn is_redirect_loop(&self, peer: IpAddr, mac: Option<Mac>) -> bool {
        let mut redirects = self.redirects.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::boot_time();
        let key = peer_key(peer, mac);
        let is_loop = redirects.blocks(key, now);
        let mut limit = self.redirect_loop_log.lock().unwrap_or_else(PoisonError::into_inner);
        if redirects.failed(key, now)
            && let Some(more) = limit.pass(now)
        {
            log::warn!(
                "portal: {peer} has a session, but the kernel keeps bringing its requests here{more}"
            );
        }
        is_loop
    }
}
