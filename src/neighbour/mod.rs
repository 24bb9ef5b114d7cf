//! Who is on the guest networks: the kernel's neighbour tables and the names in DHCP leases.
//!
//! - [`watch`] follows the tables and tells the owner what it sees;
//! - [`Lookup`] asks the kernel about one address, at the moment somebody signs in;
//! - [`HostNames`] reads the names that devices give themselves;
//! - [`message`] decodes rtnetlink. The common crate for that, netlink-packet-route, adds 220 kB
//!   for links and neighbours (x86-64, optimised for size), where eight fields are wanted, and
//!   gives up on a whole message where an attribute that nobody asked for is not as it expects.

mod devices;
mod dump;
pub mod leases;
mod lookup;
pub mod message;
mod socket;
mod watch;

pub use devices::Network;
pub use leases::HostNames;
pub use lookup::{Find, Lookup, PROBE_TIME};
pub use watch::watch;

#[cfg(test)]
mod tests;
