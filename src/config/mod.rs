//! The configuration: UCI text in, typed and validated values out.
//!
//! `uci` knows the file format, `sections` what each section may say, `reader` and `value` how one
//! option becomes one value. All problems of a file are found in one go, each with its line;
//! a `Config` exists only where there was none. What is legal but hardly meant is in `warnings`.

mod error;
mod reader;
mod scan;
mod sections;
pub mod uci;
mod value;
mod warnings;

use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use log::LevelFilter;

use crate::domain::nas::ViewPoint;
use crate::domain::plan::Preset;
use crate::domain::secret::Secret;

pub use error::{ConfigError, Problem};
pub use warnings::unprotected;

/// The largest file that is read, in bytes: room for a thousand NASes, and little enough that a
/// wrong `-c` cannot eat the memory of a router.
pub const MAX_FILE_SIZE: u64 = 256 * 1024;

/// Everything the configuration file says, defaults filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// `config hotspotd`.
    pub main: Main,
    /// `config api`.
    pub api: Api,
    /// `config voucher`.
    pub voucher: Preset,
    /// Every `config guest`, each on a device of its own.
    pub guests: Vec<Guest>,
    /// `config radius`.
    pub radius: Radius,
    /// Every `config client`, each with a network of its own; networks may contain one another.
    pub clients: Vec<Client>,
}

/// `config hotspotd`: the daemon itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Main {
    /// Whether OpenWrt's init script starts the daemon; one that is started by hand runs.
    pub enabled: bool,
    /// Whether the init script has it run with few of root's rights; nothing to us.
    pub jail: bool,
    /// Where vouchers are kept; absolute.
    pub data_dir: PathBuf,
    /// The Unix socket for the command line; absolute, at most 107 bytes.
    pub control_socket: PathBuf,
    /// `error` to `trace`.
    pub log_level: LevelFilter,
    /// Days for which logins are kept, 0 to 3650; 0 keeps them by count only.
    pub login_log_days: u16,
    /// Whether the rules may use the kernel's egress hook; off, they stand in the routing path as
    /// on kernels that have none.
    pub egress_hook: bool,
}

impl Default for Main {
    fn default() -> Self {
        Self {
            enabled: true,
            jail: false,
            data_dir: PathBuf::from("/etc/hotspotd"),
            control_socket: PathBuf::from("/var/run/hotspotd.sock"),
            log_level: LevelFilter::Info,
            login_log_days: 90,
            egress_hook: true,
        }
    }
}

/// `config api`: the local `/api/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Api {
    /// Off, it listens and answers "API is not enabled".
    pub enabled: bool,
    /// Whether GET requests are answered.
    pub allow_get: bool,
    /// Whether POST requests are answered.
    pub allow_post: bool,
    /// At least one and at most 16; `127.0.0.1:8080` where the file names none.
    pub listen: Vec<SocketAddr>,
    /// Who may ask: the networks of the file, host bits cleared, and then always loopback
    /// (`127.0.0.0/8`, `::1/128`). Without `list allow_from` loopback alone.
    pub allow_from: Vec<IpNet>,
    /// 1 to 256 characters; `None` has the daemon make one and keep it.
    pub key: Option<Secret>,
    /// Whether status codes mean something; the vendor always answers 200.
    pub http_status: bool,
}

impl Api {
    /// What is let in, in words for the log and `hotspotd check`.
    pub fn state(&self) -> &'static str {
        match (self.enabled, self.allow_get, self.allow_post) {
            (false, ..) => "switched off",
            (true, true, true) => "on, GET and POST",
            (true, true, false) => "on, GET only",
            (true, false, true) => "on, POST only",
            (true, false, false) => "on, but neither GET nor POST is allowed",
        }
    }

    /// Whether a request from this address may be answered. An IPv4 client of an IPv6 listener
    /// (`::ffff:192.0.2.1`) counts as IPv4.
    pub fn allows(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        peer.is_loopback() || self.allow_from.iter().any(|net| net.contains(&peer))
    }
}

impl Default for Api {
    fn default() -> Self {
        Self {
            enabled: false,
            allow_get: false,
            allow_post: false,
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))],
            allow_from: LOOPBACK.to_vec(),
            key: None,
            http_status: false,
        }
    }
}

/// The networks that may always use the API.
const LOOPBACK: [IpNet; 2] = [
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8)),
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128)),
];

/// `config guest`: one guest network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// The section's name, or the device's where the section has none.
    pub name: String,
    /// The network device: 1 to 15 ASCII letters, digits and `.` `_` `-` `@` `+`.
    pub device: String,
    /// Off: portal and tracking only, no nftables.
    pub enforce: bool,
    /// 1 to 65535.
    pub portal_port: u16,
    /// A host name of the portal (RFC 1123), in lower case, that the guests' DNS answers with this
    /// router's address; `None` has them use the address itself, which needs no DNS.
    pub portal_name: Option<String>,
    /// The operator's own logo, colours, texts and terms; absolute. It need not exist.
    pub pages: PathBuf,
    /// A page about the place, for phones that show one (RFC 8908 section 5, `venue-info-url`).
    pub venue_url: Option<String>,
    /// The DHCP server's leases file; absolute.
    pub leases: PathBuf,
    /// Networks that everyone may reach, host bits cleared; at most 256.
    pub garden: Vec<IpNet>,
}

/// `config radius`: the RADIUS server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Radius {
    /// Whether it runs.
    pub enabled: bool,
    /// At least one and at most 16; `127.0.0.1` where the file names none.
    pub listen: Vec<IpAddr>,
    /// UDP port for authentication, 1 to 65535.
    pub auth_port: u16,
    /// UDP port for accounting, 1 to 65535; never `auth_port`.
    pub acct_port: u16,
    /// Seconds between the interim updates a NAS is asked for, 60 to 86400: CoovaChilli ignores
    /// fewer than 60.
    pub interim_interval: u32,
}

impl Default for Radius {
    fn default() -> Self {
        Self {
            enabled: false,
            listen: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
            auth_port: 1812,
            acct_port: 1813,
            interim_interval: 300,
        }
    }
}

/// `config client`: a NAS that may ask over RADIUS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The section's name, or the network where the section has none.
    pub name: String,
    /// Where its packets come from, host bits cleared.
    pub address: IpNet,
    /// The shared secret, 1 to 256 characters.
    pub secret: Secret,
    /// Whose attributes it understands.
    pub vendor: Vendor,
    /// Which requests without Message-Authenticator are dropped (RFC 3579 section 3.2).
    pub require_message_authenticator: MessageAuthenticator,
    /// Whether it reports sessions (RFC 2866); without, it only checks passwords.
    pub accounting: bool,
    /// UDP port for Disconnect and CoA requests (RFC 5176), 1 to 65535.
    pub coa_port: u16,
    /// From whose side it counts octets as long as it does not say so itself; `None` leaves that to
    /// the vendor.
    pub acct_view_point: Option<ViewPoint>,
}

impl Client {
    /// From whose side it counts octets as long as it does not say so itself; `reports` is whether
    /// it has sent an Accounting-Request. CoovaChilli says so in each of them, and its default is
    /// the guest's side, without its option `swapoctets`. Whoever has reported and not said so is
    /// none: RFC 2866 section 5.3 has the access point's side.
    pub fn assumed_view_point(&self, reports: bool) -> ViewPoint {
        self.acct_view_point.unwrap_or(match self.vendor {
            Vendor::Coovachilli if !reports => ViewPoint::Client,
            Vendor::Coovachilli | Vendor::Mikrotik | Vendor::Wispr | Vendor::None => ViewPoint::Nas,
        })
    }
}

/// Which vendor attributes a NAS is sent (`option vendor`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Vendor {
    /// `coovachilli`: ChilliSpot, enterprise 14559.
    #[default]
    Coovachilli,
    /// `mikrotik`: enterprise 14988.
    Mikrotik,
    /// `wispr`: enterprise 14122.
    Wispr,
    /// `none`: standard attributes only.
    None,
}

impl Vendor {
    /// All of them, by the words of the configuration.
    pub const WORDS: [(&str, Self); 4] = [
        ("coovachilli", Self::Coovachilli),
        ("mikrotik", Self::Mikrotik),
        ("wispr", Self::Wispr),
        ("none", Self::None),
    ];

    /// Its word in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::Coovachilli => "coovachilli",
            Self::Mikrotik => "mikrotik",
            Self::Wispr => "wispr",
            Self::None => "none",
        }
    }
}

/// Whether a request has to carry Message-Authenticator (`option require_message_authenticator`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessageAuthenticator {
    /// `1`: always.
    #[default]
    Required,
    /// `0`: where it carries Proxy-State, which the attack CVE-2024-3596 needs.
    BesideProxyState,
    /// `unprotected`: never; for programs that add Proxy-State by themselves.
    Optional,
}

impl Config {
    /// Reads and checks a file of at most [`MAX_FILE_SIZE`] bytes.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |source| ConfigError::Unreadable { path: path.to_path_buf(), source };
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(unreadable)?;
        file.take(MAX_FILE_SIZE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > MAX_FILE_SIZE {
            return Err(ConfigError::TooLarge { path: path.to_path_buf() });
        }
        let invalid = |problems| ConfigError::Invalid { path: path.to_path_buf(), problems };
        let text = String::from_utf8(bytes).map_err(|error| invalid(vec![not_utf8(&error)]))?;
        Self::parse(&text).map_err(invalid)
    }

    /// Where a file that is wrong in other places has the control socket: whoever has broken the
    /// configuration of a daemon that runs still has to reach it.
    pub fn control_socket(path: &Path) -> Option<PathBuf> {
        let mut text = String::new();
        File::open(path).ok()?.take(MAX_FILE_SIZE).read_to_string(&mut text).ok()?;
        let sections = uci::parse(&text).ok()?;
        let main = sections.iter().filter(|section| section.kind == "hotspotd");
        let mut options = main.flat_map(|section| &section.options);
        match options.find(|option| option.name == "control_socket").map(|option| &option.value) {
            Some(uci::Value::Text(socket)) if !socket.is_empty() => Some(socket.into()),
            _ => Some(Main::default().control_socket),
        }
    }

    /// Reads and checks the text of a file. The problems come in the order of their lines, all of
    /// them at once; only a syntax error ends the search.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let sections = uci::parse(text)
            .map_err(|error| vec![Problem { line: error.line, message: error.message }])?;
        sections::read(&sections)
    }

    /// What is legal but probably not meant: sentences that say what to do.
    pub fn warnings(&self) -> Vec<String> {
        warnings::of(self)
    }
}

fn not_utf8(error: &std::string::FromUtf8Error) -> Problem {
    let valid = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
    Problem {
        line: uci::line_after(valid),
        message: "this line is not UTF-8 text; save the file as UTF-8 or plain ASCII".into(),
    }
}

#[cfg(test)]
mod tests;
