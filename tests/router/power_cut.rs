//! The plug is pulled at random moments: what was acknowledged is there afterwards.
//!
//! `POWER_CUTS` is the number of rounds in all; `POWER_CUTS_SEED` begins with the seed that a
//! failing round has printed. The moment of the cut comes from it; how far the router has got by
//! then depends on the machine.
//!
//! JFFS2 on NOR writes through: what a missing flush would lose is lost on UBIFS and ext4 only. No
//! write to the storage is torn or taken back here, and no chip is worn or disturbed by its
//! neighbour's end.

use std::path::PathBuf;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::book::Book;
use crate::load;
use crate::machine::{Machine, Medium, Storage};

/// Rounds in all where nothing else is asked for.
const ROUNDS: u64 = 100;

/// How many rounds are this share of all, in hundredths; at least one.
fn rounds(share: u64) -> u64 {
    let asked = std::env::var("POWER_CUTS").map(|number| number.parse().unwrap());
    (asked.unwrap_or(ROUNDS) * share).div_ceil(100)
}

/// The first round's seed; each next one's is one more.
fn first_seed() -> u64 {
    let given = std::env::var("POWER_CUTS_SEED").map(|seed| seed.parse().unwrap());
    given.unwrap_or_else(|_| rand::random_range(0..1_000_000_000))
}

/// The storage as a round finds it: kept where the round fails.
struct Found(Storage, u64);

impl Drop for Found {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let name = format!("power-cut-{}-{:?}", self.1, self.0.medium);
            let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
            self.0.keep(&path);
            eprintln!("the round's seed is {}; what it found is in {}", self.1, path.display());
        }
    }
}

fn milliseconds(rng: &mut StdRng, most: u64) -> Duration {
    Duration::from_millis(rng.random_range(0..most))
}

/// Starts on what the last cut has left, looks whether all is there, and is cut under load.
fn cut_under_load(found: &Found, book: &mut Book) -> Storage {
    let mut rng = StdRng::seed_from_u64(found.1);
    let machine = Machine::resume(&found.0);
    machine.mount();
    if rng.random_ratio(1, 5) {
        // In the middle of the start, which mends what the last cut has left.
        machine.spawn();
        std::thread::sleep(milliseconds(&mut rng, 1500));
        eprintln!("seed {}: cut while starting", found.1);
        return machine.cut();
    }
    machine.launch();
    book.look_through(&machine);
    let before = book.acknowledged();
    load::until_cut(&machine, book, found.1, milliseconds(&mut rng, 3000));
    eprintln!("seed {}: {} acknowledged before the cut", found.1, book.acknowledged() - before);
    machine.cut()
}

fn power_cuts(medium: Medium, rounds: u64) {
    let mut book = Book::default();
    let seed = first_seed();
    let mut storage = Storage::new(medium, |_| ());
    for seed in seed..seed + rounds {
        storage = cut_under_load(&Found(storage, seed), &mut book);
    }
    let found = Found(storage, seed + rounds);
    let machine = Machine::resume(&found.0);
    machine.mount();
    machine.launch();
    book.look_through(&machine);
    eprintln!("{medium:?}, {rounds} cuts: {book}");
    assert!(book.acknowledged() > rounds as usize, "hardly any load: {book}");
}

#[test]
fn nothing_acknowledged_is_lost_on_jffs2() {
    power_cuts(Medium::Jffs2, rounds(40));
}

#[test]
fn nothing_acknowledged_is_lost_on_ubifs() {
    power_cuts(Medium::Ubifs, rounds(25));
}

#[test]
fn nothing_acknowledged_is_lost_on_ext4() {
    power_cuts(Medium::Ext4, rounds(25));
}
