//! How often somebody may guess.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::station::Mac;
use crate::domain::throttle::Throttle;
use crate::domain::voucher::fold;

/// Wrong guesses of one device before it has to wait, and the time until one is forgiven.
const GUESSES: u16 = 10;
const FORGIVEN: Duration = Duration::from_secs(15);
/// The same for one username, whoever guesses: changing the MAC does not help.
const GUESSES_AT_ONE: u16 = 30;
const FORGIVEN_AT_ONE: Duration = Duration::from_secs(5);
/// Right ones of one device, which cost flash every time: the same.
const SIGN_INS: u16 = 20;
const SIGN_IN_FORGIVEN: Duration = Duration::from_secs(10);
/// The same for everybody at one access point together: more than its guests' slips, fewer than a
/// search for short codes needs.
const GUESSES_THROUGH_ONE: u16 = 600;
const FORGIVEN_THROUGH_ONE: Duration = Duration::from_millis(100);
/// Devices, usernames and access points told apart.
const THROTTLED: usize = 2048;

/// Guesses, in constant memory.
pub(super) struct Guesses {
    by_device: Throttle,
    by_username: Throttle,
    by_client: Throttle,
    sign_ins: Throttle,
}

impl Default for Guesses {
    fn default() -> Self {
        let throttle = |burst, leak| Throttle::new(THROTTLED, burst, leak, Default::default());
        Self {
            by_device: throttle(GUESSES, FORGIVEN),
            by_username: throttle(GUESSES_AT_ONE, FORGIVEN_AT_ONE),
            by_client: throttle(GUESSES_THROUGH_ONE, FORGIVEN_THROUGH_ONE),
            sign_ins: throttle(SIGN_INS, SIGN_IN_FORGIVEN),
        }
    }
}

impl Guesses {
    /// How long somebody has to wait before they may try one of these usernames.
    pub(super) fn wait(&mut self, who: &Guesser<'_>, now: Duration) -> Option<Duration> {
        let by_username = who
            .usernames
            .iter()
            .filter_map(|username| self.by_username.wait(username.clone(), now));
        let waits = by_username
            .chain(who.device.and_then(|mac| self.by_device.wait(mac, now)))
            .chain(who.client.and_then(|client| self.by_client.wait(client.clone(), now)));
        waits.max()
    }

    /// How long a device has to wait that has signed in too often.
    pub(super) fn wait_after_success(&mut self, mac: Mac, now: Duration) -> Option<Duration> {
        self.sign_ins.wait(mac, now)
    }

    /// A device has signed in.
    pub(super) fn succeeded(&mut self, mac: Mac, now: Duration) {
        self.sign_ins.failed(mac, now);
    }

    /// None of the usernames' passcodes was right. True where somebody has to wait from now on.
    pub(super) fn failed(&mut self, who: &Guesser<'_>, now: Duration) -> bool {
        for username in &who.usernames {
            self.by_username.failed(username.clone(), now);
        }
        let device = who.device.is_some_and(|mac| self.by_device.failed(mac, now));
        let client = who.client.is_some_and(|client| self.by_client.failed(client.clone(), now));
        device || client
    }
}

/// Who guesses, and at what.
pub(super) struct Guesser<'a> {
    /// Their device, where it is known.
    pub(super) device: Option<Mac>,
    /// The access point they guess through.
    pub(super) client: Option<&'a Arc<str>>,
    usernames: BTreeSet<String>,
}

impl<'a> Guesser<'a> {
    /// Each username once: a guess that can be meant in two ways is one guess.
    pub(super) fn at<'b>(
        usernames: impl Iterator<Item = &'b str>,
        device: Option<Mac>,
        client: Option<&'a Arc<str>>,
    ) -> Self {
        Self { device, client, usernames: usernames.map(fold).collect() }
    }
}
