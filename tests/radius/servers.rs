//! Access servers as they come from Debian, each in its own processes beside the real binary:
//! radsecproxy and ocserv.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::ours::{DEAF_PORT, Ours, loopback};
use super::peers::{Ports, SECRET, account, free_port, free_ports, installed, log_in, skipped};
use super::programs::Program;
use super::support::{Scratch, until};

/// Starts a program whose output goes into a file.
fn start(scratch: &Scratch, log: &str, program: &str, arguments: &[&str]) -> Program {
    let log = fs::File::create(scratch.path().join(log)).unwrap();
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    Program(command.spawn().unwrap())
}

fn read(scratch: &Scratch, name: &str) -> String {
    fs::read_to_string(scratch.path().join(name)).unwrap_or_default()
}

#[test]
fn radsecproxy_passes_on_sign_ins_and_reports() {
    if !installed("radsecproxy") || !installed("radclient") {
        return;
    }
    let ours = Ours::sections(&loopback("", DEAF_PORT).replace("127.0.0.0/8", "127.0.0.3"));
    ours.voucher("anna", "green pear", &[]);
    let (scratch, proxy) = (Scratch::new(), free_ports());
    let server = |name: &str, port: u16| {
        format!(
            "server {name} {{\n host 127.0.0.1\n type udp\n port {port}\n secret {SECRET}\n}}\n"
        )
    };
    let configuration = format!(
        "ListenUDP {}\nListenUDP {}\nSourceUDP 127.0.0.3\nLogLevel 3\n\
         client near {{\n host 127.0.0.1\n type udp\n secret {SECRET}\n}}\n{}{}\
         realm * {{\n server far\n accountingServer far-acct\n}}\n",
        proxy.auth,
        proxy.acct,
        server("far", ours.ports.auth.port()),
        server("far-acct", ours.ports.acct.port())
    );
    let file = scratch.path().join("radsecproxy.conf");
    fs::write(&file, configuration).unwrap();
    let _proxy = start(&scratch, "log", "radsecproxy", &["-f", "-c", file.to_str().unwrap()]);
    let up = until(|| super::peers::ask(proxy.auth, "status", "").code == "Access-Accept");
    assert!(up, "{}", read(&scratch, "log"));

    let station = "Calling-Station-Id = 02-00-00-00-00-01";
    for method in ["User-Password", "CHAP-Password"] {
        let answer =
            log_in(proxy, &format!("User-Name = anna\n{method} = \"green pear\"\n{station}"));
        assert_eq!(answer.code, "Access-Accept", "{method}: {answer:?}");
        let answer =
            log_in(proxy, &format!("User-Name = anna\n{method} = \"red pear\"\n{station}"));
        assert_eq!(answer.code, "Access-Reject", "{method}: {answer:?}");
        assert_eq!(answer.get("Reply-Message"), Some("Wrong password."), "{answer:?}");
    }
    let report = |kind: &str| {
        let session = "Acct-Session-Id = a1\nUser-Name = anna\nNAS-Identifier = behind";
        account(proxy, &format!("Acct-Status-Type = {kind}\n{session}\n{station}"));
    };
    report("Start");
    ours.wait_for_sessions("anna is online", |sessions| {
        sessions.len() == 1 && sessions[0]["MAC"] == "02:00:00:00:00:01"
    });
    report("Stop");
    ours.wait_for_sessions("anna is offline", <[_]>::is_empty);
}

/// radcli 1.2.11, which Debian 12's ocserv has, signs nothing.
const UNSIGNED: &str = "option require_message_authenticator '0'\noption vendor 'none'";

#[test]
fn ocserv_signs_in_and_reports() {
    let Some(vpn) = Ocserv::new() else { return };
    let ours = Ours::at(vpn.radius, &loopback(UNSIGNED, DEAF_PORT));
    ours.voucher("anna", "pear", &[("valid_for", "1 hour")]);
    let _server = vpn.serve();
    let client = vpn.connect("anna", "pear");
    ours.wait_for_sessions("anna is online", |sessions| sessions.len() == 1);
    let session = &ours.sessions()[0];
    assert_eq!(session["login"], "anna", "{session}");
    drop(client);
    ours.wait_for_sessions("anna is not any more", <[_]>::is_empty);
    ours.wait_for_log("anna is not online any more at lobby");

    let _stranger = vpn.connect("anna", "apple");
    ours.wait_for_log("Wrong password.");
    assert!(ours.sessions().is_empty());
    // It says Authenticate-Only and reports all the same: it is known by its first report.
    let logins = ours.cli_ok(&["logins", "--format", "csv"]);
    assert!(logins.contains("anna") && logins.contains("Wrong password."), "{logins}");
}

/// An ocserv and its clients.
struct Ocserv {
    scratch: Scratch,
    radius: Ports,
    port: u16,
}

impl Ocserv {
    fn new() -> Option<Self> {
        if !installed("ocserv") || !installed("openconnect") || !installed("openssl") {
            return None;
        }
        if !nix::unistd::Uid::effective().is_root() || !Path::new("/dev/net/tun").exists() {
            skipped("ocserv needs root and /dev/net/tun");
            return None;
        }
        let vpn = Self { scratch: Scratch::new(), radius: free_ports(), port: free_port().port() };
        vpn.write_configuration();
        Some(vpn)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn write_configuration(&self) {
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout"])
            .arg(self.path("key.pem"))
            .arg("-out")
            .arg(self.path("cert.pem"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let directory = self.scratch.path().display();
        fs::write(self.path("servers"), format!("127.0.0.1 {SECRET}\n")).unwrap();
        let radius = format!(
            "nas-identifier vpn\nauthserver 127.0.0.1:{}\nacctserver 127.0.0.1:{}\n\
             servers {directory}/servers\ndictionary /etc/radcli/dictionary\n\
             default_realm\nradius_timeout 10\nradius_retries 3\nbindaddr *\n",
            self.radius.auth.port(),
            self.radius.acct.port()
        );
        fs::write(self.path("radius.conf"), radius).unwrap();
        let server = format!(
            "auth = \"radius[config={directory}/radius.conf,groupconfig=true]\"\n\
             acct = \"radius[config={directory}/radius.conf]\"\nstats-report-time = 60\n\
             listen-host = 127.0.0.1\ntcp-port = {}\nsocket-file = {directory}/socket\n\
             pid-file = {directory}/pid\nserver-cert = {directory}/cert.pem\n\
             server-key = {directory}/key.pem\nisolate-workers = false\nmax-clients = 4\n\
             device = hs-oc\nipv4-network = 10.98.0.0\nipv4-netmask = 255.255.255.0\n\
             cookie-timeout = 10\nuse-occtl = false\ntry-mtu-discovery = false\n",
            self.port
        );
        fs::write(self.path("ocserv.conf"), server).unwrap();
    }

    fn serve(&self) -> Program {
        let configuration = self.path("ocserv.conf");
        let arguments = ["-f", "-d", "1", "-c", configuration.to_str().unwrap()];
        let server = start(&self.scratch, "server.log", "ocserv", &arguments);
        let up = until(|| std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok());
        assert!(up, "{}", read(&self.scratch, "server.log"));
        server
    }

    fn connect(&self, name: &str, password: &str) -> Program {
        let log = fs::File::create(self.path("client.log")).unwrap();
        fs::write(self.path("password"), format!("{password}\n")).unwrap();
        let mut client = Command::new("openconnect");
        client
            .args(["--non-inter", "--passwd-on-stdin", "--no-dtls", "-u", name])
            .args(["--no-system-trust", "--cafile"])
            .arg(self.path("cert.pem"))
            // In the place of a network device: a program that takes the packets.
            .args(["--script-tun", "--script", "cat > /dev/null"])
            .arg(format!("https://127.0.0.1:{}/", self.port))
            .stdin(fs::File::open(self.path("password")).unwrap())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        Program(client.spawn().unwrap())
    }
}
