//! Guessing codes.

use std::net::IpAddr;
use std::time::Instant;

use crate::support::{Answer, Hotspot, Node};

/// Enough to find that it leads nowhere.
const TRIES: usize = 40;

fn guess(hotspot: &Hotspot, guest: &Node, from: Option<IpAddr>, number: usize) -> Answer {
    let code = format!("{number:08}");
    hotspot.portal().post_from(guest, from, "/login", &[("code", &code)])
}

#[test]
fn guessing_is_slowed_down_for_the_device_and_nobody_else() {
    let Some(hotspot) = Hotspot::open() else { return };
    let (guest, other) = (hotspot.lab.node("guest2"), hotspot.lab.node("guest3"));
    let voucher = hotspot.voucher(&[]);
    let blocked = |answer: &Answer| answer.headers.contains_key("retry-after");
    let first = (0..TRIES).find(|number| blocked(&guess(&hotspot, &guest, None, *number)));
    assert!(first.is_some(), "{TRIES} wrong codes were all heard");
    // Even the right one is not heard now, or guessing would pay.
    let answer = hotspot.portal().sign_in(&guest, &voucher);
    assert!(blocked(&answer), "{answer:?}");
    assert!(!guest.sees_site("-4"));
    hotspot.sign_in(&other, &voucher);
}

#[test]
fn other_addresses_of_the_device_do_not_help() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest2");
    let addresses: Vec<IpAddr> =
        (30..40).map(|last| format!("192.168.77.{last}").parse().unwrap()).collect();
    for address in &addresses {
        guest.ip(&format!("address add {address}/24 dev eth0"));
    }
    let mut heard = 0;
    for number in 0..TRIES {
        let from = addresses[number % addresses.len()];
        let answer = guess(&hotspot, &guest, Some(from), number);
        heard += usize::from(!answer.headers.contains_key("retry-after"));
    }
    assert!(heard < TRIES / 2, "{heard} of {TRIES} were heard");
}

/// Another device, as far as anybody can tell: with another MAC address and another address.
fn becomes(guest: &Node, number: u8) {
    guest.ip("address flush dev eth0");
    guest.ip(&format!("link set eth0 address 02:00:00:00:66:{number:02x}"));
    guest.ip(&format!("address add 192.168.77.{}/24 dev eth0", 30 + number));
}

fn is_told_to_wait(answer: &Answer) -> bool {
    answer.status == 429 && answer.headers.contains_key("retry-after")
}

#[test]
fn invented_devices_do_not_make_short_codes_guessable_and_lock_out_nobody_who_was_in() {
    let Some(hotspot) = Hotspot::open() else { return };
    let [known, attacker, new] = ["guest1", "guest2", "guest3"].map(|name| hotspot.lab.node(name));
    hotspot.voucher(&["--username", "2468", "--passcode", "2468"]);
    let chosen = hotspot.voucher(&["--username", "room12", "--passcode", "sesame"]);
    hotspot.sign_in(&known, &chosen);
    hotspot.portal().post(&known, "/logout", &[]);
    let (began, mut heard) = (Instant::now(), 0);
    for device in 0..15 {
        becomes(&attacker, device);
        for number in 0..10 {
            let answer = guess(&hotspot, &attacker, None, usize::from(device) * 10 + number);
            heard += usize::from(!is_told_to_wait(&answer));
        }
    }
    let forgiven = began.elapsed().as_secs() as usize / 10 + 1;
    assert!((90..=100 + forgiven).contains(&heard), "{heard} heard, {forgiven} forgiven");
    // Whoever is new has to wait with a code that can be guessed, though it is right.
    let mut device = 15;
    let waits = |answer: &Answer| is_told_to_wait(answer) && answer.body.contains("Others have");
    let waited = (0..5).any(|_| {
        becomes(&attacker, device);
        device += 1;
        guess(&hotspot, &attacker, None, 1000);
        waits(&hotspot.portal().post(&new, "/login", &[("code", "2468")]))
    });
    assert!(waited, "the limit has gone:\n{}", hotspot.log());
    // Not with one that cannot; and who was in before does not wait at all.
    hotspot.sign_in(&new, &hotspot.voucher(&[]));
    hotspot.sign_in(&known, &chosen);
    let told = "most likely by somebody who guesses; devices that are new there have to wait";
    assert!(hotspot.log().contains(told), "{}", hotspot.log());
    let lines = hotspot.log().matches("too many wrong codes").count();
    assert!(lines < 2 + began.elapsed().as_secs() as usize / 60 * 2 + 2, "{}", hotspot.log());
}

#[test]
fn a_username_that_is_guessed_at_lets_in_the_device_that_was_in() {
    let Some(hotspot) = Hotspot::open() else { return };
    let [known, attacker, new] = ["guest1", "guest2", "guest3"].map(|name| hotspot.lab.node(name));
    let voucher = hotspot.voucher(&["--username", "room12", "--passcode", "sesame"]);
    hotspot.sign_in(&known, &voucher);
    hotspot.portal().post(&known, "/logout", &[]);
    let guess = |device: u8| {
        becomes(&attacker, device);
        let wrong = [("username", "room12"), ("passcode", "wrong")];
        (0..8).for_each(|_| drop(hotspot.portal().post(&attacker, "/login", &wrong)));
    };
    (0..4).for_each(guess);
    // One is forgiven every five seconds.
    let waited = (4..8).any(|device| {
        guess(device);
        is_told_to_wait(&hotspot.portal().sign_in(&new, &voucher))
    });
    assert!(waited, "nobody is held up:\n{}", hotspot.log());
    hotspot.sign_in(&known, &voucher);
}

#[test]
fn codes_are_taken_as_they_are_copied() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest2");
    let voucher = hotspot.voucher(&[]);
    let typed = [
        format!("{}\u{2013}{}", voucher.username.to_uppercase(), voucher.passcode.to_uppercase()),
        format!("\u{feff}{}\t{}\u{200b}\n", voucher.username, voucher.passcode),
    ];
    for code in &typed {
        let answer = hotspot.portal().post(&guest, "/login", &[("code", code)]);
        assert!(guest.sees_site("-4"), "{code:?}: {answer:?}");
        hotspot.portal().post(&guest, "/logout", &[]);
    }
    let passcode = voucher.passcode.to_uppercase().replacen(
        &voucher.passcode[..1].to_uppercase(),
        &format!("{}\u{2011}", &voucher.passcode[..1]),
        1,
    );
    let fields = [("username", &*voucher.username), ("passcode", &*passcode)];
    let answer = hotspot.portal().post(&guest, "/login", &fields);
    assert!(guest.sees_site("-4"), "{passcode:?}: {answer:?}");
}
