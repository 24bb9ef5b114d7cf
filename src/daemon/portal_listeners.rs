//! The portals' listeners: one for each guest network, bound to its device, so that it cannot be
//! reached from other networks.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use nix::net::if_::if_nametoindex;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::listeners::{BindError, Device, GRACE, Listeners, Service, State};
use super::port_owner::Protocol;
use crate::config;
use crate::control::PortalHealth;
use crate::domain::zone::Zone;
use crate::hotspot::Handle;
use crate::http::portal::{self, Settings, Theme};
use crate::http::{self, Server};
use crate::system_check::first_address;

/// What each portal is doing, by the name of its network.
type Report = watch::Sender<BTreeMap<String, PortalHealth>>;

/// Every guest network's portal.
pub(super) struct PortalListeners {
    hotspot: Handle,
    report: Report,
    listeners: Listeners<Place, PortalListener>,
}

/// What a portal's sockets depend on.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    network: Arc<str>,
    device: String,
    port: u16,
}

struct PortalListener {
    server: Server,
    settings: watch::Sender<Arc<Settings>>,
    place: Place,
    report: Report,
}

impl PortalListeners {
    pub(super) fn new(hotspot: Handle, report: Report) -> Self {
        Self { hotspot, report, listeners: Listeners::new() }
    }

    /// Brings the portals to the configuration. Pages are read anew; connections stay where device
    /// and port do.
    pub(super) async fn change(&mut self, guests: &[config::Guest], zone: &Zone) {
        self.listeners.retain(|place| guests.iter().any(|guest| Place::of(guest) == *place)).await;
        for guest in guests {
            let (theme, warnings) = Theme::load(&guest.pages);
            for warning in warnings {
                log::warn!("portal of '{}': {warning}", guest.name);
            }
            let settings = Arc::new(settings(guest, zone, theme));
            let place = Place::of(guest);
            match self.listeners.get(&place) {
                Some(portal) => drop(portal.settings.send_replace(settings)),
                None => self.open(place, settings),
            }
        }
    }

    fn open(&mut self, place: Place, settings: Arc<Settings>) {
        let (settings, receiver) = watch::channel(settings);
        let server = portal::server(self.hotspot.clone(), receiver);
        // The kernel's events tell of changes only, and at the start a little later than 'check'
        // may ask.
        let device = if_nametoindex(&*place.device).ok().into();
        let report = self.report.clone();
        let listener = PortalListener { server, settings, place: place.clone(), report };
        self.listeners.open(place, listener, device);
    }

    /// A network's device has come, has been replaced, or has gone.
    pub(super) fn device(&self, network: &str, index: Option<u32>) {
        self.listeners.set_device(|place| &*place.network == network, Device::from(index));
        self.refresh();
    }

    /// Looks whether addresses have changed.
    pub(super) fn refresh(&self) {
        for (place, portal) in self.listeners.iter() {
            let address_v4 = first_address(&place.device);
            portal.settings.send_if_modified(|settings| {
                let changed = settings.address_v4 != address_v4;
                if changed {
                    *settings = Arc::new(Settings { address_v4, ..(**settings).clone() });
                }
                changed
            });
        }
    }

    /// Closes everything; requests under way get a moment to end, the same for all portals.
    pub(super) async fn stop(&mut self) {
        let end = Instant::now() + GRACE;
        for portal in self.listeners.close().await {
            portal.server.limiter.drained(end.saturating_duration_since(Instant::now())).await;
        }
    }
}

impl Place {
    fn of(guest: &config::Guest) -> Self {
        let network = guest.name.as_str().into();
        Self { network, device: guest.device.clone(), port: guest.portal_port }
    }
}

impl PortalListener {
    fn is(&self, health: PortalHealth) {
        let name = self.place.network.to_string();
        self.report.send_modify(|report| drop(report.insert(name, health)));
    }
}

impl Service for PortalListener {
    /// IPv4 and IPv6.
    type Socket = [TcpListener; 2];

    fn bind(&self) -> Result<[TcpListener; 2], BindError> {
        let Place { network, device, port } = &self.place;
        let bind = |ip: IpAddr| {
            let address = SocketAddr::new(ip, *port);
            http::bind_to_device(address, device).map_err(|error| {
                let option = format!("'portal_port' in 'config guest {network}'");
                BindError::new(&error, Protocol::Tcp, address, &option)
            })
        };
        Ok([bind(Ipv4Addr::UNSPECIFIED.into())?, bind(Ipv6Addr::UNSPECIFIED.into())?])
    }

    async fn serve(&self, [v4, v6]: [TcpListener; 2], stop: watch::Receiver<bool>) {
        let run = |listener| self.server.clone().run(listener, stop.clone());
        tokio::join!(run(v4), run(v6));
    }

    fn report(&self, state: State) {
        let Place { network, device, port } = &self.place;
        let place = format!("{device} port {port}");
        match state {
            State::Waiting => self.is(PortalHealth::Waiting),
            State::Listening { .. } => {
                log::info!("portal of '{network}': on {place}");
                self.is(PortalHealth::Listening(place));
            }
            State::Failed { reason, is_new } => {
                if is_new {
                    log::error!(
                        "portal of '{network}': cannot listen on {place}: {reason}; guests cannot \
                         sign in until that is mended"
                    );
                }
                self.is(PortalHealth::Trouble(format!("{place} ({reason})")));
            }
            State::Closed => self.report.send_modify(|report| drop(report.remove(&**network))),
        }
    }
}

fn settings(guest: &config::Guest, zone: &Zone, theme: Theme) -> Settings {
    Settings {
        network: guest.name.as_str().into(),
        port: guest.portal_port,
        portal_name: guest.portal_name.clone(),
        address_v4: first_address(&guest.device),
        venue_url: guest.venue_url.clone(),
        zone: zone.clone(),
        theme,
    }
}
