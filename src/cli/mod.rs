//! The command line: arguments in, one request to the running daemon, rows out.

mod add_client;
mod args;
mod check;
mod client;
mod clients;
mod help;
mod paste;
mod policy;
mod prompt;
mod rows;
mod table;

use std::collections::BTreeMap;
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub use add_client::NewClient;
pub use args::{Invocation, parse};
use client::{Client, Failure};
use table::{Format, Printer};

use crate::config::Config;
use crate::control::{Ask, PolicyAsk, Tell};
use crate::listing::CreatedRow;

/// The arguments make no sense (sysexits.h: EX_USAGE).
const EXIT_USAGE: u8 = 64;
/// No daemon answers (sysexits.h: EX_UNAVAILABLE).
const EXIT_UNAVAILABLE: u8 = 69;
/// The configuration is wrong (sysexits.h: EX_CONFIG).
const EXIT_CONFIG: u8 = 78;

/// Batches from this size on show their progress.
const PROGRESS: u32 = 1000;

/// A command for the running daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `check`
    Check,
    /// `check config`
    CheckConfig,
    /// `voucher create`
    CreateVouchers {
        /// How many.
        count: u32,
        /// The API's parameters.
        fields: BTreeMap<String, String>,
        /// How to print them.
        format: Format,
    },
    /// `voucher list`
    ListVouchers(Format),
    /// `voucher correct`
    CorrectVoucher {
        /// Whose.
        username: String,
        /// MB that were used, each way; `None` is what is counted.
        download: Option<u32>,
        /// The other way.
        upload: Option<u32>,
    },
    /// `voucher remove`
    RemoveVoucher(String),
    /// `guests`
    Guests(Format),
    /// `sessions`
    Sessions(Format),
    /// `session close`
    CloseSessions(String),
    /// `logins`
    Logins(Format),
    /// `user …` and `group …`
    Policy(PolicyAsk, Format),
    /// `user password`
    SetPassword(String),
    /// `client list`
    Clients(Format),
    /// `client show`
    ShowClient(String),
    /// `client add`
    AddClient(NewClient),
    /// `api-key show`
    ShowKey,
    /// `api-key rotate`
    RotateKey,
    /// `backup`
    Backup(PathBuf),
    /// `restore`
    Restore(PathBuf),
    /// `notify`
    Notify(Notice),
}

/// What a hook of the system has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// NTP has put the wall clock right.
    ClockSynchronised,
    /// The DHCP server has written its leases.
    LeasesChanged,
}

/// Carries out a command with the configuration at `path`.
pub fn execute(command: Command, path: &Path) -> ExitCode {
    if let Command::Notify(notice) = command {
        return notify(notice, path);
    }
    if let Command::AddClient(new) = &command {
        return add_client(new, path);
    }
    let socket = match Config::load(path) {
        Ok(config) if command == Command::Check => return check::check(&config, path),
        Ok(config) if command == Command::CheckConfig => return check::config(&config, path),
        Ok(config) => config.main.control_socket,
        Err(error) => {
            eprintln!("{error}");
            let needs_no_daemon = matches!(command, Command::Check | Command::CheckConfig);
            let socket = Config::control_socket(path).filter(|_| !needs_no_daemon);
            let Some(socket) = socket.filter(|socket| Client::connect(socket).is_ok()) else {
                return ExitCode::from(EXIT_CONFIG);
            };
            eprintln!("hotspotd: the daemon goes on with the configuration it had");
            socket
        }
    };
    let creates = matches!(command, Command::CreateVouchers { .. });
    let done = match command {
        Command::SetPassword(username) => policy::set_password(username, &socket),
        command => Client::connect(&socket).and_then(|client| ask(command, client)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever closed the pipe has seen enough: `hotspotd voucher list | head`.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe && !creates => {
            ExitCode::SUCCESS
        }
        Err(Failure::Output(error)) if creates => {
            eprintln!(
                "hotspotd: cannot write the output: {error}; none of these vouchers is good: they \
                 are made all or none"
            );
            ExitCode::FAILURE
        }
        Err(failure) => {
            eprintln!("hotspotd: {failure}");
            ExitCode::from(if matches!(failure, Failure::NotRunning(_)) {
                EXIT_UNAVAILABLE
            } else {
                1
            })
        }
    }
}

fn add_client(new: &NewClient, path: &Path) -> ExitCode {
    match add_client::run(new, path) {
        Ok(told) => match io::stdout().write_all(told.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("hotspotd: the section is written, but not the output: {error}");
                ExitCode::FAILURE
            }
        },
        Err(why) => {
            eprintln!("hotspotd: no client was added to {}: {why}", path.display());
            ExitCode::FAILURE
        }
    }
}

/// For hooks, which come at every time and must not fill the log: where nobody listens, or has
/// stopped to, there is nobody to tell, and nothing to say about it.
fn notify(notice: Notice, path: &Path) -> ExitCode {
    let Some(socket) = Config::control_socket(path) else { return ExitCode::SUCCESS };
    let ask = match notice {
        Notice::ClockSynchronised => Ask::ClockSynchronised,
        Notice::LeasesChanged => Ask::LeasesChanged,
    };
    let told = Client::connect(&socket).and_then(|mut client| {
        client.ask(&ask)?;
        client.done()
    });
    match told {
        Ok(()) | Err(Failure::NotRunning(_) | Failure::Broken(_)) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("hotspotd: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn ask(command: Command, mut client: Client) -> Result<(), Failure> {
    match command {
        Command::Check
        | Command::CheckConfig
        | Command::SetPassword(_)
        | Command::Notify(_)
        | Command::AddClient(_) => Ok(()),
        Command::CreateVouchers { count, fields, format } => create(client, count, fields, format),
        Command::ListVouchers(format) => {
            client.ask(&Ask::Vouchers)?;
            print_rows(client, format, |tell| match tell {
                Tell::Voucher(row) => Some(row),
                _ => None,
            })
        }
        Command::Logins(format) => {
            client.ask(&Ask::Logins)?;
            print_rows(client, format, |tell| match tell {
                Tell::Login(row) => Some(row),
                _ => None,
            })
        }
        Command::Guests(format) => {
            client.ask(&Ask::Guests)?;
            print_rows(client, format, |tell| match tell {
                Tell::Guest(row) => Some(row),
                _ => None,
            })
        }
        Command::Sessions(format) => {
            client.ask(&Ask::Sessions)?;
            print_rows(client, format, |tell| match tell {
                Tell::Session(row) => Some(row),
                _ => None,
            })
        }
        Command::Clients(format) => {
            client.ask(&Ask::Clients)?;
            print_rows(client, format, |tell| match tell {
                Tell::Client(row) => Some(row),
                _ => None,
            })
        }
        Command::ShowClient(name) => clients::show(client, &name),
        Command::CloseSessions(whose) => {
            client.ask(&Ask::CloseSessions(whose))?;
            say(&client.text()?)
        }
        Command::CorrectVoucher { username, download, upload } => {
            client.ask(&Ask::CorrectVoucher { username, download, upload })?;
            say(&client.text()?)
        }
        Command::RemoveVoucher(username) => {
            client.ask(&Ask::RemoveVoucher(username.clone()))?;
            client.done()?;
            say(&format!("removed {username}"))
        }
        Command::Policy(ask, format) => policy::ask(ask, format, client),
        Command::ShowKey => {
            client.ask(&Ask::ShowKey)?;
            say(&client.text()?)
        }
        Command::RotateKey => {
            client.ask(&Ask::RotateKey)?;
            say(&client.text()?)
        }
        Command::Backup(file) => backup(client, &file),
        Command::Restore(file) => restore(client, &file),
    }
}

fn create(
    mut client: Client,
    count: u32,
    fields: BTreeMap<String, String>,
    format: Format,
) -> Result<(), Failure> {
    client.ask(&Ask::CreateVouchers { count, fields })?;
    let progress = count >= PROGRESS && io::stderr().is_terminal() && !io::stdout().is_terminal();
    let mut made = 0_u32;
    let mut printer = Printer::new::<CreatedRow>(BufWriter::new(io::stdout().lock()), format);
    let printed = loop {
        match client.next() {
            Ok(Some(Tell::Created(row))) => {
                made += 1;
                if progress && (made.is_multiple_of(100) || made == count) {
                    eprint!("\r{made} of {count} vouchers");
                }
                printer.row(&row).map_err(Failure::Output)?;
            }
            Ok(Some(Tell::AllCreated)) => break Ok(()),
            Ok(_) => {}
            Err(failure) => break Err(failure),
        }
    };
    if progress {
        eprintln!();
    }
    if printed.is_ok() || printer.has_rows() {
        printer.finish().map_err(Failure::Output)?;
    }
    match printed {
        Err(failure) if made > 0 => Err(Failure::NoneMade(failure.to_string())),
        printed => printed.and_then(|()| keep(client)),
    }
}

/// Everything is printed: from now on the vouchers are good.
fn keep(mut client: Client) -> Result<(), Failure> {
    client.ask(&Ask::Keep)?;
    loop {
        match client.next() {
            Ok(Some(Tell::Hint(advice))) => eprintln!("hotspotd: {advice}"),
            Ok(Some(_)) => {}
            Ok(None) => return Ok(()),
            Err(Failure::Refused(reason)) => return Err(Failure::NoneMade(reason)),
            Err(failure) => return Err(Failure::PerhapsMade(failure.to_string())),
        }
    }
}

fn print_rows<R: table::Row>(
    mut client: Client,
    format: Format,
    mut pick: impl FnMut(Tell) -> Option<R>,
) -> Result<(), Failure> {
    let mut printer = Printer::new::<R>(BufWriter::new(io::stdout().lock()), format);
    // What has arrived is printed even where the rest fails: those vouchers exist.
    let outcome = loop {
        match client.next() {
            Ok(Some(tell)) => {
                if let Some(row) = pick(tell) {
                    printer.row(&row).map_err(Failure::Output)?;
                }
            }
            Ok(None) => break Ok(()),
            Err(failure) => break Err(failure),
        }
    };
    if outcome.is_ok() || printer.has_rows() {
        printer.finish().map_err(Failure::Output)?;
    }
    outcome
}

fn say(text: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{text}").map_err(Failure::Output)
}

fn backup(mut client: Client, file: &Path) -> Result<(), Failure> {
    client.ask(&Ask::Backup)?;
    let bytes = client.bytes()?;
    if file == Path::new("-") {
        return io::stdout().write_all(&bytes).map_err(Failure::Output);
    }
    let written = write_new(file, &bytes);
    written.map_err(|error| Failure::File(file.to_owned(), error))?;
    say(&format!("{} bytes written to {}", bytes.len(), file.display()))
}

/// Never half a backup under the name of a whole one, and for nobody else's eyes: it holds every
/// passcode.
fn write_new(file: &Path, bytes: &[u8]) -> io::Result<()> {
    if file.exists() && !file.is_file() {
        let mut device = std::fs::OpenOptions::new().write(true).mode(0o600).open(file)?;
        return device.write_all(bytes);
    }
    crate::atomic_file::write_durably(file, bytes)
}

fn restore(mut client: Client, file: &Path) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    let read = match file == Path::new("-") {
        true => io::stdin().read_to_end(&mut bytes),
        false => std::fs::File::open(file).and_then(|mut file| file.read_to_end(&mut bytes)),
    };
    read.map_err(|error| Failure::File(file.to_owned(), error))?;
    client.ask(&Ask::Restore(bytes.len() as u64))?;
    client.send(&bytes)?;
    say(&client.text()?)
}
