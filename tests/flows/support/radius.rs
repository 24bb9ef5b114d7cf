//! RADIUS as an access point speaks it, written from the RFCs and not from the program.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};

use super::{Daemon, HANG, until};

pub const ACCESS_REQUEST: u8 = 1;
pub const ACCESS_ACCEPT: u8 = 2;
pub const ACCESS_REJECT: u8 = 3;
pub const ACCOUNTING_REQUEST: u8 = 4;
pub const ACCOUNTING_RESPONSE: u8 = 5;
pub const STATUS_SERVER: u8 = 12;
pub const DISCONNECT_REQUEST: u8 = 40;
pub const DISCONNECT_ACK: u8 = 41;
pub const COA_REQUEST: u8 = 43;
pub const COA_ACK: u8 = 44;
pub const COA_NAK: u8 = 45;

pub const USER_NAME: u8 = 1;
pub const USER_PASSWORD: u8 = 2;
pub const PROXY_STATE: u8 = 33;
pub const ACCT_STATUS_TYPE: u8 = 40;
pub const ACCT_SESSION_ID: u8 = 44;
pub const MESSAGE_AUTHENTICATOR: u8 = 80;

pub const SECRET: &str = "xyzzy-5461-plugh";

/// A packet that is being put together.
#[derive(Clone)]
pub struct Packet {
    pub code: u8,
    pub identifier: u8,
    pub authenticator: [u8; 16],
    pub attributes: Vec<(u8, Vec<u8>)>,
    pub secret: String,
    /// Whether it has a Message-Authenticator, at its end.
    pub signed: bool,
}

impl Packet {
    pub fn new(code: u8, identifier: u8) -> Self {
        Self {
            code,
            identifier,
            authenticator: rand::random(),
            attributes: Vec::new(),
            secret: SECRET.to_owned(),
            signed: code != ACCOUNTING_REQUEST,
        }
    }

    /// Somebody who wants to be let in with PAP.
    pub fn access(identifier: u8, username: &str, password: &str) -> Self {
        let mut packet = Self::new(ACCESS_REQUEST, identifier).with(USER_NAME, username.as_bytes());
        let hidden = packet.hidden(password);
        packet.attributes.push((USER_PASSWORD, hidden));
        packet
    }

    /// The begin of a session.
    pub fn start(identifier: u8, session: &str) -> Self {
        Self::new(ACCOUNTING_REQUEST, identifier)
            .with(ACCT_STATUS_TYPE, &1_u32.to_be_bytes())
            .with(ACCT_SESSION_ID, session.as_bytes())
            .with(USER_NAME, b"room12")
    }

    pub fn with(mut self, kind: u8, value: &[u8]) -> Self {
        self.attributes.push((kind, value.to_vec()));
        self
    }

    pub fn unsigned(mut self) -> Self {
        self.signed = false;
        self
    }

    /// RFC 2865 section 5.2, for passwords of up to 16 octets.
    fn hidden(&self, password: &str) -> Vec<u8> {
        let pad = Md5::new().chain_update(&self.secret).chain_update(self.authenticator).finalize();
        let mut plain = password.as_bytes().to_vec();
        plain.resize(16, 0);
        plain.iter().zip(pad).map(|(a, b)| a ^ b).collect()
    }

    /// The bytes, signed with the secret.
    pub fn bytes(&self) -> Vec<u8> {
        let accounting = self.code == ACCOUNTING_REQUEST;
        let authenticator = if accounting { [0; 16] } else { self.authenticator };
        let mut bytes = vec![self.code, self.identifier, 0, 0];
        bytes.extend(authenticator);
        for (kind, value) in &self.attributes {
            bytes.extend([*kind, value.len() as u8 + 2]);
            bytes.extend(value);
        }
        if self.signed {
            bytes.extend([MESSAGE_AUTHENTICATOR, 18]);
            bytes.extend([0; 16]);
        }
        let length = (bytes.len() as u16).to_be_bytes();
        bytes[2..4].copy_from_slice(&length);
        if self.signed {
            let mut hmac = Hmac::<Md5>::new_from_slice(self.secret.as_bytes()).unwrap();
            hmac.update(&bytes);
            let at = bytes.len() - 16;
            bytes[at..].copy_from_slice(&hmac.finalize().into_bytes());
        }
        if accounting {
            let sum = Md5::new().chain_update(&bytes).chain_update(&self.secret).finalize();
            bytes[4..20].copy_from_slice(&sum);
        }
        bytes
    }
}

/// The code of an answer, once its authenticator is found to be right (RFC 2865 section 3).
pub fn genuine(answer: &[u8], request: &[u8]) -> u8 {
    let sum = Md5::new()
        .chain_update(&answer[..4])
        .chain_update(&request[4..20])
        .chain_update(&answer[20..])
        .chain_update(SECRET)
        .finalize();
    assert_eq!(answer[4..20], sum[..], "the answer is not signed with the secret");
    assert_eq!(answer[1], request[1], "the answer is another request's");
    answer[0]
}

/// An answer without attributes, as an access point gives it to an order.
pub fn reply(code: u8, request: &[u8]) -> Vec<u8> {
    let head = [code, request[1], 0, 20];
    let sum = Md5::new().chain_update(head).chain_update(&request[4..20]).chain_update(SECRET);
    [&head[..], &sum.finalize()].concat()
}

/// An access point's socket.
pub struct AccessPoint {
    pub socket: UdpSocket,
}

impl AccessPoint {
    pub fn at(address: impl Into<IpAddr>) -> Self {
        let socket = UdpSocket::bind((address.into(), 0)).unwrap();
        socket.set_read_timeout(Some(HANG)).unwrap();
        Self { socket }
    }

    pub fn send(&self, bytes: &[u8], to: SocketAddr) {
        self.socket.send_to(bytes, to).unwrap();
    }

    /// The next datagram, and where it came from.
    pub fn receive(&self) -> (Vec<u8>, SocketAddr) {
        let mut buffer = [0; 4096];
        let (length, from) = self.socket.recv_from(&mut buffer).expect("no answer came");
        (buffer[..length].to_vec(), from)
    }

    /// Sends a request and takes the answer: its bytes.
    pub fn ask(&self, bytes: &[u8], to: SocketAddr) -> Vec<u8> {
        self.send(bytes, to);
        let (answer, from) = self.receive();
        assert_eq!(from, to);
        genuine(&answer, bytes);
        answer
    }

    /// Whatever was sent until now has been dropped: a Status-Server that follows it is what is
    /// answered next, and no answer was lying there before.
    pub fn nothing_but_status(&self, identifier: u8, to: SocketAddr) {
        let status = Packet::new(STATUS_SERVER, identifier).bytes();
        let answer = self.ask(&status, to);
        assert!([ACCESS_ACCEPT, ACCOUNTING_RESPONSE].contains(&answer[0]), "{answer:?}");
    }

    /// Whether nothing is there to be received now.
    pub fn is_silent(&self) -> bool {
        self.socket.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let nothing = self.socket.recv(&mut [0; 4096]).is_err();
        self.socket.set_read_timeout(Some(HANG)).unwrap();
        nothing
    }
}

/// A daemon that serves RADIUS at an address, on ports of its own.
pub struct Radius {
    pub daemon: Daemon,
    pub auth: SocketAddr,
    pub acct: SocketAddr,
}

impl Radius {
    /// With these client sections.
    pub fn with(listen: &str, clients: &str) -> Self {
        let (auth, acct) = (free_port(), free_port());
        let mut daemon = Daemon::prepared("", "");
        let sections = format!(
            "config radius\noption enabled 1\nlist listen {listen}\noption auth_port {auth}\n\
             option acct_port {acct}\n{clients}"
        );
        daemon.configure("", &sections);
        daemon.launch();
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self { daemon, auth: at(auth), acct: at(acct) }
    }

    /// With one client, which is this machine.
    pub fn start() -> Self {
        Self::with("127.0.0.1", &client("lobby", "127.0.0.1", ""))
    }

    /// A row of `client list`.
    pub fn standing(&self, name: &str) -> serde_json::Value {
        let rows = self.daemon.cli_ok(&["client", "list", "--format", "json"]);
        let rows: Vec<serde_json::Value> = serde_json::from_str(&rows).unwrap();
        let row = rows.iter().find(|row| row["name"] == name || row["address"] == name);
        row.unwrap_or_else(|| panic!("{name} is not in {rows:?}")).clone()
    }

    /// Waits until so many packets of a client have been dropped for this reason.
    pub fn wait_for_drops(&self, name: &str, reason: &str, count: u64) {
        let row = || self.standing(name);
        assert!(until(|| row()["dropped"][reason] == count), "{}", row());
    }
}

/// A client section with the secret of these tests.
pub fn client(name: &str, address: &str, options: &str) -> String {
    format!("config client {name}\noption address {address}\noption secret '{SECRET}'\n{options}\n")
}

/// A UDP port that nobody has on any address; see `free_address`.
fn free_port() -> u16 {
    loop {
        let port = super::free_address().port();
        if UdpSocket::bind(("0.0.0.0", port)).is_ok() {
            return port;
        }
    }
}
