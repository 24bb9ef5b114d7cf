//! A guest's way through an access point that behaves as CoovaChilli does: counted in both
//! directions, limited, changed by a reload, joined by a second device, ended.

use nix::sys::signal::Signal;
use serde_json::Value;

use super::chilli::{COA_REQUEST, Chilli, DISCONNECT_REQUEST, Params};
use super::ours::Ours;
use super::peers::{Ports, SECRET, free_ports};
use super::support::{Daemon, OPEN_API, until};

const PLAN: &str = "config voucher 'voucher'\noption download_rate '8000'\n\
                    option upload_rate '2000'\noption idle_timeout '900'\n";
const MB: u64 = 1024 * 1024;

/// A daemon that hears at two addresses of loopback, and what its sections say.
struct Bench {
    ours: Ours,
    sections: String,
}

fn sections(chilli: &Chilli, client: &str, ports: Ports) -> String {
    format!(
        "config radius 'radius'\noption enabled '1'\nlist listen '0.0.0.0'\n\
         option auth_port '{}'\noption acct_port '{}'\noption interim_interval '60'\n\
         config client 'lobby'\noption address '127.0.0.0/8'\noption secret '{SECRET}'\n\
         option coa_port '{}'\n{client}\n",
        ports.auth.port(),
        ports.acct.port(),
        chilli.coa_port
    )
}

impl Bench {
    fn new(chilli: &Chilli, client: &str) -> Self {
        let ports = free_ports();
        let sections = sections(chilli, client, ports);
        let daemon = Daemon::with(OPEN_API, &format!("{sections}{PLAN}"));
        // Not the address that routing chooses for what goes to loopback.
        chilli.asks("127.0.0.77", ports);
        Self { ours: Ours { daemon, ports }, sections }
    }

    fn reload(&self, plan: &str) {
        self.ours.daemon.configure(OPEN_API, &format!("{}{plan}", self.sections));
        self.ours.daemon.signal(Signal::SIGHUP);
    }

    fn restart(&mut self) {
        self.ours.daemon.stop();
        self.ours.daemon.launch();
    }

    #[track_caller]
    fn session(&self, device: u8) -> Value {
        let mac = format!("02:00:00:00:00:{device:02x}");
        let sessions = self.ours.sessions();
        let found = sessions.iter().find(|it| it["MAC"] == mac.as_str());
        found.unwrap_or_else(|| panic!("{mac} is not in {sessions:?}")).clone()
    }
}

#[track_caller]
fn wait_for_orders(chilli: &Chilli, code: u8, count: usize) {
    let of_code = || chilli.orders().iter().filter(|it| it.code == code && it.obeyed).count();
    assert!(until(|| of_code() >= count), "{count} of {code}: {:?}", chilli.orders());
}

/// What the voucher of [`limited`] comes to, but for the seconds, in this direction.
fn full(chilli: &Chilli) -> Params {
    let (max_input, max_output) =
        if chilli.swap { (3 * MB, 5000 * MB) } else { (5000 * MB, 3 * MB) };
    Params {
        session_timeout: 86_400,
        idle_timeout: 900,
        interim_interval: 60,
        max_input,
        max_output,
        up: 2_000_000,
        down: 8_000_000,
        ..Params::default()
    }
}

const LIMITED: [(&str, &str); 3] =
    [("valid_for", "1 day"), ("download_limit", "5000"), ("upload_limit", "3")];

/// A second that has begun is the guest's.
#[track_caller]
fn same(params: Option<Params>, expected: &Params) {
    let mut params = params.expect("the device is off");
    if params.session_timeout.abs_diff(expected.session_timeout) <= 30 {
        params.session_timeout = expected.session_timeout;
    }
    assert_eq!(params, *expected);
}

/// Both ways of counting.
fn both_ways(vendor: &str, case: impl Fn(&Chilli, &mut Bench)) {
    for swap in [false, true] {
        let chilli = Chilli::at("127.0.0.33", swap, SECRET);
        let mut bench = Bench::new(&chilli, &format!("option vendor '{vendor}'"));
        chilli.accounting_on();
        case(&chilli, &mut bench);
    }
}

#[test]
fn traffic_is_counted_the_way_it_went() {
    both_ways("coovachilli", |chilli, bench| {
        bench.ours.voucher("anna", "pear", &LIMITED);
        same(Some(chilli.sign_in("anna", "pear", 1).unwrap()), &full(chilli));
        chilli.traffic(1, 1_000_000, 300_000);
        chilli.interim(1, 60);
        let session = bench.session(1);
        assert_eq!(
            (&session["download"], &session["upload"]),
            (&1_000_000.into(), &300_000.into())
        );
        // Gigawords that come at once may be a slip of the counter: the next report says.
        chilli.traffic(1, 4096 * MB, 0);
        chilli.interim(1, 60);
        chilli.traffic(1, 10 * MB, 0);
        chilli.interim(1, 60);
        let session = bench.session(1);
        assert_eq!(session["download"], 1_000_000 + 4106 * MB, "{session}");
        assert_eq!(session["upload_left"], 3 * MB - 300_000, "{session}");
        chilli.stop(1, 1);
        bench.ours.wait_for_log(&format!("{} octets down, 300000 up", 1_000_000 + 4106 * MB));
    });
}

#[test]
fn a_limit_of_one_direction_ends_that_direction() {
    both_ways("coovachilli", |chilli, bench| {
        bench.ours.voucher("down", "pear", &[("download_limit", "3")]);
        bench.ours.voucher("up", "pear", &[("upload_limit", "3")]);
        chilli.sign_in("down", "pear", 1).unwrap();
        chilli.sign_in("up", "pear", 2).unwrap();
        chilli.traffic(1, 0, 6 * MB);
        chilli.traffic(2, 6 * MB, 0);
        assert!(chilli.params(1).is_some() && chilli.params(2).is_some(), "cut off the wrong way");
        chilli.traffic(1, 4 * MB, 0);
        chilli.traffic(2, 0, 4 * MB);
        assert_eq!((chilli.params(1), chilli.params(2)), (None, None), "not cut off");
        for name in ["down", "up"] {
            let refused = chilli.sign_in(name, "pear", 3);
            assert!(refused.is_err(), "{name} is let in again: {refused:?}");
        }
    });
}

#[test]
fn a_change_names_everything_that_is_to_hold() {
    both_ways("coovachilli", |chilli, bench| {
        bench.ours.voucher("anna", "pear", &LIMITED);
        bench.ours.enter(
            "reply anna Filter-Id := guests
             reply anna WISPr-Session-Terminate-Time := 2030-01-01T00:00:00+00:00
             reply anna CoovaChilli-Max-Total-Octets := 4000000000",
        );
        let before = chilli.sign_in("anna", "pear", 1).unwrap();
        let expected = Params {
            filter_id: "guests".into(),
            terminate_time: "2030-01-01T00:00:00+00:00".into(),
            max_total: 4_000_000_000,
            ..full(chilli)
        };
        same(Some(before), &expected);
        chilli.traffic(1, MB, MB);
        chilli.interim(1, 60);
        bench.reload(&PLAN.replace("8000", "4000").replace("900", "600"));
        wait_for_orders(chilli, COA_REQUEST, 1);
        let expected = Params { down: 4_000_000, idle_timeout: 600, ..expected };
        same(chilli.params(1), &expected);
        let order = chilli.orders().pop().unwrap();
        assert_eq!(order.attributes.0.iter().filter(|it| it.0 == 1).count(), 1, "{order:?}");
        // A limit that is lifted is one; the others stay.
        bench.reload(&PLAN.replace("option download_rate '8000'\n", ""));
        wait_for_orders(chilli, COA_REQUEST, 2);
        same(chilli.params(1), &Params { down: 0, idle_timeout: 900, ..expected });
    });
}

/// Without an Accounting-On before the first sign-in, its default is assumed.
#[test]
fn limits_of_the_wrong_direction_are_put_right_with_the_first_report() {
    let chilli = Chilli::at("127.0.0.33", true, SECRET);
    let bench = Bench::new(&chilli, "option vendor 'coovachilli'");
    bench.ours.voucher("anna", "pear", &LIMITED);
    let (max_input, max_output) = (5000 * MB, 3 * MB);
    let assumed = Params { max_input, max_output, ..full(&chilli) };
    same(Some(chilli.sign_in("anna", "pear", 1).unwrap()), &assumed);
    wait_for_orders(&chilli, COA_REQUEST, 1);
    same(chilli.params(1), &full(&chilli));
    bench.ours.voucher("berta", "pear", &LIMITED);
    same(Some(chilli.sign_in("berta", "pear", 2).unwrap()), &full(&chilli));
    chilli.interim(1, 60);
    chilli.interim(2, 60);
    assert_eq!(chilli.orders().len(), 1, "{:?}", chilli.orders());
}

#[test]
fn a_second_device_takes_its_share_and_nothing_else() {
    both_ways("coovachilli", |chilli, bench| {
        bench.reload(&format!("{PLAN}option devices '2'\n"));
        bench.ours.wait_for_log("configuration read again");
        bench.ours.voucher("anna", "pear", &LIMITED);
        chilli.sign_in("anna", "pear", 1).unwrap();
        chilli.traffic(1, MB, MB);
        chilli.interim(1, 60);
        let second = chilli.sign_in("anna", "pear", 2).unwrap();
        wait_for_orders(chilli, COA_REQUEST, 1);
        let split = |up, down| {
            let (max_input, max_output) = if chilli.swap { (up, down) } else { (down, up) };
            Params { max_input, max_output, ..full(chilli) }
        };
        same(Some(second), &split(MB, 4999 * MB / 2));
        same(chilli.params(1), &split(2 * MB, MB + 4999 * MB / 2));
        bench.ours.cli_ok(&["session", "close", "anna"]);
        wait_for_orders(chilli, DISCONNECT_REQUEST, 2);
        bench.ours.wait_for_sessions("both are off", |sessions| sessions.is_empty());
    });
}

#[test]
fn vendor_wispr_names_everything_as_well() {
    both_ways("wispr", |chilli, bench| {
        bench.ours.voucher("anna", "pear", &LIMITED);
        let before = chilli.sign_in("anna", "pear", 1).unwrap();
        assert!(!before.terminate_time.is_empty(), "{before:?}");
        bench.reload(&PLAN.replace("8000", "4000"));
        wait_for_orders(chilli, COA_REQUEST, 1);
        same(chilli.params(1), &Params { down: 4_000_000, ..before });
    });
}

#[test]
fn a_restart_forgets_neither_limits_nor_directions_nor_addresses() {
    both_ways("coovachilli", |chilli, bench| {
        bench.ours.voucher("anna", "pear", &LIMITED);
        bench.ours.voucher("berta", "pear", &LIMITED);
        chilli.sign_in("anna", "pear", 1).unwrap();
        chilli.traffic(1, 2 * MB, MB);
        chilli.interim(1, 5);
        bench.restart();
        same(Some(chilli.sign_in("berta", "pear", 2).unwrap()), &full(chilli));
        bench.reload(&PLAN.replace("8000", "4000"));
        wait_for_orders(chilli, COA_REQUEST, 2);
        same(chilli.params(1), &Params { down: 4_000_000, ..full(chilli) });
        chilli.traffic(1, MB, 0);
        chilli.interim(1, 5);
        assert_eq!(bench.session(1)["download"], 3 * MB);
        bench.restart();
        bench.ours.cli_ok(&["session", "close", "anna"]);
        wait_for_orders(chilli, DISCONNECT_REQUEST, 1);
        assert!(chilli.orders().iter().all(|it| it.obeyed), "{:?}", chilli.orders());
    });
}

/// An earlier version took every access point's input for the upload.
#[test]
fn what_an_earlier_version_counted_the_wrong_way_is_not_counted_again() {
    let chilli = Chilli::at("127.0.0.33", false, SECRET);
    let mut bench = Bench::new(&chilli, "option vendor 'coovachilli'");
    bench.ours.voucher("anna", "pear", &LIMITED);
    chilli.sign_in("anna", "pear", 1).unwrap();
    chilli.traffic(1, 1_000_000, 300_000);
    chilli.interim(1, 5);
    bench.ours.daemon.stop();
    let store = rusqlite::Connection::open(bench.ours.daemon.database()).unwrap();
    let swap = "UPDATE session SET download = upload, upload = download;
                UPDATE nas_session SET view_point = 1; DELETE FROM nas_peer";
    store.execute_batch(swap).unwrap();
    drop(store);
    bench.ours.daemon.launch();
    let octets = |session: Value| (session["download"].as_u64(), session["upload"].as_u64());
    assert_eq!(octets(bench.session(1)), (Some(300_000), Some(1_000_000)));
    chilli.traffic(1, 50_000, 7_000);
    chilli.interim(1, 5);
    assert_eq!(octets(bench.session(1)), (Some(350_000), Some(1_007_000)));
    chilli.traffic(1, 1, 1);
    chilli.stop(1, 1);
    bench.ours.wait_for_log("350001 octets down, 1007001 up");
}

#[test]
fn the_time_that_a_row_gives_is_what_is_left() {
    both_ways("coovachilli", |chilli, bench| {
        bench.ours.cli_ok(&["user", "check", "jo", "Cleartext-Password := pear"]);
        bench.ours.enter("reply jo Session-Timeout := 500");
        let params = chilli.sign_in("jo", "pear", 1).unwrap();
        assert_eq!(params.session_timeout, 500);
        let session = bench.session(1);
        let left = session["time_left"].as_u64();
        assert!(left.is_some_and(|left| (470..=500).contains(&left)), "{session}");
    });
}

#[test]
fn check_and_show_tell_what_is_known_of_an_access_point() {
    let chilli = Chilli::at("127.0.0.33", true, SECRET);
    let bench = Bench::new(&chilli, "option vendor 'coovachilli'");
    let shown = || bench.ours.cli_ok(&["client", "show", "lobby"]);
    assert!(
        shown().contains("the guest's until it reports, as is CoovaChilli's default"),
        "{}",
        shown()
    );
    chilli.accounting_on();
    assert!(shown().contains("the access point's, as it says"), "{}", shown());
    let note = "note  radius         1 client has trouble: hotspotd client list";
    let check = || String::from_utf8(bench.ours.daemon.cli(&["check"]).stdout).unwrap();
    assert!(!check().contains("trouble"), "{}", check());
    let stranger = Chilli::at("127.0.0.34", false, "another secret than the right one");
    stranger.asks("127.0.0.77", bench.ours.ports);
    stranger.send_accounting_on();
    assert!(until(|| check().contains(note)), "{}", check());
}

#[test]
fn who_says_nothing_is_counted_as_its_section_says() {
    for (option, download) in [("", 300_000), ("option acct_view_point 'client'", 1_000_000)] {
        let mut chilli = Chilli::at("127.0.0.33", false, SECRET);
        chilli.tells_view_point = false;
        let bench = Bench::new(&chilli, &format!("option vendor 'none'\n{option}"));
        bench.ours.voucher("anna", "pear", &[]);
        chilli.sign_in("anna", "pear", 1).unwrap();
        chilli.traffic(1, 1_000_000, 300_000);
        chilli.interim(1, 60);
        assert_eq!(bench.session(1)["download"], download, "{option}");
    }
}

#[test]
fn refusals_and_lists_say_what_is_the_matter() {
    let chilli = Chilli::at("127.0.0.33", false, SECRET);
    let bench = Bench::new(&chilli, "option vendor 'coovachilli'");
    bench.ours.cli_ok(&["user", "check", "jo", "Cleartext-Password := pear"]);
    bench.ours.cli_ok(&["user", "check", "jo", "WISPr-Location-ID =~ ^lobby"]);
    let here = chilli.sign_in("jo", "pear", 1).unwrap_err();
    assert_eq!(here, "The user may not sign in here: WISPr-Location-ID.");
    // Whoever does not know the password learns nothing of that.
    assert_eq!(chilli.sign_in("jo", "plum", 1).unwrap_err(), "Wrong password.");
    bench.ours.cli_ok(&["user", "check", "kim", "Cleartext-Password := pear", "Max-Data := 1000"]);
    chilli.sign_in("kim", "pear", 2).unwrap();
    chilli.traffic(2, 2000, 0);
    assert_eq!(chilli.sign_in("kim", "pear", 2).unwrap_err(), "Your data limit has been reached");
    let logins = bench.ours.cli_ok(&["logins", "--format", "csv"]);
    assert!(logins.contains("10.1.0.1") && logins.contains("10.1.0.2"), "{logins}");
}
