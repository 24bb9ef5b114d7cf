//! `http::portal::server` in front of a real hotspot. The first line of an input is `g` (a guest) or
//! anything else (a stranger), the second method and target, then headers up to an empty line, then
//! the body.
//!
//! - Nothing panics, and every answer is one of a few.
//! - What is not the logo is never kept.
//! - A redirect is printable ASCII; a stranger's leads to the portal, whatever it was asked for.
//! - A page holds our own elements only, no handlers, links to `http://` or to itself.
//! - A passcode that was typed as such is in no answer.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use hotspotd::clock::Clock;
use hotspotd::domain::station::Mac;
use hotspotd::domain::time::Timestamp;
use hotspotd::domain::voucher::{Passcode, Username, VoucherRequest};
use hotspotd::domain::wall::Reading;
use hotspotd::domain::zone::Zone;
use hotspotd::firewall::{AccessChange, Change, Count, Gate, GateError, Hook, Network, Pass};
use hotspotd::hotspot::{GuestNetwork, Handle, Machine, Settings, Write, start};
use hotspotd::http::portal::{self, Theme};
use hotspotd::http::{Local, Peer, PeerMac, Server};
use hotspotd::neighbour::Find;
use hotspotd::store::Store;
use tower_service::Service;

const PORTAL: &str = "192.168.10.1:8880";
const SECRET: &str = "s3cretPassc0de";
const GUEST: u8 = 50;
const STRANGER: u8 = 60;

/// An hour later every time: whoever guessed is forgiven.
struct Hours(AtomicU64);

impl Clock for Hours {
    fn read(&self) -> Reading {
        let hours = self.0.fetch_add(1, Ordering::Relaxed);
        let boot = Duration::from_secs(hours * 3600);
        let wall = Timestamp::from_unix(1_800_000_000 + hours as i64 * 3600);
        Reading { wall, boot, synchronised: true, file_time: false, rtc_boot: None }
    }

    fn boot_id(&self) -> String {
        "fuzz".to_owned()
    }
}

/// Lets everybody through.
struct Open;

impl Gate for Open {
    fn install(&mut self, _: &[Network], _: &[Pass]) -> Result<Hook, GateError> {
        Ok(Hook::Netdev)
    }

    fn change(&mut self, _: &[Change]) -> Result<(), GateError> {
        Ok(())
    }

    fn delete_connections(&mut self, _: Vec<AccessChange>) {}

    fn counts(&mut self) -> Result<Vec<Count>, GateError> {
        Ok(Vec::new())
    }

    fn count(&mut self, _: Mac, _: i64) -> Result<Option<Count>, GateError> {
        Ok(None)
    }

    fn remove(&mut self) -> Result<(), GateError> {
        Ok(())
    }
}

/// The last octet tells the devices apart.
struct Neighbours;

fn mac(device: u8) -> Mac {
    Mac::new([2, 0, 0, 0, 0, device])
}

impl Find for Neighbours {
    fn find(&mut self, _: &str, address: IpAddr) -> io::Result<Option<Mac>> {
        let IpAddr::V4(address) = address else { return Ok(None) };
        Ok(Some(mac(address.octets()[3])))
    }

    fn probe(&mut self, _device: &str, _address: IpAddr, _mac: Mac) -> std::io::Result<()> {
        Ok(())
    }
}

struct Bench {
    runtime: tokio::runtime::Runtime,
    server: Server,
    ours: BTreeSet<String>,
}

thread_local! {
    static BENCH: Bench = Bench::new();
}

pub fn check(data: &[u8]) {
    BENCH.with(|bench| bench.check(data));
}

impl Bench {
    fn new() -> Self {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let directory = std::env::temp_dir().join(format!(
            "hotspotd-fuzz-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        let store = Store::open(&directory).expect("a store");
        let network = GuestNetwork {
            name: "lobby".into(),
            device: "br-lobby".into(),
            enforce: true,
            portal_port: 8880,
            portal_name: None,
            garden: Vec::new(),
            leases: "/nonexistent/leases".into(),
        };
        let settings =
            Settings { login_log_days: 0, networks: vec![network], ..Settings::default() };
        let machine = Machine {
            orders: tokio::sync::mpsc::unbounded_channel().0,
            clock: Box::new(Hours(AtomicU64::new(1))),
            rng: Box::new(rand::rand_core::UnwrapErr(rand::rngs::SysRng)),
            gate: Box::new(Open),
            neighbours: Box::new(Neighbours),
        };
        let handle = start(store, machine, settings).expect("a hotspot");
        runtime.block_on(issue(&handle));
        let settings = portal::Settings {
            network: "lobby".into(),
            port: 8880,
            portal_name: Some("login.hotspot.lan".into()),
            address_v4: Some([192, 168, 10, 1].into()),
            venue_url: None,
            zone: Zone::utc(),
            theme: Theme::default(),
        };
        let (sender, receiver) = tokio::sync::watch::channel(Arc::new(settings));
        // For as long as the process lives.
        std::mem::forget(sender);
        let server = portal::server(handle, receiver);
        let mut bench = Self { runtime, server, ours: BTreeSet::new() };
        let _ = std::fs::remove_dir_all(directory);
        bench.sign_in();
        let wrong = Request::post("/login").header("host", PORTAL).body(Body::from("code=x"));
        for (device, request) in [
            (STRANGER, get("/?next=http://example.com/&lang=de")),
            (STRANGER, wrong.expect("plain")),
            (GUEST, get("/?next=http://example.com/&lang=de")),
            (GUEST, get("/nowhere")),
        ] {
            let (_, _, page) = bench.send(device, request);
            bench.ours.extend(elements(&page));
        }
        bench
    }

    fn sign_in(&self) {
        let form = format!("username=guest&passcode={SECRET}");
        let request = Request::post("/login").header("host", PORTAL).body(Body::from(form));
        let (status, _, page) = self.send(GUEST, request.expect("plain"));
        assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    }

    fn send(&self, device: u8, mut request: Request<Body>) -> (StatusCode, HeaderMap, String) {
        let peer: IpAddr = [192, 168, 10, device].into();
        let local: SocketAddr = PORTAL.parse().expect("an address");
        request.extensions_mut().insert(Peer(peer));
        request.extensions_mut().insert(PeerMac(Some(mac(device))));
        request.extensions_mut().insert(Local(local));
        self.runtime.block_on(async {
            let response = self.server.router.clone().call(request).await.expect("infallible");
            let (parts, body) = response.into_parts();
            let body = to_bytes(body, 1 << 20).await.expect("a short answer");
            let text = String::from_utf8(body.to_vec()).expect("text");
            (parts.status, parts.headers, text)
        })
    }

    fn check(&self, data: &[u8]) {
        let guest = data.first() == Some(&b'g');
        let Some(request) = read(data) else { return };
        let own = is_ours(&request);
        let secret = is_typed_as_secret(data);
        if guest {
            self.sign_in();
        } else {
            // Where an input before this one knew the passcode, the device is remembered.
            self.send(STRANGER, get("/"));
            let out = Request::post("/logout").header("host", PORTAL).body(Body::empty());
            self.send(STRANGER, out.expect("plain"));
        }
        let device = if guest { GUEST } else { STRANGER };
        let path = request.uri().path().to_owned();
        let (status, headers, body) = self.send(device, request);
        let known = [200, 204, 302, 303, 307, 400, 403, 404, 405, 413, 415, 429];
        assert!(known.contains(&status.as_u16()), "{status}");
        let kept = headers.get(header::CACHE_CONTROL).expect("it says whether it may be kept");
        assert!(kept.to_str().is_ok_and(|it| it.contains("no-store")), "{kept:?}");
        assert!(!secret || !body.contains(SECRET), "the passcode is told");
        if let Some(location) = headers.get(header::LOCATION) {
            let location = location.to_str().expect("printable");
            assert!(location.bytes().all(|byte| byte.is_ascii_graphic()), "{location}");
            assert!(!secret || !location.contains(SECRET));
            let back = guest && status == StatusCode::TEMPORARY_REDIRECT;
            let to_us = ["http://login.hotspot.lan:8880/", "http://192.168.10.1:8880/"];
            let to_us = to_us.iter().any(|it| location.to_lowercase().starts_with(it))
                || own && location.to_lowercase().starts_with("http://login.hotspot.lan.:8880/");
            assert!(back || to_us, "{location} for {path}");
        }
        for element in elements(&body) {
            assert!(self.ours.contains(&element), "{element} in {body}");
        }
        for (at, _) in body.match_indices("href=\"") {
            let link = &body[at + 6..];
            let fine = ["http://", "/", "data:,"].iter().any(|it| link.starts_with(it));
            assert!(fine && !link.starts_with("//"), "{link}");
        }
    }
}

async fn issue(handle: &Handle) {
    let request = Box::new(VoucherRequest {
        username: Username::parse("guest").expect("plain"),
        passcode: Passcode::parse(SECRET).expect("plain"),
        valid_for: Some(hotspotd::domain::validity::ValidFor::ALWAYS),
        ..VoucherRequest::default()
    });
    let made =
        handle.write(|reply| Write::CreateVouchers { request, count: 1, batch: None, reply }).await;
    made.expect("a store").expect("a free name");
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).header("host", PORTAL).body(Body::empty()).expect("plain")
}

/// `None` for what hyper would not let through.
fn read(data: &[u8]) -> Option<Request<Body>> {
    let (head, body) = match data.windows(2).position(|pair| pair == b"\n\n") {
        Some(at) => (&data[..at], &data[at + 2..]),
        None => (data, &[][..]),
    };
    let mut lines = head.split(|byte| *byte == b'\n').skip(1);
    let mut words = lines.next()?.splitn(2, |byte| *byte == b' ');
    let mut request = Request::builder().method(words.next()?).uri(words.next()?);
    for line in lines.take(64) {
        let colon = line.iter().position(|byte| *byte == b':')?;
        request = request.header(&line[..colon], line[colon + 1..].trim_ascii());
    }
    request.body(Body::from(body.to_vec())).ok()
}

/// Where the passcode stands nowhere but in the field for it.
fn is_typed_as_secret(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let fields = ["passcode=", "code=guest-"].map(|field| format!("{field}{SECRET}"));
    text.matches(SECRET).count() == 1 && fields.iter().any(|field| text.contains(field.as_str()))
}

fn is_ours(request: &Request<Body>) -> bool {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = request.uri().authority().map(|it| it.as_str()).or(host);
    host.is_none_or(|host| host.to_lowercase().contains("hotspot.lan"))
}

/// The names of a page's elements, and of attributes that run something.
fn elements(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in page.split('<').skip(1) {
        let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '/' && c != '!');
        found.push(part[..end.unwrap_or(part.len())].to_ascii_lowercase());
        let inside = part.split('>').next().unwrap_or_default().to_ascii_lowercase();
        found.extend(inside.contains(" on").then(|| format!("a handler in {inside}")));
    }
    found
}
