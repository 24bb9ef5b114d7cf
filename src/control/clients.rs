//! RADIUS clients as rows.

use std::time::Duration;

use crate::config::Vendor;
use crate::listing::ClientRow;
use crate::radius::{LastTrouble, Standing};

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
        vendor: standing.vendor.map(|vendor| vendor_word(vendor).to_owned()),
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

fn vendor_word(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::Coovachilli => "coovachilli",
        Vendor::Mikrotik => "mikrotik",
        Vendor::Wispr => "wispr",
        Vendor::None => "none",
    }
}
