//! Ports that another program has: which, who, and what asks for it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use crate::support::{Daemon, OPEN_API, free_address, skipped};

/// A program that has a socket, and holds on to it until the test ends.
struct Holder(Child);

impl Holder {
    fn of(kind: &str, address: SocketAddr) -> Self {
        let family = if address.is_ipv4() { "AF_INET" } else { "AF_INET6" };
        let script = format!(
            "import socket, time\ns = socket.socket(socket.{family}, socket.SOCK_{kind})\n\
             s.bind(('{}', {}))\n{}print('ready', flush=True)\ntime.sleep(600)",
            address.ip(),
            address.port(),
            if kind == "STREAM" { "s.listen()\n" } else { "" },
        );
        let mut command = Command::new("python3");
        let mut child = command.args(["-c", &script]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Self(child)
    }

    fn is_told_of(&self, text: &str) -> bool {
        text.contains(&format!("\"python3\" (process {}) has it", self.0.id()))
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The lines of the log and of `check` about a place that cannot be opened, once it is told.
fn told(daemon: &Daemon, place: &str) -> [String; 2] {
    let words = format!("cannot listen on {place}");
    daemon.wait_for_log(&words);
    let find = |text: &str| {
        let mut lines = text.lines().filter(|line| line.contains(&words));
        let line = lines.next().unwrap_or_else(|| panic!("{words:?} is not in {text}"));
        assert_eq!(lines.next(), None, "told twice");
        line.to_owned()
    };
    let output = daemon.cli(&["check"]);
    assert_eq!(output.status.code(), Some(78));
    [find(&daemon.log()), find(&String::from_utf8(output.stdout).unwrap())]
}

#[test]
fn the_api_tells_who_has_its_port_and_takes_it_when_it_is_free() {
    let mut daemon = Daemon::prepared(OPEN_API, "");
    let holder = Holder::of("STREAM", daemon.address);
    daemon.spawn();
    for line in told(&daemon, &daemon.address.to_string()) {
        assert!(holder.is_told_of(&line), "{line}");
        assert!(line.contains("asked for by 'list listen' in 'config api'"), "{line}");
    }
    drop(holder);
    daemon.wait_for_log(&format!("api: listening on {} now", daemon.address));
    assert_eq!(daemon.cli(&["check"]).status.code(), Some(0));
}

#[test]
fn an_ipv6_address_is_looked_for_among_those() {
    let Ok(free) = std::net::TcpListener::bind("[::1]:0") else {
        return skipped("there is no IPv6");
    };
    let address = free.local_addr().unwrap();
    drop(free);
    let every = SocketAddr::new("::".parse().unwrap(), address.port());
    let holder = Holder::of("STREAM", every);
    let daemon = Daemon::prepared(&format!("{OPEN_API}list listen '{address}'\n"), "");
    let mut daemon = daemon;
    daemon.spawn();
    for line in told(&daemon, &address.to_string()) {
        assert!(holder.is_told_of(&line), "{line}");
    }
}

#[test]
fn radius_tells_of_each_of_its_ports() {
    let (auth, acct) = (free_address(), free_address());
    let sections = format!(
        "config radius\noption enabled '1'\noption auth_port '{}'\noption acct_port '{}'\n",
        auth.port(),
        acct.port()
    );
    // A TCP socket on the port is in nobody's way.
    let _other = std::net::TcpListener::bind(auth).unwrap();
    let holders = [auth, acct].map(|address| Holder::of("DGRAM", address));
    let mut daemon = Daemon::prepared(OPEN_API, &sections);
    daemon.launch();
    for (address, option, holder) in
        [(auth, "'auth_port'", &holders[0]), (acct, "'acct_port'", &holders[1])]
    {
        for line in told(&daemon, &address.to_string()) {
            assert!(holder.is_told_of(&line), "{line}");
            assert!(line.contains(&format!("{option} in 'config radius'")), "{line}");
        }
    }
}

#[test]
fn a_portal_tells_who_has_its_port() {
    let address = free_address();
    let holder = Holder::of("STREAM", address);
    let sections = format!(
        "config guest 'inn'\noption device 'lo'\noption enforce '0'\noption portal_port '{}'\n",
        address.port()
    );
    let daemon = Daemon::with(OPEN_API, &sections);
    for line in told(&daemon, &format!("lo port {}", address.port())) {
        assert!(holder.is_told_of(&line), "{line}");
        assert!(line.contains("asked for by 'portal_port' in 'config guest inn'"), "{line}");
    }
}

#[test]
fn where_it_cannot_be_seen_nothing_is_guessed() {
    let mut daemon = Daemon::prepared(OPEN_API, "");
    // The test itself has it, and the daemon sees no process but its own.
    let _taken = std::net::TcpListener::bind(daemon.address).unwrap();
    let hide = ["unshare", "-rpf", "--mount-proc", "--kill-child"];
    let tried = Command::new(hide[0]).args(&hide[1..]).arg("true").output();
    if !tried.is_ok_and(|output| output.status.success()) {
        return skipped("there are no user namespaces");
    }
    daemon.within = hide.map(str::to_owned).to_vec();
    daemon.spawn();
    for line in told(&daemon, &daemon.address.to_string()) {
        assert!(line.contains("in use"), "{line}");
        assert!(line.contains("who has it cannot be seen from here"), "{line}");
        assert!(!line.contains("has it;"), "{line}");
    }
}
