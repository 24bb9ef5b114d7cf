//! What a voucher was sold for, to the packet and to the second.

use std::time::{Duration, SystemTime};

use crate::support::{Flow, Hotspot, Node, Voucher, until};

const MEGABYTE: u64 = 1 << 20;
/// In front of the octets of a datagram: UDP and IPv4.
const HEADERS: u64 = 8 + 20;
/// Downloads are counted with it.
const ETHERNET: u64 = 14;

/// Datagrams of one size, counted with this much in front of them.
struct Datagrams {
    size: u64,
    fit: u64,
}

impl Datagrams {
    /// The size of which so many fit into `left` that half of one is left over: then a stray frame
    /// of the router's own, such as a neighbour's solicitation, decides nothing.
    fn for_quota(left: u64, headers: u64) -> Self {
        let over = |size: &u64| (left % (size + headers)).abs_diff((size + headers) / 2);
        let size = (900..1100).min_by_key(over).unwrap();
        Self { size, fit: left / (size + headers) }
    }
}

/// Sends without end, and sees that no more than what fits comes through, now and later.
fn only_what_fits_passes(sender: &mut Flow, receiver: &mut Flow, fit: u64) {
    let full = until(|| receiver.passed().pieces >= fit);
    assert!(full, "{:?} instead of {fit}", receiver.passed());
    sender.goes_on(300);
    assert_eq!(receiver.passed().pieces, fit);
}

fn download(hotspot: &Hotspot, guest: &Node, datagrams: &Datagrams) {
    let internet = hotspot.lab.node("internet");
    let address = guest.ipv4();
    let mut inside = Flow::start(guest, &format!("count udp {address} 5000"));
    let send = format!("send udp {address} 5000 {} 0", datagrams.size);
    let mut outside = Flow::start(&internet, &send);
    only_what_fits_passes(&mut outside, &mut inside, datagrams.fit);
}

fn upload(hotspot: &Hotspot, guest: &Node, datagrams: &Datagrams) {
    let internet = hotspot.lab.node("internet");
    let wan = hotspot.lab.fact("wan4");
    let mut outside = Flow::start(&internet, &format!("count udp {wan} 5000"));
    let send = format!("send udp {wan} 5000 {} 0", datagrams.size);
    let mut inside = Flow::start(guest, &send);
    only_what_fits_passes(&mut inside, &mut outside, datagrams.fit);
}

/// The session is over, and the voucher opens no other one.
fn is_used_up(hotspot: &Hotspot, guest: &Node, voucher: &Voucher) {
    assert!(until(|| hotspot.active(guest).is_none()), "the session goes on");
    assert!(!guest.sees_site("-4"));
    let answer = hotspot.portal().sign_in(guest, voucher);
    assert!(answer.body.contains("role=\"alert\""), "{answer:?}");
    assert!(!guest.sees_site("-4"));
}

#[test]
fn a_download_limit_ends_the_session_to_the_packet() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest1");
    let voucher = hotspot.voucher(&["--download-limit", "1"]);
    hotspot.sign_in(&guest, &voucher);
    let left = MEGABYTE - hotspot.settled_usage(&guest).download;
    download(&hotspot, &guest, &Datagrams::for_quota(left, HEADERS + ETHERNET));
    is_used_up(&hotspot, &guest, &voucher);
}

#[test]
fn an_upload_limit_ends_the_session_to_the_packet() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest2");
    let voucher = hotspot.voucher(&["--upload-limit", "1"]);
    hotspot.sign_in(&guest, &voucher);
    let left = MEGABYTE - hotspot.settled_usage(&guest).upload;
    upload(&hotspot, &guest, &Datagrams::for_quota(left, HEADERS));
    is_used_up(&hotspot, &guest, &voucher);
}

#[test]
fn a_limit_holds_without_the_daemon() {
    let Some(mut hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest2");
    let voucher = hotspot.voucher(&["--upload-limit", "1"]);
    hotspot.sign_in(&guest, &voucher);
    let left = MEGABYTE - hotspot.settled_usage(&guest).upload;
    hotspot.kill();
    upload(&hotspot, &guest, &Datagrams::for_quota(left, HEADERS));
    hotspot.start();
    is_used_up(&hotspot, &guest, &voucher);
}

#[test]
fn signing_out_and_in_again_adds_nothing_to_a_limit() {
    let Some(hotspot) = Hotspot::open() else { return };
    let (guest, internet) = (hotspot.lab.node("guest2"), hotspot.lab.node("internet"));
    let wan = hotspot.lab.fact("wan4");
    let voucher = hotspot.voucher(&["--upload-limit", "1"]);
    let mut outside = Flow::start(&internet, &format!("count udp {wan} 5000"));
    for _ in 0..3 {
        hotspot.sign_in(&guest, &voucher);
        let mut inside = Flow::start(&guest, &format!("send udp {wan} 5000 1000 250"));
        assert!(until(|| inside.passed().pieces == 250));
        hotspot.portal().post(&guest, "/logout", &[]);
    }
    assert!(until(|| outside.passed().pieces == 750), "{:?}", outside.passed());
    hotspot.sign_in(&guest, &voucher);
    let mut inside = Flow::start(&guest, &format!("send udp {wan} 5000 1000 0"));
    inside.goes_on(500);
    let passed = outside.stalls(&mut inside).pieces;
    // The sign-ins and the visits to the site have used some as well, but not ten percent.
    let fit = MEGABYTE / (1000 + HEADERS);
    assert!(passed <= fit && passed > fit * 9 / 10, "{passed} of {fit}");
    is_used_up(&hotspot, &guest, &voucher);
}

#[test]
fn two_devices_share_a_limit() {
    let Some(hotspot) = Hotspot::with("option devices '2'", "") else { return };
    let internet = hotspot.lab.node("internet");
    let wan = hotspot.lab.fact("wan4");
    let guests = [hotspot.lab.node("guest2"), hotspot.lab.node("guest3")];
    let voucher = hotspot.voucher(&["--upload-limit", "1"]);
    let mut outside = Flow::start(&internet, &format!("count udp {wan} 5000"));
    for guest in &guests {
        hotspot.sign_in(guest, &voucher);
    }
    let send = format!("send udp {wan} 5000 1000 0");
    let mut inside: Vec<Flow> = guests.iter().map(|guest| Flow::start(guest, &send)).collect();
    assert!(until(|| guests.iter().all(|guest| hotspot.active(guest).is_none())), "they go on");
    let passed = outside.stalls(&mut inside[0]).pieces;
    let fit = MEGABYTE / (1000 + HEADERS);
    assert!(passed <= fit && passed > fit * 9 / 10, "{passed} of {fit}");
}

/// A voucher that ends in this time: the shortest is good for an hour, most of which is over.
pub fn ending_in(hotspot: &Hotspot, left: Duration) -> (Voucher, SystemTime) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let end = now.as_secs() + left.as_secs();
    let from = chrono::DateTime::from_timestamp(end as i64 - 3600, 0).unwrap();
    let from = from.naive_utc().to_string();
    let voucher = hotspot.voucher(&["--valid-for", "1 hour", "--valid-from", &from]);
    (voucher, SystemTime::UNIX_EPOCH + Duration::from_secs(end))
}

/// Streams both ways until they are cut, which they are at the voucher's end and not before.
fn is_cut_at(hotspot: &Hotspot, guest: &Node, end: SystemTime) {
    let (internet, wan) = (hotspot.lab.node("internet"), hotspot.lab.fact("wan4"));
    let address = guest.ipv4();
    let mut down = Flow::start(guest, &format!("count udp {address} 5000"));
    let mut up = Flow::start(&internet, &format!("count udp {wan} 5000"));
    let mut source = Flow::start(&internet, &format!("send udp {address} 5000 100 0"));
    let mut sink = Flow::start(guest, &format!("send udp {wan} 5000 100 0"));
    down.goes_on(1);
    up.goes_on(1);
    down.stalls(&mut source);
    up.stalls(&mut sink);
    let late = SystemTime::now().duration_since(end);
    eprintln!("seen to be cut {late:?} after the voucher's end");
    assert!(late.is_ok(), "cut too early");
    Flow::is_cut(&mut source, &mut down);
    Flow::is_cut(&mut sink, &mut up);
    assert!(!guest.sees_site("-4"));
}

#[test]
fn a_voucher_ends_on_time() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest1");
    let (voucher, end) = ending_in(&hotspot, Duration::from_secs(20));
    hotspot.sign_in(&guest, &voucher);
    is_cut_at(&hotspot, &guest, end);
    assert!(until(|| hotspot.active(&guest).is_none()), "the session goes on");
}

#[test]
fn a_voucher_ends_on_time_without_the_daemon() {
    let Some(mut hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest1");
    let (voucher, end) = ending_in(&hotspot, Duration::from_secs(20));
    hotspot.sign_in(&guest, &voucher);
    hotspot.kill();
    is_cut_at(&hotspot, &guest, end);
    hotspot.start();
    assert!(!guest.sees_site("-4"));
    assert!(hotspot.active(&guest).is_none());
}
