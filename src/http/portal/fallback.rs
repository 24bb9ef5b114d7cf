//! Responses to guests whose request cannot be read, or whose connection was refused.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::StatusCode;
use tokio::sync::watch;

use super::authority::Authority;
use super::page::PageContext;
use super::response::ResponseBuilder;
use super::{Settings, language};
use crate::http::fallback;

/// Writes such responses out of the first octets of a request.
pub(super) struct Fallback {
    settings: watch::Receiver<Arc<Settings>>,
}

impl Fallback {
    pub(super) fn new(settings: watch::Receiver<Arc<Settings>>) -> Self {
        Self { settings }
    }

    /// An error page where the request is for the portal: a redirect would be a loop, since the next
    /// request would fail for the same reason. All others are redirected to the portal.
    fn answer(
        &self,
        beginning: &[u8],
        local: SocketAddr,
        page: impl Fn(&PageContext) -> Page,
    ) -> Vec<u8> {
        let settings = self.settings.borrow().clone();
        let local = SocketAddr::new(local.ip().to_canonical(), local.port());
        let here = Authority::of_portal(&settings, local);
        let host = field(beginning, "host").and_then(Authority::parse);
        if !host.is_some_and(|host| host.is_portal(&settings, local)) {
            let location = format!("http://{here}/");
            return ResponseBuilder::redirect(StatusCode::FOUND, &location).into_octets("");
        }
        let languages = field(beginning, "accept-language").unwrap_or_default();
        let text = language::negotiate(languages);
        let context = PageContext { settings: &settings, text, chosen: false, next: None };
        let Page { status, html } = page(&context);
        let answer = ResponseBuilder::page(status, &here, String::new());
        answer.into_octets(if beginning.starts_with(b"HEAD ") { "" } else { &html })
    }
}

struct Page {
    status: StatusCode,
    html: String,
}

impl fallback::Fallback for Fallback {
    fn unreadable(&self, status: u16, beginning: &[u8], local: SocketAddr) -> Vec<u8> {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        self.answer(beginning, local, |context| {
            let text = context.text;
            let html = context.message(text.unreadable, text.unreadable_advice, text.back);
            Page { status, html }
        })
    }

    fn full(&self, beginning: &[u8], local: SocketAddr) -> Vec<u8> {
        self.answer(beginning, local, |context| {
            let text = context.text;
            let html = context.message(text.fault, text.fault_advice, text.again);
            Page { status: StatusCode::SERVICE_UNAVAILABLE, html }
        })
    }
}

/// A header field in the beginning of a request, if all of its line is there.
fn field<'a>(beginning: &'a [u8], name: &str) -> Option<&'a str> {
    let end = beginning.iter().rposition(|octet| *octet == b'\n')?;
    beginning.get(..end)?.split(|octet| *octet == b'\n').skip(1).find_map(|line| {
        let (field, value) = std::str::from_utf8(line).ok()?.split_once(':')?;
        field.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
