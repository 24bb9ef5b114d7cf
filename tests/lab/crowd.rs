//! Many guests at once, and requests as odd programs send them.

use std::io::Write;
use std::process::Stdio;

use crate::support::{Answer, Flow, Hotspot, Node};

/// As many as a coach and a half bring.
const CROWD: usize = 100;

#[test]
fn a_crowd_that_arrives_at_once_is_served_and_so_is_whoever_comes_next() {
    let Some(hotspot) = Hotspot::open() else { return };
    let (coach, newcomer) = (hotspot.lab.node("guest3"), hotspot.lab.node("guest2"));
    let gateway = hotspot.lab.fact("guest4");
    let network = gateway.rsplit_once('.').unwrap().0;
    let mut crowd = Flow::script(&coach, "crowd.py", &format!("{network} {gateway} {CROWD}"));
    assert_eq!(crowd.says(), CROWD.to_string());
    let page = hotspot.portal().get(&newcomer, "/");
    assert!(page.status == 200 && page.body.contains("name=\"passcode\""), "{page:?}");
    let probe = newcomer.curl(&["http://connectivitycheck.gstatic.com/generate_204"]);
    assert_eq!(probe.status, 302, "{probe:?}");
    hotspot.sign_in(&newcomer, &hotspot.voucher(&[]));
}

/// What comes back for a request as it is, over a connection to this address.
fn raw(guest: &Node, address: &str, port: u16, request: &[u8]) -> Answer {
    let mut command = guest.script_command("peer.py", &format!("request {address} {port}"));
    let mut peer = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    peer.stdin.take().unwrap().write_all(request).unwrap();
    Answer::parse(&peer.wait_with_output().unwrap().stdout)
}

/// Requests that end before the host; headers may follow.
fn odd_requests() -> Vec<Vec<u8>> {
    let mut cookie = b"GET /x HTTP/1.1\r\nCookie: ".to_vec();
    cookie.extend([b'a'; 90_000]);
    cookie.extend(b"\r\n");
    let mut long = b"GET /".to_vec();
    long.extend([b'a'; 90_000]);
    long.extend(b" HTTP/1.1\r\n");
    let many = [b"GET /x HTTP/1.1\r\n".to_vec(), b"X: y\r\n".repeat(300)].concat();
    let short: [&[u8]; 7] = [
        b"GET /a<b HTTP/1.1\r\n",
        b"GET /a`b HTTP/1.1\r\n",
        b"GET /a b HTTP/1.1\r\n",
        b"GET /caf\xe9\xff HTTP/1.1\r\n",
        b"GET /x HTTP/1.1\r\nX: y\r\n z\r\n",
        b"GET /x HTTP/4.2\r\n",
        b"GET /x\r\n",
    ];
    short.iter().map(|it| it.to_vec()).chain([cookie, long, many]).collect()
}

#[test]
fn odd_and_large_requests_find_the_portal() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest2");
    let portal = hotspot.portal().url("/");
    let site = hotspot.lab.fact("wan4");
    for request in odd_requests() {
        let whole = [&request[..], b"Host: www.example.test\r\n\r\n"].concat();
        let answer = raw(&guest, site, 80, &whole);
        let shown = String::from_utf8_lossy(&request[..request.len().min(60)]).into_owned();
        assert_eq!(answer.status, 302, "{shown}: {answer:?}");
        let location = &answer.headers["location"];
        assert!(location.starts_with(&portal), "{shown}: {answer:?}");
        assert_eq!(answer.headers["connection"], "close", "{shown}: {answer:?}");
    }
}

#[test]
fn a_browser_with_large_cookies_signs_in() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest2");
    let voucher = hotspot.voucher(&[]);
    let cookie = format!("Cookie: s={}", "a".repeat(9_000));
    let site = guest.curl(&["-H", &cookie, "http://www.example.test/x"]);
    assert_eq!(site.status, 302, "{site:?}");
    let page = guest.curl(&["-H", &cookie, &site.headers["location"]]);
    assert!(page.status == 200 && page.body.contains("name=\"passcode\""), "{page:?}");
    let form = format!("username={}&passcode={}", voucher.username, voucher.passcode);
    let login = hotspot.portal().url("/login");
    let answer = guest.curl(&["-H", &cookie, "-d", &form, &login]);
    assert_eq!(answer.status, 303, "{answer:?}");
    assert!(guest.sees_site("-4"));
    // What is too much all the same is said, without leading in circles.
    let cookie = format!("Cookie: s={}", "a".repeat(90_000));
    let page = guest.curl(&["-L", "-H", &cookie, &hotspot.portal().url("/")]);
    assert!(page.status == 431 && page.body.contains("cookies"), "{page:?}");
}
