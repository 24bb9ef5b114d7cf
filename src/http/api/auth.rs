//! Authorization of a call: address, method, key.

use std::net::IpAddr;

use hyper::Method;

use super::result::ApiResult;
use crate::config;
use crate::domain::secret::Secret;
use crate::http::params::Params;

/// Checks that the API is on, and allows the caller's address and the method.
///
/// To an address outside `allow_from` the API answers as if it were off.
pub(super) fn authorize(
    config: &config::Api,
    peer: IpAddr,
    method: &Method,
) -> Result<(), ApiResult> {
    if !config.enabled || !config.allows(peer) {
        return Err(ApiResult::NotEnabled);
    }
    let allowed = match *method {
        Method::GET => config.allow_get,
        Method::POST => config.allow_post,
        _ => false,
    };
    if allowed { Ok(()) } else { Err(ApiResult::MethodNotAllowed) }
}

/// The key that came with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SentKey {
    /// Nothing, or an empty text.
    Absent,
    /// Another text, or something that is no text.
    Wrong,
    /// The key in force.
    Right,
}

/// Compares the key that was sent with the one in force.
pub(super) fn compare_key(key: &Secret, params: &Params) -> SentKey {
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
            assert_eq!(authorize(&config, here, &Method::GET).is_ok(), get);
            assert_eq!(authorize(&config, here, &Method::POST).is_ok(), post);
            for other in [Method::PUT, Method::DELETE, Method::HEAD, Method::OPTIONS] {
                assert!(matches!(
                    authorize(&config, here, &other),
                    Err(ApiResult::MethodNotAllowed)
                ));
            }
        }
    }

    #[test]
    fn a_disabled_api_and_an_address_outside_allow_from_get_the_same_response() {
        let here = IpAddr::from([127, 0, 0, 1]);
        let elsewhere = IpAddr::from([203, 0, 113, 9]);
        let off = authorize(&config(false, true, true), here, &Method::GET);
        let refused = authorize(&config(true, true, true), elsewhere, &Method::GET);
        assert!(matches!(off, Err(ApiResult::NotEnabled)));
        assert!(matches!(refused, Err(ApiResult::NotEnabled)));
    }

    #[test]
    fn an_empty_key_is_no_key() {
        let secret = Secret::new("k");
        assert_eq!(compare_key(&secret, &from_query("api-key=k")), SentKey::Right);
        for query in ["", "api-key", "api-key=", "API-KEY=k"] {
            assert_eq!(compare_key(&secret, &from_query(query)), SentKey::Absent, "{query}");
        }
        for query in ["api-key=K", "api-key=k%00", "api-key=%ff", "api-key=+k"] {
            assert_eq!(compare_key(&secret, &from_query(query)), SentKey::Wrong, "{query}");
        }
    }
}
