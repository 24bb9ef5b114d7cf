//! `hotspotd try`: everything on loopback, with data that is thrown away.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;

use crate::http::api::key;

/// The port that is taken where it is free.
const PORT: u16 = 8080;
/// The configuration's name in the directory; where it stands, the directory is ours.
const CONFIG: &str = "hotspotd.conf";

/// Starts a daemon with throw-away data and prints what to paste.
pub fn try_out() -> ExitCode {
    let directory = std::env::temp_dir().join("hotspotd-try");
    match prepare(&directory) {
        Ok(trial) => {
            print!("{}", trial.instructions());
            let code = super::run(&trial.config);
            let _ = fs::remove_dir_all(&directory);
            code
        }
        Err(reason) => {
            eprintln!("hotspotd: {reason}");
            ExitCode::FAILURE
        }
    }
}

struct Trial {
    config: PathBuf,
    address: SocketAddr,
    key: String,
}

fn prepare(directory: &Path) -> Result<Trial, String> {
    let fail = |error: io::Error| format!("cannot use {}: {error}", directory.display());
    let socket = directory.join("control.sock");
    if std::os::unix::net::UnixStream::connect(&socket).is_ok() {
        return Err("another 'hotspotd try' is running; stop it with Ctrl-C first".to_owned());
    }
    clear(directory).map_err(fail)?;
    fs::DirBuilder::new().mode(0o700).create(directory).map_err(fail)?;
    let address = free_address().map_err(|error| format!("no free port on loopback: {error}"))?;
    let key = key::load_or_make(directory, &mut UnwrapErr(SysRng)).map_err(fail)?;
    let config = directory.join(CONFIG);
    fs::write(&config, configuration(directory, &socket, address)).map_err(fail)?;
    Ok(Trial { config, address, key: key.reveal().to_owned() })
}

/// Removes what an earlier try left behind, if it is ours.
fn clear(directory: &Path) -> io::Result<()> {
    match fs::symlink_metadata(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(found) if !found.is_dir() || found.uid() != nix::unistd::geteuid().as_raw() => {
            Err(io::Error::other("it exists and belongs to somebody else"))
        }
        Ok(_) if directory.join(CONFIG).exists() => fs::remove_dir_all(directory),
        // Empty, or somebody's: only the former can be removed this way.
        Ok(_) => fs::remove_dir(directory),
    }
}

fn free_address() -> io::Result<SocketAddr> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    bind(PORT).or_else(|_| bind(0))?.local_addr()
}

fn configuration(directory: &Path, socket: &Path, address: SocketAddr) -> String {
    format!(
        "config hotspotd 'main'\n\
         \toption data_dir '{}'\n\
         \toption control_socket '{}'\n\n\
         config api 'api'\n\
         \toption enabled '1'\n\
         \toption allow_get '1'\n\
         \toption allow_post '1'\n\
         \tlist listen '{address}'\n",
        directory.display(),
        socket.display(),
    )
}

impl Trial {
    fn instructions(&self) -> String {
        let Self { config, address, key } = self;
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

"#,
            version = crate::VERSION,
        )
    }
}
