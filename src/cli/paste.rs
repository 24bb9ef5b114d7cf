//! What to enter at an access point so that it asks us, by vendor.

use crate::config::{Client, Radius, Vendor};

/// The lines, with a heading. `ours` is the address that the access point asks.
pub(super) fn lines(client: &Client, radius: &Radius, ours: &str) -> String {
    match client.vendor {
        Vendor::Coovachilli => coovachilli(client, radius, ours),
        Vendor::Mikrotik => mikrotik(client, radius, ours),
        Vendor::Wispr | Vendor::None => any(client, radius, ours),
    }
}

/// Orders are taken from the two servers' addresses only, so both are ours.
fn coovachilli(client: &Client, radius: &Radius, ours: &str) -> String {
    let (secret, coa) = (client.secret.reveal(), client.coa_port);
    let (auth, acct) = (radius.auth_port, radius.acct_port);
    format!(
        "there, in /etc/chilli/config:\n\
         HS_RADIUS={ours}\nHS_RADIUS2={ours}\nHS_RADSECRET={secret}\nHS_RADAUTH={auth}\n\
         HS_RADACCT={acct}\nHS_COAPORT={coa}\n\
         or, where there is none, in chilli.conf:\n\
         radiusserver1 {ours}\nradiusserver2 {ours}\nradiussecret {secret}\n\
         radiusauthport {auth}\nradiusacctport {acct}\ncoaport {coa}\n"
    )
}

/// A reject takes a second; RouterOS waits for 300 ms.
fn mikrotik(client: &Client, radius: &Radius, ours: &str) -> String {
    let (secret, coa) = (client.secret.reveal(), client.coa_port);
    let (auth, acct) = (radius.auth_port, radius.acct_port);
    format!(
        "there, in a terminal:\n\
         /radius add service=hotspot address={ours} secret={secret} \
         authentication-port={auth} accounting-port={acct} timeout=3s\n\
         /radius incoming set accept=yes port={coa}\n\
         /ip hotspot profile set [find] use-radius=yes radius-accounting=yes \
         radius-interim-update=received\n"
    )
}

fn any(client: &Client, radius: &Radius, ours: &str) -> String {
    format!(
        "there, in its settings:\n\
         RADIUS server (authentication)  {ours}, port {}\n\
         RADIUS server (accounting)      {ours}, port {}\n\
         shared secret                   {}\n\
         time-out                        3 seconds or more\n\
         Message-Authenticator           on, where there is such a setting\n\
         interim updates                 every {} seconds\n\
         CoA, Disconnect, or RFC 5176    on, port {}, allowed from {ours}\n",
        radius.auth_port,
        radius.acct_port,
        client.secret.reveal(),
        radius.interim_interval,
        client.coa_port
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn each_vendor_is_told_address_secret_and_the_port_for_orders() {
        for vendor in Vendor::WORDS.map(|(word, _)| word) {
            let text = format!(
                "config client a\noption address 10.0.0.2\noption secret s3cret\n\
                 option vendor {vendor}\noption coa_port 1700"
            );
            let config = Config::parse(&text).unwrap();
            let lines = lines(&config.clients[0], &config.radius, "10.0.0.1");
            for needed in ["10.0.0.1", "s3cret", "1700", "1812", "1813"] {
                assert!(lines.contains(needed), "{vendor}: {needed} is not in {lines}");
            }
        }
    }
}
