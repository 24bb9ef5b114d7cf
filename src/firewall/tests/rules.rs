//! The rules as text.

use std::io::Write;
use std::process::{Command, Stdio};

use super::super::ruleset::render;
use super::*;

/// Two networks, one with a garden of both families that overlaps itself.
fn networks() -> [Network; 2] {
    let garden = ["192.0.2.0/24", "192.0.2.128/25", "198.51.100.7/32", "2001:db8:1::/48"];
    let lobby = Network {
        device: "br-lobby".to_owned(),
        portal_port: 80,
        portal_name: Some("wifi.example".to_owned()),
        garden: garden.iter().map(|network| network.parse().unwrap()).collect(),
        has_rates: false,
    };
    [network("br-guest"), lobby]
}

fn golden(name: &str, text: &str) {
    let path = format!("{}/src/firewall/tests/{name}.nft", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&path).unwrap(), "see UPDATE_GOLDEN in {}", file!());
}

/// `nft -c` talks to the kernel, and devices must exist: in a namespace of its own.
fn accepted(text: &str) {
    let script = "for d in br-guest br-lobby; do ip link add $d type bridge; done && nft -c -f -";
    let mut child = Command::new("unshare")
        .args(["-rn", "sh", "-c", script])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("unshare failed") {
        return skip::skipped("no user namespaces here");
    }
    assert!(output.status.success(), "{said}");
}

#[test]
fn rules_at_the_device_read_as_agreed_and_nft_takes_them() {
    let text = render(&networks(), Hook::Netdev);
    golden("netdev", &text);
    accepted(&text);
}

#[test]
fn rules_without_an_egress_hook_read_as_agreed_and_nft_takes_them() {
    let text = render(&networks(), Hook::Inet);
    golden("inet", &text);
    accepted(&text);
}
