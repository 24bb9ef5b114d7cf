//! Users, groups and what is written down of them.

use serde::{Deserialize, Serialize};

use crate::domain::list::Entry;
use crate::domain::rule::{GroupSummary, Line, Membership, UserSummary};
use crate::policy::{List, Row};

/// What stands in a password's place.
pub const HIDDEN: &str = "(hidden)";

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the command line's")]
pub struct UserRow {
    pub username: String,
    pub groups: Vec<String>,
    pub check: u32,
    pub reply: u32,
    pub voucher: bool,
}

impl From<&UserSummary> for UserRow {
    fn from(user: &UserSummary) -> Self {
        Self {
            username: user.username.clone(),
            groups: user.groups.clone(),
            check: user.check,
            reply: user.reply,
            voucher: user.voucher,
        }
    }
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the command line's")]
pub struct GroupRow {
    pub group: String,
    pub members: u32,
    pub check: u32,
    pub reply: u32,
}

impl From<&GroupSummary> for GroupRow {
    fn from(group: &GroupSummary) -> Self {
        Self {
            group: group.name.clone(),
            members: group.members,
            check: group.check,
            reply: group.reply,
        }
    }
}

/// A row of a user or group (`check`, `reply`), or a membership: the `group` of a user, the
/// `member` of a group.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the command line's")]
pub struct RuleRow {
    /// `c` or `r`, for the list, and a number; a membership has none.
    pub id: Option<String>,
    pub list: String,
    pub attribute: Option<String>,
    pub op: Option<String>,
    pub value: Option<String>,
    /// Of a membership.
    pub name: Option<String>,
    pub priority: Option<i64>,
    /// Why the row does not apply, where another program has written one that makes no sense.
    pub ignored: Option<String>,
}

impl RuleRow {
    /// A row; a password is shown only where it is to be revealed.
    pub fn rule(list: List, entry: &Entry<Line>, reveal: bool) -> Self {
        let line = &entry.value;
        let is_hidden = line.is_secret() && !reveal;
        let ignored = Row::parse(list, &line.attribute, &line.operator, &line.value).err();
        Self {
            id: Some(rule_id(list, entry.id)),
            list: if list == List::Check { "check" } else { "reply" }.to_owned(),
            attribute: Some(line.attribute.clone()),
            op: Some(line.operator.clone()),
            value: Some(if is_hidden { HIDDEN } else { &line.value }.to_owned()),
            ignored: ignored
                .map(|why| if is_hidden { "its value cannot be read".to_owned() } else { why }),
            ..Self::default()
        }
    }

    /// A user's group.
    pub fn group(group: &Membership) -> Self {
        Self::membership("group", group)
    }

    /// A group's member.
    pub fn member(member: &Membership) -> Self {
        Self::membership("member", member)
    }

    fn membership(list: &str, membership: &Membership) -> Self {
        let (name, priority) = (Some(membership.name.clone()), Some(membership.priority));
        Self { list: list.to_owned(), name, priority, ..Self::default() }
    }
}

/// How a row is called: ids are given in each table anew, so the list belongs to it.
pub fn rule_id(list: List, id: i64) -> String {
    let letter = if list == List::Check { 'c' } else { 'r' };
    format!("{letter}{id}")
}

/// The row that is called so; `None` where it is no id, but the name of an attribute.
pub fn parse_rule_id(text: &str) -> Option<(List, i64)> {
    let list = match text.as_bytes().first()? {
        b'c' => List::Check,
        b'r' => List::Reply,
        _ => return None,
    };
    let digits = text.get(1..).filter(|it| it.bytes().all(|digit| digit.is_ascii_digit()))?;
    Some((list, digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_shown_and_an_attribute_is_none() {
        for (list, id) in [(List::Check, 7), (List::Reply, i64::MAX)] {
            assert_eq!(parse_rule_id(&rule_id(list, id)), Some((list, id)));
        }
        for text in
            ["", "c", "7", "c-7", "c+7", "Class", "reply", "r7x", "é7", "c99999999999999999999"]
        {
            assert_eq!(parse_rule_id(text), None, "{text}");
        }
    }

    #[test]
    fn a_password_is_shown_to_who_asks_for_it() {
        let line = |attribute: &str| Line {
            attribute: attribute.to_owned(),
            operator: ":=".to_owned(),
            value: "hunter2".to_owned(),
        };
        for (attribute, reveal, shown) in [
            ("Cleartext-Password", false, HIDDEN),
            ("NT-Password", false, HIDDEN),
            ("PASSWORD-With-Header", false, HIDDEN),
            ("Cleartext-Password", true, "hunter2"),
            ("Reply-Message", false, "hunter2"),
        ] {
            let row = RuleRow::rule(List::Check, &Entry { id: 1, value: line(attribute) }, reveal);
            assert_eq!(row.value.as_deref(), Some(shown), "{attribute}");
            let hidden = shown == HIDDEN;
            assert!(
                !hidden || !serde_json::to_string(&row).unwrap_or_default().contains("hunter2")
            );
        }
    }
}
