//! Programs that sign people in over RADIUS, as they come from Debian: PAM, OpenVPN, and the client
//! that tests hostapd's networks. No machine of ours has an access point in it, nor pppd's kernel.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::ours::{DEAF_PORT, Ours};
use super::peers::{Ports, SECRET, free_port, installed, skipped};
use super::support::{Scratch, until};

/// These sign nothing.
const UNSIGNED: &str = "option require_message_authenticator '0'\noption vendor 'none'";

#[test]
fn pam() {
    let Some(pam) = Pam::new() else { return };
    let ours = Ours::with(UNSIGNED, DEAF_PORT);
    ours.voucher("anna", "green pear", &[]);
    let output = pam.run(ours.ports, "green pear", &["authenticate", "open_session"]);
    assert!(output.status.success(), "{output:?}");
    let sessions = ours.sessions();
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    assert_eq!(sessions[0]["login"], "anna");
    let output = pam.run(ours.ports, "green apple", &["authenticate"]);
    assert!(!output.status.success(), "{output:?}");
    let long = "a password that is longer than one block of MD5, and longer than two of them";
    ours.voucher("berta", long, &[]);
    let output = pam.named("berta", ours.ports, long, &["authenticate"]);
    assert!(output.status.success(), "{output:?}");
}

/// PAM with a service of its own, in a mount namespace.
struct Pam(Scratch);

impl Pam {
    fn new() -> Option<Self> {
        if !installed("pamtester") || !installed("unshare") {
            return None;
        }
        let libraries = ["/lib", "/usr/lib"].map(|it| fs::read_dir(it).into_iter().flatten());
        let mut modules = libraries.into_iter().flatten().flatten().map(|it| it.path());
        if !modules.any(|it| it.join("security/pam_radius_auth.so").is_file()) {
            skipped("libpam-radius-auth is not installed");
            return None;
        }
        let alone = Command::new("unshare").args(["-Urm", "true"]).stderr(Stdio::null()).status();
        if !alone.is_ok_and(|status| status.success()) {
            skipped("no namespaces to be had");
            return None;
        }
        Some(Self(Scratch::new()))
    }

    fn run(&self, to: Ports, password: &str, what: &[&str]) -> Output {
        self.named("anna", to, password, what)
    }

    fn named(&self, name: &str, to: Ports, password: &str, what: &[&str]) -> Output {
        let directory = self.0.path();
        let (services, servers) = (directory.join("pam.d"), directory.join("servers"));
        fs::create_dir_all(&services).unwrap();
        // It reports to the port after this one.
        fs::write(&servers, format!("{} {SECRET} 10\n", to.auth)).unwrap();
        let module = format!("pam_radius_auth.so conf={}", servers.display());
        let service = format!(
            "auth required {module}\naccount required pam_permit.so\nsession required {module}\n"
        );
        fs::write(services.join("guests"), service).unwrap();
        let script = "mount --bind \"$1\" /etc/pam.d && shift && exec pamtester \"$@\"";
        let mut child = Command::new("unshare")
            .args(["-Urm", "sh", "-c", script, "sh"])
            .arg(&services)
            .args(["-I", "rhost=10.9.0.9", "guests", name])
            .args(what)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{password}").unwrap();
        child.wait_with_output().unwrap()
    }
}

#[test]
fn openvpn() {
    let Some(vpn) = Vpn::new() else { return };
    let ports = vpn.ports;
    let ours = Ours::at(ports, &super::ours::loopback(UNSIGNED, DEAF_PORT));
    ours.voucher("anna", "pear", &[("valid_for", "1 hour")]);
    let _server = vpn.serve();
    let client = vpn.connect("anna", "pear");
    ours.wait_for_sessions("anna is online", |sessions| sessions.len() == 1);
    let session = &ours.sessions()[0];
    assert_eq!(session["login"], "anna", "{session}");
    assert_eq!(session["address"], "10.99.0.2", "{session}");
    drop(client);
    ours.wait_for_sessions("anna is not any more", |sessions| sessions.is_empty());
    // What it has counted of the handshake.
    ours.wait_for_log("anna is not online any more at lobby");
    let log = ours.log();
    assert!(!log.contains(" 0 octets down") && !log.contains(", 0 up"), "{log}");

    let _stranger = vpn.connect("anna", "apple");
    ours.wait_for_log("Wrong password.");
    let refused = until(|| vpn.read("client.log").contains("AUTH_FAILED"));
    assert!(refused, "{}", vpn.read("client.log"));
    assert!(ours.sessions().is_empty());
}

/// An OpenVPN server and its clients.
struct Vpn {
    scratch: Scratch,
    ports: Ports,
    port: SocketAddr,
}

impl Vpn {
    fn new() -> Option<Self> {
        if !installed("openvpn") || !installed("openssl") {
            return None;
        }
        if !Path::new(PLUGIN).exists() {
            skipped("openvpn-auth-radius is not installed");
            return None;
        }
        if !nix::unistd::Uid::effective().is_root() || !Path::new("/dev/net/tun").exists() {
            skipped("OpenVPN needs root and /dev/net/tun");
            return None;
        }
        let (scratch, port) = (Scratch::new(), free_port());
        // Its plugin reads four digits of a port.
        let ports = Ports { auth: short_port(0), acct: short_port(1) };
        let vpn = Self { scratch, ports, port };
        vpn.write_configuration();
        Some(vpn)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn write_configuration(&self) {
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=hotspotd-test", "-keyout"])
            .arg(self.path("key.pem"))
            .arg("-out")
            .arg(self.path("cert.pem"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        fs::create_dir(self.path("ccd")).unwrap();
        let directory = self.scratch.path().display();
        let (port, device) = (self.port.port(), format!("hs-{}", std::process::id() % 100_000));
        let server = format!(
            "mode server\ntls-server\nlocal 127.0.0.1\nport {port}\nproto udp\ndev {device}\n\
             dev-type tun\ntopology subnet\nifconfig 10.99.0.1 255.255.255.0\n\
             ifconfig-pool 10.99.0.2 10.99.0.9 255.255.255.0\nifconfig-noexec\n\
             ca {directory}/cert.pem\ncert {directory}/cert.pem\nkey {directory}/key.pem\ndh none\n\
             verify-client-cert none\nusername-as-common-name\nclient-config-dir {directory}/ccd\n\
             plugin {PLUGIN} {directory}/plugin.cnf\nstatus {directory}/status 1\n\
             keepalive 1 5\nverb 3\n"
        );
        fs::write(self.path("server.conf"), server).unwrap();
        let plugin = format!(
            "NAS-Identifier=openvpn\nService-Type=5\nFramed-Protocol=1\nNAS-Port-Type=5\n\
             NAS-IP-Address=127.0.0.1\nOpenVPNConfig={directory}/server.conf\n\
             subnet=255.255.255.0\noverwriteccfiles=true\nserver\n{{\nacctport={}\nauthport={}\n\
             name=127.0.0.1\nretry=3\nwait=5\nsharedsecret={SECRET}\n}}\n",
            self.ports.acct.port(),
            self.ports.auth.port()
        );
        fs::write(self.path("plugin.cnf"), plugin).unwrap();
    }

    fn serve(&self) -> Program {
        let server = self.start("server");
        let up = until(|| self.read("server.log").contains("Initialization Sequence Completed"));
        assert!(up, "{}", self.read("server.log"));
        server
    }

    fn connect(&self, name: &str, password: &str) -> Program {
        fs::write(self.path("login"), format!("{name}\n{password}\n")).unwrap();
        let directory = self.scratch.path().display();
        let client = format!(
            "client\nremote 127.0.0.1 {} udp\ndev null\nifconfig-noexec\nroute-noexec\nnobind\n\
             ca {directory}/cert.pem\nauth-user-pass {directory}/login\n\
             explicit-exit-notify 1\nverb 3\n",
            self.port.port()
        );
        fs::write(self.path("client.conf"), client).unwrap();
        self.start("client")
    }

    fn start(&self, name: &str) -> Program {
        let log = fs::File::create(self.path(&format!("{name}.log"))).unwrap();
        let mut openvpn = Command::new("openvpn");
        openvpn.arg("--config").arg(self.path(&format!("{name}.conf")));
        let child = openvpn.stdin(Stdio::null()).stdout(log).spawn().unwrap();
        Program(child)
    }
}

const PLUGIN: &str = "/usr/lib/openvpn/radiusplugin.so";

/// A program that is told to end with the test.
pub(super) struct Program(pub(super) Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.0.id() as i32), Signal::SIGTERM);
        if !until(|| !matches!(self.0.try_wait(), Ok(None))) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

/// A port of four digits that nobody has.
fn short_port(parity: u16) -> SocketAddr {
    let first = 5000 + (std::process::id() % 2000) as u16 * 2 + parity;
    let ports = (first..9999).step_by(2).map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    ports.into_iter().find(|address| UdpSocket::bind(address).is_ok()).unwrap()
}

#[test]
fn eapol_test() {
    if !installed("eapol_test") {
        return;
    }
    let ours = Ours::start();
    ours.voucher("anna", "pear", &[]);
    let scratch = Scratch::new();
    let network = scratch.path().join("network.conf");
    for method in ["MD5", "PEAP", "TTLS", "PWD"] {
        let text = format!(
            "network={{\nkey_mgmt=WPA-EAP\neap={method}\nidentity=\"anna\"\npassword=\"pear\"\n\
             phase2=\"auth=PAP\"\n}}\n"
        );
        fs::write(&network, text).unwrap();
        let output = Command::new("eapol_test")
            .arg("-c")
            .arg(&network)
            .args(["-a", "127.0.0.1", "-p", &ours.ports.auth.port().to_string(), "-s", SECRET])
            .args(["-t", "20"])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        // An access point that hears nothing would try the next server, and let guests wait.
        let rejected = text.contains("code=3 (Access-Reject)");
        assert!(rejected && text.ends_with("FAILURE\n"), "{method}:\n{text}");
        assert!(!text.contains("EAPOL test timed out"), "{method}:\n{text}");
    }
}
