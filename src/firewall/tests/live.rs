//! Against the running kernel, in a network namespace of the test's own thread.

use std::process::Command;

use nix::sched::{CloneFlags, unshare};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::super::element::{self, Element, Set};
use super::super::message::Writer;
use super::super::socket::Socket;
use super::*;

/// Runs in an empty network namespace with a device `g0`; says so where that is not allowed.
fn in_namespace(test: impl FnOnce() + Send + 'static) {
    let alone = std::thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET)?;
        run("ip link add g0 type bridge");
        run("ip link set g0 up");
        test();
        Ok::<_, nix::Error>(())
    });
    match alone.join() {
        Ok(Ok(())) => (),
        Ok(Err(error)) => skip::skipped(&format!("a network namespace needs root ({error})")),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn run(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let output = Command::new(words[0]).args(&words[1..]).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn count_of(gate: &mut Kernel, last: u8) -> Option<Count> {
    gate.counts().unwrap().into_iter().find(|count| count.mac == mac(last))
}

#[test]
fn guests_come_and_go_with_their_terms() {
    in_namespace(|| {
        let mut gate = Kernel::new(true);
        assert_eq!(gate.install(&[network("g0")], &[pass(1)]), Ok(Hook::Netdev));
        gate.change(&[Change::Admit(pass(2))]).unwrap();
        let listed = run("nft list set netdev hotspotd download");
        assert!(listed.contains("02:00:00:00:00:01"), "{listed}");
        assert!(listed.contains("quota 1 mbytes used 1000 bytes"), "{listed}");
        assert!(listed.contains("comment \"session 102 voucher 7 02:00:00:00:00:02\""), "{listed}");
        assert!(listed.contains("timeout 1h"), "{listed}");
        let rates = run("nft list set netdev hotspotd download_rate");
        assert!(rates.contains("limit rate over 250000 bytes/second"), "{rates}");
        assert!(!run("nft list set netdev hotspotd upload_rate").contains("02:00"));
        let count = count_of(&mut gate, 2).unwrap();
        assert_eq!(count.usage, Usage { download: 1000, upload: 0 });
        assert_eq!((count.session, count.download_is_over), (102, false));
        gate.change(&[Change::Dismiss(mac(1))]).unwrap();
        assert_eq!(count_of(&mut gate, 1), None);
        assert!(!run("nft list ruleset").contains("02:00:00:00:00:01"));
    });
}

#[test]
fn new_terms_take_the_place_of_the_old() {
    in_namespace(|| {
        let mut gate = Kernel::new(true);
        gate.install(&[network("g0")], &[pass(1)]).unwrap();
        let mut other = pass(1);
        other.download = Lane { rate: 0, used: 5000, limit: Some(5000) };
        gate.change(&[Change::Admit(other)]).unwrap();
        let count = count_of(&mut gate, 1).unwrap();
        assert_eq!((count.usage.download, count.download_is_over), (5000, true));
        assert!(!run("nft list set netdev hotspotd download_rate").contains("02:00"));
    });
}

#[test]
fn a_guest_whose_time_ran_out_stands_in_nobodys_way() {
    in_namespace(|| {
        let mut gate = Kernel::new(true);
        let mut short = pass(1);
        short.time = Some(Duration::from_millis(20));
        gate.install(&[network("g0")], &[short]).unwrap();
        std::thread::sleep(Duration::from_millis(60));
        assert_eq!(count_of(&mut gate, 1), None);
        // What we believe is wrong here: the kernel refuses, and we look.
        let mut again = Kernel::new(true);
        again.install(&[network("g0")], &[short]).unwrap();
        std::thread::sleep(Duration::from_millis(60));
        again.change(&[Change::Admit(pass(2)), Change::Dismiss(mac(1))]).unwrap();
        assert!(count_of(&mut again, 2).is_some());
    });
}

#[test]
fn a_second_daemon_takes_over_without_touching_who_is_in() {
    in_namespace(|| {
        let mut first = Kernel::new(true);
        first.install(&[network("g0")], &[pass(1), pass(2)]).unwrap();
        drop(first);
        let mut second = Kernel::new(true);
        let mut changed = pass(1);
        changed.download.used = 7;
        second.install(&[network("g0")], &[changed, pass(3)]).unwrap();
        // The same session: what the kernel has counted is newer than what we know.
        assert_eq!(count_of(&mut second, 1).unwrap().usage.download, 1000);
        assert_eq!(count_of(&mut second, 2), None);
        assert!(count_of(&mut second, 3).is_some());
        changed.upload.rate = 512;
        second.install(&[network("g0")], &[changed]).unwrap();
        assert_eq!(count_of(&mut second, 1).unwrap().usage.download, 7);
    });
}

#[test]
fn other_rules_keep_the_guests_who_are_in() {
    in_namespace(|| {
        let mut gate = Kernel::new(true);
        gate.install(&[network("g0")], &[pass(1)]).unwrap();
        run("ip link add g1 type bridge");
        let mut both = [network("g0"), network("g1")];
        both[1].portal_port = 80;
        both[0].garden = vec!["192.0.2.0/24".parse().unwrap()];
        gate.install(&both, &[pass(1)]).unwrap();
        let rules = run("nft list ruleset");
        assert!(rules.contains("device \"g1\""), "{rules}");
        assert!(rules.contains("192.0.2.0/24"), "{rules}");
        assert!(rules.contains("elements = { tcp }"), "{rules}");
        assert_eq!(count_of(&mut gate, 1).unwrap().usage.download, 1000);
        gate.install(&both[1..], &[pass(1)]).unwrap();
        let rules = run("nft list ruleset");
        assert!(!rules.contains("\"g0\""), "{rules}");
        assert!(count_of(&mut gate, 1).is_some());
    });
}

#[test]
fn lost_rules_are_noticed_and_come_back() {
    in_namespace(|| {
        let mut gate = Kernel::new(true);
        gate.install(&[network("g0")], &[pass(1)]).unwrap();
        run("nft flush ruleset");
        assert_eq!(gate.counts(), Err(GateError::Lost));
        assert_eq!(gate.change(&[Change::Admit(pass(2))]), Err(GateError::Lost));
        gate.install(&[network("g0")], &[pass(1), pass(2)]).unwrap();
        assert!(count_of(&mut gate, 1).is_some() && count_of(&mut gate, 2).is_some());
        // A table of another version, with sets that cannot be kept.
        run("nft flush ruleset");
        run("nft add table netdev hotspotd");
        run("nft add set netdev hotspotd upload { type ether_addr; }");
        gate.install(&[network("g0")], &[pass(1)]).unwrap();
        assert!(count_of(&mut gate, 1).is_some());
    });
}

#[test]
fn a_device_that_was_replaced_gets_its_rules_again() {
    in_namespace(|| {
        let mut gate = Kernel::new(true);
        assert_eq!(gate.install(&[network("gone")], &[]), Ok(Hook::Nothing));
        gate.install(&[network("g0")], &[pass(1)]).unwrap();
        run("ip link del g0");
        run("ip link add g0 type bridge");
        gate.install(&[network("g0")], &[pass(1)]).unwrap();
        assert!(run("nft list ruleset").contains("device \"g0\""));
        assert_eq!(count_of(&mut gate, 1).unwrap().usage.download, 1000);
    });
}

#[test]
fn thousands_of_guests_are_let_in_at_once() {
    in_namespace(|| {
        let passes: Vec<Pass> = (0..3000_u16)
            .map(|number| {
                let [high, low] = number.to_be_bytes();
                Pass { mac: Mac::new([2, 1, 0, 0, high, low]), ..pass(1) }
            })
            .collect();
        let mut gate = Kernel::new(true);
        gate.install(&[network("g0")], &passes).unwrap();
        assert_eq!(gate.counts().unwrap().len(), 3000);
        gate.install(&[network("g0")], &[]).unwrap();
        assert_eq!(gate.counts().unwrap(), []);
    });
}

#[test]
fn nothing_is_left_when_it_is_removed() {
    in_namespace(|| {
        let mut gate = Kernel::new(true);
        gate.install(&[network("g0")], &[pass(1)]).unwrap();
        gate.remove().unwrap();
        gate.remove().unwrap();
        assert_eq!(run("nft list ruleset"), "");
    });
}

#[test]
fn without_an_egress_hook_the_same_holds_in_the_routing_path() {
    in_namespace(|| {
        let mut gate = Kernel::new(false);
        assert_eq!(gate.install(&[network("g0")], &[pass(1)]), Ok(Hook::Inet));
        gate.change(&[Change::Admit(pass(2))]).unwrap();
        assert!(count_of(&mut gate, 1).is_some());
        let count = count_of(&mut gate, 2).unwrap();
        assert_eq!(count.usage, Usage { download: 1000, upload: 0 });
        let listed = run("nft list table inet hotspotd");
        assert!(listed.contains("02:00:00:00:00:02"), "{listed}");
        assert!(listed.contains("0x10000066"), "{listed}");
        gate.change(&[Change::Dismiss(mac(1))]).unwrap();
        assert!(!run("nft list ruleset").contains("session 101"));
        // Another daemon takes over, and finds a hook after all.
        let mut other = Kernel::new(true);
        assert_eq!(other.counts().unwrap().len(), 1);
        assert_eq!(other.install(&[network("g0")], &[pass(2)]), Ok(Hook::Netdev));
        assert_eq!(other.counts().unwrap().len(), 1);
        assert!(!run("nft list ruleset").contains("map connections"));
    });
}

#[test]
fn a_second_daemon_can_send_those_away_whom_the_first_let_in() {
    for egress in [true, false] {
        in_namespace(move || {
            let mut first = Kernel::new(egress);
            first.install(&[network("g0")], &[pass(1), pass(2)]).unwrap();
            let mut second = Kernel::new(egress);
            // Nothing is to be changed, so nothing is; then one leaves, and one gets new terms.
            second.install(&[network("g0")], &[pass(1), pass(2)]).unwrap();
            let mut other = pass(2);
            other.download = Lane { used: 9000, limit: Some(9000), ..other.download };
            second.change(&[Change::Dismiss(mac(1)), Change::Admit(other)]).unwrap();
            assert_eq!(count_of(&mut second, 1), None);
            let count = count_of(&mut second, 2).unwrap();
            assert_eq!((count.usage.download, count.download_is_over), (9000, true));
        });
    }
}

fn elements(hook: Hook, set: Set) -> Vec<Element> {
    let request = |writer: &mut Writer| element::request(writer, hook, set);
    Socket::open().unwrap().dump(request, element::read).unwrap()
}

fn any_pass() -> impl Strategy<Value = (Option<Duration>, Lane, Lane)> {
    let time = prop::option::of(1..=365 * 86_400_000_u64);
    let time = time.prop_map(|time| time.map(Duration::from_millis));
    let limit = prop_oneof![
        Just(None),
        Just(Some(0)),
        Just(Some(i64::MAX as u64)),
        (0..=i64::MAX as u64).prop_map(Some),
        (0..10_000_000_u64).prop_map(Some),
    ];
    let rate = prop_oneof![Just(0), Just(1), Just(10_000_000), 1..=10_000_000_u32];
    let used = prop_oneof![Just(0), Just(i64::MAX as u64), 0..=i64::MAX as u64, 0..10_000_000_u64];
    let lane = || {
        let lane = (rate.clone(), used.clone(), limit.clone());
        lane.prop_map(|(rate, used, limit)| Lane { rate, used, limit })
    };
    (time, lane(), lane())
}

fn taken_as_meant(hook: Hook, terms: &[(Option<Duration>, Lane, Lane)]) {
    let pass = |(number, (time, download, upload)): (usize, &(Option<Duration>, Lane, Lane))| {
        let number = u8::try_from(number).unwrap();
        Pass { time: *time, download: *download, upload: *upload, ..pass(number) }
    };
    let passes: Vec<Pass> = terms.iter().enumerate().map(pass).collect();
    let mut gate = Kernel::new(hook == Hook::Netdev);
    assert_eq!(gate.install(&[network("g0")], &passes), Ok(hook));
    let counts = gate.counts().unwrap();
    for pass in &passes {
        let soon = Duration::from_secs(30);
        let Some(count) = counts.iter().find(|count| count.mac == pass.mac) else {
            assert!(pass.time.is_some_and(|time| time < soon), "{pass:?} is not there");
            continue;
        };
        assert_eq!((count.session, count.voucher), (pass.session, pass.voucher));
        let used = Usage { download: pass.download.used, upload: pass.upload.used };
        assert_eq!(count.usage, used);
        let alone = gate.count(pass.mac, pass.session).unwrap();
        let but_for_time = |count: &Count| Count { time: None, ..*count };
        assert!(pass.time.is_some() || alone.is_some(), "{pass:?}");
        assert!(alone.is_none_or(|alone| but_for_time(&alone) == but_for_time(count)));
        assert_eq!(gate.count(pass.mac, pass.session + 1), Ok(None));
        let over = |lane: Lane| lane.used >= lane.limit.unwrap_or(i64::MAX as u64);
        assert_eq!(count.download_is_over, over(pass.download), "{pass:?}");
        assert_eq!(count.upload_is_over, over(pass.upload), "{pass:?}");
        assert_eq!(count.time.is_some(), pass.time.is_some());
        let (asked, left) = (pass.time.unwrap_or_default(), count.time.unwrap_or_default());
        assert!(left <= asked && asked - left < soon, "{left:?} of {asked:?}");
    }
    for set in [Set::UploadRate, Set::DownloadRate] {
        for element in elements(hook, set) {
            let pass = passes.iter().find(|pass| pass.session == element.session).unwrap();
            assert_eq!(element.rate, set.rate(pass));
        }
        let limited = |pass: &&Pass| set.holds(pass) && pass.time.is_none();
        assert!(elements(hook, set).len() >= passes.iter().filter(limited).count());
    }
    gate.install(&[network("g0")], &[]).unwrap();
    for set in Set::all(hook) {
        assert_eq!(elements(hook, *set), [], "{set:?}");
    }
}

#[test]
fn the_kernel_takes_all_terms_that_can_be_sold_and_says_them_back() {
    for hook in [Hook::Netdev, Hook::Inet] {
        in_namespace(move || {
            let mut runner = TestRunner::new(Config { cases: 24, ..Config::default() });
            let terms = prop::collection::vec(any_pass(), 1..40);
            runner
                .run(&terms, |terms| {
                    taken_as_meant(hook, &terms);
                    Ok(())
                })
                .unwrap();
        });
    }
}

#[test]
fn who_fell_out_of_one_set_is_put_back_into_all() {
    in_namespace(|| {
        for set in ["upload", "download", "download_rate"] {
            let mut gate = Kernel::new(true);
            gate.install(&[network("g0")], &[pass(1), pass(2)]).unwrap();
            run(&format!("nft delete element netdev hotspotd {set} {{ 02:00:00:00:00:01 }}"));
            gate.install(&[network("g0")], &[pass(1), pass(2)]).unwrap();
            for set in [Set::Upload, Set::Download, Set::DownloadRate] {
                assert_eq!(elements(Hook::Netdev, set).len(), 2, "{set:?}");
            }
            gate.change(&[Change::Dismiss(mac(1)), Change::Dismiss(mac(2))]).unwrap();
            for set in Set::all(Hook::Netdev) {
                assert_eq!(elements(Hook::Netdev, *set), [], "{set:?}");
            }
        }
    });
}

#[test]
fn a_change_that_names_a_device_twice_means_the_last() {
    in_namespace(|| {
        let mut gate = Kernel::new(true);
        gate.install(&[network("g0")], &[pass(1)]).unwrap();
        let other = Pass { session: 900, ..pass(1) };
        let back = [Change::Dismiss(mac(1)), Change::Admit(other)];
        gate.change(&back).unwrap();
        assert_eq!(count_of(&mut gate, 1).unwrap().session, 900);
        gate.change(&[Change::Admit(pass(1)), Change::Dismiss(mac(1))]).unwrap();
        assert_eq!(count_of(&mut gate, 1), None);
        gate.change(&[Change::Dismiss(mac(1))]).unwrap();
        assert_eq!(gate.change(&[]), Ok(()));
    });
}

#[test]
fn another_session_or_another_rate_makes_a_guest_anew() {
    in_namespace(|| {
        let mut gate = Kernel::new(true);
        gate.install(&[network("g0")], &[pass(1), pass(2)]).unwrap();
        let other = Pass { session: 900, ..pass(1) };
        let mut slower = pass(2);
        slower.download.rate = 64;
        gate.install(&[network("g0")], &[other, slower]).unwrap();
        assert_eq!(count_of(&mut gate, 1).unwrap().session, 900);
        let rates = elements(Hook::Netdev, Set::DownloadRate);
        let mut rates: Vec<_> = rates.iter().map(|it| (it.mac, it.session, it.rate)).collect();
        rates.sort();
        assert_eq!(rates, [(mac(1), 900, 250_000), (mac(2), 102, 8000)]);
    });
}

#[test]
fn no_time_left_is_not_time_without_end() {
    in_namespace(|| {
        let mut gate = Kernel::new(true);
        let over = Pass { time: Some(Duration::ZERO), ..pass(1) };
        gate.install(&[network("g0")], &[over]).unwrap();
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(count_of(&mut gate, 1), None);
    });
}

#[test]
fn sessions_far_apart_have_marks_of_their_own() {
    in_namespace(|| {
        let mut gate = Kernel::new(false);
        let passes = [1, 2, 3].map(|last| Pass { session: 7 << (8 * last), ..pass(last) });
        gate.install(&[network("g0")], &passes).unwrap();
        assert_eq!(elements(Hook::Inet, Set::Download).len(), 3);
        assert_eq!(elements(Hook::Inet, Set::Connections).len(), 3);
    });
}
