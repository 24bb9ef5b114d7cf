//! What access points ask and report, in the owner's words.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::attributes::{AttributeView, text};
use super::encrypt::uncover_password;
use super::packet::Packet;
use super::session_number;
use crate::authn::Proof;
use crate::domain::secret::Secret;
use crate::domain::session::TerminateCause;
use crate::domain::station::Mac;
use crate::domain::time::Timestamp;
use crate::hotspot::radius_messages::{
    AccessRequest, Details, Event, Nas, Octets, Purpose, Reject, Report, Reported, ViewPoint,
};
use crate::policy::dictionary::{self as dict, Attribute};
use crate::policy::{Pair, Pairs, Value};

/// A value of Service-Type (RFC 2865 section 5.6).
const AUTHENTICATE_ONLY: u32 = 8;
/// Octets that are kept of a text that only describes.
const SHORT: usize = 64;

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

impl Unfit {
    /// What somebody is told whose request cannot be asked of the owner.
    pub(super) fn refusal(self) -> Reject {
        let message = match self {
            Self::NoUserName | Self::Missing(_) => "There is no user name.",
            Self::Unreadable | Self::Password => "The password cannot be read.",
            Self::TwoProofs => "There are two passwords.",
            Self::Eap => "EAP is not supported.",
        };
        Reject { message: message.to_owned(), wrong_password: self == Self::Unreadable }
    }
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
        /// When it says this was: Event-Timestamp.
        stamp: Option<Timestamp>,
        /// How long ago that was: Acct-Delay-Time.
        delay: Duration,
    },
    /// Nothing that concerns us; to be acknowledged all the same.
    Ignored,
}

/// Which access point sent it.
pub fn nas(packet: &Packet, client: Arc<str>, source: IpAddr) -> Nas {
    let fields = AttributeView::of(packet);
    let address = fields
        .value(dict::NAS_IP_ADDRESS)
        .or_else(|| fields.value(dict::NAS_IPV6_ADDRESS))
        .and_then(|value| ip(&value));
    Nas { client, source, address, identifier: short(&fields, dict::NAS_IDENTIFIER) }
}

/// Reads an Access-Request.
///
/// # Errors
/// Why it cannot be asked; all are answered with an Access-Reject.
pub fn access(packet: &Packet, secret: &Secret, nas: Nas) -> Result<AccessRequest, Unfit> {
    let fields = AttributeView::of(packet);
    if fields.octets(dict::EAP_MESSAGE).is_some() {
        return Err(Unfit::Eap);
    }
    let username = fields.text(dict::USER_NAME).ok_or(Unfit::NoUserName)?;
    let proof = proof(packet, &fields, secret, &username)?;
    let mut attributes = without_proofs(fields.pairs());
    attributes.0.extend(arrival(&nas));
    let station = station(&fields);
    let session = Some(session(&fields)).filter(|session| !session.is_empty());
    let purpose = match fields.integer(dict::SERVICE_TYPE) {
        Some(AUTHENTICATE_ONLY) => Purpose::AuthenticateOnly,
        _ => Purpose::Session,
    };
    let hashed = Vec::new();
    Ok(AccessRequest { nas, username, proof, hashed, station, purpose, session, attributes })
}

/// What check items may ask of the way a request came. No packet can bring these itself: they have
/// no number on the wire.
fn arrival(nas: &Nas) -> impl Iterator<Item = Pair> {
    let section = Value::Text(nas.client.to_string());
    let source = match nas.source {
        IpAddr::V4(address) => Some((dict::PACKET_SRC_IP_ADDRESS, Value::Ipv4(address))),
        IpAddr::V6(_) => None,
    };
    let all = std::iter::once((dict::CLIENT_SHORTNAME, section)).chain(source);
    all.map(|(attribute, value)| Pair { attribute, tag: 0, value })
}

fn proof(
    packet: &Packet,
    fields: &AttributeView<'_>,
    secret: &Secret,
    username: &str,
) -> Result<Proof, Unfit> {
    let pap = fields.octets(dict::USER_PASSWORD);
    let chap = fields.octets(dict::CHAP_PASSWORD);
    let ms_chap = fields.octets(dict::MS_CHAP_RESPONSE);
    let ms_chap2 = fields.octets(dict::MS_CHAP2_RESPONSE);
    let ms_challenge = fields.octets(dict::MS_CHAP_CHALLENGE).unwrap_or_default();
    match (pap, chap, ms_chap, ms_chap2) {
        (None, None, None, None) => Ok(Proof::Nothing),
        (Some(hidden), None, None, None) => {
            let plain = uncover_password(hidden, &packet.authenticator, secret);
            let plain = plain.ok_or(Unfit::Password)?;
            // Where nothing shows that the secret is right, this is the sign that it is not.
            let is_signed = fields.octets(dict::MESSAGE_AUTHENTICATOR).is_some();
            match is_signed || str::from_utf8(&plain).is_ok() {
                true => Ok(Proof::Pap(Secret::new(text(&plain)))),
                false => Err(Unfit::Unreadable),
            }
        }
        (None, Some(value), None, None) => {
            let challenge = fields.octets(dict::CHAP_CHALLENGE).unwrap_or(&packet.authenticator);
            chap_proof(value, challenge).ok_or(Unfit::Password)
        }
        (None, None, Some(value), None) => {
            ms_chap_proof(value, ms_challenge).ok_or(Unfit::Password)
        }
        (None, None, None, Some(value)) => {
            ms_chap2_proof(value, ms_challenge, username).ok_or(Unfit::Password)
        }
        _ => Err(Unfit::TwoProofs),
    }
}

fn chap_proof(value: &[u8], challenge: &[u8]) -> Option<Proof> {
    let (identifier, response) = value.split_first()?;
    let response = response.try_into().ok()?;
    Some(Proof::Chap { identifier: *identifier, challenge: challenge.to_vec(), response })
}

/// Identifier, flags, LM-Response, NT-Response (RFC 2548 section 2.1.3). The lowest flag says that
/// the NT-Response counts.
fn ms_chap_proof(value: &[u8], challenge: &[u8]) -> Option<Proof> {
    let [identifier, flags, responses @ ..]: &[u8; 50] = value.try_into().ok()?;
    let (_, response) = responses.split_last_chunk::<24>()?;
    let challenge = challenge.try_into().ok()?;
    (flags & 1 == 1).then_some(Proof::MsChap {
        identifier: *identifier,
        challenge,
        response: *response,
    })
}

/// Identifier, flags, Peer-Challenge, 8 reserved octets, NT-Response (RFC 2548 section 2.3.2).
fn ms_chap2_proof(value: &[u8], challenge: &[u8], username: &str) -> Option<Proof> {
    let [identifier, _, rest @ ..]: &[u8; 50] = value.try_into().ok()?;
    let (peer_challenge, _) = rest.split_first_chunk::<16>()?;
    let (_, response) = rest.split_last_chunk::<24>()?;
    Some(Proof::MsChap2 {
        identifier: *identifier,
        username: username.to_owned(),
        authenticator_challenge: challenge.try_into().ok()?,
        peer_challenge: *peer_challenge,
        response: *response,
    })
}

/// What shows a password, and what belongs to the packet alone, is nothing for check items.
fn without_proofs(mut pairs: Pairs) -> Pairs {
    const KEPT_BACK: [Attribute; 7] = [
        dict::CHAP_PASSWORD,
        dict::CHAP_CHALLENGE,
        dict::MS_CHAP_RESPONSE,
        dict::MS_CHAP2_RESPONSE,
        dict::MS_CHAP_CHALLENGE,
        dict::MESSAGE_AUTHENTICATOR,
        dict::PROXY_STATE,
    ];
    pairs.0.retain(|pair| !KEPT_BACK.contains(&pair.attribute));
    pairs
}

/// Reads an Accounting-Request.
///
/// `view_point` is from whose side the access point counts octets.
///
/// # Errors
/// Why it cannot be taken down.
pub fn accounting(packet: &Packet, nas: Nas, view_point: ViewPoint) -> Result<Accounting, Unfit> {
    let fields = AttributeView::of(packet);
    let status = fields.integer(dict::ACCT_STATUS_TYPE);
    let event = match status.ok_or(Unfit::Missing(dict::ACCT_STATUS_TYPE.name()))? {
        1 => Event::Start,
        2 => Event::Stop(cause(&fields)),
        3 => Event::Interim,
        7 => return Ok(restarted(&fields, nas, TerminateCause::NasReboot)),
        8 => return Ok(restarted(&fields, nas, TerminateCause::AdminReboot)),
        _ => return Ok(Accounting::Ignored),
    };
    Ok(Accounting::Session(Box::new(report(&fields, nas, event, view_point))))
}

/// From whose side an access point says that it counts octets: CoovaChilli does so in every
/// Accounting-Request, Accounting-On included.
pub fn view_point(packet: &Packet) -> Option<ViewPoint> {
    let number = AttributeView::of(packet).integer(dict::CHILLISPOT_ACCT_VIEW_POINT)?;
    ViewPoint::numbered(number)
}

/// Acct-Session-Id, as [`Report::session`] has it: without one, or with one that is no text, a report
/// is acknowledged all the same, or the access point would send it for ever.
fn session(fields: &AttributeView<'_>) -> String {
    fields.octets(dict::ACCT_SESSION_ID).map(session_number::to_text).unwrap_or_default()
}

/// Why a session has ended. Where the access point does not say, or says what nobody knows, it is
/// NAS-Request: "a non-error reason not otherwise listed" (RFC 2866 section 5.10). FreeRADIUS's
/// SQL leaves an empty word; nothing here can be empty.
fn cause(fields: &AttributeView<'_>) -> TerminateCause {
    fields
        .integer(dict::ACCT_TERMINATE_CAUSE)
        .and_then(TerminateCause::numbered)
        .unwrap_or(TerminateCause::NasRequest)
}

fn report(fields: &AttributeView<'_>, nas: Nas, event: Event, view_point: ViewPoint) -> Report {
    let seconds = |attribute| {
        fields.integer(attribute).map(|seconds| Duration::from_secs(u64::from(seconds)))
    };
    let counter = |low, gigawords| {
        let gigawords = fields.integer(gigawords);
        fields.integer(low).map(|low| Octets { low, gigawords })
    };
    let input = counter(dict::ACCT_INPUT_OCTETS, dict::ACCT_INPUT_GIGAWORDS);
    let output = counter(dict::ACCT_OUTPUT_OCTETS, dict::ACCT_OUTPUT_GIGAWORDS);
    let (download, upload) = match view_point {
        ViewPoint::Nas => (output, input),
        ViewPoint::Client => (input, output),
    };
    Report {
        nas,
        event,
        session: session(fields),
        username: fields.text(dict::USER_NAME).unwrap_or_default(),
        station: station(fields),
        address: address(fields),
        class: fields.octets(dict::CLASS).map(<[u8]>::to_vec),
        more_classes: fields.all_octets(dict::CLASS).skip(1).map(<[u8]>::to_vec).collect(),
        reported: Reported { time: seconds(dict::ACCT_SESSION_TIME), download, upload },
        delay: seconds(dict::ACCT_DELAY_TIME).unwrap_or_default(),
        stamp: stamp(fields),
        details: Details { view_point, ..details(fields) },
    }
}

fn restarted(fields: &AttributeView<'_>, nas: Nas, cause: TerminateCause) -> Accounting {
    let delay = fields.integer(dict::ACCT_DELAY_TIME).unwrap_or_default();
    let delay = Duration::from_secs(delay.into());
    Accounting::Restarted { nas, cause, stamp: stamp(fields), delay }
}

fn stamp(fields: &AttributeView<'_>) -> Option<Timestamp> {
    match fields.value(dict::EVENT_TIMESTAMP) {
        Some(Value::Date(at)) => Some(at),
        _ => None,
    }
}

fn details(fields: &AttributeView<'_>) -> Details {
    Details {
        called_station: short(fields, dict::CALLED_STATION_ID),
        calling_station: short(fields, dict::CALLING_STATION_ID),
        port: fields.integer(dict::NAS_PORT),
        port_id: short(fields, dict::NAS_PORT_ID),
        port_type: fields.named(dict::NAS_PORT_TYPE),
        service_type: fields.named(dict::SERVICE_TYPE),
        framed_protocol: fields.named(dict::FRAMED_PROTOCOL),
        authentic: fields.named(dict::ACCT_AUTHENTIC),
        connect_info: short(fields, dict::CONNECT_INFO),
        view_point: ViewPoint::default(),
    }
}

/// A text that is kept with every session: no more of it than any access point needs.
fn short(fields: &AttributeView<'_>, attribute: Attribute) -> Option<String> {
    let mut text = fields.text(attribute)?;
    text.truncate(text.floor_char_boundary(SHORT));
    Some(text)
}

fn station(fields: &AttributeView<'_>) -> Option<Mac> {
    fields.text(dict::CALLING_STATION_ID)?.trim().parse().ok()
}

/// The guest's address. 255.255.255.254 and above stand for one that is yet to be chosen (RFC 2865
/// section 5.8), and some access points send 0.0.0.0 for none.
fn address(fields: &AttributeView<'_>) -> Option<IpAddr> {
    let real = |address: &IpAddr| match address {
        IpAddr::V4(address) => !matches!(address.to_bits(), 0 | 0xffff_fffe..),
        IpAddr::V6(address) => !address.is_unspecified(),
    };
    let said = |attribute| fields.value(attribute).and_then(|value| ip(&value)).filter(real);
    said(dict::FRAMED_IP_ADDRESS).or_else(|| said(dict::FRAMED_IPV6_ADDRESS))
}

fn ip(value: &Value) -> Option<IpAddr> {
    match value {
        Value::Ipv4(address) => Some((*address).into()),
        Value::Ipv6(address) => Some((*address).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
