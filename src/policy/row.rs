//! Rows of `radcheck`, `radreply`, `radgroupcheck` and `radgroupreply`.

use super::advice;
use super::date::fits_date;
use super::dictionary::{AUTH_TYPE, Attribute, EXPIRATION, Kind, LOGIN_TIME, MIKROTIK_RATE_LIMIT};
use super::login_time::fits_login_time;
use super::operator::Operator;
use super::pair::Value;
use super::password;
use super::pattern::Pattern;

/// Which of the two lists a row stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// What has to hold, and what the server is to know.
    Check,
    /// What is sent.
    Reply,
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

/// As many octets as a value may have, which also bounds regular expressions.
const LONGEST: usize = 253;

impl Row {
    /// Reads a row as it is typed and stored. An attribute may carry a tag (`Tunnel-Type:1`); a
    /// value that stands in quotes as a whole is what is between them, as for `rlm_sql`.
    ///
    /// # Errors
    /// Why it makes no sense, or could never match or do anything: a sentence for the operator.
    pub fn parse(list: List, attribute: &str, operator: &str, value: &str) -> Result<Self, String> {
        let (attribute, tag) = tagged(attribute)?;
        let operator = Operator::parse(operator)
            .ok_or_else(|| format!("'{operator}' is no operator: write :=, =, +=, ==, !=, …"))?;
        let value = unquoted(value)?;
        advice::purpose(list, attribute, operator, &value)?;
        let value = match operator {
            _ if operator.asks_presence() => Value::Text(value),
            _ if operator.takes_pattern() => pattern(attribute, value)?,
            _ => {
                special(attribute, &value)?;
                Value::parse(attribute, &value)?
            }
        };
        Ok(Self { attribute, tag, operator, value })
    }

    /// Takes apart a row in one line, for the command line: `Max-Daily-Session := 3600`,
    /// `Reply-Message = "Welcome!"`, `Service-Type==Login-User`. Gives attribute, operator and
    /// value as [`Row::parse`] reads them.
    ///
    /// # Errors
    /// As [`Row::parse`]; what is returned has passed it.
    pub fn parse_line(list: List, line: &str) -> Result<(String, String, String), String> {
        let form = || "write Attribute := value, as in Session-Timeout := 3600".to_owned();
        let line = line.trim();
        // A name may hold a colon before a tag, but never one before an equals sign.
        let end = line
            .char_indices()
            .find(|(at, _)| line.get(*at..).is_some_and(|rest| Operator::leading(rest).is_some()))
            .ok_or_else(form)?;
        let (name, rest) = line.split_at_checked(end.0).ok_or_else(form)?;
        let (operator, value) = Operator::leading(rest).ok_or_else(form)?;
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(form());
        }
        Self::parse(list, name, operator.sign(), value)?;
        let bare = unquoted(value)?;
        // What looks quoted without its quotes would lose a second pair when it is read again.
        let value = if unquoted(&bare).as_ref() == Ok(&bare) { bare } else { value.to_owned() };
        Ok((name.to_owned(), operator.sign().to_owned(), value))
    }
}

/// An attribute's name with or without a tag.
fn tagged(text: &str) -> Result<(Attribute, u8), String> {
    let (name, tag) =
        text.trim().split_once(':').map_or((text.trim(), None), |(name, tag)| (name, Some(tag)));
    let attribute = Attribute::named(name).ok_or_else(|| advice::unknown(name))?;
    let Some(tag) = tag else { return Ok((attribute, 0)) };
    if !attribute.definition().tagged {
        return Err(format!("{} has no tags", attribute.name()));
    }
    let tag = tag.parse().ok().filter(|tag| *tag <= 31);
    let tag = tag.ok_or_else(|| format!("a tag is a number up to 31, as in {name}:1"))?;
    Ok((attribute, tag))
}

/// What is between quotes that enclose the whole value.
fn unquoted(value: &str) -> Result<String, String> {
    let between = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    if between('`').is_some() {
        return Err("values in `…` are not expanded here: write the value itself".to_owned());
    }
    let Some((quote, inside)) = ['"', '\''].into_iter().find_map(|it| Some((it, between(it)?)))
    else {
        return Ok(value.to_owned());
    };
    let mut text = String::new();
    let mut rest = inside.chars();
    while let Some(character) = rest.next() {
        text.push(match (character, quote) {
            ('\\', '"') => match rest.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some(other) => other,
                None => return Ok(value.to_owned()),
            },
            ('\\', _) if rest.as_str().starts_with(['\\', '\'']) => rest.next().unwrap_or('\\'),
            // A quote in between: the outer two are no pair.
            (character, quote) if character == quote => return Ok(value.to_owned()),
            (character, _) => character,
        });
    }
    Ok(text)
}

fn pattern(attribute: Attribute, value: String) -> Result<Value, String> {
    let name = attribute.name();
    if value.is_empty() || value.len() > LONGEST {
        return Err(format!("a regular expression for {name} has 1 to {LONGEST} octets"));
    }
    Pattern::parse(&value)
        .map_err(|problem| format!("the regular expression for {name} {problem}"))?;
    Ok(Value::Text(value))
}

/// What single attributes ask of their value beyond its kind.
fn special(attribute: Attribute, text: &str) -> Result<(), String> {
    match attribute {
        it if it == AUTH_TYPE => auth_type(text),
        it if it == EXPIRATION => fits_date(text).map_err(|wanted| format!("Expiration {wanted}")),
        it if it == LOGIN_TIME => {
            fits_login_time(text).map_err(|wanted| format!("Login-Time {wanted}"))
        }
        it if it == MIKROTIK_RATE_LIMIT => rate_limit(text),
        _ => password::fits(attribute, text),
    }
}

/// RouterOS reads `rx-rate[/tx-rate]` and further pairs after blanks, each a number with k, M or G;
/// what it cannot read, it refuses together with the guest.
fn rate_limit(text: &str) -> Result<(), String> {
    let is_number = |part: &str| {
        let digits = part.trim_end_matches(['k', 'K', 'm', 'M', 'g', 'G', 's']);
        digits.starts_with(|c: char| c.is_ascii_digit())
            && digits.chars().all(|c| c.is_ascii_digit() || c == ':')
            && part.len() - digits.len() <= 1
    };
    let is_pair = |word: &str| word.split('/').count() <= 2 && word.split('/').all(is_number);
    if !text.trim().is_empty() && text.split_whitespace().all(is_pair) {
        return Ok(());
    }
    Err(format!(
        "Mikrotik-Rate-Limit is upload/download, as in 2M/8M, and 0 is without limit; not '{text}'"
    ))
}

/// How a password is proved follows from the request, and the password kinds from the rows.
fn auth_type(value: &str) -> Result<(), String> {
    let Kind::Integer(names) = AUTH_TYPE.definition().kind else { return Ok(()) };
    match names.iter().any(|(name, _)| name.eq_ignore_ascii_case(value)) {
        true => Ok(()),
        false => Err(format!(
            "Auth-Type is Accept or Reject; not '{value}': leave it out, whether PAP, CHAP, \
             MS-CHAP or EAP is used follows from the request"
        )),
    }
}

#[cfg(test)]
mod tests;
