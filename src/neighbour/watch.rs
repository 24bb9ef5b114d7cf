//! Follows the neighbour tables of the guest networks.
//!
//! ```text
//!  kernel ──events──▶ read what is there ──one batch──▶ owner
//!    ▲                      │ lost some, a device was replaced, networks changed, minutes passed
//!    └────────dump──────────┘
//! ```
//!
//! Events that wait when a dump begins are older than the dump and are thrown away; those that
//! arrive during it are told after it. So the owner is never left with something outdated.

use std::io;
use std::time::Duration;

use tokio::io::unix::AsyncFd;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, Interval, interval_at, sleep, timeout};

use super::devices::{Devices, Network};
use super::dump::Dump;
use super::message::{self, Entry, messages};
use super::socket::{DATAGRAM, Socket, index_of, lost};
use crate::domain::neighbour::Sighting;

/// How often everything is read again, in case anything was missed.
const AGAIN: Duration = Duration::from_secs(300);
/// After lost events: what causes them seldom comes alone, and one dump does for all.
const SETTLE: Duration = Duration::from_millis(250);
/// After a failure.
const RETRY: Duration = Duration::from_secs(5);
/// No dump takes this long unless it hangs.
const HANG: Duration = Duration::from_secs(10);
/// Sightings told in one go at most.
const BATCH: usize = 512;
/// How often a dump is tried while the table keeps changing under it. The events of those changes
/// follow anyway.
const ATTEMPTS: u32 = 3;

/// Tells what happens on the networks, until nobody wants to know or the list's sender is gone.
///
/// First comes a [`Sighting::Device`] for every network and [`Sighting::Everything`]; the same
/// again for what has changed after lost events, on a change of the list and every few minutes.
/// Failures are logged, and it starts anew.
pub async fn watch(
    mut networks: watch::Receiver<Vec<Network>>,
    sightings: mpsc::Sender<Vec<Sighting>>,
) {
    let mut devices = Devices::default();
    let mut told = None;
    loop {
        let failed = tokio::select! {
            () = sightings.closed() => return,
            result = follow(&mut networks, &mut devices, &sightings) => result.err(),
        };
        let Some(error) = failed else { return };
        // The same reason every few seconds would drown everything else.
        let why = error.to_string();
        if told.as_ref() != Some(&why) {
            log::warn!("guest networks: {why}; devices that come and go are noticed late");
        }
        told = Some(why);
        // What has been found out and not told is lost with the failure: tell it all again.
        devices = Devices::default();
        if timeout(RETRY, sightings.closed()).await.is_ok() {
            return;
        }
    }
}

/// Ends well once the owner or the configuration is gone.
async fn follow(
    networks: &mut watch::Receiver<Vec<Network>>,
    devices: &mut Devices,
    sightings: &mpsc::Sender<Vec<Sighting>>,
) -> io::Result<()> {
    let mut events = Events::open()?;
    let mut again = interval_at(Instant::now() + AGAIN, AGAIN);
    loop {
        // Before the dump, or whoever comes in between would be missed.
        events.discard()?;
        let batch = everything(networks, devices).await?;
        if sightings.send(batch).await.is_err() {
            return Ok(());
        }
        if changes(&mut events, networks, devices, &mut again, sightings).await?.is_none() {
            return Ok(());
        }
    }
}

/// Everything must be read again.
struct Outdated;

/// Passes events on until they do not suffice; `None` once the owner or the configuration is gone.
async fn changes(
    events: &mut Events,
    networks: &mut watch::Receiver<Vec<Network>>,
    devices: &mut Devices,
    again: &mut Interval,
    sightings: &mpsc::Sender<Vec<Sighting>>,
) -> io::Result<Option<Outdated>> {
    loop {
        let arrived = tokio::select! {
            changed = networks.changed() => return Ok(changed.ok().map(|()| Outdated)),
            _ = again.tick() => return Ok(Some(Outdated)),
            arrived = events.next(devices) => arrived,
        };
        let arrived = arrived?;
        if !arrived.sightings.is_empty() && sightings.send(arrived.sightings).await.is_err() {
            return Ok(None);
        }
        if arrived.lost {
            log::debug!("guest networks: events were lost, reading everything again");
            sleep(SETTLE).await;
            return Ok(Some(Outdated));
        }
        if arrived.outdated {
            return Ok(Some(Outdated));
        }
    }
}

/// Devices that have changed, and all neighbours.
async fn everything(
    networks: &mut watch::Receiver<Vec<Network>>,
    devices: &mut Devices,
) -> io::Result<Vec<Sighting>> {
    let mut batch = {
        let list = networks.borrow_and_update();
        devices.refresh(&list, index_of)?
    };
    let mut neighbours = Vec::new();
    for index in devices.indices() {
        let entries = timeout(HANG, dump(index)).await??;
        neighbours.extend(entries.into_iter().filter_map(|entry| devices.neighbour(entry)));
    }
    batch.push(Sighting::Everything(neighbours));
    Ok(batch)
}

async fn dump(index: u32) -> io::Result<Vec<Entry>> {
    let mut buffer = vec![0; DATAGRAM];
    let socket = Socket::asynchronous()?;
    let mut sequence = 0;
    loop {
        sequence += 1;
        socket.get_ref().send(&message::dump(sequence, index))?;
        let mut dump = Dump::default();
        loop {
            let mut ready = socket.readable().await?;
            match ready.try_io(|socket| socket.get_ref().receive(&mut buffer).map(<[u8]>::len)) {
                Err(_nothing_yet) => {}
                Ok(length) => {
                    let datagram = buffer.get(..length?).unwrap_or_default();
                    if dump.take(datagram, sequence, index)? {
                        break;
                    }
                }
            }
        }
        if !dump.interrupted || sequence == ATTEMPTS {
            return Ok(dump.entries);
        }
    }
}

struct Events {
    socket: AsyncFd<Socket>,
    buffer: Vec<u8>,
}

/// What came in one go.
#[derive(Default)]
struct Arrived {
    sightings: Vec<Sighting>,
    /// A device came or was replaced: its neighbours are not among the sightings.
    outdated: bool,
    /// Further events have been lost.
    lost: bool,
}

impl Events {
    fn open() -> io::Result<Self> {
        let socket = Socket::events()?;
        Ok(Self { socket, buffer: vec![0; DATAGRAM] })
    }

    /// Waits for events and takes those that are there. Cancelled while it waits, it has taken
    /// none.
    async fn next(&mut self, devices: &mut Devices) -> io::Result<Arrived> {
        let mut arrived = Arrived::default();
        let mut ready = self.socket.readable().await?;
        while arrived.sightings.len() < BATCH {
            let buffer = &mut self.buffer;
            let received = ready.try_io(|socket| socket.get_ref().receive(buffer).map(<[u8]>::len));
            let length = match received {
                Err(_nothing_left) => break,
                Ok(Err(error)) if lost(&error) => {
                    arrived.lost = true;
                    break;
                }
                Ok(length) => length?,
            };
            let datagram = self.buffer.get(..length).unwrap_or_default();
            for notice in messages(datagram).filter_map(|message| message.notice()) {
                arrived.outdated |= devices.outdated_by(&notice);
                arrived.sightings.extend(devices.sighting(notice));
            }
        }
        Ok(arrived)
    }

    /// Empties the queue. Only then does the kernel, where it was full, add to it again.
    fn discard(&mut self) -> io::Result<()> {
        loop {
            match self.socket.get_ref().receive(&mut self.buffer) {
                Ok(_) => {}
                Err(error) if lost(&error) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}
