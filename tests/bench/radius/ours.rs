//! The daemon as a RADIUS server.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;

use super::packet::{SECRET, User};
use super::{free_ports, load};
use crate::daemon::{Daemon, Disk};

/// A daemon that serves RADIUS answers within this.
const PATIENCE: Duration = Duration::from_secs(3);

/// A daemon with one access point, and one device for each voucher.
pub struct Ours {
    daemon: Daemon,
    pub auth: SocketAddr,
    pub acct: SocketAddr,
}

#[derive(Deserialize)]
struct Created {
    username: String,
    passcode: String,
}

impl Ours {
    /// This build of the program, running; `None` where it serves no RADIUS.
    pub fn start(disk: &Disk, name: &str, program: &Path) -> Option<Self> {
        let mut daemon = Daemon::prepared_for(disk, name, program.into());
        let configuration = disk.path().join(name).join("conf");
        let (auth, acct) = free_ports();
        let mut text = fs::read_to_string(&configuration).unwrap();
        text += &format!(
            "config voucher 'voucher'\noption on_device_limit 'refuse'\n\
             config radius 'radius'\noption enabled '1'\nlist listen '127.0.0.1'\n\
             option auth_port '{}'\noption acct_port '{}'\n\
             config client 'bench'\noption address '127.0.0.1'\noption secret '{SECRET}'\n\
             option vendor 'coovachilli'\n",
            auth.port(),
            acct.port()
        );
        fs::write(&configuration, text).unwrap();
        daemon.launch();
        load::wait_for(auth, PATIENCE).then_some(Self { daemon, auth, acct })
    }

    /// Makes so many vouchers; the devices of their users are counted from `first`.
    pub fn vouchers(&self, count: usize, first: usize) -> Vec<User> {
        let mut command = self.daemon.program();
        command.stdout(Stdio::piped()).args(["voucher", "create", "--count"]);
        let output = command.arg(count.to_string()).args(["--format", "json"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let created: Vec<Created> = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(created.len(), count);
        let numbered = created.iter().zip(first..);
        numbered.map(|(row, at)| User::new(&row.username, &row.passcode, at)).collect()
    }

    pub fn pid(&self) -> u32 {
        self.daemon.pid()
    }

    /// Stops it as procd does and starts it again.
    pub fn restart(&mut self) {
        self.daemon.stop();
        self.daemon.launch();
        assert!(load::wait_for(self.auth, PATIENCE), "no RADIUS any more");
    }
}
