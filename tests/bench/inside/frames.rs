//! Small packets as fast as one processor makes them, written as whole frames.

use std::io::IoSlice;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use hotspotd::domain::station::Mac;
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, MultiHeaders, SockFlag, SockType, bind, sendmmsg, socket,
};
use nix::time::ClockId;

use crate::lab::{address, mac};

/// Frames in one system call.
const TOGETHER: usize = 32;
/// The discard port.
const PORT: u16 = 9;
/// The least that a frame can be, without its checksum.
const FRAME: usize = 60;

/// Knows `up N MICROSECONDS ADDRESS MAC`: from guests 1 to N to this address, by a router with this
/// MAC; and `down` for the other direction. `once` instead of a time goes round them once. Tells
/// how many were sent and how many microseconds of processor time that took.
pub(super) fn play(device: &str) {
    let socket = open(device);
    println!("ready");
    for line in super::lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [direction, last, time, server, router] = words[..] else { panic!("{line}") };
        let (server, router) = (server.parse().unwrap(), router.parse().unwrap());
        let guests = 1..=last.parse().unwrap();
        let frame = |number| match direction {
            "up" => udp(router, mac(number), address(number), server),
            _ => udp(router, Mac::new([2; 6]), server, address(number)),
        };
        let frames: Vec<[u8; FRAME]> = guests.map(frame).collect();
        let before = processor_time();
        let time = if time == "once" { Duration::ZERO } else { micros(time) };
        let sent = send(&socket, &frames, time);
        println!("{sent} {}", (processor_time() - before).as_micros());
    }
}

/// Of this thread; what the kernel does with a frame until it has arrived counts as well.
fn processor_time() -> Duration {
    ClockId::CLOCK_THREAD_CPUTIME_ID.now().unwrap().into()
}

fn micros(text: &str) -> Duration {
    Duration::from_micros(text.parse().unwrap())
}

/// A packet socket that sends by this device and hears nothing.
fn open(device: &str) -> OwnedFd {
    let flags = SockFlag::SOCK_CLOEXEC;
    let socket = socket(AddressFamily::Packet, SockType::Raw, flags, None).unwrap();
    let mut all = getifaddrs().unwrap().filter(|it| it.interface_name == device);
    let link: LinkAddr = all.find_map(|it| it.address?.as_link_addr().copied()).unwrap();
    bind(socket.as_raw_fd(), &link).unwrap();
    socket
}

/// All frames in turn, over and over, at least once.
fn send(socket: &OwnedFd, frames: &[[u8; FRAME]], time: Duration) -> usize {
    let slices: Vec<[IoSlice<'_>; 1]> = frames.iter().map(|it| [IoSlice::new(it)]).collect();
    let nobody = [None; TOGETHER];
    let begun = Instant::now();
    let mut sent = 0;
    loop {
        for pieces in slices.chunks(TOGETHER) {
            // One guest's frame fills a call as well as many guests' do.
            let pieces: Vec<_> = pieces.iter().cycle().take(TOGETHER).collect();
            let mut headers = MultiHeaders::<LinkAddr>::preallocate(TOGETHER, None);
            let flags = MsgFlags::empty();
            let done = sendmmsg(socket.as_raw_fd(), &mut headers, pieces, nobody, [], flags);
            let done = done.unwrap();
            sent += done.count();
            if !time.is_zero() && begun.elapsed() >= time {
                return sent;
            }
        }
        if time.is_zero() {
            return sent;
        }
    }
}

/// A UDP packet without a word in it; its checksum is left out, as IPv4 allows.
fn udp(to: Mac, from: Mac, source: Ipv4Addr, target: Ipv4Addr) -> [u8; FRAME] {
    let mut frame = [0; FRAME];
    frame[..6].copy_from_slice(&to.octets());
    frame[6..12].copy_from_slice(&from.octets());
    frame[12..14].copy_from_slice(&[0x08, 0x00]);
    // Version and header length, and the total length.
    frame[14] = 0x45;
    frame[17] = 28;
    frame[22] = 64;
    frame[23] = 17;
    frame[26..30].copy_from_slice(&source.octets());
    frame[30..34].copy_from_slice(&target.octets());
    let words = frame[14..34].chunks(2).map(|both| u32::from(both[0]) << 8 | u32::from(both[1]));
    let sum: u32 = words.sum();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    frame[34..36].copy_from_slice(&PORT.to_be_bytes());
    frame[36..38].copy_from_slice(&PORT.to_be_bytes());
    frame[39] = 8;
    frame
}
