//! Requests that were meant for somebody else.

use axum::http::{Method, StatusCode};

use super::answer::Answer;
use super::authority::Authority;
use super::next::{self, Next};
use super::{Guest, probe};

impl Guest<'_> {
    /// A stranger is shown to the portal, a guest is sent where they wanted to go. `authority` is
    /// `None` where that makes no sense.
    pub(super) async fn intercepted(&self, authority: Option<Authority>) -> Answer {
        match (self.visit().await, authority) {
            (Ok(Some(_)), Some(authority)) => self.sent_back(&authority),
            (Ok(Some(_)), None) => self.shown_in(None),
            // Also where the hotspot does not answer: the portal will say so.
            (Ok(None) | Err(_), authority) => {
                let path = self.path_and_query();
                let next = authority.filter(|_| self.reads());
                self.shown_in(next.and_then(|authority| Next::intercepted(&authority, path)))
            }
        }
    }

    /// To the portal. What was sent with the request stays behind: it was not meant for us.
    pub(super) fn shown_in(&self, next: Option<Next>) -> Answer {
        let status = if self.reads() { StatusCode::FOUND } else { StatusCode::SEE_OTHER };
        let mut location = self.portal_url();
        if let Some(next) = next {
            location.push_str(&format!("?next={}", next.encoded()));
        }
        Answer::redirect(status, &location).closing()
    }

    /// The connection is older than the session, or the session as young as this request: asking
    /// once more, over a new connection, reaches whom it was meant for.
    fn sent_back(&self, authority: &Authority) -> Answer {
        if self.reads()
            && let Some(probe) = probe::find(authority, self.request.uri.path())
        {
            return probe.answer().closing();
        }
        let path = self.path_and_query();
        if !path.starts_with('/') || self.portal.turns_in_circles(self.peer, self.opener) {
            return self.shown_in(None);
        }
        let location = format!("http://{authority}{}", next::plain(path));
        Answer::redirect(StatusCode::TEMPORARY_REDIRECT, &location).closing()
    }

    fn path_and_query(&self) -> &str {
        let target = self.request.uri.path_and_query();
        target.map(|target| target.as_str()).filter(|text| !text.is_empty()).unwrap_or("/")
    }

    /// Whether the request asks for a page and sends nothing.
    pub(super) fn reads(&self) -> bool {
        matches!(self.request.method, Method::GET | Method::HEAD)
    }
}
