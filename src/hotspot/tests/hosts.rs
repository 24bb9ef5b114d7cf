//! Who is on the guest networks, and the lists that show it.

use std::net::IpAddr;

use super::*;
use crate::domain::guest::Host;

fn v4(last: u8) -> IpAddr {
    [192, 168, 0, last].into()
}

fn v6(last: u16) -> IpAddr {
    [0x2001, 0xdb8, 0, 0, 0, 0, 0, last].into()
}

fn seen(network: &str, address: IpAddr, number: u8) -> Sighting {
    Sighting::Seen(neighbour(network, address, mac(number)))
}

fn hosts(bench: &mut Bench) -> Vec<Host> {
    bench.read(Read::Hosts)
}

fn addresses(bench: &mut Bench) -> Vec<(u8, Option<IpAddr>)> {
    hosts(bench).iter().map(|host| (host.mac.octets()[5], host.address)).collect()
}

#[test]
fn a_device_is_shown_once_with_its_ipv4_address() {
    let mut bench = Bench::new();
    bench.sight((1..=30).map(|last| seen("guest", v6(last), 1)).collect());
    assert_eq!(addresses(&mut bench), [(1, Some(v6(30)))]);
    bench.sight(vec![seen("guest", v4(1), 1), seen("guest", v6(31), 1)]);
    assert_eq!(addresses(&mut bench), [(1, Some(v4(1)))]);
    bench.sight(vec![Sighting::Forgotten { network: "guest".into(), address: v4(1) }]);
    assert_eq!(addresses(&mut bench), [(1, Some(v6(31)))]);
    // It had more IPv6 addresses than are kept; the old ones do not keep it here.
    for last in 1..=31 {
        bench.sight(vec![Sighting::Forgotten { network: "guest".into(), address: v6(last) }]);
    }
    assert!(hosts(&mut bench).is_empty());
}

#[test]
fn an_address_that_does_not_answer_is_gone() {
    let mut bench = Bench::new();
    bench.sight(vec![seen("guest", v4(1), 1), seen("guest", v4(2), 2)]);
    let gone = Neighbour { mac: None, reach: Reach::Gone, ..neighbour("guest", v4(1), mac(1)) };
    bench.sight(vec![Sighting::Seen(gone)]);
    assert_eq!(addresses(&mut bench), [(2, Some(v4(2)))]);
}

#[test]
fn an_address_taken_over_belongs_to_the_new_device_alone() {
    let mut bench = Bench::new();
    bench.sight(vec![seen("guest", v4(1), 1), seen("guest", v6(1), 1), seen("guest", v4(2), 2)]);
    bench.sight(vec![seen("guest", v4(1), 3), seen("guest", v4(2), 3)]);
    assert_eq!(addresses(&mut bench), [(1, Some(v6(1))), (3, Some(v4(2)))]);
    // The same address on another network is another one.
    bench.sight(vec![seen("open", v4(2), 4)]);
    assert_eq!(addresses(&mut bench).len(), 3);
}

#[test]
fn what_the_kernel_lists_is_all_there_is() {
    let mut bench = Bench::new();
    bench.sight(vec![seen("guest", v4(1), 1), seen("guest", v6(1), 1), seen("open", v4(2), 2)]);
    bench.clock.pass(60);
    let all = vec![neighbour("guest", v4(1), mac(1)), neighbour("guest", v4(3), mac(3))];
    bench.sight(vec![Sighting::Everything(all)]);
    assert_eq!(addresses(&mut bench), [(1, Some(v4(1))), (3, Some(v4(3)))]);
    assert_eq!(hosts(&mut bench)[0].uptime, Duration::from_secs(60));
    bench.sight(vec![Sighting::Everything(Vec::new())]);
    assert!(hosts(&mut bench).is_empty());
}

#[test]
fn a_device_that_moves_leaves_its_addresses_behind() {
    let mut bench = Bench::new();
    bench.sight(vec![seen("guest", v4(1), 1), seen("open", v6(9), 1)]);
    let host = hosts(&mut bench).remove(0);
    assert_eq!((host.server.as_str(), host.address), ("open", Some(v6(9))));
    bench.sight(vec![Sighting::Forgotten { network: "guest".into(), address: v4(1) }]);
    bench.sight(vec![Sighting::Forgotten { network: "open".into(), address: v6(9) }]);
    assert!(hosts(&mut bench).is_empty());
}

#[test]
fn an_old_entry_of_another_network_moves_nobody() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.see(1);
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    let stale = Neighbour { reach: Reach::Quiet, ..neighbour("open", v4(200), mac(1)) };
    bench.sight(vec![Sighting::Seen(stale.clone())]);
    let present = neighbour("guest", v4(1), mac(1));
    bench.sight(vec![Sighting::Everything(vec![present, stale])]);
    let session = bench.sessions().remove(0);
    assert_eq!((session.network.as_str(), session.address), ("guest", Some(v4(1))));
    assert!(bench.kernel.pass(1).is_some());
}

#[test]
fn nobody_takes_a_session_to_another_network_while_its_device_sends() {
    let mut bench = Bench::new();
    bench.limited("a", 5, 0);
    bench.see(1);
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    for _ in 0..5 {
        bench.kernel.traffic(1, 1000, 10);
        bench.second_after(20);
        bench.sight(vec![seen("open", v4(1), 1)]);
        bench.sight(vec![Sighting::Everything(vec![neighbour("open", v4(1), mac(1))])]);
        assert_eq!(bench.sessions()[0].network, "guest");
        assert!(bench.kernel.pass(1).is_some());
    }
    // A connection to the portal there shows that it has moved.
    let caller = Caller { network: "open".into(), address: v4(1), device: Some(mac(1)) };
    bench.write(|reply| Write::Visit { caller, reply }).unwrap().unwrap();
    assert_eq!(bench.sessions()[0].network, "open");
    assert_eq!(bench.kernel.pass(1), None);
}

#[test]
fn a_guest_who_moves_is_enforced_where_that_is_wanted_and_nowhere_else() {
    let mut bench = Bench::new();
    bench.limited("a", 5, 0);
    bench.see(1);
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.kernel.traffic(1, 1000, 10);
    bench.second_after(10);
    bench.second_after(30);
    bench.sight(vec![seen("open", v4(1), 1)]);
    assert_eq!(bench.sessions()[0].network, "open");
    assert_eq!(bench.kernel.pass(1), None);
    assert_eq!(bench.sessions()[0].usage, Usage { download: 1000, upload: 10 });
    bench.sight(vec![seen("guest", v4(1), 1)]);
    let pass = bench.kernel.pass(1).unwrap();
    assert_eq!((pass.download.used, pass.download.limit), (1000, Some(5 << 20)));
    // Signing out elsewhere leaves nothing open here.
    bench.sight(vec![seen("open", v4(1), 1)]);
    let caller = Caller { network: "open".into(), address: v4(1), device: Some(mac(1)) };
    assert!(bench.write(|reply| Write::SignOut { caller, reply }).unwrap().unwrap());
    assert_eq!(bench.kernel.pass(1), None);
}

#[test]
fn a_guest_on_a_network_without_counters_is_not_idle_while_it_is_there() {
    let mut bench = Bench::plan(Plan { idle_timeout: 100, ..plan() });
    bench.create("a").unwrap();
    let caller = Caller { network: "open".into(), address: v4(1), device: Some(mac(1)) };
    let credential = Credential::Code(Secret::new("a-secret"));
    bench.write(|reply| Write::SignIn { caller, credential, reply }).unwrap().unwrap();
    for _ in 0..5 {
        bench.sight(vec![seen("open", v4(1), 1)]);
        bench.second_after(90);
    }
    assert_eq!(bench.online(), [1]);
    bench.second_after(20);
    assert!(bench.online().is_empty());
}

#[test]
fn a_remembered_device_is_let_in_as_it_arrives() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    // Without power for a while, so that nobody is online: 1 comes by itself, 2 by the portal.
    let close = |bench: &mut Bench| {
        bench.clock.pass(20);
        bench.hotspot.close_session(mac(1), crate::domain::session::TerminateCause::IdleTimeout, {
            bench.hotspot.trusted_clock.now
        });
        bench.second_after(0);
        assert!(bench.online().is_empty());
    };
    close(&mut bench);
    bench.see(1);
    assert_eq!(bench.online(), [1]);
    assert!(bench.kernel.pass(1).is_some());
    close(&mut bench);
    assert_eq!(bench.visit(1).unwrap().login, "a");
    assert!(bench.kernel.pass(1).is_some());
    let logins = bench.logins();
    assert_eq!(logins.len(), 3);
    assert!(logins.iter().all(|row| row.value.refusal.is_none()));
    // A stranger's arrival is nothing to write down.
    bench.see(2);
    assert_eq!(bench.visit(2), None);
    assert_eq!(bench.logins().len(), 3);
    assert_eq!(bench.kernel.pass(2), None);
}

#[test]
fn an_arrival_is_tried_every_ten_seconds_at_most() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.see(1);
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    bench.clock.pass(100);
    bench.kernel.rules().broken = true;
    bench.logout(1);
    bench.login_from(1, "a", "secret").unwrap_err();
    let tries = bench.logins().len();
    bench.clock.pass(9);
    bench.see(1);
    assert_eq!(bench.logins().len(), tries);
    for _ in 0..10 {
        bench.clock.pass(1);
        bench.see(1);
    }
    assert_eq!(bench.logins().len(), tries + 1);
    bench.kernel.rules().broken = false;
    bench.clock.pass(10);
    bench.see(1);
    assert_eq!(bench.online(), [1]);
}

#[test]
fn lists_show_who_is_there_and_who_is_signed_in() {
    let mut bench = Bench::new();
    let leases = bench.scratch.path().join("leases");
    std::fs::write(&leases, format!("1 {} 192.168.0.1 phone *\n", mac(1))).unwrap();
    let mut settings = bench.hotspot.settings.clone();
    settings.networks[0].leases = leases;
    bench.hotspot.turn(vec![Command::Upkeep(Upkeep::Configure(settings, oneshot::channel().0))]);
    bench.create("a").unwrap();
    bench.see(1);
    bench.see(2);
    bench.clock.pass(5);
    bench.login_from(1, "A", "secret").unwrap().unwrap();
    bench.kernel.traffic(1, 500, 50);
    bench.clock.pass(20);
    let hosts = hosts(&mut bench);
    let (guest, stranger) = (&hosts[0], &hosts[1]);
    assert_eq!((guest.authorized, guest.download, guest.upload), (true, 500, 50));
    assert_eq!((guest.host_name.as_deref(), guest.server.as_str()), (Some("phone"), "guest"));
    assert_eq!((guest.uptime, guest.idle), (Duration::from_secs(25), Duration::ZERO));
    assert_eq!((stranger.authorized, stranger.download, stranger.upload), (false, 0, 0));
    assert_eq!((stranger.host_name.as_deref(), stranger.idle), (None, Duration::from_secs(25)));
    let guests = bench.read(Read::ActiveGuests);
    assert_eq!(guests.len(), 1);
    assert_eq!((guests[0].login.as_str(), guests[0].mac), ("a", Some(mac(1))));
    assert_eq!((guests[0].address, guests[0].uptime), (Some(v4(1)), Duration::from_secs(20)));
    let session = bench.sessions().remove(0);
    assert_eq!((session.host_name.as_deref(), session.network.as_str()), (Some("phone"), "guest"));
    assert_eq!(session.started_at, stamp(START + 5));
    assert_eq!(bench.read(Read::Status).sessions, 1);
    // A guest whose address has changed is shown with the new one.
    bench.sight(vec![seen("guest", v4(77), 1)]);
    assert_eq!(bench.read(Read::ActiveGuests)[0].address, Some(v4(77)));
}

#[test]
fn a_hundred_thousand_invented_devices_neither_fill_memory_nor_push_guests_out() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.see(1);
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    for batch in 0..200_u32 {
        bench.clock.pass(1);
        let invented = (0..500_u32).map(|number| {
            let number = batch * 500 + number;
            let [_, a, b, c] = number.to_be_bytes();
            let address: IpAddr = [10, a, b, c].into();
            Sighting::Seen(neighbour("guest", address, Mac::new([2, 0, 0, a, b, c])))
        });
        bench.sight(invented.collect());
    }
    let hosts = hosts(&mut bench);
    assert!(hosts.len() <= 4096, "{}", hosts.len());
    assert!(hosts.iter().any(|host| host.mac == mac(1)));
    assert_eq!(bench.online(), [1]);
    assert_eq!(bench.logins().len(), 1);
}
