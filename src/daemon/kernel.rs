//! Events of the kernel: network devices, neighbours, removed nftables rules.

use tokio::sync::{mpsc, watch};

use crate::config::Config;
use crate::domain::neighbour::Sighting;
use crate::firewall::{self, RulesGone};
use crate::neighbour::{self, Network};

/// Batches of sightings that may be queued for the hotspot.
const SIGHTINGS: usize = 16;

/// The kernel's event sources.
pub(super) struct KernelEvents {
    networks: watch::Sender<Vec<Network>>,
    sightings: mpsc::Receiver<Vec<Sighting>>,
    rules: Option<mpsc::Receiver<RulesGone>>,
}

/// An event of the kernel.
pub(super) enum Event {
    Sightings(Vec<Sighting>),
    RulesGone,
}

impl KernelEvents {
    pub(super) fn new(config: &Config) -> Self {
        let (networks, receiver) = watch::channel(Vec::new());
        let (sender, sightings) = mpsc::channel(SIGHTINGS);
        tokio::spawn(neighbour::watch(receiver, sender));
        let mut events = Self { networks, sightings, rules: None };
        events.change(config);
        events
    }

    /// Watches the networks of this configuration.
    pub(super) fn change(&mut self, config: &Config) {
        let network = |guest: &crate::config::Guest| Network {
            name: guest.name.as_str().into(),
            device: guest.device.clone(),
        };
        self.networks.send_replace(config.guests.iter().map(network).collect());
        if self.rules.is_none() && config.guests.iter().any(|guest| guest.enforce) {
            let (sender, receiver) = mpsc::channel(1);
            match firewall::watch(sender) {
                Ok(()) => self.rules = Some(receiver),
                Err(error) => log::warn!(
                    "gate: the kernel does not tell when rules are removed ({error}); that is \
                     noticed late"
                ),
            }
        }
    }

    pub(super) async fn next(&mut self) -> Event {
        let rules_gone = async {
            match &mut self.rules {
                Some(rules) => rules.recv().await,
                None => None,
            }
        };
        tokio::select! {
            Some(sightings) = self.sightings.recv() => Event::Sightings(sightings),
            Some(RulesGone) = rules_gone => Event::RulesGone,
            else => std::future::pending().await,
        }
    }
}
