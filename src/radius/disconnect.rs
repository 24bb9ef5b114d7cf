//! Tells access points to end sessions (RFC 5176).
