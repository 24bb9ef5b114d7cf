//! Accepting and serving connections within limits.

use std::ffi::OsString;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use nix::sys::socket::{setsockopt, sockopt::BindToDevice, sockopt::Ipv6V6Only};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tower_service::Service;

use super::door::{Door, Pass, Standing};
use super::stream::{Progress, Watched};
use super::{Local, Peer};
use crate::clock;
use crate::domain::log_limit::LogLimit;

/// Bytes of request line and headers together.
const HEADER_BYTES: usize = 8 * 1024;
/// Headers in a request.
const HEADERS: usize = 64;
/// Time to send a whole header block, also the first one.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// A connection on which nothing moves for this long is closed.
const IDLE: Duration = Duration::from_secs(30);
/// Requests under way when the daemon stops get this long to end.
const GRACE: Duration = Duration::from_secs(2);
/// Connections that the kernel may keep waiting.
const BACKLOG: u32 = 128;

/// Sent when there is no place left, before the connection is closed.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\
                      Retry-After: 1\r\nConnection: close\r\n\r\n";

/// Binds a listener. `[::]` is IPv6 alone, as in OpenWrt's own configurations, which name
/// `0.0.0.0` beside it.
///
/// # Errors
/// What the kernel says, above all that the address is taken.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    listen(socket, address)
}

/// Binds a listener that only hears what comes in on one network device.
///
/// # Errors
/// What the kernel says, above all that the port is taken.
pub fn bind_to_device(address: SocketAddr, device: &str) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    setsockopt(&socket, BindToDevice, &OsString::from(device))?;
    listen(socket, address)
}

fn listen(socket: TcpSocket, address: SocketAddr) -> io::Result<TcpListener> {
    socket.set_reuseaddr(true)?;
    if address.is_ipv6() {
        setsockopt(&socket, Ipv6V6Only, &true)?;
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// What a listener serves, and to whom.
#[derive(Clone)]
pub struct Server {
    /// The pages.
    pub router: Router,
    /// Counts the connections; shared by listeners that serve the same pages.
    pub door: Door,
    /// Tells the known from strangers.
    pub standing: Arc<dyn Fn(IpAddr) -> Standing + Send + Sync>,
    /// What counts as one peer: addresses that give the same share its places.
    pub peer: Arc<dyn Fn(IpAddr) -> IpAddr + Send + Sync>,
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
                Ok((stream, peer)) => self.admit(stream, peer.ip().to_canonical(), &stop),
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

    fn admit(&self, stream: TcpStream, peer: IpAddr, stop: &watch::Receiver<bool>) {
        let standing = (self.standing)(peer);
        match self.door.enter((self.peer)(peer), standing) {
            Some(pass) => {
                tokio::spawn(serve(stream, Peer(peer), self.router.clone(), stop.clone(), pass));
            }
            None => {
                log::debug!("http: {peer} turned away, too many connections");
                // One try, no waiting: whoever floods us is not worth a task.
                let _ = stream.try_write(FULL);
            }
        }
    }
}

async fn serve(
    stream: TcpStream,
    peer: Peer,
    router: Router,
    mut stop: watch::Receiver<bool>,
    pass: Pass,
) {
    let _ = stream.set_nodelay(true);
    let local = stream
        .local_addr()
        .ok()
        .map(|address| Local(SocketAddr::new(address.ip().to_canonical(), address.port())));
    let progress = Progress::default();
    let stream = TokioIo::new(Watched::new(stream, progress.clone()));
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        if let Some(local) = local {
            request.extensions_mut().insert(local);
        }
        router.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(HEADER_BYTES)
        .max_headers(HEADERS)
        // `nc -N` and others close their half once they have asked.
        .half_close(true)
        .serve_connection(stream, service);
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        () = progress.stalled(IDLE) => log::debug!("http: {} idle, closed", peer.0),
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(GRACE, connection.as_mut()).await;
        }
    }
    drop(pass);
}

/// Returns once the daemon stops.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
