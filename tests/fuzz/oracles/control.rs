//! `control::Ask` and `control::Tell`, a line of JSON each.
//!
//! - Nothing panics.
//! - What is read, written and read again is the same.
//! - The fields of a request for vouchers keep the rules of the API (see `params`).

use hotspotd::control::{Ask, Tell};
use hotspotd::http::params::Params;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::params::check_request;

pub fn check(data: &[u8]) {
    if let Some(Ask::CreateVouchers { fields, .. }) = check_line(data) {
        check_request(&Params::from_texts(fields));
    }
    check_line::<Tell>(data);
}

fn check_line<T: Serialize + DeserializeOwned>(line: &[u8]) -> Option<T> {
    let read: T = serde_json::from_slice(line).ok()?;
    let written = serde_json::to_string(&read).expect("what was read can be written");
    assert!(!written.contains('\n'), "more than one line: {written:?}");
    let again: T =
        serde_json::from_str(&written).unwrap_or_else(|error| panic!("{error}: {written}"));
    assert_eq!(serde_json::to_string(&again).ok(), Some(written));
    Some(again)
}
