//! `client add`: a section more in the configuration, and the lines for the access point.
//!
//! Everything else in the file stays as it is, to the byte: the section is appended. What would not
//! be read as exactly one section more, or not be valid, is not written.

use std::fmt;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::path::Path;

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use rand::{Rng, RngExt};

use super::client::is_service;
use super::paste;
use crate::atomic_file;
use crate::config::{Client, Config, MAX_FILE_SIZE, Radius, Vendor, uci};

/// The new section, as it was given on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewClient {
    /// Its name.
    pub name: String,
    /// An address or a network.
    pub address: String,
    /// Whose attributes it understands.
    pub vendor: Vendor,
}

/// Why no section was added.
#[derive(Debug)]
pub(super) enum NotAdded {
    /// The file is none that could be added to, or would be none any more: what is wrong.
    Invalid(String),
    /// A section has the name; its line.
    Taken(usize),
    /// The file cannot be read or written.
    File(io::Error),
}

impl fmt::Display for NotAdded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(what) => f.write_str(what),
            Self::Taken(line) => {
                write!(f, "line {line} has a section of this name; choose another one")
            }
            Self::File(error) => error.fmt(f),
        }
    }
}

/// Adds the section; what to tell the operator.
pub(super) fn run(new: &NewClient, path: &Path) -> Result<String, NotAdded> {
    // The file itself, where the path is a link to it.
    let path = path.canonicalize().map_err(NotAdded::File)?;
    let mut text = String::new();
    let file = std::fs::File::open(&path).map_err(NotAdded::File)?;
    file.take(MAX_FILE_SIZE + 1).read_to_string(&mut text).map_err(NotAdded::File)?;
    let secret = secret(&mut UnwrapErr(SysRng));
    let (text, config) = with_section(&text, new, &secret)?;
    atomic_file::replace_durably(&path, text.as_bytes()).map_err(NotAdded::File)?;
    let client = config.clients.iter().find(|client| client.name == new.name);
    let client = client.ok_or_else(|| NotAdded::Invalid("the section is lost".to_owned()))?;
    Ok(told(client, &config.radius, &path))
}

/// The file's text with the section, and what it says.
fn with_section(text: &str, new: &NewClient, secret: &str) -> Result<(String, Config), NotAdded> {
    let invalid = |problems: Vec<crate::config::Problem>| {
        let lines = problems.iter().map(ToString::to_string);
        NotAdded::Invalid(lines.collect::<Vec<_>>().join("\n"))
    };
    Config::parse(text).map_err(invalid)?;
    let syntax = |error: uci::SyntaxError| NotAdded::Invalid(error.to_string());
    let sections = uci::parse(text).map_err(syntax)?;
    if let Some(same) = sections.iter().find(|it| it.name.as_deref() == Some(&*new.name)) {
        return Err(NotAdded::Taken(same.line));
    }
    let fits = |word: &str, also: &[char]| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(&c))
    };
    if !fits(&new.name, &['_']) {
        let what = "a section's name has letters, digits and '_' only";
        return Err(NotAdded::Invalid(what.to_owned()));
    }
    if !fits(&new.address, &['.', ':', '/']) {
        let what = "--address is an IP address or a network, as in 192.168.1.20 or 10.0.0.0/24";
        return Err(NotAdded::Invalid(what.to_owned()));
    }
    let end_of_line = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let NewClient { name, address, vendor } = new;
    let text = format!(
        "{text}{end_of_line}\nconfig client '{name}'\n\toption address '{address}'\n\
         \toption secret '{secret}'\n\toption vendor '{}'\n",
        vendor.word()
    );
    let with_it = uci::parse(&text).map_err(syntax)?;
    let is_one_more = with_it.len() == sections.len() + 1 && with_it.starts_with(&sections);
    if !is_one_more || text.len() as u64 > MAX_FILE_SIZE {
        let what = "the file's end leaves no room for a section; see its last line";
        return Err(NotAdded::Invalid(what.to_owned()));
    }
    let config = Config::parse(&text).map_err(invalid)?;
    Ok((text, config))
}

/// Letters and digits, none of which look like another: some access points take nothing else.
fn secret(rng: &mut dyn Rng) -> String {
    const LETTERS: &[u8; 57] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    const LENGTH: usize = 28;
    let letter = |_| LETTERS.get(rng.random_range(0..LETTERS.len())).map(|it| char::from(*it));
    (0..LENGTH).filter_map(letter).collect()
}

fn told(client: &Client, radius: &Radius, path: &Path) -> String {
    let ours = our_address(client, radius);
    let mut text =
        format!("client {} is in {}; to put it into force:\n", client.name, path.display());
    if !radius.enabled {
        text.push_str("    set enabled to '1' in 'config radius'\n");
    }
    if ours.is_none() {
        text.push_str(
            "    add to 'config radius' the address of this router that the access point asks, as \
             in:\n        list listen '192.168.1.1'\n",
        );
    }
    text.push_str(match is_service() {
        true => "    service hotspotd reload\n",
        false => "    killall -HUP hotspotd\n",
    });
    let ours = ours.map_or_else(|| "THIS-ROUTER".to_owned(), |address| address.to_string());
    text.push_str(&paste::lines(client, radius, &ours));
    text
}

/// The address of ours that this client reaches, where one is listened at.
fn our_address(client: &Client, radius: &Radius) -> Option<IpAddr> {
    let there = client.address.addr();
    let any = match there {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    // The kernel only chooses a route; nothing is sent.
    let routed = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect((there, client.coa_port))?;
        socket.local_addr().map(|address| address.ip())
    });
    let routed = routed.ok().filter(|ours| ours.is_loopback() == there.is_loopback());
    let listens_at = |address: &IpAddr| radius.listen.contains(address);
    if let Some(ours) = routed.filter(|ours| listens_at(ours) || listens_at(&any)) {
        return Some(ours);
    }
    let fits = |ours: &&IpAddr| {
        !ours.is_unspecified()
            && ours.is_ipv4() == there.is_ipv4()
            && ours.is_loopback() == there.is_loopback()
    };
    radius.listen.iter().find(fits).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(name: &str, address: &str) -> NewClient {
        NewClient { name: name.into(), address: address.into(), vendor: Vendor::Mikrotik }
    }

    fn added(text: &str, new: &NewClient) -> Result<String, String> {
        with_section(text, new, "s3cret").map(|it| it.0).map_err(|why| why.to_string())
    }

    const FILE: &str = "# mine\nconfig radius\n\toption enabled '1'\nconfig client 'pool'\n\
                        \toption address 10.0.0.1\n\toption secret x # end";

    #[test]
    fn a_section_more_and_nothing_else() {
        let text = added(FILE, &new("lobby", "10.0.0.0/24")).unwrap();
        let section = "\n\nconfig client 'lobby'\n\toption address '10.0.0.0/24'\n\
                       \toption secret 's3cret'\n\toption vendor 'mikrotik'\n";
        assert_eq!(text, format!("{FILE}{section}"));
        let client = &Config::parse(&text).unwrap().clients[1];
        assert_eq!((client.name.as_str(), client.vendor), ("lobby", Vendor::Mikrotik));
        assert!(added("", &new("lobby", "fd00::1")).unwrap().starts_with("\nconfig client"));
    }

    #[test]
    fn what_would_not_be_valid_is_not_written() {
        for (text, new, why) in [
            (FILE, new("pool", "10.0.0.2"), "line 4 has a section of this name"),
            (FILE, new("lobby", "10.0.0.1"), "address 10.0.0.1/32 has a client section: line 5"),
            (FILE, new("lob by", "10.0.0.2"), "a section's name"),
            (FILE, new("lobby", "10.0.0.2' secret"), "--address is"),
            (FILE, new("lobby", "10.0.0"), "address"),
            ("config radius\n\toption enabled 'maybe'", new("lobby", "10.0.0.2"), "line 2"),
            ("config radius\n\toption enabled '1", new("lobby", "10.0.0.2"), "line 2"),
        ] {
            let refused = added(text, &new).unwrap_err();
            assert!(refused.contains(why), "{refused:?}");
        }
        // A line that goes on with the next one would swallow part of the section.
        let file = "config radius\n\toption enabled 1\\";
        let appended = added(file, &new("lobby", "10.0.0.2"));
        assert!(appended.is_err() || appended.unwrap().starts_with(file));
    }

    #[test]
    fn a_secret_is_long_and_never_the_same() {
        let mut rng = UnwrapErr(SysRng);
        let (one, other) = (secret(&mut rng), secret(&mut rng));
        assert_eq!((one.len(), one == other), (28, false));
        assert!(one.chars().all(|c| c.is_ascii_alphanumeric()));
    }
}
