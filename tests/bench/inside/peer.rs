//! The usual portal, reduced to what it cannot do without: an HTTP answer, and one `nft` process for
//! each login. It believes every passcode, knows every MAC beforehand, and writes nothing down.

use std::io::{Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;

use crate::lab::mac;

/// As many as sign in at once find one that is free; starting it is not what is measured.
const WORKERS: usize = 64;

/// Guests whose MAC is in the set pass, others do not.
pub const RULES: &str = "table inet peer {\nset online {\ntype ether_addr\n}\n\
    chain forward {\ntype filter hook forward priority 0\n\
    iifname \"br-guest\" ether saddr @online accept\niifname \"br-guest\" drop\n}\n}\n";

pub(super) fn play(address: &str) {
    let listener = TcpListener::bind(address).unwrap();
    for _ in 0..WORKERS {
        let listener = listener.try_clone().unwrap();
        thread::spawn(move || {
            loop {
                serve(&listener.accept().unwrap().0);
            }
        });
    }
    println!("ready");
    for _ in super::lines() {}
}

fn serve(mut guest: &TcpStream) {
    guest.set_nodelay(true).unwrap();
    let mut piece = [0; 4096];
    let mut length = 0;
    while !String::from_utf8_lossy(&piece[..length]).contains("passcode=") {
        match guest.read(&mut piece[length..]).unwrap() {
            0 => return,
            more => length += more,
        }
    }
    let IpAddr::V4(address) = guest.peer_addr().unwrap().ip() else { panic!("not by IPv4") };
    let [_, _, high, low] = address.octets();
    let element = format!("{{ {} }}", mac(u16::from_be_bytes([high, low])));
    let words = ["add", "element", "inet", "peer", "online", &element];
    assert!(Command::new("nft").args(words).status().unwrap().success());
    let answer = b"HTTP/1.1 303 See Other\r\nLocation: /\r\nContent-Length: 0\r\n\r\n";
    guest.write_all(answer).unwrap();
}
