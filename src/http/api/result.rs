//! Results of a call, and the vendor's nine messages for them.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use hyper::StatusCode;

use crate::config;
use crate::listing::CreatedRow;

/// The result of a call.
pub(super) enum ApiResult {
    /// The API is off, or does not allow this address.
    NotEnabled,
    /// Wrong key, or too many wrong keys from this address.
    KeyWrong,
    /// No key in the call; the text says where it belongs.
    KeyNotSet(&'static str),
    /// GET or POST is off in the configuration, or the method is another.
    MethodNotAllowed,
    /// The body cannot be decoded; the text says what was sent.
    Malformed(&'static str),
    /// The body exceeds the limit.
    TooLarge,
    /// A voucher was created.
    Created(Box<CreatedRow>),
    /// Another voucher has this username.
    UsernameTaken,
    /// A voucher was removed.
    Removed,
    /// No username was given for removal.
    NoUsername,
    /// No voucher has this username.
    NoSuchUsername,
    /// A parameter is invalid; the text says which and why.
    InvalidParameter(String),
    /// The hotspot failed; the text and the log say why.
    Failed(String),
    /// A list, streamed from the store.
    List(Body),
}

impl ApiResult {
    fn message(&self) -> &'static str {
        match self {
            Self::NotEnabled => "API is not enabled",
            Self::KeyWrong => "API Key is incorrect",
            Self::KeyNotSet(_) | Self::MethodNotAllowed | Self::Malformed(_) => {
                "API Key not set or method not allowed"
            }
            Self::UsernameTaken => "Username already exists",
            Self::Created(_) => "User added successfully",
            Self::NoSuchUsername => "Username doesn't exist",
            Self::NoUsername => "No username set",
            Self::Removed => "User removed successfully",
            Self::TooLarge | Self::InvalidParameter(_) | Self::Failed(_) | Self::List(_) => {
                "An error occurred"
            }
        }
    }

    /// The status code that HTTP has for this, used with `option http_status '1'`.
    fn status(&self) -> StatusCode {
        match self {
            Self::Created(_) | Self::Removed | Self::List(_) => StatusCode::OK,
            Self::KeyWrong | Self::KeyNotSet(_) => StatusCode::UNAUTHORIZED,
            Self::NotEnabled => StatusCode::FORBIDDEN,
            Self::NoSuchUsername => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::UsernameTaken => StatusCode::CONFLICT,
            Self::Malformed(_) | Self::NoUsername | Self::InvalidParameter(_) => {
                StatusCode::BAD_REQUEST
            }
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The detail for `X-Error-Reason`.
    fn reason(&self) -> Option<&str> {
        match self {
            Self::MethodNotAllowed => Some("this method is switched off"),
            Self::KeyNotSet(reason) | Self::Malformed(reason) => Some(reason),
            Self::TooLarge => Some("the body is larger than 64 KB"),
            Self::InvalidParameter(reason) | Self::Failed(reason) => Some(reason),
            _ => None,
        }
    }

    /// The response, its fields in the order of the vendor's samples. Without `option http_status`
    /// the status is 200 whatever happened, as the vendor's is; a body that was not read to its end
    /// gets a 413 all the same.
    pub(super) fn into_response(self, config: &config::Api) -> Response {
        let message = self.message();
        let status = self.status();
        let mut response = Response::new(Body::empty());
        if config.http_status || matches!(self, Self::TooLarge) {
            *response.status_mut() = status;
        }
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        match &self {
            Self::MethodNotAllowed => {
                let allowed = match (config.allow_get, config.allow_post) {
                    (true, true) => "GET, POST",
                    (true, false) => "GET",
                    (false, true) => "POST",
                    (false, false) => "",
                };
                headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
            }
            Self::TooLarge => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        // The vendor's body has no field for the reason, which authors of scripts need.
        if let Some(Ok(reason)) = self.reason().map(HeaderValue::from_str) {
            headers.insert("x-error-reason", reason);
        }
        *response.body_mut() = match self {
            Self::List(body) => body,
            Self::Created(user) => {
                let user = serde_json::to_string(&user).unwrap_or_default();
                format!(r#"{{"message":"{message}","user":{user},"error":false}}"#).into()
            }
            Self::Removed => format!(r#"{{"message":"{message}","error":false}}"#).into(),
            _ => format!(r#"{{"message":"{message}","error":true}}"#).into(),
        };
        response
    }
}
