//! What is legal but hardly meant. Each sentence says what to do.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Api, Client, Config, MessageAuthenticator, Radius};

/// Keys and secrets shorter than this can be guessed; RFC 2865 section 3 asks for as many octets.
const SHORT_SECRET: usize = 16;

/// Every warning about a configuration.
pub(super) fn of(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    if config.api.enabled {
        api_methods(&config.api, &mut warnings);
        api_reach(&config.api, &mut warnings);
    }
    api_key(&config.api, &mut warnings);
    if config.radius.enabled {
        radius(config, &mut warnings);
    }
    guests(config, &mut warnings);
    warnings
}

fn api_methods(api: &Api, warnings: &mut Vec<String>) {
    if !api.allow_get && !api.allow_post {
        warnings.push(
            "section 'api': the API is enabled, but both methods are off, so that every request \
             is refused; set allow_get or allow_post to '1'"
                .into(),
        );
    }
}

fn api_key(api: &Api, warnings: &mut Vec<String>) {
    if api.key.as_ref().is_some_and(|key| key.reveal().chars().count() < SHORT_SECRET) {
        warnings.push(format!(
            "section 'api': the key has fewer than {SHORT_SECRET} characters and can be guessed; \
             choose a longer one, or remove option key to have one made"
        ));
    }
}

fn api_reach(api: &Api, warnings: &mut Vec<String>) {
    let Some(socket) = api.listen.iter().find(|socket| !socket.ip().is_loopback()) else {
        return;
    };
    let mut others = api.allow_from.iter().filter(|net| !net.addr().is_loopback()).peekable();
    if others.peek().is_none() {
        warnings.push(format!(
            "section 'api': the API listens on {socket}, but only this router may use it; name \
             the network of your scripts, as in: list allow_from '192.168.1.0/24'"
        ));
    }
    for net in others {
        if net.prefix_len() == 0 {
            warnings.push(format!(
                "section 'api': the API listens on {socket} and allow_from '{net}' lets the whole \
                 internet try; name only the network of your scripts"
            ));
        } else if !is_private(net) {
            warnings.push(format!(
                "section 'api': allow_from '{net}' is not a private network, and the key travels \
                 unencrypted over HTTP; use the API from your own network or through a VPN"
            ));
        }
    }
}

/// Whether the internet routes none of these addresses. Where the first and the last one are
/// private, a network is: the private ranges are far apart.
fn is_private(net: &IpNet) -> bool {
    [net.network(), net.broadcast()].into_iter().all(is_private_address)
}

fn is_private_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            // 100.64.0.0/10 is shared address space (RFC 6598).
            v4.is_private() || v4.is_link_local() || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

fn radius(config: &Config, warnings: &mut Vec<String>) {
    let Radius { listen, .. } = &config.radius;
    if config.clients.is_empty() {
        warnings.push(
            "section 'radius': RADIUS is enabled, but there is no client section, so that every \
             request is dropped; add one for each access point"
                .into(),
        );
    } else if listen.iter().all(IpAddr::is_loopback)
        && config.clients.iter().all(|client| !client.address.addr().is_loopback())
    {
        warnings.push(
            "section 'radius': RADIUS listens on loopback only, where no client can reach it; \
             name this router's address, as in: list listen '192.168.1.1'"
                .into(),
        );
    }
    for client in &config.clients {
        warnings.extend(unprotected(client).map(|it| format!("section '{}': {it}", client.name)));
        if client.secret.reveal().chars().count() < SHORT_SECRET {
            warnings.push(format!(
                "section '{}': the secret has fewer than {SHORT_SECRET} characters and can be \
                 found out from captured packets; choose a longer one",
                client.name
            ));
        }
    }
}

/// What an operator risks who has switched off all protection of a client's sign-ins.
pub fn unprotected(client: &Client) -> Option<&'static str> {
    (client.require_message_authenticator == MessageAuthenticator::Optional).then_some(
        "require_message_authenticator is 'unprotected': whoever can read and change packets between \
         it and this router can turn a reject into an accept (CVE-2024-3596, \"BlastRADIUS\"); keep \
         that path to one machine or a VPN",
    )
}

fn guests(config: &Config, warnings: &mut Vec<String>) {
    for guest in &config.guests {
        if !guest.enforce {
            warnings.push(format!(
                "section '{}': enforce is '0', so that everybody on {} gets through",
                guest.name, guest.device
            ));
        }
        if guest.garden.iter().any(|network| network.prefix_len() == 0) {
            warnings.push(format!(
                "section '{}': the garden holds every address, so that nobody needs a voucher",
                guest.name
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warnings(text: &str) -> Vec<String> {
        Config::parse(text).expect(text).warnings()
    }

    #[test]
    fn warnings_say_what_to_do() {
        let api = "config api\noption enabled 1\noption allow_get 1\n";
        let wide = "list listen 192.168.1.1:80\n";
        let radius = "config radius\noption enabled 1\n";
        let client = "config client n\noption address 10.0.0.1\noption secret x";
        for (text, part) in [
            ("config api\noption enabled 1".into(), "both methods are off"),
            ("config api\noption key 123456789012345".into(), "fewer than 16 characters"),
            (format!("{api}{wide}"), "only this router may use it"),
            (
                format!("{api}{wide}list allow_from 0.0.0.0/0"),
                "'0.0.0.0/0' lets the whole internet",
            ),
            (format!("{api}{wide}list allow_from ::/0"), "'::/0' lets the whole internet"),
            (format!("{api}{wide}list allow_from 10.0.0.0/7"), "is not a private network"),
            ("config guest\noption device a\nlist garden ::/0".into(), "nobody needs a voucher"),
            ("config guest\noption device a\noption enforce 0".into(), "everybody on a"),
            (radius.into(), "there is no client section"),
            (format!("{radius}{client}"), "section 'n': the secret has fewer"),
            (format!("{radius}{client}"), "where no client can reach it"),
            (
                format!("{radius}{client}\noption require_message_authenticator unprotected"),
                "section 'n': require_message_authenticator is 'unprotected': whoever",
            ),
        ] {
            let told = warnings(&text);
            assert!(told.iter().any(|warning| warning.contains(part)), "{text}\n{told:?}");
        }
    }

    #[test]
    fn sound_settings_warn_of_nothing() {
        for text in [
            "config api\noption enabled 1\noption allow_post 1",
            "config api\noption enabled 1\noption allow_post 1\noption key 1234567890123456\n\
             list listen 0.0.0.0:80\nlist allow_from 192.168.1.0/24\nlist allow_from fd00::/8",
            "config api\nlist listen 0.0.0.0:80\nlist allow_from 0.0.0.0/0",
            "config guest\noption device a",
        ] {
            assert_eq!(warnings(text), Vec::<String>::new(), "{text}");
        }
    }
}
