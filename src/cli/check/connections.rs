//! The kernel's table of connections. Where it is full, nobody gets a new one through, and guests not
//! even to the portal; the kernel makes it small where memory is (nf_conntrack-sysctl: memory / 16384,
//! which is 1,024 connections for up to 64 MB), and OpenWrt leaves it at that.

use std::fs;

use super::{Report, Verdict};

/// Connections that there should be room for: at some 350 octets each they take 3 MB.
const ROOM: u64 = 8192;
/// Of a hundred, from which on the table counts as full.
const FULL: u64 = 90;

impl Report {
    /// How many connections the router follows, and how many it can.
    pub(super) fn connections(&mut self) {
        let read = |name: &str| {
            let text = fs::read_to_string(format!("/proc/sys/net/netfilter/nf_conntrack_{name}"));
            text.ok()?.trim().parse().ok()
        };
        // Without the module there is no such table.
        let (Some(used), Some(most)) = (read("count"), read("max")) else { return };
        let (verdict, finding) = finding(used, most);
        self.line(verdict, "connections", finding);
        if verdict != Verdict::Ok {
            let room = ROOM.max(most.saturating_mul(2));
            self.paste(&[
                format!("echo net.netfilter.nf_conntrack_max={room} >>/etc/sysctl.conf"),
                "sysctl -p".to_owned(),
            ]);
        }
    }
}

fn finding(used: u64, most: u64) -> (Verdict, String) {
    let now = format!("{used} of {most} in use");
    if used.saturating_mul(100) >= most.saturating_mul(FULL) {
        let finding = format!("{now}: what is new is dropped soon, sign-ins as well; make room");
        return (Verdict::Note, finding);
    }
    if most < ROOM {
        let finding = format!(
            "{now}; a phone takes dozens, and once none are left guests wait for minutes, at the \
             portal as well; these lines make room, for 350 octets of memory each"
        );
        return (Verdict::Note, finding);
    }
    (Verdict::Ok, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_small_or_full_is_told() {
        for (used, most, verdict, part) in [
            (10, 8192, Verdict::Ok, "10 of 8192 in use"),
            (7372, 8192, Verdict::Ok, "7372 of 8192"),
            (7373, 8192, Verdict::Note, "what is new is dropped soon"),
            (10, 1024, Verdict::Note, "a phone takes dozens"),
            (1024, 1024, Verdict::Note, "what is new is dropped soon"),
            (0, 0, Verdict::Note, "dropped"),
        ] {
            let (found, text) = finding(used, most);
            assert!(found == verdict && text.contains(part), "{used} of {most}: {text}");
        }
    }
}
