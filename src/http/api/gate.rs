//! Whether a call is listened to at all.

use std::net::IpAddr;

use hyper::Method;

use super::answer::Outcome;
use crate::config;
use crate::domain::secret::Secret;
use crate::http::params::Params;

/// Is the API on, is the caller's address welcome, is the method?
///
/// A stranger's address is answered as if the API were off: that is what it is for them.
pub(super) fn method(config: &config::Api, peer: IpAddr, method: &Method) -> Result<(), Outcome> {
    if !config.enabled {
        return Err(Outcome::NotEnabled);
    }
    if !config.allows(peer) {
        return Err(Outcome::NotEnabled);
    }
    let allowed = match *method {
        Method::GET => config.allow_get,
        Method::POST => config.allow_post,
        _ => false,
    };
    if allowed { Ok(()) } else { Err(Outcome::MethodNotAllowed) }
}

/// What came in the place of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SentKey {
    /// Nothing, or an empty text.
    Absent,
    /// Another text, or something that is no text.
    Wrong,
    /// The key in force.
    Right,
}

/// Does the caller have the key?
pub(super) fn key(key: &Secret, params: &Params) -> SentKey {
    match params.text(super::KEY) {
        Ok(None | Some("")) => SentKey::Absent,
        Ok(Some(sent)) if key.matches(sent) => SentKey::Right,
        Ok(Some(_)) | Err(_) => SentKey::Wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::params::from_query;

    fn config(enabled: bool, allow_get: bool, allow_post: bool) -> config::Api {
        config::Api { enabled, allow_get, allow_post, ..config::Api::default() }
    }

    #[test]
    fn each_method_has_its_own_switch_and_others_have_none() {
        let here = IpAddr::from([127, 0, 0, 1]);
        for (get, post) in [(false, false), (true, false), (false, true), (true, true)] {
            let config = config(true, get, post);
            assert_eq!(method(&config, here, &Method::GET).is_ok(), get);
            assert_eq!(method(&config, here, &Method::POST).is_ok(), post);
            for other in [Method::PUT, Method::DELETE, Method::HEAD, Method::OPTIONS] {
                assert!(matches!(method(&config, here, &other), Err(Outcome::MethodNotAllowed)));
            }
        }
    }

    #[test]
    fn a_disabled_api_and_a_strange_address_get_the_same_answer() {
        let here = IpAddr::from([127, 0, 0, 1]);
        let elsewhere = IpAddr::from([203, 0, 113, 9]);
        let off = method(&config(false, true, true), here, &Method::GET);
        let strange = method(&config(true, true, true), elsewhere, &Method::GET);
        assert!(matches!(off, Err(Outcome::NotEnabled)));
        assert!(matches!(strange, Err(Outcome::NotEnabled)));
    }

    #[test]
    fn an_empty_key_is_no_key() {
        let secret = Secret::new("k");
        assert_eq!(key(&secret, &from_query("api-key=k")), SentKey::Right);
        for query in ["", "api-key", "api-key=", "API-KEY=k"] {
            assert_eq!(key(&secret, &from_query(query)), SentKey::Absent, "{query}");
        }
        for query in ["api-key=K", "api-key=k%00", "api-key=%ff", "api-key=+k"] {
            assert_eq!(key(&secret, &from_query(query)), SentKey::Wrong, "{query}");
        }
    }
}
