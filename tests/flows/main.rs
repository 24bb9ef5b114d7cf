//! What the program does for the people who use it, tried on the real binary.

mod durability;
mod storage;
mod support;
