//! The program that ships, on the processor and the kernel it ships for: an emulated MIPS router
//! (`tests/router/router`) with 64 MB. `tests/router/run` builds the package and runs this; it is no
//! part of a plain `cargo test`.
//!
//! What OpenWrt brings and Debian has not (opkg, uci, procd) are stand-ins of ours, in `openwrt/`.

mod bad_luck;
mod clock;
mod figures;
mod memory;
mod session;
mod support;
mod transcript;
