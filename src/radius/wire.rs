//! Attributes on the wire and in the dictionary's terms.
