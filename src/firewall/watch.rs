//! Notices when somebody else removes the rules: `nft flush ruleset`, `fw4 stop`.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use nix::sys::socket::{SockFlag, setsockopt, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};
use tokio::sync::mpsc;

use super::element::{DELETE_CHAIN, DELETE_TABLE};
use super::message::{Answer, NFTABLES, answers};
use super::ruleset::TABLE;
use super::socket;

/// `NFTA_TABLE_NAME`, `NFTA_CHAIN_TABLE`.
const TABLE_NAME: u16 = 1;

/// Whoever removes our tables removes others as well: one look for all of it.
const SETTLE: Duration = Duration::from_millis(50);

/// A table or chain of ours was removed, perhaps by ourselves; or it cannot be said, since
/// notifications were lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RulesGone;

/// How often it looks whether anybody still listens.
const LOOK: i64 = 5;
/// The thread needs a datagram's worth of stack, and little else.
const STACK: usize = 64 * 1024;

/// Tells of every removal until nobody listens any more. A thread that sleeps in the kernel: the
/// runtime cannot wait for a netlink socket without unsafe code.
///
/// # Errors
/// Where the kernel's notifications cannot be heard.
pub fn watch(gone: mpsc::Sender<RulesGone>) -> io::Result<()> {
    let fd = socket::open(socket::NOTIFICATIONS, SockFlag::empty())?;
    setsockopt(&fd, sockopt::ReceiveTimeout, &TimeVal::seconds(LOOK))?;
    let thread = std::thread::Builder::new().name("gate-watch".to_owned()).stack_size(STACK);
    thread.spawn(move || listen(&fd, &gone))?;
    Ok(())
}

fn listen(fd: &OwnedFd, gone: &mpsc::Sender<RulesGone>) {
    let mut buffer = vec![0; socket::DATAGRAM];
    while !gone.is_closed() {
        let concerned = match socket::receive(fd, &mut buffer) {
            Ok(datagram) => removes_ours(datagram),
            // Notifications were lost: what they said must be looked up.
            Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => true,
            Err(_) => false,
        };
        if concerned {
            std::thread::sleep(SETTLE);
            // Where one waits already, it says the same.
            let _ = gone.try_send(RulesGone);
        }
    }
}

fn removes_ours(datagram: &[u8]) -> bool {
    answers(datagram).any(|answer| match answer {
        Answer::Data { kind, attributes, .. } => {
            let removal = [DELETE_TABLE, DELETE_CHAIN].map(|kind| NFTABLES << 8 | kind);
            removal.contains(&kind) && attributes.text(TABLE_NAME) == Some(TABLE)
        }
        _ => false,
    })
}
