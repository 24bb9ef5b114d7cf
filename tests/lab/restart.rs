//! The daemon comes and goes; guests stay.

use crate::support::{Flow, Hotspot, until};

/// Guests go on while the daemon is away, and it counts them as if it had never been.
fn guests_do_not_notice(end: impl FnOnce(&mut Hotspot)) {
    let Some(mut hotspot) = Hotspot::open() else { return };
    let (guest, internet) = (hotspot.lab.node("guest1"), hotspot.lab.node("internet"));
    let (address, wan) = (guest.ipv4(), hotspot.lab.fact("wan4").to_owned());
    hotspot.sign_in(&guest, &hotspot.voucher(&[]));
    let mut down = Flow::start(&guest, &format!("count udp {address} 5000"));
    let mut up = Flow::start(&internet, &format!("count udp {wan} 5000"));
    let _source = Flow::start(&internet, &format!("send udp {address} 5000 1000 0"));
    let _sink = Flow::start(&guest, &format!("send udp {wan} 5000 1000 0"));
    down.goes_on(100);
    up.goes_on(100);
    end(&mut hotspot);
    down.goes_on(300);
    up.goes_on(300);
    assert!(guest.sees_site("-6"));
    hotspot.start();
    down.goes_on(100);
    up.goes_on(100);
    let (downloaded, uploaded) = (down.passed().octets, up.passed().octets);
    let counted = until(|| {
        let usage = hotspot.usage(&guest);
        usage.download >= downloaded && usage.upload >= uploaded
    });
    assert!(counted, "{:?} of {downloaded} and {uploaded}", hotspot.usage(&guest));
    // Nothing is counted twice: neither way by more than has been sent, headers and all.
    let usage = hotspot.usage(&guest);
    for (counted, passed) in [(usage.download, down.passed()), (usage.upload, up.passed())] {
        let most = passed.octets + passed.pieces * 42 + 100_000;
        assert!(counted <= most, "{counted} of {most}");
    }
}

#[test]
fn guests_do_not_notice_a_crash() {
    guests_do_not_notice(Hotspot::kill);
}

#[test]
fn guests_do_not_notice_a_restart() {
    guests_do_not_notice(Hotspot::stop);
}

#[test]
fn strangers_stay_out_while_the_daemon_is_dead() {
    let Some(mut hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest1");
    hotspot.kill();
    guest.ipv6();
    for wan in [hotspot.lab.fact("wan4"), hotspot.lab.fact("wan6")] {
        assert_eq!(guest.peer(&format!("greet {wan} 443")), "Connection refused");
        assert_eq!(guest.peer(&format!("echo {wan} 4000 5")), "lost");
        assert!(!guest.pings(wan), "{wan}");
    }
}
