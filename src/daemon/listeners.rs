//! The API's addresses: opened, closed and tried again as the configuration and the network come
//! and go.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::holder::{Protocol, reason};
use crate::http::{self, Server};

/// Time between two attempts at an address that cannot be opened: a LAN interface that comes up
/// late, a port that another program still holds.
pub(super) const RETRY: Duration = Duration::from_secs(3);

/// Requests under way when the daemon stops get this long to end.
const GRACE: Duration = Duration::from_secs(2);

/// What each address is doing.
pub(super) type Report = watch::Sender<BTreeMap<String, Result<(), String>>>;

/// One task for each address.
pub(super) struct Listeners {
    server: Server,
    report: Report,
    open: BTreeMap<SocketAddr, Listener>,
}

struct Listener {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Listeners {
    /// Opens the addresses. What can be opened is open when this returns.
    pub(super) async fn start(server: Server, report: Report, addresses: &[SocketAddr]) -> Self {
        let mut listeners = Self { server, report, open: BTreeMap::new() };
        listeners.change(addresses).await;
        listeners
    }

    /// Opens what is new and closes what is gone; the rest, and its connections, stay.
    pub(super) async fn change(&mut self, addresses: &[SocketAddr]) {
        let gone = self.open.extract_if(.., |address, _| !addresses.contains(address));
        for (address, listener) in gone.collect::<Vec<_>>() {
            self.report.send_modify(|report| drop(report.remove(&address.to_string())));
            listener.stop.send_replace(true);
            // Its port must be free before another address on it is tried.
            let _ = listener.task.await;
        }
        for address in addresses {
            if !self.open.contains_key(address) {
                let listener = self.listen(*address);
                self.open.insert(*address, listener);
            }
        }
    }

    /// The addresses that could not be opened yet.
    pub(super) fn closed(&self) -> Vec<SocketAddr> {
        let report = self.report.borrow();
        let failed =
            |address: &&SocketAddr| matches!(report.get(&address.to_string()), Some(Err(_)));
        self.open.keys().filter(failed).copied().collect()
    }

    /// Closes everything; requests under way get a moment to end.
    pub(super) async fn stop(&mut self) {
        for listener in self.open.values() {
            listener.stop.send_replace(true);
        }
        for (_, listener) in std::mem::take(&mut self.open) {
            let _ = listener.task.await;
        }
        self.server.door.emptied(GRACE).await;
    }

    fn listen(&self, address: SocketAddr) -> Listener {
        let (stop, stopped) = watch::channel(false);
        let first = open(address, &self.report);
        let report = self.report.clone();
        let server = self.server.clone();
        let task = tokio::spawn(serve(server, address, first, report, stopped));
        Listener { stop, task }
    }
}

async fn serve(
    server: Server,
    address: SocketAddr,
    mut listener: Option<TcpListener>,
    report: Report,
    mut stop: watch::Receiver<bool>,
) {
    while listener.is_none() {
        tokio::select! {
            () = tokio::time::sleep(RETRY) => {
                listener = open(address, &report);
            }
            _ = stop.changed() => return,
        }
    }
    if let Some(listener) = listener {
        server.run(listener, stop).await;
    }
}

fn open(address: SocketAddr, report: &Report) -> Option<TcpListener> {
    let wanted = Wanted {
        what: "api",
        protocol: Protocol::Tcp,
        address,
        option: "'list listen' in 'config api'",
    };
    wanted.opened(http::bind(address), report)
}

/// An address that is to be opened, and what for.
pub(super) struct Wanted {
    pub(super) what: &'static str,
    pub(super) protocol: Protocol,
    pub(super) address: SocketAddr,
    pub(super) option: &'static str,
}

impl Wanted {
    /// Says once why it cannot be opened, and once that it is.
    pub(super) fn opened<T>(&self, bound: io::Result<T>, report: &Report) -> Option<T> {
        self.told(bound.as_ref().err(), report);
        bound.ok()
    }

    fn told(&self, error: Option<&io::Error>, report: &Report) {
        let Self { what, protocol, address, option } = *self;
        let place = address.to_string();
        let before = report.borrow().get(&place).cloned();
        let result = match error {
            None => Ok(()),
            Some(error) => Err(reason(error, protocol, address, option)),
        };
        match (&before, &result, error) {
            (Some(Err(_)), Ok(()), _) => log::info!("{what}: listening on {place} now"),
            // Who has it may change every time.
            (Some(Err(told)), _, Some(error)) if told.starts_with(&error.to_string()) => {}
            (_, Err(why), _) => log::error!(
                "{what}: cannot listen on {place}: {why}; trying again every {} s",
                RETRY.as_secs()
            ),
            _ => {}
        }
        report.send_modify(|report| drop(report.insert(place, result)));
    }
}
