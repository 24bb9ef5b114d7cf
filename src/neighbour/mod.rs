//! Who is on the guest networks: the kernel's neighbour tables and the names in DHCP leases.

pub mod leases;

pub use leases::HostNames;
