//! Making vouchers.

use std::collections::BTreeMap;

use tokio::io::AsyncWriteExt;

use super::{Control, Failure, Stream, read_ask, tell};
use crate::control::{Ask, Tell};
use crate::domain::list::Entry;
use crate::domain::voucher::{Username, Voucher, VoucherRequest};
use crate::hotspot::{BatchId, Read, Write};
use crate::http::params::Params;
use crate::http::voucher_request;
use crate::listing::CreatedRow;
use crate::listing::units::data;

/// Vouchers in one commit of a large batch: enough to spare the flash, few enough that a guest
/// who signs in meanwhile does not notice.
const CHUNK: u16 = 128;

impl Control {
    pub(super) async fn create(
        &self,
        count: u32,
        fields: BTreeMap<String, String>,
        stream: &mut Stream,
    ) -> Result<(), Failure> {
        let zone = self.settings().zone.clone();
        let request = voucher_request(&Params::from_texts(fields), &zone)?;
        if count > 1 && request.username.is_some() {
            return Err("a username can be given to one voucher only".to_owned());
        }
        let batch = self.hotspot.write(Write::BeginBatch).await;
        let batch = batch.map_err(|fault| fault.to_string())?;
        let created = self.create_batch(count, &request, batch, stream).await;
        if created.is_err() {
            self.hotspot.give_up_batch(batch).await;
        }
        self.advise(created?, stream).await
    }

    /// Nothing is good before whoever asked has it all; the last one.
    async fn create_batch(
        &self,
        count: u32,
        request: &VoucherRequest,
        batch: BatchId,
        stream: &mut Stream,
    ) -> Result<Option<Entry<Voucher>>, Failure> {
        let zone = self.settings().zone.clone();
        let (mut left, mut last) = (count, None);
        while left > 0 {
            let chunk = u16::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            let rows = self.create_chunk(request.clone(), chunk, batch).await?;
            for row in &rows {
                tell(stream, &Tell::Created(CreatedRow::new(row, &zone))).await?;
            }
            // Told at once: whoever watches sees it grow, and nothing is made for who has left.
            stream.flush().await.map_err(|error| error.to_string())?;
            left -= u32::from(chunk);
            last = rows.into_iter().next_back();
        }
        tell(stream, &Tell::AllCreated).await?;
        stream.flush().await.map_err(|error| error.to_string())?;
        match read_ask(stream).await? {
            Ask::Keep => {}
            _ => return Err("something else came in the place of a receipt".to_owned()),
        }
        let whole = self.hotspot.write(|reply| Write::CompleteBatch(batch, reply)).await;
        match whole.map_err(|fault| fault.to_string())? {
            true => Ok(last),
            false => Err("the store was replaced meanwhile".to_owned()),
        }
    }

    /// The vouchers are made, whatever there is to be said of them.
    async fn advise(
        &self,
        created: Option<Entry<Voucher>>,
        stream: &mut Stream,
    ) -> Result<(), Failure> {
        let Some(created) = created else { return Ok(()) };
        let voucher = Box::new(created.value);
        match self.hotspot.read(|reply| Read::Advice(voucher, reply)).await {
            Ok(Some(advice)) => tell(stream, &Tell::Hint(advice)).await,
            Ok(None) | Err(_) => Ok(()),
        }
    }

    /// Sets what a voucher has used; of what is not named, what is counted stays.
    pub(super) async fn correct(
        &self,
        username: &str,
        megabytes: [Option<u32>; 2],
        stream: &mut Stream,
    ) -> Result<(), Failure> {
        let username = Username::parse(username).map_err(|error| format!("username: {error}"))?;
        let username = username.ok_or("no username was given")?;
        let [download, upload] = megabytes.map(|it| it.map(|it| u64::from(it) << 20));
        let name = username.as_str().to_owned();
        let correct = |reply| Write::CorrectVoucher { username, download, upload, reply };
        let used = self.hotspot.write(correct).await.map_err(|fault| fault.to_string())?;
        let used = used.ok_or("there is no voucher with this username")?;
        let both = |octets| format!("{} ({octets} octets)", data(octets));
        let text =
            format!("{name} has used {} down, {} up", both(used.download), both(used.upload));
        tell(stream, &Tell::Text(text)).await
    }

    async fn create_chunk(
        &self,
        request: VoucherRequest,
        count: u16,
        batch: BatchId,
    ) -> Result<Vec<Entry<Voucher>>, Failure> {
        let (request, batch) = (Box::new(request), Some(batch));
        let create = |reply| Write::CreateVouchers { request, count, batch, reply };
        let created = self.hotspot.write(create).await;
        let created = created.map_err(|fault| fault.to_string())?;
        created.map_err(|_| "the username already exists".to_owned())
    }
}
