//! The load: every packet is made before the clock starts, and so many are always outstanding.
//!
//! One thread sends and receives, which leaves the other processor to the server. A packet belongs
//! to one of [`PORTS`] source ports and has its identifier from the start; packets take ports and
//! identifiers in turn, so that one comes round again after 4,096 packets and never while it is in
//! flight. An answer belongs to what was sent from its port with its identifier. Nothing is sent
//! twice: whoever is not answered within [`PATIENCE`] counts as unanswered, and its identifier is
//! not used again in this run.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::packet;

/// Source ports, with 256 identifiers each (RFC 5080 section 2.1.2 wants them far apart).
const PORTS: usize = 16;
/// As long as an access point waits that does not ask again.
const PATIENCE: Duration = Duration::from_secs(5);
/// Of so many answers one is kept and checked.
const SAMPLE: usize = 50;

/// What came of it.
#[derive(Default)]
pub struct Outcome {
    /// From sending to the answer, of everything that was answered.
    pub latencies: Vec<Duration>,
    /// Access-Accept or Accounting-Response.
    pub granted: usize,
    /// Access-Reject.
    pub rejected: usize,
    /// No answer in time.
    pub unanswered: usize,
    /// Asked, whatever came of it.
    pub sent: usize,
    /// Until the last answer.
    pub taken: Duration,
    /// Answers, and which packet they belong to.
    pub kept: Vec<(usize, Vec<u8>)>,
}

impl Outcome {
    /// Answers in a second.
    pub fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.taken.as_secs_f64()
    }

    /// Checks the answers that were kept; how many of them have a Message-Authenticator.
    pub fn verify(&self, packets: &[Vec<u8>]) -> usize {
        let signed = |(at, reply): &&(usize, Vec<u8>)| packet::verify(&packets[*at], reply);
        self.kept.iter().filter(signed).count()
    }
}

/// The identifier of the packet at this place.
pub fn identifier(at: usize) -> u8 {
    (at / PORTS % 256) as u8
}

/// How much at a time, and for how long.
#[derive(Clone, Copy)]
pub struct Load {
    pub outstanding: usize,
    /// After this nothing more is sent.
    pub length: Duration,
    /// Of so many answers one is kept.
    pub keep: usize,
}

impl Load {
    pub fn new(outstanding: usize, length: Duration) -> Self {
        Self { outstanding, length, keep: SAMPLE }
    }

    /// One after the other, to the last, and every answer is kept.
    pub fn careful() -> Self {
        Self { outstanding: 1, length: Duration::MAX, keep: 1 }
    }
}

#[derive(Clone, Copy)]
enum Slot {
    Free,
    Sent(usize, Instant),
    Lost,
}

/// Sends packets until there are no more or the time is over, and waits for what is to come. One
/// whose identifier still belongs to an unanswered one is left out.
pub fn run(server: SocketAddr, packets: &[Vec<u8>], load: Load) -> Outcome {
    let Load { outstanding, length, keep } = load;
    let sockets: Vec<UdpSocket> = (0..PORTS).map(|_| connect(server)).collect();
    let mut fds: Vec<PollFd<'_>> =
        sockets.iter().map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN)).collect();
    let mut slots = vec![Slot::Free; PORTS * 256];
    let mut queue: VecDeque<usize> = VecDeque::with_capacity(packets.len());
    let mut outcome =
        Outcome { latencies: Vec::with_capacity(packets.len()), ..Outcome::default() };
    let mut buffer = [0; 4096];
    let (mut next, mut in_flight) = (0, 0);
    let begun = Instant::now();
    loop {
        while in_flight < outstanding && next < packets.len() && begun.elapsed() < length {
            let slot = &mut slots[place(next)];
            if matches!(slot, Slot::Free) {
                *slot = Slot::Sent(next, Instant::now());
                queue.push_back(next);
                sockets[next % PORTS].send(&packets[next]).expect("the server is gone");
                in_flight += 1;
                outcome.sent += 1;
            }
            next += 1;
        }
        if in_flight == 0 {
            return outcome;
        }
        poll(&mut fds, PollTimeout::from(100u8)).unwrap();
        for (port, fd) in fds.iter().enumerate() {
            if !fd.any().unwrap() {
                continue;
            }
            let length = sockets[port].recv(&mut buffer).expect("the server is gone");
            let now = Instant::now();
            let slot = &mut slots[port + PORTS * usize::from(buffer[1])];
            let Slot::Sent(at, sent) = *slot else { continue };
            *slot = Slot::Free;
            in_flight -= 1;
            outcome.latencies.push(now - sent);
            outcome.taken = now - begun;
            match buffer[0] {
                packet::ACCESS_ACCEPT | packet::ACCOUNTING_RESPONSE => outcome.granted += 1,
                packet::ACCESS_REJECT => outcome.rejected += 1,
                code => panic!("an answer with code {code}"),
            }
            if at % keep == 0 {
                outcome.kept.push((at, buffer[..length].to_vec()));
            }
        }
        while let Some(at) = queue.front() {
            match slots[place(*at)] {
                Slot::Sent(mine, sent) if mine == *at => {
                    if sent.elapsed() < PATIENCE {
                        break;
                    }
                    slots[place(*at)] = Slot::Lost;
                    outcome.unanswered += 1;
                    in_flight -= 1;
                }
                _ => (),
            }
            queue.pop_front();
        }
    }
}

/// Asks until there is an answer; whether there was one in time.
pub fn wait_for(server: SocketAddr, patience: Duration) -> bool {
    let socket = connect(server);
    let begun = Instant::now();
    let mut buffer = [0; 4096];
    for id in (0..=u8::MAX).cycle() {
        // Where nobody listens yet, that is an error.
        let _ = socket.send(&packet::status_server(id));
        std::thread::sleep(Duration::from_millis(50));
        match socket.recv(&mut buffer) {
            Ok(_) => return true,
            Err(error) => assert!(
                matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionRefused),
                "{error}"
            ),
        }
        if begun.elapsed() > patience {
            break;
        }
    }
    false
}

fn place(at: usize) -> usize {
    at % PORTS + PORTS * usize::from(identifier(at))
}

fn connect(server: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}
