//! Netlink messages: writing batches, reading answers (linux/netlink.h, nfnetlink.h).

/// `NFNL_SUBSYS_NFTABLES`.
pub(super) const NFTABLES: u16 = 10;
/// `NFNL_SUBSYS_CTNETLINK`.
const CTNETLINK: u16 = 1;
/// `NLMSG_ERROR`: an error, or with code 0 an acknowledgement.
const ERROR: u16 = 2;
/// `NLMSG_DONE`: a dump has ended.
const DONE: u16 = 3;
/// `NFNL_MSG_BATCH_BEGIN` and `_END`.
const BATCH_BEGIN: u16 = 16;
const BATCH_END: u16 = 17;

/// `NLM_F_*`.
pub(super) const REQUEST: u16 = 0x1;
pub(super) const ACK: u16 = 0x4;
pub(super) const DUMP: u16 = 0x300;
pub(super) const CREATE: u16 = 0x400;
const DUMP_INTERRUPTED: u16 = 0x10;

/// `NLA_F_NESTED`, and the bits of an attribute's type that are the type.
const NESTED: u16 = 0x8000;
const TYPE: u16 = 0x3fff;

const HEADER: usize = 16;

/// Messages to be sent in one go.
#[derive(Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    sequence: u32,
}

impl Writer {
    /// Numbers its messages from `sequence` on.
    pub(super) fn starting_at(sequence: u32) -> Self {
        Self { bytes: Vec::new(), sequence }
    }

    /// The whole, and the number of the next message.
    pub(super) fn finish(self) -> (Vec<u8>, u32) {
        (self.bytes, self.sequence)
    }

    /// Adds an nftables message of this kind for this address family (`NFPROTO_*`).
    pub(super) fn nftables(
        &mut self,
        kind: u16,
        family: u8,
        flags: u16,
        attributes: impl FnOnce(&mut Self),
    ) {
        self.message(NFTABLES << 8 | kind, flags, family, 0, attributes);
    }

    /// Adds a message to connection tracking of this kind for this address family.
    pub(super) fn conntrack(
        &mut self,
        kind: u16,
        family: u8,
        flags: u16,
        attributes: impl FnOnce(&mut Self),
    ) {
        self.message(CTNETLINK << 8 | kind, flags, family, 0, attributes);
    }

    /// Opens a transaction: all of it is done, or nothing.
    pub(super) fn begin_batch(&mut self) {
        self.message(BATCH_BEGIN, REQUEST, 0, NFTABLES, |_| {});
    }

    /// Closes a transaction.
    pub(super) fn end_batch(&mut self) {
        self.message(BATCH_END, REQUEST, 0, NFTABLES, |_| {});
    }

    fn message(
        &mut self,
        kind: u16,
        flags: u16,
        family: u8,
        resource: u16,
        attributes: impl FnOnce(&mut Self),
    ) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(&(REQUEST | flags).to_ne_bytes());
        self.bytes.extend_from_slice(&self.sequence.to_ne_bytes());
        self.bytes.extend_from_slice(&[0; 4]);
        // struct nfgenmsg
        self.bytes.extend_from_slice(&[family, 0]);
        self.bytes.extend_from_slice(&resource.to_be_bytes());
        attributes(self);
        let length = u32::try_from(self.bytes.len() - start).unwrap_or(u32::MAX);
        self.patch(start, &length.to_ne_bytes());
        self.sequence = self.sequence.wrapping_add(1);
    }

    /// Adds an attribute with these bytes.
    pub(super) fn bytes(&mut self, kind: u16, value: &[u8]) {
        let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(value);
        self.pad();
    }

    /// Adds attributes as the kernel wrote them.
    pub(super) fn raw(&mut self, attributes: &[u8]) {
        self.bytes.extend_from_slice(attributes);
        self.pad();
    }

    /// Adds a text, ended by a zero.
    pub(super) fn text(&mut self, kind: u16, value: &str) {
        let mut bytes = value.as_bytes().to_vec();
        bytes.push(0);
        self.bytes(kind, &bytes);
    }

    /// Adds a number in network byte order, as nftables wants all of them.
    pub(super) fn u32(&mut self, kind: u16, value: u32) {
        self.bytes(kind, &value.to_be_bytes());
    }

    /// Adds a number in network byte order.
    pub(super) fn u64(&mut self, kind: u16, value: u64) {
        self.bytes(kind, &value.to_be_bytes());
    }

    /// Adds an attribute that holds others; they must stay below 64 KB together.
    pub(super) fn nested(&mut self, kind: u16, inside: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 2]);
        self.bytes.extend_from_slice(&(kind | NESTED).to_ne_bytes());
        inside(self);
        let length = u16::try_from(self.bytes.len() - start).unwrap_or(u16::MAX);
        self.patch(start, &length.to_ne_bytes());
        self.pad();
    }

    fn pad(&mut self) {
        while !self.bytes.len().is_multiple_of(4) {
            self.bytes.push(0);
        }
    }

    fn patch(&mut self, at: usize, value: &[u8]) {
        if let Some(place) = self.bytes.get_mut(at..at + value.len()) {
            place.copy_from_slice(value);
        }
    }
}

/// A message from the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer<'a> {
    /// An acknowledgement, or an error by its number (`errno`).
    Outcome {
        /// 0 is success.
        errno: i32,
        /// The message it answers.
        sequence: u32,
    },
    /// A dump has ended.
    Done {
        /// 0 is success.
        errno: i32,
    },
    /// Anything else.
    Data {
        /// `nlmsg_type`.
        kind: u16,
        /// What has been dumped has changed meanwhile.
        interrupted: bool,
        /// What follows `struct nfgenmsg`.
        attributes: Attributes<'a>,
    },
}

/// Reads the messages of one datagram; ends at the first that makes no sense.
pub(super) fn answers(mut datagram: &[u8]) -> impl Iterator<Item = Answer<'_>> {
    std::iter::from_fn(move || {
        let length = u32_at(datagram, 0)? as usize;
        let message = datagram.get(HEADER..length)?;
        let (kind, flags) = (u16_at(datagram, 4)?, u16_at(datagram, 6)?);
        let sequence = u32_at(datagram, 8)?;
        let aligned = length.next_multiple_of(4).min(datagram.len());
        datagram = datagram.get(aligned..)?;
        let errno = || u32_at(message, 0).map_or(0, |code| (code as i32).wrapping_neg());
        Some(match kind {
            ERROR => Answer::Outcome { errno: errno(), sequence },
            DONE => Answer::Done { errno: errno() },
            kind => Answer::Data {
                kind,
                interrupted: flags & DUMP_INTERRUPTED != 0,
                attributes: Attributes(message.get(4..).unwrap_or_default()),
            },
        })
    })
}

/// Attributes one after the other; ends at the first that makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attributes<'a>(pub(super) &'a [u8]);

impl<'a> Attributes<'a> {
    /// The first attribute of this type.
    pub(super) fn get(self, kind: u16) -> Option<&'a [u8]> {
        let mut attributes = self;
        attributes.find(|(found, _)| *found == kind).map(|(_, value)| value)
    }

    /// The attributes inside the first one of this type; none where there is no such.
    pub(super) fn inside(self, kind: u16) -> Self {
        Self(self.get(kind).unwrap_or_default())
    }

    /// A number in network byte order.
    pub(super) fn u64(self, kind: u16) -> Option<u64> {
        self.get(kind)?.try_into().ok().map(u64::from_be_bytes)
    }

    /// A number in network byte order.
    pub(super) fn u32(self, kind: u16) -> Option<u32> {
        self.get(kind)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// A text without its closing zero.
    pub(super) fn text(self, kind: u16) -> Option<&'a str> {
        let bytes = self.get(kind)?;
        std::str::from_utf8(bytes.strip_suffix(&[0]).unwrap_or(bytes)).ok()
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let length = usize::from(u16_at(self.0, 0)?);
        let kind = u16_at(self.0, 2)? & TYPE;
        let value = self.0.get(4..length)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_ne_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
}
