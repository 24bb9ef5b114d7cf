//! The flowtables that the kernel has loaded, whoever made them (linux/netfilter/nf_tables.h).

use std::io;

use super::message::{Attributes, DUMP, Writer};
use super::socket::Socket;

/// `NFT_MSG_GETFLOWTABLE`.
const GET_FLOWTABLE: u16 = 23;
/// `NFTA_FLOWTABLE_TABLE`, `_NAME` and `_HOOK`.
const TABLE: u16 = 1;
const NAME: u16 = 2;
const HOOK: u16 = 3;
/// `NFTA_FLOWTABLE_HOOK_PRIORITY` and `_DEVS`.
const PRIORITY: u16 = 2;
const DEVICES: u16 = 3;
/// `NFTA_DEVICE_NAME` and, since Linux 6.16, `NFTA_DEVICE_PREFIX`.
const DEVICE: u16 = 1;
const DEVICE_PREFIX: u16 = 2;
/// `NFPROTO_UNSPEC`: of every family.
const ANY_FAMILY: u8 = 0;

/// A flowtable: packets of connections that are in it take a short way from one of its devices, past
/// every rule with a higher priority number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flowtable {
    /// The table that it belongs to.
    pub table: String,
    /// Its own name.
    pub name: String,
    /// Its place among the ingress hooks of a device; lower ones come first.
    pub priority: i32,
    /// Its devices; with a `*` at the end, all whose names begin so.
    pub devices: Vec<String>,
}

impl Flowtable {
    /// Whether a device is among its devices.
    pub fn has(&self, device: &str) -> bool {
        self.devices.iter().any(|listed| match listed.strip_suffix('*') {
            Some(prefix) => device.starts_with(prefix),
            None => listed == device,
        })
    }

    fn read(message: Attributes<'_>) -> Option<Self> {
        let text = |kind| message.text(kind).map(str::to_owned);
        let hook = message.inside(HOOK);
        let device = |(kind, name): (u16, &[u8])| {
            let name = std::str::from_utf8(name.strip_suffix(&[0]).unwrap_or(name)).ok()?;
            match kind {
                DEVICE => Some(name.to_owned()),
                DEVICE_PREFIX => Some(format!("{name}*")),
                _ => None,
            }
        };
        Some(Self {
            table: text(TABLE)?,
            name: text(NAME)?,
            priority: hook.u32(PRIORITY).map_or(0, u32::cast_signed),
            devices: hook.inside(DEVICES).filter_map(device).collect(),
        })
    }
}

/// Every flowtable of this machine's rules.
///
/// # Errors
/// Where the kernel does not tell, as to other users than root.
pub fn flowtables() -> io::Result<Vec<Flowtable>> {
    let request = |writer: &mut Writer| writer.nftables(GET_FLOWTABLE, ANY_FAMILY, DUMP, |_| {});
    Socket::open()?.dump(request, |found, message| found.extend(Flowtable::read(message)))
}

#[cfg(test)]
mod tests {
    use super::super::message::{Answer, answers};
    use super::*;

    /// As `nf_tables_fill_flowtable_info` of the kernel writes it.
    fn message(devices: &[(u16, &str)]) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.nftables(22, 1, 0, |message| {
            message.text(TABLE, "fw4");
            message.text(NAME, "ft");
            message.u64(5, 3);
            message.u32(4, 1);
            message.u32(7, 0);
            message.nested(HOOK, |hook| {
                hook.u32(1, 0);
                hook.u32(PRIORITY, (-10_i32).cast_unsigned());
                hook.nested(DEVICES, |list| {
                    for (kind, device) in devices {
                        list.text(*kind, device);
                    }
                });
            });
        });
        writer.finish().0
    }

    #[test]
    fn devices_and_priority_are_read() {
        let message = message(&[(DEVICE, "trunk"), (DEVICE, "trunk.20"), (DEVICE_PREFIX, "lan")]);
        let Some(Answer::Data { attributes, .. }) = answers(&message).next() else { panic!() };
        let read = Flowtable::read(attributes).unwrap();
        let devices = ["trunk", "trunk.20", "lan*"].map(str::to_owned).to_vec();
        let (table, name) = ("fw4".to_owned(), "ft".to_owned());
        assert_eq!(read, Flowtable { table, name, priority: -10, devices });
        for (device, listed) in
            [("trunk", true), ("trunk.2", false), ("lan1", true), ("wan", false), ("la", false)]
        {
            assert_eq!(read.has(device), listed, "{device}");
        }
        assert_eq!(Flowtable::read(Attributes(&[])), None);
    }
}
