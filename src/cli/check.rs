//! `hotspotd check`: one line for each thing that can keep a hotspot from working.

mod connections;
mod handshakes;
mod kernel;
mod neighbours;
mod networks;
mod offload;

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use nix::unistd::{AccessFlags, access};

use super::EXIT_CONFIG;
use super::client::{Client, Failure, is_service};
use crate::atomic_file::free_bytes;
use crate::clock;
use crate::config::Config;
use crate::control::{Ask, Health, Tell};

/// Less free space than this many bytes deserves a word.
const LITTLE_SPACE: u64 = 1024 * 1024;

/// How a line begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Ok,
    Note,
    Fail,
}

/// Prints what there is to say of a configuration that can be used.
pub(super) fn config(config: &Config, path: &Path) -> ExitCode {
    Report { failed: false }.config(config, path);
    ExitCode::SUCCESS
}

/// Prints the lines; 78 where one of them is a failure.
pub(super) fn check(config: &Config, path: &Path) -> ExitCode {
    let mut report = Report { failed: false };
    report.config(config, path);
    report.uncommitted();
    report.service(config);
    let health = health(config);
    match &health {
        Ok(health) => {
            report.line(Verdict::Ok, "daemon", format!("running, version {}", health.version));
            report.api(health);
            report.radius(config, health);
            report.store(health);
            report.clock(health);
            report.gate(config, health);
        }
        Err(failure @ Failure::NotRunning(_)) => {
            let should_run = config.main.enabled && is_service();
            let verdict = if should_run { Verdict::Fail } else { Verdict::Note };
            report.line(verdict, "daemon", failure);
            match clock::zone().1 {
                Ok(source) => report.line(Verdict::Ok, "zone", source),
                Err(why) => report.line(Verdict::Note, "zone", why),
            }
        }
        Err(failure) => report.line(Verdict::Fail, "daemon", failure),
    }
    let health = health.ok();
    report.offload(config, health.as_ref().map(|health| &health.gate));
    report.networks(config, health.as_ref());
    report.surroundings(config);
    let enforced = config.guests.iter().any(|guest| guest.enforce);
    if enforced {
        report.connections();
        report.neighbours();
        report.handshakes();
    }
    report.data_dir(&config.main.data_dir);
    report.kernel(enforced);
    if report.failed { ExitCode::from(EXIT_CONFIG) } else { ExitCode::SUCCESS }
}

fn health(config: &Config) -> Result<Health, Failure> {
    let mut client = Client::connect(&config.main.control_socket)?;
    client.ask(&Ask::Health)?;
    match client.next()? {
        Some(Tell::Health(health)) => Ok(health),
        _ => Err(Failure::Broken(io::ErrorKind::InvalidData.into())),
    }
}

struct Report {
    failed: bool,
}

impl Report {
    fn line(&mut self, verdict: Verdict, what: &str, finding: impl Display) {
        let word = match verdict {
            Verdict::Ok => "ok",
            Verdict::Note => "note",
            Verdict::Fail => "FAIL",
        };
        self.failed |= verdict == Verdict::Fail;
        let _ = writeln!(io::stdout(), "{word:4}  {what:13}  {finding}");
    }

    /// Commands for the operator to paste.
    fn paste(&mut self, commands: &[String]) {
        for command in commands {
            let _ = writeln!(io::stdout(), "      {command}");
        }
    }

    fn config(&mut self, config: &Config, path: &Path) {
        self.line(Verdict::Ok, "configuration", path.display());
        for warning in config.warnings() {
            self.line(Verdict::Note, "configuration", warning);
        }
    }

    fn service(&mut self, config: &Config) {
        if !config.main.enabled {
            self.line(
                Verdict::Note,
                "service",
                "option enabled is '0', so that the service does not start; 'uci set \
                 hotspotd.main.enabled=1; uci commit hotspotd; service hotspotd start' starts it, \
                 now and after every boot",
            );
        }
    }

    /// What `uci set` has changed waits in a file of its own until it is committed.
    fn uncommitted(&mut self) {
        if std::fs::metadata("/tmp/.uci/hotspotd").is_ok_and(|file| file.len() > 0) {
            let finding = "changes wait that the daemon does not see: 'uci commit hotspotd; service \
                           hotspotd reload'";
            self.line(Verdict::Note, "configuration", finding);
        }
    }

    fn api(&mut self, health: &Health) {
        for address in &health.listening {
            self.line(Verdict::Ok, "api", format!("{}; listening on {address}", health.api));
        }
        for address in &health.not_listening {
            self.line(Verdict::Fail, "api", format!("cannot listen on {address}"));
        }
    }

    fn radius(&mut self, config: &Config, health: &Health) {
        if !config.radius.enabled {
            return self.line(Verdict::Ok, "radius", "off");
        }
        for address in &health.radius_not_listening {
            self.line(Verdict::Fail, "radius", format!("cannot listen on {address}"));
        }
        let clients = config.clients.len();
        match health.radius_listening.as_slice() {
            [] if health.radius_not_listening.is_empty() => self.line(
                Verdict::Note,
                "radius",
                "the daemon does not serve it yet; have it read the configuration again with \
                 'service hotspotd reload' (elsewhere 'killall -HUP hotspotd')",
            ),
            [] => {}
            addresses => {
                let addresses = addresses.join(", ");
                let finding = format!("listening on {addresses}; clients: {clients}");
                self.line(Verdict::Ok, "radius", finding);
            }
        }
        self.radius_clients(health);
    }

    fn radius_clients(&mut self, health: &Health) {
        let what_is_wrong = match health.clients_in_trouble {
            0 => None,
            1 => Some("1 client has trouble".to_owned()),
            many => Some(format!("{many} clients have trouble")),
        };
        let who_is_strange = match health.strangers {
            0 => None,
            1 => Some("1 address asks that has no client section".to_owned()),
            many => Some(format!("{many} addresses ask that have no client section")),
        };
        for finding in [what_is_wrong, who_is_strange].into_iter().flatten() {
            self.line(Verdict::Note, "radius", format!("{finding}: hotspotd client list"));
        }
    }

    fn store(&mut self, health: &Health) {
        if let Some(vouchers) = health.vouchers {
            let journal = &health.journal;
            self.line(Verdict::Ok, "store", format!("{vouchers} vouchers, journal {journal}"));
        }
        if let Some(recovery) = &health.recovery {
            self.line(Verdict::Note, "store", recovery);
        }
        if let Some(trouble) = &health.trouble {
            self.line(Verdict::Fail, "store", trouble);
        }
    }

    fn clock(&mut self, health: &Health) {
        let Health { local_time, zone, .. } = health;
        let verdict = if health.zone_is_known { Verdict::Ok } else { Verdict::Note };
        match health.clock_is_set {
            true => self.line(verdict, "clock", format!("{local_time}, zone {zone}")),
            false => self.line(
                Verdict::Note,
                "clock",
                format!(
                    "not set yet, taken for {local_time}, zone {zone}; nothing expires by date \
                     until NTP answers"
                ),
            ),
        }
    }

    fn data_dir(&mut self, directory: &Path) {
        let shown = directory.display();
        if !directory.exists() {
            return self.line(
                Verdict::Note,
                "data",
                format!("{shown} will be made at the first start"),
            );
        }
        if !directory.is_dir() {
            return self.line(Verdict::Fail, "data", format!("{shown} is not a directory"));
        }
        if let Err(error) = access(directory, AccessFlags::W_OK | AccessFlags::X_OK) {
            return self.line(Verdict::Fail, "data", format!("{shown} cannot be written: {error}"));
        }
        match free_bytes(directory) {
            Ok(free) => {
                let verdict = if free < LITTLE_SPACE { Verdict::Note } else { Verdict::Ok };
                self.line(verdict, "data", format!("{shown}, {} MB free", free >> 20));
            }
            Err(error) => self.line(Verdict::Note, "data", format!("{shown}: {error}")),
        }
    }
}
