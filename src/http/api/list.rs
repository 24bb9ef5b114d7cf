//! Lists, streamed: the next page is read once the client has taken the one before, so that
//! 50,000 vouchers neither stall a login nor grow memory.

use axum::body::{Body, Bytes};
use futures_util::stream;
use serde::Serialize;

use super::Settings;
use super::result::ApiResult;
use crate::domain::list::{Entry, Page};
use crate::domain::visitor::VisitorKind;
use crate::hotspot::{Fault, Handle, Read, Reply};
use crate::listing::{ActiveRow, HostRow, LoginRow, VisitorRow, VoucherRow};

/// Rows in a page: about 16 KB of JSON. Each client that stops reading keeps one page in memory,
/// and twice that during the write: with four times the rows, 48 such clients cost up to 7 MB.
const ROWS: u32 = 64;

pub(super) async fn vouchers(hotspot: &Handle, settings: &Settings) -> Result<ApiResult, Fault> {
    let zone = settings.zone.clone();
    let row = move |entry: &_, json: &mut _| write(&VoucherRow::new(entry, &zone), json);
    pages(hotspot, "users", Read::Vouchers, row).await
}

pub(super) async fn visitors(
    hotspot: &Handle,
    settings: &Settings,
    kind: VisitorKind,
) -> Result<ApiResult, Fault> {
    let zone = settings.zone.clone();
    let row = move |entry: &_, json: &mut _| write(&VisitorRow { kind, entry, zone: &zone }, json);
    let read = move |page, reply| Read::Visitors(kind, page, reply);
    pages(hotspot, "users", read, row).await
}

pub(super) async fn logins(hotspot: &Handle, settings: &Settings) -> Result<ApiResult, Fault> {
    let zone = settings.zone.clone();
    let row = move |entry: &_, json: &mut _| write(&LoginRow::new(entry, &zone), json);
    pages(hotspot, "logins", Read::Logins, row).await
}

pub(super) async fn hosts(hotspot: &Handle) -> Result<ApiResult, Fault> {
    let hosts = hotspot.read(Read::Hosts).await?;
    Ok(live(hosts.iter().map(HostRow::from)))
}

pub(super) async fn active_guests(hotspot: &Handle) -> Result<ApiResult, Fault> {
    let guests = hotspot.read(Read::ActiveGuests).await?;
    Ok(live(guests.iter().map(ActiveRow::from)))
}

/// A list of rows that are in memory.
fn live<R: Serialize>(rows: impl Iterator<Item = R>) -> ApiResult {
    let mut json = br#"{"data":["#.to_vec();
    for (index, row) in rows.enumerate() {
        if index > 0 {
            json.push(b',');
        }
        write(&row, &mut json);
    }
    json.extend_from_slice(b"]}");
    ApiResult::List(Body::from(json))
}

fn write<R: Serialize>(row: &R, json: &mut Vec<u8>) {
    // Writing plain rows to memory cannot fail.
    let _ = serde_json::to_writer(json, row);
}

/// Streams `{"NAME":[row,row,…]}`. The first page is read before the answer starts, so that a
/// failing store is reported as such; a later failure breaks the connection off, and the client
/// sees that the list is not whole.
async fn pages<T: Send + 'static>(
    hotspot: &Handle,
    name: &str,
    read: impl Fn(Page, Reply<Vec<Entry<T>>>) -> Read + Send + Sync + 'static,
    row: impl Fn(&Entry<T>, &mut Vec<u8>) + Send + Sync + 'static,
) -> Result<ApiResult, Fault> {
    let json = format!("{{\"{name}\":[").into_bytes();
    let mut pages = Pages { hotspot: hotspot.clone(), read, row, json, after: Some(0) };
    pages.fetch().await?;
    let stream = stream::try_unfold(pages, async |mut pages| {
        if pages.json.is_empty() && pages.after.is_some() {
            pages.fetch().await?;
        }
        let json = std::mem::take(&mut pages.json);
        Ok::<_, Fault>((!json.is_empty()).then(|| (Bytes::from(json), pages)))
    });
    Ok(ApiResult::List(Body::from_stream(stream)))
}

/// A list that is being streamed to a client.
struct Pages<R, W> {
    hotspot: Handle,
    read: R,
    row: W,
    /// What is ready to be sent.
    json: Vec<u8>,
    /// The last id sent; `None` once the list has ended.
    after: Option<i64>,
}

impl<R, W> Pages<R, W> {
    /// Appends the next page to `json`.
    async fn fetch<T>(&mut self) -> Result<(), Fault>
    where
        R: Fn(Page, Reply<Vec<Entry<T>>>) -> Read,
        W: Fn(&Entry<T>, &mut Vec<u8>),
    {
        let after = self.after.unwrap_or(0);
        let page = Page { after, limit: ROWS };
        let entries = self.hotspot.read(|reply| (self.read)(page, reply)).await?;
        for (index, entry) in entries.iter().enumerate() {
            if after > 0 || index > 0 {
                self.json.push(b',');
            }
            (self.row)(entry, &mut self.json);
        }
        let full = entries.len() == ROWS as usize;
        self.after = entries.last().map(|last| last.id).filter(|_| full);
        if self.after.is_none() {
            self.json.extend_from_slice(b"]}");
        }
        Ok(())
    }
}
