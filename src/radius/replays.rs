//! Access-Requests of the past, so that nobody who recorded one has it decided again.
//!
//! A Request Authenticator is unpredictable and unique over the lifetime of the shared secret
//! (RFC 2865 section 3), so an Access-Request that repeats is either a retransmission, which
//! [`DuplicateCache`](super::duplicate_cache::DuplicateCache) answers while its answer is kept, or a replay: sent by
//! somebody who needs no secret for it. Deciding a replay would sign a device in that has left,
//! throw out who took its place, or count as one more wrong guess of the recorded device.
//!
//! What makes two requests the same:
//! - Where Message-Authenticator is required, all octets: it covers every one of them, so a replay
//!   cannot differ. The authenticator alone would be enough by the RFC, but clients with broken
//!   random numbers exist, and two guests of theirs are to be told apart.
//! - Where it is not required, the authenticator and the attributes that prove the password. Any
//!   other attribute can be changed, and Message-Authenticator removed. User-Name is left out: one
//!   voucher may be written in many ways. User-Password is bound to the authenticator, as is
//!   CHAP-Password without CHAP-Challenge. With a challenge of its own, CHAP and MS-CHAP are bound
//!   to the challenge only, and a replay with another authenticator passes: a challenge cannot be
//!   used in place of the authenticator, since a captive portal keeps one for several attempts of
//!   the same guest. A request without a password proves nothing and can be made up by anybody.
//!
//! Accounting-Requests are left out: their authenticator is a digest and repeats with their content,
//! as Accounting-On does after every start. The sessions themselves tell a repeated report.
//!
//! Nothing survives a restart of the daemon.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use super::attributes::AttributeView;
use super::clients::Section;
use super::packet::Packet;
use crate::config::MessageAuthenticator;
use crate::policy::dictionary as dict;

/// Requests remembered of one client section: some 100 KB, and days of sign-ins.
const EACH: usize = 4096;
/// Requests remembered of all client sections together.
const TOTAL: usize = 4 * EACH;

/// A request as it is remembered: a keyed hash (SipHash) whose collisions nobody can look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Fingerprint(u64);

/// An Access-Request that was new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remembered {
    client: Arc<str>,
    fingerprint: Fingerprint,
}

/// The latest Access-Requests of every client section.
#[derive(Default)]
pub(super) struct Replays {
    /// By the name of the section; one that is gone keeps its memory, since its name may return.
    clients: HashMap<Arc<str>, Recent>,
    total: usize,
    hasher: RandomState,
}

#[derive(Default)]
struct Recent {
    known: HashSet<Fingerprint>,
    /// The oldest first; the same as in `known`.
    order: VecDeque<Fingerprint>,
}

impl Replays {
    /// Remembers an Access-Request; `None` where it has come before, to any client section: two of
    /// them may share a secret.
    pub(super) fn remember(&mut self, section: &Section, packet: &Packet) -> Option<Remembered> {
        let fingerprint = self.fingerprint(section, packet);
        if self.clients.values().any(|it| it.known.contains(&fingerprint)) {
            return None;
        }
        let client = section.name.clone();
        let recent = self.clients.entry(client.clone()).or_default();
        recent.known.insert(fingerprint);
        recent.order.push_back(fingerprint);
        self.total += 1;
        if recent.order.len() > EACH {
            self.forget_oldest(&client);
        }
        if self.total > TOTAL {
            self.forget_of_greediest();
        }
        Some(Remembered { client, fingerprint })
    }

    /// A request got no answer: when it comes again it is to be decided.
    pub(super) fn forget(&mut self, remembered: &Remembered) {
        let Remembered { client, fingerprint } = remembered;
        let Some(recent) = self.clients.get_mut(client) else { return };
        if recent.known.remove(fingerprint) {
            // It is one of the latest.
            if let Some(at) = recent.order.iter().rposition(|it| it == fingerprint) {
                recent.order.remove(at);
            }
            self.total -= 1;
        }
    }

    fn fingerprint(&self, section: &Section, packet: &Packet) -> Fingerprint {
        let proofs = match section.client.require_message_authenticator {
            MessageAuthenticator::Required => Vec::new(),
            MessageAuthenticator::BesideProxyState | MessageAuthenticator::Optional => {
                proofs(packet)
            }
        };
        Fingerprint(match proofs.as_slice() {
            [] => self.hasher.hash_one(packet.bytes()),
            proofs => self.hasher.hash_one((packet.authenticator, proofs)),
        })
    }

    fn forget_of_greediest(&mut self) {
        let greediest = self.clients.iter().max_by_key(|(_, it)| it.order.len());
        if let Some(client) = greediest.map(|(client, _)| client.clone()) {
            self.forget_oldest(&client);
        }
    }

    fn forget_oldest(&mut self, client: &Arc<str>) {
        let Some(recent) = self.clients.get_mut(client) else { return };
        if let Some(oldest) = recent.order.pop_front() {
            recent.known.remove(&oldest);
            self.total -= 1;
        }
        if recent.order.is_empty() {
            self.clients.remove(client);
        }
    }
}

/// The attributes that prove a password: as [`access`](super::request::access) reads them, the first
/// of each kind.
fn proofs(packet: &Packet) -> Vec<&[u8]> {
    let fields = AttributeView::of(packet);
    let kinds =
        [dict::USER_PASSWORD, dict::CHAP_PASSWORD, dict::MS_CHAP_RESPONSE, dict::MS_CHAP2_RESPONSE];
    kinds.into_iter().filter_map(|kind| fields.octets(kind)).collect()
}

#[cfg(test)]
mod tests;
