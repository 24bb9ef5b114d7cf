//! Requests for other hosts, which the kernel has redirected here.

use axum::http::{Method, StatusCode};

use super::authority::Authority;
use super::response::ResponseBuilder;
use super::return_url::{self, ReturnUrl};
use super::{GuestRequest, probe};

impl GuestRequest<'_> {
    /// Redirects an unauthenticated client to the portal, a guest who is online to the origin.
    /// `authority` is `None` where the request names no valid one.
    pub(super) async fn handle_intercepted(&self, authority: Option<Authority>) -> ResponseBuilder {
        match (self.portal_status().await, authority) {
            (Ok(Some(_)), Some(authority)) => self.redirect_to_origin(&authority),
            (Ok(Some(_)), None) => self.redirect_to_portal(None),
            // Also where the hotspot does not answer: the portal shows the error page.
            (Ok(None) | Err(_), authority) => {
                let path = self.path_and_query();
                let next = authority.filter(|_| self.is_read());
                self.redirect_to_portal(
                    next.and_then(|authority| ReturnUrl::of_request(&authority, path)),
                )
            }
        }
    }

    /// Redirects to the portal, as a GET: the body was not meant for us.
    pub(super) fn redirect_to_portal(&self, next: Option<ReturnUrl>) -> ResponseBuilder {
        let status = if self.is_read() { StatusCode::FOUND } else { StatusCode::SEE_OTHER };
        let mut location = self.portal_url();
        if let Some(next) = next {
            location.push_str(&format!("?next={}", next.encoded()));
        }
        ResponseBuilder::redirect(status, &location).closing()
    }

    /// Redirects to the URL that was asked for. The connection is older than the session, or the
    /// session began with this request: a new connection reaches the origin.
    fn redirect_to_origin(&self, authority: &Authority) -> ResponseBuilder {
        if self.is_read()
            && let Some(probe) = probe::find(authority, self.request.uri.path())
        {
            return probe.response().closing();
        }
        let path = self.path_and_query();
        if !path.starts_with('/') || self.portal.is_redirect_loop(self.peer, self.mac) {
            return self.redirect_to_portal(None);
        }
        let location = format!("http://{authority}{}", return_url::plain(path));
        ResponseBuilder::redirect(StatusCode::TEMPORARY_REDIRECT, &location).closing()
    }

    fn path_and_query(&self) -> &str {
        let target = self.request.uri.path_and_query();
        target.map(|target| target.as_str()).filter(|text| !text.is_empty()).unwrap_or("/")
    }

    /// Whether the method is GET or HEAD.
    pub(super) fn is_read(&self) -> bool {
        matches!(self.request.method, Method::GET | Method::HEAD)
    }
}
