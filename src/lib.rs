//! wip
#![deny(unsafe_code)]
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod daemon;
pub mod domain;
pub mod durable;
pub mod hotspot;
pub mod http;
pub mod listing;
pub mod logging;
pub mod store;

/// The program's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
