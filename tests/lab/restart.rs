//! The daemon comes and goes; guests stay.

use rusqlite::Connection;

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

/// The store as the version before this one would have left it.
fn to_the_schema_before(hotspot: &Hotspot) {
    let store = Connection::open(hotspot.database()).unwrap();
    store
        .execute_batch(
            "DROP TABLE nas_peer; DROP TABLE nas_session; DROP TABLE account; DROP TABLE radcheck;
             DROP TABLE radreply;
             DROP TABLE radgroupcheck; DROP TABLE radgroupreply; DROP TABLE radusergroup;
             DROP INDEX session_by_login; ALTER TABLE session DROP COLUMN login_folded;
             DROP TABLE open_batch; ALTER TABLE voucher DROP COLUMN batch;
             ALTER TABLE voucher DROP COLUMN passcode_generated;
             ALTER TABLE login DROP COLUMN times;
             PRAGMA user_version = 2",
        )
        .unwrap();
}

#[test]
fn not_a_packet_is_lost_over_an_upgrade_and_a_reload() {
    const PIECES: u64 = 20_000;
    let Some(mut hotspot) = Hotspot::open() else { return };
    let (guest, internet) = (hotspot.lab.node("guest1"), hotspot.lab.node("internet"));
    let (address, wan) = (guest.ipv4(), hotspot.lab.fact("wan4").to_owned());
    hotspot.sign_in(&guest, &hotspot.voucher(&[]));
    let session = hotspot.active(&guest).unwrap()["logins"].clone();
    let mut down = Flow::start(&guest, &format!("count udp {address} 5000"));
    let mut up = Flow::start(&internet, &format!("count udp {wan} 5000"));
    let mut source = Flow::start(&internet, &format!("send udp {address} 5000 1000 {PIECES}"));
    let mut sink = Flow::start(&guest, &format!("send udp {wan} 5000 1000 {PIECES}"));
    down.goes_on(100);
    up.goes_on(100);
    hotspot.stop();
    to_the_schema_before(&hotspot);
    hotspot.start();
    hotspot.reconfigure("option idle_timeout '600'", "");
    // All of it happened while they were on their way.
    assert!(source.passed().pieces < PIECES && sink.passed().pieces < PIECES);
    for (sender, receiver) in [(&mut source, &mut down), (&mut sink, &mut up)] {
        while sender.passed().pieces < PIECES {
            sender.goes_on(1);
        }
        let all = until(|| receiver.passed().pieces == PIECES);
        assert!(all, "{:?} of {PIECES}", receiver.passed());
    }
    assert_eq!(hotspot.active(&guest).unwrap()["logins"], session);
    assert_eq!(hotspot.all_active().len(), 1);
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
