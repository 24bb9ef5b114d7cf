//! The laboratory, and what happens in it.

#[allow(dead_code, reason = "shared with the flows, which use all of it")]
#[path = "../flows/support/answer.rs"]
mod answer;
mod browser;
mod flow;
mod hotspot;
mod node;
#[path = "../support/skip.rs"]
mod skip;

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

pub use answer::Answer;
pub use browser::Browser;
pub use flow::Flow;
pub use hotspot::{Hotspot, Portal, Usage, Voucher};
pub use node::{Node, SITE};
pub(crate) use skip::skipped;

/// Nothing here takes this long unless it hangs; a loaded machine is slow, not hanging.
pub const HANG: Duration = Duration::from_secs(60);

/// The directory of this file's neighbours that are no Rust.
pub fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab")
}

/// A router, three guests and an internet, for as long as this is held.
pub struct Lab {
    directory: PathBuf,
    /// Ends with its standard input, and everything inside with it: also when a test is killed.
    network: Child,
    facts: HashMap<String, String>,
}

impl Lab {
    /// `None`, and says why, where this machine cannot have one.
    pub fn up() -> Option<Self> {
        Self::with(&[])
    }

    /// One whose router hides the guests behind its own address.
    pub fn masquerading() -> Option<Self> {
        Self::with(&["masquerade"])
    }

    fn with(options: &[&str]) -> Option<Self> {
        let directory = scratch();
        let log = fs::File::create(directory.join("network.log")).unwrap();
        let network = Command::new(here().join("lab"))
            .arg("hold")
            .arg(&directory)
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut lab = Self { directory, network, facts: HashMap::new() };
        lab.listen().then_some(lab)
    }

    /// Reads the facts; false where there will be no laboratory.
    fn listen(&mut self) -> bool {
        let lines = BufReader::new(self.network.stdout.take().unwrap()).lines();
        for line in lines {
            let line = line.unwrap();
            if line == "ready" {
                return true;
            }
            if let Some(why) = skip::reason(&line) {
                skipped(why);
                return false;
            }
            if let Some((name, value)) = line.split_once('=') {
                self.facts.insert(name.to_owned(), value.to_owned());
            }
        }
        panic!("the laboratory does not come up:\n{}", self.read("network.log"));
    }

    /// What the network says about itself; see the end of `tests/lab/network`.
    pub fn fact(&self, name: &str) -> &str {
        &self.facts[name]
    }

    pub fn node(&self, name: &'static str) -> Node {
        Node::new(name, &self.directory)
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// A file of the laboratory, such as a log.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.directory.join(name)).unwrap_or_default()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        drop(self.network.stdin.take());
        let _ = self.network.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Waits for a process that was told to end; one that does not is killed. What is killed from
/// outside leaves an orphan inside, and the laboratory has to wait until somebody buries it.
fn ended(process: &mut Child) {
    if !until(|| !matches!(process.try_wait(), Ok(None))) {
        let _ = process.kill();
        let _ = process.wait();
    }
}

/// A directory that nobody has. Unix socket paths are limited to 107 bytes, so not below the target
/// directory.
fn scratch() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("hotspotd-lab-{}-{number}", std::process::id()));
    fs::create_dir(&path).unwrap();
    path
}

/// Tries until it is true or hangs.
#[must_use]
pub fn until(mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + HANG;
    while !condition() {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(20));
    }
    true
}
