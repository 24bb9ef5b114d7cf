//! Sessions: what was used, what is left, why they end.

use std::fmt;
use std::time::Duration;

/// Octets that have passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Towards the guest.
    pub download: u64,
    /// From the guest.
    pub upload: u64,
}

impl Usage {
    /// Both added up; stops at the end of the range.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            download: self.download.saturating_add(other.download),
            upload: self.upload.saturating_add(other.upload),
        }
    }

    /// The larger of both, each way.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self { download: self.download.max(other.download), upload: self.upload.max(other.upload) }
    }

    /// What has come since `earlier`; nothing where a counter has gone backwards.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            download: self.download.saturating_sub(earlier.download),
            upload: self.upload.saturating_sub(earlier.upload),
        }
    }
}

/// What a session may still use; `None` is without end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// Time.
    pub time: Option<Duration>,
    /// Octets towards the guest.
    pub download: Option<u64>,
    /// Octets from the guest.
    pub upload: Option<u64>,
}

impl Allowance {
    /// What each of so many devices may use of the data.
    #[must_use]
    pub fn shared_by(self, devices: usize) -> Self {
        let devices = devices.max(1) as u64;
        let each = |left: Option<u64>| left.map(|left| left / devices);
        Self { download: each(self.download), upload: each(self.upload), ..self }
    }

    /// Whether no data is limited.
    pub fn is_endless(&self) -> bool {
        self.download.is_none() && self.upload.is_none()
    }

    /// Whether one of them has come to its end.
    pub fn is_over(&self) -> bool {
        self.time == Some(Duration::ZERO) || self.download == Some(0) || self.upload == Some(0)
    }
}

/// Why a session ended; the names follow RFC 2866 section 5.10 where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminateCause {
    /// The guest signed out.
    UserRequest,
    /// No traffic from the guest for the plan's idle time.
    IdleTimeout,
    /// The voucher's time is over.
    SessionTimeout,
    /// The voucher's data is used up.
    DataLimit,
    /// The operator ended it, or removed the voucher.
    AdminReset,
    /// Another device took the voucher's place.
    PortPreempted,
    /// The kernel would not let the guest through.
    NasError,
}

const CAUSES: [(TerminateCause, &str); 7] = [
    (TerminateCause::UserRequest, "User-Request"),
    (TerminateCause::IdleTimeout, "Idle-Timeout"),
    (TerminateCause::SessionTimeout, "Session-Timeout"),
    (TerminateCause::DataLimit, "Data-Limit"),
    (TerminateCause::AdminReset, "Admin-Reset"),
    (TerminateCause::PortPreempted, "Port-Preempted"),
    (TerminateCause::NasError, "NAS-Error"),
];

impl TerminateCause {
    /// The word in the store and in lists.
    pub fn word(self) -> &'static str {
        CAUSES.iter().find(|(cause, _)| *cause == self).map_or("", |(_, word)| word)
    }
}

impl fmt::Display for TerminateCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
