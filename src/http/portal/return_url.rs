//! The page a guest wanted before the portal came in between.
//!
//! It travels through the sign-in in plain sight, so anybody could write a link with a page of
//! their own in it. It therefore never becomes a redirect, only a link with the host beside it,
//! and nothing but a plain `http://` address gets that far.

use std::net::SocketAddr;

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use super::authority::Authority;
use super::{Settings, probe};

/// Longer URLs are dropped: they have to fit into a request head again.
const LENGTH: usize = 1024;

/// Octets that browsers may send in a path or query, but that a URL should not contain.
const UNSAFE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'\'')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
/// Encoded in a query's value; the rest stays legible.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A plain `http://` address without a user name, of printable ASCII.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReturnUrl {
    url: String,
    authority: Authority,
}

impl ReturnUrl {
    /// The URL of a request for another host. `None` for captive portal detection requests, which
    /// no guest wants to return to.
    pub(super) fn of_request(authority: &Authority, path_and_query: &str) -> Option<Self> {
        if !path_and_query.starts_with('/') {
            return None;
        }
        Self::checked(authority.clone(), &plain(path_and_query))
    }

    /// The URL in a query or form. `None` for anything that must not be linked to.
    pub(super) fn parse(text: &str, settings: &Settings, local: SocketAddr) -> Option<Self> {
        let scheme = text.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("http://"))?;
        let text = text.get(scheme.len()..)?;
        let (authority, rest) = text.split_at(text.find(['/', '?', '#']).unwrap_or(text.len()));
        let authority = Authority::parse(authority)?;
        if plain(rest) != rest || authority.is_portal(settings, local) {
            return None;
        }
        Self::checked(authority, rest)
    }

    fn checked(authority: Authority, rest: &str) -> Option<Self> {
        let path = rest.split(['?', '#']).next().unwrap_or_default();
        let url = format!("http://{authority}{rest}");
        (url.len() <= LENGTH && !probe::is_probe(&authority, path))
            .then_some(Self { url, authority })
    }

    /// The URL.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Host and port, shown to the guest.
    pub(super) fn place(&self) -> String {
        self.authority.to_string()
    }

    /// The URL as the value of a query parameter.
    pub(super) fn encoded(&self) -> String {
        utf8_percent_encode(&self.url, VALUE).to_string()
    }
}

/// A path and query as printable ASCII without quotes or brackets.
pub(super) fn plain(path_and_query: &str) -> String {
    utf8_percent_encode(path_and_query, UNSAFE).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{LOCAL, settings};
    use super::*;
    use crate::http::params;
    use proptest::prelude::*;

    fn parse(text: &str) -> Option<String> {
        ReturnUrl::parse(text, &settings(), LOCAL.parse().unwrap()).map(|next| next.url)
    }

    #[test]
    fn ordinary_pages_are_remembered() {
        for text in [
            "http://example.com",
            "http://example.com/",
            "http://example.com/a?b=c&d=%22#e",
            "http://example.com:8080/x@y",
            "http://[2001:db8::1]/",
            "http://example.com?q",
        ] {
            assert_eq!(parse(text).as_deref(), Some(text));
        }
        assert_eq!(parse("HTTP://EXAMPLE.com/A").as_deref(), Some("http://example.com/A"));
    }

    #[test]
    fn nothing_else_is_ever_offered() {
        let long = format!("http://example.com/{}", "a".repeat(LENGTH));
        for text in [
            "",
            "/",
            "//example.com/",
            "\\\\example.com",
            "example.com",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://example.com/",
            "http:example.com",
            "http:/example.com",
            "http:///example.com",
            "http://user@example.com/",
            "http://a:b@example.com/",
            "http://example.com\\@evil.example/",
            "http://example.com/\"",
            "http://example.com/<",
            "http://example.com/'",
            "http://exam ple.com/",
            " http://example.com/",
            "http://example.com/\r\nX: y",
            "http://example.com/é",
            "http://é.fr/",
            "http://192.168.10.1:8880/",
            "http://192.168.10.1/logout",
            "jAvascript://%0aalert(1)",
            "http://captive.apple.com/hotspot-detect.html",
            "http://connectivitycheck.gstatic.com/generate_204",
            "éhttp://a",
            &long,
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn an_intercepted_address_is_made_fit_for_a_link() {
        let authority = Authority::parse("example.com").unwrap();
        let next = ReturnUrl::of_request(&authority, "/a\"b<c>?d='é").unwrap();
        assert_eq!(next.url(), "http://example.com/a%22b%3Cc%3E?d=%27%C3%A9");
        assert_eq!(next.place(), "example.com");
        assert_eq!(ReturnUrl::of_request(&authority, "*"), None);
        assert_eq!(ReturnUrl::of_request(&authority, "/generate_204"), None);
    }

    proptest! {
        #[test]
        fn what_is_offered_is_plain_and_survives_the_form(text in "(http://)?\\PC{0,60}") {
            if let Some(next) = ReturnUrl::parse(&text, &settings(), LOCAL.parse().unwrap()) {
                prop_assert!(next.url.starts_with("http://"));
                prop_assert!(next.url.bytes().all(|b| b.is_ascii_graphic() && !b"\"'<>\\`".contains(&b)));
                prop_assert!(!next.url.split(['/', '?', '#']).nth(2).unwrap().contains('@'));
                let query = format!("next={}", next.encoded());
                let params = params::from_query(&query);
                prop_assert_eq!(params.text("next").unwrap(), Some(next.url()));
                prop_assert!(parse(next.url()).is_some());
            }
        }

        #[test]
        fn what_was_intercepted_is_accepted_again(path in "/\\PC{0,60}") {
            let authority = Authority::parse("example.com").unwrap();
            if let Some(next) = ReturnUrl::of_request(&authority, &path) {
                let again = parse(next.url());
                prop_assert_eq!(again.as_deref(), Some(next.url()));
            }
        }
    }
}
