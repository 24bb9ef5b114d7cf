//! The connection to the running daemon.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::control::{Ask, BACKUP_BYTES, Tell};

/// A daemon that says nothing for this long is taken for stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why a command did not succeed.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nobody answers on the socket.
    NotRunning(PathBuf),
    /// The socket is not ours to open.
    NotAllowed(PathBuf),
    /// The daemon refused or failed, and says why.
    Refused(String),
    /// Vouchers were printed and are not good, and why.
    NoneMade(String),
    /// Vouchers were printed, and nobody has said that they are good.
    PerhapsMade(String),
    /// The connection broke.
    Broken(io::Error),
    /// A file cannot be read or written.
    File(PathBuf, io::Error),
    /// Standard output cannot be written.
    Output(io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRunning(socket) => write!(
                f,
                "no daemon is running with this configuration (nobody answers on {}); start it \
                 with '{}', or name the configuration of a running one with -c FILE",
                socket.display(),
                if is_service() { "service hotspotd start" } else { "hotspotd run" }
            ),
            Self::NotAllowed(socket) => write!(
                f,
                "the daemon's socket {} belongs to another user; try again as root",
                socket.display()
            ),
            Self::Refused(reason) => f.write_str(reason),
            Self::NoneMade(reason) => {
                write!(f, "{reason}; none of these vouchers is good: they are made all or none")
            }
            Self::PerhapsMade(reason) => write!(
                f,
                "{reason}; either all of these vouchers are good or none: 'hotspotd voucher list' \
                 shows which"
            ),
            Self::Broken(error) if error.kind() == io::ErrorKind::WouldBlock => {
                write!(f, "the daemon has said nothing for {} s; see its log", PATIENCE.as_secs())
            }
            Self::Broken(error) => write!(f, "the connection to the daemon broke: {error}"),
            Self::File(file, error) => write!(f, "{}: {error}", file.display()),
            Self::Output(error) => write!(f, "cannot write the output: {error}"),
        }
    }
}

/// Whether OpenWrt's init starts the daemon here.
pub(super) fn is_service() -> bool {
    Path::new("/etc/init.d/hotspotd").exists()
}

/// One conversation.
pub(super) struct Client {
    stream: BufReader<UnixStream>,
}

impl Client {
    pub(super) fn connect(socket: &Path) -> Result<Self, Failure> {
        let stream = UnixStream::connect(socket).map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => Failure::NotAllowed(socket.to_owned()),
            _ => Failure::NotRunning(socket.to_owned()),
        })?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(Failure::Broken)?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    pub(super) fn ask(&mut self, ask: &Ask) -> Result<(), Failure> {
        let mut line = serde_json::to_vec(ask).map_err(|error| Failure::Broken(error.into()))?;
        line.push(b'\n');
        self.send(&line)
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self.stream.get_mut().write_all(bytes) {
            // The daemon refused before it had read everything; it says why.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            sent => sent.map_err(Failure::Broken),
        }
    }

    /// What the daemon tells next; `None` once all is done.
    pub(super) fn next(&mut self) -> Result<Option<Tell>, Failure> {
        let mut line = String::new();
        let read = self.stream.read_line(&mut line).map_err(Failure::Broken)?;
        if read == 0 {
            return Err(Failure::Broken(io::ErrorKind::UnexpectedEof.into()));
        }
        match serde_json::from_str(&line) {
            Ok(Tell::Done) => Ok(None),
            Ok(Tell::Failed(reason)) => Err(Failure::Refused(reason)),
            Ok(tell) => Ok(Some(tell)),
            Err(error) => Err(Failure::Broken(error.into())),
        }
    }

    /// Waits for the end of a request that has no result.
    pub(super) fn done(&mut self) -> Result<(), Failure> {
        while self.next()?.is_some() {}
        Ok(())
    }

    /// The text that is the result of a request.
    pub(super) fn text(&mut self) -> Result<String, Failure> {
        match self.next()? {
            Some(Tell::Text(text)) => self.done().map(|()| text),
            _ => Err(Failure::Broken(io::ErrorKind::InvalidData.into())),
        }
    }

    /// The raw bytes that are the result of a request.
    pub(super) fn bytes(&mut self) -> Result<Vec<u8>, Failure> {
        let length = match self.next()? {
            Some(Tell::Bytes(length)) if length <= BACKUP_BYTES => length,
            _ => return Err(Failure::Broken(io::ErrorKind::InvalidData.into())),
        };
        let mut bytes = Vec::new();
        self.stream.by_ref().take(length).read_to_end(&mut bytes).map_err(Failure::Broken)?;
        if bytes.len() as u64 != length {
            return Err(Failure::Broken(io::ErrorKind::UnexpectedEof.into()));
        }
        self.done().map(|()| bytes)
    }
}
