//! `radius::packet`, `wire`, `request` and `reply`: an input is a datagram.
//!
//! - Nothing panics, whatever comes.
//! - The crate `radius` takes and refuses the same datagrams, but for our own limits (200
//!   attributes, one Message-Authenticator of 16 octets) and for codes it does not know; it sees
//!   the same attributes.
//! - Octets after the packet change nothing; an octet less makes it no packet. Its attributes,
//!   written again, are the same bytes.
//! - What the dictionary understood, written again and read again, says the same.
//! - Nothing that shows a password reaches the check items.
//! - Every reply is a packet, signed, Message-Authenticator first; Proxy-States come back in their
//!   order, and none is missing as long as there is room.

use std::net::Ipv4Addr;
use std::sync::Arc;

use hotspotd::config::Vendor;
use hotspotd::domain::nas::ViewPoint;
use hotspotd::domain::secret::Secret;
use hotspotd::hotspot::radius_messages::{Accept, Reject};
use hotspotd::policy::dictionary::{self as dict, Cover};
use hotspotd::radius::attributes::{AttributeView, EncryptContext, write};
use hotspotd::radius::authenticator::{
    Signature, is_authentic_request, is_authentic_response, message_authenticator,
    reply_message_authenticator,
};
use hotspotd::radius::encrypt::Salts;
use hotspotd::radius::packet::{Code, Draft, Malformed, Packet};
use hotspotd::radius::reply::{self, Port};
use hotspotd::radius::reply_attributes::Profile;
use hotspotd::radius::{dynauth_packet, request};
use rand::SeedableRng;
use rand::rngs::StdRng;

const PROXY_STATE: u8 = 33;
const MESSAGE_AUTHENTICATOR: u8 = 80;

pub fn check(data: &[u8]) {
    let ours = Packet::decode(data);
    check_second_opinion(data, &ours);
    let Ok(packet) = ours else { return };
    check_bytes(data, &packet);
    check_values(&packet);
    check_requests(&packet);
    check_replies(&packet);
}

fn check_second_opinion(data: &[u8], ours: &Result<Packet, Malformed>) {
    use radius::core::packet::{Packet as Theirs, PacketError};
    match (ours, Theirs::decode(data, b"")) {
        (Ok(ours), Ok(theirs)) => {
            assert_eq!(ours.identifier, theirs.get_identifier());
            assert_eq!(&ours.authenticator[..], &theirs.get_authenticator()[..]);
            for kind in 0..=255 {
                let mine = ours.attributes().filter(|(it, _)| *it == kind).map(|(_, value)| value);
                let mine: Vec<Vec<u8>> = mine.map(<[u8]>::to_vec).collect();
                let others = theirs.lookup_all(kind).into_iter();
                let others: Vec<Vec<u8>> = others.map(|it| it.encode_bytes()).collect();
                assert_eq!(mine, others, "attribute {kind}");
            }
        }
        (Ok(_), Err(PacketError::UnknownCodeError(_))) | (Err(_), Err(_)) => {}
        (Err(Malformed::TooMany | Malformed::MessageAuthenticator), Ok(_)) => {}
        (ours, theirs) => panic!("{ours:?}, but {:?}", theirs.map(|_| ())),
    }
}

fn check_bytes(data: &[u8], packet: &Packet) {
    let bytes = packet.bytes();
    assert!(data.starts_with(bytes));
    assert_eq!(Packet::decode(&[bytes, &[1, 255]].concat()).as_ref(), Ok(packet));
    let shorter = Packet::decode(&bytes[..bytes.len() - 1]);
    assert!(matches!(shorter, Err(Malformed::Length(_) | Malformed::TooShort)));
    let mut draft = Draft::new(packet.code, packet.identifier);
    for (kind, value) in packet.attributes() {
        draft.add(kind, value).unwrap();
    }
    assert_eq!(draft.room(), 4096 - bytes.len());
    let again = hotspotd::radius::authenticator::sign_request(draft, &secret());
    assert_eq!(again[..4], bytes[..4]);
    assert_eq!(again[20..], bytes[20..]);
    assert!(is_authentic_request(&Packet::decode(&again).unwrap(), &secret()));
}

fn check_values(packet: &Packet) {
    let pairs = AttributeView::of(packet).pairs();
    let secret = secret();
    let mut covering =
        EncryptContext { secret: &secret, request_authenticator: &[0; 16], salts: Salts::from(0) };
    for pair in pairs.0 {
        assert_eq!(pair.attribute.definition().cover, Cover::None);
        let mut draft = Draft::new(Code::AccessRequest, 0);
        write(&mut draft, &pair, &mut covering).unwrap();
        let bytes = hotspotd::radius::authenticator::sign_request(draft, &secret);
        let again = Packet::decode(&bytes).unwrap();
        assert_eq!(AttributeView::of(&again).pairs().0, [pair]);
    }
}

fn check_requests(packet: &Packet) {
    let nas = request::nas(packet, Arc::from("lobby"), Ipv4Addr::LOCALHOST.into());
    if let Ok(request) = request::access(packet, &secret(), nas.clone()) {
        assert!(!request.username.is_empty());
        assert!(packet.attribute(79).is_none(), "EAP is nothing we speak");
        for pair in &request.attributes.0 {
            let shows = [
                dict::USER_PASSWORD,
                dict::CHAP_PASSWORD,
                dict::CHAP_CHALLENGE,
                dict::MS_CHAP_RESPONSE,
                dict::MS_CHAP2_RESPONSE,
                dict::MS_CHAP_CHALLENGE,
            ];
            assert!(!shows.contains(&pair.attribute), "{:?}", pair.attribute);
        }
    }
    for view_point in [ViewPoint::Nas, ViewPoint::Client] {
        let _ = request::accounting(packet, nas.clone(), view_point);
    }
    let _ = request::view_point(packet);
    let _ = dynauth_packet::outcome(Code::DisconnectRequest, packet);
    let _ = dynauth_packet::outcome(Code::CoaRequest, packet);
    let _ = message_authenticator(packet, &secret());
}

fn check_replies(packet: &Packet) {
    let secret = secret();
    let mut rng = StdRng::seed_from_u64(0);
    let accept =
        Accept { idle_timeout: 60, rates: (1, 2), total: Some(1 << 33), ..Accept::default() };
    let reject = Reject { message: "Wrong password. ".repeat(40), wrong_password: true };
    for vendor in [Vendor::Coovachilli, Vendor::Mikrotik, Vendor::Wispr, Vendor::None] {
        let profile = Profile { vendor, view_point: ViewPoint::Client, interim: 300 };
        check_reply(packet, &reply::accept(packet, &secret, &accept, profile, &mut rng));
    }
    check_reply(packet, &reply::reject(packet, &secret, &reject, &mut rng));
    check_reply(packet, &reply::status(packet, &secret, Port::Acct));
    let bytes = reply::accounting_response(packet, &secret);
    let reply = Packet::decode(&bytes).unwrap();
    assert!(is_authentic_response(&reply, &packet.authenticator, &secret));
    assert_eq!(proxy_states(&reply), proxy_states(packet));
}

fn check_reply(request: &Packet, bytes: &[u8]) {
    let reply = Packet::decode(bytes).unwrap();
    assert!(is_authentic_response(&reply, &request.authenticator, &secret()));
    let signature = reply_message_authenticator(&reply, &request.authenticator, &secret());
    assert_eq!(signature, Signature::Good);
    assert_eq!(reply.attributes().next().map(|(kind, _)| kind), Some(MESSAGE_AUTHENTICATOR));
    let (sent, echoed) = (proxy_states(request), proxy_states(&reply));
    let octets: usize = sent.iter().map(|value| value.len() + 2).sum();
    if octets <= 4096 - 20 - 18 {
        assert_eq!(echoed, sent);
    }
}

fn proxy_states(packet: &Packet) -> Vec<&[u8]> {
    packet.attributes().filter(|(kind, _)| *kind == PROXY_STATE).map(|(_, value)| value).collect()
}

fn secret() -> Secret {
    Secret::new("xyzzy5461")
}
