//! Requests that come twice (RFC 5080 section 2.2.2): while the first is under way the second is
//! dropped, and afterwards it gets the same answer, byte for byte.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::socket::Route;

/// How long an answer is kept: access points give up earlier.
const KEEP: Duration = Duration::from_secs(30);
/// Requests remembered at most. Just so many that a hash table of 8,192 places, with those that have
/// been removed from it, is cleaned and does not grow: half a megabyte each.
const ENTRIES: usize = 3500;
/// Octets of answers kept at most.
const OCTETS: usize = 1 << 20;

/// What an access point may not use for two requests at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) route: Route,
    pub(super) code: u8,
    pub(super) identifier: u8,
}

/// A request that was let in; its answer comes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RequestId {
    key: Key,
    number: u32,
}

/// How far a request has got that came before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It is being worked at.
    UnderWay,
    /// This was the answer.
    Answered(Arc<[u8]>),
}

/// Requests of the last half minute. The oldest are forgotten where there are too many.
#[derive(Default)]
pub(super) struct DuplicateCache {
    entries: HashMap<Key, Entry>,
    /// The latest with these octets.
    by_fingerprint: HashMap<u64, Key>,
    /// In the order in which they came; those that were replaced or forgotten since are still here.
    order: VecDeque<(Duration, RequestId)>,
    octets: usize,
    last: u32,
    hasher: RandomState,
}

struct Entry {
    number: u32,
    /// Of all bytes, so that a request that only looks like an earlier one is no duplicate.
    fingerprint: u64,
    answer: Option<Arc<[u8]>>,
}

impl Entry {
    fn found(&self) -> Found {
        match &self.answer {
            None => Found::UnderWay,
            Some(answer) => Found::Answered(answer.clone()),
        }
    }
}

impl DuplicateCache {
    /// The same request, octet by octet, that came the same way.
    pub(super) fn find(&mut self, key: &Key, bytes: &[u8], now: Duration) -> Option<Found> {
        self.forget_old(now);
        let fingerprint = self.hasher.hash_one(bytes);
        self.entries.get(key).filter(|it| it.fingerprint == fingerprint).map(Entry::found)
    }

    /// The same request, octet by octet, that came from any port of this address.
    pub(super) fn find_from(&self, peer: IpAddr, bytes: &[u8]) -> Option<Found> {
        let key = self.by_fingerprint.get(&self.hasher.hash_one(bytes))?;
        self.entries.get(key).filter(|_| key.route.peer.ip() == peer).map(Entry::found)
    }

    /// Remembers a request that is new. One with the same identifier and other bytes takes the place
    /// of the former: whoever sent that has given it up.
    pub(super) fn admit(&mut self, key: Key, bytes: &[u8], now: Duration) -> RequestId {
        let fingerprint = self.hasher.hash_one(bytes);
        self.last = self.last.wrapping_add(1);
        let ticket = RequestId { key, number: self.last };
        self.forget_key(&key);
        self.entries.insert(key, Entry { number: ticket.number, fingerprint, answer: None });
        self.by_fingerprint.insert(fingerprint, key);
        self.order.push_back((now, ticket));
        ticket
    }

    /// Keeps the answer to a request. `false` where a newer request has taken its place: nobody
    /// waits for the answer any more.
    pub(super) fn answer(&mut self, ticket: RequestId, answer: &Arc<[u8]>) -> bool {
        let Some(entry) = self.entries.get_mut(&ticket.key) else { return true };
        if entry.number != ticket.number {
            return false;
        }
        if entry.answer.replace(answer.clone()).is_none() {
            self.octets += answer.len();
        }
        true
    }

    /// A request gets no answer: when it comes again it is new.
    pub(super) fn forget(&mut self, ticket: RequestId) {
        if self.entries.get(&ticket.key).is_some_and(|entry| entry.number == ticket.number) {
            self.forget_key(&ticket.key);
        }
    }

    fn forget_key(&mut self, key: &Key) {
        let Some(Entry { fingerprint, answer, .. }) = self.entries.remove(key) else { return };
        if self.by_fingerprint.get(&fingerprint) == Some(key) {
            self.by_fingerprint.remove(&fingerprint);
        }
        self.octets -= answer.map_or(0, |answer| answer.len());
    }

    fn forget_old(&mut self, now: Duration) {
        while let Some((at, ticket)) = self.order.front().copied()
            && (at + KEEP <= now || self.order.len() >= ENTRIES || self.octets > OCTETS)
        {
            self.forget(ticket);
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::radius::socket::tests::route;

    const START: Duration = Duration::from_secs(1000);

    fn key(port: u16, identifier: u8) -> Key {
        Key { route: route(port), code: 1, identifier }
    }

    fn new(replies: &mut DuplicateCache, key: Key, bytes: &[u8], now: Duration) -> RequestId {
        assert_eq!(replies.find(&key, bytes, now), None);
        replies.admit(key, bytes, now)
    }

    fn bytes(text: &str) -> Arc<[u8]> {
        text.as_bytes().into()
    }

    #[test]
    fn the_second_is_dropped_and_later_answered_alike() {
        let mut replies = DuplicateCache::default();
        let ticket = new(&mut replies, key(1, 7), b"ask", START);
        assert_eq!(replies.find(&key(1, 7), b"ask", START), Some(Found::UnderWay));
        assert!(replies.answer(ticket, &bytes("yes")));
        assert_eq!(replies.find(&key(1, 7), b"ask", START), Some(Found::Answered(bytes("yes"))));
        // Whatever differs is another request.
        let other_code = Key { code: 4, ..key(1, 7) };
        for other in [key(2, 7), key(1, 8), other_code] {
            new(&mut replies, other, b"ask", START);
        }
        let late = START + KEEP;
        new(&mut replies, key(1, 7), b"ask", late);
    }

    #[test]
    fn a_new_request_with_an_old_identifier_takes_its_place() {
        let mut replies = DuplicateCache::default();
        let old = new(&mut replies, key(1, 7), b"old", START);
        let newer = new(&mut replies, key(1, 7), b"new", START);
        assert!(!replies.answer(old, &bytes("too late")));
        replies.forget(old);
        assert_eq!(replies.find(&key(1, 7), b"new", START), Some(Found::UnderWay));
        assert!(replies.answer(newer, &bytes("yes")));
        assert_eq!(replies.find(&key(1, 7), b"new", START), Some(Found::Answered(bytes("yes"))));
        // And an answered one is replaced as well.
        new(&mut replies, key(1, 7), b"old", START);
        assert_eq!(replies.octets, 0);
    }

    #[test]
    fn what_gets_no_answer_may_come_again() {
        let mut replies = DuplicateCache::default();
        let ticket = new(&mut replies, key(1, 7), b"ask", START);
        replies.forget(ticket);
        new(&mut replies, key(1, 7), b"ask", START);
    }

    #[test]
    fn neither_entries_nor_octets_grow_without_end() {
        let mut replies = DuplicateCache::default();
        let first = new(&mut replies, key(1, 0), b"first", START);
        for round in 0..3 * ENTRIES {
            let ticket = new(&mut replies, key(2, 0), &round.to_ne_bytes(), START);
            replies.answer(ticket, &bytes("a"));
        }
        assert!(replies.order.len() <= ENTRIES && replies.entries.len() == 1);
        assert_eq!(replies.octets, 1);
        // The answer of a request that was pushed out goes where it belongs all the same.
        assert!(replies.answer(first, &bytes("yes")));
        let long: Arc<[u8]> = vec![0; 4096].into();
        for port in 0..1024 {
            let ticket = new(&mut replies, key(port, 1), b"x", START);
            replies.answer(ticket, &long);
            assert!(replies.octets <= OCTETS + long.len());
        }
        new(&mut replies, key(0, 2), b"x", START + KEEP);
        assert_eq!((replies.octets, replies.order.len(), replies.entries.len()), (0, 1, 1));
    }
}
