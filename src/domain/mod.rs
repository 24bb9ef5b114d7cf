//! Values and decisions: what a voucher is, when it is valid, what is refused and why.
//!
//! Nothing here reads a clock, draws a random number by itself, or touches a file or socket:
//! time and randomness come in as arguments, so every decision can be tested without waiting.

pub mod accounting;
pub mod class;
pub mod code;
pub mod guessing;
pub mod guest;
pub mod list;
pub mod log_limit;
pub mod login;
pub mod nas;
pub mod neighbour;
pub mod oldest;
pub mod plan;
pub mod rule;
pub mod secret;
pub mod session;
pub mod station;
pub mod throttle;
pub mod time;
pub mod typed;
pub mod validity;
pub mod visitor;
pub mod voucher;
pub mod wall;
pub mod zone;
