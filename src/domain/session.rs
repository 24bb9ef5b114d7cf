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

/// Why a session ended: RFC 2866 section 5.10 in its order, and one it does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminateCause {
    /// The guest signed out.
    UserRequest,
    /// The device has gone.
    LostCarrier,
    /// Nothing was heard of the session any more.
    LostService,
    /// No traffic from the guest for the plan's idle time.
    IdleTimeout,
    /// The voucher's time is over.
    SessionTimeout,
    /// The operator ended it, or removed the voucher.
    AdminReset,
    /// The operator ended all service at the access point.
    AdminReboot,
    /// An error at the access point's port.
    PortError,
    /// The kernel or the access point would not let the guest through.
    NasError,
    /// The access point ended it for a reason that is not an error.
    NasRequest,
    /// The access point has started anew.
    NasReboot,
    /// The access point did not need the port any more.
    PortUnneeded,
    /// Another device took the voucher's place.
    PortPreempted,
    /// The access point suspended a virtual session.
    PortSuspended,
    /// The access point could not give the service.
    ServiceUnavailable,
    /// The access point calls back.
    Callback,
    /// An error in what the guest's device sent.
    UserError,
    /// The host that was signed in to ended it.
    HostRequest,
    /// The voucher's data is used up.
    DataLimit,
}

const CAUSES: [(TerminateCause, &str); 19] = [
    (TerminateCause::UserRequest, "User-Request"),
    (TerminateCause::LostCarrier, "Lost-Carrier"),
    (TerminateCause::LostService, "Lost-Service"),
    (TerminateCause::IdleTimeout, "Idle-Timeout"),
    (TerminateCause::SessionTimeout, "Session-Timeout"),
    (TerminateCause::AdminReset, "Admin-Reset"),
    (TerminateCause::AdminReboot, "Admin-Reboot"),
    (TerminateCause::PortError, "Port-Error"),
    (TerminateCause::NasError, "NAS-Error"),
    (TerminateCause::NasRequest, "NAS-Request"),
    (TerminateCause::NasReboot, "NAS-Reboot"),
    (TerminateCause::PortUnneeded, "Port-Unneeded"),
    (TerminateCause::PortPreempted, "Port-Preempted"),
    (TerminateCause::PortSuspended, "Port-Suspended"),
    (TerminateCause::ServiceUnavailable, "Service-Unavailable"),
    (TerminateCause::Callback, "Callback"),
    (TerminateCause::UserError, "User-Error"),
    (TerminateCause::HostRequest, "Host-Request"),
    (TerminateCause::DataLimit, "Data-Limit"),
];

impl TerminateCause {
    /// The cause of this number (RFC 2866 section 5.10).
    pub fn numbered(number: u32) -> Option<Self> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        CAUSES.get(index).map(|(cause, _)| *cause).filter(|cause| *cause != Self::DataLimit)
    }

    /// The cause of this word.
    pub fn named(word: &str) -> Option<Self> {
        CAUSES.iter().find(|(_, known)| *known == word).map(|(cause, _)| *cause)
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_have_the_numbers_of_rfc_2866() {
        let word = |number| TerminateCause::numbered(number).map(TerminateCause::word);
        assert_eq!((word(1), word(5)), (Some("User-Request"), Some("Session-Timeout")));
        assert_eq!((word(11), word(18)), (Some("NAS-Reboot"), Some("Host-Request")));
        assert_eq!((word(0), word(19), word(u32::MAX)), (None, None, None));
        assert_eq!(TerminateCause::named("Data-Limit"), Some(TerminateCause::DataLimit));
    }
}
