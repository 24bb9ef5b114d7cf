//! RADIUS, tried with the programs that speak it: radclient, pyrad, FreeRADIUS as an anchor and as
//! a proxy, and whatever signs people in on a machine like this one.
//!
//! Each test has servers and ports of its own. Where a program is missing, they say so.

mod accounting;
mod attacks;
mod chilli;
mod classes;
mod codes;
mod coovachilli;
mod disconnect;
mod freeradius;
mod identity;
mod mschap;
mod nas;
mod ours;
mod packet;
mod password_checks;
mod passwords;
mod peers;
mod programs;
mod proxy;
mod refusals;
mod replay;
mod reports;
mod retransmission;
mod rows;
mod servers;
mod strongswan;
#[allow(dead_code, unused_imports, reason = "shared with the flows, which use all of it")]
#[path = "../flows/support.rs"]
mod support;
mod timing;
mod unadmitted;
mod users;
mod vendors;
mod wire;
