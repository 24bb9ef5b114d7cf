//! The names that devices give themselves when they ask for an address, from the DHCP server's
//! leases file.
//!
//! A name is whatever a stranger's device claims. It is shown to operators, in terminals and on
//! pages, so anything but plain host names is left out.

use std::collections::HashMap;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::PathBuf;
use std::time::SystemTime;

use nix::fcntl::OFlag;

use crate::domain::station::Mac;

/// Of a longer file the beginning is read: 8,192 leases of dnsmasq's with their names.
const FILE: u64 = 1 << 20;
/// Names kept at most.
const NAMES: usize = 8192;
/// The longest name (RFC 1035, §2.3.4).
const NAME: usize = 253;

type Names = HashMap<Mac, Box<str>>;

/// Host names by device, read again whenever the file has changed.
#[derive(Debug)]
pub struct HostNames {
    path: PathBuf,
    read: Option<Stamp>,
    names: Names,
}

/// What changes with a file's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok();
        Self { modified, length: metadata.len(), inode: metadata.ino() }
    }
}

impl HostNames {
    /// From the leases file at this path, which need not exist yet. Nothing is read before
    /// [`refresh`](Self::refresh).
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), read: None, names: Names::new() }
    }

    /// Reads the file if it has changed since, and tells whether it did. Without a file there are
    /// no names; while it cannot be read, those known are kept.
    ///
    /// # Errors
    /// Where the file exists and cannot be read.
    pub fn refresh(&mut self) -> io::Result<bool> {
        match self.read_changed() {
            Ok(None) => Ok(false),
            Ok(Some((stamp, names))) => {
                (self.read, self.names) = (Some(stamp), names);
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let had_one = self.read.take().is_some();
                self.names = Names::new();
                Ok(had_one)
            }
            Err(error) => Err(error),
        }
    }

    /// Has the next [`refresh`](Self::refresh) read the file, changed or not.
    pub fn forget(&mut self) {
        self.read = None;
    }

    /// The name this device has given itself.
    pub fn name(&self, mac: Mac) -> Option<&str> {
        self.names.get(&mac).map(AsRef::as_ref)
    }

    fn read_changed(&self) -> io::Result<Option<(Stamp, Names)>> {
        if self.read.is_some() && self.read == Some(Stamp::of(&std::fs::metadata(&self.path)?)) {
            return Ok(None);
        }
        // A pipe in the file's place must not make us wait.
        let wait = OFlag::O_NONBLOCK.bits();
        let file = OpenOptions::new().read(true).custom_flags(wait).open(&self.path)?;
        // Taken before reading: whatever is written meanwhile makes the next stamp differ.
        let stamp = Stamp::of(&file.metadata()?);
        Ok(Some((stamp, parse(&content(&file)?))))
    }
}

fn content(file: &File) -> io::Result<Vec<u8>> {
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(FILE).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == FILE {
        // The last line may have been cut.
        let end = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
        bytes.truncate(end);
    }
    Ok(bytes)
}

/// Host names by device from a leases file, of dnsmasq or of odhcpd. Of several leases of one
/// device, that which ends last names it.
///
/// ```text
/// 1795312800 98:01:a7:cb:bb:00 192.168.2.17 annas-phone 01:98:01:a7:cb:bb:00   dnsmasq
/// # br-guest 9801a7cbbb00 ipv4 annas-phone 1795312800 c0a80211 32 192.168.2.17/32   odhcpd
/// ```
///
/// Lines about IPv6 name a DUID instead of the MAC and are left out, like anything else.
pub fn parse(bytes: &[u8]) -> HashMap<Mac, Box<str>> {
    let mut leases: HashMap<Mac, (u64, &str)> = HashMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Some((mac, ends, name)) = lease(line) else { continue };
        match leases.get(&mac) {
            Some((later, _)) if *later > ends => continue,
            None if leases.len() == NAMES => continue,
            _ => {}
        }
        leases.insert(mac, (ends, name));
    }
    leases.into_iter().map(|(mac, (_, name))| (mac, name.into())).collect()
}

/// One line with a name: whose it is and when the lease ends.
fn lease(line: &[u8]) -> Option<(Mac, u64, &str)> {
    let mut fields = line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
    let first = text(fields.next()?)?;
    let (mac, ends, name) = if first == "#" {
        let (_device, mac, kind) = (fields.next()?, fields.next()?, fields.next()?);
        if kind != b"ipv4" {
            return None;
        }
        let (name, ends) = (fields.next()?, fields.next()?);
        (mac, ends, name)
    } else {
        let (mac, _address, name) = (fields.next()?, fields.next()?, fields.next()?);
        (mac, first.as_bytes(), name)
    };
    let ends = match text(ends)?.parse().ok()? {
        // dnsmasq: never.
        0 => u64::MAX,
        ends => ends,
    };
    Some((text(mac)?.parse().ok()?, ends, host_name(name)?))
}

/// A name as it may be shown, or none: `*` and `-` stand for a device that gave none.
fn host_name(bytes: &[u8]) -> Option<&str> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let speaks = bytes.iter().any(u8::is_ascii_alphanumeric);
    (speaks && bytes.len() <= NAME && bytes.iter().all(plain)).then(|| text(bytes))?
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temp_dir::Scratch;

    const PHONE: Mac = Mac::new([0x98, 0x01, 0xa7, 0xcb, 0xbb, 0x00]);

    fn name(file: &str) -> Option<String> {
        parse(file.as_bytes()).get(&PHONE).map(|name| name.to_string())
    }

    #[test]
    fn names_are_read_as_dnsmasq_and_odhcpd_write_them() {
        for line in [
            "1795312800 98:01:a7:cb:bb:00 192.168.2.17 annas-phone 01:98:01:a7:cb:bb:00\n",
            "0 98:01:A7:CB:BB:00 192.168.2.17 annas-phone *",
            "# br-guest 9801a7cbbb00 ipv4 annas-phone 1795312800 c0a80211 32 192.168.2.17/32\r\n",
        ] {
            assert_eq!(name(line).as_deref(), Some("annas-phone"), "{line}");
        }
    }

    #[test]
    fn lines_of_other_kinds_are_left_out() {
        for line in [
            "duid 00:01:00:01:2c:39:1d:5e:02:00:00:00:00:01",
            "1795312800 2731260672 2001:db8::17 annas-phone 00:01:00:01:98:01:a7:cb:bb:00",
            "1795312800 06-98:01:a7:cb:bb:00 192.168.2.17 annas-phone *",
            "# br-guest 000100012c391d5e9801a7cbbb00 9801a7 annas-phone 1795312800 17 128 2001:db8::17/128",
            "# br-guest 9801a7cbbb00 ipv4 broken\\x20annas-phone 1795312800 c0a80211 32 -",
            "soon 98:01:a7:cb:bb:00 192.168.2.17 annas-phone *",
            "-1 98:01:a7:cb:bb:00 192.168.2.17 annas-phone *",
            "1795312800 98:01:a7:cb:bb:00 192.168.2.17",
            "192.168.2.17 annas-phone.lan annas-phone",
            "#",
            "",
        ] {
            assert_eq!(parse(line.as_bytes()), HashMap::new(), "{line}");
        }
    }

    #[test]
    fn only_plain_host_names_are_believed() {
        let long = "a".repeat(NAME + 1);
        for bad in
            ["*", "-", "...", "<b>", "a\u{1b}[2Jb", "a\u{202e}b", "a\0b", "näme", "a,b", &long]
        {
            let line = format!("1795312800 98:01:a7:cb:bb:00 192.168.2.17 {bad} *");
            assert_eq!(name(&line), None, "{bad:?}");
        }
        let invalid = b"1795312800 98:01:a7:cb:bb:00 192.168.2.17 a\xffb *";
        assert_eq!(parse(invalid), HashMap::new());
    }

    #[test]
    fn the_lease_that_ends_last_names_a_device() {
        let lease =
            |ends: u32, name: &str| format!("{ends} 98:01:a7:cb:bb:00 192.0.2.1 {name} *\n");
        let both = |a: String, b: String| (name(&format!("{a}{b}")), name(&format!("{b}{a}")));
        let expected = (Some("new".to_owned()), Some("new".to_owned()));
        assert_eq!(both(lease(1, "old"), lease(2, "new")), expected);
        assert_eq!(both(lease(1, "old"), lease(0, "new")), expected);
        // A device that does not give its name any more keeps it for as long as it had the lease.
        assert_eq!(both(lease(1, "new"), lease(2, "*")), expected);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let lines = (0..NAMES as u64 * 2).map(|number| {
            let mac = Mac::new([2, 0, 0, (number >> 16) as u8, (number >> 8) as u8, number as u8]);
            format!("1 {mac} 192.0.2.1 host-{number} *\n")
        });
        let names = parse(lines.collect::<String>().as_bytes());
        assert_eq!(names.len(), NAMES);
        assert!(names.contains_key(&Mac::new([2, 0, 0, 0, 0, 0])));
    }

    #[test]
    fn the_file_is_read_again_when_it_has_changed() {
        let scratch = Scratch::new();
        let path = scratch.path().join("dhcp.leases");
        let mut names = HostNames::new(&path);
        assert!(!names.refresh().unwrap(), "there is no file yet");
        let write = |name: &str| {
            let line = format!("1795312800 98:01:a7:cb:bb:00 192.168.2.17 {name} *\n");
            std::fs::write(&path, line).unwrap();
        };
        write("one");
        assert!(names.refresh().unwrap());
        assert_eq!(names.name(PHONE), Some("one"));
        assert!(!names.refresh().unwrap(), "it has not changed");
        write("three");
        assert!(names.refresh().unwrap());
        assert_eq!(names.name(PHONE), Some("three"));
        // As long, and at the same time: it looks as if nothing had happened.
        let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
        write("seven");
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        assert!(!names.refresh().unwrap());
        names.forget();
        assert!(names.refresh().unwrap());
        assert_eq!(names.name(PHONE), Some("seven"));
        std::fs::remove_file(&path).unwrap();
        assert!(names.refresh().unwrap());
        assert_eq!(names.name(PHONE), None);
        assert!(!names.refresh().unwrap());
    }

    #[test]
    fn what_is_no_file_is_refused_without_waiting() {
        let scratch = Scratch::new();
        assert!(HostNames::new(scratch.path()).refresh().is_err());
        let pipe = scratch.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(HostNames::new(&pipe).refresh().is_err());
    }

    #[test]
    fn of_a_file_too_long_the_whole_lines_at_its_beginning_are_read() {
        let scratch = Scratch::new();
        let path = scratch.path().join("dhcp.leases");
        let first = "1 98:01:a7:cb:bb:00 192.168.2.17 one *\n";
        // The cut falls into the name of the second.
        let filler = "x".repeat(FILE as usize - first.len() - 40);
        let second = "1 98:01:a7:cb:bb:01 192.168.2.17 two-and-a-half *\n";
        std::fs::write(&path, format!("{first}{filler}\n{second}")).unwrap();
        let mut names = HostNames::new(&path);
        assert!(names.refresh().unwrap());
        assert_eq!(names.name(PHONE), Some("one"));
        assert_eq!(names.name(Mac::new([0x98, 0x01, 0xa7, 0xcb, 0xbb, 0x01])), None);
    }
}
