//! A guest of the emulated router: one device that can pass for many.

use crate::machine::Machine;

/// Everything gives nothing once the router has gone.
pub struct Visitor<'a>(pub &'a Machine);

impl Visitor<'_> {
    /// Takes another MAC address, and an IP address that goes with it.
    pub fn pass_for(&self, number: u32) -> Option<()> {
        let batch = format!(
            "link set eth0 down
             link set eth0 address 02:00:00:00:{:02x}:{:02x}
             address flush dev eth0
             address add 192.168.77.{}/24 dev eth0
             link set eth0 up
             route add default via 192.168.77.1",
            number >> 8 & 0xff,
            number & 0xff,
            20 + number % 200
        );
        self.said(&format!("ip -n guest1 -batch - <<BATCH\n{batch}\nBATCH"))?;
        Some(())
    }

    /// The portal's status.
    pub fn sign_in(&self, username: &str, passcode: &str) -> Option<String> {
        self.portal("login", &format!("-d 'username={username}&passcode={passcode}'"))
    }

    pub fn sign_out(&self) -> Option<String> {
        self.portal("logout", "-X POST")
    }

    fn portal(&self, path: &str, words: &str) -> Option<String> {
        let url = format!("http://192.168.77.1:8880/{path}");
        self.inside(&format!("curl -s -o /dev/null -w '%{{http_code}}' {words} {url}"))
    }

    /// Whether the internet is reached.
    pub fn is_online(&self) -> Option<bool> {
        let page = "curl -s -m 30 http://203.0.113.10/ || true";
        Some(self.inside(page)?.contains("This is the internet"))
    }

    /// Has a command run in the guest's place; one that fails is a failure.
    pub fn inside(&self, command: &str) -> Option<String> {
        self.said(&format!("ip netns exec guest1 {command}"))
    }

    fn said(&self, command: &str) -> Option<String> {
        let output = self.0.run(command);
        let said = String::from_utf8(output.stdout).unwrap();
        // As `ask` ends where the router has gone.
        let gone = output.status.code() == Some(1) && said.is_empty() && !output.stderr.is_empty();
        assert!(gone || output.status.success(), "{command}: {:?} {said}", output.status);
        output.status.success().then_some(said)
    }
}
