//! A socket to the kernel's routing tables (netlink(7), rtnetlink(7)).

use std::io::{self, IoSliceMut};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recvmsg, sendto,
    setsockopt, socket, sockopt,
};
use nix::sys::time::TimeVal;
use tokio::io::unix::AsyncFd;

/// The kernel's own address: port 0, no group.
const KERNEL: u32 = 0;
/// `RTMGRP_LINK | RTMGRP_NEIGH` (linux/rtnetlink.h).
const EVENTS: u32 = 0x1 | 0x4;
/// Room for events that wait for us, which the kernel doubles for its bookkeeping: some hundreds.
/// It is used up only while they wait, and losing some is mended by a dump.
const BACKLOG: usize = 128 << 10;

/// The kernel fills answers to dumps up to this size where there is room for it.
pub(super) const DATAGRAM: usize = 32 << 10;

pub(super) struct Socket(OwnedFd);

impl Socket {
    /// For questions that wait for the answer, though not longer than this.
    pub(super) fn blocking(patience: TimeVal) -> io::Result<Self> {
        let this = Self::open(SockFlag::empty())?;
        setsockopt(&this.0, sockopt::ReceiveTimeout, &patience)?;
        Ok(this)
    }

    /// For questions within the runtime.
    pub(super) fn asynchronous() -> io::Result<AsyncFd<Self>> {
        Self::open(SockFlag::SOCK_NONBLOCK)?.registered()
    }

    /// Hears of every change to devices and neighbours.
    pub(super) fn events() -> io::Result<AsyncFd<Self>> {
        let this = Self::open(SockFlag::SOCK_NONBLOCK)?;
        setsockopt(&this.0, sockopt::RcvBuf, &BACKLOG)?;
        bind(this.0.as_raw_fd(), &NetlinkAddr::new(0, EVENTS))?;
        this.registered()
    }

    /// The successor of `AsyncFd::new` is unsafe because a type may name one descriptor now and
    /// another later. This one owns its descriptor and always names that.
    #[expect(deprecated, reason = "sound for a type that owns its descriptor, see above")]
    fn registered(self) -> io::Result<AsyncFd<Self>> {
        AsyncFd::new(self)
    }

    fn open(flags: SockFlag) -> io::Result<Self> {
        let flags = flags | SockFlag::SOCK_CLOEXEC;
        let family = AddressFamily::Netlink;
        Ok(Self(socket(family, SockType::Raw, flags, SockProtocol::NetlinkRoute)?))
    }

    pub(super) fn send(&self, request: &[u8]) -> io::Result<()> {
        let kernel = NetlinkAddr::new(KERNEL, 0);
        sendto(self.0.as_raw_fd(), request, &kernel, MsgFlags::empty())?;
        Ok(())
    }

    /// The next datagram of the kernel's; those of other programs are passed over.
    pub(super) fn receive<'a>(&self, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
        let length = loop {
            let mut parts = [IoSliceMut::new(buffer)];
            let flags = MsgFlags::empty();
            match recvmsg::<NetlinkAddr>(self.0.as_raw_fd(), &mut parts, None, flags) {
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
                Ok(got) if got.address.is_none_or(|sender| sender.pid() != KERNEL) => {}
                Ok(got) if got.flags.contains(MsgFlags::MSG_TRUNC) => {
                    return Err(Errno::EMSGSIZE.into());
                }
                Ok(got) => break got.bytes,
            }
        };
        buffer.get(..length).ok_or_else(|| Errno::EMSGSIZE.into())
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Whether events were lost: there was no room for them, or the buffer was too small for one.
pub(super) fn lost(error: &io::Error) -> bool {
    matches!(error.raw_os_error().map(Errno::from_raw), Some(Errno::ENOBUFS | Errno::EMSGSIZE))
}

/// The index of the device that has this name now.
pub(super) fn index_of(device: &str) -> io::Result<Option<u32>> {
    match if_nametoindex(device) {
        Ok(index) => Ok(Some(index)),
        // No name of a device can be that long.
        Err(Errno::ENODEV | Errno::ENXIO | Errno::ENAMETOOLONG | Errno::EINVAL) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
