//! The names that devices look up to learn whether they are online.

/// Hosts of connectivity checks; `tests/lab/probes.tsv` says whose they are.
const HOSTS: [&str; 19] = [
    "captive.apple.com",
    "clients3.google.com",
    "connectivity-check.ubuntu.com",
    "connectivitycheck.android.com",
    "connectivitycheck.gstatic.com",
    "detectportal.firefox.com",
    "dns.msftncsi.com",
    "fedoraproject.org",
    "ipv6.msftconnecttest.com",
    "network-test.debian.org",
    "networkcheck.kde.org",
    "nmcheck.gnome.org",
    "ping.archlinux.org",
    "play.googleapis.com",
    "spectrum.s3.amazonaws.com",
    "www.google.com",
    "www.gstatic.com",
    "www.msftconnecttest.com",
    "www.msftncsi.com",
];

/// Octets of a name that are compared: the widest register of nftables.
const WIDTH: usize = 16;

/// Where QNAME begins in bits from the UDP header on: behind that and the DNS header (RFC 1035
/// section 4.1).
const QNAME: usize = (8 + 12) * 8;

/// Without the bit that tells lower-case letters from capitals, which some resolvers choose at random.
const CASELESS: u8 = 0xdf;

/// An nftables match for questions about these names, by their first 16 octets. A longer name may begin
/// like one of them, so this is for a limit of its own, not for an exemption.
pub(super) fn probes() -> String {
    let names: Vec<String> = HOSTS.into_iter().map(|host| number(&question(host))).collect();
    format!("{} {{ {} }}", compared(WIDTH), names.join(", "))
}

/// The same for one name, which may be shorter.
pub(super) fn name(host: &str) -> String {
    let question = question(host);
    format!("{} == {}", compared(question.len()), number(&question))
}

fn compared(width: usize) -> String {
    format!("@th,{QNAME},{} & {}", width * 8, number(&vec![CASELESS; width]))
}

/// The beginning of the name as it is in a question, case apart.
fn question(host: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for label in host.split('.') {
        octets.push(u8::try_from(label.len()).unwrap_or(u8::MAX));
        octets.extend_from_slice(label.as_bytes());
    }
    octets.push(0);
    octets.iter().take(WIDTH).map(|octet| octet & CASELESS).collect()
}

fn number(octets: &[u8]) -> String {
    octets.iter().fold("0x".to_owned(), |text, octet| format!("{text}{octet:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_compared_as_it_is_in_a_question() {
        let wire = b"\x07captive\x05apple\x03com\0";
        for asked in [wire.to_ascii_lowercase(), wire.to_ascii_uppercase()] {
            let folded: Vec<u8> = asked.iter().take(WIDTH).map(|octet| octet & CASELESS).collect();
            assert_eq!(question("captive.apple.com"), folded);
        }
        assert!(probes().contains("0x0743415054495645054150504c450343"));
    }

    #[test]
    fn names_fill_what_is_compared() {
        assert!(HOSTS.iter().all(|host| question(host).len() == WIDTH));
        assert_eq!(name("a.b"), "@th,160,40 & 0xdfdfdfdfdf == 0x0141014200");
    }

    #[test]
    fn every_probe_of_the_laboratory_is_known() {
        let table = include_str!("../../tests/lab/probes.tsv");
        for line in table.lines().filter(|line| !line.starts_with('#')) {
            let url = line.split('\t').nth(2).unwrap();
            let host = url.strip_prefix("http://").unwrap().split('/').next().unwrap();
            assert!(HOSTS.contains(&host), "{host}");
        }
    }
}
