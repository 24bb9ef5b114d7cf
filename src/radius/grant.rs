//! What somebody gets, in the words of their access point.
