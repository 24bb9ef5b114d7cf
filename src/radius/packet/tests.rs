use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::radius::tests::{FLOPSY, MOPSY_CHALLENGE, NEMO, NEMO_ACCEPT, hex};

/// A packet of these attribute bytes, its length right.
fn with(attributes: &[u8]) -> Vec<u8> {
    let mut bytes = vec![1, 7, 0, 0];
    bytes.extend([9; 16]);
    bytes.extend(attributes);
    let length = u16::try_from(bytes.len()).unwrap();
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
    bytes
}

#[test]
fn the_packets_of_rfc_2865_are_read() {
    let nemo = Packet::decode(&hex(NEMO)).unwrap();
    assert_eq!((nemo.code, nemo.identifier), (Code::AccessRequest, 0));
    assert_eq!(nemo.authenticator[..4], [0x0f, 0x40, 0x3f, 0x94]);
    let kinds: Vec<u8> = nemo.attributes().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [1, 2, 4, 5]);
    assert_eq!(nemo.attribute(1), Some(&b"nemo"[..]));
    assert_eq!(nemo.attribute(5), Some(&[0, 0, 0, 3][..]));
    assert_eq!(nemo.attribute(80), None);
    for (text, code) in [
        (NEMO_ACCEPT, Code::AccessAccept),
        (FLOPSY, Code::AccessRequest),
        (MOPSY_CHALLENGE, Code::AccessChallenge),
    ] {
        assert_eq!(Packet::decode(&hex(text)).unwrap().code, code);
    }
}

#[test]
fn what_follows_the_packet_is_padding() {
    let mut bytes = hex(NEMO);
    let packet = Packet::decode(&bytes).unwrap();
    bytes.extend([0xff; 5000]);
    assert_eq!(Packet::decode(&bytes), Ok(packet));
}

#[test]
fn a_header_that_is_wrong_is_no_packet() {
    assert_eq!(Packet::decode(&[]), Err(Malformed::TooShort));
    assert_eq!(Packet::decode(&[1; 19]), Err(Malformed::TooShort));
    for length in [0u16, 19, 21, 4097, 0xffff] {
        let mut bytes = with(&[]);
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        let expected = Err(Malformed::Length(length));
        assert_eq!(Packet::decode(&bytes), expected);
        if !(20..=4096).contains(&length) {
            bytes.resize(70_000, 0);
            assert_eq!(Packet::decode(&bytes), expected, "however much has come");
        }
    }
    assert!(Packet::decode(&with(&[])).is_ok());
}

#[test]
fn attributes_that_are_shorter_than_their_header_or_reach_out_are_refused() {
    for (attributes, wrong) in [
        (&[1, 3, b'a', 6][..], 6),
        (&[6, 0], 6),
        (&[6, 1], 6),
        (&[6, 3], 6),
        (&[1, 2, 7, 255, 1], 7),
    ] {
        assert_eq!(Packet::decode(&with(attributes)), Err(Malformed::Attribute(wrong)));
    }
    let empty = Packet::decode(&with(&[6, 2])).unwrap();
    assert_eq!(empty.attribute(6), Some(&[][..]));
}

#[test]
fn two_hundred_attributes_are_enough() {
    assert!(Packet::decode(&with(&[6, 2].repeat(MAX_ATTRIBUTES))).is_ok());
    let more = with(&[6, 2].repeat(MAX_ATTRIBUTES + 1));
    assert_eq!(Packet::decode(&more), Err(Malformed::TooMany));
}

#[test]
fn there_is_one_message_authenticator_of_sixteen_octets_or_none() {
    let one = [&[80, 18][..], &[5; 16]].concat();
    assert!(Packet::decode(&with(&one)).is_ok());
    for wrong in [one.repeat(2), vec![80, 2], [&[80, 17][..], &[5; 15]].concat()] {
        assert_eq!(Packet::decode(&with(&wrong)), Err(Malformed::MessageAuthenticator));
    }
}

#[test]
fn a_draft_takes_4096_octets_and_not_one_more() {
    let mut draft = Draft::new(Code::AccessAccept, 1);
    assert_eq!(draft.add(1, &[0; 254]), Err(NoRoom));
    while draft.add(1, &[0; 253]).is_ok() {}
    let room = draft.room();
    assert_eq!(room, (4096 - 20) % 255);
    assert_eq!(draft.add(1, &vec![0; room - 1]), Err(NoRoom));
    draft.add(1, &vec![0; room - 2]).unwrap();
    assert_eq!(draft.room(), 0);
    assert_eq!(draft.add_message_authenticator(), Err(NoRoom));
    let (bytes, signed_at) = draft.finish();
    assert_eq!((bytes.len(), signed_at), (4096, None));
    assert_eq!(bytes[2..4], [0x10, 0]);
    assert!(Packet::decode(&bytes).is_ok());
}

#[test]
fn codes_and_numbers_belong_together() {
    for number in 0..=255 {
        assert_eq!(Code::from(number).number(), number);
    }
    assert_eq!(Code::from(12), Code::StatusServer);
    assert_eq!(Code::from(42), Code::DisconnectNak);
    assert_eq!(Code::from(6), Code::Other(6));
}

#[test]
fn our_dictionary_has_the_numbers_of_the_crate_radius() {
    use crate::policy::dictionary::{self as dict, Attribute, Scope};
    use ::radius::core::{
        rfc2865, rfc2866, rfc2867, rfc2868, rfc2869, rfc3162, rfc3576, rfc4372, rfc4675, rfc4849,
        rfc6911,
    };
    let theirs: [(Attribute, u8); 83] = [
        (dict::USER_NAME, rfc2865::USER_NAME_TYPE),
        (dict::USER_PASSWORD, rfc2865::USER_PASSWORD_TYPE),
        (dict::CHAP_PASSWORD, rfc2865::CHAP_PASSWORD_TYPE),
        (dict::NAS_IP_ADDRESS, rfc2865::NAS_IP_ADDRESS_TYPE),
        (dict::NAS_PORT, rfc2865::NAS_PORT_TYPE),
        (dict::SERVICE_TYPE, rfc2865::SERVICE_TYPE_TYPE),
        (dict::FRAMED_PROTOCOL, rfc2865::FRAMED_PROTOCOL_TYPE),
        (dict::FRAMED_IP_ADDRESS, rfc2865::FRAMED_IP_ADDRESS_TYPE),
        (dict::FRAMED_IP_NETMASK, rfc2865::FRAMED_IP_NETMASK_TYPE),
        (dict::FILTER_ID, rfc2865::FILTER_ID_TYPE),
        (dict::FRAMED_MTU, rfc2865::FRAMED_MTU_TYPE),
        (dict::REPLY_MESSAGE, rfc2865::REPLY_MESSAGE_TYPE),
        (dict::FRAMED_ROUTE, rfc2865::FRAMED_ROUTE_TYPE),
        (dict::STATE, rfc2865::STATE_TYPE),
        (dict::CLASS, rfc2865::CLASS_TYPE),
        (dict::SESSION_TIMEOUT, rfc2865::SESSION_TIMEOUT_TYPE),
        (dict::IDLE_TIMEOUT, rfc2865::IDLE_TIMEOUT_TYPE),
        (dict::TERMINATION_ACTION, rfc2865::TERMINATION_ACTION_TYPE),
        (dict::CALLED_STATION_ID, rfc2865::CALLED_STATION_ID_TYPE),
        (dict::CALLING_STATION_ID, rfc2865::CALLING_STATION_ID_TYPE),
        (dict::NAS_IDENTIFIER, rfc2865::NAS_IDENTIFIER_TYPE),
        (dict::PROXY_STATE, rfc2865::PROXY_STATE_TYPE),
        (dict::CHAP_CHALLENGE, rfc2865::CHAP_CHALLENGE_TYPE),
        (dict::NAS_PORT_TYPE, rfc2865::NAS_PORT_TYPE_TYPE),
        (dict::PORT_LIMIT, rfc2865::PORT_LIMIT_TYPE),
        (dict::ACCT_STATUS_TYPE, rfc2866::ACCT_STATUS_TYPE_TYPE),
        (dict::ACCT_DELAY_TIME, rfc2866::ACCT_DELAY_TIME_TYPE),
        (dict::ACCT_INPUT_OCTETS, rfc2866::ACCT_INPUT_OCTETS_TYPE),
        (dict::ACCT_OUTPUT_OCTETS, rfc2866::ACCT_OUTPUT_OCTETS_TYPE),
        (dict::ACCT_SESSION_ID, rfc2866::ACCT_SESSION_ID_TYPE),
        (dict::ACCT_AUTHENTIC, rfc2866::ACCT_AUTHENTIC_TYPE),
        (dict::ACCT_SESSION_TIME, rfc2866::ACCT_SESSION_TIME_TYPE),
        (dict::ACCT_INPUT_PACKETS, rfc2866::ACCT_INPUT_PACKETS_TYPE),
        (dict::ACCT_OUTPUT_PACKETS, rfc2866::ACCT_OUTPUT_PACKETS_TYPE),
        (dict::ACCT_TERMINATE_CAUSE, rfc2866::ACCT_TERMINATE_CAUSE_TYPE),
        (dict::ACCT_MULTI_SESSION_ID, rfc2866::ACCT_MULTI_SESSION_ID_TYPE),
        (dict::TUNNEL_TYPE, rfc2868::TUNNEL_TYPE_TYPE),
        (dict::TUNNEL_MEDIUM_TYPE, rfc2868::TUNNEL_MEDIUM_TYPE_TYPE),
        (dict::TUNNEL_PASSWORD, rfc2868::TUNNEL_PASSWORD_TYPE),
        (dict::TUNNEL_PRIVATE_GROUP_ID, rfc2868::TUNNEL_PRIVATE_GROUP_ID_TYPE),
        (dict::ACCT_INPUT_GIGAWORDS, rfc2869::ACCT_INPUT_GIGAWORDS_TYPE),
        (dict::ACCT_OUTPUT_GIGAWORDS, rfc2869::ACCT_OUTPUT_GIGAWORDS_TYPE),
        (dict::EVENT_TIMESTAMP, rfc2869::EVENT_TIMESTAMP_TYPE),
        (dict::CONNECT_INFO, rfc2869::CONNECT_INFO_TYPE),
        (dict::EAP_MESSAGE, rfc2869::EAP_MESSAGE_TYPE),
        (dict::MESSAGE_AUTHENTICATOR, rfc2869::MESSAGE_AUTHENTICATOR_TYPE),
        (dict::ACCT_INTERIM_INTERVAL, rfc2869::ACCT_INTERIM_INTERVAL_TYPE),
        (dict::NAS_PORT_ID, rfc2869::NAS_PORT_ID_TYPE),
        (dict::FRAMED_POOL, rfc2869::FRAMED_POOL_TYPE),
        (dict::CHARGEABLE_USER_IDENTITY, rfc4372::CHARGEABLE_USER_IDENTITY_TYPE),
        (dict::NAS_IPV6_ADDRESS, rfc3162::NAS_IPV6_ADDRESS_TYPE),
        (dict::ERROR_CAUSE, rfc3576::ERROR_CAUSE_TYPE),
        (dict::FRAMED_IPV6_ADDRESS, rfc6911::FRAMED_IPV6_ADDRESS_TYPE),
        (dict::FRAMED_ROUTING, rfc2865::FRAMED_ROUTING_TYPE),
        (dict::FRAMED_COMPRESSION, rfc2865::FRAMED_COMPRESSION_TYPE),
        (dict::LOGIN_IP_HOST, rfc2865::LOGIN_IP_HOST_TYPE),
        (dict::LOGIN_SERVICE, rfc2865::LOGIN_SERVICE_TYPE),
        (dict::LOGIN_TCP_PORT, rfc2865::LOGIN_TCP_PORT_TYPE),
        (dict::CALLBACK_NUMBER, rfc2865::CALLBACK_NUMBER_TYPE),
        (dict::CALLBACK_ID, rfc2865::CALLBACK_ID_TYPE),
        (dict::ACCT_LINK_COUNT, rfc2866::ACCT_LINK_COUNT_TYPE),
        (dict::EGRESS_VLANID, rfc4675::EGRESS_VLANID_TYPE),
        (dict::INGRESS_FILTERS, rfc4675::INGRESS_FILTERS_TYPE),
        (dict::EGRESS_VLAN_NAME, rfc4675::EGRESS_VLAN_NAME_TYPE),
        (dict::USER_PRIORITY_TABLE, rfc4675::USER_PRIORITY_TABLE_TYPE),
        (dict::TUNNEL_CLIENT_ENDPOINT, rfc2868::TUNNEL_CLIENT_ENDPOINT_TYPE),
        (dict::TUNNEL_SERVER_ENDPOINT, rfc2868::TUNNEL_SERVER_ENDPOINT_TYPE),
        (dict::ACCT_TUNNEL_CONNECTION, rfc2867::ACCT_TUNNEL_CONNECTION_TYPE),
        (dict::PASSWORD_RETRY, rfc2869::PASSWORD_RETRY_TYPE),
        (dict::PROMPT, rfc2869::PROMPT_TYPE),
        (dict::CONFIGURATION_TOKEN, rfc2869::CONFIGURATION_TOKEN_TYPE),
        (dict::TUNNEL_ASSIGNMENT_ID, rfc2868::TUNNEL_ASSIGNMENT_ID_TYPE),
        (dict::TUNNEL_PREFERENCE, rfc2868::TUNNEL_PREFERENCE_TYPE),
        (dict::ACCT_TUNNEL_PACKETS_LOST, rfc2867::ACCT_TUNNEL_PACKETS_LOST_TYPE),
        (dict::TUNNEL_CLIENT_AUTH_ID, rfc2868::TUNNEL_CLIENT_AUTH_ID_TYPE),
        (dict::TUNNEL_SERVER_AUTH_ID, rfc2868::TUNNEL_SERVER_AUTH_ID_TYPE),
        (dict::NAS_FILTER_RULE, rfc4849::NAS_FILTER_RULE_TYPE),
        (dict::LOGIN_IPV6_HOST, rfc3162::LOGIN_IPV6_HOST_TYPE),
        (dict::FRAMED_IPV6_ROUTE, rfc3162::FRAMED_IPV6_ROUTE_TYPE),
        (dict::FRAMED_IPV6_POOL, rfc3162::FRAMED_IPV6_POOL_TYPE),
        (dict::DNS_SERVER_IPV6_ADDRESS, rfc6911::DNS_SERVER_IPV6_ADDRESS_TYPE),
        (dict::DELEGATED_IPV6_PREFIX_POOL, rfc6911::DELEGATED_IPV6_PREFIX_POOL_TYPE),
        (dict::STATEFUL_IPV6_ADDRESS_POOL, rfc6911::STATEFUL_IPV6_ADDRESS_POOL_TYPE),
    ];
    for (attribute, number) in theirs {
        assert_eq!(attribute.definition().scope, Scope::Rfc(number), "{attribute:?}");
    }
    let compared = |it: &Attribute| theirs.iter().any(|(attribute, _)| attribute == it);
    let rfc = dict::all().filter(|it| matches!(it.definition().scope, Scope::Rfc(_)));
    // RFC 5580 and RFC 7268, which the crate does not have.
    let newer = |it: &Attribute| {
        let names =
            ["Operator-Name", "Location-", "Allowed-Called-", "Mobility-Domain-Id", "WLAN-"];
        names.iter().any(|name| it.name().starts_with(name))
    };
    let missing: Vec<Attribute> = rfc.filter(|it| !compared(it) && !newer(it)).collect();
    assert!(missing.is_empty(), "not compared: {missing:?}");
}

proptest! {
    #[test]
    fn what_is_drafted_is_read_again(
        attributes in vec((any::<u8>(), vec(any::<u8>(), 0..=260)), 0..60),
        code: u8,
        identifier: u8,
    ) {
        let mut draft = Draft::new(Code::from(code), identifier);
        let mut kept = Vec::new();
        for (kind, value) in attributes.into_iter().filter(|(kind, _)| *kind != 80) {
            let fits = value.len() <= 253 && value.len() + 2 <= draft.room();
            prop_assert_eq!(draft.add(kind, &value).is_ok(), fits);
            if fits {
                kept.push((kind, value));
            }
        }
        let (bytes, _) = draft.finish();
        let packet = Packet::decode(&bytes).unwrap();
        prop_assert_eq!((packet.code.number(), packet.identifier), (code, identifier));
        let read: Vec<_> = packet.attributes().map(|(kind, value)| (kind, value.to_vec())).collect();
        prop_assert_eq!(read, kept);
        prop_assert_eq!(packet.bytes(), &bytes[..]);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        if let Ok(packet) = Packet::decode(&bytes) {
            let octets: usize = packet.attributes().map(|(_, value)| value.len() + 2).sum();
            prop_assert_eq!(octets + HEADER, packet.bytes().len());
        }
        let _ = Packet::decode(&with(&bytes));
    }
}
