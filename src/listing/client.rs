//! RADIUS clients. The vendor has no such list: lengths of time are seconds here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A RADIUS client, or somebody who asks without being one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it, and radius::Standing at length")]
pub struct ClientRow {
    /// `None` where there is no section for the address.
    pub name: Option<String>,
    pub address: String,
    pub vendor: Option<String>,
    /// From whose side octets are counted, and how that is known.
    pub view_point: Option<String>,
    /// Seconds since its last packet; `None` is never.
    pub heard: Option<u64>,
    pub requests: u64,
    pub accepted: u64,
    pub rejected: u64,
    pub accounting: u64,
    pub status: u64,
    pub duplicates: u64,
    pub disconnected: u64,
    pub refused: u64,
    pub silent: u64,
    pub changed: u64,
    pub unchanged: u64,
    /// By the reason.
    pub dropped: BTreeMap<String, u64>,
    /// What was wrong last, from where, how many seconds ago, and what to do about it.
    pub trouble: Option<String>,
    pub trouble_from: Option<String>,
    pub trouble_ago: Option<u64>,
    pub advice: Option<String>,
    /// What its section says that an operator should keep in mind.
    pub notes: Vec<String>,
}

impl ClientRow {
    /// Packets that got no answer, for whatever reason.
    pub fn dropped_in_all(&self) -> u64 {
        self.dropped.values().sum()
    }
}
