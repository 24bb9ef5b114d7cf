//! What is left to a guest, in the words of each vendor.

use super::ours::{DEAF_PORT, Ours};
use super::peers::{Answer, installed, log_in};

/// What a voucher with limits comes to; `None`, and says why, where there is no radclient.
fn answer(vendor: &str) -> Option<Answer> {
    if !installed("radclient") {
        return None;
    }
    let plan = "config voucher 'voucher'\noption download_rate '4096'\noption upload_rate '512'\n\
                option idle_timeout '600'\n";
    let ours = Ours::with(&format!("option vendor '{vendor}'\n{plan}"), DEAF_PORT);
    let limits = [("valid_for", "1 hour"), ("download_limit", "5000"), ("upload_limit", "10")];
    ours.voucher("anna", "pear", &limits);
    let request = "User-Name = anna\nUser-Password = pear\nNAS-IP-Address = 127.0.0.1\n\
                   Calling-Station-Id = 02-00-00-00-00-01";
    let answer = log_in(ours.ports, request);
    assert_eq!(answer.code, "Access-Accept", "{answer:?}");
    // These, every access point understands.
    assert!((3590..=3600).contains(&answer.number("Session-Timeout")), "{answer:?}");
    assert_eq!(answer.number("Idle-Timeout"), 600, "{answer:?}");
    assert_eq!(answer.number("Acct-Interim-Interval"), 60, "{answer:?}");
    assert_eq!(answer.all("Class").len(), 1, "{answer:?}");
    Some(answer)
}

/// 5000 MB do not fit 32 bits: one gigaword and this.
const LOW: u64 = 5000 * 1024 * 1024 - (1 << 32);

/// The attributes of a vendor; there must be none of the others.
#[track_caller]
fn of_vendor(answer: &Answer, vendor: &str) -> Vec<(String, String)> {
    let is = |name: &str, vendor: &str| name.starts_with(vendor);
    let others = ["ChilliSpot-", "Mikrotik-", "WISPr-", "Attr-26"];
    // The dictionary of FreeRADIUS 3.2.1 lacks CoovaChilli's gigawords.
    let unnamed = [
        ("Attr-26.14559.21", "ChilliSpot-Max-Input-Gigawords"),
        ("Attr-26.14559.22", "ChilliSpot-Max-Output-Gigawords"),
    ];
    let mut answer = answer.clone();
    for (name, value) in &mut answer.attributes {
        if let Some((_, named)) = unnamed.iter().find(|(number, _)| number == name) {
            let digits = value.strip_prefix("0x").unwrap();
            (*name, *value) =
                ((*named).to_owned(), u32::from_str_radix(digits, 16).unwrap().to_string());
        }
    }
    // CoovaChilli knows WISPr's words as well.
    let allowed = |name: &str| is(name, vendor) || vendor == "ChilliSpot-" && is(name, "WISPr-");
    for (name, _) in &answer.attributes {
        assert!(allowed(name) || !others.iter().any(|other| is(name, other)), "{answer:?}");
    }
    answer.attributes.iter().filter(|(name, _)| is(name, vendor)).cloned().collect()
}

#[track_caller]
fn has(found: &[(String, String)], name: &str, value: u64) {
    let value = value.to_string();
    assert!(found.iter().any(|(n, v)| n == name && *v == value), "{name} {value}: {found:?}");
}

#[test]
fn coovachilli_counts_each_way_in_two_words() {
    let Some(answer) = answer("coovachilli") else { return };
    let found = of_vendor(&answer, "ChilliSpot-");
    // As it counts without `swapoctets`: input is what the guest receives.
    has(&found, "ChilliSpot-Max-Input-Octets", LOW);
    has(&found, "ChilliSpot-Max-Input-Gigawords", 1);
    has(&found, "ChilliSpot-Max-Output-Octets", 10 * 1024 * 1024);
    // kbit/s.
    has(&found, "ChilliSpot-Bandwidth-Max-Down", 4096);
    has(&found, "ChilliSpot-Bandwidth-Max-Up", 512);
}

#[test]
fn mikrotik_sees_with_the_eyes_of_the_router() {
    let Some(answer) = answer("mikrotik") else { return };
    let found = of_vendor(&answer, "Mikrotik-");
    // What the router transmits is the guest's download, what it receives the upload.
    has(&found, "Mikrotik-Xmit-Limit", LOW);
    has(&found, "Mikrotik-Xmit-Limit-Gigawords", 1);
    has(&found, "Mikrotik-Recv-Limit", 10 * 1024 * 1024);
    let rate = answer.get("Mikrotik-Rate-Limit").unwrap();
    // Received first; both in bit/s once their letters are read.
    let bits = |text: &str| match text.strip_suffix('k') {
        Some(thousands) => thousands.parse::<u64>().unwrap() * 1000,
        None => text.parse().unwrap(),
    };
    let (received, transmitted) = rate.split_once('/').unwrap();
    assert_eq!((bits(received), bits(transmitted)), (512_000, 4_096_000), "{rate}");
}

#[test]
fn wispr_wants_bits() {
    let Some(answer) = answer("wispr") else { return };
    let found = of_vendor(&answer, "WISPr-");
    has(&found, "WISPr-Bandwidth-Max-Down", 4_096_000);
    has(&found, "WISPr-Bandwidth-Max-Up", 512_000);
}

#[test]
fn others_get_no_words_that_they_do_not_know() {
    let Some(answer) = answer("none") else { return };
    assert_eq!(of_vendor(&answer, "nobody's"), []);
}

#[test]
fn a_voucher_without_end_promises_none() {
    if !installed("radclient") {
        return;
    }
    let ours = Ours::with("option vendor 'mikrotik'", DEAF_PORT);
    ours.voucher("anna", "pear", &[("valid_for", "always")]);
    let answer = log_in(ours.ports, "User-Name = anna\nUser-Password = pear");
    assert_eq!(answer.code, "Access-Accept", "{answer:?}");
    for name in ["Session-Timeout", "Mikrotik-Xmit-Limit", "Mikrotik-Rate-Limit"] {
        assert_eq!(answer.get(name), None, "{answer:?}");
    }
}

#[test]
fn what_the_operator_wants_wins() {
    if !installed("radclient") {
        return;
    }
    let ours = Ours::with("option vendor 'wispr'", DEAF_PORT);
    ours.voucher("anna", "pear", &[("valid_for", "1 hour")]);
    ours.enter(
        "reply anna Session-Timeout := 77
         reply anna WISPr-Bandwidth-Max-Down := 1234567
         reply anna Class := 0x6d696e65
         reply anna Reply-Message := Welcome, Anna",
    );
    let answer = log_in(ours.ports, "User-Name = anna\nUser-Password = pear");
    assert_eq!(answer.code, "Access-Accept", "{answer:?}");
    assert_eq!(answer.all("Session-Timeout"), ["77"], "{answer:?}");
    assert_eq!(answer.all("WISPr-Bandwidth-Max-Down"), ["1234567"], "{answer:?}");
    assert_eq!(answer.all("Reply-Message"), ["Welcome, Anna"], "{answer:?}");
    assert!(answer.all("Class").contains(&"0x6d696e65"), "{answer:?}");
}
