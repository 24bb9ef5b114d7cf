//! Whether a packet comes from the client it seems to come from.

use super::authenticator::{Signature, is_authentic_request, message_authenticator};
use super::drop_reason::DropReason;
use super::packet::{Code, Packet};
use super::reply::Port;
use crate::config::{Client, MessageAuthenticator};

/// Types of attributes (RFC 2865 section 5.33, RFC 3579 section 3.1).
const PROXY_STATE: u8 = 33;
const EAP_MESSAGE: u8 = 79;

/// Judges a packet by its authenticators; what its Message-Authenticator says.
///
/// # Errors
/// Why it is to be dropped in silence.
pub(super) fn authentic(
    packet: &Packet,
    port: Port,
    client: &Client,
) -> Result<Signature, DropReason> {
    match (packet.code, port) {
        (Code::AccessRequest, Port::Auth) | (Code::StatusServer, _) => {}
        (Code::AccountingRequest, Port::Acct) => {
            if !is_authentic_request(packet, &client.secret) {
                return Err(DropReason::WrongAuthenticator);
            }
        }
        _ => return Err(DropReason::Code),
    }
    match message_authenticator(packet, &client.secret) {
        Signature::Bad => Err(DropReason::WrongMessageAuthenticator),
        Signature::Absent => may_go_without(packet, client).map(|()| Signature::Absent),
        Signature::Good => Ok(Signature::Good),
    }
}

/// Nothing else in an Access-Request shows that it was not forged on its way. Proxy-State is what
/// the attack on its answer needs (CVE-2024-3596), EAP must never go without (RFC 3579 section
/// 3.2), nor Status-Server (RFC 5997 section 3).
fn may_go_without(packet: &Packet, client: &Client) -> Result<(), DropReason> {
    use MessageAuthenticator::{BesideProxyState, Optional, Required};
    match (packet.code, client.require_message_authenticator) {
        (Code::AccountingRequest, _) => Ok(()),
        (Code::AccessRequest, Required) => Err(DropReason::NoMessageAuthenticator),
        (Code::AccessRequest, _) if packet.attribute(EAP_MESSAGE).is_some() => {
            Err(DropReason::NoMessageAuthenticator)
        }
        (Code::AccessRequest, BesideProxyState) if packet.attribute(PROXY_STATE).is_some() => {
            Err(DropReason::ProxyState)
        }
        (Code::AccessRequest, BesideProxyState | Optional) => Ok(()),
        _ => Err(DropReason::NoMessageAuthenticator),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::domain::secret::Secret;
    use crate::radius::authenticator::{sign_reply, sign_request};
    use crate::radius::packet::Draft;

    const SECRET: &str = "the shared secret";

    fn client(require: &str) -> Client {
        let text = format!(
            "config client\noption address 10.0.0.1\noption secret '{SECRET}'\n\
             option require_message_authenticator {require}"
        );
        Config::parse(&text).unwrap().clients.remove(0)
    }

    fn packet(code: Code, signed: bool, attributes: &[u8], secret: &str) -> Packet {
        let secret = Secret::new(secret);
        let mut draft = Draft::new(code, 7);
        if signed {
            draft.add_message_authenticator().unwrap();
        }
        for kind in attributes {
            draft.add(*kind, b"x").unwrap();
        }
        let bytes = match code {
            Code::AccountingRequest => sign_request(draft, &secret),
            // A request is signed over its own authenticator, as a reply is over the request's.
            _ => {
                let mut bytes = sign_reply(draft, &[9; 16], &secret);
                bytes[4..20].copy_from_slice(&[9; 16]);
                bytes
            }
        };
        Packet::decode(&bytes).unwrap()
    }

    #[test]
    fn access_requests_need_a_message_authenticator_unless_told_otherwise() {
        use Code::AccessRequest as Access;
        use DropReason::{
            NoMessageAuthenticator as Missing, ProxyState, WrongMessageAuthenticator,
        };
        let judged = |require, signed, attributes: &[u8], secret| {
            authentic(&packet(Access, signed, attributes, secret), Port::Auth, &client(require))
        };
        for require in ["0", "1", "unprotected"] {
            assert_eq!(judged(require, true, &[PROXY_STATE], SECRET), Ok(Signature::Good));
            assert_eq!(judged(require, true, &[], "other"), Err(WrongMessageAuthenticator));
            assert_eq!(judged(require, false, &[EAP_MESSAGE], SECRET), Err(Missing));
        }
        assert_eq!(judged("1", false, &[], SECRET), Err(Missing));
        assert_eq!(judged("0", false, &[], SECRET), Ok(Signature::Absent));
        assert_eq!(judged("0", false, &[PROXY_STATE], SECRET), Err(ProxyState));
        assert_eq!(judged("unprotected", false, &[PROXY_STATE], SECRET), Ok(Signature::Absent));
    }

    #[test]
    fn reports_need_the_right_authenticator_and_status_a_message_authenticator() {
        let judged = |code, signed, port, secret| {
            authentic(&packet(code, signed, &[PROXY_STATE], secret), port, &client("1"))
        };
        let report = Code::AccountingRequest;
        assert_eq!(judged(report, false, Port::Acct, SECRET), Ok(Signature::Absent));
        assert_eq!(judged(report, true, Port::Acct, SECRET), Ok(Signature::Good));
        let wrong = Err(DropReason::WrongAuthenticator);
        assert_eq!(judged(report, false, Port::Acct, "other"), wrong);
        for port in [Port::Auth, Port::Acct] {
            let status = |signed, secret| judged(Code::StatusServer, signed, port, secret);
            assert_eq!(status(true, SECRET), Ok(Signature::Good));
            assert_eq!(status(true, "other"), Err(DropReason::WrongMessageAuthenticator));
            assert_eq!(status(false, SECRET), Err(DropReason::NoMessageAuthenticator));
        }
    }

    #[test]
    fn each_port_takes_its_own() {
        for (code, port) in [
            (Code::AccessRequest, Port::Acct),
            (Code::AccountingRequest, Port::Auth),
            (Code::AccessAccept, Port::Auth),
            (Code::DisconnectRequest, Port::Acct),
            (Code::Other(99), Port::Auth),
        ] {
            let judged = authentic(&packet(code, true, &[], SECRET), port, &client("0"));
            assert_eq!(judged, Err(DropReason::Code), "{code:?}");
        }
    }
}
