//! HTTP/1.1 for strangers: every connection, header, body and pause is bounded.
//!
//! [`server`] accepts and limits connections, [`door`] counts who is inside, [`stream`] notices
//! when a peer has gone quiet, [`body`] reads what comes behind the headers, [`opener`] tells which
//! device a connection comes from, [`exchange`] what is under way on it, [`unserved`] speaks where
//! hyper can not or there is no place. [`params`] and [`multipart`] decode queries, forms and JSON,
//! [`voucher_params`] reads a voucher out of them, [`api_key`] keeps the key of the machine
//! interfaces. The surfaces: [`api`] is the local `/api/`, [`portal`] what guests see.

pub mod api;
pub mod api_key;
mod body;
mod door;
mod exchange;
mod multipart;
mod opener;
pub mod params;
pub mod portal;
mod server;
mod stream;
mod unserved;
mod voucher_params;

pub use door::{Door, PeerKey, Standing};
pub use server::{Server, bind, bind_to_device};
pub use voucher_params::voucher_request;

use std::net::{IpAddr, SocketAddr};

use crate::domain::station::Mac;

/// The address a request came from.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// The device that opened the connection a request came over; `None` where the kernel does not say.
#[derive(Clone, Copy, Debug)]
pub struct Opener(pub Option<Mac>);

/// The address of ours that the connection reached, which behind a redirect is not the one it was
/// made to.
#[derive(Clone, Copy, Debug)]
pub struct Local(pub SocketAddr);
