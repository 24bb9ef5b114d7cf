//! The RADIUS server around a request: who may ask, what is dropped, what comes twice, how long a
//! reject takes, and what an operator gets to see of it.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::radius::*;
use crate::support::until;

const HERE: [u8; 4] = [127, 0, 0, 1];
const THERE: [u8; 4] = [127, 0, 0, 2];

#[test]
fn status_is_answered_on_both_ports() {
    let radius = Radius::start();
    let nas = AccessPoint::at(HERE);
    let status = Packet::new(STATUS_SERVER, 1).bytes();
    assert_eq!(nas.ask(&status, radius.auth)[0], ACCESS_ACCEPT);
    assert_eq!(nas.ask(&status, radius.acct)[0], ACCOUNTING_RESPONSE);
    assert_eq!(radius.standing("lobby")["status"], 2);
    assert!(radius.daemon.log().contains("RADIUS at 127.0.0.1:"));
}

#[test]
fn strangers_get_no_answer_and_are_named() {
    let radius = Radius::start();
    let stranger = AccessPoint::at(THERE);
    for identifier in 0..3 {
        stranger.send(&Packet::new(STATUS_SERVER, identifier).bytes(), radius.auth);
    }
    assert!(until(|| radius.daemon.log().contains("127.0.0.2")));
    let row = || radius.standing("127.0.0.2");
    assert!(until(|| row()["requests"] == 3), "{}", row());
    assert!(stranger.is_silent());
    let table = radius.daemon.cli_ok(&["client", "list"]);
    let line = table.lines().find(|line| line.contains("127.0.0.2")).unwrap();
    assert!(line.starts_with("- ") && line.ends_with("no client section"), "{table}");
    // However many packets come, the log has one line.
    assert_eq!(radius.daemon.log().matches("no client section has this address").count(), 1);
}

#[test]
fn a_wrong_secret_is_diagnosed_in_one_look() {
    let radius = Radius::start();
    let nas = AccessPoint::at(HERE);
    let wrong = |packet: Packet| Packet { secret: "mistyped".to_owned(), ..packet };
    nas.send(&wrong(Packet::access(1, "room12", "x")).bytes(), radius.auth);
    radius.wait_for_drops("lobby", "wrong shared secret", 1);
    let table = radius.daemon.cli_ok(&["client", "list"]);
    let line = table.lines().find(|line| line.starts_with("lobby")).unwrap();
    assert!(line.contains("  wrong shared secret, "), "{table}");
    let shown = radius.daemon.cli_ok(&["client", "show", "lobby"]);
    let advice = "the shared secret in its settings is not the one in section 'lobby'";
    assert!(shown.contains(advice), "{shown}");
    assert!(radius.daemon.log().contains(advice));
    nas.send(&wrong(Packet::start(2, "s1")).bytes(), radius.acct);
    radius.wait_for_drops("lobby", "wrong shared secret for accounting", 1);
    let mut forged = Packet::start(3, "s1");
    forged.signed = true;
    let mut bytes = forged.bytes();
    // Whoever changes a byte on the way breaks the Request Authenticator.
    bytes[25] ^= 1;
    nas.send(&bytes, radius.acct);
    radius.wait_for_drops("lobby", "wrong shared secret for accounting", 2);
    assert!(nas.is_silent());
    for secret in [SECRET, "mistyped"] {
        assert!(!radius.daemon.log().contains(secret) && !shown.contains(secret));
    }
    let unknown = radius.daemon.cli(&["client", "show", "attic"]);
    assert_eq!(unknown.status.code(), Some(1));
}

#[test]
fn what_is_no_request_is_dropped_and_counted() {
    let radius = Radius::start();
    let nas = AccessPoint::at(HERE);
    let good = Packet::access(1, "room12", "x").bytes();
    let mut long = good.clone();
    long[3] += 1;
    let mut empty_attribute = good.clone();
    empty_attribute[21] = 1;
    for malformed in [&b"x"[..], &good[..19], &good[..good.len() - 1], &long, &empty_attribute] {
        nas.send(malformed, radius.auth);
    }
    radius.wait_for_drops("lobby", "malformed packet", 5);
    nas.send(&good, radius.acct);
    nas.send(&Packet::start(2, "s1").bytes(), radius.auth);
    nas.send(&Packet::new(ACCESS_ACCEPT, 3).bytes(), radius.auth);
    radius.wait_for_drops("lobby", "wrong port", 3);
    nas.nothing_but_status(4, radius.auth);
    nas.nothing_but_status(4, radius.acct);
    assert_eq!(radius.standing("lobby")["requests"], 10);
}

#[test]
fn who_asks_for_eap_is_told_no_and_the_operator_why() {
    let radius = Radius::start();
    let nas = AccessPoint::at(HERE);
    let identity = [2, 33, 0, 9, 1, b'a', b'n', b'n', b'a'];
    let request = Packet::new(ACCESS_REQUEST, 1).with(USER_NAME, b"anna");
    let request = request.with(EAP_MESSAGE, &identity).bytes();
    assert_eq!(nas.ask(&request, radius.auth)[0], ACCESS_REJECT);
    let table = radius.daemon.cli_ok(&["client", "list"]);
    let line = table.lines().find(|line| line.starts_with("lobby")).unwrap();
    assert!(line.contains("asks for EAP (WPA-Enterprise), which is not served"), "{table}");
    let row = radius.standing("lobby");
    assert_eq!((&row["rejected"], &row["dropped"]), (&1.into(), &serde_json::json!({})));
    assert!(row["advice"].as_str().unwrap().contains("login page"), "{row}");
    assert!(radius.daemon.log().contains("client 'lobby' at 127.0.0.1 is told no"));
}

#[test]
fn message_authenticator_is_required_unless_the_section_says_otherwise() {
    let clients = client("strict", "127.0.0.1", "")
        + &client("old", "127.0.0.2", "option require_message_authenticator 0");
    let radius = Radius::with("127.0.0.1", &clients);
    let (strict, old) = (AccessPoint::at(HERE), AccessPoint::at(THERE));
    let plain = Packet::access(1, "nobody", "x").unsigned();
    strict.send(&plain.bytes(), radius.auth);
    radius.wait_for_drops("strict", "no Message-Authenticator", 1);
    let advice = radius.standing("strict")["advice"].as_str().unwrap().to_owned();
    assert!(
        advice.contains("require_message_authenticator to '0' in section 'strict'"),
        "{advice}"
    );
    assert_eq!(old.ask(&plain.bytes(), radius.auth)[0], ACCESS_REJECT);
    // The way of CVE-2024-3596 stays shut.
    let proxied = plain.clone().with(PROXY_STATE, b"p");
    old.send(&proxied.bytes(), radius.auth);
    radius.wait_for_drops("old", "Proxy-State without Message-Authenticator", 1);
    let signed = Packet::access(2, "nobody", "x").with(PROXY_STATE, b"p");
    assert_eq!(old.ask(&signed.bytes(), radius.auth)[0], ACCESS_REJECT);
    // A wrong one is worse than none.
    let wrong = Packet { secret: "mistyped".to_owned(), ..Packet::access(3, "nobody", "x") };
    old.send(&wrong.bytes(), radius.auth);
    radius.wait_for_drops("old", "wrong shared secret", 1);
    // Without one, a password that is no text is the only sign of a wrong secret.
    let unreadable = Packet::new(ACCESS_REQUEST, 4)
        .with(USER_NAME, b"nobody")
        .with(USER_PASSWORD, &[0xff; 16])
        .unsigned();
    let unreadable = Packet { authenticator: [0; 16], ..unreadable };
    old.send(&unreadable.bytes(), radius.auth);
    radius.wait_for_drops("old", "unreadable password", 1);
    for (nas, identifier) in [(&old, 5), (&strict, 6)] {
        nas.send(&Packet::new(STATUS_SERVER, identifier).unsigned().bytes(), radius.auth);
        nas.nothing_but_status(identifier, radius.auth);
    }
    radius.wait_for_drops("old", "no Message-Authenticator", 1);
}

#[test]
fn a_duplicate_gets_the_same_bytes_or_none() {
    let radius = Radius::start();
    let nas = AccessPoint::at(HERE);
    let report = Packet::start(7, "s1").bytes();
    let first = nas.ask(&report, radius.acct);
    for _ in 0..3 {
        assert_eq!(nas.ask(&report, radius.acct), first);
    }
    let row = radius.standing("lobby");
    assert_eq!((&row["accounting"], &row["duplicates"]), (&1.into(), &3.into()));
    // A reject that still waits is under way: however often it is asked for, it comes once.
    let request = Packet::access(8, "nobody", "x").bytes();
    for _ in 0..5 {
        nas.send(&request, radius.auth);
    }
    let reject = nas.receive().0;
    assert_eq!(genuine(&reject, &request), ACCESS_REJECT);
    assert!(nas.is_silent());
    assert_eq!(nas.ask(&request, radius.auth), reject);
    let row = radius.standing("lobby");
    assert_eq!((&row["rejected"], &row["duplicates"]), (&1.into(), &8.into()));
    // The same identifier for something else: the old request is given up.
    let old = Packet::access(9, "nobody", "x").bytes();
    let new = Packet::access(9, "somebody", "y").bytes();
    nas.send(&old, radius.auth);
    nas.send(&new, radius.auth);
    assert_eq!(genuine(&nas.receive().0, &new), ACCESS_REJECT);
    nas.nothing_but_status(10, radius.auth);
    // From another port it is somebody else's.
    let other = AccessPoint::at(HERE);
    assert_eq!(other.ask(&report, radius.acct), first);
    assert_eq!(radius.standing("lobby")["accounting"], 2);
}

#[test]
fn rejects_wait_a_second_side_by_side() {
    let radius = Radius::start();
    let nas = AccessPoint::at(HERE);
    let requests: Vec<_> = (0..50).map(|it| Packet::access(it, "nobody", "x").bytes()).collect();
    let began = Instant::now();
    requests.iter().for_each(|request| nas.send(request, radius.auth));
    // Nobody waits for them who asks something else.
    nas.nothing_but_status(99, radius.auth);
    let mut heard = Vec::new();
    for _ in &requests {
        let answer = nas.receive().0;
        let request = &requests[usize::from(answer[1])];
        assert_eq!(genuine(&answer, request), ACCESS_REJECT);
        assert!(began.elapsed() >= Duration::from_millis(990), "{:?}", began.elapsed());
        heard.push(answer[1]);
    }
    // One after the other they would take 50 s: more than a hanging test may.
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
    heard.sort_unstable();
    heard.dedup();
    assert_eq!(heard.len(), 50);
    assert_eq!(radius.standing("lobby")["rejected"], 50);
}

#[test]
fn answers_come_from_the_address_that_was_asked() {
    let radius = Radius::with("0.0.0.0", &client("lobby", "127.0.0.0/8", ""));
    let nas = AccessPoint::at([127, 0, 0, 9]);
    for ours in [[127, 0, 0, 1], [127, 0, 0, 2], [127, 1, 2, 3]] {
        let mut to = radius.auth;
        to.set_ip(ours.into());
        // `ask` looks where the answer comes from.
        let status = nas.ask(&Packet::new(STATUS_SERVER, 1).bytes(), to);
        assert_eq!(status[0], ACCESS_ACCEPT);
        let reject = nas.ask(&Packet::access(2, "nobody", "x").bytes(), to);
        assert_eq!(reject[0], ACCESS_REJECT);
    }
    assert_eq!(radius.standing("lobby")["status"], 3);
}

pub fn reload(radius: &Radius) {
    let said = || radius.daemon.log().matches("configuration read again").count();
    let before = said();
    radius.daemon.signal(Signal::SIGHUP);
    assert!(until(|| said() > before));
}

#[test]
fn clients_come_and_go_and_counters_stay() {
    let radius = Radius::start();
    let (old, new) = (AccessPoint::at(HERE), AccessPoint::at(THERE));
    old.nothing_but_status(1, radius.auth);
    new.send(&Packet::new(STATUS_SERVER, 1).bytes(), radius.auth);
    assert!(until(|| radius.daemon.log().contains("no client section")));
    let added = client("roof", "127.0.0.2", "");
    radius.daemon.edit_config("config client lobby", &format!("{added}config client lobby"));
    reload(&radius);
    new.nothing_but_status(2, radius.auth);
    old.nothing_but_status(2, radius.auth);
    assert_eq!(radius.standing("lobby")["status"], 2);
    // Whoever has a section now is no stranger any more.
    let list = radius.daemon.cli_ok(&["client", "list"]);
    assert!(!list.contains("no client section"), "{list}");
    radius.daemon.edit_config(&added, "");
    reload(&radius);
    new.send(&Packet::new(STATUS_SERVER, 3).bytes(), radius.auth);
    assert!(until(|| radius.daemon.cli_ok(&["client", "list"]).contains("no client section")));
    assert!(new.is_silent());
}

#[test]
fn addresses_come_and_go() {
    let radius = Radius::start();
    let nas = AccessPoint::at(HERE);
    let listening = |radius: &Radius| {
        let check = radius.daemon.cli_ok(&["check"]);
        check.lines().find(|line| line.contains("  radius  ")).unwrap().to_owned()
    };
    let both = format!("listening on {}, {}; clients: 1", radius.auth, radius.acct);
    let other_way = format!("listening on {}, {}; clients: 1", radius.acct, radius.auth);
    let line = listening(&radius);
    assert!(line.ends_with(&both) || line.ends_with(&other_way), "{line}");
    // The ports change places.
    let (auth, acct) = (radius.auth.port(), radius.acct.port());
    let ports = |auth, acct| format!("option auth_port {auth}\noption acct_port {acct}");
    radius.daemon.edit_config(&ports(auth, acct), &ports(acct, auth));
    reload(&radius);
    let status = Packet::new(STATUS_SERVER, 1).bytes();
    assert_eq!(nas.ask(&status, radius.acct)[0], ACCESS_ACCEPT);
    assert_eq!(nas.ask(&status, radius.auth)[0], ACCOUNTING_RESPONSE);
    assert!(!radius.daemon.log().contains("cannot listen"));
    radius.daemon.edit_config("config radius\noption enabled 1", "config radius\noption enabled 0");
    reload(&radius);
    assert!(listening(&radius).ends_with("  off"));
    // Nobody has the ports any more.
    let taken: Vec<_> = [radius.auth, radius.acct].map(std::net::UdpSocket::bind).into();
    assert!(taken.iter().all(Result::is_ok), "{taken:?}");
    radius.daemon.edit_config("config radius\noption enabled 0", "config radius\noption enabled 1");
    reload(&radius);
    let check = radius.daemon.cli(&["check"]);
    assert_eq!(check.status.code(), Some(78));
    let told = String::from_utf8_lossy(&check.stdout).into_owned();
    assert!(told.contains(&format!("cannot listen on {}", radius.auth)), "{told}");
    drop(taken);
    radius.daemon.wait_for_log(&format!("radius: listening on {} now", radius.auth));
    radius.daemon.wait_for_log(&format!("radius: listening on {} now", radius.acct));
    assert_eq!(nas.ask(&status, radius.acct)[0], ACCESS_ACCEPT);
}

#[test]
fn a_crowd_with_slow_hashes_is_let_in_one_after_the_other() {
    let radius = Radius::start();
    // `openssl passwd -1 -salt abc pw`
    let hash = "$1$abc$Kb85XxsXB.VXinPhbS4431";
    let names: Vec<String> = (0..40).map(|number| format!("c{number}")).collect();
    for name in &names {
        let row = format!("Crypt-Password := \"{hash}\"");
        radius.daemon.cli_ok(&["user", "check", name, &row]);
    }
    let crowd: Vec<AccessPoint> = names.iter().map(|_| AccessPoint::at(HERE)).collect();
    for (nas, name) in crowd.iter().zip(&names) {
        nas.send(&Packet::access(1, name, "pw").bytes(), radius.auth);
    }
    for nas in &crowd {
        assert_eq!(nas.receive().0[0], ACCESS_ACCEPT);
    }
}

#[test]
fn a_code_that_is_its_own_passcode_is_in_no_log_line() {
    let orders = AccessPoint::at(HERE);
    let port = orders.socket.local_addr().unwrap().port();
    let coa = format!("option coa_port {port}");
    let radius = Radius::with("127.0.0.1", &client("lobby", "127.0.0.1", &coa));
    let code = "kq7-mellow";
    radius.daemon.cli_ok(&["voucher", "create", "--username", code, "--passcode", code]);
    let nas = AccessPoint::at(HERE);
    assert_eq!(nas.ask(&Packet::access(1, code, code).bytes(), radius.auth)[0], ACCESS_ACCEPT);
    let start = Packet::new(ACCOUNTING_REQUEST, 2)
        .with(ACCT_STATUS_TYPE, &1_u32.to_be_bytes())
        .with(ACCT_SESSION_ID, b"s1")
        .with(USER_NAME, code.as_bytes());
    nas.ask(&start.bytes(), radius.acct);
    radius.daemon.cli_ok(&["session", "close", code]);
    let (order, from) = orders.receive();
    orders.send(&reply(DISCONNECT_ACK, &order), from);
    radius.daemon.wait_for_log("radius: session 1 at 'lobby', Admin-Reset: Done");
    let log = radius.daemon.log();
    assert!(!log.to_lowercase().contains(code), "{log}");
}
