//! The password attributes of a control list (`rlm_pap`).

use super::dictionary::{self, Attribute};
use super::pair::{Pairs, Value};
use crate::authn::{Known, crypt_readable};
use crate::domain::secret::Secret;

/// What an attribute, or the header of a password, says a password is kept as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Clear,
    Nt,
    Md5,
    SaltedMd5,
    Sha1,
    SaltedSha1,
    Crypt,
    /// The value says it itself, in braces.
    Header,
}

const ATTRIBUTES: [(Attribute, Form); 9] = [
    (dictionary::CLEARTEXT_PASSWORD, Form::Clear),
    // FreeRADIUS warns and leaves it out; old databases have it nevertheless.
    (dictionary::USER_PASSWORD, Form::Clear),
    (dictionary::NT_PASSWORD, Form::Nt),
    (dictionary::MD5_PASSWORD, Form::Md5),
    (dictionary::SMD5_PASSWORD, Form::SaltedMd5),
    (dictionary::SHA_PASSWORD, Form::Sha1),
    (dictionary::SSHA_PASSWORD, Form::SaltedSha1),
    (dictionary::CRYPT_PASSWORD, Form::Crypt),
    (dictionary::PASSWORD_WITH_HEADER, Form::Header),
];

/// `header_names` of `rlm_pap`. What it knows and we do not is here as `None`: it must not be taken
/// for a password that happens to begin with a brace.
const HEADERS: [(&str, Option<Form>); 21] = [
    ("clear", Some(Form::Clear)),
    ("cleartext", Some(Form::Clear)),
    ("md5", Some(Form::Md5)),
    ("base64_md5", Some(Form::Md5)),
    ("smd5", Some(Form::SaltedMd5)),
    ("crypt", Some(Form::Crypt)),
    ("sha", Some(Form::Sha1)),
    ("ssha", Some(Form::SaltedSha1)),
    ("md4", Some(Form::Nt)),
    ("nt", Some(Form::Nt)),
    ("nthash", Some(Form::Nt)),
    ("x-nthash", Some(Form::Nt)),
    ("x- orclntv", Some(Form::Nt)),
    ("ns-mta-md5", None),
    ("x- orcllmv", None),
    // These stand for all that begin so: {sha256}, {ssha512}, {pbkdf2_sha256} ...
    ("sha2", None),
    ("sha3", None),
    ("sha5", None),
    ("ssha", None),
    ("x-pbkdf2", None),
    ("pbkdf2", None),
];

/// What is known of somebody's password, the likeliest to be of use first; what cannot be read is
/// left out.
pub fn passwords(control: &Pairs) -> Vec<Known> {
    let mut known: Vec<Known> =
        control.0.iter().filter_map(|pair| read(form(pair.attribute)?, &pair.value).ok()).collect();
    known.sort_by_key(|known| match known {
        Known::Cleartext(_) => 0,
        Known::Nt(_) => 1,
        Known::Md5 { .. } | Known::Sha1 { .. } => 2,
        Known::Crypt(_) => 3,
    });
    known
}

/// Whether a password as it was typed could ever fit. Attributes that hold none always do.
///
/// # Errors
/// Why not: a sentence for the operator, without the password.
pub fn fits(attribute: Attribute, text: &str) -> Result<(), String> {
    let Some(form) = form(attribute) else { return Ok(()) };
    read(form, &Value::Text(text.to_owned()))
        .map(|_| ())
        .map_err(|reason| format!("{} {reason}", attribute.name()))
}

fn form(attribute: Attribute) -> Option<Form> {
    ATTRIBUTES.iter().find(|(known, _)| *known == attribute).map(|(_, form)| *form)
}

fn read(form: Form, value: &Value) -> Result<Known, String> {
    match (form, value) {
        (Form::Header, Value::Text(text)) => with_header(text),
        (Form::Clear, Value::Text(text)) if text.is_empty() => Err("is empty".to_owned()),
        (Form::Clear, Value::Text(text)) => Ok(Known::Cleartext(Secret::new(text.as_str()))),
        (Form::Crypt, Value::Text(text)) => {
            crypt_readable(text)?;
            Ok(Known::Crypt(text.clone()))
        }
        (_, Value::Text(text)) => hash(form, normalised(text, shortest(form))),
        (_, Value::Octets(octets)) => hash(form, Some(octets.clone())),
        _ => Err("must be text".to_owned()),
    }
}

/// `normify_with_header`: without a header that is known, what is there is the password.
fn with_header(text: &str) -> Result<Known, String> {
    let decoded = if text.contains('}') { None } else { base64(text.as_bytes()) }
        .and_then(|octets| String::from_utf8(octets).ok())
        .filter(|decoded| decoded.starts_with('{') && decoded.contains('}'));
    let text = decoded.as_deref().unwrap_or(text);
    let header = text.strip_prefix('{').and_then(|rest| rest.split_once('}'));
    let found = header.and_then(|(name, rest)| Some((header_form(name)?, rest)));
    match found {
        Some((Some(form), rest)) => read(form, &Value::Text(rest.to_owned())),
        Some((None, _)) => Err("has a header for a hash that is not supported".to_owned()),
        None => read(Form::Clear, &Value::Text(text.to_owned())),
    }
}

fn header_form(name: &str) -> Option<Option<Form>> {
    let name = name.to_ascii_lowercase();
    let exact = HEADERS.iter().find(|(known, form)| name == *known && form.is_some());
    let family = || HEADERS.iter().find(|(known, form)| name.starts_with(known) && form.is_none());
    exact.or_else(family).map(|(_, form)| *form)
}

/// Octets of the hash, the salt left out.
fn shortest(form: Form) -> usize {
    if matches!(form, Form::Sha1 | Form::SaltedSha1) { 20 } else { 16 }
}

fn hash(form: Form, octets: Option<Vec<u8>>) -> Result<Known, String> {
    let length = shortest(form);
    let salted = matches!(form, Form::SaltedMd5 | Form::SaltedSha1);
    let octets = octets
        .filter(|octets| if salted { octets.len() > length } else { octets.len() == length })
        .ok_or_else(|| {
            let salt = if salted { " and a salt" } else { "" };
            format!("must be {length} octets{salt} in hexadecimal or base64")
        })?;
    let known = match form {
        Form::Nt => octets.first_chunk().map(|hash| Known::Nt(*hash)),
        Form::Md5 | Form::SaltedMd5 => octets
            .split_first_chunk()
            .map(|(hash, salt)| Known::Md5 { hash: *hash, salt: salt.to_vec() }),
        Form::Sha1 | Form::SaltedSha1 => octets
            .split_first_chunk()
            .map(|(hash, salt)| Known::Sha1 { hash: *hash, salt: salt.to_vec() }),
        Form::Clear | Form::Crypt | Form::Header => None,
    };
    known.ok_or_else(|| "must be a hash".to_owned())
}

/// `normify`: hexadecimal where it is that and long enough, else base64. Raw octets do not come as
/// text: sixteen letters under NT-Password are a password under the wrong name.
fn normalised(text: &str, shortest: usize) -> Option<Vec<u8>> {
    let bare = text.strip_prefix("0x").filter(|rest| hexadecimal(rest).is_some()).unwrap_or(text);
    let long_enough = |octets: &Vec<u8>| octets.len() >= shortest;
    hexadecimal(bare).filter(long_enough).or_else(|| base64(text.as_bytes()).filter(long_enough))
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digit = |digit: &u8| char::from(*digit).to_digit(16);
    let octets = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(digit(high)? << 4 | digit(low)?).ok(),
        _ => None,
    });
    octets.collect()
}

/// RFC 4648 section 4; the padding may be missing.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let padding = text.iter().rev().take_while(|sign| **sign == b'=').count();
    let text =
        text.get(..text.len() - padding).filter(|text| padding <= 2 && text.len() % 4 != 1)?;
    let mut octets = Vec::new();
    for group in text.chunks(4) {
        let mut bits = 0_u32;
        for sign in group {
            bits = bits << 6 | base64_digit(*sign)?;
        }
        bits <<= 6 * (4 - group.len());
        octets.extend(bits.to_be_bytes().get(1..group.len()).unwrap_or_default());
    }
    Some(octets)
}

fn base64_digit(sign: u8) -> Option<u32> {
    let digit = match sign {
        b'A'..=b'Z' => sign - b'A',
        b'a'..=b'z' => sign - b'a' + 26,
        b'0'..=b'9' => sign - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(digit))
}

#[cfg(test)]
mod tests;
