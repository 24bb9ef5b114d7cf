//! Values that are hidden with the shared secret.
