//! An access point that behaves as CoovaChilli 1.6 and 1.9 were seen and read to behave: its
//! attributes in its order, octets counted from the guest's side unless `swapoctets` is set,
//! orders taken from its servers' addresses only, and a CoA-Request read like an Access-Accept:
//! what it leaves out is lifted.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::packet::{Attributes, CHILLISPOT, Draft, Received, WISPR};
use super::peers::Ports;

pub const ACCESS_REQUEST: u8 = 1;
const ACCESS_ACCEPT: u8 = 2;
const ACCOUNTING_REQUEST: u8 = 4;
const ACCOUNTING_RESPONSE: u8 = 5;
pub const DISCONNECT_REQUEST: u8 = 40;
pub const COA_REQUEST: u8 = 43;

const START: u32 = 1;
const STOP: u32 = 2;
const INTERIM: u32 = 3;
const ACCOUNTING_ON: u32 = 7;

/// What a session was given; 0 is without limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params {
    pub session_timeout: u32,
    pub idle_timeout: u32,
    pub interim_interval: u32,
    pub max_input: u64,
    pub max_output: u64,
    pub max_total: u64,
    /// bit/s.
    pub up: u32,
    pub down: u32,
    pub filter_id: String,
    pub terminate_time: String,
}

impl Params {
    /// `config_radius_session` with `reconfig` 0.
    fn read(attributes: &Attributes) -> Self {
        let number = |kind| attributes.number(kind).unwrap_or(0);
        let of = |vendor, kind| attributes.vendor_number(vendor, kind).unwrap_or(0);
        let octets =
            |low, high| u64::from(of(CHILLISPOT, low)) | u64::from(of(CHILLISPOT, high)) << 32;
        let rate = |wispr, chilli| match of(CHILLISPOT, chilli) {
            0 => of(WISPR, wispr),
            kilobits => kilobits * 1000,
        };
        Self {
            session_timeout: number(27),
            idle_timeout: number(28),
            interim_interval: Some(number(85)).filter(|it| *it >= 60).unwrap_or(300),
            max_input: octets(1, 21),
            max_output: octets(2, 22),
            max_total: octets(3, 23),
            up: rate(7, 4),
            down: rate(8, 5),
            filter_id: attributes.text(11).unwrap_or_default(),
            terminate_time: attributes.vendor_text(WISPR, 9).unwrap_or_default(),
        }
    }
}

/// Somebody online.
#[derive(Clone, Debug)]
struct Guest {
    username: String,
    session: String,
    params: Params,
    class: Option<Vec<u8>>,
    /// As they are reported and held against the limits.
    input: u64,
    output: u64,
    seconds: u32,
}

/// An order that has come.
#[derive(Clone, Debug)]
pub struct Order {
    pub code: u8,
    #[expect(dead_code, reason = "shown where a test fails")]
    pub from: IpAddr,
    pub obeyed: bool,
    pub attributes: Attributes,
}

#[derive(Default)]
struct State {
    servers: Vec<IpAddr>,
    guests: BTreeMap<u8, Guest>,
    orders: Vec<Order>,
}

/// A running one. Devices go by their numbers.
pub struct Chilli {
    pub address: IpAddr,
    pub coa_port: u16,
    /// `swapoctets`.
    pub swap: bool,
    /// Says CoovaChilli-Acct-View-Point, as it does.
    pub tells_view_point: bool,
    secret: String,
    state: Arc<Mutex<State>>,
    next: Mutex<u8>,
    stop: Arc<AtomicBool>,
    hears: Option<JoinHandle<()>>,
    ports: Mutex<Option<Ports>>,
}

impl Chilli {
    /// At an address of its own, where it hears orders before it knows a server.
    pub fn at(address: &str, swap: bool, secret: &str) -> Self {
        let address: IpAddr = address.parse().unwrap();
        let socket = UdpSocket::bind((address, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let coa_port = socket.local_addr().unwrap().port();
        let (state, stop) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let hears = {
            let (state, stop) = (Arc::clone(&state), Arc::clone(&stop));
            let secret = secret.to_owned();
            thread::spawn(move || hear_orders(&socket, &state, &secret, &stop))
        };
        Self {
            address,
            coa_port,
            swap,
            tells_view_point: true,
            secret: secret.to_owned(),
            state,
            next: Mutex::new(0),
            stop,
            hears: Some(hears),
            ports: Mutex::default(),
        }
    }

    /// `radiusserver1` and `radiusserver2`.
    pub fn asks(&self, server: &str, ports: Ports) {
        let server: IpAddr = server.parse().unwrap();
        let at = |port: SocketAddr| SocketAddr::new(server, port.port());
        *self.ports.lock().unwrap() = Some(Ports { auth: at(ports.auth), acct: at(ports.acct) });
        self.state().servers = vec![server];
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn exchange(&self, draft: Draft, acct: bool) -> Received {
        let ports = self.ports.lock().unwrap().expect("it knows no server");
        let to = if acct { ports.acct } else { ports.auth };
        let socket = UdpSocket::bind((self.address, 0)).unwrap();
        socket.connect(to).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(4))).unwrap();
        let request = draft.request(&self.secret);
        for _ in 0..8 {
            socket.send(&request).unwrap();
            let mut buffer = [0; 4096];
            if let Ok(length) = socket.recv(&mut buffer) {
                return Received::reply(&buffer[..length], &request, &self.secret);
            }
        }
        panic!("no answer from {to}");
    }

    fn draft(&self, code: u8) -> Draft {
        let mut next = self.next.lock().unwrap();
        *next = next.wrapping_add(1);
        Draft::new(code, *next)
    }

    /// A guest signs in with this device: what they get, or why not.
    pub fn sign_in(&self, username: &str, password: &str, device: u8) -> Result<Params, String> {
        let mut draft = self.draft(ACCESS_REQUEST);
        draft.text(1, username);
        draft.password(password, &self.secret);
        draft.number(6, 1);
        draft.text(44, &session_id(device, username));
        draft.octets(8, &[10, 1, 0, device]);
        self.port(&mut draft, device);
        let answer = self.exchange(draft, false);
        if answer.code != ACCESS_ACCEPT {
            return Err(answer.attributes.text(18).unwrap_or_default());
        }
        let params = Params::read(&answer.attributes);
        let guest = Guest {
            username: answer.attributes.text(1).unwrap_or_else(|| username.to_owned()),
            session: session_id(device, username),
            params: params.clone(),
            class: answer.attributes.octets(25).map(<[u8]>::to_vec),
            input: 0,
            output: 0,
            seconds: 0,
        };
        self.state().guests.insert(device, guest);
        self.report(device, START, None);
        Ok(params)
    }

    fn port(&self, draft: &mut Draft, device: u8) {
        draft.number(61, 19);
        draft.number(5, device.into());
        draft.text(87, &format!("{device:08}"));
        draft.text(31, &format!("02-00-00-00-00-{device:02X}"));
        draft.text(30, "0A-00-27-00-00-00");
        self.itself(draft);
    }

    fn itself(&self, draft: &mut Draft) {
        if let IpAddr::V4(address) = self.address {
            draft.octets(4, &address.octets());
        }
        draft.text(32, "nas01");
    }

    /// Says that it has started, as it does before anybody signs in.
    pub fn accounting_on(&self) {
        assert_eq!(self.exchange(self.started(), true).code, ACCOUNTING_RESPONSE);
    }

    fn started(&self) -> Draft {
        let mut draft = self.draft(ACCOUNTING_REQUEST);
        self.status(&mut draft, ACCOUNTING_ON);
        self.itself(&mut draft);
        draft
    }

    /// The same once, and waits for no answer.
    pub fn send_accounting_on(&self) {
        let to = self.ports.lock().unwrap().expect("it knows no server").acct;
        let socket = UdpSocket::bind((self.address, 0)).unwrap();
        socket.send_to(&self.started().request(&self.secret), to).unwrap();
    }

    fn status(&self, draft: &mut Draft, status: u32) {
        draft.number(40, status);
        if self.tells_view_point {
            draft.vendor_number(CHILLISPOT, 10, if self.swap { 1 } else { 2 });
        }
    }

    fn report(&self, device: u8, status: u32, cause: Option<u32>) {
        let guest = self.state().guests[&device].clone();
        let mut draft = self.draft(ACCOUNTING_REQUEST);
        draft.text(1, &guest.username);
        if status != START {
            draft.number(42, guest.input as u32);
            draft.number(43, guest.output as u32);
            draft.number(52, (guest.input >> 32) as u32);
            draft.number(53, (guest.output >> 32) as u32);
            draft.number(47, 0);
            draft.number(48, 0);
            draft.number(46, guest.seconds);
        }
        if let Some(cause) = cause {
            draft.number(49, cause);
        }
        self.status(&mut draft, status);
        draft.text(44, &guest.session);
        if let Some(class) = &guest.class {
            draft.octets(25, class);
        }
        draft.octets(8, &[10, 1, 0, device]);
        self.port(&mut draft, device);
        assert_eq!(self.exchange(draft, true).code, ACCOUNTING_RESPONSE);
    }

    /// A guest's traffic, in octets. One whose limit is passed is off, and it says so.
    pub fn traffic(&self, device: u8, download: u64, upload: u64) {
        let (input, output) = if self.swap { (upload, download) } else { (download, upload) };
        let over = {
            let mut state = self.state();
            let guest = state.guests.get_mut(&device).expect("that device is off");
            guest.input += input;
            guest.output += output;
            let is_over = |limit: u64, used: u64| limit != 0 && used > limit;
            let params = &guest.params;
            is_over(params.max_input, guest.input)
                || is_over(params.max_output, guest.output)
                || is_over(params.max_total, guest.input + guest.output)
        };
        if over {
            self.stop(device, 5);
        }
    }

    /// Reports after so many further seconds.
    pub fn interim(&self, device: u8, seconds: u32) {
        if let Some(guest) = self.state().guests.get_mut(&device) {
            guest.seconds += seconds;
        }
        self.report(device, INTERIM, None);
    }

    /// A session ends.
    pub fn stop(&self, device: u8, cause: u32) {
        self.report(device, STOP, Some(cause));
        self.state().guests.remove(&device);
    }

    /// What a session has; `None` where the device is off.
    pub fn params(&self, device: u8) -> Option<Params> {
        self.state().guests.get(&device).map(|guest| guest.params.clone())
    }

    /// Every order so far, also those that it did not listen to.
    pub fn orders(&self) -> Vec<Order> {
        self.state().orders.clone()
    }
}

impl Drop for Chilli {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(hears) = self.hears.take() {
            let _ = hears.join();
        }
    }
}

fn session_id(device: u8, username: &str) -> String {
    format!("65a1b2c3{:08x}{}", device, username.len())
}

fn hear_orders(socket: &UdpSocket, state: &Mutex<State>, secret: &str, stop: &AtomicBool) {
    let mut buffer = [0; 4096];
    while !stop.load(Ordering::Relaxed) {
        let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
        let order = Received::order(&buffer[..length], secret);
        let mut state = state.lock().unwrap();
        let known = state.servers.contains(&from.ip());
        state.orders.push(Order {
            code: order.code,
            from: from.ip(),
            obeyed: known,
            attributes: order.attributes.clone(),
        });
        if !known {
            continue;
        }
        let is_meant = |guest: &Guest| {
            order.attributes.text(1).as_ref() == Some(&guest.username)
                && order.attributes.text(44).is_none_or(|session| session == guest.session)
        };
        let meant: Vec<u8> =
            state.guests.iter().filter(|it| is_meant(it.1)).map(|it| *it.0).collect();
        for device in &meant {
            if order.code == DISCONNECT_REQUEST {
                state.guests.remove(device);
            } else if let Some(guest) = state.guests.get_mut(device) {
                guest.params = Params::read(&order.attributes);
            }
        }
        // ACK, or NAK without a cause.
        let code = order.code + if meant.is_empty() { 2 } else { 1 };
        let _ = socket.send_to(&order.answer(code, secret), from);
    }
}
