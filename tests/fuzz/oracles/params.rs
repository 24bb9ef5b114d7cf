//! `http::params` and `http::voucher_request`.
//!
//! - Nothing panics.
//! - A form reads as the crate `form_urlencoded` reads it. Where bytes are no UTF-8 that crate puts
//!   a replacement character; here the value is unfit, and a name like that is no name.
//! - A form sent as a body reads as the same form in a query; the texts of a form, sent as JSON,
//!   read as the same texts.
//! - A JSON string reads as it is, a whole number as it was written, `null` as absent.
//! - What a voucher request accepts keeps the rules for length and control characters; what it
//!   refuses it names, with a reason that does not depend on the value.

use std::collections::BTreeMap;

use hotspotd::domain::validity::ValidFor;
use hotspotd::domain::voucher::{DataLimit, VoucherRequest};
use hotspotd::domain::zone::Zone;
use hotspotd::http::params::{Params, from_body, from_query};
use hotspotd::http::voucher_request;
use serde_json::Value;

/// What `form_urlencoded` and this program put for bytes they cannot read.
const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// Every parameter of `create_voucher`, and why it may be refused.
const NAMES: [&str; 7] = [
    "username",
    "passcode",
    "fullname",
    "valid_for",
    "valid_from",
    "download_limit",
    "upload_limit",
];

pub fn check(data: &[u8]) {
    if let Some(params) = from_body(data) {
        check_request(&params);
    }
    check_json(data);
    if let Ok(text) = std::str::from_utf8(data) {
        check_form(text);
        check_valid_for(text);
    }
}

fn check_form(text: &str) {
    let params = from_query(text);
    check_request(&params);
    let mut second: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        second.insert(name.into_owned(), value.into_owned());
    }
    for (name, value) in &second {
        match params.text(name) {
            Ok(Some(read)) => assert_eq!(read, value, "{name:?}"),
            Ok(None) => assert!(name.contains(REPLACEMENT), "{name:?} was not found"),
            Err(_) => assert!(value.contains(REPLACEMENT), "{name:?}: {value:?} is unfit"),
        }
    }
    let doubtful = |text: &String| text.contains(REPLACEMENT);
    if second.iter().any(|(name, value)| doubtful(name) || doubtful(value)) {
        return;
    }
    assert_eq!(params, Params::from_texts(second.clone()), "a parameter too many");
    let trimmed = text.strip_prefix('\u{feff}').unwrap_or(text).trim_ascii();
    if !trimmed.starts_with(['{', '[']) {
        assert_eq!(from_body(text.as_bytes()), Some(from_query(trimmed)));
    }
    // The name under which serde_json hides numbers of its own means something else in JSON.
    if !second.keys().any(|name| name.starts_with("$serde_json")) {
        let json = serde_json::to_vec(&second).expect("texts are JSON");
        assert_eq!(from_body(&json), Some(params), "as JSON");
    }
}

fn check_json(data: &[u8]) {
    let Ok(Value::Object(fields)) = serde_json::from_slice(data) else { return };
    let params = from_body(data).expect("JSON is JSON");
    for (name, value) in &fields {
        let read = params.text(name);
        match value {
            Value::String(text) => assert_eq!(read, Ok(Some(text.as_str()))),
            Value::Null => assert_eq!(read, Ok(None)),
            Value::Number(number) if number.is_u64() || number.is_i64() => {
                assert_eq!(read, Ok(Some(number.to_string().as_str())));
            }
            Value::Number(_) => assert!(read.is_ok_and(|text| text.is_some())),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => assert!(read.is_err()),
        }
    }
    check_whole_numbers(data, &params);
}

/// `{"passcode":…}` with nothing but digits in it, however many.
fn check_whole_numbers(data: &[u8], params: &Params) {
    let written = data.strip_prefix(br#"{"passcode":"#).and_then(|rest| rest.strip_suffix(b"}"));
    let Some(digits) = written.filter(|text| text.iter().all(u8::is_ascii_digit)) else { return };
    let read = params.text("passcode").ok().flatten();
    let digits = str::from_utf8(digits).ok();
    assert_eq!(read, digits, "a number is not read as it was written");
}

/// Reads a voucher request, and checks what came of it.
pub fn check_request(params: &Params) {
    match voucher_request(params, &Zone::utc()) {
        Ok(request) => check_accepted(params, &request),
        Err(reason) => {
            let (name, _) = reason.split_once(": ").expect("a reason names its parameter");
            assert!(NAMES.contains(&name), "{reason}");
            // It goes into a header, where other characters are lost.
            assert!(reason.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{reason:?}");
            let usual = [format!(r#"{{"{name}":"\u0000"}}"#), format!(r#"{{"{name}":[]}}"#)];
            assert!(usual.iter().any(|body| refusal(body).as_ref() == Some(&reason)), "{reason}");
        }
    }
}

/// Why a body is refused whose value is certainly wrong: no reason may say more.
fn refusal(body: &str) -> Option<String> {
    voucher_request(&from_body(body.as_bytes())?, &Zone::utc()).err()
}

fn check_accepted(params: &Params, request: &VoucherRequest) {
    let sent = |name: &str| params.text(name).expect("it was accepted").unwrap_or_default();
    let username = request.username.as_ref().map(|username| username.as_str());
    check_text(username, sent("username").trim(), 253);
    let passcode = request.passcode.as_ref().map(|passcode| passcode.secret().reveal());
    check_text(passcode, Some(sent("passcode")).filter(|text| !is_blank(text)).unwrap_or(""), 128);
    let fullname = request.fullname.as_ref().map(|fullname| fullname.as_str());
    check_text(fullname, sent("fullname").trim(), 255);
    if let Some(username) = &request.username {
        let folded = username.folded();
        assert_eq!(folded.to_lowercase(), folded, "folding twice changes more");
        assert!(!folded.is_empty());
    }
    let valid_for = request.valid_for.map(|valid_for| valid_for.to_string());
    assert_eq!(valid_for.unwrap_or_default(), sent("valid_for").trim());
    assert_eq!(request.valid_from.is_none(), is_blank(sent("valid_from")));
    check_limit(request.download_limit, sent("download_limit"));
    check_limit(request.upload_limit, sent("upload_limit"));
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

fn check_text(kept: Option<&str>, sent: &str, octets: usize) {
    assert_eq!(kept.unwrap_or_default(), sent);
    let Some(kept) = kept else { return };
    assert!((1..=octets).contains(&kept.len()), "{} bytes", kept.len());
    let breaks = |c: char| c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c);
    assert!(!kept.contains(breaks), "{kept:?}");
}

/// Whole megabytes from 1 to 9437184 count; whatever else is unlimited.
fn check_limit(limit: DataLimit, sent: &str) {
    let megabytes = limit.megabytes();
    assert!(megabytes <= 9_437_184, "{megabytes} for {sent:?}");
    assert_eq!(limit.bytes(), (megabytes > 0).then(|| u64::from(megabytes) * 1_048_576));
    if let Ok(whole) = sent.trim().parse::<u32>() {
        let expected = if whole <= 9_437_184 { whole } else { 0 };
        assert_eq!(megabytes, expected, "{sent:?}");
    }
}

fn check_valid_for(text: &str) {
    match text.parse::<ValidFor>() {
        Ok(value) => {
            assert_eq!(value.to_string(), text);
            assert_eq!(ValidFor::from_seconds(value.seconds()), Some(value));
        }
        Err(_) => assert!(ValidFor::all().all(|value| value.to_string() != text), "{text:?}"),
    }
}
