//! Connections whose handshake is under way. The portal knows a device by its SYN, which the kernel
//! keeps only where it does not answer by a SYN cookie (`tcp_conn_request` in
//! net/ipv4/tcp_input.c).

use std::fs;

use super::{Report, Verdict};

/// Handshakes under way that the portal asks the kernel to keep, and that there should be room for:
/// with some 680 SYNs in a second all of them are taken.
const ENOUGH: u64 = 2048;

/// What `/proc/sys/net` says.
#[derive(Clone, Copy, Debug)]
struct Settings {
    /// `ipv4/tcp_syncookies`: 0 never, 1 where there is no room, 2 always.
    cookies: u64,
    /// `core/somaxconn`; without cookies, `ipv4/tcp_max_syn_backlog` where that is less.
    most: u64,
}

impl Report {
    /// Whether the kernel keeps what tells who opens a connection.
    pub(super) fn handshakes(&mut self) {
        let read = |name: &str| -> Option<u64> {
            fs::read_to_string(format!("/proc/sys/net/{name}")).ok()?.trim().parse().ok()
        };
        let (Some(cookies), Some(most)) = (read("ipv4/tcp_syncookies"), read("core/somaxconn"))
        else {
            return;
        };
        let backlog = read("ipv4/tcp_max_syn_backlog").filter(|_| cookies == 0);
        let settings = Settings { cookies, most: backlog.map_or(most, |it| it.min(most)) };
        let (verdict, finding) = finding(settings);
        self.line(verdict, "handshakes", finding);
        if verdict != Verdict::Ok {
            self.paste(&commands(settings));
        }
    }
}

fn finding(settings: Settings) -> (Verdict, String) {
    if settings.cookies > 1 {
        let finding = "net.ipv4.tcp_syncookies is 2: the kernel keeps nothing that tells which device \
                       opens a connection, and nobody can sign in; these lines mend it";
        return (Verdict::Fail, finding.to_owned());
    }
    let most = settings.most;
    if most < ENOUGH {
        let finding = format!(
            "the kernel keeps {most} connections that are being opened; one device can have more \
             under way, and nobody signs in then; these lines make room, for 300 octets each"
        );
        return (Verdict::Note, finding);
    }
    (Verdict::Ok, format!("room for {most} connections that are being opened"))
}

/// The lines of an earlier time go first, so that pasting twice leaves one of each.
fn commands(settings: Settings) -> Vec<String> {
    let wanted = [
        ("net.ipv4.tcp_syncookies", 1, settings.cookies > 1),
        ("net.core.somaxconn", ENOUGH, settings.most < ENOUGH),
        ("net.ipv4.tcp_max_syn_backlog", ENOUGH, settings.cookies == 0 && settings.most < ENOUGH),
    ];
    let mut commands = Vec::new();
    for (name, value, _) in wanted.iter().filter(|(_, _, is_wanted)| *is_wanted) {
        commands.push(format!("sed -i '/^{name}=/d' /etc/sysctl.conf"));
        commands.push(format!("echo {name}={value} >>/etc/sysctl.conf"));
    }
    commands.push("sysctl -p; service hotspotd restart".to_owned());
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_for_all_and_a_short_queue_are_told_with_what_mends_them() {
        for (cookies, most, verdict, words, lines) in [
            (1, 4096, Verdict::Ok, "room for 4096", 0),
            (0, 2048, Verdict::Ok, "room for 2048", 0),
            (1, 2047, Verdict::Note, "keeps 2047 connections", 3),
            (0, 128, Verdict::Note, "keeps 128 connections", 5),
            (2, 4096, Verdict::Fail, "nobody can sign in", 3),
            (2, 128, Verdict::Fail, "nobody can sign in", 5),
        ] {
            let settings = Settings { cookies, most };
            let (found, text) = finding(settings);
            assert!(found == verdict && text.contains(words), "{settings:?}: {text}");
            let commands = if found == Verdict::Ok { Vec::new() } else { commands(settings) };
            assert_eq!(commands.len(), lines, "{commands:?}");
        }
    }
}
