//! Netlink messages against bytes that the kernel has sent.
