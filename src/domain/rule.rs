//! What an operator writes down of users and groups: rows as they are typed and stored, and who
//! belongs to which group. What they mean is decided in `policy`.

use super::list::Entry;
use super::voucher::{Username, breaks_a_line};

/// Octets of a value, and of a group's name: as many as fit in a RADIUS attribute (RFC 2865
/// section 5).
const OCTETS: usize = 253;

/// FreeRADIUS's operators (`users(5)`), those first that begin like another one.
const OPERATORS: [&str; 14] =
    [":=", "==", "=~", "=*", "+=", "^=", "!=", "!~", "!*", "<=", ">=", "=", "<", ">"];

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
    /// Takes a row apart. Quotes around a whole value go, as in FreeRADIUS's files and tables.
    ///
    /// # Errors
    /// What is missing, or a value that is too long or would break a line: a sentence for the
    /// operator.
    pub fn parse(text: &str) -> Result<Self, String> {
        let form = "'ATTRIBUTE OPERATOR VALUE', such as 'Session-Timeout := 3600'";
        let begins_here = |at: &usize| {
            OPERATORS.iter().any(|it| text.get(*at..).is_some_and(|t| t.starts_with(it)))
        };
        let parts = (0..text.len()).find(begins_here).and_then(|at| text.split_at_checked(at));
        let Some((attribute, rest)) = parts else {
            return Err(format!("'{text}' is no row: write {form}"));
        };
        let operator = OPERATORS.into_iter().find(|it| rest.starts_with(it)).unwrap_or_default();
        let value = unquoted(rest.strip_prefix(operator).unwrap_or_default().trim());
        let attribute = attribute.trim();
        if attribute.is_empty() {
            return Err(format!("'{text}' has no attribute: write {form}"));
        }
        if value.is_empty() && !operator.ends_with('*') {
            return Err(format!("'{text}' has no value: write {form}"));
        }
        if value.len() > OCTETS || value.contains(breaks_a_line) {
            return Err(format!(
                "the value of {attribute} must have no control characters and at most {OCTETS} bytes"
            ));
        }
        Ok(Self {
            attribute: attribute.to_owned(),
            operator: operator.to_owned(),
            value: value.to_owned(),
        })
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

fn unquoted(text: &str) -> &str {
    let within = |quote| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    within('"').or_else(|| within('\'')).unwrap_or(text)
}

/// Somebody belongs to a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The group of a user, or the user of a group.
    pub name: String,
    /// The lowest number comes first.
    pub priority: i32,
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

    fn parts(text: &str) -> Result<[String; 3], String> {
        Line::parse(text).map(|line| [line.attribute, line.operator, line.value])
    }

    #[test]
    fn rows_come_apart_at_their_operator_with_or_without_blanks() {
        for (text, expected) in [
            ("Max-Daily-Session := 3600", ["Max-Daily-Session", ":=", "3600"]),
            ("Max-Daily-Session:=3600", ["Max-Daily-Session", ":=", "3600"]),
            ("  A  ==  b = c  ", ["A", "==", "b = c"]),
            ("A=b", ["A", "=", "b"]),
            ("A=~^x.*$", ["A", "=~", "^x.*$"]),
            ("A >= 5", ["A", ">=", "5"]),
            ("A > =5", ["A", ">", "=5"]),
            ("Tunnel-Type:1:=VLAN", ["Tunnel-Type:1", ":=", "VLAN"]),
            ("Reply-Message := \"Hello, Zoë\"", ["Reply-Message", ":=", "Hello, Zoë"]),
            ("A := 'it''s'", ["A", ":=", "it''s"]),
            ("A := \"", ["A", ":=", "\""]),
            ("NAS-Port-Id =* ", ["NAS-Port-Id", "=*", ""]),
        ] {
            assert_eq!(parts(text), Ok(expected.map(str::to_owned)), "{text}");
        }
    }

    #[test]
    fn what_is_no_row_is_told_with_an_example() {
        let long = format!("A := {}", "x".repeat(254));
        for (text, reason) in [
            ("", "is no row"),
            ("Zoë", "is no row"),
            ("Max-Daily-Session 3600", "is no row"),
            (":= 5", "has no attribute"),
            ("A :=", "has no value"),
            ("A := \"\"", "has no value"),
            ("A := a\nb", "no control characters"),
            (long.as_str(), "at most 253 bytes"),
        ] {
            let error = parts(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
        assert!(parts(&format!("A := {}", "x".repeat(253))).is_ok());
    }

    #[test]
    fn a_setting_replaces_a_setting_of_the_same_attribute_and_nothing_else() {
        let line = |text| Line::parse(text).unwrap_or_else(|error| panic!("{error}"));
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
