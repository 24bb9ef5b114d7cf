//! The flow of `rlm_sql`: whose rows apply, in which order, and what they come to.

use super::pair::Pairs;
use super::row::User;

/// What the rows come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authorized {
    /// What the server is to know and do.
    pub control: Pairs,
    /// What is sent.
    pub reply: Pairs,
    /// Whether any row or group applied: `notfound` otherwise.
    pub found: bool,
}

/// Applies somebody's rows to a request. `known` is what is known of them already: the password of
/// a voucher.
pub fn authorize(_user: &User, _request: &Pairs, known: Pairs) -> Authorized {
    Authorized { control: known, ..Authorized::default() }
}
