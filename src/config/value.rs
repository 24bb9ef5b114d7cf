//! One option's text to one value. An error completes the sentence "option 'x': 'TEXT' …".

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;

use ipnet::IpNet;

use crate::domain::secret::Secret;

/// The longest key or shared secret, in characters.
const MAX_SECRET: usize = 256;

/// The longest device name: IFNAMSIZ (16) less the closing NUL.
const MAX_DEVICE: usize = 15;

/// The longest Unix socket path: `sun_path` (108) less the closing NUL.
const MAX_SOCKET_PATH: usize = 107;

/// The words that OpenWrt's `get_bool` knows.
pub(super) fn flag(text: &str) -> Result<bool, String> {
    match text {
        "1" | "on" | "true" | "yes" | "enabled" => Ok(true),
        "0" | "off" | "false" | "no" | "disabled" => Ok(false),
        _ => Err("is neither '1' nor '0'".into()),
    }
}

/// A decimal number within a range.
pub(super) fn number(range: RangeInclusive<u32>) -> impl Fn(&str) -> Result<u32, String> {
    move |text| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| digits && range.contains(number));
        number.ok_or_else(|| {
            format!("is not a whole number from {} to {}", range.start(), range.end())
        })
    }
}

/// As `number`, for the values that 16 bits hold.
pub(super) fn short(range: RangeInclusive<u16>) -> impl Fn(&str) -> Result<u16, String> {
    let number = number(u32::from(*range.start())..=u32::from(*range.end()));
    move |text| number(text).map(|number| u16::try_from(number).unwrap_or(u16::MAX))
}

/// A TCP or UDP port; 0 would be a different one at every start.
pub(super) fn port(text: &str) -> Result<u16, String> {
    short(1..=u16::MAX)(text)
}

/// One word of a closed list.
pub(super) fn choice<T: Copy>(words: &[(&str, T)]) -> impl Fn(&str) -> Result<T, String> {
    move |text| {
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        found.ok_or_else(|| {
            let words: Vec<_> = words.iter().map(|(word, _)| format!("'{word}'")).collect();
            format!("is not one of {}", words.join(", "))
        })
    }
}

/// An address with a port.
pub(super) fn socket(text: &str) -> Result<SocketAddr, String> {
    let socket = text.parse().ok().filter(|socket: &SocketAddr| socket.port() != 0);
    socket.ok_or_else(|| {
        "is not an address and a port, such as '192.168.1.1:8080' or '[fd00::1]:8080'".into()
    })
}

/// An address without a port.
pub(super) fn address(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| "is not an IP address, such as '192.168.1.1' or 'fd00::1'".into())
}

/// A network, host bits cleared; a bare address is a network of one.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.map(|network| without_mapping(network.trunc())).map_err(|_| {
        "is not a network or an address, such as '192.168.1.0/24', '192.168.1.20' or 'fd00::/64'"
            .into()
    })
}

/// `::ffff:10.0.0.7` is how some programs write 10.0.0.7; no packet ever comes from it.
fn without_mapping(network: IpNet) -> IpNet {
    match (network.addr().to_canonical(), network.prefix_len().checked_sub(96)) {
        (address @ IpAddr::V4(_), Some(prefix)) => IpNet::new(address, prefix).unwrap_or(network),
        _ => network,
    }
}

/// A path that does not depend on where the daemon was started.
pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.is_absolute() {
        Ok(path)
    } else {
        Err("must be a full path, beginning with '/'".into())
    }
}

/// A path that fits into a Unix socket address.
pub(super) fn socket_path(text: &str) -> Result<PathBuf, String> {
    if text.len() > MAX_SOCKET_PATH {
        return Err(format!("is longer than the {MAX_SOCKET_PATH} bytes a socket's path may have"));
    }
    path(text)
}

/// A network device. The kernel would take stranger names, but a firewall rule that names one
/// must not be able to mean anything else.
pub(super) fn device(text: &str) -> Result<String, String> {
    let known = |c: char| c.is_ascii_alphanumeric() || "._-@+".contains(c);
    if text.len() > MAX_DEVICE {
        Err(format!("is longer than the {MAX_DEVICE} characters a device name may have"))
    } else if matches!(text, "." | "..") || !text.chars().all(known) {
        Err("is not a device name: letters, digits and . _ - @ + only, such as 'br-guest'".into())
    } else {
        Ok(text.to_owned())
    }
}

/// A host name (RFC 1123 section 2.1), in lower case.
pub(super) fn host_name(text: &str) -> Result<String, String> {
    let fits = (1..=253).contains(&text.len()) && text.split('.').all(is_label);
    // A name whose last label is a number would be taken for an address.
    let last = text.rsplit('.').next().unwrap_or_default();
    if fits && !last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text.to_ascii_lowercase());
    }
    Err("is not a host name: labels of letters, digits and '-', such as 'login.hotspot.lan'".into())
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// An address for a browser, fit to be printed into a page.
pub(super) fn web_address(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let printable = |c: char| c.is_ascii_graphic() && !"\"'<>\\^`{|}".contains(c);
    match rest {
        Some(rest) if !rest.is_empty() && text.len() <= 1024 && rest.chars().all(printable) => {
            Ok(text.to_owned())
        }
        _ => Err("is not a web address, such as 'https://example.com/inn'".into()),
    }
}

/// A key or shared secret; control characters were refused before.
pub(super) fn secret(text: &str) -> Result<Secret, String> {
    if text.trim().is_empty() {
        Err("has nothing but blanks".into())
    } else if text.chars().count() > MAX_SECRET {
        Err(format!("has more than {MAX_SECRET} characters"))
    } else {
        Ok(Secret::new(text))
    }
}
