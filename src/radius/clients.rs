//! Who may ask.

use std::net::IpAddr;
use std::sync::Arc;

use crate::config::Client;

/// A `config client` section.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its name.
    pub name: Arc<str>,
    /// What it says.
    pub client: Client,
}

/// The client sections.
#[derive(Clone, Debug, Default)]
pub(super) struct Clients {
    /// The longest prefix first.
    sections: Vec<Arc<Section>>,
}

impl Clients {
    pub(super) fn new(clients: &[Client]) -> Self {
        let section = |client: &Client| {
            Arc::new(Section { name: client.name.as_str().into(), client: client.clone() })
        };
        let mut sections: Vec<_> = clients.iter().map(section).collect();
        sections.sort_by_key(|section| std::cmp::Reverse(section.client.address.prefix_len()));
        Self { sections }
    }

    /// The section that says most exactly where this comes from.
    pub(super) fn of(&self, source: IpAddr) -> Option<&Arc<Section>> {
        let source = source.to_canonical();
        self.sections.iter().find(|section| section.client.address.contains(&source))
    }

    pub(super) fn named(&self, name: &str) -> Option<&Arc<Section>> {
        self.sections.iter().find(|section| &*section.name == name)
    }

    /// All of them, by their names.
    pub(super) fn by_name(&self) -> Vec<&Arc<Section>> {
        let mut sections: Vec<_> = self.sections.iter().collect();
        sections.sort_by(|a, b| a.name.cmp(&b.name));
        sections
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn clients(sections: &[(&str, &str)]) -> Clients {
        let section = |(name, address): &(&str, &str)| {
            format!("config client {name}\noption address {address}\noption secret x\n")
        };
        let text: String = sections.iter().map(section).collect();
        Clients::new(&Config::parse(&text).unwrap().clients)
    }

    #[test]
    fn the_longest_prefix_wins_wherever_it_stands() {
        let all = [("all", "0.0.0.0/0"), ("one", "10.0.0.7"), ("lan", "10.0.0.0/24")];
        for turn in 0..3 {
            let mut sections = all;
            sections.rotate_left(turn);
            let clients = clients(&sections);
            let name = |source: &str| clients.of(source.parse().unwrap()).map(|it| &*it.name);
            assert_eq!(name("10.0.0.7"), Some("one"));
            assert_eq!(name("::ffff:10.0.0.7"), Some("one"));
            assert_eq!(name("10.0.0.8"), Some("lan"));
            assert_eq!(name("10.0.1.7"), Some("all"));
            assert_eq!(name("fd00::7"), None);
        }
    }

    #[test]
    fn an_address_mapped_into_ipv6_is_an_ipv4_address() {
        for (written, meant) in [
            ("::ffff:10.0.0.7", "10.0.0.7/32"),
            ("::ffff:10.0.0.7/120", "10.0.0.0/24"),
            ("::ffff:0:0/95", "::fffe:0:0/95"),
            ("fd00::/97", "fd00::/97"),
        ] {
            let clients = clients(&[("lan", written)]);
            assert_eq!(clients.named("lan").unwrap().client.address.to_string(), meant);
        }
        let mapped = clients(&[("lan", "::ffff:10.0.0.7/120")]);
        assert!(mapped.of("10.0.0.8".parse().unwrap()).is_some());
    }

    #[test]
    fn families_do_not_mix() {
        let clients = clients(&[("six", "::/0")]);
        assert!(clients.of("10.0.0.7".parse().unwrap()).is_none());
        assert_eq!(&*clients.of("fd00::7".parse().unwrap()).unwrap().name, "six");
    }
}
