//! PAP, CHAP, MS-CHAP in both versions: radclient asks, and each server is to say the same.

use std::time::{Duration, Instant};

use super::mschap;
use super::ours::of_both;
use super::peers::{Ports, ask, log_in, log_in_all};
use super::wire::{ACCESS_ACCEPT, ACCESS_REJECT, Client, Packet, checked};

const ANNA: &str = "check anna Cleartext-Password := green apple";

/// Every one is rejected; asked at the same time, for each takes a second.
#[track_caller]
fn rejected(to: Ports, requests: &[&str]) {
    let answers = log_in_all(to, requests);
    for (request, answer) in requests.iter().zip(answers) {
        assert_eq!(answer.code, "Access-Reject", "{request}: {answer:?}");
    }
}

of_both!(pap, ANNA, |to| {
    let answer = log_in(to, "User-Name = anna\nUser-Password = \"green apple\"");
    assert_eq!(answer.code, "Access-Accept", "{answer:?}");
    rejected(
        to,
        &[
            "User-Name = anna\nUser-Password = \"Green apple\"",
            "User-Name = anna\nUser-Password = \"\"",
            "User-Name = berta\nUser-Password = \"green apple\"",
        ],
    );
});

of_both!(chap, ANNA, |to| {
    let answer = log_in(to, "User-Name = anna\nCHAP-Password = \"green apple\"");
    assert_eq!(answer.code, "Access-Accept", "{answer:?}");
    let challenged = "User-Name = anna\nCHAP-Password = \"green apple\"\n\
                      CHAP-Challenge = 0x00112233445566778899aabbccddeeff";
    assert_eq!(log_in(to, challenged).code, "Access-Accept");
    rejected(to, &["User-Name = anna\nCHAP-Password = \"red apple\""]);
});

of_both!(mschap_first_version, ANNA, |to| {
    let answer = log_in(to, "User-Name = anna\nMS-CHAP-Password = \"green apple\"");
    assert_eq!(answer.code, "Access-Accept", "{answer:?}");
    assert!(answer.get("MS-CHAP-MPPE-Keys").is_some(), "{answer:?}");
    let answer = log_in(to, "User-Name = anna\nMS-CHAP-Password = \"red apple\"");
    assert_eq!(answer.code, "Access-Reject", "{answer:?}");
    // What a Windows client shows as "wrong password" (RFC 2433 section 7).
    let error = answer.get("MS-CHAP-Error").unwrap_or_else(|| panic!("{answer:?}"));
    assert!(error.contains("E=691"), "{error}");
});

of_both!(mschap_second_version, ANNA, |to| {
    let exchange = mschap::Exchange::new("anna", "green apple");
    let answer = log_in(to, &exchange.attributes());
    assert_eq!(answer.code, "Access-Accept", "{answer:?}");
    let success = answer.get("MS-CHAP2-Success").unwrap();
    assert_eq!(success, exchange.success(), "{answer:?}");
    let (send, receive) = exchange.keys();
    assert_eq!(answer.get("MS-MPPE-Send-Key"), Some(send.as_str()), "{answer:?}");
    assert_eq!(answer.get("MS-MPPE-Recv-Key"), Some(receive.as_str()), "{answer:?}");

    let answer = log_in(to, &mschap::Exchange::new("anna", "red apple").attributes());
    assert_eq!(answer.code, "Access-Reject", "{answer:?}");
    let error = answer.get("MS-CHAP-Error").unwrap_or_else(|| panic!("{answer:?}"));
    assert!(error.contains("E=691") && error.contains("V=3"), "{error}");
});

const HASHED: &str = "
    check nt    NT-Password := 0x8846f7eaee8fb117ad06bdd830b7586c
    check md5   MD5-Password := 0x5f4dcc3b5aa765d61d8327deb882cf99
    check sha   SHA-Password := 0x5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8
    check ssha  Password-With-Header := {SSHA}yI6cZwQadOA1e+/f+T+H3eCQQhRzYWx0
    check crypt Crypt-Password := $1$saltsalt$qjXMvbEw8oaL.CzflDtaK/
";

of_both!(hashes, HASHED, |to| {
    let names = ["nt", "md5", "sha", "ssha", "crypt"];
    for name in names {
        let answer = log_in(to, &format!("User-Name = {name}\nUser-Password = password"));
        assert_eq!(answer.code, "Access-Accept", "{name}: {answer:?}");
    }
    let answer = log_in(to, "User-Name = nt\nMS-CHAP-Password = password");
    assert_eq!(answer.code, "Access-Accept", "{answer:?}");
    // CHAP can be checked against none of these, and MS-CHAP against the first alone.
    let wrong = ["User-Password = Password", "CHAP-Password = password"];
    let mut requests: Vec<String> = names
        .iter()
        .flat_map(|name| wrong.map(|password| format!("User-Name = {name}\n{password}")))
        .collect();
    requests.push("User-Name = md5\nMS-CHAP-Password = password".to_owned());
    rejected(to, &requests.iter().map(String::as_str).collect::<Vec<_>>());
});

of_both!(
    long_and_foreign_passwords,
    "check lang Cleartext-Password := äöü€-0123456789abcdef0123456789abcdef-0123456789abcdef",
    |to| {
        let password = "äöü€-0123456789abcdef0123456789abcdef-0123456789abcdef";
        for method in ["User-Password", "CHAP-Password", "MS-CHAP-Password"] {
            let answer = log_in(to, &format!("User-Name = lang\n{method} = \"{password}\""));
            assert_eq!(answer.code, "Access-Accept", "{method}: {answer:?}");
        }
    }
);

of_both!(a_reject_takes_about_a_second, ANNA, |to| {
    let client = Client::to(to.auth);
    let wrong = Packet::login(1, "anna", "wrong").signed();
    let began = Instant::now();
    let answer = checked(&client.exchange(&wrong), &wrong);
    assert_eq!(answer.code, ACCESS_REJECT);
    // It makes guessing slow, so it must not be faster; slower is what a busy machine is.
    assert!(began.elapsed() >= Duration::from_millis(500), "{:?}", began.elapsed());
    let right = Packet::login(2, "anna", "green apple").signed();
    assert_eq!(checked(&client.exchange(&right), &right).code, ACCESS_ACCEPT);
});

of_both!(status_server, ANNA, |to| {
    assert_eq!(ask(to.auth, "status", "").code, "Access-Accept");
    assert_eq!(ask(to.acct, "status", "").code, "Accounting-Response");
});
