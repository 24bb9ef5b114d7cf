//! Captive portal detection: the requests with which devices look for a portal.
//!
//! A probe of an unauthenticated client is redirected like any other request, which makes the
//! captive portal sheet appear. A probe of a guest who is online normally never arrives here. It
//! does when a remembered device was signed in a moment ago, or when its connection is older than
//! its session; then it gets the response of the probe's own server. A redirect, even to the same
//! URL, would count as a portal: Android would ask for a sign-in, and not probe again for ten
//! minutes.

use axum::body::Body;
use axum::http::{HeaderName, StatusCode};

use super::authority::Authority;
use super::response::ResponseBuilder;

/// A probe and the response of its server.
#[derive(Debug)]
pub(super) struct Probe {
    host: &'static str,
    path: &'static str,
    /// None is a 204.
    body: Option<&'static str>,
    /// The media type.
    kind: &'static str,
}

const HTML: &str = "text/html";
const TEXT: &str = "text/plain";
const APPLE: &str = "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>";
const FIREFOX: &str = "<meta http-equiv=\"refresh\" content=\"0;url=https://support.mozilla.org/kb/captive-portal\"/>";
const NETWORK_MANAGER: &str = "NetworkManager is online\n";

const fn silent(host: &'static str, path: &'static str) -> Probe {
    Probe { host, path, body: None, kind: TEXT }
}

const fn saying(
    host: &'static str,
    path: &'static str,
    kind: &'static str,
    body: &'static str,
) -> Probe {
    Probe { host, path, body: Some(body), kind }
}

/// An empty host matches any: vendors run the same probe on servers of their own.
const PROBES: [Probe; 19] = [
    silent("", "/generate_204"),
    silent("", "/gen_204"),
    saying("", "/hotspot-detect.html", HTML, APPLE),
    saying("", "/library/test/success.html", HTML, APPLE),
    saying("captive.apple.com", "/", HTML, APPLE),
    saying("www.msftconnecttest.com", "/connecttest.txt", TEXT, "Microsoft Connect Test"),
    saying("ipv6.msftconnecttest.com", "/connecttest.txt", TEXT, "Microsoft Connect Test"),
    saying("www.msftncsi.com", "/ncsi.txt", TEXT, "Microsoft NCSI"),
    saying("ipv6.msftncsi.com", "/ncsi.txt", TEXT, "Microsoft NCSI"),
    saying("detectportal.firefox.com", "/success.txt", TEXT, "success\n"),
    saying("detectportal.firefox.com", "/canonical.html", HTML, FIREFOX),
    saying("nmcheck.gnome.org", "/check_network_status.txt", TEXT, NETWORK_MANAGER),
    saying("network-test.debian.org", "/nm", TEXT, NETWORK_MANAGER),
    silent("connectivity-check.ubuntu.com", "/"),
    saying("fedoraproject.org", "/static/hotspot.txt", TEXT, "OK\n"),
    saying("networkcheck.kde.org", "/", TEXT, "OK\n"),
    saying("ping.archlinux.org", "/nm-check.txt", TEXT, NETWORK_MANAGER),
    saying(
        "spectrum.s3.amazonaws.com",
        "/kindle-wifi/wifistub.html",
        HTML,
        "81ce4465-7167-4dcb-835b-dcc9e44c112a",
    ),
    saying("www.msftconnecttest.com", "/ncsi.txt", TEXT, "Microsoft NCSI"),
];

/// Hosts that serve nothing but probes.
const HOSTS: [&str; 9] = [
    "captive.apple.com",
    "connectivitycheck.gstatic.com",
    "connectivitycheck.android.com",
    "www.msftconnecttest.com",
    "ipv6.msftconnecttest.com",
    "www.msftncsi.com",
    "detectportal.firefox.com",
    "connectivity-check.ubuntu.com",
    "networkcheck.kde.org",
];

/// The probe at this URL.
pub(super) fn find(authority: &Authority, path: &str) -> Option<&'static Probe> {
    let host = authority.host();
    PROBES.iter().find(|probe| probe.path == path && (probe.host.is_empty() || probe.host == host))
}

/// Whether this URL is a probe, which no guest wants to return to.
pub(super) fn is_probe(authority: &Authority, path: &str) -> bool {
    HOSTS.contains(&authority.host().as_str()) || find(authority, path).is_some()
}

impl Probe {
    /// The response of the probe's own server.
    pub(super) fn response(&self) -> ResponseBuilder {
        match self.body {
            Some(body) => ResponseBuilder::new(StatusCode::OK, self.kind, body),
            // NetworkManager looks for this header on Ubuntu; others ignore it.
            None => ResponseBuilder::new(StatusCode::NO_CONTENT, TEXT, Body::empty())
                .with(HeaderName::from_static("x-networkmanager-status"), "online"),
        }
    }
}
