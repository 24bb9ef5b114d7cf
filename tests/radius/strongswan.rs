//! strongSwan as Debian has it: IKEv1 with XAuth over RADIUS, accounting, and Disconnect-Requests. Two
//! daemons on loopback, without IPsec of the kernel: sign-in and reports belong to the IKE_SA.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::ours::{Ours, loopback};
use super::peers::{Ports, SECRET, free_port, free_ports, installed, skipped};
use super::programs::Program;
use super::support::{Scratch, until};

#[test]
fn strongswan_signs_in_by_xauth_reports_and_ends_sessions_when_told_to() {
    let Some(vpn) = Vpn::new() else { return };
    let ours = Ours::at(vpn.radius, &loopback("option vendor 'none'", vpn.orders));
    ours.voucher("anna", "pear", &[("valid_for", "1 hour")]);
    let _gateway = vpn.start("gateway", &vpn.gateway());
    let client = vpn.start("client", &vpn.client("pear"));
    let output = vpn.swanctl("client", &["--initiate", "--ike", "gw"]);
    assert!(output.status.success(), "{output:?}\n{}", vpn.read("gateway.log"));
    ours.wait_for_sessions("anna is online", |sessions| {
        sessions.len() == 1 && sessions[0]["login"] == "anna"
    });
    vpn.swanctl("client", &["--terminate", "--ike", "gw"]);
    ours.wait_for_sessions("anna is offline", <[_]>::is_empty);

    let output = vpn.swanctl("client", &["--initiate", "--ike", "gw"]);
    assert!(output.status.success(), "{output:?}");
    ours.wait_for_sessions("anna is online again", |sessions| sessions.len() == 1);
    ours.cli_ok(&["session", "close", "anna"]);
    ours.wait_for_sessions("anna was told to go", <[_]>::is_empty);
    let gone = until(|| vpn.swanctl("client", &["--list-sas"]).stdout.is_empty());
    assert!(gone, "{}", vpn.read("client.log"));
    let shown = ours.cli_ok(&["client", "show", "lobby"]);
    assert!(shown.contains("sessions ended      1"), "{shown}");
    drop(client);

    let _stranger = vpn.start("client", &vpn.client("apple"));
    let output = vpn.swanctl("client", &["--initiate", "--ike", "gw"]);
    assert!(!output.status.success(), "{output:?}");
    ours.wait_for_log("Wrong password.");
    assert!(ours.sessions().is_empty());
}

/// A gateway and its client.
struct Vpn {
    scratch: Scratch,
    radius: Ports,
    /// Where the gateway hears Disconnect-Requests.
    orders: u16,
    /// Of gateway and client: for IKE, and for IKE behind NAT.
    gateway_ports: [u16; 2],
    client_ports: [u16; 2],
}

impl Vpn {
    fn new() -> Option<Self> {
        if !installed("charon-systemd") || !installed("swanctl") {
            return None;
        }
        if !Path::new("/usr/lib/ipsec/plugins/libstrongswan-eap-radius.so").exists() {
            skipped("libcharon-extra-plugins is not installed");
            return None;
        }
        if !nix::unistd::Uid::effective().is_root() || !Path::new("/dev/net/tun").exists() {
            skipped("strongSwan needs root and /dev/net/tun");
            return None;
        }
        let port = || free_port().port();
        Some(Self {
            scratch: Scratch::new(),
            radius: free_ports(),
            orders: port(),
            gateway_ports: [port(), port()],
            client_ports: [port(), port()],
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn gateway(&self) -> String {
        // It reports once an address is given out (Mode Config).
        "connections {\n gw {\n version = 1\n local_addrs = 127.0.0.1\n pools = guests\n\
         local {\n auth = psk\n id = gw\n }\n remote {\n auth = psk\n }\n\
         remote-x {\n auth = xauth-radius\n }\n\
         children {\n net {\n local_ts = 10.97.0.0/24\n }\n }\n }\n}\n\
         pools {\n guests {\n addrs = 10.97.0.0/24\n }\n}\n\
         secrets {\n ike-1 {\n secret = psk\n }\n}\n"
            .to_owned()
    }

    fn client(&self, password: &str) -> String {
        let ([_, remote], [_, local]) = (self.gateway_ports, self.client_ports);
        format!(
            "connections {{\n gw {{\n version = 1\n local_addrs = 127.0.0.1\n\
             remote_addrs = 127.0.0.1\n vips = 0.0.0.0\n remote_port = {remote}\n local_port = {local}\n\
             local {{\n auth = psk\n id = guest\n }}\n\
             local-x {{\n auth = xauth\n xauth_id = anna\n }}\n\
             remote {{\n auth = psk\n id = gw\n }}\n\
             children {{\n net {{\n remote_ts = 10.97.0.0/24\n }}\n }}\n }}\n}}\n\
             secrets {{\n ike-1 {{\n secret = psk\n }}\n\
             xauth-1 {{\n id = anna\n secret = {password}\n }}\n}}\n"
        )
    }

    fn settings(&self, name: &str) -> String {
        let is_gateway = name == "gateway";
        let [port, nat] = if is_gateway { self.gateway_ports } else { self.client_ports };
        let socket = format!("socket = unix://{}", self.path(&format!("{name}.vici")).display());
        let radius = format!(
            "eap-radius {{\n accounting = yes\n servers {{\n one {{\n address = 127.0.0.1\n\
             auth_port = {}\n acct_port = {}\n secret = {SECRET}\n }}\n }}\n\
             dae {{\n enable = yes\n listen = 127.0.0.1\n port = {}\n secret = {SECRET}\n }}\n }}\n",
            self.radius.auth.port(),
            self.radius.acct.port(),
            self.orders
        );
        let (plugin, radius) =
            if is_gateway { (" eap-radius", radius) } else { ("", String::new()) };
        // No routes and no rules of this machine's are touched.
        format!(
            "charon-systemd {{\n load = random nonce openssl aes sha1 sha2 hmac gmp kernel-libipsec \
             kernel-netlink socket-default vici xauth-generic{plugin}\n port = {port}\n\
             port_nat_t = {nat}\n routing_table = 0\n install_routes = no\n\
             install_virtual_ip = no\n journal {{\n default = -1\n }}\n\
             filelog {{\n stderr {{\n default = 1\n }}\n }}\n\
             plugins {{\n vici {{\n {socket}\n }}\n {radius} }}\n}}\n\
             swanctl {{\n load = random openssl aes sha1 sha2 hmac pem\n\
             plugins {{\n vici {{\n {socket}\n }}\n }}\n}}\n"
        )
    }

    fn start(&self, name: &str, connections: &str) -> Program {
        fs::write(self.path(&format!("{name}.strongswan")), self.settings(name)).unwrap();
        let file = self.path(&format!("{name}.swanctl"));
        fs::write(&file, connections).unwrap();
        let log = fs::File::create(self.path(&format!("{name}.log"))).unwrap();
        let mut charon = Command::new("charon-systemd");
        charon.env("STRONGSWAN_CONF", self.path(&format!("{name}.strongswan")));
        charon.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let program = Program(charon.spawn().unwrap());
        let load = ["--load-all", "--file", file.to_str().unwrap()];
        let loaded = until(|| self.swanctl(name, &load).status.success());
        assert!(loaded, "{}", self.read(&format!("{name}.log")));
        program
    }

    fn swanctl(&self, name: &str, arguments: &[&str]) -> Output {
        let socket = format!("unix://{}", self.path(&format!("{name}.vici")).display());
        Command::new("swanctl")
            .env("STRONGSWAN_CONF", self.path(&format!("{name}.strongswan")))
            .args(arguments)
            .args(["--uri", &socket])
            .output()
            .unwrap()
    }
}
