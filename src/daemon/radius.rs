//! RADIUS's addresses: opened, closed and tried again as the configuration and the network come
//! and go.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::holder::Protocol;
use super::listeners::{RETRY, Report, Wanted};
use crate::config::{self, Config};
use crate::radius::reply::Port;
use crate::radius::{Server, Socket};

/// An address, and what is asked there.
type Place = (SocketAddr, Port);

/// One task for each address and port.
pub(super) struct Radius {
    server: Server,
    report: Report,
    open: BTreeMap<Place, Listener>,
}

struct Listener {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Radius {
    /// Opens the addresses. What can be opened is open when this returns.
    pub(super) async fn start(server: Server, report: Report, config: &Config) -> Self {
        let mut radius = Self { server, report, open: BTreeMap::new() };
        radius.change(config).await;
        radius
    }

    /// Opens what is new and closes what is gone; the rest stays.
    pub(super) async fn change(&mut self, config: &Config) {
        self.server.configure(config);
        let wanted = places(&config.radius);
        let gone = self.open.extract_if(.., |place, _| !wanted.contains(place));
        for ((address, _), listener) in gone.collect::<Vec<_>>() {
            self.report.send_modify(|report| drop(report.remove(&address.to_string())));
            listener.close().await;
        }
        for place in wanted {
            if !self.open.contains_key(&place) {
                self.open.insert(place, self.listen(place));
            }
        }
    }

    /// What to say of it all in one line.
    pub(super) fn summary(&self, config: &config::Radius) -> String {
        let addresses: Vec<String> =
            self.open.keys().map(|(address, _)| self.shown(*address)).collect();
        match config.enabled {
            true => format!("RADIUS at {}", addresses.join(", ")),
            false => "RADIUS is off".to_owned(),
        }
    }

    fn shown(&self, address: SocketAddr) -> String {
        match self.report.borrow().get(&address.to_string()) {
            Some(Err(_)) => format!("{address} (cannot listen there yet)"),
            _ => address.to_string(),
        }
    }

    /// Closes everything.
    pub(super) async fn stop(&mut self) {
        for (_, listener) in std::mem::take(&mut self.open) {
            listener.close().await;
        }
        self.server.keep_peers().await;
    }

    fn listen(&self, place: Place) -> Listener {
        let (stop, stopped) = watch::channel(false);
        let first = try_bind(place, &self.report);
        let task = serve(self.server.clone(), place, first, self.report.clone(), stopped);
        Listener { stop, task: tokio::spawn(task) }
    }
}

impl Listener {
    /// The port is free when this returns.
    async fn close(self) {
        self.stop.send_replace(true);
        let _ = self.task.await;
    }
}

fn places(config: &config::Radius) -> BTreeSet<Place> {
    let both = |address| {
        [
            (SocketAddr::new(address, config.auth_port), Port::Auth),
            (SocketAddr::new(address, config.acct_port), Port::Acct),
        ]
    };
    let addresses = config.listen.iter().filter(|_| config.enabled);
    addresses.flat_map(|address| both(*address)).collect()
}

async fn serve(
    server: Server,
    place: Place,
    mut socket: Option<Socket>,
    report: Report,
    mut stop: watch::Receiver<bool>,
) {
    while socket.is_none() {
        tokio::select! {
            () = tokio::time::sleep(RETRY) => socket = try_bind(place, &report),
            _ = stop.changed() => return,
        }
    }
    if let Some(socket) = socket {
        server.serve(socket, place.1, stop).await;
    }
}

fn try_bind((address, port): Place, report: &Report) -> Option<Socket> {
    let option = match port {
        Port::Auth => "'list listen' and 'auth_port' in 'config radius'",
        Port::Acct => "'list listen' and 'acct_port' in 'config radius'",
    };
    let wanted = Wanted { what: "radius", protocol: Protocol::Udp, address, option };
    wanted.opened(Socket::bind(address), report)
}
