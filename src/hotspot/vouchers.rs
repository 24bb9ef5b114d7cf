//! Issuing, listing and redeeming vouchers.

use rand::Rng;

use super::journal::LoginJournal;
use super::{Finish, Hotspot, Reply, UsernameTaken, send};
use crate::domain::list::{Entry, Page};
use crate::domain::login::{Grant, Login, LoginRecord, Method, Refusal};
use crate::domain::plan::Preset;
use crate::domain::time::Now;
use crate::domain::voucher::{Username, Voucher, VoucherRequest, breaks_a_line};
use crate::store::{Store, StoreError};

/// How often a random username may hit one that is taken. With 50,000 vouchers in the store the
/// chance of a single hit is 1 in 18,000.
const DRAWS: usize = 8;

/// Longest part of a typed username that is worth writing down.
const LOGGED_CHARACTERS: usize = 64;

impl Hotspot {
    pub(super) fn create_vouchers(
        &mut self,
        request: &VoucherRequest,
        count: u16,
        now: Now,
    ) -> Result<Result<Vec<Entry<Voucher>>, UsernameTaken>, StoreError> {
        if self.short_of_space() {
            return Err(StoreError::DiskFull);
        }
        let Self { store, rng, settings, .. } = self;
        store.attempt(|| {
            (0..count)
                .map(|_| create_voucher(store, request, &settings.preset, now, rng.as_mut()))
                .collect()
        })
    }

    pub(super) fn vouchers(&self, page: Page) -> Result<Vec<Entry<Voucher>>, StoreError> {
        let mut rows = self.store.vouchers(page)?;
        for row in &mut rows {
            self.journal.update(row);
        }
        Ok(rows)
    }

    /// The first login with a voucher starts its time: money hangs on it, so it is durable before
    /// the guest is let in. Later ones and the log row stay in memory until the next minute.
    pub(super) fn login(
        &mut self,
        login: Login,
        reply: Reply<Result<Grant, Refusal>>,
        now: Now,
    ) -> Finish {
        let preset = self.settings.preset;
        let store = &self.store;
        let journal = &self.journal;
        let result = store.attempt(|| {
            let (verdict, used) = redeem(store, journal, &login, &preset, now)?;
            if let Some((true, entry)) = &used {
                store.set_first_login(entry.id, login.station, now)?;
            }
            Ok((verdict, used))
        });
        Box::new(move |hotspot, committed| {
            let settled = result.and_then(|value| committed.map(|()| value));
            hotspot.note(&settled);
            let answer = settled.map(|(verdict, used)| {
                if let Some((false, entry)) = used {
                    hotspot.journal.used(entry.id, login.station, now);
                }
                hotspot.journal.write(record(&login, verdict.err(), now), now);
                verdict
            });
            send(reply, answer);
        })
    }
}

fn create_voucher(
    store: &Store,
    request: &VoucherRequest,
    preset: &Preset,
    now: Now,
    rng: &mut dyn Rng,
) -> Result<Result<Entry<Voucher>, UsernameTaken>, StoreError> {
    for _ in 0..DRAWS {
        let value = Voucher::issue(request.clone(), preset, now, rng);
        if let Some(id) = store.insert_voucher(&value, now)? {
            return Ok(Ok(Entry { id, value }));
        }
        if request.username.is_some() {
            return Ok(Err(UsernameTaken));
        }
    }
    Err(StoreError::Unusable(format!("{DRAWS} random usernames in a row were taken")))
}

/// The verdict, and the voucher after it with whether this was its first login.
type Redeemed = (Result<Grant, Refusal>, Option<(bool, Entry<Voucher>)>);

fn redeem(
    store: &Store,
    journal: &LoginJournal,
    login: &Login,
    preset: &Preset,
    now: Now,
) -> Result<Redeemed, StoreError> {
    let Ok(Some(username)) = Username::parse(&login.username) else {
        return Ok((Err(Refusal::UnknownUsername), None));
    };
    let Some(mut entry) = store.voucher(&username)? else {
        return Ok((Err(Refusal::UnknownUsername), None));
    };
    journal.update(&mut entry);
    let verdict = entry.value.redeem(&login.passcode, preset, now);
    let first = entry.value.first_login.is_none();
    let used = verdict
        .is_ok()
        .then(|| (first, Entry { id: entry.id, value: entry.value.used(login.station, now) }));
    Ok((verdict, used))
}

fn record(login: &Login, refusal: Option<Refusal>, now: Now) -> LoginRecord {
    LoginRecord {
        at: now.wall,
        method: Method::Voucher,
        login: printable(login.username.trim()),
        mac: Some(login.station),
        address: login.address,
        refusal: refusal.map(|refusal| refusal.to_string()),
    }
}

/// What a guest typed, fit for a log that is printed on a terminal.
fn printable(typed: &str) -> String {
    typed
        .chars()
        .take(LOGGED_CHARACTERS)
        .map(|c| if breaks_a_line(c) { char::REPLACEMENT_CHARACTER } else { c })
        .collect()
}
