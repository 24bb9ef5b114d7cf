//! A machine of the laboratory, and what one does at it.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::{Answer, here, until};

/// The site that guests want to see.
pub const SITE: &str = "http://www.example.test/";

/// A router, guest or internet: everything it runs ends with the laboratory.
#[derive(Clone, Debug)]
pub struct Node {
    pub name: &'static str,
    pid: String,
}

impl Node {
    pub(super) fn new(name: &'static str, directory: &Path) -> Self {
        let pid = fs::read_to_string(directory.join(format!("{name}.pid"))).unwrap();
        Self { name, pid: pid.trim().to_owned() }
    }

    /// A command there, with nothing in its environment that depends on who runs the tests.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["-t", &self.pid, "-U", "--preserve-credentials", "-n", "-m", "-p", "--wdns=/"])
            .args(["setpriv", "--pdeathsig", "KILL"])
            .arg(program)
            .stdin(Stdio::null())
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", "/tmp")
            .env("TZ", "UTC0");
        command
    }

    pub fn output(&self, words: &[&str]) -> Output {
        self.command(words[0]).args(&words[1..]).output().unwrap()
    }

    /// The output of a command that succeeds.
    pub fn ok(&self, words: &[&str]) -> String {
        let output = self.output(words);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} {words:?}: {:?} {error}", self.name, output.status);
        String::from_utf8(output.stdout).unwrap()
    }

    /// `ip` with these words.
    pub fn ip(&self, words: &str) -> String {
        let words: Vec<&str> = ["ip"].into_iter().chain(words.split_whitespace()).collect();
        self.ok(&words)
    }

    /// A role of `peer.py` that says one thing.
    pub fn peer(&self, words: &str) -> String {
        self.script("peer.py", words)
    }

    /// What a Python script beside `peer.py` says.
    pub fn script(&self, script: &str, words: &str) -> String {
        let mut command = self.script_command(script, words);
        let output = command.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} {words}: {error}", self.name);
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub fn script_command(&self, script: &str, words: &str) -> Command {
        let mut command = self.command("python3");
        command.arg(here().join(script)).args(words.split_whitespace());
        command
    }

    /// What curl gets; the last argument is the URL.
    pub fn curl(&self, arguments: &[&str]) -> Answer {
        self.try_curl(arguments).unwrap_or_else(|why| panic!("{}: {arguments:?}: {why}", self.name))
    }

    /// What curl gets, or what it says when it gets nothing.
    pub fn try_curl(&self, arguments: &[&str]) -> Result<Answer, String> {
        let mut curl = self.command("curl");
        curl.args(["-sS", "-i", "--raw", "--max-time", "60"]).args(arguments);
        let output = curl.output().unwrap();
        if output.status.success() {
            return Ok(Answer::parse(&output.stdout));
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Whether the site is to be had, over this family (`-4`, `-6`).
    pub fn sees_site(&self, family: &str) -> bool {
        let site = self.try_curl(&[family, SITE]);
        site.is_ok_and(|site| site.status == 200 && site.body.contains("This is www.example.test/"))
    }

    /// Whether somebody answers a ping.
    pub fn pings(&self, address: &str) -> bool {
        self.output(&["ping", "-n", "-c", "1", "-W", "1", address]).status.success()
    }

    /// Asks for a lease, as whoever connects does.
    pub fn dhcp(&self) {
        let script = here().join("dhcp");
        self.ok(&[script.to_str().unwrap(), self.name]);
    }

    /// The guest's IPv4 address.
    pub fn ipv4(&self) -> Ipv4Addr {
        match self.addresses("-4")[..] {
            [IpAddr::V4(address)] => address,
            ref others => panic!("{}: {others:?}", self.name),
        }
    }

    /// The guest's global IPv6 addresses, as soon as it has its own and a temporary one.
    pub fn ipv6(&self) -> Vec<Ipv6Addr> {
        let mut found = Vec::new();
        let two = until(|| {
            found = self.addresses("-6");
            found.len() >= 2
        });
        assert!(two, "{} has only {found:?}", self.name);
        let v6 = |address| match address {
            IpAddr::V6(address) => Some(address),
            IpAddr::V4(_) => None,
        };
        found.into_iter().filter_map(v6).collect()
    }

    fn addresses(&self, family: &str) -> Vec<IpAddr> {
        let words = "-oneline address show dev eth0 scope global -tentative";
        let listed = self.ip(&format!("{family} {words}"));
        let address = |line: &str| {
            let network = line.split_whitespace().nth(3)?;
            network.split('/').next()?.parse().ok()
        };
        listed.lines().filter_map(address).collect()
    }

    /// The guest's device, as hotspotd writes it.
    pub fn mac(&self) -> String {
        let listed = self.ip("-oneline link show dev eth0");
        let mut words = listed.split_whitespace();
        words.find(|word| *word == "link/ether").unwrap();
        words.next().unwrap().to_uppercase()
    }
}
