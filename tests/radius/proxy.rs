//! FreeRADIUS as a provider's proxy in front of us, and two access points behind it.

use serde_json::json;

use super::freeradius::FreeRadius;
use super::nas::Nas;
use super::ours::Ours;
use super::peers::{Ports, account, installed, log_in, log_in_all};
use super::wire::{ACCESS_ACCEPT, Client, PROXY_STATE, Packet, checked};

/// Ours with the voucher of anna, and a proxy in front of it.
fn behind_a_proxy() -> Option<(Ours, FreeRadius)> {
    if !installed("radclient") || !installed("freeradius") {
        return None;
    }
    let ours = Ours::start();
    ours.voucher("anna", "green pear", &[("valid_for", "1 hour"), ("download_limit", "100")]);
    let proxy = FreeRadius::proxy_for(ours.ports)?;
    Some((ours, proxy))
}

#[test]
fn every_method_goes_through() {
    let Some((_ours, proxy)) = behind_a_proxy() else { return };
    for method in ["User-Password", "CHAP-Password", "MS-CHAP-Password"] {
        let request = format!("User-Name = anna\n{method} = \"green pear\"\nNAS-Identifier = a");
        let answer = log_in(proxy.ports, &request);
        assert_eq!(answer.code, "Access-Accept", "{method}: {answer:?}");
        assert!((3500..=3600).contains(&answer.number("Session-Timeout")), "{answer:?}");
    }
    // The keys of MS-CHAP are hidden anew on each leg, and still are the right ones.
    let exchange = super::mschap::Exchange::new("anna", "green pear");
    let answer = log_in(proxy.ports, &exchange.attributes());
    let (send, receive) = exchange.keys();
    assert_eq!(answer.get("MS-MPPE-Send-Key"), Some(send.as_str()), "{answer:?}");
    assert_eq!(answer.get("MS-MPPE-Recv-Key"), Some(receive.as_str()), "{answer:?}");
    let wrong = ["User-Name = anna\nUser-Password = x", "User-Name = anna\nCHAP-Password = x"];
    for answer in log_in_all(proxy.ports, &wrong) {
        assert_eq!(answer.code, "Access-Reject", "{answer:?}");
        assert_eq!(answer.get("Reply-Message"), Some("Wrong password."), "{answer:?}");
    }
}

#[test]
fn a_chain_of_proxies_gets_its_own_states_back() {
    let Some((_ours, proxy)) = behind_a_proxy() else { return };
    let client = Client::to(proxy.ports.auth);
    let request = Packet::login(7, "anna", "green pear")
        .and(PROXY_STATE, b"outermost")
        .and(PROXY_STATE, b"inner")
        .signed();
    for _ in 0..3 {
        let answer = checked(&client.exchange(&request), &request);
        assert_eq!(answer.code, ACCESS_ACCEPT);
        assert_eq!(answer.all(PROXY_STATE), [b"outermost".as_slice(), b"inner"]);
    }
}

#[test]
fn two_access_points_behind_one_proxy_stay_apart() {
    let Some((ours, proxy)) = behind_a_proxy() else { return };
    ours.voucher("berta", "pear", &[]);
    let report = |nas: u32, name: &str, status: &str| {
        // Both count their sessions from one, as simple devices do.
        format!(
            "User-Name = {name}\nAcct-Session-Id = 00000001\nAcct-Status-Type = {status}\n\
             NAS-IP-Address = 10.0.0.{nas}\nNAS-Identifier = ap-{nas}\n\
             Calling-Station-Id = 02-00-00-00-00-0{nas}\nAcct-Session-Time = 30\n\
             Acct-Output-Octets = {nas}000"
        )
    };
    for (nas, name) in [(1, "anna"), (2, "berta")] {
        account(proxy.ports, &report(nas, name, "Start"));
        account(proxy.ports, &report(nas, name, "Interim-Update"));
    }
    let mut sessions: Vec<(String, u64)> = ours
        .sessions()
        .iter()
        .map(|it| (it["login"].as_str().unwrap().to_owned(), it["download"].as_u64().unwrap()))
        .collect();
    sessions.sort();
    assert_eq!(sessions, [("anna".to_owned(), 1000), ("berta".to_owned(), 2000)]);
    // The first one restarts; the other one's guests are none of its business.
    let restart = "Acct-Status-Type = Accounting-On\nNAS-IP-Address = 10.0.0.1\n\
                   NAS-Identifier = ap-1\nAcct-Session-Id = 0";
    account(proxy.ports, restart);
    let sessions = ours.sessions();
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    assert_eq!(sessions[0]["login"], "berta");
}

#[test]
fn an_access_point_of_pyrad_through_the_proxy() {
    let Some((ours, proxy)) = behind_a_proxy() else { return };
    let to: Ports = proxy.ports;
    let Some(mut nas) = Nas::of(|_| to, "127.0.0.3") else { return };
    let answer = nas.ask(json!({"User-Name": "anna", "User-Password": "green pear"}));
    assert_eq!(answer["code"], 2, "{answer}");
    let class = answer["attributes"]["Class"][0].clone();
    let start = json!({
        "User-Name": "anna", "Acct-Status-Type": "Start", "Acct-Session-Id": "77",
        "NAS-Identifier": "pool", "Class": class, "Calling-Station-Id": "02-00-00-00-00-03",
    });
    nas.report(start);
    assert_eq!(ours.sessions().len(), 1);
}
