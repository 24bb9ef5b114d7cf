//! Requests for the portal itself.

use axum::body::Body;
use axum::http::{HeaderName, Method, StatusCode, header};

use super::answer::Answer;
use super::authority::Authority;
use super::form::{Form, Untyped};
use super::next::Next;
use super::page::{Notice, Typed, Visit};
use super::text::Text;
use super::{Guest, capport, language};
use crate::domain::login::{Credential, Refusal};
use crate::hotspot::Write;
use crate::http::body::{self, BodyError};
use crate::http::params::{self, Params};

/// Bytes of a form: the longest fields, each byte of them percent-encoded, twice over. Every
/// stranger may send one at any time, so there is less room than elsewhere.
const FORM: usize = 8 * 1024;

/// Says on the sign-in page that somebody has just signed out.
const SIGNED_OUT: &str = "out=1";

impl Guest<'_> {
    /// Answers a request for the portal, called by this name.
    pub(super) async fn served(&self, called: Option<Authority>, body: Body) -> Answer {
        // The guest's own name for us at our own port: once they are online, the kernel no longer
        // brings them here from port 80.
        let here =
            called.clone().unwrap_or_else(|| Authority::of_portal(self.settings, self.local));
        let desk = Desk { guest: self, here: here.at_port(self.settings.port), called };
        let query = params::from_query(self.request.uri.query().unwrap_or_default());
        let posted = self.request.method == Method::POST;
        match (self.request.uri.path(), self.reads(), posted) {
            ("/", true, _) => desk.home(&query).await,
            ("/login", _, true) => desk.posted(body, Desk::login).await,
            ("/logout", _, true) => desk.posted(body, Desk::logout).await,
            ("/login" | "/logout", true, _) => desk.onwards(&desk.visitor(&query), None),
            ("/captive-portal", true, _) => self.capport().await,
            ("/logo", true, _) => match &self.settings.brand.logo {
                Some(logo) => Answer::logo(logo),
                None => Answer::new(StatusCode::NOT_FOUND, "text/plain", Body::empty()),
            },
            ("/favicon.ico", true, _) => {
                Answer::new(StatusCode::NOT_FOUND, "text/plain", Body::empty())
            }
            ("/login" | "/logout", ..) => not_allowed("GET, HEAD, POST"),
            ("/" | "/captive-portal" | "/logo" | "/favicon.ico", ..) => not_allowed("GET, HEAD"),
            _ => desk.elsewhere(&query).await,
        }
    }

    async fn capport(&self) -> Answer {
        match self.visit().await {
            Ok(online) => {
                let venue = self.settings.venue_url.as_deref();
                let json = capport::json(&self.portal_url(), venue, online.as_ref());
                // Section 4.1 of RFC 8908 asks for `private` at least.
                Answer::new(StatusCode::OK, capport::MEDIA_TYPE, json)
                    .with(header::CACHE_CONTROL, "private, no-store")
            }
            Err(_) => Answer::new(StatusCode::SERVICE_UNAVAILABLE, "text/plain", Body::empty())
                .retry_after(5),
        }
    }

    fn header(&self, name: HeaderName) -> Option<&str> {
        self.request.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// One request for the portal.
struct Desk<'a> {
    guest: &'a Guest<'a>,
    /// Where the guest finds us, online or not.
    here: Authority,
    /// What they called us.
    called: Option<Authority>,
}

impl Desk<'_> {
    /// The sign-in page, or what is left.
    async fn home(&self, query: &Params) -> Answer {
        let visit = self.visitor(query);
        match self.guest.visit().await {
            Ok(Some(online)) => self.page(StatusCode::OK, visit.online(&online)),
            Ok(None) => {
                let out = matches!(query.text("out"), Ok(Some("1")));
                let notice = if out { Notice::SignedOut } else { Notice::None };
                self.page(StatusCode::OK, visit.sign_in(&notice, ""))
            }
            Err(_) => self.fault(&visit),
        }
    }

    /// Hands a form on, unless it is too large, broken, of another kind or from another site.
    async fn posted<'b, F>(&'b self, body: Body, then: impl FnOnce(&'b Self, Params) -> F) -> Answer
    where
        F: Future<Output = Answer>,
    {
        let refused = |status| {
            let visit = self.visitor(&Params::default());
            let notice = Notice::Problem(visit.text.foreign_form.to_owned());
            self.page(status, visit.sign_in(&notice, ""))
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

    async fn login(&self, params: Params) -> Answer {
        let visit = self.visitor(&params);
        let form = Form::read(&params);
        let text = visit.text;
        let problem = |status, sentence: String| {
            self.page(status, visit.sign_in(&Notice::Problem(sentence), &form.username))
        };
        let brand = &self.guest.settings.brand;
        if brand.terms_box && brand.terms.in_language(text).is_some() && !form.terms {
            return problem(StatusCode::BAD_REQUEST, text.terms_missing.to_owned());
        }
        let refusal = match form.typed {
            Err(Untyped::Nothing) => {
                return problem(StatusCode::BAD_REQUEST, text.nothing_typed.to_owned());
            }
            Err(Untyped::Unfit) => Ok(Some(Refusal::UnknownUsername)),
            Ok(ref credential) => self.sign_in(credential.clone()).await,
        };
        match refusal {
            Ok(None) => self.onwards(&visit, None),
            Ok(Some(refusal)) => {
                let sentence = visit.refusal(&refusal, form.kind);
                match refusal.retry_after() {
                    Some(wait) => problem(StatusCode::TOO_MANY_REQUESTS, sentence)
                        .retry_after(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)),
                    None => problem(StatusCode::FORBIDDEN, sentence),
                }
            }
            Err(()) => self.fault(&visit),
        }
    }

    async fn sign_in(&self, credential: Credential) -> Result<Option<Refusal>, ()> {
        let answer = self.ask_to_sign_in(credential.clone()).await?;
        let Some(Refusal::DevicesAreProbed(wait)) = answer else { return Ok(answer) };
        // A phone with a new MAC address need not be sent away for the few seconds that it takes.
        tokio::time::sleep(wait).await;
        self.ask_to_sign_in(credential).await
    }

    async fn ask_to_sign_in(&self, credential: Credential) -> Result<Option<Refusal>, ()> {
        let caller = self.guest.caller();
        let portal = self.guest.portal;
        let asked = portal.hotspot.write(|reply| Write::SignIn { caller, credential, reply }).await;
        let refusal = asked.map_err(|fault| portal.note(&fault))?.err();
        self.note(refusal);
        Ok(refusal)
    }

    fn note(&self, refusal: Option<Refusal>) {
        if refusal == Some(Refusal::UnknownDevice) {
            self.guest.portal.note_unknown(self.guest.peer, self.guest.opener);
        }
    }

    async fn logout(&self, params: Params) -> Answer {
        let visit = self.visitor(&params);
        let caller = self.guest.caller();
        let portal = self.guest.portal;
        match portal.hotspot.write(|reply| Write::SignOut { caller, reply }).await {
            Ok(Ok(_)) => self.onwards(&Visit { next: None, ..visit }, Some(SIGNED_OUT)),
            Ok(Err(refusal)) => {
                self.note(Some(refusal));
                let notice = Notice::Problem(visit.refusal(&refusal, Typed::Code));
                self.page(StatusCode::FORBIDDEN, visit.sign_in(&notice, ""))
            }
            Err(fault) => {
                portal.note(&fault);
                self.fault(&visit)
            }
        }
    }

    /// A path that leads nowhere.
    async fn elsewhere(&self, query: &Params) -> Answer {
        match self.guest.visit().await {
            Ok(Some(_)) => {
                let visit = self.visitor(query);
                let text = visit.text;
                self.page(StatusCode::NOT_FOUND, visit.message(text.not_found, "", text.back))
            }
            Ok(None) | Err(_) => self.guest.shown_in(None),
        }
    }

    /// To the start page. After signing in as well, rather than to the page first asked for: the
    /// sign-in sheet of a phone closes by itself, and everybody else learns how long they have,
    /// where to sign out, and gets on by one touch.
    fn onwards(&self, visit: &Visit<'_>, first: Option<&str>) -> Answer {
        let location = format!("http://{}/{}", self.here, visit.query(first));
        Answer::redirect(StatusCode::SEE_OTHER, &location)
    }

    fn fault(&self, visit: &Visit<'_>) -> Answer {
        let text = visit.text;
        let html = visit.message(text.fault, text.fault_advice, text.again);
        self.page(StatusCode::SERVICE_UNAVAILABLE, html).retry_after(5)
    }

    fn page(&self, status: StatusCode, html: String) -> Answer {
        Answer::page(status, &self.here, html)
    }

    /// Language and page first asked for, out of a query or form.
    fn visitor(&self, params: &Params) -> Visit<'_> {
        let field = |name| params.text(name).ok().flatten();
        let chosen: Option<&'static Text> = field("lang").and_then(language::by_tag);
        let header = self.guest.header(header::ACCEPT_LANGUAGE).unwrap_or_default();
        let settings = self.guest.settings;
        let local = self.guest.local;
        Visit {
            settings,
            text: chosen.unwrap_or_else(|| language::negotiate(header)),
            chosen: chosen.is_some(),
            next: field("next").and_then(|next| Next::parse(next, settings, local)),
        }
    }

    /// Whether a browser says that another site's page has sent this form. `null` is what some
    /// sign-in sheets say of everything, and what a page says that wants to hide: such a one may
    /// sign guests in, where it has a voucher, but not out.
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

fn not_allowed(methods: &'static str) -> Answer {
    Answer::new(StatusCode::METHOD_NOT_ALLOWED, "text/plain", Body::empty())
        .with(header::ALLOW, methods)
}
