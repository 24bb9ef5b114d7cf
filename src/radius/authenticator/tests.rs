use super::*;
use crate::radius::tests::{
    FLOPSY, FLOPSY_ACCEPT, MOPSY_CHALLENGE, MOPSY_CHALLENGE_REQUEST, NEMO, NEMO_ACCEPT, SECRET,
    STATUS_ACCT, STATUS_ACCT_REPLY, STATUS_AUTH, STATUS_AUTH_REPLY, hex,
};

fn secret() -> Secret {
    Secret::new(SECRET)
}

fn read(text: &str) -> Packet {
    Packet::decode(&hex(text)).unwrap()
}

#[test]
fn the_answers_of_the_rfcs_verify() {
    for (request, reply) in [
        (NEMO, NEMO_ACCEPT),
        (FLOPSY, FLOPSY_ACCEPT),
        (MOPSY_CHALLENGE_REQUEST, MOPSY_CHALLENGE),
        (STATUS_AUTH, STATUS_AUTH_REPLY),
        (STATUS_ACCT, STATUS_ACCT_REPLY),
    ] {
        let (request, reply) = (read(request), read(reply));
        let authentic = |secret| is_authentic_response(&reply, &request.authenticator, &secret);
        assert!(authentic(secret()));
        assert!(!authentic(Secret::new("xyzzy5462")));
        assert!(!is_authentic_response(&reply, &[0; 16], &secret()));
    }
}

/// RFC 5997 section 6.
#[test]
fn message_authenticators_of_status_server_verify() {
    for text in [STATUS_AUTH, STATUS_ACCT] {
        let packet = read(text);
        assert_eq!(message_authenticator(&packet, &secret()), Signature::Good);
        assert_eq!(message_authenticator(&packet, &Secret::new("other")), Signature::Bad);
        let mut changed = hex(text);
        changed[1] ^= 1;
        let changed = Packet::decode(&changed).unwrap();
        assert_eq!(message_authenticator(&changed, &secret()), Signature::Bad);
    }
    assert_eq!(message_authenticator(&read(NEMO), &secret()), Signature::Absent);
}

#[test]
fn replies_are_signed_as_in_rfc_2865() {
    let request = read(NEMO);
    let mut draft = Draft::new(Code::AccessAccept, 0);
    draft.add(6, &[0, 0, 0, 1]).unwrap();
    draft.add(15, &[0, 0, 0, 0]).unwrap();
    draft.add(14, &[192, 168, 1, 3]).unwrap();
    assert_eq!(sign_reply(draft, &request.authenticator, &secret()), hex(NEMO_ACCEPT));
}

/// RFC 2866 section 3: MD5(Code + Identifier + Length + 16 zero octets + attributes + secret).
#[test]
fn requests_are_signed_by_the_formula() {
    let mut draft = Draft::new(Code::AccountingRequest, 3);
    draft.add(40, &[0, 0, 0, 1]).unwrap();
    let bytes = sign_request(draft, &secret());
    let text = [&[4, 3, 0, 26][..], &[0; 16], &[40, 6, 0, 0, 0, 1], b"xyzzy5461"].concat();
    let expected: [u8; 16] = Md5::digest(text).into();
    assert_eq!(bytes[4..20], expected);
    let packet = Packet::decode(&bytes).unwrap();
    assert!(is_authentic_request(&packet, &secret()));
    assert!(!is_authentic_request(&packet, &Secret::new("other")));
}

fn signed(code: Code) -> Draft {
    let mut draft = Draft::new(code, 3);
    draft.add_message_authenticator().unwrap();
    draft.add(1, b"anna").unwrap();
    draft
}

#[test]
fn message_authenticators_of_other_requests_are_over_zeroes() {
    for code in [Code::AccountingRequest, Code::DisconnectRequest, Code::CoaRequest] {
        let packet = Packet::decode(&sign_request(signed(code), &secret())).unwrap();
        assert_eq!(message_authenticator(&packet, &secret()), Signature::Good, "{code:?}");
        assert!(is_authentic_request(&packet, &secret()));
    }
}

#[test]
fn message_authenticators_of_replies_are_over_the_requests_authenticator() {
    let request = [5; 16];
    for code in [Code::AccessAccept, Code::AccessReject, Code::AccessChallenge, Code::CoaAck] {
        let reply = Packet::decode(&sign_reply(signed(code), &request, &secret())).unwrap();
        let signature = |request| reply_message_authenticator(&reply, request, &secret());
        assert_eq!(signature(&request), Signature::Good, "{code:?}");
        assert_eq!(signature(&[6; 16]), Signature::Bad, "{code:?}");
    }
}

/// FreeRADIUS 3 signs answers to Disconnect- and CoA-Requests over zeroes; in an Access-Accept
/// that would be a way round the request.
#[test]
fn only_answers_to_orders_may_be_signed_over_zeroes() {
    for (code, expected) in
        [(Code::DisconnectAck, Signature::Good), (Code::AccessAccept, Signature::Bad)]
    {
        let reply = Packet::decode(&sign_reply(signed(code), &[0; 16], &secret())).unwrap();
        assert_eq!(reply_message_authenticator(&reply, &[5; 16], &secret()), expected);
    }
}

/// RFC 2202 section 2, cases 1, 2 and 6: keys of 16 octets, of letters, and longer than a block.
#[test]
fn hmac_md5_is_that_of_rfc_2202() {
    let eleven = Secret::new("\u{b}".repeat(16));
    assert_eq!(hmac(&eleven, &[b"Hi There"])[..], hex("9294727a3638bb1c13f48ef8158bfc9d"));
    let jefe = Secret::new("Jefe");
    let text: [&[u8]; 2] = [b"what do ya want ", b"for nothing?"];
    assert_eq!(hmac(&jefe, &text)[..], hex("750c783e6ab0b503eaa86e310a5db738"));
}

/// RFC 2202's long key is no UTF-8; a secret of our own, against the definition of RFC 2104.
#[test]
fn a_secret_longer_than_a_block_is_hashed_first() {
    let long = "k".repeat(65);
    let short: [u8; 16] = Md5::digest(&long).into();
    let pad = |with: u8| -> Vec<u8> {
        (0..64).map(|at| short.get(at).copied().unwrap_or(0) ^ with).collect()
    };
    let inner = Md5::digest([&pad(0x36)[..], b"text"].concat());
    let outer: [u8; 16] = Md5::digest([&pad(0x5c)[..], &inner].concat()).into();
    assert_eq!(hmac(&Secret::new(long), &[b"text"]), outer);
}
