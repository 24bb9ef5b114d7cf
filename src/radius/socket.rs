//! UDP sockets that answer from the address that was asked.
//!
//! A router has many addresses, and an access point takes an answer from the one it asked only.
//! A socket on every address is told with each datagram which of them that was (ip(7),
//! `IP_PKTINFO`; RFC 3542 section 6.1), and names it again when it answers.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, RawFd};

use nix::libc::{in_addr, in_pktinfo, in6_addr, in6_pktinfo};
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType,
    SockaddrStorage, bind, recvmsg, sendmsg, setsockopt, socket, sockopt,
};
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// Room for requests that wait for us, which the kernel doubles for its bookkeeping: some hundreds.
const BACKLOG: usize = 128 << 10;

/// A socket on one port, of one address or of all.
pub struct Socket {
    socket: UdpSocket,
    local: SocketAddr,
}

/// The way a datagram took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Route {
    /// Who sent it.
    pub(super) peer: SocketAddr,
    /// The address and port of ours that it was sent to.
    pub(super) local: SocketAddr,
    /// The number of the device it came in on, where the address needs one to be told apart.
    device: u32,
}

impl Socket {
    /// Binds a socket.
    ///
    /// # Errors
    /// What the kernel says: the port is taken, or no device has the address.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let v4 = address.is_ipv4();
        let family = if v4 { AddressFamily::Inet } else { AddressFamily::Inet6 };
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let descriptor = socket(family, SockType::Datagram, flags, None)?;
        setsockopt(&descriptor, sockopt::RcvBuf, &BACKLOG)?;
        if !v4 {
            setsockopt(&descriptor, sockopt::Ipv6V6Only, &true)?;
        }
        match (address.ip().is_unspecified(), v4) {
            (true, true) => setsockopt(&descriptor, sockopt::Ipv4PacketInfo, &true)?,
            (true, false) => setsockopt(&descriptor, sockopt::Ipv6RecvPacketInfo, &true)?,
            (false, _) => {}
        }
        bind(descriptor.as_raw_fd(), &SockaddrStorage::from(address))?;
        let socket = UdpSocket::from_std(descriptor.into())?;
        let local = socket.local_addr()?;
        Ok(Self { socket, local })
    }

    /// Returns once a datagram may have come.
    pub(super) async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
    }

    /// A datagram and how it came: its length. What is longer than the buffer is cut off.
    ///
    /// # Errors
    /// `WouldBlock` where there is none.
    pub(super) fn try_receive(&self, buffer: &mut [u8]) -> io::Result<(usize, Route)> {
        let descriptor = self.socket.as_raw_fd();
        self.socket.try_io(Interest::READABLE, || receive(descriptor, buffer, self.local))
    }

    /// Answers by the way that the request took. Where the kernel has no room for it now, it is
    /// lost, as anything may be on its way; whoever asked will ask again.
    pub(super) fn answer(&self, bytes: &[u8], route: Route) {
        let descriptor = self.socket.as_raw_fd();
        let wildcard = self.local.ip().is_unspecified();
        let sent =
            self.socket.try_io(Interest::WRITABLE, || send(descriptor, bytes, route, wildcard));
        if let Err(error) = sent {
            log::debug!("radius: cannot answer {} from {}: {error}", route.peer, route.local);
        }
    }
}

fn receive(descriptor: RawFd, buffer: &mut [u8], bound: SocketAddr) -> io::Result<(usize, Route)> {
    // The larger of the two.
    let mut room = nix::cmsg_space!(in6_pktinfo);
    let mut parts = [IoSliceMut::new(buffer)];
    let flags = MsgFlags::MSG_DONTWAIT;
    let got = recvmsg::<SockaddrStorage>(descriptor, &mut parts, Some(&mut room), flags)?;
    let peer = got.address.as_ref().and_then(socket_address);
    let peer = peer.ok_or(io::ErrorKind::InvalidData)?;
    let mut route = Route { peer, local: bound, device: 0 };
    for message in got.cmsgs()? {
        match message {
            ControlMessageOwned::Ipv4PacketInfo(info) => {
                let address = Ipv4Addr::from(info.ipi_spec_dst.s_addr.to_ne_bytes());
                route.local.set_ip(IpAddr::V4(address));
            }
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                let address = Ipv6Addr::from(info.ipi6_addr.s6_addr);
                route.local.set_ip(IpAddr::V6(address));
                if address.is_unicast_link_local() {
                    route.device = device_number(&info);
                }
            }
            _ => {}
        }
    }
    Ok((got.bytes, route))
}

/// The C libraries do not agree on the type of this.
#[allow(clippy::unnecessary_cast)]
fn device_number(info: &in6_pktinfo) -> u32 {
    info.ipi6_ifindex as u32
}

fn send(descriptor: RawFd, bytes: &[u8], route: Route, wildcard: bool) -> io::Result<()> {
    let parts = [IoSlice::new(bytes)];
    let to = SockaddrStorage::from(route.peer);
    let flags = MsgFlags::MSG_DONTWAIT;
    let (v4, v6);
    let from = match route.local.ip() {
        IpAddr::V4(address) => {
            let address = in_addr { s_addr: u32::from_ne_bytes(address.octets()) };
            v4 = in_pktinfo { ipi_ifindex: 0, ipi_spec_dst: address, ipi_addr: address };
            ControlMessage::Ipv4PacketInfo(&v4)
        }
        IpAddr::V6(address) => {
            let ipi6_addr = in6_addr { s6_addr: address.octets() };
            v6 = in6_pktinfo { ipi6_addr, ipi6_ifindex: route.device as _ };
            ControlMessage::Ipv6PacketInfo(&v6)
        }
    };
    let from = if wildcard { std::slice::from_ref(&from) } else { &[] };
    sendmsg(descriptor, &parts, from, flags, Some(&to))?;
    Ok(())
}

fn socket_address(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|it| SocketAddr::V4(SocketAddrV4::from(*it)));
    v4.or_else(|| address.as_sockaddr_in6().map(|it| SocketAddr::V6(SocketAddrV6::from(*it))))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The way from a port of loopback to another.
    pub(in crate::radius) fn route(port: u16) -> Route {
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Route { peer: at(port), local: at(1812), device: 0 }
    }

    /// A datagram to a socket on every address; what comes back, and from where.
    async fn asked_and_answered(bound: &str, asked: &str) -> (Vec<u8>, SocketAddr, Route) {
        let server = Socket::bind(bound.parse().unwrap()).unwrap();
        let asked = SocketAddr::new(asked.parse().unwrap(), server.local.port());
        let peer = std::net::UdpSocket::bind((asked.ip(), 0)).unwrap();
        peer.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
        peer.send_to(b"question", asked).unwrap();
        let mut buffer = [0; 64];
        let (length, route) = loop {
            server.readable().await.unwrap();
            match server.try_receive(&mut buffer) {
                Ok(got) => break got,
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
        };
        assert_eq!(&buffer[..length], b"question");
        assert_eq!(route.peer, peer.local_addr().unwrap());
        server.answer(b"answer", route);
        let (length, from) = peer.recv_from(&mut buffer).unwrap();
        (buffer[..length].to_vec(), from, route)
    }

    #[tokio::test]
    async fn answers_come_from_the_address_that_was_asked() {
        for (bound, asked) in [
            ("0.0.0.0:0", "127.0.0.2"),
            ("0.0.0.0:0", "127.0.0.1"),
            ("127.0.0.3:0", "127.0.0.3"),
            ("[::]:0", "::1"),
            ("[::1]:0", "::1"),
        ] {
            let (bytes, from, route) = asked_and_answered(bound, asked).await;
            assert_eq!(bytes, b"answer");
            assert_eq!(from.ip().to_string(), asked, "bound to {bound}");
            assert_eq!(route.local, from, "bound to {bound}");
        }
    }
}
