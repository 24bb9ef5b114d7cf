//! Sign-ins and reports of one guest, attribute by attribute.

use super::ours::{DEAF_PORT, Ours};
use super::peers::SECRET;
use super::wire::{ACCESS_ACCEPT, ACCOUNTING_RESPONSE, Client, Packet, checked};

pub const START: u32 = 1;
pub const STOP: u32 = 2;
pub const INTERIM: u32 = 3;
pub const ACCOUNTING_ON: u32 = 7;

pub const USER_NAME: u8 = 1;
pub const NAS_ADDRESS: u8 = 4;
pub const CLASS: u8 = 25;
pub const CALLING_STATION: u8 = 31;
pub const NAS_IDENTIFIER: u8 = 32;
pub const SESSION: u8 = 44;
pub const MEGABYTE: u32 = 1 << 20;

/// An attribute: its number and its value.
pub type Attribute<'a> = (u8, &'a [u8]);

/// A client of all of loopback, and a voucher of 100 MB for one device.
pub fn lobby() -> Ours {
    let ours = Ours::with("", DEAF_PORT);
    ours.voucher("room1", "pear", &[("download_limit", "100")]);
    ours
}

/// Signs in from there, with these attributes; the Class.
#[track_caller]
pub fn sign_in(ours: &Ours, source: &str, more: &[Attribute]) -> Vec<u8> {
    let answer = ask(ours, source, more);
    assert_eq!(answer.code, ACCESS_ACCEPT);
    answer.get(CLASS).unwrap().to_vec()
}

#[track_caller]
pub fn ask(ours: &Ours, source: &str, more: &[Attribute]) -> Packet {
    let request = with(Packet::login(1, "room1", "pear"), more).signed();
    checked(&Client::from(source, ours.ports.auth).exchange(&request), &request)
}

pub fn with(packet: Packet, more: &[Attribute]) -> Packet {
    more.iter().fold(packet, |packet, (kind, value)| packet.and(*kind, value))
}

/// A report with these attributes and nothing else.
#[track_caller]
pub fn report(ours: &Ours, source: &str, status: u32, more: &[Attribute]) {
    let bytes = with(Packet::new(4, 1).and(40, &status.to_be_bytes()), more).stamped(SECRET);
    let answer = Client::from(source, ours.ports.acct).exchange(&bytes);
    assert_eq!(checked(&answer, &bytes).code, ACCOUNTING_RESPONSE);
}

/// So many seconds and megabytes.
pub fn used(seconds: u32, megabytes: u32) -> [(u8, [u8; 4]); 2] {
    [(46, seconds.to_be_bytes()), (43, (megabytes * MEGABYTE).to_be_bytes())]
}

/// What a voucher has been charged, in megabytes, and how many sessions are open or were.
pub fn charged(ours: Ours) -> (i64, i64) {
    let mut ours = ours;
    ours.daemon.stop();
    let store = rusqlite::Connection::open(ours.database()).unwrap();
    let one = |sql| store.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let used = one("SELECT used_download FROM voucher");
    (used / i64::from(MEGABYTE), one("SELECT count(*) FROM session"))
}

pub const HERE: &str = "127.0.0.1";
pub const MAC: Attribute = (CALLING_STATION, b"02-00-00-00-00-01");
pub const S1: Attribute = (SESSION, b"S1");
pub const ROOM1: Attribute = (USER_NAME, b"room1");
pub const ADDRESS: Attribute = (NAS_ADDRESS, &[10, 0, 0, 1]);
pub const AP1: Attribute = (NAS_IDENTIFIER, b"ap1");
