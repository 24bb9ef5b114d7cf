//! What a guest sees: the sign-in page, the way to it, and what devices ask on their own.
//!
//! The kernel brings a stranger's requests for port 80 here, whoever they were meant for.
//! [`authority`] tells whom: requests for somebody else are turned towards the portal by
//! [`intercept`], those for the portal are answered by [`desk`]. [`probe`] knows the devices' own
//! questions, [`next`] remembers the page first asked for, [`form`] reads what was typed,
//! [`page`], [`text`], [`language`], [`show`] and [`html`] write pages, [`brand`] is the operator's
//! part in them, [`capport`] is the API for devices (RFC 8908), [`answer`] adds the headers.
//!
//! Every request may be hostile, host and path first of all: nothing of it reaches a page
//! unescaped or a log line as it came, and no path is ever looked up on the disk.

mod answer;
mod authority;
mod brand;
mod capport;
mod desk;
mod fallback;
mod form;
mod html;
mod intercept;
mod language;
mod next;
mod page;
mod probe;
mod show;
#[cfg(test)]
mod tests;
mod text;

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
use super::server::{Limits, TURNED_AWAY};
use super::{ConnectionLimiter, Local, Opener, Peer, Server};
use crate::clock;
use crate::domain::guest::{Caller, Online};
use crate::domain::log_limit::LogLimit;
use crate::domain::station::Mac;
use crate::domain::throttle::Throttle;
use crate::domain::zone::Zone;
use crate::hotspot::{Fault, Handle, Write};
use authority::{Authority, Target};

pub use brand::Brand;

/// A device that was sent back this often is still redirected to us: its session is not in force.
/// One turn is forgotten every second.
const TURNS: u16 = 20;
const FORGOTTEN: Duration = Duration::from_secs(1);
/// Devices told apart in that.
const DEVICES: usize = 256;
/// A hotspot that does not answer is noted in the log this often.
const NOTED: Duration = Duration::from_secs(60);

/// Cookies that other pages at this address have set come along (RFC 6265 section 8.5: ports do not
/// separate them), and a browser that cannot be heard cannot sign in.
const LIMITS: Limits = Limits { octets: 16 * 1024, headers: 128 };

/// What a portal needs to know; replaced as a whole when the configuration is read again.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The guest network: the name of its `config guest` section.
    pub network: Arc<str>,
    /// The portal's port.
    pub port: u16,
    /// The name that the guests' DNS knows the portal by.
    pub portal_name: Option<String>,
    /// The guest device's first IPv4 address: in URLs it stands in for a link-local address, which
    /// cannot be written there.
    pub address_v4: Option<Ipv4Addr>,
    /// A page about the place.
    pub venue_url: Option<String>,
    /// Times are shown in it.
    pub zone: Zone,
    /// The operator's part in the pages.
    pub brand: Brand,
}

/// The portal of one guest network.
struct Portal {
    hotspot: Handle,
    settings: watch::Receiver<Arc<Settings>>,
    turned: Mutex<Throttle>,
    turned_log: Mutex<LogLimit>,
    faults: Mutex<Throttle>,
    unknown: Mutex<Throttle>,
}

/// The server for a guest network's portal. Everyone there is who it is meant for.
pub fn server(hotspot: Handle, settings: watch::Receiver<Arc<Settings>>) -> Server {
    let turned = Mutex::new(Throttle::new(DEVICES, TURNS, FORGOTTEN, Default::default()));
    let faults = Mutex::new(Throttle::new(1, 1, NOTED, Default::default()));
    let unknown = Mutex::new(Throttle::new(1, 1, NOTED, Default::default()));
    let turned_log = Mutex::default();
    let fallback = Arc::new(fallback::Fallback::new(settings.clone()));
    let portal = Portal { hotspot, settings, turned, turned_log, faults, unknown };
    let router = Router::new().fallback(handle).with_state(Arc::new(portal));
    Server {
        router,
        limiter: ConnectionLimiter::default(),
        class: Arc::new(|_| PeerClass::Allowed),
        peer: Arc::new(peer_key),
        limits: LIMITS,
        fallback: Some(fallback),
        turned_away: Arc::new(Semaphore::new(TURNED_AWAY)),
    }
}

/// Guests are told apart by their devices: all of them share one IPv6 network, and each has many
/// addresses in it.
fn peer_key(address: IpAddr, opener: Option<Mac>) -> PeerKey {
    opener.map_or_else(|| PeerKey::Address(conn_limit::peer_network(address)), PeerKey::Device)
}

async fn handle(
    State(portal): State<Arc<Portal>>,
    Extension(Peer(peer)): Extension<Peer>,
    Extension(Opener(opener)): Extension<Opener>,
    Extension(Local(local)): Extension<Local>,
    request: Request<Body>,
) -> Response {
    let settings = portal.settings.borrow().clone();
    let (parts, body) = request.into_parts();
    let target = authority::target(&parts, &settings, local);
    let guest = Guest { portal: &portal, settings: &settings, peer, opener, local, request: parts };
    let answer = match target {
        Target::Portal(authority) => guest.served(authority, body).await,
        Target::Elsewhere(authority) => guest.intercepted(authority).await,
    };
    answer.done()
}

/// One request, and what it takes to answer it.
struct Guest<'a> {
    portal: &'a Portal,
    settings: &'a Settings,
    peer: IpAddr,
    /// The device that opened the connection.
    opener: Option<Mac>,
    local: SocketAddr,
    request: Parts,
}

impl Guest<'_> {
    fn caller(&self) -> Caller {
        let network = self.settings.network.clone();
        Caller { network, address: self.peer, device: self.opener }
    }

    /// Whether this guest is online; lets in a device that was here before.
    async fn visit(&self) -> Result<Option<Online>, Fault> {
        let caller = self.caller();
        let visited = self.portal.hotspot.write(|reply| Write::Visit { caller, reply }).await;
        visited.inspect_err(|fault| self.portal.note(fault))
    }

    /// `http://…/` of the portal as strangers are told.
    fn portal_url(&self) -> String {
        format!("http://{}/", Authority::of_portal(self.settings, self.local))
    }
}

impl Portal {
    /// Says that guests are turned away, once in a while: they will all come again.
    fn note(&self, fault: &Fault) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        if faults.failed((), clock::boot_time()) {
            log::warn!("portal: guests are told to try again in a moment: {fault}");
        }
    }

    /// Says why somebody cannot sign in or out who seems to be where they should be, once in a while.
    fn note_unknown(&self, peer: IpAddr, opener: Option<Mac>) {
        let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        if !unknown.failed((), clock::boot_time()) {
            return;
        }
        match opener {
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

    /// Whether a device has been sent back where it wanted to go over and over.
    fn turns_in_circles(&self, peer: IpAddr, opener: Option<Mac>) -> bool {
        let mut turned = self.turned.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::boot_time();
        let key = peer_key(peer, opener);
        let circles = turned.blocks(key, now);
        let mut limit = self.turned_log.lock().unwrap_or_else(PoisonError::into_inner);
        if turned.failed(key, now)
            && let Some(more) = limit.pass(now)
        {
            log::warn!(
                "portal: {peer} has a session, but the kernel keeps bringing its requests here{more}"
            );
        }
        circles
    }
}
