//! The portal as guests and their devices meet it, with a hotspot that says what it is told to.

mod hostile;
mod pages;
mod probes;
mod unserved;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use tokio::sync::{mpsc, watch};
use tower_service::Service;

use super::*;
use crate::domain::login::{Credential, Refusal};
use crate::domain::session::{Allowance, Usage};
use crate::domain::time::Timestamp;
use crate::hotspot::Command;

pub(super) const LOCAL: &str = "192.168.10.1:8880";
const GUEST: [u8; 4] = [192, 168, 10, 77];

pub(super) fn settings() -> Settings {
    Settings {
        network: "lobby".into(),
        port: 8880,
        portal_name: None,
        address_v4: None,
        venue_url: None,
        zone: Zone::from_posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap(),
        theme: Theme::default(),
    }
}

pub(super) fn online() -> Online {
    Online {
        login: "abc234".into(),
        mac: "98:01:A7:CB:BB:00".parse().unwrap(),
        uptime: Duration::from_secs(60),
        usage: Usage { download: 3 << 20, upload: 1 << 20 },
        left: Allowance { time: Some(Duration::from_secs(11_520)), download: None, upload: None },
        until: Some(Timestamp::from_unix(1_752_739_200)),
    }
}

/// What the hotspot says, and what it was asked.
#[derive(Default)]
struct Script {
    online: Option<Online>,
    refusal: Option<Refusal>,
    broken: bool,
    asked: Vec<String>,
}

type Shared = Arc<Mutex<Script>>;

/// A portal in front of a hotspot that follows a script.
struct Bench {
    router: Router,
    script: Shared,
    peer: IpAddr,
    local: SocketAddr,
}

struct Got {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn location(&self) -> &str {
        self.header("location")
    }
}

impl Bench {
    fn new(settings: Settings) -> Self {
        let (inbox, commands) = mpsc::channel(8);
        let script = Shared::default();
        tokio::spawn(follow(commands, script.clone()));
        let settings = watch::channel(Arc::new(settings)).1;
        let router = server(Handle::to(inbox), settings).router;
        Self { router, script, peer: GUEST.into(), local: LOCAL.parse().unwrap() }
    }

    fn stranger() -> Self {
        Self::new(settings())
    }

    fn guest() -> Self {
        let bench = Self::stranger();
        bench.script.lock().unwrap().online = Some(online());
        bench
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.script.lock().unwrap().asked)
    }

    async fn send(&self, request: Request<impl Into<Body>>) -> Got {
        let mut request = request.map(Into::into);
        request.extensions_mut().insert(Peer(self.peer));
        request.extensions_mut().insert(PeerMac(None));
        request.extensions_mut().insert(Local(self.local));
        let response = self.router.clone().call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Got { status: parts.status, headers: parts.headers, body }
    }

    /// Asks for `host` and path, as a browser does behind a redirect.
    async fn get(&self, host: &str, path: &str) -> Got {
        self.send(Request::get(path).header("host", host).body("").unwrap()).await
    }

    async fn home(&self) -> Got {
        self.get(LOCAL, "/").await
    }

    async fn post(&self, path: &str, form: &str) -> Got {
        let request = Request::post(path)
            .header("host", LOCAL)
            .header("origin", format!("http://{LOCAL}"))
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(form.to_owned()).unwrap()).await
    }
}

async fn follow(mut commands: mpsc::Receiver<Command>, script: Shared) {
    while let Some(command) = commands.recv().await {
        let mut script = script.lock().unwrap();
        if script.broken {
            continue;
        }
        let Command::Write(command) = command else { panic!("only writes are expected") };
        match command {
            Write::Visit { caller, reply } => {
                assert_eq!(&*caller.network, "lobby");
                script.asked.push("visit".into());
                let _ = reply.send(Ok(script.online.clone()));
            }
            Write::SignIn { caller, credential, reply } => {
                let typed = match credential {
                    Credential::Pair { username, passcode } => {
                        format!("{username}|{}", passcode.reveal())
                    }
                    Credential::Code(code) => code.reveal().to_owned(),
                };
                script.asked.push(format!("sign in {typed} from {}", caller.address));
                let answer = match script.refusal {
                    Some(refusal) => Err(refusal),
                    None => Ok(script.online.insert(online()).clone()),
                };
                let _ = reply.send(Ok(answer));
            }
            Write::SignOut { reply, .. } => {
                script.asked.push("sign out".into());
                let answer = match script.refusal {
                    Some(refusal) => Err(refusal),
                    None => Ok(script.online.take().is_some()),
                };
                let _ = reply.send(Ok(answer));
            }
            _ => panic!("not a guest's command"),
        }
    }
}
