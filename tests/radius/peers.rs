//! What the tests share: where a server is, whether a peer is there, radclient.

use std::io::Write;
use std::net::{SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::{env, thread};

use super::support::free_address;
pub(crate) use super::support::skipped;

/// What servers and clients share here. Long, as one ought to be.
pub const SECRET: &str = "seven-blue-umbrellas-in-the-lobby";

/// Where a server listens.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    pub auth: SocketAddr,
    pub acct: SocketAddr,
}

/// A pair of ports that nobody has, one after the other: some clients count on it.
pub fn free_ports() -> Ports {
    loop {
        let (auth, acct) = (free_port(), free_port());
        if acct.port() == auth.port() + 1 {
            return Ports { auth, acct };
        }
    }
}

/// A UDP port of loopback that nobody has.
pub fn free_port() -> SocketAddr {
    loop {
        let address = free_address();
        if UdpSocket::bind(address).is_ok() {
            return address;
        }
    }
}

/// Whether a program is there; says so where it is not.
pub fn installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let there = env::split_paths(&path).any(|directory| directory.join(program).is_file());
    if !there {
        skipped(&format!("{program} is not installed"));
    }
    there
}

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// `Access-Accept`, say.
    pub code: String,
    /// Attributes as radclient prints them, quotes left out.
    pub attributes: Vec<(String, String)>,
}

impl Answer {
    /// The first attribute of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// Every attribute of this name, in their order.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let named = self.attributes.iter().filter(|(it, _)| it == name);
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// A number.
    pub fn number(&self, name: &str) -> u64 {
        let value = self.get(name);
        let number = value.and_then(|text| text.parse().ok());
        number.unwrap_or_else(|| panic!("{name} is {value:?} in {self:?}"))
    }

    /// The attributes of these names, in their order.
    pub fn only(&self, names: &[&str]) -> Vec<(&str, &str)> {
        let attributes =
            self.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        attributes.filter(|(name, _)| names.contains(name)).collect()
    }
}

/// Asks by radclient, which is to be answered. A Message-Authenticator is added to what is no
/// accounting.
#[track_caller]
pub fn ask(to: SocketAddr, kind: &str, attributes: &str) -> Answer {
    let (answer, output) = radclient(to, kind, SECRET, attributes, 10);
    answer.unwrap_or_else(|| panic!("no answer to {attributes:?}:\n{output}"))
}

/// Asks several at the same time: each reject takes a second.
pub fn log_in_all(to: Ports, requests: &[&str]) -> Vec<Answer> {
    thread::scope(|scope| {
        let asked: Vec<_> =
            requests.iter().map(|request| scope.spawn(move || log_in(to, request))).collect();
        asked.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Asks to be let in.
#[track_caller]
pub fn log_in(to: Ports, attributes: &str) -> Answer {
    ask(to.auth, "auth", attributes)
}

/// Reports, and expects to hear that it was taken down.
#[track_caller]
pub fn account(to: Ports, attributes: &str) {
    let answer = ask(to.acct, "acct", attributes);
    assert_eq!(answer.code, "Accounting-Response", "{answer:?}");
}

/// Asks once and waits for these seconds; the answer, and everything radclient said.
pub fn radclient(
    to: SocketAddr,
    kind: &str,
    secret: &str,
    attributes: &str,
    seconds: u32,
) -> (Option<Answer>, String) {
    let mut request = format!("{attributes}\nPacket-Src-IP-Address = 127.0.0.1\n");
    if attributes.contains("Packet-Src-IP-Address") {
        request = format!("{attributes}\n");
    }
    if kind != "acct" && !attributes.contains("Message-Authenticator") {
        request.push_str("Message-Authenticator = 0x00\n");
    }
    // A blank line would begin another request.
    let lines = request.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines = lines.filter(|line| *line != "no Message-Authenticator");
    let request: String = lines.map(|line| format!("{line}\n")).collect();
    let mut child = Command::new("radclient")
        .args(["-x", "-r", "1", "-t", &seconds.to_string()])
        .args([&to.to_string(), kind, secret])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(request.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    (parse(&text), text)
}

fn parse(output: &str) -> Option<Answer> {
    let mut lines = output.lines().skip_while(|line| !line.starts_with("Received "));
    let code = lines.next()?.split_whitespace().nth(1)?.to_owned();
    let attributes = lines
        .map_while(|line| line.strip_prefix('\t'))
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()))
        .collect();
    Some(Answer { code, attributes })
}
