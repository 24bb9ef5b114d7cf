//! Arguments to commands.

mod policy;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::{Arg, Parser, ValueExt};

use super::{Command, EXIT_USAGE, Format, NewClient, Notice, help};
use crate::config::Vendor;

/// Where the configuration is when nobody says otherwise.
const CONFIG: &str = "/etc/config/hotspotd";
/// Vouchers in one batch at most.
const BATCH: u32 = 1_000_000;
/// The vendor's bound for `download_limit` and `upload_limit`, in MB.
const LIMIT: u32 = 9_437_184;

/// Every option with a value, besides `--config`.
const OPTIONS: [&str; 14] = [
    "address",
    "count",
    "download-limit",
    "format",
    "fullname",
    "passcode",
    "priority",
    "upload-limit",
    "used-download",
    "used-upload",
    "username",
    "valid-for",
    "valid-from",
    "vendor",
];

/// Every option without a value, besides `--help` and `--version`.
const FLAGS: [&str; 1] = ["reveal"];

/// Second words of commands.
const WORDS: [&str; 8] = ["add", "close", "correct", "create", "list", "remove", "rotate", "show"];

/// What the program is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invocation {
    /// `run`: be the daemon, with this configuration.
    Run(PathBuf),
    /// `try`: be a daemon on loopback with throw-away data.
    Try,
    /// Talk to the daemon of this configuration.
    Client(Command, PathBuf),
    /// Print this and be done.
    Print(String),
}

/// The arguments make no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misuse(String);

impl Misuse {
    /// Tells the user and gives the exit code.
    pub fn report(&self) -> ExitCode {
        eprintln!("hotspotd: {}\nTry 'hotspotd --help'.", self.0);
        ExitCode::from(EXIT_USAGE)
    }
}

impl From<lexopt::Error> for Misuse {
    fn from(error: lexopt::Error) -> Self {
        Self(error.to_string())
    }
}

/// Reads the arguments, the program's own name left out.
///
/// # Errors
/// What is wrong with them, in a sentence.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Invocation, Misuse> {
    let mut parser = Parser::from_args(arguments);
    let mut line = Line::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Short('c') | Arg::Long("config") => {
                line.config = Some(PathBuf::from(parser.value()?));
            }
            Arg::Short('h') | Arg::Long("help") => return Ok(Invocation::Print(help::text())),
            Arg::Short('V') | Arg::Long("version") => {
                return Ok(Invocation::Print(format!("hotspotd {}\n", crate::VERSION)));
            }
            Arg::Long(name) if FLAGS.contains(&name) => {
                line.flags.insert(name.to_owned());
            }
            Arg::Long(name) => {
                let name = name.to_owned();
                if !OPTIONS.contains(&name.as_str()) {
                    return Err(Misuse(format!("there is no option --{name}")));
                }
                let value = parser.value()?.string()?;
                if line.options.insert(name.clone(), value).is_some() {
                    return Err(Misuse(format!("--{name} is given twice")));
                }
            }
            Arg::Value(word) => line.words.push(word),
            Arg::Short(_) => return Err(argument.unexpected().into()),
        }
    }
    line.invocation()
}

/// The arguments, sorted.
#[derive(Default)]
struct Line {
    config: Option<PathBuf>,
    words: Vec<OsString>,
    options: BTreeMap<String, String>,
    flags: BTreeSet<String>,
}

impl Line {
    fn invocation(mut self) -> Result<Invocation, Misuse> {
        let config = self.config.take();
        let path = config.clone().unwrap_or_else(|| CONFIG.into());
        let words: Vec<String> =
            self.words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let invocation = match words.as_slice() {
            [] => return Err(Misuse("no command is given".to_owned())),
            ["help"] => Invocation::Print(help::text()),
            ["run"] => Invocation::Run(path),
            ["try"] if config.is_some() => {
                return Err(Misuse("'try' brings its own configuration; leave out -c".to_owned()));
            }
            ["try"] => Invocation::Try,
            words => Invocation::Client(self.command(words)?, path),
        };
        match self.options.keys().chain(&self.flags).next() {
            Some(name) => Err(Misuse(format!("--{name} does not belong to '{}'", words.join(" ")))),
            None => Ok(invocation),
        }
    }

    /// The command; takes the options that belong to it.
    fn command(&mut self, words: &[&str]) -> Result<Command, Misuse> {
        Ok(match words {
            ["check"] => Command::Check,
            ["check", "config"] => Command::CheckConfig,
            ["voucher", "create"] => self.create()?,
            ["voucher", "list"] => Command::ListVouchers(self.format()?),
            ["voucher", "correct", username] => self.correct(username)?,
            ["voucher", "correct"] => {
                return Err(Misuse("whose voucher? 'voucher correct USERNAME'".to_owned()));
            }
            ["voucher", "remove", username] => Command::RemoveVoucher((*username).to_owned()),
            ["voucher", "remove"] => {
                return Err(Misuse("whose voucher? 'voucher remove USERNAME'".to_owned()));
            }
            ["user", rest @ ..] => self.user(rest)?,
            ["group", rest @ ..] => self.group(rest)?,
            ["guests"] => Command::Guests(self.format()?),
            ["sessions"] => Command::Sessions(self.format()?),
            ["session", "close", whose] => Command::CloseSessions((*whose).to_owned()),
            ["session", "close"] => {
                return Err(Misuse("whose session? 'session close MAC|USERNAME'".to_owned()));
            }
            ["logins"] => Command::Logins(self.format()?),
            ["client", "list"] => Command::Clients(self.format()?),
            ["client", "show", name] => Command::ShowClient((*name).to_owned()),
            ["client", "add", name] => self.add_client(name)?,
            ["client", "add"] => {
                return Err(Misuse(
                    "which client? 'client add NAME --address A --vendor V'".to_owned(),
                ));
            }
            ["client", "show"] => {
                return Err(Misuse("which client? 'client show NAME'".to_owned()));
            }
            ["api-key", "show"] => Command::ShowKey,
            ["api-key", "rotate"] => Command::RotateKey,
            ["backup", _] => Command::Backup(self.words.swap_remove(1).into()),
            ["restore", _] => Command::Restore(self.words.swap_remove(1).into()),
            ["notify", "clock-synchronised"] => Command::Notify(Notice::ClockSynchronised),
            ["notify", "leases-changed"] => Command::Notify(Notice::LeasesChanged),
            ["notify", ..] => {
                return Err(Misuse(
                    "'notify clock-synchronised' or 'notify leases-changed'?".to_owned(),
                ));
            }
            ["backup" | "restore"] => {
                return Err(Misuse(format!("which file? '{} FILE'", words.join(" "))));
            }
            [first @ ("voucher" | "session" | "client" | "api-key"), second, _, ..]
                if WORDS.contains(second) =>
            {
                return Err(Misuse(format!("too many words after '{first} {second}'")));
            }
            [
                first @ ("check" | "guests" | "sessions" | "logins" | "backup" | "restore"),
                _,
                ..,
            ] => {
                return Err(Misuse(format!("too many words after '{first}'")));
            }
            ["voucher"] => {
                return Err(Misuse(
                    "'voucher create', 'voucher list', 'voucher correct' or 'voucher remove'?"
                        .to_owned(),
                ));
            }
            ["session"] => return Err(Misuse("'session close MAC|USERNAME'?".to_owned())),
            ["client"] => {
                return Err(Misuse(
                    "'client list', 'client show NAME' or 'client add NAME'?".to_owned(),
                ));
            }
            ["api-key"] => return Err(Misuse("'api-key show' or 'api-key rotate'?".to_owned())),
            _ => return Err(Misuse(format!("there is no command '{}'", words.join(" ")))),
        })
    }

    fn correct(&mut self, username: &str) -> Result<Command, Misuse> {
        let [download, upload] = ["used-download", "used-upload"].map(|name| {
            let megabytes = self.options.remove(name).map(|text| text.parse::<u32>());
            let wrong = || Misuse(format!("--{name} must be a number of MB"));
            megabytes.transpose().map_err(|_| wrong())
        });
        let (download, upload) = (download?, upload?);
        if download.is_none() && upload.is_none() {
            return Err(Misuse("what was used? --used-download MB or --used-upload MB".to_owned()));
        }
        Ok(Command::CorrectVoucher { username: username.to_owned(), download, upload })
    }

    fn create(&mut self) -> Result<Command, Misuse> {
        let count = match self.options.remove("count") {
            None => 1,
            Some(text) => match text.parse() {
                Ok(count @ 1..=BATCH) => count,
                _ => return Err(Misuse(format!("--count must be a number from 1 to {BATCH}"))),
            },
        };
        let mut fields = BTreeMap::new();
        for name in ["username", "passcode", "fullname", "valid-for", "valid-from"] {
            if let Some(text) = self.options.remove(name) {
                fields.insert(name.replace('-', "_"), text);
            }
        }
        // The API takes what is out of bounds for unlimited; at the command line it is a slip.
        for name in ["download-limit", "upload-limit"] {
            if let Some(text) = self.options.remove(name) {
                if !matches!(text.parse::<u32>(), Ok(0..=LIMIT)) {
                    return Err(Misuse(format!(
                        "--{name} must be a number of MB from 1 to {LIMIT}, or 0 for unlimited"
                    )));
                }
                fields.insert(name.replace('-', "_"), text);
            }
        }
        if count > 1 && fields.contains_key("username") {
            return Err(Misuse(
                "--username goes with a single voucher, not with --count".to_owned(),
            ));
        }
        Ok(Command::CreateVouchers { count, fields, format: self.format()? })
    }

    fn add_client(&mut self, name: &str) -> Result<Command, Misuse> {
        let vendors = Vendor::WORDS.map(|(word, _)| word).join(", ");
        let vendor = self.options.remove("vendor").unwrap_or_default();
        let vendor = Vendor::WORDS.iter().find(|(word, _)| *word == vendor);
        let (_, vendor) = *vendor.ok_or_else(|| Misuse(format!("--vendor is one of {vendors}")))?;
        let address = self.options.remove("address").ok_or_else(|| {
            Misuse("--address is where it asks from, as in --address 192.168.1.20".to_owned())
        })?;
        Ok(Command::AddClient(NewClient { name: name.to_owned(), address, vendor }))
    }

    fn format(&mut self) -> Result<Format, Misuse> {
        match self.options.remove("format").as_deref() {
            None | Some("table") => Ok(Format::Table),
            Some("csv") => Ok(Format::Csv),
            Some("json") => Ok(Format::Json),
            Some(_) => Err(Misuse("--format must be table, csv or json".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Result<Invocation, Misuse> {
        parse(text.split_whitespace().map(OsString::from))
    }

    fn client(text: &str) -> Command {
        match line(text) {
            Ok(Invocation::Client(command, _)) => command,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn the_configuration_may_stand_anywhere() {
        for text in ["-c /x run", "run -c /x", "run --config=/x"] {
            assert_eq!(line(text), Ok(Invocation::Run("/x".into())), "{text}");
        }
        assert_eq!(line("run"), Ok(Invocation::Run(CONFIG.into())));
    }

    #[test]
    fn options_of_create_become_the_apis_parameters() {
        let command =
            client("voucher create --count 3 --valid-for always --download-limit 10 --format csv");
        let Command::CreateVouchers { count, fields, format } = command else { panic!() };
        assert_eq!((count, format), (3, Format::Csv));
        let fields: Vec<_> =
            fields.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(fields, [("download_limit", "10"), ("valid_for", "always")]);
    }

    #[test]
    fn files_keep_their_names() {
        assert_eq!(client("backup /tmp/x.db"), Command::Backup("/tmp/x.db".into()));
        assert_eq!(client("restore -"), Command::Restore("-".into()));
    }

    #[test]
    fn misuse_is_told_and_nothing_is_done() {
        for text in [
            "",
            "rum",
            "run --format csv",
            "voucher",
            "voucher remove",
            "voucher remove a b",
            "voucher correct",
            "voucher correct a",
            "voucher correct a b --used-download 1",
            "voucher correct a --used-download lots",
            "voucher remove a --used-download 1",
            "api-key",
            "backup",
            "voucher create --count 0",
            "voucher create --count 2 --username x",
            "voucher create --download-limit lots",
            "voucher create --upload-limit 9437185",
            "voucher create --valid-for",
            "voucher create --colour red",
            "voucher list --format xml",
            "session",
            "session close",
            "session close a b",
            "session close a --format csv",
            "session list",
            "sessions close a",
            "client",
            "client show",
            "client show a b",
            "client add",
            "client add a --vendor mikrotik",
            "client add a --address 10.0.0.1",
            "client add a --address 10.0.0.1 --vendor other",
            "client show a --format csv",
            "clients",
            "notify",
            "notify clock-set",
            "notify leases-changed now",
            "guests --format xml",
            "guests all",
            "try -c /x",
            "voucher create --count 1 --count 2",
            "-x run",
        ] {
            assert!(line(text).is_err(), "{text}");
        }
    }
}
