//! Users and groups, as an operator and as a script manage them.

use std::fs::{self, File};
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::support::{Daemon, OPEN_API, program};

/// Exit code, standard output and standard error.
fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// `user password`, with these bytes on standard input.
fn set_password(daemon: &Daemon, username: &str, input: &[u8]) -> (i32, String, String) {
    let file = daemon.scratch.path().join("password");
    fs::write(&file, input).unwrap();
    let mut command = program();
    command.arg("-c").arg(daemon.config()).args(["user", "password", username]);
    told(&command.stdin(Stdio::from(File::open(file).unwrap())).output().unwrap())
}

fn json_of(daemon: &Daemon, arguments: &[&str]) -> Vec<Value> {
    serde_json::from_str(&daemon.cli_ok(&[arguments, &["--format", "json"]].concat())).unwrap()
}

/// Rows as `check Max-Daily-Session := 3600`, memberships as `group staff 5`.
fn shown(daemon: &Daemon, kind: &str, name: &str) -> Vec<String> {
    let text = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
    let line = |row: &Value| match row["priority"].as_i64() {
        Some(priority) => format!("{} {} {priority}", text(row, "list"), text(row, "name")),
        None => ["list", "attribute", "op", "value"].map(|field| text(row, field)).join(" "),
    };
    json_of(daemon, &[kind, "show", name, "--reveal"]).iter().map(line).collect()
}

fn refused(daemon: &Daemon, arguments: &[&str], reason: &str) {
    let (code, out, error) = told(&daemon.cli(arguments));
    assert_eq!((code, out.as_str()), (1, ""), "{arguments:?}: {error}");
    assert!(error.starts_with("hotspotd: ") && error.contains(reason), "{arguments:?}: {error}");
}

/// A user with rows in both lists and two groups.
fn with_jo() -> Daemon {
    let daemon = Daemon::start();
    daemon.cli_ok(&["user", "check", "Jo", "Max-Daily-Session := 3600", "Simultaneous-Use := 1"]);
    daemon.cli_ok(&["user", "reply", "jo", "Session-Timeout := 1800", "Reply-Message += \"a, b\""]);
    daemon.cli_ok(&["group", "reply", "staff", "Idle-Timeout := 300"]);
    daemon.cli_ok(&["user", "join", "jo", "staff", "--priority", "5"]);
    daemon.cli_ok(&["user", "join", "jo", "night"]);
    daemon
}

const JO: [&str; 6] = [
    "check Max-Daily-Session := 3600",
    "check Simultaneous-Use := 1",
    "reply Session-Timeout := 1800",
    "reply Reply-Message += a, b",
    "group night 1",
    "group staff 5",
];

#[test]
fn a_user_is_shown_for_people_and_for_programs() {
    let daemon = with_jo();
    assert_eq!(
        daemon.cli_ok(&["user", "show", "jo"]),
        "id  list   attribute          op  value\n\
         c1  check  Max-Daily-Session  :=  3600\n\
         c2  check  Simultaneous-Use   :=  1\n\
         r1  reply  Session-Timeout    :=  1800\n\
         r2  reply  Reply-Message      +=  a, b\n    \
             group  night                  priority 1\n    \
             group  staff                  priority 5\n"
    );
    let csv = daemon.cli_ok(&["user", "show", "jo", "--format", "csv"]);
    let lines: Vec<&str> = csv.split("\r\n").collect();
    assert_eq!(lines[0], "id,list,attribute,op,value,name,priority,ignored");
    assert_eq!(lines[4], "r2,reply,Reply-Message,+=,\"a, b\",,,");
    assert_eq!(lines[6], ",group,,,,staff,5,");
    assert_eq!(
        json_of(&daemon, &["user", "show", "jo"])[5],
        json!({"id": null, "list": "group", "attribute": null, "op": null, "value": null,
               "name": "staff", "priority": 5, "ignored": null})
    );
    assert_eq!(shown(&daemon, "user", "jo"), JO);
    assert_eq!(shown(&daemon, "group", "staff"), ["reply Idle-Timeout := 300", "member jo 5"]);
}

#[test]
fn lists_have_whoever_has_rows_or_a_group_and_say_what() {
    let daemon = with_jo();
    daemon.cli_ok(&["voucher", "create", "--username", "Room12"]);
    daemon.cli_ok(&["voucher", "create", "--username", "room13"]);
    daemon.cli_ok(&["user", "reply", "ROOM12", "Session-Timeout := 60"]);
    daemon.cli_ok(&["user", "join", "ann", "staff"]);
    assert_eq!(
        daemon.cli_ok(&["user", "list"]),
        "username  groups        check  reply  voucher\n\
         ann       staff         0      0      no\n\
         Jo        night, staff  2      2      no\n\
         ROOM12                  0      1      yes\n"
    );
    let listed = json_of(&daemon, &["user", "list"]);
    let jo = json!({"username": "Jo", "groups": ["night", "staff"], "check": 2, "reply": 2,
                    "voucher": false});
    assert_eq!((listed.len(), &listed[1]), (3, &jo));
    let csv = "group,members,check,reply\r\nnight,1,0,0\r\nstaff,2,0,1\r\n";
    assert_eq!(daemon.cli_ok(&["group", "list", "--format", "csv"]), csv);
    // A voucher is a user, also while nothing more is written down of it.
    assert_eq!(daemon.cli_ok(&["user", "show", "room13"]), "(none)\n");
}

#[test]
fn a_long_list_is_whole() {
    let daemon = Daemon::start();
    // Longer than what the daemon reads at once.
    for number in 0..300 {
        daemon.cli_ok(&["user", "join", &format!("user{number:03}"), "all"]);
    }
    let listed = json_of(&daemon, &["user", "list"]);
    let names: Vec<&str> = listed.iter().map(|row| row["username"].as_str().unwrap()).collect();
    let expected: Vec<String> = (0..300).map(|number| format!("user{number:03}")).collect();
    assert_eq!(names, expected);
    assert_eq!(shown(&daemon, "group", "all").len(), 300);
    assert_eq!(daemon.cli_ok(&["group", "remove", "all"]), "removed all (0 rows, 300 members)\n");
    assert_eq!(daemon.cli_ok(&["user", "list"]), "(none)\n");
}

#[test]
fn a_name_is_one_user_however_it_is_written() {
    let daemon = with_jo();
    daemon.cli_ok(&["user", "check", " JO ", "Max-Weekly-Session := 7200"]);
    assert_eq!(shown(&daemon, "user", "jO").len(), JO.len() + 1);
    daemon.cli_ok(&["user", "leave", "JO", "night"]);
    daemon.cli_ok(&["user", "unset", "JO", "max-daily-session"]);
    assert_eq!(shown(&daemon, "user", "jo").len(), JO.len() - 1);
    // Groups are compared exactly.
    refused(&daemon, &["user", "leave", "jo", "STAFF"], "jo is not in STAFF");
    daemon.cli_ok(&["user", "remove", "jO"]);
    assert_eq!(daemon.cli_ok(&["user", "list"]), "(none)\n");
}

#[test]
fn setting_an_attribute_again_replaces_it_and_adding_adds() {
    let daemon = with_jo();
    let again = ["user", "check", "jo", "max-daily-session := 60", "Login-Time := Al0800-2000"];
    assert_eq!(daemon.cli_ok(&again), "jo: 1 check row added, 1 replaced\n");
    let again = [
        "user",
        "reply",
        "jo",
        "Reply-Message += c",
        "Session-Timeout := 1",
        "Session-Timeout := 2",
    ];
    assert_eq!(daemon.cli_ok(&again), "jo: 1 reply row added, 1 replaced\n");
    let rows = shown(&daemon, "user", "jo");
    assert_eq!(
        rows[..6],
        [
            "check Max-Daily-Session := 60",
            "check Simultaneous-Use := 1",
            "check Login-Time := Al0800-2000",
            "reply Session-Timeout := 2",
            "reply Reply-Message += a, b",
            "reply Reply-Message += c",
        ]
    );
    // The same without quotes, as people type it.
    daemon.cli_ok(&["user", "check", "jo", "Max-Daily-Session", ":=", "90"]);
    assert_eq!(shown(&daemon, "user", "jo")[0], "check Max-Daily-Session := 90");
}

#[test]
fn of_several_rows_all_are_added_or_none() {
    let daemon = with_jo();
    let several = ["user", "check", "jo", "Max-All-Session := 5", "Nonsense := 1"];
    refused(&daemon, &several, "there is no attribute 'Nonsense'; none of the 2 rows was added");
    refused(&daemon, &["user", "unset", "jo", "Session-Timeout", "c99"], "jo has no row 'c99'");
    assert_eq!(shown(&daemon, "user", "jo"), JO);
    let rows: Vec<String> = (0..63).map(|number| format!("Reply-Message += {number}")).collect();
    let mut many = vec!["user", "reply", "jo"];
    many.extend(rows.iter().map(String::as_str));
    refused(&daemon, &many, "there may be 64 rows in a list");
    assert_eq!(shown(&daemon, "user", "jo"), JO);
    many.pop();
    assert_eq!(daemon.cli_ok(&many), "jo: 62 reply rows added\n");
    // One that takes the place of another needs no room.
    daemon.cli_ok(&["user", "reply", "jo", "Session-Timeout := 9"]);
    for number in 2..32 {
        daemon.cli_ok(&["user", "join", "jo", &format!("group{number}")]);
    }
    refused(&daemon, &["user", "join", "jo", "one-more"], "a user may be in 32 groups");
    daemon.cli_ok(&["user", "join", "jo", "staff", "--priority", "9"]);
}

#[test]
fn what_makes_no_sense_is_refused_with_what_to_write_instead() {
    let daemon = with_jo();
    let long = format!("Reply-Message := {}", "x".repeat(254));
    for (arguments, reason) in [
        (["user", "check", "jo", "Simultaneous-Use == 1"], "write Simultaneous-Use := 1"),
        (["user", "check", "jo", "Simultaneous-Us := 1"], "did you mean Simultaneous-Use?"),
        (["user", "check", "jo", "Max-Daily-Session := long"], "not 'long'"),
        (["group", "reply", "staff", "Max-Daily-Session := 5"], "among the checks"),
        (["user", "reply", "jo", "Reply-Message"], "write Attribute := value, as in"),
        (["user", "reply", "jo", &long], "253 octets"),
        (["user", "reply", " ", "Session-Timeout := 5"], "no username was given"),
        (["group", "reply", "", "Session-Timeout := 5"], "no group was given"),
        (["user", "unset", "jo", "Idle-Timeout"], "jo has no row 'Idle-Timeout'"),
        (["group", "unset", "staff", "c1"], "'hotspotd group show staff' lists"),
        (["user", "leave", "jo", "nowhere"], "'hotspotd user show jo' lists the groups"),
    ] {
        refused(&daemon, &arguments, reason);
    }
    for kind in ["user", "group"] {
        let reason = format!("there is no {kind} 'x'; 'hotspotd {kind} list' lists");
        refused(&daemon, &[kind, "show", "x"], &reason);
        refused(&daemon, &[kind, "remove", "x"], &reason);
    }
    daemon.cli_ok(&["voucher", "create", "--username", "room12"]);
    refused(&daemon, &["user", "remove", "room12"], "'hotspotd voucher remove' removes it");
    assert_eq!(shown(&daemon, "user", "jo"), JO);
    assert_eq!(daemon.vouchers().len(), 1);
}

#[test]
fn a_password_is_read_from_standard_input_and_shown_on_demand_only() {
    let daemon = Daemon::start();
    let said = |text: &str| (0, text.to_owned(), String::new());
    assert_eq!(set_password(&daemon, "jo", b"hunter2\n"), said("jo has a password\n"));
    daemon.cli_ok(&["user", "check", "jo", "NT-Password := 0123456789abcdef0123456789abcdef"]);
    for format in ["table", "csv", "json"] {
        let shown = daemon.cli_ok(&["user", "show", "jo", "--format", format]);
        assert_eq!(shown.matches("(hidden)").count(), 2, "{shown}");
        assert!(!shown.contains("hunter2") && !shown.contains("0123456789abcdef"), "{shown}");
    }
    let rows = shown(&daemon, "user", "jo");
    assert_eq!(rows[0], "check Cleartext-Password := hunter2");
    // A new one takes the place of every other; quotes are a part of it.
    assert_eq!(set_password(&daemon, "JO", b"\"q\"\r\n"), said("JO has a new password\n"));
    let rows = shown(&daemon, "user", "jo");
    assert_eq!(rows, [r#"check Cleartext-Password := "\"q\"""#]);
    for (input, reason) in [
        (&b""[..], "no password was given; nothing was changed"),
        (b"  \n", "no password was given; nothing was changed"),
        (b"a\tb\n", "password: must have no control characters"),
        (b"\xff\n", "the password is not UTF-8"),
    ] {
        let (code, out, error) = set_password(&daemon, "jo", input);
        assert_eq!((code, out.as_str()), (1, ""), "{input:?}");
        assert!(error.contains(reason), "{error}");
    }
    assert_eq!(shown(&daemon, "user", "jo"), rows);
    assert!(!daemon.log().contains("hunter2"), "{}", daemon.log());
}

#[test]
fn a_group_without_rows_may_be_joined_with_a_hint() {
    let daemon = Daemon::start();
    let (code, out, error) = told(&daemon.cli(&["user", "join", "jo", "Day guests"]));
    assert_eq!((code, out.as_str()), (0, "jo is in Day guests with priority 1\n"));
    assert!(error.contains("Day guests has no rows, so it changes nothing yet"), "{error}");
    daemon.cli_ok(&["group", "check", "Day guests", "Max-Daily-Session := 3600"]);
    let again = told(&daemon.cli(&["user", "join", "jo", "Day guests", "--priority=-3"]));
    let text = "jo is in Day guests with priority -3\n".to_owned();
    assert_eq!(again, (0, text.clone(), String::new()));
    // What was not given stays as it was.
    assert_eq!(daemon.cli_ok(&["user", "join", "jo", "Day guests"]), text);
    assert_eq!(daemon.cli_ok(&["user", "remove", "jo"]), "removed jo (0 rows, 1 group)\n");
    assert_eq!(
        daemon.cli_ok(&["group", "remove", "Day guests"]),
        "removed Day guests (1 row, 0 members)\n"
    );
    assert_eq!(daemon.cli_ok(&["group", "list"]), "(none)\n");
}

#[test]
fn it_is_all_there_after_a_power_cut_and_after_a_restore() {
    let mut daemon = with_jo();
    daemon.kill();
    daemon.launch();
    assert_eq!(shown(&daemon, "user", "jo"), JO);
    let backup = daemon.scratch.path().join("backup");
    let backup = backup.to_str().unwrap();
    daemon.cli_ok(&["backup", backup]);
    daemon.cli_ok(&["user", "remove", "jo"]);
    daemon.kill();
    daemon.launch();
    assert_eq!(told(&daemon.cli(&["user", "show", "jo"])).0, 1);
    daemon.cli_ok(&["restore", backup]);
    assert_eq!(shown(&daemon, "user", "jo"), JO);
}

#[test]
fn a_row_that_was_bent_by_hand_is_shown_with_what_is_wrong() {
    let mut daemon = with_jo();
    daemon.stop();
    let store = rusqlite::Connection::open(daemon.database()).unwrap();
    let bend = "UPDATE radcheck SET op = '==' WHERE id = 2";
    assert_eq!(store.execute(bend, []).unwrap(), 1);
    store.close().unwrap();
    daemon.launch();
    let shown = daemon.cli_ok(&["user", "show", "jo"]);
    assert!(shown.contains("Simultaneous-Use   ==  1  (ignored: Simultaneous-Use is"), "{shown}");
    let row = &json_of(&daemon, &["user", "show", "jo"])[1];
    assert!(row["ignored"].as_str().unwrap().contains("write Simultaneous-Use := 1"), "{row}");
}

#[test]
fn misuse_and_a_missing_daemon_have_their_codes() {
    for (line, reason) in [
        ("user", "after 'user' comes one of: list, show, password, check, reply, unset"),
        ("group frobnicate", "after 'group' comes one of: list, show, check, reply, unset, remove"),
        ("user list all", "it is 'user list'"),
        ("user check jo", "it is 'user check USERNAME 'ATTRIBUTE := VALUE' …'"),
        ("user unset jo", "it is 'user unset USERNAME ATTRIBUTE|ID …'"),
        ("user join jo", "it is 'user join USERNAME GROUP'"),
        ("group join jo staff", "after 'group' comes one of"),
        ("user password jo secret", "would stand in 'ps' and in the shell's history"),
        ("user join jo staff --priority high", "--priority must be a whole number"),
        ("user remove jo --reveal", "--reveal does not belong to 'user remove jo'"),
        ("user remove jo --format csv", "--format does not belong to 'user remove jo'"),
        ("user list --priority 1", "--priority does not belong to 'user list'"),
        ("group show staff --format xml", "--format must be table, csv or json"),
    ] {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (code, out, error) = told(&program().args(words).output().unwrap());
        assert_eq!((code, out.as_str()), (64, ""), "{line}: {error}");
        assert!(error.contains(reason) && !error.contains("secret"), "{line}: {error}");
    }
    let daemon = Daemon::prepared(OPEN_API, "");
    for line in ["user list", "group show x", "user check x A:=1", "user password x"] {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (code, out, error) = told(&daemon.cli(&words));
        assert_eq!((code, out.as_str()), (69, ""), "{line}: {error}");
        assert!(error.starts_with("hotspotd: no daemon is running"), "{error}");
    }
}
