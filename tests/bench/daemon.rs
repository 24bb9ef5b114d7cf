//! The program under measurement, with its data on a real disk.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::http::Client;

/// The program, in the release profile.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_hotspotd");
/// The API key.
pub const KEY: &str = "0123456789abcdef-bench-key";

/// A directory below Cargo's target directory that goes away at the end.
pub struct Disk(PathBuf);

impl Disk {
    pub fn new() -> Self {
        let name = format!("bench-{}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The type of the file system, from the innermost mount point above the directory.
    pub fn file_system(&self) -> String {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let path = self.0.canonicalize().unwrap();
        let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        let above = fields.filter(|fields| fields.len() > 2 && path.starts_with(fields[1]));
        let innermost = above.max_by_key(|fields| fields[1].len());
        innermost.map_or_else(|| "unknown".to_owned(), |fields| fields[2].to_owned())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A daemon with a data directory of its own.
pub struct Daemon {
    directory: PathBuf,
    socket: PathBuf,
    pub address: SocketAddr,
    /// A library that is loaded before any other.
    pub preload: Option<PathBuf>,
    /// Which build it is.
    program: PathBuf,
    child: Option<Child>,
}

impl Daemon {
    /// With everything written down and nothing running yet.
    pub fn prepared(disk: &Disk, name: &str) -> Self {
        Self::prepared_for(disk, name, PROGRAM.into())
    }

    /// The same, for another build of the program.
    pub fn prepared_for(disk: &Disk, name: &str, program: PathBuf) -> Self {
        let directory = disk.path().join(name);
        fs::create_dir(&directory).unwrap();
        // Unix socket paths are limited to 107 bytes, so not below the target directory.
        let socket = format!("hotspotd-bench-{}-{name}.sock", std::process::id());
        let socket = std::env::temp_dir().join(socket);
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let text = format!(
            "config hotspotd 'main'\noption data_dir '{}/data'\noption control_socket '{}'\n\
             config api 'api'\nlist listen '{address}'\noption key '{KEY}'\n\
             option enabled '1'\noption allow_get '1'\noption allow_post '1'\n",
            directory.display(),
            socket.display()
        );
        fs::write(directory.join("conf"), text).unwrap();
        Self { directory, socket, address, preload: None, program, child: None }
    }

    /// Running.
    pub fn start(disk: &Disk, name: &str) -> Self {
        let mut daemon = Self::prepared(disk, name);
        daemon.launch();
        daemon
    }

    /// Running, with so many vouchers.
    pub fn filled(disk: &Disk, name: &str, vouchers: usize) -> Self {
        let daemon = Self::start(disk, name);
        daemon.command(&["voucher", "create", "--count", &vouchers.to_string()]);
        daemon
    }

    /// Starts the program; the time until it has answered a call.
    pub fn launch(&mut self) -> Duration {
        let log = self.directory.join("log");
        let log = fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        let begun = Instant::now();
        let mut command = self.program();
        if let Some(library) = &self.preload {
            command.env("LD_PRELOAD", library);
        }
        let child = command.arg("run").stderr(log).spawn();
        self.child = Some(child.unwrap());
        let mut client = loop {
            match Client::connect(self.address) {
                Ok(client) => break client,
                Err(_) => std::thread::sleep(Duration::from_micros(100)),
            }
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "it ended at once; see {}", self.directory.display());
        };
        client.call("get_active_guests");
        begun.elapsed()
    }

    /// Stops it as procd does.
    pub fn stop(&mut self) {
        kill(Pid::from_raw(self.pid() as i32), Signal::SIGTERM).unwrap();
        self.child.take().unwrap().wait().unwrap();
    }

    /// Runs a command of the program against this daemon.
    pub fn command(&self, arguments: &[&str]) {
        let status = self.program().args(arguments).status().unwrap();
        assert!(status.success(), "{arguments:?}: {status}");
    }

    /// The program with this daemon's configuration.
    pub fn program(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.stdin(Stdio::null()).stdout(Stdio::null()).env("TZ", "UTC0");
        command.arg("-c").arg(self.directory.join("conf"));
        command
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// A copy of the store.
    pub fn backup(&self) -> PathBuf {
        let file = self.directory.join("backup");
        self.command(&["backup", file.to_str().unwrap()]);
        file
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_file(&self.socket);
    }
}
