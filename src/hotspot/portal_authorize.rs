//! Whether a guest at the portal is let in: what was typed, held against vouchers and limits.

use std::num::NonZeroU16;

use super::Hotspot;
use super::login_throttle::{Exhausted, Place, ThrottleKey, Waits};
use crate::domain::guest::Caller;
use crate::domain::list::Entry;
use crate::domain::login::{Credential, Grant, Meaning, Refusal};
use crate::domain::station::Mac;
use crate::domain::time::Now;
use crate::domain::voucher::{Username, Voucher};
use crate::store::StoreError;

/// Devices that a voucher is remembered with for each that may be online, and at least so many:
/// phones change their MACs.
const DEVICES_FOR_EACH_PLACE: usize = 4;
const DEVICES_KEPT: usize = 16;
/// Devices that are forgotten at one sign-in: earlier versions kept all.
const FORGOTTEN: usize = 250;

/// A voucher that lets somebody in.
pub(super) struct Redeemed {
    pub(super) entry: Entry<Voucher>,
    pub(super) grant: Grant,
}

/// What somebody at the door has come to.
pub(super) struct Attempt {
    pub(super) mac: Option<Mac>,
    pub(super) outcome: Result<Redeemed, Refusal>,
}

impl Hotspot {
    pub(super) fn judge(
        &mut self,
        caller: &Caller,
        credential: &Credential,
        now: Now,
    ) -> Result<Attempt, StoreError> {
        let Some(mac) = self.station(caller, now) else {
            return Ok(Attempt { mac: None, outcome: Err(Refusal::UnknownDevice) });
        };
        let at = Place::Network(&caller.network);
        let guesser = ThrottleKey::new(Some(mac), at);
        let waits = self.login_throttle.waits(&guesser, now.boot);
        let sign_ins = self.login_throttle.wait_after_success(mac, at, now.boot);
        // Before the comparison: who has guessed too often must not learn that a guess was right.
        if let Some(refusal) = waits.of_device().or(sign_ins.map(Refusal::TooManySignIns)) {
            return Ok(Attempt { mac: Some(mac), outcome: Err(refusal) });
        }
        let meant = self.store.attempt(|| self.meant_vouchers(credential))?;
        let names = meant.iter().map(|(entry, _)| entry.value.username.as_str());
        let guesser = guesser.at(names);
        let waits = self.login_throttle.waits(&guesser, now.boot);
        let is_pair = matches!(credential, Credential::Pair { .. });
        let outcome =
            self.store.attempt(|| self.weigh_vouchers(mac, meant, is_pair, waits, now))?;
        let outcome = match (outcome, waits.by_others(false)) {
            (Err(refusal), Some(wait)) if refusal.is_wrong_guess() => Err(wait),
            (outcome, _) => outcome,
        };
        self.note_guess(caller, &guesser, outcome.as_ref().err().copied(), now);
        if let Ok(Redeemed { entry, grant }) = &outcome {
            let login = entry.value.username.as_str();
            let place = self.login_throttle.place(login, Some(mac), grant.plan.devices);
            self.login_throttle.succeeded(Some(mac), at, place, now.boot);
            self.login_throttle.known.add(mac, login);
        }
        Ok(Attempt { mac: Some(mac), outcome })
    }

    /// The vouchers that may be meant, each with the passcode that was typed for it.
    fn meant_vouchers(
        &self,
        credential: &Credential,
    ) -> Result<Vec<(Entry<Voucher>, Meaning)>, StoreError> {
        let mut meant = Vec::new();
        for meaning in credential.meanings() {
            meant.extend(self.voucher_named(&meaning.username)?.map(|entry| (entry, meaning)));
        }
        Ok(meant)
    }

    fn weigh_vouchers(
        &self,
        mac: Mac,
        meant: Vec<(Entry<Voucher>, Meaning)>,
        is_pair: bool,
        waits: Waits,
        now: Now,
    ) -> Result<Result<Redeemed, Refusal>, StoreError> {
        let mut refusal = Refusal::UnknownUsername;
        for (entry, meaning) in meant {
            if !entry.value.opens_as(&meaning) {
                if is_pair {
                    refusal = Refusal::WrongPasscode;
                }
                continue;
            }
            let was_in = self.login_throttle.was_in(Some(mac), entry.value.username.as_str());
            // Before anything else is said of the voucher, or written down.
            if let Some(wait) =
                waits.at_username(was_in).by_others(entry.value.has_generated_passcode())
            {
                return Ok(Err(wait));
            }
            return match entry.value.admit(&self.settings.preset, now) {
                Ok(grant) => self.redeem(mac, entry, grant, now),
                Err(refusal) => Ok(Err(refusal)),
            };
        }
        Ok(Err(refusal))
    }

    /// Counts a guess that was in vain.
    fn note_guess(
        &mut self,
        caller: &Caller,
        guesser: &ThrottleKey<'_>,
        refusal: Option<Refusal>,
        now: Now,
    ) {
        let exhausted = match refusal {
            Some(refusal) if refusal.is_wrong_guess() => {
                self.login_throttle.failed(guesser, now.boot)
            }
            Some(Refusal::TooManyTriesByOthers(_)) => {
                let own = self.login_throttle.failed_unheard(guesser, now.boot);
                Exhausted { own, of_strangers: false }
            }
            _ => return,
        };
        let Caller { network, address, .. } = caller;
        if exhausted.own
            && let Some(mac) = guesser.device
            && let Some(more) = self.login_throttle.device_log.pass(now.boot)
        {
            log::warn!("guest: too many wrong codes from {mac}, {address}{more}");
        }
        if exhausted.of_strangers
            && let Some(more) = self.login_throttle.others_log.pass(now.boot)
        {
            log::warn!(
                "guest: too many wrong codes on network '{network}', most likely by somebody who \
                 guesses; devices that are new there have to wait unless their passcode was \
                 generated{more}"
            );
        }
    }

    pub(super) fn voucher_named(
        &self,
        username: &str,
    ) -> Result<Option<Entry<Voucher>>, StoreError> {
        let Ok(Some(username)) = Username::parse(username) else { return Ok(None) };
        let entry = self.store.voucher(&username)?;
        Ok(entry.map(|entry| self.up_to_date(entry)))
    }

    pub(super) fn up_to_date(&self, mut entry: Entry<Voucher>) -> Entry<Voucher> {
        self.login_log.update(&mut entry);
        self.sessions.accounts.update(&mut entry);
        entry
    }

    /// Writes down what must be durable before the guest is let in.
    fn redeem(
        &self,
        mac: Mac,
        entry: Entry<Voucher>,
        grant: Grant,
        now: Now,
    ) -> Result<Result<Redeemed, Refusal>, StoreError> {
        let login = entry.value.username.as_str();
        let place = self.login_throttle.place(login, Some(mac), grant.plan.devices);
        if let Some(wait) = self.login_throttle.wait_at_place(place, now.boot) {
            return Ok(Err(Refusal::TooManySignIns(wait)));
        }
        if entry.value.first_login.is_none() {
            self.store.set_first_login(entry.id, Some(mac), now)?;
        }
        if self.store.voucher_of_device(mac)? != Some(entry.id) {
            self.store.remember_device(mac, entry.id)?;
            self.forget_surplus_devices(mac, &entry, grant.plan.devices)?;
        }
        Ok(Ok(Redeemed { entry, grant }))
    }

    /// Keeps the newest devices of a voucher: one that is used with ever new MACs fills no flash.
    fn forget_surplus_devices(
        &self,
        newest: Mac,
        entry: &Entry<Voucher>,
        room: NonZeroU16,
    ) -> Result<(), StoreError> {
        let kept = (usize::from(room.get()) * DEVICES_FOR_EACH_PLACE).max(DEVICES_KEPT);
        let mut devices = self.store.devices_of_voucher(entry.id, kept + FORGOTTEN)?;
        let surplus = devices.len().saturating_sub(kept);
        devices.retain(|mac| *mac != newest && self.sessions.get(*mac).is_none());
        let login = entry.value.username.as_str();
        devices.sort_by_key(|mac| self.login_throttle.known.signed_in(*mac, login));
        devices.into_iter().take(surplus).try_for_each(|mac| self.store.forget_device(mac))
    }

    /// The voucher of a device that was here before, if that still lets it in.
    pub(super) fn remembered_voucher(
        &self,
        mac: Option<Mac>,
        now: Now,
    ) -> Result<Option<Redeemed>, StoreError> {
        let Some(mac) = mac.filter(|mac| self.sessions.get(*mac).is_none()) else {
            return Ok(None);
        };
        let Some(voucher) = self.store.voucher_of_device(mac)? else { return Ok(None) };
        let Some(entry) = self.store.voucher_by_id(voucher)? else { return Ok(None) };
        let entry = self.up_to_date(entry);
        let granted = entry.value.admit(&self.settings.preset, now);
        Ok(granted.ok().map(|grant| Redeemed { entry, grant }))
    }
}
