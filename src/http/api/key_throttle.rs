//! Rate limit of wrong keys, per caller address.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use crate::domain::throttle::Throttle;

/// Wrong keys from one address before it is blocked, and the time until one of them expires.
const WRONG_KEYS: u16 = 10;
pub(super) const FORGIVEN: Duration = Duration::from_secs(6);
/// Addresses told apart.
const SLOTS: usize = 1024;
/// Addresses remembered for having sent the right key. Only holders of the key fill this list.
const PROVEN: usize = 256;

/// Throttles wrong keys by full address: the hosts of a LAN share one IPv6 /64.
///
/// An address that has sent the right key before is never blocked when it sends the right key: a
/// host with many addresses can fill every slot, which must not lock out the front desk.
pub(super) struct KeyThrottle {
    wrong_keys: Throttle,
    /// Least recently used first.
    proven: VecDeque<IpAddr>,
}

/// The decision on a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyCheck {
    /// The key is right.
    Accepted,
    /// The address is blocked, whatever the key.
    Blocked,
    /// A wrong key. `blocked`: the address is blocked from now on.
    Wrong { blocked: bool },
}

impl Default for KeyThrottle {
    fn default() -> Self {
        Self {
            wrong_keys: Throttle::new(SLOTS, WRONG_KEYS, FORGIVEN, Default::default()),
            proven: VecDeque::new(),
        }
    }
}

impl KeyThrottle {
    /// Counts a key that came from `address`, at the boot clock's `now`.
    pub(super) fn check(&mut self, address: IpAddr, is_right: bool, now: Duration) -> KeyCheck {
        let address = address.to_canonical();
        let proven = self.proven.contains(&address);
        // A blocked address must not learn that a guess was right.
        if self.wrong_keys.blocks(address, now) && !(proven && is_right) {
            return KeyCheck::Blocked;
        }
        if !is_right {
            return KeyCheck::Wrong { blocked: self.wrong_keys.failed(address, now) };
        }
        self.remember(address);
        KeyCheck::Accepted
    }

    fn remember(&mut self, address: IpAddr) {
        self.proven.retain(|known| *known != address);
        if self.proven.len() >= PROVEN {
            self.proven.pop_front();
        }
        self.proven.push_back(address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1000);

    fn host(number: u16) -> IpAddr {
        IpAddr::from([0xfd00, 0, 0, 1, 0, 0, 0, number])
    }

    fn is_right(throttle: &mut KeyThrottle, address: IpAddr) -> bool {
        throttle.check(address, true, NOW) == KeyCheck::Accepted
    }

    #[test]
    fn hosts_of_one_ipv6_network_are_blocked_one_by_one() {
        let mut throttle = KeyThrottle::default();
        for _ in 0..WRONG_KEYS {
            throttle.check(host(1), false, NOW);
        }
        assert!(!is_right(&mut throttle, host(1)));
        // Two: at random, one in a thousand shares the slot of the first.
        assert!(is_right(&mut throttle, host(2)) || is_right(&mut throttle, host(3)));
    }

    #[test]
    fn an_address_that_was_right_before_stays_welcome_when_every_slot_blocks() {
        let mut throttle = KeyThrottle::default();
        assert!(is_right(&mut throttle, host(1)));
        for number in 2..20_000 {
            for _ in 0..WRONG_KEYS {
                throttle.check(host(number), false, NOW);
            }
        }
        assert!(is_right(&mut throttle, host(1)));
        assert!(is_right(&mut throttle, IpAddr::from([0xfd00, 0, 0, 1, 0, 0, 0, 1])));
        assert!(!is_right(&mut throttle, host(30_000)));
        // A wrong key of its own is as wrong as anybody's.
        assert!(throttle.check(host(1), false, NOW) != KeyCheck::Accepted);
    }

    #[test]
    fn an_ipv4_address_is_the_same_in_both_notations() {
        let mut throttle = KeyThrottle::default();
        assert!(is_right(&mut throttle, "::ffff:192.0.2.1".parse().unwrap()));
        assert_eq!(throttle.proven, [IpAddr::from([192, 0, 2, 1])]);
    }

    #[test]
    fn the_list_of_proven_addresses_is_bounded_and_forgets_the_longest_silent() {
        let mut throttle = KeyThrottle::default();
        for number in 0..=PROVEN as u16 {
            assert!(is_right(&mut throttle, host(number)));
            assert!(is_right(&mut throttle, host(0)));
        }
        assert_eq!(throttle.proven.len(), PROVEN);
        assert!(throttle.proven.contains(&host(0)) && !throttle.proven.contains(&host(1)));
    }
}
