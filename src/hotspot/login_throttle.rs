//! How often somebody may guess.
//!
//! A device costs nothing: whoever wants another one invents a MAC address. So devices that have
//! never signed in share a limit, that of their guest network or access point. What it lets an
//! attacker try is 360 codes an hour after the first hundred (three hundred through an access
//! point), however many MAC addresses there are; one forgiven guess in ten seconds is also too few
//! to keep a single username's limit exhausted.
//!
//! Such a limit can be exhausted on purpose, to keep the honest out. Two kinds of guests do not
//! depend on it:
//!
//! - A device that has signed in before ([`Known`]) shares a limit with the devices of the same login
//!   in place of the network's: an attacker with one voucher can make any number of devices known.
//!   With a login that it has signed in with, neither that nor the username's limit holds it up.
//! - A right passcode that was drawn here ([`Voucher::has_generated_passcode`]) is accepted while the
//!   limit of the network or of the login is exhausted. Whoever guesses at random learns nothing by
//!   that: 39 bits outlast any rate that this program can answer at, and the device's and the
//!   username's limits hold on. A chosen passcode of the same form can be guessed.
//!
//! A device's own limit is one for each guest network and each access point: who only claims its MAC
//! address elsewhere does not exhaust it here.
//!
//! Everybody else is told to wait, whether the code was right or wrong: an exhausted limit must not
//! tell. They compete with the attacker for one guess in ten seconds. There is no queue: an
//! attacker with invented devices would fill it.
//!
//! [`Voucher::has_generated_passcode`]: crate::domain::voucher::Voucher::has_generated_passcode

use std::collections::BTreeSet;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use super::known_devices::{Known, LoginHash};
use crate::domain::log_limit::LogLimit;
use crate::domain::login::Refusal;
use crate::domain::station::Mac;
use crate::domain::throttle::Throttle;
use crate::domain::voucher::casefold;

/// Wrong guesses of one device before it has to wait, and the time until one is forgiven.
const GUESSES: u16 = 10;
const FORGIVEN: Duration = Duration::from_secs(15);
/// The same for one username, of devices that have not signed in with it.
const GUESSES_AT_ONE: u16 = 30;
const FORGIVEN_AT_ONE: Duration = Duration::from_secs(5);
/// The same for all devices of a guest network that have never signed in. The slips of a coach
/// party that arrives are fewer than the first; the second is slower than `FORGIVEN_AT_ONE`.
const GUESSES_ON_NETWORK: u16 = 100;
const FORGIVEN_ON_NETWORK: Duration = Duration::from_secs(10);
/// The same for an access point, or for all that share a section.
const GUESSES_THROUGH_CLIENT: u16 = 300;
const FORGIVEN_THROUGH_CLIENT: Duration = Duration::from_secs(10);
/// The same for all devices that have signed in before with one login.
const GUESSES_OF_LOGIN: u16 = 30;
const FORGIVEN_OF_LOGIN: Duration = Duration::from_secs(10);
/// Successful sign-ins of one device, which cost flash every time: the same.
const SIGN_INS: u16 = 20;
/// The same for one login, for each device that it allows at once.
const SIGN_INS_WITH_LOGIN: u16 = 60;
const SIGN_IN_FORGIVEN: Duration = Duration::from_secs(10);
/// Devices, usernames, logins, networks and access points told apart, each.
const THROTTLED: usize = 2048;

/// Guesses, in constant memory.
pub(super) struct LoginThrottle {
    by_device: Throttle,
    by_username: Throttle,
    by_network: Throttle,
    by_client: Throttle,
    by_login: Throttle,
    sign_ins: Throttle,
    sign_ins_by_login: Throttle,
    /// Devices that have signed in before.
    pub(super) known: Known,
    pub(super) device_log: LogLimit,
    pub(super) others_log: LogLimit,
}

impl Default for LoginThrottle {
    fn default() -> Self {
        let throttle = |burst, leak| Throttle::new(THROTTLED, burst, leak, Default::default());
        Self {
            by_device: throttle(GUESSES, FORGIVEN),
            by_username: throttle(GUESSES_AT_ONE, FORGIVEN_AT_ONE),
            by_network: throttle(GUESSES_ON_NETWORK, FORGIVEN_ON_NETWORK),
            by_client: throttle(GUESSES_THROUGH_CLIENT, FORGIVEN_THROUGH_CLIENT),
            by_login: throttle(GUESSES_OF_LOGIN, FORGIVEN_OF_LOGIN),
            sign_ins: throttle(SIGN_INS, SIGN_IN_FORGIVEN),
            sign_ins_by_login: throttle(SIGN_INS_WITH_LOGIN, SIGN_IN_FORGIVEN),
            known: Known::default(),
            device_log: LogLimit::default(),
            others_log: LogLimit::default(),
        }
    }
}

/// Where somebody guesses.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) enum Place<'a> {
    /// On the portal of this guest network.
    Network(&'a Arc<str>),
    /// Through the access points of this section.
    Client(&'a Arc<str>),
}

/// The device that guesses, and what at.
pub(super) struct ThrottleKey<'a> {
    /// Their device, where it is known.
    pub(super) device: Option<Mac>,
    place: Place<'a>,
    usernames: BTreeSet<String>,
}

impl<'a> ThrottleKey<'a> {
    /// At no username yet.
    pub(super) fn new(device: Option<Mac>, place: Place<'a>) -> Self {
        Self { device, place, usernames: BTreeSet::new() }
    }

    /// Each username that somebody has, once: a guess that can be meant in two ways is one guess. What
    /// is nobody's name has no limit: it may be what the codes of many begin with.
    pub(super) fn at<'b>(self, usernames: impl Iterator<Item = &'b str>) -> Self {
        Self { usernames: usernames.map(casefold).collect(), ..self }
    }
}

/// How long somebody has to wait before they may guess, by whose guesses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Waits {
    /// Of this device.
    own: Option<Duration>,
    /// At one of these usernames.
    at_username: Option<Duration>,
    /// Of devices with the same login; of those that have never signed in, on the same network or
    /// through the same access point.
    of_others: Option<Duration>,
}

impl Waits {
    /// Before anything is compared.
    pub(super) fn of_device(&self) -> Option<Refusal> {
        self.own.map(Refusal::TooManyTries)
    }

    /// For a guess that is right as this username, with which the device has signed in before or not:
    /// what else the guess might have meant does not hold it up then.
    pub(super) fn at_username(self, was_in: bool) -> Self {
        if was_in { Self { own: self.own, ..Self::default() } } else { self }
    }

    /// For a guess that has been compared, right or wrong.
    pub(super) fn by_others(&self, has_generated_passcode: bool) -> Option<Refusal> {
        let of_others = self.of_others.filter(|_| !has_generated_passcode);
        self.at_username.max(of_others).map(Refusal::TooManyTriesByOthers)
    }
}

/// Limits that a wrong guess has exhausted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Exhausted {
    /// That of the device or its login.
    pub(super) own: bool,
    /// That of the network's or the access point's strangers.
    pub(super) of_strangers: bool,
}

impl LoginThrottle {
    /// How long somebody has to wait before they may try one of these usernames.
    pub(super) fn waits(&self, who: &ThrottleKey<'_>, now: Duration) -> Waits {
        let login = who.device.and_then(|mac| self.known.latest_login(mac));
        // A code may read as the usernames of several.
        let mut strange = who.usernames.iter().filter(|it| !self.was_in(who.device, it)).peekable();
        let was_in = !who.usernames.is_empty() && strange.peek().is_none();
        let of_others = match (login, who.place) {
            (Some(_), _) if was_in => None,
            (Some(login), _) => self.by_login.wait(login, now),
            (None, Place::Network(network)) => self.by_network.wait(network, now),
            (None, Place::Client(client)) => self.by_client.wait(client, now),
        };
        Waits {
            own: who.device.and_then(|mac| self.by_device.wait((who.place, mac), now)),
            at_username: strange.filter_map(|it| self.by_username.wait(it, now)).max(),
            of_others,
        }
    }

    /// None of the usernames' passcodes was right.
    pub(super) fn failed(&mut self, who: &ThrottleKey<'_>, now: Duration) -> Exhausted {
        let own = self.failed_unheard(who, now);
        match (who.device.and_then(|mac| self.known.latest_login(mac)), who.place) {
            (Some(login), _) => {
                let own = self.by_login.failed(login, now) || own;
                Exhausted { own, of_strangers: false }
            }
            (None, Place::Network(network)) => {
                Exhausted { own, of_strangers: self.by_network.failed(network, now) }
            }
            (None, Place::Client(client)) => {
                Exhausted { own, of_strangers: self.by_client.failed(client, now) }
            }
        }
    }

    /// A guess was refused because of others, right or wrong: this bounds how fast devices may look
    /// for generated passcodes meanwhile, each of them and all at one username. Whether the device
    /// has to wait from now on.
    pub(super) fn failed_unheard(&mut self, who: &ThrottleKey<'_>, now: Duration) -> bool {
        for username in &who.usernames {
            if !self.was_in(who.device, username) {
                self.by_username.failed(username, now);
            }
        }
        who.device.is_some_and(|mac| self.by_device.failed((who.place, mac), now))
    }

    /// Whether a device has signed in with this username before.
    pub(super) fn was_in(&self, device: Option<Mac>, username: &str) -> bool {
        device.is_some_and(|mac| self.known.has_signed_in(mac, username))
    }

    /// How long a device has to wait that has signed in too often.
    pub(super) fn wait_after_success(
        &self,
        mac: Mac,
        at: Place<'_>,
        now: Duration,
    ) -> Option<Duration> {
        self.sign_ins.wait((at, mac), now)
    }

    /// How long a device has to wait with whose login there were too many sign-ins.
    pub(super) fn wait_at_place(&self, place: LoginPlace, now: Duration) -> Option<Duration> {
        self.sign_ins_by_login.wait(place, now)
    }

    /// The place of a login that a device falls to.
    pub(super) fn place(&self, login: &str, mac: Option<Mac>, devices: NonZeroU16) -> LoginPlace {
        let octets = mac.map(Mac::octets).unwrap_or_default();
        let sum = octets.into_iter().fold(0, |sum: u16, octet| sum % 2048 * 31 + u16::from(octet));
        LoginPlace { login: self.known.hash(login), place: sum % devices }
    }

    /// Somebody has signed in.
    pub(super) fn succeeded(
        &mut self,
        mac: Option<Mac>,
        at: Place<'_>,
        place: LoginPlace,
        now: Duration,
    ) {
        self.sign_ins_by_login.failed(place, now);
        if let Some(mac) = mac {
            self.sign_ins.failed((at, mac), now);
        }
    }
}

/// One of the places of a login, which many devices may share: its limit grows with the number of
/// devices that it allows.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub(super) struct LoginPlace {
    login: LoginHash,
    place: u16,
}
