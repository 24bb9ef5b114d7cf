//! Issuing, listing and removing vouchers.

use std::time::Duration;

use rand::Rng;

use super::{AfterCommit, Hotspot, Reply, UsernameTaken, send};
use crate::domain::guessing;
use crate::domain::list::{Entry, Page};
use crate::domain::plan::Preset;
use crate::domain::session::{TerminateCause, Usage};
use crate::domain::time::Now;
use crate::domain::voucher::{Username, Voucher, VoucherRequest};
use crate::store::{BatchId, Store, StoreError};

/// How often a random username may hit one that is taken. With 50,000 vouchers in the store the
/// chance of a single hit is 1 in 18,000.
const DRAWS: usize = 8;

impl Hotspot {
    pub(super) fn create_vouchers(
        &mut self,
        request: &VoucherRequest,
        count: u16,
        batch: Option<BatchId>,
        now: Now,
    ) -> Result<Result<Vec<Entry<Voucher>>, UsernameTaken>, StoreError> {
        if self.short_of_space() {
            return Err(StoreError::DiskFull);
        }
        let Self { store, rng, settings, .. } = self;
        let created = store.attempt(|| {
            let one = |_| create_voucher(store, request, &settings.preset, now, rng.as_mut());
            let created = (0..count).map(one).collect::<Result<Result<Vec<_>, _>, _>>()?;
            let made = created.as_deref().unwrap_or_default();
            if let (Some(batch), Some(first), Some(last)) = (batch, made.first(), made.last()) {
                store.add_to_batch(batch, first.id..=last.id)?;
            }
            Ok(created)
        })?;
        // Others than chosen passcodes are long enough.
        let chosen = created.as_ref().ok().and_then(|it| it.last());
        let chosen = chosen.filter(|_| request.passcode.is_some());
        if let Some(advice) =
            chosen.map(|entry| self.advice(&entry.value, now)).transpose()?.flatten()
            && let Some(more) = self.short_code_log.pass(now.boot)
        {
            log::warn!("voucher: {advice}{more}");
        }
        Ok(created)
    }

    /// What to say to an operator who has chosen this voucher's passcode, if anything.
    pub(super) fn advice(&self, voucher: &Voucher, now: Now) -> Result<Option<String>, StoreError> {
        Ok(guessing::advice(voucher, self.store.valid_voucher_count(now)?))
    }

    pub(super) fn vouchers(&self, page: Page) -> Result<Vec<Entry<Voucher>>, StoreError> {
        let mut rows = self.store.vouchers(page)?;
        for row in &mut rows {
            self.login_log.update(row);
            self.sessions.accounts.update(row);
        }
        Ok(rows)
    }

    /// Sets what a voucher has used, down and up, where an access point has counted wrong; whoever is
    /// online with it goes on with what is left then.
    pub(super) fn correct_voucher(
        &mut self,
        username: &Username,
        octets: (Option<u64>, Option<u64>),
        reply: Reply<Option<Usage>>,
        now: Now,
    ) -> AfterCommit {
        let corrected = self.store.attempt(|| {
            let Some(entry) = self.voucher_named(username.as_str())? else { return Ok(None) };
            let used = entry.value.used;
            let (download, upload) = octets;
            let used = Usage {
                download: download.unwrap_or(used.download),
                upload: upload.unwrap_or(used.upload),
            };
            self.store.set_used(entry.id, used)?;
            Ok(Some((entry.id, used)))
        });
        Box::new(move |hotspot, committed| {
            let corrected = corrected.and_then(|it| committed.map(|()| it));
            hotspot.note(&corrected);
            if let Ok(Some((voucher, used))) = corrected {
                log::info!(
                    "voucher: the use of {} is corrected",
                    hotspot.sessions.accounts.label(voucher)
                );
                hotspot.look_at([voucher], Duration::ZERO, now);
                hotspot.sessions.accounts.correct(voucher, octets, used);
                hotspot.share(voucher, None, now);
            }
            let used = corrected.map(|it| it.map(|(_, used)| used));
            hotspot.answer_once_enforced(move |_| send(reply, used));
        })
    }

    /// Removes a voucher; whoever is online with it is not any more.
    pub(super) fn remove_voucher(
        &mut self,
        username: &Username,
        reply: Reply<bool>,
        now: Now,
    ) -> AfterCommit {
        let removed = self.store.attempt(|| self.store.remove_voucher(username));
        let login = username.folded();
        Box::new(move |hotspot, committed| {
            let removed = removed.and_then(|removed| committed.map(|()| removed));
            hotspot.note(&removed);
            if let Ok(Some(voucher)) = removed {
                hotspot.look_at([voucher], Duration::ZERO, now);
                hotspot.pending_sessions.revoke(&login, voucher);
                for member in hotspot.sessions.accounts.members(voucher) {
                    hotspot.end(member, TerminateCause::AdminReset, now);
                }
            }
            hotspot.answer_once_enforced(move |_| send(reply, removed.map(|it| it.is_some())));
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
