//! What an operator writes down of users and groups: rows as they are typed and stored, and who
//! belongs to which group. What they mean is decided in `policy`.

use super::list::Entry;
use super::voucher::{Username, breaks_a_line};

/// Octets of a value, and of a group's name: as many as fit in a RADIUS attribute (RFC 2865
/// section 5).
const OCTETS: usize = 253;

/// The name of a group, compared exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupName(String);

impl GroupName {
    /// Reads a name; surrounding blanks do not count.
    ///
    /// # Errors
    /// Nothing but blanks, more than 253 bytes, or control characters: a sentence for the operator.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("no group was given".to_owned());
        }
        if text.len() > OCTETS || text.contains(breaks_a_line) {
            return Err(format!(
                "group: must have no control characters and at most {OCTETS} bytes"
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whom rows are about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A user; a voucher may have the same name.
    User(Username),
    /// A group.
    Group(GroupName),
}

impl Subject {
    /// Its name, as written.
    pub fn name(&self) -> &str {
        match self {
            Self::User(username) => username.as_str(),
            Self::Group(group) => group.as_str(),
        }
    }
}

/// A row as it is written down: `Max-Daily-Session := 3600`. It may hold a password, so there is no
/// `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Line {
    /// The attribute's name, with a tag where it has one: `Tunnel-Type:1`.
    pub attribute: String,
    /// What is done with it.
    pub operator: String,
    /// What it is compared with or set to.
    pub value: String,
}

impl Line {
    /// Whether the value can be kept: as much as fits in a RADIUS attribute, and nothing that would
    /// break a line.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn fits(&self) -> Result<(), String> {
        if self.value.len() > OCTETS || self.value.contains(breaks_a_line) {
            return Err(format!(
                "the value of {} must have no control characters and at most {OCTETS} bytes",
                self.attribute
            ));
        }
        Ok(())
    }

    /// Whether the value must not be shown unasked, and never logged.
    pub fn is_secret(&self) -> bool {
        self.attribute.to_ascii_lowercase().contains("password")
    }

    /// Whether it is about this attribute; one with a tag is meant by the name alone as well.
    pub fn is_about(&self, attribute: &str) -> bool {
        let untagged = self.attribute.split_once(':').map_or("", |(name, _)| name);
        [self.attribute.as_str(), untagged].iter().any(|it| it.eq_ignore_ascii_case(attribute))
    }

    /// Whether it takes the place of an earlier row: an attribute is set to one value only.
    pub fn replaces(&self, earlier: &Self) -> bool {
        self.operator == ":="
            && earlier.operator == ":="
            && self.attribute.eq_ignore_ascii_case(&earlier.attribute)
    }
}

/// Somebody belongs to a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The group of a user, or the user of a group.
    pub name: String,
    /// The lowest number comes first.
    pub priority: i64,
}

/// What is written down of a user or a group, except who belongs to whom.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// What has to hold, and what the server is to know.
    pub check: Vec<Entry<Line>>,
    /// What is sent.
    pub reply: Vec<Entry<Line>>,
}

impl Rules {
    /// Whether nothing is written down.
    pub fn is_empty(&self) -> bool {
        self.check.is_empty() && self.reply.is_empty()
    }
}

/// A user in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSummary {
    /// As written first.
    pub username: String,
    /// What comes after it in the order of the list is asked for with this.
    pub folded: String,
    /// Groups in the order in which they apply.
    pub groups: Vec<String>,
    /// Check rows.
    pub check: u32,
    /// Reply rows.
    pub reply: u32,
    /// Whether a voucher has this name.
    pub voucher: bool,
}

/// A group in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSummary {
    /// Its name.
    pub name: String,
    /// How many belong to it.
    pub members: u32,
    /// Check rows.
    pub check: u32,
    /// Reply rows.
    pub reply: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        let mut words = text.splitn(3, ' ').map(str::to_owned);
        let mut next = || words.next().unwrap_or_default();
        Line { attribute: next(), operator: next(), value: next() }
    }

    #[test]
    fn a_value_has_what_fits_in_an_attribute_and_on_a_line() {
        for (value, fits) in [
            ("", true),
            ("Hello, Zoë", true),
            (&"x".repeat(253), true),
            (&"x".repeat(254), false),
            ("a\nb", false),
            ("a\u{2028}b", false),
        ] {
            assert_eq!(line(&format!("A := {value}")).fits().is_ok(), fits, "{value}");
        }
    }

    #[test]
    fn a_group_has_a_name() {
        assert_eq!(GroupName::parse(" Day guests ").unwrap().as_str(), "Day guests");
        for text in ["", "  ", "a\tb", &"x".repeat(254)] {
            assert!(GroupName::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_setting_replaces_a_setting_of_the_same_attribute_and_nothing_else() {
        let set = line("Tunnel-Type:1 := VLAN");
        assert!(set.replaces(&line("tunnel-type:1 := 9")));
        for other in ["Tunnel-Type:2 := VLAN", "Tunnel-Type:1 += VLAN", "Tunnel-Type := VLAN"] {
            assert!(!set.replaces(&line(other)), "{other}");
            assert!(!line(other).replaces(&set), "{other}");
        }
        assert!(set.is_about("TUNNEL-TYPE") && set.is_about("tunnel-type:1"));
        assert!(!set.is_about("Tunnel-Type:2") && !set.is_about("Tunnel") && !set.is_about(""));
    }
}
