//! What access points ask and report, in the owner's words.

use std::net::IpAddr;
use std::sync::Arc;

use super::packet::Packet;
use crate::domain::secret::Secret;
use crate::domain::session::TerminateCause;
use crate::hotspot::access::{AccessRequest, Nas, Report};

/// Why a request cannot be asked of anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// There is no User-Name, or it is no text.
    NoUserName,
    /// The password is no text once uncovered: the usual sign of a wrong shared secret.
    Unreadable,
    /// A password attribute is misshapen.
    Password,
    /// Two ways of showing a password at once (RFC 2865 section 4.1).
    TwoProofs,
    /// EAP, which we do not speak: to be rejected, where its Message-Authenticator is good (RFC 3579
    /// section 3.2).
    Eap,
    /// An accounting attribute that cannot be missed is missing: its name.
    Missing(&'static str),
}

/// What an Accounting-Request comes to.
#[derive(Clone, Debug)]
pub enum Accounting {
    /// A session is reported of.
    Session(Box<Report>),
    /// The access point has started or is going to stop: its sessions have ended.
    Restarted {
        /// Which.
        nas: Nas,
        /// Why.
        cause: TerminateCause,
    },
    /// Nothing that concerns us; to be acknowledged all the same.
    Ignored,
}

/// Which access point sent it.
pub fn nas(_packet: &Packet, client: Arc<str>, source: IpAddr) -> Nas {
    Nas { client, source, address: None, identifier: None }
}

/// Reads an Access-Request.
///
/// # Errors
/// Why it cannot be asked; all are answered with an Access-Reject.
pub fn access(_packet: &Packet, _secret: &Secret, _nas: Nas) -> Result<AccessRequest, Unfit> {
    Err(Unfit::NoUserName)
}

/// Reads an Accounting-Request.
///
/// # Errors
/// Why it cannot be taken down.
pub fn accounting(_packet: &Packet, _nas: Nas) -> Result<Accounting, Unfit> {
    Ok(Accounting::Ignored)
}
