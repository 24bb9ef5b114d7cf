//! Requests that make no sense: each gets the message of the vendor's page, nothing is stored, and
//! the next caller is served.

use std::fs;
use std::io::{Read, Write};

use serde_json::{Value, json};

use crate::support::{Answer, Daemon, OPEN_API, escape};

const KEY: &str = "0123456789abcdef-test-key";

const NOT_ENABLED: &str = "API is not enabled";
const KEY_WRONG: &str = "API Key is incorrect";
const NO_KEY: &str = "API Key not set or method not allowed";
const ERROR: &str = "An error occurred";

/// A request as bytes, its message, and its status code where `http_status` is on.
type Case = (Vec<u8>, &'static str, u16);

fn request(method: &str, target: &[u8], kind: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let headers = format!(
        " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    );
    [method.as_bytes(), b" ", target, headers.as_bytes(), body].concat()
}

/// A query with the key, and a form with the same.
fn params(text: &str) -> [Vec<u8>; 2] {
    let text = format!("api-key={KEY}&{text}");
    let form = "application/x-www-form-urlencoded";
    [
        request("GET", format!("/api/?{text}").as_bytes(), "text/plain", b""),
        request("POST", b"/api/", form, text.as_bytes()),
    ]
}

fn json_body(body: &[u8]) -> Vec<u8> {
    request("POST", b"/api/", "application/json", body)
}

/// A JSON call with the key and these fields.
fn fields(mut fields: Value) -> Vec<u8> {
    fields["api-key"] = KEY.into();
    json_body(fields.to_string().as_bytes())
}

/// One voucher is there, which nothing of all this may touch.
fn daemon(api: &str) -> Daemon {
    let daemon = Daemon::with(&format!("{OPEN_API}{api}"), "");
    let field = json!({"action": "create_voucher", "username": "Zimmer Äpfel 12"});
    assert_eq!(daemon.post(field).message(), "User added successfully");
    daemon
}

/// Sends each request from an address of its own, so that wrong keys do not add up.
fn ask(daemon: &Daemon, number: usize, request: &[u8]) -> Answer {
    let mut stream =
        daemon.connect_from([127, 0, (number / 200) as u8 + 1, (number % 200) as u8 + 1]);
    stream.write_all(request).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    Answer::parse(&bytes)
}

/// Sends all of them with `http_status` off, then with it on.
fn refused(cases: &[Case]) {
    assert!(!cases.is_empty());
    for strict in [false, true] {
        let daemon = daemon(if strict { "option http_status '1'" } else { "" });
        let before = daemon.vouchers();
        for (number, (request, message, status)) in cases.iter().enumerate() {
            let shown = String::from_utf8_lossy(request);
            let answer = ask(&daemon, number, request);
            let body = format!(r#"{{"message":"{message}","error":true}}"#);
            assert_eq!(answer.body, body, "{shown}");
            assert_eq!(answer.status, if strict { *status } else { 200 }, "{shown}");
            assert_eq!(answer.headers["content-type"], "application/json", "{shown}");
            assert_eq!(daemon.vouchers(), before, "{shown}");
        }
    }
}

fn all(
    requests: impl IntoIterator<Item = Vec<u8>>,
    message: &'static str,
    status: u16,
) -> Vec<Case> {
    requests.into_iter().map(|request| (request, message, status)).collect()
}

#[test]
fn an_action_that_does_not_exist_is_an_error() {
    let texts = [
        "",
        "action",
        "action=",
        "action=drop_table",
        "action=Create_voucher",
        "=&=&&&",
        "action=create_voucher%00",
        "action=+create_voucher",
        "action=create_voucher&action=x",
    ];
    let numbers = [json!({}), json!({"action": 5}), json!({"action": ["create_voucher"]})];
    refused(&all(texts.into_iter().flat_map(params).chain(numbers.map(fields)), ERROR, 400));
}

#[test]
fn only_the_exact_key_opens() {
    let listing = "action=get_voucher_users";
    let get = |key: &str| {
        request("GET", format!("/api/?api-key={key}&{listing}").as_bytes(), "text/plain", b"")
    };
    let short = &KEY[1..];
    let wrong = ["x", short, &KEY.to_uppercase(), &format!("{KEY}%00"), &format!("+{KEY}"), "%ff"];
    let types = [json!(5), json!(true), json!([KEY]), json!({"a": KEY})].map(|key| {
        json_body(json!({"api-key": key, "action": "get_voucher_users"}).to_string().as_bytes())
    });
    refused(&all(wrong.map(get).into_iter().chain(types), KEY_WRONG, 401));
}

#[test]
fn a_key_that_is_missing_or_in_the_wrong_place_is_not_set() {
    let list = "action=get_voucher_users";
    let target = format!("/api/?api-key={KEY}&{list}");
    let header = format!("text/plain\r\napi-key: {KEY}\r\nAuthorization: Bearer {KEY}");
    let null = json!({"api-key": null, "action": "get_voucher_users"}).to_string();
    let other = json!({"API-Key": KEY, "apikey": KEY, "action": "get_voucher_users"}).to_string();
    let requests = [
        request("GET", b"/api/", "text/plain", b""),
        request("GET", format!("/api/?{list}").as_bytes(), "text/plain", b""),
        request("GET", format!("/api/?api-key=&{list}").as_bytes(), "text/plain", b""),
        request("GET", format!("/api/?{list}").as_bytes(), &header, b""),
        // The page keeps keys out of query strings; that of a POST is in its body.
        request("POST", target.as_bytes(), "text/plain", list.as_bytes()),
        request("POST", target.as_bytes(), "text/plain", b""),
        request("GET", b"/api/", "text/plain", &target.as_bytes()[6..]),
        json_body(null.as_bytes()),
        json_body(other.as_bytes()),
    ];
    let not_a_form = [&b"5"[..], b"\"text\"", b"null", b"\0\0", b"&&==&"].map(json_body);
    refused(&all(requests.into_iter().chain(not_a_form), NO_KEY, 401));
}

#[test]
fn malformed_json_has_no_key_in_it() {
    let good = json!({"api-key": KEY, "action": "create_voucher"}).to_string();
    let cut = &good[..good.len() - 1];
    let deep = format!(r#"{{"api-key":"{KEY}","action":{}"#, "[".repeat(60_000));
    let bad = [
        "{".to_owned(),
        cut.to_owned(),
        format!("{good}x"),
        format!("{good}{good}"),
        "[]".to_owned(),
        format!("[{good}]"),
        deep,
        good.replace(':', "="),
        good.replace('"', "'"),
        good.replace("create", "create\n"),
        good.replace("create", "\\ud800"),
    ];
    let mut requests: Vec<_> = bad.iter().map(|body| json_body(body.as_bytes())).collect();
    let latin = [cut.as_bytes(), b",\"username\":\"caf\xe9\"}"].concat();
    requests.push(json_body(&latin));
    refused(&all(requests, NO_KEY, 400));
}

#[test]
fn other_methods_are_not_allowed() {
    let target = format!("/api/?api-key={KEY}&action=create_voucher");
    let body = json!({"api-key": KEY, "action": "create_voucher"}).to_string();
    let methods = ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "get"];
    let requests = methods.map(|m| request(m, target.as_bytes(), "text/plain", body.as_bytes()));
    refused(&all(requests, NO_KEY, 405));
    for (strict, status) in [("0", 200), ("1", 405)] {
        let daemon = daemon(&format!("option http_status '{strict}'"));
        let head = daemon.http("", &request("HEAD", target.as_bytes(), "text/plain", b""));
        assert_eq!((head.status, head.body.as_str()), (status, ""));
        let put = daemon.http("", &request("PUT", target.as_bytes(), "text/plain", b""));
        assert_eq!(put.headers["allow"], "GET, POST");
        assert_eq!(daemon.vouchers().len(), 1);
    }
}

#[test]
fn values_that_cannot_be_stored_are_refused() {
    let long = [("username", 254), ("passcode", 129), ("fullname", 256)];
    let long = long.map(|(name, length)| format!("{name}={}", "x".repeat(length)));
    let odd =
        ["%00", "a%00b", "a%0Ab", "a%0D%0Ab", "%1b[2J", "a%7Fb", "a%C2%85x", "a%E2%80%A8b", "%ff"];
    let odd = ["username", "passcode", "fullname"]
        .into_iter()
        .flat_map(|name| odd.map(|value| format!("{name}={value}")));
    let texts =
        long.into_iter().chain(odd).chain(["valid_for=%ff".into(), "valid_from=%ff".into()]);
    let forms = texts.flat_map(|text| params(&format!("action=create_voucher&{text}")));
    let types = ["username", "passcode", "fullname", "valid_for", "valid_from", "download_limit"];
    let types = types.into_iter().flat_map(|name| {
        [json!([]), json!({"a": 1}), json!(true)]
            .map(|value| fields(json!({"action": "create_voucher", name: value})))
    });
    let latin = [b"action=create_voucher&username=caf\xe9&api-key=", KEY.as_bytes()].concat();
    let raw = [
        request("POST", b"/api/", "text/plain", &latin),
        fields(json!({"action": "create_voucher", "username": "a\u{0}b"})),
        fields(json!({"action": "create_voucher", "passcode": "a\nb"})),
        fields(json!({"action": "create_voucher", "fullname": "a\u{2029}x"})),
    ];
    refused(&all(forms.chain(types).chain(raw), ERROR, 400));
}

#[test]
fn lengths_and_dates_that_do_not_exist_are_refused() {
    let lengths = [
        "24 hours",
        "1 hours",
        "0 hours",
        "31 days",
        "34 days",
        "366 days",
        "1 days",
        "2 day",
        "Always",
        "ALWAYS",
        "1",
        "1 week",
        "01 day",
        "1  day",
        "-1 days",
        "+2 days",
        "２ days",
        "1 day;",
        "18446744073709551618 days",
    ];
    let dates = [
        "tomorrow",
        "2018-08-24",
        "2018-02-29 00:00:00",
        "2018-13-01 00:00:00",
        "0",
        "2018-08-24 24:00:00",
        "2018-08-24 00:60:00",
        "24.08.2018 00:00:00",
        "1535061600",
        "2018:08:24 00:00:00",
        "2018-08-24 00:00:00 UTC",
        "10000-01-01 00:00:00",
        "0000-00-00 00:00:00",
        "2018-08-24  00:00:00",
    ];
    let lengths = lengths.iter().map(|text| format!("valid_for={}", escape(text)));
    let dates = dates.iter().map(|text| format!("valid_from={}", escape(text)));
    let texts = lengths.chain(dates).map(|text| format!("action=create_voucher&{text}"));
    refused(&all(texts.flat_map(|text| params(&text)), ERROR, 400));
}

#[test]
fn a_username_is_given_once_whatever_its_case_and_blanks() {
    let names =
        ["Zimmer Äpfel 12", "zimmer äpfel 12", "ZIMMER ÄPFEL 12", " Zimmer Äpfel 12\u{a0} "];
    let texts = names.map(|name| format!("action=create_voucher&username={}", escape(name)));
    refused(&all(texts.iter().flat_map(|text| params(text)), "Username already exists", 409));
}

#[test]
fn what_cannot_be_removed_is_told_apart() {
    let none = ["", "&username", "&username=", "&username=+%20+"];
    let none = none.map(|rest| format!("action=remove_voucher{rest}"));
    let mut cases = all(none.iter().flat_map(|text| params(text)), "No username set", 400);
    let null = fields(json!({"action": "remove_voucher", "username": null}));
    cases.push((null, "No username set", 400));
    let unknown = ["x", "Zimmer", "%25", "Zimmer+Apfel+12", "'+OR+1=1+--", "*", "12"];
    let unknown = unknown.map(|name| format!("action=remove_voucher&username={name}"));
    cases.extend(all(unknown.iter().flat_map(|text| params(text)), "Username doesn't exist", 404));
    let unfit = ["%00", "%ff", &"x".repeat(254)]
        .map(|name| format!("action=remove_voucher&username={name}"));
    cases.extend(all(unfit.iter().flat_map(|text| params(text)), ERROR, 400));
    refused(&cases);
}

#[test]
fn a_method_that_is_switched_off_is_not_allowed() {
    let [get, post] = params("action=get_voucher_users");
    for (api, message, status) in [
        ("option allow_get '1'\noption allow_post '1'", [NOT_ENABLED; 2], [403; 2]),
        ("option enabled '1'", [NO_KEY; 2], [405; 2]),
        ("option enabled '1'\noption allow_get '1'", ["", NO_KEY], [200, 405]),
        ("option enabled '1'\noption allow_post '1'", [NO_KEY, ""], [405, 200]),
    ] {
        for strict in ["0", "1"] {
            let daemon = Daemon::with(&format!("{api}\noption http_status '{strict}'"), "");
            for (index, request) in [&get, &post].into_iter().enumerate() {
                let answer = daemon.http("", request);
                let expected = if strict == "1" { status[index] } else { 200 };
                assert_eq!((answer.status, answer.message().as_str()), (expected, message[index]));
                assert_eq!(
                    answer.json()["error"] == json!(true),
                    !message[index].is_empty(),
                    "{api}"
                );
            }
        }
    }
}

#[test]
fn other_addresses_do_not_exist() {
    let daemon = daemon("");
    for path in
        ["/", "/api/x", "/apix", "/api//", "//api/", "/API/", "/api/..", "/%61pi/", "/favicon.ico"]
    {
        let target = format!("{path}?api-key={KEY}&action=create_voucher");
        let answer = daemon.http("", &request("GET", target.as_bytes(), "text/plain", b""));
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.body.contains(KEY), "{path}");
    }
    assert_eq!(daemon.vouchers().len(), 1);
}

#[test]
fn limits_out_of_bounds_are_stored_as_unlimited() {
    let daemon = Daemon::start();
    let cases = [
        (json!(1), 1),
        (json!("1024"), 1024),
        (json!(9_437_184), 9_437_184),
        (json!(" 7 "), 7),
        (json!(0), 0),
        (json!(-1), 0),
        (json!(9_437_185), 0),
        (json!("many"), 0),
        (json!(""), 0),
        (json!(null), 0),
        (json!("NaN"), 0),
        (json!("inf"), 0),
        (json!(1e300), 0),
        (json!("99999999999999999999999999"), 0),
        (json!(u64::MAX), 0),
        (json!(0.5), 0),
    ];
    for (given, stored) in cases {
        let call =
            json!({"action": "create_voucher", "download_limit": given, "upload_limit": given});
        let user = daemon.post(call).json()["user"].clone();
        let texts = (&user["download_limit"], &user["upload_limit"]);
        assert_eq!(texts, (&json!(stored.to_string()), &json!(stored.to_string())), "{given}");
        let row = daemon.vouchers().pop().unwrap();
        assert_eq!(
            (&row["download_limit"], &row["upload_limit"]),
            (&json!(stored), &json!(stored))
        );
    }
}

#[test]
fn no_secret_reaches_the_log() {
    let mut daemon = Daemon::prepared(OPEN_API, "");
    daemon.edit_config("log_level 'debug'", "log_level 'trace'");
    daemon.launch();
    let passcode = "hidden-passcode";
    let create = format!("action=create_voucher&username=u1&passcode={passcode}");
    let odd =
        format!("action=create_voucher&username=%00&passcode={passcode}&valid_for={passcode}");
    for text in [&create, &odd, "action=hidden-action", "action=get_voucher_users"] {
        params(text).iter().for_each(|request| drop(daemon.http("", request)));
    }
    daemon.post(json!({"action": "create_voucher", "passcode": [passcode]}));
    daemon.post_raw("application/json", format!("{{\"api-key\":\"{KEY}\",\"{passcode}").as_bytes());
    for _ in 0..30 {
        let wrong = "/api/?api-key=hidden-guess&action=get_logins";
        daemon.http("", &request("GET", wrong.as_bytes(), "text/plain", b""));
    }
    daemon.cli_ok(&["voucher", "create", "--username", "u2", "--passcode", passcode]);
    assert_eq!(daemon.cli_ok(&["api-key", "show"]), format!("{KEY}\n"));
    daemon.leave_out_key();
    daemon.stop();
    daemon.launch();
    let made = fs::read_to_string(daemon.data().join("api.key")).unwrap();
    let rotated = daemon.cli_ok(&["api-key", "rotate"]);
    daemon.stop();
    let log = daemon.log();
    assert!(log.contains("wrong key from 127.0.0.1") && log.contains("stopped;"), "{log}");
    for secret in [KEY, passcode, "hidden", "api-key=", "action=", made.trim(), rotated.trim()] {
        assert!(!secret.is_empty() && !log.contains(secret), "{secret:?} is in the log:\n{log}");
    }
}
