//! One conversation with nf_tables or connection tracking in the kernel.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recvfrom, send,
    setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};

use super::message::{Answer, Attributes, Writer, answers};

/// The kernel answers at once or not at all.
const PATIENCE_SECONDS: i64 = 5;
/// Larger than any datagram of a dump (`NLMSG_GOODSIZE` and `netlink_dump`'s 32 KB).
pub(super) const DATAGRAM: usize = 64 * 1024;
/// Room for acknowledgements, and for a transaction of thousands of guests.
const BUFFER: usize = 1024 * 1024;
/// Dumps are tried again this often where the rules change meanwhile.
const ATTEMPTS: usize = 8;

/// `NFNLGRP_NFTABLES` as a bit of the groups.
pub(super) const NOTIFICATIONS: u32 = 1 << 6;

/// Opens a netfilter socket that also hears these groups.
pub(super) fn open(groups: u32, flags: SockFlag) -> io::Result<OwnedFd> {
    let protocol = SockProtocol::NetlinkNetFilter;
    let flags = flags | SockFlag::SOCK_CLOEXEC;
    let fd = socket(AddressFamily::Netlink, SockType::Raw, flags, protocol)?;
    bind(fd.as_raw_fd(), &NetlinkAddr::new(0, groups))?;
    Ok(fd)
}

/// Receives one datagram, if the kernel sent it: other processes may write to us as well.
pub(super) fn receive<'a>(fd: &OwnedFd, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
    // A socket with a timeout is not restarted after a signal (signal(7)), and reload is one.
    let (length, sender) = loop {
        match recvfrom::<NetlinkAddr>(fd.as_raw_fd(), buffer) {
            Err(Errno::EINTR) => {}
            received => break received?,
        }
    };
    let from_kernel = sender.is_some_and(|sender| sender.pid() == 0);
    let length = if from_kernel { length } else { 0 };
    Ok(buffer.get(..length).unwrap_or_default())
}

pub(super) struct Socket {
    fd: OwnedFd,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Socket {
    pub(super) fn open() -> io::Result<Self> {
        let fd = open(0, SockFlag::empty())?;
        setsockopt(&fd, sockopt::ReceiveTimeout, &TimeVal::seconds(PATIENCE_SECONDS))?;
        // More than the system's limit needs CAP_NET_ADMIN, which the gate has anyway.
        let _ = setsockopt(&fd, sockopt::SndBufForce, &BUFFER);
        let _ = setsockopt(&fd, sockopt::RcvBufForce, &BUFFER);
        Ok(Self { fd, sequence: 1, buffer: vec![0; DATAGRAM] })
    }

    /// Sends a transaction; each of its messages asks for an acknowledgement.
    ///
    /// # Errors
    /// The first refusal; then nothing of the transaction was done.
    pub(super) fn transact(&mut self, messages: impl FnOnce(&mut Writer)) -> io::Result<()> {
        let mut writer = Writer::starting_at(self.sequence);
        writer.begin_batch();
        let first = self.sequence.wrapping_add(1);
        messages(&mut writer);
        writer.end_batch();
        let (bytes, next) = writer.finish();
        self.sequence = next;
        let last = next.wrapping_sub(2);
        if last.wrapping_sub(first) > u32::MAX / 2 {
            return Ok(());
        }
        self.forget_leftovers();
        send(self.fd.as_raw_fd(), &bytes, MsgFlags::empty())?;
        let mut outcome = Ok(());
        loop {
            for answer in answers(receive(&self.fd, &mut self.buffer)?) {
                if let Answer::Outcome { errno, sequence } = answer {
                    if errno != 0 && outcome.is_ok() {
                        outcome = Err(io::Error::from_raw_os_error(errno));
                    }
                    // An error of the batch itself carries the number of its opening.
                    if sequence == last || sequence == first.wrapping_sub(1) {
                        return outcome;
                    }
                }
            }
        }
    }

    /// Sends requests that are each carried out by itself; the last one must ask for an
    /// acknowledgement. Gives the errors (`errno`) of those that were refused.
    pub(super) fn request_each(
        &mut self,
        messages: impl FnOnce(&mut Writer),
    ) -> io::Result<Vec<i32>> {
        self.request(messages)?;
        let last = self.sequence.wrapping_sub(1);
        let mut refusals = Vec::new();
        loop {
            for answer in answers(receive(&self.fd, &mut self.buffer)?) {
                if let Answer::Outcome { errno, sequence } = answer {
                    refusals.extend((errno != 0).then_some(errno));
                    if sequence == last {
                        return Ok(refusals);
                    }
                }
            }
        }
    }

    /// Asks for a list; begins anew where it changes while it is read.
    pub(super) fn dump<T>(
        &mut self,
        request: impl Fn(&mut Writer),
        mut each: impl FnMut(&mut Vec<T>, Attributes<'_>),
    ) -> io::Result<Vec<T>> {
        for _ in 0..ATTEMPTS {
            let mut list = Vec::new();
            match self.dump_once(&request, |attributes| each(&mut list, attributes)) {
                Ok(true) => return Ok(list),
                Ok(false) => {}
                Err(error) if error.raw_os_error() == Some(Errno::EINTR as i32) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Errno::EBUSY.into())
    }

    /// Reads a list once, also where it changes meanwhile: what is there all the time is there once.
    pub(super) fn walk(
        &mut self,
        request: impl Fn(&mut Writer),
        each: impl FnMut(Attributes<'_>),
    ) -> io::Result<()> {
        self.dump_once(request, each).map(|_whole| ())
    }

    /// Asks for one thing; nothing where the kernel has no such thing.
    pub(super) fn ask<T>(
        &mut self,
        request: impl Fn(&mut Writer),
        mut each: impl FnMut(&mut Vec<T>, Attributes<'_>),
    ) -> io::Result<Vec<T>> {
        self.request(request)?;
        loop {
            let answer = answers(receive(&self.fd, &mut self.buffer)?).next();
            let mut found = Vec::new();
            match answer {
                Some(Answer::Data { attributes, .. }) => each(&mut found, attributes),
                Some(Answer::Outcome { errno, .. }) if errno != 0 && errno != libc::ENOENT => {
                    return Err(io::Error::from_raw_os_error(errno));
                }
                Some(_) => {}
                None => continue,
            }
            return Ok(found);
        }
    }

    /// False where the list has changed while it was read.
    fn dump_once(
        &mut self,
        request: impl Fn(&mut Writer),
        mut each: impl FnMut(Attributes<'_>),
    ) -> io::Result<bool> {
        self.request(request)?;
        let mut whole = true;
        loop {
            for answer in answers(receive(&self.fd, &mut self.buffer)?) {
                match answer {
                    Answer::Data { attributes, interrupted, .. } => {
                        whole &= !interrupted;
                        each(attributes);
                    }
                    Answer::Done { errno: 0 } | Answer::Outcome { errno: 0, .. } => {
                        return Ok(whole);
                    }
                    Answer::Done { errno } | Answer::Outcome { errno, .. } => {
                        return Err(io::Error::from_raw_os_error(errno));
                    }
                }
            }
        }
    }

    fn request(&mut self, write: impl FnOnce(&mut Writer)) -> io::Result<()> {
        let mut writer = Writer::starting_at(self.sequence);
        write(&mut writer);
        let (bytes, next) = writer.finish();
        self.sequence = next;
        self.forget_leftovers();
        send(self.fd.as_raw_fd(), &bytes, MsgFlags::empty())?;
        Ok(())
    }

    /// What an earlier conversation that broke off has left in the socket.
    fn forget_leftovers(&mut self) {
        while nix::sys::socket::recv(self.fd.as_raw_fd(), &mut self.buffer, MsgFlags::MSG_DONTWAIT)
            .is_ok()
        {}
    }
}
