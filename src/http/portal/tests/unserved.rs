//! Requests that never reach a handler, over real connections.

use std::net::Ipv4Addr;

use axum::routing::any;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::http::bind;

/// As many as there are places.
const PLACES: usize = 192;

/// A portal that listens.
struct Listening {
    address: SocketAddr,
    /// It stops without.
    _stop: watch::Sender<bool>,
    _bench: Bench,
}

/// Every connection is another device's.
fn every_connection_is_another_peer() -> Arc<dyn Fn(IpAddr, Option<Mac>) -> PeerKey + Send + Sync> {
    let next = std::sync::atomic::AtomicU32::new(0);
    Arc::new(move |_, _| {
        let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        PeerKey::Address(IpAddr::from(number.to_be_bytes()))
    })
}

impl Listening {
    /// Whose pages are these, if not the portal's.
    fn with(pages: Option<Router>) -> Self {
        let listener = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let mut settings = settings();
        settings.port = address.port();
        let (inbox, commands) = mpsc::channel(8);
        let script = Shared::default();
        tokio::spawn(follow(commands, script.clone()));
        let bench = Bench::new(settings.clone());
        let mut server = server(Handle::to(inbox), watch::channel(Arc::new(settings)).1);
        server.peer = every_connection_is_another_peer();
        if let Some(pages) = pages {
            server.router = pages;
        }
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(server.run(listener, stopped));
        Self { address, _stop: stop, _bench: bench }
    }

    fn portal(&self) -> String {
        self.address.to_string()
    }

    async fn open(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    async fn ask(&self, request: &str) -> String {
        told(self.open(request).await).await
    }

    /// A stranger is shown the way, and told that the connection ends.
    fn shows_the_way(&self, answer: &str) -> bool {
        let location = format!("location: http://{}/\r\n", self.portal());
        answer.starts_with("HTTP/1.1 302 Found\r\n")
            && answer.contains(&location)
            && answer.contains("connection: close\r\n")
            && answer.contains("cache-control: no-store\r\n")
            && answer.ends_with("content-length: 0\r\n\r\n")
    }
}

/// Everything until the end, which is none by a reset.
async fn told(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

/// Requests that hyper refuses, as they begin; what follows are headers.
fn unreadable() -> Vec<(u16, String)> {
    let cookie = format!("GET / HTTP/1.1\r\nCookie: {}\r\n", "c".repeat(59_000));
    let many = format!("GET / HTTP/1.1\r\n{}", "X: y\r\n".repeat(200));
    let long = format!("GET /{} HTTP/1.1\r\n", "u".repeat(70_000));
    let large = [cookie, many, long].map(|request| (431, request));
    let odd = [
        "GET /a<b HTTP/1.1\r\n",
        "GET /a`b HTTP/1.1\r\n",
        "GET /a b HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nX: y\r\n folded\r\n",
        "GET / HTTP/3.7\r\n",
        "GET /\r\n",
        "G{T / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n",
    ]
    .map(|request| (400, request.to_owned()));
    large.into_iter().chain(odd).collect()
}

#[tokio::test]
async fn whoever_sends_what_cannot_be_read_is_shown_the_way() {
    let listening = Listening::with(None);
    for (_, request) in unreadable() {
        let (line, headers) = request.split_once("\r\n").unwrap();
        let with_host = format!("{line}\r\nHost: www.example.com\r\n{headers}\r\n");
        for request in [with_host, format!("{request}\r\n")] {
            let answer = listening.ask(&request).await;
            assert!(listening.shows_the_way(&answer), "{:.100}: {answer}", request);
        }
    }
    // Behind a request that could be read.
    let first = format!("GET /logo HTTP/1.1\r\nHost: {}\r\n\r\n", listening.portal());
    let answers = listening.ask(&format!("{first}GET /< HTTP/1.1\r\n\r\n")).await;
    let second = answers.rfind("HTTP/1.1 ").unwrap();
    assert!(answers.starts_with("HTTP/1.1 404 "), "{answers}");
    assert!(listening.shows_the_way(&answers[second..]), "{answers}");
}

#[tokio::test]
async fn the_portal_has_a_page_about_it_and_leads_nobody_in_circles() {
    let listening = Listening::with(None);
    for (status, request) in unreadable().into_iter().filter(|(_, it)| it.len() < 60_000) {
        let (line, headers) = request.split_once("\r\n").unwrap();
        let host = format!("Host: {}\r\nAccept-Language: de\r\n", listening.portal());
        let answer = listening.ask(&format!("{line}\r\n{host}{headers}\r\n")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request:.50}: {answer}");
        assert!(!answer.contains("location:"), "{answer}");
        assert!(answer.contains("lang=\"de\"") && answer.contains("Cookies"), "{answer}");
        assert!(answer.ends_with("</html>\n"), "{answer}");
    }
}

#[tokio::test]
async fn a_browser_with_many_cookies_and_headers_is_heard() {
    let listening = Listening::with(None);
    let host = listening.portal();
    let cookie = format!("Cookie: {}\r\n", "c".repeat(12_000));
    let headers = "X: y\r\n".repeat(100);
    for header in [cookie, headers] {
        let get = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{header}\r\n");
        let page = listening.ask(&get).await;
        assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("name=\"passcode\""), "{page}");
    }
}

#[tokio::test]
async fn answers_of_the_portal_stay_as_they_are() {
    let listening = Listening::with(None);
    let host = listening.portal();
    let get = |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n");
    let post = format!("POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n");
    let pipelined = [get("/logo", ""), post, get("/favicon.ico", "Connection: close\r\n")].concat();
    let answers = listening.ask(&pipelined).await;
    let statuses = answers.matches("HTTP/1.1 4").count();
    assert_eq!((statuses, answers.matches("HTTP/1.1 405").count()), (3, 1), "{answers}");
    let expecting = "Content-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\n\
                     Connection: close\r\nContent-Length: 6\r\n";
    let head = format!("POST /login HTTP/1.1\r\nHost: {host}\r\n{expecting}\r\ncode=x");
    let answer = listening.ask(&head).await;
    assert!(answer.contains("HTTP/1.1 303 "), "{answer}");
}

/// Answers that never come.
fn pending() -> Router {
    Router::new().fallback(any(std::future::pending::<Response>))
}

#[tokio::test]
async fn where_there_is_no_place_the_way_is_shown_all_the_same() {
    let listening = Listening::with(Some(pending()));
    let elsewhere = "GET /generate_204 HTTP/1.1\r\nHost: probe.example\r\n\r\n";
    let mut held = Vec::new();
    for _ in 0..PLACES {
        held.push(listening.open(elsewhere).await);
    }
    for request in [elsewhere, "", "GET / HTTP/1.0\r\n\r\n"] {
        let answer = listening.ask(request).await;
        assert!(listening.shows_the_way(&answer), "{request}: {answer}");
    }
    let here = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", listening.portal());
    let answer = listening.ask(&here).await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("<h1>"), "{answer}");
    // However many they are, they are told at once.
    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(listening.open("").await);
    }
    for stream in silent {
        assert!(listening.shows_the_way(&told(stream).await));
    }
}

#[tokio::test]
async fn whoever_does_nothing_makes_room() {
    let listening = Listening::with(None);
    let body = format!(
        "POST /login HTTP/1.1\r\nHost: {}\r\nContent-Length: 10\r\n\r\ncode",
        listening.portal()
    );
    // Nothing, the beginning of a request, the beginning of a body.
    let mut held = Vec::new();
    for number in 0..PLACES {
        held.push(listening.open(["", "GET / HT", &body][number % 3]).await);
    }
    let here = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", listening.portal());
    for oldest in held.iter_mut().take(3) {
        let page = listening.ask(&here).await;
        // So many are there that none is kept waiting for another request.
        assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("connection: close"), "{page}");
        let first = std::mem::replace(oldest, listening.open("").await);
        let end = told(first);
        assert_eq!(end.await, "", "the oldest is still there");
    }
}

#[tokio::test]
async fn connections_are_kept_while_there_is_room() {
    let listening = Listening::with(None);
    let here = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", listening.portal());
    let last = here.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    let pages = listening.ask(&(here + &last)).await;
    assert_eq!(pages.matches("HTTP/1.1 200 ").count(), 2, "{pages}");
}
