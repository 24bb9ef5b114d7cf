//! What came of each client's requests, for whoever asks why a network does not work.
//!
//! Counters outlast a reload and not a restart.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use super::clients::{Clients, Section};
use super::drop_reason::DropReason;
use super::peers::{Peers, ViewPoints};
use crate::config::{Client, Vendor, unprotected};
use crate::domain::log_limit::LogLimit;
use crate::domain::nas::ViewPoint;
use crate::hotspot::radius_messages::Outcome;

/// Addresses without a client section that are remembered: who has been heard last.
const STRANGERS: usize = 32;

/// Session Context Not Found (RFC 5176 section 3.5).
const NO_SESSION: u32 = 503;

/// What can be counted of a client beside its troubles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets that came from it.
    pub requests: u64,
    /// Access-Accepts.
    pub accepted: u64,
    /// Access-Rejects.
    pub rejected: u64,
    /// Accounting-Responses.
    pub accounting: u64,
    /// Answers to Status-Server.
    pub status: u64,
    /// Packets that came again.
    pub duplicates: u64,
    /// Sessions it ended when told to.
    pub disconnected: u64,
    /// Sessions it would not end.
    pub refused: u64,
    /// Orders to end a session that it did not answer.
    pub silent: u64,
    /// Sessions that it goes on with under new terms, as told.
    pub changed: u64,
    /// Changes that it refused or did not answer. Many cannot do it: no trouble.
    pub unchanged: u64,
}

/// The last time that something was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastTrouble {
    /// What.
    pub trouble: DropReason,
    /// Where the packet came from.
    pub from: IpAddr,
    /// How long ago.
    pub ago: Duration,
}

/// How a client is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The name of its section; `None` where there is no section for its address.
    pub name: Option<Arc<str>>,
    /// The section's network, or the stranger's address.
    pub address: String,
    /// Whose attributes it is sent; `None` for strangers.
    pub vendor: Option<Vendor>,
    /// From whose side octets are counted, by its section; `None` where that says nothing.
    pub configured: Option<ViewPoint>,
    /// What its access points say of that.
    pub said: ViewPoints,
    /// How long ago its last packet came; `None` is never.
    pub heard: Option<Duration>,
    /// What became of its packets.
    pub counters: Counters,
    /// Packets that got no answer, by the reason.
    pub dropped: BTreeMap<DropReason, u64>,
    /// What was wrong last.
    pub last: Option<LastTrouble>,
    /// What its section says that an operator should keep in mind.
    pub notes: Vec<&'static str>,
}

/// Counts.
#[derive(Default)]
pub(super) struct ClientStats {
    clients: BTreeMap<Arc<str>, Entry>,
    strangers: BTreeMap<IpAddr, Stranger>,
    strangers_limit: LogLimit,
}

#[derive(Default)]
struct Entry {
    counters: Counters,
    dropped: BTreeMap<DropReason, u64>,
    limits: BTreeMap<DropReason, LogLimit>,
    heard: Option<Duration>,
    last: Option<(DropReason, IpAddr, Duration)>,
}

struct Stranger {
    packets: u64,
    heard: Duration,
}

impl ClientStats {
    /// A packet has come from a client.
    pub(super) fn heard(&mut self, section: &Section, now: Duration) {
        let entry = self.entry(section);
        entry.counters.requests += 1;
        entry.heard = Some(now);
    }

    /// Counts something of a client.
    pub(super) fn count(
        &mut self,
        section: &Section,
        counter: impl FnOnce(&mut Counters) -> &mut u64,
    ) {
        *counter(&mut self.entry(section).counters) += 1;
    }

    /// Counts what became of an order; the line for the log, where it is time for one.
    pub(super) fn ordered(
        &mut self,
        section: &Section,
        nas: IpAddr,
        outcome: Outcome,
        now: Duration,
    ) -> Option<String> {
        self.count(section, |counters| match outcome {
            Outcome::Done => &mut counters.disconnected,
            Outcome::Refused(_) => &mut counters.refused,
            Outcome::Silent | Outcome::Unsent | Outcome::Unknown => &mut counters.silent,
        });
        let trouble = match outcome {
            // The session had ended already.
            Outcome::Done | Outcome::Refused(Some(NO_SESSION)) => return None,
            Outcome::Refused(_) => DropReason::Refused,
            Outcome::Silent | Outcome::Unsent | Outcome::Unknown => DropReason::Silent,
        };
        let what = match outcome {
            Outcome::Refused(Some(cause)) => format!("refuses an order (Error-Cause {cause})"),
            Outcome::Refused(None) => "refuses an order".to_owned(),
            _ => "does not answer".to_owned(),
        };
        self.trouble(section, trouble, nas, now, &what)
    }

    /// Counts what became of a change in a session that runs.
    pub(super) fn told(&mut self, section: &Section, outcome: Outcome) {
        self.count(section, |counters| match outcome {
            Outcome::Done => &mut counters.changed,
            _ => &mut counters.unchanged,
        });
    }

    /// A client's packet is dropped; the line for the log, where it is time for one.
    pub(super) fn dropped(
        &mut self,
        section: &Section,
        trouble: DropReason,
        from: IpAddr,
        now: Duration,
    ) -> Option<String> {
        *self.entry(section).dropped.entry(trouble).or_default() += 1;
        self.trouble(section, trouble, from, now, "sent a packet that is dropped")
    }

    /// A client's packet is answered and shows that something is wrong; the line for the log,
    /// where it is time for one.
    pub(super) fn noticed(
        &mut self,
        section: &Section,
        trouble: DropReason,
        from: IpAddr,
        now: Duration,
    ) -> Option<String> {
        let what = match trouble {
            DropReason::Implausible => "reports what cannot be",
            _ => "is told no",
        };
        self.trouble(section, trouble, from, now, what)
    }

    fn trouble(
        &mut self,
        section: &Section,
        trouble: DropReason,
        nas: IpAddr,
        now: Duration,
        what: &str,
    ) -> Option<String> {
        let entry = self.entry(section);
        entry.last = Some((trouble, nas, now));
        let name = &section.name;
        entry.limits.entry(trouble).or_default().pass(now).map(|more| {
            let advice = trouble.advice(name);
            format!("radius: client '{name}' at {nas} {what}: {advice}{more}")
        })
    }

    /// A packet has come from an address without a section; the line for the log, where it is time
    /// for one.
    pub(super) fn stranger(&mut self, from: IpAddr, now: Duration) -> Option<String> {
        if self.strangers.len() >= STRANGERS
            && !self.strangers.contains_key(&from)
            && let Some(oldest) = self.strangers.iter().min_by_key(|(_, it)| it.heard)
        {
            let oldest = *oldest.0;
            self.strangers.remove(&oldest);
        }
        let stranger = self.strangers.entry(from).or_insert(Stranger { packets: 0, heard: now });
        stranger.packets += 1;
        stranger.heard = now;
        self.strangers_limit.pass(now).map(|more| {
            format!(
                "radius: a packet from {from} is dropped: no client section has this address; if \
                 it is an access point of yours, add one{more}"
            )
        })
    }

    /// Forgets the clients whose sections are gone, and the strangers who have one now.
    pub(super) fn configured(&mut self, clients: &Clients) {
        self.clients.retain(|name, _| clients.named(name).is_some());
        self.strangers.retain(|address, _| clients.of(*address).is_none());
    }

    /// How everybody is doing: the clients by their names, then the strangers.
    pub(super) fn standings(
        &self,
        clients: &Clients,
        peers: &Peers,
        now: Duration,
    ) -> Vec<Standing> {
        let nothing = Entry::default();
        let client = |section: &Arc<Section>| {
            let entry = self.clients.get(&section.name).unwrap_or(&nothing);
            Standing {
                name: Some(section.name.clone()),
                address: shown(&section.client.address),
                vendor: Some(section.client.vendor),
                configured: section.client.acct_view_point,
                said: peers.view_points(&section.name),
                heard: entry.heard.map(|at| now.saturating_sub(at)),
                counters: entry.counters,
                dropped: entry.dropped.clone(),
                last: entry.last.map(|(trouble, from, at)| LastTrouble {
                    trouble,
                    from,
                    ago: now.saturating_sub(at),
                }),
                notes: notes(&section.client),
            }
        };
        let stranger = |(address, stranger): (&IpAddr, &Stranger)| Standing {
            name: None,
            address: address.to_string(),
            vendor: None,
            configured: None,
            said: ViewPoints::default(),
            heard: Some(now.saturating_sub(stranger.heard)),
            counters: Counters { requests: stranger.packets, ..Counters::default() },
            dropped: BTreeMap::new(),
            last: None,
            notes: Vec::new(),
        };
        let clients = clients.by_name().into_iter().map(client);
        clients.chain(self.strangers.iter().map(stranger)).collect()
    }

    fn entry(&mut self, section: &Section) -> &mut Entry {
        self.clients.entry(section.name.clone()).or_default()
    }
}

fn notes(client: &Client) -> Vec<&'static str> {
    let no_accounting = (!client.accounting).then_some(
        "accounting is '0': it only checks passwords, which takes no device's place and has no end",
    );
    unprotected(client).into_iter().chain(no_accounting).collect()
}

/// A single address stands without its prefix.
fn shown(network: &IpNet) -> String {
    match network.prefix_len() == network.max_prefix_len() {
        true => network.addr().to_string(),
        false => network.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    const START: Duration = Duration::from_secs(1000);

    fn clients(names: &[&str]) -> Clients {
        let section = |(number, name): (usize, &&str)| {
            format!("config client {name}\noption address 10.0.0.{number}\noption secret x\n")
        };
        let text: String = names.iter().enumerate().map(section).collect();
        Clients::new(&Config::parse(&text).unwrap().clients)
    }

    fn address(last: u8) -> IpAddr {
        [192, 168, 1, last].into()
    }

    #[test]
    fn what_is_wrong_is_said_in_one_look() {
        let clients = clients(&["roof", "lobby"]);
        let lobby = clients.named("lobby").unwrap();
        let mut tally = ClientStats::default();
        tally.heard(lobby, START);
        let trouble = DropReason::WrongMessageAuthenticator;
        let said = tally.dropped(lobby, trouble, address(7), START).unwrap();
        assert!(said.contains("192.168.1.7") && said.contains("not the one in section 'lobby'"));
        assert_eq!(tally.dropped(lobby, trouble, address(7), START), None);
        // Another kind of trouble has a line of its own.
        assert!(tally.dropped(lobby, DropReason::Malformed, address(8), START).is_some());
        let later = START + Duration::from_secs(61);
        let said = tally.dropped(lobby, trouble, address(7), later).unwrap();
        assert!(said.ends_with("(1 more since this was said last)"), "{said}");
        let standings =
            tally.standings(&clients, &Peers::default(), later + Duration::from_secs(5));
        let names: Vec<_> = standings.iter().map(|it| it.name.as_deref().unwrap()).collect();
        assert_eq!(names, ["lobby", "roof"]);
        let ago = Duration::from_secs(5);
        assert_eq!(standings[0].last, Some(LastTrouble { trouble, from: address(7), ago }));
        assert_eq!(standings[0].dropped, [(DropReason::Malformed, 1), (trouble, 3)].into());
        assert_eq!(standings[0].heard, Some(Duration::from_secs(66)));
        assert_eq!((standings[1].heard, &standings[1].last), (None, &None));
    }

    #[test]
    fn counters_outlast_a_reload_that_keeps_the_section() {
        let before = clients(&["roof", "lobby"]);
        let mut tally = ClientStats::default();
        for name in ["roof", "lobby"] {
            let section = before.named(name).unwrap();
            tally.count(section, |it| &mut it.accepted);
            let nas = address(7);
            let said = tally.ordered(section, nas, Outcome::Refused(Some(NO_SESSION)), START);
            assert_eq!(said, None);
            let said = tally.ordered(section, nas, Outcome::Silent, START).unwrap();
            assert!(said.contains(&format!("coa_port in section '{name}'")), "{said}");
        }
        let after = clients(&["yard", "lobby"]);
        tally.configured(&after);
        tally.configured(&before);
        let of = |standings: &[Standing]| -> Vec<_> {
            standings
                .iter()
                .map(|it| (it.counters.accepted, it.counters.refused, it.counters.silent))
                .collect()
        };
        assert_eq!(of(&tally.standings(&before, &Peers::default(), START)), [(1, 1, 1), (0, 0, 0)]);
    }

    #[test]
    fn strangers_are_few_and_the_longest_silent_is_forgotten() {
        let mut tally = ClientStats::default();
        let mut lines = 0;
        for number in 0..100 {
            let now = START + Duration::from_millis(number);
            lines += usize::from(tally.stranger(address(number as u8), now).is_some());
            // One that keeps talking stays.
            tally.stranger(address(0), now);
        }
        let standings =
            tally.standings(&Clients::default(), &Peers::default(), START + Duration::from_secs(1));
        assert_eq!((standings.len(), lines), (STRANGERS, 1));
        assert_eq!(standings[0].address, "192.168.1.0");
        assert_eq!(standings[0].counters.requests, 101);
        assert_eq!(standings.last().unwrap().address, "192.168.1.99");
    }
}
