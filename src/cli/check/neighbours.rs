//! The kernel's neighbour tables. Where one is full, newcomers get no answer, and whoever was quiet
//! for some seconds loses the entry to them.
//!
//! One table for IPv4 and one for IPv6 hold the neighbours of all devices, the uplink's router among
//! them: 1,024 each (`gc_thresh3`; Linux, `arp_tbl` and `nd_tbl`). A phone has one IPv4 address, and
//! over IPv6 a link-local one, its own, and one or two temporary ones.

use std::fs;

use super::{Report, Verdict};

/// Entries that there should be room for: a thousand guests with four addresses each.
const ENOUGH: u64 = 4096;
/// Addresses of a guest in the table of IPv6.
const ADDRESSES: u64 = 4;
/// Of a hundred, from which on a table counts as full.
const FULL: u64 = 75;

/// One of the two tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Table {
    /// As `/proc/sys/net` calls it.
    family: &'static str,
    used: u64,
    most: u64,
}

impl Report {
    /// How many neighbours the router knows, and how many it can.
    pub(super) fn neighbours(&mut self) {
        let tables: Vec<Table> = [("ipv4", "arp_cache"), ("ipv6", "ndisc_cache")]
            .into_iter()
            .filter_map(|(family, statistics)| {
                let most = format!("/proc/sys/net/{family}/neigh/default/gc_thresh3");
                let most = fs::read_to_string(most).ok()?.trim().parse().ok()?;
                let used = fs::read_to_string(format!("/proc/net/stat/{statistics}"));
                Some(Table { family, used: entries(&used.unwrap_or_default()), most })
            })
            .collect();
        // Namespaces have no numbers of their own.
        if tables.is_empty() {
            return;
        }
        let (verdict, finding) = finding(&tables);
        self.line(verdict, "neighbours", finding);
        if verdict != Verdict::Ok {
            self.paste(&commands(&tables));
        }
    }
}

/// The first number of the second line: hexadecimal, of the whole table.
fn entries(statistics: &str) -> u64 {
    let number = statistics.lines().nth(1).and_then(|line| line.split_whitespace().next());
    number.and_then(|number| u64::from_str_radix(number, 16).ok()).unwrap_or(0)
}

fn finding(tables: &[Table]) -> (Verdict, String) {
    let used = tables.iter().map(|table| {
        let Table { family, used, most } = table;
        format!("{family} {used} of {most} in use")
    });
    let now = used.collect::<Vec<_>>().join(", ");
    let is_full = |table: &Table| table.used.saturating_mul(100) >= table.most.saturating_mul(FULL);
    if tables.iter().any(is_full) {
        let finding = format!("{now}: newcomers are not answered soon, at the portal either");
        return (Verdict::Note, finding + "; these lines make room");
    }
    let room = tables.iter().map(|table| match table.family {
        "ipv6" => table.most / ADDRESSES,
        _ => table.most,
    });
    match room.min() {
        Some(guests) if tables.iter().any(|table| table.most < ENOUGH) => {
            let finding = format!(
                "{now}; that is enough for some {guests} devices of all networks together, and few \
                 make it full who mean to; these lines make room, for 400 octets of memory each"
            );
            (Verdict::Note, finding)
        }
        _ => (Verdict::Ok, now),
    }
}

/// The lines of an earlier time go first, so that pasting twice leaves one of each. Beyond
/// `gc_thresh2` the kernel drops whoever was quiet for five seconds.
fn commands(tables: &[Table]) -> Vec<String> {
    let mut commands = vec!["sed -i '/neigh.default.gc_thresh/d' /etc/sysctl.conf".to_owned()];
    for Table { family, used, most } in tables {
        let is_full = used.saturating_mul(100) >= most.saturating_mul(FULL);
        let room = if is_full { ENOUGH.max(most.saturating_mul(2)) } else { ENOUGH.max(*most) };
        for (number, room) in [(2, room / 2), (3, room)] {
            commands.push(format!(
                "echo net.{family}.neigh.default.gc_thresh{number}={room} >>/etc/sysctl.conf"
            ));
        }
    }
    commands.push("sysctl -p".to_owned());
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(v4: (u64, u64), v6: (u64, u64)) -> [Table; 2] {
        let table = |family, (used, most)| Table { family, used, most };
        [table("ipv4", v4), table("ipv6", v6)]
    }

    #[test]
    fn tables_that_are_small_or_full_are_told() {
        for (v4, v6, verdict, part) in [
            ((3, 4096), (9, 4096), Verdict::Ok, "ipv4 3 of 4096 in use, ipv6 9 of 4096 in use"),
            ((3, 1024), (9, 1024), Verdict::Note, "some 256 devices"),
            ((3, 512), (9, 4096), Verdict::Note, "some 512 devices"),
            ((3071, 4096), (9, 8192), Verdict::Ok, "3071 of 4096"),
            ((3072, 4096), (9, 8192), Verdict::Note, "newcomers are not answered soon"),
            ((3, 4096), (8192, 8192), Verdict::Note, "newcomers are not answered soon"),
            ((0, 0), (0, 0), Verdict::Note, "not answered"),
        ] {
            let (found, text) = finding(&tables(v4, v6));
            assert!(found == verdict && text.contains(part), "{v4:?}, {v6:?}: {text}");
        }
    }

    #[test]
    fn pasted_lines_make_room_in_both_tables() {
        let lines = commands(&tables((8000, 8192), (9, 1024))).join("\n");
        for part in [
            "sed -i '/neigh.default.gc_thresh/d' /etc/sysctl.conf\n",
            "echo net.ipv4.neigh.default.gc_thresh2=8192 >>/etc/sysctl.conf\n",
            "echo net.ipv4.neigh.default.gc_thresh3=16384 >>/etc/sysctl.conf\n",
            "echo net.ipv6.neigh.default.gc_thresh2=2048 >>/etc/sysctl.conf\n",
            "echo net.ipv6.neigh.default.gc_thresh3=4096 >>/etc/sysctl.conf\n",
        ] {
            assert!(lines.contains(part), "{lines}");
        }
        assert!(lines.ends_with("\nsysctl -p"), "{lines}");
    }

    #[test]
    fn the_kernel_s_statistics_are_hexadecimal() {
        let text = "entries  allocs   destroys hash_grows lookups\n0000002a  00000010 00000000\n\
                    0000002a  00000001 00000000\n";
        assert_eq!(entries(text), 42);
        assert_eq!((entries(""), entries("entries\nnone\n")), (0, 0));
    }
}
