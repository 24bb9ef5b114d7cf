//! RADIUS's listeners: two UDP ports for each address in `list listen`.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use tokio::sync::watch;

use super::listeners::{AddressReport, BindError, Device, Listeners, Service, State};
use super::port_owner::Protocol;
use crate::config::{self, Config};
use crate::radius::reply::Port;
use crate::radius::{Server, Socket};

/// An address, and what is asked there.
type Place = (SocketAddr, Port);

pub(super) struct RadiusListeners {
    server: Server,
    report: AddressReport,
    listeners: Listeners<Place, RadiusListener>,
}

struct RadiusListener {
    server: Server,
    place: Place,
    report: AddressReport,
}

impl RadiusListeners {
    pub(super) fn new(server: Server, report: AddressReport) -> Self {
        Self { server, report, listeners: Listeners::new() }
    }

    /// Opens what is new and closes what is gone; the rest stays.
    pub(super) async fn change(&mut self, config: &Config) {
        self.server.configure(config);
        let wanted = places(&config.radius);
        self.listeners.retain(|place| wanted.contains(place)).await;
        for place in wanted {
            if self.listeners.get(&place).is_none() {
                let (server, report) = (self.server.clone(), self.report.clone());
                self.listeners.open(place, RadiusListener { server, place, report }, Device::Any);
            }
        }
    }

    /// What to say of it all in one line.
    pub(super) fn summary(&self, config: &config::Radius) -> String {
        let shown = |address| match self.report.has_failed(address) {
            true => format!("{address} (cannot listen there yet)"),
            false => address.to_string(),
        };
        let addresses: Vec<_> =
            self.listeners.iter().map(|((address, _), _)| shown(*address)).collect();
        match config.enabled {
            true => format!("RADIUS at {}", addresses.join(", ")),
            false => "RADIUS is off".to_owned(),
        }
    }

    /// Closes everything.
    pub(super) async fn stop(&mut self) {
        self.listeners.close().await;
        self.server.keep_peers().await;
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

impl Service for RadiusListener {
    type Socket = Socket;

    fn bind(&self) -> Result<Socket, BindError> {
        let (address, port) = self.place;
        let option = match port {
            Port::Auth => "'list listen' and 'auth_port' in 'config radius'",
            Port::Acct => "'list listen' and 'acct_port' in 'config radius'",
        };
        Socket::bind(address)
            .map_err(|error| BindError::new(&error, Protocol::Udp, address, option))
    }

    async fn serve(&self, socket: Socket, stop: watch::Receiver<bool>) {
        self.server.clone().serve(socket, self.place.1, stop).await;
    }

    fn report(&self, state: State) {
        self.report.note(self.place.0, state);
    }
}
