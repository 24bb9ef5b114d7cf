//! Responses and their headers.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::authority::Authority;
use super::theme::Logo;

/// An SVG may contain scripts, which must not run when it is opened as a document of its own.
const LOGO_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// Builds a response.
pub(super) struct ResponseBuilder(Response);

impl ResponseBuilder {
    /// A response of this media type, with `no-store` and `nosniff`.
    pub(super) fn new(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Self {
        let mut response = Response::new(body.into());
        *response.status_mut() = status;
        let mut answer = Self(response);
        answer.set(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        answer.set(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        answer.set(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        answer
    }

    /// A page. Referrer policy `same-origin`: other sites learn nothing of this page, while our own
    /// forms keep their `Origin` (`no-referrer` would make it `null`).
    ///
    /// Content security policy: no resources but this page and its logo, no framing, forms only to
    /// the portal. `here` is the redirect target of a form, which browsers check as well.
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

    /// A redirect to `location`, which must be printable ASCII.
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

    /// Sets a header.
    pub(super) fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.set(name, HeaderValue::from_static(value));
        self
    }

    /// Sets `Retry-After`.
    pub(super) fn retry_after(mut self, seconds: u64) -> Self {
        self.set(header::RETRY_AFTER, HeaderValue::from(seconds));
        self
    }

    /// Closes the connection after this response: it was opened to another host, which the next
    /// request must reach.
    pub(super) fn closing(self) -> Self {
        self.with(header::CONNECTION, "close")
    }

    /// The serialized message with this body and `Connection: close`.
    pub(super) fn into_octets(self, body: &str) -> Vec<u8> {
        let (head, _) = self.closing().build().into_parts();
        let reason = head.status.canonical_reason().unwrap_or_default();
        let mut octets = format!("HTTP/1.1 {} {reason}\r\n", head.status.as_u16()).into_bytes();
        for (name, value) in &head.headers {
            octets.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        octets.extend(format!("content-length: {}\r\n\r\n{body}", body.len()).into_bytes());
        octets
    }

    /// The finished response.
    pub(super) fn build(self) -> Response {
        self.0
    }

    fn set(&mut self, name: HeaderName, value: HeaderValue) {
        self.0.headers_mut().insert(name, value);
    }
}
