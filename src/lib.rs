//! wip
pub mod clock;
pub mod config;
pub mod domain;
pub mod durable;
pub mod hotspot;
pub mod http;
pub mod listing;
pub mod store;
