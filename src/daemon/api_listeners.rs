//! The API's listeners: one for each address in `list listen`.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::watch;

use super::listeners::{AddressReport, BindError, Device, GRACE, Listeners, Service, State};
use super::port_owner::Protocol;
use crate::http::{self, Server};

pub(super) struct ApiListeners {
    server: Server,
    report: AddressReport,
    listeners: Listeners<SocketAddr, ApiListener>,
}

struct ApiListener {
    server: Server,
    address: SocketAddr,
    report: AddressReport,
}

impl ApiListeners {
    pub(super) fn new(server: Server, report: AddressReport) -> Self {
        Self { server, report, listeners: Listeners::new() }
    }

    /// Opens what is new and closes what is gone; the rest, and its connections, stay.
    pub(super) async fn change(&mut self, addresses: &[SocketAddr]) {
        self.listeners.retain(|address| addresses.contains(address)).await;
        for &address in addresses {
            if self.listeners.get(&address).is_none() {
                let (server, report) = (self.server.clone(), self.report.clone());
                let listener = ApiListener { server, address, report };
                self.listeners.open(address, listener, Device::Any);
            }
        }
    }

    /// Whether this address could not be opened yet.
    pub(super) fn has_failed(&self, address: SocketAddr) -> bool {
        self.report.has_failed(address)
    }

    /// Closes everything; requests under way get a moment to end.
    pub(super) async fn stop(&mut self) {
        self.listeners.close().await;
        self.server.limiter.drained(GRACE).await;
    }
}

impl Service for ApiListener {
    type Socket = TcpListener;

    fn bind(&self) -> Result<TcpListener, BindError> {
        let option = "'list listen' in 'config api'";
        http::bind(self.address)
            .map_err(|error| BindError::new(&error, Protocol::Tcp, self.address, option))
    }

    async fn serve(&self, socket: TcpListener, stop: watch::Receiver<bool>) {
        self.server.clone().run(socket, stop).await;
    }

    fn report(&self, state: State) {
        self.report.note(self.address, state);
    }
}
