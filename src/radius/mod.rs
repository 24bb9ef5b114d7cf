//! RADIUS: packets on the wire, and what they mean to the owner of all state.
//!
//! ```text
//!  socket ─▶ clients ─▶ packet ─▶ judge ─▶ duplicates ─▶ request ─▶ owner ─▶ reply ─▶ socket
//!  (route)   (section)  (decode)  (secret) (again?)      (words)           (delay, replies)
//!
//!  owner ─▶ disconnect ─▶ order ─▶ access point          tally: what came of it all
//! ```

pub mod authenticator;
mod clients;
mod delay;
pub mod disconnect;
mod duplicates;
pub mod grant;
pub mod hidden;
mod judge;
mod line;
pub mod order;
pub mod packet;
mod peers;
mod replays;
mod replies;
pub mod reply;
pub mod request;
mod server;
mod session_number;
mod socket;
mod tally;
mod trouble;
pub mod wire;

pub use clients::Section;
pub use peers::ViewPoints;
pub use server::Server;
pub use socket::Socket;
pub use tally::{Counters, LastTrouble, Standing};
pub use trouble::Trouble;

#[cfg(test)]
pub(crate) mod tests;
