//! Rows as the API and the command line show them: names, order and types of the vendor's
//! samples (WAVER OS, API Access); the lists that the page does not show follow its manner.
//!
//! Rows with a passcode have no `Debug`: nothing prints them by accident.

mod client;
pub mod policy;
pub mod units;

use std::net::IpAddr;
use std::time::Duration;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::domain::guest::{ActiveGuest, Host, SessionView};
use crate::domain::list::Entry;
use crate::domain::login::LoginRecord;
use crate::domain::visitor::{Visitor, VisitorKind};
use crate::domain::voucher::Voucher;
use crate::domain::zone::Zone;

pub use client::ClientRow;

/// A voucher in the answer to `create_voucher`: limits are texts here, and it is a `passcode`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the vendor's")]
pub struct CreatedRow {
    pub id: i64,
    pub username: String,
    pub passcode: String,
    pub fullname: String,
    pub valid_for: String,
    pub valid_from: String,
    pub download_limit: String,
    pub upload_limit: String,
}

impl CreatedRow {
    /// The row for a new voucher, times in `zone`.
    pub fn new(entry: &Entry<Voucher>, zone: &Zone) -> Self {
        let voucher = &entry.value;
        Self {
            id: entry.id,
            username: voucher.username.as_str().to_owned(),
            passcode: voucher.passcode.secret().reveal().to_owned(),
            fullname: voucher.fullname.as_str().to_owned(),
            valid_for: voucher.valid_for.to_string(),
            valid_from: zone.show(voucher.valid_from.unwrap_or(voucher.created_at)),
            download_limit: voucher.download_limit.megabytes().to_string(),
            upload_limit: voucher.upload_limit.megabytes().to_string(),
        }
    }
}

/// A voucher in `get_voucher_users`: limits are numbers here, and it is a `password`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the vendor's")]
pub struct VoucherRow {
    pub id: i64,
    pub username: String,
    pub password: String,
    pub fullname: String,
    pub created_at: String,
    pub last_modified: String,
    pub first_login: Option<String>,
    pub last_login: Option<String>,
    pub valid_for: String,
    pub valid_from: String,
    #[serde(rename = "MAC")]
    pub mac: Option<String>,
    pub download_limit: u32,
    pub upload_limit: u32,
}

impl VoucherRow {
    /// The row for a stored voucher, times in `zone`.
    pub fn new(entry: &Entry<Voucher>, zone: &Zone) -> Self {
        let voucher = &entry.value;
        Self {
            id: entry.id,
            username: voucher.username.as_str().to_owned(),
            password: voucher.passcode.secret().reveal().to_owned(),
            fullname: voucher.fullname.as_str().to_owned(),
            created_at: zone.show(voucher.created_at),
            last_modified: zone.show(voucher.modified_at),
            first_login: voucher.first_login.map(|at| zone.show(at)),
            last_login: voucher.last_login.map(|at| zone.show(at)),
            valid_for: voucher.valid_for.to_string(),
            valid_from: zone.show(voucher.valid_from.unwrap_or(voucher.created_at)),
            mac: voucher.mac.map(|mac| mac.to_string()),
            download_limit: voucher.download_limit.megabytes(),
            upload_limit: voucher.upload_limit.megabytes(),
        }
    }
}

/// A visitor in `get_email_users`, `get_fb_users`, `get_mobile_users` or `get_free_users`.
pub struct VisitorRow<'a> {
    /// Which list.
    pub kind: VisitorKind,
    /// The visitor.
    pub entry: &'a Entry<Visitor>,
    /// Times are shown in it.
    pub zone: &'a Zone,
}

impl Serialize for VisitorRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use VisitorKind::{Email, Facebook, Free, Mobile};
        let Entry { id, value: visitor } = self.entry;
        let [comments, comments1, comments2] = &visitor.comments;
        let mut row = serializer.serialize_map(None)?;
        row.serialize_entry("id", id)?;
        match self.kind {
            Email => row.serialize_entry("email", &visitor.identity)?,
            Mobile => row.serialize_entry("mobile", &visitor.identity)?,
            Facebook => {
                row.serialize_entry("fb_id", &visitor.identity)?;
                row.serialize_entry("name", &visitor.name)?;
                row.serialize_entry("email", &visitor.email)?;
                row.serialize_entry("picture", &visitor.picture)?;
            }
            Free => {}
        }
        row.serialize_entry("created_at", &self.zone.show(visitor.created_at))?;
        row.serialize_entry("last_login", &visitor.last_login.map(|at| self.zone.show(at)))?;
        row.serialize_entry("MAC", &visitor.mac.map(|mac| mac.to_string()))?;
        row.serialize_entry("visits", &visitor.visits)?;
        if self.kind != Facebook {
            row.serialize_entry("comments", comments)?;
            row.serialize_entry("comments1", comments1)?;
            row.serialize_entry("comments2", comments2)?;
        }
        row.serialize_entry("last_modified", &self.zone.show(visitor.modified_at))?;
        if self.kind != Free {
            row.serialize_entry("marketing", &u8::from(visitor.marketing))?;
        }
        if matches!(self.kind, Email | Mobile) {
            row.serialize_entry("verified", &u8::from(visitor.verified))?;
        }
        row.end()
    }
}

/// A row of `get_logins`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the API's")]
pub struct LoginRow {
    pub id: i64,
    #[serde(rename = "type")]
    pub method: String,
    pub login: String,
    #[serde(rename = "MAC")]
    pub mac: Option<String>,
    pub address: Option<String>,
    pub created_at: String,
    pub success: u8,
    pub reason: Option<String>,
    /// Ours, where the row stands for several.
    #[serde(skip_serializing_if = "is_one", default = "one")]
    pub times: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_one(times: &u32) -> bool {
    *times == 1
}

fn one() -> u32 {
    1
}

impl LoginRow {
    /// The row for a log entry, times in `zone`.
    pub fn new(entry: &Entry<LoginRecord>, zone: &Zone) -> Self {
        let record = &entry.value;
        Self {
            id: entry.id,
            method: record.method.word().to_owned(),
            login: record.login.clone(),
            mac: record.mac.map(|mac| mac.to_string()),
            address: record.address.map(|address| address.to_string()),
            created_at: zone.show(record.at),
            success: record.refusal.is_none().into(),
            reason: record.refusal.clone(),
            times: record.times,
        }
    }
}

/// A row of `get_guest_hosts`: all texts, as RouterOS prints `/ip/hotspot/host`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are the vendor's")]
pub struct HostRow {
    pub mac_address: String,
    pub address: String,
    pub host_name: String,
    pub server: String,
    pub uptime: String,
    pub idle_time: String,
    pub bytes_out: String,
    pub bytes_in: String,
    pub authorized: String,
    pub bypassed: String,
}

impl From<&Host> for HostRow {
    fn from(host: &Host) -> Self {
        Self {
            mac_address: host.mac.to_string(),
            address: text(host.address),
            host_name: host.host_name.clone().unwrap_or_default(),
            server: host.server.clone(),
            uptime: duration(host.uptime),
            idle_time: duration(host.idle),
            bytes_out: host.download.to_string(),
            bytes_in: host.upload.to_string(),
            authorized: host.authorized.to_string(),
            bypassed: host.bypassed.to_string(),
        }
    }
}

/// A row of `get_active_guests`: all texts, as RouterOS prints `/ip/hotspot/active`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are the vendor's")]
pub struct ActiveRow {
    pub logins: String,
    pub address: String,
    pub mac_address: String,
    pub uptime: String,
    pub idle_time: String,
    pub bytes_out: String,
    pub bytes_in: String,
}

impl From<&ActiveGuest> for ActiveRow {
    fn from(guest: &ActiveGuest) -> Self {
        Self {
            logins: guest.login.clone(),
            address: text(guest.address),
            mac_address: guest.mac.map(|mac| mac.to_string()).unwrap_or_default(),
            uptime: duration(guest.uptime),
            idle_time: duration(guest.idle),
            bytes_out: guest.download.to_string(),
            bytes_in: guest.upload.to_string(),
        }
    }
}

/// An open session. The vendor has no such list: lengths of time are seconds here, and data is
/// octets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the API's")]
pub struct SessionRow {
    pub id: i64,
    pub login: String,
    #[serde(rename = "MAC")]
    pub mac: Option<String>,
    /// What an access point says of the device, where that is no MAC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calling_station: Option<String>,
    pub host_name: Option<String>,
    pub network: String,
    pub address: Option<String>,
    pub started_at: String,
    pub uptime: u64,
    pub idle_time: u64,
    pub download: u64,
    pub upload: u64,
    /// `None` is without end, here and below.
    pub time_left: Option<u64>,
    pub download_left: Option<u64>,
    pub upload_left: Option<u64>,
    /// What an access point was told about it and does not do.
    pub trouble: Option<String>,
}

impl SessionRow {
    /// The row for a session, times in `zone`.
    pub fn new(session: &SessionView, zone: &Zone) -> Self {
        Self {
            id: session.id,
            login: session.login.clone(),
            mac: session.mac.map(|mac| mac.to_string()),
            calling_station: session.calling_station.clone().filter(|_| session.mac.is_none()),
            host_name: session.host_name.clone(),
            network: session.network.clone(),
            address: session.address.map(|address| address.to_string()),
            started_at: zone.show(session.started_at),
            uptime: session.uptime.as_secs(),
            idle_time: session.idle.as_secs(),
            download: session.usage.download,
            upload: session.usage.upload,
            time_left: session.left.time.map(|left| left.as_secs()),
            download_left: session.left.download,
            upload_left: session.left.upload,
            trouble: session.trouble.clone(),
        }
    }
}

fn text(address: Option<IpAddr>) -> String {
    address.map(|address| address.to_string()).unwrap_or_default()
}

/// A length of time as the samples write it: `9h12m45s`, `12h05m30s`; parts that lead with
/// nothing are left out.
pub fn duration(length: Duration) -> String {
    let seconds = length.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds:02}s"),
        _ => format!("{hours}h{minutes:02}m{seconds:02}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_in_the_vendors_samples() {
        let written = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!(written(9 * 3600 + 12 * 60 + 45), "9h12m45s");
        assert_eq!(written(12 * 3600 + 5 * 60 + 30), "12h05m30s");
        assert_eq!(written(125), "2m05s");
        assert_eq!(written(0), "0s");
        assert_eq!(written(100 * 3600), "100h00m00s");
    }

    #[test]
    fn an_active_guest_reads_as_in_the_vendors_sample() {
        let guest = ActiveGuest {
            login: "user1@example.com".to_owned(),
            address: Some([192, 168, 0, 200].into()),
            mac: "a1-b2-c3-d4-e5-f6".parse().ok(),
            uptime: Duration::from_secs(9 * 3600 + 12 * 60 + 45),
            idle: Duration::from_secs(2 * 3600 + 30 * 60 + 10),
            download: 1_056_738_924,
            upload: 87_456_321,
        };
        assert_eq!(
            serde_json::to_string(&ActiveRow::from(&guest)).unwrap(),
            r#"{"logins":"user1@example.com","address":"192.168.0.200","mac-address":"A1:B2:C3:D4:E5:F6","uptime":"9h12m45s","idle-time":"2h30m10s","bytes-out":"1056738924","bytes-in":"87456321"}"#
        );
    }
}
