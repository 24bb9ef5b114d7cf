use std::sync::Arc;

use super::*;
use crate::config::Vendor;
use crate::domain::session::TerminateCause;
use crate::hotspot::radius_messages::{AttributeChange, Nas, Terms};
use crate::policy::Pairs;
use crate::radius::authenticator::is_authentic_request;
use crate::radius::tests::packet;

fn order() -> Order {
    Order {
        id: 1,
        nas: Nas {
            client: Arc::from("lobby"),
            source: [10, 0, 0, 2].into(),
            address: Some([192, 168, 1, 2].into()),
            identifier: Some("ap".to_owned()),
        },
        username: "anna".to_owned(),
        session: "5f".to_owned(),
        calling_station: Some("AA-BB-CC-DD-EE-FF".to_owned()),
        address: Some([10, 1, 0, 9].into()),
        port: Some(3),
        what: Demand::End(TerminateCause::DataLimit),
    }
}

#[test]
fn a_session_is_named_as_it_was_reported_and_nothing_else_is() {
    let secret = Secret::new("xyzzy5461");
    let now = Some(Timestamp::from_unix(0x6000_0001));
    let bytes = request(&order(), Profile::of(Vendor::None), 9, &secret, now).unwrap();
    let packet = Packet::decode(&bytes).unwrap();
    assert_eq!((packet.code, packet.identifier), (Code::DisconnectRequest, 9));
    assert!(is_authentic_request(&packet, &secret));
    let said: Vec<(u8, &[u8])> = packet.attributes().collect();
    assert_eq!(
        said,
        [
            (1, &b"anna"[..]),
            (44, b"5f"),
            (4, &[192, 168, 1, 2]),
            (32, b"ap"),
            (31, b"AA-BB-CC-DD-EE-FF"),
            (55, &[0x60, 0, 0, 1]),
        ]
    );
}

#[test]
fn what_was_not_reported_is_not_named() {
    let mut order = order();
    order.username.clear();
    order.nas.address = Some("2001:db8::1".parse().unwrap());
    order.nas.identifier = None;
    order.calling_station = None;
    let now = Some(Timestamp::from_unix(1));
    let bytes = request(&order, Profile::of(Vendor::None), 9, &Secret::new("s"), now).unwrap();
    let packet = Packet::decode(&bytes).unwrap();
    let kinds: Vec<u8> = packet.attributes().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [44, 95, 55]);
}

fn faster() -> Order {
    let before = Terms { idle_timeout: 60, ..Terms::default() };
    let after = Terms { rates: (2048, 512), ..before };
    let terms = AttributeChange { reply: Pairs::default(), class: Vec::new(), before, after };
    Order { what: Demand::Change(Box::new(terms)), ..order() }
}

#[test]
fn a_change_names_the_session_as_its_end_does_and_says_what_is_new() {
    let secret = Secret::new("xyzzy5461");
    let now = Some(Timestamp::from_unix(0x6000_0001));
    let end = request(&order(), Profile::of(Vendor::Mikrotik), 9, &secret, now).unwrap();
    let change = request(&faster(), Profile::of(Vendor::Mikrotik), 9, &secret, now).unwrap();
    let packet = Packet::decode(&change).unwrap();
    assert_eq!((packet.code, packet.identifier), (Code::CoaRequest, 9));
    assert!(is_authentic_request(&packet, &secret));
    assert_eq!(change[20..end.len()], end[20..]);
    // RFC 2865 section 5.26: 26, length, MikroTik's number, its attribute 8, length, text.
    let rates = [&[26, 18, 0, 0, 0x3a, 0x8c, 8, 12][..], b"512k/2048k"].concat();
    assert_eq!(change[end.len()..], rates);
}

#[test]
fn what_a_vendor_has_no_words_for_is_not_sent() {
    let (order, secret) = (faster(), Secret::new("s"));
    assert_eq!(request(&order, Profile::of(Vendor::None), 9, &secret, None), None);
    assert!(request(&order, Profile::of(Vendor::Wispr), 9, &secret, None).is_some());
}

#[test]
fn an_answer_says_what_came_of_it() {
    let cause: &[u8] = &[0, 0, 1, 0xf7];
    let nak = packet(Code::DisconnectNak, &[(dict::ERROR_CAUSE, cause)]);
    assert_eq!(outcome(Code::DisconnectRequest, &nak), Some(Outcome::Refused(Some(503))));
    assert_eq!(
        outcome(Code::DisconnectRequest, &packet(Code::DisconnectNak, &[])),
        Some(Outcome::Refused(None))
    );
    assert_eq!(
        outcome(Code::DisconnectRequest, &packet(Code::DisconnectAck, &[])),
        Some(Outcome::Done)
    );
    let nak = packet(Code::CoaNak, &[(dict::ERROR_CAUSE, cause)]);
    assert_eq!(outcome(Code::CoaRequest, &nak), Some(Outcome::Refused(Some(503))));
    assert_eq!(outcome(Code::CoaRequest, &packet(Code::CoaAck, &[])), Some(Outcome::Done));
    for other in [Code::AccessAccept, Code::CoaAck, Code::CoaNak] {
        assert_eq!(outcome(Code::DisconnectRequest, &packet(other, &[])), None, "{other:?}");
    }
    assert_eq!(outcome(Code::CoaRequest, &packet(Code::DisconnectAck, &[])), None);
}
