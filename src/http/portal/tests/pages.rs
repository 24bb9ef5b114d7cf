//! The way of a guest through the pages.

use super::*;

#[tokio::test]
async fn a_guest_signs_in_looks_and_signs_out() {
    let bench = Bench::stranger();
    let got = bench.get(LOCAL, "/?next=http%3A%2F%2Fexample.com%2Fa").await;
    assert_eq!(got.status, StatusCode::OK);
    assert!(got.body.contains(r#"<input type="hidden" name="next" value="http://example.com/a">"#));
    assert_eq!(got.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(got.header("cache-control"), "no-store");

    let form = "username=Abc234&passcode=defgh234&next=http%3A%2F%2Fexample.com%2Fa";
    let got = bench.post("/login", form).await;
    assert_eq!(got.status, StatusCode::SEE_OTHER);
    let home = "http://192.168.10.1:8880/?next=http%3A%2F%2Fexample.com%2Fa";
    assert_eq!(got.location(), home);
    assert_eq!(bench.asked(), ["visit", "sign in Abc234|defgh234 from 192.168.10.77"]);

    let got = bench.get(LOCAL, "/?next=http%3A%2F%2Fexample.com%2Fa").await;
    assert!(got.body.contains("You are online"));
    assert!(got.body.contains(r#"href="http://example.com/a" rel="noreferrer">Continue to"#));
    for part in ["abc234", "3\u{a0}h 12\u{a0}min", "17 Jul 2025, 10:00", "3\u{a0}MB"] {
        assert!(got.body.contains(part), "{part}");
    }

    let got = bench.post("/logout", "lang=fr").await;
    assert_eq!(got.status, StatusCode::SEE_OTHER);
    assert_eq!(got.location(), "http://192.168.10.1:8880/?out=1&lang=fr");
    let got = bench.get(LOCAL, "/?out=1&lang=fr").await;
    assert!(got.body.contains("Vous êtes déconnecté."));
    assert!(got.body.contains(r#"name="lang" value="fr">"#));
}

#[tokio::test]
async fn pages_load_nothing_from_elsewhere_and_stand_in_no_frame() {
    let got = Bench::stranger().home().await;
    assert_eq!(
        got.header("content-security-policy"),
        "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; form-action 'self' \
         http://192.168.10.1:8880; frame-ancestors 'none'; base-uri 'none'"
    );
    assert_eq!(got.header("x-content-type-options"), "nosniff");
    // `no-referrer` would have browsers send our own forms with `Origin: null`.
    assert_eq!(got.header("referrer-policy"), "same-origin");
    for other in ["<script", "http://", "https://", "javascript:", "onclick"] {
        assert!(!got.body.contains(other), "{other}");
    }
}

#[tokio::test]
async fn codes_are_taken_from_either_form() {
    let bench = Bench::stranger();
    for form in ["code=abc-234", "username=abc-234&passcode="] {
        assert_eq!(bench.post("/login", form).await.status, StatusCode::SEE_OTHER);
        assert_eq!(bench.asked(), ["sign in abc-234 from 192.168.10.77"]);
    }
}

#[tokio::test]
async fn every_refusal_has_its_sentence() {
    let bench = Bench::stranger();
    let at = Timestamp::from_unix(1_752_739_200);
    let wait = Duration::from_secs(240);
    for (refusal, status, sentence) in [
        (Refusal::UnknownUsername, 403, "We don’t know this username."),
        (Refusal::WrongPasscode, 403, "This passcode is not right."),
        (Refusal::NotYet(at), 403, "becomes valid on <bdi>17 Jul 2025, 10:00</bdi>."),
        (Refusal::Expired(at), 403, "expired on <bdi>17 Jul 2025, 10:00</bdi>."),
        (Refusal::UsedUp, 403, "is used up."),
        (Refusal::TooManyDevices, 403, "on as many devices as it allows"),
        (Refusal::TooManyTries(wait), 429, "wait <bdi>4\u{a0}min</bdi>"),
        (Refusal::TooManyTriesByOthers(wait), 429, "Others have typed in too many wrong codes."),
        (Refusal::TooManySignIns(wait), 429, "Signed in too often"),
        (Refusal::DevicesAreProbed(Duration::ZERO), 403, "on as many devices as it allows"),
        (Refusal::UnknownDevice, 403, "not on the guest Wi-Fi"),
    ] {
        bench.script.lock().unwrap().refusal = Some(refusal);
        let got = bench.post("/login", "username=Abc234&passcode=s3cret").await;
        assert_eq!(got.status, status, "{refusal:?}");
        let alert = got.body.split("role=\"alert\"").nth(1).unwrap();
        assert!(alert.split("</p>").next().unwrap().contains(sentence), "{refusal:?}");
        assert!(got.body.contains(r#"name="username" value="Abc234""#));
        assert!(!got.body.contains("s3cret"));
        let out = bench.post("/logout", "").await;
        assert_eq!(out.status, 403, "{refusal:?}");
        assert!(out.body.contains("role=\"alert\""), "{refusal:?}");
    }
    bench.script.lock().unwrap().refusal = Some(Refusal::TooManyTries(wait));
    assert_eq!(bench.post("/login", "code=a").await.header("retry-after"), "240");
    bench.script.lock().unwrap().refusal = Some(Refusal::UnknownUsername);
    let got = bench.post("/login", "code=s3cret").await;
    assert!(got.body.contains("We don’t know this code."));
    assert!(!got.body.contains("s3cret"));
}

#[tokio::test]
async fn nothing_typed_is_nothing_asked() {
    let bench = Bench::stranger();
    for (form, sentence) in [
        ("", "Please type in your username"),
        ("username=a%00&passcode=b", "We don’t know this username."),
    ] {
        assert!(bench.post("/login", form).await.body.contains(sentence), "{form}");
        assert_eq!(bench.asked(), [""; 0]);
    }
}

#[tokio::test]
async fn everybody_is_spoken_to_in_their_language() {
    let bench = Bench::stranger();
    for (header, start) in [
        ("de-AT,en;q=0.5", r#"<html lang="de" dir="ltr">"#),
        ("ar-EG", r#"<html lang="ar" dir="rtl">"#),
        ("sv", r#"<html lang="en" dir="ltr">"#),
    ] {
        let request = Request::get("/").header("host", LOCAL).header("accept-language", header);
        let got = bench.send(request.body("").unwrap()).await;
        assert!(got.body.contains(start), "{header}");
    }
    let request = Request::get("/?lang=zh").header("host", LOCAL).header("accept-language", "de");
    let got = bench.send(request.body("").unwrap()).await;
    assert!(got.body.contains(r#"<html lang="zh""#));
}

#[tokio::test]
async fn after_port_80_guests_go_on_at_the_portals_own_port() {
    let mut settings = settings();
    settings.portal_name = Some("login.hotspot.lan".into());
    let bench = Bench::new(settings);
    let got = bench.get("login.hotspot.lan", "/").await;
    assert_eq!(got.status, StatusCode::OK);
    // Browsers hold the redirect after a form to this policy as well.
    assert!(
        got.header("content-security-policy")
            .contains("form-action 'self' http://login.hotspot.lan:8880;")
    );
    for (host, location) in [
        ("login.hotspot.lan", "http://login.hotspot.lan:8880/"),
        ("192.168.10.1", "http://192.168.10.1:8880/"),
    ] {
        let request = Request::post("/login").header("host", host);
        let got = bench.send(request.body("code=a").unwrap()).await;
        assert_eq!((got.status, got.location()), (StatusCode::SEE_OTHER, location));
    }
}

#[tokio::test]
async fn a_box_beside_the_terms_must_be_ticked() {
    let scratch = crate::temp_dir::Scratch::new();
    std::fs::write(scratch.path().join("terms.txt"), "Be <kind>.\n\nAlways.").unwrap();
    std::fs::write(scratch.path().join("brand.conf"), "terms = box").unwrap();
    std::fs::write(scratch.path().join("logo.svg"), "<svg><script>x</script></svg>").unwrap();
    let (theme, warnings) = Theme::load(scratch.path());
    assert_eq!(warnings, [""; 0]);
    let bench = Bench::new(Settings { theme, ..settings() });
    let got = bench.home().await;
    assert!(got.body.contains("<p>Be &lt;kind&gt;.</p><p>Always.</p>"));
    assert!(got.body.contains(r#"name="terms" value="1" required"#));
    bench.asked();
    let got = bench.post("/login", "code=a").await;
    assert!(got.body.contains("accept the terms of use first"));
    assert_eq!(bench.asked(), [""; 0]);
    assert_eq!(bench.post("/login", "code=a&terms=1").await.status, StatusCode::SEE_OTHER);

    let got = bench.get(LOCAL, "/logo").await;
    assert_eq!(got.header("content-type"), "image/svg+xml");
    assert!(got.header("content-security-policy").contains("sandbox"));
}

#[tokio::test]
async fn paths_that_lead_nowhere() {
    let stranger = Bench::stranger();
    let got = stranger.get(LOCAL, "/nowhere").await;
    assert_eq!((got.status, got.location()), (StatusCode::FOUND, "http://192.168.10.1:8880/"));
    let guest = Bench::guest();
    assert_eq!(guest.get(LOCAL, "/nowhere").await.status, StatusCode::NOT_FOUND);
    assert_eq!(guest.get(LOCAL, "/logo").await.status, StatusCode::NOT_FOUND);
    assert_eq!(guest.get(LOCAL, "/favicon.ico").await.status, StatusCode::NOT_FOUND);
    let got = guest.get(LOCAL, "/login?lang=de").await;
    assert_eq!(got.location(), "http://192.168.10.1:8880/?lang=de");
    assert_eq!(guest.post("/", "x=y").await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn pages_are_small() {
    for bench in [Bench::stranger(), Bench::guest()] {
        let size = bench.home().await.body.len();
        assert!(size < 8 * 1024, "{size} bytes");
    }
}

#[tokio::test]
async fn over_a_real_socket_the_portal_knows_where_it_was_reached() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (inbox, commands) = mpsc::channel(8);
    tokio::spawn(follow(commands, Shared::default()));
    let listener = super::super::super::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let settings = Settings { port: address.port(), ..settings() };
    let settings = watch::channel(Arc::new(settings)).1;
    let (_stop, stopped) = watch::channel(false);
    tokio::spawn(server(Handle::to(inbox), settings).run(listener, stopped));
    let ask = async |request: String| {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let answer = ask("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n".into()).await;
    assert!(answer.starts_with("HTTP/1.1 302 Found\r\n"), "{answer}");
    assert!(answer.contains(&format!("location: http://{address}/?next=")), "{answer}");
    let head = format!("HEAD / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let answer = ask(head).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
    assert!(ask("GET / HTTP/1.0\r\n\r\n".into()).await.contains("Guest Wi-Fi"));
}
