//! What an access point reports, and where the operator sees it.

use serde_json::Value;

use super::ours::Ours;
use super::peers::{SECRET, account, ask, installed, log_in};
use super::wire::{ACCOUNTING_RESPONSE, Client, Packet, checked};

const MAC: &str = "02:00:00:00:00:01";

/// A report of anna's device.
fn report(session: &str, status: &str, more: &str) -> String {
    format!(
        "User-Name = anna\nAcct-Session-Id = {session}\nAcct-Status-Type = {status}\n\
         NAS-IP-Address = 127.0.0.1\nNAS-Identifier = lobby-ap\nNAS-Port = 7\n\
         Calling-Station-Id = 02-00-00-00-00-01\nFramed-IP-Address = 10.9.0.7\n{more}"
    )
}

fn with_anna(limits: &[(&str, &str)]) -> Option<Ours> {
    installed("radclient").then(|| {
        let ours = Ours::start();
        ours.voucher("anna", "pear", limits);
        let answer = log_in(ours.ports, "User-Name = anna\nUser-Password = pear");
        assert_eq!(answer.code, "Access-Accept", "{answer:?}");
        ours
    })
}

#[test]
fn a_session_from_its_beginning_to_its_end() {
    let Some(ours) = with_anna(&[("valid_for", "1 hour")]) else { return };
    let request = "User-Name = anna\nUser-Password = pear\nNAS-IP-Address = 127.0.0.1\n\
                   NAS-Identifier = lobby-ap\nCalling-Station-Id = 02-00-00-00-00-01";
    let answer = log_in(ours.ports, request);
    assert_eq!(answer.code, "Access-Accept", "{answer:?}");
    let class = format!("Class = {}\n", answer.get("Class").unwrap());

    account(ours.ports, &report("a1", "Start", &class));
    let sessions = ours.sessions();
    let [session] = sessions.as_slice() else { panic!("{sessions:?}") };
    assert_eq!((&session["login"], &session["MAC"]), (&"anna".into(), &MAC.into()), "{session}");
    assert_eq!(session["address"], "10.9.0.7", "{session}");
    assert_eq!((&session["download"], &session["upload"]), (&0.into(), &0.into()), "{session}");

    // Input is what comes in at the access point: the guest's upload.
    let usage = "Acct-Session-Time = 120\nAcct-Input-Octets = 1000\nAcct-Output-Octets = 50000\n";
    account(ours.ports, &report("a1", "Interim-Update", &format!("{usage}{class}")));
    let session = &ours.sessions()[0];
    assert_eq!(session["download"], 50_000, "{session}");
    assert_eq!(session["upload"], 1_000, "{session}");
    let guests = ours.get(&[("action", "get_active_guests")]).json();
    let [guest] = guests["data"].as_array().unwrap().as_slice() else { panic!("{guests}") };
    assert_eq!(guest["mac-address"], MAC, "{guest}");
    assert_eq!(guest["bytes-out"], "50000", "{guest}");
    assert_eq!(guest["bytes-in"], "1000", "{guest}");

    let usage = "Acct-Session-Time = 180\nAcct-Input-Octets = 2000\nAcct-Output-Octets = 60000\n\
                 Acct-Terminate-Cause = User-Request\n";
    account(ours.ports, &report("a1", "Stop", &format!("{usage}{class}")));
    assert_eq!(ours.sessions(), Vec::<Value>::new());
    let guests = ours.get(&[("action", "get_active_guests")]).json();
    assert_eq!(guests["data"], Value::Array(Vec::new()), "{guests}");
    let voucher = &ours.vouchers()[0];
    assert_eq!(voucher["MAC"], MAC, "{voucher}");
    assert!(voucher["first_login"].is_string(), "{voucher}");
}

#[test]
fn what_was_used_survives_the_power() {
    let Some(mut ours) = with_anna(&[("download_limit", "10")]) else { return };
    account(ours.ports, &report("a1", "Start", ""));
    let eight = 8 * 1024 * 1024;
    let usage = format!("Acct-Session-Time = 60\nAcct-Output-Octets = {eight}\n");
    account(ours.ports, &report("a1", "Stop", &usage));
    ours.daemon.kill();
    ours.daemon.launch();
    account(ours.ports, &report("a2", "Start", ""));
    let session = &ours.sessions()[0];
    assert_eq!(session["download_left"], 2 * 1024 * 1024, "{session}");
}

#[test]
fn gigawords() {
    let Some(ours) = with_anna(&[("download_limit", "20000")]) else { return };
    account(ours.ports, &report("a1", "Start", ""));
    let usage = "Acct-Session-Time = 60\nAcct-Output-Octets = 5\nAcct-Output-Gigawords = 3\n\
                 Acct-Input-Octets = 6\nAcct-Input-Gigawords = 1\n";
    account(ours.ports, &report("a1", "Interim-Update", usage));
    let session = &ours.sessions()[0];
    assert_eq!(session["download"], (3_u64 << 32) + 5, "{session}");
    assert_eq!(session["upload"], (1_u64 << 32) + 6, "{session}");
}

#[test]
fn a_counter_without_gigawords_that_wraps_goes_on() {
    let Some(ours) = with_anna(&[]) else { return };
    account(ours.ports, &report("a1", "Start", ""));
    for (time, octets) in [(60, 4_000_000_000_u64), (120, 705_032_704)] {
        let usage = format!("Acct-Session-Time = {time}\nAcct-Output-Octets = {octets}\n");
        account(ours.ports, &report("a1", "Interim-Update", &usage));
    }
    let session = &ours.sessions()[0];
    assert_eq!(session["download"], 5_000_000_000_u64, "{session}");
}

#[test]
fn reports_in_the_wrong_order_and_without_a_beginning() {
    let Some(ours) = with_anna(&[]) else { return };
    let usage = |time: u32, octets: u32| {
        format!("Acct-Session-Time = {time}\nAcct-Output-Octets = {octets}\n")
    };
    // The Start was lost.
    account(ours.ports, &report("a1", "Interim-Update", &usage(300, 3000)));
    let session = &ours.sessions()[0];
    assert_eq!(session["download"], 3000, "{session}");
    // No longer than since the sign-in, which was just now.
    assert!(session["uptime"].as_u64().unwrap() < 300, "{session}");
    // An older one was under way for longer: nothing shrinks.
    account(ours.ports, &report("a1", "Interim-Update", &usage(240, 2000)));
    assert_eq!(ours.sessions()[0]["download"], 3000);
    account(ours.ports, &report("a1", "Stop", &usage(310, 3100)));
    // What comes after the end opens nothing again.
    account(ours.ports, &report("a1", "Interim-Update", &usage(305, 3050)));
    account(ours.ports, &report("a1", "Start", ""));
    assert_eq!(ours.sessions(), Vec::<Value>::new());
    // A session of which only the end was heard is written down, and is not open.
    account(ours.ports, &report("a2", "Stop", &usage(10, 10)));
    assert_eq!(ours.sessions(), Vec::<Value>::new());
}

#[test]
fn an_access_point_that_restarts_has_no_sessions() {
    let Some(ours) = with_anna(&[]) else { return };
    ours.voucher("berta", "pear", &[]);
    log_in(ours.ports, "User-Name = berta\nUser-Password = pear");
    for (name, nas, number) in [("anna", "lobby-ap", 1), ("berta", "pool-ap", 2)] {
        for status in ["Start", "Interim-Update"] {
            account(
                ours.ports,
                &format!(
                    "User-Name = {name}\nAcct-Session-Id = s{number}\nAcct-Status-Type = {status}\n\
                     NAS-Identifier = {nas}\nNAS-IP-Address = 127.0.0.{number}\n\
                     Calling-Station-Id = 02-00-00-00-00-0{number}\nAcct-Output-Octets = 9"
                ),
            );
        }
    }
    assert_eq!(ours.sessions().len(), 2);
    let restart = |nas: &str, number: u32, status: &str| {
        format!(
            "Acct-Status-Type = {status}\nNAS-Identifier = {nas}\n\
             NAS-IP-Address = 127.0.0.{number}\nAcct-Session-Id = 0"
        )
    };
    account(ours.ports, &restart("lobby-ap", 1, "Accounting-On"));
    let sessions = ours.sessions();
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    assert_eq!(sessions[0]["login"], "berta");
    account(ours.ports, &restart("pool-ap", 2, "Accounting-Off"));
    assert_eq!(ours.sessions(), Vec::<Value>::new());
}

#[test]
fn a_report_that_is_sent_again_counts_once() {
    let Some(ours) = with_anna(&[("download_limit", "10")]) else { return };
    let client = Client::to(ours.ports.acct);
    let start = Packet::account(1, 1, "a1", "anna").and(31, b"02-00-00-00-00-01").stamped(SECRET);
    let first = client.exchange(&start);
    let again = client.exchange(&start);
    assert_eq!(checked(&first, &start).code, ACCOUNTING_RESPONSE);
    assert_eq!(first, again);
    assert_eq!(ours.sessions().len(), 1);
    let stop = Packet::account(2, 2, "a1", "anna")
        .and(31, b"02-00-00-00-00-01")
        .and(46, &60_u32.to_be_bytes())
        .and(43, &5000_u32.to_be_bytes());
    // The same report in packets of their own: an access point that was switched off and on, or
    // that counts Acct-Delay-Time up.
    for id in [2, 3, 4] {
        let packet = Packet { id, ..stop.clone() };
        let packet = packet.and(41, &u32::from(id).to_be_bytes()).stamped(SECRET);
        assert_eq!(checked(&client.exchange(&packet), &packet).code, ACCOUNTING_RESPONSE);
    }
    account(ours.ports, &report("a2", "Start", ""));
    let sessions = ours.sessions();
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    assert_eq!(sessions[0]["download_left"], 10 * 1024 * 1024 - 5000, "{sessions:?}");
}

#[test]
fn a_quota_is_used_up_over_several_sessions() {
    let Some(ours) = with_anna(&[("download_limit", "10")]) else { return };
    let four = 4 * 1024 * 1024;
    for session in ["a1", "a2"] {
        account(ours.ports, &report(session, "Start", ""));
        let usage = format!("Acct-Session-Time = 60\nAcct-Output-Octets = {four}\n");
        // Sent three times over, it is the same usage.
        for status in ["Interim-Update", "Interim-Update", "Stop"] {
            account(ours.ports, &report(session, status, &usage));
        }
    }
    let answer = log_in(ours.ports, "User-Name = anna\nUser-Password = pear");
    assert_eq!(answer.code, "Access-Accept", "{answer:?}");
    account(ours.ports, &report("a3", "Start", ""));
    assert_eq!(ours.sessions()[0]["download_left"], 2 * 1024 * 1024);
    let usage = format!("Acct-Session-Time = 60\nAcct-Output-Octets = {four}\n");
    account(ours.ports, &report("a3", "Stop", &usage));
    assert_eq!(ours.sessions(), Vec::<Value>::new());
    let answer = log_in(ours.ports, "User-Name = anna\nUser-Password = pear");
    assert_eq!(answer.code, "Access-Reject", "{answer:?}");
    let sentence = "The user has used up the data limit.";
    assert_eq!(answer.get("Reply-Message"), Some(sentence), "{answer:?}");
}

#[test]
fn accounting_for_nobody_we_know_is_taken_down() {
    let Some(ours) = with_anna(&[]) else { return };
    let nobody = "User-Name = staff-laptop\nAcct-Session-Id = x1\nNAS-IP-Address = 127.0.0.1\n\
                  Calling-Station-Id = 02-00-00-00-00-05\n";
    for status in ["Start", "Interim-Update", "Stop"] {
        account(ours.ports, &format!("{nobody}Acct-Status-Type = {status}"));
    }
    // An access point would send for ever what is not answered: also what we make nothing of.
    let answer = ask(ours.ports.acct, "acct", &format!("{nobody}Acct-Status-Type = Failed"));
    assert_eq!(answer.code, "Accounting-Response", "{answer:?}");
    assert_eq!(ours.sessions(), Vec::<Value>::new());
}
