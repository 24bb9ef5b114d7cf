//! Vouchers that are handed out as one code, and devices that sign in with their MAC address: what
//! docs/radius.md promises of them, by every method.

use super::mschap::Exchange;
use super::ours::Ours;
use super::peers::{Answer, installed, log_in, log_in_all};
use super::wire::{ACCESS_ACCEPT, ACCESS_REJECT, Client, Packet, checked};

/// A request by each method, with this text as password.
fn by_every_method(username: &str, password: &str) -> [String; 4] {
    let by = |attribute| format!("User-Name = \"{username}\"\n{attribute} = \"{password}\"");
    let second = Exchange::new(username, password).attributes();
    [by("User-Password"), by("CHAP-Password"), by("MS-CHAP-Password"), second]
}

#[track_caller]
fn accepted(ours: &Ours, request: &str) -> Answer {
    let answer = log_in(ours.ports, request);
    assert_eq!(answer.code, "Access-Accept", "{request}: {answer:?}");
    answer
}

#[test]
fn a_code_alone_lets_in_by_every_method() {
    if !installed("radclient") {
        return;
    }
    let ours = Ours::start();
    ours.voucher("5a3dqr", "xujx9s84", &[]);
    ours.voucher("4711", "4711", &[]);
    ours.voucher("PIN-2026", "PIN-2026", &[]);
    for code in ["5a3dqrxujx9s84", "5a3dqr-xujx9s84", "5A3DQR-XUJX9S84", "4711", "pin-2026"] {
        for password in ["", code] {
            for request in by_every_method(code, password) {
                accepted(&ours, &request);
            }
        }
    }
    // What proves the server to the client was made of what the client sent.
    let exchange = Exchange::new("5a3dqr-xujx9s84", "");
    let answer = accepted(&ours, &exchange.attributes());
    assert_eq!(answer.get("MS-CHAP2-Success"), Some(exchange.success().as_str()), "{answer:?}");
    assert_eq!(answer.get("User-Name"), Some("5a3dqr"), "the code is not to be reported");

    let wrong = [("5a3dqr", ""), ("5a3dqr-xujx9s85", ""), ("4712", "4712"), ("4711", "4712")];
    let wrong = wrong.map(|(username, password)| by_every_method(username, password));
    let wrong: Vec<&str> = wrong.as_flattened().iter().map(String::as_str).collect();
    for (request, answer) in wrong.iter().zip(log_in_all(ours.ports, &wrong)) {
        assert_eq!(answer.code, "Access-Reject", "{request}: {answer:?}");
    }
    let logins = ours.cli_ok(&["logins", "--format", "csv"]);
    for code in ["xujx9s84", "xujx9s85", "4712,"] {
        assert!(!logins.to_lowercase().contains(code), "{code}: {logins}");
    }
}

#[test]
fn a_device_signs_in_with_its_mac_address_however_it_is_spelled() {
    if !installed("radclient") {
        return;
    }
    let ours = Ours::start();
    ours.voucher("02:00:00:00:00:0A", "02:00:00:00:00:0A", &[]);
    ours.enter(
        "check 02-00-00-00-00-0b Cleartext-Password := 02-00-00-00-00-0b
         check 02:00:00:00:00:0c Auth-Type := Accept",
    );
    for device in ["02-00-00-00-00-0%", "02000000000%", "0200.0000.000%", "02:00:00:00:00:0%"] {
        for last in ["a", "B", "c"] {
            let name = device.replace('%', last);
            for request in by_every_method(&name, &name) {
                accepted(&ours, &format!("{request}\nCalling-Station-Id = \"{name}\""));
            }
        }
    }
    // MikroTik has no password for it.
    let empty = "User-Name = 02:00:00:00:00:0C\nUser-Password = \"\"";
    accepted(&ours, &format!("{empty}\nCalling-Station-Id = 02-00-00-00-00-0C"));
}

#[test]
fn a_nul_ends_a_password_and_one_may_be_in_latin_1() {
    let ours = Ours::start();
    ours.voucher("zoë", "café 123", &[]);
    let client = Client::to(ours.ports.auth);
    let (utf8, latin1) = ("café 123".as_bytes(), b"caf\xe9 123");
    let chap = |secret: &[u8]| {
        let packet = Packet::new(1, 7).and(1, "zoë".as_bytes());
        let hash = super::wire::md5(&[&[7], secret, &packet.authenticator]);
        packet.and(3, &[&[7], &hash[..]].concat())
    };
    let pap = |name: &[u8], password: &[u8]| Packet::login_with(7, name, password);
    for (number, (packet, code)) in [
        (pap("zoë".as_bytes(), &[utf8, b"\0rubbish"].concat()), ACCESS_ACCEPT),
        (pap(b"zo\xeb\0", latin1), ACCESS_ACCEPT),
        (chap(latin1), ACCESS_ACCEPT),
        (chap(utf8), ACCESS_ACCEPT),
        (pap(b"zo\xeb", b"caf\xe8 123"), ACCESS_REJECT),
        (chap(b"caf\xe8 123"), ACCESS_REJECT),
    ]
    .into_iter()
    .enumerate()
    {
        let request = packet.signed();
        let answer = checked(&client.exchange(&request), &request);
        assert_eq!(answer.code, code, "{number}: {answer:?}");
    }
}
