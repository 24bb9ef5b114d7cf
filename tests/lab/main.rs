//! Router, guests and internet as network namespaces; the real binary, kernel, DHCP, curl, browser.
//!
//! Each test has a laboratory of its own (`tests/lab/lab`), so that none depends on another; where
//! a machine cannot have one, they say so. `tests/lab/lab up` brings one up to play with.

mod support;
mod topology;
