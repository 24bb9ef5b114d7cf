//! Rows of `radcheck`, `radreply`, `radgroupcheck` and `radgroupreply`.

use super::dictionary::Attribute;
use super::pair::Value;

/// Which of the two lists a row stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// What has to hold, and what the server is to know.
    Check,
    /// What is sent.
    Reply,
}

/// FreeRADIUS's operators (`users(5)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `:=`
    Set,
    /// `=`
    SetIfAbsent,
    /// `+=`
    Append,
    /// `^=`
    Prepend,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `=~`
    Matches,
    /// `!~`
    MatchesNot,
    /// `=*`
    Present,
    /// `!*`
    Absent,
}

/// A row that makes sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which attribute.
    pub attribute: Attribute,
    /// Its tag; 0 is none.
    pub tag: u8,
    /// What is done with it.
    pub operator: Operator,
    /// What it is compared with or set to; a regular expression is text.
    pub value: Value,
}

/// A group that somebody belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// `radgroupcheck`.
    pub check: Vec<Row>,
    /// `radgroupreply`.
    pub reply: Vec<Row>,
}

/// What is written down of somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// `radcheck`.
    pub check: Vec<Row>,
    /// `radreply`.
    pub reply: Vec<Row>,
    /// Through `radusergroup`, the lowest priority number first.
    pub groups: Vec<Group>,
}

impl Row {
    /// Reads a row as it is typed and stored.
    ///
    /// # Errors
    /// Why it makes no sense, or could never match: a sentence for the operator.
    pub fn parse(
        _list: List,
        attribute: &str,
        _operator: &str,
        _value: &str,
    ) -> Result<Self, String> {
        Err(format!("there is no attribute '{attribute}'"))
    }
}
