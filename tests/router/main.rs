//! The package on an emulated MIPS router.

mod book;
mod flash;
mod load;
mod machine;
mod power_cut;
#[allow(dead_code, unused_imports, reason = "shared with the flows, which use all of it")]
#[path = "../flows/support.rs"]
mod support;
mod visitor;
