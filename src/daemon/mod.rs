//! Start, reload and stop: which tasks there are, in which order they start, and what they send to
//! each other.
//!
//! ```text
//!            ┌ listeners ── one task per address ── one task per connection ┐
//!            ├ portals ──── one task per network ── one task per connection ┤
//!            ├ radius ───── one task per address ── one task per request ───┤
//!            ├ orders ───── one task for each dynamic authorization ◀── Order ──┼─────────── hotspot
//!  main ─────┤ control ──── one task per connection ────────────────────────┼─Command─▶ hotspot
//!  (signals, ├ kernel ───── devices and neighbours; rules that are gone ────┤           (a thread,
//!   tokio,   └ clocks ───── a second, a minute ─────────────────────────────┘            the owner)
//!   one thread)                                                              ◀─answer──
//!
//!  SIGHUP ─▶ configuration ─▶ watch ─▶ settings, listeners, portals;  Configure ─▶ hotspot
//! ```

mod api_listeners;
mod demo;
mod kernel;
mod listeners;
mod port_owner;
mod portal_listeners;
mod radius_listeners;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::resource::{Resource, setrlimit};
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};

use api_listeners::ApiListeners;
pub use demo::run as run_demo;
use kernel::{Event, KernelEvents};
use listeners::AddressReport;
use portal_listeners::PortalListeners;
use radius_listeners::RadiusListeners;

use crate::clock::{self, SystemClock};
use crate::config::{self, Config};
use crate::control::{self, Control};
use crate::domain::neighbour::Sighting;
use crate::domain::zone::Zone;
use crate::firewall;
use crate::hotspot::{self, GuestNetwork, Handle, Machine, Settings};
use crate::http::{api, api_key};
use crate::logging;
use crate::neighbour;
use crate::radius::{Server, dynauth_client};
use crate::store::Store;
use crate::system_check::Surroundings;

/// The configuration is wrong (sysexits.h: EX_CONFIG).
pub const EXIT_CONFIG: u8 = 78;

/// Runs the daemon in the foreground until it is told to stop.
pub fn run(path: &Path) -> ExitCode {
    let config = match Config::load(path) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    logging::set_level(config.main.log_level);
    // A core file would hold every passcode in clear, on a file system in memory that it fills.
    if let Err(error) = setrlimit(Resource::RLIMIT_CORE, 0, 0) {
        log::warn!("core files cannot be switched off: {error}");
    }
    for warning in config.warnings() {
        log::warn!("{warning}");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(serve(path, config)),
        Err(error) => Err(format!("cannot start: {error}")),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            log::error!("{reason}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(path: &Path, config: Config) -> Result<(), String> {
    let mut signals =
        Signals::listen().map_err(|error| format!("cannot listen for signals: {error}"))?;
    let socket = config.main.control_socket.clone();
    // First: the socket is the lock that keeps a second daemon from this configuration.
    let control_listener = control::bind(&socket).map_err(|error| cannot_bind(&socket, &error))?;
    let started = Daemon::start(path, config).await;
    let (mut daemon, control) = started.inspect_err(|_| drop(std::fs::remove_file(&socket)))?;
    let control = tokio::spawn(control.run(control_listener));
    log::info!("version {} is ready; {}", crate::VERSION, daemon.summary());
    daemon.until_stopped(&mut signals).await;
    daemon.portals.stop().await;
    daemon.listeners.stop().await;
    daemon.radius.stop().await;
    control.abort();
    // Before the store is closed: after that another daemon may have bound the socket.
    let _ = std::fs::remove_file(&socket);
    daemon.hotspot.stop().await;
    log::info!("stopped; all state is flushed");
    Ok(())
}

fn cannot_bind(socket: &Path, error: &std::io::Error) -> String {
    let socket = socket.display();
    if error.kind() == ErrorKind::AddrInUse {
        return format!("another hotspotd is running and answers on {socket}; stop it first");
    }
    format!(
        "cannot open the control socket {socket}: {error}; does its directory exist, and may this user write there?"
    )
}

struct Daemon {
    path: PathBuf,
    config: Config,
    hotspot: Handle,
    api: watch::Sender<Arc<api::Settings>>,
    listeners: ApiListeners,
    portals: PortalListeners,
    radius: RadiusListeners,
    kernel: KernelEvents,
    /// Warnings about the router's configuration that are in force and logged.
    warnings: Vec<String>,
}

impl Daemon {
    async fn start(path: &Path, config: Config) -> Result<(Self, Control), String> {
        let data_dir = config.main.data_dir.clone();
        let store =
            Store::open(&data_dir).map_err(|error| format!("{}: {error}", data_dir.display()))?;
        let (orders, to_carry_out) = mpsc::unbounded_channel();
        let machine = Machine {
            orders,
            clock: Box::new(SystemClock::new()),
            rng: Box::new(UnwrapErr(SysRng)),
            gate: Box::new(firewall::Kernel::new(config.main.egress_hook)),
            neighbours: Box::new(neighbour::Lookup::open().map_err(|error| error.to_string())?),
        };
        let hotspot = hotspot::start(store, machine, settings(&config, clock::zone().0))
            .map_err(|error| error.to_string())?;
        let (api, receiver) = watch::channel(Arc::new(api_settings(&config)?));
        let server = api::server(hotspot.clone(), receiver);
        let (states, listening) = watch::channel(BTreeMap::new());
        let mut listeners = ApiListeners::new(server, AddressReport { service: "api", states });
        listeners.change(&config.api.listen).await;
        let (report, portals_do) = watch::channel(BTreeMap::new());
        let mut portals = PortalListeners::new(hotspot.clone(), report);
        let server = Server::start(hotspot.clone(), &config);
        tokio::spawn(dynauth_client::run(server.clone(), hotspot.clone(), to_carry_out));
        server.resume_peers().await;
        let (states, radius_listens) = watch::channel(BTreeMap::new());
        let report = AddressReport { service: "radius", states };
        let mut radius = RadiusListeners::new(server.clone(), report);
        radius.change(&config).await;
        let control = Control {
            hotspot: hotspot.clone(),
            radius: server,
            radius_listens,
            api: api.clone(),
            data_dir,
            listening,
            portals: portals_do,
        };
        let zone = api.borrow().zone.clone();
        portals.change(&config.guests, &zone).await;
        let kernel = KernelEvents::new(&config);
        let path = path.to_owned();
        let warnings = Vec::new();
        Ok((
            Self { path, config, hotspot, api, listeners, portals, radius, kernel, warnings },
            control,
        ))
    }

    async fn until_stopped(&mut self, signals: &mut Signals) {
        let mut minute = tokio::time::interval(Duration::from_secs(60));
        minute.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        minute.tick().await;
        let mut second = tokio::time::interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = minute.tick() => {
                    self.hotspot.tick();
                    self.portals.refresh();
                }
                _ = second.tick() => self.hotspot.second(),
                event = self.kernel.next() => self.handle_event(event).await,
                _ = signals.reload.recv() => self.reload().await,
                _ = signals.terminate.recv() => return,
                _ = signals.interrupt.recv() => return,
            }
        }
    }

    async fn handle_event(&mut self, event: Event) {
        match event {
            Event::Sightings(sightings) => {
                for sighting in &sightings {
                    if let Sighting::Device { network, index } = sighting {
                        self.portals.device(network, *index);
                    }
                }
                if sightings.iter().any(|it| matches!(it, Sighting::Device { .. })) {
                    self.check_router();
                }
                self.hotspot.sightings(sightings).await;
            }
            Event::RulesGone => self.hotspot.gate_lost().await,
        }
    }

    /// Applies a changed configuration, or keeps the old one where it is invalid.
    async fn reload(&mut self) {
        let mut config = match Config::load(&self.path) {
            Ok(config) => config,
            Err(error) => {
                error.to_string().lines().for_each(|problem| log::error!("{problem}"));
                return log::error!("the configuration was not changed");
            }
        };
        let (old, new) = (&self.config.main, &mut config.main);
        if (&old.data_dir, &old.control_socket) != (&new.data_dir, &new.control_socket) {
            log::warn!("data_dir and control_socket change with the next restart only");
            // Later reads of the configuration must see the paths in force.
            new.data_dir.clone_from(&old.data_dir);
            new.control_socket.clone_from(&old.control_socket);
        }
        let api_settings = match api_settings(&config) {
            Ok(settings) => settings,
            Err(reason) => return log::error!("{reason}; the configuration was not changed"),
        };
        self.api.send_replace(Arc::new(api_settings));
        logging::set_level(config.main.log_level);
        for warning in config.warnings() {
            log::warn!("{warning}");
        }
        self.hotspot.configure(settings(&config, self.api.borrow().zone.clone())).await;
        self.listeners.change(&config.api.listen).await;
        let zone = self.api.borrow().zone.clone();
        self.portals.change(&config.guests, &zone).await;
        self.radius.change(&config).await;
        self.kernel.change(&config);
        self.config = config;
        self.check_router();
        log::info!("configuration read again; {}", self.summary());
    }

    /// Logs, once each, settings of the router that keep the rules from working.
    fn check_router(&mut self) {
        let enforced = self.config.guests.iter().filter(|guest| guest.enforce);
        let devices = || enforced.clone().map(|guest| guest.device.as_str());
        let here = Surroundings::here();
        let flowtables = firewall::flowtables().unwrap_or_default();
        let bypasses = devices().filter_map(|device| here.bypass(device, &flowtables, false));
        let bypasses = bypasses.map(|bypass| bypass.to_string());
        let trouble: Vec<String> =
            here.bridge_trouble(devices()).into_iter().chain(bypasses).collect();
        for trouble in trouble.iter().filter(|it| !self.warnings.contains(it)) {
            log::warn!("gate: {trouble}");
        }
        self.warnings = trouble;
    }

    fn summary(&self) -> String {
        let addresses = self.config.api.listen.iter().map(|address| {
            let failed = self.listeners.has_failed(*address);
            let not_yet = if failed { " (cannot listen there yet)" } else { "" };
            format!("http://{address}/api/{not_yet}")
        });
        let addresses: Vec<String> = addresses.collect();
        let radius = self.radius.summary(&self.config.radius);
        format!("API at {}: {}; {radius}", addresses.join(", "), self.config.api.state())
    }
}

fn settings(config: &Config, zone: Zone) -> Settings {
    let network = |guest: &config::Guest| GuestNetwork {
        name: guest.name.as_str().into(),
        device: guest.device.clone(),
        enforce: guest.enforce,
        portal_port: guest.portal_port,
        portal_name: guest.portal_name.clone(),
        garden: guest.garden.clone(),
        leases: guest.leases.clone(),
    };
    Settings {
        preset: config.voucher,
        login_log_days: config.main.login_log_days,
        networks: config.guests.iter().map(network).collect(),
        zone,
        interim_interval: config.radius.interim_interval,
    }
}

fn api_settings(config: &Config) -> Result<api::Settings, String> {
    let key = match &config.api.key {
        Some(key) => key.clone(),
        None => {
            let data_dir = &config.main.data_dir;
            api_key::load_or_make(data_dir, &mut UnwrapErr(SysRng)).map_err(|error| {
                format!("cannot keep an API key in {}: {error}", api_key::path(data_dir).display())
            })?
        }
    };
    let (zone, zone_source) = clock::zone();
    if let Err(why) = &zone_source {
        log::warn!("clock: times are in {why}");
    }
    Ok(api::Settings { config: config.api.clone(), key, zone, zone_source })
}

struct Signals {
    reload: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            reload: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }
}
