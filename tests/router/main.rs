//! The program that ships, on the processor and the kernel it ships for: an emulated MIPS router
//! (`tests/router/router`) with 64 MB. `tests/router/run` builds the package and runs this; it is no
//! part of a plain `cargo test`.
//!
//! What OpenWrt brings and Debian has not (opkg, uci, procd) are stand-ins of ours, in `openwrt/`.

mod bad_luck;
mod book;
mod clock;
#[allow(dead_code, reason = "shared with the figures, which use all of it")]
mod crowd;
#[allow(dead_code, reason = "shared with the figures, which use all of it")]
mod figures;
#[allow(dead_code, reason = "shared with the figures, which use all of it")]
mod flash;
#[allow(dead_code, unused_imports, reason = "shared with the flows, which use all of it")]
#[path = "../flows/support.rs"]
mod flows;
mod load;
mod machine;
mod memory;
mod power_cut;
mod routing_path;
mod session;
mod storage;
mod support;
mod transcript;
mod visitor;
