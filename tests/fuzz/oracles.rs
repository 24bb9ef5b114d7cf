//! What must hold for every input, whatever it is. An oracle panics where it does not.
//!
//! The fuzz targets (nightly) and `replay.rs` (stable, every seed and every input that ever found
//! something) run the same functions.

#![allow(dead_code, reason = "each fuzz target runs one of them")]

#[path = "oracles/control.rs"]
pub mod control;
#[path = "oracles/date.rs"]
pub mod date;
#[path = "oracles/leases.rs"]
pub mod leases;
#[path = "oracles/netlink_gate.rs"]
pub mod netlink_gate;
#[path = "oracles/netlink_neighbour.rs"]
pub mod netlink_neighbour;
#[path = "oracles/params.rs"]
pub mod params;
#[path = "oracles/portal.rs"]
pub mod portal;
#[path = "oracles/radius_hidden.rs"]
pub mod radius_hidden;
#[path = "oracles/radius_packet.rs"]
pub mod radius_packet;
#[path = "oracles/uci.rs"]
pub mod uci;
