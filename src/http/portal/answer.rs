//! Responses and the headers that go with them.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::authority::Authority;
use super::brand::Logo;

/// An SVG may hold scripts; opened as a page of its own it must not run them.
const LOGO_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// A response under way.
pub(super) struct Answer(Response);

impl Answer {
    /// A body of this kind, never kept and never taken for anything else.
    pub(super) fn new(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Self {
        let mut response = Response::new(body.into());
        *response.status_mut() = status;
        let mut answer = Self(response);
        answer.set(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        answer.set(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        answer.set(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        answer
    }

    /// A page. `same-origin`: what follows learns nothing of this page, while our own forms still
    /// say where they come from (`no-referrer` would have them say `null`).
    ///
    /// The policy: nothing from anywhere but this page and its logo, no frame around it, forms
    /// only to us. `here` is where a form leads on to once it was sent, which browsers check too.
    pub(super) fn page(status: StatusCode, here: &Authority, html: String) -> Self {
        let policy = format!(
            "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; \
             form-action 'self' http://{here}; frame-ancestors 'none'; base-uri 'none'"
        );
        let mut answer = Self::new(status, "text/html; charset=utf-8", html);
        if let Ok(policy) = HeaderValue::try_from(policy) {
            answer.set(header::CONTENT_SECURITY_POLICY, policy);
        }
        answer.with(header::REFERRER_POLICY, "same-origin")
    }

    /// On to `location`, which must be printable ASCII.
    pub(super) fn redirect(status: StatusCode, location: &str) -> Self {
        let mut answer = Self::new(status, "text/plain", Body::empty());
        if let Ok(location) = HeaderValue::from_str(location) {
            answer.set(header::LOCATION, location);
        }
        answer.with(header::REFERRER_POLICY, "no-referrer")
    }

    /// The operator's logo, kept for five minutes.
    pub(super) fn logo(logo: &Logo) -> Self {
        Self::new(StatusCode::OK, logo.kind(), logo.bytes())
            .with(header::CACHE_CONTROL, "private, max-age=300")
            .with(header::CONTENT_SECURITY_POLICY, LOGO_POLICY)
    }

    /// With another header.
    pub(super) fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.set(name, HeaderValue::from_static(value));
        self
    }

    /// With a number of seconds after which to come back.
    pub(super) fn retry_after(mut self, seconds: u64) -> Self {
        self.set(header::RETRY_AFTER, HeaderValue::from(seconds));
        self
    }

    /// The connection ends with this answer: it was made to somebody else, and what comes over it
    /// next must get there.
    pub(super) fn closing(self) -> Self {
        self.with(header::CONNECTION, "close")
    }

    /// A whole message with another body, after which the connection ends.
    pub(super) fn into_octets(self, body: &str) -> Vec<u8> {
        let (head, _) = self.closing().done().into_parts();
        let reason = head.status.canonical_reason().unwrap_or_default();
        let mut octets = format!("HTTP/1.1 {} {reason}\r\n", head.status.as_u16()).into_bytes();
        for (name, value) in &head.headers {
            octets.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        octets.extend(format!("content-length: {}\r\n\r\n{body}", body.len()).into_bytes());
        octets
    }

    /// Ready to be sent.
    pub(super) fn done(self) -> Response {
        self.0
    }

    fn set(&mut self, name: HeaderName, value: HeaderValue) {
        self.0.headers_mut().insert(name, value);
    }
}
