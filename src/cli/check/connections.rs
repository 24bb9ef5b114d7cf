//! The kernel's table of connections. Where it is full, nobody gets a new one through, and guests not
//! even to the portal.
//!
//! It has room for as many as it has buckets: a 16384th of the memory, divided by the size of a
//! pointer (`sizeof(struct hlist_head)`), and never less than 1,024 (Linux,
//! `nf_conntrack_init_start`). A router of 32 bits gets those 1,024 for up to 64 MB. OpenWrt's own
//! kernels since 22.03 take a 2048th of the memory in its place (its patch 661), some 7,000
//! connections for 64 MB, and nothing in OpenWrt sets another number.

use std::fs;

use super::{Report, Verdict};
use crate::system_check::can_delete_connections;

/// Connections that there should be room for.
const ENOUGH: u64 = 4096;
/// Room that is offered where there is less: at some 350 octets each, 3 MB.
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
        if can_delete_connections() == Some(false) {
            let finding = "the kernel module nf_conntrack_netlink is missing: what devices have open \
                           when a session opens or ends may hang for minutes; this adds it";
            self.line(Verdict::Note, "connections", finding);
            self.paste(&["opkg update; opkg install kmod-nf-conntrack-netlink".to_owned()]);
        }
        let (verdict, finding) = finding(used, most);
        self.line(verdict, "connections", finding);
        if verdict != Verdict::Ok {
            let room = ROOM.max(most.saturating_mul(2));
            self.paste(&commands(room));
        }
    }
}

/// The line of an earlier time goes first, so that pasting twice leaves one.
fn commands(room: u64) -> [String; 3] {
    [
        "sed -i '/nf_conntrack_max/d' /etc/sysctl.conf".to_owned(),
        format!("echo net.netfilter.nf_conntrack_max={room} >>/etc/sysctl.conf"),
        "sysctl -p".to_owned(),
    ]
}

fn finding(used: u64, most: u64) -> (Verdict, String) {
    let now = format!("{used} of {most} in use");
    if used.saturating_mul(100) >= most.saturating_mul(FULL) {
        let finding = format!("{now}: what is new is dropped soon, sign-ins as well; make room");
        return (Verdict::Note, finding);
    }
    if most < ENOUGH {
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
    use std::process::Command;

    use super::*;
    use crate::temp_dir::Scratch;

    #[test]
    fn pasted_twice_there_is_one_line() {
        let scratch = Scratch::new();
        let file = scratch.path().join("sysctl.conf");
        fs::write(&file, "# Ours\nnet.ipv4.ip_forward=1\n").unwrap();
        for room in [8192, 16384] {
            let [remove, add, load] = commands(room);
            assert_eq!(load, "sysctl -p");
            let script = format!("{remove}\n{add}").replace("/etc/sysctl.conf", "sysctl.conf");
            let mut shell = Command::new("sh");
            let shell = shell.args(["-ec", &script]).current_dir(scratch.path());
            assert!(shell.status().unwrap().success());
        }
        let text = fs::read_to_string(&file).unwrap();
        let expected = "# Ours\nnet.ipv4.ip_forward=1\nnet.netfilter.nf_conntrack_max=16384\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_table_that_is_small_or_full_is_told() {
        for (used, most, verdict, part) in [
            (10, 8192, Verdict::Ok, "10 of 8192 in use"),
            (10, 4096, Verdict::Ok, "10 of 4096 in use"),
            (10, 4095, Verdict::Note, "a phone takes dozens"),
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
