//! The sign-in form.

use crate::domain::login::Credential;
use crate::domain::secret::Secret;
use crate::domain::typed;
use crate::domain::voucher::Username;
use crate::http::params::Params;

use super::page::Typed;

/// Bytes of a code: the longest username and passcode with some hyphens between.
const CODE: usize = 512;

/// A sign-in form.
#[derive(Debug)]
pub(super) struct Form {
    /// The credential to check.
    pub(super) typed: Result<Credential, NoCredential>,
    /// Whether it was a pair or a code: a refusal names what was typed.
    pub(super) kind: Typed,
    /// Shown again after a refusal; never a code or passcode.
    pub(super) username: String,
    /// Whether the box beside the terms was ticked.
    pub(super) terms: bool,
}

/// Why a form holds no credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoCredential {
    /// All fields are empty.
    Nothing,
    /// No voucher can have this: too long, control characters, not UTF-8.
    Invalid,
}

impl Form {
    /// Username and passcode, or one code; a code is taken from whichever field it was typed into,
    /// also where it is the only one that is filled.
    pub(super) fn read(params: &Params) -> Self {
        let field = |name| params.text(name).map(Option::unwrap_or_default);
        let terms = field("terms").is_ok_and(|text| !text.is_empty());
        let invalid =
            |kind| Self { typed: Err(NoCredential::Invalid), kind, username: String::new(), terms };
        let (Ok(username), Ok(passcode), Ok(code)) =
            (field("username"), field("passcode"), field("code"))
        else {
            return invalid(Typed::Pair);
        };
        let filled = |text: &&str| !typed::is_blank(text);
        if filled(&username) && filled(&passcode) {
            if !(fits(username) && fits(passcode)) {
                return invalid(Typed::Pair);
            }
            let shown = Username::parse(username).ok().flatten();
            let shown = shown.map_or(String::new(), |username| username.as_str().to_owned());
            let passcode = Secret::new(passcode);
            let typed = Ok(Credential::Pair { username: username.to_owned(), passcode });
            return Self { typed, kind: Typed::Pair, username: shown, terms };
        }
        let typed = match [code, username, passcode].into_iter().find(filled) {
            None => Err(NoCredential::Nothing),
            Some(code) if !fits(code) => Err(NoCredential::Invalid),
            Some(code) => Ok(Credential::Code(Secret::new(code))),
        };
        Self { typed, kind: Typed::Code, username: String::new(), terms }
    }
}

/// Whether a voucher can have this text. Line breaks and tabs are allowed: they get copied along.
fn fits(text: &str) -> bool {
    let is_forbidden = |c: char| c.is_control() && !c.is_whitespace();
    text.len() <= CODE && !text.contains(is_forbidden)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::params::from_query;
    use proptest::prelude::*;

    fn read(form: &str) -> Form {
        Form::read(&from_query(form))
    }

    fn code(form: &str) -> String {
        match read(form).typed.unwrap() {
            Credential::Code(code) => code.reveal().to_owned(),
            pair => panic!("{pair:?}"),
        }
    }

    #[test]
    fn a_pair_is_passed_on_as_typed() {
        let form = read("username=+Abc+&passcode=+x+y+");
        let Ok(Credential::Pair { username, passcode }) = form.typed else { panic!() };
        assert_eq!((username.as_str(), passcode.reveal()), (" Abc ", " x y "));
        assert_eq!((form.username.as_str(), form.kind), ("Abc", Typed::Pair));
    }

    #[test]
    fn a_code_is_found_in_whichever_field_it_is() {
        for form in [
            "code=abc-def",
            "username=abc-def",
            "username=abc-def&passcode=%e2%80%8b",
            "passcode=abc-def",
        ] {
            assert_eq!(code(form), "abc-def", "{form}");
            assert_eq!(read(form).username, "", "{form}");
        }
        assert_eq!(code("code=a&username=b"), "a");
        let pair = read("code=a&username=b&passcode=c");
        assert!(matches!(pair.typed, Ok(Credential::Pair { .. })));
    }

    #[test]
    fn what_no_voucher_can_have_is_not_even_asked_for() {
        let long = "a".repeat(600);
        for form in [
            format!("username={long}&passcode=x"),
            format!("username=x&passcode={long}"),
            format!("code={long}"),
            "username=a%00b&passcode=x".into(),
            "username=a&passcode=x%1b".into(),
            "code=a%00b".into(),
            "code=%ff".into(),
        ] {
            assert_eq!(read(&form).typed.unwrap_err(), NoCredential::Invalid, "{form}");
        }
        for form in ["", "username=&passcode=+&code=", "next=x", "&&&=&"] {
            assert_eq!(read(form).typed.unwrap_err(), NoCredential::Nothing, "{form}");
        }
    }

    #[test]
    fn neither_code_nor_passcode_can_be_printed() {
        for form in ["username=a&passcode=s3cret", "code=s3cret", "username=s3cret"] {
            assert!(!format!("{:?}", read(form)).contains("s3cret"));
        }
    }

    proptest! {
        #[test]
        fn any_form_is_understood_or_refused(form in any::<String>()) {
            let form = read(&form);
            prop_assert!(form.username.len() <= 253);
        }
    }
}
