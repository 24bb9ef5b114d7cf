//! Guests who sign in, and who send to the internet all the while.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, SocketAddrV4, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, socket};
use nix::sys::time::TimeSpec;

use crate::lab::address;

/// Who is alone sends this often until something comes back, and many together less often, so that
/// they measure the router and not themselves.
const ALONE: Duration = Duration::from_micros(200);
const TOGETHER: Duration = Duration::from_millis(5);
/// Nothing here takes this long unless it hangs.
const HANG: Duration = Duration::from_secs(60);

/// Signs in as many at once as said, again and again, one guest for each line `username passcode`.
/// For each it tells the microseconds from the request to its answer and to the first packet from
/// the internet; at the end, how many processes and threads were started meanwhile in the whole
/// laboratory, which has process numbers of its own.
pub(super) fn play(portal: &str, echo: &str, first: u16, together: usize) {
    let lines: Vec<String> = super::lines().collect();
    let before = last_process();
    let mut number = first;
    let mut told = String::new();
    for lines in lines.chunks(together) {
        let mut guests: Vec<Guest> = Vec::new();
        for _ in lines {
            guests.push(Guest::new(number, portal, echo));
            number += 1;
        }
        for (guest, line) in guests.iter_mut().zip(lines) {
            guest.sign_in(portal, line);
        }
        wait(&mut guests);
        for guest in guests {
            let micros = |time: Option<Duration>| time.unwrap().as_micros();
            told += &format!("{} {}\n", micros(guest.answered), micros(guest.through));
        }
    }
    println!("{told}{}", last_process() - before);
}

/// The number that was given out last in this PID namespace.
fn last_process() -> u64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap();
    text.split_whitespace().last().unwrap().parse().unwrap()
}

struct Guest {
    connection: TcpStream,
    internet: UdpSocket,
    begun: Instant,
    buffer: Vec<u8>,
    answered: Option<Duration>,
    through: Option<Duration>,
}

impl Guest {
    /// Has a connection to the portal, as who looks at the sign-in page has.
    fn new(number: u16, portal: &str, echo: &str) -> Self {
        let address = address(number);
        let portal: SocketAddrV4 = portal.parse().unwrap();
        let flags = SockFlag::SOCK_CLOEXEC;
        let connection = socket(AddressFamily::Inet, SockType::Stream, flags, None).unwrap();
        bind(connection.as_raw_fd(), &SockaddrIn::from(SocketAddrV4::new(address, 0))).unwrap();
        connect(connection.as_raw_fd(), &SockaddrIn::from(portal)).unwrap();
        let connection = TcpStream::from(connection);
        connection.set_nodelay(true).unwrap();
        connection.set_nonblocking(true).unwrap();
        let internet = UdpSocket::bind(SocketAddr::from((address, 0))).unwrap();
        internet.connect(echo).unwrap();
        internet.set_nonblocking(true).unwrap();
        let (begun, buffer) = (Instant::now(), Vec::new());
        Self { connection, internet, begun, buffer, answered: None, through: None }
    }

    fn sign_in(&mut self, portal: &str, line: &str) {
        let (username, passcode) = line.split_once(' ').unwrap();
        let form = format!("username={username}&passcode={passcode}");
        let request = format!(
            "POST /login HTTP/1.1\r\nHost: {portal}\r\nContent-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
            form.len()
        );
        self.begun = Instant::now();
        self.connection.write_all(request.as_bytes()).unwrap();
    }

    fn send(&self) {
        let _ = self.internet.send(b"let me through");
    }

    fn read_answer(&mut self) {
        let mut piece = [0; 4096];
        match self.connection.read(&mut piece) {
            Ok(length) => {
                assert!(length > 0, "the portal hung up");
                self.buffer.extend_from_slice(&piece[..length]);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(error) => panic!("{error}"),
        }
        if self.buffer.windows(4).any(|piece| piece == b"\r\n\r\n") {
            let answer = String::from_utf8_lossy(&self.buffer);
            assert!(answer.starts_with("HTTP/1.1 303"), "not signed in: {answer}");
            self.answered = Some(self.begun.elapsed());
            self.send();
        }
    }

    fn read_echo(&mut self) {
        let mut piece = [0; 64];
        if self.internet.recv(&mut piece).is_ok() {
            self.through = Some(self.begun.elapsed());
        }
    }

    fn is_done(&self) -> bool {
        self.answered.is_some() && self.through.is_some()
    }
}

/// Until everybody has an answer and a packet from the internet.
fn wait(guests: &mut [Guest]) {
    let pause = if guests.len() == 1 { ALONE } else { TOGETHER };
    let mut next = Instant::now();
    let begun = next;
    while guests.iter().any(|guest| !guest.is_done()) {
        assert!(begun.elapsed() < HANG, "nothing more happens");
        if Instant::now() >= next {
            next = Instant::now() + pause;
            guests.iter().filter(|guest| guest.through.is_none()).for_each(Guest::send);
        }
        let patience = TimeSpec::from_duration(next.saturating_duration_since(Instant::now()));
        let events: Vec<(bool, bool)> = {
            let mut all = Vec::new();
            for guest in guests.iter() {
                let wanted = |open| if open { PollFlags::POLLIN } else { PollFlags::empty() };
                all.push(PollFd::new(guest.connection.as_fd(), wanted(guest.answered.is_none())));
                all.push(PollFd::new(guest.internet.as_fd(), wanted(guest.through.is_none())));
            }
            ppoll(&mut all, Some(patience), None).unwrap();
            all.chunks(2).map(|both| (both[0].any().unwrap(), both[1].any().unwrap())).collect()
        };
        for (guest, (answer, echo)) in guests.iter_mut().zip(events) {
            if answer && guest.answered.is_none() {
                guest.read_answer();
            }
            if echo && guest.through.is_none() {
                guest.read_echo();
            }
        }
    }
}
