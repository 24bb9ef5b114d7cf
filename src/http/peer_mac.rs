//! The MAC address of the peer of a TCP connection, from its SYN.
//!
//! The kernel's neighbour table can be spoofed: it is filled from the payload of ARP and neighbour
//! discovery (RFC 826, RFC 4861), which is not compared with the source of the frame. The Ethernet
//! source of the SYN is the address that the access point or switch saw.

use std::io;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::sys::socket::setsockopt;
use nix::{setsockopt_impl, sockopt_impl};

use crate::domain::station::Mac;
use crate::syscalls;

/// Keep the link layer's header too (`tcp_reqsk_record_syn` in net/ipv4/tcp_input.c; Linux 5.10).
const WITH_LINK_LAYER: libc::c_int = 2;
/// Retransmissions of a SYN-ACK (`reqsk_timer_handler` in
/// net/ipv4/inet_connection_sock.c): an incomplete handshake is dropped after 3 s instead
/// of 63 s. A real peer retransmits its SYN and starts over.
const SYN_ACK_RETRIES: libc::c_int = 1;

/// Octets of the two addresses in front of an EtherType.
const ADDRESSES: usize = 12;
/// EtherTypes (IEEE 802 numbers): IPv4, IPv6, VLAN tags.
const IPV4: [u8; 2] = [0x08, 0x00];
const IPV6: [u8; 2] = [0x86, 0xdd];
const TAGS: [[u8; 2]; 2] = [[0x81, 0x00], [0x88, 0xa8]];

sockopt_impl!(
    /// Whether a listener saves the SYN of each connection.
    SaveSyn,
    SetOnly,
    libc::IPPROTO_TCP,
    libc::TCP_SAVE_SYN,
    libc::c_int
);
sockopt_impl!(
    /// Retransmissions of a SYN, or of a listener's SYN-ACK.
    SynCount,
    SetOnly,
    libc::IPPROTO_TCP,
    libc::TCP_SYNCNT,
    libc::c_int
);

/// Has a listener save the SYNs that [`of_connection`] reads, and drop incomplete handshakes soon:
/// with a full queue the kernel answers with SYN cookies, and saves nothing.
///
/// # Errors
/// What the kernel says.
pub(super) fn save_syn(listener: &impl AsFd) -> io::Result<()> {
    setsockopt(listener, SynCount, &SYN_ACK_RETRIES)?;
    setsockopt(listener, SaveSyn, &WITH_LINK_LAYER).map_err(|error| match error {
        Errno::EINVAL => io::Error::new(
            io::ErrorKind::Unsupported,
            "this kernel does not tell which device opens a connection; Linux 5.10 and later do",
        ),
        error => error.into(),
    })
}

/// The peer's MAC address; the kernel frees the SYN when it is read. `None` where the connection
/// came from a SYN cookie, or not over Ethernet.
pub(super) fn of_connection(connection: &impl AsFd) -> Option<Mac> {
    let syn = syscalls::saved_syn(connection);
    syn.inspect_err(|error| log::debug!("http: no SYN: {error}")).ok().and_then(|syn| source(&syn))
}

/// The Ethernet source of a SYN's headers.
fn source(syn: &[u8]) -> Option<Mac> {
    let mut rest = syn.get(ADDRESSES..)?;
    let kind = loop {
        let (kind, behind) = rest.split_first_chunk::<2>()?;
        rest = if TAGS.contains(kind) { behind.get(2..)? } else { behind };
        if !TAGS.contains(kind) {
            break *kind;
        }
    };
    // A link layer without addresses (PPP, a tunnel) leaves nothing in front of the IP header.
    let version = rest.first()? >> 4;
    if !matches!((kind, version), (IPV4, 4) | (IPV6, 6)) {
        return None;
    }
    Mac::of_device(syn.get(6..ADDRESSES)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROUTER: [u8; 6] = [2, 0, 0, 0, 0x77, 1];
    const PHONE: [u8; 6] = [0x98, 0x01, 0xa7, 0xcb, 0xbb, 0x00];
    const IP4: [u8; 4] = [0x45, 0, 0, 60];
    const IP6: [u8; 4] = [0x60, 0, 0, 0];

    fn syn(from: [u8; 6], kinds: &[&[u8]], ip: [u8; 4]) -> Vec<u8> {
        [&ROUTER[..], &from, &kinds.concat(), &ip, &[0; 56]].concat()
    }

    #[test]
    fn the_source_of_an_ethernet_frame_is_the_device() {
        let tag: &[u8] = &[0x81, 0x00, 0x00, 0x14];
        let service: &[u8] = &[0x88, 0xa8, 0x00, 0x14];
        for (kinds, ip) in [
            (&[&IPV4[..]] as &[&[u8]], IP4),
            (&[&IPV6], IP6),
            (&[tag, &IPV4], IP4),
            (&[service, tag, &IPV6], IP6),
        ] {
            assert_eq!(source(&syn(PHONE, kinds, ip)), Some(Mac::new(PHONE)), "{kinds:?}");
        }
    }

    #[test]
    fn what_is_no_ethernet_frame_of_one_device_names_none() {
        // Without a link layer, as over PPP: the IP header comes first.
        assert_eq!(source(&[&IP4[..], &[0; 56]].concat()), None);
        assert_eq!(source(&[&IP6[..], &[0xfe; 76]].concat()), None);
        // The loopback device and groups.
        assert_eq!(source(&syn([0; 6], &[&IPV4], IP4)), None);
        assert_eq!(source(&syn([0x33, 0x33, 0, 0, 0, 1], &[&IPV6], IP6)), None);
        // An EtherType that does not say what follows.
        assert_eq!(source(&syn(PHONE, &[&IPV4], IP6)), None);
        assert_eq!(source(&syn(PHONE, &[&[0x08, 0x06]], IP4)), None);
        // A SYN cookie.
        assert_eq!(source(&[]), None);
    }

    #[test]
    fn the_kernel_of_this_machine_keeps_a_syn_and_gives_it_once() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        save_syn(&listener).unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        let syn = syscalls::saved_syn(&server).unwrap();
        // The loopback device writes Ethernet headers, with nobody's address in them.
        assert_eq!((syn.get(ADDRESSES..14), source(&syn)), (Some(&IPV4[..]), None));
        assert!(syscalls::saved_syn(&server).unwrap().is_empty());
        assert_eq!(of_connection(&client), None);
    }

    proptest! {
        #[test]
        fn no_octets_can_do_harm(syn in proptest::collection::vec(any::<u8>(), 0..100)) {
            if let Some(mac) = source(&syn) {
                prop_assert_eq!(&syn[6..12], &mac.octets());
            }
        }
    }
}
