//! What the router has been asked and what it has acknowledged, written down outside it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rusqlite::Connection;
use serde_json::json;

use crate::machine::Machine;

/// Everything by the username of its voucher.
#[derive(Default)]
pub struct Book {
    /// Vouchers that were asked for.
    pub tried: BTreeSet<String>,
    /// Vouchers that there are, with their passcodes: acknowledged, or listed since.
    pub created: BTreeMap<String, String>,
    /// Vouchers whose removal was asked for.
    pub removing: BTreeSet<String>,
    pub removed: BTreeSet<String>,
    /// Vouchers that somebody was let in with.
    pub begun: BTreeSet<String>,
    /// Guests who have signed out.
    pub signed_out: BTreeSet<String>,
    /// Sessions at access points whose end was acknowledged, with their octets.
    pub ended: BTreeMap<String, i64>,
}

impl Book {
    /// How many things were acknowledged.
    pub fn acknowledged(&self) -> usize {
        self.created.len()
            + self.removed.len()
            + self.begun.len()
            + self.signed_out.len()
            + self.ended.len()
    }

    /// Whether everything there is was acknowledged at least once.
    pub fn has_everything(&self) -> bool {
        let Self { created, removed, begun, signed_out, ended, .. } = self;
        !created.is_empty()
            && ![removed, begun, signed_out].into_iter().any(BTreeSet::is_empty)
            && !ended.is_empty()
    }

    /// Compares with what a router has after its start.
    pub fn look_through(&mut self, machine: &Machine) {
        let log = machine.log();
        for word in ["damaged", "snapshot", "rollback journal", "ERROR"] {
            assert!(!log.contains(word), "{log}");
        }
        let store = machine.backup();
        let verdict = store.query_row("PRAGMA integrity_check", [], |row| row.get(0));
        assert_eq!(verdict, Ok("ok".to_owned()));
        machine.cli("check");
        self.vouchers(machine);
        self.sessions(&store);
    }

    fn vouchers(&mut self, machine: &Machine) {
        let list = machine.post(json!({"action": "get_voucher_users"})).json();
        let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        let mut listed = BTreeMap::new();
        for voucher in list["users"].as_array().unwrap() {
            let username = text(&voucher["username"]).unwrap();
            assert!(self.tried.contains(&username), "nobody has asked for {voucher}");
            assert!(!self.removed.contains(&username), "{voucher} is back");
            let passcode = text(&voucher["password"]).unwrap();
            listed.insert(username, (passcode, text(&voucher["first_login"])));
        }
        for (username, passcode) in &self.created {
            match listed.get(username) {
                Some((kept, _)) => assert_eq!(kept, passcode, "{username}"),
                None => assert!(self.removing.contains(username), "{username} is lost"),
            }
        }
        for username in &self.begun {
            let (_, first_login) = &listed[username];
            assert!(first_login.is_some(), "{username} has never been used, it says");
        }
        // What was shown must not go either, acknowledged or not; what went must not come back.
        let gone = self.removing.iter().filter(|username| !listed.contains_key(*username));
        self.removed.extend(gone.cloned());
        self.tried = listed.keys().cloned().collect();
        self.created
            .extend(listed.into_iter().map(|(username, (passcode, _))| (username, passcode)));
        self.created.retain(|username, _| self.tried.contains(username));
    }

    fn sessions(&self, store: &Connection) {
        let ended = |login: &str| {
            let sql = "SELECT ended_at IS NOT NULL, download FROM session WHERE login = ?1";
            store.query_row(sql, [login], |row| Ok((row.get::<_, bool>(0)?, row.get::<_, i64>(1)?)))
        };
        for login in &self.signed_out {
            let session = ended(login);
            assert!(matches!(session, Ok((true, _))), "{login} has signed out: {session:?}");
        }
        for (login, octets) in &self.ended {
            assert_eq!(ended(login), Ok((true, *octets)), "{login}");
        }
    }
}

impl fmt::Display for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { created, removed, begun, signed_out, ended, .. } = self;
        write!(
            f,
            "{} vouchers, {} removals, {} first logins, {} signed out, {} sessions ended",
            created.len(),
            removed.len(),
            begun.len(),
            signed_out.len(),
            ended.len()
        )
    }
}
