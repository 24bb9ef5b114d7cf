//! The pages, as HTML without a script, a cookie or a request to anywhere else.

use super::Settings;
use super::format;
use super::html::{Escaped, Paragraphs};
use super::i18n::{LANGUAGES, Text};
use super::return_url::ReturnUrl;
use crate::domain::guest::Online;
use crate::domain::login::Refusal;

/// Three waves and a dot.
const WAVES: &str = r#"<svg class="mark" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" aria-hidden="true"><path d="M2 9a15 15 0 0 1 20 0M5.5 12.7a10 10 0 0 1 13 0M9 16.2a5 5 0 0 1 6 0M12 19.5h.01"/></svg>"#;
/// A tick in a circle.
const TICK: &str = r#"<svg class="mark good" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><circle cx="12" cy="12" r="10"/><path d="m7.5 12.5 3 3 6-6.5"/></svg>"#;

/// Settings, language and return URL: what every page needs.
pub(super) struct PageContext<'a> {
    /// The portal's settings.
    pub(super) settings: &'a Settings,
    /// The language.
    pub(super) text: &'static Text,
    /// Whether the guest has chosen the language, rather than the browser.
    pub(super) chosen: bool,
    /// The page first asked for.
    pub(super) next: Option<ReturnUrl>,
}

/// The message at the top of the sign-in page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// Nothing.
    None,
    /// The guest has just signed out.
    SignedOut,
    /// A sentence about what went wrong, as HTML.
    Problem(String),
}

/// The kind of credential that was typed: refusals are worded differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// Username and passcode.
    Pair,
    /// One code.
    Code,
}

impl PageContext<'_> {
    /// The query that carries language and return URL.
    pub(super) fn query(&self, first: Option<&str>) -> String {
        let lang = self.chosen.then(|| format!("lang={}", self.text.tag));
        let next = self.next.as_ref().map(|next| format!("next={}", next.encoded()));
        let parts: Vec<_> = [first.map(str::to_owned), lang, next].into_iter().flatten().collect();
        if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
    }

    /// The sentence for a refusal, as HTML. It tells unknown usernames from wrong passcodes: that helps
    /// after a typing error, and guesses are throttled either way.
    pub(super) fn refusal(&self, refusal: &Refusal, typed: Typed) -> String {
        let text = self.text;
        let moment = |at| bdi(&format::moment(text, &self.settings.zone, at));
        let waits = |sentence: &str, wait| sentence.replace("{}", &bdi(&format::wait(text, wait)));
        let sentence = match (refusal, typed) {
            (Refusal::UnknownUsername | Refusal::WrongPasscode, Typed::Code) => text.wrong_code,
            (Refusal::UnknownUsername, Typed::Pair) => text.unknown_username,
            (Refusal::WrongPasscode, Typed::Pair) => text.wrong_passcode,
            (Refusal::NotYet(at), _) => return text.not_yet.replace("{}", &moment(*at)),
            (Refusal::Expired(at), _) => return text.expired.replace("{}", &moment(*at)),
            (Refusal::UsedUp, _) => text.used_up,
            (Refusal::TooManyDevices | Refusal::DevicesAreProbed(_), _) => text.too_many_devices,
            (Refusal::TooManyTries(wait), _) => return waits(text.too_many_tries, *wait),
            (Refusal::TooManyTriesByOthers(wait), _) => {
                return waits(text.too_many_tries_by_others, *wait);
            }
            (Refusal::TooManySignIns(wait), _) => return waits(text.too_many_sign_ins, *wait),
            (Refusal::UnknownDevice, _) => text.unknown_device,
        };
        sentence.to_owned()
    }

    /// The sign-in page; `username` is what was typed before.
    ///
    /// Two fields for both kinds of voucher: a username and a passcode, or one code in the first
    /// field.
    pub(super) fn sign_in(&self, notice: &Notice, username: &str) -> String {
        let text = self.text;
        let theme = &self.settings.theme;
        let welcome = match theme.welcome.in_language(text) {
            Some(welcome) => Paragraphs(welcome).to_string(),
            None => format!("<p>{}</p>", text.intro),
        };
        let described = match notice {
            Notice::Problem(_) => "problem hint",
            Notice::None | Notice::SignedOut => "hint",
        };
        let notice = match notice {
            Notice::None => String::new(),
            Notice::SignedOut => {
                format!(r#"<p class="note" role="status">{}</p>"#, text.signed_out)
            }
            Notice::Problem(sentence) => {
                format!(r#"<p class="note alert" role="alert" id="problem">{sentence}</p>"#)
            }
        };
        let title = self.title();
        let body = format!(
            r#"<header>{mark}<h1>{title}</h1><div class="lead">{welcome}</div></header>{notice}
<form method="post" action="/login">{kept}
<label for="username">{login}</label>
<input type="text" id="username" name="username" value="{username}" maxlength="253" dir="ltr" autocapitalize="none" autocorrect="off" spellcheck="false" autocomplete="username" enterkeyhint="next" aria-describedby="{described}">
<label for="passcode">{passcode}</label>
<input type="text" id="passcode" name="passcode" maxlength="128" dir="ltr" autocapitalize="none" autocorrect="off" spellcheck="false" autocomplete="one-time-code" enterkeyhint="go" aria-describedby="hint">
<p class="hint" id="hint">{hint}</p>
{terms}<button class="button">{connect}</button>
</form>"#,
            mark = self.mark(),
            title = Escaped(title),
            kept = self.hidden(),
            login = text.login,
            username = Escaped(username),
            passcode = text.passcode,
            hint = text.passcode_hint,
            terms = self.terms(),
            connect = text.connect,
        );
        self.page(title, &body)
    }

    /// The page for a guest who is signed in.
    pub(super) fn online(&self, online: &Online) -> String {
        let text = self.text;
        let on = match &self.next {
            None => String::new(),
            Some(next) => format!(
                r#"<a class="button" href="{}" rel="noreferrer">{}</a>"#,
                Escaped(next.url()),
                text.go_on.replace("{}", &bdi(&next.place())),
            ),
        };
        let body = format!(
            r#"<header>{TICK}<h1>{heading}</h1><p class="lead">{done}</p></header>{on}
<dl>{rows}</dl>
<form method="post" action="/logout">{kept}<button class="button plain">{sign_out}</button></form>"#,
            heading = text.online,
            done = text.done,
            rows = self.rows(online),
            kept = self.hidden(),
            sign_out = text.sign_out,
        );
        self.page(text.online, &body)
    }

    /// A page with a message and one link: errors, unknown paths.
    pub(super) fn message(&self, heading: &str, advice: &str, on: &str) -> String {
        let body = format!(
            r#"<header>{mark}<h1>{heading}</h1><p class="lead">{advice}</p></header><a class="button" href="/{query}">{on}</a>"#,
            mark = self.mark(),
            query = Escaped(&self.query(None)),
        );
        self.page(heading, &body)
    }

    fn rows(&self, online: &Online) -> String {
        let text = self.text;
        let amount = |octets| format::amount(text, octets);
        let left = |octets: Option<u64>| octets.map_or(text.no_limit.to_owned(), amount);
        let time = online.left.time.map_or(text.no_limit.to_owned(), |d| format::duration(text, d));
        let until = online.until.map(|at| format::moment(text, &self.settings.zone, at));
        let limited = online.left.download.is_some() || online.left.upload.is_some();
        let rows = [
            (text.time_left, Some(time)),
            (text.valid_until, until),
            (text.download_left, limited.then(|| left(online.left.download))),
            (text.upload_left, limited.then(|| left(online.left.upload))),
            (text.downloaded, Some(amount(online.usage.download))),
            (text.uploaded, Some(amount(online.usage.upload))),
            (text.signed_in_as, Some(online.login.clone())),
        ];
        let rows = rows.into_iter().filter_map(|(name, value)| {
            let value = bdi(&value?);
            Some(format!("<div><dt>{name}</dt><dd>{value}</dd></div>"))
        });
        rows.collect()
    }

    fn title(&self) -> &str {
        self.settings.theme.title.in_language(self.text).unwrap_or(self.text.title)
    }

    /// The operator's logo, or a sign that this is about a wireless network.
    fn mark(&self) -> &'static str {
        match self.settings.theme.logo {
            Some(_) => r#"<img class="logo" src="/logo" alt="">"#,
            None => WAVES,
        }
    }

    fn terms(&self) -> String {
        let text = self.text;
        let Some(terms) = self.settings.theme.terms.in_language(text) else {
            return String::new();
        };
        let consent = if self.settings.theme.terms_box {
            format!(
                r#"<label class="box"><input type="checkbox" name="terms" value="1" required>{}</label>"#,
                text.terms_box
            )
        } else {
            format!("<p>{}</p>", text.terms_implied)
        };
        format!(
            r#"<div class="terms">{consent}<details><summary>{}</summary>{}</details></div>"#,
            text.terms,
            Paragraphs(terms)
        )
    }

    /// The same as [`Self::query`], as fields of a form.
    fn hidden(&self) -> String {
        let mut fields = String::new();
        let mut field = |name: &str, value: &str| {
            let value = Escaped(value);
            let field = format!(r#"<input type="hidden" name="{name}" value="{value}">"#);
            fields.push_str(&field);
        };
        if self.chosen {
            field("lang", self.text.tag);
        }
        if let Some(next) = &self.next {
            field("next", next.url());
        }
        fields
    }

    /// A form, so that the page first asked for is written down once and not once a language.
    fn languages(&self) -> String {
        let button = |text: &&Text| {
            let current = if text.tag == self.text.tag { " aria-current=\"true\"" } else { "" };
            let (tag, name) = (text.tag, text.name);
            format!(r#"<button name="lang" value="{tag}" lang="{tag}"{current}>{name}</button>"#)
        };
        let next = self.next.as_ref().map_or(String::new(), |next| {
            format!(r#"<input type="hidden" name="next" value="{}">"#, Escaped(next.url()))
        });
        let buttons: String = LANGUAGES.iter().map(button).collect();
        let label = self.text.languages;
        format!(
            r#"<form action="/" role="presentation">{next}<nav aria-label="{label}">{buttons}</nav></form>"#
        )
    }

    fn page(&self, title: &str, body: &str) -> String {
        format!(
            r#"<!doctype html>
<html lang="{tag}" dir="{direction}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark"><title>{title}</title><link rel="icon" href="data:,"><style>{style}</style></head>
<body><main>{body}</main>{languages}</body></html>
"#,
            tag = self.text.tag,
            direction = self.text.direction,
            title = Escaped(title),
            style = self.settings.theme.style(),
            languages = self.languages(),
        )
    }
}

/// Text kept from mixing with what is written from the other side.
fn bdi(text: &str) -> String {
    format!("<bdi>{}</bdi>", Escaped(text))
}
