use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::policy::dictionary as dict;
use crate::radius::encrypt::{uncover_password, uncover_salted};
use crate::radius::packet::Code;
use crate::radius::tests::packet;

fn secret() -> Secret {
    Secret::new("xyzzy5461")
}

/// What one attribute becomes: its bytes in the packet.
fn written(attribute: Attribute, tag: u8, value: Value) -> Result<Vec<u8>, Unsent> {
    let mut draft = Draft::new(Code::AccessAccept, 0);
    let secret = secret();
    let mut covering =
        EncryptContext { secret: &secret, request_authenticator: &[9; 16], salts: Salts::from(0) };
    write(&mut draft, &Pair { attribute, tag, value }, &mut covering)?;
    Ok(draft.finish().0.split_off(20))
}

#[test]
fn every_type_has_its_bytes() {
    let cases: [(Attribute, u8, Value, &[u8]); 9] = [
        (dict::USER_NAME, 0, Value::Text("é".into()), &[1, 4, 0xc3, 0xa9]),
        (dict::CLASS, 0, Value::Octets(vec![0, 255]), &[25, 4, 0, 255]),
        (dict::SESSION_TIMEOUT, 0, Value::Integer(0x0102_0304), &[27, 6, 1, 2, 3, 4]),
        (dict::NAS_IP_ADDRESS, 0, Value::Ipv4([10, 0, 0, 1].into()), &[4, 6, 10, 0, 0, 1]),
        (
            dict::EVENT_TIMESTAMP,
            0,
            Value::Date(Timestamp::from_unix(0x6000_0001)),
            &[55, 6, 0x60, 0, 0, 1],
        ),
        (dict::TUNNEL_TYPE, 1, Value::Integer(13), &[64, 6, 1, 0, 0, 13]),
        (dict::TUNNEL_PRIVATE_GROUP_ID, 2, Value::Text("42".into()), &[81, 5, 2, b'4', b'2']),
        (dict::TUNNEL_PRIVATE_GROUP_ID, 0, Value::Text("42".into()), &[81, 4, b'4', b'2']),
        (
            dict::WISPR_BANDWIDTH_MAX_UP,
            0,
            Value::Integer(64_000),
            &[26, 12, 0, 0, 0x37, 0x2a, 7, 6, 0, 0, 0xfa, 0],
        ),
    ];
    for (attribute, tag, value, bytes) in cases {
        assert_eq!(written(attribute, tag, value.clone()).unwrap(), bytes, "{attribute:?}");
        let header = if bytes[0] == 26 { 8 } else { 2 };
        assert_eq!(read(attribute, &bytes[header..]), Some((tag, value)), "{attribute:?}");
    }
}

#[test]
fn an_ipv6_address_has_its_octets_in_order() {
    let address: Ipv6Addr = "2001:db8::1".parse().unwrap();
    let bytes = written(dict::NAS_IPV6_ADDRESS, 0, Value::Ipv6(address)).unwrap();
    assert_eq!(bytes, [95, 18, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
}

#[test]
fn hidden_values_are_hidden_as_their_attribute_wants() {
    let password = written(dict::USER_PASSWORD, 0, Value::Text("abc".into())).unwrap();
    assert_eq!(password[..2], [2, 18]);
    assert_eq!(uncover_password(&password[2..], &[9; 16], &secret()).unwrap(), b"abc");
    let tunnel = written(dict::TUNNEL_PASSWORD, 3, Value::Text("abc".into())).unwrap();
    assert_eq!(tunnel[..3], [69, 21, 3]);
    assert_eq!(uncover_salted(&tunnel[3..], &[9; 16], &secret()).unwrap(), b"abc");
    let untagged = written(dict::TUNNEL_PASSWORD, 0, Value::Text("abc".into())).unwrap();
    assert_eq!(untagged[..3], [69, 21, 0]);
    let key = written(dict::MS_MPPE_SEND_KEY, 0, Value::Octets(vec![5; 16])).unwrap();
    assert_eq!(key[..8], [26, 42, 0, 0, 1, 0x37, 16, 36]);
    assert_eq!(uncover_salted(&key[8..], &[9; 16], &secret()).unwrap(), [5; 16]);
}

#[test]
fn what_does_not_fit_is_refused() {
    let long = |length| Value::Text("x".repeat(length));
    assert!(written(dict::REPLY_MESSAGE, 0, long(253)).is_ok());
    assert_eq!(written(dict::REPLY_MESSAGE, 0, long(254)), Err(Unsent::TooLong));
    assert!(written(dict::WISPR_REDIRECTION_URL, 0, long(247)).is_ok());
    assert_eq!(written(dict::WISPR_REDIRECTION_URL, 0, long(248)), Err(Unsent::TooLong));
    assert_eq!(written(dict::WISPR_REDIRECTION_URL, 0, long(300)), Err(Unsent::TooLong));
    assert_eq!(written(dict::TUNNEL_PRIVATE_GROUP_ID, 1, long(253)), Err(Unsent::TooLong));
    assert_eq!(written(dict::USER_PASSWORD, 0, long(129)), Err(Unsent::TooLong));
    let big = Value::Integer(0x0100_0000);
    assert_eq!(written(dict::TUNNEL_TYPE, 1, big), Err(Unsent::TooLong));
    let before_1970 = Value::Date(Timestamp::from_unix(-1));
    assert_eq!(written(dict::EVENT_TIMESTAMP, 0, before_1970), Err(Unsent::TooLong));
    assert_eq!(written(dict::AUTH_TYPE, 0, Value::Integer(4)), Err(Unsent::Internal));
}

#[test]
fn several_attributes_of_a_vendor_in_one_are_all_read() {
    let inside = [&[0, 0, 0x37, 0x2a][..], &[7, 6, 0, 0, 0, 1], &[4, 5, b'a', b'b', b'c']].concat();
    let mut draft = Draft::new(Code::AccessRequest, 0);
    draft.add(26, &inside).unwrap();
    draft.add(26, &[0, 0, 0, 99, 1, 3, 5]).unwrap();
    let (bytes, _) = draft.finish();
    let packet = Packet::decode(&bytes).unwrap();
    let fields = AttributeView::of(&packet);
    assert_eq!(fields.integer(dict::WISPR_BANDWIDTH_MAX_UP), Some(1));
    assert_eq!(fields.text(dict::WISPR_REDIRECTION_URL).as_deref(), Some("abc"));
    assert_eq!(fields.pairs().0.len(), 2, "the vendor that nobody knows is left out");
}

#[test]
fn a_misshapen_vendor_attribute_takes_its_neighbours_with_it_and_nothing_else() {
    let mut draft = Draft::new(Code::AccessRequest, 0);
    draft.add(26, &[0, 0, 0x37, 0x2a, 7, 6, 0, 0, 0, 1, 8, 7, 0]).unwrap();
    draft.add(26, &[0, 0]).unwrap();
    draft.add(1, b"anna").unwrap();
    let (bytes, _) = draft.finish();
    let packet = Packet::decode(&bytes).unwrap();
    let fields = AttributeView::of(&packet);
    assert_eq!(fields.integer(dict::WISPR_BANDWIDTH_MAX_UP), None);
    assert_eq!(fields.text(dict::USER_NAME).as_deref(), Some("anna"));
}

#[test]
fn what_has_the_wrong_length_is_left_out_and_the_rest_stands() {
    let packet = packet(
        Code::AccessRequest,
        &[
            (dict::NAS_PORT, &[1, 2, 3]),
            (dict::NAS_IP_ADDRESS, &[1; 5]),
            (dict::NAS_IPV6_ADDRESS, &[]),
            (dict::TUNNEL_TYPE, &[1, 0, 13]),
            (dict::NAS_IDENTIFIER, &[0xff]),
            (dict::USER_NAME, b"anna"),
        ],
    );
    let pairs = AttributeView::of(&packet).pairs();
    let said: Vec<_> = pairs.0.into_iter().map(|pair| (pair.attribute, pair.value)).collect();
    assert_eq!(
        said,
        [
            (dict::NAS_IDENTIFIER, Value::Octets(vec![0xff])),
            (dict::USER_NAME, Value::Text("anna".into())),
        ]
    );
}

#[test]
fn tags_end_at_31() {
    let text = |bytes: &[u8]| read(dict::TUNNEL_PRIVATE_GROUP_ID, bytes).unwrap();
    assert_eq!(text(b"\x1fab"), (31, Value::Text("ab".into())));
    assert_eq!(text(b"\x20ab"), (0, Value::Text(" ab".into())));
    assert_eq!(text(b"\x00ab"), (0, Value::Text("ab".into())));
    let number = |bytes: &[u8]| read(dict::TUNNEL_TYPE, bytes).unwrap();
    assert_eq!(number(&[31, 0, 1, 2]), (31, Value::Integer(0x0102)));
    assert_eq!(number(&[32, 0, 1, 2]), (0, Value::Integer(0x0102)));
}

#[test]
fn a_text_that_begins_like_a_tag_is_not_taken_for_one() {
    for text in ["", "\u{1}x", "\0\0<"] {
        let value = Value::Text(text.into());
        let bytes = written(dict::TUNNEL_PRIVATE_GROUP_ID, 0, value.clone()).unwrap();
        assert_eq!(read(dict::TUNNEL_PRIVATE_GROUP_ID, &bytes[2..]), Some((0, value)));
    }
}

#[test]
fn numbers_are_shown_by_their_names() {
    let packet = packet(
        Code::AccessRequest,
        &[(dict::NAS_PORT_TYPE, &[0, 0, 0, 19]), (dict::SERVICE_TYPE, &[0, 0, 0, 200])],
    );
    let fields = AttributeView::of(&packet);
    assert_eq!(fields.named(dict::NAS_PORT_TYPE).as_deref(), Some("Wireless-802.11"));
    assert_eq!(fields.named(dict::SERVICE_TYPE).as_deref(), Some("200"));
    assert_eq!(fields.named(dict::FRAMED_PROTOCOL), None);
}

fn any_value(attribute: Attribute) -> BoxedStrategy<Value> {
    match attribute.definition().kind {
        Kind::Text => "[a-zé ]{0,80}".prop_map(Value::Text).boxed(),
        Kind::Octets => vec(any::<u8>(), 0..=128).prop_map(Value::Octets).boxed(),
        Kind::Integer(_) if attribute.definition().tagged => {
            (0..0x0100_0000u32).prop_map(Value::Integer).boxed()
        }
        Kind::Integer(_) => any::<u32>().prop_map(Value::Integer).boxed(),
        Kind::Integer64 => any::<u64>().prop_map(Value::Integer64).boxed(),
        Kind::Ipv4 => any::<[u8; 4]>().prop_map(|it| Value::Ipv4(it.into())).boxed(),
        Kind::Ipv6 => any::<[u8; 16]>().prop_map(|it| Value::Ipv6(it.into())).boxed(),
        Kind::Date => {
            any::<u32>().prop_map(|it| Value::Date(Timestamp::from_unix(i64::from(it)))).boxed()
        }
    }
}

fn any_pair() -> impl Strategy<Value = Pair> {
    let travelling: Vec<Attribute> = dict::all()
        .filter(|it| it.definition().scope != Scope::Internal)
        .filter(|it| it.definition().cover == Cover::None)
        .collect();
    proptest::sample::select(travelling).prop_flat_map(|attribute| {
        let tags = if attribute.definition().tagged { 1..=31u8 } else { 0..=0 };
        (tags, any_value(attribute)).prop_map(move |(tag, value)| Pair { attribute, tag, value })
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(pairs in vec(any_pair(), 0..40)) {
        let mut draft = Draft::new(Code::AccessRequest, 1);
        let secret = secret();
        let mut covering =
            EncryptContext { secret: &secret, request_authenticator: &[0; 16], salts: Salts::from(0) };
        let mut sent = Vec::new();
        for pair in pairs {
            // A Message-Authenticator of another length is no packet at all.
            if pair.attribute == dict::MESSAGE_AUTHENTICATOR {
                continue;
            }
            match write(&mut draft, &pair, &mut covering) {
                Ok(()) => sent.push(pair),
                Err(refusal) => prop_assert_eq!(refusal, Unsent::NoRoom),
            }
        }
        let (bytes, _) = draft.finish();
        let packet = Packet::decode(&bytes).unwrap();
        prop_assert_eq!(AttributeView::of(&packet).pairs().0, sent);
    }
}
