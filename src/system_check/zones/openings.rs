//! What lets everybody out of a zone, whether signed in or not.

use std::fmt;

use super::{default_policy, is_accept, is_enabled, leads_out};
use crate::config::uci::Section;
use crate::system_check::{text, words};

/// Options that have a rule concern some packets only.
const NARROWING: [&str; 17] = [
    "mark",
    "src_ip",
    "src_mac",
    "src_port",
    "dest_ip",
    "dest_port",
    "ipset",
    "icmp_type",
    "helper",
    "dscp",
    "device",
    "start_date",
    "stop_date",
    "start_time",
    "stop_time",
    "weekdays",
    "monthdays",
];

/// Who may use one of these without a port browses: a rule for TCP alone lets everybody through.
const PROTOCOLS: [&str; 6] = ["all", "any", "*", "tcp", "udp", "tcpudp"];

/// In which way a zone forwards everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// By the policy for what no zone and no rule speaks of.
    Policy,
    /// By a `config forwarding` to this zone.
    Forwarding(String),
    /// By a `config rule` of this name.
    Rule(String),
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy => write!(f, "by option forward of 'config defaults'"),
            Self::Forwarding(zone) => write!(f, "to '{zone}'"),
            Self::Rule(name) => write!(f, "by the rule '{name}'"),
        }
    }
}

/// A section and its number among those of its kind, as `uci` counts them.
#[derive(Clone, Copy)]
pub(super) struct Numbered<'a> {
    pub number: usize,
    pub section: &'a Section,
}

impl Numbered<'_> {
    /// What `uci` knows it by.
    pub(super) fn place(&self) -> String {
        let Self { number, section } = self;
        section.name.clone().unwrap_or_else(|| format!("@{}[{number}]", section.kind))
    }

    /// What the operator knows it by.
    pub(super) fn name(&self) -> String {
        text(self.section, "name").map_or_else(|| self.place(), str::to_owned)
    }
}

/// All that lets everybody out of a zone.
pub(super) struct Openings<'a> {
    pub policy: bool,
    pub forwardings: Vec<Numbered<'a>>,
    pub rules: Vec<Numbered<'a>>,
}

impl<'a> Openings<'a> {
    pub(super) fn of(firewall: &'a [Section], zone: &str) -> Self {
        let here = |kind| {
            let all = firewall.iter().filter(move |it| it.kind == kind).enumerate();
            all.map(|(number, section)| Numbered { number, section })
                .filter(|it| is_enabled(it.section) && leads_out(firewall, it.section, zone))
        };
        Self {
            policy: is_accept(default_policy(firewall, "forward")),
            forwardings: here("forwarding").collect(),
            rules: here("rule").filter(|it| accepts_everything(it.section)).collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.policy && self.forwardings.is_empty() && self.rules.is_empty()
    }

    /// The same, to tell.
    pub(super) fn ways(&self) -> Vec<Way> {
        let forwardings = self.forwardings.iter().filter_map(|it| text(it.section, "dest"));
        let forwardings = forwardings.map(|zone| Way::Forwarding(zone.to_owned()));
        let rules = self.rules.iter().map(|it| Way::Rule(it.name()));
        self.policy.then_some(Way::Policy).into_iter().chain(forwardings).chain(rules).collect()
    }
}

/// Without `proto` a rule is about TCP and UDP (firewall4, `parse_rule`), which is open enough.
fn accepts_everything(rule: &Section) -> bool {
    let protocols = words(rule, "proto");
    is_accept(text(rule, "target"))
        && NARROWING.iter().all(|option| words(rule, option).is_empty())
        && (protocols.is_empty() || protocols.iter().any(|it| PROTOCOLS.contains(it)))
}
