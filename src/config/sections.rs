//! What each section may say, and what may not stand together.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;

use ipnet::IpNet;
use log::LevelFilter;

use super::error::Problem;
use super::reader::{Reader, did_you_mean, quoted, title};
use super::uci::Section;
use super::{
    Api, Client, Config, Guest, LOOPBACK, Main, MessageAuthenticator, Radius, Vendor, value,
};
use crate::domain::nas::ViewPoint;
use crate::domain::plan::{OnDeviceLimit, Plan, Preset};
use crate::domain::validity::{ValidFor, ValidityStarts};

/// Every section type there is.
const KINDS: [&str; 6] = ["hotspotd", "api", "voucher", "guest", "radius", "client"];

/// Sockets are few on a router.
const MAX_LISTEN: usize = 16;

/// Networks are searched one by one, so they have to stay few.
const MAX_NETWORKS: usize = 256;

/// The highest rate, in kbit/s: 10 Gbit/s.
const MAX_RATE: u32 = 10_000_000;

/// The longest idle time, in seconds: 30 days.
const MAX_IDLE: u32 = 30 * 86_400;

const LEVELS: [(&str, LevelFilter); 5] = [
    ("error", LevelFilter::Error),
    ("warn", LevelFilter::Warn),
    ("info", LevelFilter::Info),
    ("debug", LevelFilter::Debug),
    ("trace", LevelFilter::Trace),
];

const STARTS: [(&str, ValidityStarts); 3] = [
    ("auto", ValidityStarts::Auto),
    ("first_login", ValidityStarts::FirstLogin),
    ("valid_from", ValidityStarts::ValidFrom),
];

const DEVICE_LIMITS: [(&str, OnDeviceLimit); 2] =
    [("replace", OnDeviceLimit::Replace), ("refuse", OnDeviceLimit::Refuse)];

const VIEW_POINTS: [(&str, ViewPoint); 2] =
    [("nas", ViewPoint::Nas), ("client", ViewPoint::Client)];

/// Turns the sections of a file into a configuration, or into all that is wrong with them.
pub(super) fn read(sections: &[Section]) -> Result<Config, Vec<Problem>> {
    let mut draft = Draft::default();
    for section in sections {
        draft.section(section);
    }
    draft.check_portal_ports();
    if draft.problems.is_empty() {
        return Ok(draft.config);
    }
    draft.problems.sort_by_key(|problem| problem.line);
    Err(draft.problems)
}

/// The configuration so far, and where things stand that may stand only once.
#[derive(Default)]
struct Draft<'a> {
    config: Config,
    problems: Vec<Problem>,
    singles: HashMap<&'a str, usize>,
    devices: HashMap<String, usize>,
    names: HashMap<String, usize>,
    networks: HashMap<IpNet, usize>,
}

impl<'a> Draft<'a> {
    fn section(&mut self, section: &'a Section) {
        let mut reader = Reader::new(section);
        match section.kind.as_str() {
            "hotspotd" => self.config.main = main(&mut reader),
            "api" => self.config.api = api(&mut reader),
            "voucher" => self.config.voucher = voucher(&mut reader),
            "radius" => self.config.radius = radius(&mut reader),
            "guest" => self.add_guest(section, &mut reader),
            "client" => self.add_client(section, &mut reader),
            kind => {
                let hint = did_you_mean(kind, &KINDS);
                let message =
                    format!("{}: type {} is not known{hint}", title(section), quoted(kind));
                self.problems.push(Problem { line: section.line, message });
                return;
            }
        }
        if !matches!(section.kind.as_str(), "guest" | "client") {
            self.only_once(section, &mut reader);
        }
        self.problems.append(&mut reader.finish());
    }

    fn only_once(&mut self, section: &'a Section, reader: &mut Reader<'_>) {
        let kind = section.kind.as_str();
        if let Some(first) = earlier(&mut self.singles, kind, section.line) {
            let message = format!("only one section may have the type '{kind}'; see line {first}");
            reader.complain(section.line, &message);
        }
    }

    fn add_guest(&mut self, section: &Section, reader: &mut Reader<'_>) {
        // The first one would be left open.
        not_begun_again(section, reader, "guest network");
        let Some(guest) = guest(section, reader) else { return };
        let line = reader.line_of("device");
        // A section without a name has its device's.
        let name = &guest.name;
        let same_name = earlier(&mut self.names, name.clone(), section.line);
        if let Some(first) = earlier(&mut self.devices, guest.device.clone(), line) {
            let device = &guest.device;
            reader.complain(line, &format!("device '{device}' has a guest section: line {first}"));
        } else if let Some(first) = same_name {
            let message = format!(
                "the guest network of line {first} is called '{name}' as well; give one of them \
                 another name, as in: config guest '{name}2'"
            );
            reader.complain(section.line, &message);
        }
        self.config.guests.push(guest);
    }

    fn add_client(&mut self, section: &Section, reader: &mut Reader<'_>) {
        not_begun_again(section, reader, "client");
        let Some(client) = client(section, reader) else { return };
        let line = reader.line_of("address");
        if let Some(first) = earlier(&mut self.networks, client.address, line) {
            let address = client.address;
            reader.complain(line, &format!("address {address} has a client section: line {first}"));
        }
        self.config.clients.push(client);
    }

    /// A portal takes its port on every address of its device, and the kernel gives that to nobody
    /// while the API, which is bound to no device, has the port on any address at all.
    fn check_portal_ports(&mut self) {
        let taken = |port| self.config.api.listen.iter().find(|socket| socket.port() == port);
        for guest in &self.config.guests {
            if let Some(socket) = taken(guest.portal_port) {
                let message = format!(
                    "section {}: option 'portal_port': the API listens on {socket} already; \
                     give one of them another port",
                    quoted(&guest.name),
                );
                let line = self.devices.get(&guest.device).copied().unwrap_or(1);
                self.problems.push(Problem { line, message });
            }
        }
    }
}

/// UCI takes a second section of the same name for more of the first; whoever copies one means
/// another.
fn not_begun_again(section: &Section, reader: &mut Reader<'_>, what: &str) {
    for line in &section.again {
        let message = format!(
            "{} was begun in line {}; give each {what} a name of its own",
            title(section),
            section.line
        );
        reader.complain(*line, &message);
    }
}

/// The line where `key` was seen before; the first time, it is remembered.
fn earlier<K: Eq + Hash>(seen: &mut HashMap<K, usize>, key: K, line: usize) -> Option<usize> {
    match seen.entry(key) {
        Entry::Occupied(first) => Some(*first.get()),
        Entry::Vacant(free) => {
            free.insert(line);
            None
        }
    }
}

fn main(reader: &mut Reader<'_>) -> Main {
    let default = Main::default();
    Main {
        enabled: reader.value("enabled", default.enabled, value::flag),
        jail: reader.value("jail", default.jail, value::flag),
        data_dir: reader.value("data_dir", default.data_dir, value::path),
        control_socket: reader.value("control_socket", default.control_socket, value::socket_path),
        log_level: reader.value("log_level", default.log_level, value::choice(&LEVELS)),
        login_log_days: reader.value(
            "login_log_days",
            default.login_log_days,
            value::short(0..=3650),
        ),
        egress_hook: reader.value("egress_hook", default.egress_hook, value::flag),
    }
}

fn api(reader: &mut Reader<'_>) -> Api {
    let default = Api::default();
    let listen = reader.list("listen", MAX_LISTEN, value::socket);
    for (socket, line) in once_only(&listen, sockets_collide) {
        reader.complain(line, &format!("option 'listen': {socket} is taken by an earlier entry"));
    }
    let allow_from = reader.list("allow_from", MAX_NETWORKS, value::network);
    Api {
        enabled: reader.value("enabled", default.enabled, value::flag),
        allow_get: reader.value("allow_get", default.allow_get, value::flag),
        allow_post: reader.value("allow_post", default.allow_post, value::flag),
        listen: or_default(listen, default.listen),
        allow_from: allow_from.into_iter().map(|(network, _)| network).chain(LOOPBACK).collect(),
        key: reader.secret("key", value::secret),
        http_status: reader.value("http_status", default.http_status, value::flag),
    }
}

fn voucher(reader: &mut Reader<'_>) -> Preset {
    let Preset { valid_for, validity_starts, plan } = Preset::default();
    let listed = |text: &str| text.parse::<ValidFor>().map_err(|error| error.to_string());
    let devices = |text: &str| {
        value::port(text).map(|number| NonZeroU16::new(number).unwrap_or(NonZeroU16::MIN))
    };
    Preset {
        valid_for: reader.value("valid_for", valid_for, listed),
        validity_starts: reader.value("validity_starts", validity_starts, value::choice(&STARTS)),
        plan: Plan {
            devices: reader.value("devices", plan.devices, devices),
            on_device_limit: reader.value(
                "on_device_limit",
                plan.on_device_limit,
                value::choice(&DEVICE_LIMITS),
            ),
            download_rate: reader.value(
                "download_rate",
                plan.download_rate,
                value::number(0..=MAX_RATE),
            ),
            upload_rate: reader.value("upload_rate", plan.upload_rate, value::number(0..=MAX_RATE)),
            idle_timeout: reader.value(
                "idle_timeout",
                plan.idle_timeout,
                value::number(0..=MAX_IDLE),
            ),
        },
    }
}

/// `None` without a usable device.
fn guest(section: &Section, reader: &mut Reader<'_>) -> Option<Guest> {
    let device = reader.required("device", "br-guest", value::device);
    let enforce = reader.value("enforce", true, value::flag);
    let portal_port = reader.value("portal_port", 8880, value::port);
    let portal_name = reader.value("portal_name", None, |text| value::host_name(text).map(Some));
    let pages = reader.value("pages", "/etc/hotspotd/portal".into(), value::path);
    let venue_url = reader.value("venue_url", None, |text| value::web_address(text).map(Some));
    let leases = reader.value("leases", "/tmp/dhcp.leases".into(), value::path);
    let garden = reader.list("garden", MAX_NETWORKS, value::network);
    let device = device?;
    Some(Guest {
        name: section.name.clone().unwrap_or_else(|| device.clone()),
        device,
        enforce,
        portal_port,
        portal_name,
        pages,
        venue_url,
        leases,
        garden: garden.into_iter().map(|(network, _)| network).collect(),
    })
}

fn radius(reader: &mut Reader<'_>) -> Radius {
    let default = Radius::default();
    let listen = reader.list("listen", MAX_LISTEN, value::address);
    for (address, line) in once_only(&listen, addresses_collide) {
        reader.complain(line, &format!("option 'listen': {address} is taken by an earlier entry"));
    }
    let radius = Radius {
        enabled: reader.value("enabled", default.enabled, value::flag),
        listen: or_default(listen, default.listen),
        auth_port: reader.value("auth_port", default.auth_port, value::port),
        acct_port: reader.value("acct_port", default.acct_port, value::port),
        interim_interval: reader.value(
            "interim_interval",
            default.interim_interval,
            value::number(60..=86_400),
        ),
    };
    if radius.auth_port == radius.acct_port && reader.is_clean() {
        let line = reader.line_of("acct_port").max(reader.line_of("auth_port"));
        let port = radius.auth_port;
        reader.complain(line, &format!("'auth_port' and 'acct_port' are both {port}"));
    }
    radius
}

/// `None` without a usable address and secret.
fn client(section: &Section, reader: &mut Reader<'_>) -> Option<Client> {
    let address = reader.required("address", "192.168.1.20", value::network);
    let secret = reader.required_secret("secret", "a long secret", value::secret);
    let vendor = reader.value("vendor", Vendor::default(), value::choice(&Vendor::WORDS));
    let require_message_authenticator =
        reader.value("require_message_authenticator", Default::default(), protection);
    let accounting = reader.value("accounting", true, value::flag);
    let coa_port = reader.value("coa_port", 3799, value::port);
    let view_point = value::choice(&VIEW_POINTS);
    let acct_view_point = reader.value("acct_view_point", None, |text| view_point(text).map(Some));
    let address = address?;
    Some(Client {
        name: section.name.clone().unwrap_or_else(|| address.to_string()),
        address,
        secret: secret?,
        vendor,
        require_message_authenticator,
        accounting,
        coa_port,
        acct_view_point,
    })
}

fn protection(text: &str) -> Result<MessageAuthenticator, String> {
    match (text, value::flag(text)) {
        ("unprotected", _) => Ok(MessageAuthenticator::Optional),
        (_, Ok(true)) => Ok(MessageAuthenticator::Required),
        (_, Ok(false)) => Ok(MessageAuthenticator::BesideProxyState),
        (_, Err(_)) => Err("is none of '1', '0', 'unprotected'".into()),
    }
}

/// The entries that an earlier one stands in the way of.
fn once_only<T: Copy>(entries: &[(T, usize)], collide: fn(T, T) -> bool) -> Vec<(T, usize)> {
    let taken = |index: usize, entry: T| {
        entries.iter().take(index).any(|(earlier, _)| collide(*earlier, entry))
    };
    let numbered = entries.iter().copied().enumerate();
    numbered.filter(|(index, (entry, _))| taken(*index, *entry)).map(|(_, entry)| entry).collect()
}

fn sockets_collide(a: SocketAddr, b: SocketAddr) -> bool {
    a.port() == b.port() && (a == b || addresses_collide(a.ip(), b.ip()))
}

/// The same address, or one of them is every address of the family.
fn addresses_collide(a: IpAddr, b: IpAddr) -> bool {
    a == b || (a.is_ipv4() == b.is_ipv4() && (a.is_unspecified() || b.is_unspecified()))
}

fn or_default<T>(entries: Vec<(T, usize)>, default: Vec<T>) -> Vec<T> {
    if entries.is_empty() {
        return default;
    }
    entries.into_iter().map(|(value, _)| value).collect()
}
