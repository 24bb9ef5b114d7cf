use super::*;
use crate::radius::packet::Code;
use crate::radius::tests::{FLOPSY, NEMO, SECRET, hex, packet};

fn lobby(packet: &Packet) -> Nas {
    nas(packet, Arc::from("lobby"), [10, 0, 0, 2].into())
}

fn asked(attributes: &[(Attribute, &[u8])]) -> Result<AccessRequest, Unfit> {
    let packet = packet(Code::AccessRequest, attributes);
    access(&packet, &Secret::new(SECRET), lobby(&packet))
}

fn reported(attributes: &[(Attribute, &[u8])]) -> Result<Accounting, Unfit> {
    let packet = packet(Code::AccountingRequest, attributes);
    accounting(&packet, lobby(&packet), ViewPoint::Nas)
}

fn session(attributes: &[(Attribute, &[u8])]) -> Report {
    let mut all: Vec<(Attribute, &[u8])> = vec![(dict::ACCT_SESSION_ID, b"5f")];
    all.extend(attributes);
    let Accounting::Session(report) = reported(&all).unwrap() else { panic!("no session") };
    *report
}

const STOP: (Attribute, &[u8]) = (dict::ACCT_STATUS_TYPE, &[0, 0, 0, 2]);
const ANNA: (Attribute, &[u8]) = (dict::USER_NAME, b"anna");

/// RFC 2865 section 7.1.
#[test]
fn nemo_signs_in_with_pap() {
    let packet = Packet::decode(&hex(NEMO)).unwrap();
    let request = access(&packet, &Secret::new(SECRET), lobby(&packet)).unwrap();
    assert_eq!(request.username, "nemo");
    assert_eq!(request.nas.address, Some([192, 168, 1, 16].into()));
    assert_eq!((&*request.nas.client, request.nas.identifier), ("lobby", None));
    let Proof::Pap(password) = request.proof else { panic!("{:?}", request.proof) };
    assert_eq!(password.reveal(), "arctangent");
    let names: Vec<&str> = request.attributes.0.iter().map(|it| it.attribute.name()).collect();
    let sent = ["User-Name", "NAS-IP-Address", "NAS-Port"];
    let added = ["Client-Shortname", "Packet-Src-IP-Address"];
    assert_eq!(names, [&sent[..], &added].concat(), "and no password");
}

/// RFC 2865 section 7.2: the challenge is the authenticator.
#[test]
fn flopsy_signs_in_with_chap() {
    let packet = Packet::decode(&hex(FLOPSY)).unwrap();
    let request = access(&packet, &Secret::new(SECRET), lobby(&packet)).unwrap();
    let Proof::Chap { identifier, challenge, response } = request.proof else { panic!("no CHAP") };
    assert_eq!((identifier, &challenge[..]), (0x16, &packet.authenticator[..]));
    assert_eq!(response[..], hex("e9 75 57 c3 16 18 58 95 f2 93 ff 63 44 07 72 75"));
}

#[test]
fn chap_takes_its_own_challenge_where_there_is_one() {
    let password: &[u8] = &[5; 17];
    let request =
        asked(&[ANNA, (dict::CHAP_PASSWORD, password), (dict::CHAP_CHALLENGE, b"abc")]).unwrap();
    let Proof::Chap { challenge, .. } = request.proof else { panic!("no CHAP") };
    assert_eq!(challenge, b"abc");
    let is_sent = |attribute| request.attributes.get(attribute).is_some();
    assert!(is_sent(dict::USER_NAME));
    for hidden in [dict::CHAP_PASSWORD, dict::CHAP_CHALLENGE] {
        assert!(!is_sent(hidden), "{} is nothing for check items", hidden.name());
    }
}

#[test]
fn check_items_may_ask_which_section_and_address_it_is_from() {
    let packet = packet(Code::AccessRequest, &[ANNA]);
    let from = |source: IpAddr| {
        let nas = nas(&packet, Arc::from("lobby"), source);
        access(&packet, &Secret::new(SECRET), nas).unwrap().attributes
    };
    let address = std::net::Ipv4Addr::new(10, 0, 0, 2);
    let attributes = from(address.into());
    assert_eq!(attributes.text(dict::CLIENT_SHORTNAME), Some("lobby"));
    let source = attributes.get(dict::PACKET_SRC_IP_ADDRESS);
    assert_eq!(source, Some(&Value::Ipv4(address)));
    let attributes = from("fd00::2".parse().unwrap());
    assert_eq!(attributes.text(dict::CLIENT_SHORTNAME), Some("lobby"));
    assert!(attributes.get(dict::PACKET_SRC_IP_ADDRESS).is_none(), "it is for IPv4");
}

#[test]
fn another_secret_makes_a_password_unreadable() {
    let packet = Packet::decode(&hex(NEMO)).unwrap();
    let other = Secret::new("not that one");
    assert_eq!(access(&packet, &other, lobby(&packet)).unwrap_err(), Unfit::Unreadable);
}

/// Identifier 7, flags, then octets that show their place.
fn ms_chap_response(flags: u8) -> Vec<u8> {
    let mut value = vec![7, flags];
    value.extend([&[1; 16][..], &[2; 8], &[3; 24]].concat());
    value
}

#[test]
fn ms_chap_responses_are_taken_apart() {
    let value = ms_chap_response(1);
    let challenge: &[u8] = &[4; 8];
    let request =
        asked(&[ANNA, (dict::MS_CHAP_RESPONSE, &value), (dict::MS_CHAP_CHALLENGE, challenge)]);
    let Proof::MsChap { identifier, challenge, response } = request.unwrap().proof else {
        panic!("no MS-CHAP")
    };
    assert_eq!((identifier, challenge, response), (7, [4; 8], [3; 24]));

    let challenge: &[u8] = &[4; 16];
    let request =
        asked(&[ANNA, (dict::MS_CHAP2_RESPONSE, &value), (dict::MS_CHAP_CHALLENGE, challenge)]);
    let Proof::MsChap2 { identifier, username, authenticator_challenge, peer_challenge, response } =
        request.unwrap().proof
    else {
        panic!("no MS-CHAPv2")
    };
    assert_eq!((identifier, &*username), (7, "anna"));
    assert_eq!((authenticator_challenge, peer_challenge), ([4; 16], [1; 16]));
    assert_eq!(response, [3; 24]);
}

#[test]
fn a_misshapen_proof_is_unfit() {
    let (value, lan_manager) = (ms_chap_response(1), ms_chap_response(0));
    let (short, long): (&[u8], &[u8]) = (&[4; 8], &[4; 16]);
    let cases: [&[(Attribute, &[u8])]; 7] = [
        &[(dict::USER_PASSWORD, &[1; 15])],
        &[(dict::CHAP_PASSWORD, &[1; 16])],
        &[(dict::MS_CHAP_RESPONSE, &value)],
        &[(dict::MS_CHAP_RESPONSE, &value), (dict::MS_CHAP_CHALLENGE, long)],
        &[(dict::MS_CHAP_RESPONSE, &lan_manager), (dict::MS_CHAP_CHALLENGE, short)],
        &[(dict::MS_CHAP2_RESPONSE, &value[..49]), (dict::MS_CHAP_CHALLENGE, long)],
        &[(dict::MS_CHAP2_RESPONSE, &value), (dict::MS_CHAP_CHALLENGE, short)],
    ];
    for case in cases {
        let request = asked(&[&[ANNA], case].concat());
        assert_eq!(request.unwrap_err(), Unfit::Password, "{case:?}");
    }
}

#[test]
fn a_text_ends_at_a_nul_and_may_be_latin_1() {
    for (sent, read) in [
        (&b"anna\0\xff"[..], "anna"),
        (b"Zo\xeb", "Zo\u{eb}"),
        (b"Zo\xeb\0", "Zo\u{eb}"),
        ("Zo\u{eb}".as_bytes(), "Zo\u{eb}"),
    ] {
        assert_eq!(asked(&[(dict::USER_NAME, sent)]).unwrap().username, read);
        assert_eq!(session(&[STOP, (dict::USER_NAME, sent)]).username, read);
    }
    let mac = (dict::CALLING_STATION_ID, &b"aa-bb-cc-dd-ee-ff\0:lobby"[..]);
    assert!(asked(&[ANNA, mac]).unwrap().station.is_some());
}

#[test]
fn what_nobody_can_be_asked_is_unfit() {
    let (pap, chap): (&[u8], &[u8]) = (&[1; 16], &[1; 17]);
    let both = [ANNA, (dict::USER_PASSWORD, pap), (dict::CHAP_PASSWORD, chap)];
    assert_eq!(asked(&both).unwrap_err(), Unfit::TwoProofs);
    assert_eq!(asked(&[(dict::USER_PASSWORD, pap)]).unwrap_err(), Unfit::NoUserName);
    assert_eq!(asked(&[(dict::USER_NAME, b"")]).unwrap_err(), Unfit::NoUserName);
    assert_eq!(asked(&[(dict::USER_NAME, b"\0a")]).unwrap_err(), Unfit::NoUserName);
    assert_eq!(asked(&[ANNA, (dict::EAP_MESSAGE, &[2, 1, 0, 4])]).unwrap_err(), Unfit::Eap);
    assert!(matches!(asked(&[ANNA]).unwrap().proof, Proof::Nothing));
}

#[test]
fn devices_are_known_however_they_are_written() {
    for text in ["aa-bb-cc-dd-ee-ff", "AA:BB:CC:DD:EE:FF", "aabb.ccdd.eeff", "aabbccddeeff"] {
        let request = asked(&[ANNA, (dict::CALLING_STATION_ID, text.as_bytes())]).unwrap();
        assert_eq!(request.station, Some(Mac::new([0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff])), "{text}");
    }
    let request = asked(&[ANNA, (dict::CALLING_STATION_ID, b"+49 30 1234")]).unwrap();
    assert_eq!(request.station, None);
}

#[test]
fn an_access_point_says_who_it_is() {
    let address: &[u8] = &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let packet = packet(
        Code::AccessRequest,
        &[(dict::NAS_IPV6_ADDRESS, address), (dict::NAS_IDENTIFIER, b"ap")],
    );
    let nas = lobby(&packet);
    assert_eq!(nas.address, Some("2001:db8::1".parse().unwrap()));
    assert_eq!(nas.identifier.as_deref(), Some("ap"));
    assert_eq!(nas.source, IpAddr::from([10, 0, 0, 2]));
}

/// Input is what comes in from the guest (RFC 2866 section 5.3).
#[test]
fn a_report_turns_input_into_upload() {
    let report = session(&[
        STOP,
        ANNA,
        (dict::ACCT_INPUT_OCTETS, &[0, 0, 0, 1]),
        (dict::ACCT_INPUT_GIGAWORDS, &[0, 0, 0, 2]),
        (dict::ACCT_OUTPUT_OCTETS, &[0, 0, 0, 3]),
        (dict::ACCT_SESSION_TIME, &[0, 0, 1, 0]),
        (dict::ACCT_DELAY_TIME, &[0, 0, 0, 5]),
        (dict::ACCT_TERMINATE_CAUSE, &[0, 0, 0, 4]),
        (dict::EVENT_TIMESTAMP, &[0x60, 0, 0, 0]),
        (dict::FRAMED_IP_ADDRESS, &[10, 1, 0, 9]),
        (dict::CLASS, &[1, 0xff]),
        (dict::CALLING_STATION_ID, b"aa-bb-cc-dd-ee-ff"),
        (dict::NAS_PORT_TYPE, &[0, 0, 0, 19]),
    ]);
    assert_eq!((&*report.session, &*report.username), ("5f", "anna"));
    assert_eq!(report.event, Event::Stop(TerminateCause::IdleTimeout));
    assert_eq!(
        report.reported,
        Reported {
            time: Some(Duration::from_secs(256)),
            upload: Some(Octets { low: 1, gigawords: Some(2) }),
            download: Some(Octets { low: 3, gigawords: None }),
        }
    );
    assert_eq!(report.delay, Duration::from_secs(5));
    assert_eq!(report.stamp.map(|at| at.unix()), Some(0x6000_0000));
    assert_eq!(report.address, Some([10, 1, 0, 9].into()));
    assert_eq!(report.class, Some(vec![1, 0xff]));
    assert_eq!(report.station, Some(Mac::new([0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff])));
    assert_eq!(report.details.calling_station.as_deref(), Some("aa-bb-cc-dd-ee-ff"));
    assert_eq!(report.details.port_type.as_deref(), Some("Wireless-802.11"));
}

#[test]
fn a_bare_report_is_taken_down() {
    let report = session(&[(dict::ACCT_STATUS_TYPE, &[0, 0, 0, 3])]);
    assert_eq!((report.event, &*report.username), (Event::Interim, ""));
    assert_eq!(report.reported, Reported::default());
    let start = session(&[(dict::ACCT_STATUS_TYPE, &[0, 0, 0, 1])]);
    assert_eq!(start.event, Event::Start);
}

#[test]
fn an_end_without_a_cause_is_the_access_points_wish() {
    let cause = |attributes: &[_]| session(&[&[STOP], attributes].concat()).event;
    assert_eq!(cause(&[]), Event::Stop(TerminateCause::NasRequest));
    let unknown: (Attribute, &[u8]) = (dict::ACCT_TERMINATE_CAUSE, &[0, 0, 0, 99]);
    assert_eq!(cause(&[unknown]), Event::Stop(TerminateCause::NasRequest));
}

#[test]
fn addresses_that_are_none_are_left_out() {
    for octets in [[0; 4], [255; 4], [255, 255, 255, 254]] {
        assert_eq!(session(&[STOP, (dict::FRAMED_IP_ADDRESS, &octets)]).address, None);
    }
}

#[test]
fn an_access_point_that_starts_or_stops_ends_its_sessions() {
    for (status, expected) in [(7, TerminateCause::NasReboot), (8, TerminateCause::AdminReboot)] {
        match reported(&[(dict::ACCT_STATUS_TYPE, &[0, 0, 0, status])]) {
            Ok(Accounting::Restarted { nas, cause, .. }) => {
                assert_eq!((&*nas.client, cause), ("lobby", expected));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn reports_of_other_things_are_ignored_and_bad_ones_unfit() {
    for status in [9, 15, 200] {
        let told = reported(&[(dict::ACCT_STATUS_TYPE, &[0, 0, 0, status])]);
        assert!(matches!(told, Ok(Accounting::Ignored)), "{status}");
    }
    assert_eq!(reported(&[]).unwrap_err(), Unfit::Missing("Acct-Status-Type"));
}

#[test]
fn a_report_without_a_number_or_with_odd_letters_is_one_all_the_same() {
    for (number, expected) in [(None, ""), (Some(&b""[..]), ""), (Some(b"\xe4\xff1"), "0xe4ff31")] {
        let number = number.map(|octets| (dict::ACCT_SESSION_ID, octets));
        let all: Vec<_> = [STOP].into_iter().chain(number).collect();
        let Accounting::Session(report) = reported(&all).unwrap() else { panic!("no session") };
        assert_eq!(report.session, expected);
    }
    for (octets, name) in [
        (&b"M\xfcller"[..], "M\u{fc}ller"),
        ("M\u{fc}ller".as_bytes(), "M\u{fc}ller"),
        (b"jo\0x", "jo"),
    ] {
        assert_eq!(session(&[STOP, (dict::USER_NAME, octets)]).username, name);
    }
}
