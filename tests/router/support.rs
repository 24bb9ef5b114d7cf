//! The emulated router, and what is done on it.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};
use std::{fs, thread};

use serde_json::Value;

/// Nothing on the router takes this long unless it hangs; a loaded machine is slow, not hanging.
pub const HANG: Duration = Duration::from_secs(300);

/// With networks, booted once and gone on from.
const SETTINGS: [&str; 2] = ["word=network=up", "state=booted"];

/// What is put on the router, below `/tmp`.
pub const PACKAGE: &str = "/tmp/hotspotd.ipk";

/// A router, for as long as this is held.
pub struct Router {
    directory: PathBuf,
    emulator: Child,
    agent: BufReader<UnixStream>,
    requests: u64,
}

/// What a command came to.
#[derive(Debug)]
pub struct Outcome {
    pub status: i32,
    pub output: String,
}

impl Router {
    /// A router with a guest, an internet, and nothing of ours.
    pub fn bare() -> Self {
        let mut router = Self::boot(&SETTINGS);
        router.ok("cat /tmp/network.log; ip -n guest1 route | grep -q default");
        // The state that it goes on from is some hours old.
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        router.ok(&format!("date -s @{}", now.as_secs()));
        router
    }

    /// With the settings of `tests/router/router`.
    pub fn boot(settings: &[&str]) -> Self {
        let directory = scratch();
        let log = fs::File::create(directory.join("emulator.log")).unwrap();
        let mut emulator = Command::new(here().join("router"))
            .arg("hold")
            .arg(&directory)
            .args(settings)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let agent = BufReader::new(connect(&directory, &mut emulator));
        let mut router = Self { directory, emulator, agent, requests: 0 };
        router.ok("true");
        router
    }

    /// With the package and its guest network, and the service started.
    pub fn installed() -> Self {
        let mut router = Self::bare();
        router.install();
        router.ok("service hotspotd start");
        router.ready();
        router
    }

    /// The package, and the settings that `session.txt` shows; not started.
    pub fn install(&mut self) {
        self.put(&fs::read(package()).unwrap(), PACKAGE);
        self.ok(&format!("opkg install {PACKAGE} && rm {PACKAGE}"));
        self.ok("uci set hotspotd.main.enabled=1 && uci set hotspotd.guest=guest && \
                 uci set hotspotd.guest.device=br-guest && uci commit hotspotd");
    }

    /// Waits until the daemon answers.
    pub fn ready(&mut self) {
        let answers = self.until("hotspotd sessions");
        assert!(answers, "the daemon does not answer:\n{}", self.log());
    }

    /// Signs in the first guest at the portal, and has the site.
    pub fn sign_in(&mut self, username: &str, passcode: &str) {
        let portal = "http://192.168.77.1:8880";
        // The portal may still be opening.
        let page = self.until(&format!("guest1 curl -sf -m 20 -o /dev/null {portal}/"));
        assert!(page, "there is no portal:\n{}", self.log());
        let answer = self.ok(&format!(
            "guest1 curl -s -m 60 -o /dev/null -w '%{{http_code}}' {portal}/login \
             --data-urlencode 'username={username}' --data-urlencode 'passcode={passcode}'"
        ));
        assert_eq!(answer, "303", "{}", self.log());
        assert!(self.sees_site(), "{username} is not let in:\n{}", self.log());
    }

    /// Whether the first guest gets a page of the internet.
    pub fn sees_site(&mut self) -> bool {
        self.run("guest1 curl -s -m 60 http://www.example.com/").output == "This is the internet.\n"
    }

    /// Tries a command until it succeeds or hangs.
    #[must_use]
    pub fn until(&mut self, command: &str) -> bool {
        let deadline = Instant::now() + HANG;
        while self.run(command).status != 0 {
            if Instant::now() > deadline {
                return false;
            }
        }
        true
    }

    /// Runs a command in the router's shell.
    pub fn run(&mut self, command: &str) -> Outcome {
        self.ask("run", command.as_bytes(), "")
    }

    /// The output of a command that succeeds.
    #[track_caller]
    pub fn ok(&mut self, command: &str) -> String {
        let outcome = self.run(command);
        assert_eq!(outcome.status, 0, "{command}\n{}\n{}", outcome.output, self.log());
        outcome.output
    }

    /// A command's output as a number.
    #[track_caller]
    pub fn number(&mut self, command: &str) -> u64 {
        let output = self.ok(command);
        output.trim().parse().unwrap_or_else(|_| panic!("{command}: {output}"))
    }

    /// Writes a file on the router.
    pub fn put(&mut self, content: &[u8], path: &str) {
        let outcome = self.ask("put", content, path);
        assert_eq!(outcome.status, 0, "{path}: {}", outcome.output);
    }

    fn ask(&mut self, verb: &str, payload: &[u8], path: &str) -> Outcome {
        self.requests += 1;
        let token = format!("{}-{}", std::process::id(), self.requests);
        let head = format!("\nask {token} {verb} {} {path}\n", payload.len());
        let stream = self.agent.get_mut();
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(payload).unwrap();
        let mut line = String::new();
        while !line.starts_with(&format!("done {token} ")) {
            line.clear();
            let read = self.agent.read_line(&mut line);
            assert!(read.is_ok_and(|octets| octets > 0), "no answer: {}", self.console());
        }
        let words: Vec<usize> =
            line.split_whitespace().skip(2).map(|word| word.parse().unwrap()).collect();
        let mut output = vec![0; words[1]];
        self.agent.read_exact(&mut output).unwrap();
        let output = String::from_utf8_lossy(&output).into_owned();
        Outcome { status: i32::try_from(words[0]).unwrap(), output }
    }

    /// For files of a test, gone with the router.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Rows of a list, such as `sessions`.
    pub fn rows(&mut self, list: &str) -> Vec<Value> {
        let text = self.ok(&format!("hotspotd {list} --format json"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{list}: {error}: {text}"))
    }

    /// What the service has said.
    pub fn log(&mut self) -> String {
        self.run("cat /tmp/log; dmesg | tail -n 20").output
    }

    fn console(&self) -> String {
        let read = |name: &str| fs::read_to_string(self.directory.join(name)).unwrap_or_default();
        read("emulator.log") + &read("console.log")
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("{}", self.console());
        }
        let _ = self.emulator.kill();
        let _ = self.emulator.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The directory of this file's neighbours that are no Rust.
pub fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/router")
}

/// The package under test.
pub fn package() -> PathBuf {
    if let Some(path) = std::env::var_os("HOTSPOTD_IPK") {
        return path.into();
    }
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/openwrt");
    let mut packages: Vec<PathBuf> = fs::read_dir(&built)
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    packages.retain(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("hotspotd_") && name.ends_with("_mipsel_24kc.ipk")
    });
    assert_eq!(packages.len(), 1, "one package in {}: openwrt/build makes it", built.display());
    packages.remove(0)
}

fn connect(directory: &Path, emulator: &mut Child) -> UnixStream {
    let begun = Instant::now();
    loop {
        if let Ok(stream) = UnixStream::connect(directory.join("agent")) {
            stream.set_read_timeout(Some(HANG)).unwrap();
            return stream;
        }
        let ended = emulator.try_wait().unwrap().is_some();
        if ended || begun.elapsed() > HANG {
            let log = fs::read_to_string(directory.join("emulator.log")).unwrap_or_default();
            panic!("no router: {log}");
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// A directory that nobody has. Unix socket paths are limited to 107 bytes, so not below the target
/// directory.
fn scratch() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path =
        std::env::temp_dir().join(format!("hotspotd-emulated-{}-{number}", std::process::id()));
    fs::create_dir(&path).unwrap();
    path
}
