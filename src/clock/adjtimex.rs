//! Asks the kernel whether NTP has synchronised the clock. The only unsafe code of the program:
//! none of the libraries in use wraps `adjtimex(2)`.
#![expect(unsafe_code, reason = "adjtimex(2) has no safe wrapper in nix or std")]

/// What `adjtimex` returns while the clock is not synchronised (`TIME_ERROR`, linux/timex.h).
const TIME_ERROR: libc::c_long = 5;

/// Whether an NTP client has told the kernel that the wall clock is right.
pub(super) fn synchronised() -> bool {
    // `struct timex` differs between C libraries and word sizes, and only the return value is
    // wanted: 512 zeroed bytes hold every layout (the largest has 208), and zeroed `modes`
    // change nothing.
    let mut timex = [0u64; 64];
    // SAFETY: the kernel writes at most sizeof(struct timex) bytes to the pointer, which is
    // valid, aligned and larger than that; with `modes` 0 the call has no other effect.
    let state = unsafe { libc::syscall(libc::SYS_adjtimex, timex.as_mut_ptr()) };
    (0..TIME_ERROR).contains(&state)
}
