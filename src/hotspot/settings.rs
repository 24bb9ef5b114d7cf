//! The part of the configuration that the core decides by.

use std::path::PathBuf;
use std::sync::Arc;

use ipnet::IpNet;

use crate::domain::plan::Preset;
use crate::domain::zone::Zone;

/// The part of the configuration that decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What vouchers get.
    pub preset: Preset,
    /// Days the login log is kept; 0 keeps rows by their number only.
    pub login_log_days: u16,
    /// The guest networks.
    pub networks: Vec<GuestNetwork>,
    /// Days begin in it.
    pub zone: Zone,
    /// Seconds between two reports that access points are asked for.
    pub interim_interval: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            preset: Preset::default(),
            login_log_days: 0,
            networks: Vec::new(),
            zone: Zone::default(),
            interim_interval: 300,
        }
    }
}

/// A guest network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestNetwork {
    /// The name of its section.
    pub name: Arc<str>,
    /// The network device.
    pub device: String,
    /// Off: portal and tracking only.
    pub enforce: bool,
    /// Where strangers' web requests go.
    pub portal_port: u16,
    /// The name of the portal, where it has one.
    pub portal_name: Option<String>,
    /// Networks that everyone may reach.
    pub garden: Vec<IpNet>,
    /// The DHCP server's leases file.
    pub leases: PathBuf,
}
