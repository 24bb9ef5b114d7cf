//! Every client's portal detection, in both states.

use super::*;

const APPLE: &str = "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>";
const FIREFOX: &str = "<meta http-equiv=\"refresh\" content=\"0;url=https://support.mozilla.org/kb/captive-portal\"/>";
const KINDLE: &str = "81ce4465-7167-4dcb-835b-dcc9e44c112a";
const ONLINE: &str = "NetworkManager is online\n";

/// Client, host, path, and what its own server says (empty: 204).
const PROBES: [(&str, &str, &str, &str); 20] = [
    ("Android", "connectivitycheck.gstatic.com", "/generate_204", ""),
    ("Android", "www.google.com", "/gen_204", ""),
    ("Android", "play.googleapis.com", "/generate_204", ""),
    ("Chromium", "www.gstatic.com", "/generate_204", ""),
    ("ChromeOS", "clients3.google.com", "/generate_204", ""),
    ("MIUI", "connect.rom.miui.com", "/generate_204", ""),
    ("Apple", "captive.apple.com", "/hotspot-detect.html", APPLE),
    ("Apple", "captive.apple.com", "/", APPLE),
    ("Apple, old", "www.apple.com", "/library/test/success.html", APPLE),
    ("Windows", "www.msftconnecttest.com", "/connecttest.txt", "Microsoft Connect Test"),
    ("Windows", "ipv6.msftconnecttest.com", "/connecttest.txt", "Microsoft Connect Test"),
    ("Windows, old", "www.msftncsi.com", "/ncsi.txt", "Microsoft NCSI"),
    ("Firefox", "detectportal.firefox.com", "/canonical.html", FIREFOX),
    ("Firefox", "detectportal.firefox.com", "/success.txt", "success\n"),
    ("GNOME", "nmcheck.gnome.org", "/check_network_status.txt", ONLINE),
    ("Debian", "network-test.debian.org", "/nm", ONLINE),
    ("Ubuntu", "connectivity-check.ubuntu.com", "/", ""),
    ("Fedora", "fedoraproject.org", "/static/hotspot.txt", "OK\n"),
    ("KDE", "networkcheck.kde.org", "/", "OK\n"),
    ("Kindle", "spectrum.s3.amazonaws.com", "/kindle-wifi/wifistub.html", KINDLE),
];

#[tokio::test]
async fn a_strangers_probe_finds_a_portal() {
    let bench = Bench::stranger();
    for (client, host, path, _) in PROBES {
        for user_agent in
            ["CaptiveNetworkSupport-481.60.2 wispr", "Dalvik/2.1.0", "Microsoft NCSI", ""]
        {
            let request = Request::get(path).header("host", host).header("user-agent", user_agent);
            let got = bench.send(request.body("").unwrap()).await;
            assert_eq!(got.status, StatusCode::FOUND, "{client}");
            // Nobody wants to go on to a probe, so there is no `next`.
            assert_eq!(got.location(), "http://192.168.10.1:8880/", "{client}");
            assert_eq!(got.header("cache-control"), "no-store", "{client}");
            assert_eq!(got.header("connection"), "close", "{client}");
            assert_eq!(got.body, "", "{client}");
        }
    }
}

#[tokio::test]
async fn a_guests_probe_is_answered_as_outside() {
    let bench = Bench::guest();
    for (client, host, path, body) in PROBES {
        let got = bench.get(host, path).await;
        let status = if body.is_empty() { StatusCode::NO_CONTENT } else { StatusCode::OK };
        assert_eq!((got.status, got.body.as_str()), (status, body), "{client}");
        assert_eq!(got.header("connection"), "close", "{client}");
        assert_eq!(got.header("cache-control"), "no-store", "{client}");
    }
}

#[tokio::test]
async fn a_stranger_is_shown_in_with_the_page_they_wanted() {
    let bench = Bench::stranger();
    let got = bench.get("example.com", "/a%20b?c={d}&e='f").await;
    assert_eq!(got.status, StatusCode::FOUND);
    assert_eq!(
        got.location(),
        "http://192.168.10.1:8880/?next=http%3A%2F%2Fexample.com%2Fa%2520b%3Fc%3D%257Bd%257D%26e%3D%2527f"
    );
    // Whatever a form was about to say to somebody else, it is not said to us.
    let request = Request::post("/x").header("host", "example.com").body("secret").unwrap();
    let got = bench.send(request).await;
    assert_eq!((got.status, got.location()), (StatusCode::SEE_OTHER, "http://192.168.10.1:8880/"));
    let request = Request::head("/x").header("host", "example.com").body("").unwrap();
    assert_eq!(bench.send(request).await.status, StatusCode::FOUND);
}

#[tokio::test]
async fn a_guest_whose_connection_is_old_is_sent_back() {
    let bench = Bench::guest();
    let got = bench.get("example.com:8080", "/a?b={c}").await;
    assert_eq!(got.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(got.location(), "http://example.com:8080/a?b=%7Bc%7D");
    assert_eq!((got.header("connection"), got.header("cache-control")), ("close", "no-store"));
    let request = Request::post("/generate_204").header("host", "example.com").body("x").unwrap();
    assert_eq!(bench.send(request).await.status, StatusCode::TEMPORARY_REDIRECT);
}

#[tokio::test]
async fn a_session_that_is_not_in_force_does_not_send_anybody_round_for_ever() {
    let bench = Bench::guest();
    let mut sent_back = 0;
    for _ in 0..2 * MAX_REDIRECTS {
        match bench.get("example.com", "/").await {
            got if got.status == StatusCode::TEMPORARY_REDIRECT => sent_back += 1,
            got => {
                assert_eq!(got.location(), "http://192.168.10.1:8880/");
                assert_eq!(got.status, StatusCode::FOUND);
            }
        }
    }
    assert!((MAX_REDIRECTS..2 * MAX_REDIRECTS).contains(&sent_back), "{sent_back}");
}

#[tokio::test]
async fn a_hotspot_that_does_not_answer_still_shows_in() {
    let bench = Bench::stranger();
    bench.script.lock().unwrap().broken = true;
    let got = bench.get("captive.apple.com", "/hotspot-detect.html").await;
    assert_eq!((got.status, got.location()), (StatusCode::FOUND, "http://192.168.10.1:8880/"));
    let got = bench.get(LOCAL, "/?lang=de").await;
    assert_eq!(got.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(got.body.contains("gleich noch einmal"));
    let got = bench.get(LOCAL, "/captive-portal").await;
    assert_eq!(got.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn devices_that_ask_the_api_are_told() {
    let mut settings = settings();
    settings.portal_name = Some("login.hotspot.lan".into());
    settings.venue_url = Some("https://hotel.example/".into());
    let bench = Bench::new(settings);
    let got = bench.get("login.hotspot.lan:8880", "/captive-portal").await;
    assert_eq!(got.header("content-type"), "application/captive+json");
    assert_eq!(got.header("cache-control"), "private, no-store");
    assert_eq!(
        got.body,
        r#"{"captive":true,"user-portal-url":"http://login.hotspot.lan:8880/","venue-info-url":"https://hotel.example/"}"#
    );
    bench.script.lock().unwrap().online = Some(online());
    let got = bench.get(LOCAL, "/captive-portal").await;
    assert!(got.body.starts_with(r#"{"captive":false,"#), "{}", got.body);
    assert!(got.body.ends_with(r#""seconds-remaining":11520}"#), "{}", got.body);
}
