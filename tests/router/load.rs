//! What goes on while the plug is pulled.

use std::net::Ipv4Addr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::book::Book;
use crate::flows::radius::genuine;
use crate::flows::radius::{ACCESS_ACCEPT, ACCOUNTING_REQUEST, ACCOUNTING_RESPONSE};
use crate::flows::radius::{ACCT_SESSION_ID, ACCT_STATUS_TYPE, AccessPoint, Packet, USER_NAME};
use crate::machine::Machine;
use crate::support::HANG;
use crate::visitor::Visitor;

const NAS_IDENTIFIER: u8 = 32;
const ACCT_OUTPUT_OCTETS: u8 = 43;
const ACCT_SESSION_TIME: u8 = 46;

/// Clients that create vouchers at the same time.
const CREATORS: u32 = 2;

/// Everybody at work on a router until its plug is pulled, and what came of it.
struct Load<'a> {
    machine: &'a Machine,
    book: Mutex<&'a mut Book>,
    round: u64,
    next: AtomicU32,
}

/// Has everybody at work, and pulls the plug after so long, as soon as enough has come of it.
pub fn until_cut(
    machine: &Machine,
    book: &mut Book,
    round: u64,
    after: Duration,
    enough: impl Fn(&Book) -> bool,
) {
    let load = Load { machine, book: Mutex::new(book), round, next: AtomicU32::new(0) };
    std::thread::scope(|scope| {
        for _ in 0..CREATORS {
            scope.spawn(|| while load.create("c").is_some() {});
        }
        scope.spawn(|| while load.create_and_remove().is_some() {});
        scope.spawn(|| while load.visit().is_some() {});
        scope.spawn(|| while load.roam().is_some() {});
        std::thread::sleep(after);
        load.wait_for(enough);
        machine.pull();
    });
}

impl Load<'_> {
    /// Waits until enough was acknowledged, or nothing more is.
    fn wait_for(&self, enough: impl Fn(&Book) -> bool) {
        let (mut acknowledged, mut since) = (0, Instant::now());
        while since.elapsed() < HANG {
            let book = self.book.lock().unwrap();
            if enough(&book) {
                return;
            }
            if book.acknowledged() != acknowledged {
                (acknowledged, since) = (book.acknowledged(), Instant::now());
            }
            drop(book);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A voucher: its username and passcode. Here and below, nothing once the router has gone.
    fn create(&self, kind: &str) -> Option<(String, String)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let username = format!("{kind}{}n{number}", self.round);
        self.book.lock().unwrap().tried.insert(username.clone());
        let order = json!({"action": "create_voucher", "username": username});
        let answer = self.machine.try_post(order)?.json();
        assert_eq!(answer["message"], "User added successfully", "{answer}");
        let passcode = answer["user"]["passcode"].as_str().unwrap().to_owned();
        self.book.lock().unwrap().created.insert(username.clone(), passcode.clone());
        Some((username, passcode))
    }

    fn create_and_remove(&self) -> Option<()> {
        let (username, _) = self.create("x")?;
        self.book.lock().unwrap().removing.insert(username.clone());
        let order = json!({"action": "remove_voucher", "username": username});
        let answer = self.machine.try_post(order)?.json();
        assert_eq!(answer["message"], "User removed successfully", "{answer}");
        self.book.lock().unwrap().removed.insert(username);
        Some(())
    }

    /// A guest of this router: a device that nobody has seen, at the portal. Two of three sign
    /// out again.
    fn visit(&self) -> Option<()> {
        let (username, passcode) = self.create("g")?;
        let visitor = Visitor(self.machine);
        let number = self.next.load(Ordering::Relaxed);
        visitor.pass_for(number)?;
        assert_eq!(visitor.sign_in(&username, &passcode)?, "303", "{username}");
        self.book.lock().unwrap().begun.insert(username.clone());
        if number.is_multiple_of(3) {
            assert!(visitor.is_online()?, "{username} is not let through");
        } else {
            assert_eq!(visitor.sign_out()?, "303", "{username}");
            self.book.lock().unwrap().signed_out.insert(username);
        }
        Some(())
    }

    /// A guest at an access point: signs in, comes and goes.
    fn roam(&self) -> Option<()> {
        let (username, passcode) = self.create("r")?;
        let access_point = AccessPoint::at(Ipv4Addr::LOCALHOST);
        let access = Packet::access(1, &username, &passcode).with(NAS_IDENTIFIER, b"lobby");
        let ask = |packet: Packet, to| {
            let request = packet.bytes();
            access_point.socket.connect(to).ok()?;
            access_point.socket.send(&request).ok()?;
            let mut answer = [0; 4096];
            let length = access_point.socket.recv(&mut answer).ok()?;
            Some(genuine(answer.get(..length).unwrap(), &request))
        };
        assert_eq!(ask(access, self.machine.authentication)?, ACCESS_ACCEPT, "{username}");
        self.book.lock().unwrap().begun.insert(username.clone());
        for (identifier, status, octets) in [(2, 1_u32, 0_u32), (3, 3, 5000), (4, 2, 10_000)] {
            let packet = Packet::new(ACCOUNTING_REQUEST, identifier)
                .with(USER_NAME, username.as_bytes())
                .with(NAS_IDENTIFIER, b"lobby")
                .with(ACCT_STATUS_TYPE, &status.to_be_bytes())
                .with(ACCT_SESSION_ID, username.as_bytes())
                .with(ACCT_SESSION_TIME, &1_u32.to_be_bytes())
                .with(ACCT_OUTPUT_OCTETS, &octets.to_be_bytes());
            assert_eq!(ask(packet, self.machine.accounting)?, ACCOUNTING_RESPONSE, "{username}");
        }
        self.book.lock().unwrap().ended.insert(username, 10_000);
        Some(())
    }
}
