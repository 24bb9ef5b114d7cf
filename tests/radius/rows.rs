//! Users and groups as a table that reads well in a test.
//!
//! ```text
//! check       anna   Cleartext-Password := apple
//! reply       anna   Session-Timeout := 600
//! member      anna   staff 1
//! groupcheck  staff  NAS-Identifier == lobby
//! groupreply  staff  Filter-Id := staff
//! ```

/// A line of the table.
#[derive(Clone, Debug)]
pub enum Line {
    /// A row of `radcheck`, `radreply`, `radgroupcheck` or `radgroupreply`.
    Row { of: Of, name: String, attribute: String, operator: String, value: String },
    /// A row of `radusergroup`.
    Member { name: String, group: String, priority: u32 },
}

/// Which of the four tables a row is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    Check,
    Reply,
    GroupCheck,
    GroupReply,
}

impl Of {
    fn parse(word: &str) -> Self {
        match word {
            "check" => Self::Check,
            "reply" => Self::Reply,
            "groupcheck" => Self::GroupCheck,
            "groupreply" => Self::GroupReply,
            _ => panic!("{word:?} is no table"),
        }
    }

    /// FreeRADIUS's table.
    pub fn table(self) -> &'static str {
        match self {
            Self::Check => "radcheck",
            Self::Reply => "radreply",
            Self::GroupCheck => "radgroupcheck",
            Self::GroupReply => "radgroupreply",
        }
    }
}

/// Reads the table; blank lines are left out.
pub fn rows(text: &str) -> Vec<Line> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(line).collect()
}

fn line(text: &str) -> Line {
    let (kind, rest) = word(text);
    let (name, rest) = word(rest);
    let (second, rest) = word(rest);
    let (name, second) = (name.to_owned(), second.to_owned());
    if kind == "member" {
        return Line::Member { name, group: second, priority: rest.parse().unwrap() };
    }
    let (operator, value) = word(rest);
    let (operator, value) = (operator.to_owned(), value.to_owned());
    Line::Row { of: Of::parse(kind), name, attribute: second, operator, value }
}

fn word(text: &str) -> (&str, &str) {
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (first, rest.trim_start())
}
