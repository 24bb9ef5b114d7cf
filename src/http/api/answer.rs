//! The nine messages of the vendor's page, and when each is said.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use hyper::StatusCode;

use crate::config;
use crate::listing::CreatedRow;

/// How a call ended.
pub(super) enum Outcome {
    /// The API is switched off, or is for this caller.
    NotEnabled,
    /// The key is not the one in force, or was guessed too often.
    KeyWrong,
    /// No key came with the call; the text says where it belongs.
    KeyNotSet(&'static str),
    /// GET or POST is switched off; other methods always are.
    MethodNotAllowed,
    /// The body cannot be read, so there is no key in it; the text says what was sent.
    Malformed(&'static str),
    /// The body is larger than any call can be.
    TooLarge,
    /// A voucher was made.
    Created(Box<CreatedRow>),
    /// Another voucher has this username.
    UsernameTaken,
    /// A voucher was removed.
    Removed,
    /// No username was named for removal.
    NoUsername,
    /// No voucher has this username.
    NoSuchUsername,
    /// A parameter makes no sense; the text says which and why.
    Unfit(String),
    /// The store failed; the log says why.
    Fault(String),
    /// A list, as it comes from the store.
    List(Body),
}

impl Outcome {
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
            Self::TooLarge | Self::Unfit(_) | Self::Fault(_) | Self::List(_) => "An error occurred",
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
            Self::Malformed(_) | Self::NoUsername | Self::Unfit(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Fault(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What the message leaves open.
    fn reason(&self) -> Option<&str> {
        match self {
            Self::MethodNotAllowed => Some("this method is switched off"),
            Self::KeyNotSet(reason) | Self::Malformed(reason) => Some(reason),
            Self::TooLarge => Some("the body is larger than 64 KB"),
            Self::Unfit(reason) | Self::Fault(reason) => Some(reason),
            _ => None,
        }
    }

    /// The answer, its fields in the order of the vendor's samples. Without `with_status` the code is 200 whatever happened, as the vendor does;
    /// only a body that was not read to its end is refused by code as well.
    pub(super) fn respond(self, config: &config::Api) -> Response {
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
        // The vendor's body has no room for the reason; whoever writes a script needs it.
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
