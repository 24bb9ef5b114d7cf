//! Signing in, coming back, signing out.

use std::num::NonZeroU16;

use super::*;
use crate::domain::plan::OnDeviceLimit;

/// What a device is told while those in its way are asked whether they are there.
const PROBED: Refusal = Refusal::DevicesAreProbed(Duration::from_secs(4));

fn devices(devices: u16, on_device_limit: OnDeviceLimit) -> Bench {
    let devices = NonZeroU16::new(devices).unwrap();
    Bench::plan(Plan { devices, on_device_limit, ..plan() })
}

#[test]
fn a_guest_is_let_through_with_what_the_voucher_grants() {
    let mut bench = Bench::plan(Plan { download_rate: 2000, upload_rate: 500, ..plan() });
    let voucher = bench.limited("a", 5, 2);
    let online = bench.login_from(3, "a", "secret").unwrap().unwrap();
    assert_eq!((online.login.as_str(), online.mac), ("a", mac(3)));
    let pass = bench.kernel.pass(3).unwrap();
    assert_eq!((pass.voucher, pass.time), (voucher, Some(Duration::from_secs(86_400))));
    assert_eq!((pass.download.rate, pass.upload.rate), (2000, 500));
    assert_eq!((pass.download.used, pass.upload.used), (0, 0));
    assert_eq!((pass.download.limit, pass.upload.limit), (Some(5 << 20), Some(2 << 20)));
    assert_eq!(online.left.download, Some(5 << 20));
    assert_eq!(online.until, Some(stamp(START + 86_400)));
    assert_eq!(bench.kernel.pass(4), None);
}

#[test]
fn nothing_is_limited_that_was_not_sold_limited() {
    let mut bench = Bench::new();
    let valid_for = Some(crate::domain::validity::ValidFor::ALWAYS);
    let passcode = Passcode::parse("secret").unwrap();
    let username = Username::parse("a").unwrap();
    bench.issue(VoucherRequest { username, passcode, valid_for, ..VoucherRequest::default() });
    let online = bench.login("a", "secret").unwrap();
    let pass = bench.kernel.pass(0).unwrap();
    assert_eq!((pass.time, pass.download.limit, pass.upload.limit), (None, None, None));
    assert_eq!((online.until, online.left), (None, Default::default()));
    bench.seconds(20);
    bench.clock.pass(4000 * 86_400);
    bench.kernel.traffic(0, 1 << 40, 1 << 40);
    bench.second_after(1);
    assert_eq!(bench.online(), [0]);
}

#[test]
fn signing_in_twice_is_signing_in_once() {
    let mut bench = Bench::new();
    bench.limited("a", 5, 0);
    bench.login("a", "secret").unwrap();
    let (pass, transactions) = (bench.kernel.pass(0), bench.kernel.rules().transactions);
    bench.kernel.traffic(0, 1 << 20, 0);
    bench.second_after(30);
    let again = bench.login("A", "secret").unwrap();
    assert_eq!(again.usage.download, 1 << 20);
    assert_eq!(again.uptime, Duration::from_secs(30));
    assert_eq!(bench.kernel.pass(0), pass);
    assert_eq!(bench.kernel.rules().transactions, transactions);
    assert_eq!(bench.ends(), ends([(0, "")]));
}

#[test]
fn another_voucher_takes_the_place_of_the_first() {
    let mut bench = Bench::new();
    let (first, second) = (bench.limited("a", 5, 0), bench.limited("b", 7, 0));
    bench.login("a", "secret").unwrap();
    bench.kernel.traffic(0, 1000, 100);
    let online = bench.login("b", "secret").unwrap();
    assert_eq!((online.login.as_str(), online.usage), ("b", Usage::default()));
    let pass = bench.kernel.pass(0).unwrap();
    assert_eq!((pass.voucher, pass.download.limit), (second, Some(7 << 20)));
    // What was used with the first until then stays used.
    assert_eq!(bench.used(first), Usage { download: 1000, upload: 100 });
    assert_eq!(bench.used(second), Usage::default());
    assert_eq!(bench.ends(), ends([(0, "User-Request"), (0, "")]));
}

#[test]
fn who_may_not_pass_is_not_let_through() {
    let mut bench = Bench::new();
    let from = stamp(START + 3600);
    bench.issue(VoucherRequest {
        username: Username::parse("early").unwrap(),
        passcode: Passcode::parse("secret").unwrap(),
        valid_from: Some(from),
        ..VoucherRequest::default()
    });
    bench.create("a").unwrap();
    assert_eq!(bench.login("nobody", "secret"), Err(Refusal::UnknownUsername));
    assert_eq!(bench.login("a", "wrong"), Err(Refusal::WrongPasscode));
    assert_eq!(bench.login("early", "secret"), Err(Refusal::NotYet(from)));
    let stranger = Caller { network: "guest".into(), address: [10, 0, 0, 1].into(), device: None };
    let credential = Credential::Code(Secret::new("a-secret"));
    let answer = bench.write(|reply| Write::SignIn { caller: stranger, credential, reply });
    assert_eq!(answer, Ok(Err(Refusal::UnknownDevice)));
    let nowhere = Caller { network: "attic".into(), ..caller(1) };
    let credential = Credential::Code(Secret::new("a-secret"));
    let answer = bench.write(|reply| Write::SignIn { caller: nowhere, credential, reply });
    assert_eq!(answer, Ok(Err(Refusal::UnknownDevice)));
    assert!(bench.kernel.rules().passes.is_empty());
    assert_eq!(bench.vouchers()[1].value.first_login, None);
    bench.clock.pass(3600);
    assert!(bench.login("early", "secret").is_ok());
    bench.clock.pass(86_400);
    bench.second_after(1);
    assert_eq!(bench.login("early", "secret"), Err(Refusal::Expired(stamp(START + 90_000))));
    assert!(bench.kernel.rules().passes.is_empty());
}

#[test]
fn one_device_too_many_is_refused_where_that_is_wanted() {
    let mut bench = devices(2, OnDeviceLimit::Refuse);
    bench.create("a").unwrap();
    for device in 1..=2 {
        bench.login_from(device, "a", "secret").unwrap().unwrap();
    }
    assert_eq!(bench.login_from(3, "a", "secret").unwrap(), Err(PROBED));
    // Who is in may ask again.
    assert!(bench.login_from(2, "a", "secret").unwrap().is_ok());
    assert_eq!(bench.online(), [1, 2]);
    assert_eq!(bench.kernel.pass(3), None);
    assert!(bench.logout(1));
    assert!(bench.login_from(3, "a", "secret").unwrap().is_ok());
}

#[test]
fn the_oldest_yields_and_does_not_come_back_by_itself_before_there_is_room() {
    let mut bench = devices(2, OnDeviceLimit::Replace);
    bench.create("a").unwrap();
    for device in [7, 2, 5] {
        bench.see(device);
        bench.login_from(device, "a", "secret").unwrap().unwrap();
    }
    assert_eq!(bench.online(), [2, 5]);
    assert_eq!(bench.kernel.pass(7), None);
    assert_eq!(bench.ends(), ends([(7, "Port-Preempted"), (2, ""), (5, "")]));
    bench.second_after(30);
    bench.see(7);
    assert_eq!(bench.visit(7), None);
    assert_eq!(bench.online(), [2, 5]);
    // By its own wish it may, and the one who has been here longest yields in turn.
    bench.login_from(7, "a", "secret").unwrap().unwrap();
    assert_eq!(bench.online(), [5, 7]);
    bench.logout(5);
    bench.second_after(30);
    bench.see(2);
    assert_eq!(bench.online(), [2, 7]);
}

#[test]
fn two_devices_at_the_same_moment_get_one_place() {
    for (limit, told) in
        [(OnDeviceLimit::Refuse, Ok(Err(PROBED))), (OnDeviceLimit::Replace, Err(Fault::Preempted))]
    {
        let mut bench = devices(1, limit);
        bench.create("a").unwrap();
        let mut answers = Vec::new();
        let commands = [1, 2].map(|device| {
            let (reply, answer) = oneshot::channel();
            answers.push(answer);
            let credential = Credential::Code(Secret::new("a secret"));
            Command::Write(Write::SignIn { caller: caller(device), credential, reply })
        });
        bench.hotspot.turn(commands.into());
        let answers: Vec<_> = answers.iter_mut().map(|it| it.try_recv().unwrap()).collect();
        assert_eq!(answers.iter().filter(|it| matches!(it, Ok(Ok(_)))).count(), 1, "{limit:?}");
        assert!(answers.contains(&told), "{answers:?}");
        assert_eq!(bench.online().len(), 1);
        assert_eq!(bench.kernel.rules().passes.len(), 1);
    }
}

#[test]
fn who_signs_out_is_out_and_asked_again() {
    let mut bench = Bench::new();
    let voucher = bench.limited("a", 5, 0);
    bench.see(1);
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.kernel.traffic(1, 5000, 50);
    assert!(bench.logout(1));
    assert_eq!(bench.kernel.pass(1), None);
    assert!(!bench.logout(1));
    bench.second_after(60);
    bench.see(1);
    assert_eq!(bench.visit(1), None);
    assert!(bench.online().is_empty());
    let record = bench.records().remove(0);
    assert_eq!((record.cause.as_str(), record.voucher), ("User-Request", voucher));
    // Up to the last octet, also since the last look.
    assert_eq!(record.usage, Usage { download: 5000, upload: 50 });
    assert_eq!(bench.used(voucher), record.usage);
}

#[test]
fn the_operator_closes_by_device_and_by_voucher() {
    let mut bench = devices(3, OnDeviceLimit::Replace);
    bench.create("a").unwrap();
    bench.create("b").unwrap();
    for (device, name) in [(1, "a"), (2, "a"), (3, "b")] {
        bench.see(device);
        bench.login_from(device, name, "secret").unwrap().unwrap();
    }
    bench.kernel.traffic(1, 700, 7);
    let close = |bench: &mut Bench, whose| {
        bench.write(|reply| Write::CloseSessions { whose, reply }).unwrap()
    };
    assert_eq!(close(&mut bench, Whose::Station(mac(9))).here, 0);
    assert_eq!(close(&mut bench, Whose::Station(mac(3))).here, 1);
    assert_eq!(bench.online(), [1, 2]);
    let name = Username::parse("A").unwrap().unwrap();
    assert_eq!(close(&mut bench, Whose::Username(name)).here, 2);
    assert!(bench.kernel.rules().passes.is_empty());
    for device in 1..=3 {
        bench.clock.pass(60);
        bench.see(device);
        assert_eq!(bench.visit(device), None, "{device} came back by itself");
    }
    let records = bench.records();
    assert!(records.iter().all(|record| record.cause == "Admin-Reset"), "{records:?}");
    assert_eq!(records[0].usage, Usage { download: 700, upload: 7 });
}

#[test]
fn a_voucher_that_is_removed_lets_nobody_through() {
    let mut bench = devices(2, OnDeviceLimit::Replace);
    bench.create("a").unwrap();
    bench.create("b").unwrap();
    for (device, name) in [(1, "a"), (2, "a"), (3, "b")] {
        bench.login_from(device, name, "secret").unwrap().unwrap();
    }
    bench.kernel.traffic(1, 300, 3);
    assert!(bench.remove("A"));
    assert_eq!(bench.online(), [3]);
    assert_eq!((bench.kernel.pass(1), bench.kernel.pass(2)), (None, None));
    assert!(bench.kernel.pass(3).is_some());
    assert_eq!(bench.visit(1), None);
    assert_eq!(bench.login_from(1, "a", "secret").unwrap(), Err(Refusal::UnknownUsername));
    assert_eq!(bench.ends(), ends([(1, "Admin-Reset"), (2, "Admin-Reset"), (3, "")]));
    assert_eq!(bench.records()[0].usage, Usage { download: 300, upload: 3 });
    // The name is free; whoever gets it now is somebody else.
    bench.create("a").unwrap();
    bench.clock.pass(60);
    bench.see(1);
    assert_eq!(bench.online(), [3]);
}

#[test]
fn a_store_that_takes_nothing_lets_nobody_in_and_sends_nobody_away() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.create("b").unwrap();
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.hotspot.store.refuse_writes(true);
    let answer = bench.login_from(2, "b", "secret");
    assert!(matches!(answer, Err(Fault::Store(_))), "{answer:?}");
    assert_eq!(bench.kernel.pass(2), None);
    assert!(bench.login_from(1, "a", "secret").unwrap().is_ok());
    bench.kernel.traffic(1, 5000, 50);
    bench.seconds(70);
    bench.minutes(3);
    assert_eq!(bench.online(), [1]);
    assert!(bench.read(Read::Status).trouble.is_some());
    // Nobody is kept online against their will.
    assert!(bench.logout(1));
    assert_eq!(bench.kernel.pass(1), None);
    bench.hotspot.store.refuse_writes(false);
    assert_eq!(bench.ends(), ends([(1, "User-Request")]));
    assert_eq!(bench.records()[0].usage, Usage { download: 5000, upload: 50 });
    assert!(bench.login_from(2, "b", "secret").unwrap().is_ok());
}

#[test]
fn who_signs_out_after_the_session_has_ended_is_asked_again_as_well() {
    let mut bench = Bench::plan(Plan { idle_timeout: 60, ..Preset::default().plan });
    bench.create("a").unwrap();
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.seconds(75);
    assert_eq!(bench.kernel.pass(1), None);
    let out = bench.write(|reply| Write::SignOut { caller: caller(1), reply }).unwrap().unwrap();
    assert!(!out);
    bench.seconds(11);
    let online = bench.write(|reply| Write::Visit { caller: caller(1), reply }).unwrap();
    assert_eq!(online, None);
}

#[test]
fn a_device_that_has_left_yields_and_one_that_is_there_does_not() {
    let mut bench = devices(1, OnDeviceLimit::Refuse);
    bench.create("a").unwrap();
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    let leaves = |bench: &mut Bench| {
        let address = caller(1).address;
        let gone = neighbour("guest", address, mac(1));
        bench.sight(vec![Sighting::Seen(Neighbour { mac: None, reach: Reach::Gone, ..gone })]);
    };
    // It answers.
    assert_eq!(bench.login_from(2, "a", "secret").unwrap(), Err(PROBED));
    bench.second_after(4);
    assert_eq!(bench.login_from(2, "a", "secret").unwrap(), Err(Refusal::TooManyDevices));
    // It does not, and has sent something all the same.
    bench.second_after(10);
    assert_eq!(bench.login_from(2, "a", "secret").unwrap(), Err(PROBED));
    leaves(&mut bench);
    bench.kernel.traffic(1, 0, 100);
    bench.second_after(4);
    assert_eq!(bench.login_from(2, "a", "secret").unwrap(), Err(Refusal::TooManyDevices));
    bench.second_after(10);
    assert_eq!(bench.login_from(2, "a", "secret").unwrap(), Err(PROBED));
    // Not before the kernel has asked three times.
    bench.second_after(3);
    assert_eq!(bench.login_from(2, "a", "secret").unwrap(), Err(PROBED));
    // What still comes for it does not make it stay.
    bench.kernel.traffic(1, 100, 0);
    bench.second_after(1);
    assert!(bench.login_from(2, "a", "secret").unwrap().is_ok());
    assert_eq!(bench.ends(), ends([(1, "Port-Preempted"), (2, "")]));
}
