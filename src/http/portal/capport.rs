//! The Captive Portal API (RFC 8908): a device's question in machine-readable form.

use serde::Serialize;

use crate::domain::guest::Online;

/// The media type of section 4.2.
pub(super) const MEDIA_TYPE: &str = "application/captive+json";

/// The keys of section 5. `can-extend-session` is left out: a guest who is signed in cannot add to
/// the session here, they sign in anew when it is over.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct State<'a> {
    captive: bool,
    user_portal_url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    venue_info_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds_remaining: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_remaining: Option<u64>,
}

/// The response for a guest who is online, or for an unauthenticated client.
///
/// `bytes-remaining` counts both directions together, after which the device is captive again.
/// Limits here are per direction, so what is certain is the smaller of the two: the session may
/// end as soon as that much has passed. Where only one direction is limited, that one counts.
pub(super) fn json(portal: &str, venue: Option<&str>, online: Option<&Online>) -> String {
    let left = online.map(|online| online.left).unwrap_or_default();
    let state = State {
        captive: online.is_none(),
        user_portal_url: portal,
        venue_info_url: venue,
        seconds_remaining: left.time.map(|time| time.as_secs()),
        bytes_remaining: left.download.into_iter().chain(left.upload).min(),
    };
    serde_json::to_string(&state).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::tests::online;
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_stranger_is_told_where_to_sign_in() {
        assert_eq!(
            json("http://192.168.10.1:8880/", None, None),
            r#"{"captive":true,"user-portal-url":"http://192.168.10.1:8880/"}"#
        );
    }

    #[test]
    fn a_guest_is_told_what_is_left() {
        let mut online = online();
        online.left.time = Some(Duration::from_millis(90_900));
        online.left.download = Some(5_000_000_000);
        online.left.upload = Some(7);
        assert_eq!(
            json("http://login.lan/", Some("https://hotel.example/\""), Some(&online)),
            r#"{"captive":false,"user-portal-url":"http://login.lan/","venue-info-url":"https://hotel.example/\"","seconds-remaining":90,"bytes-remaining":7}"#
        );
        online.left.upload = None;
        assert!(json("", None, Some(&online)).ends_with(r#""bytes-remaining":5000000000}"#));
        online.left = Default::default();
        assert_eq!(json("x", None, Some(&online)), r#"{"captive":false,"user-portal-url":"x"}"#);
    }
}
