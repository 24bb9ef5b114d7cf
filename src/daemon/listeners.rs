//! Listening sockets: opened, closed and tried again as the configuration and the network come and
//! go. One manager for the API, the portals and RADIUS, which differ in their [`Service`].

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::port_owner::{Protocol, reason};

/// Time between two attempts at an address that cannot be opened: a LAN interface that comes up
/// late, a port that another program still holds.
const RETRY: Duration = Duration::from_secs(3);
/// Requests under way when the daemon stops get this long to end.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// What a listener binds and serves.
pub(super) trait Service: Send + Sync + 'static {
    /// What is bound: one socket, or those that only make sense together.
    type Socket: Send;

    /// Binds.
    fn bind(&self) -> Result<Self::Socket, BindError>;

    /// Serves until `stop` turns true.
    fn serve(
        &self,
        socket: Self::Socket,
        stop: watch::Receiver<bool>,
    ) -> impl Future<Output = ()> + Send;

    /// Tells the log and `hotspotd check`. Called after each attempt, and when the state changes
    /// otherwise.
    fn report(&self, state: State);
}

/// Why a socket cannot be bound.
pub(super) struct BindError {
    /// What the kernel said.
    error: String,
    /// The same, who has the address, and which option asks for it.
    reason: String,
}

impl BindError {
    pub(super) fn new(
        error: &io::Error,
        protocol: Protocol,
        address: SocketAddr,
        option: &str,
    ) -> Self {
        Self { error: error.to_string(), reason: reason(error, protocol, address, option) }
    }
}

/// What a listener is doing.
pub(super) enum State {
    /// Its network device is not there.
    Waiting,
    /// It is bound. `recovered`: the attempt before had failed.
    Listening { recovered: bool },
    /// It could not be bound, and is tried again. `is_new`: the kernel's error is not that of the
    /// attempt before.
    Failed { reason: String, is_new: bool },
    /// It is no longer in the configuration.
    Closed,
}

/// The network device that a listener is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Device {
    /// It is bound to none.
    Any,
    /// The device is not there.
    Absent,
    /// The kernel's number of the device. A socket bound to a device that has been replaced hears
    /// nothing any more.
    Index(u32),
}

impl From<Option<u32>> for Device {
    fn from(index: Option<u32>) -> Self {
        index.map_or(Self::Absent, Self::Index)
    }
}

/// One listener for each place that the configuration names, each with its task.
pub(super) struct Listeners<P, S> {
    open: BTreeMap<P, Listener<S>>,
}

struct Listener<S> {
    service: Arc<S>,
    /// Dropped to close the listener.
    device: watch::Sender<Device>,
    task: JoinHandle<()>,
}

impl<P: Ord, S: Service> Listeners<P, S> {
    pub(super) fn new() -> Self {
        Self { open: BTreeMap::new() }
    }

    /// Opens a listener; what can be bound is bound when this returns.
    pub(super) fn open(&mut self, place: P, service: S, device: Device) {
        let service = Arc::new(service);
        let mut binding = Binding { service: Arc::clone(&service), failed: None };
        let socket = binding.attempt(device);
        let (device, changes) = watch::channel(device);
        let task = tokio::spawn(binding.keep_open(socket, changes));
        self.open.insert(place, Listener { service, device, task });
    }

    /// Closes the listeners of all other places, one after the other: a port is free when this
    /// returns.
    pub(super) async fn retain(&mut self, stays: impl Fn(&P) -> bool) {
        for (_, listener) in self.open.extract_if(.., |place, _| !stays(place)).collect::<Vec<_>>()
        {
            listener.service.report(State::Closed);
            drop(listener.device);
            let _ = listener.task.await;
        }
    }

    /// Closes everything, and gives the services back. All are told first: with many, their moments
    /// would add up to more than init waits.
    pub(super) async fn close(&mut self) -> Vec<Arc<S>> {
        let listeners = std::mem::take(&mut self.open).into_values();
        let (tasks, services): (Vec<_>, Vec<_>) =
            listeners.map(|Listener { service, device: _, task }| (task, service)).unzip();
        for task in tasks {
            let _ = task.await;
        }
        services
    }

    /// The network device of these places has come, has been replaced, or has gone.
    pub(super) fn set_device(&self, of: impl Fn(&P) -> bool, device: Device) {
        for (_, listener) in self.open.iter().filter(|(place, _)| of(place)) {
            listener.device.send_if_modified(|old| std::mem::replace(old, device) != device);
        }
    }

    pub(super) fn get(&self, place: &P) -> Option<&S> {
        self.open.get(place).map(|listener| &*listener.service)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&P, &S)> {
        self.open.iter().map(|(place, listener)| (place, &*listener.service))
    }
}

/// A listener's task, and what the kernel said to its last attempt.
struct Binding<S> {
    service: Arc<S>,
    failed: Option<String>,
}

impl<S: Service> Binding<S> {
    async fn keep_open(
        mut self,
        mut socket: Option<S::Socket>,
        mut device: watch::Receiver<Device>,
    ) {
        loop {
            let changed = match socket {
                Some(socket) => self.serve(socket, &mut device).await,
                None => tokio::time::timeout(RETRY, device.changed()).await.unwrap_or(Ok(())),
            };
            if changed.is_err() {
                return;
            }
            let device = *device.borrow_and_update();
            socket = self.attempt(device);
        }
    }

    /// Serves until the device changes; an error once the listener is to be closed.
    async fn serve(
        &self,
        socket: S::Socket,
        device: &mut watch::Receiver<Device>,
    ) -> Result<(), watch::error::RecvError> {
        let (stop, stopped) = watch::channel(false);
        let until_changed = async {
            let changed = device.changed().await;
            stop.send_replace(true);
            changed
        };
        tokio::join!(until_changed, self.service.serve(socket, stopped)).0
    }

    fn attempt(&mut self, device: Device) -> Option<S::Socket> {
        if device == Device::Absent {
            self.service.report(State::Waiting);
            return None;
        }
        match self.service.bind() {
            Ok(socket) => {
                self.service.report(State::Listening { recovered: self.failed.take().is_some() });
                Some(socket)
            }
            Err(BindError { error, reason }) => {
                // Who has it may change every time.
                let is_new = self.failed.as_ref() != Some(&error);
                self.failed = Some(error);
                self.service.report(State::Failed { reason, is_new });
                None
            }
        }
    }
}

/// The log lines of addresses that the configuration names one by one, and what `hotspotd check`
/// says of each.
#[derive(Clone)]
pub(super) struct AddressReport {
    /// What log lines begin with.
    pub(super) service: &'static str,
    pub(super) states: watch::Sender<BTreeMap<String, Result<(), String>>>,
}

impl AddressReport {
    pub(super) fn note(&self, address: SocketAddr, state: State) {
        let (service, place) = (self.service, address.to_string());
        let result = match state {
            State::Listening { recovered } => {
                if recovered {
                    log::info!("{service}: listening on {place} now");
                }
                Ok(())
            }
            State::Failed { reason, is_new } => {
                if is_new {
                    log::error!(
                        "{service}: cannot listen on {place}: {reason}; trying again every {} s",
                        RETRY.as_secs()
                    );
                }
                Err(reason)
            }
            State::Waiting | State::Closed => {
                return self.states.send_modify(|states| drop(states.remove(&place)));
            }
        };
        self.states.send_modify(|states| drop(states.insert(place, result)));
    }

    /// Whether this address could not be bound yet.
    pub(super) fn has_failed(&self, address: SocketAddr) -> bool {
        matches!(self.states.borrow().get(&address.to_string()), Some(Err(_)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// What happened, in order.
    type Log = Arc<Mutex<Vec<String>>>;

    /// Cannot be bound while there are errors left.
    struct Scripted {
        errors: Mutex<Vec<&'static str>>,
        log: Log,
    }

    impl Scripted {
        fn new(log: &Log, errors: &[&'static str]) -> Self {
            let errors = errors.iter().rev().copied().collect();
            Self { errors: Mutex::new(errors), log: Arc::clone(log) }
        }

        fn note(&self, what: impl Into<String>) {
            self.log.lock().unwrap().push(what.into());
        }
    }

    impl Service for Scripted {
        type Socket = ();

        fn bind(&self) -> Result<(), BindError> {
            match self.errors.lock().unwrap().pop() {
                None => Ok(()),
                Some(error) => Err(BindError { error: error.into(), reason: error.into() }),
            }
        }

        async fn serve(&self, (): (), mut stop: watch::Receiver<bool>) {
            let _ = stop.wait_for(|stop| *stop).await;
            self.note("served");
        }

        fn report(&self, state: State) {
            self.note(match state {
                State::Waiting => "waiting".to_owned(),
                State::Listening { recovered } => format!("listening, recovered {recovered}"),
                State::Failed { reason, is_new } => format!("{reason}, new {is_new}"),
                State::Closed => "closed".to_owned(),
            });
        }
    }

    fn said(log: &Log) -> Vec<String> {
        std::mem::take(&mut *log.lock().unwrap())
    }

    /// Lets the listeners' tasks run until they wait.
    async fn settle() {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn an_address_that_is_taken_is_tried_again_and_each_error_is_new_once() {
        let (log, mut listeners) = (Log::default(), Listeners::new());
        let errors = ["taken", "taken", "denied"];
        listeners.open("a", Scripted::new(&log, &errors), Device::Index(0));
        // A changed device does not wait for the next attempt.
        for (index, expected) in [
            (0, "taken, new true"),
            (1, "taken, new false"),
            (2, "denied, new true"),
            (3, "listening, recovered true"),
        ] {
            listeners.set_device(|_| true, Device::Index(index));
            settle().await;
            assert_eq!(said(&log), [expected]);
        }
        listeners.retain(|_| true).await;
        assert!(said(&log).is_empty() && listeners.get(&"a").is_some());
        listeners.retain(|_| false).await;
        assert_eq!(said(&log), ["closed", "served"]);
        assert!(listeners.get(&"a").is_none());
    }

    #[tokio::test]
    async fn a_listener_is_bound_anew_where_its_device_is_replaced() {
        let (log, mut listeners) = (Log::default(), Listeners::new());
        listeners.open("a", Scripted::new(&log, &[]), Device::Absent);
        listeners.open("b", Scripted::new(&Log::default(), &[]), Device::Absent);
        assert_eq!(said(&log), ["waiting"]);
        for (device, expected) in [
            (Device::Index(7), &["listening, recovered false"] as &[_]),
            (Device::Index(7), &[]),
            (Device::Index(8), &["served", "listening, recovered false"]),
            (Device::Absent, &["served", "waiting"]),
        ] {
            listeners.set_device(|place| *place == "a", device);
            settle().await;
            assert_eq!(said(&log), expected, "{device:?}");
        }
        assert_eq!(listeners.close().await.len(), 2);
    }
}
