//! HTTP/1.1 for untrusted peers: every connection, header, body and pause is bounded.
//!
//! [`server`] accepts connections, [`conn_limit`] limits how many, [`idle_stream`] detects idle
//! ones, [`exchange`] follows requests and responses on one, [`peer_mac`] tells the MAC address that
//! opened it, [`fallback`] writes responses where hyper cannot read the request or the connection is refused.
//! [`body`] reads request bodies, [`params`] and [`multipart`] decode queries, forms and JSON,
//! [`voucher_params`] reads a voucher out of them, [`api_key`] keeps the key of the machine
//! interfaces. The surfaces: [`api`] is the local `/api/`, [`portal`] the guests' pages.

pub mod api;
pub mod api_key;
mod body;
mod conn_limit;
mod exchange;
mod fallback;
mod idle_stream;
mod multipart;
pub mod params;
mod peer_mac;
pub mod portal;
mod server;
mod voucher_params;

pub use conn_limit::{ConnectionLimiter, PeerClass, PeerKey};
pub use server::{Server, bind, bind_to_device};
pub use voucher_params::voucher_request;

use std::net::{IpAddr, SocketAddr};

use crate::domain::station::Mac;

/// The address that a request came from.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// The MAC address of the peer that opened the connection; `None` where the kernel does not tell.
#[derive(Clone, Copy, Debug)]
pub struct PeerMac(pub Option<Mac>);

/// The local address of the connection, which behind a redirect is not the one it was opened to.
#[derive(Clone, Copy, Debug)]
pub struct Local(pub SocketAddr);
