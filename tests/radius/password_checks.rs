//! Programs that only check passwords: squid's helper as Debian has it, and Apache's mod_auth_radius
//! (which Debian does not have) and SoftEther by what they send.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::ours::{DEAF_PORT, Ours, loopback};
use super::peers::{SECRET, skipped};
use super::support::Scratch;
use super::wire::{ACCESS_ACCEPT, ACCESS_REJECT, Client, Packet, checked};

const HELPER: &str = "/usr/lib/squid/basic_radius_auth";

/// Neither squid nor Apache signs.
const CHECKER: &str = "option require_message_authenticator '0'\noption vendor 'none'\n\
                       option accounting '0'";

/// A guest's access point beside it, at another address of loopback.
fn ours(checker: &str) -> Ours {
    let web = loopback(checker, DEAF_PORT)
        .replace("'lobby'", "'web'")
        .replace("127.0.0.0/8", "127.0.0.1");
    let lobby = loopback("", DEAF_PORT).replace("127.0.0.0/8", "127.0.0.2");
    Ours::sections(&format!("{web}{lobby}\nconfig voucher\noption on_device_limit 'refuse'\n"))
}

/// squid's helper, which answers a line with a line.
struct Squid {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
    _scratch: Scratch,
}

impl Squid {
    fn of(ours: &Ours) -> Option<Self> {
        if !Path::new(HELPER).exists() {
            skipped("squid is not installed");
            return None;
        }
        let scratch = Scratch::new();
        let settings = scratch.path().join("squid.conf");
        let port = ours.ports.auth.port();
        let text = format!("server 127.0.0.1\nsecret {SECRET}\nport {port}\nidentifier squid\n");
        std::fs::write(&settings, text).unwrap();
        let mut helper = Command::new(HELPER);
        helper.arg("-f").arg(&settings).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = helper.spawn().unwrap();
        let asks = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Some(Self { child, asks, answers, _scratch: scratch })
    }

    fn check(&mut self, username: &str, password: &str) -> String {
        writeln!(self.asks, "{username} {password}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }
}

impl Drop for Squid {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A guest signs in at the access point.
#[track_caller]
fn guest(ours: &Ours, id: u8) -> u8 {
    let request = Packet::login(id, "anna", "pear").and(31, b"02-00-00-00-00-01").signed();
    checked(&Client::from("127.0.0.2", ours.ports.auth).exchange(&request), &request).code
}

#[test]
fn squid_checks_as_often_as_it_likes_and_takes_nobodys_place() {
    let ours = ours(CHECKER);
    ours.voucher("anna", "pear", &[]);
    let Some(mut squid) = Squid::of(&ours) else { return };
    for _ in 0..3 {
        assert_eq!(squid.check("anna", "pear"), "OK");
    }
    assert!(squid.check("anna", "apple").starts_with("ERR"));
    assert_eq!(guest(&ours, 1), ACCESS_ACCEPT);
    assert_eq!(squid.check("anna", "pear"), "OK");
    let logins = ours.cli_ok(&["logins", "--format", "csv"]);
    assert_eq!(logins.lines().count(), 4, "one row for each of three kinds: {logins}");
    let shown = ours.cli_ok(&["client", "show", "web"]);
    assert!(shown.contains("it only checks passwords"), "{shown}");
}

/// Without the option it takes over its own place, and has one for a minute.
#[test]
fn squid_as_an_access_point_is_not_refused_its_own_place() {
    let ours = ours("option require_message_authenticator '0'");
    ours.voucher("anna", "pear", &[]);
    let Some(mut squid) = Squid::of(&ours) else { return };
    for _ in 0..3 {
        assert_eq!(squid.check("anna", "pear"), "OK");
    }
    assert_eq!(guest(&ours, 1), ACCESS_REJECT);
}

/// What mod_auth_radius sends: Service-Type Authenticate-Only, no Calling-Station-Id, no signature.
#[test]
fn who_says_that_it_only_authenticates_takes_no_place() {
    let ours = ours("option require_message_authenticator '0'");
    ours.voucher("anna", "pear", &[]);
    let client = Client::to(ours.ports.auth);
    let check = |id: u8, password: &str| {
        let request = Packet::login(id, "anna", password).and(6, &8_u32.to_be_bytes()).bytes();
        checked(&client.exchange(&request), &request).code
    };
    assert_eq!((check(1, "pear"), check(2, "pear")), (ACCESS_ACCEPT, ACCESS_ACCEPT));
    assert_eq!(guest(&ours, 1), ACCESS_ACCEPT);
    assert_eq!((check(3, "pear"), check(4, "apple")), (ACCESS_ACCEPT, ACCESS_REJECT));
}

/// What SoftEther sends: a Proxy-State of its own and no signature.
#[test]
fn a_program_with_a_proxy_state_of_its_own_can_be_served_and_its_risk_is_told() {
    let login = |password| Packet::login(1, "anna", password).and(33, b"its own").bytes();
    for (setting, served) in [("0", false), ("unprotected", true)] {
        let ours = ours(&format!("option require_message_authenticator '{setting}'"));
        ours.voucher("anna", "pear", &[]);
        let client = Client::to(ours.ports.auth);
        if !served {
            client.send(&login("pear"));
            ours.wait_for_log("require_message_authenticator to 'unprotected'");
            let shown = ours.cli_ok(&["client", "show", "web"]);
            assert!(shown.contains("require_message_authenticator to 'unprotected'"), "{shown}");
            continue;
        }
        for (password, code) in [("pear", ACCESS_ACCEPT), ("apple", ACCESS_REJECT)] {
            let request = login(password);
            let answer = checked(&client.exchange(&request), &request);
            assert_eq!((answer.code, answer.get(33)), (code, Some(&b"its own"[..])));
        }
        let shown = ours.cli_ok(&["client", "show", "web"]);
        assert!(shown.contains("CVE-2024-3596"), "{shown}");
        let check = ours.cli(&["check", "config"]);
        assert!(String::from_utf8_lossy(&check.stdout).contains("unprotected"), "{check:?}");
    }
}
