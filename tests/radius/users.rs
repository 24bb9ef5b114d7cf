//! What an operator writes down of users and groups. FreeRADIUS, asked the same with the same rows
//! in its database, is to answer the same.

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::ours::of_both;
use super::peers::{Answer, Ports, account, log_in, log_in_all};

/// Signs in by PAP, with the password that everybody has here.
#[track_caller]
fn sign_in(to: Ports, username: &str, more: &str) -> Answer {
    log_in(to, &request(username, more))
}

fn request(username: &str, more: &str) -> String {
    format!("User-Name = {username}\nUser-Password = pear\n{more}")
}

#[track_caller]
fn accepted(answer: &Answer) {
    assert_eq!(answer.code, "Access-Accept", "{answer:?}");
}

/// Every one is rejected; the sentences.
#[track_caller]
fn rejected(to: Ports, requests: &[String]) -> Vec<String> {
    let requests: Vec<&str> = requests.iter().map(String::as_str).collect();
    let answers = log_in_all(to, &requests);
    for (request, answer) in requests.iter().zip(&answers) {
        assert_eq!(answer.code, "Access-Reject", "{request}: {answer:?}");
    }
    answers.iter().map(|answer| answer.all("Reply-Message").join(" ")).collect()
}

of_both!(
    operators_of_replies,
    "check anna Cleartext-Password := pear
     reply anna Session-Timeout := 700
     reply anna Idle-Timeout = 60
     reply anna Idle-Timeout = 90
     reply anna Filter-Id += first
     reply anna Filter-Id += second
     reply anna Reply-Message = Good morning
     reply anna WISPr-Bandwidth-Max-Down := 2000000
     reply anna Framed-IP-Address := 10.1.2.3",
    |to| {
        let answer = sign_in(to, "anna", "");
        accepted(&answer);
        // An operator looks at what was there before its own list, never at its neighbours.
        assert_eq!(answer.all("Session-Timeout"), ["700"], "{answer:?}");
        assert_eq!(answer.all("Idle-Timeout"), ["60", "90"], "{answer:?}");
        assert_eq!(answer.all("Filter-Id"), ["first", "second"], "{answer:?}");
        assert_eq!(answer.all("Reply-Message"), ["Good morning"], "{answer:?}");
        assert_eq!(answer.all("WISPr-Bandwidth-Max-Down"), ["2000000"], "{answer:?}");
        assert_eq!(answer.all("Framed-IP-Address"), ["10.1.2.3"], "{answer:?}");
    }
);

of_both!(
    tunnels_carry_their_tag,
    "check anna Cleartext-Password := pear
     reply anna Tunnel-Type:1 := VLAN
     reply anna Tunnel-Medium-Type:1 := IEEE-802
     reply anna Tunnel-Private-Group-Id:1 := 42",
    |to| {
        let answer = sign_in(to, "anna", "");
        accepted(&answer);
        let names = ["Tunnel-Type:1", "Tunnel-Medium-Type:1", "Tunnel-Private-Group-Id:1"];
        let values = ["VLAN", "IEEE-802", "42"];
        assert_eq!(answer.only(&names), names.into_iter().zip(values).collect::<Vec<_>>());
    }
);

of_both!(
    comparisons,
    "check equal   NAS-Identifier == lobby
     check equal   Cleartext-Password := pear
     check unequal NAS-Identifier != lobby
     check unequal Cleartext-Password := pear
     check port    NAS-Port >= 10
     check port    NAS-Port < 20
     check port    Cleartext-Password := pear
     check like    Called-Station-Id =~ ^00-11-.*:Guests$
     check like    Cleartext-Password := pear
     check unlike  Called-Station-Id !~ Staff$
     check unlike  Cleartext-Password := pear
     check there   Calling-Station-Id =* any
     check there   Cleartext-Password := pear
     check away    Calling-Station-Id !* any
     check away    Cleartext-Password := pear
     reply equal   Filter-Id := never-without-the-check",
    |to| {
        let yes = [
            ("equal", "NAS-Identifier = lobby"),
            ("unequal", "NAS-Identifier = pool"),
            ("port", "NAS-Port = 10"),
            ("port", "NAS-Port = 19"),
            ("like", "Called-Station-Id = \"00-11-22-33-44-55:Guests\""),
            ("unlike", "Called-Station-Id = \"00-11-22-33-44-55:Guests\""),
            ("there", "Calling-Station-Id = \"00-11-22-33-44-55\""),
            ("away", ""),
        ];
        for (username, more) in yes {
            accepted(&sign_in(to, username, more));
        }
        let no = [
            ("equal", "NAS-Identifier = Lobby"),
            ("equal", ""),
            ("unequal", "NAS-Identifier = lobby"),
            ("port", "NAS-Port = 9"),
            ("port", "NAS-Port = 20"),
            ("port", ""),
            ("like", "Called-Station-Id = \"00-11-22-33-44-55:Staff\""),
            ("unlike", "Called-Station-Id = \"00-11-22-33-44-55:Staff\""),
            ("there", ""),
            ("away", "Calling-Station-Id = \"00-11-22-33-44-55\""),
        ];
        rejected(to, &no.map(|(username, more)| request(username, more)));
    }
);

const GROUPS: &str = "
    check      anna   Cleartext-Password := pear
    reply      anna   Filter-Id := of-anna
    member     anna   second 2
    member     anna   first  1
    member     anna   third  3
    groupcheck first  NAS-Identifier == lobby
    groupreply first  Session-Timeout := 100
    groupreply first  Filter-Id = of-first
    groupreply first  Fall-Through := Yes
    groupreply second Idle-Timeout := 200
    groupreply second Session-Timeout = 222
    groupreply third  Class := 0x7468697264

    check      berta  Cleartext-Password := pear
    reply      berta  Fall-Through := No
    member     berta  second 1

    member     carla  staff 1
    groupcheck staff  Cleartext-Password := pear
    groupreply staff  Filter-Id := of-staff
";

of_both!(groups_in_their_order, GROUPS, |to| {
    let names = ["Session-Timeout", "Idle-Timeout", "Filter-Id"];
    // The first group applies and lets the second follow, which ends it.
    let answer = sign_in(to, "anna", "NAS-Identifier = lobby");
    accepted(&answer);
    let mut found = answer.only(&names);
    found.sort_unstable();
    let expected = [("Filter-Id", "of-anna"), ("Idle-Timeout", "200"), ("Session-Timeout", "100")];
    assert_eq!(found, expected, "{answer:?}");
    assert!(!answer.all("Class").contains(&"0x7468697264"), "{answer:?}");
    assert!(answer.get("Fall-Through").is_none(), "{answer:?}");
    // The first group's check fails, so the second is the first to apply.
    let answer = sign_in(to, "anna", "NAS-Identifier = pool");
    accepted(&answer);
    assert_eq!(answer.all("Session-Timeout"), ["222"], "{answer:?}");
    assert_eq!(answer.all("Idle-Timeout"), ["200"], "{answer:?}");
    // Who says No has no groups.
    let answer = sign_in(to, "berta", "");
    accepted(&answer);
    assert!(answer.get("Idle-Timeout").is_none(), "{answer:?}");
    // A group's password is everybody's in it.
    let answer = sign_in(to, "carla", "");
    accepted(&answer);
    assert_eq!(answer.all("Filter-Id"), ["of-staff"], "{answer:?}");
});

of_both!(
    verdicts_without_a_password,
    "check      barred Cleartext-Password := pear
     check      barred Auth-Type := Reject
     reply      barred Reply-Message := Please ask at the desk
     check      free   Auth-Type := Accept
     reply      free   Session-Timeout := 300
     check      lost   Cleartext-Password := pear
     member     lost   banned 1
     groupcheck banned Auth-Type := Reject
     groupreply banned Reply-Message := The whole group is barred",
    |to| {
        let barred = [request("barred", ""), request("lost", "")];
        let sentences = rejected(to, &barred);
        assert!(sentences[0].contains("Please ask at the desk"), "{sentences:?}");
        assert!(sentences[1].contains("The whole group is barred"), "{sentences:?}");
        let answer = log_in(to, "User-Name = free");
        accepted(&answer);
        assert_eq!(answer.all("Session-Timeout"), ["300"], "{answer:?}");
        accepted(&log_in(to, "User-Name = free\nUser-Password = whatever"));
    }
);

fn session(username: &str, session: &str, status: &str, seconds: u32) -> String {
    format!(
        "User-Name = {username}\nAcct-Session-Id = {session}\nAcct-Status-Type = {status}\n\
         NAS-IP-Address = 127.0.0.1\nCalling-Station-Id = \"02-00-00-00-00-{session}\"\n\
         Acct-Session-Time = {seconds}\nAcct-Input-Octets = 1000\nAcct-Output-Octets = 2000"
    )
}

of_both!(
    simultaneous_use,
    "check      anna   Cleartext-Password := pear
     check      anna   Simultaneous-Use := 1
     check      berta  Cleartext-Password := pear
     member     berta  two 1
     groupcheck two    Simultaneous-Use := 2",
    |to| {
        accepted(&sign_in(to, "anna", "Calling-Station-Id = \"02-00-00-00-00-01\""));
        account(to, &session("anna", "01", "Start", 0));
        accepted(&sign_in(to, "berta", "Calling-Station-Id = \"02-00-00-00-00-03\""));
        account(to, &session("berta", "03", "Start", 0));
        accepted(&sign_in(to, "berta", "Calling-Station-Id = \"02-00-00-00-00-04\""));
        account(to, &session("berta", "04", "Start", 0));
        let another = |name| request(name, "Calling-Station-Id = \"02-00-00-00-00-09\"");
        let sentences = rejected(to, &[another("anna"), another("berta")]);
        for sentence in sentences {
            assert!(sentence.contains("You are already logged in"), "{sentence:?}");
        }
        account(to, &session("anna", "01", "Stop", 5));
        accepted(&log_in(to, &another("anna")));
    }
);

of_both!(
    so_much_a_day,
    "check anna Cleartext-Password := pear
     check anna Max-Daily-Session := 100",
    |to| {
        wait_for_the_new_day();
        let answer = sign_in(to, "anna", "");
        accepted(&answer);
        assert_eq!(answer.number("Session-Timeout"), 100, "{answer:?}");
        account(to, &session("anna", "01", "Start", 0));
        account(to, &session("anna", "01", "Stop", 40));
        let answer = sign_in(to, "anna", "");
        accepted(&answer);
        assert_eq!(answer.number("Session-Timeout"), 60, "{answer:?}");
        account(to, &session("anna", "02", "Start", 0));
        account(to, &session("anna", "02", "Stop", 60));
        let sentences = rejected(to, &[request("anna", "")]);
        assert!(sentences[0].contains("Your maximum"), "{sentences:?}");
        assert!(sentences[0].contains("has been reached"), "{sentences:?}");
    }
);

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Close to midnight, what is left of yesterday and what comes tomorrow get into it.
fn wait_for_the_new_day() {
    const DAY: u64 = 86_400;
    while !(120..DAY - 150).contains(&(now() % DAY)) {
        thread::sleep(Duration::from_secs(1));
    }
}

of_both!(
    expiration,
    "check past   Cleartext-Password := pear
     check past   Expiration := January 01 2024 12:00:00
     check future Cleartext-Password := pear
     check future Expiration := January 01 2037 12:00:00
     check capped Cleartext-Password := pear
     check capped Expiration := January 01 2037 12:00:00
     reply capped Session-Timeout := 500",
    |to| {
        rejected(to, &[request("past", "")]);
        let answer = sign_in(to, "future", "");
        accepted(&answer);
        // 1 January 2037, 12:00 UTC.
        let left = 2_114_424_000 - now();
        let given = answer.number("Session-Timeout");
        assert!((left..=left + 60).contains(&given), "{given} of {left}");
        assert_eq!(sign_in(to, "capped", "").number("Session-Timeout"), 500);
    }
);

/// Two hours that begin so many hours from now, as in a UUCP system's file.
fn hours(from_now: u64) -> String {
    let hour = |hours: u64| (now() / 3600 + hours) % 24;
    format!("Al{:02}00-{:02}59", hour(from_now), hour(from_now + 1))
}

mod login_time {
    use super::*;
    use crate::ours::Server;

    fn table() -> String {
        format!(
            "check open  Cleartext-Password := pear
             check open  Login-Time := {}
             check shut  Cleartext-Password := pear
             check shut  Login-Time := {}
             check always Cleartext-Password := pear
             check always Login-Time := Any0000-2359",
            hours(0),
            hours(10)
        )
    }

    fn case(server: Option<Server>) {
        let Some(server) = server else { return };
        let to = server.ports();
        let answer = sign_in(to, "open", "");
        accepted(&answer);
        let given = answer.number("Session-Timeout");
        assert!((3500..=7260).contains(&given), "{answer:?}");
        accepted(&sign_in(to, "always", ""));
        rejected(to, &[request("shut", "")]);
    }

    #[test]
    fn freeradius() {
        case(Server::anchor(&table()));
    }

    #[test]
    fn ours() {
        case(Server::ours(&table()));
    }
}
