//! The daemon on the laboratory's router.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::daemon::{Disk, PROGRAM};
use crate::lab::{Lab, Node, Role};

/// Where its portal listens.
const PORT: u16 = 8880;
/// Where the internet echoes; the laboratory's own echo is for tests.
const ECHO: u16 = 4001;
/// Nothing here takes this long unless it hangs.
const HANG: Duration = Duration::from_secs(60);

/// A router that runs hotspotd as shipped, with its data where it is told.
pub struct Router {
    node: Node,
    directory: PathBuf,
    socket: PathBuf,
    /// A library that is loaded before any other.
    preload: Option<PathBuf>,
    child: Option<Child>,
}

impl Router {
    pub fn start(lab: &Lab, directory: &Path, preload: Option<PathBuf>) -> Self {
        fs::create_dir(directory).unwrap();
        // Unix socket paths are limited to 107 bytes.
        let name = directory.file_name().unwrap().to_str().unwrap();
        let socket = format!("hotspotd-bench-{}-{name}.sock", std::process::id());
        let socket = std::env::temp_dir().join(socket);
        let text = format!(
            "config hotspotd 'main'\noption data_dir '{}/data'\noption control_socket '{}'\n\
             config guest 'guest'\noption device 'br-guest'\noption portal_port '{PORT}'\n\
             option leases '/nowhere'\n",
            directory.display(),
            socket.display()
        );
        fs::write(directory.join("conf"), text).unwrap();
        let (node, directory) = (lab.node("router"), directory.to_owned());
        let mut router = Self { node, directory, socket, preload, child: None };
        router.launch();
        router
    }

    /// Starts it, and waits until it is ready.
    pub fn launch(&mut self) {
        let ready = |text: &str| text.matches("is ready").count();
        let before = ready(&self.log());
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log_file()).unwrap();
        let mut command = self.command(&["run"]);
        if let Some(library) = &self.preload {
            command.env("LD_PRELOAD", library);
        }
        self.child = Some(command.stderr(log).spawn().unwrap());
        let begun = Instant::now();
        while ready(&self.log()) == before {
            assert!(begun.elapsed() < HANG, "it is not ready:\n{}", self.log());
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "it ended at once:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Stops it as procd does.
    pub fn stop(&mut self) {
        kill(Pid::from_raw(self.pid() as i32), Signal::SIGTERM).unwrap();
        self.child.take().unwrap().wait().unwrap();
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.node.command(PROGRAM);
        command.arg("-c").arg(self.directory.join("conf")).args(words);
        command
    }

    fn log_file(&self) -> PathBuf {
        self.directory.join("log")
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// New vouchers, a line each: username and passcode.
    pub fn vouchers(&self, count: usize) -> String {
        let count = count.to_string();
        let words = ["voucher", "create", "--count", &count, "--format", "json"];
        let output = self.command(&words).output().unwrap();
        let rows: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
        let line = |row: &serde_json::Value| {
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            format!("{} {}\n", text("username"), text("passcode"))
        };
        rows.iter().map(line).collect()
    }

    /// The daemon's process number outside: it is the only child of who has entered the namespaces.
    pub fn pid(&self) -> u32 {
        let entered = self.child.as_ref().unwrap().id();
        let children = format!("/proc/{entered}/task/{entered}/children");
        fs::read_to_string(children).unwrap().trim().parse().unwrap()
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_file(&self.socket);
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Where the portal of the laboratory's router is.
pub fn portal(lab: &Lab) -> String {
    format!("{}:{PORT}", lab.fact("guest4"))
}

/// An echo in the internet.
pub fn echo(lab: &Lab) -> Role {
    let mut echo = lab.node("internet").role(&format!("echo {}:{ECHO}", lab.fact("wan4")));
    assert_eq!(echo.hear(), "ready");
    echo
}

/// What guests have experienced.
#[derive(Default)]
pub struct Logins {
    pub answered: Vec<Duration>,
    pub through: Vec<Duration>,
    /// Processes and threads started meanwhile.
    pub started: u64,
}

/// Signs in guests from number `first` on, so many at once; a line of `vouchers` for each.
pub fn sign_in(lab: &Lab, first: usize, together: usize, vouchers: &str) -> Logins {
    let (portal, wan4) = (portal(lab), lab.fact("wan4"));
    let mut guests =
        lab.node("guest1").role(&format!("guests {portal} {wan4}:{ECHO} {first} {together}"));
    guests.tell(vouchers);
    guests.finish();
    let mut logins = Logins::default();
    for row in guests.rows() {
        match row[..] {
            [answered, through] => {
                logins.answered.push(Duration::from_micros(answered));
                logins.through.push(Duration::from_micros(through));
            }
            [started] => logins.started = started,
            _ => panic!("{row:?}"),
        }
    }
    assert_eq!(logins.answered.len(), vouchers.lines().count(), "not everybody was signed in");
    logins
}

/// A place for data on the disk, and one that costs nothing to flush; `None` where there is none.
pub fn on_disk(disk: &Disk, name: &str) -> PathBuf {
    disk.path().join(name)
}

pub fn in_memory(name: &str) -> Option<PathBuf> {
    let shared = Path::new("/dev/shm");
    let name = format!("hotspotd-bench-{}-{name}", std::process::id());
    shared.is_dir().then(|| shared.join(name))
}

/// Processor time that a process and its threads have used so far.
pub fn processor_time(pid: u32) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let nanoseconds = tasks.map(|task| {
        let text = fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap();
        text.split(' ').next().unwrap().parse::<u64>().unwrap()
    });
    Duration::from_nanos(nanoseconds.sum())
}
