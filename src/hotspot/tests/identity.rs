//! Which device asks: the one that opened the connection, where the neighbour table does not object.

use super::*;

/// A request of this device, over a connection that `opener` has opened.
fn asks(device: u8, opener: Option<u8>) -> Caller {
    Caller { device: opener.map(mac), ..caller(device) }
}

fn sign_in(bench: &mut Bench, caller: Caller) -> Result<Online, Refusal> {
    let credential = Credential::Code(Secret::new("a-secret"));
    bench.write(|reply| Write::SignIn { caller, credential, reply }).unwrap()
}

fn visit(bench: &mut Bench, caller: Caller) -> Option<Online> {
    bench.write(|reply| Write::Visit { caller, reply }).unwrap()
}

fn sign_out(bench: &mut Bench, caller: Caller) -> Result<bool, Refusal> {
    bench.write(|reply| Write::SignOut { caller, reply }).unwrap()
}

#[test]
fn nobody_acts_as_the_device_that_the_neighbour_table_names() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    bench.login_from(1, "a", "secret").unwrap().unwrap();
    // Device 2 has had the table say that its address is device 1's; or the kernel kept no SYN.
    for opener in [Some(2), None] {
        assert_eq!(visit(&mut bench, asks(1, opener)), None);
        assert_eq!(sign_out(&mut bench, asks(1, opener)), Err(Refusal::UnknownDevice));
        assert_eq!(sign_in(&mut bench, asks(1, opener)), Err(Refusal::UnknownDevice));
        assert_eq!(sign_in(&mut bench, asks(3, opener)), Err(Refusal::UnknownDevice));
    }
    assert_eq!(bench.online(), [1]);
    assert!(visit(&mut bench, asks(1, Some(1))).is_some());
    assert_eq!(sign_out(&mut bench, asks(1, Some(1))), Ok(true));
}

#[test]
fn wrong_codes_of_a_device_that_is_not_known_are_charged_to_nobody() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    for _ in 0..100 {
        let credential = Credential::Code(Secret::new("wrong"));
        let caller = asks(1, Some(2));
        let answer = bench.write(|reply| Write::SignIn { caller, credential, reply });
        assert_eq!(answer, Ok(Err(Refusal::UnknownDevice)));
    }
    assert!(bench.login_from(1, "a", "secret").unwrap().is_ok());
}

#[test]
fn an_address_that_has_dropped_out_of_the_table_is_the_openers() {
    let mut bench = Bench::new();
    bench.create("a").unwrap();
    let address = [10, 0, 0, 1].into();
    let caller = Caller { address, ..caller(5) };
    assert_eq!(sign_in(&mut bench, caller).unwrap().mac, mac(5));
}

#[test]
fn the_page_does_not_show_a_code_that_is_all_it_takes() {
    let mut bench = Bench::new();
    for (code, shown) in [("sunflower", "su…"), ("s1x", "s…"), ("ß9", "ß…"), ("x", "…")] {
        bench.issue(VoucherRequest {
            username: Username::parse(code).unwrap(),
            passcode: Passcode::parse(code).unwrap(),
            ..VoucherRequest::default()
        });
        assert_eq!(bench.enter(1, code).unwrap().login, shown);
        bench.clock.pass(20);
    }
    // Operators see all of it.
    assert_eq!(bench.sessions()[0].login, "x");
}
