//! The access point of `nas.py`, which pyrad answers for.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::peers::{Ports, SECRET, skipped};
use super::support::until;

/// A running access point.
pub struct Nas {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// The directory of the scripts.
pub fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/radius")
}

/// A Python that has pyrad: the one that comes first, or the system's.
pub fn python_with_pyrad() -> Option<&'static str> {
    static PYTHON: OnceLock<Option<&'static str>> = OnceLock::new();
    let has = |python: &&str| {
        let mut import = Command::new(python);
        let import = import.args(["-c", "import pyrad.packet"]).stderr(Stdio::null());
        import.status().is_ok_and(|status| status.success())
    };
    let python = *PYTHON.get_or_init(|| ["python3", "/usr/bin/python3"].into_iter().find(has));
    if python.is_none() {
        skipped("there is no Python with pyrad");
    }
    python
}

impl Nas {
    /// Of a server that is told the port on which this access point hears orders.
    pub fn of(server: impl FnOnce(u16) -> Ports, address: &str) -> Option<Self> {
        let python = python_with_pyrad()?;
        let orders = std::net::UdpSocket::bind((address, 0)).unwrap();
        let port = orders.local_addr().unwrap().port();
        drop(orders);
        let ports = server(port);
        let mut child = Command::new(python)
            .arg(here().join("nas.py"))
            .arg("127.0.0.1")
            .args([ports.auth.port(), ports.acct.port(), port].map(|port| port.to_string()))
            .args([SECRET, address])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let asks = child.stdin.take().unwrap();
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        assert!(line.contains("ready"), "{line:?}");
        Some(Self { child, asks, answers })
    }

    fn ask_for(&mut self, what: &Value) -> Value {
        writeln!(self.asks, "{what}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{what}: {line:?}: {error}"))
    }

    /// Asks to let somebody in; the answer.
    #[track_caller]
    pub fn ask(&mut self, attributes: Value) -> Value {
        let answer = self.ask_for(&json!({"do": "ask", "attributes": attributes}));
        assert!(answer["code"].is_u64(), "no answer to {attributes}");
        answer
    }

    /// Reports, and expects that it is taken down.
    #[track_caller]
    pub fn report(&mut self, attributes: Value) {
        let answer = self.ask_for(&json!({"do": "report", "attributes": attributes}));
        assert_eq!(answer["code"], 5, "{attributes}: {answer}");
    }

    /// What to do with orders from now on.
    pub fn obey(&mut self, mut how: Value) {
        how["do"] = "obey".into();
        self.ask_for(&how);
    }

    /// Every order so far.
    pub fn heard(&mut self) -> Vec<Value> {
        let answer = self.ask_for(&json!({"do": "heard"}));
        answer["heard"].as_array().unwrap().clone()
    }

    /// Waits until so many orders have come.
    #[track_caller]
    pub fn wait_for_orders(&mut self, count: usize) -> Vec<Value> {
        let mut heard = Vec::new();
        let come = until(|| {
            heard = self.heard();
            heard.len() >= count
        });
        assert!(come, "{count} orders are to come: {heard:?}");
        heard
    }
}

impl Drop for Nas {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
