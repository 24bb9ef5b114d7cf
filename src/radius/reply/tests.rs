use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::authn::Keys;
use crate::config::Vendor;
use crate::policy::Pairs;
use crate::radius::authenticator::{Signature, is_authentic_response, reply_message_authenticator};
use crate::radius::encrypt::{uncover_password, uncover_salted};
use crate::radius::packet::{MAX_PACKET, MESSAGE_AUTHENTICATOR};
use crate::radius::tests::{SECRET, STATUS_ACCT, STATUS_ACCT_REPLY, STATUS_AUTH, hex, packet};

fn secret() -> Secret {
    Secret::new(SECRET)
}

fn rng() -> StdRng {
    StdRng::seed_from_u64(1)
}

fn access_request(attributes: &[(Attribute, &[u8])]) -> Packet {
    packet(Code::AccessRequest, attributes)
}

/// Reads a reply, which has to be signed both ways, Message-Authenticator first.
fn read(bytes: &[u8], request: &Packet) -> Packet {
    let reply = Packet::decode(bytes).unwrap();
    assert_eq!(reply.identifier, request.identifier);
    assert!(is_authentic_response(&reply, &request.authenticator, &secret()));
    let signature = reply_message_authenticator(&reply, &request.authenticator, &secret());
    assert_eq!(signature, Signature::Good);
    assert_eq!(reply.attributes().next().map(|(kind, _)| kind), Some(MESSAGE_AUTHENTICATOR));
    reply
}

fn accepted(request: &Packet, given: &Accept) -> Packet {
    read(&accept(request, &secret(), given, Profile::of(Vendor::None), &mut rng()), request)
}

fn rejected(request: &Packet, message: &str) -> Packet {
    let why = Reject { message: message.to_owned(), wrong_password: true };
    read(&reject(request, &secret(), &why, &mut rng()), request)
}

fn kinds(packet: &Packet) -> Vec<u8> {
    packet.attributes().map(|(kind, _)| kind).collect()
}

fn extra(attribute: Attribute, text: &str) -> Pair {
    Pair { attribute, tag: 0, value: Value::Text(text.to_owned()) }
}

#[test]
fn an_accept_is_signed_first_then_echoes_then_gives() {
    let request = access_request(&[
        (dict::PROXY_STATE, b"b"),
        (dict::USER_NAME, b"anna"),
        (dict::PROXY_STATE, b"a"),
    ]);
    let reply = Pairs(vec![extra(dict::FILTER_ID, "guests")]);
    let packet = accepted(&request, &Accept { reply, idle_timeout: 60, ..Accept::default() });
    assert_eq!(packet.code, Code::AccessAccept);
    let said: Vec<(u8, &[u8])> = packet.attributes().skip(1).collect();
    assert_eq!(
        said,
        [
            (33, &b"b"[..]),
            (33, b"a"),
            (28, &[0, 0, 0, 60]),
            (85, &[0, 0, 1, 0x2c]),
            (11, b"guests"),
        ]
    );
}

#[test]
fn what_has_no_room_is_left_out_from_the_end() {
    let state: &[u8] = &[7; 253];
    let request = access_request(&[(dict::PROXY_STATE, state); 15]);
    let long = "x".repeat(200);
    let mut extras = vec![extra(dict::FILTER_ID, &long); 5];
    extras.push(extra(dict::FILTER_ID, "short"));
    let bytes = accept(
        &request,
        &secret(),
        &Accept { reply: Pairs(extras), idle_timeout: 60, ..Accept::default() },
        Profile::of(Vendor::None),
        &mut rng(),
    );
    assert!(bytes.len() <= MAX_PACKET);
    let kinds = kinds(&read(&bytes, &request));
    let count = |kind| kinds.iter().filter(|it| **it == kind).count();
    assert_eq!((count(33), count(28), count(85)), (15, 1, 1));
    assert_eq!(count(11), 2, "one long one, and the short one that still fits");
}

/// Operators have it in `radreply`; a second one would make the packet malformed.
#[test]
fn an_operators_message_authenticator_is_not_added_to_ours() {
    let value = Value::Octets(vec![0]);
    let reply = Pairs(vec![Pair { attribute: dict::MESSAGE_AUTHENTICATOR, tag: 0, value }]);
    let packet = accepted(&access_request(&[]), &Accept { reply, ..Accept::default() });
    assert_eq!(kinds(&packet), [80, 85]);
}

#[test]
fn words_to_the_server_are_not_sent() {
    let value = Value::Integer(1);
    let reply = Pairs(vec![Pair { attribute: dict::FALL_THROUGH, tag: 0, value }]);
    let packet = accepted(&access_request(&[]), &Accept { reply, ..Accept::default() });
    assert_eq!(kinds(&packet), [80, 85]);
}

#[test]
fn keys_can_be_uncovered_with_the_requests_authenticator() {
    let request = access_request(&[]);
    let keys = Keys::MsChap2 { success: [1; 43], send: [2; 16], receive: [3; 16] };
    let packet = accepted(&request, &Accept { keys, ..Accept::default() });
    let fields = AttributeView::of(&packet);
    let key = |attribute| {
        let value = fields.octets(attribute).unwrap();
        (value[..2].to_vec(), uncover_salted(value, &request.authenticator, &secret()).unwrap())
    };
    let (send, receive) = (key(dict::MS_MPPE_SEND_KEY), key(dict::MS_MPPE_RECV_KEY));
    assert_eq!((send.1, receive.1), (vec![2; 16], vec![3; 16]));
    assert_ne!(send.0, receive.0, "salts differ");
    assert!(send.0[0] >= 0x80 && receive.0[0] >= 0x80);

    let keys = Keys::MsChap([9; 24]);
    let packet = accepted(&request, &Accept { keys, ..Accept::default() });
    let fields = AttributeView::of(&packet);
    let value = fields.octets(dict::MS_CHAP_MPPE_KEYS).unwrap();
    assert_eq!(value.len(), 32);
    assert_eq!(uncover_password(value, &request.authenticator, &secret()).unwrap(), [9; 24]);
}

#[test]
fn a_reject_says_why() {
    let packet = rejected(&access_request(&[]), "Wrong user name.");
    assert_eq!(packet.code, Code::AccessReject);
    assert_eq!(kinds(&packet), [80, 18]);
    assert_eq!(packet.attribute(18), Some(&b"Wrong user name."[..]));
    assert_eq!(kinds(&rejected(&access_request(&[]), "")), [80]);
}

#[test]
fn a_long_message_is_cut_between_characters() {
    let message = format!("{}é{}", "x".repeat(252), "y".repeat(300));
    let packet = rejected(&access_request(&[]), &message);
    let pieces: Vec<&str> =
        packet.attributes().skip(1).map(|(_, value)| str::from_utf8(value).unwrap()).collect();
    assert_eq!(pieces.iter().map(|it| it.len()).collect::<Vec<_>>(), [252, 253, 49]);
    assert_eq!(pieces.concat(), message);
}

#[test]
fn ms_chap_is_told_in_its_own_words() {
    let response: Vec<u8> = [&[7, 0][..], &[0; 48]].concat();
    let request = access_request(&[(dict::MS_CHAP2_RESPONSE, &response)]);
    let packet = rejected(&request, "Falsches Paßwort");
    let fields = AttributeView::of(&packet);
    let error = fields.octets(dict::MS_CHAP_ERROR).unwrap();
    assert_eq!(error[0], 7);
    let text = str::from_utf8(&error[1..]).unwrap();
    let (challenge, rest) = text.strip_prefix("E=691 R=0 C=").unwrap().split_at(32);
    assert!(challenge.bytes().all(|it| it.is_ascii_hexdigit()));
    assert_eq!(rest, " V=3 M=Falsches Paßwort");

    let request = access_request(&[(dict::MS_CHAP_RESPONSE, &response)]);
    let packet = rejected(&request, "no");
    let error = AttributeView::of(&packet).octets(dict::MS_CHAP_ERROR).unwrap().to_vec();
    let text = str::from_utf8(&error[1..]).unwrap();
    assert_eq!((text.len(), &text[..12], &text[28..]), (32, "E=691 R=0 C=", " V=2"));
}

#[test]
fn an_error_with_a_long_message_still_fits() {
    let response: Vec<u8> = vec![7; 50];
    let request = access_request(&[(dict::MS_CHAP2_RESPONSE, &response)]);
    let packet = rejected(&request, &"é".repeat(200));
    assert!(AttributeView::of(&packet).octets(dict::MS_CHAP_ERROR).is_some());
}

#[test]
fn only_a_wrong_password_is_a_ms_chap_error() {
    let request = access_request(&[(dict::MS_CHAP2_RESPONSE, &[7; 50])]);
    let why = Reject { message: "Expired".to_owned(), wrong_password: false };
    let packet = read(&reject(&request, &secret(), &why, &mut rng()), &request);
    assert_eq!(kinds(&packet), [80, 18]);
}

#[test]
fn eap_is_told_that_it_has_failed() {
    let request = access_request(&[(dict::EAP_MESSAGE, &[2, 33, 0, 4])]);
    let packet = rejected(&request, "no");
    assert_eq!(packet.attribute(79), Some(&[4, 33, 0, 4][..]));
    assert_eq!(kinds(&packet), [80, 79], "and no Reply-Message beside it");
}

/// RFC 5997 section 6; the answer there has no Message-Authenticator.
#[test]
fn status_is_answered_by_the_port_that_was_asked() {
    let request = Packet::decode(&hex(STATUS_AUTH)).unwrap();
    let reply = read(&status(&request, &secret(), Port::Auth), &request);
    assert_eq!((reply.code, kinds(&reply)), (Code::AccessAccept, vec![80]));
    let request = Packet::decode(&hex(STATUS_ACCT)).unwrap();
    let reply = read(&status(&request, &secret(), Port::Acct), &request);
    assert_eq!((reply.code, kinds(&reply)), (Code::AccountingResponse, vec![80]));
}

#[test]
fn accounting_is_answered_as_in_rfc_5997() {
    let request = Packet::decode(&hex(STATUS_ACCT)).unwrap();
    assert_eq!(accounting_response(&request, &secret()), hex(STATUS_ACCT_REPLY));
    let request = packet(Code::AccountingRequest, &[(dict::PROXY_STATE, b"p")]);
    let reply = Packet::decode(&accounting_response(&request, &secret())).unwrap();
    assert_eq!(kinds(&reply), [33]);
    assert!(is_authentic_response(&reply, &request.authenticator, &secret()));
}
