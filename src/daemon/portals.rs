//! The portals: one for each guest network, bound to its device, so that nobody else reaches it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::net::if_::if_nametoindex;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::holder::{Protocol, reason};
use crate::config;
use crate::control::PortalHealth;
use crate::domain::zone::Zone;
use crate::hotspot::Handle;
use crate::http::portal::{self, Brand, Settings};
use crate::http::{self, Server};
use crate::surroundings::first_address;

/// Time between two attempts at a port that another program holds.
const RETRY: Duration = Duration::from_secs(3);
/// Requests under way when the daemon stops get this long to end.
const GRACE: Duration = Duration::from_secs(2);

/// What each portal is doing, by the name of its network.
type Report = watch::Sender<BTreeMap<String, PortalHealth>>;

/// Every guest network's portal, by the name of the network.
pub(super) struct Portals {
    hotspot: Handle,
    report: Report,
    open: BTreeMap<Arc<str>, Portal>,
}

struct Portal {
    guest: config::Guest,
    server: Server,
    settings: watch::Sender<Arc<Settings>>,
    /// The kernel's number of the device; `None` while it is not there. A listener bound to a
    /// device that has been replaced hears nothing any more.
    device: watch::Sender<Option<u32>>,
    task: JoinHandle<()>,
}

impl Portals {
    pub(super) fn new(hotspot: Handle, report: Report) -> Self {
        Self { hotspot, report, open: BTreeMap::new() }
    }

    /// Brings the portals to the configuration. Pages are read anew; connections stay where device
    /// and port do.
    pub(super) fn change(&mut self, guests: &[config::Guest], zone: &Zone) {
        let stays = |portal: &Portal| {
            let same = |guest: &&config::Guest| {
                let old = &portal.guest;
                (&guest.name, &guest.device, guest.portal_port)
                    == (&old.name, &old.device, old.portal_port)
            };
            guests.iter().any(|guest| same(&guest))
        };
        for (name, _closed) in self.open.extract_if(.., |_, portal| !stays(portal)) {
            self.report.send_modify(|report| drop(report.remove(&*name)));
        }
        for guest in guests {
            let (brand, warnings) = Brand::load(&guest.pages);
            for warning in warnings {
                log::warn!("portal of '{}': {warning}", guest.name);
            }
            let settings = Arc::new(settings(guest, zone, brand));
            match self.open.get_mut(guest.name.as_str()) {
                Some(portal) => {
                    portal.guest = guest.clone();
                    portal.settings.send_replace(settings);
                }
                None => {
                    let name = Arc::clone(&settings.network);
                    let portal = self.open_portal(guest, settings);
                    self.open.insert(name, portal);
                }
            }
        }
    }

    fn open_portal(&self, guest: &config::Guest, settings: Arc<Settings>) -> Portal {
        let (settings, receiver) = watch::channel(settings);
        let server = portal::server(self.hotspot.clone(), receiver);
        // Whoever tells of devices tells of changes only, and at the start a little later than
        // 'check' may ask.
        let (device, index) = watch::channel(if_nametoindex(&*guest.device).ok());
        let report = self.report.clone();
        let task = tokio::spawn(keep_open(server.clone(), guest.clone(), index, report));
        Portal { guest: guest.clone(), server, settings, device, task }
    }

    /// A network's device has come, has been replaced, or has gone.
    pub(super) fn device(&self, network: &str, index: Option<u32>) {
        if let Some(portal) = self.open.get(network) {
            portal.device.send_if_modified(|old| std::mem::replace(old, index) != index);
        }
        self.refresh();
    }

    /// Looks whether addresses have changed.
    pub(super) fn refresh(&self) {
        for portal in self.open.values() {
            let address_v4 = first_address(&portal.guest.device);
            portal.settings.send_if_modified(|settings| {
                let changed = settings.address_v4 != address_v4;
                if changed {
                    *settings = Arc::new(Settings { address_v4, ..(**settings).clone() });
                }
                changed
            });
        }
    }

    /// Closes everything; requests under way get a moment to end.
    pub(super) async fn stop(&mut self) {
        let portals = std::mem::take(&mut self.open);
        // All at once: with many networks, the moments would add up to more than init waits.
        for portal in portals.values() {
            portal.device.send_replace(None);
        }
        let end = Instant::now() + GRACE;
        for portal in portals.values() {
            portal.server.door.emptied(end.saturating_duration_since(Instant::now())).await;
        }
    }
}

impl Drop for Portal {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Listens on the device for as long as it is there.
async fn keep_open(
    server: Server,
    guest: config::Guest,
    mut index: watch::Receiver<Option<u32>>,
    report: Report,
) {
    let place = format!("{} port {}", guest.device, guest.portal_port);
    let does = |what| report.send_modify(|report| drop(report.insert(guest.name.clone(), what)));
    let mut told = None;
    loop {
        if index.borrow_and_update().is_none() {
            does(PortalHealth::Waiting);
        } else {
            match bind(&guest) {
                Ok(listeners) => {
                    log::info!("portal of '{}': on {place}", guest.name);
                    told = None;
                    does(PortalHealth::Listening(place.clone()));
                    if !serve(&server, listeners, &mut index).await {
                        return;
                    }
                    continue;
                }
                Err((error, address)) => {
                    let option = format!("'portal_port' in 'config guest {}'", guest.name);
                    let why = reason(&error, Protocol::Tcp, address, &option);
                    does(PortalHealth::Trouble(format!("{place} ({why})")));
                    // Who has it may change every time.
                    let error = error.to_string();
                    if told.as_ref() != Some(&error) {
                        log::error!(
                            "portal of '{}': cannot listen on {place}: {why}; guests cannot sign \
                             in until that is mended",
                            guest.name
                        );
                    }
                    told = Some(error);
                }
            }
        }
        let changed = tokio::time::timeout(RETRY, index.changed()).await;
        if matches!(changed, Ok(Err(_))) {
            return;
        }
    }
}

/// Both listeners, or which address it is not and why.
fn bind(guest: &config::Guest) -> Result<[TcpListener; 2], (std::io::Error, SocketAddr)> {
    let bind = |ip: IpAddr| {
        let address = SocketAddr::new(ip, guest.portal_port);
        http::bind_to_device(address, &guest.device).map_err(|error| (error, address))
    };
    Ok([bind(Ipv4Addr::UNSPECIFIED.into())?, bind(Ipv6Addr::UNSPECIFIED.into())?])
}

/// Serves until the device changes; false once nobody wants it any more.
async fn serve(
    server: &Server,
    listeners: [TcpListener; 2],
    index: &mut watch::Receiver<Option<u32>>,
) -> bool {
    let (stop, stopped) = watch::channel(false);
    let tasks =
        listeners.map(|listener| tokio::spawn(server.clone().run(listener, stopped.clone())));
    let changed = index.changed().await;
    stop.send_replace(true);
    for task in tasks {
        let _ended = task.await;
    }
    changed.is_ok()
}

fn settings(guest: &config::Guest, zone: &Zone, brand: Brand) -> Settings {
    Settings {
        network: guest.name.as_str().into(),
        port: guest.portal_port,
        portal_name: guest.portal_name.clone(),
        address_v4: first_address(&guest.device),
        venue_url: guest.venue_url.clone(),
        zone: zone.clone(),
        brand,
    }
}
