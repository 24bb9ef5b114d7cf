//! `hotspotd try`: a demo on loopback, with temporary data.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nix::unistd::{geteuid, mkdtemp};
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;

use crate::domain::code;
use crate::http::api_key;

/// The API's port, where it is free.
const PORT: u16 = 8080;
/// The same for RADIUS: authentication and accounting.
const RADIUS_PORTS: (u16, u16) = (1812, 1813);
/// Characters of the secret for RADIUS: 79 random bits.
const SECRET_LENGTH: usize = 16;
/// The configuration's name in the directory; a directory that holds it was made by this program.
const CONFIG: &str = "hotspotd.conf";
/// The control socket's name in the directory.
const SOCKET: &str = "control.sock";

/// Runs a daemon with temporary data, and prints commands to paste.
pub fn run() -> ExitCode {
    let directory = match make_directory(&std::env::temp_dir()) {
        Ok(directory) => directory,
        Err(reason) => return failed(&reason),
    };
    let code = match prepare(&directory) {
        Ok(demo) => {
            print!("{}", demo.instructions());
            super::run(&demo.config)
        }
        Err(reason) => failed(&reason),
    };
    let _ = fs::remove_dir_all(&directory);
    code
}

fn failed(reason: &str) -> ExitCode {
    eprintln!("hotspotd: {reason}");
    ExitCode::FAILURE
}

struct Demo {
    config: PathBuf,
    address: SocketAddr,
    radius: (u16, u16),
    key: String,
    secret: String,
}

/// Makes a directory with mode 0700: the usual one, or one with a random name where another user
/// has the usual name. Any user of this machine can take a name that is known in advance.
fn make_directory(parent: &Path) -> Result<PathBuf, String> {
    let usual = parent.join("hotspotd-try");
    if is_left_behind(&usual) {
        if UnixStream::connect(usual.join(SOCKET)).is_ok() {
            return Err("another 'hotspotd try' is running; stop it with Ctrl-C first".to_owned());
        }
        let _ = fs::remove_dir_all(&usual);
    }
    match fs::DirBuilder::new().mode(0o700).create(&usual) {
        Ok(()) => Ok(usual),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            mkdtemp(&parent.join("hotspotd-try-XXXXXX")).map_err(|error| {
                format!("cannot make a directory in {}: {error}", parent.display())
            })
        }
        Err(error) => Err(format!("cannot make {}: {error}", usual.display())),
    }
}

/// Whether the directory belongs to another demo of this user, which may still run.
fn is_left_behind(directory: &Path) -> bool {
    fs::symlink_metadata(directory).is_ok_and(|found| {
        found.is_dir()
            && found.uid() == geteuid().as_raw()
            && (directory.join(CONFIG).exists() || is_empty(directory))
    })
}

fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_none())
}

fn prepare(directory: &Path) -> Result<Demo, String> {
    let fail = |error: io::Error| format!("cannot use {}: {error}", directory.display());
    let socket = directory.join(SOCKET);
    let address = free_address().map_err(|error| format!("no free port on loopback: {error}"))?;
    let radius =
        free_radius_ports().map_err(|error| format!("no free port for RADIUS: {error}"))?;
    let mut rng = UnwrapErr(SysRng);
    let key = api_key::load_or_make(directory, &mut rng).map_err(fail)?;
    let secret = code::code(&mut rng, SECRET_LENGTH);
    let config = directory.join(CONFIG);
    fs::write(&config, configuration(directory, &socket, address, radius, &secret))
        .map_err(fail)?;
    Ok(Demo { config, address, radius, key: key.reveal().to_owned(), secret })
}

fn free_address() -> io::Result<SocketAddr> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    bind(PORT).or_else(|_| bind(0))?.local_addr()
}

/// The usual ports, or two others.
fn free_radius_ports() -> io::Result<(u16, u16)> {
    let bind = |port| UdpSocket::bind((Ipv4Addr::LOCALHOST, port));
    let (auth, acct) = match (bind(RADIUS_PORTS.0), bind(RADIUS_PORTS.1)) {
        (Ok(auth), Ok(acct)) => (auth, acct),
        _ => (bind(0)?, bind(0)?),
    };
    Ok((auth.local_addr()?.port(), acct.local_addr()?.port()))
}

fn configuration(
    directory: &Path,
    socket: &Path,
    address: SocketAddr,
    (auth, acct): (u16, u16),
    secret: &str,
) -> String {
    format!(
        "config hotspotd 'main'\n\
         \toption data_dir '{}'\n\
         \toption control_socket '{}'\n\n\
         config api 'api'\n\
         \toption enabled '1'\n\
         \toption allow_get '1'\n\
         \toption allow_post '1'\n\
         \tlist listen '{address}'\n\n\
         config radius 'radius'\n\
         \toption enabled '1'\n\
         \tlist listen '127.0.0.1'\n\
         \toption auth_port '{auth}'\n\
         \toption acct_port '{acct}'\n\n\
         config client 'trial'\n\
         \toption address '127.0.0.0/8'\n\
         \toption secret '{secret}'\n",
        directory.display(),
        socket.display(),
    )
}

impl Demo {
    fn instructions(&self) -> String {
        let Self { config, address, radius: (auth, acct), key, secret } = self;
        let program = std::env::current_exe().unwrap_or_else(|_| "hotspotd".into());
        let (program, config) = (program.display(), config.display());
        let taken = match address.port() {
            PORT => String::new(),
            port => format!("  (port {PORT} is taken, so this one listens on {port})\n"),
        };
        format!(
            r#"hotspotd {version} on loopback, with data that is thrown away at the end (Ctrl-C).

  API      http://{address}/api/
{taken}  API key  {key}

Paste into another terminal:

  # create a voucher
  curl -w '\n' http://{address}/api/ -H 'Content-Type: application/json' \
    -d '{{"api-key":"{key}","action":"create_voucher","username":"room12","valid_for":"2 days"}}'

  # list the vouchers
  curl -w '\n' 'http://{address}/api/?api-key={key}&action=get_voucher_users'

  # remove it
  curl -w '\n' http://{address}/api/ -H 'Content-Type: application/json' \
    -d '{{"api-key":"{key}","action":"remove_voucher","username":"room12"}}'

  # the same from the command line
  {program} -c {config} voucher create --count 3
  {program} -c {config} voucher list

  # over RADIUS, as an access point would (radclient: Debian's freeradius-utils)
  {program} -c {config} voucher create --username room14 --passcode open-sesame
  echo 'User-Name=room14,User-Password=open-sesame,Calling-Station-Id=02-00-00-00-00-14,Message-Authenticator=0x00' \
    | radclient -x 127.0.0.1:{auth} auth {secret}
  echo 'User-Name=room14,Calling-Station-Id=02-00-00-00-00-14,Acct-Session-Id=1,Acct-Status-Type=Start' \
    | radclient 127.0.0.1:{acct} acct {secret}
  {program} -c {config} sessions
  {program} -c {config} client list

"#,
            version = crate::VERSION,
        )
    }
}
