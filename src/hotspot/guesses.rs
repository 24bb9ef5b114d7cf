//! How often somebody may guess.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::domain::secret::Secret;
use crate::domain::station::Mac;
use crate::domain::throttle::Throttle;

/// Wrong guesses of one device before it has to wait, and the time until one is forgiven.
const GUESSES: u16 = 10;
const FORGIVEN: Duration = Duration::from_secs(15);
/// The same for one username, whoever guesses: changing the MAC does not help.
const GUESSES_AT_ONE: u16 = 30;
const FORGIVEN_AT_ONE: Duration = Duration::from_secs(5);
/// Right ones of one device, which cost flash every time: the same.
const SIGN_INS: u16 = 20;
const SIGN_IN_FORGIVEN: Duration = Duration::from_secs(10);
/// Devices and usernames told apart.
const THROTTLED: usize = 2048;

/// Guesses, in constant memory.
pub(super) struct Guesses {
    by_device: Throttle,
    by_username: Throttle,
    sign_ins: Throttle,
}

impl Default for Guesses {
    fn default() -> Self {
        let throttle = |burst, leak| Throttle::new(THROTTLED, burst, leak, Default::default());
        Self {
            by_device: throttle(GUESSES, FORGIVEN),
            by_username: throttle(GUESSES_AT_ONE, FORGIVEN_AT_ONE),
            sign_ins: throttle(SIGN_INS, SIGN_IN_FORGIVEN),
        }
    }
}

impl Guesses {
    /// How long a device has to wait before it may try one of these pairs.
    pub(super) fn wait(
        &mut self,
        mac: Mac,
        meanings: &[(String, Secret)],
        now: Duration,
    ) -> Option<Duration> {
        let waits = usernames(meanings)
            .into_iter()
            .filter_map(|username| self.by_username.wait(username, now))
            .chain(self.by_device.wait(mac, now))
            .chain(self.sign_ins.wait(mac, now));
        waits.max()
    }

    /// One of the pairs was right.
    pub(super) fn succeeded(&mut self, mac: Mac, now: Duration) {
        self.sign_ins.failed(mac, now);
    }

    /// None of these pairs was right. True where the device has to wait from now on.
    pub(super) fn failed(
        &mut self,
        mac: Mac,
        meanings: &[(String, Secret)],
        now: Duration,
    ) -> bool {
        for username in usernames(meanings) {
            self.by_username.failed(username, now);
        }
        self.by_device.failed(mac, now)
    }
}

/// Each once: a guess that can be meant in two ways is one guess.
fn usernames(meanings: &[(String, Secret)]) -> BTreeSet<String> {
    meanings.iter().map(|(username, _)| username.trim().to_lowercase()).collect()
}
