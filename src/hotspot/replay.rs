//! Which reports are older than they look: whoever hears them without knowing the secret can send
//! them again, to the bit (RFC 2866 has nothing against that).
//!
//! What tells is Event-Timestamp (RFC 2869 section 5.3), compared with others of the same access
//! point only, however wrong its clock is, and whether somebody has just been let in.

use std::time::Duration;

use super::radius_messages::Report;
use crate::domain::time::Timestamp;

/// Two reports of one moment may be this far apart.
pub(super) const SAME_MOMENT: Duration = Duration::from_secs(2);

/// Whether a beginning that has the number of a session we know is another session's.
///
/// `known` is the Event-Timestamp of that one's beginning where it is open, of its latest report
/// where it has ended. Without stamps, and where the access point's clock was set back, somebody
/// must have been let in for it: an access point that counts anew has lost its guests and asks for
/// each again. Some access points renew Event-Timestamp when they send a report again, and say by
/// Acct-Delay-Time how long ago it was.
pub(super) fn begins_another(
    report: &Report,
    known: Option<Timestamp>,
    place_is_kept: bool,
) -> bool {
    let (Some(stamp), Some(known)) = (report.stamp, known) else { return place_is_kept };
    let earliest = stamp.plus(-whole_seconds(report.delay));
    if is_after(earliest, known) {
        return true;
    }
    (is_after(stamp, known) || is_after(known, stamp)) && place_is_kept
}

/// Whether a Start of an open session is older than reports that were counted since that session began:
/// it was sent again, or has come late.
pub(super) fn is_overtaken(
    report: &Report,
    began: Option<Timestamp>,
    latest: Option<Timestamp>,
) -> bool {
    let (Some(stamp), Some(latest)) = (report.stamp, latest) else { return false };
    let earliest = stamp.plus(-whole_seconds(report.delay));
    // Of before the session: the clock was set back, or somebody's earlier session is sent again.
    !is_after(earliest, latest) && !ends_an_earlier_one(Some(stamp), began)
}

/// Whether the end of a session was reported before this one of the same number began.
pub(super) fn ends_an_earlier_one(stamp: Option<Timestamp>, began: Option<Timestamp>) -> bool {
    matches!((stamp, began), (Some(stamp), Some(began)) if is_after(began, stamp))
}

pub(super) fn is_after(later: Timestamp, earlier: Timestamp) -> bool {
    later.unix().saturating_sub(earlier.unix()) > whole_seconds(SAME_MOMENT)
}

pub(super) fn whole_seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hotspot::radius_messages::Event;
    use crate::hotspot::tests::nas_sessions::report;

    fn at(seconds: i64) -> Option<Timestamp> {
        Some(Timestamp::from_unix(seconds))
    }

    #[test]
    fn a_beginning_is_another_ones_where_it_is_later_or_somebody_was_let_in() {
        let another = |stamp, known, is_let_in| {
            let start = Report { stamp, ..report(Event::Start, "a", 1, 0, 0) };
            begins_another(&start, known, is_let_in)
        };
        assert!(another(at(103), at(100), false));
        assert!(!another(at(102), at(100), true));
        assert!(!another(at(100), at(102), true));
        assert!(!another(at(50), at(100), false));
        assert!(another(at(50), at(100), true));
        for (stamp, known) in [(None, None), (at(1), None), (None, at(1))] {
            assert!(another(stamp, known, true));
            assert!(!another(stamp, known, false));
        }
        // Sent again with both stamps renewed.
        let delay = Duration::from_secs(7);
        let again = Report { stamp: at(107), delay, ..report(Event::Start, "a", 1, 0, 0) };
        assert!(!begins_another(&again, at(100), false));
    }
}
