//! What becomes of a datagram: from whom it is, whether it is genuine, whether it came before, what
//! the owner says to it, and the answer.
//!
//! Nothing here grows with what strangers send: requests under way, rejects that wait, answers that
//! are kept and addresses that are remembered are all bounded.

mod account;
mod learn;

use std::io::ErrorKind;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use super::authenticator::Signature;
use super::client_stats::{ClientStats, Counters, Standing};
use super::clients::{Clients, Section};
use super::delay::Delay;
use super::drop_reason::DropReason;
use super::duplicates::{Admitted, Duplicates, Seen};
use super::packet::{Code, MAX_PACKET, Packet};
use super::peers::Peers;
use super::reply::{self, Port};
use super::request::{self, Unfit};
use super::socket::{Route, Socket};
use super::verify::authentic;
use crate::authn::{Proof, crypt_fits};
use crate::clock::boot_time;
use crate::config::{Client, Config};
use crate::hotspot::radius_messages::{
    Access, AccessRequest, Demand, Nas, Order, Outcome, Purpose,
};
use crate::hotspot::{Handle, Write};

/// Requests under way at one time; what comes beyond is dropped, and comes again.
const PLACES: usize = 256;
/// Slow hashes at one time, those that wait included: a part of [`PLACES`], so that whoever needs
/// none finds one. They are worked at one by one, which leaves a router's only core to everybody
/// else for the most part.
const HASHES: usize = 64;
/// How long a slow hash waits for its turn: access points have given up by then.
const TURN: Duration = Duration::from_secs(10);
/// Hashes that one request may cost: a user with more passwords than this is a mistake.
const ROUNDS: usize = 8;
/// Datagrams taken in before others get their turn.
const BURST: usize = 32;
/// A pause after the kernel has failed to give us a datagram for no reason we know.
const PAUSE: Duration = Duration::from_millis(200);

/// The RADIUS server, whatever its sockets; cheap to clone.
#[derive(Clone)]
pub struct Server(Arc<Inner>);

struct Inner {
    hotspot: Handle,
    desk: Mutex<Desk>,
    places: Arc<Semaphore>,
    hashes: Arc<Semaphore>,
    hash: Semaphore,
    rejected: Notify,
}

#[derive(Default)]
struct Desk {
    clients: Clients,
    listen: Vec<IpAddr>,
    interim: u32,
    tally: ClientStats,
    peers: Peers,
    duplicates: Duplicates,
    rejects: Delay<(Way, Arc<[u8]>)>,
}

/// A genuine request that has not come before.
struct Request {
    packet: Packet,
    signature: Signature,
    section: Arc<Section>,
    port: Port,
    way: Way,
}

/// Where an answer goes.
struct Way {
    admitted: Admitted,
    route: Route,
    /// Its port is to be free as soon as it is closed, whatever is under way.
    socket: Weak<Socket>,
}

/// What a request is told.
enum Answer {
    Accept(Vec<u8>),
    Reject(Vec<u8>),
    Accounting(Vec<u8>),
    Status(Vec<u8>),
}

impl Server {
    /// A server without sockets; see [`Server::serve`]. To be called within the runtime.
    pub fn start(hotspot: Handle, config: &Config) -> Self {
        let server = Self(Arc::new(Inner {
            hotspot,
            desk: Mutex::default(),
            places: Arc::new(Semaphore::new(PLACES)),
            hashes: Arc::new(Semaphore::new(HASHES)),
            hash: Semaphore::new(1),
            rejected: Notify::new(),
        }));
        server.configure(config);
        tokio::spawn(server.clone().send_rejects());
        server
    }

    /// Puts the sections `radius` and `client` into force.
    pub fn configure(&self, config: &Config) {
        let mut desk = self.desk();
        desk.clients = Clients::new(&config.clients);
        desk.listen.clone_from(&config.radius.listen);
        desk.interim = config.radius.interim_interval;
        let Desk { tally, peers, clients, .. } = &mut *desk;
        tally.configured(clients);
        peers.configured(clients);
    }

    /// Answers on a socket until it is told to stop.
    pub async fn serve(self, socket: Socket, port: Port, mut stop: watch::Receiver<bool>) {
        let socket = Arc::new(socket);
        let mut buffer = vec![0; MAX_PACKET];
        loop {
            tokio::select! {
                _ = socket.readable() => {}
                _ = stop.changed() => return,
            }
            for _ in 0..BURST {
                match socket.try_receive(&mut buffer) {
                    Ok((length, route)) => {
                        let bytes = buffer.get(..length).unwrap_or_default();
                        self.take(&socket, port, bytes, route);
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => {
                        log::debug!("radius: cannot receive: {error}");
                        tokio::time::sleep(PAUSE).await;
                        break;
                    }
                }
            }
            tokio::task::yield_now().await;
        }
    }

    /// How each client is doing.
    pub fn standings(&self) -> Vec<Standing> {
        let desk = self.desk();
        desk.tally.standings(&desk.clients, &desk.peers, boot_time())
    }

    pub(super) fn section(&self, name: &str) -> Option<Arc<Section>> {
        self.desk().clients.named(name).cloned()
    }

    pub(super) fn ordered(&self, section: &Section, order: &Order, outcome: Outcome) {
        let nas = order.nas.source;
        let line = match order.what {
            Demand::End(_) => self.desk().tally.ordered(section, nas, outcome, boot_time()),
            Demand::Change(_) => {
                self.desk().tally.told(section, outcome);
                None
            }
        };
        line.iter().for_each(|line| log::warn!("{line}"));
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, socket: &Arc<Socket>, port: Port, bytes: &[u8], route: Route) {
        let (now, from) = (boot_time(), route.peer.ip().to_canonical());
        let section = self.desk().clients.of(from).cloned();
        let Some(section) = section else {
            let line = self.desk().tally.stranger(from, now);
            return line.iter().for_each(|line| log::warn!("{line}"));
        };
        self.desk().tally.heard(&section, now);
        let packet = Packet::decode(bytes).map_err(|why| {
            log::debug!("radius: a packet from {from} is malformed: {why}");
            DropReason::Malformed
        });
        let judged =
            packet.and_then(|it| authentic(&it, port, &section.client).map(|sign| (it, sign)));
        let (packet, signature) = match judged {
            Ok(judged) => judged,
            Err(trouble) => return self.dropped(&section, trouble, from),
        };
        let seen = self.desk().duplicates.admit(&section, &packet, route, now);
        let admitted = match seen {
            Seen::New(admitted) => admitted,
            Seen::Replayed => return self.dropped(&section, DropReason::Replayed, from),
            Seen::UnderWay => return self.count(&section, |it| &mut it.duplicates),
            Seen::Answered(answer) => {
                socket.answer(&answer, route);
                return self.count(&section, |it| &mut it.duplicates);
            }
        };
        let way = Way { admitted, route, socket: Arc::downgrade(socket) };
        self.begin(Request { packet, signature, section, port, way });
    }

    fn begin(&self, request: Request) {
        if request.packet.code == Code::StatusServer {
            let secret = &request.section.client.secret;
            let bytes = reply::status(&request.packet, secret, request.port);
            return self.answer(request, Answer::Status(bytes));
        }
        match self.0.places.clone().try_acquire_owned() {
            Ok(place) => drop(tokio::spawn(self.clone().work(request, place))),
            Err(_) => self.give_up(&request, DropReason::Busy),
        }
    }

    async fn work(self, request: Request, _place: OwnedSemaphorePermit) {
        let Section { name, .. } = &*request.section;
        let nas = request::nas(&request.packet, name.clone(), request.way.route.peer.ip());
        let answer = match request.port {
            Port::Auth => self.access(&request, nas).await,
            Port::Acct => self.account(&request, nas).await,
        };
        match answer {
            Ok(answer) => self.answer(request, answer),
            Err(trouble) => self.give_up(&request, trouble),
        }
    }

    async fn access(&self, request: &Request, nas: Nas) -> Result<Answer, DropReason> {
        let Client { secret, accounting, .. } = &request.section.client;
        self.learn_from_access(request).await;
        let profile = self.profile(&request.section, request.way.route.peer.ip());
        let packet = &request.packet;
        let decided = match request::access(packet, secret, nas) {
            Ok(asked) if *accounting => self.decide(asked).await?,
            Ok(asked) => {
                let purpose = Purpose::PasswordCheck;
                self.decide(AccessRequest { purpose, ..asked }).await?
            }
            // Where the packet is signed, the secret is right, and the password is the guest's.
            Err(Unfit::Unreadable) if request.signature == Signature::Absent => {
                return Err(DropReason::Unreadable);
            }
            Err(unfit) => {
                if unfit == Unfit::Eap {
                    self.noticed(request, DropReason::Eap);
                }
                Access::Reject(unfit.refusal())
            }
        };
        let rng = &mut UnwrapErr(SysRng);
        match decided {
            Access::Accept(accept) => {
                let bytes = reply::accept(packet, secret, &accept, profile, rng);
                Ok(Answer::Accept(bytes))
            }
            Access::Reject(reject) => {
                Ok(Answer::Reject(reply::reject(packet, secret, &reject, rng)))
            }
            Access::Slow(_) => Err(DropReason::Busy),
        }
    }

    /// Asks the owner, and works at slow hashes for it.
    async fn decide(&self, mut asked: AccessRequest) -> Result<Access, DropReason> {
        let mut place = None;
        for _ in 0..ROUNDS {
            let request = Box::new(asked.clone());
            let told = self.0.hotspot.write(|reply| Write::Authenticate { request, reply }).await;
            let hash = match told.map_err(|_| DropReason::Fault)? {
                Access::Slow(hash) => hash,
                decided => return Ok(decided),
            };
            if place.is_none() {
                let hashes = self.0.hashes.clone();
                place = Some(hashes.try_acquire_owned().map_err(|_| DropReason::Busy)?);
            }
            let fits = self.fits(&asked.proof, &hash).await?;
            asked.hashed.push((hash, fits));
        }
        Err(DropReason::Busy)
    }

    async fn fits(&self, proof: &Proof, hash: &str) -> Result<bool, DropReason> {
        let Proof::Pap(password) = proof else { return Ok(false) };
        let turn = timeout(TURN, self.0.hash.acquire()).await;
        let _turn = turn.map_err(|_| DropReason::Busy)?.map_err(|_| DropReason::Fault)?;
        let (password, hash) = (password.clone(), hash.to_owned());
        let worked = tokio::task::spawn_blocking(move || crypt_fits(&password, &hash)).await;
        worked.map_err(|_| DropReason::Fault)
    }

    fn answer(&self, request: Request, answer: Answer) {
        let counter: fn(&mut Counters) -> &mut u64 = match &answer {
            Answer::Accept(_) => |it| &mut it.accepted,
            Answer::Reject(_) => |it| &mut it.rejected,
            Answer::Accounting(_) => |it| &mut it.accounting,
            Answer::Status(_) => |it| &mut it.status,
        };
        self.count(&request.section, counter);
        match answer {
            Answer::Reject(bytes) => {
                let early = self.desk().rejects.push((request.way, bytes.into()), boot_time());
                if let Some((way, bytes)) = early {
                    self.send(&way, &bytes);
                }
                self.0.rejected.notify_one();
            }
            Answer::Accept(bytes) | Answer::Accounting(bytes) | Answer::Status(bytes) => {
                self.send(&request.way, &bytes.into());
            }
        }
    }

    fn send(&self, way: &Way, bytes: &Arc<[u8]>) {
        let wanted = self.desk().duplicates.answer(&way.admitted, bytes);
        if let Some(socket) = way.socket.upgrade().filter(|_| wanted) {
            socket.answer(bytes, way.route);
        }
    }

    async fn send_rejects(self) {
        loop {
            let pause = self.desk().rejects.pause(boot_time());
            match pause {
                None => self.0.rejected.notified().await,
                Some(pause) => tokio::time::sleep(pause).await,
            }
            let due = self.desk().rejects.due(boot_time());
            for (way, bytes) in due {
                self.send(&way, &bytes);
            }
        }
    }

    fn give_up(&self, request: &Request, trouble: DropReason) {
        self.desk().duplicates.forget(&request.way.admitted);
        self.dropped(&request.section, trouble, request.way.route.peer.ip());
    }

    fn noticed(&self, request: &Request, trouble: DropReason) {
        let from = request.way.route.peer.ip();
        let line = self.desk().tally.noticed(&request.section, trouble, from, boot_time());
        line.iter().for_each(|line| log::warn!("{line}"));
    }

    fn dropped(&self, section: &Section, trouble: DropReason, from: IpAddr) {
        let line = self.desk().tally.dropped(section, trouble, from, boot_time());
        line.iter().for_each(|line| log::warn!("{line}"));
    }

    fn count(&self, section: &Section, counter: impl FnOnce(&mut Counters) -> &mut u64) {
        self.desk().tally.count(section, counter);
    }
}
