//! Devices that have signed in before, and with which logins.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use crate::domain::station::Mac;
use crate::domain::voucher::casefold;

/// Pairs of device and login that are remembered: some 100 KB.
pub(super) const KNOWN: u32 = 4096;
/// Pairs that are forgotten at once where there is no room: each time, all are looked at.
const FORGOTTEN: usize = 256;

/// Stands for a login, as it is compared. The hash is keyed at random: nobody can choose two logins
/// that are taken for one.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LoginHash(u64);

/// Devices that have signed in before. Where there is no room, whoever has the most devices loses
/// those that signed in longest ago: a voucher that is used with ever new devices pushes out its
/// own.
#[derive(Default)]
pub(super) struct Known {
    /// When each signed in last, as a number that grows.
    signed_in: BTreeMap<(Mac, LoginHash), u64>,
    sequence: u64,
    hasher: RandomState,
}

impl Known {
    /// A device has signed in.
    pub(super) fn add(&mut self, mac: Mac, login: &str) {
        self.sequence += 1;
        self.signed_in.insert((mac, self.hash(login)), self.sequence);
        if self.signed_in.len() > KNOWN as usize {
            self.forget();
        }
    }

    /// The login that a device signed in with last.
    pub(super) fn latest_login(&self, mac: Mac) -> Option<LoginHash> {
        let all = (mac, LoginHash(u64::MIN))..=(mac, LoginHash(u64::MAX));
        let latest = self.signed_in.range(all).max_by_key(|(_, sequence)| **sequence);
        latest.map(|((_, login), _)| *login)
    }

    /// Whether a device has signed in with this login.
    pub(super) fn has_signed_in(&self, mac: Mac, login: &str) -> bool {
        self.signed_in.contains_key(&(mac, self.hash(login)))
    }

    /// When a device signed in with this login last, as a number that grows; `None` where that is
    /// not known any more.
    pub(super) fn signed_in(&self, mac: Mac, login: &str) -> Option<u64> {
        self.signed_in.get(&(mac, self.hash(login))).copied()
    }

    pub(super) fn hash(&self, login: &str) -> LoginHash {
        LoginHash(self.hasher.hash_one(casefold(login)))
    }

    /// Makes room for up to [`FORGOTTEN`] pairs: of each login the newest device goes last, so that those
    /// with the most devices lose theirs first; among equals, whoever signed in longest ago. Logins with
    /// half as many devices as the greediest lose none.
    fn forget(&mut self) {
        let mut pairs: Vec<_> = self
            .signed_in
            .iter()
            .map(|((mac, login), sequence)| (*login, *sequence, *mac))
            .collect();
        pairs.sort_unstable_by_key(|(login, sequence, _)| (*login, Reverse(*sequence)));
        let mut ranked: Vec<_> = pairs
            .chunk_by(|(a, ..), (b, ..)| a == b)
            .flat_map(|of_login| of_login.iter().enumerate())
            .collect();
        ranked.sort_unstable_by_key(|(rank, (_, sequence, _))| (Reverse(*rank), *sequence));
        let most = ranked.first().map_or(0, |(rank, _)| *rank);
        let greedy = ranked.into_iter().take_while(|(rank, _)| most == 0 || *rank > most / 2);
        for (_, (login, _, mac)) in greedy.take(FORGOTTEN) {
            self.signed_in.remove(&(*mac, *login));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mac(number: u16) -> Mac {
        let [high, low] = number.to_be_bytes();
        Mac::new([2, 0, 0, 0, high, low])
    }

    #[test]
    fn a_device_is_known_with_what_it_has_signed_in_with() {
        let mut known = Known::default();
        assert_eq!(known.latest_login(mac(1)), None);
        known.add(mac(1), "Room 12");
        let room = known.latest_login(mac(1));
        assert!(room.is_some() && known.has_signed_in(mac(1), "room 12"));
        assert!(!known.has_signed_in(mac(2), "room 12") && !known.has_signed_in(mac(1), "b"));
        known.add(mac(1), "b");
        assert!(known.latest_login(mac(1)) != room && known.has_signed_in(mac(1), "room 12"));
        known.add(mac(1), "ROOM 12");
        assert_eq!(known.latest_login(mac(1)), room);
    }

    #[test]
    fn one_voucher_with_ever_new_devices_pushes_out_nobody_else() {
        let mut known = Known::default();
        known.add(mac(0), "honest");
        for number in 1..=5000 {
            known.add(mac(number), "greedy");
        }
        assert!(known.has_signed_in(mac(0), "honest"));
        let some = KNOWN as usize - FORGOTTEN..=KNOWN as usize;
        assert!(some.contains(&known.signed_in.len()));
        assert!(known.has_signed_in(mac(5000), "greedy") && !known.has_signed_in(mac(1), "greedy"));
    }

    #[test]
    fn among_logins_with_one_device_each_the_latest_are_known() {
        let mut known = Known::default();
        for number in 0..=5000 {
            known.add(mac(number), &number.to_string());
        }
        let is_known: Vec<bool> =
            (0..=5000).map(|it| known.has_signed_in(mac(it), &it.to_string())).collect();
        assert!(is_known.is_sorted() && is_known.iter().filter(|it| **it).count() > 3840);
    }

    #[test]
    fn a_voucher_with_two_devices_does_not_push_out_those_with_one() {
        let mut known = Known::default();
        for number in 0..KNOWN as u16 {
            known.add(mac(number), &number.to_string());
        }
        known.add(mac(5000), "7");
        assert!(!known.has_signed_in(mac(7), "7") && known.has_signed_in(mac(5000), "7"));
        assert_eq!(known.signed_in.len(), KNOWN as usize);
    }
}
