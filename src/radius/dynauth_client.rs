//! Tells access points to end sessions, and what changes while they run (RFC 5176).
//!
//! Each order has a socket of its own: a random port of the kernel's choice, connected to the
//! access point, so that nothing else is heard there and no identifier is used twice. It is bound
//! to the address that the access point knows as its RADIUS server, since many obey no other.
//!
//! A request that is sent again stays the same to the byte, Event-Timestamp included (RFC 5176
//! section 2.3: then it keeps its identifier). The access point can tell that it has answered it
//! before, and gives the same answer where that got lost; a new request would be answered with
//! "no such session". Half a minute later it is given up, well within the five minutes that
//! Event-Timestamp is believed.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::RngExt;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use tokio::net::UdpSocket;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Server;
use super::authenticator::{Signature, is_authentic_response, reply_message_authenticator};
use super::clients::Section;
use super::dynauth_packet;
use super::dynauth_queue::{Arrival, Line};
use super::packet::{MAX_PACKET, Packet};
use crate::clock::boot_time;
use crate::domain::log_limit::LogLimit;
use crate::domain::nas::Nas;
use crate::domain::secret::Secret;
use crate::domain::time::{Now, Timestamp};
use crate::hotspot::radius_messages::{Demand, Dispatch, Order, Outcome};
use crate::hotspot::{Handle, Read};

/// The first pause before a request is sent again; each is twice as long as the one before, up to
/// [`LONGEST`], a tenth more or less (RFC 5080 section 2.2.1).
const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(16);
/// Then it is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the owner's time is carried on before it is asked again.
const FRESH: Duration = Duration::from_secs(60);

/// Carries out orders until the owner is gone.
pub async fn run(server: Server, hotspot: Handle, mut orders: UnboundedReceiver<Dispatch>) {
    let mut line = Line::default();
    let mut under_way = JoinSet::new();
    let mut watch = Watch::default();
    loop {
        let next = tokio::select! {
            told = orders.recv() => match told {
                Some(Dispatch::Order(order)) => match line.arrived(order) {
                    Arrival::Begins(order) => Some(order),
                    Arrival::Waits => None,
                    Arrival::NoRoom(order) => {
                        give_up(&hotspot, &order).await;
                        None
                    }
                },
                Some(Dispatch::Closed(session)) => {
                    line.closed(session);
                    None
                }
                None => return,
            },
            Some(done) = under_way.join_next() => done.ok().and_then(|nas| line.finished(&nas)),
        };
        if let Some(order) = next {
            let now = watch.now(&hotspot).await;
            under_way.spawn(carry_out(server.clone(), hotspot.clone(), order, now));
        }
    }
}

/// As many orders as may wait do. The owner asks again once the access point is heard.
async fn give_up(hotspot: &Handle, order: &Order) {
    hotspot.ordered(order, Outcome::Unsent).await;
}

/// The owner's time, without asking it for every order.
#[derive(Default)]
struct Watch(Option<Now>);

impl Watch {
    async fn now(&mut self, hotspot: &Handle) -> Option<Timestamp> {
        let boot = boot_time();
        if self.0.is_none_or(|read| boot > read.boot + FRESH) {
            self.0 = hotspot.read(Read::Status).await.ok().map(|status| status.now);
        }
        let read = self.0.filter(|read| read.wall_is_set)?;
        let since = boot.saturating_sub(read.boot).as_secs();
        Some(read.wall.plus(i64::try_from(since).unwrap_or(0)))
    }
}

async fn carry_out(server: Server, hotspot: Handle, order: Order, now: Option<Timestamp>) -> Nas {
    let outcome = match server.section(&order.nas.client) {
        None => Outcome::Unknown,
        Some(section) => {
            let profile = server.profile(&section, order.nas.source);
            let secret = &section.client.secret;
            match dynauth_packet::request(&order, profile, order.id.to_le_bytes()[0], secret, now) {
                None => Outcome::Done,
                Some(bytes) => deliver(&server, &section, &order, &bytes).await,
            }
        }
    };
    let client = &order.nas.client;
    let what = match order.what {
        Demand::End(cause) => cause.word(),
        Demand::Change(_) => "new terms",
    };
    // Not whose it is: a voucher may be its own passcode.
    log::debug!("radius: session {} at '{client}', {what}: {outcome:?}", order.id);
    hotspot.ordered(&order, outcome).await;
    order.nas
}

async fn deliver(server: &Server, section: &Section, order: &Order, bytes: &[u8]) -> Outcome {
    let nas = order.nas.source;
    let from = server.address_for(section, nas);
    let outcome = match connect(from, SocketAddr::new(nas, section.client.coa_port)).await {
        Ok(socket) => {
            let mut rng = UnwrapErr(SysRng);
            let pauses = pauses(|| rng.random_range(-0.1..=0.1));
            tell(&socket, &section.client.secret, bytes, &pauses).await
        }
        Err(error) => {
            note_unsent(nas, &error);
            Outcome::Silent
        }
    };
    server.ordered(section, order, outcome);
    outcome
}

/// Every session that ends while the way there is gone would say so again.
fn note_unsent(nas: IpAddr, error: &io::Error) {
    static LOG: Mutex<LogLimit> = Mutex::new(LogLimit::new());
    let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(more) = log.pass(boot_time()) {
        log::warn!("radius: cannot send orders to {nas}: {error}{more}");
    }
}

/// Falls back to an address of the kernel's choice where ours is gone.
async fn connect(from: Option<IpAddr>, to: SocketAddr) -> io::Result<UdpSocket> {
    let any = match to {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let socket = match UdpSocket::bind((from.unwrap_or(any), 0)).await {
        Err(error) if error.kind() == ErrorKind::AddrNotAvailable => {
            UdpSocket::bind((any, 0)).await?
        }
        bound => bound?,
    };
    socket.connect(to).await?;
    Ok(socket)
}

/// Sends an order, with a pause after each time, until it is answered.
async fn tell(socket: &UdpSocket, secret: &Secret, bytes: &[u8], pauses: &[Duration]) -> Outcome {
    let Ok(request) = Packet::decode(bytes) else { return Outcome::Silent };
    for pause in pauses {
        // An access point that starts up refuses for a while: told as an error of either call.
        let _ = socket.send(bytes).await;
        if let Ok(outcome) = timeout(*pause, answer(socket, &request, secret)).await {
            return outcome;
        }
    }
    Outcome::Silent
}

/// How long to wait after each time that a request is sent. `waver` gives a number from -0.1 to
/// 0.1.
fn pauses(mut waver: impl FnMut() -> f64) -> Vec<Duration> {
    let mut pauses = Vec::new();
    let (mut next, mut left) = (FIRST.mul_f64(1.0 + waver()), PATIENCE);
    while !left.is_zero() {
        let pause = next.min(left);
        pauses.push(pause);
        left -= pause;
        next = match next.mul_f64(2.0 + waver()) {
            long if long > LONGEST => LONGEST.mul_f64(1.0 + waver()),
            short => short,
        };
    }
    pauses
}

/// Waits for an answer; what is none, or bears another secret's mark, is passed over.
async fn answer(socket: &UdpSocket, request: &Packet, secret: &Secret) -> Outcome {
    let mut buffer = vec![0; MAX_PACKET];
    loop {
        let Ok(length) = socket.recv(&mut buffer).await else { continue };
        let Ok(reply) = Packet::decode(buffer.get(..length).unwrap_or_default()) else { continue };
        let authenticator = &request.authenticator;
        let genuine = reply.identifier == request.identifier
            && is_authentic_response(&reply, authenticator, secret)
            && reply_message_authenticator(&reply, authenticator, secret) != Signature::Bad;
        match dynauth_packet::outcome(request.code, &reply) {
            Some(outcome) if genuine => return outcome,
            _ => log::debug!("radius: an answer to an order is not genuine, or none at all"),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::{Config, Vendor};
    use crate::domain::session::TerminateCause;
    use crate::hotspot::radius_messages::Nas;
    use crate::radius::authenticator::sign_reply;
    use crate::radius::clients::Clients;
    use crate::radius::packet::{Code, Draft};
    use crate::radius::reply_attributes::Profile;

    pub(in crate::radius) fn order(id: i64, nas: IpAddr) -> Order {
        Order {
            id,
            nas: Nas { client: "lobby".into(), source: nas, address: None, identifier: None },
            username: "room12".into(),
            session: format!("s{id}"),
            calling_station: None,
            address: None,
            port: None,
            what: Demand::End(TerminateCause::AdminReset),
        }
    }

    #[test]
    fn pauses_double_up_to_the_end_of_patience() {
        let seconds = |waver: f64| -> Vec<f64> {
            pauses(|| waver).iter().map(Duration::as_secs_f64).collect()
        };
        assert_eq!(seconds(0.0), [2.0, 4.0, 8.0, 16.0]);
        for waver in [-0.1, 0.1] {
            let pauses = seconds(waver);
            assert_eq!(pauses[0], 2.0 * (1.0 + waver));
            assert!((pauses.iter().sum::<f64>() - 30.0).abs() < 1e-6, "{pauses:?}");
            assert!(pauses.len() <= 6 && pauses.iter().all(|it| *it <= 17.6), "{pauses:?}");
        }
    }

    fn section(port: u16) -> Arc<Section> {
        let text = format!(
            "config client lobby\noption address 127.0.0.1\noption secret xyzzy5461\n\
             option coa_port {port}"
        );
        let clients = Clients::new(&Config::parse(&text).unwrap().clients);
        clients.named("lobby").unwrap().clone()
    }

    fn reply(request: &Packet, code: Code, secret: &str) -> Vec<u8> {
        let draft = Draft::new(code, request.identifier);
        sign_reply(draft, &request.authenticator, &Secret::new(secret))
    }

    /// What comes of an order with these pauses, in milliseconds, where the access point does this
    /// with each packet; and how many it got.
    async fn told(
        pauses: &[u64],
        act: impl Fn(usize, &Packet, &Section) -> Option<Vec<u8>>,
    ) -> (Outcome, usize) {
        let pauses: Vec<_> = pauses.iter().map(|it| Duration::from_millis(*it)).collect();
        let nas = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let section = section(nas.local_addr().unwrap().port());
        let to = nas.local_addr().unwrap();
        let socket = connect(Some(to.ip()), to).await.unwrap();
        let order = order(0x0107, to.ip());
        let now = Some(Timestamp::from_unix(1_800_000_000));
        let secret = &section.client.secret;
        let bytes =
            dynauth_packet::request(&order, Profile::of(Vendor::None), 7, secret, now).unwrap();
        let telling = tell(&socket, secret, &bytes, &pauses);
        tokio::pin!(telling);
        let (mut heard, mut buffer) = (Vec::new(), [0; MAX_PACKET]);
        loop {
            tokio::select! {
                outcome = &mut telling => return (outcome, heard.len()),
                got = nas.recv_from(&mut buffer) => {
                    let (length, from) = got.unwrap();
                    heard.push(buffer[..length].to_vec());
                    assert_eq!(heard.first(), heard.last(), "not the same to the byte");
                    let packet = Packet::decode(&buffer[..length]).unwrap();
                    assert_eq!((packet.code, packet.identifier), (Code::DisconnectRequest, 7));
                    if let Some(bytes) = act(heard.len(), &packet, &section) {
                        nas.send_to(&bytes, from).await.unwrap();
                    }
                }
            }
        }
    }

    const HANG: u64 = 30_000;
    const SHORT: u64 = 20;

    #[tokio::test]
    async fn an_order_is_repeated_until_it_is_answered() {
        let ack = |request: &Packet| Some(reply(request, Code::DisconnectAck, "xyzzy5461"));
        let third = |heard, request: &Packet, _: &Section| ack(request).filter(|_| heard == 3);
        assert_eq!(told(&[SHORT, SHORT, HANG], third).await, (Outcome::Done, 3));
        let nak = |_, request: &Packet, _: &Section| {
            Some(reply(request, Code::DisconnectNak, "xyzzy5461"))
        };
        assert_eq!(told(&[HANG], nak).await, (Outcome::Refused(None), 1));
    }

    #[tokio::test]
    async fn only_the_access_points_own_answer_counts() {
        let silent = told(&[SHORT, SHORT, SHORT], |_, _, _| None).await;
        assert_eq!(silent.0, Outcome::Silent);
        let forged = |heard, request: &Packet, section: &Section| {
            let draft = Draft::new(Code::DisconnectAck, request.identifier.wrapping_add(1));
            match heard {
                1 => Some(reply(request, Code::DisconnectAck, "other")),
                2 => Some(sign_reply(draft, &request.authenticator, &section.client.secret)),
                3 => Some(reply(request, Code::AccessAccept, "xyzzy5461")),
                4 => Some(b"noise".to_vec()),
                _ => Some(reply(request, Code::DisconnectAck, "xyzzy5461")),
            }
        };
        let told = told(&[SHORT, SHORT, SHORT, SHORT, HANG], forged).await;
        assert_eq!(told, (Outcome::Done, 5));
    }
}
