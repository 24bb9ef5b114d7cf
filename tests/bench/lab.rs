//! The laboratory of `tests/lab`, with as many guests as one likes behind one cable.
//!
//! Every guest has a number, and an address and a MAC made of it. They all live on `guest1`: it
//! may send from any address of theirs, and its kernel puts the MAC that belongs to the address
//! into each frame that leaves, and takes frames for any of them. The router knows who has which
//! address, as after ARP.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use hotspotd::domain::station::Mac;

/// Where the guests are.
pub const GUESTS: &str = "10.99.0.0/16";
/// The bridge's MAC; see `tests/lab/network`.
pub const BRIDGE: Mac = Mac::new([2, 0, 0, 0, 0x77, 1]);

/// The address of a guest.
pub fn address(number: u16) -> Ipv4Addr {
    let [high, low] = number.to_be_bytes();
    Ipv4Addr::new(10, 99, high, low)
}

/// The MAC of a guest.
pub fn mac(number: u16) -> Mac {
    let [high, low] = number.to_be_bytes();
    Mac::new([2, 0, 10, 99, high, low])
}

/// A router, guests and an internet, for as long as this is held.
pub struct Lab {
    directory: PathBuf,
    /// Ends with its standard input, and everything inside with it.
    network: Child,
    facts: HashMap<String, String>,
}

impl Lab {
    /// `None`, and says why, where this machine cannot have one.
    pub fn up() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let directory = format!("hotspotd-bench-lab-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(directory);
        fs::create_dir(&directory).unwrap();
        let log = fs::File::create(directory.join("network.log")).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/lab");
        let mut command = Command::new(script);
        command.arg("hold").arg(&directory).stdin(Stdio::piped()).stdout(Stdio::piped());
        let network = command.stderr(log).spawn().unwrap();
        let mut lab = Self { directory, network, facts: HashMap::new() };
        lab.listen().then_some(lab)
    }

    fn listen(&mut self) -> bool {
        for line in BufReader::new(self.network.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if line == "ready" {
                return true;
            }
            if let Some(why) = line.strip_prefix("skipped: ") {
                println!("  skipped: {why}");
                return false;
            }
            if let Some((name, value)) = line.split_once('=') {
                self.facts.insert(name.to_owned(), value.to_owned());
            }
        }
        let log = fs::read_to_string(self.directory.join("network.log"));
        panic!("the laboratory does not come up:\n{}", log.unwrap_or_default());
    }

    /// What the network says about itself; see the end of `tests/lab/network`.
    pub fn fact(&self, name: &str) -> &str {
        &self.facts[name]
    }

    pub fn node(&self, name: &str) -> Node {
        let pid = fs::read_to_string(self.directory.join(format!("{name}.pid"))).unwrap();
        Node { pid: pid.trim().to_owned() }
    }

    /// Guests 1 to `last` are there. Guest 1 is who `guest1` is without disguise.
    pub fn invite(&self, last: u16) {
        let (guest, router) = (self.node("guest1"), self.node("router"));
        let gateway = self.fact("guest4");
        guest.feed(
            &["ip", "-batch", "-"],
            &format!(
                "link set eth0 address {}\nroute add local {GUESTS} dev lo\n\
                 neighbour replace {gateway} lladdr {BRIDGE} nud permanent dev eth0\n",
                mac(1)
            ),
        );
        router.feed(&["ip", "-batch", "-"], &format!("route add {GUESTS} dev br-guest\n"));
        self.introduce(last);
    }

    /// The router knows who has the addresses of guests 1 to `last`, as after ARP.
    pub fn introduce(&self, last: u16) {
        let mut neighbours = String::new();
        let mut ports = String::new();
        for number in 1..=last {
            let (address, mac) = (address(number), mac(number));
            let _ = writeln!(
                neighbours,
                "neighbour replace {address} lladdr {mac} nud permanent dev br-guest"
            );
            let _ = writeln!(ports, "fdb replace {mac} dev guest1 master static");
        }
        let router = self.node("router");
        router.feed(&["ip", "-batch", "-"], &neighbours);
        router.feed(&["bridge", "-batch", "-"], &ports);
    }

    /// From now on `guest1` speaks and hears for all of them, not only for the first.
    pub fn disguise(&self, last: u16) {
        let elements: Vec<String> =
            (1..=last).map(|number| format!("{} : {}", address(number), mac(number))).collect();
        let rules = format!(
            "table netdev guests {{\n\
             map macs {{\ntype ipv4_addr : ether_addr\nelements = {{ {} }}\n}}\n\
             chain leave {{\ntype filter hook egress device \"eth0\" priority 0\n\
             ether saddr set ip saddr map @macs\n}}\n\
             chain arrive {{\ntype filter hook ingress device \"eth0\" priority 0\n\
             meta pkttype other meta pkttype set host\n}}\n}}\n",
            elements.join(", ")
        );
        self.node("guest1").feed(&["nft", "-f", "-"], &rules);
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        drop(self.network.stdin.take());
        let _ = self.network.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A machine of the laboratory.
#[derive(Clone)]
pub struct Node {
    pid: String,
}

impl Node {
    /// A command there.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["-t", &self.pid, "-U", "--preserve-credentials", "-n", "-m", "-p", "--wdns=/"])
            .args(["setpriv", "--pdeathsig", "KILL", program])
            .stdin(Stdio::null())
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("TZ", "UTC0");
        command
    }

    /// The output of a command that succeeds.
    pub fn ok(&self, words: &[&str]) -> String {
        let output = self.command(words[0]).args(&words[1..]).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// A command that reads this.
    pub fn feed(&self, words: &[&str], text: &str) {
        let mut command = self.command(words[0]);
        let mut child = command.args(&words[1..]).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let status = child.wait().unwrap();
        assert!(status.success(), "{words:?}: {status}");
    }

    /// Frames that a device of this machine has received so far.
    pub fn received(&self, device: &str) -> u64 {
        let count = self.ok(&["cat", &format!("/sys/class/net/{device}/statistics/rx_packets")]);
        count.trim().parse().unwrap()
    }

    /// This very program there, in a role of `inside`.
    pub fn role(&self, words: &str) -> Role {
        let program = std::env::current_exe().unwrap();
        let mut command = self.command(program.to_str().unwrap());
        command.arg("inside").args(words.split(' '));
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let questions = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Role { what: words.to_owned(), process, questions, answers }
    }
}

/// This program inside of the laboratory: lines in, lines out.
pub struct Role {
    what: String,
    process: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Role {
    pub fn tell(&mut self, text: &str) {
        self.questions.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// There is nothing more to tell.
    pub fn finish(&mut self) {
        self.questions = None;
    }

    /// Its next line.
    pub fn hear(&mut self) -> String {
        let mut line = String::new();
        let length = self.answers.read_line(&mut line).unwrap();
        assert!(length > 0, "{} has ended", self.what);
        line.trim_end().to_owned()
    }

    pub fn ask(&mut self, question: &str) -> String {
        self.tell(&format!("{question}\n"));
        self.hear()
    }

    /// The numbers of all the lines to come.
    pub fn rows(&mut self) -> Vec<Vec<u64>> {
        let lines = self.answers.by_ref().lines().map(Result::unwrap);
        lines.map(|line| line.split(' ').map(|word| word.parse().unwrap()).collect()).collect()
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
