//! Which process owns a port that cannot be bound (proc(5)).

use std::fs;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// `TCP_LISTEN` in `/proc/net/tcp` (net/tcp_states.h).
const LISTEN: &str = "0A";

/// The transport protocol of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Tcp,
    Udp,
}

/// Why an address cannot be bound: the error, the process that owns the port, and the option that
/// asks for it.
pub(super) fn reason(
    error: &io::Error,
    protocol: Protocol,
    address: SocketAddr,
    option: &str,
) -> String {
    let owner = match error.kind() {
        ErrorKind::AddrInUse => match port_owner(protocol, address) {
            Some(owner) => format!("; {owner} has it"),
            None => "; who has it cannot be seen from here, 'netstat -tulpn' as root tells".into(),
        },
        _ => String::new(),
    };
    format!("{error}{owner}; asked for by {option}")
}

/// A process with a conflicting socket: its name and PID.
fn port_owner(protocol: Protocol, wanted: SocketAddr) -> Option<String> {
    // A dual-stack socket on `[::]` conflicts with IPv4 addresses too, so the other family comes
    // second.
    let files = match (protocol, wanted.is_ipv4()) {
        (Protocol::Tcp, true) => ["tcp", "tcp6"],
        (Protocol::Tcp, false) => ["tcp6", "tcp"],
        (Protocol::Udp, true) => ["udp", "udp6"],
        (Protocol::Udp, false) => ["udp6", "udp"],
    };
    files.iter().find_map(|file| {
        let table = fs::read_to_string(format!("/proc/net/{file}")).ok()?;
        let inodes = conflicting_sockets(&table, protocol, wanted);
        process_with(&inodes)
    })
}

/// The inodes of conflicting sockets in `/proc/net/{tcp,tcp6,udp,udp6}`.
fn conflicting_sockets(table: &str, protocol: Protocol, wanted: SocketAddr) -> Vec<String> {
    let conflicting = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let &[_, local, _, state, _, _, _, _, _, inode, ..] = fields.as_slice() else {
            return None;
        };
        let (address, port) = local.split_once(':')?;
        let bound = SocketAddr::new(parse_address(address)?, u16::from_str_radix(port, 16).ok()?);
        let listens = protocol == Protocol::Udp || state == LISTEN;
        (listens && conflicts(bound, wanted)).then(|| format!("socket:[{inode}]"))
    };
    table.lines().filter_map(conflicting).collect()
}

/// An address as the kernel prints it: words of 32 bits in host byte order.
fn parse_address(digits: &str) -> Option<IpAddr> {
    let mut bytes = [0; 16];
    for (four, part) in bytes.chunks_exact_mut(4).zip(digits.as_bytes().chunks(8)) {
        let word = u32::from_str_radix(std::str::from_utf8(part).ok()?, 16).ok()?;
        four.copy_from_slice(&word.to_ne_bytes());
    }
    match (digits.len(), bytes) {
        (8, [a, b, c, d, ..]) => Some(Ipv4Addr::new(a, b, c, d).into()),
        (32, bytes) => Some(Ipv6Addr::from(bytes).to_canonical()),
        _ => None,
    }
}

fn conflicts(bound: SocketAddr, wanted: SocketAddr) -> bool {
    let same = bound.ip() == wanted.ip();
    bound.port() == wanted.port()
        && (same || bound.ip().is_unspecified() || wanted.ip().is_unspecified())
}

/// The first other process that has one of these sockets open. Without root, only processes of the
/// same user can be examined.
fn process_with(sockets: &[String]) -> Option<String> {
    if sockets.is_empty() {
        return None;
    }
    let processes = fs::read_dir("/proc").ok()?.flatten();
    for process in processes {
        let Ok(number) = process.file_name().to_string_lossy().parse::<u32>() else { continue };
        let Ok(open) = fs::read_dir(process.path().join("fd")) else { continue };
        let has_it = open.flatten().any(|file| {
            fs::read_link(file.path())
                .is_ok_and(|to| to.to_str().is_some_and(|to| sockets.iter().any(|it| it == to)))
        });
        // This process: sockets of other guest networks.
        if has_it && number != std::process::id() {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(format!("{:?} (process {number})", name.trim()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};

    use super::*;

    /// How many of our own sockets conflict with an address.
    fn own_conflicts(file: &str, protocol: Protocol, wanted: SocketAddr) -> usize {
        let table = fs::read_to_string(format!("/proc/net/{file}")).unwrap();
        let inodes = conflicting_sockets(&table, protocol, wanted);
        let ours = fs::read_dir("/proc/self/fd").unwrap().flatten();
        let ours = ours.filter_map(|it| fs::read_link(it.path()).ok());
        ours.filter(|to| inodes.iter().any(|it| to.to_str() == Some(it))).count()
    }

    #[test]
    fn conflicting_sockets_are_found() {
        let v4 = TcpListener::bind("127.0.0.3:0").unwrap();
        let port = v4.local_addr().unwrap().port();
        let at = |text: &str| SocketAddr::new(text.parse().unwrap(), port);
        for (wanted, count) in [("127.0.0.3", 1), ("0.0.0.0", 1), ("127.0.0.4", 0)] {
            assert_eq!(own_conflicts("tcp", Protocol::Tcp, at(wanted)), count, "{wanted}");
        }
        // A connection uses the port as well, but does not conflict.
        let _client = std::net::TcpStream::connect(v4.local_addr().unwrap()).unwrap();
        let _served = v4.accept().unwrap();
        assert_eq!(own_conflicts("tcp", Protocol::Tcp, at("127.0.0.3")), 1);
        let udp = UdpSocket::bind("[::1]:0").unwrap();
        let wanted = udp.local_addr().unwrap();
        assert_eq!(own_conflicts("udp6", Protocol::Udp, wanted), 1);
        assert_eq!(own_conflicts("udp", Protocol::Udp, wanted), 0);
    }

    #[test]
    fn malformed_lines_are_skipped() {
        let header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt";
        for table in ["", header, "0: 0100007F:0016 0 0A 0 0 0 0 0", "0: x:y 0 0A 0 0 0 0 0 7 1"] {
            let wanted = "0.0.0.0:22".parse().unwrap();
            assert_eq!(conflicting_sockets(table, Protocol::Tcp, wanted), [""; 0], "{table}");
        }
    }

    #[test]
    fn other_errors_name_no_owner() {
        let denied = io::Error::from(ErrorKind::PermissionDenied);
        let told = reason(&denied, Protocol::Tcp, "127.0.0.1:1".parse().unwrap(), "option 'x'");
        assert_eq!(told, "permission denied; asked for by option 'x'");
    }
}
