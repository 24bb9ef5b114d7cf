//! FreeRADIUS's operators (`users(5)`).

use std::fmt;

/// What a row does with its attribute.
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

/// Two characters come before one, so that the first that fits is the right one.
const SIGNS: [(&str, Operator); 14] = [
    (":=", Operator::Set),
    ("+=", Operator::Append),
    ("^=", Operator::Prepend),
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("=~", Operator::Matches),
    ("!~", Operator::MatchesNot),
    ("=*", Operator::Present),
    ("!*", Operator::Absent),
    ("=", Operator::SetIfAbsent),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

impl Operator {
    /// The operator written as `sign`.
    pub fn parse(sign: &str) -> Option<Self> {
        SIGNS.iter().find(|(known, _)| *known == sign).map(|(_, operator)| *operator)
    }

    /// The operator that `text` begins with, and what comes after it.
    pub fn leading(text: &str) -> Option<(Self, &str)> {
        SIGNS
            .iter()
            .find_map(|(sign, operator)| text.strip_prefix(sign).map(|rest| (*operator, rest)))
    }

    /// As it is written.
    pub fn sign(self) -> &'static str {
        SIGNS.iter().find(|(_, operator)| *operator == self).map_or("", |(sign, _)| sign)
    }

    /// Whether it changes a list; the others compare.
    pub fn assigns(self) -> bool {
        matches!(self, Self::Set | Self::SetIfAbsent | Self::Append | Self::Prepend)
    }

    /// Whether its value is a regular expression.
    pub fn takes_pattern(self) -> bool {
        matches!(self, Self::Matches | Self::MatchesNot)
    }

    /// Whether it asks only if the attribute is there; its value says nothing.
    pub fn asks_presence(self) -> bool {
        matches!(self, Self::Present | Self::Absent)
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sign())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_are_read_as_they_are_written() {
        for (sign, operator) in SIGNS {
            assert_eq!(Operator::parse(sign), Some(operator));
            assert_eq!(operator.to_string(), sign);
            assert_eq!(Operator::leading(&format!("{sign}1")), Some((operator, "1")));
        }
        for sign in ["", "=>", "-=", "===", ": =", "is"] {
            assert_eq!(Operator::parse(sign), None, "{sign}");
        }
    }
}
