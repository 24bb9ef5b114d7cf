//! Sessions that we end: the access point is asked to, says yes or no, or says nothing.

use serde_json::{Value, json};

use super::nas::Nas;
use super::ours::{DEAF_PORT, Ours};
use super::peers::SECRET;
use super::support::until;
use super::wire::{ACCESS_ACCEPT, ACCOUNTING_RESPONSE, Client, Packet, checked};

const DISCONNECT_REQUEST: u64 = 40;

/// A daemon and an access point whose guest anna is online.
fn with_anna_online(limits: &[(&str, &str)]) -> Option<(Ours, Nas)> {
    let mut ours = None;
    let start = |port| {
        let daemon = Ours::with("option vendor 'coovachilli'", port);
        daemon.voucher("anna", "pear", limits);
        ours.insert(daemon).ports
    };
    let mut nas = Nas::of(start, "127.0.0.1")?;
    let answer = nas.ask(identity(json!({"User-Password": "pear"})));
    assert_eq!(answer["code"], 2, "{answer}");
    let class = answer["attributes"]["Class"][0].clone();
    nas.report(report("Start", json!({"Class": class})));
    Some((ours.unwrap(), nas))
}

/// The attributes that come with everything anna's access point says, and more.
fn identity(mut more: Value) -> Value {
    let same = json!({
        "User-Name": "anna", "NAS-IP-Address": "127.0.0.1", "NAS-Identifier": "lobby-ap",
        "NAS-Port": 7, "Calling-Station-Id": "02-00-00-00-00-01",
        "Framed-IP-Address": "10.9.0.7",
    });
    for (name, value) in same.as_object().unwrap() {
        more[name] = value.clone();
    }
    more
}

fn report(status: &str, mut more: Value) -> Value {
    more["Acct-Status-Type"] = status.into();
    more["Acct-Session-Id"] = "5f3e-a1".into();
    identity(more)
}

fn now() -> u64 {
    let epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    epoch.unwrap().as_secs()
}

/// An order as CoovaChilli, MikroTik and others need it to find the session.
#[track_caller]
fn names_the_session(order: &Value) {
    assert_eq!(order["code"], DISCONNECT_REQUEST, "{order}");
    assert_eq!(order["authentic"], true, "{order}");
    assert_ne!(order["signed"], false, "{order}");
    let attributes = &order["attributes"];
    assert_eq!(attributes["User-Name"], json!(["anna"]), "{order}");
    assert_eq!(attributes["Acct-Session-Id"], json!(["5f3e-a1"]), "{order}");
    assert_eq!(attributes["NAS-IP-Address"], json!(["127.0.0.1"]), "{order}");
    let stamp = attributes["Event-Timestamp"][0].as_u64().unwrap();
    assert!(stamp.abs_diff(now()) < 60, "{order}");
}

#[test]
fn the_operator_closes_a_session() {
    let Some((ours, mut nas)) = with_anna_online(&[]) else { return };
    assert_eq!(ours.sessions().len(), 1);
    ours.cli_ok(&["session", "close", "anna"]);
    let orders = nas.wait_for_orders(1);
    names_the_session(&orders[0]);
    ours.wait_for_sessions("it said yes", |sessions| sessions.is_empty());
    nas.report(report("Stop", json!({"Acct-Session-Time": 5, "Acct-Terminate-Cause": 6})));
    assert_eq!(nas.heard().len(), 1);
}

#[test]
fn by_the_device_as_well() {
    let Some((ours, mut nas)) = with_anna_online(&[]) else { return };
    ours.cli_ok(&["session", "close", "02:00:00:00:00:01"]);
    names_the_session(&nas.wait_for_orders(1)[0]);
    ours.wait_for_sessions("it said yes", |sessions| sessions.is_empty());
}

#[test]
fn a_voucher_that_is_removed() {
    let Some((ours, mut nas)) = with_anna_online(&[]) else { return };
    ours.cli_ok(&["voucher", "remove", "anna"]);
    names_the_session(&nas.wait_for_orders(1)[0]);
    ours.wait_for_sessions("it said yes", |sessions| sessions.is_empty());
}

#[test]
fn a_quota_that_is_used_up() {
    let Some((ours, mut nas)) = with_anna_online(&[("download_limit", "10")]) else { return };
    let megabytes =
        |count: u32| json!({"Acct-Session-Time": 60, "Acct-Output-Octets": count * 1024 * 1024});
    nas.report(report("Interim-Update", megabytes(9)));
    assert_eq!(ours.sessions()[0]["download_left"], 1024 * 1024);
    assert_eq!(nas.heard(), Vec::<Value>::new());
    nas.report(report("Interim-Update", megabytes(11)));
    names_the_session(&nas.wait_for_orders(1)[0]);
    ours.wait_for_sessions("it said yes", |sessions| sessions.is_empty());
    let answer = nas.ask(identity(json!({"User-Password": "pear"})));
    assert_eq!(answer["code"], 3, "{answer}");
}

#[test]
fn a_voucher_whose_time_is_up() {
    // An hour that began an hour ago, but for these seconds.
    let began = now() + 15 - 3600;
    let began = chrono::DateTime::from_timestamp(began as i64, 0).unwrap();
    let began = began.naive_utc().to_string();
    let limits = [("valid_for", "1 hour"), ("valid_from", began.as_str())];
    let Some((ours, mut nas)) = with_anna_online(&limits) else { return };
    // It has half a minute to end the session by itself, as Session-Timeout asks it to.
    until(|| !nas.heard().is_empty());
    names_the_session(&nas.wait_for_orders(1)[0]);
    ours.wait_for_sessions("it said yes", |sessions| sessions.is_empty());
}

#[test]
fn whoever_does_not_know_the_session_has_ended_it() {
    let Some((ours, mut nas)) = with_anna_online(&[]) else { return };
    nas.obey(json!({"how": "nak", "cause": 503}));
    ours.cli_ok(&["session", "close", "anna"]);
    names_the_session(&nas.wait_for_orders(1)[0]);
    ours.wait_for_sessions("nobody has it", |sessions| sessions.is_empty());
}

#[test]
fn whoever_refuses_is_named_in_the_log() {
    let Some((ours, mut nas)) = with_anna_online(&[]) else { return };
    nas.obey(json!({"how": "nak", "cause": 501}));
    ours.cli_ok(&["session", "close", "anna"]);
    names_the_session(&nas.wait_for_orders(1)[0]);
    ours.wait_for_log("501");
    // The guest is still online, and the operator sees it.
    ours.wait_for_sessions("it said no", |sessions| {
        sessions.first().is_some_and(|session| session["trouble"].is_string())
    });
}

#[test]
fn an_order_is_repeated_until_it_is_heard() {
    let Some((ours, mut nas)) = with_anna_online(&[]) else { return };
    nas.obey(json!({"how": "ack", "after": 2}));
    ours.cli_ok(&["session", "close", "anna"]);
    let orders = nas.wait_for_orders(3);
    orders.iter().for_each(names_the_session);
    for pair in orders.windows(2) {
        // A new stamp makes it a new packet, which needs a new id (RFC 5176 section 3).
        let same =
            pair[0]["attributes"]["Event-Timestamp"] == pair[1]["attributes"]["Event-Timestamp"];
        assert_eq!(pair[0]["id"] == pair[1]["id"], same, "{pair:?}");
    }
    ours.wait_for_sessions("it said yes at last", |sessions| sessions.is_empty());
    assert_eq!(nas.heard().len(), 3);
}

#[test]
fn nobody_answers_in_the_access_points_name() {
    let Some((ours, mut nas)) = with_anna_online(&[]) else { return };
    nas.obey(json!({"how": "ack", "forged": true}));
    ours.cli_ok(&["session", "close", "anna"]);
    // What is signed with another secret is no answer, so it is asked again.
    let orders = nas.wait_for_orders(2);
    orders.iter().for_each(names_the_session);
    nas.obey(json!({"how": "ack"}));
    ours.wait_for_sessions("it said yes at last", |sessions| sessions.is_empty());
}

#[test]
fn an_access_point_that_is_deaf_does_not_hold_up_the_others() {
    let Some((ours, mut nas)) = with_anna_online(&[]) else { return };
    nas.obey(json!({"how": "ignore"}));
    ours.cli_ok(&["session", "close", "anna"]);
    nas.wait_for_orders(1);
    ours.voucher("berta", "pear", &[]);
    let answer = nas.ask(json!({"User-Name": "berta", "User-Password": "pear"}));
    assert_eq!(answer["code"], 2, "{answer}");
    // Its own Stop ends the session, whatever has become of the order.
    nas.report(report("Stop", json!({"Acct-Session-Time": 5})));
    ours.wait_for_sessions("it has reported the end", |sessions| sessions.is_empty());
}

/// Somebody signs in at the access point of this address, and is online.
#[track_caller]
fn online(ours: &Ours, address: &str, username: &str, device: &str) {
    let login = Packet::login(1, username, "pear").and(31, device.as_bytes()).signed();
    let answer = Client::from(address, ours.ports.auth).exchange(&login);
    assert_eq!(checked(&answer, &login).code, ACCESS_ACCEPT);
    let start = Packet::account(1, 1, device, username).and(31, device.as_bytes());
    let start = start.stamped(SECRET);
    let answer = Client::from(address, ours.ports.acct).exchange(&start);
    assert_eq!(checked(&answer, &start).code, ACCOUNTING_RESPONSE);
}

#[test]
fn a_client_with_many_deaf_addresses_does_not_hold_up_the_others() {
    let lobby = std::net::UdpSocket::bind("127.0.0.2:0").unwrap();
    lobby.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    let section = |name: &str, address: &str, port: u16| {
        format!(
            "config client '{name}'\noption address '{address}'\noption secret '{SECRET}'\n\
             option coa_port '{port}'\n"
        )
    };
    let ours = Ours::sections(
        &(section("many", "127.0.1.0/24", DEAF_PORT)
            + &section("lobby", "127.0.0.2", lobby.local_addr().unwrap().port())
            + "config voucher 'voucher'\noption devices '100'\n"),
    );
    ours.voucher("crowd", "pear", &[]);
    ours.voucher("anna", "pear", &[]);
    for number in 0..64 {
        let address = format!("127.0.1.{}", number / 8 + 1);
        online(&ours, &address, "crowd", &format!("02-00-00-00-01-{number:02X}"));
    }
    online(&ours, "127.0.0.2", "anna", "02-00-00-00-00-01");
    ours.cli_ok(&["session", "close", "crowd"]);
    ours.cli_ok(&["session", "close", "anna"]);
    // Those of the crowd are given up after half a minute.
    let mut order = [0; 4096];
    let length = lobby.recv(&mut order).expect("an order for anna's session");
    assert_eq!(Packet::parse(&order[..length]).get(44), Some(&b"02-00-00-00-00-01"[..]));
}
