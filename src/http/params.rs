//! Parameters of a request, decoded from a query string, a form or JSON.

use std::collections::BTreeMap;
use std::fmt;

use percent_encoding::percent_decode;
use serde_json::value::RawValue;

use super::multipart;

/// One value.
#[derive(Clone, PartialEq, Eq)]
enum Param {
    /// A text, or a number as it was written.
    Text(String),
    /// A value that no parameter can have: an array, an object, a boolean, bytes that are not UTF-8.
    NotText,
}

/// The parameters of a call by name; of a repeated one the last counts, as in PHP.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params(BTreeMap<String, Param>);

impl fmt::Debug for Params {
    /// Names only: among the values are keys and passcodes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The parameter was sent, but is neither text nor number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotText;

impl Params {
    /// Parameters that are texts already.
    pub fn from_texts(texts: BTreeMap<String, String>) -> Self {
        Self(texts.into_iter().map(|(name, text)| (name, Param::Text(text))).collect())
    }

    /// Adds those of `others` whose names are not taken, except the one named `except`.
    #[must_use]
    pub(super) fn or(self, mut others: Self, except: &str) -> Self {
        others.0.remove(except);
        others.0.extend(self.0);
        others
    }

    /// The text of a parameter; `None` where it is absent or JSON's `null`.
    ///
    /// # Errors
    /// It was sent, but is no text.
    pub fn text(&self, name: &str) -> Result<Option<&str>, NotText> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Param::Text(text)) => Ok(Some(text)),
            Some(Param::NotText) => Err(NotText),
        }
    }
}

/// Decodes a query string or form (`application/x-www-form-urlencoded`).
pub fn from_query(query: &str) -> Params {
    from_form(query.as_bytes())
}

/// Decodes a `multipart/form-data` body; `None` where it is malformed.
pub(super) fn from_multipart(body: &[u8], boundary: &str) -> Option<Params> {
    let param = |value: Option<&[u8]>| {
        let text = value.and_then(|value| std::str::from_utf8(value).ok());
        text.map_or(Param::NotText, |text| Param::Text(text.to_owned()))
    };
    let fields = multipart::fields(body, boundary)?.into_iter();
    Some(Params(fields.map(|field| (field.name.to_owned(), param(field.value))).collect()))
}

/// Decodes a body: JSON where it starts with `{`, else a form. `curl -d` says "form" whatever it
/// sends, so the body is believed rather than its `Content-Type`.
///
/// `None` where JSON is malformed.
pub fn from_body(body: &[u8]) -> Option<Params> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii();
    match body.first() {
        Some(b'{' | b'[') => from_json(body),
        _ => Some(from_form(body)),
    }
}

fn from_json(body: &[u8]) -> Option<Params> {
    let fields: BTreeMap<String, &RawValue> = serde_json::from_slice(body).ok()?;
    let mut params = BTreeMap::new();
    for (name, value) in fields {
        // Numbers as they were written: a passcode of 1.10 is not 1.1.
        let param = match value.get().bytes().next() {
            Some(b'n') => continue,
            Some(b'"') => Param::Text(serde_json::from_str(value.get()).ok()?),
            Some(b'-' | b'0'..=b'9') => Param::Text(value.get().to_owned()),
            _ => Param::NotText,
        };
        params.insert(name, param);
    }
    Some(Params(params))
}

fn from_form(form: &[u8]) -> Params {
    let pairs = form.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    let params = pairs.filter_map(|pair| {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let name = decode(halves.next()?)?;
        let param = decode(halves.next().unwrap_or_default()).map_or(Param::NotText, Param::Text);
        Some((name, param))
    });
    Params(params.collect())
}

fn decode(bytes: &[u8]) -> Option<String> {
    let spaced: Vec<u8> =
        bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).decode_utf8().ok().map(|text| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(params: &Params, name: &str) -> Option<String> {
        params.text(name).unwrap().map(str::to_owned)
    }

    #[test]
    fn a_query_is_decoded_as_browsers_and_curl_write_it() {
        let params = from_query("a=John%20Doe&b=John+Doe&c=1%2B1&d=&e&f=50%&a%2Db=x=y&&g=%C3%A9");
        for (name, value) in [
            ("a", "John Doe"),
            ("b", "John Doe"),
            ("c", "1+1"),
            ("d", ""),
            ("e", ""),
            ("f", "50%"),
            ("a-b", "x=y"),
            ("g", "é"),
        ] {
            assert_eq!(text(&params, name).as_deref(), Some(value), "{name}");
        }
        assert_eq!(text(&params, "absent"), None);
    }

    #[test]
    fn of_a_repeated_parameter_the_last_counts() {
        assert_eq!(text(&from_query("a=1&a=2"), "a").as_deref(), Some("2"));
        assert_eq!(text(&from_body(br#"{"a":"1","a":"2"}"#).unwrap(), "a").as_deref(), Some("2"));
    }

    #[test]
    fn bytes_that_are_not_utf8_spoil_only_their_own_parameter() {
        let params = from_query("api-key=k&username=%ff%fe");
        assert_eq!(text(&params, "api-key").as_deref(), Some("k"));
        assert_eq!(params.text("username"), Err(NotText));
    }

    #[test]
    fn json_is_recognised_whatever_the_content_type_says() {
        let params = from_body(b" \xef\xbb\xbf{\"a\":1}");
        assert!(params.is_some());
        let params =
            from_body(b"\xef\xbb\xbf {\"a\":1024,\"b\":null,\"c\":\"x\",\"d\":[1],\"e\":true}");
        let params = params.unwrap();
        assert_eq!(text(&params, "a").as_deref(), Some("1024"));
        assert_eq!(text(&params, "b"), None);
        assert_eq!(text(&params, "c").as_deref(), Some("x"));
        assert_eq!(params.text("d"), Err(NotText));
        assert_eq!(params.text("e"), Err(NotText));
        assert_eq!(text(&from_body(b"a=1").unwrap(), "a").as_deref(), Some("1"));
    }

    #[test]
    fn numbers_stay_as_they_were_written() {
        for number in ["1.10", "12345678901234567890123", "1e400", "1E+2", "-0", "007"] {
            let params = from_body(format!("{{\"a\":{number}}}").as_bytes());
            let text = params.as_ref().and_then(|params| text(params, "a"));
            // JSON itself has no leading zeros.
            assert_eq!(text.as_deref(), (number != "007").then_some(number));
        }
    }

    #[test]
    fn malformed_json_is_noticed() {
        for body in
            [&b"{"[..], b"{\"a\":}", b"[]", b"[{\"a\":1}]", b"{\"a\":\"\xff\"}", b"{\"a\":1}x"]
        {
            assert_eq!(from_body(body), None, "{:?}", String::from_utf8_lossy(body));
        }
        let deep = [b"{\"a\":".as_slice(), &b"[".repeat(60_000)].concat();
        assert_eq!(from_body(&deep), None);
    }
}
