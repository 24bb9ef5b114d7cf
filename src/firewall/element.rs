//! Guests as elements of the kernel's sets (linux/netfilter/nf_tables.h).

use std::time::Duration;

use super::message::{ACK, Answer, Attributes, CREATE, DUMP, Writer, answers};
use super::ruleset::TABLE;
use super::{ADMITTED, Count, Hook, Lane, Pass};
use crate::domain::session::Usage;
use crate::domain::station::Mac;

/// `NFT_MSG_*`.
pub(super) const DELETE_TABLE: u16 = 2;
pub(super) const NEW_CHAIN: u16 = 3;
pub(super) const GET_CHAIN: u16 = 4;
pub(super) const DELETE_CHAIN: u16 = 5;
const NEW_ELEMENT: u16 = 12;
const GET_ELEMENT: u16 = 13;
const DELETE_ELEMENT: u16 = 14;

/// `NFTA_SET_ELEM_LIST_*`.
const LIST_TABLE: u16 = 1;
const LIST_SET: u16 = 2;
const LIST_ELEMENTS: u16 = 3;
/// `NFTA_LIST_ELEM`.
const ITEM: u16 = 1;
/// `NFTA_SET_ELEM_*`.
const KEY: u16 = 1;
const DATA: u16 = 2;
const TIMEOUT: u16 = 4;
const EXPIRATION: u16 = 5;
const USERDATA: u16 = 6;
const EXPRESSION: u16 = 7;
const EXPRESSIONS: u16 = 11;
/// `NFTA_DATA_VALUE`.
const VALUE: u16 = 1;
/// `NFTA_EXPR_*`.
const EXPRESSION_NAME: u16 = 1;
const EXPRESSION_DATA: u16 = 2;
/// `NFTA_COUNTER_BYTES`.
const COUNTER_BYTES: u16 = 1;
/// `NFTA_QUOTA_*`, `NFT_QUOTA_F_DEPLETED`.
const QUOTA_BYTES: u16 = 1;
const QUOTA_FLAGS: u16 = 2;
const QUOTA_CONSUMED: u16 = 4;
const QUOTA_DEPLETED: u32 = 2;
/// `NFTA_LIMIT_*`, `NFT_LIMIT_PKT_BYTES`, `NFT_LIMIT_F_INV`.
const LIMIT_RATE: u16 = 1;
const LIMIT_UNIT: u16 = 2;
const LIMIT_BURST: u16 = 3;
const LIMIT_TYPE: u16 = 4;
const LIMIT_FLAGS: u16 = 5;
const LIMIT_BY_BYTES: u32 = 1;
const LIMIT_OVER: u32 = 1;

/// `NFTNL_UDATA_SET_ELEM_COMMENT` of libnftnl: shown by `nft list` as the element's comment.
const COMMENT: u8 = 0;

/// No limit: the largest quota that the kernel takes.
const ENDLESS: u64 = i64::MAX as u64;

/// Octets on top of one second's worth: a segment that the network card is to cut up counts as
/// one packet of up to 64 KB and would never pass a smaller bucket.
const BURST: u32 = 128 * 1024;

/// Elements in one message: their list must stay below 64 KB.
const TOGETHER: usize = 200;

/// `NFPROTO_INET`, `NFPROTO_NETDEV`.
pub(super) const INET: u8 = 1;
pub(super) const NETDEV: u8 = 5;

/// One of the sets that hold guests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Set {
    Upload,
    Download,
    UploadRate,
    DownloadRate,
    /// In the routing path only: from a device to the mark of its connections.
    Connections,
}

impl Set {
    /// The sets there are.
    pub(super) fn all(hook: Hook) -> &'static [Self] {
        let all = &[
            Self::Upload,
            Self::Download,
            Self::UploadRate,
            Self::DownloadRate,
            Self::Connections,
        ];
        match hook {
            Hook::Inet => all,
            _ => all.split_last().map_or(&[], |(_, rest)| rest),
        }
    }

    /// In the routing path a packet to a guest has no MAC yet: its connection's mark tells whose
    /// it is.
    fn is_by_mark(self, hook: Hook) -> bool {
        hook == Hook::Inet && matches!(self, Self::Download | Self::DownloadRate)
    }

    /// Where the set is.
    fn family(self, hook: Hook) -> u8 {
        match self {
            Self::Download | Self::DownloadRate | Self::Connections if hook == Hook::Inet => INET,
            _ => NETDEV,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Download => "download",
            Self::UploadRate => "upload_rate",
            Self::DownloadRate => "download_rate",
            Self::Connections => "connections",
        }
    }

    fn lane(self, pass: &Pass) -> &Lane {
        match self {
            Self::Upload | Self::UploadRate | Self::Connections => &pass.upload,
            Self::Download | Self::DownloadRate => &pass.download,
        }
    }

    /// Octets a second that an element of this set carries.
    pub(super) fn rate(self, pass: &Pass) -> u64 {
        match self {
            Self::Upload | Self::Download | Self::Connections => 0,
            Self::UploadRate | Self::DownloadRate => u64::from(self.lane(pass).rate) * 125,
        }
    }

    /// Whether a guest with this pass belongs into the set.
    pub(super) fn holds(self, pass: &Pass) -> bool {
        match self {
            Self::Upload | Self::Download | Self::Connections => true,
            Self::UploadRate | Self::DownloadRate => self.lane(pass).rate > 0,
        }
    }
}

/// A guest in a set: the device and its session.
pub(super) type Place = (Mac, i64);

/// The mark on the connections of a session: no two open sessions are 268 million apart.
fn mark(session: i64) -> [u8; 4] {
    let number = session.to_le_bytes();
    let [a, b, c, d, ..] = number;
    (ADMITTED | u32::from_le_bytes([a, b, c, d]) & (ADMITTED - 1)).to_ne_bytes()
}

/// Asks for a set's elements.
pub(super) fn request(writer: &mut Writer, hook: Hook, set: Set) {
    writer.nftables(GET_ELEMENT, set.family(hook), DUMP, |message| {
        message.text(LIST_TABLE, TABLE);
        message.text(LIST_SET, set.name());
    });
}

/// Asks for one guest's element.
pub(super) fn request_one(writer: &mut Writer, hook: Hook, set: Set, place: Place) {
    writer.nftables(GET_ELEMENT, set.family(hook), 0, |message| {
        message.text(LIST_TABLE, TABLE);
        message.text(LIST_SET, set.name());
        message.nested(LIST_ELEMENTS, |elements| {
            elements.nested(ITEM, |element| key(element, hook, set, place));
        });
    });
}

/// Puts guests into a set.
pub(super) fn insert(writer: &mut Writer, hook: Hook, set: Set, passes: &[Pass]) {
    for passes in passes.chunks(TOGETHER) {
        list(writer, NEW_ELEMENT, set.family(hook), set.name(), CREATE, |elements| {
            for pass in passes {
                elements.nested(ITEM, |element| write(element, hook, set, pass));
            }
        });
    }
}

/// Takes guests out of a set. The kernel refuses where one is not in it.
pub(super) fn delete(writer: &mut Writer, hook: Hook, set: Set, places: &[Place]) {
    for places in places.chunks(TOGETHER) {
        list(writer, DELETE_ELEMENT, set.family(hook), set.name(), 0, |elements| {
            for place in places {
                elements.nested(ITEM, |element| key(element, hook, set, *place));
            }
        });
    }
}

/// Puts TCP into the set of protocols that are answered by a reset.
pub(super) fn allow_resets(writer: &mut Writer) {
    list(writer, NEW_ELEMENT, INET, "resets", CREATE, |elements| {
        elements.nested(ITEM, |element| {
            element.nested(KEY, |key| key.bytes(VALUE, &[libc::IPPROTO_TCP as u8]));
        });
    });
}

fn list(
    writer: &mut Writer,
    kind: u16,
    family: u8,
    set: &str,
    flags: u16,
    elements: impl FnOnce(&mut Writer),
) {
    writer.nftables(kind, family, ACK | flags, |message| {
        message.text(LIST_TABLE, TABLE);
        message.text(LIST_SET, set);
        message.nested(LIST_ELEMENTS, elements);
    });
}

fn key(element: &mut Writer, hook: Hook, set: Set, (mac, session): Place) {
    element.nested(KEY, |key| match set.is_by_mark(hook) {
        true => key.bytes(VALUE, &mark(session)),
        false => key.bytes(VALUE, &mac.octets()),
    });
}

fn write(element: &mut Writer, hook: Hook, set: Set, pass: &Pass) {
    key(element, hook, set, (pass.mac, pass.session));
    if let Some(time) = pass.time {
        element.u64(TIMEOUT, milliseconds(time));
    }
    element.bytes(USERDATA, &comment(pass));
    let lane = set.lane(pass);
    match set {
        Set::Upload | Set::Download => element.nested(EXPRESSIONS, |expressions| {
            expression(expressions, ITEM, "quota", |quota| {
                let limit = lane.limit.unwrap_or(ENDLESS).min(ENDLESS);
                quota.u64(QUOTA_BYTES, limit);
                quota.u32(QUOTA_FLAGS, 0);
                quota.u64(QUOTA_CONSUMED, lane.used.min(limit));
            });
            expression(expressions, ITEM, "counter", |counter| {
                counter.u64(COUNTER_BYTES, lane.used);
            });
        }),
        Set::Connections => {
            element.nested(DATA, |data| data.bytes(VALUE, &mark(pass.session)));
        }
        Set::UploadRate | Set::DownloadRate => {
            expression(element, EXPRESSION, "limit", |limit| {
                limit.u64(LIMIT_RATE, set.rate(pass));
                limit.u64(LIMIT_UNIT, 1);
                limit.u32(LIMIT_BURST, BURST);
                limit.u32(LIMIT_TYPE, LIMIT_BY_BYTES);
                limit.u32(LIMIT_FLAGS, LIMIT_OVER);
            });
        }
    }
}

fn expression(writer: &mut Writer, kind: u16, name: &str, data: impl FnOnce(&mut Writer)) {
    writer.nested(kind, |expression| {
        expression.text(EXPRESSION_NAME, name);
        expression.nested(EXPRESSION_DATA, data);
    });
}

/// A timeout of 0 would mean none.
fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX / 2).max(1)
}

/// Enough to take a session up again that the store does not know of yet, and to know whose
/// element it is where the key does not tell.
fn comment(pass: &Pass) -> Vec<u8> {
    let text = format!("session {} voucher {} {}", pass.session, pass.voucher, pass.mac);
    let mut bytes = vec![COMMENT, u8::try_from(text.len() + 1).unwrap_or(u8::MAX)];
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(0);
    bytes
}

/// A guest as the kernel has it: an element with a comment of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// The device.
    pub mac: Mac,
    /// The session.
    pub session: i64,
    /// The voucher behind it.
    pub voucher: i64,
    /// Time left; `None` is without end.
    pub time: Option<Duration>,
    /// What its counter says.
    pub octets: u64,
    /// Whether its quota is used up.
    pub is_over: bool,
    /// Octets a second, in the sets that hold rates; 0 in the others.
    pub rate: u64,
}

impl Element {
    /// What has been counted for a guest, by its uploads and what may be its downloads.
    pub(super) fn count(&self, download: Option<&Self>) -> Count {
        let download = download.filter(|other| other.session == self.session);
        Count {
            mac: self.mac,
            session: self.session,
            voucher: self.voucher,
            time: self.time,
            usage: Usage {
                download: download.map_or(0, |element| element.octets),
                upload: self.octets,
            },
            download_is_over: download.is_some_and(|element| element.is_over),
            upload_is_over: self.is_over,
        }
    }
}

/// Reads the elements out of one datagram of a dump. Whatever makes no sense is left out.
pub fn decode(datagram: &[u8]) -> Vec<Element> {
    let mut elements = Vec::new();
    for answer in answers(datagram) {
        if let Answer::Data { attributes, .. } = answer {
            read(&mut elements, attributes);
        }
    }
    elements
}

/// Reads the elements out of one message of a dump.
pub(super) fn read(elements: &mut Vec<Element>, message: Attributes<'_>) {
    for (kind, item) in message.inside(LIST_ELEMENTS) {
        if kind == ITEM {
            elements.extend(read_element(Attributes(item)));
        }
    }
}

fn read_element(element: Attributes<'_>) -> Option<Element> {
    let (session, voucher, mac) = element.get(USERDATA).and_then(read_comment)?;
    let time = element.u64(EXPIRATION).map(Duration::from_millis);
    let mut read = Element { mac, session, voucher, time, octets: 0, is_over: false, rate: 0 };
    let alone = element.get(EXPRESSION).into_iter();
    let several = element.inside(EXPRESSIONS).map(|(_, expression)| expression);
    for expression in alone.chain(several).map(Attributes) {
        let data = expression.inside(EXPRESSION_DATA);
        match expression.text(EXPRESSION_NAME) {
            Some("counter") => read.octets = data.u64(COUNTER_BYTES).unwrap_or(0),
            Some("quota") => {
                let flags = data.u32(QUOTA_FLAGS).unwrap_or(0);
                let spent = data.u64(QUOTA_CONSUMED) >= data.u64(QUOTA_BYTES);
                read.is_over = flags & QUOTA_DEPLETED != 0 || spent;
            }
            Some("limit") => read.rate = data.u64(LIMIT_RATE).unwrap_or(0),
            _ => {}
        }
    }
    Some(read)
}

fn read_comment(bytes: &[u8]) -> Option<(i64, i64, Mac)> {
    let text = bytes.strip_prefix(&[COMMENT])?.get(1..)?.strip_suffix(&[0])?;
    let mut words = std::str::from_utf8(text).ok()?.split(' ');
    let mut number = |name| (words.next()? == name).then(|| words.next())?;
    let (session, voucher) = (number("session")?.parse().ok()?, number("voucher")?.parse().ok()?);
    Some((session, voucher, words.next()?.parse().ok()?))
}
