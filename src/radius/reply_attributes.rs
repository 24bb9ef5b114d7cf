//! What somebody gets, in the words of their access point.
//!
//! A limit of 0 means "no limit" to every one of them, so it is never sent: what is used up is sent
//! as 1, and a data limit that is a multiple of 4 GiB gets an octet more, for access points that do
//! not know the upper half.

use std::time::Duration;

use crate::authn::Keys;
use crate::config::Vendor;
use crate::domain::nas::ViewPoint;
use crate::domain::session::Allowance;
use crate::domain::time::Timestamp;
use crate::domain::zone::Zone;
use crate::hotspot::radius_messages::{Accept, AttributeChange, Terms};
use crate::policy::dictionary::{self as dict, Attribute};
use crate::policy::{Pair, Value};

/// How an access point is to be told what somebody gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Whose attributes it understands.
    pub vendor: Vendor,
    /// From whose side it counts octets, and takes their limits.
    pub view_point: ViewPoint,
    /// Acct-Interim-Interval in seconds; 0 sends none.
    pub interim: u32,
}

#[cfg(test)]
impl Profile {
    /// Of an access point that counts as the RFC has it.
    pub(super) fn of(vendor: Vendor) -> Self {
        Self { vendor, view_point: ViewPoint::Nas, interim: 300 }
    }
}

/// What an attribute that a CoA-Request leaves out means to an access point.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Omitted {
    /// "The NAS assumes that the attribute value is to remain unchanged" (RFC 5176 section 3.6,
    /// note 3).
    Unchanged,
    /// There is none from now on.
    Lifted,
}

/// CoovaChilli reads a CoA-Request like an Access-Accept (`cb_radius_coa_ind` calls
/// `config_radius_session` without `reconfig`; releases 1.3.1.3 to 1.9, seen with 1.6 and 1.9): what
/// is left out of Session-Timeout, Idle-Timeout, Acct-Interim-Interval, Filter-Id, rates, octets and
/// WISPr-Session-Terminate-Time is lifted. It knows WISPr's attributes, so that a section with
/// `vendor 'wispr'` may be one; to everybody else it is allowed to repeat what has not changed.
/// accel-ppp, which has MikroTik's attributes, was seen to keep what is left out; RouterOS's manual
/// does not say; `none` may be anything that follows the RFC.
fn omitted(vendor: Vendor) -> Omitted {
    match vendor {
        Vendor::Coovachilli | Vendor::Wispr => Omitted::Lifted,
        Vendor::Mikrotik | Vendor::None => Omitted::Unchanged,
    }
}

/// What is sent with an Access-Accept, the most important first.
///
/// The operator's own attributes win over ours; of two Session-Timeouts the smaller wins.
pub fn pairs(accept: &Accept, profile: Profile) -> Vec<Pair> {
    let mut limits = standard(accept, profile.interim);
    limits.extend(of_vendor(accept, profile));
    let operator = &accept.reply.0;
    let overruled = |pair: &Pair| operator.iter().any(|it| is_for(pair.attribute, it.attribute));
    let (instead, extras): (Vec<Pair>, Vec<Pair>) = operator
        .iter()
        .filter(|pair| pair.attribute != dict::SESSION_TIMEOUT)
        .cloned()
        .partition(|it| limits.iter().any(|pair| is_for(pair.attribute, it.attribute)));
    limits.retain(|pair| !overruled(pair));
    let timeout = session_timeout(accept).map(|seconds| number(dict::SESSION_TIMEOUT, seconds));
    keys(&accept.keys)
        .into_iter()
        .chain(timeout)
        .chain(instead)
        .chain(limits)
        .chain(extras)
        .collect()
}

fn of_vendor(accept: &Accept, profile: Profile) -> Vec<Pair> {
    match profile.vendor {
        Vendor::Coovachilli => chillispot(accept, profile.view_point),
        Vendor::Mikrotik => mikrotik(accept, profile.view_point),
        Vendor::Wispr => wispr(accept),
        Vendor::None => Vec::new(),
    }
}

/// What is sent with a CoA-Request; nothing where nothing changes in this vendor's words.
///
/// What is left out stays as it is for some and is lifted by others ([`omitted`]): those get
/// everything that is to hold. What is lifted is said to be 0 to both, and of a limit in two halves
/// both are sent. The operator's own attributes stay.
///
/// Octets count from the session's beginning everywhere. So does Session-Timeout to CoovaChilli
/// (`session_interval` takes it off `start_time`); neither RFC 5176 nor the manual of RouterOS says
/// from when a new one counts, so no other vendor's access points get one but those that may be a
/// CoovaChilli. We end what is not ended in time.
pub fn changes(terms: &AttributeChange, profile: Profile) -> Vec<Pair> {
    match omitted(profile.vendor) {
        Omitted::Unchanged => news(terms, profile),
        Omitted::Lifted => everything(terms, profile),
    }
}

fn everything(terms: &AttributeChange, profile: Profile) -> Vec<Pair> {
    let before = pairs(&accept(&terms.before, terms), profile);
    let after = pairs(&accept(&terms.after, terms), profile);
    if before == after {
        return Vec::new();
    }
    let lifted = lifted(&before, &after);
    after.into_iter().chain(lifted).filter(|pair| !is_an_act(pair)).collect()
}

/// What is done once when somebody is let in, and not to be done again in the middle of a session.
/// CoovaChilli-Config `logout` and `admin-reset` end it, `splash` and `require-uam-auth` send the
/// guest back to the portal; what such an attribute has set stays where it is left out.
fn is_an_act(pair: &Pair) -> bool {
    const ACTS: [&str; 4] = ["logout", "admin-reset", "splash", "require-uam-auth"];
    match &pair.value {
        Value::Text(text) if pair.attribute == dict::CHILLISPOT_CONFIG => {
            ACTS.iter().any(|act| text.starts_with(act))
        }
        // User-Name tells which session is meant.
        _ => [dict::USER_NAME, dict::REPLY_MESSAGE].contains(&pair.attribute),
    }
}

fn lifted(before: &[Pair], after: &[Pair]) -> Vec<Pair> {
    let is_lifted = |pair: &&Pair| !after.iter().any(|it| it.attribute == pair.attribute);
    before.iter().filter(is_lifted).filter_map(lift).collect()
}

fn news(terms: &AttributeChange, profile: Profile) -> Vec<Pair> {
    let before = in_words(&terms.before, terms, profile);
    let after = in_words(&terms.after, terms, profile);
    let lifted = lifted(&before, &after);
    let of = |pairs: &[Pair], attribute: Attribute| -> Vec<Pair> {
        pairs.iter().filter(|it| is_for(it.attribute, attribute)).cloned().collect()
    };
    let is_new = |pair: &Pair| {
        of(&before, pair.attribute) != of(&after, pair.attribute)
            && of(&terms.reply.0, pair.attribute).is_empty()
    };
    after.iter().cloned().chain(lifted).filter(is_new).collect()
}

/// All that may change while a session runs.
fn in_words(terms: &Terms, new: &AttributeChange, profile: Profile) -> Vec<Pair> {
    let accept = Accept { class: Vec::new(), ..accept(terms, new) };
    let mut pairs = standard(&accept, 0);
    pairs.extend(of_vendor(&accept, profile));
    pairs
}

/// The Access-Accept that would say so.
fn accept(terms: &Terms, new: &AttributeChange) -> Accept {
    Accept {
        reply: new.reply.clone(),
        class: new.class.clone(),
        left: terms.limit,
        total: terms.total,
        until: terms.until,
        rates: terms.rates,
        idle_timeout: terms.idle_timeout,
        ..Accept::default()
    }
}

/// The words for "without limit"; a date has none.
fn lift(pair: &Pair) -> Option<Pair> {
    match pair.value {
        Value::Integer(_) => Some(number(pair.attribute, 0)),
        _ if pair.attribute == dict::MIKROTIK_RATE_LIMIT => {
            Some(text(pair.attribute, "0/0".to_owned()))
        }
        _ => None,
    }
}

/// A limit in two halves is overruled as a whole: the operator's lower half beside our upper half
/// would be neither's.
fn is_for(ours: Attribute, operators: Attribute) -> bool {
    const HALVES: [(Attribute, Attribute); 6] = [
        (dict::CHILLISPOT_MAX_INPUT_OCTETS, dict::CHILLISPOT_MAX_INPUT_GIGAWORDS),
        (dict::CHILLISPOT_MAX_OUTPUT_OCTETS, dict::CHILLISPOT_MAX_OUTPUT_GIGAWORDS),
        (dict::CHILLISPOT_MAX_TOTAL_OCTETS, dict::CHILLISPOT_MAX_TOTAL_GIGAWORDS),
        (dict::MIKROTIK_RECV_LIMIT, dict::MIKROTIK_RECV_LIMIT_GIGAWORDS),
        (dict::MIKROTIK_XMIT_LIMIT, dict::MIKROTIK_XMIT_LIMIT_GIGAWORDS),
        (dict::MIKROTIK_TOTAL_LIMIT, dict::MIKROTIK_TOTAL_LIMIT_GIGAWORDS),
    ];
    let whole = |attribute| {
        HALVES.iter().find(|(_, upper)| *upper == attribute).map_or(attribute, |(lower, _)| *lower)
    };
    whole(ours) == whole(operators)
}

/// The smaller of what is left and what the operator wants. A second that has begun is the
/// guest's: the daemon ends the session itself if the access point is late.
fn session_timeout(accept: &Accept) -> Option<u32> {
    let operators = accept.reply.0.iter().filter_map(|pair| match pair.value {
        Value::Integer(seconds) if pair.attribute == dict::SESSION_TIMEOUT => Some(seconds),
        _ => None,
    });
    let left = accept.left.time.map(|left| capped(begun_seconds(left)));
    operators.filter(|seconds| *seconds != 0).chain(left).min().map(|seconds| seconds.max(1))
}

fn begun_seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

fn standard(accept: &Accept, interim: u32) -> Vec<Pair> {
    let mut pairs = Vec::new();
    if accept.idle_timeout != 0 {
        pairs.push(number(dict::IDLE_TIMEOUT, accept.idle_timeout));
    }
    if interim != 0 {
        pairs.push(number(dict::ACCT_INTERIM_INTERVAL, interim));
    }
    if !accept.class.is_empty() {
        pairs.push(octets(dict::CLASS, &accept.class));
    }
    pairs
}

/// CoovaChilli: rates are in kbit/s. Input is what the guest receives, and with `swapoctets` what the
/// guest sends (`chilli_acct_fromsub` and `chilli_acct_tosub`): of limits as of counters.
fn chillispot(accept: &Accept, view_point: ViewPoint) -> Vec<Pair> {
    let (download, upload) = accept.rates;
    let (input, output) = input_and_output(accept, view_point);
    let mut pairs = Vec::new();
    pairs.extend(rate(dict::CHILLISPOT_BANDWIDTH_MAX_DOWN, download));
    pairs.extend(rate(dict::CHILLISPOT_BANDWIDTH_MAX_UP, upload));
    let (lower, upper) = (dict::CHILLISPOT_MAX_INPUT_OCTETS, dict::CHILLISPOT_MAX_INPUT_GIGAWORDS);
    pairs.extend(limit(lower, upper, input));
    let (lower, upper) =
        (dict::CHILLISPOT_MAX_OUTPUT_OCTETS, dict::CHILLISPOT_MAX_OUTPUT_GIGAWORDS);
    pairs.extend(limit(lower, upper, output));
    let (lower, upper) = (dict::CHILLISPOT_MAX_TOTAL_OCTETS, dict::CHILLISPOT_MAX_TOTAL_GIGAWORDS);
    pairs.extend(limit(lower, upper, accept.total));
    pairs
}

/// What is left of an access point's input and output, as it counts them.
fn input_and_output(accept: &Accept, view_point: ViewPoint) -> (Option<u64>, Option<u64>) {
    let Allowance { download, upload, .. } = accept.left;
    match view_point {
        ViewPoint::Nas => (upload, download),
        ViewPoint::Client => (download, upload),
    }
}

/// RouterOS: rates are "from the point of view of the router (so rx is client upload, and tx is
/// client download)", `k` is 1000 (manual, RADIUS client). Of Recv-Limit it says only "total
/// receive limit in bytes for the client"; we take it for the router's side as well, like
/// `limit-bytes-in`, "bytes received from the user; 0 - no limit" (manual, HotSpot users). An access
/// point that counts from the other side is taken to have its limits from there as well.
fn mikrotik(accept: &Accept, view_point: ViewPoint) -> Vec<Pair> {
    let (download, upload) = accept.rates;
    let (received, transmitted) = input_and_output(accept, view_point);
    let mut pairs = Vec::new();
    if accept.rates != (0, 0) {
        let shown = |rate: u32| if rate == 0 { "0".to_owned() } else { format!("{rate}k") };
        let rates = format!("{}/{}", shown(upload), shown(download));
        pairs.push(text(dict::MIKROTIK_RATE_LIMIT, rates));
    }
    let (lower, upper) = (dict::MIKROTIK_RECV_LIMIT, dict::MIKROTIK_RECV_LIMIT_GIGAWORDS);
    pairs.extend(limit(lower, upper, received));
    let (lower, upper) = (dict::MIKROTIK_XMIT_LIMIT, dict::MIKROTIK_XMIT_LIMIT_GIGAWORDS);
    pairs.extend(limit(lower, upper, transmitted));
    let (lower, upper) = (dict::MIKROTIK_TOTAL_LIMIT, dict::MIKROTIK_TOTAL_LIMIT_GIGAWORDS);
    pairs.extend(limit(lower, upper, accept.total));
    pairs
}

/// WISPr 1.0: rates in bit/s, and the end as a date. The others get Session-Timeout alone, which
/// does not hang on the access point's clock.
fn wispr(accept: &Accept) -> Vec<Pair> {
    let (download, upload) = accept.rates;
    let bits = |rate: u32| rate.saturating_mul(1000);
    let mut pairs = Vec::new();
    pairs.extend(rate(dict::WISPR_BANDWIDTH_MAX_DOWN, bits(download)));
    pairs.extend(rate(dict::WISPR_BANDWIDTH_MAX_UP, bits(upload)));
    pairs.extend(accept.until.map(|at| text(dict::WISPR_SESSION_TERMINATE_TIME, iso_8601(at))));
    pairs
}

/// `YYYY-MM-DDThh:mm:ss+00:00`: WISPr takes a time without zone for local.
fn iso_8601(at: Timestamp) -> String {
    format!("{}+00:00", Zone::utc().show(at).replace(' ', "T"))
}

fn rate(attribute: Attribute, rate: u32) -> Option<Pair> {
    (rate != 0).then(|| number(attribute, rate))
}

fn limit(lower: Attribute, upper: Attribute, octets: Option<u64>) -> impl Iterator<Item = Pair> {
    let octets = octets.map(|octets| if octets << 32 == 0 { octets | 1 } else { octets });
    let lower =
        octets.map(|octets| number(lower, u32::try_from(octets & 0xffff_ffff).unwrap_or(1)));
    let gigawords = octets.map(|octets| capped(octets >> 32)).filter(|gigawords| *gigawords != 0);
    lower.into_iter().chain(gigawords.map(|gigawords| number(upper, gigawords)))
}

/// RFC 2548 sections 2.1.5, 2.3.3 and 2.4. Policy and types are FreeRADIUS's: encryption is
/// allowed, with 40 or 128 bits.
fn keys(keys: &Keys) -> Vec<Pair> {
    let mut pairs = match keys {
        Keys::None => return Vec::new(),
        Keys::MsChap(keys) => {
            let padded = [&keys[..], &[0; 8]].concat();
            vec![octets(dict::MS_CHAP_MPPE_KEYS, &padded)]
        }
        Keys::MsChap2 { success, send, receive } => vec![
            octets(dict::MS_CHAP2_SUCCESS, success),
            octets(dict::MS_MPPE_RECV_KEY, receive),
            octets(dict::MS_MPPE_SEND_KEY, send),
        ],
    };
    pairs.push(number(dict::MS_MPPE_ENCRYPTION_POLICY, 1));
    pairs.push(number(dict::MS_MPPE_ENCRYPTION_TYPES, 6));
    pairs
}

fn capped(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn number(attribute: Attribute, number: u32) -> Pair {
    Pair { attribute, tag: 0, value: Value::Integer(number) }
}

fn text(attribute: Attribute, text: String) -> Pair {
    Pair { attribute, tag: 0, value: Value::Text(text) }
}

fn octets(attribute: Attribute, octets: &[u8]) -> Pair {
    Pair { attribute, tag: 0, value: Value::Octets(octets.to_vec()) }
}

#[cfg(test)]
mod tests;
