//! What access points are told while sessions run: that they end, and that their terms change.

use crate::radius_server::reload;
use crate::support::radius::*;
use crate::support::until;

const HERE: [u8; 4] = [127, 0, 0, 1];

#[test]
fn a_session_is_ended_where_it_is_and_the_answer_counts() {
    let orders = AccessPoint::at(HERE);
    let port = orders.socket.local_addr().unwrap().port();
    let coa = format!("option coa_port {port}");
    let radius = Radius::with("127.0.0.1", &client("lobby", "127.0.0.1", &coa));
    radius.daemon.cli_ok(&["voucher", "create", "--username", "room12", "--passcode", "pass-12"]);
    let nas = AccessPoint::at(HERE);
    let request = Packet::access(1, "room12", "pass-12").bytes();
    assert_eq!(nas.ask(&request, radius.auth)[0], ACCESS_ACCEPT);
    nas.ask(&Packet::start(2, "s1").bytes(), radius.acct);
    radius.daemon.cli_ok(&["session", "close", "room12"]);
    let (order, from) = orders.receive();
    assert_eq!((order[0], from.ip()), (DISCONNECT_REQUEST, radius.auth.ip()));
    assert!(order.windows(4).any(|it| it == [ACCT_SESSION_ID, 4, b's', b'1']), "{order:?}");
    // An answer with another authenticator does not count; the order comes again as it was.
    orders.send(&reply(DISCONNECT_ACK, &[0; 20]), from);
    let (again, from) = orders.receive();
    assert_eq!(order, again);
    orders.send(&reply(DISCONNECT_ACK, &order), from);
    assert!(until(|| radius.standing("lobby")["disconnected"] == 1));
    let shown = radius.daemon.cli_ok(&["client", "show", "lobby"]);
    assert!(shown.contains("sessions ended      1\n"), "{shown}");
}

#[test]
fn new_rates_are_told_to_sessions_that_run() {
    let orders = AccessPoint::at(HERE);
    let port = orders.socket.local_addr().unwrap().port();
    let options = format!("option coa_port {port}\noption vendor coovachilli");
    let plan = "config voucher\noption download_rate 1024\n";
    let radius =
        Radius::with("127.0.0.1", &(plan.to_owned() + &client("lobby", "127.0.0.1", &options)));
    radius.daemon.cli_ok(&["voucher", "create", "--username", "room12", "--passcode", "pass-12"]);
    let nas = AccessPoint::at(HERE);
    let request = Packet::access(1, "room12", "pass-12").bytes();
    assert_eq!(nas.ask(&request, radius.auth)[0], ACCESS_ACCEPT);
    nas.ask(&Packet::start(2, "s1").bytes(), radius.acct);
    let faster = |from: u32, to: u32| {
        let rate = |rate| format!("option download_rate {rate}\n");
        radius.daemon.edit_config(&rate(from), &rate(to));
        reload(&radius);
    };
    // ChilliSpot-Bandwidth-Max-Down (14559, attribute 5) in kbit/s.
    let max_down = |rate: u32| {
        let [a, b, c, d] = rate.to_be_bytes();
        [26, 12, 0, 0, 0x38, 0xdf, 5, 6, a, b, c, d]
    };
    faster(1024, 2048);
    let (order, from) = orders.receive();
    assert_eq!((order[0], from.ip()), (COA_REQUEST, radius.auth.ip()));
    assert!(order.windows(4).any(|it| it == [ACCT_SESSION_ID, 4, b's', b'1']), "{order:?}");
    assert!(order.ends_with(&max_down(2048)), "{order:?}");
    orders.send(&reply(COA_ACK, &order), from);
    assert!(until(|| radius.standing("lobby")["changed"] == 1));
    faster(2048, 4096);
    let (order, from) = orders.receive();
    assert!(order.ends_with(&max_down(4096)), "{order:?}");
    orders.send(&reply(COA_NAK, &order), from);
    assert!(until(|| radius.standing("lobby")["unchanged"] == 1));
    radius.daemon.wait_for_log("room12 at lobby cannot be changed while it runs: it refuses");
    // Once is enough; to be ended is another thing, and nothing is wrong.
    faster(4096, 8192);
    radius.daemon.cli_ok(&["session", "close", "room12"]);
    let (order, from) = orders.receive();
    assert_eq!(order[0], DISCONNECT_REQUEST);
    orders.send(&reply(DISCONNECT_ACK, &order), from);
    assert!(until(|| radius.standing("lobby")["disconnected"] == 1));
    assert!(radius.standing("lobby")["trouble"].is_null());
    let shown = radius.daemon.cli_ok(&["client", "show", "lobby"]);
    assert!(shown.contains("changes made        1\nchanges not made    1\n"), "{shown}");
}
