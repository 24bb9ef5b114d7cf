//! What the login log says of sign-ins at access points.

use std::num::NonZeroU16;

use super::Hotspot;
use super::authorize::from;
use super::candidates::holds_code;
use super::login_throttle::Place;
use super::portal_login::printable;
use super::radius_messages::AccessRequest;
use super::repeats::Kind;
use crate::domain::login::{LoginRecord, Method};
use crate::domain::time::Now;
use crate::domain::voucher::casefold;

/// Stands for all devices that nobody knows: one row for each that comes by would push out those of
/// guests.
const UNKNOWN_DEVICES: &str = "unknown devices";

/// Stands for names of which a client has brought too many.
const OTHER_NAMES: &str = "other names";

impl Hotspot {
    /// A device that flits between access points is let in; a row for every time costs flash.
    pub(super) fn note_admission(
        &mut self,
        request: &AccessRequest,
        login: String,
        label: &str,
        devices: NonZeroU16,
        now: Now,
    ) {
        let station = request.station;
        let kind = Kind {
            client: request.nas.client.clone(),
            login: casefold(&login),
            station,
            refusal: None,
        };
        let at = Place::Client(&request.nas.client);
        let place = self.login_throttle.place(&login, station, devices);
        let wait = |mac| self.login_throttle.wait_after_success(mac, at, now.boot);
        let too_often = station.and_then(wait);
        let too_often = too_often.or(self.login_throttle.wait_at_place(place, now.boot));
        if let Some(station) = station {
            self.login_throttle.known.add(station, &login);
        }
        if !self.login_log.count(&kind, now) && too_often.is_none() {
            self.login_throttle.succeeded(station, at, place, now.boot);
            log::info!("guest: {label} let in at {}{}", request.nas.client, from(request));
            self.login_log.write_first(kind, record(request, login, None, now), now);
        }
    }

    /// Writes down a refusal; `is_unknown` where nobody has this name.
    pub(super) fn log_refusal(
        &mut self,
        request: &AccessRequest,
        message: &str,
        is_unknown: bool,
        now: Now,
    ) {
        let of_unknown_device = is_unknown && is_mac_authentication(request);
        let login = match holds_code(request) && !of_unknown_device {
            true => String::new(),
            false => printable(&request.username),
        };
        let kind = Kind {
            client: request.nas.client.clone(),
            login: if of_unknown_device { UNKNOWN_DEVICES.to_owned() } else { casefold(&login) },
            station: request.station.filter(|_| login.is_empty()),
            refusal: Some(message.to_owned()),
        };
        let record = record(request, login, Some(message.to_owned()), now);
        if self.login_log.count(&kind, now) {
            return;
        }
        if self.login_log.may_name(&kind.client, now) {
            return self.login_log.write_first(kind, record, now);
        }
        let others = Kind { login: OTHER_NAMES.to_owned(), station: None, ..kind };
        if !self.login_log.count(&others, now) {
            self.login_log.write_first(others, LoginRecord { login: String::new(), ..record }, now);
        }
    }
}

fn record(
    request: &AccessRequest,
    login: String,
    refusal: Option<String>,
    now: Now,
) -> LoginRecord {
    let (method, mac, address) = (Method::Radius, request.station, request.framed_address());
    LoginRecord { at: now.wall, method, login, mac, address, refusal, times: 1 }
}

/// Many access points ask for every device that appears, with its MAC for a name: no guess.
pub(super) fn is_mac_authentication(request: &AccessRequest) -> bool {
    request.station.is_some() && request.username.parse().ok() == request.station
}
