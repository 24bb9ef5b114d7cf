//! Answers the command line.

mod policy;
mod vouchers;

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::stat::{Mode, umask};
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};

use super::clients::{client_row, troubles};
use super::{Ask, BACKUP_BYTES, GateHealth, Health, LINE_BYTES, PortalHealth, Tell};
use crate::domain::list::{Entry, Page};
use crate::domain::station::Mac;
use crate::domain::voucher::Username;
use crate::firewall::Hook;
use crate::hotspot::{Closed, Fault, Handle, Read, Reply, Status, Whose, Write};
use crate::http::{api, api_key};
use crate::listing::{HostRow, LoginRow, SessionRow, VoucherRow};
use crate::radius;

/// Connections answered at one time; more wait.
const CONNECTIONS: usize = 8;
/// Time to send the request line.
const ASK_TIME: Duration = Duration::from_secs(10);
/// Rows read at once.
const ROWS: u32 = 256;

type Stream = BufStream<UnixStream>;

/// Why a request failed: a sentence for the person at the command line.
type Failure = String;

/// What the answers need.
#[derive(Clone)]
pub struct Control {
    /// The owner of the state.
    pub hotspot: Handle,
    /// The API's settings; a new key is put in here.
    pub api: watch::Sender<Arc<api::Settings>>,
    /// Where `api.key` lives.
    pub data_dir: PathBuf,
    /// Where the API listens, or why it cannot.
    pub listening: watch::Receiver<BTreeMap<String, Result<(), String>>>,
    /// Who asks over RADIUS.
    pub radius: radius::Server,
    /// Where RADIUS listens, or why it cannot.
    pub radius_listens: watch::Receiver<BTreeMap<String, Result<(), String>>>,
    /// What the portals are doing, by the names of their networks.
    pub portals: watch::Receiver<BTreeMap<String, PortalHealth>>,
}

/// Binds the socket, for its owner only. One that a killed daemon left behind is replaced.
///
/// # Errors
/// `AddrInUse` where a daemon answers on it; else what the kernel says.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(ErrorKind::AddrInUse.into());
    }
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => std::fs::remove_file(path)?,
        // A slip in the configuration must not cost anybody a file.
        Ok(_) => return Err(io::Error::other("a file that is not a socket is in its place")),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // The mode must be right from the first moment, not a moment later.
    let before = umask(Mode::from_bits_truncate(0o177));
    let bound = UnixListener::bind(path);
    umask(before);
    let listener = bound?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

impl Control {
    /// Answers until the task is dropped.
    pub async fn run(self, listener: UnixListener) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(place) = places.clone().acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let control = self.clone();
                    tokio::spawn(async move {
                        control.serve(BufStream::new(stream)).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    log::warn!("control socket: cannot accept: {error}");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }

    async fn serve(&self, mut stream: Stream) {
        let asked = tokio::time::timeout(ASK_TIME, read_ask(&mut stream)).await;
        let answered = match asked.unwrap_or_else(|_| Err("no request came".to_owned())) {
            Ok(ask) => self.answer(ask, &mut stream).await,
            Err(failure) => Err(failure),
        };
        let last = answered.map_or_else(Tell::Failed, |()| Tell::Done);
        let _ = tell(&mut stream, &last).await;
        let _ = stream.flush().await;
    }

    async fn answer(&self, ask: Ask, stream: &mut Stream) -> Result<(), Failure> {
        match ask {
            Ask::CreateVouchers { count, fields } => self.create(count, fields, stream).await,
            Ask::Keep => Err("no vouchers were asked for".to_owned()),
            Ask::CorrectVoucher { username, download, upload } => {
                self.correct(&username, [download, upload], stream).await
            }
            Ask::RemoveVoucher(username) => self.remove(&username).await,
            Ask::Vouchers => {
                let zone = self.settings().zone.clone();
                let row = |entry: &_| Tell::Voucher(VoucherRow::new(entry, &zone));
                self.list(stream, Read::Vouchers, row).await
            }
            Ask::Logins => {
                let zone = self.settings().zone.clone();
                let row = |entry: &_| Tell::Login(LoginRow::new(entry, &zone));
                self.list(stream, Read::Logins, row).await
            }
            Ask::Guests => {
                let hosts = self.hotspot.read(Read::Hosts).await;
                tell_all(stream, hosts, |host| Tell::Guest(HostRow::from(host))).await
            }
            Ask::Sessions => {
                let zone = self.settings().zone.clone();
                let sessions = self.hotspot.read(Read::Sessions).await;
                let row = |session: &_| Tell::Session(SessionRow::new(session, &zone));
                tell_all(stream, sessions, row).await
            }
            Ask::CloseSessions(whose) => self.close_sessions(&whose, stream).await,
            Ask::Policy(ask) => self.policy(ask, stream).await,
            Ask::SetPassword { username, password } => {
                self.set_password(&username, &password, stream).await
            }
            Ask::Clients => {
                for standing in self.radius.standings() {
                    tell(stream, &Tell::Client(client_row(&standing))).await?;
                }
                Ok(())
            }
            Ask::ShowKey => {
                let key = self.settings().key.reveal().to_owned();
                tell(stream, &Tell::Text(key)).await
            }
            Ask::RotateKey => self.rotate_key(stream).await,
            Ask::Backup => self.backup(stream).await,
            Ask::Restore(bytes) => self.restore(bytes, stream).await,
            Ask::Health => self.health(stream).await,
            Ask::ClockSynchronised => {
                self.hotspot.clock_synchronised().await.map_err(|fault| fault.to_string())
            }
            Ask::LeasesChanged => {
                self.hotspot.leases_changed().await;
                Ok(())
            }
        }
    }

    fn settings(&self) -> Arc<api::Settings> {
        self.api.borrow().clone()
    }

    async fn remove(&self, username: &str) -> Result<(), Failure> {
        let username = Username::parse(username).map_err(|error| format!("username: {error}"))?;
        let username = username.ok_or("no username was given")?;
        let removed = self.hotspot.write(|reply| Write::RemoveVoucher { username, reply }).await;
        match removed.map_err(|fault| fault.to_string())? {
            true => Ok(()),
            false => Err("there is no voucher with this username".to_owned()),
        }
    }

    /// A text that reads as a MAC address is one, even where a voucher has that name.
    async fn close_sessions(&self, text: &str, stream: &mut Stream) -> Result<(), Failure> {
        let (whose, name) = match text.trim().parse::<Mac>() {
            Ok(mac) => (Whose::Station(mac), mac.to_string()),
            Err(_) => {
                let username =
                    Username::parse(text).map_err(|error| format!("username: {error}"))?;
                let username = username.ok_or("no MAC address or username was given")?;
                let name = username.as_str().to_owned();
                (Whose::Username(username), name)
            }
        };
        let closed = self.hotspot.write(|reply| Write::CloseSessions { whose, reply }).await;
        match closed.map_err(|fault| fault.to_string())? {
            Closed { here: 0, asked: 0, freed: 0 } => {
                Err(format!("no session of {name} is open; 'hotspotd sessions' lists them"))
            }
            closed => tell(stream, &Tell::Text(format!("{} of {name}", closed_text(closed)))).await,
        }
    }

    async fn list<T>(
        &self,
        stream: &mut Stream,
        read: impl Fn(Page, Reply<Vec<Entry<T>>>) -> Read,
        row: impl Fn(&Entry<T>) -> Tell,
    ) -> Result<(), Failure> {
        let mut after = 0;
        loop {
            let page = Page { after, limit: ROWS };
            let entries = self.hotspot.read(|reply| read(page, reply)).await;
            let entries = entries.map_err(|fault| fault.to_string())?;
            for entry in &entries {
                tell(stream, &row(entry)).await?;
            }
            match entries.last() {
                Some(last) => after = last.id,
                None => return Ok(()),
            }
        }
    }

    async fn rotate_key(&self, stream: &mut Stream) -> Result<(), Failure> {
        if self.settings().config.key.is_some() {
            return Err("the key is set in the configuration (option key); change it there, or \
                        remove it there to have one made"
                .to_owned());
        }
        let key = api_key::make(&self.data_dir, &mut UnwrapErr(SysRng))
            .map_err(|error| format!("the new key cannot be kept ({error}); the old one stays"))?;
        log::info!("api: a new key is in force");
        let text = Tell::Text(key.reveal().to_owned());
        self.api.send_modify(|settings| {
            *settings = Arc::new(api::Settings { key, ..(**settings).clone() });
        });
        tell(stream, &text).await
    }

    async fn backup(&self, stream: &mut Stream) -> Result<(), Failure> {
        let bytes = self.hotspot.read(Read::Backup).await.map_err(|fault| fault.to_string())?;
        tell(stream, &Tell::Bytes(bytes.len() as u64)).await?;
        stream.write_all(&bytes).await.map_err(|error| error.to_string())
    }

    async fn restore(&self, length: u64, stream: &mut Stream) -> Result<(), Failure> {
        if length > BACKUP_BYTES {
            return Err("the file is too large for a backup of hotspotd".to_owned());
        }
        let mut bytes = Vec::new();
        stream.take(length).read_to_end(&mut bytes).await.map_err(|error| error.to_string())?;
        if bytes.len() as u64 != length {
            return Err("the backup did not arrive whole; nothing was changed".to_owned());
        }
        let restored = self.hotspot.restore(bytes).await;
        let vouchers = restored.map_err(|fault| format!("{fault}; nothing was changed"))?;
        tell(stream, &Tell::Text(format!("restored, {vouchers} vouchers"))).await
    }

    async fn health(&self, stream: &mut Stream) -> Result<(), Failure> {
        let status = self.hotspot.read(Read::Status).await.map_err(|fault| fault.to_string())?;
        let (listening, not_listening) = up_and_down(&self.listening.borrow());
        let (radius_listening, radius_not_listening) = up_and_down(&self.radius_listens.borrow());
        let (clients_in_trouble, strangers) = troubles(&self.radius.standings());
        let settings = self.settings();
        let health = Health {
            gate: gate(&status),
            sessions: status.sessions,
            portals: self.portals.borrow().clone(),
            version: crate::VERSION.to_owned(),
            api: settings.config.state().to_owned(),
            listening,
            not_listening,
            radius_listening,
            radius_not_listening,
            clients_in_trouble,
            strangers,
            journal: status.journal.to_string(),
            vouchers: status.vouchers,
            clock_is_set: status.now.wall_is_set,
            local_time: settings.zone.show(status.now.wall),
            zone_is_known: settings.zone_source.is_ok(),
            zone: settings.zone_source.clone().unwrap_or_else(|why| why),
            recovery: status.recovery.map(|recovery| recovery.to_string()),
            trouble: status.trouble,
        };
        tell(stream, &Tell::Health(health)).await
    }
}

fn closed_text(closed: Closed) -> String {
    let count = |number: usize, what: &str| match number {
        1 => format!("1 {what}"),
        many => format!("{many} {what}s"),
    };
    let parts = [
        (closed.here, format!("closed {}", count(closed.here, "session"))),
        (closed.asked, format!("told access points to end {}", count(closed.asked, "session"))),
        (closed.freed, format!("freed {} kept at access points", count(closed.freed, "place"))),
    ];
    let parts: Vec<String> =
        parts.into_iter().filter(|(number, _)| *number > 0).map(|(_, text)| text).collect();
    parts.join(", and ")
}

/// The addresses that listen, and those that do not with the reason.
fn up_and_down(report: &BTreeMap<String, Result<(), String>>) -> (Vec<String>, Vec<String>) {
    let up = report.iter().filter(|(_, result)| result.is_ok());
    let down =
        report.iter().filter_map(|(address, result)| Some((address, result.as_ref().err()?)));
    let up = up.map(|(address, _)| address.clone()).collect();
    (up, down.map(|(address, why)| format!("{address} ({why})")).collect())
}

fn gate(status: &Status) -> GateHealth {
    match (&status.gate_trouble, status.hook) {
        (Some(trouble), _) => GateHealth::Trouble(trouble.clone()),
        (None, Some(Hook::Netdev)) => GateHealth::Device,
        (None, Some(Hook::Inet)) => GateHealth::Routing,
        (None, Some(Hook::Nothing) | None) => GateHealth::Nothing,
    }
}

async fn read_ask(stream: &mut Stream) -> Result<Ask, Failure> {
    let mut line = Vec::new();
    let read = stream.take(LINE_BYTES).read_until(b'\n', &mut line).await;
    read.map_err(|error| error.to_string())?;
    serde_json::from_slice(&line).map_err(|error| {
        format!("the daemon (version {}) does not understand this request: {error}", crate::VERSION)
    })
}

async fn tell_all<T>(
    stream: &mut Stream,
    rows: Result<Vec<T>, Fault>,
    row: impl Fn(&T) -> Tell,
) -> Result<(), Failure> {
    for it in &rows.map_err(|fault| fault.to_string())? {
        tell(stream, &row(it)).await?;
    }
    Ok(())
}

async fn tell(stream: &mut Stream, tell: &Tell) -> Result<(), Failure> {
    let mut line = serde_json::to_vec(tell).map_err(|error| error.to_string())?;
    line.push(b'\n');
    stream.write_all(&line).await.map_err(|error| error.to_string())
}
