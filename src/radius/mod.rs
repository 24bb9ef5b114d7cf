//! RADIUS: packets on the wire, and what they mean to the owner of all state.

pub mod authenticator;
pub mod grant;
pub mod hidden;
pub mod order;
pub mod packet;
pub mod reply;
pub mod request;
pub mod wire;

#[cfg(test)]
pub(crate) mod tests;
