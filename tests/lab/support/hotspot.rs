//! The daemon on the laboratory's router, and its guests' dealings with it.

use std::fs::{self, OpenOptions};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Output};

use serde_json::Value;

use super::{Answer, HANG, Lab, Node, until};

const KEY: &str = "0123456789abcdef0123456789abcdef";
const API: &str = "http://127.0.0.1:8080/api/";

/// A laboratory whose router runs hotspotd.
pub struct Hotspot {
    pub lab: Lab,
    pub router: Node,
    egress_hook: bool,
    /// Words before the daemon's command.
    confinement: Vec<String>,
    daemon: Option<Child>,
}

/// What is printed for a guest.
#[derive(Clone, Debug)]
pub struct Voucher {
    pub username: String,
    pub passcode: String,
}

/// Octets of a guest, as the API tells them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub download: u64,
    pub upload: u64,
}

/// The portal of a guest network: address and port.
pub struct Portal(pub String);

impl Usage {
    /// Whether this is as much as `earlier` or more: a session that began anew begins at nothing.
    pub fn continues(self, earlier: Self) -> bool {
        self.download >= earlier.download && self.upload >= earlier.upload
    }

    /// What has come since `earlier`.
    pub fn since(self, earlier: Self) -> Self {
        Self { download: self.download - earlier.download, upload: self.upload - earlier.upload }
    }
}

/// The words that a command of the program begins with.
fn program(config: &Path) -> [&str; 3] {
    [env!("CARGO_BIN_EXE_hotspotd"), "-c", config.to_str().unwrap()]
}

impl Hotspot {
    /// As shipped, on `br-guest`.
    pub fn open() -> Option<Self> {
        Self::with("", "")
    }

    /// With these options for vouchers, and these for the guest network; further sections may
    /// follow.
    pub fn with(voucher: &str, guest: &str) -> Option<Self> {
        Some(Self::on(Lab::up()?, voucher, guest))
    }

    /// In this laboratory.
    pub fn on(lab: Lab, voucher: &str, guest: &str) -> Self {
        let router = lab.node("router");
        let mut hotspot =
            Self { lab, router, egress_hook: true, confinement: Vec::new(), daemon: None };
        hotspot.write_config(voucher, guest);
        hotspot.start();
        hotspot
    }

    /// Started by these words, and with these sections besides.
    pub fn confined(words: &[String], sections: &str) -> Option<Self> {
        let lab = Lab::up()?;
        let router = lab.node("router");
        let confinement = words.to_vec();
        let mut hotspot = Self { lab, router, egress_hook: true, confinement, daemon: None };
        hotspot.write_config("", sections);
        hotspot.start();
        Some(hotspot)
    }

    /// With the rules in the routing path, as on kernels without an egress hook.
    pub fn in_routing_path(voucher: &str) -> Option<Self> {
        let lab = Lab::up()?;
        let router = lab.node("router");
        let mut hotspot =
            Self { lab, router, egress_hook: false, confinement: Vec::new(), daemon: None };
        hotspot.write_config(voucher, "");
        hotspot.start();
        Some(hotspot)
    }

    /// From the next start on.
    pub fn move_to_routing_path(&mut self) {
        self.egress_hook = false;
        self.write_config("", "");
    }

    fn write_config(&self, voucher: &str, guest: &str) {
        let directory = self.lab.directory().display();
        let egress = u8::from(self.egress_hook);
        let text = format!(
            "config hotspotd 'main'\noption data_dir '{directory}/data'\n\
             option egress_hook '{egress}'\n\
             option control_socket '{directory}/control.sock'\noption log_level 'debug'\n\
             config api 'api'\noption enabled '1'\noption allow_get '1'\noption allow_post '1'\n\
             list listen '127.0.0.1:8080'\noption key '{KEY}'\n\
             config voucher 'voucher'\n{voucher}\n\
             config guest 'guest'\noption device 'br-guest'\noption portal_port '8880'\n\
             option leases '{directory}/leases'\n{guest}\n"
        );
        fs::write(self.config(), text).unwrap();
    }

    fn config(&self) -> PathBuf {
        self.lab.directory().join("hotspotd.conf")
    }

    /// The file of the store, for when the daemon does not run.
    pub fn database(&self) -> PathBuf {
        self.lab.directory().join("data/hotspotd.db")
    }

    /// Entries in the router's table of connections that begin at this address.
    pub fn connections(&self, source: &str) -> usize {
        let listed = self.router.ok(&["cat", "/proc/net/nf_conntrack"]);
        let from = format!("src={source} ");
        let begins =
            |line: &&str| line.find(&from).is_some_and(|at| line[..at].find("src=").is_none());
        listed.lines().filter(begins).count()
    }

    /// Has the running daemon take up another configuration.
    pub fn reconfigure(&self, voucher: &str, guest: &str) {
        let lines = self.log().lines().count();
        self.write_config(voucher, guest);
        self.signal("HUP");
        let taken =
            || self.log().lines().skip(lines).any(|line| line.contains("configuration read again"));
        assert!(until(taken), "the configuration is not taken:\n{}", self.log());
    }

    /// Starts the daemon and waits until it is ready.
    pub fn start(&mut self) {
        assert!(self.daemon.is_none(), "it is running already");
        let ready = |log: &str| log.matches("is ready").count();
        let before = ready(&self.log());
        let log = self.lab.directory().join("hotspotd.log");
        let log = OpenOptions::new().create(true).append(true).open(log).unwrap();
        // The number that it has inside is what signals inside need.
        let noted = "echo $$ >\"$0\"; exec \"$@\"";
        let mut command = self.router.command("sh");
        command.args(["-c", noted]).arg(self.lab.directory().join("hotspotd.pid"));
        command.args(&self.confinement);
        command.arg(env!("CARGO_BIN_EXE_hotspotd")).arg("-c").arg(self.config()).arg("run");
        self.daemon = Some(command.stderr(log).spawn().unwrap());
        let started = until(|| {
            let ended = self.daemon.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "it ended at once:\n{}", self.log());
            // The portals are open as well once the command line is answered.
            ready(&self.log()) > before && self.answers()
        });
        assert!(started, "it is not ready:\n{}", self.log());
    }

    /// Pulls the plug of the daemon; the kernel goes on.
    pub fn kill(&mut self) {
        self.end("KILL");
    }

    /// Stops the daemon as procd does.
    pub fn stop(&mut self) {
        self.end("TERM");
    }

    fn end(&mut self, signal: &str) {
        self.signal(signal);
        let mut daemon = self.daemon.take().unwrap();
        let ended = until(|| daemon.try_wait().unwrap().is_some());
        assert!(ended, "it does not end within {HANG:?}:\n{}", self.log());
    }

    /// A line of what the kernel says of the daemon (proc_pid_status(5)).
    pub fn status(&self, name: &str) -> String {
        let pid = self.lab.read("hotspotd.pid");
        self.router.ok(&["grep", &format!("^{name}:"), &format!("/proc/{}/status", pid.trim())])
    }

    fn signal(&self, signal: &str) {
        self.router.ok(&["sh", "-c", &self.kill_command(signal)]);
    }

    fn kill_command(&self, signal: &str) -> String {
        format!("kill -{signal} {}", self.lab.read("hotspotd.pid"))
    }

    pub fn log(&self) -> String {
        self.lab.read("hotspotd.log")
    }

    fn answers(&self) -> bool {
        self.cli_output(&["sessions"]).status.success()
    }

    /// The output of a command of the program that succeeds.
    pub fn cli(&self, arguments: &[&str]) -> String {
        let config = self.config();
        self.router.ok(&[&program(&config), arguments].concat())
    }

    /// What a command of the program prints and how it ends.
    pub fn cli_output(&self, arguments: &[&str]) -> Output {
        let config = self.config();
        self.router.output(&[&program(&config), arguments].concat())
    }

    /// A new voucher; the arguments are those of `voucher create`.
    pub fn voucher(&self, arguments: &[&str]) -> Voucher {
        let create = ["voucher", "create", "--format", "json"];
        let created: Value =
            serde_json::from_str(&self.cli(&[&create, arguments].concat())).unwrap();
        let text = |name: &str| created[0][name].as_str().unwrap().to_owned();
        Voucher { username: text("username"), passcode: text("passcode") }
    }

    /// A new voucher, where one can be made.
    pub fn try_voucher(&self) -> Option<Voucher> {
        let output = self.cli_output(&["voucher", "create", "--format", "json"]);
        let created: Value = serde_json::from_slice(&output.stdout).ok()?;
        let text = |name: &str| created[0][name].as_str().map(str::to_owned);
        Some(Voucher { username: text("username")?, passcode: text("passcode")? })
    }

    /// KB that a directory takes.
    pub fn size_of(&self, directory: &str) -> u32 {
        let size = self.router.ok(&["du", "-sk", directory]);
        size.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// What an action of the API answers.
    pub fn api(&self, action: &str) -> Value {
        self.router.curl(&[&format!("{API}?api-key={KEY}&action={action}")]).json()
    }

    /// Everybody who is signed in, as `get_active_guests` has them.
    pub fn all_active(&self) -> Vec<Value> {
        self.api("get_active_guests")["data"].as_array().unwrap().clone()
    }

    /// The guest among them; `None` for a stranger.
    pub fn active(&self, guest: &Node) -> Option<Value> {
        let mac = guest.mac();
        self.all_active().into_iter().find(|one| one["mac-address"] == mac.as_str())
    }

    /// The device among all that are there, as `get_guest_hosts` has them.
    pub fn host(&self, node: &Node) -> Value {
        let mac = node.mac();
        let answer = self.api("get_guest_hosts");
        let mut hosts = answer["data"].as_array().unwrap().iter();
        let host = hosts.find(|host| host["mac-address"] == mac.as_str());
        host.unwrap_or_else(|| panic!("{mac} is not in {answer}")).clone()
    }

    /// What the guest has used in this session.
    pub fn usage(&self, guest: &Node) -> Usage {
        let active = self.active(guest).unwrap_or_else(|| panic!("{} has no session", guest.name));
        let octets = |name: &str| active[name].as_str().unwrap().parse().unwrap();
        Usage { download: octets("bytes-out"), upload: octets("bytes-in") }
    }

    /// What the guest has used, once the end of earlier connections has been counted. Lists are
    /// a second old at most.
    pub fn settled_usage(&self, guest: &Node) -> Usage {
        let mut last = self.usage(guest);
        let settled = until(|| {
            std::thread::sleep(std::time::Duration::from_millis(1200));
            let before = std::mem::replace(&mut last, self.usage(guest));
            before == last
        });
        assert!(settled, "{} goes on: {last:?}", guest.name);
        last
    }

    /// The portal of `br-guest` at its IPv4 address.
    pub fn portal(&self) -> Portal {
        Portal(format!("{}:8880", self.lab.fact("guest4")))
    }

    /// The portal of `br-guest` at its IPv6 address.
    pub fn portal6(&self) -> Portal {
        Portal(format!("[{}]:8880", self.lab.fact("guest6")))
    }

    /// Signs in, and has the site.
    pub fn sign_in(&self, guest: &Node, voucher: &Voucher) {
        let answer = self.portal().sign_in(guest, voucher);
        assert!(guest.sees_site("-4"), "{} is not let in: {answer:?}\n{}", guest.name, self.log());
    }
}

impl Drop for Hotspot {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let rules = self.router.output(&["nft", "list", "ruleset"]);
            eprintln!("rules:\n{}", String::from_utf8_lossy(&rules.stdout));
            eprintln!("log of the daemon:\n{}", self.log());
        }
        if let Some(mut daemon) = self.daemon.take() {
            self.router.output(&["sh", "-c", &self.kill_command("KILL")]);
            super::ended(&mut daemon);
        }
    }
}

impl Portal {
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.0)
    }

    pub fn get(&self, guest: &Node, path: &str) -> Answer {
        guest.curl(&[&self.url(path)])
    }

    /// The page, where there is one.
    pub fn try_get(&self, guest: &Node, path: &str) -> Option<Answer> {
        guest.try_curl(&[&self.url(path)]).ok()
    }

    /// Sends a form.
    pub fn post(&self, guest: &Node, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_from(guest, None, path, fields)
    }

    /// Sends a form from one of the guest's addresses.
    pub fn post_from(
        &self,
        guest: &Node,
        address: Option<IpAddr>,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let mut words = vec!["-X".to_owned(), "POST".to_owned()];
        for (name, value) in fields {
            words.extend(["--data-urlencode".to_owned(), format!("{name}={value}")]);
        }
        if let Some(address) = address {
            words.extend(["--interface".to_owned(), address.to_string()]);
        }
        words.push(self.url(path));
        guest.curl(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Sends username and passcode.
    pub fn sign_in(&self, guest: &Node, voucher: &Voucher) -> Answer {
        let fields = [("username", &*voucher.username), ("passcode", &*voucher.passcode)];
        self.post(guest, "/login", &fields)
    }

    /// Whether the guest is told to be online.
    pub fn says_online(&self, guest: &Node) -> bool {
        self.get(guest, "/").body.contains("action=\"/logout\"")
    }
}
