//! People in the middle, strangers, and access points that are out of order.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::mschap::hex;
use super::nas::here;
use super::ours::{DEAF_PORT, Ours};
use super::peers::{SECRET, free_port, installed, radclient};
use super::support::until;
use super::wire::{
    ACCESS_ACCEPT, ACCESS_REJECT, ACCESS_REQUEST, ACCOUNTING_REQUEST, Client, EAP_MESSAGE,
    MESSAGE_AUTHENTICATOR, PROXY_STATE, Packet, STATUS_SERVER, USER_NAME, checked,
};

/// The man of `middle.py`, between radclient and us.
struct Middle {
    child: Child,
    port: std::net::SocketAddr,
    seen: Arc<Mutex<Vec<Value>>>,
}

impl Middle {
    fn between(ours: &Ours, way: &str) -> Self {
        let port = free_port();
        let mut child = Command::new("python3")
            .arg(here().join("middle.py"))
            .args([port.port(), ours.ports.auth.port()].map(|port| port.to_string()))
            .arg(way)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                log.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Self { child, port, seen }
    }

    /// What has passed in this direction, as it came.
    fn came(&self, direction: &str) -> Vec<Packet> {
        let seen = self.seen.lock().unwrap();
        let those = seen.iter().filter(|it| it["way"] == direction);
        those.map(|it| Packet::parse(&unhex(it["came"].as_str().unwrap()))).collect()
    }

    /// As soon as anything has.
    fn came_at_last(&self, direction: &str) -> Vec<Packet> {
        assert!(until(|| !self.came(direction).is_empty()), "nothing came {direction}");
        self.came(direction)
    }
}

impl Drop for Middle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digits).collect()
}

/// Seconds that radclient waits where there is to be an answer, and where none is to be.
const PATIENCE: u32 = 20;
const SILENCE: u32 = 2;

const SIGNED: &str = "User-Name = anna\nUser-Password = pear";
const UNSIGNED: &str = "User-Name = anna\nUser-Password = pear\nno Message-Authenticator";

/// What radclient makes of it through a man in the middle who does this; it waits this many seconds
/// for an answer.
fn through(ours: &Ours, way: &str, request: &str, seconds: u32) -> (Option<String>, Middle) {
    let middle = Middle::between(ours, way);
    let (answer, _) = radclient(middle.port, "auth", SECRET, request, seconds);
    (answer.map(|answer| answer.code), middle)
}

fn with_anna(client: &str) -> Option<Ours> {
    installed("radclient").then(|| {
        let ours = Ours::with(client, DEAF_PORT);
        ours.voucher("anna", "pear", &[]);
        ours
    })
}

#[test]
fn a_client_that_signs_is_safe_from_the_man_in_the_middle() {
    let Some(ours) = with_anna("") else { return };
    let (answer, _) = through(&ours, "nothing", SIGNED, PATIENCE);
    assert_eq!(answer.as_deref(), Some("Access-Accept"));
    for way in ["strip", "add-state", "second", "turn", "flip"] {
        let (answer, middle) = through(&ours, way, SIGNED, SILENCE);
        assert_eq!(answer, None, "{way}");
        middle.came_at_last("to server");
        assert_eq!(middle.came("to client"), [], "{way}: we must say nothing");
    }
}

#[test]
fn a_client_that_does_not_sign_is_not_answered() {
    let Some(ours) = with_anna("") else { return };
    let (answer, middle) = through(&ours, "nothing", UNSIGNED, SILENCE);
    assert_eq!((answer, middle.came("to client")), (None, Vec::new()));
    ours.wait_for_log("Message-Authenticator");
}

#[test]
fn where_signing_is_switched_off_the_attack_has_nothing_to_begin_with() {
    let Some(ours) = with_anna("option require_message_authenticator '0'") else { return };
    let (answer, middle) = through(&ours, "nothing", UNSIGNED, PATIENCE);
    assert_eq!(answer.as_deref(), Some("Access-Accept"));
    // Our answer is signed all the same, and in the first place, where no collision gets past it.
    let answers = middle.came_at_last("to client");
    assert_eq!(answers[0].attributes[0].0, MESSAGE_AUTHENTICATOR, "{answers:?}");
    // The collision needs a place in the answer that the attacker chooses: Proxy-State.
    let (answer, middle) = through(&ours, "add-state", UNSIGNED, SILENCE);
    assert_eq!((answer, middle.came("to client")), (None, Vec::new()));
    // A password that is wrong, and an answer that is forged: the client sees through it.
    let wrong = UNSIGNED.replace("pear", "apple");
    let (answer, middle) = through(&ours, "accept", &wrong, SILENCE);
    assert_eq!(answer, None);
    let answers = middle.came_at_last("to client");
    assert_eq!((answers[0].code, answers[0].attributes[0].0), (ACCESS_REJECT, 80));
    let (answer, _) = through(&ours, "strip-answer", UNSIGNED, SILENCE);
    assert_eq!(answer, None);
}

/// Whether the honest are answered.
#[track_caller]
fn the_honest_are_answered(ours: &Ours) {
    let client = Client::to(ours.ports.auth);
    for id in 0..5 {
        let request = Packet::login(id, "anna", "pear").signed();
        let answer = checked(&client.exchange(&request), &request);
        assert_eq!(answer.code, ACCESS_ACCEPT);
    }
}

/// Whether nothing is answered to what comes from this client: Status-Server is, and is behind it
/// in the queue.
#[track_caller]
fn unanswered(client: &Client, packets: &[Vec<u8>]) {
    packets.iter().for_each(|packet| client.send(packet));
    let status = Packet::new(STATUS_SERVER, 255).signed();
    let answer = client.exchange(&status);
    assert_eq!(answer[1], 255, "{answer:?}");
    checked(&answer, &status);
    // A reject would take a second.
    assert_eq!(client.receive_within(Duration::from_millis(1500)), None);
}

#[test]
fn secrets_that_do_not_fit() {
    let Some(ours) = with_anna("") else { return };
    let mut foreign = Packet::login(1, "anna", "pear");
    foreign.attributes.push((MESSAGE_AUTHENTICATOR, vec![0; 16]));
    foreign.attributes[2].1 = super::wire::mac(&foreign.bytes(), "another secret");
    let short = Packet::login(2, "anna", "pear").and(MESSAGE_AUTHENTICATOR, &[1; 15]);
    let twice = Packet::login(3, "anna", "pear").and(MESSAGE_AUTHENTICATOR, &[1; 16]).signed();
    let unsigned_status = Packet::new(STATUS_SERVER, 4).bytes();
    unanswered(
        &Client::to(ours.ports.auth),
        &[foreign.bytes(), short.bytes(), twice, unsigned_status],
    );
    let (start, other) = (Packet::account(1, 1, "a", "anna"), Packet::account(2, 2, "a", "anna"));
    let mut late = start.clone().stamped(SECRET);
    late[30] ^= 1;
    unanswered(
        &Client::to(ours.ports.acct),
        &[start.stamped("another secret"), other.bytes(), late],
    );
    assert_eq!(ours.sessions(), Vec::<Value>::new());
    the_honest_are_answered(&ours);
}

#[test]
fn what_does_not_belong_on_a_port() {
    let Some(ours) = with_anna("") else { return };
    let login = Packet::login(1, "anna", "pear").signed();
    let accounting = Packet::account(2, 1, "a", "anna").stamped(SECRET);
    let codes = [2, 3, 5, 11, 40, 41, 43, 44, 0, 255];
    let packets = |id: u8| codes.map(|code| Packet::new(code, id).and(USER_NAME, b"x").signed());
    unanswered(&Client::to(ours.ports.auth), &[&packets(3)[..], &[accounting]].concat());
    unanswered(&Client::to(ours.ports.acct), &[&packets(3)[..], &[login]].concat());
    assert_eq!(ours.sessions(), Vec::<Value>::new());
}

#[test]
fn eap_is_rejected_not_ignored() {
    let Some(ours) = with_anna("") else { return };
    let client = Client::to(ours.ports.auth);
    // EAP-Response/Identity of anna.
    let identity = [2, 1, 0, 9, 1, b'a', b'n', b'n', b'a'];
    let request =
        Packet::new(ACCESS_REQUEST, 1).and(USER_NAME, b"anna").and(EAP_MESSAGE, &identity).signed();
    let answer = checked(&client.exchange(&request), &request);
    assert_eq!(answer.code, ACCESS_REJECT, "{answer:?}");
    // Without a signature it is nothing at all (RFC 3579 section 3.2).
    let ours = Ours::with("option require_message_authenticator '0'", DEAF_PORT);
    let request =
        Packet::new(ACCESS_REQUEST, 2).and(USER_NAME, b"anna").and(EAP_MESSAGE, &identity);
    unanswered(&Client::to(ours.ports.auth), &[request.bytes()]);
}

#[test]
fn an_old_report_that_is_replayed_changes_nothing() {
    let Some(ours) = with_anna("") else { return };
    let mac = b"02-00-00-00-00-01";
    let login = Packet::login(1, "anna", "pear").and(31, mac).signed();
    Client::to(ours.ports.auth).exchange(&login);
    let client = Client::to(ours.ports.acct);
    let report = |id: u8, status: u32, octets: u32| {
        Packet::account(id, status, "a1", "anna")
            .and(31, mac)
            .and(46, &(octets / 100).to_be_bytes())
            .and(43, &octets.to_be_bytes())
            .stamped(SECRET)
    };
    let heard: Vec<Vec<u8>> =
        vec![report(1, 1, 0), report(2, 3, 4000), report(3, 3, 9000), report(4, 2, 9500)];
    heard.iter().take(3).for_each(|report| drop(client.exchange(report)));
    // Overheard, and sent again from another port, the older ones last.
    let stranger = Client::to(ours.ports.acct);
    for report in heard.iter().take(3).rev() {
        stranger.exchange(report);
    }
    let sessions = ours.sessions();
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    assert_eq!(sessions[0]["download"], 9000, "{sessions:?}");
    client.exchange(&heard[3]);
    for report in heard.iter().rev() {
        Client::to(ours.ports.acct).exchange(report);
    }
    assert_eq!(ours.sessions(), Vec::<Value>::new());
}

#[test]
fn strangers_flood_and_the_honest_are_answered() {
    if !installed("radclient") {
        return;
    }
    // Nobody but 127.0.0.1 is a client.
    let client = super::ours::loopback("", DEAF_PORT).replace("127.0.0.0/8", "127.0.0.1/32");
    let ours = Ours::sections(&client);
    ours.voucher("anna", "pear", &[]);
    let before = ours.resident();
    let end = Instant::now() + Duration::from_secs(5);
    thread::scope(|scope| {
        for port in [ours.ports.auth, ours.ports.acct] {
            scope.spawn(move || {
                let stranger = Client::from("127.0.0.66", port);
                let packets = [
                    Packet::login(1, "anna", "pear").signed(),
                    Packet::login(1, "anna", "pear").and(PROXY_STATE, &[7; 253]).bytes(),
                    Packet::account(1, 1, "a", "anna").stamped(SECRET),
                    vec![1; 19],
                    vec![0xff; 4096],
                    Vec::new(),
                ];
                let mut sent = 0_u32;
                while Instant::now() < end {
                    packets.iter().for_each(|packet| stranger.send(packet));
                    sent += packets.len() as u32;
                    if sent.is_multiple_of(600) {
                        thread::sleep(Duration::from_millis(2));
                    }
                }
                println!("{sent} packets of a stranger to {port}");
                assert_eq!(stranger.receive_within(Duration::from_millis(10)), None);
            });
        }
        let client = Client::to(ours.ports.auth);
        let mut id = 0_u8;
        while Instant::now() < end {
            id = id.wrapping_add(1);
            let request = Packet::login(id, "anna", "pear").signed();
            assert_eq!(checked(&client.exchange(&request), &request).code, ACCESS_ACCEPT);
        }
    });
    println!("resident: {before} kB before, {} kB after", ours.resident());
    // What the log says of a stranger is little, however often they come.
    assert!(ours.log().len() < 200_000, "{} bytes of log", ours.log().len());
    the_honest_are_answered(&ours);
}

#[test]
fn ten_thousand_rejects_are_pending() {
    let Some(ours) = with_anna("") else { return };
    let before = ours.resident();
    let clients: Vec<Client> = (0..40).map(|_| Client::to(ours.ports.auth)).collect();
    for client in &clients {
        for id in 0..=249 {
            client.send(&Packet::login(id, "anna", "apple").signed());
            // The kernel keeps a few hundred for us, and drops the rest.
            if id % 25 == 0 {
                thread::sleep(Duration::from_millis(2));
            }
        }
    }
    the_honest_are_answered_from_elsewhere(&ours);
    println!("resident: {before} kB before, {} kB with rejects pending", ours.resident());
    let mut answered = 0;
    for client in &clients {
        while let Some(answer) = client.receive_within(Duration::from_millis(100)) {
            assert_eq!(answer[0], ACCESS_REJECT);
            answered += 1;
        }
    }
    println!("{answered} of 10000 were answered, {} kB at the end", ours.resident());
    assert!(answered > 0);
    the_honest_are_answered_from_elsewhere(&ours);
}

#[test]
fn who_guesses_at_an_access_point_is_told_to_the_operator() {
    let Some(ours) = with_anna("") else { return };
    let client = Client::to(ours.ports.auth);
    let told = "too many wrong passwords at lobby, most likely by somebody who guesses; devices that \
                are new there have to wait unless their passcode was generated";
    // More than the client's strangers may guess; some get lost.
    let is_told = (0..20).any(|round| {
        for id in 0..50 {
            let name = format!("guess-{round}-{id}");
            client.send(&Packet::login(id, &name, "apple").signed());
            thread::sleep(Duration::from_millis(1));
        }
        ours.log().contains(told)
    });
    assert!(is_told, "{}", ours.log());
}

/// Somebody whose name nobody has been guessing passwords for.
#[track_caller]
fn the_honest_are_answered_from_elsewhere(ours: &Ours) {
    let name = format!("berta-{}", ours.vouchers().len());
    ours.voucher(&name, "pear", &[]);
    let client = Client::from("127.0.0.2", ours.ports.auth);
    let request = Packet::login(1, &name, "pear").signed();
    assert_eq!(checked(&client.exchange(&request), &request).code, ACCESS_ACCEPT);
}

#[test]
fn a_broken_access_point_breaks_nothing() {
    let Some(ours) = with_anna("") else { return };
    let before = ours.resident();
    let packets = [
        Packet::login(1, "anna", "pear").and(PROXY_STATE, b"state").signed(),
        Packet::login(2, "anna", "pear").and(3, &[7; 17]).and(60, &[9; 16]).signed(),
        Packet::login(3, "anna", "pear")
            .and(26, &[&[0, 0, 1, 0x37, 11, 18], &[1; 16][..]].concat())
            .and(26, &[&[0, 0, 1, 0x37, 25, 52], &[2; 50][..]].concat())
            .signed(),
        Packet::account(4, 1, "a1", "anna").and(31, b"02-00-00-00-00-01").stamped(SECRET),
        Packet::account(5, 3, "a1", "anna").and(52, &[0, 0, 0, 1]).stamped(SECRET),
        Packet::new(STATUS_SERVER, 6).signed(),
        Packet::new(ACCOUNTING_REQUEST, 7).and(40, &[0, 0, 0, 7]).stamped(SECRET),
    ];
    let ports = [ours.ports.auth, ours.ports.acct].map(|port| port.port().to_string());
    let mut broken = Command::new("python3")
        .arg(here().join("broken_nas.py"))
        .args(ports)
        .args(["8", "20261122"])
        .args(packets.iter().map(|packet| hex(packet)))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    while broken.try_wait().unwrap().is_none() {
        the_honest_are_answered(&ours);
    }
    let output = broken.wait_with_output().unwrap();
    assert!(output.status.success());
    let sent = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    println!("{sent} packets; resident: {before} kB before, {} kB after", ours.resident());
    assert!(sent.parse::<u32>().unwrap() > 100);
    the_honest_are_answered(&ours);
}
