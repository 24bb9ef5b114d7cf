//! Accepting and serving connections within limits.

use std::convert::Infallible;
use std::ffi::OsString;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::CONNECTION;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use nix::sys::socket::{setsockopt, sockopt::BindToDevice, sockopt::Ipv6V6Only};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};
use tower_service::Service;

use super::conn_limit::{ConnectionLimiter, PeerClass, PeerKey, Permit};
use super::exchange::Exchange;
use super::fallback::{self, Fallback, FallbackStream};
use super::idle_stream::{Activity, IdleStream};
use super::{Local, Peer, PeerMac, peer_mac};
use crate::clock;
use crate::domain::log_limit::LogLimit;
use crate::domain::station::Mac;

/// Time for a peer to send a header block, also the first one.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// A connection without reads and writes for this long is closed.
const IDLE: Duration = Duration::from_secs(30);
/// Requests under way when the daemon stops get this long to end.
const GRACE: Duration = Duration::from_secs(2);
/// Accept queue of the kernel.
const BACKLOG: u32 = 128;
/// The same at a portal, half-open connections among them: more than one device's SYN flood can
/// fill in the seconds that each is kept. The kernel caps it at `net.core.somaxconn`.
const PORTAL_BACKLOG: u32 = 2048;

/// Refused connections that are read for a moment, so that the response fits the request and
/// arrives.
pub(super) const MAX_REFUSED: usize = 16;
/// The response to a refused connection where the service has none of its own.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\
                      Retry-After: 1\r\nConnection: close\r\n\r\n";

/// Binds a listener. `[::]` is IPv6 alone, as in OpenWrt's own configurations, which name
/// `0.0.0.0` beside it.
///
/// # Errors
/// What the kernel says, above all that the address is taken.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    listen(socket, address, BACKLOG)
}

/// Binds a listener to a network device (`SO_BINDTODEVICE`), and keeps the SYN of each connection,
/// which tells the MAC address of the device that opened it.
///
/// # Errors
/// What the kernel says, above all that the port is taken.
pub fn bind_to_device(address: SocketAddr, device: &str) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    setsockopt(&socket, BindToDevice, &OsString::from(device))?;
    peer_mac::save_syn(&socket)?;
    listen(socket, address, PORTAL_BACKLOG)
}

fn listen(socket: TcpSocket, address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    socket.set_reuseaddr(true)?;
    if address.is_ipv6() {
        setsockopt(&socket, Ipv6V6Only, &true)?;
    }
    socket.bind(address)?;
    socket.listen(backlog)
}

/// Limits of a request head.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Octets of request line and headers together; the body may share the last read. hyper begins
    /// with 8 KB, and doubles that as it needs more.
    pub(super) octets: usize,
    /// Headers.
    pub(super) headers: usize,
}

/// An HTTP service: pages and limits.
#[derive(Clone)]
pub struct Server {
    /// The pages.
    pub router: Router,
    /// Limits the connections; shared by listeners that serve the same pages.
    pub limiter: ConnectionLimiter,
    /// Whether the pages are meant for an address.
    pub class: Arc<dyn Fn(IpAddr) -> PeerClass + Send + Sync>,
    /// The peer that a connection is counted for.
    pub peer: Arc<dyn Fn(IpAddr, Option<Mac>) -> PeerKey + Send + Sync>,
    /// Limits of a request head.
    pub(super) limits: Limits,
    /// Writes responses where the router is not asked; `None` leaves them to hyper.
    pub(super) fallback: Option<Arc<dyn Fallback>>,
    /// Permits for refused connections that get a full response.
    pub(super) refused: Arc<Semaphore>,
}

impl Server {
    /// Serves until `stop` turns true, then lets requests under way end.
    pub async fn run(self, listener: TcpListener, mut stop: watch::Receiver<bool>) {
        let mut limit = LogLimit::default();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stopped(&mut stop) => return,
            };
            match accepted {
                Ok((stream, peer)) => {
                    self.read_arrived_requests().await;
                    self.accept(stream, peer.ip().to_canonical(), &stop);
                }
                Err(error) => {
                    // Out of file descriptors, usually: wait until some connections have ended.
                    if let Some(more) = limit.pass(clock::boot_time()) {
                        log::warn!("http: cannot accept: {error}{more}");
                    }
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }

    /// Lets connections read requests that have arrived already: a connection with a complete
    /// request is no longer idle, and is not evicted.
    async fn read_arrived_requests(&self) {
        // New tasks register with the reactor, the reactor looks, the tasks read.
        for _ in 0..3 {
            if self.limiter.is_full() {
                tokio::task::yield_now().await;
            }
        }
    }

    fn accept(&self, stream: TcpStream, peer: IpAddr, stop: &watch::Receiver<bool>) {
        let class = (self.class)(peer);
        let mac = PeerMac(peer_mac::of_connection(&stream));
        match self.limiter.acquire((self.peer)(peer, mac.0), class) {
            Some(permit) => {
                let server = self.clone();
                tokio::spawn(server.serve(stream, Peer(peer), mac, stop.clone(), permit));
            }
            None => {
                log::debug!("http: connection refused: peer={peer} cause=too-many-connections");
                self.refuse(stream);
            }
        }
    }

    /// Under a flood most refused connections get one non-blocking write instead of a task.
    fn refuse(&self, stream: TcpStream) {
        let Some(fallback) = &self.fallback else {
            let _ = stream.try_write(FULL);
            return;
        };
        match Arc::clone(&self.refused).try_acquire_owned() {
            Ok(permit) => {
                let fallback = Arc::clone(fallback);
                tokio::spawn(async move {
                    fallback::refuse(stream, fallback).await;
                    drop(permit);
                });
            }
            Err(_) => {
                if let Ok(local) = stream.local_addr() {
                    let _ = stream.try_write(&fallback.full(&[], local));
                }
            }
        }
    }

    async fn serve(
        self,
        stream: TcpStream,
        peer: Peer,
        mac: PeerMac,
        mut stop: watch::Receiver<bool>,
        permit: Permit,
    ) {
        let _ = stream.set_nodelay(true);
        let Ok(local) = stream.local_addr() else { return };
        let activity = Activity::default();
        let exchange = Exchange::new(permit);
        let stream = IdleStream::new(stream, activity.clone());
        let stream = FallbackStream::new(stream, self.fallback, Arc::clone(&exchange), local);
        let local = Local(SocketAddr::new(local.ip().to_canonical(), local.port()));
        let under_way = Arc::clone(&exchange);
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(|body| under_way.request_body(body));
            request.extensions_mut().insert(peer);
            request.extensions_mut().insert(mac);
            request.extensions_mut().insert(local);
            let response = self.router.clone().call(request);
            let (limiter, under_way) = (self.limiter.clone(), Arc::clone(&under_way));
            async move {
                let mut response = response.await?.map(|body| under_way.response_body(body));
                if limiter.is_crowded() {
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(response)
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIME)
            .max_buf_size(self.limits.octets)
            .max_headers(self.limits.headers)
            // `nc -N` and others close their half once they have asked.
            .half_close(true)
            .serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => {}
            () = activity.idle(IDLE) => {
                log::debug!("http: connection closed: peer={} cause=idle", peer.0);
            }
            () = exchange.evicted() => {
                log::debug!("http: connection closed: peer={} cause=evicted", peer.0);
            }
            () = stopped(&mut stop) => {
                connection.as_mut().graceful_shutdown();
                let _ = tokio::time::timeout(GRACE, connection.as_mut()).await;
            }
        }
    }
}

/// Returns once the daemon stops.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
