//! What clients do when an answer is late, and what must not come of it (RFC 5080 section 2.2).

use std::thread;
use std::time::Duration;

use super::ours::{Ours, of_both};
use super::wire::{
    ACCESS_ACCEPT, ACCESS_REJECT, ACCESS_REQUEST, Client, MESSAGE_AUTHENTICATOR, PROXY_STATE,
    Packet, checked,
};

const ANNA: &str = "check anna Cleartext-Password := pear";

of_both!(the_same_request_gets_the_same_answer, ANNA, |to| {
    let client = Client::to(to.auth);
    let request = Packet::login(9, "anna", "pear").signed();
    let first = client.exchange(&request);
    assert_eq!(checked(&first, &request).code, ACCESS_ACCEPT);
    for _ in 0..5 {
        assert_eq!(client.exchange(&request), first);
    }
    // The same id, another request: the client has begun anew.
    let request = Packet::login(9, "anna", "apple").signed();
    assert_eq!(checked(&client.exchange(&request), &request).code, ACCESS_REJECT);
    let request = Packet::login(9, "anna", "pear").signed();
    assert_eq!(checked(&client.exchange(&request), &request).code, ACCESS_ACCEPT);
});

of_both!(impatience_before_a_reject_gets_one_answer, ANNA, |to| {
    let client = Client::to(to.auth);
    let request = Packet::login(3, "anna", "apple").signed();
    for _ in 0..5 {
        client.send(&request);
    }
    let first = client.receive_within(Duration::from_secs(20)).expect("an answer");
    assert_eq!(checked(&first, &request).code, ACCESS_REJECT);
    // Nothing else comes by itself.
    assert_eq!(client.receive_within(Duration::from_millis(1500)), None);
    assert_eq!(client.exchange(&request), first);
});

of_both!(proxy_state_comes_back_as_it_was, ANNA, |to| {
    let client = Client::to(to.auth);
    for (password, code) in [("pear", ACCESS_ACCEPT), ("apple", ACCESS_REJECT)] {
        let request = Packet::login(1, "anna", password)
            .and(PROXY_STATE, b"second \0 hop")
            .and(32, b"lobby-ap")
            .and(PROXY_STATE, b"first hop")
            .signed();
        let answer = checked(&client.exchange(&request), &request);
        assert_eq!(answer.code, code);
        assert_eq!(answer.all(PROXY_STATE), [b"second \0 hop".as_slice(), b"first hop"]);
    }
});

of_both!(several_ports_and_ids_at_once, ANNA, |to| {
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let client = Client::to(to.auth);
                for id in 0..=255 {
                    let request = Packet::login(id, "anna", "pear").signed();
                    let answer = checked(&client.exchange(&request), &request);
                    assert_eq!(answer.code, ACCESS_ACCEPT, "id {id}");
                }
            });
        }
    });
});

#[test]
fn every_answer_begins_with_message_authenticator() {
    let ours = Ours::with("option require_message_authenticator '0'", super::ours::DEAF_PORT);
    ours.voucher("anna", "pear", &[]);
    let client = Client::to(ours.ports.auth);
    for password in ["pear", "apple"] {
        let request = || Packet::login(1, "anna", password);
        for bytes in [request().signed(), request().bytes()] {
            let answer = checked(&client.exchange(&bytes), &bytes);
            // Also where the client did not sign (CVE-2024-3596).
            assert_eq!(answer.attributes[0].0, MESSAGE_AUTHENTICATOR, "{answer:?}");
            assert_eq!(answer.all(MESSAGE_AUTHENTICATOR).len(), 1, "{answer:?}");
        }
    }
    let status = Packet::new(super::wire::STATUS_SERVER, 4).signed();
    let answer = checked(&client.exchange(&status), &status);
    assert_eq!(answer.attributes[0].0, MESSAGE_AUTHENTICATOR, "{answer:?}");
}

#[test]
fn one_sign_in_is_written_down_once() {
    let ours = Ours::start();
    ours.voucher("anna", "pear", &[]);
    let client = Client::to(ours.ports.auth);
    let request = Packet::login(9, "anna", "pear").signed();
    let first = client.exchange(&request);
    for _ in 0..20 {
        client.send(&request);
    }
    for _ in 0..20 {
        assert_eq!(client.receive_within(Duration::from_secs(10)).as_ref(), Some(&first));
    }
    let logins = ours.get(&[("action", "get_logins")]).json();
    assert_eq!(logins["logins"].as_array().unwrap().len(), 1, "{logins}");
    assert_eq!(first[0], ACCESS_ACCEPT);
    assert_eq!(request[0], ACCESS_REQUEST);
}
