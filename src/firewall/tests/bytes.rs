//! Messages to and from a real kernel, octet for octet (little-endian machines).

use proptest::prelude::*;

use super::super::element::{self, Element, Set, decode};
use super::super::message::{Answer, Attributes, Writer, answers};
use super::*;

/// Linux 6.18, `netdev hotspotd download` with two elements: 102 without end and used up, 101 with
/// an hour, used in parts.
///
/// ```text
/// a0010000 0c0a 0200 07000000 8d41a2a1   416 octets, NEWSETELEM, MULTI, number 7, our port
/// 05 00 0005                             struct nfgenmsg: NETDEV
/// 0d00 0100 "hotspotd\0"                 table
/// 0d00 0200 "download\0"                 set
/// 6c01 0300                              elements
///   a800 0100                            element
///     1000 0100 0a00 0100 020000000002   key
///     6400 0b00                          expressions: quota (limit, used, flags), counter
///     2e00 0600 00 28 "session 102 …\0"  user data: type 0 is a comment, 40 octets
///   c000 0100 …                          the same with 0c00 0400 timeout, 0c00 0500 time left
/// ```
const DOWNLOAD: &str = "\
    a00100000c0a0200070000008d41a2a1050000050d000100686f7473706f7464000000000d000200646f776e\
    6c6f6164000000006c010300a8000100100001000a000100020000000002000064000b00340001000a000100\
    71756f7461000000240002000c00010000000000000013880c00040000000000000013880800020000000002\
    2c0001000c000100636f756e746572001c0002000c00010000000000000013880c0002000000000000000000\
    2e000600002873657373696f6e2031303220766f756368657220372030323a30303a30303a30303a30303a30\
    32000000c0000100100001000a000100020000000001000064000b00340001000a00010071756f7461000000\
    240002000c00010000000000001000000c00040000000000000003e808000200000000002c0001000c000100\
    636f756e746572001c0002000c00010000000000000003e80c00020000000000000000000c00040000000000\
    0036ee800c000500000000000036ee7c2e000600002873657373696f6e2031303120766f7563686572203720\
    30323a30303a30303a30303a30303a3031000000";

/// `download_rate`: 0700 is one expression, `limit` (rate, unit, burst, type bytes, flag over).
const RATE: &str = "\
    dc0000000c0a02000700000086fda8be050000050d000100686f7473706f74640000000012000200646f776e\
    6c6f61645f72617465000000a4000300a0000100100001000a0001000200000000010000440007000a000100\
    6c696d6974000000340002000c000100000000000003d0900c00020000000000000000010800030000020000\
    080004000000000108000500000000010c000400000000000036ee800c000500000000000036ee7c2e000600\
    002873657373696f6e2031303120766f756368657220372030323a30303a30303a30303a30303a3031000000";

/// `inet hotspotd connections`: 0c00 0200 is the data, the mark of the session's connections.
const CONNECTIONS: &str = "\
    f00000000c0a020007000000215af4f00100000b0d000100686f7473706f74640000000010000200636f6e6e\
    656374696f6e7300bc00030050000100100001000a00010002000000000200000c0002000800010066000010\
    2e000600002873657373696f6e2031303220766f756368657220372030323a30303a30303a30303a30303a30\
    3200000068000100100001000a00010002000000000100000c00020008000100650000100c00040000000000\
    0036ee800c000500000000000036ee782e000600002873657373696f6e2031303120766f7563686572203720\
    30323a30303a30303a30303a30303a3031000000";

/// The end of a dump: NLMSG_DONE, MULTI, number 7, error 0.
const DONE: &str = "1400000003000200070000009c888cd100000000";

/// Refused by the kernel: NLMSG_ERROR, -2 (ENOENT), and the header that is answered.
const REFUSED: &str = "24000000020000006600000000000000feffffff480000000e0a05006600000000000000";

/// What is written for: upload +101, `download_rate` +101, upload -101. The kernel
/// took it so (`live`).
///
/// ```text
/// 14000000 1000 0100 64000000 00000000 00 00 000a   BATCH_BEGIN for subsystem 10
/// dc000000 0c0a 0504 65000000 …                     NEWSETELEM, REQUEST ACK CREATE
/// d0000000 0c0a 0504 66000000 …
/// 48000000 0e0a 0500 67000000 …                     DELSETELEM, REQUEST ACK, the key alone
/// 14000000 1100 0100 68000000 00000000 00 00 000a   BATCH_END
/// ```
const BATCH: &str = "\
    140000001000010064000000000000000000000adc0000000c0a05046500000000000000050000000d000100\
    686f7473706f7464000000000b00020075706c6f61640000ac000380a8000180100001800a00010002000000\
    000100000c000400000000000036ee802e000600002873657373696f6e2031303120766f7563686572203720\
    30323a30303a30303a30303a30303a303100000058000b80340001800a00010071756f746100000024000280\
    0c0001007fffffffffffffff08000200000000000c0004000000000000000000200001800c000100636f756e\
    74657200100002800c0001000000000000000000d00000000c0a05046600000000000000050000000d000100\
    686f7473706f74640000000012000200646f776e6c6f61645f72617465000000980003809400018010000180\
    0a00010002000000000100000c000400000000000036ee802e000600002873657373696f6e2031303120766f\
    756368657220372030323a30303a30303a30303a30303a3031000000440007800a0001006c696d6974000000\
    340002800c000100000000000003d0900c000200000000000000000108000300000200000800040000000001\
    0800050000000001480000000e0a05006700000000000000050000000d000100686f7473706f746400000000\
    0b00020075706c6f616400001800038014000180100001800a00010002000000000100001400000011000100\
    68000000000000000000000a";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An element without counters, of session 101.
fn plain() -> Element {
    let time = Some(Duration::from_millis(3_599_996));
    Element { mac: mac(1), session: 101, voucher: 7, time, octets: 0, is_over: false, rate: 0 }
}

#[test]
fn a_dump_of_the_kernel_is_understood() {
    let over =
        Element { mac: mac(2), session: 102, time: None, octets: 5000, is_over: true, ..plain() };
    assert_eq!(decode(&bytes(DOWNLOAD)), [over, Element { octets: 1000, ..plain() }]);
    assert_eq!(decode(&bytes(RATE)), [Element { rate: 250_000, ..plain() }]);
    let connections = decode(&bytes(CONNECTIONS));
    let sessions: Vec<_> = connections.iter().map(|it| (it.mac, it.session, it.octets)).collect();
    assert_eq!(sessions, [(mac(2), 102, 0), (mac(1), 101, 0)]);
    // Two messages in one datagram.
    assert_eq!(decode(&[bytes(RATE), bytes(DOWNLOAD)].concat()).len(), 3);
}

#[test]
fn outcomes_are_told_apart() {
    let done = bytes(DONE);
    assert_eq!(answers(&done).collect::<Vec<_>>(), [Answer::Done { errno: 0 }]);
    let refused = bytes(REFUSED);
    let outcome = Answer::Outcome { errno: libc::ENOENT, sequence: 0x66 };
    assert_eq!(answers(&refused).collect::<Vec<_>>(), [outcome]);
    let both = [refused.clone(), done].concat();
    assert_eq!(answers(&both).count(), 2);
    // A dump during which something has changed.
    let mut torn = bytes(RATE);
    torn[6] |= 0x10;
    let interrupted = |bytes: &[u8]| {
        answers(bytes).any(|it| matches!(it, Answer::Data { interrupted: true, .. }))
    };
    assert!(interrupted(&torn) && !interrupted(&bytes(RATE)));
}

#[test]
fn a_transaction_is_written_as_the_kernel_reads_it() {
    let mut writer = Writer::starting_at(100);
    writer.begin_batch();
    element::insert(&mut writer, Hook::Netdev, Set::Upload, &[pass(1)]);
    element::insert(&mut writer, Hook::Netdev, Set::DownloadRate, &[pass(1)]);
    element::delete(&mut writer, Hook::Netdev, Set::Upload, &[(mac(1), 101)]);
    writer.end_batch();
    let (written, next) = writer.finish();
    assert_eq!(hex(&written), BATCH);
    assert_eq!(next, 105);
}

#[test]
fn long_lists_are_split_so_that_no_length_overflows() {
    let longest = Pass { session: i64::MAX, voucher: i64::MAX, ..pass(1) };
    let mut writer = Writer::starting_at(1);
    element::insert(&mut writer, Hook::Netdev, Set::Upload, &vec![longest; 1001]);
    let (written, next) = writer.finish();
    assert_eq!(next, 7);
    assert_eq!(decode(&written).len(), 1001);
    assert!(decode(&written).iter().all(|it| (it.session, it.voucher) == (i64::MAX, i64::MAX)));
}

#[test]
fn an_element_that_is_not_ours_is_left_out() {
    let ours = bytes(RATE);
    let at = hex(&ours).find(&hex(b"session")).unwrap() / 2;
    let with = |offset: usize, byte: u8| {
        let mut bytes = ours.clone();
        bytes[at + offset] = byte;
        decode(&bytes).len()
    };
    assert_eq!(with(0, b's'), 1);
    // Another word, no number, another kind of user data, no end.
    assert_eq!([with(0, b'S'), with(8, b'x'), with(21, b'.')], [0, 0, 0]);
    let mut other = ours.clone();
    other[at - 2] = 1;
    assert_eq!(decode(&other), []);
}

#[test]
fn quotas_are_over_where_the_kernel_says_so_or_the_numbers_do() {
    let whole = bytes(DOWNLOAD);
    let text = hex(&whole);
    // 101 has a limit of 0x100000 and has used 0x3e8; the flags follow.
    let used = text.find("0c00040000000000000003e8").unwrap() / 2;
    let over = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = whole.clone();
        change(&mut bytes);
        decode(&bytes)[1].is_over
    };
    assert!(!over(&|_| {}));
    assert!(over(&|bytes| bytes[used + 19] = 2), "the flag is not heard");
    assert!(!over(&|bytes| bytes[used + 19] = 1), "inverted is not used up");
    assert!(over(&|bytes| bytes[used + 9] = 0x10), "the numbers are not compared");
}

proptest! {
    #[test]
    fn a_datagram_cut_anywhere_or_bent_is_read_without_harm(
        which in 0..3_usize,
        cut in 0..420_usize,
        changes in prop::collection::vec((0..420_usize, any::<u8>()), 0..6),
    ) {
        let mut datagram = bytes([DOWNLOAD, RATE, CONNECTIONS][which]);
        let whole = decode(&datagram).len();
        datagram.truncate(cut.max(16));
        for (at, byte) in changes {
            if let Some(place) = datagram.get_mut(at) {
                *place = byte;
            }
        }
        prop_assert!(decode(&datagram).len() <= whole.max(datagram.len() / 40));
    }

    #[test]
    fn noise_is_read_without_harm(noise in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(answers(&noise).count() <= noise.len() / 16);
        prop_assert!(Attributes(&noise).count() <= noise.len() / 4);
        prop_assert!(decode(&noise).is_empty());
    }

    /// What is written is understood as the same by our own reader.
    #[test]
    fn what_is_written_reads_the_same(
        octets in any::<[u8; 6]>(),
        numbers in any::<(i64, i64)>(),
        used in any::<u64>(),
        limit in any::<Option<u64>>(),
        rate in 1..=10_000_000_u32,
    ) {
        let lane = Lane { rate, used, limit };
        let (session, voucher) = numbers;
        let mac = Mac::new(octets);
        let pass = Pass { mac, session, voucher, time: None, download: lane, upload: lane };
        for hook in [Hook::Netdev, Hook::Inet] {
            for set in Set::all(hook) {
                let mut writer = Writer::starting_at(1);
                element::insert(&mut writer, hook, *set, &[pass]);
                let read = decode(&writer.finish().0);
                let counts = matches!(set, Set::Upload | Set::Download);
                let highest = limit.unwrap_or(u64::MAX).min(i64::MAX as u64);
                prop_assert_eq!(read, [Element {
                    mac,
                    session,
                    voucher,
                    time: None,
                    octets: if counts { used } else { 0 },
                    is_over: counts && used >= highest,
                    rate: set.rate(&pass),
                }]);
            }
        }
    }
}
