//! What devices ask to learn whether they are online: caught before the sign-in, untouched after.

use std::fs;

use crate::support::{Answer, Hotspot, Node, here};

/// A line of `probes.tsv`.
struct Probe {
    client: String,
    agent: String,
    url: String,
    status: u16,
    header: String,
    body: String,
}

fn probes() -> Vec<Probe> {
    let text = fs::read_to_string(here().join("probes.tsv")).unwrap();
    let probe = |line: &str| {
        let fields: Vec<String> = line.split('\t').map(str::to_owned).collect();
        let [client, agent, url, status, header, body] = <[String; 6]>::try_from(fields).unwrap();
        let (status, body) = (status.parse().unwrap(), body.replace("\\n", "\n"));
        Probe { client, agent, url, status, header, body }
    };
    text.lines().filter(|line| !line.starts_with('#')).map(probe).collect()
}

impl Probe {
    /// Over both families, but for the one that is about IPv6.
    fn answers(&self, guest: &Node) -> Vec<Answer> {
        let ask = |family| guest.curl(&[family, "-A", &self.agent, &self.url]);
        if self.url.contains("//ipv6.") { vec![ask("-6")] } else { vec![ask("-4"), ask("-6")] }
    }

    fn is_caught(&self, guest: &Node) {
        for answer in self.answers(guest) {
            let what = format!("{} {}: {answer:?}", self.client, self.url);
            assert_eq!(answer.status, 302, "{what}");
            assert_eq!(answer.headers["cache-control"], "no-store", "{what}");
            assert_eq!(answer.headers["connection"], "close", "{what}");
            assert!(answer.headers["location"].contains(":8880/"), "{what}");
        }
    }

    fn is_left_alone(&self, guest: &Node) {
        for answer in self.answers(guest) {
            let what = format!("{} {}: {answer:?}", self.client, self.url);
            assert_eq!((answer.status, &answer.body), (self.status, &self.body), "{what}");
            if let Some((name, value)) = self.header.split_once(": ") {
                assert_eq!(answer.headers[&name.to_ascii_lowercase()], value, "{what}");
            }
        }
    }
}

#[test]
fn every_device_finds_the_portal_and_later_that_it_is_online() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest1");
    guest.ipv6();
    let probes = probes();
    assert!(probes.len() >= 17, "where has the table gone?");
    for probe in &probes {
        probe.is_caught(&guest);
    }
    // Android asks over TLS as well, and gives up at once where it is refused.
    let google = guest.try_curl(&["https://www.google.com/generate_204"]).unwrap_err();
    assert!(google.contains("(7)"), "{google}");
    hotspot.sign_in(&guest, &hotspot.voucher(&[]));
    for probe in &probes {
        probe.is_left_alone(&guest);
    }
    hotspot.portal().post(&guest, "/logout", &[]);
    for probe in &probes {
        probe.is_caught(&guest);
    }
    // Windows has one in the DNS, which never lies here.
    let found = guest.ok(&["getent", "ahostsv4", "dns.msftncsi.com"]);
    assert!(found.starts_with("131.107.255.255"), "{found}");
}
