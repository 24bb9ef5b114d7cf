//! The owner's Unix socket: how the command line talks to the running daemon.
//!
//! One connection carries one request: a line of JSON ([`Ask`]), then lines of JSON ([`Tell`]) up
//! to [`Tell::Done`] or [`Tell::Failed`]. A backup travels as raw bytes behind the line that says
//! how many. Not HTTP: the command line stays free of an HTTP client, and rows print as they come.
//!
//! Whoever may open the socket is the owner of the router: its mode is 0600.

mod clients;
mod policy;
mod server;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::listing::policy::{GroupRow, RuleRow, UserRow};
use crate::listing::{ClientRow, CreatedRow, HostRow, LoginRow, SessionRow, VoucherRow};

pub use policy::{ListName, PolicyAsk, Who};
pub use server::{Control, bind};

/// Bytes of a request line.
pub const LINE_BYTES: u64 = 64 * 1024;
/// Bytes of a backup: more vouchers than a router can use.
pub const BACKUP_BYTES: u64 = 256 * 1024 * 1024;

/// What the command line asks.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// Issue vouchers; answered by [`Tell::Created`] rows up to [`Tell::AllCreated`]. They are good once
    /// [`Ask::Keep`] is answered by [`Tell::Done`], and none of them where it does not come.
    CreateVouchers {
        /// How many.
        count: u32,
        /// As in the API's `create_voucher`.
        fields: BTreeMap<String, String>,
    },
    /// Whoever has asked for vouchers has them all.
    Keep,
    /// Set what a voucher has used; answered by [`Tell::Text`].
    CorrectVoucher {
        /// Whose.
        username: String,
        /// MB; `None` is what is counted.
        download: Option<u32>,
        /// MB; `None` is what is counted.
        upload: Option<u32>,
    },
    /// Remove a voucher.
    RemoveVoucher(String),
    /// Every voucher, as [`Tell::Voucher`] rows.
    Vouchers,
    /// The login log, as [`Tell::Login`] rows.
    Logins,
    /// Every device on the guest networks, as [`Tell::Guest`] rows.
    Guests,
    /// Every open session, as [`Tell::Session`] rows.
    Sessions,
    /// End the sessions of a MAC address or a username; answered by [`Tell::Text`].
    CloseSessions(String),
    /// Users and groups.
    Policy(PolicyAsk),
    /// Give a user a password; answered by [`Tell::Text`].
    SetPassword {
        /// Who.
        username: String,
        /// What.
        password: String,
    },
    /// Every RADIUS client, and who else asks, as [`Tell::Client`] rows.
    Clients,
    /// The API key, as [`Tell::Text`].
    ShowKey,
    /// Make a new API key; answered by [`Tell::Text`].
    RotateKey,
    /// A consistent copy of the store: [`Tell::Bytes`], then as many.
    Backup,
    /// Replace the store by the given number of bytes that follow this line.
    Restore(u64),
    /// How the daemon is doing, as [`Tell::Health`].
    Health,
    /// NTP has put the wall clock right.
    ClockSynchronised,
    /// The DHCP server has written its leases.
    LeasesChanged,
}

/// What the daemon tells.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tell {
    /// A new voucher.
    Created(CreatedRow),
    /// Those were all; waits for [`Ask::Keep`].
    AllCreated,
    /// A voucher.
    Voucher(VoucherRow),
    /// A row of the login log.
    Login(LoginRow),
    /// A device on a guest network.
    Guest(HostRow),
    /// An open session.
    Session(SessionRow),
    /// A user.
    User(UserRow),
    /// A group.
    Group(GroupRow),
    /// What is written down of one of them.
    Rule(RuleRow),
    /// A RADIUS client.
    Client(ClientRow),
    /// One sentence or value.
    Text(String),
    /// A sentence beside the result, for standard error.
    Hint(String),
    /// So many raw bytes follow.
    Bytes(u64),
    /// How the daemon is doing.
    Health(Health),
    /// All done.
    Done,
    /// Not done, and why; what was told before stands.
    Failed(String),
}

/// How the daemon is doing, in words for `hotspotd check`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Health {
    /// The program's version.
    pub version: String,
    /// What the API lets in.
    pub api: String,
    /// Where the API listens.
    pub listening: Vec<String>,
    /// Where it should and cannot, with the reason.
    pub not_listening: Vec<String>,
    /// Where RADIUS listens; nowhere where it is off.
    pub radius_listening: Vec<String>,
    /// Where it should and cannot, with the reason.
    pub radius_not_listening: Vec<String>,
    /// Clients with which something went wrong within the hour.
    pub clients_in_trouble: usize,
    /// Addresses without a client section that asked within the hour.
    pub strangers: usize,
    /// How the store commits.
    pub journal: String,
    /// Vouchers in the store, where it answers.
    pub vouchers: Option<i64>,
    /// Whether the wall clock can be believed.
    pub clock_is_set: bool,
    /// The hotspot's local time.
    pub local_time: String,
    /// Where the zone of that was found, or why it is not the router's.
    pub zone: String,
    /// Whether it was found.
    pub zone_is_known: bool,
    /// What happened to a damaged store.
    pub recovery: Option<String>,
    /// Why writing fails, if it does.
    pub trouble: Option<String>,
    /// How the rules for the guest networks are installed.
    pub gate: GateHealth,
    /// Open sessions.
    pub sessions: usize,
    /// The portals by the names of their networks.
    pub portals: BTreeMap<String, PortalHealth>,
}

/// How the kernel's rules are installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateHealth {
    /// At the guest devices themselves.
    Device,
    /// In the routing path.
    Routing,
    /// Not at all: no network is enforced, or no device is there.
    Nothing,
    /// They cannot be installed, and why.
    Trouble(String),
}

/// What a portal is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PortalHealth {
    /// Its device is not there.
    Waiting,
    /// It listens, and where.
    Listening(String),
    /// It should listen and cannot: where, and why.
    Trouble(String),
}
