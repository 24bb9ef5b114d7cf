//! RADIUS: packets on the wire, and what they mean to the owner of all state.
//!
//! ```text
//!  socket ─▶ clients ─▶ packet ─▶ judge ─▶ duplicates ─▶ request ─▶ owner ─▶ reply ─▶ socket
//!  (route)   (section)  (decode)  (secret) (again?)      (words)           (delay, replies)
//!
//!  owner ─▶ disconnect ─▶ order ─▶ access point          tally: what came of it all
//! ```

pub mod attributes;
pub mod authenticator;
mod client_stats;
mod clients;
mod delay;
mod drop_reason;
mod duplicate_cache;
mod duplicates;
pub mod dynauth_client;
pub mod dynauth_packet;
mod dynauth_queue;
pub mod encrypt;
pub mod packet;
mod peers;
mod replays;
pub mod reply;
pub mod reply_attributes;
pub mod request;
mod server;
mod session_number;
mod socket;
mod verify;

pub use client_stats::{Counters, LastTrouble, Standing};
pub use clients::Section;
pub use drop_reason::DropReason;
pub use peers::ViewPoints;
pub use server::Server;
pub use socket::Socket;

#[cfg(test)]
pub(crate) mod tests;
