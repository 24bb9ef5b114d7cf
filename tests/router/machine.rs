//! An emulated router whose plug can be pulled, and the storage that stays.
//!
//! Booted once; every machine goes on from that state, as one that has just booted and has mounted
//! nothing yet. What was written to the storage is in a file of this machine's, and survives the
//! emulator. What the router had only in its memory does not.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::Instant;

use rusqlite::Connection;
use serde_json::Value;

use crate::flows::{Answer, Scratch};
use crate::storage::{Medium, Storage};
use crate::support::{HANG, here, package};

pub const KEY: &str = "0123456789abcdef-test-key";

/// A router that runs.
pub struct Machine {
    emulator: Option<Child>,
    scratch: Scratch,
    medium: Medium,
    /// Where this machine reaches the router's API and RADIUS server.
    pub api: SocketAddr,
    pub authentication: SocketAddr,
    pub accounting: SocketAddr,
}

impl Machine {
    /// Goes on from the booted state with this storage, which is not mounted yet.
    pub fn resume(storage: &Storage) -> Self {
        let booted = booted();
        let machine = Self::start(storage.medium, &[format!("state={}", booted.display())]);
        machine.put_in(storage);
        // Every machine is a boot of its own, in the daemon's eyes as well.
        machine.ok(&format!(
            "echo {:032x} >/tmp/boot_id && mount --bind /tmp/boot_id \
             /proc/sys/kernel/random/boot_id && date -s @{}",
            rand::random::<u128>(),
            seconds_since_1970()
        ));
        machine
    }

    /// With new storage, a file system on it, and that mounted.
    pub fn formatted(medium: Medium) -> Self {
        let machine = Self::resume(&Storage::erased(medium));
        if medium == Medium::Ext4 {
            let mut make = Command::new("/sbin/mke2fs");
            let made = make.args(["-q", "-F", "-t", "ext4"]).arg(machine.path("disk")).status();
            assert!(made.unwrap().success());
        }
        machine.ok(medium.formatted());
        machine.mount();
        machine
    }

    fn start(medium: Medium, settings: &[String]) -> Self {
        let scratch = Scratch::new();
        let path = scratch.path();
        let disk = fs::File::create(path.join("disk")).unwrap();
        disk.set_len(Medium::Ext4.size() as u64).unwrap();
        let ports = [free_port(), free_port(), free_port()];
        let [api, authentication, accounting] =
            ports.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let mut command = Command::new(here().join("router"));
        command.arg("hold").arg(path).args(settings);
        command.arg(format!("flash={}", path.join("memory").display()));
        command.arg(format!("disk={}", path.join("disk").display()));
        for (protocol, from, to) in
            [("tcp", api, 8080), ("udp", authentication, 1812), ("udp", accounting, 1813)]
        {
            command.arg(format!("forward={protocol}:{from}-10.0.2.15:{to}"));
        }
        let emulator = command.stdin(Stdio::null()).spawn().unwrap();
        let pid = emulator.id();
        let emulator = Some(emulator);
        let machine = Self { emulator, scratch, medium, api, authentication, accounting };
        let ready = machine.ask("agent").arg("wait").arg(pid.to_string()).status().unwrap();
        assert!(ready.success(), "it does not start:\n{}", machine.console());
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn console(&self) -> String {
        fs::read_to_string(self.path("console.log")).unwrap_or_default()
    }

    fn ask(&self, socket: &str) -> Command {
        let mut command = Command::new(here().join("ask"));
        command.arg(self.path(socket));
        command
    }

    /// What a command on the router says and how it ends; an emulator that has gone is a failure.
    pub fn run(&self, command: &str) -> Output {
        self.ask("agent").args(["run", command]).output().unwrap()
    }

    /// The output of a command that succeeds.
    pub fn ok(&self, command: &str) -> String {
        String::from_utf8(self.bytes(command)).unwrap()
    }

    pub fn bytes(&self, command: &str) -> Vec<u8> {
        let output = self.run(command);
        let said = String::from_utf8_lossy(&output.stdout);
        let (status, console) = (output.status, self.console());
        assert!(status.success(), "{command}: {status} {said}\nconsole:\n{console}");
        output.stdout
    }

    pub fn put(&self, bytes: &[u8], path: &str) {
        let here = self.path("to-put");
        fs::write(&here, bytes).unwrap();
        let status = self.ask("agent").arg("put").arg(&here).arg(path).status().unwrap();
        assert!(status.success(), "{path} does not arrive");
    }

    fn put_in(&self, storage: &Storage) {
        let (file, at) = self.storage_file();
        file.write_all_at(&storage.bytes, at).unwrap();
    }

    fn storage_file(&self) -> (fs::File, u64) {
        let (name, at) = self.medium.place();
        let file = fs::OpenOptions::new().read(true).write(true).open(self.path(name));
        (file.unwrap(), at)
    }

    /// What the storage holds at this moment.
    pub fn storage(&self) -> Storage {
        if self.medium == Medium::Ubifs {
            return Storage { medium: self.medium, bytes: self.bytes("cat /dev/mtd1") };
        }
        let (file, at) = self.storage_file();
        let mut bytes = vec![0; self.medium.size()];
        file.read_exact_at(&mut bytes, at).unwrap();
        Storage { medium: self.medium, bytes }
    }

    pub fn mount(&self) {
        self.ok(&format!("mkdir -p /data && {}", self.medium.mounted()));
    }

    /// Starts the daemon and does not wait; the number of its process.
    pub fn spawn(&self) -> String {
        self.ok("hotspotd -c /etc/hotspotd.conf run </dev/null >>/tmp/hotspotd.log 2>&1 & echo $!")
    }

    /// Starts the daemon and waits until it is ready.
    pub fn launch(&self) {
        let launches = self.log().matches("is ready").count();
        let process = self.spawn();
        let deadline = Instant::now() + HANG;
        while self.log().matches("is ready").count() == launches {
            assert!(Instant::now() < deadline, "it is not ready:\n{}", self.log());
            let alive = self.run(&format!("kill -0 {process}")).status.success();
            assert!(alive, "it ended at once:\n{}", self.log());
        }
    }

    /// Ends the daemon as procd does.
    pub fn stop(&self) {
        self.ok("kill -TERM $(pidof hotspotd) && while pidof hotspotd; do usleep 20000; done");
    }

    pub fn log(&self) -> String {
        self.ok("cat /tmp/hotspotd.log 2>/dev/null || true")
    }

    /// The command line of the daemon.
    pub fn cli(&self, words: &str) -> String {
        self.ok(&format!("hotspotd -c /etc/hotspotd.conf {words}"))
    }

    /// The whole store, as `backup` gives it.
    pub fn backup(&self) -> Connection {
        let copy = self.path("backup.db");
        self.cli("backup /tmp/backup.db");
        let bytes = self.bytes("cat /tmp/backup.db && rm /tmp/backup.db");
        fs::write(&copy, bytes).unwrap();
        Connection::open(copy).unwrap()
    }

    /// A call of the API.
    pub fn post(&self, fields: Value) -> Answer {
        self.try_post(fields).unwrap_or_else(|| {
            let seen = self
                .run("cat /proc/net/tcp /proc/net/arp; ip address show dev eth0; dmesg | tail -5");
            let seen = String::from_utf8_lossy(&seen.stdout).into_owned();
            panic!("it does not answer\n{seen}\n{}", self.log())
        })
    }

    /// A call of the API; nothing where no whole answer comes.
    pub fn try_post(&self, mut fields: Value) -> Option<Answer> {
        fields["api-key"] = KEY.into();
        let body = fields.to_string();
        let mut stream = TcpStream::connect(self.api).ok()?;
        stream.set_read_timeout(Some(HANG)).ok()?;
        let head = "POST /api/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                    Content-Type: application/json\r\nContent-Length:";
        write!(stream, "{head} {}\r\n\r\n{body}", body.len()).ok()?;
        let mut bytes = Vec::new();
        // A reset comes after what was there before it.
        let _ = stream.read_to_end(&mut bytes);
        // The end of an object, or of a list in chunks.
        let whole = bytes.ends_with(b"}") || bytes.ends_with(b"\r\n0\r\n\r\n");
        whole.then(|| Answer::parse(&bytes))
    }

    /// Pulls the plug.
    pub fn cut(mut self) -> Storage {
        self.kill();
        self.storage()
    }

    fn kill(&mut self) {
        if let Some(mut emulator) = self.emulator.take() {
            let _ = emulator.kill();
            let _ = emulator.wait();
        }
    }

    /// Pulls the plug under whoever is still talking to it; [`Machine::storage`] then is what is left.
    pub fn pull(&self) {
        let pid = self.emulator.as_ref().unwrap().id();
        let pid = nix::unistd::Pid::from_raw(pid as i32);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.kill();
    }
}

fn seconds_since_1970() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// A port that nobody has, TCP or UDP.
fn free_port() -> u16 {
    loop {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        if UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// The state of a router that has booted, has the package's binary and the guest network, and has
/// mounted none of its storage: a file.
fn booted() -> &'static Path {
    static BOOTED: OnceLock<(fs::File, PathBuf)> = OnceLock::new();
    let (_, path) = BOOTED.get_or_init(|| {
        let scratch = Scratch::new();
        let state = scratch.path().join("state");
        let machine = Machine::start(Medium::Jffs2, &[]);
        machine.put(&packaged_binary(), "/usr/sbin/hotspotd");
        machine.put(CONFIGURATION.as_bytes(), "/etc/hotspotd.conf");
        machine.ok(PREPARATION);
        let saved = machine.ask("monitor").arg("save").arg(&state).status().unwrap();
        assert!(saved.success());
        // It has no name any more, so that it goes with this process.
        let file = fs::File::open(state).unwrap();
        let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
        (file, path.into())
    });
    path
}

/// The program of the package that is under test.
fn packaged_binary() -> Vec<u8> {
    let unpack = "tar -xzOf \"$1\" ./data.tar.gz | tar -xzO ./usr/sbin/hotspotd";
    let unpacked = Command::new("sh").args(["-c", unpack, "sh"]).arg(package()).output().unwrap();
    assert!(unpacked.stdout.starts_with(b"\x7fELF"), "{:?}", unpacked.status);
    unpacked.stdout
}

const PREPARATION: &str = "set -e
    chmod 755 /usr/sbin/hotspotd
    modprobe -a virtio_net jffs2 ubifs ext4
    modprobe phram phram=flash,0x3000000,0x1000000,0x10000
    ip link set eth0 up
    ip address add 10.0.2.15/24 dev eth0
    network up >/dev/null 2>&1
    ping -c 1 -q 10.0.2.2 >/dev/null
    echo 3 >/proc/sys/vm/drop_caches
    echo 1 >/proc/sys/vm/compact_memory";

const CONFIGURATION: &str = "config hotspotd 'main'
    option data_dir '/data'
config api 'api'
    option enabled '1'
    option allow_post '1'
    option key '0123456789abcdef-test-key'
    list listen '10.0.2.15:8080'
    list allow_from '10.0.2.0/24'
config guest 'guest'
    option device 'br-guest'
    option leases '/tmp/dhcp.leases'
config radius 'radius'
    option enabled '1'
    list listen '10.0.2.15'
config client 'lobby'
    option address '10.0.2.2'
    option secret 'xyzzy-5461-plugh'
";
