//! Loading rules with the `nft` program: at the start and when rules are gone, never for a guest.

use std::env;
use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use super::GateError;

/// Longest message that is passed on to the operator.
const MESSAGE: usize = 400;
/// How often it is looked whether it has ended, and how many times: ten seconds, half of what init
/// grants a daemon that is to stop.
const PAUSE: Duration = Duration::from_millis(5);
const LOOKS: usize = 2000;

/// By its path where nobody says where to look: OpenWrt's ujail starts us with an empty environment,
/// and what the C library then goes by has no `sbin`.
fn program() -> &'static str {
    if env::var_os("PATH").is_some() { "nft" } else { "/usr/sbin/nft" }
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
    if let Some(mut stdin) = child.stdin.take() {
        // Where it has given up already, its message says why.
        let _ = stdin.write_all(text.as_bytes());
    }
    for _ in 0..LOOKS {
        if child.try_wait().map_err(missing)?.is_some() {
            break;
        }
        sleep(PAUSE);
    }
    // Nothing happens to one that has ended; another one would hold up everybody.
    let _ = child.kill();
    let output = child.wait_with_output().map_err(missing)?;
    if output.status.success() {
        return Ok(());
    }
    let message = String::from_utf8_lossy(&output.stderr);
    let message: String = message.split_whitespace().collect::<Vec<_>>().join(" ");
    Err(GateError::Nft(match message.is_empty() {
        true => format!(
            "nft has ended without a word, or was ended because it hung ({})",
            output.status
        ),
        false => message.chars().take(MESSAGE).collect(),
    }))
}
