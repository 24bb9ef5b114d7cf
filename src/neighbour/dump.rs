//! The answer to a dump, datagram by datagram.

use std::io;

use super::message::{Entry, Notice, messages};

/// What has been collected of a device's entries.
#[derive(Default)]
pub(super) struct Dump {
    /// The entries.
    pub(super) entries: Vec<Entry>,
    /// The table changed meanwhile, and something may be missing.
    pub(super) interrupted: bool,
}

impl Dump {
    /// Takes in a datagram; true once that was the last.
    ///
    /// # Errors
    /// What the kernel ended the dump with.
    pub(super) fn take(&mut self, datagram: &[u8], sequence: u32, index: u32) -> io::Result<bool> {
        for message in messages(datagram).filter(|message| message.sequence() == sequence) {
            self.interrupted |= message.interrupted();
            if let Some(outcome) = message.outcome() {
                return outcome.map(|()| true);
            }
            // Kernels before 4.4 do not know the filter and send every device's.
            if let Some(Notice::Neighbour(entry)) = message.notice()
                && entry.index == index
            {
                self.entries.push(entry);
            }
        }
        Ok(false)
    }
}
