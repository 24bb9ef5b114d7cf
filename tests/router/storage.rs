//! What keeps the data of an emulated router when its plug is pulled.

use std::fs;
use std::path::Path;

use crate::machine::Machine;

/// Where the flash lies in the machine's memory (see `router`), in octets.
const FLASH_AT: u64 = 48 << 20;

/// Where the data directory is, and what keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// On memory that behaves as NOR flash behind the module phram; every write is on the chip when
    /// the call that made it is done.
    Jffs2,
    /// On a disk with no cache of its own; data waits in the router's memory until it is flushed.
    Ext4,
    /// On UBI on nandsim, NAND flash with pages that are written whole. Its contents are the router's
    /// memory, and are lost with it: UBI takes no flash that would outlive the emulator.
    Ubifs,
}

impl Medium {
    /// The file of the machine's that holds it, and where in there, in octets.
    pub fn place(self) -> (&'static str, u64) {
        match self {
            Self::Ext4 => ("disk", 0),
            Self::Jffs2 | Self::Ubifs => ("memory", FLASH_AT),
        }
    }

    /// In octets.
    pub fn size(self) -> usize {
        match self {
            Self::Ext4 => 32 << 20,
            Self::Jffs2 | Self::Ubifs => 16 << 20,
        }
    }

    pub fn mounted(self) -> &'static str {
        match self {
            Self::Jffs2 => "mount -t jffs2 mtd0 /data",
            Self::Ext4 => "mount -t ext4 /dev/vdb /data",
            Self::Ubifs => "mount -t ubifs ubi0:data /data",
        }
    }

    pub fn formatted(self) -> &'static str {
        match self {
            Self::Jffs2 | Self::Ext4 => "true",
            // 64 MB in pages of 2 KB, of which the first 64 blocks are 8 MB.
            Self::Ubifs => {
                "modprobe nandsim id_bytes=0x20,0xa2,0x00,0x15 parts=64 && \
                 ubiformat /dev/mtd1 -y -q && ubiattach -m 1 && ubimkvol /dev/ubi0 -N data -m"
            }
        }
    }
}

/// What is left when the emulator is gone.
#[derive(Clone)]
pub struct Storage {
    pub medium: Medium,
    pub bytes: Vec<u8>,
}

impl Storage {
    /// As it comes from the factory.
    pub fn erased(medium: Medium) -> Self {
        Self { medium, bytes: vec![0xff; medium.size()] }
    }

    /// New, with a file system on it, and whatever `fill` puts there.
    pub fn new(medium: Medium, fill: impl FnOnce(&Machine)) -> Self {
        let machine = Machine::formatted(medium);
        fill(&machine);
        machine.ok("umount /data");
        machine.cut()
    }

    /// Writes it down for whoever looks into a failure.
    pub fn keep(&self, path: &Path) {
        fs::write(path, &self.bytes).unwrap();
    }

    /// How many octets are programmed otherwise than before, and how many blocks have been erased
    /// since. NAND is written in pages; NOR octet by octet, which is looked at in lines of 32.
    pub fn written_since(&self, before: &Self) -> (usize, usize) {
        let (page, block) = match self.medium {
            Medium::Ubifs => (2048, 128 << 10),
            _ => (32, 64 << 10),
        };
        let erased = |part: &[u8]| part.iter().all(|octet| *octet == 0xff);
        let pairs = self.bytes.chunks(page).zip(before.bytes.chunks(page));
        let programmed = pairs.filter(|(now, then)| now != then && !erased(now)).count();
        let pairs = self.bytes.chunks(block).zip(before.bytes.chunks(block));
        let erased = pairs.filter(|(now, then)| erased(now) && !erased(then)).count();
        (programmed * page, erased)
    }
}
