//! What access points ask and report: the words between the wire and the owner.
//!
//! RADIUS *input* octets are a guest's *upload*; whoever fills these in has turned them round.

use std::net::IpAddr;
use std::time::Duration;

use crate::domain::session::{Allowance, TerminateCause};
use crate::domain::station::Mac;
use crate::domain::time::Timestamp;
use crate::policy::Pairs;
use crate::proof::{Keys, Proof};

pub use crate::domain::accounting::{Octets, Reported};
pub use crate::domain::nas::{Details, Nas};

/// Somebody wants to be let in by an access point.
#[derive(Clone, Debug)]
pub struct AccessRequest {
    /// Which access point.
    pub nas: Nas,
    /// User-Name, as typed.
    pub username: String,
    /// What shows that the password is known.
    pub proof: Proof,
    /// [`Access::Slow`] hashes that the password of [`Proof::Pap`] has been held against since, and
    /// whether they fit.
    pub hashed: Vec<(String, bool)>,
    /// Calling-Station-Id, where it is a device's MAC.
    pub station: Option<Mac>,
    /// Acct-Session-Id: accounting will have the same one.
    pub session: Option<String>,
    /// Everything that was sent, for check items; without passwords and challenges.
    pub attributes: Pairs,
}

/// What an access point is told.
#[derive(Clone, Debug)]
pub enum Access {
    /// Let them in.
    Accept(Box<Accept>),
    /// Do not.
    Reject(Reject),
    /// Ask again once the password has been held against this hash.
    Slow(String),
}

/// What somebody gets who is let in.
#[derive(Clone, Debug, Default)]
pub struct Accept {
    /// What the operator wants to be sent, in its order. What stands here wins over the rest.
    pub reply: Pairs,
    /// Time, and data each way, that is left; `None` is without end.
    pub left: Allowance,
    /// Data both ways together that is left; `None` is without end.
    pub total: Option<u64>,
    /// When it all ends, where the clock is known: for WISPr-Session-Terminate-Time.
    pub until: Option<Timestamp>,
    /// kbit/s towards the guest and from the guest; 0 is unlimited.
    pub rates: (u32, u32),
    /// Seconds without traffic after which the session ends; 0 is never.
    pub idle_timeout: u32,
    /// Comes back with accounting (RFC 2865 section 5.25).
    pub class: Vec<u8>,
    /// What the method needs.
    pub keys: Keys,
}

/// Why somebody is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The sentence for Reply-Message.
    pub message: String,
    /// Whether the password is to blame: MS-CHAP-Error then says so (RFC 2759 section 6).
    pub wrong_password: bool,
}

/// What an access point reports of a session.
#[derive(Clone, Debug)]
pub struct Report {
    /// Which access point.
    pub nas: Nas,
    /// What has happened.
    pub event: Event,
    /// Acct-Session-Id; empty where the access point sends none. What is no text stands in
    /// hexadecimal digits after `0x`.
    pub session: String,
    /// User-Name; empty where there is none.
    pub username: String,
    /// Calling-Station-Id, where it is a device's MAC.
    pub station: Option<Mac>,
    /// Framed-IP-Address or Framed-IPv6-Address.
    pub address: Option<IpAddr>,
    /// Class, as it was given with the Access-Accept.
    pub class: Option<Vec<u8>>,
    /// Time and octets so far.
    pub reported: Reported,
    /// How long ago this was: Acct-Delay-Time.
    pub delay: Duration,
    /// When the access point says this was: Event-Timestamp.
    pub stamp: Option<Timestamp>,
    /// Everything else worth keeping.
    pub details: Details,
}

/// What has happened to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It has begun.
    Start,
    /// It goes on.
    Interim,
    /// It has ended.
    Stop(TerminateCause),
}

/// What the owner wants an access point to do (RFC 5176).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Our number of the session; the answer comes with it.
    pub id: i64,
    /// Which access point; `source` is where it is asked.
    pub nas: Nas,
    /// User-Name, as it reported it.
    pub username: String,
    /// Acct-Session-Id.
    pub session: String,
    /// Calling-Station-Id, as it was sent.
    pub calling_station: Option<String>,
    /// Framed-IP-Address.
    pub address: Option<IpAddr>,
    /// NAS-Port.
    pub port: Option<u32>,
    /// What it is to do.
    pub what: Demand,
}

/// What an access point is to do with a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    /// End it (Disconnect-Request); why, for the log.
    End(TerminateCause),
    /// Go on with it under other terms (CoA-Request).
    Change(Box<NewTerms>),
}

/// The terms of a session that runs are to be others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTerms {
    /// What the operator wanted to be sent with the Access-Accept: it still wins.
    pub reply: Pairs,
    /// What holds so far.
    pub before: Terms,
    /// What shall hold.
    pub after: Terms,
}

/// What holds for a session. Limits count from its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// kbit/s towards the guest and from the guest; 0 is unlimited.
    pub rates: (u32, u32),
    /// Seconds without traffic after which it ends; 0 is never.
    pub idle_timeout: u32,
    /// Time, and data each way, in all; `None` is without end.
    pub limit: Allowance,
    /// When it ends, where the clock is known.
    pub until: Option<Timestamp>,
}

/// What came of an [`Order`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Disconnect-ACK or CoA-ACK, or there was nothing to say in this client's words.
    Done,
    /// Disconnect-NAK or CoA-NAK, with its Error-Cause where it said one (RFC 5176 section 3.5).
    Refused(Option<u32>),
    /// No answer, however often it was asked.
    Silent,
    /// There is no client section of this name any more.
    Unknown,
}
