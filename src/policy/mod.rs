//! What the operator wants of users and groups, in FreeRADIUS's terms: attributes, operators,
//! check and reply rows, counters. Decisions only: no store, no clock, no wire.
//!
//! FreeRADIUS 3.2 is the anchor (`rlm_sql`, `rlm_sqlcounter`, `rlm_logintime`, `rlm_expiration`);
//! where its stock SQLite set-up fails, the module that decides otherwise says so.

mod advice;
mod authorize;
mod compare;
mod date;
pub mod dictionary;
mod limits;
mod login_time;
mod merge;
mod operator;
mod pair;
pub mod password;
mod pattern;
mod period;
mod row;
mod value;

pub use authorize::{Authorized, authorize};
pub use date::{fits_date, parse_date};
pub use limits::{Circumstances, Counter, Denial, Limits, Measure, counters, limits};
pub use login_time::fits_login_time;
pub use operator::Operator;
pub use pair::{Pair, Pairs, Value};
pub use password::passwords;
pub use row::{Group, List, Row, User};
pub use value::name_of;
