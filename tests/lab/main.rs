//! Router, guests and internet as network namespaces; the real binary, kernel, DHCP, curl, browser.
//!
//! Each test has a laboratory of its own (`tests/lab/lab`), so that none depends on another; where
//! a machine cannot have one, they say so. `tests/lab/lab up` brings one up to play with.

mod browser;
mod confined;
mod connections;
mod counters;
mod crowd;
mod devices;
mod ends;
mod floods;
mod full_disk;
mod full_table;
mod guessing;
mod identity;
mod limits;
mod networks;
mod probes;
mod rates;
mod restart;
mod routing_path;
mod rules;
mod sign_in;
mod stranger;
mod support;
mod topology;
