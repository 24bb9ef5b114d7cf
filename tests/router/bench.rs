//! Figures of the emulated router, MIPS 24Kc with 64 MB: `tests/router/run --bench`. Never a verdict.
//!
//! `tests/router/run --bench memory` and `… flash` are one half each.

#![allow(dead_code, unused_imports, reason = "shared with the tests, which use all of it")]

mod crowd;
mod figures;
mod flash;
#[path = "../flows/support.rs"]
mod flows;
mod machine;
mod storage;
mod support;
mod visitor;

use std::time::Duration;

use crowd::{GUESTS, PORTAL, address, ask_and_browse, sign_in};
use figures::{note, spread};
use storage::Medium;
use support::Router;

/// So often is a start measured.
const STARTS: usize = 5;

fn main() {
    // Cargo adds `--bench`.
    let words: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with('-')).collect();
    let parts: [(&str, fn()); 2] = [("memory", note_crowd), ("flash", note_flash)];
    for (name, measure) in parts {
        if words.is_empty() || words.iter().any(|word| word == name) {
            measure();
        }
    }
}

fn note_flash() {
    for medium in [Medium::Jffs2, Medium::Ubifs] {
        flash::note_sales(medium);
        let written = flash::written_in_steady_use(medium);
        note(
            &format!("flash written a minute with {} sessions on {medium:?}", flash::GUESTS),
            &format!(
                "{} octets, {} transactions in {} s, {} blocks erased",
                written.octets as u64 * 60 / written.seconds,
                written.transactions,
                written.seconds,
                written.erased
            ),
        );
    }
}

fn note_crowd() {
    let mut router = crowd::patient_router();
    crowd::invite_crowd(&mut router);
    note_memory(&mut router, "idle without vouchers");
    note_starts(&mut router, "without vouchers");
    let printed = crowd::all_vouchers(&mut router);
    note_starts(&mut router, "with 10,000 vouchers");
    note_memory(&mut router, "idle with 10,000 vouchers");
    let times = sign_in(&mut router, 0, &printed[..GUESTS]);
    note("login to first packet", &spread(times));
    let page = format!("url = {PORTAL}/nothing\n");
    let pages: Vec<_> = (0..100).map(|number| (address(number), page.clone())).collect();
    let times = ask_and_browse(&mut router, "404", &pages);
    note("peer: a page that is not there to first packet, signed in", &spread(times));
    note_memory(&mut router, "with 10,000 vouchers and 1,000 sessions");
}

fn kilobytes(router: &mut Router, field: &str) -> u64 {
    router.number(&format!(
        "sed -n 's/^{field}:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/$(pidof hotspotd)/status"
    ))
}

fn note_memory(router: &mut Router, when: &str) {
    let (all, own) = (kilobytes(router, "VmRSS"), kilobytes(router, "RssAnon"));
    let available = router.number("sed -n 's/^MemAvailable: *\\([0-9]*\\).*/\\1/p' /proc/meminfo");
    note(
        &format!("memory, {when}"),
        &format!("VmRSS {all} kB, of that its own {own} kB; MemAvailable {available} kB"),
    );
}

/// From the start of the process until the API answers.
fn note_starts(router: &mut Router, when: &str) {
    // /proc/uptime has hundredths of a second; one try takes less.
    let script = "now() { cut -d' ' -f1 /proc/uptime | tr -d .; }
        service hotspotd stop
        while pidof hotspotd >/dev/null; do usleep 100000; done
        begun=$(now)
        hotspotd run 2>>/tmp/log &
        until [ -n \"$ended\" ]; do
            ended=$(printf 'GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n' |
                nc 127.0.0.1 8080 2>/dev/null | { [ \"$(head -c 4)\" != HTTP ] || now; })
        done
        kill $!; wait $!
        echo $((ended - begun))";
    let times = (0..STARTS).map(|_| Duration::from_millis(router.number(script) * 10)).collect();
    note(&format!("start to first answer, {when}"), &spread(times));
    router.ok("service hotspotd start");
    router.ready();
}
