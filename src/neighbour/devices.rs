//! The guest networks and the devices they are on at the moment.

use std::io;
use std::sync::Arc;

use super::message::{Entry, Notice};
use crate::domain::neighbour::{Neighbour, Sighting};

/// One guest network to watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// The name of its `config guest` section.
    pub name: Arc<str>,
    /// The kernel's name for its device, which no other network has.
    pub device: String,
}

/// Networks with what the owner has been told about their devices.
#[derive(Default)]
pub(super) struct Devices(Vec<Device>);

struct Device {
    network: Network,
    index: Option<u32>,
}

impl Devices {
    /// Watches these networks from now on and finds their devices; sees those that differ from
    /// what was seen last, and every network that is new.
    pub(super) fn refresh(
        &mut self,
        networks: &[Network],
        index_of: impl Fn(&str) -> io::Result<Option<u32>>,
    ) -> io::Result<Vec<Sighting>> {
        let mut sightings = Vec::new();
        let mut devices = Vec::with_capacity(networks.len());
        for network in networks {
            let index = index_of(&network.device)?;
            let before = self.0.iter().find(|device| device.network.name == network.name);
            if before.is_none_or(|device| device.index != index) {
                sightings.push(Sighting::Device { network: Arc::clone(&network.name), index });
            }
            devices.push(Device { network: network.clone(), index });
        }
        self.0 = devices;
        Ok(sightings)
    }

    /// The devices that are there.
    pub(super) fn indices(&self) -> Vec<u32> {
        self.0.iter().filter_map(|device| device.index).collect()
    }

    /// What a notice means for the guest networks, if anything.
    pub(super) fn sighting(&mut self, notice: Notice<'_>) -> Option<Sighting> {
        match notice {
            Notice::Neighbour(entry) => self.neighbour(entry).map(Sighting::Seen),
            Notice::Forgotten { index, address } => {
                let network = Arc::clone(&self.on(index)?.network.name);
                Some(Sighting::Forgotten { network, address })
            }
            Notice::DeviceGone { index } => {
                let device = self.0.iter_mut().find(|device| device.index == Some(index))?;
                device.index = None;
                let network = Arc::clone(&device.network.name);
                Some(Sighting::Device { network, index: None })
            }
            Notice::Device { .. } => None,
        }
    }

    /// Whether a notice says that a network's device is no longer the one we know.
    pub(super) fn outdated_by(&self, notice: &Notice<'_>) -> bool {
        match notice {
            Notice::Device { index, name } => self.0.iter().any(|device| {
                // Neither the name alone (replaced) nor the index alone (renamed) will do.
                let same_name = device.network.device.as_bytes() == *name;
                same_name != (device.index == Some(*index))
            }),
            Notice::DeviceGone { index } => self.on(*index).is_some(),
            Notice::Neighbour(_) | Notice::Forgotten { .. } => false,
        }
    }

    /// An entry as the owner knows it.
    pub(super) fn neighbour(&self, entry: Entry) -> Option<Neighbour> {
        let network = Arc::clone(&self.on(entry.index)?.network.name);
        let Entry { address, mac, reach, .. } = entry;
        Some(Neighbour { network, address, mac, reach })
    }

    fn on(&self, index: u32) -> Option<&Device> {
        self.0.iter().find(|device| device.index == Some(index))
    }
}
