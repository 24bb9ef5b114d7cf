//! System calls that neither nix nor std wraps: all unsafe code of the program.
#![expect(unsafe_code, reason = "adjtimex(2) and TCP_SAVED_SYN have no safe wrapper in nix or std")]

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// What `adjtimex` returns while the clock is not synchronised (`TIME_ERROR`, linux/timex.h).
const TIME_ERROR: libc::c_long = 5;

/// Octets of the longest headers of a SYN: Ethernet with two VLAN tags, IPv4 or IPv6, TCP, both
/// with all their options, and room for IPv6 extension headers.
const SAVED_SYN: usize = 512;

/// Whether an NTP client has told the kernel that the wall clock is right.
pub(crate) fn clock_is_synchronised() -> bool {
    // `struct timex` differs between C libraries and word sizes, and only the return value is
    // wanted: 512 zeroed bytes hold every layout (the largest has 208), and zeroed `modes`
    // change nothing.
    let mut timex = [0u64; 64];
    // SAFETY: the kernel writes at most sizeof(struct timex) bytes to the pointer, which is
    // valid, aligned and larger than that; with `modes` 0 the call has no other effect.
    let state = unsafe { libc::syscall(libc::SYS_adjtimex, timex.as_mut_ptr()) };
    (0..TIME_ERROR).contains(&state)
}

/// The headers of the SYN that began a connection (`TCP_SAVED_SYN`, linux/tcp.h), from a listener
/// that was told to keep them. The kernel gives them once. Empty where it kept none: the
/// connection was made with a SYN cookie.
///
/// # Errors
/// Where the socket is no TCP connection or the headers are longer than those of a SYN can be.
pub(crate) fn saved_syn(connection: &impl AsFd) -> io::Result<Vec<u8>> {
    let mut headers = [0u8; SAVED_SYN];
    let mut length = SAVED_SYN as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes to `headers`, which has as many, and the
    // number of those written to `length`; both outlive the call. The descriptor is open.
    let done = unsafe {
        libc::getsockopt(
            connection.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_SAVED_SYN,
            headers.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if done != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(headers.get(..length as usize).unwrap_or_default().to_vec())
}
