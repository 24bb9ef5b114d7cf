//! One question to the kernel: who has this address?

use std::io;
use std::net::IpAddr;

use nix::errno::Errno;
use nix::sys::time::TimeVal;

use super::dump::Dump;
use super::message::{self, Entry, Notice, messages};
use super::socket::{DATAGRAM, Socket, index_of};
use crate::domain::station::Mac;

/// The kernel answers within microseconds; who signs in shall not wait for longer than this.
const PATIENCE: TimeVal = TimeVal::new(0, 200_000);

/// Tells whose an address is; tests bring their own.
pub trait Find: Send {
    /// The device that has this address on a network now. An IPv4 address may come mapped into
    /// IPv6.
    ///
    /// # Errors
    /// Where the kernel does not answer.
    fn find(&mut self, device: &str, address: IpAddr) -> io::Result<Option<Mac>>;
}

/// Asks the kernel.
pub struct Lookup {
    socket: Socket,
    sequence: u32,
    buffer: Vec<u8>,
    /// Linux before 5.0 gives whole tables only.
    whole: bool,
}

impl Lookup {
    /// # Errors
    /// Where there is no netlink socket to be had.
    pub fn open() -> io::Result<Self> {
        let socket = Socket::blocking(PATIENCE)?;
        Ok(Self { socket, sequence: 0, buffer: vec![0; DATAGRAM], whole: false })
    }

    /// Every address on a device whose owner is known, with the owner.
    ///
    /// # Errors
    /// Where the kernel does not answer.
    pub fn list(&mut self, device: &str) -> io::Result<Vec<(IpAddr, Mac)>> {
        let Some(index) = index_of(device)? else { return Ok(Vec::new()) };
        let entries = self.all(index)?.into_iter();
        Ok(entries.filter_map(|entry| Some((entry.address, entry.mac?))).collect())
    }

    fn entry(&mut self, index: u32, address: IpAddr) -> io::Result<Option<Entry>> {
        if !self.whole {
            match self.single(index, address) {
                Err(error) if is(&error, &[Errno::EOPNOTSUPP]) => self.whole = true,
                // No such entry; the device has just gone; no IPv6 on this router.
                Err(error) if is(&error, &[Errno::ENOENT, Errno::ENODEV, Errno::EAFNOSUPPORT]) => {
                    return Ok(None);
                }
                answer => return answer,
            }
        }
        let entries = self.all(index)?;
        Ok(entries.into_iter().find(|entry| entry.address == address))
    }

    fn single(&mut self, index: u32, address: IpAddr) -> io::Result<Option<Entry>> {
        let sequence = self.next();
        self.socket.send(&message::get(sequence, index, address))?;
        loop {
            let datagram = self.socket.receive(&mut self.buffer)?;
            // An answer that came too late for its own question is not the answer to this one.
            let Some(answer) = messages(datagram).find(|answer| answer.sequence() == sequence)
            else {
                continue;
            };
            return match (answer.outcome(), answer.notice()) {
                (Some(outcome), _) => outcome.map(|()| None),
                (None, Some(Notice::Neighbour(entry))) => {
                    Ok(Some(entry).filter(|entry| entry.index == index && entry.address == address))
                }
                (None, _) => Ok(None),
            };
        }
    }

    fn all(&mut self, index: u32) -> io::Result<Vec<Entry>> {
        let sequence = self.next();
        self.socket.send(&message::dump(sequence, index))?;
        let mut dump = Dump::default();
        loop {
            let datagram = self.socket.receive(&mut self.buffer)?;
            if dump.take(datagram, sequence, index)? {
                return Ok(dump.entries);
            }
        }
    }

    fn next(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }
}

impl Find for Lookup {
    fn find(&mut self, device: &str, address: IpAddr) -> io::Result<Option<Mac>> {
        // Asked anew each time: a device that is plugged in again has another index.
        let Some(index) = index_of(device)? else { return Ok(None) };
        let entry = self.entry(index, address.to_canonical())?;
        // Who does not answer has no MAC here; who has merely been quiet (STALE) does.
        Ok(entry.and_then(|entry| entry.mac))
    }
}

fn is(error: &io::Error, codes: &[Errno]) -> bool {
    error.raw_os_error().is_some_and(|code| codes.contains(&Errno::from_raw(code)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_of_this_machine_answers_a_question_and_a_dump() {
        let mut lookup = Lookup::open().unwrap();
        // TEST-NET-1, which nobody has.
        let nobody: IpAddr = "192.0.2.77".parse().unwrap();
        assert_eq!(lookup.find("lo", nobody).unwrap(), None);
        assert_eq!(lookup.find("lo", IpAddr::from([127, 0, 0, 1])).unwrap(), None);
        assert_eq!(lookup.find("no-such-device", nobody).unwrap(), None);
        assert_eq!(lookup.find("a-name-that-is-too-long-for-a-device", nobody).unwrap(), None);
        lookup.whole = true;
        assert_eq!(lookup.find("lo", nobody).unwrap(), None);
    }
}
