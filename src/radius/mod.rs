//! RADIUS: packets on the wire, and what they mean to the owner of all state.
