//! Limits on what one device can make this router remember or answer.
//!
//! Each limit is a token bucket for each source MAC, kept in the elements of a dynamic set, and
//! behind it one bucket for all devices together, for wired networks where MACs can be invented.
//! An element must live until its bucket is full again, or the next packet starts with a full one;
//! so the timeout is computed from rate and burst.

use std::fmt::Write;

/// A token bucket: packets a second, and packets at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    pub(super) per_second: u32,
    pub(super) burst: u32,
}

/// A limit for each device, and one for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    /// The set with a bucket for each source MAC.
    pub(super) set: &'static str,
    pub(super) each: Rate,
    /// Bounds devices with invented MACs.
    pub(super) all: Rate,
}

/// A limit for each device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DeviceLimit {
    /// The set with a bucket for each source MAC.
    pub(super) set: &'static str,
    pub(super) rate: Rate,
}

/// Devices that a set has room for. Where it is full, further devices have no limit of their own.
pub(super) const DEVICES: u32 = 8192;

/// Source MACs that were seen lately, so that those are not kept waiting while others are invented.
pub(super) const KNOWN_DEVICES: &str = "known_devices";
/// MACs that were not seen lately, guests who are signed in apart: a crowd at once, then so many a
/// second. This bounds the sets, and is less than any limit for all devices.
pub(super) const NEW_DEVICES: Rate = Rate { per_second: 20, burst: 1000 };
/// Seconds without a packet after which a MAC is new again; no bucket lives longer.
pub(super) const KNOWN_FOR: u32 = 60;

/// DNS is needed to find the portal, and is all a tunnel needs. Over TCP one packet holds dozens of
/// questions, so that is not for strangers.
pub(super) const DNS: Limit = Limit {
    set: "dns_rate",
    each: Rate { per_second: 5, burst: 100 },
    all: Rate { per_second: 2000, burst: 2000 },
};

/// Names of connectivity checks ([`super::probe_names`]), so that other programs on a device do not
/// keep it from finding the portal.
pub(super) const PROBE_DNS: Limit = Limit {
    set: "probe_dns_rate",
    each: Rate { per_second: 2, burst: 30 },
    all: Rate { per_second: 500, burst: 1000 },
};

/// A request makes an entry in the neighbour table, which has room for 1,024 (`gc_thresh3`).
pub(super) const ARP: Limit = Limit {
    set: "arp_rate",
    each: Rate { per_second: 10, burst: 100 },
    all: Rate { per_second: 100, burst: 400 },
};

/// As for ARP, multicast listener reports included.
pub(super) const NEIGHBOUR_DISCOVERY: Limit = Limit {
    set: "nd_rate",
    each: Rate { per_second: 10, burst: 100 },
    all: Rate { per_second: 100, burst: 400 },
};

/// Each request may take an address out of the pool.
pub(super) const DHCP: Limit = Limit {
    set: "dhcp_rate",
    each: Rate { per_second: 1, burst: 20 },
    all: Rate { per_second: 100, burst: 400 },
};

/// A closed connection stays in the table of connections for 120 s (`nf_conntrack_tcp_timeout_time_wait`):
/// 1,300 of one device, where a router with 64 MB has room for some 7,000.
pub(super) const CONNECTIONS: Limit = Limit {
    set: "connection_rate",
    each: Rate { per_second: 10, burst: 100 },
    all: Rate { per_second: 50, burst: 2000 },
};

/// An entry of an unanswered or closed connection stays for 120 s (`nf_conntrack_tcp_timeout_syn_sent`,
/// `nf_conntrack_udp_timeout_stream`): 4,600 of one guest, where a router with 64 MB has room for some 7,000.
pub(super) const GUEST_CONNECTIONS: DeviceLimit =
    DeviceLimit { set: "guest_connection_rate", rate: Rate { per_second: 30, burst: 1000 } };

/// Source addresses that were not seen for [`ADDRESS_KNOWN_FOR`]: the answer to each makes an entry in
/// the neighbour table. A repeater has those of all devices behind it.
pub(super) const GUEST_ADDRESSES: DeviceLimit =
    DeviceLimit { set: "guest_address_rate", rate: Rate { per_second: 5, burst: 100 } };
/// Seconds for which a source address of a guest counts as known.
pub(super) const ADDRESS_KNOWN_FOR: u32 = 60;
/// Source addresses that are known at one time, for each family: three for each of 5,000 guests.
pub(super) const KNOWN_ADDRESSES: u32 = 16_384;

/// Answers of this router to packets that belong to no connection: such packets meet no limit of
/// connections.
pub(super) const INVALID_ANSWERS: Rate = Rate { per_second: 20, burst: 100 };

impl Rate {
    /// As nft words it.
    pub(super) fn text(self) -> String {
        format!("{}/second burst {} packets", self.per_second, self.burst)
    }

    /// Seconds until an empty bucket is full.
    pub(super) fn refill(self) -> u32 {
        self.burst.div_ceil(self.per_second)
    }
}

impl Limit {
    /// The declaration of its set.
    pub(super) fn declaration(self) -> String {
        self.of_each().declaration()
    }

    /// A rule that drops what is too much of one device.
    pub(super) fn drop_excess_of_each(self) -> String {
        self.of_each().drop_excess()
    }

    /// That for each device.
    pub(super) fn of_each(self) -> DeviceLimit {
        DeviceLimit { set: self.set, rate: self.each }
    }
}

impl DeviceLimit {
    /// Seconds that an element lives after its device's last packet: half as long again as the
    /// bucket takes to fill.
    pub(super) fn timeout(self) -> u32 {
        (self.rate.refill() * 3).div_ceil(2)
    }

    /// The declaration of its set.
    pub(super) fn declaration(self) -> String {
        device_set(self.set, self.timeout())
    }

    /// A rule that drops what is too much of one device.
    pub(super) fn drop_excess(self) -> String {
        let (set, rate) = (self.set, self.rate.text());
        format!("\t\tupdate @{set} {{ ether saddr limit rate over {rate} }} drop\n")
    }
}

/// A set of devices whose elements live so many seconds.
pub(super) fn device_set(name: &str, timeout: u32) -> String {
    let mut text = String::new();
    let _ = write!(
        text,
        "\tset {name} {{\n\t\ttype ether_addr\n\t\tsize {DEVICES}\n\t\tflags dynamic,timeout\n\
         \t\ttimeout {timeout}s\n\t}}\n"
    );
    text
}
