//! hotspotd turns a router into a guest hotspot: one program, one store, one owner of all state.
//!
//! The map of the house, in the order in which data flows:
//!
//! - [`config`]: UCI text in, typed and validated values out;
//! - [`domain`]: what a voucher is, when it is valid, what is refused and why. No I/O, no clock;
//! - [`http`]: strangers' connections within limits; `http::api` is the local `/api/?action=`,
//!   `http::portal` the guests' pages;
//! - [`radius`]: access points' packets, which become commands, and orders back to them;
//! - [`policy`], [`proof`]: what the operator wants of users and groups, and whether a password was
//!   known. Decisions only;
//! - [`control`]: the owner's Unix socket, which the command line talks to;
//! - [`neighbour`]: who is on the guest networks, as the kernel and DHCP know them;
//! - [`firewall`]: the kernel's rules and sets, which let guests through and count them;
//! - [`hotspot`]: the owner of all state, a plain thread: one command in, one answer out, one
//!   commit for all that have queued up;
//! - [`store`]: SQLite on flash, and what happens when that wears out;
//! - [`listing`]: rows as the API and the command line show them;
//! - [`cli`]: arguments in, one request, rows out;
//! - [`daemon`]: who is started in which order, signals, reload.
//!
//! Beside them stand [`clock`], the only caller of `now()`; [`durable`], files that survive a
//! power cut; [`logging`], lines for an operator at two in the morning; [`surroundings`], what has
//! to be set on the router outside of us; `syscalls`, what only unsafe code can ask the kernel.
//!
//! Imports point one way, and `tests/house.rs` holds them to it:
//!
//! ```text
//! domain, syscalls ← proof ← policy ← durable, clock, config, listing ← store, neighbour, firewall
//!        ← surroundings ← hotspot ← http, radius ← control ← cli, daemon ← main
//! ```
//!
//! Edges (`http`, `radius`, `control`, `cli`) translate between the wire and commands; they never touch
//! `store` or `firewall`; `control` asks how the latter is installed, and nothing more.

#![deny(unsafe_code)]
#![warn(missing_docs, unreachable_pub)]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod atomic_file;
pub mod authn;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod daemon;
pub mod domain;
pub mod firewall;
pub mod hotspot;
pub mod http;
pub mod listing;
pub mod logging;
pub mod neighbour;
pub mod policy;
pub mod radius;
pub mod store;
mod syscalls;
pub mod system_check;
#[cfg(test)]
mod temp_dir;

/// The program's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
