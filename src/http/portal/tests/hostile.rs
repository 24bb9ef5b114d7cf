//! Guests who are none.

use super::*;
use proptest::prelude::*;

const ODD_HOSTS: [&[u8]; 12] = [
    b"",
    b"user@192.168.10.1:8880",
    b"192.168.10.1:8880@evil.example",
    b"evil.example\"><script>alert(1)</script>",
    b"evil.example'--",
    b"evil.example:99999",
    b"evil.example:80:80",
    b"[::1",
    b"\xc3\xa9vil.example",
    b"\xff\xfe",
    b"evil.example/..//",
    b"%65vil.example",
];

#[tokio::test]
async fn odd_hosts_lead_to_the_portal_and_nowhere_else() {
    for bench in [Bench::stranger(), Bench::guest()] {
        let long = vec![b'a'; 7000];
        for host in ODD_HOSTS.into_iter().chain([long.as_slice()]) {
            let request = Request::get("/a").header("host", host).body("").unwrap();
            let got = bench.send(request).await;
            assert_eq!(got.status, StatusCode::FOUND, "{host:?}");
            assert_eq!(got.location(), "http://192.168.10.1:8880/", "{host:?}");
        }
        let request = Request::get("/").header("host", LOCAL).header("host", "evil.example");
        let got = bench.send(request.body("").unwrap()).await;
        assert_eq!(got.location(), "http://192.168.10.1:8880/");
    }
}

#[tokio::test]
async fn an_absolute_target_outweighs_the_host() {
    let bench = Bench::stranger();
    let ask = async |target: &str, host: &str| {
        bench.send(Request::get(target).header("host", host).body("").unwrap()).await
    };
    let got = ask("http://example.com/x", LOCAL).await;
    assert!(got.location().ends_with("?next=http%3A%2F%2Fexample.com%2Fx"));
    assert_eq!(ask("http://192.168.10.1:8880/", "example.com").await.status, StatusCode::OK);
    for target in ["https://example.com/x", "http://a@example.com/x", "ftp://192.168.10.1:8880/"] {
        assert_eq!(ask(target, LOCAL).await.location(), "http://192.168.10.1:8880/", "{target}");
    }
    let request = Request::builder().method("CONNECT").uri("example.com:443").body("").unwrap();
    assert_eq!(bench.send(request).await.status, StatusCode::SEE_OTHER);
    let request = Request::options("*").header("host", LOCAL).body("").unwrap();
    assert_eq!(bench.send(request).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_crafted_link_leads_nobody_astray() {
    for next in [
        "https%3A%2F%2Fevil.example%2F",
        "%2F%2Fevil.example",
        "javascript%3Aalert(1)",
        "http%3A%2F%2Fgood.example%40evil.example%2F",
        "http%3A%2F%2Fevil.example%2F%22onclick%3D%22x",
        "http%3A%2F%2Fevil.example%2F%0d%0aSet-Cookie:x",
        "%ff",
    ] {
        let stranger = Bench::stranger();
        let got = stranger.post("/login", &format!("code=a&next={next}")).await;
        assert_eq!(got.location(), "http://192.168.10.1:8880/", "{next}");
        let got = Bench::guest().get(LOCAL, &format!("/?next={next}")).await;
        assert!(!got.body.contains("evil") && !got.body.contains("javascript"), "{next}");
    }
    // Even a plain one is a link that says where it leads, never a redirect.
    let got = Bench::guest().get(LOCAL, "/?next=http://other.example/x").await;
    assert_eq!((got.status, got.location()), (StatusCode::OK, ""));
    assert!(got.body.contains("Continue to <bdi>other.example</bdi>"));
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let bench = Bench::guest();
    let post = async |origin: &str, path: &str| {
        let request = Request::post(path).header("host", LOCAL).header("origin", origin);
        bench.send(request.body("code=a").unwrap()).await.status
    };
    for origin in [
        "http://evil.example",
        "https://192.168.10.1:8880",
        "http://192.168.10.1",
        "http://192.168.10.1:8880.evil.example",
        "",
        "file://",
    ] {
        assert_eq!(post(origin, "/login").await, StatusCode::FORBIDDEN, "{origin}");
        assert_eq!(post(origin, "/logout").await, StatusCode::FORBIDDEN, "{origin}");
    }
    assert_eq!(bench.asked(), [""; 0]);
    for origin in ["null", "http://192.168.10.1:8880"] {
        assert_eq!(post(origin, "/login").await, StatusCode::SEE_OTHER, "{origin}");
    }
}

#[tokio::test]
async fn bodies_that_are_no_forms_are_refused() {
    let bench = Bench::stranger();
    let post = async |kind: &str, body: Vec<u8>| {
        let request = Request::post("/login").header("host", LOCAL).header("content-type", kind);
        bench.send(request.body(body).unwrap()).await.status
    };
    let form = "application/x-www-form-urlencoded";
    assert_eq!(post("multipart/form-data", b"code=a".into()).await, 415);
    assert_eq!(post("text/plain", b"code=a".into()).await, 415);
    assert_eq!(post("\u{7f}".trim_matches('\u{7f}'), b"code=a".into()).await, 415);
    assert_eq!(post(form, vec![b'a'; 64 * 1024 + 1]).await, 413);
    assert_eq!(post(form, b"code=\xff".into()).await, 400);
    assert_eq!(bench.asked(), [""; 0]);
    assert_eq!(
        post("Application/X-WWW-Form-UrlEncoded; charset=UTF-8", b"code=a".into()).await,
        303
    );
    assert_eq!(post(form, b"code=a&code=b&=&&%zz=%".into()).await, 303);
    assert_eq!(bench.asked(), ["sign in a from 192.168.10.77", "sign in b from 192.168.10.77"]);
}

#[tokio::test]
async fn paths_do_not_climb() {
    for bench in [Bench::stranger(), Bench::guest()] {
        for path in
            ["/../../etc/passwd", "/.%2e/%2e%2e/etc/passwd", "//etc/passwd", "/logo/../x", "/%00"]
        {
            let got = bench.get(LOCAL, path).await;
            assert!(matches!(got.status.as_u16(), 302 | 404), "{path}: {}", got.status);
            assert!(!got.body.contains("root:") && !got.body.contains("etc/passwd"), "{path}");
        }
    }
}

/// Whether a page has markup, or a quote, that came from outside.
fn marked(body: &str) -> bool {
    body.contains("<blink") || body.contains("\"blink") || body.contains("'blink")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn nothing_typed_comes_back_as_markup(
        typed in "[<>\"'&a-z \u{e9}\u{202e}]{0,20}",
        next in "[<>\"'&a-z/:.@]{0,20}",
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::stranger();
            bench.script.lock().unwrap().refusal = Some(Refusal::WrongPasscode);
            let encode = |text: &str| {
                form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>()
            };
            let hostile = format!("<blink>{typed}\"blink 'blink");
            let next = format!("http://example.com/{next}<blink \"blink 'blink");
            let form = format!(
                "username={0}&passcode={0}x&lang={0}&next={1}", encode(&hostile), encode(&next)
            );
            let got = bench.post("/login", &form).await;
            // Text that turns around what follows it is no username, and not shown again.
            let turned = typed.contains('\u{202e}');
            prop_assert!(turned || got.body.contains("&lt;blink&gt;"));
            prop_assert!(!marked(&got.body), "{}", got.body);
            let path = format!("/?next={}&lang={}&out={}", encode(&next), encode(&typed), encode(&hostile));
            prop_assert!(!marked(&bench.get(LOCAL, &path).await.body));
            let mut odd = online();
            odd.login = hostile;
            bench.script.lock().unwrap().online = Some(odd);
            prop_assert!(!marked(&bench.get(LOCAL, &path).await.body));
            Ok(())
        })?;
    }
}
