use super::*;
use crate::domain::session::Allowance;
use crate::policy::Pairs;

fn shown(pair: Pair) -> String {
    let value = match pair.value {
        Value::Text(text) => text,
        Value::Integer(number) => number.to_string(),
        Value::Octets(octets) => format!("{} octets", octets.len()),
        other => format!("{other:?}"),
    };
    format!("{}={value}", pair.attribute.name())
}

/// What is sent, as `Name=value` words.
fn sent(accept: &Accept, vendor: Vendor) -> Vec<String> {
    pairs(accept, Profile::of(vendor)).into_iter().map(shown).collect()
}

fn limited() -> Accept {
    Accept {
        left: Allowance {
            time: Some(Duration::from_millis(3_600_001)),
            download: Some((2 << 32) + 5),
            upload: Some(7),
        },
        total: Some(3 << 32),
        until: Some(Timestamp::from_unix(1_700_000_000)),
        rates: (2048, 512),
        idle_timeout: 900,
        class: vec![1, 2, 3],
        ..Accept::default()
    }
}

const STANDARD: [&str; 4] =
    ["Session-Timeout=3601", "Idle-Timeout=900", "Acct-Interim-Interval=300", "Class=3 octets"];

#[test]
fn standard_attributes_are_for_everybody() {
    assert_eq!(sent(&limited(), Vendor::None), STANDARD);
}

#[test]
fn coovachilli_is_told_in_kilobits() {
    let sent = sent(&limited(), Vendor::Coovachilli);
    assert_eq!(sent[..4], STANDARD);
    assert_eq!(
        sent[4..],
        [
            "ChilliSpot-Bandwidth-Max-Down=2048",
            "ChilliSpot-Bandwidth-Max-Up=512",
            "ChilliSpot-Max-Input-Octets=7",
            "ChilliSpot-Max-Output-Octets=5",
            "ChilliSpot-Max-Output-Gigawords=2",
            "ChilliSpot-Max-Total-Octets=1",
            "ChilliSpot-Max-Total-Gigawords=3",
        ]
    );
}

#[test]
fn mikrotik_is_told_from_the_routers_side() {
    assert_eq!(
        sent(&limited(), Vendor::Mikrotik)[4..],
        [
            "Mikrotik-Rate-Limit=512k/2048k",
            "Mikrotik-Recv-Limit=7",
            "Mikrotik-Xmit-Limit=5",
            "Mikrotik-Xmit-Limit-Gigawords=2",
            "Mikrotik-Total-Limit=1",
            "Mikrotik-Total-Limit-Gigawords=3",
        ]
    );
    let one_way = Accept { rates: (2048, 0), ..Accept::default() };
    let sent = sent(&one_way, Vendor::Mikrotik);
    assert_eq!(sent, ["Acct-Interim-Interval=300", "Mikrotik-Rate-Limit=0/2048k"]);
}

#[test]
fn wispr_is_told_in_bits_and_the_date() {
    assert_eq!(
        sent(&limited(), Vendor::Wispr)[4..],
        [
            "WISPr-Bandwidth-Max-Down=2048000",
            "WISPr-Bandwidth-Max-Up=512000",
            "WISPr-Session-Terminate-Time=2023-11-14T22:13:20+00:00",
        ]
    );
    let fast = Accept { rates: (u32::MAX, 0), ..Accept::default() };
    assert!(sent(&fast, Vendor::Wispr).contains(&"WISPr-Bandwidth-Max-Down=4294967295".to_owned()));
}

#[test]
fn what_is_unlimited_is_not_sent() {
    for vendor in [Vendor::Coovachilli, Vendor::Mikrotik, Vendor::Wispr, Vendor::None] {
        assert_eq!(sent(&Accept::default(), vendor), ["Acct-Interim-Interval=300"]);
    }
    let never = Profile { interim: 0, ..Profile::of(Vendor::None) };
    assert_eq!(pairs(&Accept::default(), never), []);
}

#[test]
fn what_is_used_up_is_never_sent_as_unlimited() {
    let nothing = Some(0);
    let left = Allowance { time: Some(Duration::ZERO), download: nothing, upload: nothing };
    let accept = Accept { left, total: nothing, ..Accept::default() };
    for vendor in [Vendor::Coovachilli, Vendor::Mikrotik, Vendor::Wispr, Vendor::None] {
        let sent = sent(&accept, vendor);
        assert_eq!(sent[0], "Session-Timeout=1");
        assert!(sent.iter().all(|it| !it.ends_with("=0")), "{sent:?}");
    }
}

fn with_reply(accept: Accept, reply: &[(Attribute, u32)]) -> Accept {
    let reply = reply.iter().map(|(attribute, value)| number(*attribute, *value)).collect();
    Accept { reply: Pairs(reply), ..accept }
}

#[test]
fn the_operators_attributes_win_and_come_before_extras() {
    let accept = with_reply(
        limited(),
        &[(dict::FRAMED_MTU, 1400), (dict::IDLE_TIMEOUT, 60), (dict::PORT_LIMIT, 1)],
    );
    assert_eq!(
        sent(&accept, Vendor::None),
        [
            "Session-Timeout=3601",
            "Idle-Timeout=60",
            "Acct-Interim-Interval=300",
            "Class=3 octets",
            "Framed-MTU=1400",
            "Port-Limit=1",
        ]
    );
}

#[test]
fn the_smaller_session_timeout_wins() {
    let timeouts = |seconds: &[u32]| {
        let reply: Vec<_> = seconds.iter().map(|it| (dict::SESSION_TIMEOUT, *it)).collect();
        let mut sent = sent(&with_reply(limited(), &reply), Vendor::None);
        sent.retain(|it| it.starts_with("Session-Timeout"));
        sent
    };
    assert_eq!(timeouts(&[60, 90]), ["Session-Timeout=60"]);
    assert_eq!(timeouts(&[86_400]), ["Session-Timeout=3601"]);
    assert_eq!(timeouts(&[0]), ["Session-Timeout=3601"], "0 is no limit");
    let endless = with_reply(Accept::default(), &[(dict::SESSION_TIMEOUT, 60)]);
    assert_eq!(sent(&endless, Vendor::None)[0], "Session-Timeout=60");
}

#[test]
fn a_limit_in_two_halves_is_overruled_as_a_whole() {
    let accept = with_reply(limited(), &[(dict::CHILLISPOT_MAX_OUTPUT_OCTETS, 1000)]);
    let sent = sent(&accept, Vendor::Coovachilli);
    let outputs: Vec<_> = sent.iter().filter(|it| it.contains("Max-Output")).collect();
    assert_eq!(outputs, ["ChilliSpot-Max-Output-Octets=1000"]);
}

#[test]
fn keys_come_first() {
    let keys = Keys::MsChap2 { success: [1; 43], send: [2; 16], receive: [3; 16] };
    let sent = sent(&Accept { keys, ..limited() }, Vendor::None);
    assert_eq!(
        sent[..5],
        [
            "MS-CHAP2-Success=43 octets",
            "MS-MPPE-Recv-Key=16 octets",
            "MS-MPPE-Send-Key=16 octets",
            "MS-MPPE-Encryption-Policy=1",
            "MS-MPPE-Encryption-Types=6",
        ]
    );
    let ms_chap = Accept { keys: Keys::MsChap([9; 24]), ..Accept::default() };
    let keys = pairs(&ms_chap, Profile::of(Vendor::None));
    assert_eq!(keys[0].attribute, dict::MS_CHAP_MPPE_KEYS);
    let padded = [&[9; 24][..], &[0; 8]].concat();
    assert_eq!(keys[0].value, Value::Octets(padded));
}

fn terms() -> Terms {
    let Accept { left, total, until, rates, idle_timeout, .. } = limited();
    Terms { limit: left, total, until, rates, idle_timeout }
}

/// What is sent when the terms become others, as `Name=value` words.
fn changed(before: Terms, after: Terms, reply: &[(Attribute, u32)], vendor: Vendor) -> Vec<String> {
    let reply = with_reply(Accept::default(), reply).reply;
    let terms = AttributeChange { reply, class: vec![1, 2, 3], before, after };
    changes(&terms, Profile::of(vendor)).into_iter().map(shown).collect()
}

/// Those to whom nothing changes that is left out.
const RFC: [Vendor; 2] = [Vendor::Mikrotik, Vendor::None];

/// Those to whom what is left out is lifted.
const LIFT: [Vendor; 2] = [Vendor::Coovachilli, Vendor::Wispr];

#[test]
fn of_a_change_only_what_is_new_is_sent_where_the_rest_stays() {
    let new = |after: Terms| RFC.map(|vendor| changed(terms(), after, &[], vendor).join(" "));
    assert_eq!(new(terms()), [""; 2]);
    assert_eq!(
        new(Terms { rates: (2048, 256), ..terms() }),
        ["Mikrotik-Rate-Limit=256k/2048k", ""]
    );
    assert_eq!(new(Terms { idle_timeout: 60, ..terms() }), ["Idle-Timeout=60"; 2]);
    let time = Some(Duration::from_secs(7200));
    let limit = Allowance { time, ..terms().limit };
    assert_eq!(new(Terms { limit, ..terms() }), [""; 2]);
}

#[test]
fn of_a_change_everything_is_sent_where_the_rest_would_be_lifted() {
    let reply = [(dict::FRAMED_MTU, 1400), (dict::IDLE_TIMEOUT, 60)];
    for vendor in LIFT {
        let all = |terms: Terms| sent(&with_reply(accept_of(terms), &reply), vendor);
        let after = Terms { rates: (2048, 256), ..terms() };
        let new = changed(terms(), after, &reply, vendor);
        assert_eq!(new, all(after));
        assert!(new.contains(&"Framed-MTU=1400".to_owned()), "{new:?}");
        assert!(new.contains(&"Acct-Interim-Interval=300".to_owned()), "{new:?}");
        // What the operator's own attribute overrules changes nothing.
        let after = Terms { idle_timeout: 30, ..terms() };
        assert_eq!(changed(terms(), after, &reply, vendor), Vec::<String>::new());
        // What is lifted is said to be nought beside the rest.
        let after = Terms { rates: (0, 0), ..terms() };
        let (lifted, rest): (Vec<_>, Vec<_>) =
            changed(terms(), after, &reply, vendor).into_iter().partition(|it| it.ends_with("=0"));
        assert_eq!((lifted.len(), rest), (2, all(after)));
    }
}

fn accept_of(terms: Terms) -> Accept {
    let new = AttributeChange {
        reply: Pairs::default(),
        class: vec![1, 2, 3],
        before: terms,
        after: terms,
    };
    accept(&terms, &new)
}

#[test]
fn what_is_done_once_is_not_done_again_in_the_middle() {
    let text = |attribute, value: &str| text(attribute, value.to_owned());
    let reply = Pairs(vec![
        text(dict::CHILLISPOT_CONFIG, "splash"),
        text(dict::CHILLISPOT_CONFIG, "uamallowed=example.com"),
        text(dict::USER_NAME, "anna"),
        text(dict::REPLY_MESSAGE, "Welcome"),
    ]);
    let after = Terms { rates: (1, 1), ..terms() };
    let new = AttributeChange { reply, class: Vec::new(), before: terms(), after };
    let sent = changes(&new, Profile::of(Vendor::Coovachilli)).into_iter().map(shown);
    let of_the_operator: Vec<_> = sent.filter(|it| !it.contains("-Max-")).skip(3).collect();
    assert_eq!(of_the_operator, ["ChilliSpot-Config=uamallowed=example.com"]);
}

#[test]
fn limits_are_told_from_the_side_from_which_is_counted() {
    let of = |vendor| {
        let profile = Profile { view_point: ViewPoint::Client, ..Profile::of(vendor) };
        let sent = pairs(&limited(), profile).into_iter().map(shown);
        sent.filter(|it| ["put", "Recv", "Xmit"].iter().any(|way| it.contains(way))).collect()
    };
    let chilli: Vec<_> = of(Vendor::Coovachilli);
    assert_eq!(
        chilli,
        [
            "ChilliSpot-Max-Input-Octets=5",
            "ChilliSpot-Max-Input-Gigawords=2",
            "ChilliSpot-Max-Output-Octets=7",
        ]
    );
    let mikrotik: Vec<_> = of(Vendor::Mikrotik);
    assert_eq!(
        mikrotik,
        ["Mikrotik-Recv-Limit=5", "Mikrotik-Recv-Limit-Gigawords=2", "Mikrotik-Xmit-Limit=7"]
    );
}

#[test]
fn of_a_limit_in_two_halves_both_are_sent() {
    let new = |download: u64, vendor, word: &str| {
        let limit = Allowance { download: Some(download), ..terms().limit };
        let after = Terms { limit, ..terms() };
        let mut sent = changed(terms(), after, &[], vendor);
        sent.retain(|it| it.contains(word));
        sent.join(" ")
    };
    let mikrotik = |download| new(download, Vendor::Mikrotik, "Mikrotik");
    let xmit = "Mikrotik-Xmit-Limit=4 Mikrotik-Xmit-Limit-Gigawords=2";
    assert_eq!(mikrotik((2 << 32) + 4), xmit);
    // What is left out would stay.
    assert_eq!(mikrotik(5), "Mikrotik-Xmit-Limit=5 Mikrotik-Xmit-Limit-Gigawords=0");
    let chilli = |download| new(download, Vendor::Coovachilli, "-Max-Output");
    assert_eq!(chilli(5), "ChilliSpot-Max-Output-Octets=5 ChilliSpot-Max-Output-Gigawords=0");
    assert_eq!(chilli(0), "ChilliSpot-Max-Output-Octets=1 ChilliSpot-Max-Output-Gigawords=0");
}

#[test]
fn what_is_lifted_is_said_to_be_nought() {
    let after = Terms { rates: (0, 0), idle_timeout: 0, ..terms() };
    assert_eq!(
        RFC.map(|vendor| changed(terms(), after, &[], vendor).join(" ")),
        ["Idle-Timeout=0 Mikrotik-Rate-Limit=0/0", "Idle-Timeout=0"]
    );
}

#[test]
fn what_the_operator_gave_stays() {
    let limit = Allowance {
        time: Some(Duration::from_secs(7200)),
        download: Some(9 << 32),
        ..terms().limit
    };
    let after = Terms { limit, rates: (1, 512), idle_timeout: 1, ..terms() };
    let reply = [
        (dict::IDLE_TIMEOUT, 60),
        (dict::MIKROTIK_XMIT_LIMIT, 1000),
        (dict::CHILLISPOT_MAX_OUTPUT_OCTETS, 1000),
        (dict::SESSION_TIMEOUT, 7000),
    ];
    let sent = changed(terms(), after, &reply, Vendor::Mikrotik);
    assert_eq!(sent, ["Mikrotik-Rate-Limit=512k/1k"]);
    let sent = changed(terms(), after, &reply, Vendor::Coovachilli);
    for said in ["Session-Timeout=7000", "Idle-Timeout=60", "ChilliSpot-Max-Output-Octets=1000"] {
        assert!(sent.contains(&said.to_owned()), "{sent:?}");
    }
}
