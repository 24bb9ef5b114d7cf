//! Loading rules with the `nft` program: at the start and when rules are gone, never for a guest.

use std::env;
use std::io::{self, Write};
use std::process::{Child, Command, Stdio};
use std::thread::{scope, sleep};
use std::time::Duration;

use super::GateError;

/// Longest message that is passed on to the operator.
const MESSAGE: usize = 400;
/// How often it is looked whether it has ended, and how many times: five seconds, so that a
/// daemon that is to stop does so within the twenty that init grants it.
const PAUSE: Duration = Duration::from_millis(5);
const LOOKS: usize = 1000;

/// By its path where nobody says where to look: OpenWrt's ujail starts us with an empty environment,
/// and what the C library then goes by has no `sbin`.
fn program() -> &'static str {
    if env::var_os("PATH").is_some() { "nft" } else { "/usr/sbin/nft" }
}

/// Whether it ended by itself. Text beyond what a pipe holds is written by a thread, which ends with
/// the program at the latest.
fn feed_and_wait(child: &mut Child, text: &str) -> bool {
    let stdin = child.stdin.take();
    scope(|threads| {
        threads.spawn(move || {
            // Where it has given up already, its message says why.
            stdin.map(|mut stdin| stdin.write_all(text.as_bytes()))
        });
        let ended = (0..LOOKS).any(|_| {
            sleep(PAUSE);
            !matches!(child.try_wait(), Ok(None))
        });
        if !ended {
            let _ = child.kill();
            let _ = child.wait();
        }
        ended
    })
}

/// Has `nft` load this text as one transaction.
pub(super) fn load(text: &str) -> Result<(), GateError> {
    let missing = |error: io::Error| {
        GateError::Nft(match error.kind() {
            io::ErrorKind::NotFound => "the program nft is missing (package nftables)".to_owned(),
            _ => format!("nft: {error}"),
        })
    };
    let mut child = Command::new(program())
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(missing)?;
    if !feed_and_wait(&mut child, text) {
        // No word on these rules: others would fare no better.
        return Err(GateError::Netlink("nft hung and was ended".to_owned()));
    }
    let output = child.wait_with_output().map_err(missing)?;
    if output.status.success() {
        return Ok(());
    }
    let message = String::from_utf8_lossy(&output.stderr);
    let message: String = message.split_whitespace().collect::<Vec<_>>().join(" ");
    Err(GateError::Nft(message.chars().take(MESSAGE).collect()))
}
