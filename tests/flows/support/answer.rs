//! What comes back over HTTP.

use std::collections::BTreeMap;

use serde_json::Value;

/// An HTTP answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Answer {
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) =
            text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        let headers: BTreeMap<_, _> = lines.map(header).collect();
        let chunked = headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked");
        let body = if chunked { unchunk(body) } else { body.to_owned() };
        Self { status, headers, body }
    }

    pub fn json(&self) -> Value {
        let start = || self.body.chars().take(400).collect::<String>();
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {:?}", start()))
    }

    pub fn message(&self) -> String {
        self.json()["message"].as_str().unwrap_or_default().to_owned()
    }
}

/// Joins the chunks of a body (RFC 9112 §7.1); panics where the last one is missing.
fn unchunk(mut rest: &str) -> String {
    let mut body = String::new();
    loop {
        let (size, after) = rest.split_once("\r\n").expect("the body is cut off");
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return body;
        }
        body.push_str(&after[..size]);
        rest = &after[size + 2..];
    }
}

/// JSON without the blanks between its words: what is left must be the same to the byte.
pub fn compact(json: &str) -> String {
    let mut quoted = false;
    let mut last = ' ';
    let mut keep = |c: char| {
        quoted ^= c == '"' && last != '\\';
        last = c;
        quoted || !c.is_whitespace()
    };
    json.chars().filter(|c| keep(*c)).collect()
}

/// A text as a query string has it.
pub fn escape(text: &str) -> String {
    let keep = |byte: &u8| byte.is_ascii_alphanumeric();
    text.bytes()
        .map(|b| if keep(&b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}
