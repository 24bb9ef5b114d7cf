//! The flow of `rlm_sql` 3.2: whose rows apply, in which order, and what they come to.

use super::compare::holds;
use super::dictionary::FALL_THROUGH;
use super::merge::merge;
use super::pair::{Pairs, Value};
use super::row::{Group, Row, User};

/// What the rows come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authorized {
    /// What the server is to know and do.
    pub control: Pairs,
    /// What is sent.
    pub reply: Pairs,
    /// Whether anything is known of them: a check row, a group or what was known already.
    /// `notfound` otherwise. Replies alone do not count, and are not sent either.
    pub found: bool,
    /// The check row of their own that does not hold, for the log.
    pub failed: Option<Row>,
}

/// Applies somebody's rows to a request. `known` is what is known of them already, such as the
/// password of a voucher: it stands as if it came from rows of their own, except that no row
/// replaces it or adds to it.
///
/// A check row of their own that does not hold takes everything of their own away, `known`
/// included; groups may still let them in. FreeRADIUS does so, since the password is one of the
/// rows.
pub fn authorize(user: &User, request: &Pairs, known: Pairs) -> Authorized {
    let own = !user.check.is_empty() || !known.0.is_empty();
    let mut result = Authorized { found: own || !user.groups.is_empty(), ..Authorized::default() };
    result.failed = user.check.iter().find(|row| !holds(row, request)).cloned();

    let mut to_groups = true;
    let fixed = known.clone();
    if own && result.failed.is_none() {
        result.control = known;
        assign(&mut result.control, &user.check, &fixed);
        merge(&mut result.reply, sent(&user.reply));
        to_groups = falls_through(&user.reply).unwrap_or(true);
    }
    let mut groups = user.groups.iter().filter(|group| applies(group, request));
    while let Some(group) = groups.next().filter(|_| to_groups) {
        assign(&mut result.control, &group.check, &fixed);
        merge(&mut result.reply, sent(&group.reply));
        to_groups = falls_through(&group.reply).unwrap_or(false);
    }
    result
}

fn applies(group: &Group, request: &Pairs) -> bool {
    group.check.iter().all(|row| holds(row, request))
}

/// Merges check rows, save those of attributes that are known already.
fn assign(control: &mut Pairs, rows: &[Row], fixed: &Pairs) {
    merge(control, rows.iter().filter(|row| !fixed.contains(row.attribute)));
}

/// The rows of a reply that leave; Fall-Through is for ourselves.
fn sent(rows: &[Row]) -> impl Iterator<Item = &Row> {
    rows.iter().filter(|row| row.attribute != FALL_THROUGH)
}

/// What the first Fall-Through says.
fn falls_through(rows: &[Row]) -> Option<bool> {
    let row = rows.iter().find(|row| row.attribute == FALL_THROUGH)?;
    Some(row.value == Value::Integer(1))
}
