//! What this program does inside of the laboratory: it starts itself there, in one of these roles.

mod counter;
mod frames;
mod guests;
mod peer;

use std::io::BufRead;
use std::net::UdpSocket;

pub use peer::RULES as PEER_RULES;

/// Plays a role until its standard input ends, or until it has done its work.
pub fn play(words: &[String]) {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["guests", portal, echo, first, together] => {
            guests::play(portal, echo, first.parse().unwrap(), together.parse().unwrap());
        }
        ["echo", address] => echo(address),
        ["peer", address] => peer::play(address),
        ["counter"] => counter::play(),
        ["frames", device] => frames::play(device),
        _ => panic!("no such role: {words:?}"),
    }
}

fn lines() -> impl Iterator<Item = String> {
    std::io::stdin().lock().lines().map(Result::unwrap)
}

/// Sends back whatever arrives.
fn echo(address: &str) {
    let socket = UdpSocket::bind(address).unwrap();
    println!("ready");
    let mut piece = [0; 64];
    loop {
        let (length, peer) = socket.recv_from(&mut piece).unwrap();
        let _ = socket.send_to(&piece[..length], peer);
    }
}
