//! What the kernel says about the guests in its sets.

#![no_main]

#[path = "../oracles.rs"]
mod oracles;

libfuzzer_sys::fuzz_target!(|data: &[u8]| oracles::netlink_gate::check(data));
