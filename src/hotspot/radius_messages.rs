//! What access points ask and report: the words between the wire and the owner.
//!
//! RADIUS *input* octets are a guest's *upload*; whoever fills these in has turned them round.

use std::net::IpAddr;
use std::time::Duration;

use crate::authn::{Keys, Proof};
use crate::domain::session::{Allowance, TerminateCause};
use crate::domain::station::Mac;
use crate::domain::time::Timestamp;
use crate::policy::dictionary::{
    ACCT_SESSION_ID, FRAMED_IP_ADDRESS, SESSION_TIMEOUT, TERMINATION_ACTION,
};
use crate::policy::{Pair, Pairs, Value};

pub use crate::domain::accounting::{Octets, Reported};
pub use crate::domain::nas::{Details, Nas, NasPeer, ViewPoint};

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
    /// What follows once they are let in.
    pub purpose: Purpose,
    /// Acct-Session-Id: accounting will have the same one.
    pub session: Option<String>,
    /// Everything that was sent, for check items; without passwords and challenges.
    pub attributes: Pairs,
}

impl AccessRequest {
    /// The address that the access point has given to the device, where it says so.
    pub(super) fn framed_address(&self) -> Option<IpAddr> {
        match self.attributes.get(FRAMED_IP_ADDRESS) {
            // 255.255.255.254 and above are yet to be chosen (RFC 2865 section 5.8).
            Some(Value::Ipv4(address)) if !matches!(address.to_bits(), 0 | 0xffff_fffe..) => {
                Some((*address).into())
            }
            _ => None,
        }
    }

    /// Acct-Session-Id, which some send with the request already.
    pub fn acct_session(&self) -> Option<&str> {
        self.attributes.text(ACCT_SESSION_ID)
    }
}

/// What follows once somebody is let in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// A session of a device, most likely with reports of it.
    #[default]
    Session,
    /// It says Service-Type Authenticate-Only (RFC 2865 section 5.6). Some that do report a session all
    /// the same.
    AuthenticateOnly,
    /// Nothing: the client only checks passwords (`option accounting '0'`).
    PasswordCheck,
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

/// How long a session may last by the operator's rows. One that is authenticated anew after that
/// time (Termination-Action, RFC 2865 section 5.29) does not end with it.
pub(super) fn session_timeout(reply: &Pairs) -> Option<Duration> {
    const RADIUS_REQUEST: u32 = 1;
    if reply.integer(TERMINATION_ACTION) == Some(RADIUS_REQUEST) {
        return None;
    }
    let seconds = |pair: &Pair| match pair.value {
        Value::Integer(seconds) if pair.attribute == SESSION_TIMEOUT => Some(seconds),
        _ => None,
    };
    let seconds = reply.0.iter().filter_map(seconds).filter(|seconds| *seconds != 0).min()?;
    Some(Duration::from_secs(seconds.into()))
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
    /// The further values of Class: a proxy in front puts its own beside ours.
    pub more_classes: Vec<Vec<u8>>,
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

/// What the owner tells whoever carries out its orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dispatch {
    /// A new order.
    Order(Order),
    /// The session of this number has ended: an order for it that waits is not wanted any more.
    Closed(i64),
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
    Change(Box<AttributeChange>),
}

/// The terms of a session that runs are to be others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeChange {
    /// What the operator wanted to be sent with the Access-Accept: it still wins.
    pub reply: Pairs,
    /// Class, as it was given with the Access-Accept; empty where that is not known any more.
    pub class: Vec<u8>,
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
    /// Data both ways together, in all; `None` is without end.
    pub total: Option<u64>,
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
    /// It was not asked: as many orders as may wait do.
    Unsent,
    /// There is no client section of this name any more.
    Unknown,
}
