//! What the operator writes down of users and groups.

use std::fmt;

use super::{AfterCommit, Hotspot, Reply, send};
use crate::domain::list::{Entry, Page};
use crate::domain::rule::{GroupName, GroupSummary, Line, Membership, Rules, Subject, UserSummary};
use crate::domain::secret::Secret;
use crate::domain::session::TerminateCause;
use crate::domain::time::Now;
use crate::domain::voucher::Username;
use crate::policy::{List, Row, Value};
use crate::store::StoreError;

/// Rows of a user or a group in one list at most: every login reads them.
const ROWS: usize = 64;
/// Groups of a user at most.
const GROUPS: usize = 32;

/// A row that makes sense, as it will be written down.
#[derive(Clone, PartialEq, Eq)]
pub struct Draft(Line);

impl Draft {
    /// Reads a row as it is typed.
    ///
    /// # Errors
    /// What is wrong with it, or why it could never match: a sentence for the operator.
    pub fn parse(list: List, text: &str) -> Result<Self, String> {
        let (attribute, operator, value) = Row::parse_line(list, text)?;
        Self::check(list, Line { attribute, operator, value }).map(|(draft, _)| draft)
    }

    /// The row that gives somebody a password.
    ///
    /// # Errors
    /// What is wrong with the password, in a sentence that does not repeat it.
    pub fn password(password: &Secret) -> Result<Self, String> {
        let plain = password.reveal();
        // Quotes around a value belong to the row, not to the password.
        let quoted = format!("\"{}\"", plain.replace('\\', "\\\\").replace('"', "\\\""));
        for value in [plain.to_owned(), quoted] {
            let (attribute, operator) = ("Cleartext-Password".to_owned(), ":=".to_owned());
            match Self::check(List::Check, Line { attribute, operator, value }) {
                Ok((draft, Value::Text(text))) if text == plain => return Ok(draft),
                _ => {}
            }
        }
        Err("this password cannot be written down: use letters, digits and marks, at most 128 bytes"
            .to_owned())
    }

    fn check(list: List, line: Line) -> Result<(Self, Value), String> {
        line.fits()?;
        let row = Row::parse(list, &line.attribute, &line.operator, &line.value)?;
        let attribute = match row.tag {
            0 => row.attribute.name().to_owned(),
            tag => format!("{}:{tag}", row.attribute.name()),
        };
        Ok((Self(Line { attribute, ..line }), row.value))
    }
}

/// Changes of what is written down.
pub enum Change {
    /// Adds rows, all or none. One that sets an attribute with `:=` takes the place of an earlier
    /// one that did.
    Add {
        /// Whose.
        subject: Subject,
        /// In which list.
        list: List,
        /// The rows.
        drafts: Vec<Draft>,
        /// What became of them.
        reply: Reply<Result<Added, Refused>>,
    },
    /// Gives a user a password, and takes away every other one.
    SetPassword {
        /// Who; need not exist yet.
        username: Username,
        /// By [`Draft::password`].
        draft: Draft,
        /// Whether there was a password before.
        reply: Reply<Result<bool, Refused>>,
    },
    /// Removes rows, all or none.
    Unset {
        /// Whose.
        subject: Subject,
        /// Which.
        which: Vec<Which>,
        /// How many there were.
        reply: Reply<Result<usize, Refused>>,
    },
    /// Puts a user into a group.
    Join {
        /// Who; need not exist yet.
        username: Username,
        /// Where; need not have rows.
        group: GroupName,
        /// The lowest number comes first; what it was, or 1, where none is given.
        priority: Option<i64>,
        /// With which priority, and whether the group has rows.
        reply: Reply<Result<Joined, Refused>>,
    },
    /// Takes a user out of a group.
    Leave {
        /// Who.
        username: Username,
        /// Out of what.
        group: GroupName,
        /// Whether they were in it.
        reply: Reply<bool>,
    },
    /// Removes a user with their rows and memberships, or a group with its own.
    Remove {
        /// Which.
        subject: Subject,
        /// How many rows and memberships there were; 0 and 0 where there was nothing.
        reply: Reply<(usize, usize)>,
    },
}

/// Questions about what is written down.
pub enum Question {
    /// Users whose folded names come after this one, so many at most.
    Users(String, u32, Reply<Vec<UserSummary>>),
    /// Groups whose names come after this one, so many at most.
    Groups(String, u32, Reply<Vec<GroupSummary>>),
    /// The rows of a user or group; `None` where nothing is known under that name. A voucher makes
    /// a user known.
    Rules(Subject, Reply<Option<Rules>>),
    /// The groups of a user, in the order in which they apply.
    GroupsOf(Username, Reply<Vec<Membership>>),
    /// A page of a group's members.
    Members(GroupName, Page, Reply<Vec<Entry<Membership>>>),
}

/// A row that is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one with this id in this list.
    Id(List, i64),
    /// Every one of this attribute, in both lists.
    Attribute(String),
}

/// What became of rows that were to be added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// So many are new.
    pub new: usize,
    /// So many took the place of an earlier one.
    pub replaced: usize,
}

/// A user is in a group now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined {
    /// With this priority.
    pub priority: i64,
    /// Whether the group has rows.
    pub has_rules: bool,
}

/// Why something was not written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There would be too many rows in a list.
    TooManyRows,
    /// The user would be in too many groups.
    TooManyGroups,
    /// There is no such row.
    NoSuchRow(Which),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyRows => {
                write!(f, "there may be {ROWS} rows in a list; 'unset' some, or use groups")
            }
            Self::TooManyGroups => {
                write!(f, "a user may be in {GROUPS} groups; 'hotspotd user leave' some")
            }
            Self::NoSuchRow(Which::Attribute(name)) => write!(f, "there is no row of '{name}'"),
            Self::NoSuchRow(Which::Id(..)) => f.write_str("there is no row with this id"),
        }
    }
}

impl Hotspot {
    pub(super) fn change_policy(&mut self, change: Change, now: Now) -> AfterCommit {
        match change {
            Change::Add { subject, list, drafts, reply } => {
                let added = self.unless_full(|it| it.add_rules(&subject, list, &drafts));
                self.answer(reply, added)
            }
            Change::SetPassword { username, draft, reply } => {
                let set = self.unless_full(|it| it.set_password(username, &draft));
                self.answer(reply, set)
            }
            Change::Unset { subject, which, reply } => {
                let unset = self.store.attempt(|| self.unset(&subject, &which));
                self.answer(reply, unset)
            }
            Change::Join { username, group, priority, reply } => {
                let joined = self.unless_full(|it| it.join(&username, &group, priority));
                self.answer(reply, joined)
            }
            Change::Leave { username, group, reply } => {
                let left = self.store.attempt(|| self.store.leave(&username, &group));
                self.answer(reply, left)
            }
            Change::Remove { subject, reply } => self.remove_subject(&subject, reply, now),
        }
    }

    pub(super) fn tell_policy(&mut self, question: Question) {
        match question {
            Question::Users(after, limit, reply) => {
                self.tell(reply, |it| it.store.users(&after, limit));
            }
            Question::Groups(after, limit, reply) => {
                self.tell(reply, |it| it.store.group_list(&after, limit));
            }
            Question::Rules(subject, reply) => self.tell(reply, |it| {
                let known = it.store.is_known(&subject)?;
                known.then(|| it.store.rules(&subject)).transpose()
            }),
            Question::GroupsOf(username, reply) => {
                self.tell(reply, |it| it.store.groups(&username));
            }
            Question::Members(group, page, reply) => {
                self.tell(reply, |it| it.store.members(&group, page));
            }
        }
    }

    /// The last blocks of a disk are kept for what must not fail.
    fn unless_full<T>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.short_of_space() {
            return Err(StoreError::DiskFull);
        }
        self.store.attempt(|| work(self))
    }

    fn add_rules(
        &self,
        subject: &Subject,
        list: List,
        drafts: &[Draft],
    ) -> Result<Result<Added, Refused>, StoreError> {
        let Rules { check, reply } = self.store.rules(subject)?;
        let present = if list == List::Check { check } else { reply };
        let kept = |it: &Entry<Line>| Place { id: Some(it.id), line: it.value.clone(), new: false };
        let mut places: Vec<Place> = present.iter().map(kept).collect();
        for Draft(line) in drafts {
            // Of several that were written by other programs, the last one is in force.
            match places.iter_mut().rfind(|place| line.replaces(&place.line)) {
                Some(place) => (place.line, place.new) = (line.clone(), true),
                None => places.push(Place { id: None, line: line.clone(), new: true }),
            }
        }
        if places.len() > ROWS {
            return Ok(Err(Refused::TooManyRows));
        }
        let mut added = Added::default();
        for Place { id, line, .. } in places.iter().filter(|place| place.new) {
            if let Some(id) = id {
                self.store.update_rule(subject, list, *id, &line.value)?;
                added.replaced += 1;
            } else {
                self.store.insert_rule(subject, list, line)?;
                added.new += 1;
            }
        }
        Ok(Ok(added))
    }

    fn set_password(
        &self,
        username: Username,
        Draft(line): &Draft,
    ) -> Result<Result<bool, Refused>, StoreError> {
        let subject = Subject::User(username);
        let check = self.store.rules(&subject)?.check;
        let (old, others): (Vec<_>, Vec<_>) = check.iter().partition(|it| it.value.is_secret());
        if others.len() >= ROWS {
            return Ok(Err(Refused::TooManyRows));
        }
        for entry in &old {
            self.store.remove_rule(&subject, List::Check, entry.id)?;
        }
        self.store.insert_rule(&subject, List::Check, line)?;
        Ok(Ok(!old.is_empty()))
    }

    fn unset(
        &self,
        subject: &Subject,
        which: &[Which],
    ) -> Result<Result<usize, Refused>, StoreError> {
        let Rules { check, reply } = self.store.rules(subject)?;
        let checks = check.iter().map(|entry| (List::Check, entry));
        let present: Vec<_> = checks.chain(reply.iter().map(|it| (List::Reply, it))).collect();
        let meant = |(list, entry): &(List, &Entry<Line>), which: &Which| match which {
            Which::Id(of, id) => of == list && *id == entry.id,
            Which::Attribute(name) => entry.value.is_about(name),
        };
        if let Some(missing) = which.iter().find(|it| !present.iter().any(|row| meant(row, it))) {
            return Ok(Err(Refused::NoSuchRow(missing.clone())));
        }
        let mut removed = 0;
        for row in present.iter().filter(|row| which.iter().any(|it| meant(row, it))) {
            self.store.remove_rule(subject, row.0, row.1.id)?;
            removed += 1;
        }
        Ok(Ok(removed))
    }

    fn join(
        &self,
        username: &Username,
        group: &GroupName,
        priority: Option<i64>,
    ) -> Result<Result<Joined, Refused>, StoreError> {
        let groups = self.store.groups(username)?;
        let present = groups.iter().find(|it| it.name == group.as_str());
        if present.is_none() && groups.len() >= GROUPS {
            return Ok(Err(Refused::TooManyGroups));
        }
        let priority = priority.or(present.map(|it| it.priority)).unwrap_or(1);
        self.store.join(username, group, priority)?;
        let has_rules = !self.store.rules(&Subject::Group(group.clone()))?.is_empty();
        Ok(Ok(Joined { priority, has_rules }))
    }

    fn remove_subject(
        &self,
        subject: &Subject,
        reply: Reply<(usize, usize)>,
        now: Now,
    ) -> AfterCommit {
        let removed = self.store.attempt(|| self.store.remove_subject(subject));
        let user = match subject {
            Subject::User(username) => Some(username.as_str().to_owned()),
            Subject::Group(_) => None,
        };
        Box::new(move |hotspot, committed| {
            let removed = removed.and_then(|removed| committed.map(|()| removed));
            hotspot.note(&removed);
            if let (Ok(_), Some(login)) = (&removed, user) {
                hotspot.end_user(&login, now);
            }
            hotspot.answer_once_enforced(move |_| send(reply, removed));
        })
    }

    /// A user is not known any more. Whoever has a voucher of this name has it still.
    fn end_user(&mut self, login: &str, now: Now) {
        self.pending_sessions.revoke(login, 0);
        let its = self.nas_sessions.of_login(login).filter(|nas_session| nas_session.voucher == 0);
        let its: Vec<i64> = its.map(|nas_session| nas_session.id).collect();
        for id in its {
            self.order_end(id, TerminateCause::AdminReset, now);
        }
    }
}

/// A row in a list that is being put together.
struct Place {
    /// `None` where it is not in the store yet.
    id: Option<i64>,
    line: Line,
    /// Whether it has to be written.
    new: bool,
}
