//! People who signed in without a voucher: by e-mail, Facebook, mobile number or a click.

use super::station::Mac;
use super::time::Timestamp;

/// The way a visitor signs in; each has its own list in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VisitorKind {
    /// `get_email_users`
    Email,
    /// `get_fb_users`
    Facebook,
    /// `get_mobile_users`
    Mobile,
    /// `get_free_users`
    Free,
}

impl VisitorKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Email, Self::Facebook, Self::Mobile, Self::Free];

    /// The word used in the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Facebook => "facebook",
            Self::Mobile => "mobile",
            Self::Free => "free",
        }
    }
}

/// A visitor as the four lists show them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// E-mail address, mobile number or Facebook id; empty for a click-through guest.
    pub identity: String,
    /// The name on the Facebook account.
    pub name: Option<String>,
    /// The e-mail address on the Facebook account.
    pub email: Option<String>,
    /// The address of the Facebook picture.
    pub picture: Option<String>,
    /// First sign-in.
    pub created_at: Timestamp,
    /// Last change of any field.
    pub modified_at: Timestamp,
    /// Latest sign-in.
    pub last_login: Option<Timestamp>,
    /// The device last used.
    pub mac: Option<Mac>,
    /// How often they came.
    pub visits: i64,
    /// Answers to the operator's extra questions.
    pub comments: [Option<String>; 3],
    /// Whether they agreed to be written to.
    pub marketing: bool,
    /// Whether the address or number was proven to be theirs.
    pub verified: bool,
}
