//! What the kernel says about neighbours and devices.

#![no_main]

#[path = "../oracles.rs"]
mod oracles;

libfuzzer_sys::fuzz_target!(|data: &[u8]| oracles::netlink_neighbour::check(data));
