//! RADIUS clients as rows.

use std::time::Duration;

use crate::config::Vendor;
use crate::domain::nas::ViewPoint;
use crate::listing::ClientRow;
use crate::radius::{LastTrouble, Standing, ViewPoints};

/// What stands in the place of the name where an address has no section.
const NO_SECTION: &str = "no client section";

/// The row for a client or a stranger.
pub(super) fn client_row(standing: &Standing) -> ClientRow {
    let counters = standing.counters;
    let seconds = |length: Duration| length.as_secs();
    let last = standing.last.as_ref();
    let advice = |it: &LastTrouble| it.trouble.advice(standing.name.as_deref().unwrap_or_default());
    let stranger = standing.name.is_none();
    // Every packet of a stranger's is dropped.
    let strange = [(NO_SECTION.to_owned(), counters.requests)].into_iter().filter(|_| stranger);
    let dropped = standing.dropped.iter().map(|(why, count)| (why.words().to_owned(), *count));
    ClientRow {
        name: standing.name.as_deref().map(str::to_owned),
        address: standing.address.clone(),
        vendor: standing.vendor.map(|vendor| vendor.word().to_owned()),
        view_point: standing.vendor.map(|vendor| view_point(standing, vendor)),
        heard: standing.heard.map(seconds),
        requests: counters.requests,
        accepted: counters.accepted,
        rejected: counters.rejected,
        accounting: counters.accounting,
        status: counters.status,
        duplicates: counters.duplicates,
        disconnected: counters.disconnected,
        refused: counters.refused,
        silent: counters.silent,
        changed: counters.changed,
        unchanged: counters.unchanged,
        dropped: dropped.chain(strange).collect(),
        trouble: match stranger {
            true => Some(NO_SECTION.to_owned()),
            false => last.map(|it| it.trouble.words().to_owned()),
        },
        trouble_from: last.map(|it| it.from.to_string()),
        trouble_ago: last.map(|it| seconds(it.ago)),
        advice: match stranger {
            true => Some(format!(
                "if this is an access point of yours, add a client section with option address \
                 '{}'",
                standing.address
            )),
            false => last.map(advice),
        },
        notes: standing.notes.iter().map(|note| (*note).to_owned()).collect(),
    }
}

/// How long ago something may have gone wrong to be worth a word still.
const LATELY: Duration = Duration::from_secs(3600);

/// How many clients are in trouble, and how many addresses without a section ask.
pub(super) fn troubles(standings: &[Standing]) -> (usize, usize) {
    let lately = |ago: Option<Duration>| ago.is_some_and(|ago| ago < LATELY);
    let (clients, strangers): (Vec<_>, Vec<_>) =
        standings.iter().partition(|standing| standing.name.is_some());
    let troubled = |it: &&&Standing| lately(it.last.as_ref().map(|last| last.ago));
    let asking = |it: &&&Standing| lately(it.heard);
    (clients.iter().filter(troubled).count(), strangers.iter().filter(asking).count())
}

/// From whose side octets are counted, and how that is known.
fn view_point(standing: &Standing, vendor: Vendor) -> String {
    let side = |view_point| match view_point {
        ViewPoint::Nas => "the access point's",
        ViewPoint::Client => "the guest's",
    };
    let ViewPoints { nas, client, silent } = standing.said;
    let assumed = match (standing.configured, vendor) {
        (Some(view_point), _) => format!("{}, by option acct_view_point", side(view_point)),
        (None, Vendor::Coovachilli) if silent == 0 => {
            format!("{} until it reports, as is CoovaChilli's default", side(ViewPoint::Client))
        }
        (None, _) => format!("{}, as in RFC 2866", side(ViewPoint::Nas)),
    };
    match (nas, client, silent) {
        (0, 0, _) => assumed,
        (_, 0, 0) => format!("{}, as it says", side(ViewPoint::Nas)),
        (0, _, 0) => format!("{}, as it says", side(ViewPoint::Client)),
        (_, _, 0) => format!("the access point's at {nas}, the guest's at {client}, as they say"),
        _ => format!(
            "the access point's at {nas}, the guest's at {client}, as they say; {silent} do not \
             say so: {assumed}"
        ),
    }
}
