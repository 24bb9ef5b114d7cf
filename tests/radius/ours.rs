//! Our daemon with RADIUS, and both servers behind one face.

use std::ops::Deref;

use serde_json::{Value, json};

use super::freeradius::FreeRadius;
use super::peers::{Ports, SECRET, free_ports, installed};
use super::rows::{Line, Of, rows};
use super::support::{Daemon, OPEN_API, until};

/// Our daemon with one client: every address of loopback.
pub struct Ours {
    pub daemon: Daemon,
    pub ports: Ports,
}

impl Deref for Ours {
    type Target = Daemon;

    fn deref(&self) -> &Daemon {
        &self.daemon
    }
}

/// Where an access point of ours hears orders: nobody is there unless a test says so.
pub const DEAF_PORT: u16 = 9;

impl Ours {
    /// With a client of no vendor that has to sign.
    pub fn start() -> Self {
        Self::with("", DEAF_PORT)
    }

    /// With further options of the client.
    pub fn with(client: &str, coa_port: u16) -> Self {
        Self::sections(&loopback(client, coa_port))
    }

    /// With these sections beside `config radius`.
    pub fn sections(sections: &str) -> Self {
        Self::at(free_ports(), sections)
    }

    /// On these ports.
    pub fn at(ports: Ports, sections: &str) -> Self {
        let radius = format!(
            "config radius 'radius'\noption enabled '1'\nlist listen '127.0.0.1'\n\
             option auth_port '{}'\noption acct_port '{}'\noption interim_interval '60'\n",
            ports.auth.port(),
            ports.acct.port()
        );
        let daemon = Daemon::with(OPEN_API, &format!("{radius}{sections}"));
        Self { daemon, ports }
    }

    /// A voucher with this username and passcode, and further fields.
    #[track_caller]
    pub fn voucher(&self, username: &str, passcode: &str, more: &[(&str, &str)]) {
        let mut fields =
            json!({"action": "create_voucher", "username": username, "passcode": passcode});
        for (name, value) in more {
            fields[*name] = (*value).into();
        }
        let answer = self.post(fields).json();
        assert_eq!(answer["error"], false, "{answer}");
    }

    /// The sessions that are open, as the command line lists them.
    pub fn sessions(&self) -> Vec<Value> {
        let text = self.cli_ok(&["sessions", "--format", "json"]);
        serde_json::from_str::<Value>(&text).unwrap().as_array().unwrap().clone()
    }

    /// Waits until the sessions are as they should be.
    #[track_caller]
    pub fn wait_for_sessions(&self, what: &str, fine: impl Fn(&[Value]) -> bool) {
        let mut last = Vec::new();
        let so = until(|| {
            last = self.sessions();
            fine(&last)
        });
        assert!(so, "{what}; sessions: {last:?}");
    }

    /// Enters users and groups by the command line.
    pub fn enter(&self, table: &str) {
        for line in rows(table) {
            self.enter_line(&line);
        }
    }

    fn enter_line(&self, line: &Line) {
        match line {
            Line::Row { of, name, attribute, operator, value } => {
                let (who, list) = match of {
                    Of::Check => ("user", "check"),
                    Of::Reply => ("user", "reply"),
                    Of::GroupCheck => ("group", "check"),
                    Of::GroupReply => ("group", "reply"),
                };
                let row = format!("{attribute} {operator} {value}");
                self.cli_ok(&[who, list, name, &row]);
            }
            Line::Member { name, group, priority } => {
                let priority = priority.to_string();
                self.cli_ok(&["user", "join", name, group, "--priority", &priority]);
            }
        }
    }
}

/// The client section that takes in all of loopback.
pub fn loopback(client: &str, coa_port: u16) -> String {
    format!(
        "config client 'lobby'\noption address '127.0.0.0/8'\noption secret '{SECRET}'\n\
         option coa_port '{coa_port}'\n{client}\n"
    )
}

/// A server that knows the users and groups of a table.
pub enum Server {
    Anchor(FreeRadius),
    Ours(Box<Ours>),
}

impl Server {
    /// FreeRADIUS; `None`, and says why, where there is none.
    pub fn anchor(table: &str) -> Option<Self> {
        installed("radclient").then(|| FreeRadius::with(table))?.map(Self::Anchor)
    }

    /// Ours; `None`, and says why, where there is no radclient.
    pub fn ours(table: &str) -> Option<Self> {
        installed("radclient").then(|| {
            let ours = Ours::start();
            ours.enter(table);
            Self::Ours(Box::new(ours))
        })
    }

    pub fn ports(&self) -> Ports {
        match self {
            Self::Anchor(server) => server.ports,
            Self::Ours(server) => server.ports,
        }
    }
}

/// A test of both servers: what holds of FreeRADIUS shows that the test is right, and what holds of
/// ours that we are.
macro_rules! of_both {
    ($(#[doc = $doc:literal])* $name:ident, $table:expr, $case:expr) => {
        $(#[doc = $doc])*
        mod $name {
            #[allow(unused_imports, reason = "not every case needs all of what is there")]
            use super::*;

            #[test]
            fn freeradius() {
                let Some(server) = $crate::ours::Server::anchor($table) else { return };
                let case: fn($crate::peers::Ports) = $case;
                case(server.ports());
            }

            #[test]
            fn ours() {
                let Some(server) = $crate::ours::Server::ours($table) else { return };
                let case: fn($crate::peers::Ports) = $case;
                case(server.ports());
            }
        }
    };
}
pub(crate) use of_both;
