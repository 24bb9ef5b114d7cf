//! The daemon with the rights that it keeps in a jail of OpenWrt's, and no others.
//!
//! The jail is built with `setpriv` from the file that ujail reads there; ujail itself is not here.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::rules::is_mended;
use crate::support::{Hotspot, Node, until};

/// The same in each set: root gets on `exec` what is in the bounding set, so that the others must
/// not have less.
fn capabilities() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openwrt/files/hotspotd.capabilities");
    let text = fs::read_to_string(path).unwrap();
    let sets: BTreeMap<String, Vec<String>> = serde_json::from_str(&text).unwrap();
    let names: Vec<&str> = sets.keys().map(String::as_str).collect();
    assert_eq!(names, ["ambient", "bounding", "effective", "inheritable", "permitted"]);
    let kept = &sets["bounding"];
    assert!(!kept.is_empty() && sets.values().all(|set| set == kept), "{sets:?}");
    kept.iter().map(|name| name.strip_prefix("CAP_").unwrap().to_lowercase()).collect()
}

/// What ujail does to a program: these capabilities, no way to more, an empty environment.
fn jail(capabilities: &[String]) -> Vec<String> {
    let kept = capabilities.iter().map(|name| format!(",+{name}")).collect::<String>();
    let mut words: Vec<String> =
        ["env", "-i", "container=ujail", "setpriv", "--no-new-privs"].map(String::from).into();
    for set in ["--ambient-caps", "--inh-caps", "--bounding-set"] {
        // The inheritable ones have to be there before the ambient ones; setpriv sees to it.
        words.push(format!("{set}=-all{kept}"));
    }
    words
}

/// Whether an access point that asks for this guest is told to let it in.
fn radius_accepts(router: &Node, username: &str, passcode: &str) -> bool {
    let ask = "import hashlib, hmac, os, socket, sys
user, password = (it.encode() for it in sys.argv[1:])
secret, vector = b'a secret of sixteen', os.urandom(16)
pad = hashlib.md5(secret + vector).digest()
hidden = bytes(a ^ b for a, b in zip(password.ljust(16, b'\\0'), pad))
attributes = b''.join(bytes([kind, len(it) + 2]) + it for kind, it in ((1, user), (2, hidden)))
head = bytes([1, 7, 0, 20 + len(attributes) + 18]) + vector + attributes + bytes([80, 18])
packet = head + hmac.new(secret, head + bytes(16), 'md5').digest()
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.settimeout(60)
peer.sendto(packet, ('127.0.0.1', 812))
print(peer.recv(4096)[0])";
    router.ok(&["python3", "-c", ask, username, passcode]) == "2\n"
}

/// Ports below 1024 are for those who may.
const SECTIONS: &str = "config radius\noption enabled '1'\noption auth_port '812'\n\
    config client\noption address '127.0.0.1'\noption secret 'a secret of sixteen'\n";

#[test]
fn a_jail_takes_nothing_that_is_needed() {
    let words = jail(&capabilities());
    let Some(mut hotspot) = Hotspot::confined(&words, SECTIONS) else { return };
    let (guest, other) = (hotspot.lab.node("guest1"), hotspot.lab.node("guest2"));
    for set in ["CapPrm", "CapEff", "CapBnd"] {
        let ours = hotspot.router.ok(&["grep", &format!("^{set}:"), "/proc/self/status"]);
        assert_ne!(hotspot.status(set), ours, "it is not confined");
    }
    assert_eq!(hotspot.status("NoNewPrivs"), "NoNewPrivs:\t1\n");

    let voucher = hotspot.voucher(&[]);
    hotspot.sign_in(&guest, &voucher);
    assert!(guest.sees_site("-6"));
    assert!(!other.sees_site("-4"));
    assert!(until(|| hotspot.host(&guest)["host-name"] == "guest1"), "{}", hotspot.host(&guest));
    let away = hotspot.voucher(&[]);
    assert!(radius_accepts(&hotspot.router, &away.username, &away.passcode));

    // Rules that somebody has taken away come back, by a child of the daemon's.
    let session = hotspot.settled_usage(&guest);
    assert_ne!(session.download, 0);
    hotspot.router.ok(&["nft", "flush", "ruleset"]);
    is_mended(&hotspot, &guest, &other, session);

    hotspot.reconfigure("option devices '2'", SECTIONS);
    let snapshot = hotspot.lab.directory().join("backup.db");
    hotspot.cli(&["backup", snapshot.to_str().unwrap()]);
    let check = hotspot.cli(&["check"]);
    assert!(check.contains("listening on br-guest"), "{check}");

    hotspot.stop();
    assert!(hotspot.log().contains("stopped; all state is flushed"), "{}", hotspot.log());
    assert!(guest.sees_site("-4"));
    hotspot.start();
    assert!(hotspot.active(&guest).is_some());
}
