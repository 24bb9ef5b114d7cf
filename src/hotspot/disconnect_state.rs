//! Whether an access point does as it is told.

use std::time::Duration;

use super::radius_messages::Outcome;
use crate::domain::session::TerminateCause;
use crate::policy::dictionary::ERROR_CAUSE;
use crate::policy::name_of;

/// How things stand between us and the access point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It goes on.
    Open,
    /// The access point was told to end it.
    Asked(TerminateCause),
    /// It was, and would not or did not, at this moment of the boot clock.
    Stays(TerminateCause, Outcome, Duration),
}

impl Standing {
    /// What an operator has to know who wonders why a session goes on.
    pub(super) fn trouble(self) -> Option<String> {
        Some(match self {
            Self::Open => return None,
            Self::Asked(cause) => format!("told to end it ({cause})"),
            Self::Stays(cause, Outcome::Silent, _) => {
                format!("does not answer when told to end it ({cause})")
            }
            Self::Stays(cause, Outcome::Unsent, _) => {
                format!("is told to end it ({cause}) once others have answered")
            }
            Self::Stays(cause, Outcome::Unknown, _) => {
                format!("cannot be told to end it ({cause}): it has no client section")
            }
            Self::Stays(cause, Outcome::Refused(Some(why)), _) => {
                format!("refuses to end it ({cause}): {}", error_cause(why))
            }
            Self::Stays(cause, Outcome::Refused(None) | Outcome::Done, _) => {
                format!("refuses to end it ({cause})")
            }
        })
    }
}

pub(super) fn error_cause(number: u32) -> String {
    name_of(ERROR_CAUSE, number).map_or_else(|| format!("Error-Cause {number}"), str::to_owned)
}
