//! The real binary, started on a port and a directory of its own, and ways to talk to it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// Nothing here takes this long unless it hangs.
pub const HANG: Duration = Duration::from_secs(30);

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
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let daemon = Self { scratch, address, key, child: None };
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
            TcpStream::connect(self.address).is_ok()
        });
        assert!(ready, "it does not listen:\n{}", self.log());
    }

    /// Starts the program and does not wait.
    pub fn spawn(&mut self) {
        assert!(self.child.is_none(), "it is running already");
        let log = fs::OpenOptions::new().create(true).append(true);
        let log = log.clone().open(self.scratch.path().join("log")).unwrap();
        let child = program().arg("-c").arg(self.config()).arg("run").stderr(log).spawn();
        self.child = Some(child.unwrap());
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
        let mut child = self.child.take().unwrap();
        let deadline = Instant::now() + HANG;
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Resident memory in kB.
    pub fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Runs a command of the program against this daemon.
    pub fn cli(&self, arguments: &[&str]) -> Output {
        program().arg("-c").arg(self.config()).args(arguments).output().unwrap()
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
        self.http(&format!("GET /api/?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), b"")
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

/// The program under test.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hotspotd"));
    command.stdin(Stdio::null()).env("TZ", "UTC0");
    command
}

/// An HTTP answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        let headers: BTreeMap<_, _> = lines.map(header).collect();
        let chunked = headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked");
        let body = if chunked { unchunk(body) } else { body.to_owned() };
        Self { status, headers, body }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {:?}", self.body))
    }

    pub fn message(&self) -> String {
        self.json()["message"].as_str().unwrap_or_default().to_owned()
    }
}

/// Joins the chunks of a body (RFC 9112 §7.1); panics where the last one is missing.
fn unchunk(mut rest: &str) -> String {
    let mut body = String::new();
    loop {
        let (size, after) = rest.split_once("\r\n").expect("the body is cut off");
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return body;
        }
        body.push_str(&after[..size]);
        rest = &after[size + 2..];
    }
}

fn escape(text: &str) -> String {
    let keep = |byte: &u8| byte.is_ascii_alphanumeric();
    text.bytes().map(|b| if keep(&b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// Tries until it is true or hangs.
pub fn until(mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + HANG;
    while !condition() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}
