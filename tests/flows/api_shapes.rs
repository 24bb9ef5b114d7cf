//! The shapes in which API clients send a call: what the vendor's PHP reads is read, and what is not is
//! told.

use super::support::{Answer, Daemon};

fn reason(answer: &Answer) -> &str {
    answer.headers.get("x-error-reason").map(String::as_str).unwrap_or_default()
}

#[track_caller]
fn created(daemon: &Daemon, username: &str, arguments: &[&str]) {
    let answer = daemon.curl(arguments).json();
    assert_eq!(answer["error"], false, "{arguments:?}: {answer}");
    assert_eq!(answer["user"]["username"], username, "{arguments:?}: {answer}");
}

#[test]
fn a_form_with_parts_is_read_as_php_reads_it() {
    let daemon = Daemon::start();
    let key = format!("api-key={}", daemon.key);
    let api = format!("http://{}/api/", daemon.address);
    let fields =
        [&api, "-H", "Expect:", "-F", &key, "-F", "action=create_voucher", "-F", "username=room 1"];
    created(&daemon, "room 1", &fields);
    let more = [&fields[..7], &["-F", "username=Zoë & Co", "-F", "valid_for=2 days"]].concat();
    created(&daemon, "Zoë & Co", &more);
    let file = [&fields[..7], &["-F", "username=@/dev/null"]].concat();
    let answer = daemon.curl(&file);
    assert!(reason(&answer).contains("username"), "{answer:?}");
    let cut = daemon.http(
        "POST /api/ HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n\
         Content-Length: 10\r\nConnection: close\r\n\r\n",
        b"--b\r\nConte",
    );
    assert_eq!(cut.message(), "API Key not set or method not allowed");
    assert_eq!(reason(&cut), "the body is no whole multipart/form-data");
}

#[test]
fn a_call_may_stand_in_the_query_and_in_the_body() {
    let daemon = Daemon::start();
    let key = format!("api-key={}", daemon.key);
    let api = format!("http://{}/api/", daemon.address);
    created(
        &daemon,
        "a",
        &[&format!("{api}?action=create_voucher"), "-d", &key, "-d", "username=a"],
    );
    let json = format!(r#"{{"username":"b","api-key":"{}"}}"#, daemon.key);
    // Of both, the body counts.
    let query = "action=create_voucher&username=c&api-key=x";
    created(&daemon, "b", &[&format!("{api}?{query}"), "-d", &json]);
    // A key in an address is in histories and logs.
    let answer = daemon.curl(&[&format!("{api}?{key}"), "-d", "action=get_voucher_users"]);
    assert!(reason(&answer).contains("belongs into its body"), "{answer:?}");
}

#[test]
fn what_cannot_be_read_is_named() {
    let daemon = Daemon::start();
    let call = format!(r#"{{"api-key":"{}","action":"get_voucher_users"}}"#, daemon.key);
    let utf16: Vec<u8> = call.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [&[0xff, 0xfe][..], &utf16].concat();
    let latin1 = [&call.as_bytes()[..call.len() - 1], b",\"x\":\"\xe9\"}"].concat();
    let array = format!("[{call}]");
    let no_key = br#"{"action":"get_voucher_users"}"#;
    for (headers, body, expected) in [
        ("", &utf16[..], "UTF-16"),
        ("", &marked, "UTF-16"),
        ("", &latin1, "another encoding than UTF-8"),
        ("", array.as_bytes(), "JSON array"),
        ("", b"{\"api-key\":", "cannot be read to its end"),
        ("Content-Encoding: gzip\r\n", b"\x1f\x8b\x08", "compressed"),
        ("", no_key, "no api-key"),
        ("X-Api-Key: x\r\n", no_key, "a parameter, not a header"),
        ("Authorization: Bearer x\r\n", no_key, "a parameter, not a header"),
    ] {
        let head = format!(
            "POST /api/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n",
            body.len()
        );
        let answer = daemon.http(&head, body);
        assert!(reason(&answer).contains(expected), "{expected}: {answer:?}");
        assert_eq!(answer.message(), "API Key not set or method not allowed");
    }
}
