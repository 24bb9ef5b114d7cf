//! What is asked about users and groups.

use serde::{Deserialize, Serialize};

/// A question or a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyAsk {
    /// Every user who has rows or a group, as [`Tell::User`](super::Tell::User) rows.
    Users,
    /// Every group, as [`Tell::Group`](super::Tell::Group) rows.
    Groups,
    /// What is written down of one, as [`Tell::Rule`](super::Tell::Rule) rows.
    Show {
        /// Of whom.
        who: Who,
        /// Whether passwords are shown.
        reveal: bool,
    },
    /// Add rows, all or none; answered by a text, like the changes below.
    Add {
        /// To whom.
        who: Who,
        /// To which list.
        list: ListName,
        /// As typed: `Max-Daily-Session := 3600`.
        rows: Vec<String>,
    },
    /// Remove rows, all or none.
    Unset {
        /// From whom.
        who: Who,
        /// Attributes, or ids as `Show` gives them.
        which: Vec<String>,
    },
    /// Put a user into a group; where that has no rows, a [`Tell::Hint`](super::Tell::Hint) says so.
    Join {
        /// Who.
        username: String,
        /// Where.
        group: String,
        /// The lowest number comes first; as it was, or 1, where none is given.
        priority: Option<i64>,
    },
    /// Take a user out of a group.
    Leave {
        /// Who.
        username: String,
        /// Out of what.
        group: String,
    },
    /// Remove everything of one.
    Remove(Who),
}

/// Whom it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// The user of this name.
    User(String),
    /// The group of this name.
    Group(String),
}

/// One of the two lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListName {
    /// What has to hold, and what the server is to know.
    Check,
    /// What is sent.
    Reply,
}
