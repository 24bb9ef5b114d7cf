//! What the program does for the people who use it, tried on the real binary.

mod allow_from;
mod api_shapes;
mod backup;
mod bad_input;
mod batches;
mod client_add;
mod command_line;
mod core_dump;
mod csv;
mod durability;
mod guest_networks;
mod hardening;
mod hostile_backup;
mod migration;
mod openwrt;
mod radius_orders;
mod radius_server;
mod reload;
mod short_codes;
mod storage;
mod support;
mod taken_ports;
mod try_out;
mod users;
mod vendor_page;
mod zone;
