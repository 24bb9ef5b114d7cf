//! The authority (RFC 9110 section 4.3) a request was addressed to, parsed from untrusted input.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::request::Parts;
use axum::http::{header, uri};

use super::Settings;

/// Characters of a host name (RFC 1035 section 2.3.4).
const NAME: usize = 253;
/// The port that `http://` means.
const HTTP: u16 = 80;

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    host: Host,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    /// Lower case; letters, digits, `-`, `_` and dots.
    Name(String),
    Address(IpAddr),
}

/// The target of a request that has arrived here.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The portal, under this authority; `None` where the request names none.
    Portal(Option<Authority>),
    /// Another host, and the kernel has redirected it; `None` where the host is invalid.
    Elsewhere(Option<Authority>),
}

impl Authority {
    /// `name`, `address`, `[IPv6 address]`, each with or without a port. User names, zones,
    /// percent signs and everything outside of ASCII are refused.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, port) = rest.split_once(']')?;
                (Host::Address(IpAddr::V6(address.parse::<Ipv6Addr>().ok()?)), port)
            }
            None => {
                let (name, port) = text.split_at(text.find(':').unwrap_or(text.len()));
                (Host::parse(name)?, port)
            }
        };
        Some(Self { host, port: parse_port(port)? })
    }

    /// The portal's authority: its name where it has one, else its address. A URL cannot hold a
    /// link-local IPv6 address, so the device's IPv4 address stands in.
    pub(super) fn of_portal(settings: &Settings, local: SocketAddr) -> Self {
        let address = match (local.ip(), settings.address_v4) {
            (IpAddr::V6(address), Some(v4)) if address.is_unicast_link_local() => IpAddr::V4(v4),
            (address, _) => address,
        };
        let host = match &settings.portal_name {
            Some(name) => Host::Name(name.to_ascii_lowercase()),
            None => Host::Address(address),
        };
        Self { host, port: settings.port }
    }

    /// The same host at another port.
    pub(super) fn at_port(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// The host without the port, in lower case.
    pub(super) fn host(&self) -> String {
        self.host.to_string()
    }

    /// Whether this is the portal, at its own port or at port 80, which the kernel redirects here.
    pub(super) fn is_portal(&self, settings: &Settings, local: SocketAddr) -> bool {
        let host = match &self.host {
            Host::Name(name) => settings.portal_name.as_ref().is_some_and(|portal| {
                name.strip_suffix('.').unwrap_or(name).eq_ignore_ascii_case(portal)
            }),
            Host::Address(address) => {
                *address == local.ip() || Some(*address) == settings.address_v4.map(IpAddr::V4)
            }
        };
        host && (self.port == HTTP || self.port == settings.port)
    }
}

impl Host {
    fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse() {
            return Some(Self::Address(IpAddr::V4(address)));
        }
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let name = (1..=NAME).contains(&text.len()) && text.bytes().all(fits);
        name.then(|| Self::Name(text.to_ascii_lowercase()))
    }
}

/// The port behind a host: nothing, or a colon and a port; RFC 3986 allows a colon alone.
fn parse_port(text: &str) -> Option<u16> {
    let digits = match text.strip_prefix(':') {
        None => return text.is_empty().then_some(HTTP),
        Some("") => return Some(HTTP),
        Some(digits) => digits,
    };
    let plain = digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|port| plain && *port > 0)
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
        }
    }
}

impl fmt::Display for Authority {
    /// As it stands in a URL: the port only where it is not 80.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            HTTP => self.host.fmt(f),
            port => write!(f, "{}:{port}", self.host),
        }
    }
}

/// The target of a request. One without a host (HTTP/1.0) is for the portal.
pub(super) fn target(request: &Parts, settings: &Settings, local: SocketAddr) -> Target {
    let mut hosts = request.headers.get_all(header::HOST).iter();
    // An absolute request target outweighs the header (RFC 9112 section 3.2.2).
    let text = match (request.uri.authority(), hosts.next(), hosts.next()) {
        (Some(authority), _, _) if request.uri.scheme() == Some(&uri::Scheme::HTTP) => {
            Some(authority.as_str())
        }
        (Some(_), _, _) | (None, Some(_), Some(_)) => None,
        (None, Some(host), None) => host.to_str().ok(),
        (None, None, _) => return Target::Portal(None),
    };
    match text.and_then(Authority::parse) {
        Some(authority) if authority.is_portal(settings, local) => Target::Portal(Some(authority)),
        authority => Target::Elsewhere(authority),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::settings;
    use super::*;
    use proptest::prelude::*;

    const LOCAL: &str = "192.168.10.1:8880";

    fn local(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn hosts_are_read_as_clients_write_them() {
        for (text, shown) in [
            ("example.com", "example.com"),
            ("Example.COM:80", "example.com"),
            ("example.com:", "example.com"),
            ("example.com:8080", "example.com:8080"),
            ("192.0.2.1:8880", "192.0.2.1:8880"),
            ("[2001:DB8::1]", "[2001:db8::1]"),
            ("[2001:db8::1]:8880", "[2001:db8::1]:8880"),
            ("a_b.example.", "a_b.example."),
        ] {
            assert_eq!(Authority::parse(text).unwrap().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn hosts_that_could_lead_astray_are_refused() {
        let long = "a".repeat(254);
        for text in [
            "",
            ":80",
            "a@b",
            "user:secret@b",
            "a b",
            "a\"b",
            "a<b",
            "a'b",
            "é.fr",
            "a/b",
            "a\\b",
            "a:0",
            "a:65536",
            "a:+80",
            "a:8 0",
            "a:80:80",
            "a:080808",
            "[::1",
            "::1",
            "[::1]x",
            "[fe80::1%25br-guest]",
            "[192.0.2.1]",
            "a%2fb",
            "a?b",
            "a#b",
            &long,
        ] {
            assert_eq!(Authority::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_portal_is_named_by_its_name_else_by_its_address() {
        let mut settings = settings();
        let shown =
            |settings: &Settings, at: &str| Authority::of_portal(settings, local(at)).to_string();
        assert_eq!(shown(&settings, LOCAL), "192.168.10.1:8880");
        assert_eq!(shown(&settings, "[2001:db8::1]:8880"), "[2001:db8::1]:8880");
        assert_eq!(shown(&settings, "[fe80::1]:8880"), "[fe80::1]:8880");
        settings.address_v4 = Some([192, 168, 10, 1].into());
        assert_eq!(shown(&settings, "[fe80::1]:8880"), "192.168.10.1:8880");
        assert_eq!(shown(&settings, "[2001:db8::1]:8880"), "[2001:db8::1]:8880");
        settings.port = 80;
        assert_eq!(shown(&settings, "192.168.10.1:80"), "192.168.10.1");
        settings.portal_name = Some("login.hotspot.lan".into());
        assert_eq!(shown(&settings, "[fe80::1]:80"), "login.hotspot.lan");
    }

    #[test]
    fn the_portal_knows_itself_whichever_way_it_is_called() {
        let mut settings = settings();
        settings.portal_name = Some("login.hotspot.lan".into());
        settings.address_v4 = Some([192, 168, 10, 1].into());
        let is_portal =
            |text: &str, at: &str| Authority::parse(text).unwrap().is_portal(&settings, local(at));
        for text in
            ["192.168.10.1", "192.168.10.1:8880", "LOGIN.hotspot.lan", "login.hotspot.lan.:8880"]
        {
            assert!(is_portal(text, LOCAL), "{text}");
        }
        assert!(is_portal("[fe80::1]:8880", "[fe80::1]:8880"));
        assert!(is_portal("192.168.10.1:8880", "[fe80::1]:8880"));
        for text in ["192.168.10.2", "192.168.10.1:8881", "hotspot.lan", "xlogin.hotspot.lan"] {
            assert!(!is_portal(text, LOCAL), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_can_stand_in_a_url_and_reads_the_same_again(text in "\\PC{0,40}") {
            if let Some(authority) = Authority::parse(&text) {
                let shown = authority.to_string();
                prop_assert!(shown.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:[]".contains(&b)));
                prop_assert_eq!(Authority::parse(&shown), Some(authority));
            }
        }
    }
}
