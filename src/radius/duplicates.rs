//! Whether a request came before: what of it is retransmission, and what replay.

use std::sync::Arc;
use std::time::Duration;

use super::clients::Section;
use super::duplicate_cache::{DuplicateCache, Found, Key, RequestId};
use super::packet::{Code, Packet};
use super::replays::{Remembered, Replays};
use super::socket::Route;

/// What is known of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It is new.
    New(Admitted),
    /// It is being worked at.
    UnderWay,
    /// This was the answer.
    Answered(Arc<[u8]>),
    /// It was decided before, and its answer is not kept any more.
    Replayed,
}

/// A request that is to be decided; its answer comes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Admitted {
    ticket: RequestId,
    /// Accounting-Request and Status-Server may repeat.
    remembered: Option<Remembered>,
}

/// The requests of the past.
#[derive(Default)]
pub(super) struct Duplicates {
    replies: DuplicateCache,
    replays: Replays,
}

impl Duplicates {
    /// Looks a request up, and remembers it where it is new. A replay leaves no trace: it must not
    /// take the place of a request under way with the same identifier.
    pub(super) fn admit(
        &mut self,
        section: &Section,
        packet: &Packet,
        route: Route,
        now: Duration,
    ) -> Seen {
        let key = Key { route, code: packet.code.number(), identifier: packet.identifier };
        let is_access = packet.code == Code::AccessRequest;
        let found = self.replies.find(&key, packet.bytes(), now);
        // Some clients retransmit from another port. No other Access-Request has the same octets.
        let moved = || self.replies.find_from(route.peer.ip(), packet.bytes());
        match found.or_else(|| is_access.then(moved).flatten()) {
            Some(Found::UnderWay) => return Seen::UnderWay,
            Some(Found::Answered(answer)) => return Seen::Answered(answer),
            None => {}
        }
        let remembered = is_access.then(|| self.replays.remember(section, packet));
        match remembered {
            Some(None) => Seen::Replayed,
            remembered => Seen::New(Admitted {
                ticket: self.replies.admit(key, packet.bytes(), now),
                remembered: remembered.flatten(),
            }),
        }
    }

    /// Keeps the answer to a request. `false` where a newer request has taken its place: nobody
    /// waits for the answer any more.
    pub(super) fn answer(&mut self, admitted: &Admitted, answer: &Arc<[u8]>) -> bool {
        self.replies.answer(admitted.ticket, answer)
    }

    /// A request gets no answer: when it comes again it is new.
    pub(super) fn forget(&mut self, admitted: &Admitted) {
        self.replies.forget(admitted.ticket);
        if let Some(remembered) = &admitted.remembered {
            self.replays.forget(remembered);
        }
    }
}
