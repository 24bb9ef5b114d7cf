//! Whole files: what they mean, and what is said about mistakes.

use proptest::prelude::*;

use super::*;
use crate::domain::plan::OnDeviceLimit;
use crate::domain::validity::{ValidFor, ValidityStarts};

const SHIPPED: &str = include_str!("../../openwrt/files/hotspotd.config");

fn read(text: &str) -> Config {
    Config::parse(text).unwrap_or_else(|problems| panic!("{text}\n{problems:?}"))
}

fn problems(text: &str) -> Vec<String> {
    let problems = Config::parse(text).expect_err(text);
    problems.iter().map(Problem::to_string).collect()
}

/// The one problem of a section of this type with these lines, without its line number.
fn problem(kind: &str, lines: &str) -> String {
    let text = format!("config {kind} 's'\n{lines}\n");
    match problems(&text).as_slice() {
        [only] => only.split_once(": ").unwrap().1.to_owned(),
        all => panic!("{text}\n{all:#?}"),
    }
}

fn sockets(texts: &[&str]) -> Vec<SocketAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn nets(texts: &[&str]) -> Vec<IpNet> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn an_empty_file_is_all_defaults() {
    let config = read("# nothing\n");
    assert_eq!(config, Config::default());
    assert_eq!(config.main.data_dir, Path::new("/etc/hotspotd"));
    assert_eq!(config.main.control_socket, Path::new("/var/run/hotspotd.sock"));
    assert_eq!((config.main.log_level, config.main.login_log_days), (LevelFilter::Info, 90));
    assert!(!config.api.enabled && !config.api.allow_get && !config.api.allow_post);
    assert_eq!(config.api.listen, sockets(&["127.0.0.1:8080"]));
    assert_eq!(config.api.allow_from, nets(&["127.0.0.0/8", "::1/128"]));
    assert_eq!((config.api.key, config.api.http_status), (None, false));
    assert_eq!(config.voucher, Preset::default());
    assert_eq!((config.radius.auth_port, config.radius.acct_port), (1812, 1813));
    assert_eq!((config.radius.enabled, config.radius.interim_interval), (false, 300));
}

#[test]
fn the_shipped_file_is_valid_and_switches_nothing_on() {
    let mut config = read(SHIPPED);
    assert!(!std::mem::replace(&mut config.main.enabled, true));
    assert_eq!(config, Config::default());
    assert_eq!(config.warnings(), Vec::<String>::new());
}

#[test]
fn the_examples_of_the_shipped_file_are_valid_too() {
    let uncommented = |line: &str| match line.trim_start().strip_prefix('#') {
        Some(rest) if rest.starts_with(['\t', 'c', 'l', 'o']) => rest.to_owned(),
        _ => line.to_owned(),
    };
    let text: Vec<_> = SHIPPED.lines().map(uncommented).collect();
    let config = read(&text.join("\n"));
    assert_eq!(config.api.listen, sockets(&["127.0.0.1:8080", "192.168.1.1:8080"]));
    assert!(config.api.allows("192.168.1.7".parse().unwrap()));
    let [guest] = config.guests.as_slice() else { panic!("no guest") };
    assert_eq!((guest.name.as_str(), guest.device.as_str()), ("guest", "br-guest"));
    let [client] = config.clients.as_slice() else { panic!("no client") };
    assert_eq!((client.name.as_str(), client.vendor), ("lobby", Vendor::Coovachilli));
}

#[test]
fn every_option_arrives() {
    let config = read(
        "config hotspotd 'main'
            option data_dir '/srv/h'
            option control_socket '/run/h.sock'
            option log_level 'debug'
            option login_log_days '0'
            option enabled '0'
            option jail '1'
        config api 'api'
            option enabled on
            option allow_get yes
            option allow_post true
            list listen '192.168.1.1:80'
            list listen '[fd00::1]:80'
            list allow_from '192.168.1.77/24'
            list allow_from 'fd00::7'
            option key 'it'\\''s a secret'
            option http_status enabled
        config voucher 'voucher'
            option valid_for '23 hours'
            option validity_starts 'first_login'
            option devices '65535'
            option on_device_limit 'refuse'
            option download_rate '10000000'
            option upload_rate '512'
            option idle_timeout '0'",
    );
    assert_eq!(config.main.data_dir, Path::new("/srv/h"));
    assert_eq!(config.main.control_socket, Path::new("/run/h.sock"));
    assert_eq!((config.main.log_level, config.main.login_log_days), (LevelFilter::Debug, 0));
    assert!(config.api.enabled && config.api.allow_get && config.api.allow_post);
    assert!(config.api.http_status && !config.main.enabled && config.main.jail);
    assert_eq!(config.api.listen, sockets(&["192.168.1.1:80", "[fd00::1]:80"]));
    let allowed = nets(&["192.168.1.0/24", "fd00::7/128", "127.0.0.0/8", "::1/128"]);
    assert_eq!(config.api.allow_from, allowed);
    assert_eq!(config.api.key, Some(Secret::new("it's a secret")));
    assert_eq!(config.voucher.valid_for, "23 hours".parse::<ValidFor>().unwrap());
    assert_eq!(config.voucher.validity_starts, ValidityStarts::FirstLogin);
    let plan = config.voucher.plan;
    assert_eq!((plan.devices.get(), plan.on_device_limit), (65535, OnDeviceLimit::Refuse));
    assert_eq!((plan.download_rate, plan.upload_rate, plan.idle_timeout), (10_000_000, 512, 0));
}

#[test]
fn guests_radius_and_clients_arrive() {
    let config = read(
        "config guest
            option device 'eth0.10'
            option enforce 0
            option portal_port 80
            option portal_name 'Login.Example'
            option pages '/srv/portal'
            option venue_url 'https://example.com/inn'
            option leases '/var/l'
            option garden '192.0.2.1/24 198.51.100.1'
        config radius
            option enabled 1
            option listen '192.168.1.1 fd00::1'
            option auth_port 1645
            option acct_port 1646
            option interim_interval 60
        config client
            option address '10.0.0.9'
            option secret 'a b'
            option vendor mikrotik
            option require_message_authenticator off
            option accounting 0
            option coa_port 1700
            option acct_view_point client
        config client 'all'
            option address '10.0.0.0/8'
            option secret 'other'",
    );
    let guest = Guest {
        name: "eth0.10".into(),
        device: "eth0.10".into(),
        enforce: false,
        portal_port: 80,
        portal_name: Some("login.example".into()),
        pages: "/srv/portal".into(),
        venue_url: Some("https://example.com/inn".into()),
        leases: "/var/l".into(),
        garden: nets(&["192.0.2.0/24", "198.51.100.1/32"]),
    };
    assert_eq!(config.guests, [guest]);
    let listen = ["192.168.1.1", "fd00::1"].map(|it| it.parse().unwrap()).to_vec();
    let (enabled, auth_port, acct_port, interim_interval) = (true, 1645, 1646, 60);
    assert_eq!(config.radius, Radius { enabled, listen, auth_port, acct_port, interim_interval });
    let [first, second] = config.clients.as_slice() else { panic!("{:?}", config.clients) };
    let client = Client {
        name: "10.0.0.9/32".into(),
        address: "10.0.0.9/32".parse().unwrap(),
        secret: Secret::new("a b"),
        vendor: Vendor::Mikrotik,
        require_message_authenticator: MessageAuthenticator::BesideProxyState,
        accounting: false,
        coa_port: 1700,
        acct_view_point: Some(ViewPoint::Client),
    };
    assert_eq!(first, &client);
    assert_eq!((second.name.as_str(), second.coa_port, second.accounting), ("all", 3799, true));
}

#[test]
fn an_empty_value_is_an_unset_one() {
    assert_eq!(read("config api\noption enabled ''\nlist listen ''\noption key ''"), read(""));
    assert!(
        problem("client", "option address ''\noption secret x").contains("'address' is missing")
    );
}

#[test]
fn loopback_may_always_ask_and_others_if_listed() {
    let api = read("config api\nlist allow_from 192.168.1.0/24").api;
    let allows = |peer: &str| api.allows(peer.parse().unwrap());
    for peer in ["192.168.1.9", "::ffff:192.168.1.9", "127.0.0.1", "127.9.9.9", "::1"] {
        assert!(allows(peer), "{peer}");
    }
    for peer in ["192.168.2.9", "::ffff:10.0.0.1", "fd00::1", "0.0.0.0"] {
        assert!(!allows(peer), "{peer}");
    }
    assert!(!Api::default().allows("192.168.1.9".parse().unwrap()));
    let nobody = Api { allow_from: Vec::new(), ..Api::default() };
    assert!(nobody.allows("::1".parse().unwrap()));
}

#[test]
fn all_problems_are_told_at_once_in_order() {
    let text = "config api 'api'\noption allow_gett 1\noption enabled maybe\nconfig apy\n\
                config guest 'g'\n";
    let expected = [
        "line 2: section 'api': option 'allow_gett' is not known; did you mean 'allow_get'?",
        "line 3: section 'api': option 'enabled': 'maybe' is neither '1' nor '0'",
        "line 4: unnamed section of type 'apy': type 'apy' is not known; did you mean 'api'?",
        "line 5: section 'g': option 'device' is missing, as in: option device 'br-guest'",
    ];
    assert_eq!(problems(text), expected);
}

#[test]
fn wrong_values_say_what_would_be_right() {
    let long = "x".repeat(257);
    for (kind, lines, part) in [
        ("hotspotd", "option data_dir 'etc'", "'etc' must be a full path"),
        ("hotspotd", "option control_socket h.sock", "must be a full path"),
        ("hotspotd", &format!("option control_socket '/{long}'"), "107 bytes"),
        ("hotspotd", "option log_level off", "is not one of 'error', 'warn', 'info'"),
        ("hotspotd", "list data_dir /a", "'data_dir' takes a single value"),
        ("hotspotd", "option login_log_days 3651", "from 0 to 3650"),
        ("api", "option colour red", "option 'colour' is not known"),
        ("api", "option listen 192.168.1.1", "is not an address and a port"),
        ("api", "list listen 127.0.0.1:0", "is not an address and a port"),
        ("api", "list listen 127.0.0.1:65536", "is not an address and a port"),
        ("api", "list allow_from 10.0.0.0/33", "'10.0.0.0/33' is not a network"),
        ("api", "list allow_from lan", "is not a network"),
        ("api", "option key '  '", "option 'key' has nothing but blanks"),
        ("api", "option key 'a\nb'", "option 'key' contains a line break"),
        ("api", &format!("option key {long}"), "option 'key' has more than 256 characters"),
        ("voucher", "option valid_for '24 hours'", "'24 hours' must be 'always', '1 hour'"),
        ("voucher", "option validity_starts now", "is not one of 'auto', 'first_login'"),
        ("voucher", "option on_device_limit x", "is not one of 'replace', 'refuse'"),
        ("voucher", "option devices 0", "'0' is not a whole number from 1 to 65535"),
        ("voucher", "option devices +1", "'+1' is not a whole number"),
        ("voucher", "option download_rate 10000001", "from 0 to 10000000"),
        ("voucher", "option upload_rate -1", "from 0 to 10000000"),
        ("voucher", "option idle_timeout 2592001", "from 0 to 2592000"),
        ("guest", "option device sixteen-letters.", "is longer than the 15 characters"),
        ("guest", "option device a/b", "is not a device name"),
        ("guest", "option device 'a b'", "is not a device name"),
        ("guest", "option device ..", "is not a device name"),
        ("guest", "option device a\noption portal_name -x", "is not a host name"),
        ("guest", "option device a\noption portal_name a..b", "is not a host name"),
        ("guest", "option device a\noption portal_name 10.0.0.1", "is not a host name"),
        ("guest", "option device a\noption portal_port 0", "from 1 to 65535"),
        ("guest", "option device a\noption leases l", "must be a full path"),
        ("guest", "option device a\nlist garden x", "is not a network"),
        ("guest", "option device a\noption pages portal", "must be a full path"),
        ("guest", "option device a\noption venue_url inn.example", "is not a web address"),
        ("guest", "option device a\noption venue_url 'http://a/\"x'", "is not a web address"),
        ("radius", "option interim_interval 59", "from 60 to 86400"),
        ("radius", "list listen 127.0.0.1:1812", "is not an IP address"),
        ("client", "option address 1.2.3.4", "option 'secret' is missing"),
        ("client", "option secret x", "option 'address' is missing"),
        ("client", "option address 1.2.3.4\noption secret x\noption vendor y", "'coovachilli'"),
    ] {
        let told = problem(kind, lines);
        assert!(told.starts_with("section 's': ") && told.contains(part), "{lines}: {told}");
    }
    assert_eq!(
        read(
            "config guest
option device fifteen-letters"
        )
        .guests
        .len(),
        1
    );
}

#[test]
fn contradictions_are_errors() {
    for (text, line, part) in [
        ("config api a\nconfig api b", 2, "only one section may have the type 'api'; see line 1"),
        ("config hotspotd; config hotspotd", 1, "only one section"),
        ("config voucher\nconfig voucher", 2, "only one section"),
        ("config radius\nconfig radius", 2, "only one section"),
        (
            "config guest\noption device a\nconfig guest\noption device a",
            4,
            "device 'a' has a guest section: line 2",
        ),
        (
            "config client\noption address 10.0.0.1/8\noption secret x\n\
             config client\noption address 10.0.0.2/8\noption secret y",
            5,
            "address 10.0.0.0/8 has a client section: line 2",
        ),
        ("config api\nlist listen 1.2.3.4:80\nlist listen 1.2.3.4:80", 3, "is taken"),
        ("config api\nlist listen 0.0.0.0:80\nlist listen 1.2.3.4:80", 3, "is taken"),
        ("config radius\noption listen '::1 ::1'", 2, "::1 is taken"),
        ("config radius\noption auth_port 1813", 2, "'auth_port' and 'acct_port' are both 1813"),
        (
            "config guest\noption device a\nconfig api\nlist listen '127.0.0.1:8880'",
            2,
            "the API listens on 127.0.0.1:8880 already",
        ),
        ("config guest b\noption device a\nconfig guest\noption device b", 3, "called 'b' as well"),
        ("config guest\noption device b\nconfig guest b\noption device c", 3, "called 'b' as well"),
    ] {
        let told = Config::parse(text).expect_err(text);
        let [Problem { line: at, message }] = told.as_slice() else { panic!("{text}\n{told:?}") };
        assert_eq!((*at, message.contains(part)), (line, true), "{text}\n{message}");
    }
}

#[test]
fn what_only_looks_like_a_contradiction_is_fine() {
    let config = read(
        "config api\nlist listen 127.0.0.1:8882\nlist listen 127.0.0.1:8881\n\
         list listen [::]:8881\n\
         config guest\noption device a\nconfig guest\noption device b\n\
         config client\noption address 10.0.0.0/8\noption secret x\n\
         config client\noption address 10.0.0.1\noption secret x",
    );
    assert_eq!((config.api.listen.len(), config.guests.len(), config.clients.len()), (3, 2, 2));
}

#[test]
fn a_wrong_port_is_not_called_a_contradiction_as_well() {
    assert!(
        problem("radius", "option auth_port 1813\noption acct_port x").contains("'acct_port': 'x'")
    );
}

#[test]
fn lists_are_bounded() {
    let list = |count: usize| "list allow_from 10.0.0.1\n".repeat(count);
    assert_eq!(read(&format!("config api\n{}", list(256))).api.allow_from.len(), 258);
    assert!(problem("api", &list(257)).contains("'allow_from' has more than 256 entries"));
}

#[test]
fn no_message_shows_a_secret() {
    for text in [
        "config api\nlist key hunter2",
        "config api\noption key 'hunter2\nx'",
        "config api\nlist listen '127.0.0.1:80\noption key 'hunter2'\noption x 'y'",
        "config client\noption secret 'hunter2'\noption adress x",
        "config client\noption secret hunter2 hunter2",
        "config api\noption log 'a\noption key 'hunter2",
    ] {
        let told = Config::parse(text).expect_err(text);
        assert!(!format!("{told:?}").contains("hunter2"), "{told:?}");
    }
    let config = read("config api\noption key hunter2\noption enabled 1");
    assert!(!format!("{config:?} {:?}", config.warnings()).contains("hunter2"));
}

/// One line of a file that is nearly right.
fn any_line() -> impl Strategy<Value = String> {
    let kind = prop_oneof!["hotspotd|api|voucher|guest|radius|client", "[a-z]{1,5}"];
    let name = prop_oneof![
        "listen|allow_from|key|devices|valid_for|address|secret|device|portal_name|garden|leases|pages|venue_url",
        "auth_port|acct_port|log_level|enabled|jail|data_dir|control_socket|portal_port|vendor",
        "[a-z_]{1,8}",
    ];
    let value = prop_oneof![
        "[01]|1 day|off|127.0.0.1|0.0.0.0:8880|::1|10.0.0.0/8|/tmp/x|a|[0-9]{1,12}",
        "[^'\0]{0,12}",
    ];
    prop_oneof![
        (kind, "( [a-c])?").prop_map(|(kind, name)| format!("config {kind}{name}")),
        ("option|list", name, value)
            .prop_map(|(set, name, value)| format!("{set} {name} '{value}'")),
    ]
}

proptest! {
    #[test]
    fn any_file_is_read_or_refused_with_lines_of_it(
        lines in prop::collection::vec(any_line(), 0..12),
    ) {
        let text = lines.join("\n");
        match Config::parse(&text) {
            Ok(config) => {
                prop_assert!(!config.api.listen.is_empty() && !config.radius.listen.is_empty());
                prop_assert!(config.radius.auth_port != config.radius.acct_port);
                config.warnings();
            }
            Err(problems) => {
                let lines = 1..=uci::line_after(&text);
                let in_file = !problems.is_empty() && problems.iter().all(|it| lines.contains(&it.line));
                prop_assert!(in_file, "{problems:?}");
            }
        }
    }

    #[test]
    fn any_text_is_survived(text in "(?s).{0,200}") {
        let _ = Config::parse(&text);
    }
}
