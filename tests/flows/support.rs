//! The real binary, started on a port and a directory of its own, and ways to talk to it.

// By their paths, because `tests/radius` looks at this file from elsewhere.
#[path = "support/answer.rs"]
mod answer;
#[path = "support/radius.rs"]
pub mod radius;
#[path = "../support/skip.rs"]
mod skip;

use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, socket};
use nix::unistd::Pid;
use serde_json::Value;

pub use answer::{Answer, compact, escape};
pub(crate) use skip::skipped;

/// Nothing here takes this long unless it hangs; a loaded machine is slow, not hanging.
pub const HANG: Duration = Duration::from_secs(60);

/// A directory that goes away with the test.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // Unix socket paths are limited to 107 bytes, so not below the target directory.
        let name = format!("hotspotd-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The options of `config api` that let everything in.
pub const OPEN_API: &str = "option enabled '1'\noption allow_get '1'\noption allow_post '1'\n";

/// A running daemon.
pub struct Daemon {
    pub scratch: Scratch,
    pub address: SocketAddr,
    pub key: String,
    /// What the program is given beyond `TZ=UTC0`.
    pub environment: Vec<(OsString, OsString)>,
    /// A command that starts the program, such as one that enters a network namespace.
    pub within: Vec<String>,
    child: Option<Child>,
}

impl Daemon {
    /// With GET and POST allowed.
    pub fn start() -> Self {
        Self::with(OPEN_API, "")
    }

    /// With these options in `config api` and these further sections.
    pub fn with(api: &str, sections: &str) -> Self {
        let mut daemon = Self::prepared(api, sections);
        daemon.launch();
        daemon
    }

    /// With everything written down and nothing running yet.
    pub fn prepared(api: &str, sections: &str) -> Self {
        let scratch = Scratch::new();
        let key = "0123456789abcdef-test-key".to_owned();
        let address = free_address();
        let (environment, within) = (Vec::new(), Vec::new());
        let daemon = Self { scratch, address, key, environment, within, child: None };
        daemon.configure(api, sections);
        daemon
    }

    /// Writes the configuration; a running daemon learns of it by [`Daemon::signal`].
    pub fn configure(&self, api: &str, sections: &str) {
        let directory = self.scratch.path().display();
        let (address, key) = (self.address, &self.key);
        let text = format!(
            "config hotspotd 'main'\noption data_dir '{directory}/data'\n\
             option control_socket '{directory}/control.sock'\noption log_level 'debug'\n\
             config api 'api'\nlist listen '{address}'\noption key '{key}'\n{api}\n{sections}\n"
        );
        fs::write(self.config(), text).unwrap();
    }

    /// Replaces a text of the configuration that is there.
    pub fn edit_config(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.config()).unwrap();
        assert!(text.contains(from), "{from:?} is not in {text}");
        fs::write(self.config(), text.replace(from, to)).unwrap();
    }

    /// Has no key in the configuration: the daemon makes one.
    pub fn leave_out_key(&self) {
        self.edit_config(&format!("option key '{}'\n", self.key), "");
    }

    pub fn config(&self) -> PathBuf {
        self.scratch.path().join("hotspotd.conf")
    }

    pub fn data(&self) -> PathBuf {
        self.scratch.path().join("data")
    }

    pub fn database(&self) -> PathBuf {
        self.data().join("hotspotd.db")
    }

    /// Everything logged so far, of all launches.
    pub fn log(&self) -> String {
        fs::read_to_string(self.scratch.path().join("log")).unwrap_or_default()
    }

    /// Waits until the log holds `text`.
    pub fn wait_for_log(&self, text: &str) {
        let found = until(|| self.log().contains(text));
        assert!(found, "{text:?} never came up in the log:\n{}", self.log());
    }

    /// Starts the program and waits until it is ready.
    pub fn launch(&mut self) {
        self.spawn();
        let ready = until(|| {
            let exited = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(exited.is_none(), "it ended at once:\n{}", self.log());
            TcpStream::connect(self.address).is_ok() && self.answers()
        });
        assert!(ready, "it does not listen:\n{}", self.log());
    }

    /// Whether the command line is answered: that comes last, though the socket is there first.
    fn answers(&self) -> bool {
        let socket = UnixStream::connect(self.scratch.path().join("control.sock"));
        let answered = socket.and_then(|mut stream| {
            stream.set_read_timeout(Some(HANG))?;
            stream.write_all(b"\"health\"\n")?;
            stream.read(&mut [0])
        });
        matches!(answered, Ok(1))
    }

    /// Starts the program and does not wait.
    pub fn spawn(&mut self) {
        assert!(self.child.is_none(), "it is running already");
        let log = self.scratch.path().join("log");
        let log = fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        let mut command = self.program();
        let child = command.arg("-c").arg(self.config()).arg("run").stderr(log).spawn();
        self.child = Some(child.unwrap());
    }

    fn program(&self) -> Command {
        let mut command = within(&self.within, &binary());
        command.envs(self.environment.iter().cloned());
        command
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid() as i32), signal).unwrap();
    }

    /// Pulls the plug.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Stops it as procd does, and gives its exit status.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.wait()
    }

    /// Waits for it to end by itself.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + patience();
        loop {
            // Left where it is until it has ended, so that a failing test does not leave it running.
            if let Some(status) = self.child.as_mut().unwrap().try_wait().unwrap() {
                self.child = None;
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until it answers, or has ended by itself; false for the latter.
    pub fn is_ready_or_ends(&mut self) -> bool {
        let decided = until(|| {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            ended.is_some() || self.answers()
        });
        assert!(decided, "it neither answers nor ends:\n{}", self.log());
        self.child.as_mut().unwrap().try_wait().unwrap().is_none()
    }

    /// Resident memory in kB.
    pub fn resident(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// A number of `/proc/PID/status`.
    pub fn status(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Runs a command of the program against this daemon.
    pub fn cli(&self, arguments: &[&str]) -> Output {
        self.program().arg("-c").arg(self.config()).args(arguments).output().unwrap()
    }

    /// The output of a command that succeeds.
    pub fn cli_ok(&self, arguments: &[&str]) -> String {
        let output = self.cli(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {:?} {error}", output.status);
        String::from_utf8(output.stdout).unwrap()
    }

    /// Calls the API with GET; the key is added.
    pub fn get(&self, params: &[(&str, &str)]) -> Answer {
        let mut query = format!("api-key={}", self.key);
        for (name, value) in params {
            query.push_str(&format!("&{name}={}", escape(value)));
        }
        self.http(
            &format!("GET /api/?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
            b"",
        )
    }

    /// Calls the API with POST and JSON; the key is added.
    pub fn post(&self, mut fields: Value) -> Answer {
        fields["api-key"] = self.key.clone().into();
        self.post_raw("application/json", fields.to_string().as_bytes())
    }

    /// Calls the API with POST and just this body.
    pub fn post_raw(&self, content_type: &str, body: &[u8]) -> Answer {
        let head = format!(
            "POST /api/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {content_type}\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        self.http(&head, body)
    }

    /// Sends a head and a body as they are, and reads to the end.
    pub fn http(&self, head: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(HANG)).unwrap();
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        Answer::parse(&bytes)
    }

    /// A connection to the API from an address of this machine: all of 127.0.0.0/8 are.
    pub fn connect_from(&self, source: [u8; 4]) -> TcpStream {
        let [a, b, c, d] = source;
        let stream = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None);
        let stream = stream.unwrap();
        bind(stream.as_raw_fd(), &SockaddrIn::new(a, b, c, d, 0)).unwrap();
        let SocketAddr::V4(address) = self.address else { panic!("IPv4 only") };
        connect(stream.as_raw_fd(), &SockaddrIn::from(address)).unwrap();
        let stream = TcpStream::from(stream);
        stream.set_read_timeout(Some(HANG)).unwrap();
        stream.set_write_timeout(Some(HANG)).unwrap();
        stream
    }

    /// What curl gets with these arguments.
    pub fn curl(&self, arguments: &[&str]) -> Answer {
        let mut curl = within(&self.within, "curl");
        // Raw: the chunks are joined here, where a missing last one is noticed.
        curl.args(["-sS", "-i", "--raw", "--noproxy", "*", "--max-time", "30"]).args(arguments);
        let output = curl.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "curl {arguments:?}: {error}");
        Answer::parse(&output.stdout)
    }

    /// Every voucher, as the API lists them.
    pub fn vouchers(&self) -> Vec<Value> {
        self.get(&[("action", "get_voucher_users")]).json()["users"].as_array().unwrap().clone()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("log of the daemon:\n{}", self.log());
        }
    }
}

/// A router's program with its emulator, as `tests/big_endian` names it.
const EMULATED: &str = "HOTSPOTD_BINARY";

/// Whether it is not this machine's own program that is under test.
pub fn emulated() -> bool {
    std::env::var_os(EMULATED).is_some()
}

/// How long something may take until it counts as hanging.
fn patience() -> Duration {
    if emulated() { HANG * 4 } else { HANG }
}

/// Where the program under test is.
pub fn binary() -> String {
    std::env::var(EMULATED).unwrap_or_else(|_| env!("CARGO_BIN_EXE_hotspotd").to_owned())
}

/// The program under test.
pub fn program() -> Command {
    within(&[], &binary())
}

/// A command, started by another one or by none.
fn within(starter: &[String], name: &str) -> Command {
    let words: Vec<&str> = starter.iter().map(String::as_str).chain([name]).collect();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).stdin(Stdio::null()).env("TZ", "UTC0");
    command
}

/// A port of loopback that nobody has. Below the ports that the kernel gives to clients, or the
/// connection of another test might have it by the time it is used.
pub fn free_address() -> SocketAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = std::process::id() * 97 + NEXT.fetch_add(1, Ordering::Relaxed);
        let address = SocketAddr::from(([127, 0, 0, 1], 10_000 + (number % 20_000) as u16));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// Tries until it is true or hangs.
pub fn until(mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + patience();
    while !condition() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}
