//! Handlers of the portal's own pages.

use axum::body::Body;
use axum::http::{HeaderName, Method, StatusCode, header};

use super::authority::Authority;
use super::form::{Form, NoCredential};
use super::i18n::Text;
use super::page::{Notice, PageContext, Typed};
use super::response::ResponseBuilder;
use super::return_url::ReturnUrl;
use super::{GuestRequest, capport, language};
use crate::domain::login::{Credential, Refusal};
use crate::hotspot::Write;
use crate::http::body::{self, BodyError};
use crate::http::params::{self, Params};

/// Octets of a form: twice the longest fields, percent-encoded. Less than elsewhere, since any
/// unauthenticated client may send one at any time.
const FORM: usize = 8 * 1024;

/// The query parameter with which the sign-in page confirms a sign-out.
const SIGNED_OUT: &str = "out=1";

impl GuestRequest<'_> {
    /// Handles a request for the portal; `called` is the authority it was addressed to.
    pub(super) async fn handle(&self, called: Option<Authority>, body: Body) -> ResponseBuilder {
        // The portal's own port: once a guest is online, the kernel no longer redirects port 80.
        let here =
            called.clone().unwrap_or_else(|| Authority::of_portal(self.settings, self.local));
        let request = PortalRequest { guest: self, here: here.at_port(self.settings.port), called };
        let query = params::from_query(self.request.uri.query().unwrap_or_default());
        let is_post = self.request.method == Method::POST;
        match (self.request.uri.path(), self.is_read(), is_post) {
            ("/", true, _) => request.home(&query).await,
            ("/login", _, true) => request.with_form(body, PortalRequest::login).await,
            ("/logout", _, true) => request.with_form(body, PortalRequest::logout).await,
            ("/login" | "/logout", true, _) => {
                request.redirect_home(&request.page_context(&query), None)
            }
            ("/captive-portal", true, _) => self.capport().await,
            ("/logo", true, _) => match &self.settings.theme.logo {
                Some(logo) => ResponseBuilder::logo(logo),
                None => ResponseBuilder::new(StatusCode::NOT_FOUND, "text/plain", Body::empty()),
            },
            ("/favicon.ico", true, _) => {
                ResponseBuilder::new(StatusCode::NOT_FOUND, "text/plain", Body::empty())
            }
            ("/login" | "/logout", ..) => not_allowed("GET, HEAD, POST"),
            ("/" | "/captive-portal" | "/logo" | "/favicon.ico", ..) => not_allowed("GET, HEAD"),
            _ => request.not_found(&query).await,
        }
    }

    async fn capport(&self) -> ResponseBuilder {
        match self.portal_status().await {
            Ok(online) => {
                let venue = self.settings.venue_url.as_deref();
                let json = capport::json(&self.portal_url(), venue, online.as_ref());
                // Section 4.1 of RFC 8908 asks for `private` at least.
                ResponseBuilder::new(StatusCode::OK, capport::MEDIA_TYPE, json)
                    .with(header::CACHE_CONTROL, "private, no-store")
            }
            Err(_) => {
                ResponseBuilder::new(StatusCode::SERVICE_UNAVAILABLE, "text/plain", Body::empty())
                    .retry_after(5)
            }
        }
    }

    fn header(&self, name: HeaderName) -> Option<&str> {
        self.request.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// A request for the portal itself.
struct PortalRequest<'a> {
    guest: &'a GuestRequest<'a>,
    /// The portal's authority, which works whether the guest is online or not.
    here: Authority,
    /// The authority that the request was addressed to.
    called: Option<Authority>,
}

impl PortalRequest<'_> {
    /// The sign-in page, or the status page of a guest who is online.
    async fn home(&self, query: &Params) -> ResponseBuilder {
        let context = self.page_context(query);
        match self.guest.portal_status().await {
            Ok(Some(online)) => self.page(StatusCode::OK, context.online(&online)),
            Ok(None) => {
                let out = matches!(query.text("out"), Ok(Some("1")));
                let notice = if out { Notice::SignedOut } else { Notice::None };
                self.page(StatusCode::OK, context.sign_in(&notice, ""))
            }
            Err(_) => self.fault(&context),
        }
    }

    /// Reads a form and calls `then`; refuses one that is too large, incomplete, of another media
    /// type or from another site.
    async fn with_form<'b, F>(
        &'b self,
        body: Body,
        then: impl FnOnce(&'b Self, Params) -> F,
    ) -> ResponseBuilder
    where
        F: Future<Output = ResponseBuilder>,
    {
        let refused = |status| {
            let context = self.page_context(&Params::default());
            let notice = Notice::Problem(context.text.foreign_form.to_owned());
            self.page(status, context.sign_in(&notice, ""))
        };
        if self.is_foreign() {
            log::debug!("portal: {} sent a form from another site", self.guest.peer);
            return refused(StatusCode::FORBIDDEN);
        }
        let kind = self.guest.request.headers.get(header::CONTENT_TYPE);
        let form = b"application/x-www-form-urlencoded";
        let fits =
            |kind: &[u8]| kind.get(..form.len()).is_some_and(|k| k.eq_ignore_ascii_case(form));
        if kind.is_some_and(|kind| !fits(kind.as_bytes())) {
            return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
        let bytes = match body::read(body, FORM).await {
            Ok(bytes) => bytes,
            Err(BodyError::TooLarge) => return refused(StatusCode::PAYLOAD_TOO_LARGE).closing(),
            Err(BodyError::Broken) => return refused(StatusCode::BAD_REQUEST).closing(),
        };
        match std::str::from_utf8(&bytes) {
            Ok(form) => then(self, params::from_query(form)).await,
            Err(_) => refused(StatusCode::BAD_REQUEST),
        }
    }

    async fn login(&self, params: Params) -> ResponseBuilder {
        let context = self.page_context(&params);
        let form = Form::read(&params);
        let text = context.text;
        let problem = |status, sentence: String| {
            self.page(status, context.sign_in(&Notice::Problem(sentence), &form.username))
        };
        let theme = &self.guest.settings.theme;
        if theme.terms_box && theme.terms.in_language(text).is_some() && !form.terms {
            return problem(StatusCode::BAD_REQUEST, text.terms_missing.to_owned());
        }
        let refusal = match form.typed {
            Err(NoCredential::Nothing) => {
                return problem(StatusCode::BAD_REQUEST, text.nothing_typed.to_owned());
            }
            Err(NoCredential::Invalid) => Ok(Some(Refusal::UnknownUsername)),
            Ok(ref credential) => self.sign_in(credential.clone()).await,
        };
        match refusal {
            Ok(None) => self.redirect_home(&context, None),
            Ok(Some(refusal)) => {
                let sentence = context.refusal(&refusal, form.kind);
                match refusal.retry_after() {
                    Some(wait) => problem(StatusCode::TOO_MANY_REQUESTS, sentence)
                        .retry_after(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)),
                    None => problem(StatusCode::FORBIDDEN, sentence),
                }
            }
            Err(()) => self.fault(&context),
        }
    }

    async fn sign_in(&self, credential: Credential) -> Result<Option<Refusal>, ()> {
        let answer = self.try_sign_in(credential.clone()).await?;
        let Some(Refusal::DevicesAreProbed(wait)) = answer else { return Ok(answer) };
        // A phone with a new MAC address waits here for the probe of its old one, instead of being
        // refused.
        tokio::time::sleep(wait).await;
        self.try_sign_in(credential).await
    }

    async fn try_sign_in(&self, credential: Credential) -> Result<Option<Refusal>, ()> {
        let caller = self.guest.caller();
        let portal = self.guest.portal;
        let asked = portal.hotspot.write(|reply| Write::SignIn { caller, credential, reply }).await;
        let refusal = asked.map_err(|fault| portal.log_fault(&fault))?.err();
        self.log_refusal(refusal);
        Ok(refusal)
    }

    fn log_refusal(&self, refusal: Option<Refusal>) {
        if refusal == Some(Refusal::UnknownDevice) {
            self.guest.portal.log_unknown_device(self.guest.peer, self.guest.mac);
        }
    }

    async fn logout(&self, params: Params) -> ResponseBuilder {
        let context = self.page_context(&params);
        let caller = self.guest.caller();
        let portal = self.guest.portal;
        match portal.hotspot.write(|reply| Write::SignOut { caller, reply }).await {
            Ok(Ok(_)) => {
                self.redirect_home(&PageContext { next: None, ..context }, Some(SIGNED_OUT))
            }
            Ok(Err(refusal)) => {
                self.log_refusal(Some(refusal));
                let notice = Notice::Problem(context.refusal(&refusal, Typed::Code));
                self.page(StatusCode::FORBIDDEN, context.sign_in(&notice, ""))
            }
            Err(fault) => {
                portal.log_fault(&fault);
                self.fault(&context)
            }
        }
    }

    /// A path without a page.
    async fn not_found(&self, query: &Params) -> ResponseBuilder {
        match self.guest.portal_status().await {
            Ok(Some(_)) => {
                let context = self.page_context(query);
                let text = context.text;
                self.page(StatusCode::NOT_FOUND, context.message(text.not_found, "", text.back))
            }
            Ok(None) | Err(_) => self.guest.redirect_to_portal(None),
        }
    }

    /// Redirects to the start page. Also after signing in, rather than to the page first asked for:
    /// a phone's captive portal sheet closes by itself, and in a browser the start page shows the
    /// remaining time, the sign-out button and a link to the page first asked for.
    fn redirect_home(&self, context: &PageContext<'_>, first: Option<&str>) -> ResponseBuilder {
        let location = format!("http://{}/{}", self.here, context.query(first));
        ResponseBuilder::redirect(StatusCode::SEE_OTHER, &location)
    }

    fn fault(&self, context: &PageContext<'_>) -> ResponseBuilder {
        let text = context.text;
        let html = context.message(text.fault, text.fault_advice, text.again);
        self.page(StatusCode::SERVICE_UNAVAILABLE, html).retry_after(5)
    }

    fn page(&self, status: StatusCode, html: String) -> ResponseBuilder {
        ResponseBuilder::page(status, &self.here, html)
    }

    /// Language and return URL out of a query or form.
    fn page_context(&self, params: &Params) -> PageContext<'_> {
        let field = |name| params.text(name).ok().flatten();
        let chosen: Option<&'static Text> = field("lang").and_then(language::by_tag);
        let header = self.guest.header(header::ACCEPT_LANGUAGE).unwrap_or_default();
        let settings = self.guest.settings;
        let local = self.guest.local;
        PageContext {
            settings,
            text: chosen.unwrap_or_else(|| language::negotiate(header)),
            chosen: chosen.is_some(),
            next: field("next").and_then(|next| ReturnUrl::parse(next, settings, local)),
        }
    }

    /// Whether the `Origin` header names another site. `null` is sent by some captive portal sheets
    /// with every form, and by pages that hide their origin: it is accepted for signing in, which
    /// needs a voucher, but not for signing out.
    fn is_foreign(&self) -> bool {
        let Some(origin) = self.guest.request.headers.get(header::ORIGIN) else { return false };
        let origin = origin.to_str().unwrap_or_default();
        if origin == "null" {
            return self.guest.request.uri.path() != "/login";
        }
        let from = origin.strip_prefix("http://").and_then(Authority::parse);
        from.is_none() || from != self.called
    }
}

fn not_allowed(methods: &'static str) -> ResponseBuilder {
    ResponseBuilder::new(StatusCode::METHOD_NOT_ALLOWED, "text/plain", Body::empty())
        .with(header::ALLOW, methods)
}
