//! Which rows make sense, and what is said of the others.

use super::*;

fn refused(list: List, attribute: &str, operator: &str, value: &str) -> String {
    Row::parse(list, attribute, operator, value).expect_err("such a row makes no sense")
}

#[test]
fn rows_that_make_sense_are_read() {
    use List::{Check, Reply};
    let rows = [
        (Check, "Cleartext-Password", ":=", "hello"),
        (Check, "Simultaneous-Use", ":=", "1"),
        (Check, "Max-Daily-Session", "+=", "3600"),
        (Check, "auth-type", "=", "reject"),
        (Check, "Auth-Type", ":=", "Local"),
        (Check, "NAS-Identifier", "==", "lobby"),
        (Check, "NAS-Identifier", "=", "lobby"),
        (Check, "Service-Type", "==", "Login-User"),
        (Check, "NAS-Port", "<", "5"),
        (Check, "Called-Station-Id", "=~", ":guest$"),
        (Check, "NAS-Port-Id", "!*", ""),
        (Check, "NAS-Port-Id", "=*", "ANY"),
        (Check, "Client-Shortname", "==", "lobby"),
        (Check, "Tunnel-Private-Group-Id:2", "==", "12"),
        (Reply, "Session-Timeout", ":=", "3600"),
        (Reply, "WISPr-Bandwidth-Max-Down", "=", "2000000"),
        (Reply, "Reply-Message", "+=", "Welcome"),
        (Reply, "Fall-Through", "=", "Yes"),
        (Reply, "Tunnel-Type:1", ":=", "VLAN"),
        (Reply, "Mikrotik-Rate-Limit", ":=", "1M/2M"),
    ];
    for (list, attribute, operator, value) in rows {
        let row = Row::parse(list, attribute, operator, value).unwrap();
        assert_eq!(row.operator.sign(), operator, "{attribute}");
    }
    let row = Row::parse(Check, "Expiration", ":=", "24 Dec 2026").unwrap();
    assert_eq!(row.value, Value::Text("24 Dec 2026".to_owned()));
    let row = Row::parse(Reply, "Tunnel-Type:1", ":=", "VLAN").unwrap();
    assert_eq!((row.tag, row.value), (1, Value::Integer(13)));
}

#[test]
fn rows_that_could_never_match_are_refused_with_what_to_write() {
    let cases = [
        ("Simultaneous-Use", "==", "1", "write Simultaneous-Use := 1"),
        ("Cleartext-Password", "==", "x", "write Cleartext-Password := …"),
        ("Cleartext-Password", "=", "x", "write Cleartext-Password := …"),
        ("User-Password", "==", "x", "write Cleartext-Password := …"),
        ("User-Password", ":=", "x", "write Cleartext-Password := …"),
        ("Password", "==", "x", "write Cleartext-Password := …"),
        ("Auth-Type", "==", "Reject", "write Auth-Type := Reject"),
        ("Auth-Type", ":=", "PAP", "leave it out"),
        ("Auth-Type", ":=", "5", "leave it out"),
        ("Session-Timeout", "==", "5", "among the replies"),
        ("Session-Timeout", ":=", "5", "among the replies"),
        ("Max-Data", "!*", "", "write Max-Data :="),
        ("Acct-Session-Time", ">", "5", "comes with accounting"),
        ("CHAP-Password", "=*", "", "part of the protocol"),
        ("NAS-Identifier", ":=", "lobby", "write NAS-Identifier == lobby"),
        ("Fall-Through", ":=", "Yes", "among the replies"),
        ("Expiration", ":=", "soon", "Expiration must be a date"),
        ("Huntgroup-Name", "==", "lobby", "Client-Shortname"),
        ("SQL-Group", "==", "staff", "into a group"),
        ("NAS-Identifier", "=~", "(lobby", "not closed"),
        ("NAS-Identifier", "=~", "", "1 to 253"),
        ("NAS-Identifier", "is", "lobby", "no operator"),
        ("NAS-Identifier:1", "==", "lobby", "no tags"),
        ("Tunnel-Type:32", "==", "VLAN", "up to 31"),
        ("Tunnel-Type:x", "==", "VLAN", "up to 31"),
        ("Simultaneous-Use", ":=", "one", "a number"),
        ("Service-Type", "==", "Login", "Login-User"),
        ("Client-Shortname", "==", "", "needs a value"),
        ("Login-Time", ":=", "sometimes", "Login-Time must be hours"),
        ("NT-Password", ":=", "hello", "NT-Password "),
        ("NAS-Identifier", "==", "`id`", "not expanded"),
        ("Attr-26.14988.99", "==", "0x00", "without a name"),
        ("", ":=", "x", "missing"),
    ];
    for (attribute, operator, value, advice) in cases {
        let refused = refused(List::Check, attribute, operator, value);
        assert!(refused.contains(advice), "{attribute} {operator} {value}: {refused}");
    }
}

#[test]
fn no_password_is_in_what_is_said() {
    for list in [List::Check, List::Reply] {
        for operator in ["==", "=", "=~", "!*", "<", "is"] {
            for attribute in ["Cleartext-Password", "User-Password", "Password", "Crypt-Password"] {
                let refused = refused(list, attribute, operator, "hunter2");
                assert!(!refused.contains("hunter2"), "{refused}");
            }
        }
    }
    let refused = Row::parse_line(List::Check, "Cleartext-Password hunter2").unwrap_err();
    assert!(!refused.contains("hunter2"), "{refused}");
}

#[test]
fn replies_that_would_do_nothing_are_refused() {
    let long = "x".repeat(254);
    let cases = [
        ("Session-Timeout", "==", "5", "write Session-Timeout := 5"),
        ("Session-Timeout", "<=", "5", "write Session-Timeout := 5"),
        ("Simultaneous-Use", ":=", "1", "among the checks"),
        ("Cleartext-Password", "=", "x", "among the checks"),
        ("NAS-Identifier", ":=", "lobby", "access point"),
        ("Acct-Session-Time", ":=", "5", "accounting"),
        ("Message-Authenticator", ":=", "0x00", "server itself"),
        ("MS-MPPE-Send-Key", ":=", "0x00", "server itself"),
        ("Reply-Message", ":=", &long, "room for 253"),
        ("Fall-Through", "=", "Maybe", "No, Yes"),
    ];
    for (attribute, operator, value, advice) in cases {
        let refused = refused(List::Reply, attribute, operator, value);
        assert!(refused.contains(advice), "{attribute} {operator} {value}: {refused}");
    }
}

#[test]
fn a_name_that_is_almost_right_is_recognised() {
    let cases = [
        ("Sesion-Timeout", Some("Session-Timeout")),
        ("WISPR-Bandwith-Max-Down", Some("WISPr-Bandwidth-Max-Down")),
        ("Cleartext_Password", Some("Cleartext-Password")),
        ("Idle_Time-out", Some("Idle-Timeout")),
        ("My-Own-Thing", None),
    ];
    for (typed, meant) in cases {
        let refused = refused(List::Check, typed, ":=", "1");
        let suggested =
            refused.split_once("did you mean ").map(|(_, rest)| rest.trim_end_matches('?'));
        assert_eq!(suggested, meant, "{refused}");
    }
}

#[test]
fn quotes_around_a_whole_value_are_taken_off() {
    let cases = [
        ("plain", "plain"),
        ("\"in quotes\"", "in quotes"),
        ("'in quotes'", "in quotes"),
        ("\"a \\\"b\\\"\\n\"", "a \"b\"\n"),
        ("'it\\'s \\d'", "it's \\d"),
        ("\"one\" and \"two\"", "\"one\" and \"two\""),
        ("\"open", "\"open"),
        ("\"", "\""),
    ];
    for (typed, meant) in cases {
        let row = Row::parse(List::Reply, "Reply-Message", ":=", typed).unwrap();
        assert_eq!(row.value, Value::Text(meant.to_owned()), "{typed}");
    }
}

#[test]
fn a_line_is_taken_apart_as_it_is_written() {
    let cases = [
        ("Session-Timeout := 3600", ["Session-Timeout", ":=", "3600"]),
        (" Session-Timeout:=3600 ", ["Session-Timeout", ":=", "3600"]),
        ("Reply-Message = \"Hello = world\"", ["Reply-Message", "=", "Hello = world"]),
        ("Reply-Message += Hello, world", ["Reply-Message", "+=", "Hello, world"]),
        ("Reply-Message = \"'quoted'\"", ["Reply-Message", "=", "\"'quoted'\""]),
        ("Tunnel-Type:1 := VLAN", ["Tunnel-Type:1", ":=", "VLAN"]),
        ("Tunnel-Type:1:=VLAN", ["Tunnel-Type:1", ":=", "VLAN"]),
    ];
    for (line, parts) in cases {
        let (attribute, operator, value) = Row::parse_line(List::Reply, line).unwrap();
        assert_eq!([&*attribute, &*operator, &*value], parts, "{line}");
        let again = Row::parse(List::Reply, &attribute, &operator, &value).unwrap();
        let (_, typed) = line.split_once(operator.as_str()).unwrap();
        let direct = Row::parse(List::Reply, &attribute, &operator, typed.trim()).unwrap();
        assert_eq!(again, direct, "{line}");
    }
    let (_, operator, value) = Row::parse_line(List::Check, "Service-Type==Login-User").unwrap();
    assert_eq!((&*operator, &*value), ("==", "Login-User"));
    let (_, operator, value) = Row::parse_line(List::Check, "NAS-Port-Id !*").unwrap();
    assert_eq!((&*operator, &*value), ("!*", ""));
    for line in ["", "Session-Timeout", ":= 5", "Session Timeout := 5", "Session-Timeout 5"] {
        assert!(
            Row::parse_line(List::Reply, line).unwrap_err().contains("write Attribute"),
            "{line}"
        );
    }
}

fn refused_line(list: List, line: &str) -> String {
    Row::parse_line(list, line).unwrap_err()
}

#[test]
fn both_names_of_chillispots_attributes_are_one_attribute() {
    for (one, other) in [
        ("CoovaChilli-Max-Total-Octets", "ChilliSpot-Max-Total-Octets"),
        ("coovachilli-bandwidth-max-up", "ChilliSpot-Bandwidth-Max-Up"),
        ("CoovaChilli-Inject-URL", "ChilliSpot-Inject-URL"),
    ] {
        let named = |name| Attribute::named(name).map(Attribute::name);
        assert_eq!((named(one), named(other)), (Some(other), Some(other)));
    }
    assert_eq!(Attribute::named("CoovaChilli-"), None);
    assert_eq!(Attribute::named("CoovaChilli-Idle-Timeout"), None);
}

#[test]
fn what_a_vendor_would_not_take_is_refused_with_what_to_write() {
    let told = refused_line(List::Reply, "Mikrotik-Total-Limit := 5000000000");
    for part in ["Mikrotik-Total-Limit := 705032704", "-Gigawords := 1", "Max-Data := 5000000000"] {
        assert!(told.contains(part), "{told}");
    }
    let told = refused_line(List::Reply, "CoovaChilli-Max-Input-Octets := 4294967296");
    assert!(told.ends_with(
        "write ChilliSpot-Max-Input-Octets := 0 and ChilliSpot-Max-Input-Gigawords := 1"
    ));
    assert!(refused_line(List::Reply, "Idle-Timeout := 5000000000").ends_with("not '5000000000'"));
    for limit in ["unlimited", "2M/8M/1M", "fast/slow", "2Mbit", "-1", "2M /"] {
        let told = refused_line(List::Reply, &format!("Mikrotik-Rate-Limit := {limit}"));
        assert!(told.contains("as in 2M/8M"), "{told}");
    }
    for limit in
        ["2M", "512k/2048k", "0/5000k", "2M/8M 4M/16M 1M/4M 8/8 5 1M/2M", "1M/1M 0/0 0/0 10s/10s"]
    {
        let line = format!("Mikrotik-Rate-Limit := {limit}");
        assert!(Row::parse_line(List::Reply, &line).is_ok(), "{limit}");
    }
}

#[test]
fn numbers_and_vendors_without_names_are_told_apart() {
    for (name, part) in [
        ("Attr-26.14823.1", "attributes of Aruba are not supported"),
        ("Attr-26.14559.10", "write ChilliSpot-Acct-View-Point"),
        ("Attr-27", "write Session-Timeout"),
        ("Attr-26.99999.1", "attributes without a name"),
        ("Attr-999", "attributes without a name"),
        ("Aruba-User-Role", "attributes of Aruba are not supported"),
        ("cisco-avpair", "attributes of Cisco are not supported"),
        ("Ruckus-User-Groups", "Tunnel-Private-Group-Id"),
    ] {
        let told = refused_line(List::Reply, &format!("{name} := 1"));
        assert!(told.contains(part), "{name}: {told}");
    }
}
